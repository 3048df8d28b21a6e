//! Sending what is due: claimed one by one, over a few sessions, each result written down at once.
//!
//! Owns what becomes of the rest when no session can be had: one message finds out, and the others of
//! its batch share the result without being read, so that a dead host costs one wait a run. A connection
//! that fails after another one of the batch was had is no such sign: its message goes back.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Instant, SystemTime};

use super::{Claim, Entry, Id, Queue, Schedule, Settled, judge};
use crate::failure::{Failure, Result};
use crate::interrupt;
use crate::plan::Plan;
use crate::report::Report;
use crate::smtp::{Observer, Verdict};
use crate::submit::Submission;

/// Messages that are sent by the same plan.
#[derive(Debug)]
pub struct Batch {
    /// How; or why they cannot be sent now.
    pub plan: Result<Plan>,
    /// Which, in the order in which they are tried.
    pub ids: Vec<Id>,
}

/// What came of a message in a run.
#[derive(Debug)]
pub struct Outcome<'r> {
    /// The message as it was before the try.
    pub entry: &'r Entry,
    /// What the server said of the recipients who were open.
    pub report: &'r Report,
    /// What became of it in the queue.
    pub settled: Settled,
    /// What time alone does not mend and keeps it in the queue: the login, the settings, a certificate.
    pub obstacle: Option<Failure>,
}

/// Is told what came of a message, or why nothing could.
pub type Told<'r> = &'r (dyn Fn(Result<Outcome<'_>>) + Sync);

/// How a run goes.
pub struct Run<'r> {
    /// The queue.
    pub queue: &'r Queue,
    /// When messages are tried again.
    pub schedule: Schedule,
    /// Connections for each batch at the same time; at least 1.
    pub connections: usize,
    /// What time it is.
    pub clock: fn() -> SystemTime,
    /// Sees the dialogues.
    pub observer: &'r (dyn Observer + Sync),
    /// Is told of each message.
    pub told: Told<'r>,
}

impl Run<'_> {
    /// Tries every message of these batches once. A message that another run has, or that is gone or
    /// [decided](Entry::is_decided), is passed over. When a [signal](interrupt) comes, what is on its way
    /// is ended in order, and nothing else is begun.
    pub fn all(&self, batches: Vec<Batch>) {
        let count = batches.len();
        let batches = Mutex::new(VecDeque::from(batches));
        let next = || locked(&batches).pop_front();
        together(count, || {
            while let Some(batch) = next() {
                self.batch(batch);
            }
        });
    }

    fn batch(&self, batch: Batch) {
        let shared = Shared {
            ids: Mutex::new(batch.ids.into()),
            served: Mutex::new(false),
            failure: Mutex::new(None),
        };
        match batch.plan {
            Err(failure) => *locked(&shared.failure) = Some(failure),
            Ok(plan) => {
                let count = locked(&shared.ids).len().min(self.connections);
                together(count, || self.connection(&plan, &shared));
            }
        }
        // Where no session was had at all, nothing better is to be had for those who are left. A server that
        // had enough after some of them puts off the one that met it, and the others stay due.
        let served = *locked(&shared.served);
        let why = locked(&shared.failure).take();
        if let Some(why) = why.filter(|_| interrupt::arrived().is_none()) {
            while let Some(claim) = self.claim(&shared) {
                let report = without_session(claim.entry(), &why);
                self.settle(claim, report);
                if served {
                    break;
                }
            }
        }
    }

    /// Sends one message after the other, until there are none left or no session can be had.
    fn connection(&self, plan: &Plan, shared: &Shared) {
        let claims: RefCell<BTreeMap<usize, Claim>> = RefCell::default();
        let taken = Cell::new(0);
        let over = Cell::new(false);
        let ends = plan.waits.deadline;
        let messages = std::iter::from_fn(|| {
            loop {
                let is_over = over.get() || interrupt::arrived().is_some();
                if is_over || ends.is_some_and(|end| Instant::now() >= end) {
                    return None;
                }
                let claim = self.claim(shared)?;
                match claim.reserve().and_then(|()| claim.mail()) {
                    Ok(mail) => {
                        claims.borrow_mut().insert(taken.get(), claim);
                        taken.set(taken.get() + 1);
                        return Some(mail);
                    }
                    Err(failure) => (self.told)(Err(failure.at(claim.entry().id()))),
                }
            }
        });
        let settled = |number, report: Report| {
            let Some(claim) = claims.borrow_mut().remove(&number) else {
                return;
            };
            if let Some(failure) = report.no_session() {
                over.set(true);
                *locked(&shared.failure) = Some(failure.clone());
                if *locked(&shared.served) {
                    locked(&shared.ids).push_front(claim.entry().id());
                    return;
                }
            } else {
                *locked(&shared.served) = true;
            }
            self.settle(claim, report);
        };
        Submission::new(plan.clone()).submit_all(messages, self.observer, settled);
    }

    /// The next message of the batch that can be had.
    fn claim(&self, shared: &Shared) -> Option<Claim> {
        loop {
            let id = locked(&shared.ids).pop_front()?;
            match self.queue.claim(id) {
                Ok(Some(claim)) if self.is_to_be_tried(claim.entry()) => return Some(claim),
                Ok(_) => {}
                Err(failure) => (self.told)(Err(failure.at(id))),
            }
        }
    }

    fn is_to_be_tried(&self, entry: &Entry) -> bool {
        !entry.is_decided() && entry.is_due((self.clock)())
    }

    fn settle(&self, claim: Claim, report: Report) {
        let entry = claim.entry().clone();
        let obstacle = report
            .deciding()
            .filter(|failure| judge::is_obstacle(failure.kind));
        let obstacle = obstacle.cloned();
        let report = judge::put_off(report);
        match claim.settle(&report, (self.clock)(), &self.schedule) {
            Ok(settled) => (self.told)(Ok(Outcome {
                entry: &entry,
                report: &report,
                settled,
                obstacle,
            })),
            Err(failure) => (self.told)(Err(failure.at(entry.id()))),
        }
    }
}

/// What the connections of a batch have in common.
struct Shared {
    /// Those whose turn has not come.
    ids: Mutex<VecDeque<Id>>,
    /// Whether a session was had.
    served: Mutex<bool>,
    /// Why one could not be had.
    failure: Mutex<Option<Failure>>,
}

/// Does this on so many threads, of which this is one. What is left undone for want of a thread, the others do.
fn together(count: usize, work: impl Fn() + Sync) {
    thread::scope(|scope| {
        for _ in 1..count {
            let _ = thread::Builder::new().spawn_scoped(scope, &work);
        }
        work();
    });
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The report of a message for which no session was had.
fn without_session(entry: &Entry, why: &Failure) -> Report {
    let verdict = Verdict::from_failure(why.clone(), None);
    let recipients = entry
        .open()
        .map(|one| (one.address.clone(), verdict.clone()));
    Report {
        size: entry.size(),
        ..Report::bare(entry.message_id(), entry.sender(), recipients.collect())
    }
}
