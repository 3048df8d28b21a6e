//! Asking DNS for what the system's resolver cannot be asked for: SRV and MX records.
//!
//! Owns whom to ask, how often and for how long, and the way along aliases. Refuses to take a
//! server that cannot answer for a name that does not exist. Names are absolute, so the search
//! list of resolv.conf(5) has no say. Nothing is read or loaded before the first question.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::str::FromStr;
use std::time::{Duration, Instant};

use super::exchange;
use super::question::{Asked, Data, Mx, Reply, Srv, Verdict};
use crate::clock::{self, Over, Patience};
use crate::failure::{Failure, Kind, Result};
use crate::route::resolve::NOT_NOW;

const RESOLV_CONF: &str = "/etc/resolv.conf";
const PORT: u16 = 53;
/// Servers taken from the file (MAXNS in resolv.conf(5)).
const SERVERS_MAX: usize = 3;
/// Octets of a name (RFC 1035 §2.3.4), as text without a final dot.
const NAME_MAX: usize = 253;
/// Aliases followed from one name; published chains have one or two.
const ALIASES_MAX: usize = 8;

/// The DNS servers to ask, and the patience to have with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dns {
    servers: Vec<SocketAddr>,
    /// For one answer of one server.
    wait: Duration,
    /// How often all servers are gone through.
    attempts: u8,
}

/// What DNS has of a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer<T> {
    /// At least one record.
    Records(Vec<T>),
    /// The name is there, without such a record.
    NoRecord,
    /// There is no such name.
    NoName,
}

impl Dns {
    /// These servers, asked in this order; each is given 5 seconds for an answer, and all are gone
    /// through twice (the defaults of resolv.conf(5)).
    pub fn new(servers: Vec<SocketAddr>) -> Self {
        Self {
            servers,
            wait: Duration::from_secs(5),
            attempts: 2,
        }
    }

    /// The same with this wait for each answer of each server.
    pub const fn with_wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Those that `/etc/resolv.conf` names, with its `timeout` and `attempts`. As resolv.conf(5)
    /// has it, a server on this machine when the file names none or cannot be read.
    pub fn of_this_system() -> Self {
        Self::of_file(Path::new(RESOLV_CONF))
    }

    fn of_file(path: &Path) -> Self {
        Self::of_resolv_conf(&std::fs::read_to_string(path).unwrap_or_default())
    }

    fn of_resolv_conf(text: &str) -> Self {
        let mut dns = Self::new(Vec::new());
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("nameserver") => dns.servers.extend(words.next().and_then(server)),
                Some("options") => words.for_each(|word| dns.set(word)),
                _ => {}
            }
        }
        dns.servers.truncate(SERVERS_MAX);
        if dns.servers.is_empty() {
            dns.servers.push((Ipv4Addr::LOCALHOST, PORT).into());
        }
        dns
    }

    /// An option of resolv.conf(5), capped as it is there.
    fn set(&mut self, option: &str) {
        match option.split_once(':') {
            Some(("timeout", seconds)) => {
                if let Ok(seconds) = seconds.parse::<u64>() {
                    self.wait = Duration::from_secs(seconds.clamp(1, 30));
                }
            }
            Some(("attempts", attempts)) => {
                if let Ok(attempts) = attempts.parse::<u8>() {
                    self.attempts = attempts.clamp(1, 5);
                }
            }
            _ => {}
        }
    }

    pub(super) fn srv(&self, name: &str, deadline: Instant) -> Result<Answer<Srv>> {
        self.lookup(name, Asked::Srv, deadline, |data| match data {
            Data::Srv(srv) => Some(srv.clone()),
            _ => None,
        })
    }

    pub(super) fn mx(&self, name: &str, deadline: Instant) -> Result<Answer<Mx>> {
        self.lookup(name, Asked::Mx, deadline, |data| match data {
            Data::Mx(mx) => Some(mx.clone()),
            _ => None,
        })
    }

    /// The records of `name`, found by way of its aliases.
    fn lookup<T>(
        &self,
        name: &str,
        asked: Asked,
        deadline: Instant,
        wanted: impl Fn(&Data) -> Option<T>,
    ) -> Result<Answer<T>> {
        // A longer one cannot exist, and no question could hold it.
        if name.len() > NAME_MAX {
            return Ok(Answer::NoName);
        }
        let mut current = name.to_ascii_lowercase();
        let mut aliases = 0;
        loop {
            let reply = self.ask(&current, asked, deadline)?;
            let mut followed = false;
            while let Some(alias) = reply.alias_of(&current) {
                aliases += 1;
                if aliases > ALIASES_MAX {
                    let text = format!("{name}: more than {ALIASES_MAX} aliases in DNS");
                    return Err(Failure::new(Kind::Config, text));
                }
                current = alias.to_owned();
                followed = true;
            }
            let records: Vec<T> = reply
                .records
                .iter()
                .filter(|record| record.owner == current)
                .filter_map(|record| wanted(&record.data))
                .collect();
            return Ok(match reply.verdict {
                _ if !records.is_empty() => Answer::Records(records),
                Verdict::NoName => Answer::NoName,
                // A server may leave the rest of the way to who asks (RFC 1034 §3.6.2).
                _ if followed => continue,
                _ => Answer::NoRecord,
            });
        }
    }

    /// The first reply that tells whether there is such a name.
    fn ask(&self, name: &str, asked: Asked, deadline: Instant) -> Result<Reply> {
        let patience = Patience {
            wait: self.wait,
            deadline: Some(deadline),
        };
        let mut trouble = "there is no DNS server to ask".to_owned();
        let turns = (0..self.attempts).flat_map(|_| &self.servers);
        for server in turns {
            match exchange::ask(*server, name, asked, patience) {
                Ok(reply) => match &reply.verdict {
                    Verdict::Exists | Verdict::NoName => return Ok(reply),
                    Verdict::NotUnderstood => {
                        trouble = format!("{server} does not understand the question");
                    }
                    Verdict::Failed(how) => trouble = format!("{server} {how}"),
                },
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    trouble = format!("{server} gives no answer");
                }
                Err(error) => trouble = format!("{server}: {error}"),
            }
            match clock::over(Some(deadline)) {
                None => {}
                Some(Over::Deadline) => break,
                Some(stopped) => {
                    trouble = stopped.to_string();
                    break;
                }
            }
        }
        let text = format!("{name} cannot be looked up in DNS now: {trouble}");
        Err(Failure::new(Kind::Temporary, text).with_hint(NOT_NOW))
    }
}

