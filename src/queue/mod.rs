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

mod asked;
mod claim;
mod directory;
mod draft;
mod entry;
mod id;
mod judge;
mod lock;
mod notice;
mod reading;
mod record;
mod run;
mod schedule;
mod spool;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
mod upkeep;

use std::ffi::CString;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::OFlags;
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
use spool::{Part, Spool};

/// The directory in which a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It waits, or is being sent.
    Active,
    /// It was given up.
    Failed,
}

impl Place {
    const fn part(self) -> Part {
        match self {
            Self::Active => Part::Active,
            Self::Failed => Part::Failed,
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
            let names = self.spool.names(place.part())?;
            ids.extend(names.iter().filter_map(id_of).map(|id| (id, place)));
        }
        // One that was moved meanwhile comes once.
        ids.sort_by_key(|&(id, _)| id);
        ids.dedup_by_key(|&mut (id, _)| id);
        Ok(ids)
    }

    /// What is known of a message; nothing when it is not in the queue. Disturbs no run.
    ///
    /// # Errors
    /// [`Kind::Queue`](crate::failure::Kind::Queue) when there is such a file and it is not to be
    /// trusted or not whole, with what is wrong. Others are not concerned.
    pub fn look(&self, id: Id) -> Result<Option<Entry>> {
        let Some((place, file)) = self.find(id)? else {
            return Ok(None);
        };
        let state = match place {
            Place::Failed => State::Failed,
            Place::Active if lock::is_held(&file) => State::Sending,
            Place::Active => State::Waiting,
        };
        self.read(place, &file, id, state).map(Some)
    }

    /// A message of the queue, for all its recipients, to be shown; nothing when it is not there.
    ///
    /// # Errors
    /// Those of [`look`](Self::look), and when the message in the file cannot be one that was queued.
    pub fn message(&self, id: Id) -> Result<Option<Message>> {
        let Some((place, file)) = self.find(id)? else {
            return Ok(None);
        };
        let entry = self.read(place, &file, id, State::Waiting)?;
        Message::kept(Store::own(file, entry.message())).map(Some)
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

    fn find(&self, id: Id) -> Result<Option<(Place, File)>> {
        // It may be moved between two looks, once either way.
        for place in [Place::Active, Place::Failed, Place::Active] {
            if let Some(file) = self
                .spool
                .file(place.part(), &id.to_string(), OFlags::RDONLY)?
            {
                return Ok(Some((place, file)));
            }
        }
        Ok(None)
    }

    fn read(&self, place: Place, file: &File, id: Id, state: State) -> Result<Entry> {
        reading::entry(file, id, state)
            .map_err(|why| self.spool.unreadable(place.part(), &id.to_string(), &why))
    }

    fn claim_in(&self, place: Place, id: Id) -> Result<Option<Claim>> {
        let Some(file) = self
            .spool
            .file(place.part(), &id.to_string(), OFlags::RDWR)?
        else {
            return Ok(None);
        };
        let failed = |error| self.spool.failed("cannot lock a message", error);
        let Some(file) = Locked::new(file).map_err(failed)? else {
            return Ok(None);
        };
        // Whoever had it before may have moved or removed it.
        let named = self.spool.is_named(place.part(), &id.to_string(), &file);
        if !named.map_err(|error| failed(error.into()))? {
            return Ok(None);
        }
        let state = match place {
            Place::Active => State::Sending,
            Place::Failed => State::Failed,
        };
        let entry = self.read(place, &file, id, state)?;
        Ok(Some(Claim::new(self.clone(), place, file, entry)))
    }
}

/// The message whose file has this name.
fn id_of(name: &CString) -> Option<Id> {
    name.to_str().ok()?.parse().ok()
}
