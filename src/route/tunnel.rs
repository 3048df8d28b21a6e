//! Asking a proxy for a way to the server, over a connection that was made: what is to be said, what
//! was heard, and when the way is open. Does no input or output itself.
//!
//! The octets behind the proxy's last reply are the server's: they are never taken. Owns CONNECT
//! (RFC 9110 §9.3.6, RFC 7617); `socks5` is the other negotiation.

use zeroize::Zeroizing;

use super::Outcome;
use super::policy::Rung;
use super::proxy::Login;
use crate::failure::{Failure, Kind, printable};

/// How far a rung got, and why no further.
pub(super) type Refusal = (Outcome, Failure);

/// One side of a negotiation.
pub(super) trait Negotiation {
    /// Judges what the proxy has said since we last spoke; called again with every octet more.
    ///
    /// # Errors
    /// `Auth` where the proxy refuses who we are, `Protocol` where it is no such proxy, else what it
    /// says of the server.
    fn hear(&mut self, said: &[u8]) -> Result<Next, Refusal>;

    /// Whether the proxy was asked for the server: from then on it may be the server that is silent.
    fn has_asked(&self) -> bool;
}

/// What follows from what was heard.
pub(super) enum Next {
    /// That is not all of it yet.
    Listen,
    /// It is complete, and another one follows.
    Another,
    /// To be said next.
    Say(Zeroizing<Vec<u8>>),
    /// From here on it is the server that speaks.
    Open,
}

/// A negotiation that goes on.
pub(super) struct Tunnel {
    negotiation: Box<dyn Negotiation>,
    outbox: Zeroizing<Vec<u8>>,
    written: usize,
    heard: Vec<u8>,
    open: bool,
}

impl Tunnel {
    pub(super) fn new(first: Zeroizing<Vec<u8>>, negotiation: impl Negotiation + 'static) -> Self {
        Self {
            negotiation: Box::new(negotiation),
            outbox: first,
            written: 0,
            heard: Vec::new(),
            open: false,
        }
    }

    /// Whether the way is open.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Whether the proxy may be waiting for the server.
    pub(super) fn has_asked(&self) -> bool {
        self.negotiation.has_asked()
    }

    /// What is to be written now; nothing is heard before it has left.
    pub(super) fn output(&self) -> &[u8] {
        &self.outbox[self.written..]
    }

    /// So many octets of the output have left.
    pub(super) fn wrote(&mut self, count: usize) {
        self.written += count;
    }

    /// Takes the octets that belong to the proxy's reply, and says how many these are.
    pub(super) fn take(&mut self, octets: &[u8]) -> Result<usize, Refusal> {
        for (taken, &octet) in octets.iter().enumerate() {
            if self.open || !self.output().is_empty() {
                return Ok(taken);
            }
            self.heard.push(octet);
            match self.negotiation.hear(&self.heard)? {
                Next::Listen => {}
                Next::Another => self.heard.clear(),
                Next::Say(next) => {
                    self.outbox = next;
                    self.written = 0;
                    self.heard.clear();
                }
                Next::Open => self.open = true,
            }
        }
        Ok(octets.len())
    }
}

/// The proxy is not what it was taken for.
pub(super) fn nonsense(words: &str) -> Refusal {
    let failure = Failure::new(Kind::Protocol, words)
        .with_hint("is this the proxy's port, and the right scheme for it (--proxy)?");
    (Outcome::Unreachable, failure)
}

/// Most octets of an HTTP proxy's reply.
const HEAD_LIMIT: usize = 8192;
/// Most characters of its first line that are shown.
const EXCERPT: usize = 120;
/// Most interim replies before the one that counts.
const INTERIM_LIMIT: usize = 10;

/// CONNECT by HTTP/1.1.
pub(super) struct HttpConnect {
    login: Option<Login>,
    /// Interim replies so far.
    interim: usize,
}

