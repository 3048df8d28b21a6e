//! One of our settings with its value, and how it is written in the settings file (TOML).
//!
//! A value may be a password: it is zeroed, and has no `Debug`.

use std::fmt;

use toml_writer::TomlWrite as _;
use zeroize::Zeroizing;

use crate::cli::settings::{Form, on_or_off, setting};

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
