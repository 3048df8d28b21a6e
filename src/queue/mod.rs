//! The queue: messages that could not leave yet, in a directory, until they have.
//!
//! Owns the spool. One message is one file that only grows: a first line that says what it is, the
//! message as a server with SMTPUTF8 and 8BITMIME gets it, and a journal with a line for all that
//! happened to it. Refuses a directory that others can reach, and files that are not whole: these are
//! told, never sent and never removed. Knows no settings, no credentials and no server. RFC 5321 §4.5.4.
//!
//! # States
//!
//! | file | the message is |
//! |---|---|
//! | `tmp/ID` | being written; nobody sees it. Swept when it is older than an hour and not locked |
//! | `active/ID`, not locked | waiting for its next try |
//! | `active/ID`, locked | being sent by the process that holds the lock (flock(2), gone with the process) |
//! | `failed/ID` | given up: somebody did not get it, and the sender was told |
//! | none | accepted for everybody |
//!
//! A message counts as queued once its file is synced, renamed from `tmp` to `active`, and `active`
//! is synced: [`Queue::add`] returns after that, and keeps the lock until then. It counts as sent when
//! the server said so, and is removed next; who is killed between the last octet and that has it
//! sent again, with the same Message-ID. What was learnt of a recipient is synced in the journal before
//! anything follows from it.

mod claim;
mod draft;
mod entry;
mod id;
mod judge;
mod lock;
mod notice;
mod record;
mod run;
mod schedule;
mod spool;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;

use std::ffi::{CString, OsStr};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, FileType, OFlags, statat};
use rustix::io::Errno;

pub use claim::{Claim, Settled};
pub use draft::NewEntry;
pub use entry::{Entry, Recipient, State};
pub use id::Id;
pub use record::{Judged, Record, Status};
pub use run::{Batch, Outcome, Run, Told};
pub use schedule::Schedule;

use crate::failure::Result;
use crate::message::{Message, Store};
use draft::{Draft, Published};
use lock::Locked;
use spool::Spool;

/// A file whose time is that of the last run.
const LAST_RUN: &str = "last-run";
/// After which what is being written, and not locked, was left by a process that was killed.
const STALE: Duration = Duration::from_secs(60 * 60);

/// The directory in which a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It waits, or is being sent.
    Active,
    /// It was given up.
    Failed,
}

impl Place {
    const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Failed => "failed",
        }
    }
}

/// An open queue. Cheap to clone; may be used by several threads, and by several processes at once.
#[derive(Debug, Clone)]
pub struct Queue {
    spool: Arc<Spool>,
}

impl Queue {
    /// Opens the queue in this directory. Where there is none it is made, with mode 0700, and the
    /// directories above it too.
    ///
    /// # Errors
    /// [`Kind::Queue`](crate::failure::Kind::Queue), with what to do, when it cannot be made or
    /// opened, is a symbolic link, belongs to another user, or is open to others.
    pub fn create(path: &Path) -> Result<Self> {
        let spool = Arc::new(Spool::create(path)?);
        Ok(Self { spool })
    }

    /// Opens the queue in this directory; none when nothing was ever queued there.
    ///
    /// # Errors
    /// Those of [`create`](Self::create).
    pub fn open(path: &Path) -> Result<Option<Self>> {
        let spool = Spool::open(path)?.map(Arc::new);
        Ok(spool.map(|spool| Self { spool }))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.spool.path()
    }

    /// Queues a message: when this returns, it is there to stay.
    ///
    /// # Errors
    /// Nothing was queued and nothing is left over, unless the failure says otherwise.
    /// [`Kind::Queue`](crate::failure::Kind::Queue) when the queue cannot be written to;
    /// [`Kind::Message`](crate::failure::Kind::Message) when the message cannot be sent to any server;
    /// [`Kind::Io`](crate::failure::Kind::Io) when it cannot be read where it is kept.
    pub fn add(&self, new: &NewEntry<'_>) -> Result<Id> {
        let id = Id::new(new.now);
        match Draft::write(&self.spool, id, new)?.publish()? {
            Published::New => Ok(id),
            Published::There => Err(self.spool.failed("cannot take it", Errno::EXIST)),
        }
    }

    /// The messages in it, those being sent or given up included, in the order in which they were
    /// queued.
    ///
    /// # Errors
    /// [`Kind::Queue`](crate::failure::Kind::Queue) when the directory cannot be read.
    pub fn ids(&self) -> Result<Vec<(Id, Place)>> {
        let mut ids = Vec::new();
        for place in [Place::Active, Place::Failed] {
            let names = self.spool.names_in(self.spool.place(place))?;
            ids.extend(names.iter().filter_map(id_of).map(|id| (id, place)));
        }
        // One that was moved meanwhile comes once.
        ids.sort_by_key(|&(id, _)| id);
        ids.dedup_by_key(|&mut (id, _)| id);
        Ok(ids)
    }

