//! Which profile counts: the one that is named, else that of the From address, else the default.
//!
//! A profile is meant for its `from` and its `addresses`: an address as it is goes before
//! `*@domain`. Of equals the first file's counts, and in it the first by name.

use anyhow::{Context as _, Result};

use super::pattern::Pattern;
use super::reader::DEFAULT_PROFILE;
use super::{File, Section, Settings};
use crate::address::{Address, AddressList};
use crate::failure::{Failure, Kind};

/// The profile that counts when no other is chosen, where there is one of that name.
const DEFAULT: &str = "default";

impl Settings<'_> {
    /// Whether the message's From address has a say in the choice of the profile.
    pub(crate) fn profile_depends_on_from(&self) -> Result<bool> {
        Ok(self.named_profile()?.is_none()
            && self
                .profiles()
                .any(|(_, section)| !section.patterns.is_empty()))
    }

    /// The first address of the setting `from`. What is no address is told when it is used.
    pub(crate) fn own_address(&self) -> Result<Option<Address>> {
        let from = self.text("from")?;
        let from = from.and_then(|(_, text)| AddressList::parse(&text).ok());
        Ok(from.and_then(|list| list.addresses().next().cloned()))
    }

    /// Chooses the profile for mail from this address.
    ///
    /// # Errors
    /// `Usage` or `Config` when the profile that is named does not exist.
    pub(crate) fn choose_profile(&mut self, from: Option<&Address>) -> Result<()> {
        self.profile = None;
        let chosen = match self.named_profile()? {
            Some(name) => Some(name),
            None => match from.and_then(|from| self.profile_for(from)) {
                Some(name) => Some(name),
                None => self.default_profile()?,
            },
        };
        self.profile = chosen;
        Ok(())
    }

    /// Takes the profile that is named by flag or environment, else this one.
    ///
    /// # Errors
    /// `Usage` or `Config` when there is no profile of the name that is given, `Config` when this one is
    /// gone.
    pub(crate) fn use_profile(&mut self, usual: Option<&str>) -> Result<()> {
        self.profile = None;
        let chosen = match self.named_profile()? {
            Some(name) => Some(name),
            None => {
                let usual = usual.map(|name| self.existing(name)).transpose();
                usual.map_err(|failure| Failure {
                    kind: Kind::Config,
                    ..failure
                })?
            }
        };
        self.profile = chosen;
        Ok(())
    }

    /// By flag or environment.
    fn named_profile(&self) -> Result<Option<String>> {
        self.value("profile", |name| self.existing(name))
    }

    /// That of the first file which has one: the one it names, else the one that is called so.
    fn default_profile(&self) -> Result<Option<String>> {
        for file in &self.files {
            if let Some(entry) = &file.default_profile {
                let place = format!("{}:{}: {DEFAULT_PROFILE}", file.path.display(), entry.line);
                let existing = self.existing(&entry.value).map_err(|failure| Failure {
                    kind: Kind::Config,
                    ..failure
                });
                return existing.map(Some).context(place);
            }
            if file.profile(DEFAULT).is_some() {
                return Ok(Some(DEFAULT.to_owned()));
            }
        }
        Ok(None)
    }

    fn existing(&self, name: &str) -> crate::failure::Result<String> {
        if self.profiles().any(|(known, _)| known == name) {
            return Ok(name.to_owned());
        }
        let known: Vec<&str> = self.profiles().map(|(known, _)| known).collect();
        let failure = Failure::new(Kind::Usage, format!("there is no profile \"{name}\""));
        Err(failure.with_hint(match known.as_slice() {
            [] => "smtpsend config path says which files are read; none has a [profile.NAME]"
                .to_owned(),
            known => format!("there are: {}", known.join(", ")),
        }))
    }

    /// The profiles of all files, and their names.
    pub(crate) fn profiles(&self) -> impl Iterator<Item = (&str, &Section)> {
        let files = self.files.iter();
        files.flat_map(|file: &File| {
            file.profiles
                .iter()
                .map(|(name, section)| (name.as_str(), section))
        })
    }

    fn profile_for(&self, from: &Address) -> Option<String> {
        let is_for = |fits: fn(&Pattern, &Address) -> bool| {
            let mut profiles = self.profiles();
            profiles.find(|(_, section)| section.patterns.iter().any(|pattern| fits(pattern, from)))
        };
        let found = is_for(Pattern::is_address).or_else(|| is_for(Pattern::is_domain_of));
        found.map(|(name, _)| name.to_owned())
    }
}
