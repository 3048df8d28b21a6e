//! Servers as people name them: `HOST[:PORT]`, `smtp://[user@]host[:port]`, `smtps://…`, several with
//! commas; and the rungs each of them stands for.
//!
//! Refuses a password in a URL, without repeating it.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use super::policy::{PortChoice, PortList, Rung, Security, SubmissionPort};
use crate::address::domain_to_ascii;
use crate::failure::{Failure, Kind, Result};

/// A server's name or address, as it is looked up and as a certificate must name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A name in ASCII (A-labels), without a final dot.
    Name(String),
    /// An address.
    Address(IpAddr),
}

impl FromStr for Host {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self> {
        let inner = text
            .strip_prefix('[')
            .and_then(|t| t.strip_suffix(']'))
            .unwrap_or(text);
        if let Ok(address) = inner.parse() {
            return Ok(Self::Address(address));
        }
        let bad = || Failure::new(Kind::Usage, format!("\"{text}\" is no host name"));
        let name = domain_to_ascii(text.strip_suffix('.').unwrap_or(text)).map_err(|_| bad())?;
        if name.starts_with('-') || name.len() > 253 {
            Err(bad())
        } else {
            Ok(Self::Name(name))
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

/// A server as named by `--server`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its name or address.
    pub host: Host,
    /// The port, where one was named: then there is one rung.
    pub port: Option<SubmissionPort>,
    /// `smtps://` asks for implicit TLS.
    pub implicit: bool,
    /// The user in `smtp://user@host`, percent-decoded.
    pub user: Option<String>,
}

impl Server {
    /// Reads what `--server` says: servers separated by commas.
    ///
    /// # Errors
    /// `Usage` naming the server that is not well-formed; `Config` for port 25.
    pub fn list(text: &str) -> Result<Vec<Self>> {
        // First of all, and of the whole: a password may hold a comma.
        if holds_password(text) {
            return Err(password_refused());
        }
        text.split(',').map(|item| item.trim().parse()).collect()
    }

