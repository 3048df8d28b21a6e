//! Connecting: names to addresses, connects staggered over addresses and rungs, one winner.
//!
//! The idea is that of RFC 8305 (Happy Eyeballs), stretched over the rungs of the policy: the
//! next address, and the next rung, starts when the one before has failed or has not answered for
//! a moment; of those connected the earliest in the policy's order is used, and the others are
//! closed. So a black hole costs a fraction of a second, not a timeout.
//!
//! Through a proxy each rung has a connection to the proxy of its own, and is connected when the
//! proxy says so.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};

use super::connecting::{Connecting, Trouble};
use super::resolve::Names;
use super::tunnel::Refusal;
use super::{Attempt, Host, Outbound, Outcome, Rung};
use crate::clock::{self, Over, in_words, wait_for};
use crate::failure::{Failure, Kind};

/// How long one address may take before the next one of the same name starts too
/// (RFC 8305 §5 recommends 250 ms and allows 100 ms to 2 s).
const ADDRESS_STAGGER: Duration = Duration::from_millis(200);
/// How long one rung may take before the next one starts too. Longer than an address's, so that
/// a second address of a preferred port is tried before a less preferred port.
const RUNG_STAGGER: Duration = Duration::from_millis(300);

/// The end of a race.
pub(crate) struct Race {
    /// The winner: its index among the rungs, its stream, when its rung started.
    pub(crate) winner: Option<(usize, TcpStream, Instant)>,
    /// The rungs that failed for good in this race, by index.
    pub(crate) failed: Vec<(usize, Attempt)>,
    /// The rungs that were still connecting when another won: whom, since when, to which address.
    pub(crate) overtaken: Vec<(usize, Attempt)>,
}

impl Race {
    /// What makes trying on useless: the proxy does not take us for who we say we are. Asked again
    /// and again it might lock us out.
    pub(crate) fn hopeless(&self) -> Option<&Failure> {
        let failed = self.failed.iter().filter(|_| self.winner.is_none());
        let mut failures = failed.filter_map(|(_, attempt)| attempt.failure.as_ref());
        failures.find(|failure| failure.kind == Kind::Auth)
    }
}

/// Connects to the first of `rungs` (those whose index is in `open`, in this order) that answers.
///
/// `patience` bounds each rung, from its start; `deadline` bounds all.
pub(crate) fn race(
    rungs: &[Rung],
    open: &[usize],
    outbound: &Outbound,
    patience: Duration,
    deadline: Option<Instant>,
    names: &mut Names,
) -> io::Result<Race> {
    let mut runners: Vec<Runner<'_>> = open
        .iter()
        .map(|&index| Runner::new(index, &rungs[index], outbound))
        .collect();
    loop {
        let now = Instant::now();
        let over = clock::over(deadline);
        let mut may_start = true;
        for runner in &mut runners {
            if may_start || over.is_some() {
                runner.advance(now, patience, over, names)?;
            }
            // The next rung may start when this one has failed, or has had its moment.
            may_start = may_start
                && runner.connected.is_none()
                && !runner.is_hopeless()
                && (runner.failure.is_some()
                    || runner.started.is_some_and(|at| now >= at + RUNG_STAGGER));
        }
        if let Some(place) = runners.iter().position(|runner| runner.connected.is_some()) {
            return Ok(finish(runners, Some(place)));
        }
        if runners.iter().all(Runner::is_over) || runners.iter().any(Runner::is_hopeless) {
            return Ok(finish(runners, None));
        }
        let wake = next_event(&runners, now, patience, deadline);
        let mut fds: Vec<PollFd<'_>> = runners
            .iter()
            .flat_map(|runner| &runner.connecting)
            .map(Connecting::poll_fd)
            .collect();
        if let Some(bell) = names.bell() {
            fds.push(PollFd::new(bell, PollFlags::IN));
        }
        wait_for(&mut fds, wake)?;
        names.collect();
    }
}

