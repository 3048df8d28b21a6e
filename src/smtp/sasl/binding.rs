//! Channel binding: what only the two ends of one TLS connection know (RFC 5056).
//!
//! Owns what a mechanism that ends in -PLUS is bound to: `tls-exporter` (RFC 9266) with TLS 1.3, and
//! with TLS 1.2 `tls-server-end-point` (RFC 5929 §4), the hash of the server's certificate. The
//! `tls-unique` of old is not there: it cannot be had from TLS 1.3, and not safely from TLS 1.2.

use ring::digest;
use rustls::{ClientConnection, ProtocolVersion};
use x509_cert::der::Decode as _;
use x509_cert::der::oid::ObjectIdentifier;

/// What a connection can be known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binding {
    /// Its type, by its registered name.
    pub(super) name: &'static str,
    pub(super) data: Vec<u8>,
}

impl Binding {
    /// That of this connection, if there is one.
    pub(crate) fn of(tls: &ClientConnection) -> Option<Self> {
        if tls.protocol_version() == Some(ProtocolVersion::TLSv1_3) {
            let data = tls
                .export_keying_material(vec![0; 32], b"EXPORTER-Channel-Binding", None)
                .ok()?;
            return Some(Self {
                name: "tls-exporter",
                data,
            });
        }
        let certificate = tls.peer_certificates()?.first()?;
        Some(Self {
            name: "tls-server-end-point",
            data: end_point(certificate)?,
        })
    }

    /// Whether every server that knows -PLUS can be expected to know this type: RFC 9266 §3 makes it
    /// the default of TLS 1.3. That of TLS 1.2 is `tls-unique` (RFC 5802 §6), which is not ours.
    pub(super) fn is_default(&self) -> bool {
        self.name == "tls-exporter"
    }
}

/// The hash of a certificate, by the hash function of its signature. `None` where that names no
/// single one (§4.1): Ed25519, and RSASSA-PSS, which has it among its parameters.
fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let parsed = x509_cert::Certificate::from_der(certificate).ok()?;
    let algorithm = hash(parsed.signature_algorithm().oid)?;
    Some(digest::digest(algorithm, certificate).as_ref().to_vec())
}

fn hash(signature: ObjectIdentifier) -> Option<&'static digest::Algorithm> {
    Some(match signature.to_string().as_str() {
        // RSA with MD5 and SHA-1, ECDSA with SHA-1: §4.1 puts SHA-256 in their place.
        "1.2.840.113549.1.1.4" | "1.2.840.113549.1.1.5" | "1.2.840.10045.4.1" => &digest::SHA256,
        "1.2.840.113549.1.1.11" | "1.2.840.10045.4.3.2" => &digest::SHA256,
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => &digest::SHA384,
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => &digest::SHA512,
        _ => return None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn signed_with(algorithm: &'static rcgen::SignatureAlgorithm) -> Vec<u8> {
        let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let params = rcgen::CertificateParams::new(vec!["mail.test".to_owned()]).unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn the_end_point_is_the_certificate_by_the_hash_of_its_signature() {
        let certificate = signed_with(&rcgen::PKCS_ECDSA_P256_SHA256);
        let expected = digest::digest(&digest::SHA256, &certificate);
        assert_eq!(end_point(&certificate).unwrap(), expected.as_ref());
        let certificate = signed_with(&rcgen::PKCS_ECDSA_P384_SHA384);
        let expected = digest::digest(&digest::SHA384, &certificate);
        assert_eq!(end_point(&certificate).unwrap(), expected.as_ref());
    }

    #[test]
    fn a_signature_without_a_hash_of_its_own_binds_nothing() {
        assert_eq!(end_point(&signed_with(&rcgen::PKCS_ED25519)), None);
        assert_eq!(end_point(b"no certificate"), None);
    }
}
