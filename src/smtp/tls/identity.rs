//! The certificate by which a client shows who it is, where a server asks for one (RFC 8446 §4.4.2),
//! and its private key. Refuses a key that is encrypted, and one that is not the certificate's: both
//! are found before anything is connected.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{Error, InconsistentKeys};
use zeroize::Zeroize as _;

use crate::failure::{Failure, Kind, Result};
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
        let key = private_key(key.expose())?;
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

fn private_key(pem: &[u8]) -> Result<Arc<dyn rustls::sign::SigningKey>> {
    let bad = |words: &str| Failure::new(Kind::Config, words);
    if is_encrypted(pem) {
        return Err(bad("the private key is encrypted").with_hint(
            "write it without its passphrase: openssl pkey -in KEY -out PLAIN; chmod 600 PLAIN",
        ));
    }
    // What the parser says may quote the file.
    let mut key = PrivateKeyDer::from_pem_slice(pem)
        .map_err(|_| bad("no private key in it (-----BEGIN PRIVATE KEY-----)"))?;
    let usable = any_supported_type(&key).map_err(|_| {
        bad("the private key is of a kind that is not supported")
            .with_hint("RSA (2048 to 4096 bits), ECDSA (P-256, P-384) and Ed25519 are")
    });
    key.zeroize();
    usable
}

/// By PKCS #8 (RFC 7468 §11), or in the older way by a header line (RFC 1421 §4.6.1.1).
fn is_encrypted(pem: &[u8]) -> bool {
    pem.split(|&octet| octet == b'\n').any(|line| {
        line.starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
            || line.starts_with(b"Proc-Type: 4,ENCRYPTED")
    })
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.cert.len();
        write!(f, "Identity({count} certificates, key ***)")
    }
}
