//! Looking at the way to the server without sending anything: how far each rung of the plan leads,
//! what is found on it, and which one a submission would use.
//!
//! The rungs are tried side by side, with the code that a submission uses. Credentials go to one rung
//! only, the one that would be used, so that a wrong password counts once. Where a port speaks the
//! other kind of TLS than it was asked for, that is found out by asking for it.

mod recorder;
mod rung;

use std::net::IpAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use self::recorder::Recorder;
use super::login;
use super::open::{self, Entry};
use crate::certificate::CertificateFacts;
use crate::failure::{Failure, Kind, Result};
use crate::plan::Plan;
use crate::route::{Attempt, Outcome, Rung};
use crate::smtp::capability::Capabilities;
use crate::smtp::session::Session;
use crate::smtp::tls::Tls;
use crate::smtp::{Observer, Reply, TlsInfo};

/// What a plan leads to.
#[derive(Debug)]
pub struct Diagnosis {
    /// Each rung, in the policy's order.
    pub probes: Vec<Probe>,
    /// The place among them of the one that a submission would use; `None` when it would find none.
    pub used: Option<usize>,
    /// Why a submission would fail before the server hears of a message; `None` when it would not.
    pub failure: Option<Failure>,
}

/// What was found on a rung.
#[derive(Debug)]
pub struct Probe {
    /// How far it led.
    pub attempt: Attempt,
    /// The addresses of its host, in the order in which they are tried.
    pub addresses: Vec<IpAddr>,
    /// How long looking up the name and connecting took; `None` when there was no connection.
    pub connected: Option<Duration>,
    /// What the server said first.
    pub greeting: Option<Reply>,
    /// What it said to EHLO, its name first; after STARTTLS, what it said then.
    pub offers: Option<Reply>,
    /// What TLS agreed on, where the certificate is good.
    pub tls: Option<TlsInfo>,
    /// Whether one can log in.
    pub login: Login,
    /// The same port by the other kind of TLS, where it was found to speak that.
    pub instead: Option<Box<Probe>>,
}

/// Whether one can log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// There are no credentials.
    Nobody,
    /// Not tried: this is not the rung that would be used.
    NotTried,
    /// By this mechanism.
    Accepted(&'static str),
    /// The server, or the plan, says no.
    Refused(Failure),
}

impl Probe {
    /// What the server's certificate says, good or not; `None` when none was seen.
    pub fn certificate(&self) -> Option<CertificateFacts> {
        let refused = self.attempt.certificate.as_deref().cloned();
        refused.or_else(|| self.tls.as_ref()?.certificate())
    }

    /// What the server offers.
    pub fn capabilities(&self) -> Capabilities {
        self.offers
            .as_ref()
            .map_or_else(Capabilities::default, Capabilities::from_ehlo)
    }

    /// Whether mail could be given to it, by a login or without one.
    pub fn is_usable(&self) -> bool {
        self.attempt.outcome == Outcome::Connected
    }

    /// The rung that mail could be given to: as asked for, or by the other kind of TLS.
    pub fn works_by(&self) -> Option<&Rung> {
        if self.is_usable() {
            return Some(&self.attempt.rung);
        }
        self.instead.as_deref().and_then(Self::works_by)
    }

    fn of(attempt: Attempt) -> Self {
        Self {
            attempt,
            addresses: Vec::new(),
            connected: None,
            greeting: None,
            offers: None,
            tls: None,
            login: Login::NotTried,
            instead: None,
        }
    }
}

/// Tries every rung of `plan`, and logs in on the first that can be used. Sends no mail.
///
/// Bounded as a submission is, the greeting too; connecting alone by 10 s. The observer hears of one rung
/// after the other.
///
/// ```no_run
/// # fn main() -> smtpsend::failure::Result<()> {
/// # let plan = smtpsend::plan::Plan::new(vec![]);
/// let diagnosis = smtpsend::submit::probe::probe(&plan, &())?;
/// match (diagnosis.used, diagnosis.failure) {
///     (Some(used), None) => println!("{} would do", diagnosis.probes[used].attempt.rung),
///     (_, failure) => println!("{failure:?}"),
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `Config` when no authority can be loaded or one that was given is not usable; `Io` when the system
/// refuses what is needed for waiting.
pub fn probe(plan: &Plan, observer: &dyn Observer) -> Result<Diagnosis> {
    let tls = match open::tls(plan)? {
        Some(tls) => Some(tls),
        // For a port in clear that turns out to speak TLS.
        None => Tls::new(&plan.trust, &plan.tls).ok(),
    };
    let tls = tls.as_ref();
    let (first, mut before) = channel();
    // Nobody came before the first one.
    let _ = first.send(Turn::Open);
    std::thread::scope(|scope| {
        let mut running = Vec::new();
        for rung in &plan.rungs {
            let (after, next) = channel();
            let before = std::mem::replace(&mut before, next);
            let thread = std::thread::Builder::new().name(rung.to_string());
            let probing = thread.spawn_scoped(scope, move || {
                let recorder = Recorder::default();
                let probed = look(plan, rung, tls, &recorder, (before, after));
                (probed, recorder.into_events())
            });
            running.push(probing.map_err(|error| no_means(&error))?);
        }
        let mut diagnosis = Diagnosis {
            probes: Vec::new(),
            used: None,
            failure: None,
        };
        let mut turn = Turn::Open;
        for probing in running {
            let (probed, events) = probing
                .join()
                .map_err(|_| Failure::new(Kind::Bug, "a rung was left without an answer"))?;
            for event in events {
                event.tell(observer);
            }
            let (probe, after) = probed?;
            match (turn, after) {
                (Turn::Open, Turn::Taken) => {
                    diagnosis.used = Some(diagnosis.probes.len());
                    diagnosis.failure = probe.login.failure().cloned();
                }
                (Turn::Open, Turn::Stopped) => {
                    diagnosis.failure.clone_from(&probe.attempt.failure);
                }
                _ => {}
            }
            turn = after;
            diagnosis.probes.push(probe);
        }
        if turn == Turn::Open {
            let attempts = diagnosis.probes.iter().map(|probe| &probe.attempt);
            diagnosis.failure = Some(open::all_failed(attempts));
        }
        Ok(diagnosis)
    })
}

