//! Who mail of programs is from.
//!
//! Owns the sender that `-f` names, who may be nobody or a user of this machine, and the repair of
//! senders for a provider that takes one address only: its form of author keeps the name that was
//! there, and else tells which user of which machine it is. RFC 5321 §4.5.5.

use anyhow::{Context as _, Result};

use super::expand::default_domain;
use crate::address::{Address, AddressList, Mailbox};
use crate::cli::aliases::{Written, written};
use crate::cli::fields::only_mailbox;
use crate::cli::host::HostName;
use crate::cli::settings::Settings;
use crate::envelope::ReversePath;
use crate::failure::{Failure, Kind};

/// The envelope sender as it was typed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sender {
    Nobody,
    Written(Written),
}

impl Sender {
    /// Reads the value of `-f`.
    ///
    /// # Errors
    /// `Message` when it is not one address.
    pub(super) fn read(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.is_empty() || text == "<>" {
            return Ok(Self::Nobody);
        }
        let mut all = written(text).context("-f")?;
        match (all.pop(), all.is_empty()) {
            (Some(one), true) => Ok(Self::Written(one)),
            _ => {
                let words = format!("-f: \"{text}\" is not one address");
                Err(Failure::new(Kind::Message, words).into())
            }
        }
    }

    /// The address, when it has a domain.
    pub(super) fn address(&self) -> Option<&Address> {
        match self {
            Self::Written(Written::Address(address)) => Some(address),
            Self::Nobody | Self::Written(Written::Local(_)) => None,
        }
    }

    /// What stands in the envelope: a local part alone has the default domain, else this host's name.
    ///
    /// # Errors
    /// What is wrong with the setting, or `Message` with the address.
    pub(super) fn path(&self, settings: &Settings<'_>, host: &HostName) -> Result<ReversePath> {
        Ok(match self {
            Self::Nobody => ReversePath::Null,
            Self::Written(Written::Address(address)) => address.clone().into(),
            Self::Written(Written::Local(local)) => {
                let domain = default_domain(settings)?;
                let domain = domain.as_deref().unwrap_or(host.as_str());
                let address = Address::new(local, domain);
                address
                    .or_else(|_| Address::new(local, "localhost"))
                    .context("-f")?
                    .into()
            }
        })
    }
}

/// The envelope sender that leaves: the one that stands for all others, where there is one and the sender
/// is somebody.
pub(super) fn in_envelope(sender: ReversePath, repair: Option<&Mailbox>) -> ReversePath {
    match (sender, repair) {
        (ReversePath::Address(_), Some(only)) => only.address().clone().into(),
        (sender, _) => sender,
    }
}

/// Who all mail is from, where the settings say that.
///
/// # Errors
/// `Message` or `Config` when it is not one address.
pub(super) fn only_sender(settings: &Settings<'_>) -> Result<Option<Mailbox>> {
    settings.value("sendmail-from", |text| {
        only_mailbox(&AddressList::parse(text)?)
    })
}

/// The author in place of `original`: with its name, else one that tells which user of which machine it is.
pub(super) fn repaired(only: &Mailbox, original: &Mailbox, host: &HostName) -> Mailbox {
    let machine = host.as_str().split('.').next().unwrap_or_default();
    let made = || format!("{} ({machine})", original.address().local());
    let name = original.name().or(only.name());
    let name = name.map_or_else(made, str::to_owned);
    // A name out of a header may hold what cannot stand in one that is made.
    Mailbox::new(Some(&name), only.address().clone()).unwrap_or_else(|_| only.clone())
}
