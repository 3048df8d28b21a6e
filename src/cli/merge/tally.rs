//! What came of all rows together: counts, the exit code, and what to do now.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::cli::args::MergeArgs;
use crate::cli::output::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::report::{Report, Status};

/// Hints that are kept.
const MOST_HINTS: usize = 10;

/// Counts that several threads add to.
#[derive(Default)]
pub(super) struct Tally(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    accepted: u64,
    queued: u64,
    deferred: u64,
    refused: u64,
    /// Rows that are tried again.
    waiting: BTreeSet<u64>,
    /// How often one was put off for that.
    pauses: u64,
    /// The first of those that were not put off.
    exit: Option<Exit>,
    hints: Vec<String>,
}

impl Tally {
    /// A row is tried again later. How often any was until now.
    pub(super) fn puts_off(&self, row: u64) -> u64 {
        let mut counts = self.counts();
        counts.waiting.insert(row);
        counts.pauses += 1;
        counts.pauses
    }

    /// How many are done.
    pub(super) fn done(&self) -> u64 {
        self.counts().done()
    }

    /// What came of a row. How many are done now.
    pub(super) fn count(&self, row: u64, report: &Report) -> u64 {
        let mut counts = self.counts();
        counts.waiting.remove(&row);
        let exit = report.exit();
        match report.status() {
            Status::Sent => counts.accepted += 1,
            _ if exit == Exit::Ok => counts.queued += 1,
            _ if exit == Exit::TempFail => counts.deferred += 1,
            _ => {
                counts.refused += 1;
                counts.exit.get_or_insert(exit);
            }
        }
        if report.status() != Status::Sent {
            counts.keep(report.hints());
        }
        counts.done()
    }

    /// A row that could not be sent or kept. How many are done now.
    pub(super) fn fail(&self, row: u64, failure: &Failure) -> u64 {
        let mut counts = self.counts();
        counts.waiting.remove(&row);
        counts.refused += 1;
        counts.exit.get_or_insert(failure.kind.exit());
        counts.keep(failure.hint.clone().into_iter().collect());
        counts.done()
    }

    /// Whether none was queued until now.
    pub(super) fn is_first_queued(&self) -> bool {
        self.counts().queued == 0
    }

    /// The counts in words, and how many rows wait.
    pub(super) fn words(&self) -> String {
        let counts = self.counts();
        match counts.waiting.len() {
            0 => counts.words(),
            waiting => format!("{}, {waiting} waiting", counts.words()),
        }
    }

    /// Of those not accepted: 75 if any was put off, else that of the first.
    pub(super) fn exit(&self) -> Exit {
        let counts = self.counts();
        match counts.exit {
            _ if counts.deferred > 0 => Exit::TempFail,
            Some(exit) => exit,
            None => Exit::Ok,
        }
    }

    /// Says what came of all, and how to go on; `before` are the rows that were done, and refused, in earlier runs.
    pub(super) fn tell(&self, total: u64, before: (u64, u64), args: &MergeArgs, console: &Console) {
        let counts = self.counts();
        let (done, refused) = before;
        if total == 0 && done > 0 {
            let mut words = format!("{done} were done before");
            if refused > 0 {
                words += &format!(", {refused} of them refused");
            }
            console.line(&format!("smtpsend: {words}, nothing is left"));
            return;
        }
        for hint in &counts.hints {
            console.line(&format!("hint: {hint}"));
        }
        let left = total.saturating_sub(counts.done());
        let left_words = match left {
            0 => String::new(),
            left => format!(", {left} left"),
        };
        console.line(&format!("smtpsend: {}{left_words}", counts.words()));
        if left == 0 && counts.deferred == 0 {
            return;
        }
        let hint = match (&args.journal, counts.done()) {
            (Some(_), _) => "the same command goes on with those that are left",
            (None, 0) => return,
            (None, _) => {
                "without a journal (--journal FILE) the same command would send to every row again"
            }
        };
        console.line(&format!("hint: {hint}"));
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn done(&self) -> u64 {
        self.accepted + self.queued + self.deferred + self.refused
    }

    fn keep(&mut self, hints: Vec<String>) {
        for hint in hints {
            if self.hints.len() < MOST_HINTS && !self.hints.contains(&hint) {
                self.hints.push(hint);
            }
        }
    }

    fn words(&self) -> String {
        let others = [
            (self.queued, "queued"),
            (self.deferred, "put off"),
            (self.refused, "refused"),
        ];
        let mut words = format!("{} accepted", self.accepted);
        for (count, word) in others {
            if count > 0 {
                words += &format!(", {count} {word}");
            }
        }
        words
    }
}
