//! The port policy as values: which servers, which ports, with which security, in which order.
//!
//! Refuses port 25 by construction: [`SubmissionPort`] cannot be 25. Port 25 is for servers that
//! exchange mail among themselves; RFC 6409 and RFC 8314 give submission its own ports.

use std::fmt;
use std::str::FromStr;

use super::server::Host;
use crate::failure::{Failure, Kind, Result};

/// A port mail may be submitted on: 1..=65535 without 25.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubmissionPort(u16);

impl SubmissionPort {
    /// Message submission (RFC 6409).
    pub const SUBMISSION: Self = Self(587);
    /// No standard, but where many hosts that block 587 let mail pass.
    pub const ALTERNATE: Self = Self(2525);
    /// Submission with TLS from the first byte (RFC 8314 §7.3).
    pub const SUBMISSIONS: Self = Self(465);

    /// # Errors
    /// `Config` for port 25, `Usage` for port 0.
    pub fn new(port: u16) -> Result<Self> {
        match port {
            25 => Err(Failure::new(Kind::Config, "port 25 is for mail between servers, not for submission")
                .with_hint("use 587 (STARTTLS), 2525 (STARTTLS) or 465 (implicit TLS); without a port smtpsend tries them in this order")),
            0 => Err(Failure::new(Kind::Usage, "port 0 is no port")),
            _ => Ok(Self(port)),
        }
    }

    /// The number.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// What servers expect on this port: 465 → implicit TLS, all others → STARTTLS.
    pub fn usual_security(self) -> Security {
        if self == Self::SUBMISSIONS {
            Security::Implicit
        } else {
            Security::StartTls
        }
    }
}

impl FromStr for SubmissionPort {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse() {
            Ok(port) if digits => Self::new(port),
            // Not repeated: it may be the end of a password that holds a colon.
            _ => Err(Failure::new(Kind::Usage, "not a port (1 to 65535)")),
        }
    }
}

/// How a connection is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Plain SMTP first, then STARTTLS (RFC 3207); nothing is sent unless TLS was verified.
    StartTls,
    /// TLS from the first byte (RFC 8314 §3.3).
    Implicit,
    /// No TLS at all: anybody on the way can read and change the message.
    None,
}

impl Security {
    /// The name used on the command line and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::StartTls => "starttls",
            Self::Implicit => "implicit",
            Self::None => "none",
        }
    }
}

impl FromStr for Security {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self> {
        [Self::StartTls, Self::Implicit, Self::None]
            .into_iter()
            .find(|security| security.name() == text)
            .ok_or_else(|| {
                Failure::new(
                    Kind::Usage,
                    format!("\"{text}\" is none of starttls, implicit, none"),
                )
                .with_hint("implicit is TLS at once, as on port 465; starttls begins it within the dialogue")
            })
    }
}

/// One step of the policy: a host, a port, a security.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rung {
    /// Where.
    pub host: Host,
    /// On which port.
    pub port: SubmissionPort,
    /// How it must be secured.
    pub security: Security,
}

impl Rung {
    /// It as `--server` takes it, which asks for STARTTLS by any port but 465.
    pub fn as_server(&self) -> String {
        match self.security {
            Security::Implicit => format!("smtps://{self}"),
            Security::StartTls | Security::None => self.to_string(),
        }
    }
}

/// `host:port`.
impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port.number())
    }
}

/// A port of the policy, its security perhaps left to be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortChoice {
    /// The port.
    pub port: SubmissionPort,
    /// As written after a slash.
    pub security: Option<Security>,
}

/// What `--ports` says: `587/starttls,465` and so on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortList(pub Vec<PortChoice>);

impl FromStr for PortList {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self> {
        text.split(',')
            .map(|item| {
                let item = item.trim();
                let (port, security) = item
                    .split_once('/')
                    .map_or((item, None), |(p, s)| (p, Some(s)));
                Ok(PortChoice {
                    port: port.parse()?,
                    security: security.map(str::parse).transpose()?,
                })
            })
            .collect::<Result<_>>()
            .map(Self)
    }
}
