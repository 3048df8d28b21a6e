//! The private key of a domain, and the two algorithms that receivers verify: rsa-sha256 (RFC 8301,
//! RFC 6376 §3.3.2) and ed25519-sha256 (RFC 8463). Refuses RSA keys of less than 2048 bits, and
//! keys of other kinds, before anything is signed.

use std::fmt;

use ring::digest::{SHA256, digest};
use ring::error::KeyRejected;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use zeroize::Zeroize as _;

use crate::failure::{Failure, Kind, Result};
use crate::private_key;
use crate::secret::Secret;

/// A key to sign with. `Debug` does not show it.
pub(super) enum Key {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

impl Key {
    /// The key in a PEM file.
    ///
    /// # Errors
    /// `Config` when there is none that can be used, with the command that makes one.
    pub(super) fn from_pem(pem: &Secret) -> Result<Self> {
        let mut der = private_key::from_pem(pem)?;
        let key = Self::from_der(&der);
        der.zeroize();
        key.map_err(|words| {
            Failure::new(Kind::Config, words).with_hint(
                "RSA keys of 2048 to 4096 bits and Ed25519 keys sign: \
                 openssl genrsa -out KEY 2048, or openssl genpkey -algorithm ed25519 -out KEY",
            )
        })
    }

    fn from_der(der: &PrivateKeyDer<'_>) -> std::result::Result<Self, String> {
        let rsa = match der {
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(der) => {
                let der = der.secret_pkcs8_der();
                // Most programs write it without its public half.
                if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
                    return Ok(Self::Ed25519(Box::new(key)));
                }
                RsaKeyPair::from_pkcs8(der)
            }
            _ => return Err("an EC key, which no receiver can verify".to_owned()),
        };
        rsa.map(|key| Self::Rsa(Box::new(key)))
            .map_err(|why| refused(&why))
    }

    /// Its name in a signature.
    pub(super) fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "rsa-sha256",
            Self::Ed25519(_) => "ed25519-sha256",
        }
    }

    /// The signature of these octets.
    ///
    /// # Errors
    /// `Config` when the parts of an RSA key do not belong together.
    pub(super) fn sign(&self, octets: &[u8]) -> Result<Vec<u8>> {
        match self {
            // The algorithm signs the hash (RFC 8463 §3).
            Self::Ed25519(key) => {
                let hash = digest(&SHA256, octets);
                Ok(key.sign(hash.as_ref()).as_ref().to_vec())
            }
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                let random = SystemRandom::new();
                match key.sign(&RSA_PKCS1_SHA256, &random, octets, &mut signature) {
                    Ok(()) => Ok(signature),
                    Err(_) => Err(Failure::new(Kind::Config, DAMAGED)),
                }
            }
        }
    }
}

const DAMAGED: &str = "the RSA key is damaged: its parts do not belong together";

/// Why an RSA key is none to sign with, in words.
fn refused(why: &KeyRejected) -> String {
    match why.to_string().as_str() {
        "TooSmall" => "an RSA key of less than 2048 bits, which receivers do not trust".to_owned(),
        "TooLarge" => "an RSA key of more than 4096 bits".to_owned(),
        "WrongAlgorithm" => "a key that is neither RSA nor Ed25519".to_owned(),
        "InconsistentComponents" => DAMAGED.to_owned(),
        other => format!("the private key cannot be used ({other})"),
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, ***)", self.algorithm())
    }
}
