//! Trying the plan: open a session along the policy, authenticate, deliver, and report.

use std::time::{Duration, Instant};

use crate::envelope::Envelope;
use crate::failure::{Failure, Kind, Result, printable};
use crate::message::Message;
use crate::plan::Plan;
use crate::report::{Peer, Report};
use crate::route::dial;
use crate::route::resolve::Names;
use crate::route::{Attempt, Outcome, Rung, Security};
use crate::smtp::delivery;
use crate::smtp::session::{Closed, Greeted, Opening, Protected, Session};
use crate::smtp::tls::Tls;
use crate::smtp::transaction::Manner;
use crate::smtp::{Observer, Verdict, sasl};

/// The first wait of `--retry`; each next one is four times as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest wait between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Submits messages by a plan.
#[derive(Debug)]
pub struct Submission {
    plan: Plan,
    pause: fn(Duration),
}

impl Submission {
    /// Submits by `plan`. Nothing is connected to before there is a message.
    pub fn new(plan: Plan) -> Self {
        Self {
            plan,
            pause: std::thread::sleep,
        }
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
            // A retry for those deferred alone would give to some what is for all or nobody.
            let some_only = again.len() < report.recipients.len();
            if again.is_empty()
                || (self.plan.all_or_nothing && some_only)
                || self
                    .plan
                    .waits
                    .deadline
                    .is_some_and(|end| Instant::now() + pause >= end)
            {
                break;
            }
            observer.warning(&format!(
                "{}; trying again in {} s",
                report.failures().first().map_or("", |f| &f.message),
                pause.as_secs()
            ));
            (self.pause)(pause);
            let addresses = again
                .iter()
                .map(|&n| report.recipients[n].0.clone())
                .collect();
            let Ok(rest) = Envelope::new(envelope.sender().clone(), addresses) else {
                break;
            };
            let next = self.submit_once(&rest, message, observer);
            merge(&mut report, again, next);
        }
        report.duration = start.elapsed();
        report
    }

    fn submit_once(
        &self,
        envelope: &Envelope,
        message: &Message,
        observer: &dyn Observer,
    ) -> Report {
        let mut report = Report {
            message_id: printable(message.message_id()),
            size: message
                .content(true, true)
                .map_or(0, |content| content.facts().size),
            duration: Duration::ZERO,
            envelope_from: envelope.sender().to_string(),
            server: None,
            auth: None,
            reply: None,
            recipients: Vec::new(),
            attempts: Vec::new(),
        };
        let verdicts = self.attempt(envelope, message, observer, &mut report);
        let verdicts = verdicts.unwrap_or_else(|failure| {
            let verdict = Verdict::from_failure(failure, None);
            vec![verdict; envelope.recipients().len()]
        });
        report.recipients = envelope
            .recipients()
            .iter()
            .cloned()
            .zip(verdicts)
            .collect();
        report
    }

    /// One way through the plan. An error is a failure that is the same for every recipient.
    fn attempt(
        &self,
        envelope: &Envelope,
        message: &Message,
        observer: &dyn Observer,
        report: &mut Report,
    ) -> Result<Vec<Verdict>> {
        if self.plan.effective_credentials().is_some()
            && self.plan.has_clear_rung()
            && self.plan.cleartext_auth.is_none()
        {
            return Err(not_in_clear());
        }
        let (mut session, rung) = self.open(observer, &mut report.attempts)?;
        report.server = Some(Peer {
            rung: rung.clone(),
            address: session.dialogue.wire.peer().ok(),
            tls: session.tls.clone(),
        });
        if let Err(failure) = self.authenticate(&mut session) {
            session.dialogue.quit();
            return Err(failure.at(&rung));
        }
        report.auth = session.authenticated;
        let manner = Manner {
            pipelining: self.plan.pipelining,
            all_or_nothing: self.plan.all_or_nothing,
        };
        let outcome = delivery::deliver(session, envelope, message, manner)
            .map_err(|failure| failure.at(&rung))?;
        report.reply = outcome.reply;
        report.size = outcome.size;
        Ok(outcome
            .verdicts
            .into_iter()
            .map(|verdict| verdict.at(&rung))
            .collect())
    }

    fn authenticate(&self, session: &mut Session<'_>) -> Result<()> {
        let Some(credentials) = self.plan.effective_credentials() else {
            return Ok(());
        };
        let right = session
            .protection()
            .or_else(|| self.plan.cleartext_auth.map(Protected::from));
        let right = right.ok_or_else(not_in_clear)?;
        session.dialogue.hide(credentials.password());
        let mut mechanism = sasl::choose(self.plan.auth, &session.capabilities.auth, credentials)?;
        session.authenticate(mechanism.as_mut(), right)
    }

    /// Opens a session on the first rung that gives one.
    fn open<'o>(
        &self,
        observer: &'o dyn Observer,
        attempts: &mut Vec<Attempt>,
    ) -> Result<(Session<'o>, Rung)> {
        let rungs = &self.plan.rungs;
        let tls = if rungs.iter().any(|rung| rung.security != Security::None) {
            Some(Tls::new(&self.plan.trust)?)
        } else {
            None
        };
        let waits = self.plan.waits;
        let mut open: Vec<usize> = (0..rungs.len()).collect();
        let mut fates: Vec<Option<Attempt>> = vec![None; rungs.len()];
        let mut names = Names::default();
        let mut winner = None;
        let mut stopped = None;
        let over = || waits.deadline.is_some_and(|end| Instant::now() >= end);
        while !open.is_empty() && winner.is_none() && stopped.is_none() && !over() {
            let race = dial::race(rungs, &open, waits.connect, waits.deadline, &mut names)
                .map_err(|error| {
                    Failure::new(Kind::Io, format!("cannot wait for connections: {error}"))
                })?;
            for (index, attempt) in race.failed {
                observer.note(
                    &attempt
                        .failure
                        .as_ref()
                        .map_or_else(String::new, ToString::to_string),
                );
                open.retain(|&other| other != index);
                fates[index] = Some(attempt);
            }
            for (index, attempt) in race.overtaken {
                fates[index] = Some(attempt);
            }
            let Some((index, socket, started)) = race.winner else {
                break;
            };
            open.retain(|&other| other != index);
            let rung = &rungs[index];
            let mut attempt = Attempt {
                rung: rung.clone(),
                outcome: Outcome::Connected,
                address: socket.peer_addr().ok(),
                secured: false,
                failure: None,
                took: Duration::ZERO,
            };
            observer.note(&format!(
                "connected to {rung} ({})",
                attempt
                    .address
                    .map_or_else(String::new, |a| a.ip().to_string())
            ));
            let opening = Opening {
                host: &rung.host,
                ehlo: self.plan.ehlo.as_ref().map(|name| name.as_str()),
                waits,
                greeting_until: started + waits.connect,
            };
            match self.establish(socket, rung.security, &opening, tls.as_ref(), observer) {
                Ok(session) => winner = Some((session, rung.clone())),
                Err(closed) => {
                    attempt.secured = closed.secured;
                    let failure = closed.failure.at(rung);
                    observer.note(&failure.message);
                    if closed.stop {
                        stopped = Some(failure.clone());
                    }
                    attempt.outcome = closed.outcome;
                    attempt.failure = Some(failure);
                }
            }
            attempt.took = started.elapsed();
            fates[index] = Some(attempt);
        }
        attempts.extend(fates.into_iter().flatten());
        if let Some(failure) = stopped {
            return Err(failure);
        }
        let Some((session, rung)) = winner else {
            return Err(all_failed(attempts));
        };
        for failure in attempts
            .iter()
            .filter_map(|attempt| attempt.failure.as_ref())
        {
            observer.warning(&format!(
                "{failure}; using {rung} ({})",
                rung.security.name()
            ));
        }
        Ok((session, rung))
    }

    fn establish<'o>(
        &self,
        socket: std::net::TcpStream,
        security: Security,
        opening: &Opening<'_>,
        tls: Option<&Tls>,
        observer: &'o dyn Observer,
    ) -> std::result::Result<Session<'o>, Closed> {
        let secure = tls.ok_or_else(|| Closed {
            outcome: Outcome::TlsFailed,
            failure: Failure::new(Kind::Bug, "no TLS configuration"),
            secured: false,
            stop: true,
        });
        match security {
            Security::None => {
                let helo = self.plan.effective_credentials().is_none();
                Greeted::open(socket, opening, helo, observer).map(Greeted::in_clear)
            }
            Security::StartTls => {
                Greeted::open(socket, opening, false, observer)?.start_tls(secure?, opening)
            }
            Security::Implicit => Session::open_implicit(socket, secure?, opening, observer),
        }
    }
}

