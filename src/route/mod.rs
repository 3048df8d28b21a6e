//! The way to a server: which ports in which order, and who answers first.
//!
//! `server` reads how a server is named, `discover` finds it from an address, `providers` knows the
//! large ones; `policy` holds ports and rungs as values, `outbound` and `proxy` how this machine is
//! left. `resolve` looks names up; `dial` connects to rungs, staggered, with one winner, each by a
//! `connecting`, which asks a proxy by a `tunnel` (`socks5`, or CONNECT). What became of each rung
//! is an [`Attempt`].

mod connecting;
pub(crate) mod dial;
pub mod discover;
mod outbound;
pub mod policy;
pub mod providers;
mod proxy;
pub(crate) mod resolve;
pub mod server;
mod socks5;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod tunnel;

use std::net::SocketAddr;
use std::time::Duration;

pub use outbound::{IpVersion, Outbound, Source};
pub use policy::{Rung, Security, SubmissionPort};
pub use proxy::Proxy;
pub use server::{Host, Server};

use crate::certificate::CertificateFacts;
use crate::failure::Failure;

/// What became of one rung.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Which one.
    pub rung: Rung,
    /// How far it got.
    pub outcome: Outcome,
    /// Whether TLS had been verified by then.
    pub secured: bool,
    /// The server's certificate, where it was left because that is not good.
    pub certificate: Option<Box<CertificateFacts>>,
    /// The address last tried, where the name had one; `None` through a proxy, which looks it up.
    pub address: Option<SocketAddr>,
    /// Why it was left; `None` when it was used.
    pub failure: Option<Failure>,
    /// From its start to its end, or to when it was ready for the message.
    pub took: Duration,
}

/// How far a rung got. Of the addresses of one rung the later here tells more than the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The name has no address, or no address of it can be reached from here.
    Unreachable,
    /// Nobody answered in time.
    Timeout,
    /// The connection was refused.
    Refused,
    /// Connected, but the server did not say that it is ready.
    NoGreeting,
    /// The connection ended before the session was ready.
    Lost,
    /// STARTTLS was not offered, or refused.
    NoStarttls,
    /// The handshake failed, or the certificate is not valid.
    TlsFailed,
    /// The session was opened here.
    Connected,
}

impl Outcome {
    /// The name used in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::NoGreeting => "no-greeting",
            Self::Lost => "lost",
            Self::NoStarttls => "no-starttls",
            Self::TlsFailed => "tls-failed",
            Self::Connected => "connected",
        }
    }
}

impl Attempt {
    /// How far it got, as a number; what came after TLS was verified is further than all before.
    /// Rungs that were never connected are equals: the first of them decides.
    pub(crate) fn depth(&self) -> u8 {
        let within = match self.outcome {
            Outcome::Unreachable | Outcome::Timeout | Outcome::Refused => 0,
            Outcome::NoGreeting => 1,
            Outcome::Lost => 2,
            Outcome::NoStarttls => 3,
            Outcome::TlsFailed => 4,
            Outcome::Connected => 5,
        };
        if self.secured { within + 5 } else { within }
    }
}
