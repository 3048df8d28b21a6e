//! The words for a handshake that failed: what was wrong with the certificate, and what to do.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error};

use super::TlsVersion;
use crate::certificate::CertificateFacts;
use crate::failure::{Failure, Kind, printable};

/// Puts a failed handshake into words. `name` is what the certificate had to be valid for,
/// `minimum` the least version that was asked for; `has_identity` whether we have a certificate to show.
pub(super) fn handshake(
    error: &Error,
    seen: Option<&CertificateFacts>,
    name: &str,
    minimum: TlsVersion,
    has_identity: bool,
) -> Failure {
    let tls = |words: String| Failure::new(Kind::Tls, format!("TLS handshake: {words}"));
    match error {
        Error::InvalidCertificate(problem) => certificate(problem, seen, name),
        Error::InvalidMessage(_) => Failure::new(
            Kind::Protocol,
            "TLS handshake: the server's answer is not TLS",
        )
        .with_hint("this port may expect plain SMTP with STARTTLS: try --tls starttls"),
        Error::AlertReceived(alert) => {
            refused_certificate(*alert).unwrap_or_else(|| {
                let refused = tls(format!("refused by the server (alert {alert:?})"));
                match (alert, minimum) {
                    (AlertDescription::ProtocolVersion, TlsVersion::V1_3) => refused.with_hint(NO_1_3),
                    // So a server that demands a certificate says it by TLS 1.2 (RFC 5246 §7.4.6).
                    (AlertDescription::HandshakeFailure, _) if !has_identity => refused.with_hint(
                        "it may want a certificate of the client (--client-cert), or speak no cipher that is safe today",
                    ),
                    _ => refused,
                }
            })
        }
        Error::PeerIncompatible(_) => tls(error.to_string()).with_hint(match minimum {
            TlsVersion::V1_3 => NO_1_3,
            TlsVersion::V1_2 => {
                "the server speaks no TLS version or cipher that is safe today (TLS 1.2 is the least)"
            }
        }),
        _ => tls(error.to_string()),
    }
}

/// What to do about a certificate with the right pin that is not good by its authority.
pub(super) const BOTH: &str = "its pin is right, but together with --ca-file or --trust both have to hold: without \
                               these the pin is enough";

const NO_1_3: &str = "the server may speak TLS 1.2 only, and --tls-min 1.3 demands more";

/// What an alert means by which a server says that it wants another certificate of the client, or
/// one at all. Under TLS 1.3 it comes when the handshake is over for the client.
pub(crate) fn refused_certificate(alert: AlertDescription) -> Option<Failure> {
    use AlertDescription as Alert;
    let (words, hint) = match alert {
        Alert::CertificateRequired | Alert::NoCertificate => (
            "the server demands a certificate of the client",
            "give one with --client-cert and --client-key",
        ),
        Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::UnknownCA => (
            "the server does not accept the client's certificate",
            "ask its administrator who has to issue it (--client-cert)",
        ),
        _ => return None,
    };
    let words = format!("TLS handshake: {words} (alert {alert:?})");
    Some(Failure::new(Kind::Tls, words).with_hint(hint))
}

fn certificate(problem: &CertificateError, seen: Option<&CertificateFacts>, name: &str) -> Failure {
    let (words, hint) = match problem {
        CertificateError::ApplicationVerificationFailure => not_pinned(seen),
        CertificateError::UnknownIssuer => unknown_issuer(seen),
        other => judged(other, name),
    };
    let mut message = "TLS certificate not valid: ".to_owned();
    let subject = seen
        .map(|facts| &facts.subject)
        .filter(|subject| !subject.is_empty());
    let _ = match subject {
        Some(subject) => write!(message, "\"{subject}\": {words}"),
        None => write!(message, "{words}"),
    };
    Failure::new(Kind::Tls, message).with_hint(hint)
}

fn not_pinned(seen: Option<&CertificateFacts>) -> (String, String) {
    let mut words = "not the one that is pinned".to_owned();
    if let Some(facts) = seen {
        let _ = write!(words, ": its pin is {}", facts.pin);
        if let Some(pin) = facts.public_key_pin {
            let _ = write!(words, ", its public key's {pin}");
        }
    }
    let hint = "nothing was sent; give the new pin with --tls-pin if the server's administrator confirms it, otherwise \
                somebody may be on the line";
    (words, hint.to_owned())
}

fn unknown_issuer(seen: Option<&CertificateFacts>) -> (String, String) {
    let (words, hint) = match seen {
        Some(facts) if facts.is_self_signed() => (
            "self-signed".to_owned(),
            "for a server of your own, give its certificate's authority with --ca-file, or its pin with --tls-pin",
        ),
        Some(facts) => (
            format!("issued by \"{}\", which is not trusted", facts.issuer),
            "for a company's own authority use --trust system or --ca-file; otherwise somebody may be on the line",
        ),
        None => (
            "issued by an authority that is not trusted".to_owned(),
            "use --ca-file for a server of your own",
        ),
    };
    (words, hint.to_owned())
}

/// What webpki found.
fn judged(problem: &CertificateError, name: &str) -> (String, String) {
    const REPLACE: &str = "the server's administrator must replace it";
    const SUSPECT: &str =
        "somebody may be on the line; otherwise the server's administrator must replace it";
    let (words, hint) = match problem {
        CertificateError::ExpiredContext { not_after, .. } => (
            format!("expired on {}", date(*not_after)),
            "the server's administrator must renew it; check this machine's clock too",
        ),
        CertificateError::NotValidYetContext { not_before, .. } => {
            let hint = format!(
                "check this machine's clock: it says {}",
                date(UnixTime::now())
            );
            return (format!("not valid before {}", date(*not_before)), hint);
        }
        CertificateError::NotValidForNameContext { presented, .. } => (
            wrong_name(presented, name),
            "name the server as its certificate does (--server, or --tls-name)",
        ),
        CertificateError::InvalidPurposeContext { .. } | CertificateError::InvalidPurpose => (
            "not made for servers (its extended key usage lacks serverAuth)".to_owned(),
            REPLACE,
        ),
        CertificateError::BadSignature => {
            ("not signed by the authority it names".to_owned(), SUSPECT)
        }
        CertificateError::Revoked => ("revoked".to_owned(), REPLACE),
        other => {
            let text = format!("{other:?}");
            if text.contains("CaUsedAsEndEntity") {
                (
                    "an authority's certificate used as the server's own".to_owned(),
                    "make a certificate for the server with CA:FALSE, and give the one that signed it with --ca-file; \
                     or pin this one with --tls-pin",
                )
            } else if text.contains("EndEntityUsedAsCa") {
                (
                    "signed by a certificate that is not an authority's".to_owned(),
                    SUSPECT,
                )
            } else {
                (format!("not acceptable ({other})"), REPLACE)
            }
        }
    };
    (words, hint.to_owned())
}

fn wrong_name(presented: &[String], name: &str) -> String {
    match presented {
        [] => format!("names no host at all, so not {name} (a common name does not count)"),
        some => {
            let some: Vec<String> = some.iter().map(|name| bare_name(name)).collect();
            format!("is for {}, not for {name}", some.join(", "))
        }
    }
}

/// The verifier gives a name as `DnsName("mail.example.com")` or `IpAddress(192.0.2.1)`; a person
/// wants what is in it.
fn bare_name(name: &str) -> String {
    let inner = name
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'))
        .unwrap_or(name);
    printable(inner.trim_matches('"'))
}

fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    let moment = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    let printed = DateTimePrinter::new().timestamp_to_rfc9110_string(&moment);
    printed.unwrap_or_default()
}
