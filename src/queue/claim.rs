//! A message of the queue in our hands.
//!
//! Owns its way from being claimed to what became of it: sent and gone, waiting, or given up. What was
//! learnt is in the journal, and on the disk, before the next thing follows from it, so that who is
//! killed leaves what the next run can go on with. Refuses to send what could not be noted afterwards.

use std::os::unix::fs::FileExt as _;
use std::time::SystemTime;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use super::draft::Draft;
use super::entry::{Entry, seconds};
use super::id::Id;
use super::lock::Locked;
use super::record::{Record, Status, line};
use super::{Place, Queue, Schedule, judge, notice};
use crate::envelope::Envelope;
use crate::failure::{Failure, Kind, Result};
use crate::message::{Message, Store};
use crate::report::Report;

/// A message that nobody else has, as long as this lives.
#[derive(Debug)]
pub struct Claim {
    queue: Queue,
    place: Place,
    file: Locked,
    entry: Entry,
}

/// What became of a message that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// Everybody was accepted; it is gone from the queue.
    Delivered,
    /// Somebody is still to be tried.
    Waiting {
        /// When.
        next: SystemTime,
        /// The failure notice that was queued for those who were given up.
        notice: Option<Id>,
    },
    /// Nobody is left to be tried, and somebody did not get it. It is kept as given up.
    Failed {
        /// The failure notice that was queued; none for a null sender, and where none was wanted.
        notice: Option<Id>,
    },
}

impl Claim {
    pub(super) fn new(queue: Queue, place: Place, file: Locked, entry: Entry) -> Self {
        Self {
            queue,
            place,
            file,
            entry,
        }
    }

    /// What is known of the message.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// The envelope of those who are still to be tried, and the message, which is read in the queue.
    ///
    /// # Errors
    /// [`Kind::Bug`] when nobody is left: see [`Entry::is_decided`]. [`Kind::Message`] or
    /// [`Kind::Io`] when the message in the file cannot be one that was queued, or cannot be read.
    pub fn mail(&self) -> Result<(Envelope, Message)> {
        let envelope = self.entry.open_envelope().ok_or_else(|| {
            let words = format!("{}: nobody is left to be tried", self.entry.id());
            Failure::new(Kind::Bug, words)
        })?;
        let file = self.file.try_clone();
        let file = file.map_err(|error| self.queue.spool.failed("cannot be read", error))?;
        let message = Message::kept(Store::own(file, self.entry.message()))?;
        Ok((envelope, message))
    }

    /// Makes sure of the room for the record of what comes of it. To be called before it is sent: what
    /// cannot be noted afterwards would be sent twice.
    ///
    /// # Errors
    /// [`Kind::Queue`] when the disk is full.
    pub fn reserve(&self) -> Result<()> {
        let cut = self.cut();
        cut.map_err(|error| self.queue.spool.failed("has no room for a record", error))?;
        let room = judge::room(self.entry.open().count()) as u64;
        match fallocate(
            &*self.file,
            FallocateFlags::KEEP_SIZE,
            self.entry.end(),
            room,
        ) {
            // A file system that cannot promise.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            Err(error) => Err(self.queue.spool.failed("has no room for a record", error)),
        }
    }

    /// Notes what came of a try, and does what follows from it: removes the message, lets it wait, or
    /// queues a failure notice for whom it was refused for good or given up.
    ///
    /// # Errors
    /// [`Kind::Queue`] when that cannot be noted; who was accepted may then be tried again. When a
    /// later step fails, what was noted stands, and the next run does the rest.
    pub fn settle(
        mut self,
        report: &Report,
        now: SystemTime,
        schedule: &Schedule,
    ) -> Result<Settled> {
        // A notice that a killed run left undone. When it cannot be made, this try is noted all the
        // same, and it is tried again below.
        let _ = self.notify(now);
        let over = schedule.is_over(self.entry.since(), now);
        let all_or_nothing = self.entry.all_or_nothing();
        let verdicts = judge::verdicts(report, self.entry.recipients(), all_or_nothing, over);
        let open = self.entry.open().count();
        let closed = verdicts
            .iter()
            .filter(|judged| !judged.status.is_open())
            .map(|judged| judged.to.len())
            .sum();
        let next = (open > closed).then(|| schedule.next(self.entry.tries() + 1, now));
        let weighs = verdicts
            .iter()
            .any(|judged| judged.status != Status::Deferred);
        let record = judge::record(report, now, next, verdicts, judge::room(open));
        let noted = self.append(record);
        if self.is_delivered() {
            return self.delivered();
        }
        noted?;
        if weighs {
            self.sync()?;
        }
        self.finish(now)
    }

    /// Brings a message to its end of which [nobody is left to be tried](Entry::is_decided), because a
    /// run was killed before it could.
    ///
    /// # Errors
    /// [`Kind::Queue`] when it cannot; the next run can.
    pub fn finish(mut self, now: SystemTime) -> Result<Settled> {
        let notice = self.notify(now)?;
        if self.place == Place::Failed {
            return Ok(Settled::Failed { notice });
        }
        // What was reserved and not used; it is a pity when it stays, and no more.
        let _ = self.file.set_len(self.entry.end());
        if let Some(next) = self.entry.next_try().filter(|_| !self.entry.is_decided()) {
            return Ok(Settled::Waiting { next, notice });
        }
        if self.is_delivered() {
            return self.delivered();
        }
        self.move_to(Place::Failed)?;
        Ok(Settled::Failed { notice })
    }