impl Reply {
    fn alias_of(&self, name: &str) -> Option<&str> {
        self.records.iter().find_map(|record| match &record.data {
            Data::Alias(alias) if record.owner == name => Some(alias.as_str()),
            _ => None,
        })
    }
}

/// `ADDRESS[:PORT]`, several separated by commas; without a port it is 53.
impl FromStr for Dns {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self> {
        text.split(',')
            .map(|item| {
                let item = item.trim();
                item.parse().ok().or_else(|| server(item)).ok_or_else(|| {
                    Failure::new(
                        Kind::Usage,
                        format!("DNS server \"{item}\": not an IP address"),
                    )
                    .with_hint(
                        "write ADDRESS or ADDRESS:PORT, as in 192.0.2.53 or [2001:db8::53]:5353",
                    )
                })
            })
            .collect::<Result<_>>()
            .map(Self::new)
    }
}

/// An address without a port. One with a zone (`fe80::1%eth0`) is left to the system, which knows
/// its interfaces and asks nobody.
fn server(text: &str) -> Option<SocketAddr> {
    match text.parse::<IpAddr>() {
        Ok(address) => Some((address, PORT).into()),
        Err(_) if text.contains(':') && text.contains('%') => {
            (text, PORT).to_socket_addrs().ok()?.next()
        }
        Err(_) => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn servers(dns: &Dns) -> Vec<String> {
        dns.servers.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn resolv_conf_names_servers_and_patience() {
        let dns = Dns::of_resolv_conf(
            "# made by hand\nsearch example.com\nnameserver 192.0.2.1 # first\n\tnameserver\t2001:db8::1\n\
             nameserver nonsense\noptions rotate timeout:2 attempts:9 edns0\n;nameserver 192.0.2.9\n\
             nameserver 192.0.2.3\nnameserver 192.0.2.4\n",
        );
        assert_eq!(
            servers(&dns),
            ["192.0.2.1:53", "[2001:db8::1]:53", "192.0.2.3:53"]
        );
        assert_eq!(dns.wait, Duration::from_secs(2));
        assert_eq!(dns.attempts, 5);
    }

    #[test]
    fn without_servers_it_is_the_one_on_this_machine() {
        for dns in [
            Dns::of_resolv_conf("options attempts:x timeout:0\n"),
            Dns::of_file(Path::new("/nonexistent/resolv.conf")),
        ] {
            assert_eq!(servers(&dns), ["127.0.0.1:53"]);
            assert_eq!(dns.attempts, 2);
        }
    }

    #[test]
    fn a_link_local_server_keeps_its_interface() {
        let Some(SocketAddr::V6(address)) = server("fe80::1%lo") else {
            return;
        };
        assert_ne!(address.scope_id(), 0);
    }

    #[test]
    fn a_list_of_servers_may_name_ports() {
        let dns: Dns = "192.0.2.1, 192.0.2.2:5353,[::1]:54,::1".parse().unwrap();
        assert_eq!(
            servers(&dns),
            ["192.0.2.1:53", "192.0.2.2:5353", "[::1]:54", "[::1]:53"]
        );
        for text in ["", "ns.example.com", "192.0.2.1:", "192.0.2.1,,192.0.2.2"] {
            assert_eq!(text.parse::<Dns>().unwrap_err().kind, Kind::Usage, "{text}");
        }
    }
}
