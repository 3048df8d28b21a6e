//! TLS: the only file that builds rustls configurations, and the words for what can go wrong.
//!
//! Owns trust (which authorities), the verification of certificates by name or address
//! (RFC 7817, RFC 6125: DNS-ID or iPAddress, never the common name) and TLS 1.2 as the least
//! (RFC 8314 §4, RFC 8997). There is no way to switch verification off.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme,
};
use x509_cert::der::Decode as _;

use crate::failure::{Failure, Kind, Result, printable};

/// Whose certificates are believed.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// The authorities of Mozilla's programme, compiled in. No file is read.
    pub webpki: bool,
    /// The authorities of this system (`/etc/ssl/certs` and its like, `SSL_CERT_FILE`).
    pub system: bool,
    /// These authorities as well.
    pub authorities: Vec<CertificateDer<'static>>,
}

/// What was agreed on in a handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsInfo {
    /// `TLSv1.3` or `TLSv1.2`.
    pub version: String,
    /// The IANA name of the cipher suite.
    pub cipher: String,
}

/// A configuration and the eye that saw the server's certificate.
pub(crate) struct Tls {
    pub(crate) config: Arc<ClientConfig>,
    witness: Arc<Witness>,
}

impl Tls {
    /// Builds the configuration.
    ///
    /// # Errors
    /// `Config` when no authority can be loaded or one that was given is not usable.
    pub(crate) fn new(trust: &Trust) -> Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = Arc::new(roots(trust)?);
        let inner = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
            .build()
            .map_err(|error| {
                Failure::new(
                    Kind::Config,
                    format!("no usable certificate authority: {error}"),
                )
            })?;
        let witness = Arc::new(Witness {
            inner,
            seen: Mutex::new(None),
        });
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::new(Kind::Bug, format!("TLS versions: {error}")))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&witness) as Arc<dyn ServerCertVerifier>)
            .with_no_client_auth();
        // Each session sees the certificate anew: they are too few for tickets to be worth keeping.
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Self {
            config: Arc::new(config),
            witness,
        })
    }

    /// Puts a failed handshake into words. `name` is what the certificate had to be valid for.
    pub(crate) fn explain(&self, error: &Error, name: &str) -> Failure {
        let seen = self
            .witness
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match error {
            Error::InvalidCertificate(problem) => certificate_failure(problem, seen.as_ref(), name),
            Error::InvalidMessage(_) => Failure::new(Kind::Protocol, "TLS handshake: the server's answer is not TLS")
                .with_hint("this port may expect plain SMTP with STARTTLS: try --tls starttls"),
            Error::AlertReceived(alert) => {
                Failure::new(Kind::Tls, format!("TLS handshake: refused by the server (alert {alert:?})"))
            }
            Error::PeerIncompatible(_) => Failure::new(Kind::Tls, format!("TLS handshake: {error}"))
                .with_hint("the server speaks no TLS version or cipher that is safe today (TLS 1.2 is the least)"),
            _ => Failure::new(Kind::Tls, format!("TLS handshake: {error}")),
        }
    }
}

/// What a finished handshake agreed on.
pub(crate) fn info(connection: &ClientConnection) -> TlsInfo {
    let version = match connection.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3".to_owned(),
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2".to_owned(),
        other => format!("{other:?}"),
    };
    let cipher = connection
        .negotiated_cipher_suite()
        .map_or_else(String::new, |suite| {
            // rustls writes TLS 1.3 suites as TLS13_…; IANA writes TLS_….
            format!("{:?}", suite.suite()).replacen("TLS13_", "TLS_", 1)
        });
    TlsInfo { version, cipher }
}

fn roots(trust: &Trust) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    if trust.webpki {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    if trust.system {
        let loaded = rustls_native_certs::load_native_certs();
        // A system store commonly holds a few certificates nothing can parse: they are left out.
        roots.add_parsable_certificates(loaded.certs);
        if roots.is_empty() {
            let why = loaded
                .errors
                .first()
                .map_or_else(String::new, |error| format!(": {error}"));
            return Err(Failure::new(
                Kind::Config,
                format!("--trust system: this system has no certificate authorities{why}"),
            )
            .with_hint("install the ca-certificates package, or use --trust webpki"));
        }
    }
    for (number, authority) in trust.authorities.iter().enumerate() {
        roots.add(authority.clone()).map_err(|error| {
            Failure::new(
                Kind::Config,
                format!("--ca-file: certificate {}: {error}", number + 1),
            )
        })?;
    }
    Ok(roots)
}

