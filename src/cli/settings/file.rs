//! A settings file: defaults at its top and profiles, each a section of settings.
//!
//! Owns where the files are, who may read and write them, and what they hold once they are read.
//! What stands in their text is for `reader`.

use std::fs;
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Result;
use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::io::Errno;
use rustix::process::geteuid;
use zeroize::Zeroizing;

use super::Environment;
use super::pattern::Pattern;
use crate::cli::host::users_folder;
use crate::cli::secrets::keep_out_of_core_files;
use crate::cli::stdin;
use crate::failure::{Failure, Kind};
use crate::route::Proxy;

/// Longest settings file, in octets.
const FILE_LIMIT: u64 = 1 << 20;

/// Stands for no file where one has to be named.
const NO_FILE: &str = "/dev/null";

/// A settings file that was read.
#[derive(Debug, Default)]
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) defaults: Section,
    pub(crate) profiles: Vec<(String, Section)>,
    /// What stands under `[aliases]`: local parts in lower case, and where mail for each goes.
    pub(crate) aliases: Vec<(String, Entry)>,
    /// The name of the profile that counts when no other is chosen.
    pub(crate) default_profile: Option<Entry>,
}

/// The keys of a section.
#[derive(Debug, Default)]
pub(crate) struct Section {
    pub(super) entries: Vec<(&'static str, Entry)>,
    /// The From addresses that it is for.
    pub(super) patterns: Vec<Pattern>,
}

/// A value, and the line it stands in.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// As it would stand behind the flag. It may be a password.
    pub(crate) value: Zeroizing<String>,
    pub(crate) line: usize,
}

/// Whose file it is, which says who may read and write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// One user's: nobody else's business.
    User,
    /// The system's: for all to read, unless it holds a password.
    System,
}

/// Where the user's file is: `smtpsend/config.toml` in `$XDG_CONFIG_HOME` or `~/.config`.
pub(crate) fn users_file(environment: Environment<'_>) -> Option<PathBuf> {
    let base = users_folder(environment, "XDG_CONFIG_HOME", ".config")?;
    Some(base.join("smtpsend/config.toml"))
}

/// Whether it is somebody else's, and kept from us: a cron job that mails has the `$HOME` of who started cron.
pub(crate) fn is_anothers(path: &Path) -> bool {
    let may_read = accessat(CWD, path, Access::READ_OK, AtFlags::EACCESS);
    let user = geteuid().as_raw();
    may_read == Err(Errno::ACCESS) && !fs::metadata(path).is_ok_and(|file| file.uid() == user)
}

/// Where the system's file is: `$SMTPSEND_SYSTEM_CONFIG`, else `/etc/smtpsend/config.toml`.
pub(crate) fn system_file(environment: Environment<'_>) -> PathBuf {
    environment("SMTPSEND_SYSTEM_CONFIG")
        .filter(|path| !path.is_empty())
        .map_or_else(|| PathBuf::from("/etc/smtpsend/config.toml"), PathBuf::from)
}

impl File {
    /// Reads a file; `None` when there is none, or when it is the system's and not for this user.
    ///
    /// # Errors
    /// `Config` when others may read or write what they must not, and for all that is wrong in it;
    /// `Input` when it cannot be read.
    pub(crate) fn read(
        path: &Path,
        owner: Owner,
        environment: Environment<'_>,
    ) -> Result<Option<Self>> {
        if path == Path::new(NO_FILE) {
            return Ok(Some(Self::parse(path, "", environment)?));
        }
        let place = path.display();
        let unreadable =
            |error: std::io::Error| Failure::new(Kind::Input, format!("{place}: {error}"));
        let file = match stdin::open(path) {
            Ok(file) => file,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Ok(None);
            }
            Err(error) if error.kind() == ErrorKind::PermissionDenied && owner == Owner::System => {
                return Ok(None);
            }
            Err(error) => return Err(unreadable(error).into()),
        };
        let metadata = file.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            let failure = Failure::new(Kind::Config, format!("{place}: not a regular file"));
            return Err(failure.into());
        }
        let mode = metadata.permissions().mode();
        let forbidden = |others: &str, mode: &str| {
            Failure::new(Kind::Config, format!("{place}: others can {others} it"))
                .with_hint(format!("chmod {mode} {place}"))
        };
        match owner {
            Owner::User if mode & 0o077 != 0 => {
                return Err(forbidden("read or write", "600").into());
            }
            Owner::System if mode & 0o022 != 0 => return Err(forbidden("write to", "go-w").into()),
            Owner::User | Owner::System => {}
        }
        // It may hold one.
        keep_out_of_core_files();
        // Room for all of it from the start: growing would leave copies of a password behind.
        let length = usize::try_from(metadata.len().min(FILE_LIMIT)).unwrap_or_default();
        let mut text = Zeroizing::new(String::with_capacity(length + 1));
        let mut bounded = file.take(FILE_LIMIT + 1);
        bounded
            .read_to_string(&mut text)
            .map_err(|error| match error.kind() {
                ErrorKind::InvalidData => Failure::new(Kind::Config, format!("{place}: not UTF-8")),
                _ => unreadable(error),
            })?;
        if text.len() as u64 > FILE_LIMIT {
            let words = format!("{place}: too large to be a settings file (1 MiB at most)");
            return Err(Failure::new(Kind::Config, words).into());
        }
        let read = Self::parse(path, &text, environment)?;
        let has_password = read.sections().any(Section::has_password);
        if has_password && mode & 0o004 != 0 {
            return Err(forbidden("read", "o-r").into());
        }
        Ok(Some(read))
    }

    /// The profile of this name.
    pub(crate) fn profile(&self, name: &str) -> Option<&Section> {
        let found = self.profiles.iter().find(|(known, _)| known == name);
        found.map(|(_, section)| section)
    }

    fn sections(&self) -> impl Iterator<Item = &Section> {
        let profiles = self.profiles.iter().map(|(_, section)| section);
        std::iter::once(&self.defaults).chain(profiles)
    }
}

impl Section {
    /// What the section says of a setting.
    pub(crate) fn entry(&self, name: &str) -> Option<&Entry> {
        let found = self.entries.iter().find(|(known, _)| *known == name);
        found.map(|(_, entry)| entry)
    }

    /// Whether a password stands in it, as it is or within a URL.
    fn has_password(&self) -> bool {
        let proxy = self
            .entry("proxy")
            .map(|entry| entry.value.parse::<Proxy>());
        self.entry("password").is_some() || matches!(proxy, Some(Ok(proxy)) if proxy.has_password())
    }
}
