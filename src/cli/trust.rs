//! What the settings say of TLS: whom to believe, how it has to be spoken, and who the client is.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::secrets::{keep_out_of_core_files, private_file};
use super::settings::{Origin, Settings, blamed, parsed};
use super::stdin;
use crate::certificate::Pin;
use crate::failure::{Failure, Kind};
use crate::route::Host;
use crate::secret::Secret;
use crate::smtp::{Identity, TlsTerms, TlsVersion, Trust};

/// Most octets of a file of certificates; Mozilla's whole list has a quarter of a MiB.
const PEM_LIMIT: usize = 16 << 20;

/// Whom to believe. Pins stand alone where no authorities are named.
pub(super) fn trust(settings: &Settings<'_>, deadline: Option<Instant>) -> Result<Trust> {
    let whose = settings.value("trust", whose)?;
    let pins = settings.value("tls-pin", Pin::list)?.unwrap_or_default();
    let authorities = match settings.path("ca-file")? {
        Some((origin, path)) => Some(authorities(&origin, path, deadline)?),
        None => None,
    };
    let nobody_named = whose.is_none() && pins.is_empty() && authorities.is_none();
    let whose = whose.unwrap_or(Trust {
        webpki: nobody_named,
        ..Trust::default()
    });
    Ok(Trust {
        authorities: authorities.unwrap_or_default(),
        pins,
        ..whose
    })
}

fn whose(text: &str) -> crate::failure::Result<Trust> {
    match text {
        "webpki" => Ok(Trust {
            webpki: true,
            ..Trust::default()
        }),
        "system" => Ok(Trust {
            system: true,
            ..Trust::default()
        }),
        _ => {
            let words = format!("\"{text}\" is neither webpki nor system");
            Err(Failure::new(Kind::Usage, words))
        }
    }
}

fn authorities(
    origin: &Origin,
    path: PathBuf,
    deadline: Option<Instant>,
) -> Result<Vec<CertificateDer<'static>>> {
    let pem = stdin::read_file(&path, PEM_LIMIT, deadline).context(origin.to_string())?;
    let unusable = |what: &str| Failure::new(Kind::Config, what).at(path.display());
    let authorities: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<std::result::Result<_, _>>()
        .map_err(|error| unusable(&format!("not a PEM file of certificates: {error}")))
        .context(origin.to_string())?;
    if authorities.is_empty() {
        let failure = unusable("no certificate in it (-----BEGIN CERTIFICATE-----)");
        return Err(failure).context(origin.to_string());
    }
    Ok(authorities)
}

/// How TLS has to be spoken.
pub(super) fn terms(settings: &Settings<'_>, deadline: Option<Instant>) -> Result<TlsTerms> {
    Ok(TlsTerms {
        name: settings.value("tls-name", parsed::<Host>)?,
        minimum: settings
            .value("tls-min", parsed::<TlsVersion>)?
            .unwrap_or_default(),
        identity: identity(settings, deadline)?,
    })
}

/// The client's certificate and key. Where no file is named for the key, it stands in that of the
/// certificate.
fn identity(settings: &Settings<'_>, deadline: Option<Instant>) -> Result<Option<Identity>> {
    let key = settings.path("client-key")?;
    let Some((origin, path)) = settings.path("client-cert")? else {
        return match key {
            Some((origin, _)) => {
                let failure = Failure::new(Kind::Usage, "a key without a certificate");
                let failure = failure.with_hint("add --client-cert");
                Err(blamed(failure, &origin)).context(origin.to_string())
            }
            None => Ok(None),
        };
    };
    keep_out_of_core_files();
    let place = format!("{origin}: {}", path.display());
    let (place, certificates, key) = match key {
        None => {
            let both = match private_file(&path, settings.environment(), deadline) {
                // Only a file that holds a key has to be private.
                Err(_) if holds_no_key(&path, deadline) => {
                    let failure = Failure::new(Kind::Config, "no private key in it");
                    let failure = failure.with_hint("name the key's file with --client-key");
                    return Err(failure).context(place);
                }
                both => both.context(origin.to_string())?,
            };
            (place, both.expose().to_vec(), both)
        }
        Some((key_origin, key_path)) => {
            let place = format!("{place}, {key_origin}: {}", key_path.display());
            let key = private_file(&key_path, settings.environment(), deadline);
            let key = key.context(key_origin.to_string())?;
            let certificates = stdin::read_file(&path, PEM_LIMIT, deadline);
            (place, certificates.context(origin.to_string())?, key)
        }
    };
    let identity = Identity::from_pem(&certificates, &key).context(place)?;
    Ok(Some(identity))
}

/// Whether this is a file that can be read and in which no private key is named, encrypted or not.
fn holds_no_key(path: &Path, deadline: Option<Instant>) -> bool {
    let text = path.is_file().then(|| {
        let pem = stdin::read_file(path, PEM_LIMIT, deadline).ok()?;
        Some(Secret::new(pem))
    });
    let mark = b"PRIVATE KEY-----";
    text.flatten().is_some_and(|pem| {
        let mut places = pem.expose().windows(mark.len());
        !places.any(|place| place == mark)
    })
}
