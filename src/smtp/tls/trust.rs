//! Whom we believe: certificate authorities, pins, or both.
//!
//! What is named must hold, all of it: authorities vouch for the server's name and dates, a pin for
//! its very key. A pin alone is enough, and then nothing else of the certificate counts: not its
//! issuer, its names or its dates. Nobody named is nobody trusted.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

use crate::certificate::Pin;
use crate::failure::{Failure, Kind, Result};

/// Whose certificates are believed.
///
/// Where authorities (of any of the three sources) and pins are named, a certificate must be good
/// by both. Where only pins are, the certificate is the server's if one of them is its pin or its
/// public key's, whatever else it says.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// The authorities of Mozilla's programme, compiled in. No file is read.
    pub webpki: bool,
    /// The authorities of this system (`/etc/ssl/certs` and its like, `SSL_CERT_FILE`).
    pub system: bool,
    /// These authorities as well.
    pub authorities: Vec<CertificateDer<'static>>,
    /// The server's certificate or public key is one of these.
    pub pins: Vec<Pin>,
}

impl Trust {
    /// The authorities; `None` where only pins count.
    ///
    /// # Errors
    /// `Config` when no authority can be loaded or one that was given is not usable.
    pub(super) fn roots(&self) -> Result<Option<RootCertStore>> {
        let only_pins = !self.webpki && !self.system && self.authorities.is_empty();
        if only_pins && !self.pins.is_empty() {
            return Ok(None);
        }
        let mut roots = RootCertStore::empty();
        if self.webpki {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        if self.system {
            add_system(&mut roots)?;
        }
        for (number, authority) in self.authorities.iter().enumerate() {
            roots.add(authority.clone()).map_err(|error| {
                Failure::new(
                    Kind::Config,
                    format!("--ca-file: certificate {}: {error}", number + 1),
                )
            })?;
        }
        Ok(Some(roots))
    }
}

fn add_system(roots: &mut RootCertStore) -> Result<()> {
    let loaded = rustls_native_certs::load_native_certs();
    // A system store commonly holds a few certificates nothing can parse: they are left out.
    let (added, _) = roots.add_parsable_certificates(loaded.certs);
    if added > 0 {
        return Ok(());
    }
    let why = loaded
        .errors
        .first()
        .map_or_else(String::new, |error| format!(": {error}"));
    Err(Failure::new(
        Kind::Config,
        format!("--trust system: this system has no certificate authorities{why}"),
    )
    .with_hint("install the ca-certificates package, or use --trust webpki"))
}
