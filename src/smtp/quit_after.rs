//! Where a submission ends before the message is sent, when somebody asks for that.
//!
//! Owns the stages, their order and their names. A stage is reached when the reply that belongs to
//! it was good; then the client says QUIT (RFC 5321 §4.1.1.10), after RSET where a transaction is open.

use std::fmt;
use std::str::FromStr;

use crate::failure::{Failure, Kind};

/// The last stage of a submission that is to end before the message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuitAfter {
    /// The greeting was read: within TLS where that is implicit.
    Connect,
    /// TLS was verified. There is no such stage without TLS.
    Tls,
    /// EHLO was answered, the one within TLS where there is TLS.
    Ehlo,
    /// AUTH succeeded; as [`Ehlo`](Self::Ehlo) where nobody is named.
    Auth,
    /// The server accepted the sender.
    Mail,
    /// Each recipient has its reply, all in one transaction.
    Rcpt,
}

impl QuitAfter {
    /// All of them, in their order.
    pub const ALL: [Self; 6] = [
        Self::Connect,
        Self::Ehlo,
        Self::Tls,
        Self::Auth,
        Self::Mail,
        Self::Rcpt,
    ];

    /// The name used on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Ehlo => "ehlo",
            Self::Auth => "auth",
            Self::Mail => "mail",
            Self::Rcpt => "rcpt",
        }
    }
}

impl FromStr for QuitAfter {
    type Err = Failure;

    /// # Errors
    /// `Usage` when it is none of the names.
    fn from_str(text: &str) -> Result<Self, Failure> {
        Self::ALL
            .into_iter()
            .find(|stage| stage.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| {
                let names = Self::ALL.map(Self::name).join(", ");
                Failure::new(Kind::Usage, format!("\"{text}\" is none of {names}"))
            })
    }
}

/// As it stands in a sentence: what was done last.
impl fmt::Display for QuitAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting",
            Self::Tls => "TLS",
            Self::Ehlo => "EHLO",
            Self::Auth => "AUTH",
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stage_is_read_by_its_name() {
        for stage in QuitAfter::ALL {
            assert_eq!(stage.name().parse(), Ok(stage));
            assert_eq!(stage.name().to_uppercase().parse(), Ok(stage));
        }
        for text in ["", "data", "rcpt,mail", "rcpt "] {
            assert!(text.parse::<QuitAfter>().is_err(), "{text:?}");
        }
    }
}
