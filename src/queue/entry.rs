//! A message in the queue as it is known: what was written first, and what its records come to.
//!
//! Owns where the message and each of its recipients stand. Refuses a record of a recipient that there
//! is not.

use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::id::Id;
use super::record::{Head, Record, Status};
use super::schedule::LONGEST;
use crate::address::Address;
use crate::envelope::{Envelope, Options, ReversePath};

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits for its next try.
    Waiting,
    /// A run is sending it.
    Sending,
    /// It will not be tried again, and is kept: somebody did not get it.
    Failed,
}

impl State {
    /// The name used in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sending => "sending",
            Self::Failed => "failed",
        }
    }
}

/// A recipient of a message in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The address.
    pub address: Address,
    /// Where it stands.
    pub status: Status,
    /// The code of the reply that decided so, where one did.
    pub code: Option<u16>,
    /// Its enhanced status code.
    pub enhanced: Option<String>,
    /// Its text, else what went wrong; empty before the first try.
    pub text: String,
    /// Whether the sender was told that this recipient will not get the message.
    pub notified: bool,
}

impl Recipient {
    pub(super) fn untried(address: Address) -> Self {
        Self {
            address,
            status: Status::Pending,
            code: None,
            enhanced: None,
            text: String::new(),
            notified: false,
        }
    }
}

/// A message in the queue.
#[derive(Debug, Clone)]
pub struct Entry {
    id: Id,
    state: State,
    head: Head,
    envelope: Envelope,
    recipients: Vec<Recipient>,
    records: Vec<Record>,
    next_try: SystemTime,
    /// From when its lifetime counts.
    since: SystemTime,
    /// Where the message stands in the file.
    message: Range<u64>,
    /// Where the next record is to be written.
    end: u64,
}

impl Entry {
    /// Its name.
    pub fn id(&self) -> Id {
        self.id
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// When it was queued, to the second.
    pub fn queued(&self) -> SystemTime {
        time(self.head.queued)
    }

    /// Octets of the message.
    pub fn size(&self) -> u64 {
        self.head.size
    }

    /// Its Message-ID, with angle brackets; empty when it has none.
    pub fn message_id(&self) -> &str {
        &self.head.message_id
    }

    /// The profile whose settings it is sent with.
    pub fn profile(&self) -> Option<&str> {
        self.head.profile.as_deref()
    }

    /// Whether it is for all recipients or nobody.
    pub fn all_or_nothing(&self) -> bool {
        self.head.all_or_nothing
    }

    /// The sender.
    pub fn sender(&self) -> &ReversePath {
        self.envelope.sender()
    }

    /// What is asked for beside delivery.
    pub fn options(&self) -> &Options {
        self.envelope.options()
    }

    /// The recipients it was queued for, in the order of the envelope.
    pub fn recipients(&self) -> &[Recipient] {
        &self.recipients
    }

    /// The recipients who are still to be tried.
    pub fn open(&self) -> impl Iterator<Item = &Recipient> {
        self.recipients
            .iter()
            .filter(|recipient| recipient.status.is_open())
    }

    /// Whether nobody is left to be tried. A message that is so and still waits was left by a run that
    /// was killed: it is due, and to be brought to its end by [`Claim::finish`](super::Claim::finish).
    pub fn is_decided(&self) -> bool {
        self.open().next().is_none()
    }

    /// What happened to it, in order.
    pub fn history(&self) -> &[Record] {
        &self.records
    }

    /// How often it was tried to send it.
    pub fn tries(&self) -> usize {
        let tried = |record: &&Record| matches!(record, Record::Tried { .. });
        self.records.iter().filter(tried).count()
    }

    /// When it is to be tried next; none when it is not.
    pub fn next_try(&self) -> Option<SystemTime> {
        (self.state != State::Failed).then_some(self.next_try)
    }

    /// Whether it is to be tried by now: also when the clock was put back by more than any wait, which
    /// else would have to come to an end by the old time.
    pub fn is_due(&self, now: SystemTime) -> bool {
        self.next_try()
            .is_some_and(|next| next <= now || next > now + LONGEST || self.is_decided())
    }
}

impl Entry {
    /// A message of which nothing but its first line is known, and where the message stands in its file.
    pub(super) fn queued_as(
        id: Id,
        state: State,
        head: Head,
        message: Range<u64>,
    ) -> Result<Self, String> {
        let envelope = head.envelope()?;
        let addresses = envelope.recipients().iter().cloned();
        Ok(Self {
            id,
            state,
            recipients: addresses.map(Recipient::untried).collect(),
            envelope,
            records: Vec::new(),
            next_try: time(head.queued),
            since: time(head.queued),
            end: message.end,
            message,
            head,
        })
    }

    /// Adds a record of so many octets.
    pub(super) fn apply(&mut self, record: Record, octets: usize) -> Result<(), String> {
        match &record {
            Record::Tried { next, verdicts, .. } => {
                self.next_try = next.map_or(self.next_try, time);
                for judged in verdicts {
                    for &place in &judged.to {
                        let recipient = self.recipient(place)?;
                        recipient.status = judged.status;
                        recipient.code = judged.code;
                        recipient.enhanced.clone_from(&judged.enhanced);
                        recipient.text.clone_from(&judged.text);
                    }
                }
            }
            Record::Notified { to, .. } => {
                for &place in to {
                    self.recipient(place)?.notified = true;
                }
            }
            Record::Retry { at, to } => {
                self.next_try = time(*at);
                for &place in to {
                    self.since = time(*at);
                    let recipient = self.recipient(place)?;
                    recipient.status = Status::Pending;
                    recipient.notified = false;
                }
            }
        }
        self.records.push(record);
        self.end += octets as u64;
        Ok(())
    }

    fn recipient(&mut self, place: usize) -> Result<&mut Recipient, String> {
        let recipient = self.recipients.get_mut(place);
        recipient.ok_or_else(|| format!("there is no recipient {place}"))
    }

    /// The envelope of those still to be tried; none when nobody is left.
    pub(super) fn open_envelope(&self) -> Option<Envelope> {
        let mut recipients = self.recipients.iter();
        self.envelope
            .only(|_| recipients.next().is_some_and(|one| one.status.is_open()))
    }

    /// Where the message stands in the file.
    pub(super) fn message(&self) -> Range<u64> {
        self.message.clone()
    }

    /// Where the next record is to be written.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// From when its lifetime counts.
    pub(super) fn since(&self) -> SystemTime {
        self.since
    }
}

/// A time of the format.
pub(super) fn time(seconds: u64) -> SystemTime {
    UNIX_EPOCH
        .checked_add(Duration::from_secs(seconds))
        .unwrap_or(UNIX_EPOCH)
}

/// A time as the format has it.
pub(super) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_secs()
}
