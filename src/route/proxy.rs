//! Proxies as people name them: `socks5://[user[:password]@]host[:port]` (RFC 1928) and
//! `http://[user[:password]@]host[:port]` (CONNECT, RFC 9110 §9.3.6).
//!
//! The server's name is always resolved by the proxy, so `socks5h://` means the same as `socks5://`.
//! Refuses other schemes; never repeats the password.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::policy::Rung;
use super::server::{Host, percent_decoded, split_port};
use super::socks5::Socks5;
use super::tunnel::{HttpConnect, Tunnel};
use crate::failure::{Failure, Kind, Result};
use crate::secret::Secret;

/// The port of a proxy that names none, whatever it speaks: what curl assumes.
const DEFAULT_PORT: u16 = 1080;

/// A proxy through which all connections go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    protocol: Protocol,
    host: Host,
    port: u16,
    login: Option<Login>,
}

/// What a proxy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Socks5,
    Http,
}

/// With whom a proxy deals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: Secret,
    /// The password as it was written in the URL.
    spelled: Secret,
}

impl Proxy {
    /// Whether a password was named.
    pub fn has_password(&self) -> bool {
        let login = self.login.as_ref();
        login.is_some_and(|login| !login.password.expose().is_empty())
    }

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// What went wrong at this proxy.
    pub(super) fn at(&self, failure: Failure) -> Failure {
        failure.at(format_args!("proxy {self}"))
    }

    /// Negotiates a way to `rung`, over a connection to this proxy.
    pub(super) fn tunnel(&self, rung: &Rung) -> Tunnel {
        let login = self.login.as_ref();
        match self.protocol {
            Protocol::Socks5 => Socks5::tunnel(rung, login),
            Protocol::Http => HttpConnect::tunnel(rung, login),
        }
    }
}

impl FromStr for Proxy {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self> {
        // What stands before an @ may be a password, and all of it where there is none.
        let shown = match text.rsplit_once('@') {
            Some((_, place)) => format!("proxy \"…@{place}\""),
            None => "proxy".to_owned(),
        };
        let bad = |why: &str| {
            Failure::new(Kind::Usage, format!("{shown}: {why}")).with_hint(
                "socks5://[user:password@]host[:port] or http://[user:password@]host[:port]",
            )
        };
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| bad("without socks5:// or http://"))?;
        let protocol = match scheme.to_ascii_lowercase().as_str() {
            "socks5" | "socks5h" => Protocol::Socks5,
            "http" => Protocol::Http,
            _ => return Err(bad("the scheme is neither socks5:// nor http://")),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, rest),
        };
        let login = login.map(|login| {
            Login::parse(login).ok_or_else(|| bad("the user or the password is not well-formed"))
        });
        let (host, port) = split_port(place);
        let port = match port {
            None => DEFAULT_PORT,
            Some(port) => port
                .parse()
                .ok()
                .filter(|&number| number > 0 && port.bytes().all(|b| b.is_ascii_digit()))
                .ok_or_else(|| bad("not a port (1 to 65535)"))?,
        };
        Ok(Self {
            protocol,
            host: host
                .parse()
                .map_err(|_| bad("not a host name or address"))?,
            port,
            login: login.transpose()?,
        })
    }
}

impl Login {
    /// `user[:password]`, percent-encoded; each of at most 255 octets (RFC 1929 §2).
    fn parse(text: &str) -> Option<Self> {
        let (user, spelled) = text.split_once(':').unwrap_or((text, ""));
        let user = percent_decoded(user)?;
        let password = match spelled {
            "" => Secret::new(Vec::new()),
            some => Secret::new(percent_decoded(some)?.into_bytes()),
        };
        // In HTTP a colon ends the user (RFC 7617 §2).
        let fits = user.len() <= 255 && password.expose().len() <= 255 && !user.contains(':');
        let spelled = Secret::new(spelled.into());
        fits.then_some(Self {
            user,
            password,
            spelled,
        })
    }

    /// The credentials of Basic (RFC 7617 §2).
    pub(super) fn basic(&self) -> Secret {
        let mut pair = Zeroizing::new(Vec::with_capacity(512));
        pair.extend_from_slice(self.user.as_bytes());
        pair.push(b':');
        pair.extend_from_slice(self.password.expose());
        Secret::new(STANDARD.encode(&*pair).into_bytes())
    }

    /// `text` without the password, in whichever way a proxy may quote it.
    pub(super) fn masked_in(&self, text: String) -> String {
        let text = self.basic().masked_in(text);
        self.password.masked_in(self.spelled.masked_in(text))
    }
}

/// Without user and password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.protocol {
            Protocol::Socks5 => "socks5",
            Protocol::Http => "http",
        };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn proxy(text: &str) -> Proxy {
        text.parse().unwrap()
    }

    #[test]
    fn a_proxy_is_named_by_a_url() {
        for (text, shown) in [
            ("socks5://p", "socks5://p:1080"),
            ("SOCKS5H://p.example/", "socks5://p.example:1080"),
            ("http://p:25", "http://p:25"),
            ("http://[::1]", "http://[::1]:1080"),
            ("socks5://u:x@127.0.0.1:9050", "socks5://127.0.0.1:9050"),
        ] {
            assert_eq!(proxy(text).to_string(), shown, "{text}");
        }
    }

    #[test]
    fn user_and_password_are_decoded() {
        let login = proxy("http://a%40b:p%3Aw%2F@p").login.unwrap();
        assert_eq!(
            (login.user.as_str(), login.password.expose()),
            ("a@b", &b"p:w/"[..])
        );
        assert!(proxy("socks5://u:x@p").has_password());
        assert!(!proxy("socks5://u@p").has_password() && !proxy("socks5://p").has_password());
    }

    #[test]
    fn what_is_no_proxy_is_refused_and_its_password_not_repeated() {
        let long = "u".repeat(256);
        for text in [
            "",
            "hunter2@p",
            "p:1080",
            "socks4://p",
            "https://u:hunter2@p",
            "socks5://",
            "socks5://u:hunter2@",
            "socks5://u:hunter2@p:0",
            "socks5://u:hunter2@p:+1",
            "socks5://u:hunter2@p:65536",
            "http://u:hunter2%0d%0a@p",
            "http://:hunter2@p",
            "http://a%3ab:hunter2@p",
            "socks5://u:hunter2@p/path",
            "http://u:hunter2%40p:3128",
            "http://u:hunter2",
            "http://u:hunter2#x",
            "u:hunter2",
            "hunter2://p",
            &format!("socks5://{long}@p"),
        ] {
            let failure = text.parse::<Proxy>().unwrap_err();
            assert_eq!(failure.kind, Kind::Usage, "{text}");
            assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
        }
    }

    #[test]
    fn debug_does_not_show_the_password() {
        let shown = format!("{:?}", proxy("http://u:hunter2@p"));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
