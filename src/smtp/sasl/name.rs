//! The names of the mechanisms (RFC 4422 §3.1), and what `--auth` says of them.
//!
//! Refuses a name it does not know: a mechanism that was named is used, or nothing is.

use std::fmt;
use std::str::FromStr;

use crate::failure::{Failure, Kind, Result};

/// A mechanism by which this program can say who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MechanismName {
    /// SCRAM-SHA-256-PLUS (RFC 7677), bound to the TLS connection.
    ScramSha256Plus,
    /// SCRAM-SHA-1-PLUS (RFC 5802), bound to the TLS connection.
    ScramSha1Plus,
    /// SCRAM-SHA-256 (RFC 7677).
    ScramSha256,
    /// SCRAM-SHA-1 (RFC 5802).
    ScramSha1,
    /// CRAM-MD5 (RFC 2195).
    CramMd5,
    /// PLAIN (RFC 4616).
    Plain,
    /// LOGIN, a draft that many servers speak.
    Login,
    /// OAUTHBEARER (RFC 7628).
    OauthBearer,
    /// XOAUTH2, what OAUTHBEARER was before it was a standard.
    Xoauth2,
    /// EXTERNAL (RFC 4422 appendix A): the client certificate says it.
    External,
}

impl MechanismName {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::ScramSha256Plus,
        Self::ScramSha1Plus,
        Self::ScramSha256,
        Self::ScramSha1,
        Self::CramMd5,
        Self::Plain,
        Self::Login,
        Self::OauthBearer,
        Self::Xoauth2,
        Self::External,
    ];

    /// The registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Self::ScramSha1Plus => "SCRAM-SHA-1-PLUS",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha1 => "SCRAM-SHA-1",
            Self::CramMd5 => "CRAM-MD5",
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::OauthBearer => "OAUTHBEARER",
            Self::Xoauth2 => "XOAUTH2",
            Self::External => "EXTERNAL",
        }
    }

    /// Whether the proof is an OAuth 2 access token.
    pub const fn takes_a_token(self) -> bool {
        matches!(self, Self::OauthBearer | Self::Xoauth2)
    }

    /// Whether the mechanism is bound to the TLS connection.
    pub(super) const fn is_bound(self) -> bool {
        matches!(self, Self::ScramSha256Plus | Self::ScramSha1Plus)
    }
}

impl fmt::Display for MechanismName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// These names as one list.
pub(super) fn listed(names: &[MechanismName]) -> String {
    names
        .iter()
        .map(|name| name.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

/// What `--auth` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuthChoice {
    /// The strongest mechanism offered that the credentials fit.
    #[default]
    Auto,
    /// Do not authenticate, whatever credentials there are.
    Never,
    /// This one and nothing else.
    Only(MechanismName),
}

impl FromStr for AuthChoice {
    type Err = Failure;

    /// `auto`, `none` or the name of a mechanism, in any case.
    ///
    /// # Errors
    /// `Usage`, with the names there are.
    fn from_str(text: &str) -> Result<Self> {
        let is = |name: &str| text.eq_ignore_ascii_case(name);
        if is("auto") {
            return Ok(Self::Auto);
        }
        if is("none") {
            return Ok(Self::Never);
        }
        let named = MechanismName::ALL
            .into_iter()
            .find(|name| is(name.as_str()));
        named.map(Self::Only).ok_or_else(|| {
            let names = listed(&MechanismName::ALL);
            Failure::new(
                Kind::Usage,
                format!("\"{text}\" is none of auto, none, {names}"),
            )
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_understood_in_any_case() {
        for name in MechanismName::ALL {
            for text in [name.to_string(), name.to_string().to_lowercase()] {
                assert_eq!(text.parse::<AuthChoice>().unwrap(), AuthChoice::Only(name));
            }
        }
        assert_eq!("AUTO".parse::<AuthChoice>().unwrap(), AuthChoice::Auto);
        assert_eq!("None".parse::<AuthChoice>().unwrap(), AuthChoice::Never);
    }

    #[test]
    fn an_unknown_name_is_answered_with_those_there_are() {
        let failure = "kerberos".parse::<AuthChoice>().unwrap_err();
        assert_eq!(failure.kind, Kind::Usage);
        for name in MechanismName::ALL {
            assert!(failure.message.contains(name.as_str()));
        }
    }
}
