//! Opening a session by the plan: along the rungs, up to the point where mail may be given.
//!
//! Owns when to move on to the next rung and when to stop, and what is said when all have failed.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::clock::{self, Over};
use crate::failure::{Failure, Kind, Result};
use crate::interrupt;
use crate::plan::Plan;
use crate::route::dial;
use crate::route::resolve::Names;
use crate::route::{Attempt, Outcome, Rung, Security};
use crate::smtp::dialogue::Dialogue;
use crate::smtp::session::{Closed, Greeted, Opening, Secured, Session};
use crate::smtp::tls::Tls;
use crate::smtp::{Credentials, Observer, QuitAfter};

/// What opening by the plan comes to.
pub(super) enum Opened<'o> {
    /// A session.
    Session(Session<'o>),
    /// The plan ends it before there is one.
    Ended(Dialogue<'o>, QuitAfter),
}

impl<'o> Opened<'o> {
    pub(super) fn dialogue(&self) -> &Dialogue<'o> {
        match self {
            Self::Session(session) => &session.dialogue,
            Self::Ended(dialogue, _) => dialogue,
        }
    }

    /// The session, for whoever cannot do without one.
    ///
    /// # Errors
    /// `Usage` when the plan ends it before; then it is over.
    pub(super) fn session(self) -> Result<Session<'o>> {
        match self {
            Self::Session(session) => Ok(session),
            Self::Ended(dialogue, stage) => {
                dialogue.quit();
                let words = format!("nothing can be asked of a server that is left after {stage}");
                Err(Failure::new(Kind::Usage, words))
            }
        }
    }
}

/// What the rungs need for TLS, for all sessions; nothing where none of them uses it.
///
/// # Errors
/// `Config` when no authority can be loaded or one that was given is not usable.
pub(super) fn tls(plan: &Plan) -> Result<Option<Tls>> {
    let secure = |rung: &Rung| rung.security != Security::None;
    let wanted = plan.rungs.iter().any(secure);
    wanted.then(|| Tls::new(&plan.trust, &plan.tls)).transpose()
}

/// Opens a session on the first rung that gives one, as far as the plan goes. `tls` is what [`tls`]
/// made for this plan.
pub(super) fn open<'o>(
    plan: &Plan,
    tls: Option<&Tls>,
    observer: &'o dyn Observer,
    attempts: &mut Vec<Attempt>,
) -> Result<(Opened<'o>, Rung)> {
    let rungs = &plan.rungs;
    let waits = plan.waits;
    let mut open: Vec<usize> = (0..rungs.len()).collect();
    let mut fates: Vec<Option<Attempt>> = vec![None; rungs.len()];
    let mut names = Names::default();
    let mut winner = None;
    let mut stopped = None;
    let over = || clock::over(waits.deadline).is_some();
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
            Entry::Opened(opened) => winner = Some((*opened, rung.clone())),
            Entry::Stopped => stopped.clone_from(&attempt.failure),
            // That is why, and no other port is tried.
            Entry::Left if interrupt::arrived().is_some() => stopped = attempt.failure.clone(),
            Entry::Left => {}
        }
        fates[index] = Some(attempt);
    }
    attempts.extend(fates.into_iter().flatten());
    if let Some(failure) = stopped {
        return Err(failure);
    }
    let Some((opened, rung)) = winner else {
        return Err(match clock::over(waits.deadline) {
            // The attempts tell how far they had come.
            Some(over @ Over::Stopped(_)) => Failure::new(Kind::Temporary, over.to_string()),
            _ => all_failed(&*attempts),
        });
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
    Ok((opened, rung))
}

/// What a connection came to.
pub(super) enum Entry<'o> {
    /// What the plan asks for.
    Opened(Box<Opened<'o>>),
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
        Ok(opened) => Entry::Opened(Box::new(opened)),
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

/// The server's address on a connection whose other end is `peer`; only a proxy knows what lies behind
/// it.
pub(super) fn server_address(plan: &Plan, peer: io::Result<SocketAddr>) -> Option<SocketAddr> {
    peer.ok().filter(|_| plan.outbound.proxy.is_none())
}

fn establish<'o>(
    plan: &Plan,
    socket: TcpStream,
    security: Security,
    opening: &Opening<'_>,
    tls: Option<&Tls>,
    observer: &'o dyn Observer,
) -> std::result::Result<Opened<'o>, Closed> {
    let secure = tls.ok_or_else(|| Closed {
        outcome: Outcome::TlsFailed,
        failure: Failure::new(Kind::Bug, "no TLS configuration"),
        secured: false,
        certificate: None,
        stop: true,
    });
    let ends_with = |stage| plan.quit_after == Some(stage);
    let ended = |dialogue, stage| Ok(Opened::Ended(dialogue, stage));
    let session = if security == Security::Implicit {
        let secured = Secured::open_implicit(socket, secure?, opening, observer)?;
        // The greeting came within TLS.
        for stage in [QuitAfter::Connect, QuitAfter::Tls] {
            if ends_with(stage) {
                return ended(secured.dialogue, stage);
            }
        }
        secured.introduce(opening)?
    } else {
        let greeted = Greeted::open(socket, opening, observer)?;
        if ends_with(QuitAfter::Connect) {
            return ended(greeted.dialogue, QuitAfter::Connect);
        }
        let in_clear = security == Security::None;
        let helo = in_clear && plan.effective_credentials().is_none();
        let introduced = greeted.introduce(opening, helo)?;
        if in_clear {
            introduced.in_clear()
        } else {
            let secured = introduced.start_tls(secure?, opening)?;
            if ends_with(QuitAfter::Tls) {
                return ended(secured.dialogue, QuitAfter::Tls);
            }
            secured.introduce(opening)?
        }
    };
    if ends_with(QuitAfter::Ehlo) {
        return ended(session.dialogue, QuitAfter::Ehlo);
    }
    Ok(Opened::Session(session))
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
        Some((attempt, failure)) if attempt.outcome == Outcome::Refused && failure.hint.is_none() => failure
            .clone()
            .with_hint("nothing listens there: is the server running, and is that its port?"),
        Some((attempt, failure)) if attempt.depth() == 0 && failure.hint.is_none() => failure.clone().with_hint(
            "is the server's name right, and is it up? Networks and hosting providers often block mail ports: \
             ask them which one is open (many leave 2525)",
        ),
        Some((_, failure)) => failure.clone(),
        None => Failure::new(Kind::Temporary, "no server could be tried: the deadline is over"),
    }
}