    /// The rungs of this server, in order.
    ///
    /// A port named with the server stands alone. Otherwise each entry of `ports` (default
    /// `587/starttls,2525/starttls,465/implicit`) whose security agrees with `tls` is a rung;
    /// an entry without a security takes `tls`, else what is usual for its port. Without
    /// `ports`, `tls` = none means 587 and 2525 in clear.
    ///
    /// # Errors
    /// `Usage` when `tls` contradicts `smtps://`, or no entry of `ports` is left.
    pub fn rungs(&self, ports: Option<&PortList>, tls: Option<Security>) -> Result<Vec<Rung>> {
        let tls = match (self.implicit, tls) {
            (true, Some(security)) if security != Security::Implicit => {
                return Err(Failure::new(
                    Kind::Usage,
                    format!(
                        "smtps:// asks for implicit TLS and --tls for {}",
                        security.name()
                    ),
                ));
            }
            (true, _) => Some(Security::Implicit),
            (false, tls) => tls,
        };
        let rung = |port: SubmissionPort, security| Rung {
            host: self.host.clone(),
            port,
            security,
        };
        if let Some(port) = self.port {
            return Ok(vec![rung(
                port,
                tls.unwrap_or_else(|| port.usual_security()),
            )]);
        }
        let choices = match (ports, tls) {
            (Some(ports), _) => ports.0.clone(),
            (None, Some(Security::None)) => {
                choices(&[SubmissionPort::SUBMISSION, SubmissionPort::ALTERNATE])
            }
            (None, Some(Security::Implicit)) => choices(&[SubmissionPort::SUBMISSIONS]),
            (None, Some(Security::StartTls)) => {
                choices(&[SubmissionPort::SUBMISSION, SubmissionPort::ALTERNATE])
            }
            (None, None) => choices(&[
                SubmissionPort::SUBMISSION,
                SubmissionPort::ALTERNATE,
                SubmissionPort::SUBMISSIONS,
            ]),
        };
        let rungs: Vec<_> = choices
            .iter()
            .map(|choice| {
                (
                    choice.port,
                    choice
                        .security
                        .or(tls)
                        .unwrap_or_else(|| choice.port.usual_security()),
                )
            })
            .filter(|(_, security)| tls.is_none_or(|wanted| wanted == *security))
            .map(|(port, security)| rung(port, security))
            .collect();
        if rungs.is_empty() {
            let wanted = tls.map_or("", Security::name);
            return Err(Failure::new(
                Kind::Usage,
                format!("--ports names no port for --tls {wanted}"),
            ));
        }
        Ok(rungs)
    }
}

fn choices(ports: &[SubmissionPort]) -> Vec<PortChoice> {
    ports
        .iter()
        .map(|&port| PortChoice {
            port,
            security: None,
        })
        .collect()
}

impl FromStr for Server {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self> {
        // What stands before an @ may be a password that was put in the wrong form.
        let shown = text
            .rsplit_once('@')
            .map_or_else(|| text.to_owned(), |(_, place)| format!("…@{place}"));
        let bad = |why: &str| Failure::new(Kind::Usage, format!("server \"{shown}\": {why}"));
        let (implicit, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("smtp") => (false, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("smtps") => (true, rest),
            Some(_) => return Err(bad("the scheme is neither smtp:// nor smtps://")),
            None => (false, text),
        };
        let is_url = rest.len() != text.len();
        let rest = if is_url {
            rest.strip_suffix('/').unwrap_or(rest)
        } else {
            rest
        };
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, _)) if is_url && user.contains(':') => {
                return Err(password_refused());
            }
            Some((user, place)) if is_url => (
                Some(percent_decoded(user).ok_or_else(|| bad("the user is not well-formed"))?),
                place,
            ),
            Some(_) => return Err(bad("a user needs the form smtp://user@host")),
            None => (None, rest),
        };
        let (host, port) = split_port(place);
        let host = host
            .parse::<Host>()
            .map_err(|_| bad("not a host name or address"))?;
        let port = port.map(str::parse).transpose()?;
        Ok(Self {
            host,
            port,
            implicit,
            user,
        })
    }
}

/// `host:port`, `[v6]:port`, or either without a port; a bare IPv6 address has none.
pub(super) fn split_port(place: &str) -> (&str, Option<&str>) {
    if place.parse::<Ipv6Addr>().is_ok() {
        return (place, None);
    }
    match place.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (place, None),
    }
}

/// The text that a part of a URL stands for; `None` when that is empty, not UTF-8, or has control
/// characters.
pub(super) fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8(bytes)
        .ok()
        .filter(|user| !user.is_empty() && !user.chars().any(char::is_control))
}

/// Whether some user has a colon in it, as in `smtp://user:password@host`.
fn holds_password(text: &str) -> bool {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('@') {
        let user = before.rsplit_once("://").map_or(before, |(_, user)| user);
        if user.contains(':') {
            return true;
        }
        rest = after;
    }
    false
}

