//! What the connections of a run have in common: the rows that are left, those that wait, and the pace.
//!
//! Owns the order of two locks: who has the state may take the pace, and not the other way round.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::Ended;
use crate::failure::Result;
use crate::merge::pace::Pace;
use crate::merge::rows::Row;
use crate::report::Report;
use crate::smtp::{Observer, Reply, TlsInfo};

/// What the connections have in common.
pub(super) struct Shared<'r> {
    pub(super) pace: Mutex<Pace>,
    pub(super) state: Mutex<State<'r>>,
}

pub(super) struct State<'r> {
    pub(super) rows: &'r mut (dyn Iterator<Item = Result<Row>> + Send),
    /// Rows that were put off, by when they are due.
    pub(super) waiting: BTreeMap<(Instant, u64), Waiting>,
    pub(super) ended: Option<Ended>,
    pub(super) connections: usize,
    /// A session was had.
    pub(super) served: bool,
    /// A recipient was accepted.
    pub(super) accepted: bool,
    /// The first connection is done, whatever came of it.
    pub(super) is_alone: bool,
    /// How often in a row none was.
    pub(super) failed: u32,
}

impl Shared<'_> {
    pub(super) fn pace(&self) -> MutexGuard<'_, Pace> {
        locked(&self.pace)
    }
}

impl<'r> Shared<'r> {
    pub(super) fn state(&self) -> MutexGuard<'_, State<'r>> {
        locked(&self.state)
    }
}

impl State<'_> {
    /// The first reason counts.
    pub(super) fn end(&mut self, why: Ended) {
        self.ended.get_or_insert(why);
    }

    /// A row that cannot have left is due again at once.
    pub(super) fn take_back(&mut self, waiting: Waiting) {
        let number = waiting.row.number;
        self.waiting.insert((Instant::now(), number), waiting);
    }
}

/// A row that is to be sent.
pub(super) struct Waiting {
    pub(super) row: Row,
    /// How often it was tried.
    pub(super) tries: u32,
    /// What came of that, and who is to be tried again.
    pub(super) earlier: Option<(Report, Vec<usize>)>,
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hears the complaints among the replies.
pub(super) struct Attentive<'r> {
    pub(super) other: &'r (dyn Observer + Sync),
    pub(super) pace: &'r Mutex<Pace>,
}

impl Observer for Attentive<'_> {
    fn sent(&self, line: &str) {
        self.other.sent(line);
    }

    fn received(&self, line: &str) {
        if line.starts_with("421") {
            locked(self.pace).complaint(Instant::now());
        }
        self.other.received(line);
    }

    fn greeted(&self, greeting: &Reply) {
        self.other.greeted(greeting);
    }

    fn offered(&self, offers: &Reply) {
        self.other.offered(offers);
    }

    fn secured(&self, tls: &TlsInfo) {
        self.other.secured(tls);
    }

    fn note(&self, text: &str) {
        self.other.note(text);
    }

    fn warning(&self, text: &str) {
        self.other.warning(text);
    }
}
