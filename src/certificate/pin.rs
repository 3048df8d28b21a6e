//! Pins: the SHA-256 of a certificate (its DER) or of its public key (its SubjectPublicKeyInfo,
//! RFC 7469 §2.4), by which one server is known without asking an authority.
//!
//! A pin of the public key outlives the certificate's renewal with the same key; a pin of the
//! certificate does not. Refuses other hashes and other spellings than `sha256:HEX`.

use std::fmt;
use std::str::FromStr;

use ring::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;

use crate::failure::{Failure, Kind, Result};

/// The SHA-256 of a certificate or of a public key; written `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pin([u8; 32]);

impl Pin {
    /// Pins separated by commas, as `--tls-pin` takes them.
    ///
    /// # Errors
    /// `Usage` naming what is no pin.
    pub fn list(text: &str) -> Result<Vec<Self>> {
        text.split(',').map(|item| item.trim().parse()).collect()
    }

    /// The pin of a whole certificate.
    pub fn of_certificate(certificate: &CertificateDer<'_>) -> Self {
        Self::of(certificate)
    }

    /// The pin of a certificate's public key; `None` when the certificate cannot be read.
    pub fn of_public_key(certificate: &CertificateDer<'_>) -> Option<Self> {
        let parsed = ParsedCertificate::try_from(certificate).ok()?;
        Some(Self::of(&parsed.subject_public_key_info()))
    }

    /// Whether this is the pin of the certificate, or of its public key.
    pub fn matches(&self, certificate: &CertificateDer<'_>) -> bool {
        *self == Self::of_certificate(certificate)
            || Some(*self) == Self::of_public_key(certificate)
    }

    fn of(der: &[u8]) -> Self {
        let mut pin = [0; 32];
        pin.copy_from_slice(digest(&SHA256, der).as_ref());
        Self(pin)
    }
}

impl FromStr for Pin {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self> {
        let bad = || {
            Failure::new(Kind::Usage, format!("\"{text}\" is no pin")).with_hint(
                "sha256: and the 64 hexadecimal digits of a certificate's or its public key's SHA-256, as in \
                 `openssl x509 -in cert.pem -noout -fingerprint -sha256`",
            )
        };
        let (hash, hex) = text.split_once(':').ok_or_else(bad)?;
        let digits: Option<Vec<u8>> = hex
            .chars()
            .filter(|&c| c != ':')
            .map(|c| c.to_digit(16).and_then(|digit| digit.try_into().ok()))
            .collect();
        let digits = digits
            .filter(|digits| hash.eq_ignore_ascii_case("sha256") && digits.len() == 64)
            .ok_or_else(bad)?;
        let mut pin = [0; 32];
        for (octet, pair) in pin.iter_mut().zip(digits.chunks_exact(2)) {
            *octet = pair[0] << 4 | pair[1];
        }
        Ok(Self(pin))
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Of no octets (FIPS 180-4).
    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn it_is_read_in_any_spelling_of_hexadecimal() {
        let pin = Pin::of(b"");
        assert_eq!(pin.to_string(), EMPTY);
        let digits = &EMPTY["sha256:".len()..];
        let pairs: Vec<&str> = (0..32).map(|n| &digits[2 * n..2 * n + 2]).collect();
        for text in [
            EMPTY.to_owned(),
            EMPTY.to_uppercase(),
            format!("sha256:{}", pairs.join(":").to_uppercase()),
        ] {
            assert_eq!(text.parse::<Pin>().unwrap(), pin, "{text}");
        }
    }

    #[test]
    fn several_are_separated_by_commas() {
        let other = Pin::of(b"x");
        let list = Pin::list(&format!("{EMPTY}, {other}")).unwrap();
        assert_eq!(list, [Pin::of(b""), other]);
    }

    #[test]
    fn what_is_no_pin_is_refused() {
        let digits = &EMPTY["sha256:".len()..];
        for text in [
            "",
            digits,
            "sha256:",
            &EMPTY[..EMPTY.len() - 1],
            &format!("{EMPTY}0"),
            &format!("sha1:{digits}"),
            &format!("{EMPTY},"),
            &format!("sha256:{}", digits.replace('e', "+")),
            "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        ] {
            assert_eq!(Pin::list(text).unwrap_err().kind, Kind::Usage, "{text}");
        }
    }
}
