//! Looking at one rung: connecting, opening a session, and where the port seems to speak the other kind
//! of TLS, asking for that.
//!
//! What is waited for is bounded by the plan, and shorter where a longer wait would tell nothing.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};

use super::super::open::{self, Entry};
use super::recorder::Recorder;
use super::{Probe, no_means};
use crate::clock::wait_for;
use crate::failure::{Failure, Kind, Result};
use crate::plan::Plan;
use crate::route::resolve::Names;
use crate::route::{Attempt, Outcome, Rung, Security, dial};
use crate::smtp::tls::Tls;
use crate::smtp::{Observer as _, Waits};

/// The longest wait for a connection alone: the system has asked four times by then.
const CONNECTING: Duration = Duration::from_secs(10);
/// How long a server may say nothing before it is asked whether it waits for TLS.
const SILENCE: Duration = Duration::from_secs(2);
/// The longest wait for an answer to that.
const ASKING: Duration = Duration::from_secs(5);
/// What to do about a port that is not for submission.
const NEITHER: &str = "this port answers neither by STARTTLS nor by implicit TLS: is it the right one, and the \
                       server's name too?";

/// Looks at a rung as it is asked for, and at the other kind of TLS where the port speaks that.
///
/// # Errors
/// `Io` when the system refuses what is needed for waiting.
pub(super) fn probe<'o>(
    plan: &Plan,
    rung: &Rung,
    tls: Option<&Tls>,
    recorder: &'o Recorder,
) -> Result<(Probe, Entry<'o>)> {
    let (mut probe, connection) = connect(plan, rung, recorder)?;
    let Some((socket, started)) = connection else {
        // A proxy that does not take us for who we say we are must not be asked again.
        let refused = |failure: &Failure| failure.kind == Kind::Auth;
        let entry = if probe.attempt.failure.as_ref().is_some_and(refused) {
            Entry::Stopped
        } else {
            Entry::Left
        };
        return Ok((probe, entry));
    };
    let silent = rung.security != Security::Implicit && is_silent(plan.waits, &socket)?;
    if silent {
        recorder.note(&format!("{rung} says nothing: does it wait for TLS?"));
        probe.instead = other_kind(plan, rung, Security::Implicit, tls, recorder)?;
    }
    let entry = if probe.instead.is_some() {
        probe.attempt.outcome = Outcome::NoGreeting;
        probe.attempt.took = started.elapsed();
        Entry::Left
    } else {
        let (attempt, entry) = open::enter(plan, rung, socket, started, tls, recorder);
        probe.attempt = attempt;
        entry
    };
    let stays_silent = silent && probe.attempt.outcome == Outcome::NoGreeting;
    let not_tls = rung.security == Security::Implicit && is_not_tls(&probe.attempt);
    if not_tls {
        recorder.note(&format!(
            "{rung} does not speak TLS: does it offer STARTTLS?"
        ));
        probe.instead = other_kind(plan, rung, Security::StartTls, tls, recorder)?;
    }
    if let Some(instead) = &probe.instead {
        let failure = wrong_kind(instead).at(rung);
        recorder.note(&failure.message);
        probe.attempt.failure = Some(failure);
    } else if let Some(failure) = &mut probe.attempt.failure
        && (stays_silent || not_tls)
    {
        // What a submission would advise was tried.
        failure.hint = Some(NEITHER.to_owned());
    }
    Ok((probe, entry))
}