    /// Makes the message due now. Of one that was given up, those who did not get it are tried again,
    /// and its lifetime starts anew.
    ///
    /// # Errors
    /// [`Kind::Queue`] when that cannot be noted.
    pub fn retry_now(mut self, now: SystemTime) -> Result<()> {
        let given_up = self.entry.recipients().iter().enumerate();
        let to = match self.place {
            Place::Active => Vec::new(),
            Place::Failed => given_up
                .filter(|(_, recipient)| recipient.status.is_given_up())
                .map(|(place, _)| place)
                .collect(),
        };
        let at = seconds(now);
        self.append(Record::Retry { at, to })?;
        self.sync()?;
        match self.place {
            Place::Active => Ok(()),
            Place::Failed => self.move_to(Place::Active),
        }
    }

    /// Removes the message from the queue. Nobody is told.
    ///
    /// # Errors
    /// [`Kind::Queue`] when it cannot be removed.
    pub fn remove(self) -> Result<()> {
        self.unlink().and_then(|()| self.sync_place(self.place))
    }
}

impl Claim {
    fn is_delivered(&self) -> bool {
        let accepted = |status| status == Status::Accepted;
        let mut recipients = self.entry.recipients().iter();
        recipients.all(|recipient| accepted(recipient.status))
    }

    fn delivered(self) -> Result<Settled> {
        if let Err(failure) = self.unlink() {
            // What was noted is all that keeps it from being sent again.
            self.sync()?;
            return Err(failure);
        }
        self.sync_place(self.place)?;
        Ok(Settled::Delivered)
    }

    fn unlink(&self) -> Result<()> {
        let spool = &self.queue.spool;
        spool
            .unlink(self.place.part(), &self.entry.id().to_string())
            .map_err(|error| spool.failed("cannot be rid of a message", error))
    }

    fn sync_place(&self, place: Place) -> Result<()> {
        let spool = &self.queue.spool;
        let what = "cannot make it last where a message is";
        spool
            .sync(place.part())
            .map_err(|error| spool.failed(what, error))
    }

    fn move_to(&self, place: Place) -> Result<()> {
        let spool = &self.queue.spool;
        let name = self.entry.id().to_string();
        spool
            .rename((self.place.part(), &name), (place.part(), &name))
            .map_err(|error| spool.failed("cannot move a message", error))?;
        self.sync_place(place)?;
        self.sync_place(self.place)
    }

    /// Queues a notice for those who were given up and of whom the sender was not told.
    fn notify(&mut self, now: SystemTime) -> Result<Option<Id>> {
        let recipients = self.entry.recipients().iter().enumerate();
        let owed: Vec<usize> = recipients
            .filter(|(_, recipient)| recipient.status.is_given_up() && !recipient.notified)
            .map(|(place, _)| place)
            .collect();
        let (Some(sender), false) = (notice::receiver(&self.entry), owed.is_empty()) else {
            return Ok(None);
        };
        let id = self.entry.id().following(self.entry.tries());
        let (envelope, message) = notice::of(&self.entry, &self.file, sender, &owed, now)?;
        let new = super::NewEntry {
            envelope: &envelope,
            message: &message,
            profile: self.entry.profile(),
            all_or_nothing: false,
            now,
            first_try: None,
        };
        // One that is there was queued by a run that was killed before it could note it.
        Draft::write(&self.queue.spool, id, &new)?.publish()?;
        self.append(Record::Notified {
            at: seconds(now),
            notice: id.to_string(),
            to: owed,
        })?;
        self.sync()?;
        Ok(Some(id))
    }

    /// Adds a record to the journal, in the place of one that was not written whole.
    fn append(&mut self, record: Record) -> Result<()> {
        let line = line(&record).map_err(|error| Failure::new(Kind::Bug, error.to_string()))?;
        let written = self
            .cut()
            .and_then(|()| self.file.write_all_at(&line, self.entry.end()));
        let octets = if written.is_ok() { line.len() } else { 0 };
        let applied = self.entry.apply(record, octets);
        applied.map_err(|why| Failure::new(Kind::Bug, why))?;
        written.map_err(|error| self.not_noted(error))
    }

    /// Takes away what stands after the last record. Where nothing does, nothing is done: that would
    /// give back what is reserved.
    fn cut(&self) -> std::io::Result<()> {
        if self.file.metadata()?.len() > self.entry.end() {
            self.file.set_len(self.entry.end())?;
        }
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|error| self.not_noted(error))
    }

    fn not_noted(&self, error: std::io::Error) -> Failure {
        let what = format!("cannot note what came of {}", self.entry.id());
        self.queue.spool.failed(&what, error)
    }
}
