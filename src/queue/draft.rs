//! A message on its way into the queue.
//!
//! Owns writing its file where nobody looks, as a stream, and giving it its name once all of it is on
//! the disk. Whatever goes wrong, and whoever lets go of it before, leaves nothing behind.

use std::io::{BufWriter, Write as _};
use std::time::SystemTime;

use rustix::io::Errno;

use super::asked::Asked;
use super::entry::{Recipient, seconds};
use super::id::Id;
use super::judge;
use super::lock::Locked;
use super::record::{Head, VERSION, line};
use super::schedule::Schedule;
use super::spool::{Part, Spool};
use crate::envelope::Envelope;
use crate::failure::{Failure, Kind, Result};
use crate::message::{Message, unreadable};
use crate::report::Report;

/// Octets written at once: the message comes in chunks of half of it at most.
const BUFFER: usize = 128 << 10;

/// A message to be queued.
#[derive(Debug, Clone, Copy)]
pub struct NewEntry<'a> {
    /// The sender, and the recipients who are still to be tried.
    pub envelope: &'a Envelope,
    /// The message.
    pub message: &'a Message,
    /// The profile whose settings it is to be sent with; none for those without a profile.
    pub profile: Option<&'a str>,
    /// Whether it is for all recipients or nobody.
    pub all_or_nothing: bool,
    /// When it is queued.
    pub now: SystemTime,
    /// What came of the try that was made already: it becomes the first of the history, and the next one
    /// follows the default [`Schedule`]. None: it is due at once.
    pub first_try: Option<&'a Report>,
}

/// A file that has no name in the queue yet.
#[derive(Debug)]
pub(super) struct Draft<'s> {
    spool: &'s Spool,
    id: Id,
    /// Its name in `tmp`: never one that a process that was killed may have left there.
    name: String,
    /// Locked until it is known to last, so that no run takes it before.
    file: Locked,
    is_published: bool,
}

/// What came of giving a message its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Published {
    /// It is queued.
    New,
    /// There is one of that name.
    There,
}

impl<'s> Draft<'s> {
    /// Writes the file of a message that is to have this name.
    pub(super) fn write(spool: &'s Spool, id: Id, new: &NewEntry<'_>) -> Result<Self> {
        let content = new.message.content(true, true)?;
        let size = content.facts().size;
        let mut head = Head {
            version: VERSION,
            id: id.to_string(),
            queued: seconds(new.now),
            size,
            message_id: new.message.message_id().to_owned(),
            profile: new.profile.map(str::to_owned),
            all_or_nothing: new.all_or_nothing,
            from: String::new(),
            to: Vec::new(),
            options: Asked::default(),
        };
        head.set_envelope(new.envelope);

        let draft = Self::create(spool, id, new.now)?;
        let failed = |error| spool.failed("cannot take the message", error);
        let mut out = BufWriter::with_capacity(BUFFER, &*draft.file);
        let head = line(&head).map_err(|error| failed(error.into()))?;
        out.write_all(&head).map_err(failed)?;
        let mut reader = content.reader();
        let mut written = 0;
        while let Some(chunk) = reader.next_chunk().map_err(|error| unreadable(&error))? {
            out.write_all(chunk).map_err(failed)?;
            written += chunk.len() as u64;
        }
        if written != size {
            let words = format!("a message of {size} octets came to {written}");
            return Err(Failure::new(Kind::Bug, words));
        }
        if let Some(record) = first_record(new) {
            let record = line(&record).map_err(|error| failed(error.into()))?;
            out.write_all(&record).map_err(failed)?;
        }
        out.flush().map_err(failed)?;
        drop(out);
        draft.file.sync_all().map_err(failed)?;
        Ok(draft)
    }

    fn create(spool: &'s Spool, id: Id, now: SystemTime) -> Result<Self> {
        let name = Id::new(now).to_string();
        let failed = |error| spool.failed("cannot take the message", error);
        let file = spool
            .new_file(Part::Tmp, &name)
            .map_err(|error| failed(error.into()))?;
        let locked = Locked::new(file).map_err(failed);
        match locked.and_then(|file| file.ok_or_else(|| failed(Errno::WOULDBLOCK.into()))) {
            Ok(file) => Ok(Self {
                spool,
                id,
                name,
                file,
                is_published: false,
            }),
            Err(failure) => {
                let _ = spool.unlink(Part::Tmp, &name);
                Err(failure)
            }
        }
    }

    /// Gives it its name. When this is done, it is queued and will last.
    pub(super) fn publish(mut self) -> Result<Published> {
        let failed = |error| self.spool.failed("cannot take the message", error);
        let name = self.id.to_string();
        let renamed = (Part::Tmp, self.name.as_str());
        match self.spool.rename(renamed, (Part::Active, &name)) {
            Ok(()) => self.is_published = true,
            Err(Errno::EXIST) => return Ok(Published::There),
            Err(error) => return Err(failed(error)),
        }
        if let Err(error) = self.spool.sync(Part::Active) {
            let taken_back = self.spool.unlink(Part::Active, &name);
            let failure = failed(error);
            return Err(match taken_back {
                Ok(()) => failure,
                Err(_) => failure.with_hint(format!("it may be in the queue: look for {name}")),
            });
        }
        Ok(Published::New)
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if !self.is_published {
            let _ = self.spool.unlink(Part::Tmp, &self.name);
        }
    }
}

/// The record of the try that was made before.
fn first_record(new: &NewEntry<'_>) -> Option<super::Record> {
    let report = new.first_try?;
    let addresses = new.envelope.recipients().iter().cloned();
    let recipients: Vec<Recipient> = addresses.map(Recipient::untried).collect();
    let verdicts = judge::verdicts(report, &recipients, new.all_or_nothing, false);
    let next = Some(Schedule::default().next(1, new.now));
    Some(judge::record(report, new.now, next, verdicts, usize::MAX))
}
