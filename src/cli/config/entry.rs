//! One of our settings with its value, and how it is written in the settings file (TOML).
//!
//! A value may be a password: it is zeroed, and has no `Debug`.

use std::fmt;

use toml_writer::TomlWrite as _;
use zeroize::Zeroizing;

use crate::cli::settings::{Form, on_or_off, setting};

/// The table of the profiles.
const PROFILES: &str = "profile";

/// The value of one of our settings.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::cli::config) enum Value {
    Text(Zeroizing<String>),
    Number(u32),
    Switch(bool),
}

/// One of our settings.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::cli::config) struct Entry {
    pub(in crate::cli::config) key: &'static str,
    pub(in crate::cli::config) value: Value,
    /// The command that says it; none where msmtp's own default does.
    pub(in crate::cli::config) command: Option<&'static str>,
}

impl Entry {
    pub(in crate::cli::config) fn text(
        key: &'static str,
        text: &str,
        command: Option<&'static str>,
    ) -> Self {
        Self {
            key,
            value: Value::Text(Zeroizing::new(text.to_owned())),
            command,
        }
    }

    pub(in crate::cli::config) fn number(
        key: &'static str,
        number: u32,
        command: Option<&'static str>,
    ) -> Self {
        Self {
            key,
            value: Value::Number(number),
            command,
        }
    }

    /// Any setting, by its name.
    pub(in crate::cli::config) fn named(key: &str, text: &str) -> Option<Self> {
        let setting = setting(key)?;
        let mut entry = Self::text(setting.name, text, None);
        if setting.form == Form::Switch {
            entry.value = Value::Switch(on_or_off(text).ok()?);
        }
        Some(entry)
    }

    /// Octets that it needs at most: a tab, quote or backslash takes two.
    pub(in crate::cli::config) fn room(&self) -> usize {
        let value = match &self.value {
            Value::Text(text) => 2 * text.len(),
            Value::Number(_) | Value::Switch(_) => 10,
        };
        self.key.len() + value + 16
    }

    /// Writes its line.
    pub(in crate::cli::config) fn write(&self, text: &mut String) -> fmt::Result {
        text.key(self.key)?;
        text.space()?;
        text.keyval_sep()?;
        text.space()?;
        match &self.value {
            Value::Text(value) => text.value(value.as_str())?,
            Value::Number(number) => text.value(*number)?,
            Value::Switch(on) => text.value(*on)?,
        }
        text.newline()
    }
}

/// These settings as a file has them: at its top, or as a profile.
pub(in crate::cli::config) fn table(profile: Option<&str>, entries: &[Entry]) -> Zeroizing<String> {
    let name = profile.map_or(0, |name| 2 * name.len() + 16);
    // Room for all of it from the start: growing would leave copies of a password behind.
    let room = name + entries.iter().map(Entry::room).sum::<usize>();
    let mut text = Zeroizing::new(String::with_capacity(room));
    // Writing to a String does not fail.
    let _ = write_table(&mut text, profile, entries);
    text
}

/// Writes the settings at the top of a file, or as a profile.
pub(in crate::cli::config) fn write_table(
    text: &mut String,
    profile: Option<&str>,
    entries: &[Entry],
) -> fmt::Result {
    if let Some(name) = profile {
        text.open_table_header()?;
        text.key(PROFILES)?;
        text.key_sep()?;
        text.key(name)?;
        text.close_table_header()?;
        text.newline()?;
    }
    entries.iter().try_for_each(|entry| entry.write(text))
}
