//! The dialogue of one connection (RFC 5321, 2920, 3030, 3207, 4954), from the server's side.
//!
//! Answers all that has come in with one flight of replies, and then reads on: that is a wait of the client, unless
//! more comes by itself. A patient server finds out; see [`Pace`].

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::ServerConfig;

use super::body::Passing;
use super::visit::Visit;
use super::wire::Wire;
use super::{Manner, PASSWORD, Pace, USER};
use crate::content::Security;

/// How long a client may be silent before a patient server believes that it waits.
const PATIENCE: Duration = Duration::from_millis(20);

/// What is the same for every connection.
pub(crate) struct House {
    pub(crate) tls: Arc<ServerConfig>,
    pub(crate) without: Vec<String>,
}

/// Serves one connection to its end.
pub(crate) fn serve(socket: TcpStream, manner: Manner, house: &House) -> Visit {
    let wire = match Wire::new(socket) {
        Ok(wire) => wire,
        Err(error) => {
            return Visit {
                trouble: Some(error.to_string()),
                ..Visit::default()
            };
        }
    };
    let mut session = Session {
        wire,
        manner,
        house,
        replies: Vec::new(),
        expected: Expected::Command,
        leaving: Leaving::No,
        visit: Visit::default(),
    };
    if let Err(error) = session.converse()
        && session.leaving == Leaving::No
    {
        session.visit.trouble.get_or_insert(error.to_string());
    }
    session.visit.received = session.wire.received();
    session.visit.sent = session.wire.sent();
    session.visit
}

/// What the client's next octets are.
enum Expected {
    Command,
    Response(Asked),
    /// A message ended by a dot.
    Lines(Passing),
    /// So many octets of a chunk, the last one or not, of a message.
    Chunk(u64, bool, Passing),
    /// The next chunk of a message, or another command, which then ends it.
    NextChunk(Passing),
}

/// What a SASL exchange has asked for.
enum Asked {
    Plain,
    LoginName,
    LoginPassword(Vec<u8>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Leaving {
    No,
    /// QUIT came in the flight that is being answered; something else in it may await a reply.
    Quit {
        others: bool,
    },
}

struct Session<'a> {
    wire: Wire,
    manner: Manner,
    house: &'a House,
    replies: Vec<u8>,
    expected: Expected,
    leaving: Leaving,
    visit: Visit,
}

impl Session<'_> {
    fn converse(&mut self) -> io::Result<()> {
        if self.manner.security == Security::Implicit {
            self.start_tls()?;
        }
        self.reply("220 sink.test ESMTP");
        self.wire.send(&self.replies)?;
        self.replies.clear();
        self.visit.waits += 1;
        loop {
            while self.leaving == Leaving::No && self.advance()? {}
            let mut gone = false;
            if !self.replies.is_empty() {
                if self.manner.pace == Pace::Patient && self.wire.more_within(PATIENCE)? {
                    gone = !self.wire.read()?;
                    if !gone {
                        continue;
                    }
                }
                if !gone || self.leaving != (Leaving::Quit { others: false }) {
                    self.visit.waits += 1;
                }
                self.wire.send(&self.replies)?;
                self.replies.clear();
            }
            if gone || self.leaving != Leaving::No || !self.wire.read()? {
                return Ok(());
            }
        }
    }

    /// Uses some of the input; false when it needs more.
    fn advance(&mut self) -> io::Result<bool> {
        match std::mem::replace(&mut self.expected, Expected::Command) {
            Expected::Lines(mut message) => {
                let (used, ended) = message.take_to_dot(self.wire.input());
                self.wire.consume(used);
                match ended {
                    true => self.accept(&message),
                    false => self.expected = Expected::Lines(message),
                }
                Ok(ended)
            }
            Expected::Chunk(left, last, mut message) => {
                let used = self
                    .wire
                    .input()
                    .len()
                    .min(usize::try_from(left).unwrap_or(usize::MAX));
                message.take(&self.wire.input()[..used]);
                self.wire.consume(used);
                let left = left - used as u64;
                if left > 0 {
                    self.expected = Expected::Chunk(left, last, message);
                } else if last {
                    self.accept(&message);
                } else {
                    self.reply("250 2.0.0 chunk taken");
                    self.expected = Expected::NextChunk(message);
                }
                Ok(left == 0)
            }
            expected => {
                let Some(end) = memchr::memchr(b'\n', self.wire.input()) else {
                    self.expected = expected;
                    return Ok(false);
                };
                let line = String::from_utf8_lossy(&self.wire.input()[..end])
                    .trim_end()
                    .to_owned();
                self.wire.consume(end + 1);
                match expected {
                    Expected::Response(asked) => self.respond(asked, &line),
                    Expected::NextChunk(message) => self.command(&line, message)?,
                    _ => self.command(&line, Passing::new())?,
                }
                Ok(true)
            }
        }
    }

