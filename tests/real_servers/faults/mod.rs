//! The queue when it is killed, and when the system fails it, at every call of queueing and of a run.
//!
//! strace(1) makes each fault in place of one call. Whose exit code was 0 is in the queue or was taken by the
//! server; whose was another is not queued, and nothing is left over; what a killed one leaves is invisible, not
//! locked, and swept; and nothing is sent twice but what the server had taken already.

mod calls;
mod oracle;
mod places;
mod spool;
mod taker;

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use crate::server::say;
use calls::{Case, cases, from, has_strace, listed};
use oracle::{after_a_run, after_queueing};
use spool::{Spool, told, word};
use taker::Taker;

/// In the text of a call.
const NAMES_THE_QUEUE: &str = "above/queue\"";

#[test]
fn what_is_queued_for_the_first_time_is_queued_wholly_or_not_at_all_whatever_fails() {
    enqueues(&Spool::new());
}

#[test]
fn what_joins_others_in_the_queue_is_queued_wholly_or_not_at_all_whatever_fails() {
    let spool = Spool::new();
    queue(&spool, "b", "before");
    enqueues(&spool);
}

#[test]
fn a_message_and_its_name_are_on_the_disk_before_it_is_said_to_be_queued() {
    if !has_strace() {
        return;
    }
    let spool = Spool::new();
    queue(&spool, "b", "before");
    let output = spool.beside("calls");
    spool
        .enqueue(&strace(&output, &[]), "b", "now")
        .output()
        .unwrap();
    let mut calls = from(&listed(&output), NAMES_THE_QUEUE);
    calls.retain(|call| ["write", "fsync", "renameat2"].contains(&call.name.as_str()));
    let names: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
    assert_eq!(
        names,
        ["write", "fsync", "renameat2", "fsync", "write", "write"]
    );
    assert_eq!(calls[0].argument(0), calls[1].argument(0));
    assert_eq!(calls[2].argument(2), calls[3].argument(0));
    assert!(calls[4..].iter().all(|call| call.argument(0) == "2"));
}

#[test]
fn a_run_loses_nothing_and_sends_nothing_twice_that_was_not_taken_whatever_fails() {
    let spool = Spool::new();
    queue(&spool, "b", "taken");
    queue(&spool, "later", "put off");
    queue(&spool, "never", "refused");
    runs(&spool, NAMES_THE_QUEUE);
}

#[test]
fn a_run_succeeds_only_when_all_was_sent_whatever_fails() {
    let spool = Spool::new();
    queue(&spool, "b", "taken first");
    queue(&spool, "b", "taken next");
    runs(&spool, "connect(");
}

#[test]
fn a_run_that_gets_no_threads_sends_all_the_same() {
    if !has_strace() {
        return;
    }
    let (spool, taker) = (Spool::new(), Taker::new());
    for mark in ["1", "2", "3"] {
        queue(&spool, "b", mark);
    }
    let none = ["-e", "inject=clone,clone3:error=EAGAIN"].map(String::from);
    let output = spool.beside("calls");
    let run = spool
        .run_over("3", &strace(&output, &none), &taker)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", told(&run));
    assert_eq!(taker.taken().len(), 3);
    assert!(fs::read_to_string(output).unwrap().contains("(INJECTED)"));
}

fn queue(spool: &Spool, to: &str, mark: &str) {
    let output = spool.enqueue(&[], to, mark).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
}

/// strace with these options and its own output in a file.
fn strace(output: &Path, options: &[String]) -> Vec<String> {
    let own = ["strace", "-f", "-o"].map(String::from);
    [&own, &[word(output)][..], options].concat()
}

/// Does all these, several at a time, and tells of those that went wrong. Who gives nothing was not hit.
fn judge(
    what: &str,
    cases: &[Case],
    one: impl Fn(&Case, &Taker) -> Option<Result<(), String>> + Sync,
) {
    let (next, hit) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let wrong = Mutex::new(Vec::new());
    let workers = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let taker = Taker::new();
                while let Some(case) = cases.get(next.fetch_add(1, Relaxed)) {
                    let Some(judged) = one(case, &taker) else {
                        taker.taken();
                        continue;
                    };
                    hit.fetch_add(1, Relaxed);
                    if let Err(why) = judged {
                        wrong.lock().unwrap().push(format!("{case}\n    {why}"));
                    }
                }
            });
        }
    });
    let (hit, wrong) = (hit.into_inner(), wrong.into_inner().unwrap());
    say(&format!("{what}: {hit} faults of {}", cases.len()));
    assert!(
        wrong.is_empty(),
        "{} of {hit} went wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    // How often a reply is waited for differs, and with it how often some calls are made.
    assert!(
        hit * 4 >= cases.len() * 3,
        "only {hit} of {} came about",
        cases.len()
    );
}

/// Every fault of queueing one more message.
fn enqueues(template: &Spool) {
    if !has_strace() {
        return;
    }
    let before = template.list().unwrap().len();
    let spool = template.copy();
    let output = spool.beside("calls");
    spool
        .enqueue(&strace(&output, &[]), "b", "now")
        .output()
        .unwrap();
    let calls = from(&listed(&output), NAMES_THE_QUEUE);
    let unsaid = AtomicUsize::new(0);
    judge(
        &format!("queueing beside {before}"),
        &cases(&calls),
        |case, taker| {
            let spool = template.copy();
            let output = spool.beside("calls");
            let faulty = spool
                .enqueue(&strace(&output, &case.options()), "b", "now")
                .output()
                .unwrap();
            if case.is_of_output() && faulty.status.code() == Some(74) {
                unsaid.fetch_add(1, Relaxed);
            }
            case.happened(&output)
                .then(|| after_queueing(case, &spool, before, &faulty, taker))
        },
    );
    let unsaid = unsaid.into_inner();
    say(&format!(
        "{unsaid} of them queued, but could not say so (exit 74)"
    ));
}

/// Every fault of a run over one connection, which is in one thread, from the first call of this kind on.
fn runs(template: &Spool, start: &str) {
    if !has_strace() {
        return;
    }
    let before = template.list().unwrap();
    let spool = template.copy();
    let output = spool.beside("calls");
    spool
        .run(&strace(&output, &[]), &Taker::new())
        .output()
        .unwrap();
    let calls = from(&listed(&output), start);
    let what = format!("a run of {}", before.len());
    judge(&what, &cases(&calls), |case, taker| {
        let spool = template.copy();
        let output = spool.beside("calls");
        let faulty = spool
            .run(&strace(&output, &case.options()), taker)
            .output()
            .unwrap();
        case.happened(&output)
            .then(|| after_a_run(case, &spool, &before, &faulty, taker))
    });
}
