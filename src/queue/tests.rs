//! What the queue promises, seen from outside.

use std::time::UNIX_EPOCH;

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

/// Queues a small message to these.
pub(super) fn add(queue: &Queue, to: &[&str]) -> Id {
    let (envelope, message) = (envelope(to), message("Subject: x\n\nbody\n"));
    let new = NewEntry {
        envelope: &envelope,
        message: &message,
        profile: None,
        all_or_nothing: false,
        now: at(0),
        first_try: None,
    };
    queue.add(&new).unwrap()
}

#[test]
fn what_was_queued_is_claimed_sent_and_gone() {
    let (_directory, queue) = queue();
    let id = add(&queue, &["b@x.org", "c@x.org"]);
    assert_eq!(queue.ids().unwrap(), [(id, Place::Active)]);
    let entry = queue.look(id).unwrap().unwrap();
    assert_eq!(entry.state(), State::Waiting);
    assert!(entry.is_due(at(0)));

    let claim = queue.claim(id).unwrap().unwrap();
    let (to, mail) = claim.mail().unwrap();
    assert_eq!(to, envelope(&["b@x.org", "c@x.org"]));
    assert_eq!(octets(&mail), b"Subject: x\r\n\r\nbody\r\n");
    claim.reserve().unwrap();
    let report = report(&[("b@x.org", accepted()), ("c@x.org", accepted())]);
    let settled = claim.settle(&report, at(1), &schedule()).unwrap();
    assert_eq!(settled, Settled::Delivered);
    assert!(queue.ids().unwrap().is_empty() && queue.look(id).unwrap().is_none());
}

#[test]
fn only_those_who_are_open_are_tried_again_and_refusals_are_told_once() {
    let (_directory, queue) = queue();
    let id = add(&queue, &["b@x.org", "c@x.org", "d@x.org"]);
    let verdicts = [
        ("b@x.org", accepted()),
        ("c@x.org", failed(Kind::Temporary, "later")),
        ("d@x.org", failed(Kind::Recipient, "nobody")),
    ];
    let claim = queue.claim(id).unwrap().unwrap();
    let settled = claim
        .settle(&report(&verdicts), at(1), &schedule())
        .unwrap();
    let Settled::Waiting { next, notice } = settled else {
        panic!("{settled:?}");
    };
    assert_eq!(next, at(61));
    let notice = notice.unwrap();
    let entry = queue.look(notice).unwrap().unwrap();
    assert_eq!(entry.sender(), &ReversePath::Null);
    assert_eq!(entry.recipients()[0].address.to_string(), "a@x.org");

    let entry = queue.look(id).unwrap().unwrap();
    assert!(!entry.is_due(at(60)) && entry.is_due(at(61)));
    let claim = queue.claim(id).unwrap().unwrap();
    assert_eq!(claim.mail().unwrap().0, envelope(&["c@x.org"]));
    let report = report(&[("c@x.org", accepted())]);
    let settled = claim.settle(&report, at(61), &schedule()).unwrap();
    assert_eq!(settled, Settled::Failed { notice: None });
    let entry = queue.look(id).unwrap().unwrap();
    assert_eq!((entry.state(), entry.tries()), (State::Failed, 2));
    assert_eq!(queue.ids().unwrap().len(), 2);
}
