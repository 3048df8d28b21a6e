//! Private keys in PEM files (RFC 7468): finding the one that is there, and saying what is there instead.
//!
//! Owns the container alone; what a key is good for, its user says. Refuses keys that are encrypted:
//! nobody is there to be asked. What is read is handed on, to be zeroed by whoever has taken it apart.

use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::{PemObject as _, SectionKind};

use crate::failure::{Failure, Kind, Result};
use crate::secret::Secret;

/// The first private key in a PEM file (PKCS #8, PKCS #1 or SEC 1, not encrypted), whatever else is in it.
///
/// # Errors
/// `Config` when there is none, or when it is encrypted. What the file holds is not quoted.
pub(crate) fn from_pem(pem: &Secret) -> Result<PrivateKeyDer<'static>> {
    let bad = |words: &str| Failure::new(Kind::Config, words);
    let pem = pem.expose();
    if is_encrypted(pem) {
        return Err(bad("the private key is encrypted").with_hint(
            "write it without its passphrase: openssl pkey -in KEY -out PLAIN; chmod 600 PLAIN",
        ));
    }
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
        let words = "no private key in it (-----BEGIN PRIVATE KEY-----)";
        match instead(pem) {
            Some(what) => bad(&format!("{words}, but {what}")),
            None => bad(words),
        }
    })
}

/// By PKCS #8 (RFC 7468 §11), or in the older way by a header line (RFC 1421 §4.6.1.1).
fn is_encrypted(pem: &[u8]) -> bool {
    pem.split(|&octet| octet == b'\n').any(|line| {
        line.starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
            || line.starts_with(b"Proc-Type: 4,ENCRYPTED")
    })
}

/// What is easily taken for a private key, where it is in the file.
fn instead(pem: &[u8]) -> Option<&'static str> {
    let sections = <(SectionKind, Vec<u8>)>::pem_slice_iter(pem);
    sections.flatten().find_map(|(kind, _)| match kind {
        SectionKind::PublicKey => Some("a public one"),
        SectionKind::Certificate => Some("a certificate"),
        _ => None,
    })
}
