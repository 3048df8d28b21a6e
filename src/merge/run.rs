//! Sending the rows: over several connections, at the pace the user and the server want, each row until it has its
//! verdict.
//!
//! Owns which row is next. What was put off waits, longer each time, and goes before new rows; when too many wait,
//! no new ones are begun. A connection that cannot be had any more leaves the others to it, and the last one waits,
//! longer each time; when that was for nothing too often, or the login or the sender is refused, the run is over and
//! the other rows are untouched.

mod shared;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use self::shared::{Attentive, Shared, State, Waiting};
use super::pace::{Pace, Rate, is_complaint};
use super::rows::Row;
use crate::address::Address;
use crate::clock;
use crate::envelope::Envelope;
use crate::failure::{Failure, Kind, Result};
use crate::message::Message;
use crate::plan::Plan;
use crate::report::Report;
use crate::smtp::{Observer, Verdict};
use crate::submit::{self, Submission, may_try_again, pause_before};

/// Rows that wait at most while new ones are begun.
const MOST_WAITING: usize = 10_000;
/// A connection that has nothing to do for longer is ended.
const IDLE: Duration = Duration::from_secs(5);
/// How long is waited at once for the first connection.
const FIRST_GLANCE: Duration = Duration::from_millis(2);
/// How long is waited at once, so that what others put off meanwhile is seen.
const GLANCE: Duration = Duration::from_millis(500);

/// Who knows what is to be sent for a row, and keeps what came of it.
pub trait Office: Sync {
    /// Whether a row may be begun: what comes of it can be kept.
    ///
    /// # Errors
    /// What ends the run.
    fn may_begin(&self) -> Result<()>;

    /// The message of a row.
    ///
    /// # Errors
    /// Why it cannot be made; the other rows are sent all the same.
    fn letter(&self, row: &Row) -> Result<(Envelope, Message)>;

    /// Is told what came of one try, before anything else is sent on its connection.
    ///
    /// # Errors
    /// What ends the run.
    fn tried(&self, row: &Row, report: &Report) -> Result<()>;

    /// Is told what came of a row in this run, all tries together.
    ///
    /// # Errors
    /// What ends the run.
    fn settled(&self, row: &Row, report: Report) -> Result<()>;

    /// Is told that a row is tried again, and after which time.
    fn put_off(&self, row: &Row, report: &Report, pause: Duration);

    /// Is told that there is no message for a row.
    fn failed(&self, row: &Row, failure: Failure);
}

/// How rows are sent.
pub struct Run<'r> {
    /// By this plan.
    pub plan: &'r Plan,
    /// Connections at the same time; at least 1.
    pub connections: usize,
    /// Messages after which a connection is ended; at least 1.
    pub per_connection: Option<u64>,
    /// How many leave in a time at most.
    pub rate: Option<Rate>,
    /// How often a row is tried again that was put off.
    pub retries: u32,
    /// Whether the envelope sender is the same for all rows, so that a refusal of it concerns them all.
    pub one_sender: bool,
    /// Sees the dialogues.
    pub observer: &'r (dyn Observer + Sync),
    /// Gives the messages, and is told.
    pub office: &'r dyn Office,
}

/// How a run ended.
#[derive(Debug)]
pub enum Ended {
    /// Every row was tried.
    All,
    /// A signal or the deadline came first.
    Early,
    /// There is no session to be had; the report of the row that found that out, which was not sent.
    NoSession(Box<Report>),
    /// Something else failed that concerns every row.
    Failed(Failure),
}

