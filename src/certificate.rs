//! What a server's certificate says of itself, for people: who, by whom, for which names, how long,
//! and its pins. Nothing here decides whether it is believed; `smtp::tls` does.

mod pin;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::SystemTime;

use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::time::Time;

pub use pin::Pin;

use crate::failure::printable;

/// What the server's own certificate says, whether it is believed or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Whom it names, as in `CN=mail.example.com`; may be empty.
    pub subject: String,
    /// Who issued it; the same as `subject` when it is self-signed.
    pub issuer: String,
    /// The host names and addresses it is for (subjectAltName), in its order.
    pub names: Vec<String>,
    /// From when on it is valid.
    pub not_before: SystemTime,
    /// Until when it is valid.
    pub not_after: SystemTime,
    /// The pin of the certificate.
    pub pin: Pin,
    /// The pin of its public key; `None` when the key cannot be read.
    pub public_key_pin: Option<Pin>,
    /// How many certificates the server sent, this one included.
    pub chain_length: usize,
}

impl CertificateFacts {
    /// The facts of the first certificate of `chain`; `None` when there is none, or it cannot be read.
    pub fn of(chain: &[CertificateDer<'_>]) -> Option<Self> {
        let own = chain.first()?;
        let certificate = Certificate::from_der(own).ok()?;
        let tbs = certificate.tbs_certificate();
        let names = tbs.get_extension::<SubjectAltName>().ok().flatten();
        Some(Self {
            subject: printable(&tbs.subject().to_string()),
            issuer: printable(&tbs.issuer().to_string()),
            names: names
                .iter()
                .flat_map(|(_, names)| &names.0)
                .filter_map(host)
                .collect(),
            not_before: instant(tbs.validity().not_before),
            not_after: instant(tbs.validity().not_after),
            pin: Pin::of_certificate(own),
            public_key_pin: Pin::of_public_key(own),
            chain_length: chain.len(),
        })
    }

    /// Whole days from `now` until it is no longer valid; negative when that has passed.
    pub fn days_left(&self, now: SystemTime) -> i64 {
        const DAY: i64 = 86_400;
        let seconds = match self.not_after.duration_since(now) {
            Ok(left) => left.as_secs().try_into().unwrap_or(i64::MAX),
            Err(past) => -past.duration().as_secs().try_into().unwrap_or(i64::MAX),
        };
        seconds.div_euclid(DAY)
    }

    /// Whether it was issued by whom it names.
    pub fn is_self_signed(&self) -> bool {
        self.subject == self.issuer
    }
}

fn instant(time: Time) -> SystemTime {
    SystemTime::UNIX_EPOCH + time.to_unix_duration()
}

/// A host's name or address; `None` for what names no host.
fn host(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(printable(name.as_str())),
        GeneralName::IpAddress(octets) => {
            let octets = octets.as_bytes();
            let v4 = <[u8; 4]>::try_from(octets).map(|v4| IpAddr::from(Ipv4Addr::from(v4)));
            let v6 = || <[u8; 16]>::try_from(octets).map(|v6| IpAddr::from(Ipv6Addr::from(v6)));
            v4.or_else(|_| v6()).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}
