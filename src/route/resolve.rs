//! Looking names up: each once, in a thread of its own, bounded by whoever waits.
//!
//! The system's resolver cannot be told how long it may take, so it is asked in a thread, and the
//! answer rings a bell that can be waited for with poll(2) like a socket. A lookup that never ends
//! is left behind when the run ends.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc;

use super::{Host, IpVersion, Source};
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
    /// The addresses of a host that connections from `source` can go to, with the port; `None` while
    /// they are being looked up.
    pub(crate) fn addresses(
        &mut self,
        host: &Host,
        port: u16,
        source: Source,
    ) -> io::Result<Option<Result<Vec<SocketAddr>, Failure>>> {
        let found = match host {
            Host::Address(address) => Ok(vec![*address]),
            // RFC 6761 §6.3: these are this machine, and nobody needs to be asked.
            Host::Name(name) if is_localhost(name) => Ok([IpVersion::V4, IpVersion::V6]
                .map(IpVersion::loopback)
                .to_vec()),
            Host::Name(name) => match self.known.get(name) {
                // RFC 6761 §6.4: these never exist, and asking would tell nothing.
                None if name.rsplit('.').next() == Some("invalid") => Err(unknown_host(name)),
                None => {
                    self.start(name)?;
                    return Ok(None);
                }
                Some(Lookup::Running) => return Ok(None),
                Some(Lookup::Done(found)) => found.clone(),
            },
        };
        let usable = found.and_then(|found| of_version(found, host, source.version()));
        Ok(Some(usable.map(|usable| {
            let with_port = |address| SocketAddr::new(address, port);
            usable.into_iter().map(with_port).collect()
        })))
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

/// Those of the only version that counts.
fn of_version(
    mut found: Vec<IpAddr>,
    host: &Host,
    version: Option<IpVersion>,
) -> Result<Vec<IpAddr>, Failure> {
    let Some(version) = version else {
        return Ok(found);
    };
    found.retain(|address| IpVersion::of(*address) == version);
    if found.is_empty() {
        let words = format!("{host} has no {} address", version.name());
        let hint = "-4, -6 and the address of --bind rule out the other addresses";
        return Err(Failure::new(Kind::Host, words).with_hint(hint));
    }
    Ok(found)
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
        .with_hint("check the name for a typing error, and this machine's DNS")
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
    fn addresses_of_the_other_version_are_left_out() {
        let mut names = Names::default();
        let mut ask = |host: &str, source| {
            let host = host.parse().unwrap();
            names.addresses(&host, 587, source).unwrap().unwrap()
        };
        let only = |version| Source::Version(version);
        let here = ask("localhost", Source::Any).unwrap();
        assert_eq!(
            here,
            ["127.0.0.1:587", "[::1]:587"].map(|a| a.parse().unwrap())
        );
        assert_eq!(ask("localhost", only(IpVersion::V6)).unwrap(), here[1..]);
        let from = Source::Address("192.0.2.1".parse().unwrap());
        assert_eq!(ask("localhost", from).unwrap(), here[..1]);
        let failure = ask("::1", only(IpVersion::V4)).unwrap_err();
        assert_eq!(failure.kind, Kind::Host);
        assert!(failure.message.contains("has no IPv4 address"), "{failure}");
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