/// The error does not repeat what it is about.
fn password_refused() -> Failure {
    let words = "a password does not belong in the server's name, where others can see it";
    Failure::new(Kind::Usage, words).with_hint("use --password-file or SMTPSEND_PASSWORD")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn plan(server: &str, ports: Option<&str>, tls: Option<&str>) -> Vec<String> {
        let ports = ports.map(|p| p.parse().unwrap());
        let tls = tls.map(|t| t.parse().unwrap());
        Server::list(server)
            .unwrap()
            .iter()
            .flat_map(|s| s.rungs(ports.as_ref(), tls).unwrap())
            .map(|rung| format!("{rung}/{}", rung.security.name()))
            .collect()
    }

    #[test]
    fn the_default_policy_has_three_rungs_and_never_port_25() {
        assert_eq!(
            plan("m", None, None),
            ["m:587/starttls", "m:2525/starttls", "m:465/implicit"]
        );
    }

    #[test]
    fn a_named_port_stands_alone() {
        assert_eq!(plan("m:465", None, None), ["m:465/implicit"]);
        assert_eq!(plan("m:1025", None, None), ["m:1025/starttls"]);
        assert_eq!(plan("m:1025", Some("587"), Some("none")), ["m:1025/none"]);
        assert_eq!(plan("smtps://m:587", None, None), ["m:587/implicit"]);
        assert_eq!(plan("[::1]:465", None, None), ["[::1]:465/implicit"]);
    }

    #[test]
    fn tls_chooses_among_the_rungs() {
        assert_eq!(
            plan("m", None, Some("starttls")),
            ["m:587/starttls", "m:2525/starttls"]
        );
        assert_eq!(plan("m", None, Some("implicit")), ["m:465/implicit"]);
        assert_eq!(plan("smtps://m", None, None), ["m:465/implicit"]);
        assert_eq!(plan("m", None, Some("none")), ["m:587/none", "m:2525/none"]);
        assert_eq!(
            plan("m", Some("587,465/implicit"), Some("implicit")),
            ["m:587/implicit", "m:465/implicit"]
        );
    }

    #[test]
    fn several_servers_follow_each_other() {
        assert_eq!(
            plan("a:587, b:465", None, None),
            ["a:587/starttls", "b:465/implicit"]
        );
        assert_eq!(
            plan("::1,bücher.example:587", None, Some("implicit")),
            ["[::1]:465/implicit", "xn--bcher-kva.example:587/implicit"]
        );
    }

    #[test]
    fn port_25_is_refused_everywhere() {
        for text in ["m:25", "smtp://m:25", "smtps://m:25/", "[::1]:25", "m:025"] {
            assert_eq!(Server::list(text).unwrap_err().kind, Kind::Config, "{text}");
        }
        assert_eq!("587,25".parse::<PortList>().unwrap_err().kind, Kind::Config);
        assert_eq!(
            "25/starttls".parse::<PortList>().unwrap_err().kind,
            Kind::Config
        );
    }

    #[test]
    fn contradictions_are_refused() {
        let smtps: Server = "smtps://m".parse().unwrap();
        assert!(smtps.rungs(None, Some(Security::StartTls)).is_err());
        let server: Server = "m".parse().unwrap();
        assert!(
            server
                .rungs(Some(&"465/implicit".parse().unwrap()), Some(Security::None))
                .is_err()
        );
    }

    #[test]
    fn what_is_no_server_is_refused() {
        for text in [
            "",
            "m:",
            "m:0",
            "m:65536",
            "m:+587",
            "http://m",
            "u@m",
            "smtp://",
            "a b",
            "m:587:587",
            "a,,b",
            "m\r\nx",
            "-oProxy",
        ] {
            assert_eq!(
                Server::list(text).unwrap_err().kind,
                Kind::Usage,
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_password_in_a_url_is_refused_and_not_repeated() {
        for text in [
            "smtp://bob:hunter2@m",
            "bob:hunter2@m",
            "smtp://bob:hunter2,hunter2@m",
            "smtp://bob:x://hunter2@m",
            "smtp://a@m:587,smtp://bob:hunter2@m",
            "hunter2@m",
        ] {
            let failure = Server::list(text).unwrap_err();
            assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
        }
        assert_eq!(Server::list("smtp://a@m:587,smtp://b@n").unwrap().len(), 2);
        assert!(
            !format!("{:?}", Server::list("ftp://bob:hunter2@m").unwrap_err()).contains("hunter2")
        );
    }

    #[test]
    fn a_user_in_a_url_is_decoded() {
        let server: Server = "smtp://bob%40example.com@m".parse().unwrap();
        assert_eq!(server.user.as_deref(), Some("bob@example.com"));
        assert!("smtp://%00@m".parse::<Server>().is_err());
    }
}
