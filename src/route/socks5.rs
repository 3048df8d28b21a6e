//! SOCKS 5: asking for a way to a server (RFC 1928), as nobody or as a user with a password
//! (RFC 1929). Names are left to the proxy to resolve.

use std::net::IpAddr;

use zeroize::Zeroizing;

use super::Outcome;
use super::policy::Rung;
use super::proxy::Login;
use super::server::Host;
use super::tunnel::{Negotiation, Next, Refusal, Tunnel, nonsense};
use crate::failure::{Failure, Kind};

const VERSION: u8 = 5;
/// Ways to authenticate.
const NOBODY: u8 = 0;
const USER: u8 = 2;
/// Kinds of address.
const V4: u8 = 1;
const NAME: u8 = 3;
const V6: u8 = 4;

/// What the proxy is to answer next, and what is to be said after that.
pub(super) struct Socks5 {
    step: Step,
    login: Option<Zeroizing<Vec<u8>>>,
    request: Vec<u8>,
}

enum Step {
    /// The way to authenticate it has chosen.
    Method,
    /// Whether it takes user and password.
    Login,
    /// Whether the server was reached.
    Reply,
}

impl Socks5 {
    pub(super) fn tunnel(rung: &Rung, login: Option<&Login>) -> Tunnel {
        let greeting = match login {
            Some(_) => vec![VERSION, 2, NOBODY, USER],
            None => vec![VERSION, 1, NOBODY],
        };
        let negotiation = Self {
            step: Step::Method,
            login: login.map(sub_negotiation),
            request: request(rung),
        };
        Tunnel::new(Zeroizing::new(greeting), negotiation)
    }

    fn ask(&mut self) -> Next {
        self.step = Step::Reply;
        Next::Say(Zeroizing::new(std::mem::take(&mut self.request)))
    }

    fn method(&mut self, method: u8) -> Result<Next, Refusal> {
        match (method, self.login.take()) {
            (NOBODY, _) => Ok(self.ask()),
            (USER, Some(login)) => {
                self.step = Step::Login;
                Ok(Next::Say(login))
            }
            (0xff, Some(_)) => Err(unauthenticated(
                "takes no user with a password",
                "check whether it wants one at all (--proxy)",
            )),
            (0xff, None) => Err(unauthenticated(
                "demands a user and a password",
                "name them: --proxy socks5://user:password@host:port, or SMTPSEND_PROXY",
            )),
            _ => Err(nonsense("chose a way to authenticate that was not offered")),
        }
    }
}

impl Negotiation for Socks5 {
    fn has_asked(&self) -> bool {
        matches!(self.step, Step::Reply)
    }

    fn hear(&mut self, said: &[u8]) -> Result<Next, Refusal> {
        match (&self.step, said) {
            (Step::Method | Step::Reply, [version, ..]) if *version != VERSION => {
                Err(nonsense("the answer is not SOCKS 5"))
            }
            (Step::Method, [_, method]) => self.method(*method),
            // Its first octet has been seen with either version in it; the second counts.
            (Step::Login, [_, 0]) => Ok(self.ask()),
            (Step::Login, [_, _]) => Err(unauthenticated(
                "refuses the user or the password",
                "check both (--proxy)",
            )),
            (Step::Reply, [_, code]) if *code != 0 => Err(refusal(*code)),
            // Behind its kind stands the address the proxy uses, and a port, both of no interest.
            (Step::Reply, [_, _, _, kind, length, ..]) => {
                let address = match *kind {
                    V4 => 4,
                    V6 => 16,
                    NAME => 1 + usize::from(*length),
                    _ => return Err(nonsense("answers with an address of an unknown kind")),
                };
                if said.len() == 4 + address + 2 {
                    Ok(Next::Open)
                } else {
                    Ok(Next::Listen)
                }
            }
            _ => Ok(Next::Listen),
        }
    }
}

/// User and password, each with its length (RFC 1929 §2); `Login` bounds them.
fn sub_negotiation(login: &Login) -> Zeroizing<Vec<u8>> {
    let mut octets = Zeroizing::new(Vec::with_capacity(3 + 2 * 255));
    octets.push(1);
    for part in [login.user.as_bytes(), login.password.expose()] {
        octets.push(u8::try_from(part.len()).unwrap_or(u8::MAX));
        octets.extend_from_slice(part);
    }
    octets
}

/// CONNECT (RFC 1928 §4); a host's name has at most 253 octets.
fn request(rung: &Rung) -> Vec<u8> {
    let mut octets = vec![VERSION, 1, 0];
    match &rung.host {
        Host::Address(IpAddr::V4(address)) => {
            octets.push(V4);
            octets.extend_from_slice(&address.octets());
        }
        Host::Address(IpAddr::V6(address)) => {
            octets.push(V6);
            octets.extend_from_slice(&address.octets());
        }
        Host::Name(name) => {
            octets.push(NAME);
            octets.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
            octets.extend_from_slice(name.as_bytes());
        }
    }
    octets.extend_from_slice(&rung.port.number().to_be_bytes());
    octets
}

fn unauthenticated(words: &str, hint: &str) -> Refusal {
    let failure = Failure::new(Kind::Auth, words).with_hint(hint);
    (Outcome::Unreachable, failure)
}

/// The codes of RFC 1928 §6.
fn refusal(code: u8) -> Refusal {
    let temporary = |words: &str| Failure::new(Kind::Temporary, words);
    match code {
        1 => (
            Outcome::Unreachable,
            temporary("cannot reach the server (general failure)"),
        ),
        2 => (
            Outcome::Unreachable,
            Failure::new(
                Kind::Refused,
                "does not let us through to this server and port",
            )
            .with_hint("ask whoever runs the proxy to allow it"),
        ),
        3 => (
            Outcome::Unreachable,
            temporary("cannot reach the server (network unreachable)"),
        ),
        4 => (
            Outcome::Unreachable,
            temporary("cannot reach the server (host unreachable)"),
        ),
        5 => (
            Outcome::Refused,
            temporary("cannot reach the server (connection refused)"),
        ),
        6 => (
            Outcome::Timeout,
            temporary("no answer from the server (TTL expired)"),
        ),
        7 | 8 => (
            Outcome::Unreachable,
            Failure::new(
                Kind::Refused,
                "does not know this kind of address, or connecting at all",
            ),
        ),
        other => (
            Outcome::Unreachable,
            temporary(&format!("cannot reach the server (code {other})")),
        ),
    }
}