impl HttpConnect {
    pub(super) fn tunnel(rung: &Rung, login: Option<&Login>) -> Tunnel {
        let mut request = Zeroizing::new(Vec::with_capacity(1024));
        request
            .extend_from_slice(format!("CONNECT {rung} HTTP/1.1\r\nHost: {rung}\r\n").as_bytes());
        if let Some(login) = login {
            request.extend_from_slice(b"Proxy-Authorization: Basic ");
            request.extend_from_slice(login.basic().expose());
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        let negotiation = Self {
            login: login.cloned(),
            interim: 0,
        };
        Tunnel::new(request, negotiation)
    }

    /// A status that is not of the 200s.
    fn refusal(&self, status: u16, line: &str) -> Refusal {
        let line = printable(line);
        let line = match &self.login {
            Some(login) => login.masked_in(line),
            None => line,
        };
        // Cut only when a secret in it can no longer be cut in two.
        let line: String = line.chars().take(EXCERPT).collect();
        let failure = |kind, words: &str| Failure::new(kind, format!("{words}: {line}"));
        match status {
            // Some proxies answer as a server would.
            401 | 407 if self.login.is_some() => (
                Outcome::Unreachable,
                failure(Kind::Auth, "refuses the user or the password").with_hint(
                    "check both (--proxy); of HTTP's ways to authenticate only Basic is known",
                ),
            ),
            401 | 407 => (
                Outcome::Unreachable,
                failure(Kind::Auth, "demands a user and a password").with_hint(
                    "name them: --proxy http://user:password@host:port, or SMTPSEND_PROXY",
                ),
            ),
            504 => (
                Outcome::Timeout,
                failure(Kind::Temporary, "no answer from the server"),
            ),
            408 | 429 | 500..=599 => (
                Outcome::Unreachable,
                failure(Kind::Temporary, "cannot reach the server"),
            ),
            _ => (
                Outcome::Unreachable,
                failure(
                    Kind::Refused,
                    "does not let us through to this server and port",
                )
                .with_hint(
                    "ask whoever runs the proxy to allow CONNECT to it (many allow port 443 alone)",
                ),
            ),
        }
    }
}

impl Negotiation for HttpConnect {
    fn has_asked(&self) -> bool {
        true
    }

    fn hear(&mut self, said: &[u8]) -> Result<Next, Refusal> {
        const START: &[u8] = b"HTTP/1.";
        let known = said.len().min(START.len());
        if !said[..known].eq_ignore_ascii_case(&START[..known]) {
            return Err(nonsense("the answer is not HTTP"));
        }
        if said.len() > HEAD_LIMIT {
            return Err(nonsense("the answer does not end"));
        }
        // Only a line end can complete anything.
        if said.last() != Some(&b'\n') {
            return Ok(Next::Listen);
        }
        let first = said
            .split(|&octet| octet == b'\n')
            .next()
            .unwrap_or_default();
        let line = String::from_utf8_lossy(first);
        let line = line.trim_end();
        let status = line.split(' ').nth(1).filter(|status| status.len() == 3);
        let status: u16 = status
            .and_then(|status| status.parse().ok())
            .ok_or_else(|| nonsense("the answer has no HTTP status"))?;
        // 101 answers an upgrade, and nobody asked for one.
        let is_interim = status == 100 || (102..200).contains(&status);
        if !is_interim && !(200..300).contains(&status) {
            return Err(self.refusal(status, line));
        }
        // Whatever its fields say, no content follows (RFC 9110 §9.3.6, §15.2).
        if !said.ends_with(b"\r\n\r\n") && !said.ends_with(b"\n\n") {
            return Ok(Next::Listen);
        }
        if !is_interim {
            return Ok(Next::Open);
        }
        self.interim += 1;
        if self.interim > INTERIM_LIMIT {
            return Err(nonsense("the answer does not come"));
        }
        Ok(Next::Another)
    }
}
