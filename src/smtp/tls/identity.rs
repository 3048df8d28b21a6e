//! The certificate by which a client shows who it is, where a server asks for one (RFC 8446 §4.4.2),
//! and its private key. Refuses a key that is encrypted, and one that is not the certificate's: both
//! are found before anything is connected.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{Error, InconsistentKeys};
use zeroize::Zeroize as _;

use crate::failure::{Failure, Kind, Result};
use crate::private_key;
use crate::secret::Secret;

/// A client's certificate with its private key. `Debug` does not show the key.
#[derive(Clone)]
pub struct Identity(Arc<CertifiedKey>);

impl Identity {
    /// Reads a PEM file of certificates, the client's own first, and one with its private key
    /// (PKCS #8, PKCS #1 or SEC 1, not encrypted). Both may be the same.
    ///
    /// # Errors
    /// `Config` when there is no certificate or no key in them, when the key is encrypted or of a
    /// kind that cannot be used, or when it is not the certificate's.
    pub fn from_pem(certificates: &[u8], key: &Secret) -> Result<Self> {
        let bad = |words: String| Failure::new(Kind::Config, words);
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificates)
            .collect::<std::result::Result<_, _>>()
            .map_err(|error| bad(format!("not a PEM file of certificates: {error}")))?;
        if chain.is_empty() {
            let words = "no certificate in it (-----BEGIN CERTIFICATE-----)";
            return Err(bad(words.to_owned()));
        }
        let key = signing_key(key)?;
        let identity = CertifiedKey::new(chain, key);
        match identity.keys_match() {
            Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => {
                Ok(Self(Arc::new(identity)))
            }
            Err(Error::InconsistentKeys(_)) => Err(bad(
                "the private key is not that of the certificate".to_owned(),
            )
            .with_hint(
                "the client's own certificate stands first in its file, the authorities' behind it",
            )),
            Err(error) => Err(bad(format!("the certificate cannot be used: {error}"))),
        }
    }

    /// Shows the certificate to every server that asks.
    pub(super) fn resolver(&self) -> Arc<SingleCertAndKey> {
        Arc::new(SingleCertAndKey::from(Arc::clone(&self.0)))
    }
}

fn signing_key(pem: &Secret) -> Result<Arc<dyn rustls::sign::SigningKey>> {
    let mut key = private_key::from_pem(pem)?;
    let usable = any_supported_type(&key).map_err(|_| {
        Failure::new(
            Kind::Config,
            "the private key is of a kind that is not supported",
        )
        .with_hint("RSA (2048 to 4096 bits), ECDSA (P-256, P-384) and Ed25519 are")
    });
    key.zeroize();
    usable
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.cert.len();
        write!(f, "Identity({count} certificates, key ***)")
    }
}