/// When something is due even if nothing answers.
fn next_event(
    runners: &[Runner<'_>],
    now: Instant,
    patience: Duration,
    deadline: Option<Instant>,
) -> Instant {
    let mut wake = deadline.unwrap_or(now + patience);
    for runner in runners.iter().filter(|runner| !runner.is_over()) {
        if let Some(started) = runner.started {
            wake = wake.min(started + patience);
            if started + RUNG_STAGGER > now {
                wake = wake.min(started + RUNG_STAGGER);
            }
        }
        if let (Some(last), true) = (runner.last_start, runner.may_start_another()) {
            wake = wake.min(last + ADDRESS_STAGGER);
        }
    }
    wake
}

fn finish(runners: Vec<Runner<'_>>, winner: Option<usize>) -> Race {
    let mut race = Race {
        winner: None,
        failed: Vec::new(),
        overtaken: Vec::new(),
    };
    let now = Instant::now();
    for (place, mut runner) in runners.into_iter().enumerate() {
        let started = runner.started.unwrap_or(now);
        match (runner.connected.take(), runner.failure.take()) {
            (Some(stream), _) if winner == Some(place) => {
                race.winner = Some((runner.index, stream, started))
            }
            (None, Some((outcome, failure))) => {
                race.failed
                    .push((runner.index, runner.attempt(outcome, Some(failure), now)));
            }
            _ if runner.started.is_some() => {
                let why = Failure::new(
                    Kind::Temporary,
                    format!(
                        "no answer within {} ms; another port was quicker",
                        now.saturating_duration_since(started).as_millis()
                    ),
                );
                race.overtaken.push((
                    runner.index,
                    runner.attempt(Outcome::Timeout, Some(why), now),
                ));
            }
            _ => {}
        }
    }
    race
}

/// One rung on its way.
struct Runner<'r> {
    index: usize,
    rung: &'r Rung,
    outbound: &'r Outbound,
    started: Option<Instant>,
    resolved: bool,
    /// Addresses not tried yet, the next one last.
    addresses: Vec<SocketAddr>,
    last_start: Option<Instant>,
    last_address: Option<SocketAddr>,
    connecting: Vec<Connecting>,
    connected: Option<TcpStream>,
    /// The most telling failure of an address so far; final once the rung is over.
    worst: Option<Refusal>,
    failure: Option<Refusal>,
}

impl<'r> Runner<'r> {
    fn new(index: usize, rung: &'r Rung, outbound: &'r Outbound) -> Self {
        Self {
            index,
            rung,
            outbound,
            started: None,
            resolved: false,
            addresses: Vec::new(),
            last_start: None,
            last_address: None,
            connecting: Vec::new(),
            connected: None,
            worst: None,
            failure: None,
        }
    }

    fn is_over(&self) -> bool {
        self.connected.is_some() || self.failure.is_some()
    }

    fn is_hopeless(&self) -> bool {
        let failure = self.failure.as_ref();
        failure.is_some_and(|(_, failure)| failure.kind == Kind::Auth)
    }

    /// Does what is due: looks up, starts connects, notices who has connected or failed.
    fn advance(
        &mut self,
        now: Instant,
        patience: Duration,
        over: Option<Over>,
        names: &mut Names,
    ) -> io::Result<()> {
        if self.is_over() {
            return Ok(());
        }
        let started = *self.started.get_or_insert(now);
        if !self.resolved {
            let (host, port) = match &self.outbound.proxy {
                Some(proxy) => (proxy.host(), proxy.port()),
                None => (&self.rung.host, self.rung.port.number()),
            };
            match names.addresses(host, port, self.outbound.source)? {
                Some(Ok(found)) => {
                    self.addresses = found;
                    self.addresses.reverse();
                    self.resolved = true;
                }
                Some(Err(failure)) => {
                    self.failure = Some(self.on_the_way((Outcome::Unreachable, failure)));
                    return Ok(());
                }
                None => {}
            }
        }
        self.check_connecting();
        while !self.is_over() && self.next_address_is_due(now) {
            if let Some(address) = self.addresses.pop() {
                self.last_start = Some(now);
                self.last_address = Some(address);
                let proxy = self.outbound.proxy.as_ref();
                let tunnel = proxy.map(|proxy| proxy.tunnel(self.rung));
                match Connecting::start(address, self.outbound.source.address(), tunnel) {
                    Ok(connecting) => self.connecting.push(connecting),
                    Err(trouble) => self.note_trouble(address, trouble),
                }
                self.check_connecting();
            }
        }
        if self.is_over() {
            return Ok(());
        }
        let exhausted = self.resolved && self.addresses.is_empty() && self.connecting.is_empty();
        if exhausted || now >= started + patience || over.is_some() {
            self.give_up(now.saturating_duration_since(started), exhausted, over);
        }
        Ok(())
    }

    /// A proxy that was reached is the one to wait for.
    fn may_start_another(&self) -> bool {
        !self.addresses.is_empty() && !self.connecting.iter().any(Connecting::is_connected)
    }

    fn next_address_is_due(&self, now: Instant) -> bool {
        let had_its_moment = |last: Instant| now >= last + ADDRESS_STAGGER;
        self.may_start_another()
            && (self.connecting.is_empty() || self.last_start.is_none_or(had_its_moment))
    }

    fn check_connecting(&mut self) {
        let mut waiting = Vec::new();
        for mut connecting in std::mem::take(&mut self.connecting) {
            match connecting.advance() {
                Ok(true) if self.connected.is_none() => {
                    self.last_address = Some(connecting.address);
                    self.connected = Some(connecting.into_stream());
                }
                Ok(true) => {}
                Ok(false) => waiting.push(connecting),
                Err(trouble) => self.note_trouble(connecting.address, trouble),
            }
        }
        self.connecting = waiting;
    }

