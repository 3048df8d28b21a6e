//! What has to hold after a fault: nothing that was promised is lost, nothing that was not is there, and
//! nothing is sent twice but what the server had taken already.

use std::process::Output;

use serde_json::Value;

use super::calls::{Case, Fault};
use super::spool::{Spool, told};
use super::taker::Taker;

/// Whether queueing "now" beside so many "before" came to all or nothing, and what was queued is sent once.
pub(super) fn after_queueing(
    case: &Case,
    spool: &Spool,
    before: usize,
    faulty: &Output,
    taker: &Taker,
) -> Result<(), String> {
    let queued = spool.list()?.len() - before;
    let left = spool.names("tmp").len();
    let is_right = match faulty.status.code() {
        Some(0) => queued == 1 && left == 0,
        Some(74) if case.is_of_output() => queued == 1 && left == 0,
        Some(73..=75) => queued == 0 && left == 0,
        Some(_) => false,
        None => case.fault == Fault::Kill && queued <= 1 && left <= 1,
    };
    ensure(is_right, || {
        format!("{queued} queued, {left} left over; {}", told(faulty))
    })?;
    spool.age();
    let run = spool.run(&[], taker).output().unwrap();
    ensure(run.status.success(), || format!("the run: {}", told(&run)))?;
    let taken = taker.taken();
    let count = |mark: &str| {
        taken
            .iter()
            .filter(|text| text.contains(&format!("\r\n\r\n{mark}\r\n")))
            .count()
    };
    ensure(count("now") == queued && count("before") == before, || {
        format!("taken: {taken:?}")
    })?;
    let files = [
        spool.names("tmp"),
        spool.names("active"),
        spool.names("failed"),
    ]
    .concat();
    ensure(files.is_empty(), || format!("left over: {files:?}"))
}

/// Whether each of these messages, after a run, is there or was taken, and what further runs bring it to.
pub(super) fn after_a_run(
    case: &Case,
    spool: &Spool,
    before: &[Value],
    faulty: &Output,
    taker: &Taker,
) -> Result<(), String> {
    let taken = taker.taken();
    let listed = spool.list()?;
    let left = spool.names("tmp").len();
    let is_right = match faulty.status.code() {
        Some(0) => listed.is_empty() && left == 0,
        Some(74) if case.is_of_output() => left == 0,
        Some(73..=75) => left == 0,
        Some(_) => false,
        None => case.fault == Fault::Kill && left <= 1,
    };
    let standing = || format!("{listed:?}, {left} left over; {}", told(faulty));
    ensure(is_right, standing)?;
    let is_locked = listed.iter().any(|entry| entry["state"] == "sending");
    ensure(!is_locked, || format!("still locked: {}", standing()))?;

    spool.age();
    let after = recovered(spool, taker)?;
    let taken_later = taker.taken();
    let of = |taken: &[String], id: &str| taken.iter().filter(|text| text.contains(id)).count();
    for message in before {
        let id = message["message_id"].as_str().unwrap();
        let was_there = listed.iter().any(|entry| entry["id"] == message["id"]);
        let (first, second) = (of(&taken, id), of(&taken_later, id));
        let end = after.iter().find(|entry| entry["id"] == message["id"]);
        let end = end.map(|entry| {
            (
                entry["state"].as_str().unwrap(),
                entry["recipients"][0]["status"].as_str().unwrap(),
            )
        });
        let notice = format!("In-Reply-To: {id}\r\n");
        let (told, told_later) = (of(&taken, &notice), of(&taken_later, &notice));
        // A notice is a message like others, and may leave in the run that makes it.
        let notice_waits = listed.iter().any(|entry| entry["envelope_from"] == "");
        let is_sure = |first: usize, second: usize, was_there: bool| {
            first + second == 1 || (first == 1 && second == 1 && was_there)
        };
        let is_right = match who(message) {
            "later" => (first, second, end) == (0, 0, Some(("waiting", "deferred"))),
            "never" => {
                is_sure(told, told_later, notice_waits) && end == Some(("failed", "rejected"))
            }
            _ => {
                is_sure(first, second, was_there)
                    && first + usize::from(was_there) > 0
                    && end.is_none()
            }
        };
        ensure(is_right, || {
            format!(
                "{message}\n    was taken {first} times, then {second} times, and is {end:?}; {}",
                standing()
            )
        })?;
    }
    let strangers = after.len() != before.iter().filter(|message| who(message) != "b").count();
    ensure(!strangers && spool.names("tmp").is_empty(), || {
        format!("in the end: {after:?}")
    })
}

/// Whom a message is for.
fn who(message: &Value) -> &str {
    let address = message["recipients"][0]["address"].as_str().unwrap();
    address.split('@').next().unwrap()
}

/// Runs until nothing is left to be done, and gives what is listed then.
fn recovered(spool: &Spool, taker: &Taker) -> Result<Vec<Value>, String> {
    for _ in 0..4 {
        let run = spool.run(&[], taker).output().unwrap();
        ensure(matches!(run.status.code(), Some(0 | 67 | 75)), || {
            format!("a run after it: {}", told(&run))
        })?;
        let listed = spool.list()?;
        let waits = |entry: &&Value| entry["state"] == "waiting" && who(entry) != "later";
        let waiting: Vec<&Value> = listed.iter().filter(waits).collect();
        if waiting.is_empty() {
            return Ok(listed);
        }
        for entry in waiting {
            spool.make_due(entry["id"].as_str().unwrap());
        }
    }
    Err("there is always something left to be done".to_owned())
}

fn ensure(is_right: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if is_right { Ok(()) } else { Err(why()) }
}
