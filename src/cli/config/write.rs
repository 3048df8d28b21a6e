//! Writing a settings file: whole or not at all, for its owner alone, and never over another one
//! unless that was asked for.

use std::fs::{self, DirBuilder};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::failure::{Failure, Kind, Result};

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

/// Writes `text` to `path`, with mode 0600; its folder is made, with mode 0700.
///
/// # Errors
/// `Config` when there is a file to be kept, `Io` when it cannot be written.
pub(super) fn write(path: &Path, text: &str, existing: Existing) -> Result<()> {
    let place = path.display();
    let failed = |error: std::io::Error| Failure::new(Kind::Io, format!("{place}: {error}"));
    // A link stays one: what it leads to is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = target
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut builder = DirBuilder::new();
    builder
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(failed)?;
    let mut file = NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    match existing {
        Existing::Replace => file.persist(&target).map_err(|error| failed(error.error))?,
        Existing::Keep => {
            file.persist_noclobber(&target)
                .map_err(|error| match error.error.kind() {
                    ErrorKind::AlreadyExists => there_is_one(path),
                    _ => failed(error.error),
                })?
        }
    };
    // The name has to last as the text does.
    let folder = fs::File::open(folder).map_err(failed)?;
    folder.sync_all().map_err(failed)
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
