//! What the tests of the queue share.

mod hostile;
mod journal;
mod kills;
mod life;
mod notices;
mod outage;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::*;
use crate::envelope::{Envelope, ReversePath};
use crate::failure::{Failure, Kind};
use crate::report::Report;
use crate::smtp::{Reply, Verdict};

/// An envelope from `a@x.org` to these.
pub(super) fn envelope(to: &[&str]) -> Envelope {
    let sender = ReversePath::parse("a@x.org").unwrap();
    Envelope::new(sender, to.iter().map(|to| to.parse().unwrap()).collect()).unwrap()
}

pub(super) fn message(text: &str) -> Message {
    Message::from_raw(text.as_bytes()).unwrap()
}

/// The octets of a message as they are sent.
pub(super) fn octets(message: &Message) -> Vec<u8> {
    let content = message.content(true, true).unwrap();
    let (mut reader, mut octets) = (content.reader(), Vec::new());
    while let Some(chunk) = reader.next_chunk().unwrap() {
        octets.extend_from_slice(chunk);
    }
    octets
}

/// A day in 2026, and seconds after it.
pub(super) fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_790_000_000 + seconds)
}

/// Without jitter.
pub(super) fn schedule() -> Schedule {
    Schedule {
        jitter: || 4.0 / 9.0,
        ..Schedule::default()
    }
}

pub(super) fn accepted() -> Verdict {
    Verdict::Accepted(reply(250, "ok"))
}

pub(super) fn reply(code: u16, text: &str) -> Reply {
    Reply {
        code,
        enhanced: None,
        lines: vec![text.to_owned()],
    }
}

pub(super) fn failed(kind: Kind, text: &str) -> Verdict {
    Verdict::from_failure(Failure::new(kind, text), None)
}

/// A report with these verdicts.
pub(super) fn report(verdicts: &[(&str, Verdict)]) -> Report {
    Report {
        message_id: String::new(),
        size: 0,
        duration: Duration::ZERO,
        envelope_from: "a@x.org".to_owned(),
        server: None,
        auth: None,
        reply: None,
        recipients: verdicts
            .iter()
            .map(|(to, verdict)| (to.parse().unwrap(), verdict.clone()))
            .collect(),
        attempts: Vec::new(),
        queued: None,
    }
}

pub(super) fn queue() -> (tempfile::TempDir, Queue) {
    let directory = tempfile::tempdir().unwrap();
    let queue = Queue::create(&directory.path().join("queue")).unwrap();
    (directory, queue)
}

/// A message that was never tried.
pub(super) fn new<'a>(envelope: &'a Envelope, message: &'a Message) -> NewEntry<'a> {
    NewEntry {
        envelope,
        message,
        profile: None,
        all_or_nothing: false,
        now: at(0),
        first_try: None,
    }
}

/// Queues a small message to these.
pub(super) fn add(queue: &Queue, to: &[&str]) -> Id {
    let (envelope, message) = (envelope(to), message("Subject: x\n\nbody\n"));
    let entry = new(&envelope, &message);
    queue.add(&entry).unwrap()
}
