//! Taking over msmtp's configuration: its accounts become profiles of the settings file.
//!
//! What holds for each account is put together as msmtp does ([`accounts`]), said with our
//! settings ([`takeover`]), and what `defaults` say alike for all becomes a default again. What is
//! not taken over is listed, with its line and what to do; nothing that protects is weakened.

mod accounts;
mod left_out;
mod takeover;

use std::fmt;
use std::path::Path;

use toml_writer::TomlWrite as _;
use zeroize::Zeroizing;

use self::accounts::{Accounts, Value};
use self::takeover::Takeover;
use super::entry::{Entry, write_table};
use crate::cli::settings::DEFAULT_PROFILE;
use crate::failure::{Result, printable};

/// Whether these settings can be used, which are tried together and without others; if not, why not,
/// without repeating a password.
pub(in crate::cli::config) type Accepts<'a> =
    &'a dyn Fn(&[Entry]) -> std::result::Result<(), String>;

/// Settings that belong to an account, also where `defaults` give them.
const OWN: [&str; 8] = [
    "server",
    "auth",
    "user",
    "password",
    "password-command",
    "token-command",
    "from",
    "envelope-from",
];

/// What is not taken over as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cli::config) struct Note {
    line: usize,
    text: String,
}

impl Note {
    /// About a command.
    fn of(value: Value<'_>, what: &str) -> Self {
        Self::new(value.line, value.written, what)
    }

    fn new(line: usize, subject: &str, what: &str) -> Self {
        let text = printable(&format!("{subject}: {what}"));
        Self { line, text }
    }
}

/// `line 7: tls_certcheck: …`.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.text)
    }
}

/// An account with our settings.
struct Profile {
    name: String,
    entries: Vec<Entry>,
}

/// msmtp's configuration with our settings. Holds passwords: not to be shown.
pub(in crate::cli::config) struct Imported {
    /// The profile for who names none.
    default: Option<String>,
    defaults: Vec<Entry>,
    profiles: Vec<Profile>,
    /// What was not taken over, in the order of the lines.
    pub(in crate::cli::config) notes: Vec<Note>,
}

/// Takes over a msmtprc; `home` stands for a `~` in it, and what `accepts` refuses becomes a note.
///
/// # Errors
/// `Config`, with the line, where the file is not one that msmtp would read: an account that
/// takes over from none before it, two of a name, text that is no UTF-8, more than 64 KiB.
pub(in crate::cli::config) fn import(
    text: &[u8],
    home: Option<&Path>,
    accepts: Accepts<'_>,
) -> Result<Imported> {
    let Accounts {
        accounts,
        defaults: by_default,
        mut notes,
    } = Accounts::read(text)?;
    let mut profiles = Vec::new();
    for account in &accounts {
        let taken = Takeover::of(account, home, accepts, &mut notes);
        profiles.extend(taken.map(|entries| Profile {
            name: account.name.to_owned(),
            entries,
        }));
    }
    // `account default : work` with nothing of its own is how msmtp says which one to use.
    let alias = accounts
        .iter()
        .find(|account| account.name == "default")
        .and_then(|account| account.parent);
    let find = |name: &str| profiles.iter().find(|profile| profile.name == name);
    let default = match (find("default"), alias.and_then(find)) {
        (Some(default), Some(other)) if default.entries == other.entries => {
            let other = other.name.clone();
            profiles.retain(|profile| profile.name != "default");
            Some(other)
        }
        (default, _) => default.map(|default| default.name.clone()),
    };
    let defaults = shared(&mut profiles, |entry| {
        !OWN.contains(&entry.key)
            && entry
                .command
                .is_some_and(|name| by_default.contains_key(name))
    });
    notes.sort();
    notes.dedup();
    Ok(Imported {
        default,
        defaults,
        profiles,
        notes,
    })
}

/// Takes out what all profiles have alike, of what may be shared.
fn shared(profiles: &mut [Profile], may_be: impl Fn(&Entry) -> bool) -> Vec<Entry> {
    let Some((first, others)) = profiles.split_first() else {
        return Vec::new();
    };
    let shared: Vec<Entry> = first
        .entries
        .iter()
        .filter(|entry| may_be(entry))
        .filter(|entry| others.iter().all(|other| other.entries.contains(entry)))
        .cloned()
        .collect();
    for profile in profiles {
        profile.entries.retain(|entry| !shared.contains(entry));
    }
    shared
}

impl Imported {
    /// Whether no account was left.
    pub(in crate::cli::config) fn is_empty(&self) -> bool {
        self.profiles.is_empty()
    }

    /// The names of the profiles.
    pub(in crate::cli::config) fn names(&self) -> impl Iterator<Item = &str> {
        self.profiles.iter().map(|profile| profile.name.as_str())
    }

    /// The settings file. Keep it from others: passwords may stand in it.
    pub(in crate::cli::config) fn to_toml(&self) -> Zeroizing<String> {
        // Room for all of it from the start: growing would leave copies of passwords behind.
        let all = self.profiles.iter().flat_map(|profile| &profile.entries);
        let room: usize = all.chain(&self.defaults).map(Entry::room).sum();
        let names: usize = self
            .profiles
            .iter()
            .map(|profile| 64 + 2 * profile.name.len())
            .sum();
        let mut text = Zeroizing::new(String::with_capacity(1024 + room + names));
        // Writing to a String does not fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> fmt::Result {
        if let Some(name) = &self.default {
            Entry::text(DEFAULT_PROFILE, name, None).write(text)?;
        }
        write_table(text, None, &self.defaults)?;
        for profile in &self.profiles {
            if !text.is_empty() {
                text.newline()?;
            }
            write_table(text, Some(&profile.name), &profile.entries)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
