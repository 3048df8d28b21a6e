//! A directory that is ours alone: how one is recognised, opened and made.
//!
//! Owns the rules: of this user, closed to others, itself and not a link to it; a file in it has one
//! name and is a plain one. Made with mode 0700 whatever the umask says, and so that it lasts. Refuses
//! anything else, with what to do.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, Stat, chmodat, fstat, fsync, mkdirat, openat, statat,
};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::spool::failed;
use crate::failure::{Failure, Kind, Result};

const OURS: Mode = Mode::RWXU;
const OTHERS: u32 = 0o077;
const DIRECTORY: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// What keeps a file or directory from being ours alone.
pub(super) fn flaw(stat: &Stat, wanted: FileType) -> Option<String> {
    let found = FileType::from_raw_mode(stat.st_mode);
    if found != wanted {
        return Some(format!("is {}", kind(found)));
    }
    if stat.st_uid != geteuid().as_raw() {
        return Some(format!("belongs to another user (uid {})", stat.st_uid));
    }
    if stat.st_mode & OTHERS != 0 {
        let mode = stat.st_mode & 0o777;
        return Some(format!("is open to other users (mode {mode:04o})"));
    }
    if wanted == FileType::RegularFile && stat.st_nlink > 1 {
        return Some(format!("has {} names (hard links)", stat.st_nlink));
    }
    None
}

fn kind(found: FileType) -> &'static str {
    match found {
        FileType::RegularFile => "a file",
        FileType::Directory => "a directory",
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        _ => "no plain file",
    }
}

/// Whether there is something of this name, as far as one can tell.
pub(super) fn exists(at: impl AsFd, name: &Path) -> bool {
    !matches!(
        statat(at, name, AtFlags::SYMLINK_NOFOLLOW),
        Err(Errno::NOENT)
    )
}

/// The path without what would make the system follow a link at its end.
pub(super) fn plain(path: &Path) -> PathBuf {
    path.components().collect()
}

/// Opens a directory that is ours alone.
pub(super) fn open(at: BorrowedFd<'_>, name: &Path, path: &Path) -> Result<OwnedFd> {
    let refused = |flaw: &str, hint: String| {
        let words = format!("queue {} {flaw}", path.display());
        Err(Failure::new(Kind::Queue, words).with_hint(hint))
    };
    let another = || "name a directory of your own with --queue-dir".to_owned();
    let stat = statat(at, name, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|error| failed(path, "cannot be opened", error))?;
    match flaw(&stat, FileType::Directory) {
        Some(flaw) if stat.st_uid == geteuid().as_raw() && flaw.contains("mode") => {
            refused(&flaw, format!("chmod 700 {}", path.display()))
        }
        Some(flaw) => refused(&flaw, another()),
        None => {
            let opened = openat(at, name, DIRECTORY, Mode::empty())
                .and_then(|directory| Ok((fstat(&directory)?, directory)));
            let (now, directory) =
                opened.map_err(|error| failed(path, "cannot be opened", error))?;
            match flaw(&now, FileType::Directory) {
                Some(flaw) => refused(&flaw, another()),
                None => Ok(directory),
            }
        }
    }
}

/// Makes a directory and those above it that there are not.
pub(super) fn make(path: &Path) -> rustix::io::Result<()> {
    match made(CWD, path) {
        Err(Errno::NOENT) => {
            make(path.parent().ok_or(Errno::NOENT)?)?;
            made(CWD, path)
        }
        done => done,
    }
}

/// Sees to it that a directory, and those above it, are there to stay, whoever made them and was
/// killed over it.
pub(super) fn make_last(path: &Path, directory: &OwnedFd) -> io::Result<()> {
    fsync(directory)?;
    let above = path.ancestors().skip(1);
    for above in above.map(|above| Path::new(".").join(above)) {
        // Where we may not look, or nothing is ours, we have made nothing.
        let Ok(above) = File::open(above) else {
            break;
        };
        above.sync_all()?;
        if above.metadata()?.uid() != geteuid().as_raw() {
            break;
        }
    }
    Ok(())
}

/// Makes a directory, unless it is there, for us alone whatever the umask says.
pub(super) fn made(at: impl AsFd, path: &Path) -> rustix::io::Result<()> {
    let at = at.as_fd();
    match mkdirat(at, path, OURS) {
        Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error),
        Ok(()) => {
            let stat = statat(at, path, AtFlags::SYMLINK_NOFOLLOW)?;
            let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
            if is_directory && stat.st_mode & 0o777 != OURS.bits() {
                chmodat(at, path, OURS, AtFlags::empty())?;
            }
            Ok(())
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_another_is_not_ours() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut stat = fstat(file.as_file()).unwrap();
        assert_eq!(flaw(&stat, FileType::RegularFile), None);
        stat.st_uid += 1;
        let flaw = flaw(&stat, FileType::RegularFile).unwrap();
        assert!(flaw.contains("another user"), "{flaw}");
    }

    #[test]
    fn a_path_ends_where_no_link_is_followed() {
        for path in ["a/b/", "a/b/.", "a//b/./", "a/b"] {
            assert_eq!(plain(Path::new(path)).as_os_str(), "a/b");
        }
    }
}