fn not_in_clear() -> Failure {
    Failure::new(Kind::Auth, "credentials are not sent without TLS").with_hint(
        "leave out --tls none; or send as nobody (--auth none); or, where nobody can listen, add --allow-cleartext-auth",
    )
}

/// When every rung failed: the one that got furthest decides; of equals, the first.
fn all_failed(attempts: &[Attempt]) -> Failure {
    let mut best: Option<(&Attempt, &Failure)> = None;
    for attempt in attempts {
        let further = best.is_none_or(|(known, _)| attempt.depth() > known.depth());
        if let (true, Some(failure)) = (further, &attempt.failure) {
            best = Some((attempt, failure));
        }
    }
    match best {
        Some((attempt, failure)) if attempt.depth() == 0 && failure.hint.is_none() => failure.clone().with_hint(
            "is the server's name right, and is it up? Networks and hosting providers often block mail ports: \
             ask them which one is open (many leave 2525)",
        ),
        Some((_, failure)) => failure.clone(),
        None => Failure::new(Kind::Temporary, "no server could be tried: the deadline is over"),
    }
}

fn may_try_again(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Deferred(cause) if cause.failure.kind == Kind::Temporary)
}

/// How long to wait before the retry of this number, counted from 0; a fifth of it is left to
/// chance, so that many clients do not come back together.
fn pause_before(retry: u32) -> Duration {
    let pause = FIRST_PAUSE
        .saturating_mul(4_u32.saturating_pow(retry))
        .min(LONGEST_PAUSE);
    let mut chance = [0; 1];
    // Without chance all wait the same, which is no reason to fail.
    let _ = getrandom::fill(&mut chance);
    pause + pause.mul_f64(f64::from(chance[0]) / 255.0 / 5.0)
}

/// Takes the verdicts of a retry into the report.
fn merge(report: &mut Report, again: Vec<usize>, next: Report) {
    for (index, (_, verdict)) in again.into_iter().zip(next.recipients) {
        report.recipients[index].1 = verdict;
    }
    report.attempts.extend(next.attempts);
    report.server = next.server.or(report.server.take());
    report.auth = next.auth.or(report.auth);
    report.reply = next.reply.or(report.reply.take());
    report.size = next.size;
}