    /// What is in the directory and is no message and no part of a queue: nothing of it is followed,
    /// read or removed.
    ///
    /// # Errors
    /// [`Kind::Queue`](crate::failure::Kind::Queue) when the directory cannot be read.
    pub fn strangers(&self) -> Result<Vec<PathBuf>> {
        let ours = [Place::Active.name(), Place::Failed.name(), "tmp", LAST_RUN];
        let root = self.spool.names_in(self.spool.root())?;
        let root = root
            .into_iter()
            .filter(|name| !ours.iter().any(|ours| name.to_bytes() == ours.as_bytes()))
            .map(|name| self.path().join(shown(&name)));
        let mut strangers: Vec<PathBuf> = root.collect();
        let parts: [(&str, BorrowedFd<'_>); 3] = [
            (Place::Active.name(), self.spool.place(Place::Active)),
            (Place::Failed.name(), self.spool.place(Place::Failed)),
            ("tmp", self.spool.tmp()),
        ];
        for (part, directory) in parts {
            let names = self.spool.names_in(directory)?;
            let strange = names.into_iter().filter(|name| id_of(name).is_none());
            strangers.extend(strange.map(|name| self.path().join(part).join(shown(&name))));
        }
        strangers.sort();
        Ok(strangers)
    }

    /// What is known of a message; nothing when it is not in the queue. Disturbs no run.
    ///
    /// # Errors
    /// [`Kind::Queue`](crate::failure::Kind::Queue) when there is such a file and it is not to be
    /// trusted or not whole, with what is wrong. Others are not concerned.
    pub fn look(&self, id: Id) -> Result<Option<Entry>> {
        // It may be moved between two looks, once either way.
        for place in [Place::Active, Place::Failed, Place::Active] {
            let Some(file) = self.spool.file(place, id, OFlags::RDONLY)? else {
                continue;
            };
            let state = match place {
                Place::Failed => State::Failed,
                Place::Active if lock::is_held(&file) => State::Sending,
                Place::Active => State::Waiting,
            };
            let entry = Entry::read(&file, id, state);
            return entry
                .map(Some)
                .map_err(|why| self.spool.unreadable(place, id, &why));
        }
        Ok(None)
    }

    /// A message of the queue, for all its recipients, to be shown; nothing when it is not there.
    ///
    /// # Errors
    /// Those of [`look`](Self::look), and when the message in the file cannot be one that was queued.
    pub fn message(&self, id: Id) -> Result<Option<Message>> {
        let Some(entry) = self.look(id)? else {
            return Ok(None);
        };
        for place in [Place::Active, Place::Failed, Place::Active] {
            if let Some(file) = self.spool.file(place, id, OFlags::RDONLY)? {
                return Message::kept(Store::own(file, entry.message())).map(Some);
            }
        }
        Ok(None)
    }

    /// Takes a waiting message, to be sent: nobody else has it as long as the claim lives. Nothing when
    /// it is gone, given up, or claimed by another.
    ///
    /// # Errors
    /// Those of [`look`](Self::look).
    pub fn claim(&self, id: Id) -> Result<Option<Claim>> {
        self.claim_in(Place::Active, id)
    }

    /// The same for a message that was given up, to be [retried](Claim::retry_now) or
    /// [removed](Claim::remove).
    ///
    /// # Errors
    /// Those of [`look`](Self::look).
    pub fn claim_failed(&self, id: Id) -> Result<Option<Claim>> {
        self.claim_in(Place::Failed, id)
    }

    fn claim_in(&self, place: Place, id: Id) -> Result<Option<Claim>> {
        let Some(file) = self.spool.file(place, id, OFlags::RDWR)? else {
            return Ok(None);
        };
        let failed = |error| self.spool.failed("cannot be locked", error);
        let Some(file) = Locked::new(file).map_err(failed)? else {
            return Ok(None);
        };
        // Whoever had it before may have moved or removed it.
        if !self.spool.names(place, id, &file).map_err(failed)? {
            return Ok(None);
        }
        let state = match place {
            Place::Active => State::Sending,
            Place::Failed => State::Failed,
        };
        let entry =
            Entry::read(&file, id, state).map_err(|why| self.spool.unreadable(place, id, &why))?;
        Ok(Some(Claim::new(self.clone(), place, file, entry)))
    }

    /// Notes that a run happened.
    ///
    /// # Errors
    /// [`Kind::Queue`](crate::failure::Kind::Queue) when the queue cannot be written to.
    pub fn ran(&self, now: SystemTime) -> Result<()> {
        let touch = || match self.spool.new_file(self.spool.root(), LAST_RUN) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                self.spool.existing(LAST_RUN)?.set_modified(now)
            }
            made => made?.set_modified(now),
        };
        touch().map_err(|error| self.spool.failed("cannot note that it was run", error))
    }

    /// When the last run happened; none when none did.
    pub fn last_run(&self) -> Option<SystemTime> {
        let stat = statat(self.spool.root(), LAST_RUN, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        let seconds = u64::try_from(stat.st_mtime).ok()?;
        spool::flaw(&stat, FileType::RegularFile)
            .is_none()
            .then(|| entry::time(seconds))
    }

    /// Removes what was left by those who were killed while they wrote: what is older than an hour and
    /// not locked; how many files.
    ///
    /// # Errors
    /// [`Kind::Queue`](crate::failure::Kind::Queue) when the directory cannot be read or written to.
    pub fn sweep(&self, now: SystemTime) -> Result<usize> {
        let mut swept = 0;
        for name in self.spool.names_in(self.spool.tmp())? {
            if let Some(id) = id_of(&name)
                && Draft::is_stale(&self.spool, id, now - STALE)
            {
                spool::unlink(self.spool.tmp(), &id.to_string())
                    .map_err(|error| self.spool.failed("cannot be swept", error))?;
                swept += 1;
            }
        }
        Ok(swept)
    }
}

/// The message whose file has this name.
fn id_of(name: &CString) -> Option<Id> {
    name.to_str().ok()?.parse().ok()
}

/// A name as the system has it.
fn shown(name: &CString) -> &OsStr {
    OsStr::from_bytes(name.to_bytes())
}
