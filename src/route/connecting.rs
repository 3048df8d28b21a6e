//! One connection on its way: TCP, and then a proxy's tunnel where there is one. Never waits.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType};

use super::Outcome;
use super::tunnel::{Refusal, Tunnel};
use crate::clock::wait_for;
use crate::failure::{Failure, Kind};

/// Octets of a proxy's reply that are looked at at once.
const GLANCE: usize = 512;

/// A connection that was started.
pub(super) struct Connecting {
    socket: OwnedFd,
    pub(super) address: SocketAddr,
    is_connected: bool,
    tunnel: Option<Tunnel>,
}

/// Why it came to nothing.
pub(super) enum Trouble {
    /// The address could not be connected to: another one may.
    Connect(Refusal),
    /// The proxy was reached; its word holds for the rung.
    Proxy(Refusal),
}

impl Connecting {
    /// Starts to connect, from this address where one is given.
    pub(super) fn start(
        address: SocketAddr,
        source: Option<IpAddr>,
        tunnel: Option<Tunnel>,
    ) -> Result<Self, Trouble> {
        let socket = connect(address, source).map_err(Trouble::Connect)?;
        Ok(Self {
            socket,
            address,
            is_connected: false,
            tunnel,
        })
    }

    /// What to wait for.
    pub(super) fn poll_fd(&self) -> PollFd<'_> {
        let listens = |tunnel: &Tunnel| tunnel.output().is_empty();
        let events = match &self.tunnel {
            Some(tunnel) if self.is_connected && listens(tunnel) => PollFlags::IN,
            _ => PollFlags::OUT,
        };
        PollFd::new(&self.socket, events)
    }

    /// Whether TCP is connected, to the server or to the proxy.
    pub(super) fn is_connected(&self) -> bool {
        self.is_connected
    }

    /// Whether a proxy is on the line that may be waiting for the server.
    pub(super) fn has_asked(&self) -> bool {
        self.is_connected && self.tunnel.as_ref().is_some_and(Tunnel::has_asked)
    }

    /// Does what can be done at once; true when it is the server that is on the line.
    pub(super) fn advance(&mut self) -> Result<bool, Trouble> {
        if !self.is_connected {
            let done = is_done(&self.socket).map_err(|error| Trouble::Connect(refusal(&error)))?;
            self.is_connected = done;
        }
        match &mut self.tunnel {
            Some(tunnel) if self.is_connected => {
                negotiate(&self.socket, tunnel).map_err(Trouble::Proxy)
            }
            _ => Ok(self.is_connected),
        }
    }

    /// The stream, of one that is done.
    pub(super) fn into_stream(self) -> TcpStream {
        TcpStream::from(self.socket)
    }
}

fn connect(address: SocketAddr, source: Option<IpAddr>) -> Result<OwnedFd, Refusal> {
    let start = || -> Result<OwnedFd, Errno> {
        let family = if address.is_ipv4() {
            AddressFamily::INET
        } else {
            AddressFamily::INET6
        };
        let socket = rustix::net::socket(family, SocketType::STREAM, None)?;
        rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
        rustix::io::ioctl_fionbio(&socket, true)?;
        Ok(socket)
    };
    let socket = start().map_err(|error| refusal(&error.into()))?;
    if let Some(source) = source {
        rustix::net::bind(&socket, &SocketAddr::new(source, 0)).map_err(|error| {
            let words = format!("cannot connect from {source}: {}", words(&error.into()));
            let failure = Failure::new(Kind::Config, words);
            let hint = "--bind takes an address of this machine";
            (Outcome::Unreachable, failure.with_hint(hint))
        })?;
    }
    match rustix::net::connect(&socket, &address) {
        Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => Ok(socket),
        Err(error) => Err(refusal(&error.into())),
    }
}

/// Whether a started connect is done.
fn is_done(socket: &OwnedFd) -> io::Result<bool> {
    let mut fds = [PollFd::new(socket, PollFlags::OUT)];
    if !wait_for(&mut fds, Instant::now())? {
        return Ok(false);
    }
    match rustix::net::sockopt::socket_error(socket)? {
        // It was connected, and reset since then: that is for the session to find and to name.
        Ok(()) | Err(Errno::CONNRESET) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Speaks and listens as far as that goes at once; true when the tunnel is open. What stands behind
/// the proxy's reply is left in the socket.
fn negotiate(socket: &OwnedFd, tunnel: &mut Tunnel) -> Result<bool, Refusal> {
    let lost = |why: &str| {
        let failure = Failure::new(Kind::Temporary, format!("connection lost: {why}"));
        (Outcome::Unreachable, failure)
    };
    let broken = |error: Errno| match error {
        Errno::WOULDBLOCK | Errno::INTR => Ok(false),
        error => Err(lost(&words(&error.into()))),
    };
    while !tunnel.is_open() {
        if !tunnel.output().is_empty() {
            match rustix::net::send(socket, tunnel.output(), SendFlags::NOSIGNAL) {
                Ok(count) => tunnel.wrote(count),
                Err(error) => return broken(error),
            }
            continue;
        }
        let mut octets = [0; GLANCE];
        match rustix::net::recv(socket, &mut octets, RecvFlags::PEEK) {
            Ok((0, _)) => return Err(lost("closed by the proxy")),
            Ok((count, _)) => {
                let taken = tunnel.take(&octets[..count])?;
                let taken = &mut octets[..taken];
                rustix::net::recv(socket, taken, RecvFlags::empty())
                    .map_err(|error| lost(&words(&error.into())))?;
            }
            Err(error) => return broken(error),
        }
    }
    Ok(true)
}

/// What a failed connect means.
fn refusal(error: &io::Error) -> Refusal {
    let outcome = match error.kind() {
        io::ErrorKind::ConnectionRefused => Outcome::Refused,
        io::ErrorKind::TimedOut => Outcome::Timeout,
        _ => Outcome::Unreachable,
    };
    (outcome, Failure::new(Kind::Temporary, words(error)))
}

/// The system's word for what failed without its number.
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    text.to_lowercase()
}
