//! Aliases: where mail for a user of this machine goes.
//!
//! Owns looking one up: `[aliases]` of the settings files, the stronger file first, then the file that
//! the setting `sendmail-aliases` names, in the form of `/etc/aliases`, which is read when the first
//! name is looked for. `target` reads what stands behind a name. Names have no domain, and their case
//! does not count.

mod file;
mod target;

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};

use self::file::AliasFile;
pub(crate) use self::target::{Target, Written, is_unserved, written};
use super::output::Console;
use super::settings::Settings;
use super::stdin;
use crate::failure::{Failure, Kind};
use crate::smtp::Observer as _;

/// The file of aliases that counts when no other is named.
const USUAL_FILE: &str = "/etc/aliases";

/// Octets of a file of aliases at most.
const FILE_LIMIT: usize = 4 << 20;

/// An alias in a settings file.
pub(crate) struct Alias<'s> {
    /// The local part, in lower case.
    pub(crate) name: &'s str,
    /// Where its mail goes, with commas.
    pub(crate) value: &'s str,
    path: &'s Path,
    line: usize,
}

impl Alias<'_> {
    /// The file and the line.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.path.display(), self.line)
    }
}

/// Those in settings files; of one name the first counts.
pub(crate) fn in_settings<'s>(settings: &'s Settings<'_>) -> impl Iterator<Item = Alias<'s>> {
    settings.files().iter().flat_map(|file| {
        file.aliases.iter().map(|(name, entry)| Alias {
            name,
            value: &entry.value,
            path: &file.path,
            line: entry.line,
        })
    })
}

/// All aliases.
pub(crate) struct Aliases<'s> {
    settings: &'s Settings<'s>,
    console: &'s Console,
    deadline: Option<Instant>,
    file: OnceCell<AliasFile>,
}

impl<'s> Aliases<'s> {
    /// Those of the settings; a file is read before the deadline.
    pub(crate) fn new(
        settings: &'s Settings<'s>,
        deadline: Option<Instant>,
        console: &'s Console,
    ) -> Self {
        Self {
            settings,
            console,
            deadline,
            file: OnceCell::new(),
        }
    }

    /// Where mail for this local part, in lower case, goes; nothing when it is no alias.
    ///
    /// # Errors
    /// `Input` when the file cannot be read, `Config` when a target cannot, naming its place.
    pub(crate) fn targets(&self, local: &str) -> Result<Option<Vec<Target>>> {
        let found = in_settings(self.settings).find(|alias| alias.name == local);
        let (place, value) = match found {
            Some(alias) => (alias.place(), alias.value),
            None => match self.file()?.entry(local) {
                Some((place, value)) => (place, value),
                None => return Ok(None),
            },
        };
        let targets = Target::all(value).map_err(|failure| {
            let failure = failure.at(format!("{place}: {local}"));
            Failure {
                kind: Kind::Config,
                ..failure
            }
        })?;
        Ok(Some(targets))
    }

    fn file(&self) -> Result<&AliasFile> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let file = self.read_file()?;
        for warning in file.warnings() {
            self.console.warning(warning);
        }
        Ok(self.file.get_or_init(|| file))
    }

    /// A file that is named has to be there; the usual one need not.
    fn read_file(&self) -> Result<AliasFile> {
        let named = self.settings.path("sendmail-aliases")?;
        let path = match &named {
            Some((_, path)) => path.clone(),
            None if !Path::new(USUAL_FILE).exists() => return Ok(AliasFile::default()),
            None => PathBuf::from(USUAL_FILE),
        };
        let octets = stdin::read_file(&path, FILE_LIMIT, self.deadline);
        let octets = match named {
            Some((origin, _)) => octets.context(origin.to_string())?,
            None => octets?,
        };
        Ok(AliasFile::parse(&path, &String::from_utf8_lossy(&octets)))
    }
}
