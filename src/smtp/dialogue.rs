//! Commands and replies in turn, each reply within its time (RFC 5321 §4.5.3.2).
//!
//! Owns the waits, the transcript (secrets as `***`) and the rule that nothing is left in the
//! reply buffer when a command is written: a reply nobody asked for is a broken protocol, or the
//! server's good-bye.

use std::fmt;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustls::Error;

use super::hint::{self, Circumstances};
use super::reply::{Malformed, Reply, ReplyReader};
use super::sasl::MechanismName;
use super::tls::{TlsInfo, refused_certificate};
use super::wire::{Broken, Wire};
use crate::clock::{self, Patience, in_words};
use crate::failure::{Failure, Kind, Result};
use crate::secret::Secret;

/// Watches a dialogue. All text is free of control characters and of secrets.
pub trait Observer {
    /// A line the client sent.
    fn sent(&self, _line: &str) {}
    /// A line the server sent.
    fn received(&self, _line: &str) {}
    /// So many octets of a message have left, of so many; told of large messages, time and again.
    fn uploaded(&self, _octets: u64, _of: u64) {}
    /// What the server said first, ready or not.
    fn greeted(&self, _greeting: &Reply) {}
    /// What the server said to EHLO; after STARTTLS it counts anew.
    fn offered(&self, _offers: &Reply) {}
    /// TLS was agreed on, and the certificate verified.
    fn secured(&self, _tls: &TlsInfo) {}
    /// Something worth knowing when one wants to know all.
    fn note(&self, _text: &str) {}
    /// Something the user should know even when all goes well.
    fn warning(&self, _text: &str) {}
}

/// The observer that does not look.
impl Observer for () {}

/// How long to wait. All bound one reply as a whole, not each byte of it.
#[derive(Debug, Clone, Copy)]
pub struct Waits {
    /// The longest wait for any one reply (`--timeout`). By default each has its own: 2 minutes
    /// for EHLO, STARTTLS, the handshake and AUTH; for the rest RFC 5321 §4.5.3.2: MAIL and RCPT
    /// (and VRFY, EXPN) 5 minutes, DATA 2, a block of the message 3, the final dot 10.
    pub reply: Option<Duration>,
    /// The longest wait for connecting and the greeting of one rung (`--connect-timeout`);
    /// default 30 s.
    pub connect: Duration,
    /// When the whole run must be over (`--deadline`); default: never.
    pub deadline: Option<Instant>,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            reply: None,
            connect: Duration::from_secs(30),
            deadline: None,
        }
    }
}

/// Characters shown of what is no reply.
const EXCERPT: usize = 120;

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    Greeting,
    Ehlo,
    StartTls,
    Handshake,
    Auth(MechanismName),
    Reset,
    Mail(String),
    Rcpt(String),
    /// VRFY or EXPN, and about whom.
    Ask(&'static str, String),
    Data,
    Body,
    FinalDot,
}

impl Stage {
    /// The default wait.
    fn wait(&self) -> Duration {
        let minutes = match self {
            Self::Greeting | Self::Mail(_) | Self::Rcpt(_) | Self::Ask(..) => 5,
            Self::Ehlo
            | Self::StartTls
            | Self::Handshake
            | Self::Auth(_)
            | Self::Reset
            | Self::Data => 2,
            Self::Body => 3,
            Self::FinalDot => 10,
        };
        Duration::from_secs(minutes * 60)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Greeting => f.write_str("greeting"),
            Self::Ehlo => f.write_str("EHLO"),
            Self::StartTls => f.write_str("STARTTLS"),
            Self::Handshake => f.write_str("TLS handshake"),
            Self::Auth(name) => write!(f, "AUTH {name}"),
            Self::Reset => f.write_str("RSET"),
            Self::Mail(path) => write!(f, "MAIL <{path}>"),
            Self::Rcpt(path) => write!(f, "RCPT <{path}>"),
            Self::Ask(command, about) => write!(f, "{command} <{about}>"),
            Self::Data => f.write_str("DATA"),
            Self::Body => f.write_str("message"),
            Self::FinalDot => f.write_str("message"),
        }
    }
}

/// A connection on which commands and replies go in turn.
pub(crate) struct Dialogue<'o> {
    pub(crate) wire: Wire,
    reader: ReplyReader,
    pub(crate) observer: &'o dyn Observer,
    waits: Waits,
    /// What is known beside the replies.
    pub(crate) circumstances: Circumstances,
    /// Something went wrong in between, so that what comes next would not be understood.
    out_of_step: bool,
    /// What no reply may repeat: a server that is puzzled by a line likes to quote it.
    hidden: Vec<Secret>,
}

