//! TLS: the only place that builds rustls configurations, and the words for what can go wrong.
//!
//! Owns trust (which authorities, which pins), the verification of certificates by name or address
//! (RFC 7817, RFC 6125: DNS-ID or iPAddress, never the common name) and TLS 1.2 as the least
//! (RFC 8314 §4, RFC 8997). There is no way to switch verification off.
//!
//! The arithmetic is ring's, with X25519MLKEM768 in front (`hybrid`). Measured against ring alone:
//! the program is 1 % larger, starts as quickly, needs as much memory, and a STARTTLS session on
//! loopback takes a tenth longer; the ClientHello grows from one TCP segment to two. aws-lc-rs, which
//! brings the same exchange, makes the program 1.6 times as large and such a session 14 times as long.

mod explain;
mod hybrid;
mod identity;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod trust;
mod verifier;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, Error, SupportedProtocolVersion};

pub(crate) use explain::refused_certificate;
pub use identity::Identity;
pub use trust::Trust;

use crate::certificate::CertificateFacts;
use crate::failure::{Failure, Kind, Result};
use crate::route::Host;
use verifier::{Judge, Verifier};

/// How TLS has to be spoken, whoever is trusted.
#[derive(Debug, Clone, Default)]
pub struct TlsTerms {
    /// The name that is asked for (SNI, RFC 6066 §3) and that the certificate must be for, at every
    /// server; default: the name or address of the server's host.
    pub name: Option<Host>,
    /// The least version; default: TLS 1.2.
    pub minimum: TlsVersion,
    /// What is shown to a server that asks who the client is; default: nothing.
    pub identity: Option<Identity>,
}

/// A version of TLS that may be spoken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246), the oldest that is allowed (RFC 8997).
    #[default]
    V1_2,
    /// TLS 1.3 (RFC 8446).
    V1_3,
}

impl FromStr for TlsVersion {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "1.2" => Ok(Self::V1_2),
            "1.3" => Ok(Self::V1_3),
            _ => Err(Failure::new(
                Kind::Usage,
                format!("\"{text}\" is neither 1.2 nor 1.3"),
            )),
        }
    }
}

/// What was agreed on in a handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsInfo {
    /// `TLSv1.3` or `TLSv1.2`.
    pub version: String,
    /// The IANA name of the cipher suite.
    pub cipher: String,
    /// The IANA name of the group in which keys were exchanged, as `x25519`.
    pub group: String,
    /// What the server showed, its own certificate first.
    pub chain: Arc<[CertificateDer<'static>]>,
}

impl TlsInfo {
    /// What the server's certificate says; `None` when it cannot be read.
    pub fn certificate(&self) -> Option<CertificateFacts> {
        CertificateFacts::of(&self.chain)
    }

    /// What a finished handshake agreed on.
    pub(crate) fn of(connection: &ClientConnection) -> Self {
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
        let group = connection
            .negotiated_key_exchange_group()
            .map_or_else(String::new, |group| match group.name() {
                rustls::NamedGroup::X25519 => "x25519".to_owned(),
                other => format!("{other:?}"),
            });
        let chain = connection.peer_certificates().unwrap_or_default();
        Self {
            version,
            cipher,
            group,
            chain: chain.iter().map(|der| der.clone().into_owned()).collect(),
        }
    }
}

/// What all handshakes of a plan share.
pub(crate) struct Tls {
    config: ClientConfig,
    judge: Arc<Judge>,
    name: Option<Host>,
    minimum: TlsVersion,
}

impl Tls {
    /// Builds the configuration.
    ///
    /// # Errors
    /// `Config` when no authority can be loaded or one that was given is not usable.
    pub(crate) fn new(trust: &Trust, terms: &TlsTerms) -> Result<Self> {
        let provider = Arc::new(provider());
        let judge = Arc::new(Judge::new(trust, &provider)?);
        let versions: &[&SupportedProtocolVersion] = match terms.minimum {
            TlsVersion::V1_2 => &[&TLS13, &TLS12],
            TlsVersion::V1_3 => &[&TLS13],
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .map_err(|error| Failure::new(Kind::Bug, format!("TLS versions: {error}")))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Verifier::new(Arc::clone(&judge))));
        let mut config = match &terms.identity {
            Some(identity) => builder.with_client_cert_resolver(identity.resolver()),
            None => builder.with_no_client_auth(),
        };
        // Each session sees the certificate anew: they are too few for tickets to be worth keeping.
        config.resumption = Resumption::disabled();
        Ok(Self {
            config,
            judge,
            name: terms.name.clone(),
            minimum: terms.minimum,
        })
    }

    /// Makes ready for a handshake with the server at `host`.
    ///
    /// # Errors
    /// `Config` when the name that is to be verified cannot stand in a certificate.
    pub(crate) fn handshake(&self, host: &Host) -> Result<Handshake> {
        let name = self.name.as_ref().unwrap_or(host).clone();
        let server_name = match &name {
            Host::Name(name) => ServerName::try_from(name.clone()).map_err(|_| {
                Failure::new(
                    Kind::Config,
                    format!("{name} cannot stand in a certificate"),
                )
            })?,
            Host::Address(address) => ServerName::from(*address),
        };
        // Each has a verifier of its own, so that what one saw is not taken for another's.
        let verifier = Arc::new(Verifier::new(Arc::clone(&self.judge)));
        let mut config = self.config.clone();
        config
            .dangerous()
            .set_certificate_verifier(Arc::clone(&verifier) as _);
        Ok(Handshake {
            config: Arc::new(config),
            server_name,
            name,
            minimum: self.minimum,
            verifier,
            by_name: self.judge.goes_by_name(),
        })
    }
}

/// The arithmetic, with the key exchange that is preferred in front.
fn provider() -> CryptoProvider {
    let mut provider = rustls::crypto::ring::default_provider();
    provider.kx_groups.insert(0, &hybrid::X25519MlKem768);
    provider
}

/// One handshake: what it goes by, and what it finds.
pub(crate) struct Handshake {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) server_name: ServerName<'static>,
    name: Host,
    minimum: TlsVersion,
    verifier: Arc<Verifier>,
    by_name: bool,
}

impl Handshake {
    /// The certificate that was refused.
    pub(crate) fn refused(&self) -> Option<CertificateFacts> {
        CertificateFacts::of(&self.verifier.refused())
    }

    /// Puts a failure into words.
    pub(crate) fn explain(&self, error: &Error) -> Failure {
        let name = self.name.to_string();
        let has_identity = self.config.client_auth_cert_resolver.has_certs();
        let seen = self.refused();
        let failure = explain::handshake(error, seen.as_ref(), &name, self.minimum, has_identity);
        match error {
            Error::InvalidCertificate(problem) if self.verifier.took_the_pin(problem) => {
                failure.with_hint(explain::BOTH)
            }
            _ => failure,
        }
    }
}

/// What was verified, once all went well.
impl fmt::Display for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.by_name {
            write!(f, "certificate verified for {}", self.name)
        } else {
            f.write_str("certificate known by its pin")
        }
    }
}
