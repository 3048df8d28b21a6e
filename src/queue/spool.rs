//! The directory of the queue, and everything done in it.
//!
//! Owns the descriptors of the directory and its parts; whatever happens in them goes through these,
//! so that nobody who swaps a name can lead us elsewhere. Refuses files that are not plain files of
//! ours with one name: these are told, and neither followed nor removed.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags, Stat, fchmod, fstat, fsync, openat,
    renameat, renameat_with, statat, unlinkat,
};
use rustix::io::Errno;

use super::directory;
use crate::failure::{Failure, Kind, Result};

/// A FIFO must not be waited for.
const PLAIN: OFlags = OFlags::NOFOLLOW
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);
const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);

/// A part of the queue's directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The directory itself.
    Root,
    /// For messages that were given up.
    Failed,
    /// For messages that wait or are being sent.
    Active,
    /// For what is being written.
    Tmp,
}

impl Part {
    /// What stands in the directory itself, in the order in which it is made.
    pub(super) const ALL: [Self; 3] = [Self::Failed, Self::Active, Self::Tmp];

    /// Its name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Root => "",
            Self::Failed => "failed",
            Self::Active => "active",
            Self::Tmp => "tmp",
        }
    }
}

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
        let path = directory::plain(path);
        directory::make(&path).map_err(|error| failed(&path, "cannot be made", error))?;
        let root = directory::open(CWD, &path, &path)?;
        Self::complete(path, root)
    }

    /// Opens the directory, unless there is none or nothing was ever queued in it.
    pub(super) fn open(path: &Path) -> Result<Option<Self>> {
        let path = directory::plain(path);
        if !directory::exists(CWD, &path) {
            return Ok(None);
        }
        let root = directory::open(CWD, &path, &path)?;
        if !directory::exists(&root, Path::new(Part::Active.name())) {
            return Ok(None);
        }
        Self::complete(path, root).map(Some)
    }

    fn complete(path: PathBuf, root: OwnedFd) -> Result<Self> {
        if !directory::exists(&root, Path::new(Part::Tmp.name())) {
            set_up(&path, &root).map_err(|error| failed(&path, "cannot be set up", error))?;
        }
        let [failed, active, tmp] = Part::ALL.map(|part| {
            let name = Path::new(part.name());
            directory::open(root.as_fd(), name, &path.join(name))
        });
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

    /// The path of a file, to be shown.
    pub(super) fn path_of(&self, part: Part, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(part.name()).join(name)
    }

    /// That something could not be done with the queue.
    pub(super) fn failed(&self, what: &str, error: impl Into<io::Error>) -> Failure {
        failed(&self.path, what, error)
    }

    fn directory(&self, part: Part) -> BorrowedFd<'_> {
        match part {
            Part::Root => self.root.as_fd(),
            Part::Failed => self.failed.as_fd(),
            Part::Active => self.active.as_fd(),
            Part::Tmp => self.tmp.as_fd(),
        }
    }

    /// The names in a part, without `.` and `..`.
    pub(super) fn names(&self, part: Part) -> Result<Vec<CString>> {
        let read = || -> io::Result<Vec<CString>> {
            let mut names = Vec::new();
            for entry in Dir::read_from(self.directory(part))? {
                let entry = entry?;
                if ![c".", c".."].contains(&entry.file_name()) {
                    names.push(entry.file_name().to_owned());
                }
            }
            Ok(names)
        };
        read().map_err(|error| self.failed("cannot be read", error))
    }

    /// Opens a file; nothing when there is none.
    ///
    /// # Errors
    /// [`Kind::Queue`] when it is not a plain file of ours alone.
    pub(super) fn file(&self, part: Part, name: &str, flags: OFlags) -> Result<Option<File>> {
        let unopened = |error| failed(&self.path_of(part, name), "cannot be opened", error);
        match openat(self.directory(part), name, flags | PLAIN, Mode::empty()) {
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::LOOP) => Err(self.strange(part, name, "is a symbolic link")),
            // A socket, or a device without a driver.
            Err(Errno::NXIO) => Err(self.strange(part, name, "is no plain file")),
            Err(Errno::ISDIR) => Err(self.strange(part, name, "is a directory")),
            Err(error) => Err(unopened(error)),
            Ok(file) => {
                let stat = fstat(&file).map_err(unopened)?;
                match directory::flaw(&stat, FileType::RegularFile) {
                    _ if stat.st_nlink == 0 => Ok(None),
                    Some(flaw) => Err(self.strange(part, name, &flaw)),
                    None => Ok(Some(File::from(file))),
                }
            }
        }
    }

    /// Makes a file that was not there, for us alone whatever the umask and the default ACL say.
    pub(super) fn new_file(&self, part: Part, name: &str) -> rustix::io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | PLAIN;
        let file = openat(self.directory(part), name, flags, PRIVATE)?;
        if let Err(error) = fchmod(&file, PRIVATE) {
            let _ = self.unlink(part, name);
            return Err(error);
        }
        Ok(File::from(file))
    }

    /// What the system knows of a name.
    pub(super) fn stat(&self, part: Part, name: &str) -> rustix::io::Result<Stat> {
        statat(self.directory(part), name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Whether a name still is that of this file.
    pub(super) fn is_named(&self, part: Part, name: &str, file: &File) -> rustix::io::Result<bool> {
        let here = fstat(file)?;
        match self.stat(part, name) {
            Ok(there) => Ok((there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Gives a file a new name that nothing has.
    pub(super) fn rename(
        &self,
        (from, name): (Part, &str),
        (to, new): (Part, &str),
    ) -> rustix::io::Result<()> {
        let (old, place) = (self.directory(from), self.directory(to));
        match renameat_with(old, name, place, new, RenameFlags::NOREPLACE) {
            // A file system without such a rename; whoever makes a name made it for himself.
            Err(Errno::INVAL | Errno::NOSYS) => match self.stat(to, new) {
                Err(Errno::NOENT) => renameat(old, name, place, new),
                Err(error) => Err(error),
                Ok(_) => Err(Errno::EXIST),
            },
            done => done,
        }
    }

    /// Takes a name away.
    pub(super) fn unlink(&self, part: Part, name: &str) -> rustix::io::Result<()> {
        unlinkat(self.directory(part), name, AtFlags::empty())
    }

    /// Waits until the names in a part are there to stay, or gone.
    pub(super) fn sync(&self, part: Part) -> rustix::io::Result<()> {
        fsync(self.directory(part))
    }

    /// That a file is not one that this program made.
    fn strange(&self, part: Part, name: &str, flaw: &str) -> Failure {
        let words = format!(
            "queue {} {flaw}: left alone",
            self.path_of(part, name).display()
        );
        Failure::new(Kind::Queue, words)
            .with_hint("find out who put it there, and take it away by hand")
    }

    /// That a file is not whole, or not one that is understood.
    pub(super) fn unreadable(&self, part: Part, name: &str, why: &str) -> Failure {
        let words = format!(
            "queue {}: {why}: left alone",
            self.path_of(part, name).display()
        );
        Failure::new(Kind::Queue, words)
            .with_hint("it is neither sent nor removed: look at it, and take it away by hand")
    }
}

/// Makes the parts, the last one when the others are there to stay: where there is `tmp`, all is well.
fn set_up(path: &Path, root: &OwnedFd) -> io::Result<()> {
    for part in Part::ALL {
        if part == Part::Tmp {
            directory::make_last(path, root)?;
        }
        directory::made(root, Path::new(part.name()))?;
    }
    Ok(())
}

/// That something could not be done with the queue at this path.
pub(super) fn failed(path: &Path, what: &str, error: impl Into<io::Error>) -> Failure {
    let error = error.into();
    let words = format!("queue {}: {what}: {error}", path.display());
    let failure = Failure::new(Kind::Queue, words);
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            failure.with_hint("free some space, or name another directory with --queue-dir")
        }
        io::ErrorKind::PermissionDenied
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::NotADirectory => {
            failure.with_hint("name a directory that you may write to with --queue-dir")
        }
        _ => failure,
    }
}