impl<'o> Dialogue<'o> {
    pub(crate) fn new(
        socket: TcpStream,
        waits: Waits,
        hidden: &[Secret],
        observer: &'o dyn Observer,
    ) -> Result<Self> {
        let wire = Wire::new(socket)
            .map_err(|error| Failure::new(Kind::Temporary, format!("connection lost: {error}")))?;
        Ok(Self {
            wire,
            reader: ReplyReader::default(),
            observer,
            waits,
            circumstances: Circumstances::default(),
            out_of_step: false,
            hidden: hidden.to_vec(),
        })
    }

    /// When all must be over, from here on.
    pub(crate) fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.waits.deadline = deadline;
    }

    /// How long may be waited at this stage.
    pub(crate) fn patience(&self, stage: &Stage) -> Patience {
        Patience {
            wait: self.waits.reply.unwrap_or_else(|| stage.wait()),
            deadline: self.waits.deadline,
        }
    }

    /// Queues a command; `line` has no line end. In a group (RFC 2920) only the first command is
    /// preceded by [`expect_silence`](Self::expect_silence).
    pub(crate) fn send(&mut self, line: &str) -> Result<()> {
        refuse_control(line.as_bytes())?;
        self.observer.sent(line);
        self.wire.send(line.as_bytes());
        self.wire.send(b"\r\n");
        Ok(())
    }

    /// Queues a line that the transcript shows as `shown`.
    pub(crate) fn send_secret(&mut self, line: &Secret, shown: &str) -> Result<()> {
        refuse_control(line.expose())?;
        self.observer.sent(shown);
        self.wire.send_secret_line(line.expose());
        Ok(())
    }

    /// Checks that nothing is in the reply buffer where nothing was asked.
    ///
    /// # Errors
    /// `Temporary` for a 421, with which a server may say good-bye at any time (RFC 5321 §3.8);
    /// `Protocol` for anything else.
    pub(crate) fn expect_silence(&mut self, stage: &Stage) -> Result<()> {
        if self.wire.inbox.is_empty() {
            return Ok(());
        }
        self.out_of_step = true;
        Err(match self.take(stage)? {
            Some(reply) if reply.code == 421 => self.unexpected(stage, &reply, Kind::Refused),
            Some(reply) => Failure::new(
                Kind::Protocol,
                format!("{stage}: a reply that nothing asked for: {reply}"),
            ),
            None => Failure::new(
                Kind::Protocol,
                format!("{stage}: half a reply that nothing asked for"),
            ),
        })
    }

    /// Gives a command that stands alone, and waits for the reply to it.
    ///
    /// # Errors
    /// Those of [`expect_silence`](Self::expect_silence) and [`reply`](Self::reply).
    pub(crate) fn ask(&mut self, stage: &Stage, command: &str) -> Result<Reply> {
        self.expect_silence(stage)?;
        self.send(command)?;
        self.reply(stage)
    }

    /// Waits for the next reply, writing what is queued meanwhile.
    ///
    /// # Errors
    /// `Temporary` when it does not come in time or the connection is lost; `Protocol` when what
    /// comes is no reply.
    pub(crate) fn reply(&mut self, stage: &Stage) -> Result<Reply> {
        self.reply_within(stage, self.patience(stage), None)
    }

    /// The same with another patience. A reply to the message that ends at `message` on the wire, or
    /// before that one, is also waited for when a signal is to end the run, once it may have left.
    pub(crate) fn reply_within(
        &mut self,
        stage: &Stage,
        patience: Patience,
        message: Option<u64>,
    ) -> Result<Reply> {
        let reply = self.next_reply(stage, patience, message);
        self.out_of_step |= reply.is_err();
        reply
    }

    fn next_reply(
        &mut self,
        stage: &Stage,
        patience: Patience,
        message: Option<u64>,
    ) -> Result<Reply> {
        let until = patience.until();
        loop {
            if let Some(reply) = self.take(stage)? {
                return Ok(reply);
            }
            let turned = self.wire.turn(until, message);
            turned.map_err(|broken| self.broken(&broken, stage, patience.wait))?;
        }
    }

    /// Writes what is queued, reading meanwhile; true when all of it has left, false when the
    /// server said something before that. `until` moves on only when octets have left.
    pub(crate) fn flush(&mut self, stage: &Stage, until: &mut Instant) -> Result<bool> {
        let patience = self.patience(stage);
        let flushed = self.wire.flush(patience, until);
        flushed.map_err(|broken| self.broken(&broken, stage, patience.wait))
    }

    /// A reply that has come while we are still writing, if it is complete. Does not wait.
    pub(crate) fn early_reply(&mut self, stage: &Stage) -> Result<Option<Reply>> {
        // A connection that is gone is found out by the next write.
        let _ = self.wire.peek();
        self.take(stage)
    }

    /// What the server has said already, once nothing more is written. Does not wait.
    pub(crate) fn last_word(&mut self) -> Option<Reply> {
        loop {
            let known = self.wire.received();
            let reply = self.early_reply(&Stage::Body).ok()?;
            if reply.is_some() || self.wire.received() == known {
                return reply;
            }
        }
    }

    /// The failure that a reply means which is not the one due. `permanent` is the kind of a 5yz.
    pub(crate) fn unexpected(&self, stage: &Stage, reply: &Reply, permanent: Kind) -> Failure {
        hint::unexpected(self.circumstances, stage, reply, permanent)
    }

    /// Nothing more can be said: what comes next would not be understood, or be taken for something
    /// else.
    pub(crate) fn abandon(&mut self) {
        self.out_of_step = true;
        self.wire.stop_writing();
    }

    /// Whether nothing more can be said.
    pub(crate) fn is_over(&self) -> bool {
        self.out_of_step
    }

    /// Says QUIT, where it would be understood, and does not wait for the answer: what it is about
    /// is settled (RFC 5321 §4.1.1.10).
    pub(crate) fn quit(mut self) {
        if !self.out_of_step && self.send("QUIT").is_ok() {
            self.wire.close();
        }
    }

    /// From here on these are shown in no reply either.
    pub(crate) fn hide(&mut self, secrets: impl IntoIterator<Item = Secret>) {
        self.hidden.extend(secrets);
    }

    /// `text` without what must not be shown.
    pub(crate) fn masked(&self, text: String) -> String {
        let mask = |text, secret: &Secret| secret.masked_in(text);
        self.hidden.iter().fold(text, mask)
    }

    /// The next reply that is complete, with nothing in it that must not be shown.
    fn take(&mut self, stage: &Stage) -> Result<Option<Reply>> {
        let taken = self.reader.take(&mut self.wire.inbox);
        let masked = |text| self.masked(text);
        let reply = taken.map_err(|Malformed(why)| {
            // Cut only when the secrets in it can no longer be cut in two.
            let why: String = masked(why).chars().take(EXCERPT).collect();
            Failure::new(Kind::Protocol, format!("{stage}: {why}"))
        })?;
        let reply = reply.map(|reply| match reply.code {
            // A challenge is for the mechanism alone, and must reach it whole.
            334 if matches!(stage, Stage::Auth(_)) => reply,
            _ => Reply {
                lines: reply.lines.into_iter().map(masked).collect(),
                ..reply
            },
        });
        Ok(reply.inspect(|reply| self.show(reply)))
    }

    fn show(&self, reply: &Reply) {
        let enhanced = reply
            .enhanced
            .map_or_else(String::new, |enhanced| format!("{enhanced} "));
        for (number, line) in reply.lines.iter().enumerate() {
            // A challenge: together with others it may be enough to guess the password.
            let line = if reply.code == 334 { "***" } else { line };
            let more = if number + 1 < reply.lines.len() {
                '-'
            } else {
                ' '
            };
            self.observer
                .received(&format!("{}{more}{enhanced}{line}", reply.code));
        }
    }

    /// The failure that a broken stream means at this stage, after a wait of this length.
    pub(crate) fn broken(&self, broken: &Broken, stage: &Stage, wait: Duration) -> Failure {
        // Under TLS 1.3 the server looks at our certificate when the handshake is over for us.
        if let Broken::Tls(Error::AlertReceived(alert)) = broken
            && let Some(failure) = refused_certificate(*alert)
        {
            return failure;
        }
        let why = match broken {
            Broken::TimedOut => match clock::over(self.waits.deadline) {
                Some(over) => over.to_string(),
                None => format!("no answer within {}", in_words(wait)),
            },
            Broken::Lost(None) => "connection closed by the server".to_owned(),
            Broken::Lost(Some(error)) => format!("connection lost: {error}"),
            Broken::Tls(error) => format!("connection lost: TLS: {error}"),
        };
        Failure::new(Kind::Temporary, format!("{stage}: {why}"))
    }
}

/// Addresses and names were checked when they were parsed. This is the last line of defence: no
/// way of getting here can put a second command on the wire.
fn refuse_control(line: &[u8]) -> Result<()> {
    if line.iter().any(u8::is_ascii_control) {
        return Err(Failure::new(
            Kind::Bug,
            "a command with a control character was not sent",
        ));
    }
    Ok(())
}
