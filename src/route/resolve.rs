//! Looking names up: each once, in a thread of its own, bounded by whoever waits.
//!
//! The system's resolver cannot be told how long it may take, so it is asked in a thread, and the
//! answer rings a bell that can be waited for with poll(2) like a socket. A lookup that never ends
//! is left behind when the run ends.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc;

use super::{Host, Rung};
use crate::failure::{Failure, Kind};

/// What to do when nobody can tell what a name stands for.
pub(super) const NOT_NOW: &str = "is this machine connected, and its DNS server reachable?";

/// The names asked for so far, and what came of them.
#[derive(Default)]
pub(crate) struct Names {
    known: HashMap<String, Lookup>,
    line: Option<Line>,
}

enum Lookup {
    Running,
    Done(Result<Vec<IpAddr>, Failure>),
}

/// How lookups report: the answer, and a byte that wakes whoever waits in poll(2).
struct Line {
    sender: mpsc::Sender<(String, io::Result<Vec<IpAddr>>)>,
    receiver: mpsc::Receiver<(String, io::Result<Vec<IpAddr>>)>,
    bell: UnixStream,
    rope: UnixStream,
}

impl Names {
    /// The addresses of a rung's host, with its port; `None` while they are being looked up.
    pub(super) fn addresses(
        &mut self,
        rung: &Rung,
    ) -> io::Result<Option<Result<Vec<SocketAddr>, Failure>>> {
        let port = rung.port.number();
        let name = match &rung.host {
            Host::Address(address) => return Ok(Some(Ok(vec![SocketAddr::new(*address, port)]))),
            Host::Name(name) => name,
        };
        // RFC 6761 §6.3: these are this machine, and nobody needs to be asked.
        if is_localhost(name) {
            let loopback = [
                IpAddr::V4(Ipv4Addr::LOCALHOST),
                IpAddr::V6(Ipv6Addr::LOCALHOST),
            ];
            let addresses = loopback.map(|address| SocketAddr::new(address, port));
            return Ok(Some(Ok(addresses.to_vec())));
        }
        match self.known.get(name) {
            // RFC 6761 §6.4: these never exist, and asking would tell nothing.
            None if name.rsplit('.').next() == Some("invalid") => Ok(Some(Err(unknown_host(name)))),
            None => {
                self.start(name)?;
                Ok(None)
            }
            Some(Lookup::Running) => Ok(None),
            Some(Lookup::Done(Ok(found))) => Ok(Some(Ok(found
                .iter()
                .map(|address| SocketAddr::new(*address, port))
                .collect()))),
            Some(Lookup::Done(Err(failure))) => Ok(Some(Err(failure.clone()))),
        }
    }

    fn start(&mut self, name: &str) -> io::Result<()> {
        let line = match self.line.take() {
            Some(line) => line,
            None => Line::new()?,
        };
        let (sender, rope, asked) = (line.sender.clone(), line.rope.try_clone()?, name.to_owned());
        self.line = Some(line);
        std::thread::Builder::new()
            .name("resolver".to_owned())
            .spawn(move || {
                let found = (asked.as_str(), 0)
                    .to_socket_addrs()
                    .map(|found| interleaved(found.map(|a| a.ip())));
                // The run may be over; then nobody listens.
                let _ = sender.send((asked, found));
                let _ = rustix::io::write(&rope, &[0]);
            })?;
        self.known.insert(name.to_owned(), Lookup::Running);
        Ok(())
    }

    pub(super) fn bell(&self) -> Option<&UnixStream> {
        self.line.as_ref().map(|line| &line.bell)
    }

    /// Takes in the answers that have come.
    pub(super) fn collect(&mut self) {
        let Some(line) = &self.line else { return };
        while let Ok((name, found)) = line.receiver.try_recv() {
            let _ = rustix::io::read(line.bell.as_fd(), &mut [0; 1]);
            let found = match found {
                Ok(found) if found.is_empty() => Err(unknown_host(&name)),
                Ok(found) => Ok(found),
                Err(error) => Err(lookup_failure(&name, &error)),
            };
            self.known.insert(name, Lookup::Done(found));
        }
    }
}

impl Line {
    fn new() -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let (bell, rope) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        Ok(Self {
            sender,
            receiver,
            bell,
            rope,
        })
    }
}

fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or_default();
    last.eq_ignore_ascii_case("localhost")
}

/// The families in turn, beginning with the resolver's first choice (RFC 8305 §4), each address
/// once.
fn interleaved(found: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut seen: Vec<IpAddr> = Vec::new();
    for address in found {
        if !seen.contains(&address) {
            seen.push(address);
        }
    }
    let first_is_v4 = seen.first().is_some_and(IpAddr::is_ipv4);
    let (one, other): (Vec<_>, Vec<_>) = seen
        .iter()
        .copied()
        .partition(|a| a.is_ipv4() == first_is_v4);
    let mut other = other.into_iter();
    let mut order = Vec::with_capacity(seen.len());
    for address in one {
        order.push(address);
        order.extend(other.next());
    }
    order.extend(other);
    order
}

fn unknown_host(name: &str) -> Failure {
    Failure::new(Kind::Host, format!("host name {name} is unknown"))
        .with_hint("check --server for a typing error, and this machine's DNS")
}

/// A resolver that cannot answer now is not a name that does not exist.
fn lookup_failure(name: &str, error: &io::Error) -> Failure {
    let text = error.to_string();
    let detail = text
        .strip_prefix("failed to lookup address information: ")
        .unwrap_or(&text);
    // std gives no code; EAI_AGAIN is told by glibc, musl and the BSDs in these words.
    if detail.to_lowercase().contains("temporary") || detail.to_lowercase().contains("try again") {
        Failure::new(
            Kind::Temporary,
            format!("host name {name} cannot be looked up now: {detail}"),
        )
        .with_hint(NOT_NOW)
    } else {
        unknown_host(name)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let found = ["::1", "::2", "10.0.0.1", "10.0.0.2", "::1"].map(|a| a.parse().unwrap());
        let order = interleaved(found.into_iter())
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>();
        assert_eq!(order, ["::1", "10.0.0.1", "::2", "10.0.0.2"]);
    }

    #[test]
    fn localhost_is_this_machine_whoever_else_might_be_asked() {
        for name in ["localhost", "LocalHost.", "mail.localhost"] {
            assert!(is_localhost(name), "{name}");
        }
        for name in ["localhost.example.com", "mylocalhost", "local", ""] {
            assert!(!is_localhost(name), "{name}");
        }
    }

    #[test]
    fn a_resolver_that_cannot_answer_now_says_nothing_about_the_name() {
        let kind = |text: &str| lookup_failure("m", &io::Error::other(text)).kind;
        let prefix = "failed to lookup address information: ";
        assert_eq!(
            kind(&format!("{prefix}Temporary failure in name resolution")),
            Kind::Temporary
        );
        assert_eq!(kind(&format!("{prefix}Try again")), Kind::Temporary);
        assert_eq!(
            kind(&format!("{prefix}Name or service not known")),
            Kind::Host
        );
    }
}
