//! Writing a settings file: whole or not at all, for its owner alone, by one at a time, and never over
//! another one unless that was asked for.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::process::geteuid;

use crate::failure::{Failure, Kind, Result};

/// How the names of files that are being written start.
const UNFINISHED: &str = ".smtpsend-unfinished-";

/// After this time nobody is still writing one.
const DAY: Duration = Duration::from_secs(86_400);

/// What to do with a file that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    Keep,
    Replace,
}

impl Existing {
    /// By what `--force` says.
    pub(super) fn of(force: bool) -> Self {
        if force { Self::Replace } else { Self::Keep }
    }
}

/// A file to be written, in a folder where nobody else writes as long as this lives.
pub(super) struct Place {
    /// As it was named.
    path: PathBuf,
    /// What the links lead to: a link stays one.
    target: PathBuf,
    folder: fs::File,
}

impl Place {
    /// Waits for its turn at the folder, which is made, with mode 0700, when there is none.
    ///
    /// # Errors
    /// `Io` when the folder cannot be made or opened.
    pub(super) fn lock(path: &Path) -> Result<Self> {
        let failed = |error: io::Error| failed(path, &error);
        let target = behind_links(path).map_err(failed)?;
        let name = folder_of(&target);
        let mut builder = DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(name);
        made.map_err(failed)?;
        let folder = fs::File::open(name).map_err(failed)?;
        // Where the file system has no locks, writing works as well as ever.
        let _ = rustix::io::retry_on_intr(|| flock(&folder, FlockOperation::LockExclusive));
        Ok(Self {
            path: path.to_owned(),
            target,
            folder,
        })
    }

    /// Writes `text`, with mode 0600.
    ///
    /// # Errors
    /// `Config` when there is a file to be kept, `Io` when it cannot be written.
    pub(super) fn write(&self, text: &str, existing: Existing) -> Result<()> {
        let failed = |error: io::Error| failed(&self.path, &error);
        let folder = folder_of(&self.target);
        sweep(folder);
        let mut file = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempfile_in(folder)
            // The whole error would name the file that there is not.
            .map_err(|error| failed(error.kind().into()))?;
        let written = file.as_file_mut().write_all(text.as_bytes());
        written.map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        match existing {
            Existing::Replace => file
                .persist(&self.target)
                .map_err(|error| failed(error.error))?,
            Existing::Keep => file
                .persist_noclobber(&self.target)
                .map_err(|error| match error.error.kind() {
                    ErrorKind::AlreadyExists => there_is_one(&self.path),
                    _ => failed(error.error),
                })?,
        };
        // The name has to last as the text does.
        self.folder.sync_all().map_err(failed)
    }
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Kind::Io, format!("{}: {error}", path.display()))
}

/// Where a link leads, and one that it leads to; the last may lead to what is not there yet.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    loop {
        match fs::canonicalize(&target) {
            Err(error) if error.kind() == ErrorKind::NotFound => match fs::read_link(&target) {
                Ok(link) => target = folder_of(&target).join(link),
                Err(_) => return Ok(target),
            },
            found => return found,
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent();
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Removes what runs that were killed have left: a password may stand in it.
fn sweep(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let left = entry.metadata().is_ok_and(|metadata| {
            metadata.is_file()
                && metadata.uid() == geteuid().as_raw()
                && metadata
                    .modified()
                    .is_ok_and(|time| time.elapsed().is_ok_and(|age| age > DAY))
        });
        if left && name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
            // The next run tries again.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// That there is a file which is not to be written over.
pub(super) fn there_is_one(path: &Path) -> Failure {
    Failure::new(
        Kind::Config,
        format!("{}: there is a settings file already", path.display()),
    )
    .with_hint(
        "add a profile to it with smtpsend config init --profile NAME, or replace it with --force",
    )
}