    fn note_trouble(&mut self, address: SocketAddr, trouble: Trouble) {
        let (outcome, failure) = match trouble {
            Trouble::Proxy(refusal) => {
                self.failure = Some(self.by_proxy(refusal));
                return;
            }
            Trouble::Connect(refusal) => self.on_the_way(refusal),
        };
        let failure = match (&self.rung.host, &self.outbound.proxy) {
            (Host::Name(_), None) => failure.at(address.ip()),
            _ => failure,
        };
        if self
            .worst
            .as_ref()
            .is_none_or(|(known, _)| outcome > *known)
        {
            self.worst = Some((outcome, failure));
        }
    }

    /// What went wrong before there was a connection, to the server or to its proxy.
    fn on_the_way(&self, (outcome, failure): Refusal) -> Refusal {
        if self.outbound.proxy.is_none() {
            return (outcome, failure);
        }
        // A proxy that refuses tells nothing of the server.
        let outcome = match outcome {
            Outcome::Refused => Outcome::Unreachable,
            other => other,
        };
        let failure = match failure.kind {
            Kind::Temporary => {
                failure.with_hint("is the proxy up, and its name and port right (--proxy)?")
            }
            _ => failure,
        };
        self.by_proxy((outcome, failure))
    }

    /// What went wrong, with the proxy's name where there is one.
    fn by_proxy(&self, (outcome, failure): Refusal) -> Refusal {
        match &self.outbound.proxy {
            Some(proxy) => (outcome, proxy.at(failure)),
            None => (outcome, failure),
        }
    }

    fn give_up(&mut self, after: Duration, exhausted: bool, over: Option<Over>) {
        let asked = self.connecting.iter().any(Connecting::has_asked);
        self.connecting.clear();
        self.failure = match self.worst.take() {
            Some(worst) if exhausted => Some(worst),
            _ => {
                let what = if self.resolved {
                    "no answer"
                } else {
                    "the name was not resolved"
                };
                let when = match over {
                    Some(over) => over.before(),
                    None => format!("within {}", in_words(after)),
                };
                let failure = Failure::new(Kind::Temporary, format!("{what} {when}"));
                let refusal = (Outcome::Timeout, failure);
                Some(if asked {
                    self.by_proxy(refusal)
                } else {
                    self.on_the_way(refusal)
                })
            }
        };
    }

    fn attempt(&self, outcome: Outcome, failure: Option<Failure>, now: Instant) -> Attempt {
        Attempt {
            rung: self.rung.clone(),
            outcome,
            secured: false,
            certificate: None,
            address: self.last_address.filter(|_| self.outbound.proxy.is_none()),
            failure: failure.map(|failure| failure.at(self.rung)),
            took: now.saturating_duration_since(self.started.unwrap_or(now)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, TcpListener};

    use super::*;
    use crate::route::{Security, SubmissionPort};

    fn rung(port: u16) -> Rung {
        Rung {
            host: Host::Address(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            port: SubmissionPort::new(port).unwrap(),
            security: Security::StartTls,
        }
    }

    fn closed_port() -> u16 {
        TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port()
    }

    fn run(rungs: &[Rung], deadline: Option<Instant>) -> Race {
        let open: Vec<usize> = (0..rungs.len()).collect();
        race(
            rungs,
            &open,
            &Outbound::default(),
            Duration::from_secs(30),
            deadline,
            &mut Names::default(),
        )
        .unwrap()
    }

    #[test]
    fn a_refused_rung_gives_way_to_the_next_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let race = run(
            &[
                rung(closed_port()),
                rung(listener.local_addr().unwrap().port()),
            ],
            None,
        );
        assert_eq!(race.winner.unwrap().0, 1);
        assert_eq!(race.failed[0].1.outcome, Outcome::Refused);
    }

    #[test]
    fn of_two_open_rungs_the_first_is_used_and_the_second_never_tried() {
        let listeners = [(), ()].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let race = run(
            &listeners
                .each_ref()
                .map(|l| rung(l.local_addr().unwrap().port())),
            None,
        );
        assert_eq!(race.winner.unwrap().0, 0);
        assert!(race.failed.is_empty() && race.overtaken.is_empty());
        listeners[1].set_nonblocking(true).unwrap();
        assert_eq!(
            listeners[1].accept().unwrap_err().kind(),
            io::ErrorKind::WouldBlock
        );
    }

    #[test]
    fn when_all_are_refused_each_says_why() {
        let race = run(&[rung(closed_port()), rung(closed_port())], None);
        assert!(race.winner.is_none());
        assert_eq!(race.failed.len(), 2);
        assert!(
            race.failed[0]
                .1
                .failure
                .as_ref()
                .unwrap()
                .message
                .contains("connection refused")
        );
    }

    #[test]
    fn a_deadline_that_is_over_ends_the_race() {
        assert!(
            run(&[rung(closed_port())], Some(Instant::now()))
                .winner
                .is_none()
        );
    }
}
