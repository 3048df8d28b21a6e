//! Trying the plan: open a session along the policy, authenticate, submit, and report.

mod login;
mod open;
pub mod probe;
pub mod relay;
pub mod verify;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use self::open::Opened;
use crate::clock;
use crate::envelope::Envelope;
use crate::failure::{Failure, Kind, Result};
use crate::interrupt;
use crate::message::Message;
use crate::plan::Plan;
use crate::report::{Peer, Report};
use crate::route::Attempt;
use crate::smtp::auth::Lead;
use crate::smtp::conversation::{self, Manner};
use crate::smtp::delivery::{Again, Job, Jobs, Outcome};
use crate::smtp::session::Session;
use crate::smtp::tls::{Tls, TlsInfo};
use crate::smtp::{Observer, QuitAfter, Verdict};

/// The first wait of `--retry`; each next one is four times as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest wait between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Submits messages by a plan.
#[derive(Debug)]
pub struct Submission {
    plan: Plan,
}

impl Submission {
    /// Submits by `plan`. Nothing is connected to before there is a message.
    pub fn new(plan: Plan) -> Self {
        Self { plan }
    }

    /// Submits one message, and tries again as often as the plan allows where a failure was
    /// temporary. Everything that can go wrong is in the report.
    pub fn submit(
        &self,
        envelope: &Envelope,
        message: &Message,
        observer: &dyn Observer,
    ) -> Report {
        let start = Instant::now();
        let mut report = self.submit_once(envelope, message, observer);
        for retry in 0..self.plan.retries {
            let again: Vec<usize> = (0..report.recipients.len())
                .filter(|&n| may_try_again(&report.recipients[n].1))
                .collect();
            let pause = pause_before(retry);
            // A retry for those deferred alone would give to some what is for all or nobody, and go
            // on where the plan ends.
            let some_only = again.len() < report.recipients.len();
            let for_all_only = self.plan.all_or_nothing || self.plan.quit_after.is_some();
            if again.is_empty()
                || (for_all_only && some_only)
                || self
                    .plan
                    .waits
                    .deadline
                    .is_some_and(|end| Instant::now() + pause >= end)
            {
                break;
            }
            let waited = || {
                observer.warning(&format!(
                    "{}; trying again in {} s",
                    report.failures().first().map_or("", |f| &f.message),
                    pause.as_secs()
                ));
                clock::pause(pause)
            };
            if let Some(signal) = interrupt::arrived().or_else(waited) {
                observer.warning(&format!("stopped by {signal}: not tried again"));
                break;
            }
            let mut verdicts = report.recipients.iter().map(|(_, verdict)| verdict);
            let Some(rest) = envelope.only(|_| verdicts.next().is_some_and(may_try_again)) else {
                break;
            };
            let next = self.submit_once(&rest, message, observer);
            merge(&mut report, again, next);
        }
        report.duration = start.elapsed();
        report
    }

    /// Submits many messages, one after the other, over as few sessions as the servers allow, and
    /// gives each report to `settled` with the number of its message, counted from 0, as soon as it
    /// is known.
    ///
    /// A session that breaks, or takes no more messages, is followed by another one; what cannot
    /// have left is submitted there, and at most one message of each session is uncertain. Where no
    /// session can be had, or AUTH is refused, all messages that are left share that failure. Nothing
    /// is tried again otherwise: [`Plan::retries`] is for [`submit`](Self::submit).
    ///
    /// ```no_run
    /// # fn main() -> smtpsend::failure::Result<()> {
    /// # let (plan, messages) = (smtpsend::plan::Plan::new(vec![]), vec![]);
    /// let submission = smtpsend::submit::Submission::new(plan);
    /// submission.submit_all(messages, &(), |number, report| {
    ///     println!("{number}: {}", report.status().name());
    /// });
    /// # Ok(())
    /// # }
    /// ```
    pub fn submit_all(
        &self,
        messages: impl IntoIterator<Item = (Envelope, Message)>,
        observer: &dyn Observer,
        mut settled: impl FnMut(usize, Report),
    ) {
        let mut messages = messages
            .into_iter()
            .map(|(envelope, message)| (Cow::Owned(envelope), Cow::Owned(message)));
        self.submit_each(&mut messages, observer, &mut settled);
    }

    fn submit_once(
        &self,
        envelope: &Envelope,
        message: &Message,
        observer: &dyn Observer,
    ) -> Report {
        let mut only = std::iter::once((Cow::Borrowed(envelope), Cow::Borrowed(message)));
        let mut report = None;
        self.submit_each(&mut only, observer, &mut |_, settled| {
            report = Some(settled);
        });
        report.unwrap_or_else(|| {
            let bug = Failure::new(Kind::Bug, "a message was left without a report");
            Report::of_all(envelope, message, bug)
        })
    }

