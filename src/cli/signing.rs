//! What the settings say of DKIM: by whose key the messages that are made here are signed, and for which
//! domain.
//!
//! Owns reading the key, once for all messages of a run. Refuses a key without the name under which its
//! public half is found, and such a name without a key.

use std::time::Instant;

use anyhow::{Context as _, Result};

use super::secrets::{keep_out_of_core_files, private_file};
use super::settings::{Origin, Settings, blamed, parsed};
use crate::failure::{Failure, Kind};
use crate::message::Message;
use crate::message::dkim::{Name, Signer};

/// Who signs, where somebody does.
pub(super) struct Signing(Option<Signer>);

impl Signing {
    /// What the settings say.
    ///
    /// # Errors
    /// `Usage` or `Config` when they belong to no signature, `Config` when the key cannot be used or others
    /// can read it, `Input` when it cannot be read.
    pub(super) fn of(settings: &Settings<'_>, deadline: Option<Instant>) -> Result<Self> {
        let (selector, domain) = names(settings)?;
        let (selector_origin, selector) = selector.unzip();
        let (domain_origin, domain) = domain.unzip();
        let Some((origin, path)) = settings.path("dkim-key")? else {
            return match selector_origin.or(domain_origin) {
                Some(origin) => Err(incomplete(&origin, "no key to sign with", "--dkim-key PEM")),
                None => Ok(Self(None)),
            };
        };
        let Some(selector) = selector else {
            let words = "a key without a selector";
            let missing =
                "--dkim-selector NAME: the public key stands in DNS under NAME._domainkey.DOMAIN";
            return Err(incomplete(&origin, words, missing));
        };
        keep_out_of_core_files();
        let key = private_file(&path, settings.environment(), deadline);
        let signer = key.and_then(|key| {
            let signer = Signer::new(&key, selector, domain);
            signer.map_err(|failure| failure.at(path.display()))
        });
        Ok(Self(Some(signer.context(origin.to_string())?)))
    }

    /// The message, signed where the settings say so.
    ///
    /// # Errors
    /// As [`Message::signed`].
    pub(super) fn sign(&self, message: Message) -> Result<Message> {
        match &self.0 {
            Some(signer) => Ok(message.signed(signer).context("DKIM")?),
            None => Ok(message),
        }
    }
}

/// The selector and the domain, and where they stand.
///
/// # Errors
/// `Usage` or `Config` when one of them cannot stand in DNS.
pub(super) fn names(settings: &Settings<'_>) -> Result<(Option<Placed>, Option<Placed>)> {
    let selector = settings.valued("dkim-selector", parsed::<Name>)?;
    let domain = settings.valued("dkim-domain", Name::of_domain)?;
    Ok((selector, domain))
}

type Placed = (Origin, Name);

fn incomplete(origin: &Origin, words: &str, missing: &str) -> anyhow::Error {
    let failure = Failure::new(Kind::Usage, words).with_hint(format!("add {missing}"));
    anyhow::Error::from(blamed(failure, origin)).context(origin.to_string())
}
