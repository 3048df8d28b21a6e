//! Settings with their origin: flag > environment > profile in the user's file > the user's
//! defaults > system file > built in.
//!
//! `table` says which settings there are, `file` is a settings file and `reader` what stands in it,
//! `profile` chooses among its profiles by their `pattern`s, and `value` has the words several
//! settings are written in. Here the layers are put on one another; an error names the flag, the
//! variable or the line a value came from.

mod file;
mod pattern;
mod profile;
mod reader;
mod table;
mod value;

use std::ffi::OsString;
use std::fmt;
use std::iter::once_with;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

pub(crate) use self::file::{File, Owner, Section, is_anothers, system_file, users_file};
pub(crate) use self::reader::DEFAULT_PROFILE;
pub(crate) use self::table::{Form, Heading, Place, SETTINGS, Setting, setting};
pub(crate) use self::value::{count, on_or_off, one_of, parsed, seconds, span};
use super::args::Flags;
use crate::failure::{Failure, Kind};

/// Where a value came from; its text is what an error names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// `--name`.
    Flag(String),
    /// `SMTPSEND_NAME`.
    Environment(String),
    /// A line of a settings file: the layer it stands in (0 is the strongest), and its place.
    File {
        layer: usize,
        path: PathBuf,
        line: usize,
        key: &'static str,
    },
}

impl Origin {
    /// Whether `self` wins over `other`, whatever the setting.
    pub(crate) fn outranks(&self, other: &Self) -> bool {
        self.rank() < other.rank()
    }

    /// Whether both stand in one layer.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }

    fn rank(&self) -> usize {
        match self {
            Self::Flag(_) => 0,
            Self::Environment(_) => 1,
            Self::File { layer, .. } => 2 + layer,
        }
    }

    /// Whether it was typed for this run.
    pub(crate) fn is_flag(&self) -> bool {
        matches!(self, Self::Flag(_))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Environment(name) => f.write_str(name),
            Self::File {
                path, line, key, ..
            } => write!(f, "{}:{line}: {key}", path.display()),
        }
    }
}

/// The environment: a variable's value by its name.
pub(crate) type Environment<'e> = &'e dyn Fn(&str) -> Option<OsString>;

/// All layers; the built-in one is for the code that asks.
pub(crate) struct Settings<'e> {
    flags: Flags,
    environment: Environment<'e>,
    /// The user's file, then the system's.
    files: Vec<File>,
    /// The system's file, when this user may not read it.
    hidden: Option<PathBuf>,
    /// The name of the chosen profile.
    profile: Option<String>,
}

impl<'e> Settings<'e> {
    /// Of flags and environment alone.
    pub(crate) fn new(flags: Flags, environment: Environment<'e>) -> Self {
        Self {
            flags,
            environment,
            files: Vec::new(),
            hidden: None,
            profile: None,
        }
    }

