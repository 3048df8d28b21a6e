//! How connections leave this machine: through a proxy or not, from which address, by which
//! version of IP. A pure value.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::proxy::Proxy;
use crate::failure::{Failure, Kind, Result};

/// How connections leave this machine; by default straight, from any address.
#[derive(Debug, Clone, Default)]
pub struct Outbound {
    /// All connections go through this proxy, those to this machine and to addresses included.
    pub proxy: Option<Proxy>,
    /// Where they come from; through a proxy this is for the connection to the proxy.
    pub source: Source,
}

/// Where connections come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Source {
    /// Any address of this machine, of either version of IP.
    #[default]
    Any,
    /// Any address of this version.
    Version(IpVersion),
    /// This address, and so its version.
    Address(IpAddr),
}

/// A version of the Internet Protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IpVersion {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Source {
    /// From the address (`--bind`) and by the version (`-4`, `-6`) that were asked for.
    ///
    /// # Errors
    /// `Usage` when the address is of the other version, or that of many machines.
    pub fn new(address: Option<IpAddr>, version: Option<IpVersion>) -> Result<Self> {
        // An IPv4 address may be written as one of IPv6 (RFC 4291 §2.5.5.2).
        match (address.map(|address| address.to_canonical()), version) {
            (None, None) => Ok(Self::Any),
            (None, Some(version)) => Ok(Self::Version(version)),
            (Some(address), _) if is_of_many(address) => {
                let words = format!("{address} is no address of one machine");
                Err(Failure::new(Kind::Usage, words))
            }
            (Some(address), Some(version)) if IpVersion::of(address) != version => {
                let words = format!("{address} is no {} address", version.name());
                Err(Failure::new(Kind::Usage, words))
            }
            (Some(address), _) => Ok(Self::Address(address)),
        }
    }

    /// The only version that counts, if there is one.
    pub(super) fn version(self) -> Option<IpVersion> {
        match self {
            Self::Any => None,
            Self::Version(version) => Some(version),
            Self::Address(address) => Some(IpVersion::of(address)),
        }
    }

    /// The address to bind to, if there is one.
    pub(super) fn address(self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(address),
            Self::Any | Self::Version(_) => None,
        }
    }
}

impl IpVersion {
    /// That of an address.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() {
            Self::V4
        } else {
            Self::V6
        }
    }

    /// `IPv4` or `IPv6`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }

    /// This machine's own address.
    pub(super) const fn loopback(self) -> IpAddr {
        match self {
            Self::V4 => IpAddr::V4(Ipv4Addr::LOCALHOST),
            Self::V6 => IpAddr::V6(Ipv6Addr::LOCALHOST),
        }
    }
}

/// Multicast, or IPv4's broadcast.
fn is_of_many(address: IpAddr) -> bool {
    address.is_multicast() || address == IpAddr::V4(Ipv4Addr::BROADCAST)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_the_other_version_is_refused() {
        let v4: IpAddr = "192.0.2.1".parse().unwrap();
        assert_eq!(
            Source::new(Some(v4), Some(IpVersion::V4)).unwrap(),
            Source::Address(v4)
        );
        let failure = Source::new(Some(v4), Some(IpVersion::V6)).unwrap_err();
        assert_eq!(failure.kind, Kind::Usage);
        assert_eq!(failure.message, "192.0.2.1 is no IPv6 address");
        assert_eq!(Source::Address(v4).version(), Some(IpVersion::V4));
        let mapped = "::ffff:192.0.2.1".parse().unwrap();
        assert_eq!(
            Source::new(Some(mapped), Some(IpVersion::V4)).unwrap(),
            Source::Address(v4)
        );
    }

    #[test]
    fn an_address_of_many_machines_is_refused() {
        for address in [
            "255.255.255.255",
            "224.0.0.1",
            "ff02::1",
            "::ffff:224.0.0.1",
        ] {
            let failure = Source::new(Some(address.parse().unwrap()), None).unwrap_err();
            assert_eq!(failure.kind, Kind::Usage, "{address}");
        }
    }
}