impl Run<'_> {
    /// Sends these rows. An error among them ends the run.
    pub fn all(&self, rows: &mut (dyn Iterator<Item = Result<Row>> + Send)) -> Ended {
        let now = Instant::now();
        let shared = Shared {
            pace: Mutex::new(Pace::new(self.rate, now)),
            state: Mutex::new(State {
                rows,
                waiting: BTreeMap::new(),
                ended: None,
                connections: self.connections.max(1),
                served: false,
                accepted: false,
                is_alone: false,
                failed: 0,
            }),
        };
        thread::scope(|scope| {
            for _ in 1..self.connections {
                let work = || {
                    if self.is_worth_it(&shared) {
                        self.connection(&shared);
                    }
                };
                if thread::Builder::new().spawn_scoped(scope, work).is_err() {
                    shared.state().connections -= 1;
                }
            }
            self.connection(&shared);
            shared.state().is_alone = true;
        });
        let mut state = shared.state();
        match state.ended.take() {
            Some(ended) => ended,
            None if !state.waiting.is_empty() || state.rows.next().is_some() => Ended::Early,
            None => Ended::All,
        }
    }

    /// Waits until the first connection has shown that there is a session to be had: a wrong password is tried
    /// once. Whether there is.
    fn is_worth_it(&self, shared: &Shared<'_>) -> bool {
        loop {
            let state = shared.state();
            if state.served || state.ended.is_some() || state.is_alone {
                return state.served;
            }
            drop(state);
            if clock::pause(FIRST_GLANCE).is_some() || self.is_over() {
                return false;
            }
        }
    }

    /// Sends one row after the other, for as long as there are any.
    fn connection(&self, shared: &Shared<'_>) {
        let observer = Attentive {
            other: self.observer,
            pace: &shared.pace,
        };
        loop {
            let first = match self.next(shared, Patience::Endless) {
                Next::Row(row) => *row,
                Next::Later | Next::Over => return,
            };
            if !self.session(first, shared, &observer) {
                return;
            }
        }
    }

    /// As many rows as one session takes; whether another one may follow.
    fn session(&self, first: Waiting, shared: &Shared<'_>, observer: &Attentive<'_>) -> bool {
        let first = Cell::new(Some(first));
        let under_way: RefCell<BTreeMap<usize, Waiting>> = RefCell::default();
        let taken = Cell::new(0_usize);
        let over = Cell::new(false);
        let goes_on = Cell::new(true);
        let is_full = || {
            let most = self.per_connection.unwrap_or(u64::MAX);
            taken.get() as u64 >= most
        };
        let messages = std::iter::from_fn(|| {
            loop {
                if over.get() || is_full() {
                    return None;
                }
                // While the answer to a message is awaited nobody waits for anything else.
                let patience = match under_way.borrow().is_empty() {
                    true => Patience::Short,
                    false => Patience::None,
                };
                let waiting = match first.take() {
                    Some(first) => first,
                    None => match self.next(shared, patience) {
                        Next::Row(waiting) => *waiting,
                        Next::Later | Next::Over => return None,
                    },
                };
                if let Some(mail) = self.mail(&waiting) {
                    under_way.borrow_mut().insert(taken.get(), waiting);
                    taken.set(taken.get() + 1);
                    return Some(mail);
                }
            }
        });
        let settled = |number, report: Report| {
            let Some(waiting) = under_way.borrow_mut().remove(&number) else {
                return;
            };
            if report.no_session().is_some() || self.speaks_for_all(&report, shared) {
                shared.state().take_back(waiting);
                if !over.replace(true) {
                    goes_on.set(self.without_session(shared, report));
                }
                return;
            }
            self.settle(waiting, report, shared);
        };
        Submission::new(self.plan.clone()).submit_all(messages, observer, settled);
        goes_on.get()
    }

    /// Whether a refusal for good is about who sends, and so about every other row as well: a login is wanted, or the
    /// sender is refused from the start.
    fn speaks_for_all(&self, report: &Report, shared: &Shared<'_>) -> bool {
        let at_mail = format!("MAIL <{}>: ", report.envelope_from);
        let is_it = |verdict: &Verdict| match verdict {
            Verdict::Rejected(cause) => match cause.reply.as_ref().map(|reply| reply.code) {
                Some(530 | 534 | 535 | 538) => true,
                // The size is this message's own.
                Some(552) | None => false,
                Some(_) => {
                    self.one_sender
                        && cause.failure.message.contains(&at_mail)
                        && !shared.state().accepted
                }
            },
            _ => false,
        };
        !report.recipients.is_empty() && report.recipients.iter().all(|(_, it)| is_it(it))
    }

    /// What is to be sent for a row to those who are still open.
    fn mail(&self, waiting: &Waiting) -> Option<(Envelope, Message)> {
        let made = self.office.letter(&waiting.row);
        match made {
            Ok((envelope, message)) => match &waiting.earlier {
                None => Some((envelope, message)),
                Some((report, again)) => {
                    let is_it = |at: usize, one: &Address| report.recipients[at].0 == *one;
                    let rest = envelope.only(|one| again.iter().any(|&at| is_it(at, one)));
                    Some((rest?, message))
                }
            },
            Err(failure) => {
                self.office.failed(&waiting.row, failure);
                None
            }
        }
    }

    fn settle(&self, waiting: Waiting, report: Report, shared: &Shared<'_>) {
        let Waiting {
            row,
            tries,
            earlier,
        } = waiting;
        let was_accepted = report.recipients.iter().any(|(_, it)| it.is_accepted());
        let mut complains = false;
        for (_, verdict) in &report.recipients {
            if let (Verdict::Deferred(_), Some(reply)) = (verdict, verdict.reply()) {
                complains |= is_complaint(reply);
            }
        }
        if complains {
            shared.pace().complaint(Instant::now());
        } else {
            shared.pace().accepted();
        }
        let mut done = self.office.tried(&row, &report);
        let report = match earlier {
            None => report,
            Some((mut all, again)) => {
                submit::merge(&mut all, again, report);
                all
            }
        };
        let open: Vec<usize> = (0..report.recipients.len())
            .filter(|&at| may_try_again(&report.recipients[at].1))
            .collect();
        let some_only = open.len() < report.recipients.len();
        let is_last = open.is_empty()
            || tries >= self.retries
            || (self.plan.all_or_nothing && some_only)
            || done.is_err()
            || self.is_over();
        let mut state = shared.state();
        state.served = true;
        state.accepted |= was_accepted;
        state.failed = 0;
        if is_last {
            drop(state);
            done = done.and(self.office.settled(&row, report));
        } else {
            let pause = pause_before(tries);
            self.office.put_off(&row, &report, pause);
            let key = (Instant::now() + pause, row.number);
            let waiting = Waiting {
                row,
                tries: tries + 1,
                earlier: Some((report, open)),
            };
            state.waiting.insert(key, waiting);
        }
        if let Err(failure) = done {
            shared.state().end(Ended::Failed(failure));
        }
    }

    /// No session was to be had for a row that is to be sent: whether this connection is tried again.
    fn without_session(&self, shared: &Shared<'_>, report: Report) -> bool {
        if self.is_over() {
            return false;
        }
        shared.pace().complaint(Instant::now());
        let passing = report
            .deciding()
            .is_some_and(|it| it.kind == Kind::Temporary);
        let mut state = shared.state();
        if !passing || state.failed >= self.retries {
            state.end(Ended::NoSession(Box::new(report)));
            return false;
        }
        // The others have not begun before the first session.
        if state.served && state.connections > 1 {
            state.connections -= 1;
            return false;
        }
        let pause = pause_before(state.failed);
        state.failed += 1;
        drop(state);
        self.observer.warning(&format!(
            "{}; trying again in {} s",
            report.deciding().map_or("", |failure| &failure.message),
            pause.as_secs()
        ));
        let deadline = self.plan.waits.deadline;
        let left = deadline.map_or(pause, |it| it.saturating_duration_since(Instant::now()));
        clock::pause(pause.min(left)).is_none()
    }

    fn is_over(&self) -> bool {
        clock::over(self.plan.waits.deadline).is_some()
    }

    /// The next row that is to be sent, waited for as long as that is right.
    fn next(&self, shared: &Shared<'_>, patience: Patience) -> Next {
        loop {
            if self.is_over() {
                return Next::Over;
            }
            let mut state = shared.state();
            if state.ended.is_some() {
                return Next::Over;
            }
            let now = Instant::now();
            let mut wait = shared.pace().wait(now);
            if wait.is_zero() {
                match self.due(&mut state, now) {
                    Due::Row(row) => {
                        shared.pace().leaves(now);
                        return Next::Row(row);
                    }
                    Due::In(due) => wait = due,
                    Due::Never => return Next::Over,
                }
            }
            drop(state);
            let most = match patience {
                Patience::None => Duration::ZERO,
                Patience::Short => IDLE,
                Patience::Endless => Duration::MAX,
            };
            if wait > most {
                return Next::Later;
            }
            clock::pause(wait.min(GLANCE));
        }
    }

    /// What is due: first what was put off.
    fn due(&self, state: &mut State<'_>, now: Instant) -> Due {
        let first = state.waiting.first_key_value().map(|(&(due, _), _)| due);
        let is_due = first.is_some_and(|due| due <= now);
        if let Err(failure) = self.office.may_begin() {
            state.end(Ended::Failed(failure));
            return Due::Never;
        }
        if is_due && let Some((_, waiting)) = state.waiting.pop_first() {
            return Due::Row(Box::new(waiting));
        }
        if state.waiting.len() < MOST_WAITING {
            match state.rows.next() {
                Some(Ok(row)) => {
                    return Due::Row(Box::new(Waiting {
                        row,
                        tries: 0,
                        earlier: None,
                    }));
                }
                Some(Err(failure)) => {
                    state.end(Ended::Failed(failure));
                    return Due::Never;
                }
                None => {}
            }
        }
        first.map_or(Due::Never, |due| Due::In(due - now))
    }
}

/// How long may be waited for a row.
#[derive(Clone, Copy)]
enum Patience {
    None,
    Short,
    Endless,
}

enum Next {
    Row(Box<Waiting>),
    /// There is one, and not yet.
    Later,
    Over,
}

enum Due {
    Row(Box<Waiting>),
    In(Duration),
    Never,
}