/// Verifies as rustls does, and keeps the server's certificate when it is not valid, so that the
/// error can name who issued it.
#[derive(Debug)]
struct Witness {
    inner: Arc<WebPkiServerVerifier>,
    seen: Mutex<Option<CertificateDer<'static>>>,
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, Error> {
        self.inner
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            .inspect_err(|_| {
                *self.seen.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(end_entity.clone().into_owned());
            })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

fn certificate_failure(
    problem: &CertificateError,
    seen: Option<&CertificateDer<'_>>,
    name: &str,
) -> Failure {
    let who = seen.and_then(|der| names(der));
    let (words, hint) = match problem {
        CertificateError::ExpiredContext { not_after, .. } => {
            (format!("expired on {}", date(*not_after)), "the server's administrator must renew it; check this machine's clock too".to_owned())
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            (format!("not valid before {}", date(*not_before)), format!("check this machine's clock: it says {}", date(UnixTime::now())))
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            let words = match &presented[..] {
                [] => format!("names no host at all, so not {name} (a common name does not count)"),
                some => format!("is for {}, not for {name}", some.iter().map(|n| bare_name(n)).collect::<Vec<_>>().join(", ")),
            };
            (words, "name the server as its certificate does (--server)".to_owned())
        }
        CertificateError::UnknownIssuer => match &who {
            Some((subject, issuer)) if subject == issuer => (
                "self-signed".to_owned(),
                "for a server of your own, give its certificate's authority with --ca-file".to_owned(),
            ),
            Some((_, issuer)) => (
                format!("issued by \"{issuer}\", which is not trusted"),
                "for a company's own authority use --trust system or --ca-file; otherwise somebody may be on the line".to_owned(),
            ),
            None => ("issued by an authority that is not trusted".to_owned(), "use --ca-file for a server of your own".to_owned()),
        },
        CertificateError::InvalidPurposeContext { .. } | CertificateError::InvalidPurpose => {
            ("not made for servers (its extended key usage lacks serverAuth)".to_owned(), "the server's administrator must replace it".to_owned())
        }
        CertificateError::BadSignature => {
            ("not signed by the authority it names".to_owned(), "somebody may be on the line; otherwise the server's administrator must replace it".to_owned())
        }
        CertificateError::Revoked => ("revoked".to_owned(), "the server's administrator must replace it".to_owned()),
        other => {
            let text = format!("{other:?}");
            if text.contains("CaUsedAsEndEntity") {
                (
                    "an authority's certificate used as the server's own".to_owned(),
                    "make a certificate for the server with CA:FALSE, and give the one that signed it with --ca-file".to_owned(),
                )
            } else if text.contains("EndEntityUsedAsCa") {
                (
                    "signed by a certificate that is not an authority's".to_owned(),
                    "somebody may be on the line; otherwise the server's administrator must replace it".to_owned(),
                )
            } else {
                (format!("not acceptable ({other})"), "the server's administrator must replace it".to_owned())
            }
        }
    };
    let mut message = "TLS certificate not valid: ".to_owned();
    let subject = who
        .map(|(subject, _)| subject)
        .filter(|subject| !subject.is_empty());
    let _ = match subject {
        Some(subject) => write!(message, "\"{subject}\": {words}"),
        None => write!(message, "{words}"),
    };
    Failure::new(Kind::Tls, message).with_hint(hint)
}

/// Subject and issuer as a person reads them.
fn names(der: &CertificateDer<'_>) -> Option<(String, String)> {
    let certificate = x509_cert::Certificate::from_der(der).ok()?;
    let tbs = certificate.tbs_certificate();
    let words = |name: &x509_cert::name::Name| printable(&name.to_string());
    Some((words(tbs.subject()), words(tbs.issuer())))
}

/// The verifier gives a name as `DnsName("mail.example.com")`; a person wants what is quoted.
fn bare_name(name: &str) -> String {
    let quoted = name
        .split_once('"')
        .and_then(|(_, rest)| rest.rsplit_once('"'))
        .map(|(inner, _)| inner);
    printable(quoted.unwrap_or(name))
}

fn date(time: UnixTime) -> String {
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(time.as_secs()))
}
