//! What flags and variables give for later runs, too: it is written down, and not asked for.
//!
//! A flag goes before a variable. A secret in a variable stays there. Refuses what is wrong with a flag
//! by its name, since the file in which it would stand is not there yet.

use std::ffi::OsString;
use std::path;
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::entry::Entry;
use crate::cli::credentials::{self, SOURCES};
use crate::cli::host::HostName;
use crate::cli::secrets::Source;
use crate::cli::settings::{
    Environment, Form, Heading, Place, SETTINGS, Setting, Settings, blamed,
};
use crate::cli::{request, run, sendmail, way};
use crate::failure::{Failure, Kind};
use crate::route::Proxy;

/// What is given.
pub(super) struct Given {
    entries: Vec<Entry>,
    /// The variables that hold secrets and count.
    left_out: Vec<String>,
}

impl Given {
    /// By flags and variables; `start` is when the run began.
    ///
    /// # Errors
    /// What is wrong with them, as where a message is sent.
    pub(super) fn of(settings: &Settings<'_>, start: Instant) -> Result<Self> {
        check(settings, start)?;
        let is_typed = |name| {
            Ok(settings
                .raw(name)?
                .is_some_and(|(origin, _)| origin.is_flag()))
        };
        let names_source = SOURCES.into_iter().map(is_typed);
        let names_source = names_source.collect::<Result<Vec<bool>>>()?.contains(&true);
        let mut given = Self {
            entries: Vec::new(),
            left_out: Vec::new(),
        };
        for setting in SETTINGS.iter().filter(|setting| lasts(setting)) {
            let Some((origin, value)) = settings.raw(setting.name)? else {
                continue;
            };
            if !origin.is_flag() {
                // All in the file are of one layer: a weaker one that is not needed must not get there.
                if names_source && SOURCES.contains(&setting.name) {
                    continue;
                }
                if is_secret(setting, &value) {
                    given.left_out.push(setting.variable());
                    continue;
                }
            }
            let value = match setting.form {
                Form::Path if value.to_str().is_none_or(|value| setting.is_file(value)) => {
                    path::absolute(&value)
                        .with_context(|| origin.to_string())?
                        .into()
                }
                _ => value,
            };
            let value = value.into_string().map_err(|_| {
                let words = format!("{origin}: not UTF-8, and cannot stand in a settings file");
                Failure::new(Kind::Usage, words)
            })?;
            given.entries.extend(Entry::named(setting.name, &value));
        }
        Ok(given)
    }

    /// As the file will have it.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The variables that later runs need beside the file.
    pub(super) fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// What a variable says beside the file: not what stands in there, which would hide a flag's value.
    pub(super) fn environment(
        &self,
        variable: &str,
        environment: Environment<'_>,
    ) -> Option<OsString> {
        let is_setting = SETTINGS
            .iter()
            .any(|setting| setting.variable() == variable);
        let counts = !is_setting || self.left_out.iter().any(|name| name == variable);
        counts.then(|| environment(variable)).flatten()
    }
}

/// Looks at all that is given.
fn check(settings: &Settings<'_>, start: Instant) -> Result<()> {
    request::check_settings(settings)?;
    sendmail::check_settings(settings)?;
    run::check_settings(settings)?;
    way::plan(settings, &HostName::of_this_machine(), start)?;
    settings.value("user", credentials::user_name)?;
    credentials::is_named(settings)?;
    for name in ["password-command", "token-command"] {
        if let Some((origin, line)) = settings.text(name)? {
            let command = Source::command(&origin.to_string(), &line);
            command.map_err(|failure| blamed(failure, &origin))?;
        }
    }
    Ok(())
}

/// Whether it makes a difference to later runs.
fn lasts(setting: &Setting) -> bool {
    !matches!(setting.heading, Heading::Output | Heading::Settings)
        && setting.place != Place::NoFile
        && !matches!(setting.name, "discover" | "dns")
}

/// Whether the value is a secret, or one stands in it.
fn is_secret(setting: &Setting, value: &OsString) -> bool {
    let proxy = || value.to_str()?.parse::<Proxy>().ok();
    setting.place == Place::NoFlag
        || setting.name == "proxy" && proxy().is_some_and(|proxy| proxy.has_password())
}
