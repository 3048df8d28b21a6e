//! Opening a session by the plan: along the rungs, up to the point where mail may be given.
//!
//! Owns when to move on to the next rung and when to stop, and what is said when all have failed.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::failure::{Failure, Kind, Result};
use crate::plan::Plan;
use crate::route::dial;
use crate::route::resolve::Names;
use crate::route::{Attempt, Outcome, Rung, Security};
use crate::smtp::session::{Closed, Greeted, Opening, Session};
use crate::smtp::tls::Tls;
use crate::smtp::{Credentials, Observer};

/// What the rungs need for TLS, for all sessions; nothing where none of them uses it.
///
/// # Errors
/// `Config` when no authority can be loaded or one that was given is not usable.
pub(super) fn tls(plan: &Plan) -> Result<Option<Tls>> {
    let secure = |rung: &Rung| rung.security != Security::None;
    let wanted = plan.rungs.iter().any(secure);
    wanted.then(|| Tls::new(&plan.trust, &plan.tls)).transpose()
}

/// Opens a session on the first rung that gives one. `tls` is what [`tls`] made for this plan.
pub(super) fn open<'o>(
    plan: &Plan,
    tls: Option<&Tls>,
    observer: &'o dyn Observer,
    attempts: &mut Vec<Attempt>,
) -> Result<(Session<'o>, Rung)> {
    let rungs = &plan.rungs;
    let waits = plan.waits;
    let mut open: Vec<usize> = (0..rungs.len()).collect();
    let mut fates: Vec<Option<Attempt>> = vec![None; rungs.len()];
    let mut names = Names::default();
    let mut winner = None;
    let mut stopped = None;
    let over = || waits.deadline.is_some_and(|end| Instant::now() >= end);
    while !open.is_empty() && winner.is_none() && stopped.is_none() && !over() {
        let race = dial::race(
            rungs,
            &open,
            &plan.outbound,
            waits.connect,
            waits.deadline,
            &mut names,
        )
        .map_err(|error| Failure::new(Kind::Io, format!("cannot wait for connections: {error}")))?;
        stopped = race.hopeless().cloned();
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
        let (attempt, entry) = enter(plan, rung, socket, started, tls, observer);
        match entry {
            Entry::Session(session) => winner = Some((*session, rung.clone())),
            Entry::Stopped => stopped.clone_from(&attempt.failure),
            Entry::Left => {}
        }
        fates[index] = Some(attempt);
    }
    attempts.extend(fates.into_iter().flatten());
    if let Some(failure) = stopped {
        return Err(failure);
    }
    let Some((session, rung)) = winner else {
        return Err(all_failed(&*attempts));
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

/// The server's address on a connection whose other end is `peer`; only a proxy knows what lies behind
/// it.
pub(super) fn server_address(plan: &Plan, peer: io::Result<SocketAddr>) -> Option<SocketAddr> {
    peer.ok().filter(|_| plan.outbound.proxy.is_none())
}

/// What a connection came to.
pub(super) enum Entry<'o> {
    /// Mail may be given to it.
    Session(Box<Session<'o>>),
    /// The next rung may be tried.
    Left,
    /// No other rung may be tried.
    Stopped,
}

/// Goes on from a connection to `rung`, which was begun at `started`, and tells how far it got.
pub(super) fn enter<'o>(
    plan: &Plan,
    rung: &Rung,
    socket: TcpStream,
    started: Instant,
    tls: Option<&Tls>,
    observer: &'o dyn Observer,
) -> (Attempt, Entry<'o>) {
    let mut attempt = Attempt {
        rung: rung.clone(),
        outcome: Outcome::Connected,
        address: server_address(plan, socket.peer_addr()),
        secured: false,
        certificate: None,
        failure: None,
        took: Duration::ZERO,
    };
    observer.note(&match (&plan.outbound.proxy, attempt.address) {
        (Some(proxy), _) => format!("connected to {rung} through {proxy}"),
        (None, Some(address)) => format!("connected to {rung} ({})", address.ip()),
        (None, None) => format!("connected to {rung}"),
    });
    let credentials = plan.effective_credentials();
    let opening = Opening {
        hidden: &credentials.map_or_else(Vec::new, Credentials::secrets),
        host: &rung.host,
        ehlo: plan.ehlo.as_ref().map(|name| name.as_str()),
        waits: plan.waits,
        greeting_until: started + plan.waits.connect,
    };
    let entry = match establish(plan, socket, rung.security, &opening, tls, observer) {
        Ok(session) => Entry::Session(Box::new(session)),
        Err(closed) => {
            attempt.secured = closed.secured;
            attempt.certificate = closed.certificate;
            let failure = closed.failure.at(rung);
            observer.note(&failure.message);
            attempt.outcome = closed.outcome;
            attempt.failure = Some(failure);
            if closed.stop {
                Entry::Stopped
            } else {
                Entry::Left
            }
        }
    };
    attempt.took = started.elapsed();
    (attempt, entry)
}

fn establish<'o>(
    plan: &Plan,
    socket: TcpStream,
    security: Security,
    opening: &Opening<'_>,
    tls: Option<&Tls>,
    observer: &'o dyn Observer,
) -> std::result::Result<Session<'o>, Closed> {
    let secure = tls.ok_or_else(|| Closed {
        outcome: Outcome::TlsFailed,
        failure: Failure::new(Kind::Bug, "no TLS configuration"),
        secured: false,
        certificate: None,
        stop: true,
    });
    match security {
        Security::None => {
            let helo = plan.effective_credentials().is_none();
            Greeted::open(socket, opening, helo, observer).map(Greeted::in_clear)
        }
        Security::StartTls => {
            Greeted::open(socket, opening, false, observer)?.start_tls(secure?, opening)
        }
        Security::Implicit => Session::open_implicit(socket, secure?, opening, observer),
    }
}

/// When every rung failed: the one that got furthest decides; of equals, the first.
pub(super) fn all_failed<'a>(attempts: impl IntoIterator<Item = &'a Attempt>) -> Failure {
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
