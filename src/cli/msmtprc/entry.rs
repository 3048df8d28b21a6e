//! One of our settings with its value, and how it is written in the settings file (TOML).
//!
//! A value may be a password: it is zeroed, and has no `Debug`.

use std::fmt;

use toml_writer::TomlWrite as _;
use zeroize::Zeroizing;

/// The value of one of our settings.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Setting {
    Text(Zeroizing<String>),
    Number(u32),
}

/// One of our settings.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: &'static str,
    pub(super) setting: Setting,
    /// The command that says it; none where msmtp's own default does.
    pub(super) command: Option<&'static str>,
}

impl Entry {
    pub(super) fn text(key: &'static str, text: &str, command: Option<&'static str>) -> Self {
        Self {
            key,
            setting: Setting::Text(Zeroizing::new(text.to_owned())),
            command,
        }
    }

    pub(super) fn number(key: &'static str, number: u32, command: Option<&'static str>) -> Self {
        Self {
            key,
            setting: Setting::Number(number),
            command,
        }
    }

    /// Octets that it needs at most: a tab, quote or backslash takes two.
    pub(super) fn room(&self) -> usize {
        let value = match &self.setting {
            Setting::Text(text) => 2 * text.len(),
            Setting::Number(_) => 10,
        };
        self.key.len() + value + 16
    }

    /// Writes its line.
    pub(super) fn write(&self, text: &mut String) -> fmt::Result {
        text.key(self.key)?;
        text.space()?;
        text.keyval_sep()?;
        text.space()?;
        match &self.setting {
            Setting::Text(value) => text.value(value.as_str())?,
            Setting::Number(number) => text.value(*number)?,
        }
        text.newline()
    }
}