    /// What was typed alone.
    pub(crate) fn typed(&self) -> Settings<'static> {
        Settings::new(self.flags.clone(), &|_| None)
    }

    /// Of the environment and one file, with this profile of it.
    pub(crate) fn of_file(
        file: File,
        profile: Option<String>,
        environment: Environment<'e>,
    ) -> Self {
        let mut settings = Self::new(Flags::default(), environment);
        settings.files.push(file);
        settings.profile = profile;
        settings
    }

    /// Adds the files: the one `--config` names, else the user's, and the system's.
    ///
    /// # Errors
    /// As [`File::read`]; a file that is named has to be there.
    pub(crate) fn read_files(&mut self) -> Result<()> {
        let environment = self.environment;
        let users = match self.path("config")? {
            Some((origin, path)) => {
                let there = File::read(&path, Owner::User, environment);
                let missing = || {
                    let words = format!("{origin}: {}: no such file", path.display());
                    Failure::new(Kind::Config, words).with_hint("smtpsend config init writes one")
                };
                Some(there.context(origin.to_string())?.ok_or_else(missing)?)
            }
            None => match users_file(environment).filter(|path| !is_anothers(path)) {
                Some(path) => File::read(&path, Owner::User, environment)?,
                None => None,
            },
        };
        self.files.extend(users);
        let path = system_file(environment);
        let system = File::read(&path, Owner::System, environment)?;
        // One that is there and not for this user counts for nothing.
        self.hidden = Some(path).filter(|path| system.is_none() && path.exists());
        self.files.extend(system);
        Ok(())
    }

    /// What to do about a setting that is missing, where the system's file may have it and this user may not
    /// read that.
    pub(crate) fn hint_at_hidden(&self) -> Option<String> {
        let path = self.hidden.as_ref()?.display();
        Some(format!(
            "{path} is there, and this user may not read it: chmod a+r {path}, and keep passwords in a file of their own"
        ))
    }

    /// The environment the settings are from.
    pub(crate) fn environment(&self) -> Environment<'e> {
        self.environment
    }

    /// The files that were read, the stronger one first.
    pub(crate) fn files(&self) -> &[File] {
        &self.files
    }

    /// The name of the chosen profile.
    pub(crate) fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// The sections that count, the strongest first.
    fn sections(&self) -> impl Iterator<Item = (&File, &Section)> {
        self.files.iter().flat_map(|file| {
            let profile = self.profile().and_then(|name| file.profile(name));
            let sections = profile.into_iter().chain([&file.defaults]);
            sections.map(move |section| (file, section))
        })
    }

    /// What each layer says of a setting, the strongest first; a weaker one is asked only when it is
    /// wanted.
    pub(crate) fn layers(
        &self,
        setting: &'static Setting,
    ) -> impl Iterator<Item = (Origin, OsString)> {
        let flag = || {
            let value = self.flags.value(setting)?;
            Some((Origin::Flag(setting.flag()), value))
        };
        let typed = || {
            let variable = setting.variable();
            let value = (self.environment)(&variable).filter(|value| !value.is_empty())?;
            Some((Origin::Environment(variable), value))
        };
        let written = self
            .sections()
            .enumerate()
            .filter_map(|(layer, (file, section))| {
                let entry = section.entry(setting.name)?;
                let origin = Origin::File {
                    layer,
                    path: file.path.clone(),
                    line: entry.line,
                    key: setting.name,
                };
                Some((origin, OsString::from(entry.value.as_str())))
            });
        let given = once_with(flag).chain(once_with(typed)).flatten();
        given.chain(written)
    }

    /// What the layer says in which `origin` stands, as far as it is UTF-8.
    pub(crate) fn beside(&self, origin: &Origin, name: &str) -> Option<String> {
        let mut layers = self.layers(setting(name)?);
        let (_, value) = layers.find(|(other, _)| other.is_beside(origin))?;
        value.into_string().ok()
    }

    /// What the strongest layer says.
    ///
    /// # Errors
    /// `Bug` when there is no such setting.
    pub(crate) fn raw(&self, name: &str) -> Result<Option<(Origin, OsString)>> {
        let setting = setting(name)
            .ok_or_else(|| Failure::new(Kind::Bug, format!("no setting is called {name}")))?;
        Ok(self.layers(setting).next())
    }

    /// The text of a setting and where it came from.
    ///
    /// # Errors
    /// When it is not UTF-8.
    pub(crate) fn text(&self, name: &str) -> Result<Option<(Origin, String)>> {
        let Some((origin, value)) = self.raw(name)? else {
            return Ok(None);
        };
        match value.into_string() {
            Ok(text) => Ok(Some((origin, text))),
            Err(_) => {
                let failure = blamed(Failure::new(Kind::Usage, "not valid UTF-8"), &origin);
                Err(failure).context(origin.to_string())
            }
        }
    }

    /// The value of a setting.
    ///
    /// # Errors
    /// What the value's parser says, with the origin named. Usage is a flag's fault; from
    /// elsewhere it is `Config`.
    pub(crate) fn value<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> crate::failure::Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.valued(name, parse)?.map(|(_, value)| value))
    }

    /// The value of a setting, and where it came from.
    ///
    /// # Errors
    /// As [`Self::value`].
    pub(crate) fn valued<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> crate::failure::Result<T>,
    ) -> Result<Option<(Origin, T)>> {
        let Some((origin, text)) = self.text(name)? else {
            return Ok(None);
        };
        let value = parse(&text)
            .map_err(|failure| blamed(failure, &origin))
            .context(origin.to_string())?;
        Ok(Some((origin, value)))
    }

    /// A setting that is a path.
    ///
    /// # Errors
    /// `Usage` for a flag with nothing behind it; elsewhere that counts as not set.
    pub(crate) fn path(&self, name: &str) -> Result<Option<(Origin, PathBuf)>> {
        let found = self.raw(name)?;
        if let Some((origin, _)) = found.as_ref().filter(|(_, value)| value.is_empty()) {
            let words = format!("{origin}: the name of the file is empty");
            let hint = format!("leave {origin} out, or name a file; /dev/null is an empty one");
            return Err(Failure::new(Kind::Usage, words).with_hint(hint).into());
        }
        Ok(found.map(|(origin, value)| (origin, PathBuf::from(value))))
    }

    /// A setting that is on or off; off when nobody says anything.
    pub(crate) fn switch(&self, name: &str) -> Result<bool> {
        Ok(self.value(name, on_or_off)?.unwrap_or(false))
    }
}

/// `failure` with the kind that a bad value has by its origin: a settings file is wrong whatever it
/// holds, while an address may be given for one message by the environment as well as by a flag.
pub(crate) fn blamed(failure: Failure, origin: &Origin) -> Failure {
    match (failure.kind, origin) {
        (Kind::Usage, Origin::Environment(_) | Origin::File { .. })
        | (Kind::Message, Origin::File { .. }) => Failure {
            kind: Kind::Config,
            ..failure
        },
        _ => failure,
    }
}
