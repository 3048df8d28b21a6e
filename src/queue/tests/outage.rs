//! A server that is down, in simulated time: when messages are tried, and what becomes of them.
//!
//! The runs are real, against a port that is closed and then against a server that takes everything.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::plan::Plan;
use crate::route::{Host, Rung, Security, SubmissionPort};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A run of what is due, in clear by this port of loopback.
fn run(queue: &Queue, clock: fn() -> SystemTime, port: u16) {
    let rung = Rung {
        host: "127.0.0.1".parse::<Host>().unwrap(),
        port: SubmissionPort::new(port).unwrap(),
        security: Security::None,
    };
    let due = |id: &Id| queue.look(*id).unwrap().unwrap().is_due(clock());
    let batch = Batch {
        plan: Ok(Plan::new(vec![rung])),
        ids: active(queue).into_iter().filter(due).collect(),
    };
    let told = |outcome: Result<Outcome<'_>>| assert!(outcome.is_ok(), "{outcome:?}");
    Run {
        queue,
        schedule: Schedule::default(),
        connections: 2,
        clock,
        observer: &(),
        told: &told,
    }
    .all(vec![batch]);
}

fn active(queue: &Queue) -> Vec<Id> {
    let ids = queue.ids().unwrap().into_iter();
    ids.filter(|&(_, place)| place == Place::Active)
        .map(|(id, _)| id)
        .collect()
}

/// When it was tried, in seconds after it was queued.
fn tries(entry: &Entry) -> Vec<u64> {
    let tried = entry.history().iter().filter_map(|record| match record {
        Record::Tried { at, .. } => Some(at - entry::seconds(entry.queued())),
        _ => None,
    });
    tried.collect()
}

/// Whether the tries of a message, of which a run is made every `pace` seconds, follow the schedule.
#[track_caller]
fn follow_the_schedule(tries: &[u64], pace: u64) {
    let waits = [1, 5, 15, 30, 60, 120]
        .into_iter()
        .chain([240].into_iter().cycle());
    assert!(tries[0] <= pace, "{tries:?}");
    for (nth, (two, minutes)) in tries.windows(2).zip(waits).enumerate() {
        let wait = two[1] - two[0];
        // To the second, and as late as the next run.
        let least = minutes * MINUTE * 4 / 5 - 1;
        let most = minutes * MINUTE * 5 / 4 + 1 + pace;
        assert!((least..=most).contains(&wait), "wait {nth} of {tries:?}");
        assert!(
            nth < 3 || wait >= 30 * MINUTE - 1,
            "wait {nth} of {tries:?}"
        );
    }
}

fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Takes every message, and keeps the first line of each.
fn oblige(connection: TcpStream, subjects: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(connection.try_clone()?).lines();
    let mut out = connection;
    out.write_all(b"220 x\r\n")?;
    while let Some(command) = lines.next().transpose()? {
        out.write_all(match &command[..4] {
            "DATA" => b"354 x\r\n",
            "QUIT" => return out.write_all(b"221 x\r\n"),
            _ => b"250 x\r\n",
        })?;
        if command == "DATA" {
            subjects.lock().unwrap().extend(lines.next().transpose()?);
            while lines.next().transpose()?.is_some_and(|line| line != ".") {}
            out.write_all(b"250 x\r\n")?;
        }
    }
    Ok(())
}

#[test]
fn while_the_server_is_down_tries_follow_the_schedule_and_then_all_is_sent() {
    static NOW: AtomicU64 = AtomicU64::new(0);
    let clock: fn() -> SystemTime = || at(NOW.load(Ordering::Relaxed));
    let (_directory, queue) = queue();
    let port = closed_port();
    let to = envelope(&["b@x.org"]);
    let mut subjects = Vec::new();
    for minute in 0..60 {
        NOW.store(minute * MINUTE, Ordering::Relaxed);
        // Twelve come before the outage is over, at different times.
        if minute % 5 == 0 {
            let subject = format!("Subject: {minute}");
            let mail = message(&format!("{subject}\n\nbody\n"));
            let mut new = new(&to, &mail);
            new.now = clock();
            queue.add(&new).unwrap();
            subjects.push(subject);
        }
        run(&queue, clock, port);
    }
    let mut counts = Vec::new();
    for id in active(&queue) {
        let entry = queue.look(id).unwrap().unwrap();
        let tries = tries(&entry);
        follow_the_schedule(&tries, MINUTE);
        assert_eq!(entry.state(), State::Waiting);
        // Nothing that is due is left waiting.
        assert!(!entry.is_due(clock()));
        counts.push(tries.len());
    }
    assert_eq!(counts.len(), 12);
    // At 0, 1, 6, 21 and 51 minutes, but for the spread: the first message; the last is five minutes old.
    assert!(
        (4..=5).contains(&counts[0]) && (2..=3).contains(&counts[11]),
        "{counts:?}"
    );

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let taken = std::sync::Arc::new(Mutex::new(Vec::new()));
    let kept = std::sync::Arc::clone(&taken);
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let kept = std::sync::Arc::clone(&kept);
            std::thread::spawn(move || oblige(connection.unwrap(), &kept));
        }
    });
    // The longest wait that any of them can have begun is the fifth.
    for minute in 60..60 + 75 {
        NOW.store(minute * MINUTE, Ordering::Relaxed);
        run(&queue, clock, port);
    }
    assert_eq!(queue.ids().unwrap(), []);
    let mut taken = taken.lock().unwrap().clone();
    taken.sort();
    subjects.sort();
    assert_eq!(taken, subjects);
}

#[test]
fn a_server_that_stays_away_for_five_days_costs_one_notice() {
    static NOW: AtomicU64 = AtomicU64::new(0);
    let clock: fn() -> SystemTime = || at(NOW.load(Ordering::Relaxed));
    let (_directory, queue) = queue();
    let port = closed_port();
    let id = add(&queue, &["b@x.org", "c@x.org"]);
    let pace = 30 * MINUTE;
    let mut given_up = None;
    // The notice itself cannot leave either, and is given up in turn.
    for now in (0..11 * DAY).step_by(pace as usize) {
        NOW.store(now, Ordering::Relaxed);
        run(&queue, clock, port);
        if given_up.is_none() && queue.look(id).unwrap().unwrap().state() == State::Failed {
            given_up = Some(now);
        }
    }
    let given_up = given_up.unwrap();
    assert!(
        (5 * DAY..5 * DAY + 5 * HOUR + pace).contains(&given_up),
        "{given_up}"
    );
    let entries: Vec<Entry> = queue
        .ids()
        .unwrap()
        .into_iter()
        .map(|(id, _)| queue.look(id).unwrap().unwrap())
        .collect();
    let [original, notice] = &entries[..] else {
        panic!("{entries:?}");
    };
    follow_the_schedule(&tries(original), pace);
    follow_the_schedule(&tries(notice), pace);
    assert_eq!(tries(original).last(), Some(&given_up));
    for recipient in original.recipients() {
        assert_eq!(
            (recipient.status, recipient.notified),
            (Status::Expired, true)
        );
    }
    assert_eq!(notice.sender(), &ReversePath::Null);
    assert_eq!(notice.recipients()[0].address.to_string(), "a@x.org");
    assert_eq!(notice.queued(), at(given_up));
    assert_eq!(notice.state(), State::Failed);
}
