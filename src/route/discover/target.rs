//! A server that DNS names for a domain: the domain's own, or one elsewhere.
//!
//! Owns the rule of trust. DNS can be forged, so it may choose only among names that the domain's
//! owner holds: a target at or below the domain is used at once, because TLS asks it for a
//! certificate of that name, which a forger has not. A target elsewhere (a provider's, or a forger's with a
//! good certificate of his own) is [`Foreign`], and no rung until somebody has confirmed it (RFC 6186
//! §6, RFC 8314 §5.1). Certificates are checked against the target's host name; SRV-IDs, which hardly any
//! authority issues, are not asked for. Refuses ports that are not for submission.

use std::fmt;
use std::net::Ipv4Addr;

use super::order::Service;
use super::question::Srv;
use crate::address::domain_to_ascii;
use crate::failure::{Failure, Kind, Result};
use crate::route::policy::{Rung, SubmissionPort};
use crate::route::providers::is_within;
use crate::route::server::Host;

/// A server that was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// One of the domain's own names, or built in.
    Own(Rung),
    /// One elsewhere.
    Foreign(Foreign),
}

/// A server outside the domain, named by DNS alone. Nothing can be connected to before
/// [`Foreign::confirmed`] makes it a rung.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign(Rung);

/// The word that makes rungs of foreign servers: somebody has looked at their names.
#[derive(Debug, Clone, Copy)]
pub struct ForeignServers(());

impl ForeignServers {
    /// Takes DNS at its word about servers outside the domain. Whoever can forge its answers then
    /// gets the credentials.
    pub const fn dangerous_allow() -> Self {
        Self(())
    }
}

impl Foreign {
    /// Its name, to be shown to whoever confirms it.
    pub const fn host(&self) -> &Host {
        &self.0.host
    }

    /// The rung, now that somebody stands for it.
    pub fn confirmed(&self, _: ForeignServers) -> Rung {
        self.0.clone()
    }
}

/// As `--server` takes it.
impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.as_server())
    }
}

impl Target {
    /// The server of a record that `domain` publishes.
    ///
    /// # Errors
    /// `Config`, or `Usage` for port 0, when it is none where mail can be submitted.
    pub(super) fn published(domain: &str, service: Service, srv: &Srv) -> Result<Self> {
        let Srv { port, target, .. } = srv;
        let place = format!("{}.{domain} names {target}:{port}", service.labels());
        let port = SubmissionPort::new(*port).map_err(|failure| failure.at(&place))?;
        let host = host_name(target)
            .ok_or_else(|| Failure::new(Kind::Config, "not a host name").at(&place))?;
        // Below a name of one label (`com`, a machine in the house) anybody may have a name.
        let own = host == domain || domain.contains('.') && is_within(&host, domain);
        let rung = Rung {
            host: Host::Name(host),
            port,
            security: service.security(),
        };
        Ok(if own {
            Self::Own(rung)
        } else {
            Self::foreign(rung)
        })
    }

    pub(super) const fn foreign(rung: Rung) -> Self {
        Self::Foreign(Foreign(rung))
    }

    pub(super) const fn host(&self) -> &Host {
        match self {
            Self::Own(rung) | Self::Foreign(Foreign(rung)) => &rung.host,
        }
    }
}

/// A name from DNS as a host name; that of an address (`192.0.2.1`) is none.
pub(super) fn host_name(text: &str) -> Option<String> {
    let name = domain_to_ascii(text).ok().filter(|_| text.is_ascii())?;
    name.parse::<Ipv4Addr>().is_err().then_some(name)
}