    fn submit_each<'j>(
        &self,
        messages: &mut dyn Iterator<Item = Mail<'j>>,
        observer: &dyn Observer,
        settled: &mut dyn FnMut(usize, Report),
    ) {
        let mut pending = Pending {
            messages,
            taken: 0,
            waiting: VecDeque::new(),
            returned: Vec::new(),
            chunking: self.plan.chunking,
            in_clear: self.plan.has_clear_rung(),
            attempts: Vec::new(),
            peer: None,
            settled,
        };
        if let Err(end) = self.sessions(&mut pending, observer) {
            while pending.has_more() {
                let Some(job) = pending.next() else { break };
                pending.settle(job, Err(end.clone()));
            }
        }
    }

    /// Sessions for as long as there are messages. What the plan alone decides is seen to before the
    /// first of them.
    ///
    /// # Errors
    /// What keeps all messages that are left from being submitted.
    fn sessions<'j>(
        &self,
        pending: &mut Pending<'_, 'j>,
        observer: &dyn Observer,
    ) -> std::result::Result<(), End> {
        if !pending.has_more() {
            return Ok(());
        }
        if self.plan.quit_after == Some(QuitAfter::Tls) && self.plan.has_clear_rung() {
            return Err(no_tls_to_end_with().into());
        }
        login::allowed(&self.plan)?;
        let tls = open::tls(&self.plan)?;
        while pending.has_more() {
            self.session(pending, tls.as_ref(), observer)?;
        }
        Ok(())
    }

    /// One session, with as many messages as it takes.
    ///
    /// # Errors
    /// As [`sessions`](Self::sessions).
    fn session<'j>(
        &self,
        pending: &mut Pending<'_, 'j>,
        tls: Option<&Tls>,
        observer: &dyn Observer,
    ) -> std::result::Result<(), End> {
        pending.attempts.clear();
        pending.peer = None;
        let (opened, rung) = open::open(&self.plan, tls, observer, &mut pending.attempts)?;
        let wire = &opened.dialogue().wire;
        pending.peer = Some(Peer {
            rung: rung.clone(),
            address: open::server_address(&self.plan, wire.peer()),
            tls: wire.tls().map(TlsInfo::of),
        });
        let mut session = match opened {
            Opened::Session(session) => session,
            Opened::Ended(dialogue, after) => {
                dialogue.quit();
                return Err(End::stopped(after, None));
            }
        };
        if let Err(failure) = self.authenticate(&mut session) {
            session.dialogue.quit();
            return Err(failure.at(&rung).into());
        }
        if let Some(after @ QuitAfter::Auth) = self.plan.quit_after {
            if session.authenticated.is_none() {
                observer.warning("no user is given, so nothing was authenticated");
            }
            session.dialogue.quit();
            return Err(End::stopped(after, session.authenticated));
        }
        let manner = Manner {
            pipelining: self.plan.pipelining,
            chunking: pending.chunking,
            all_or_nothing: self.plan.all_or_nothing,
            quit_after: self.plan.quit_after,
        };
        conversation::run(session, manner, pending).map_err(|failure| failure.at(&rung).into())
    }

    /// Proves who we are, or makes AUTH ready to lead the first commands, where that is allowed.
    fn authenticate(&self, session: &mut Session<'_>) -> Result<()> {
        let Some((mut mechanism, right)) = login::means(&self.plan, session)? else {
            return Ok(());
        };
        let together = self.plan.pipelining && session.capabilities.pipelining;
        let alone = self.plan.auth_first || self.plan.quit_after == Some(QuitAfter::Auth);
        if together && !alone && !self.plan.all_or_nothing {
            session.lead = Lead::new(mechanism.as_mut(), &right);
        }
        if session.lead.is_none() {
            session.authenticate(mechanism.as_mut(), right)?;
        }
        Ok(())
    }
}

/// Why no message that is left has its turn: the verdict of all of them.
#[derive(Clone)]
struct End {
    verdict: Verdict,
    authenticated: Option<&'static str>,
}

impl End {
    fn stopped(after: QuitAfter, authenticated: Option<&'static str>) -> Self {
        let verdict = Verdict::Stopped { after, reply: None };
        Self {
            verdict,
            authenticated,
        }
    }
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self {
            verdict: Verdict::from_failure(failure, None),
            authenticated: None,
        }
    }
}

/// A message and its envelope.
type Mail<'j> = (Cow<'j, Envelope>, Cow<'j, Message>);

