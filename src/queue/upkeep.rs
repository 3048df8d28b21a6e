//! What a run does for the queue itself, and what is found in its directory that is none of it.
//!
//! Owns the mark of the last run, and sweeping up after those who were killed while they wrote. Refuses
//! to touch what this program did not make.

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;

use super::entry::time;
use super::spool::Part;
use super::{Queue, directory, id_of, lock};
use crate::failure::Result;

/// A file whose time is that of the last run.
const LAST_RUN: &str = "last-run";
/// After which what is being written, and not locked, was left by a process that was killed.
const STALE: Duration = Duration::from_secs(60 * 60);

impl Queue {
    /// Notes that a run happened.
    ///
    /// # Errors
    /// [`Kind::Queue`](crate::failure::Kind::Queue) when the queue cannot be written to.
    pub fn ran(&self, now: SystemTime) -> Result<()> {
        let failed = |error| self.spool.failed("cannot note that it was run", error);
        let file = match self.spool.new_file(Part::Root, LAST_RUN) {
            Err(Errno::EXIST) => self.spool.file(Part::Root, LAST_RUN, OFlags::WRONLY)?,
            made => Some(made.map_err(|error| failed(error.into()))?),
        };
        file.map_or(Ok(()), |file| file.set_modified(now))
            .map_err(failed)
    }

    /// When the last run happened; none when none did.
    pub fn last_run(&self) -> Option<SystemTime> {
        let stat = self.spool.stat(Part::Root, LAST_RUN).ok()?;
        let seconds = u64::try_from(stat.st_mtime).ok()?;
        let is_ours = directory::flaw(&stat, FileType::RegularFile).is_none();
        is_ours.then(|| time(seconds))
    }

    /// Removes what was left by those who were killed while they wrote: what is older than an hour and
    /// not locked; how many files.
    ///
    /// # Errors
    /// [`Kind::Queue`](crate::failure::Kind::Queue) when the directory cannot be read or written to.
    pub fn sweep(&self, now: SystemTime) -> Result<usize> {
        let mut swept = 0;
        for name in self.spool.names(Part::Tmp)? {
            let Some(name) = id_of(&name).map(|id| id.to_string()) else {
                continue;
            };
            if self.is_stale(&name, now) {
                let unlinked = self.spool.unlink(Part::Tmp, &name);
                unlinked.map_err(|error| self.spool.failed("cannot be swept", error))?;
                swept += 1;
            }
        }
        Ok(swept)
    }

    fn is_stale(&self, name: &str, now: SystemTime) -> bool {
        let is_old = |file: &File| -> io::Result<bool> {
            let age = now.duration_since(file.metadata()?.modified()?);
            Ok(age.is_ok_and(|age| age > STALE))
        };
        let file = self.spool.file(Part::Tmp, name, OFlags::RDONLY);
        matches!(file, Ok(Some(file)) if is_old(&file).unwrap_or(false) && !lock::is_held(&file))
    }

    /// What is in the directory and is no message and no part of a queue: nothing of it is followed,
    /// read or removed.
    ///
    /// # Errors
    /// [`Kind::Queue`](crate::failure::Kind::Queue) when the directory cannot be read.
    pub fn strangers(&self) -> Result<Vec<PathBuf>> {
        let is_ours = |part: Part, name: &CString| match part {
            Part::Root => {
                let mut ours = Part::ALL.iter().map(|part| part.name()).chain([LAST_RUN]);
                ours.any(|ours| name.to_bytes() == ours.as_bytes())
            }
            Part::Active | Part::Failed | Part::Tmp => id_of(name).is_some(),
        };
        let mut strangers = Vec::new();
        for part in [Part::Root].into_iter().chain(Part::ALL) {
            let names = self.spool.names(part)?;
            let strange = names.iter().filter(|name| !is_ours(part, name));
            strangers.extend(strange.map(|name| {
                let name = OsStr::from_bytes(name.to_bytes());
                self.spool.path_of(part, name)
            }));
        }
        strangers.sort();
        Ok(strangers)
    }
}