    fn reply(&mut self, line: &str) {
        self.replies.extend_from_slice(line.as_bytes());
        self.replies.extend_from_slice(b"\r\n");
    }

    fn accept(&mut self, message: &Passing) {
        self.visit.messages += 1;
        self.visit.bodies += message.digest();
        self.reply("250 2.0.0 taken");
    }

    fn command(&mut self, line: &str, message: Passing) -> io::Result<()> {
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => self.keywords(),
            "STARTTLS" if self.manner.security == Security::Starttls && !self.visit.encrypted => {
                if !self.wire.input().is_empty() {
                    return Err(io::Error::other("something followed STARTTLS in clear"));
                }
                self.wire.send(b"220 2.0.0 go ahead\r\n")?;
                self.visit.waits += 1;
                self.start_tls()?;
            }
            "AUTH" => self.authenticate(argument),
            "RCPT" => {
                self.visit.recipients += 1;
                self.reply("250 2.1.5 ok");
            }
            "DATA" => {
                self.reply("354 go ahead");
                self.expected = Expected::Lines(message);
            }
            "BDAT" => {
                let mut words = argument.split_ascii_whitespace();
                let size = words.next().and_then(|size| size.parse().ok());
                let size = size.ok_or_else(|| io::Error::other(format!("bad chunk: {line}")))?;
                self.expected = Expected::Chunk(size, words.next().is_some(), message);
            }
            "QUIT" => {
                let others = !self.replies.is_empty();
                self.reply("221 2.0.0 bye");
                self.leaving = Leaving::Quit { others };
            }
            "HELO" | "MAIL" | "RSET" | "NOOP" => self.reply("250 2.0.0 ok"),
            _ => self.reply("500 5.5.1 what?"),
        }
        Ok(())
    }

    fn keywords(&mut self) {
        let mut keywords = vec![
            "PIPELINING",
            "8BITMIME",
            "SMTPUTF8",
            "SIZE 1073741824",
            "CHUNKING",
            "AUTH PLAIN LOGIN",
        ];
        if self.manner.security == Security::Starttls && !self.visit.encrypted {
            keywords.retain(|keyword| !keyword.starts_with("AUTH"));
            keywords.push("STARTTLS");
        }
        keywords.retain(|keyword| {
            !self
                .house
                .without
                .iter()
                .any(|out| out.eq_ignore_ascii_case(keyword))
        });
        self.reply("250-sink.test");
        for keyword in keywords {
            self.reply(&format!("250-{keyword}"));
        }
        self.reply("250 ENHANCEDSTATUSCODES");
    }

    fn start_tls(&mut self) -> io::Result<()> {
        let tls = Arc::clone(&self.house.tls);
        self.visit.waits += self.wire.start_tls(&tls)?;
        self.visit.encrypted = true;
        Ok(())
    }

    fn authenticate(&mut self, argument: &str) {
        let (mechanism, initial) = argument.split_once(' ').unwrap_or((argument, ""));
        let (asked, challenge) = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => (Asked::Plain, "334 "),
            "LOGIN" => (Asked::LoginName, "334 VXNlcm5hbWU6"),
            _ => return self.reply("504 5.5.4 no such mechanism"),
        };
        if initial.is_empty() {
            self.reply(challenge);
            self.expected = Expected::Response(asked);
        } else {
            self.respond(asked, initial);
        }
    }

    fn respond(&mut self, asked: Asked, response: &str) {
        let response = BASE64_STANDARD.decode(response).unwrap_or_default();
        let right = match asked {
            Asked::LoginName => {
                self.reply("334 UGFzc3dvcmQ6");
                self.expected = Expected::Response(Asked::LoginPassword(response));
                return;
            }
            Asked::Plain => response.ends_with(format!("\0{USER}\0{PASSWORD}").as_bytes()),
            Asked::LoginPassword(name) => {
                name == USER.as_bytes() && response == PASSWORD.as_bytes()
            }
        };
        self.visit.authenticated |= right;
        self.reply(if right {
            "235 2.7.0 welcome"
        } else {
            "535 5.7.8 wrong"
        });
    }
}