/// The messages that are left, and the way in which their reports are made.
struct Pending<'q, 'j> {
    messages: &'q mut dyn Iterator<Item = Mail<'j>>,
    taken: usize,
    /// Those that were taken and have not been submitted.
    waiting: VecDeque<Job<'j>>,
    /// Those of them that come from the session that is on.
    returned: Vec<Job<'j>>,
    /// The server may be given BDAT.
    chunking: bool,
    /// Some rung goes without TLS.
    in_clear: bool,
    /// The ways tried for the session that is on, and the server it is with.
    attempts: Vec<Attempt>,
    peer: Option<Peer>,
    settled: &'q mut dyn FnMut(usize, Report),
}

impl<'j> Jobs<'j> for Pending<'_, 'j> {
    fn next(&mut self) -> Option<Job<'j>> {
        if let Some(job) = self.waiting.pop_front() {
            return Some(job);
        }
        loop {
            let (envelope, message) = self.messages.next()?;
            let number = self.taken;
            self.taken += 1;
            let job = Job {
                number,
                begun: Instant::now(),
                envelope,
                message,
                attempts: Vec::new(),
                progress: None,
            };
            if !(self.in_clear && job.envelope.options().require_tls) {
                return Some(job);
            }
            self.settle(job, Err(not_in_clear().into()));
        }
    }

    fn done(&mut self, job: Job<'j>, outcome: Result<Outcome>) {
        let outcome = match self.peer.as_ref().map(|peer| &peer.rung) {
            Some(rung) => outcome
                .map(|outcome| outcome.at(rung))
                .map_err(|failure| failure.at(rung)),
            None => outcome,
        };
        self.settle(job, outcome.map_err(End::from));
    }

    fn again(&mut self, mut job: Job<'j>, why: Again) {
        self.chunking &= why != Again::WithoutChunks;
        job.attempts.extend(self.attempts.iter().cloned());
        self.returned.push(job);
    }
}

impl<'j> Pending<'_, 'j> {
    fn has_more(&mut self) -> bool {
        while let Some(job) = self.returned.pop() {
            self.waiting.push_front(job);
        }
        if self.waiting.is_empty() {
            let job = self.next();
            self.waiting.extend(job);
        }
        !self.waiting.is_empty()
    }

    /// Reports what came of a message.
    fn settle(&mut self, mut job: Job<'j>, outcome: std::result::Result<Outcome, End>) {
        let mut report = match outcome {
            Ok(outcome) => Report {
                auth: outcome.authenticated,
                reply: outcome.reply,
                size: outcome.size,
                ..Report::new(&job.envelope, &job.message, outcome.verdicts)
            },
            Err(end) => {
                let verdicts = job.ended(&end.verdict);
                Report {
                    auth: end.authenticated,
                    size: job.message.size(),
                    ..Report::new(&job.envelope, &job.message, verdicts)
                }
            }
        };
        report.duration = job.begun.elapsed();
        job.attempts.extend(self.attempts.iter().cloned());
        report.attempts = job.attempts;
        report.server.clone_from(&self.peer);
        (self.settled)(job.number, report);
    }
}

fn no_tls_to_end_with() -> Failure {
    Failure::new(
        Kind::Usage,
        "there is no TLS to stop after: --quit-after tls with --tls none",
    )
    .with_hint("leave out --tls none, or use --quit-after connect or ehlo")
}

/// RFC 8689 §4.2.1.
fn not_in_clear() -> Failure {
    let words = "not sent, because TLS is required and the plan goes without (--tls none)";
    Failure::new(Kind::Tls, words).with_hint("leave out --tls none, or --require-tls")
}

pub(crate) fn may_try_again(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Deferred(cause) if cause.failure.kind == Kind::Temporary)
}

/// How long to wait before the retry of this number, counted from 0; a fifth of it is left to
/// chance, so that many clients do not come back together.
pub(crate) fn pause_before(retry: u32) -> Duration {
    let pause = FIRST_PAUSE
        .saturating_mul(4_u32.saturating_pow(retry))
        .min(LONGEST_PAUSE);
    let mut chance = [0; 1];
    // Without chance all wait the same, which is no reason to fail.
    let _ = getrandom::fill(&mut chance);
    pause + pause.mul_f64(f64::from(chance[0]) / 255.0 / 5.0)
}

/// Takes the verdicts of a retry into the report.
pub(crate) fn merge(report: &mut Report, again: Vec<usize>, next: Report) {
    for (index, (_, verdict)) in again.into_iter().zip(next.recipients) {
        report.recipients[index].1 = verdict;
    }
    report.attempts.extend(next.attempts);
    report.server = next.server.or(report.server.take());
    report.auth = next.auth.or(report.auth);
    report.reply = next.reply.or(report.reply.take());
    report.size = next.size;
}
