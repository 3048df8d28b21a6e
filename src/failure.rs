//! Why something did not work: a typed cause, one sentence, and what to do about it.
//!
//! Owns the list of causes and the one table from cause to exit code. Everything below the
//! command line fails with a [`Failure`]; nothing below the command line fails with a string.

use std::fmt;

use crate::exit::Exit;

/// A result whose error is a [`Failure`].
pub type Result<T> = std::result::Result<T, Failure>;

/// What kind of thing went wrong. Decides the exit code, and what a caller may do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The command line asks for something that does not exist or contradicts itself.
    Usage,
    /// The message or an address is bad, or cannot be represented for this server.
    Message,
    /// An input file cannot be read.
    Input,
    /// The server refused the recipients for good, as unknown.
    Recipient,
    /// The host name of the server is unknown.
    Host,
    /// The server said no for good (any other 5xx).
    Refused,
    /// No TLS that can be trusted: STARTTLS not offered, certificate not valid, no common version.
    Tls,
    /// A bug in this program.
    Bug,
    /// The queue cannot take a message, or a message in it cannot be read or kept track of.
    Queue,
    /// A local file or stream failed while being read or written.
    Io,
    /// Not now: a 4xx, a connection refused or lost, a timeout. Trying again is right.
    Temporary,
    /// The connection ended after the whole message was sent and before the server answered:
    /// it may have been delivered. Trying again may deliver it twice.
    Uncertain,
    /// The server broke the protocol.
    Protocol,
    /// Authentication was refused for good, or is not possible although credentials were given.
    Auth,
    /// The settings are wrong: no server, a bad file, port 25.
    Config,
}

impl Kind {
    /// The exit code of this cause: the only place where causes become codes.
    pub const fn exit(self) -> Exit {
        match self {
            Self::Usage => Exit::Usage,
            Self::Message => Exit::DataErr,
            Self::Input => Exit::NoInput,
            Self::Recipient => Exit::NoUser,
            Self::Host => Exit::NoHost,
            Self::Refused | Self::Tls => Exit::Unavailable,
            Self::Bug => Exit::Software,
            Self::Queue => Exit::CantCreat,
            Self::Io => Exit::IoErr,
            Self::Temporary | Self::Uncertain => Exit::TempFail,
            Self::Protocol => Exit::Protocol,
            Self::Auth => Exit::NoPerm,
            Self::Config => Exit::Config,
        }
    }

    /// The name of this cause in JSON (`error.kind`).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Message => "message",
            Self::Input => "input",
            Self::Recipient => "recipient",
            Self::Host => "host",
            Self::Refused => "refused",
            Self::Tls => "tls",
            Self::Bug => "bug",
            Self::Queue => "queue",
            Self::Io => "io",
            Self::Temporary => "temporary",
            Self::Uncertain => "uncertain",
            Self::Protocol => "protocol",
            Self::Auth => "auth",
            Self::Config => "config",
        }
    }
}

/// Why something did not work.
///
/// `Display` gives the message alone: lower case, the place first, the cause last
/// (`mail.example.com:587: RCPT <x@y>: 550 5.1.1 no such user`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The cause.
    pub kind: Kind,
    /// One line for a person; free of control characters.
    pub message: String,
    /// What to do about it, where that is known.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure of this kind. Control characters in `message` are dropped, because parts of it
    /// may come from a server or a file and it ends on a terminal.
    pub fn new(kind: Kind, message: impl AsRef<str>) -> Self {
        Self {
            kind,
            message: printable(message.as_ref()),
            hint: None,
        }
    }

    /// The same with a hint.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with where it happened put before the message: `place: message`.
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.message = printable(&format!("{place}: {}", self.message));
        self
    }
}

/// What these failures say is to be done, each step once.
pub fn hints<'f>(failures: impl IntoIterator<Item = &'f Failure>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for hint in failures
        .into_iter()
        .filter_map(|failure| failure.hint.as_ref())
    {
        if !found.contains(hint) {
            found.push(hint.clone());
        }
    }
    found
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// `text` without what could steer a terminal or mislead its reader: control characters (C0, DEL,
/// C1) and [invisible](is_invisible) ones. A tab or line end becomes a space.
pub fn printable(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            '\t' | '\n' => Some(' '),
            c if c.is_control() || is_invisible(c) => None,
            c => Some(c),
        })
        .collect()
}

/// The first 80 characters, for a message.
pub(crate) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// Whether a character shows nothing itself and changes how others are shown: their order, their
/// line, whether they seem to be there. Joiners, without which emoji and some scripts fall
/// apart, are not among them.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_drops_what_could_steer_a_terminal() {
        assert_eq!(printable("a\u{2028}b\u{61c}c\u{feff}d\u{e0041}"), "abcd");
        assert_eq!(
            printable("a\x1b[31mred\x07\u{9b}2J\r\nb\u{202e}c\tü\0"),
            "a[31mred2J bc ü"
        );
    }

    #[test]
    fn a_place_stands_before_the_message() {
        let failure = Failure::new(Kind::Temporary, "timed out").at("mail.example.com:587");
        assert_eq!(failure.to_string(), "mail.example.com:587: timed out");
    }
}
