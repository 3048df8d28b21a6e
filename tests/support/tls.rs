//! The TLS side of a dialogue: what the words after `TLS` mean, and whether a failed handshake was
//! the client's refusal.

use std::io;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion, version};

use super::certs::{self, Certificate};

/// What the server shows and asks for in a handshake.
#[derive(Clone, Debug)]
pub struct Offer {
    pub certificate: Certificate,
    versions: Vec<&'static SupportedProtocolVersion>,
    client: ClientCertificate,
}

#[derive(Clone, Copy, Debug)]
enum ClientCertificate {
    NotAsked,
    Demanded,
}

impl Offer {
    /// Words in any order: a certificate, `1.2` or `1.3`, `mutual`.
    pub fn parse(words: &str) -> Result<Self, String> {
        let mut offer = Self {
            certificate: Certificate::Good,
            versions: Vec::new(),
            client: ClientCertificate::NotAsked,
        };
        for word in words.split_whitespace() {
            match word {
                "1.2" => offer.versions.push(&version::TLS12),
                "1.3" => offer.versions.push(&version::TLS13),
                "mutual" => offer.client = ClientCertificate::Demanded,
                name => {
                    offer.certificate = Certificate::named(name)
                        .ok_or_else(|| format!("{name:?} is no certificate"))?;
                }
            }
        }
        if offer.versions.is_empty() {
            offer.versions = vec![&version::TLS12, &version::TLS13];
        }
        Ok(offer)
    }

    pub fn config(&self) -> Arc<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&self.versions)
            .unwrap();
        let builder = match self.client {
            ClientCertificate::NotAsked => builder.with_no_client_auth(),
            ClientCertificate::Demanded => {
                let verifier = WebPkiClientVerifier::builder_with_provider(roots(), provider());
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let identity = certs::identity(self.certificate);
        let mut config = builder
            .with_single_cert(identity.chain.clone(), identity.key())
            .unwrap();
        // Tickets would be octets that no step has asked for.
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Arc::new(config)
    }
}

/// A client that trusts the test CA only, for tests which speak by hand.
pub fn client_config() -> Arc<ClientConfig> {
    Arc::new(
        ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots())
            .with_no_client_auth(),
    )
}

/// Whether the client refused us, or we its certificate; anything else is a client which did not get
/// as far as that.
pub fn was_refused(error: &io::Error) -> bool {
    use rustls::Error;
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(Error::AlertReceived(_) | Error::PeerIncompatible(_)) => true,
        Some(Error::NoCertificatesPresented | Error::InvalidCertificate(_)) => true,
        Some(_) => false,
        None => is_end(error),
    }
}

/// The ways in which a socket says that the other side has gone.
pub fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected
    )
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn roots() -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(certs::ca_der().clone()).unwrap();
    Arc::new(roots)
}
