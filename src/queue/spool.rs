//! The directory of the queue: that it is ours alone, and everything done in it.
//!
//! Owns the descriptors of the directory and its parts; whatever happens in them goes through these,
//! so that nobody who swaps a name can lead us elsewhere. Refuses a directory that is a symbolic
//! link, of another user, or open to others, and files that are not plain files of ours with one
//! name: these are told, and neither followed nor removed.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags, Stat, chmodat, fchmod, fstat, fsync,
    mkdirat, openat, renameat, renameat_with, statat, unlinkat,
};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::Place;
use super::id::Id;
use crate::failure::{Failure, Kind, Result};

const OURS: Mode = Mode::RWXU;
const OTHERS: u32 = 0o077;
const DIRECTORY: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
/// A FIFO must not be waited for.
const PLAIN: OFlags = OFlags::NOFOLLOW
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);
const TMP: &str = "tmp";
/// What a queue has in it, in the order in which it is made: where there is `tmp`, the others are
/// known to last.
const PARTS: [&str; 3] = [Place::Failed.name(), Place::Active.name(), TMP];

/// An open, checked directory.
#[derive(Debug)]
pub(super) struct Spool {
    path: PathBuf,
    root: OwnedFd,
    failed: OwnedFd,
    active: OwnedFd,
    tmp: OwnedFd,
}

impl Spool {
    /// Opens the directory, which is made when there is none.
    pub(super) fn create(path: &Path) -> Result<Self> {
        let path = plain(path);
        make(&path).map_err(|error| failed(&path, "cannot be made", error))?;
        let root = directory(CWD, &path, &path)?;
        Self::complete(path, root)
    }

    /// Opens the directory, unless there is none or nothing was ever queued in it.
    pub(super) fn open(path: &Path) -> Result<Option<Self>> {
        let path = plain(path);
        if !exists(CWD, &path) {
            return Ok(None);
        }
        let root = directory(CWD, &path, &path)?;
        if !exists(&root, Path::new(Place::Active.name())) {
            return Ok(None);
        }
        Self::complete(path, root).map(Some)
    }

    fn complete(path: PathBuf, root: OwnedFd) -> Result<Self> {
        if !exists(&root, Path::new(TMP)) {
            set_up(&path, &root).map_err(|error| failed(&path, "cannot be set up", error))?;
        }
        let part = |name: &str| directory(root.as_fd(), Path::new(name), &path.join(name));
        let [failed, active, tmp] = PARTS.map(part);
        Ok(Self {
            failed: failed?,
            active: active?,
            tmp: tmp?,
            path,
            root,
        })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The directory itself.
    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// The directory for what is being written.
    pub(super) fn tmp(&self) -> BorrowedFd<'_> {
        self.tmp.as_fd()
    }

