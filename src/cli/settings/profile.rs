//! Which profile counts: the one that is named, else that of the From address, else the default.
//!
//! A profile is meant for its `from` and its `addresses`: an address as it is goes before
//! `*@domain`. Of equals the first file's counts, and in it the first by name.

use anyhow::{Context as _, Result};

use super::file::DEFAULT_PROFILE;
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
                .any(|(_, section)| section.is_for_addresses()))
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

    /// By flag or environment.
    fn named_profile(&self) -> Result<Option<String>> {
        self.value("profile", |name| self.existing(name))
    }

    /// The one that a file names, else the one that is called so.
    fn default_profile(&self) -> Result<Option<String>> {
        let mut named = self
            .files
            .iter()
            .filter_map(|file| Some((file, file.default_profile.as_ref()?)));
        if let Some((file, entry)) = named.next() {
            let place = format!("{}:{}: {DEFAULT_PROFILE}", file.path.display(), entry.line);
            let existing = self.existing(&entry.value).map_err(|failure| Failure {
                kind: Kind::Config,
                ..failure
            });
            return existing.map(Some).context(place);
        }
        let mut profiles = self.profiles();
        let called_so = profiles.find(|(name, _)| *name == DEFAULT);
        Ok(called_so.map(|(name, _)| name.to_owned()))
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
        let exactly =
            |section: &Section| section.patterns().any(|pattern| is_address(&pattern, from));
        let by_domain =
            |section: &Section| section.patterns().any(|pattern| is_domain(&pattern, from));
        let mut profiles = self.profiles();
        let found = profiles.find(|(_, section)| exactly(section));
        let found = found.or_else(|| self.profiles().find(|(_, section)| by_domain(section)));
        found.map(|(name, _)| name.to_owned())
    }
}

impl Section {
    fn is_for_addresses(&self) -> bool {
        self.patterns().next().is_some()
    }

    fn patterns(&self) -> impl Iterator<Item = String> {
        let from = self.entry("from").map(|entry| entry.value.to_string());
        from.into_iter().chain(self.addresses.iter().cloned())
    }
}

/// Whether `text` is `*@domain`, which says whom a profile is for and is nobody's address.
pub(super) fn is_pattern(text: &str) -> bool {
    text.trim().starts_with("*@")
}

fn is_address(pattern: &str, from: &Address) -> bool {
    let list = (!is_pattern(pattern)).then(|| AddressList::parse(pattern));
    let Some(Ok(list)) = list else {
        return false;
    };
    // Local parts are compared as providers do, without regard to case.
    let wanted = from.to_string().to_lowercase();
    list.addresses()
        .any(|address| address.to_string().to_lowercase() == wanted)
}

fn is_domain(pattern: &str, from: &Address) -> bool {
    let domain = pattern.trim().strip_prefix("*@");
    domain.is_some_and(|domain| domain.eq_ignore_ascii_case(from.domain()))
}