impl Login {
    /// Why one cannot.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Refused(failure) => Some(failure),
            Self::Nobody | Self::NotTried | Self::Accepted(_) => None,
        }
    }
}

/// What is known of the rungs so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// None of them can be used.
    Open,
    /// One of them would be used.
    Taken,
    /// At one of them a submission would stop.
    Stopped,
}

/// Tries one rung, and logs in where its turn has come; gives what is known with it.
fn look(
    plan: &Plan,
    rung: &Rung,
    tls: Option<&Tls>,
    recorder: &Recorder,
    (before, after): (Receiver<Turn>, Sender<Turn>),
) -> Result<(Probe, Turn)> {
    // A thread that came to nothing leaves nothing to go on from.
    let turn = || before.recv().unwrap_or(Turn::Stopped);
    // A proxy may want a password, and that is tried once, too.
    let early = plan.outbound.proxy.as_ref().map(|_| turn());
    if early == Some(Turn::Stopped) {
        let _ = after.send(Turn::Stopped);
        return Ok((untried(rung), Turn::Stopped));
    }
    let (mut probe, entry) = rung::probe(plan, rung, tls, recorder)?;
    let before = early.unwrap_or_else(turn);
    let turn = match (before, &entry) {
        (Turn::Open, Entry::Opened(_)) => Turn::Taken,
        (Turn::Open, Entry::Stopped) => Turn::Stopped,
        _ => before,
    };
    // Those who wait need not wait for the login; behind the last one nobody does.
    let _ = after.send(turn);
    if plan.effective_credentials().is_none() {
        probe.login = Login::Nobody;
    }
    if let Entry::Opened(opened) = entry
        && let Ok(mut session) = opened.session()
    {
        if before == Turn::Open {
            probe.login = log_in(plan, rung, &mut session);
        }
        session.dialogue.quit();
    }
    recorder.fill(&mut probe);
    Ok((probe, turn))
}

fn untried(rung: &Rung) -> Probe {
    let words = "not tried, because of what was found before";
    Probe::of(Attempt {
        rung: rung.clone(),
        outcome: Outcome::Unreachable,
        secured: false,
        certificate: None,
        address: None,
        failure: Some(Failure::new(Kind::Temporary, words).at(rung)),
        took: Duration::ZERO,
    })
}

fn log_in(plan: &Plan, rung: &Rung, session: &mut Session<'_>) -> Login {
    // A server without AUTH is none to give credentials to, whatever the plan allows.
    let done = login::means(plan, session)
        .and_then(|_| login::allowed(plan))
        .and_then(|()| login::log_in(plan, session));
    match done {
        Ok(Some(mechanism)) => Login::Accepted(mechanism),
        Ok(None) => Login::Nobody,
        Err(failure) => Login::Refused(failure.at(rung)),
    }
}

fn no_means(error: &std::io::Error) -> Failure {
    Failure::new(
        Kind::Io,
        format!("cannot wait for several connections: {error}"),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::{ErrorKind, Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;
    use crate::route::{Security, SubmissionPort};

    #[test]
    fn a_proxy_that_refuses_us_is_asked_once() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let rung = |port| Rung {
            host: "mail.test".parse().unwrap(),
            port: SubmissionPort::new(port).unwrap(),
            security: Security::StartTls,
        };
        let mut plan = Plan::new(vec![rung(587), rung(2525)]);
        let url = format!("socks5://u:hunter2@{}", listener.local_addr().unwrap());
        plan.outbound.proxy = Some(url.parse().unwrap());
        let refusing = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.read_exact(&mut [0; 4]).unwrap();
            stream.write_all(b"\x05\xff").unwrap();
            listener
        });
        let diagnosis = probe(&plan, &()).unwrap();
        let listener = refusing.join().unwrap();
        listener.set_nonblocking(true).unwrap();
        let asked_again = listener.accept();
        assert_eq!(asked_again.unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(diagnosis.failure.unwrap().kind, Kind::Auth);
        let second = diagnosis.probes[1].attempt.failure.as_ref().unwrap();
        assert!(second.message.contains("not tried"), "{second}");
    }
}
