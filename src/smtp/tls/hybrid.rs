//! The key exchange X25519MLKEM768: X25519 together with ML-KEM-768 (FIPS 203), so that what is
//! recorded today cannot be read by a quantum computer later (draft-ietf-tls-ecdhe-mlkem).
//!
//! Both secrets go into the key, one behind the other: whoever breaks one of the two has gained
//! nothing. Owns their order and lengths alone; the arithmetic is `ring`'s and `ml-kem`'s. A server
//! that does not know it takes the X25519 share, which leaves in the same ClientHello.

use ml_kem::{Ciphertext, Decapsulate as _, DecapsulationKey, KeyExport as _, MlKem768, Seed};
use rustls::crypto::ring::kx_group::X25519;
use rustls::crypto::{ActiveKeyExchange, SharedSecret, SupportedKxGroup};
use rustls::ffdhe_groups::FfdheGroup;
use rustls::{Error, NamedGroup, PeerMisbehaved, ProtocolVersion};
use zeroize::Zeroizing;

/// Octets of an ML-KEM-768 ciphertext (FIPS 203 §8, table 3).
const CIPHERTEXT: usize = 1088;
/// Octets of each of the two secrets.
const SECRET: usize = 32;

/// X25519MLKEM768, for clients.
#[derive(Debug)]
pub(super) struct X25519MlKem768;

impl SupportedKxGroup for X25519MlKem768 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let classical = X25519.start()?;
        let mut seed = Zeroizing::new(Seed::default());
        getrandom::fill(&mut seed).map_err(|_| Error::FailedToGetRandomBytes)?;
        let key = DecapsulationKey::from_seed(*seed);
        let mut share = key.encapsulation_key().to_bytes().to_vec();
        share.extend_from_slice(classical.pub_key());
        Ok(Box::new(Started {
            classical,
            key,
            share,
        }))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519MLKEM768
    }

    fn usable_for_version(&self, version: ProtocolVersion) -> bool {
        version == ProtocolVersion::TLSv1_3
    }
}

/// Our half of an exchange.
struct Started {
    classical: Box<dyn ActiveKeyExchange>,
    key: DecapsulationKey<MlKem768>,
    /// What the server gets of both: ML-KEM's first.
    share: Vec<u8>,
}

impl ActiveKeyExchange for Started {
    fn complete(self: Box<Self>, share: &[u8]) -> Result<SharedSecret, Error> {
        let invalid = || Error::PeerMisbehaved(PeerMisbehaved::InvalidKeyShare);
        let (ciphertext, classical) = share.split_at_checked(CIPHERTEXT).ok_or_else(invalid)?;
        let ciphertext = Ciphertext::<MlKem768>::try_from(ciphertext).map_err(|_| invalid())?;
        let classical = self.classical.complete(classical)?;
        let post_quantum = Zeroizing::new(self.key.decapsulate(&ciphertext));
        // Room for both from the start: growing would leave a copy behind.
        let mut secret = Vec::with_capacity(2 * SECRET);
        secret.extend_from_slice(&post_quantum);
        secret.extend_from_slice(classical.secret_bytes());
        Ok(SharedSecret::from(secret))
    }

    fn hybrid_component(&self) -> Option<(NamedGroup, &[u8])> {
        Some((self.classical.group(), self.classical.pub_key()))
    }

    fn complete_hybrid_component(self: Box<Self>, share: &[u8]) -> Result<SharedSecret, Error> {
        self.classical.complete(share)
    }

    fn pub_key(&self) -> &[u8] {
        &self.share
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519MLKEM768
    }
}
