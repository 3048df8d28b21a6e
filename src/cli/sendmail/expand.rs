//! From what was written to whom a message goes: aliases, then the default domain.
//!
//! Owns the names of this machine, the walk through aliases that lead to aliases, and what is said of
//! those who cannot be reached. One who cannot does not keep the message from the others. A domain
//! is never guessed: a local part that is no alias has the one of the setting `sendmail-domain`.

use std::collections::HashSet;

use anyhow::Result;

use crate::address::{Address, domain_to_ascii};
use crate::cli::aliases::{Aliases, Target, Written, is_unserved};
use crate::cli::host::HostName;
use crate::cli::settings::Settings;
use crate::cli::unreachable::Unreachable;
use crate::failure::{Failure, Kind};

/// Aliases that lead to aliases, one behind the other, at most.
const DEPTH: usize = 100;

const NO_DOMAIN: &str = "say where its mail goes: root = \"you@example.com\" below [aliases] in a settings file, \
                         or root: you@example.com in /etc/aliases; or set domain in [sendmail]";

/// Where mail of this machine goes.
pub(super) struct Directory<'s> {
    aliases: Aliases<'s>,
    /// Given to local parts that are no alias.
    domain: Option<String>,
    /// The domains that mean this machine.
    names: Vec<String>,
    /// What to do about a local part without a domain.
    no_domain: String,
}

/// Whom addresses stand for.
#[derive(Default)]
pub(super) struct Expanded {
    /// In the order in which they were found; one may stand here twice.
    pub(super) addresses: Vec<Address>,
    /// Who cannot be reached, and why; one may stand here twice.
    pub(super) unreachable: Vec<Unreachable>,
    /// The recipient whose addresses are being found.
    written: String,
    /// The local parts that were looked up.
    done: HashSet<String>,
}

impl Expanded {
    /// Who is reached, each once.
    pub(super) fn reached(&self) -> impl Iterator<Item = &Address> {
        let all = self.addresses.iter().enumerate();
        all.filter(|(at, one)| !self.addresses[..*at].contains(one))
            .map(|(_, one)| one)
    }

    fn fail(&mut self, error: impl Into<anyhow::Error>) {
        self.unreachable.push(Unreachable {
            written: self.written.clone(),
            error: error.into(),
        });
    }
}

impl<'s> Directory<'s> {
    /// By these settings, on this machine.
    ///
    /// # Errors
    /// What is wrong with the setting `sendmail-domain`.
    pub(super) fn new(
        aliases: Aliases<'s>,
        settings: &Settings<'_>,
        host: &HostName,
    ) -> Result<Self> {
        Ok(Self {
            aliases,
            domain: default_domain(settings)?,
            names: names_of(host),
            no_domain: settings
                .hint_at_hidden()
                .unwrap_or_else(|| NO_DOMAIN.to_owned()),
        })
    }

    /// Adds whom `written` stands for.
    pub(super) fn expand(&self, written: &Written, into: &mut Expanded) {
        into.written = written.to_string();
        self.follow(&Target::Written(written.clone()), &mut Vec::new(), into);
    }

    /// The one address that a local part stands for, if it is one.
    pub(super) fn only_address(&self, local: &str) -> Option<Address> {
        let mut expanded = Expanded::default();
        self.expand(&Written::Local(local.to_owned()), &mut expanded);
        match (
            expanded.addresses.as_slice(),
            expanded.unreachable.as_slice(),
        ) {
            ([address], []) => Some(address.clone()),
            _ => None,
        }
    }

    /// The address of a local part that is looked up no further.
    ///
    /// # Errors
    /// `Recipient` when there is no default domain; `Message` when it cannot stand before one.
    fn at_default_domain(&self, local: &str, chain: &[String]) -> crate::failure::Result<Address> {
        match &self.domain {
            Some(domain) => Address::new(local, domain),
            None => {
                let words = format!("{local} has no domain, and is no alias");
                let failure = Failure::new(Kind::Recipient, words).with_hint(&*self.no_domain);
                Err(match chain.first() {
                    Some(alias) => failure.at(format!("the alias {alias}")),
                    None => failure,
                })
            }
        }
    }

    fn follow(&self, target: &Target, chain: &mut Vec<String>, into: &mut Expanded) {
        let found = match target {
            Target::Unserved(what) => Err(unserved(what, chain)),
            Target::Final(local) => self.at_default_domain(local, chain).map(Some),
            Target::Written(Written::Address(address)) => {
                let is_here = self.names.iter().any(|name| name == address.domain());
                let aliased = is_here && self.look_up(address.local(), chain, into);
                Ok((!aliased).then(|| address.clone()))
            }
            Target::Written(Written::Local(local)) if is_unserved(local) => {
                Err(unserved(local, chain))
            }
            Target::Written(Written::Local(local)) => {
                if self.look_up(local, chain, into) {
                    Ok(None)
                } else {
                    self.at_default_domain(local, chain).map(Some)
                }
            }
        };
        match found {
            Ok(address) => into.addresses.extend(address),
            Err(failure) => into.fail(failure),
        }
    }

    /// Follows an alias; whether it is one.
    fn look_up(&self, local: &str, chain: &mut Vec<String>, into: &mut Expanded) -> bool {
        let name = local.to_lowercase();
        if let Some(start) = chain.iter().position(|other| *other == name) {
            let circle = format!("{} -> {name}", chain[start..].join(" -> "));
            let failure = Failure::new(Kind::Config, format!("aliases lead in a circle: {circle}"));
            into.fail(failure.with_hint(ends_a_circle(&name)));
            return true;
        }
        let targets = match self.aliases.targets(&name) {
            Ok(Some(targets)) => targets,
            Ok(None) => return false,
            Err(error) => {
                into.fail(error.context(local.to_owned()));
                return true;
            }
        };
        if !into.done.insert(name.clone()) {
            return true;
        }
        if targets.is_empty() {
            let words = format!("the alias {name} leads to nobody");
            into.fail(Failure::new(Kind::Config, words));
        }
        if chain.len() == DEPTH {
            let words = format!("{name}: more than {DEPTH} aliases lead to one another");
            into.fail(Failure::new(Kind::Config, words));
            return true;
        }
        chain.push(name);
        for target in &targets {
            self.follow(target, chain, into);
        }
        chain.pop();
        true
    }
}

/// What the setting `sendmail-domain` says.
///
/// # Errors
/// `Message` or `Config` when that is no domain.
pub(super) fn default_domain(settings: &Settings<'_>) -> Result<Option<String>> {
    settings.value("sendmail-domain", |text| {
        domain_to_ascii(text.strip_prefix('@').unwrap_or(text))
    })
}

fn ends_a_circle(name: &str) -> String {
    format!("where it shall go no further write \\{name}: with sendmail-domain that is its address")
}

fn unserved(what: &str, chain: &[String]) -> Failure {
    let Some(of) = chain.last() else {
        let words = format!("{what} is no address: no programs, files or lists are served");
        return Failure::new(Kind::Recipient, words);
    };
    let words = format!("the alias {of} leads to {what}: no programs, files or lists are served");
    Failure::new(Kind::Config, words).with_hint(format!(
        "give {of} an address below [aliases] in a settings file, which goes before the file of aliases"
    ))
}

/// The domains that mean this machine, in lower case.
fn names_of(host: &HostName) -> Vec<String> {
    let full = host.as_str().to_lowercase();
    let short = full.split('.').next().unwrap_or_default().to_owned();
    let mut names = vec![full, short];
    names.extend(["localhost", "localhost.localdomain"].map(str::to_owned));
    names
}

#[cfg(test)]
mod tests;