    /// The directory of a place.
    pub(super) fn place(&self, place: Place) -> BorrowedFd<'_> {
        match place {
            Place::Active => self.active.as_fd(),
            Place::Failed => self.failed.as_fd(),
        }
    }

    /// The path of a message, to be shown.
    pub(super) fn path_of(&self, place: Place, id: Id) -> PathBuf {
        self.path.join(place.name()).join(id.to_string())
    }

    /// That something could not be done with the queue.
    pub(super) fn failed(&self, what: &str, error: impl Into<io::Error>) -> Failure {
        failed(&self.path, what, error)
    }

    /// Opens the file of a message; nothing when there is none.
    ///
    /// # Errors
    /// [`Kind::Queue`] when it is not a plain file of ours alone.
    pub(super) fn file(&self, place: Place, id: Id, flags: OFlags) -> Result<Option<File>> {
        let path = || self.path_of(place, id);
        let file = match openat(
            self.place(place),
            id.to_string(),
            flags | PLAIN,
            Mode::empty(),
        ) {
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(strange(&path(), "is a symbolic link")),
            Err(error) => return Err(failed(&path(), "cannot be opened", error)),
            Ok(file) => file,
        };
        let stat = fstat(&file).map_err(|error| failed(&path(), "cannot be opened", error))?;
        match flaw(&stat, FileType::RegularFile) {
            _ if stat.st_nlink == 0 => Ok(None),
            Some(flaw) => Err(strange(&path(), &flaw)),
            None => Ok(Some(File::from(file))),
        }
    }

    /// Whether the name of a message still is that of this file.
    pub(super) fn names(&self, place: Place, id: Id, file: &File) -> io::Result<bool> {
        let here = fstat(file)?;
        match statat(self.place(place), id.to_string(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(there) => Ok((there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes a file in one of its directories that was not there, for us alone whatever the umask and
    /// the default ACL say.
    pub(super) fn new_file(&self, directory: BorrowedFd<'_>, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | PLAIN;
        let file = openat(directory, name, flags, Mode::RUSR | Mode::WUSR)?;
        fchmod(&file, Mode::RUSR | Mode::WUSR)?;
        Ok(File::from(file))
    }

    /// Opens a plain file of ours alone in the directory itself.
    pub(super) fn existing(&self, name: &str) -> io::Result<File> {
        let file = openat(&self.root, name, OFlags::WRONLY | PLAIN, Mode::empty())?;
        match flaw(&fstat(&file)?, FileType::RegularFile) {
            Some(flaw) => Err(io::Error::other(format!("{name} {flaw}"))),
            None => Ok(File::from(file)),
        }
    }

    /// That the file of a message is not whole, or not one that is understood.
    pub(super) fn unreadable(&self, place: Place, id: Id, why: &str) -> Failure {
        let path = self.path_of(place, id);
        let words = format!("{}: {why}: left alone", path.display());
        Failure::new(Kind::Queue, words)
            .with_hint("it is neither sent nor removed: look at it, and take it away by hand")
    }

    /// The names in one of its directories, without `.` and `..`.
    pub(super) fn names_in(&self, directory: BorrowedFd<'_>) -> Result<Vec<CString>> {
        let read = || -> io::Result<Vec<CString>> {
            let mut names = Vec::new();
            for entry in Dir::read_from(directory)? {
                let entry = entry?;
                if ![c".", c".."].contains(&entry.file_name()) {
                    names.push(entry.file_name().to_owned());
                }
            }
            Ok(names)
        };
        read().map_err(|error| self.failed("cannot be read", error))
    }
}

/// Gives a file a new name that nothing has.
pub(super) fn rename(
    from: BorrowedFd<'_>,
    name: &str,
    to: BorrowedFd<'_>,
    new: &str,
) -> rustix::io::Result<()> {
    match renameat_with(from, name, to, new, RenameFlags::NOREPLACE) {
        // A file system without such a rename; whoever makes a name made it for himself.
        Err(Errno::INVAL | Errno::NOSYS) => match statat(to, new, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => renameat(from, name, to, new),
            Err(error) => Err(error),
            Ok(_) => Err(Errno::EXIST),
        },
        done => done,
    }
}

/// Takes a name away.
pub(super) fn unlink(directory: BorrowedFd<'_>, name: &str) -> rustix::io::Result<()> {
    unlinkat(directory, name, AtFlags::empty())
}

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
fn exists(at: impl AsFd, name: &Path) -> bool {
    !matches!(
        statat(at, name, AtFlags::SYMLINK_NOFOLLOW),
        Err(Errno::NOENT)
    )
}

/// The path without what would make the system follow a link at its end.
fn plain(path: &Path) -> PathBuf {
    path.components().collect()
}

/// Opens a directory that is ours alone.
fn directory(at: BorrowedFd<'_>, name: &Path, path: &Path) -> Result<OwnedFd> {
    let refused = |flaw: &str, hint: String| {
        let words = format!("the queue {} {flaw}", path.display());
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
fn make(path: &Path) -> rustix::io::Result<()> {
    match made(CWD, path) {
        Err(Errno::NOENT) => {
            make(path.parent().ok_or(Errno::NOENT)?)?;
            made(CWD, path)
        }
        done => done,
    }
}

/// Makes what a queue has in it. The last part is made when the others and the directory itself are
/// there to stay, whoever made them and was killed over it.
fn set_up(path: &Path, root: &OwnedFd) -> io::Result<()> {
    for part in PARTS {
        if part == TMP {
            fsync(root)?;
            let above = path.ancestors().skip(1);
            for above in above.map(|above| Path::new(".").join(above)) {
                let Ok(above) = File::open(above) else {
                    break;
                };
                above.sync_all()?;
                if above.metadata()?.uid() != geteuid().as_raw() {
                    break;
                }
            }
        }
        made(root, Path::new(part))?;
    }
    Ok(())
}

/// Makes a directory, unless it is there, for us alone whatever the umask says.
fn made(at: impl AsFd, path: &Path) -> rustix::io::Result<()> {
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

/// That a file in the queue is not one that this program made.
fn strange(path: &Path, flaw: &str) -> Failure {
    let words = format!("{} {flaw}: left alone", path.display());
    Failure::new(Kind::Queue, words)
        .with_hint("find out who put it there, and take it away by hand")
}

/// That something could not be done with the queue at this path.
fn failed(path: &Path, what: &str, error: impl Into<io::Error>) -> Failure {
    let error = error.into();
    let hint = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space, or name another directory with --queue-dir"
        }
        io::ErrorKind::PermissionDenied
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::NotADirectory => "name a directory that you may write to with --queue-dir",
        _ => "nothing was changed that could be sent twice or lost: try again",
    };
    let words = format!("the queue {} {what}: {error}", path.display());
    Failure::new(Kind::Queue, words).with_hint(hint)
}