/// Connects; the probe tells where to, or why not.
fn connect(
    plan: &Plan,
    rung: &Rung,
    recorder: &Recorder,
) -> Result<(Probe, Option<(TcpStream, Instant)>)> {
    let begun = Instant::now();
    let Waits {
        connect, deadline, ..
    } = plan.waits;
    let mut names = Names::default();
    let rungs = std::slice::from_ref(rung);
    let wait = connect.min(CONNECTING);
    let race = dial::race(rungs, &[0], &plan.outbound, wait, deadline, &mut names)
        .map_err(|error| no_means(&error))?;
    let connection = race.winner.map(|(_, socket, started)| (socket, started));
    let attempt = match race.failed.into_iter().next() {
        Some((_, attempt)) => attempt,
        None => Attempt {
            rung: rung.clone(),
            outcome: Outcome::Connected,
            secured: false,
            certificate: None,
            address: None,
            failure: None,
            took: Duration::ZERO,
        },
    };
    if let Some(failure) = &attempt.failure {
        recorder.note(&failure.message);
    }
    let mut probe = Probe::of(attempt);
    // Behind a proxy names are for the proxy.
    if plan.outbound.proxy.is_none()
        && let Ok(Some(Ok(found))) =
            names.addresses(&rung.host, rung.port.number(), plan.outbound.source)
    {
        probe.addresses = found.iter().map(|address| address.ip()).collect();
    }
    if let Some((socket, _)) = &connection {
        probe.connected = Some(begun.elapsed());
        probe.attempt.address = open::server_address(plan, socket.peer_addr());
    }
    Ok((probe, connection))
}

/// Whether nothing comes in the time in which a server that speaks first has begun.
fn is_silent(waits: Waits, socket: &TcpStream) -> Result<bool> {
    let until = Instant::now() + SILENCE.min(waits.connect / 4);
    let until = waits.deadline.map_or(until, |deadline| deadline.min(until));
    let mut fds = [PollFd::new(socket, PollFlags::IN)];
    let spoke = wait_for(&mut fds, until).map_err(|error| no_means(&error))?;
    Ok(!spoke)
}

/// Whether what the server sent in a handshake was no TLS.
fn is_not_tls(attempt: &Attempt) -> bool {
    let not_tls = |failure: &Failure| failure.kind == Kind::Protocol;
    attempt.outcome == Outcome::TlsFailed && attempt.failure.as_ref().is_some_and(not_tls)
}

/// Asks the same port for this kind of TLS, over a new connection; `None` when it does not speak that.
fn other_kind(
    plan: &Plan,
    rung: &Rung,
    security: Security,
    tls: Option<&Tls>,
    recorder: &Recorder,
) -> Result<Option<Box<Probe>>> {
    let rung = Rung {
        security,
        ..rung.clone()
    };
    let wait = ASKING.min(plan.waits.connect / 2);
    let mut plan = plan.clone();
    plan.waits.connect = wait;
    plan.waits.reply = Some(plan.waits.reply.map_or(wait, |reply| reply.min(wait)));
    let asking = Recorder::default();
    let (mut probe, connection) = connect(&plan, &rung, &asking)?;
    if let Some((socket, started)) = connection {
        let (attempt, entry) = open::enter(&plan, &rung, socket, started, tls, &asking);
        probe.attempt = attempt;
        if let Entry::Opened(opened) = entry
            && let Ok(session) = opened.session()
        {
            session.dialogue.quit();
        }
    }
    asking.fill(&mut probe);
    recorder.append(asking);
    let failed_within = |kind| {
        probe
            .attempt
            .failure
            .as_ref()
            .is_some_and(|f| f.kind == kind)
    };
    let speaks_it = match probe.attempt.outcome {
        Outcome::Connected => true,
        Outcome::TlsFailed => failed_within(Kind::Tls),
        _ => probe.attempt.secured,
    };
    Ok(speaks_it.then(|| Box::new(probe)))
}

/// What is wrong when `instead` is what the port speaks.
fn wrong_kind(instead: &Probe) -> Failure {
    let (kind, words, hint) = match instead.attempt.rung.security {
        Security::Implicit => (
            Kind::Temporary,
            "the port answers with TLS at once, and waits for that: it wants implicit TLS",
            "--tls implicit",
        ),
        _ => (
            Kind::Protocol,
            "the port speaks plain SMTP with STARTTLS, and was asked for TLS at once",
            "--tls starttls",
        ),
    };
    Failure::new(kind, words).with_hint(format!("use {hint} for this port"))
}
