//! Plays one dialogue over one connection and writes down what came.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::dialogue::{Action, Dialogue, Step};
use super::gate::Gate;
use super::intake::Chunk;
use super::pattern::{Expectation, encode_last_word, nonce, visible};
use super::tls::{Offer, was_refused};
use super::transcript::{Surprise, Visit};
use super::wire::{Arrival, Wire};

/// How long `QUIET` looks.
const QUIET: Duration = Duration::from_millis(5);

pub struct Session<'a> {
    pub wire: Wire,
    pub visit: Visit,
    patience: Duration,
    gate: &'a Gate,
    /// Chunks of a message which has not had its last.
    pub chunks: Vec<u8>,
    at: Option<&'a Step>,
}

pub fn play<'a>(dialogue: &'a Dialogue, wire: Wire, patience: Duration, gate: &'a Gate) -> Visit {
    let mut session = Session {
        wire,
        visit: Visit::default(),
        patience,
        gate,
        chunks: Vec::new(),
        at: None,
    };
    let played = match session.steps(&dialogue.steps) {
        Ok(ControlFlow::Continue(())) => {
            session.at = None;
            session.end()
        }
        Ok(ControlFlow::Break(())) => Ok(()),
        Err(surprise) => Err(surprise),
    };
    session.visit.waits = session.wire.waits;
    if let Err(surprise) = played {
        let place = match session.at {
            Some(step) => format!("at line {}: {}", step.line, step.text),
            None => "at its end".to_owned(),
        };
        session.visit.mishap = Some(format!(
            "the dialogue {} was surprised\n  {place}\n  expected: {}\n  got:      {}\n  so far:\n{}",
            dialogue.name,
            surprise.expected,
            surprise.got,
            session.visit.so_far(),
        ));
    }
    session.visit
}

impl<'a> Session<'a> {
    fn steps(&mut self, steps: &'a [Step]) -> Result<ControlFlow<()>, Surprise> {
        for step in steps {
            self.at = Some(step);
            if self.step(&step.action)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn step(&mut self, action: &'a Action) -> Result<ControlFlow<()>, Surprise> {
        match action {
            Action::Send(octets) => self.say(octets)?,
            Action::SendBehindNonce { prefix, rest } => self.say_behind_nonce(prefix, rest)?,
            Action::Flood { times, octets } => self.flood(*times, octets)?,
            Action::Expect(expected) => self.expect(expected)?,
            Action::ExpectOrClose(expected) => self.expect_or_close(expected)?,
            Action::ExpectOctets(expected) => self.expect_octets(expected)?,
            Action::Read(count) => {
                self.wire.exactly(*count)?;
                self.visit.note(format_args!("{count} octets read"));
            }
            Action::Quiet => self.quiet()?,
            Action::Handshake(offer) => self.handshake(offer)?,
            Action::RefusedHandshake(offer) => return self.refused_handshake(offer),
            Action::Body => self.body()?,
            Action::Chunk => _ = self.chunk()?,
            Action::Chunks { reply } => {
                while self.chunk()? == Chunk::Middle {
                    self.say(reply)?;
                }
            }
            Action::Pause(duration) => {
                self.wire.flush()?;
                self.wire.listen(*duration)?;
            }
            Action::Drip { every, octets } => {
                self.visit.log("S:", octets);
                self.drip(*every, octets.iter())?;
            }
            Action::DripForever { every, octets } => {
                self.visit.log("S:", octets);
                self.visit.note("and so on");
                self.drip(*every, octets.iter().cycle())?;
            }
            Action::Wait => self.wait()?,
            Action::Hold => self.hold()?,
            Action::Eof => self.eof()?,
            Action::Drop => {
                self.visit.note("dropped");
                self.wire.cut()?;
                return Ok(ControlFlow::Break(()));
            }
            Action::Reset => {
                self.visit.note("reset");
                self.wire.reset()?;
                return Ok(ControlFlow::Break(()));
            }
            Action::Repeat { times, steps } => {
                for _ in 0..*times {
                    if self.steps(steps)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn say(&mut self, octets: &[u8]) -> Result<(), Surprise> {
        self.visit.log("S:", octets);
        self.wire.say(octets)
    }

    fn say_behind_nonce(&mut self, prefix: &str, rest: &str) -> Result<(), Surprise> {
        let line = self.visit.lines.last();
        let nonce = line.and_then(|line| nonce(line)).ok_or_else(|| {
            let got = line.map_or("nothing", String::as_str);
            Surprise::new("a line with a nonce", got)
        })?;
        let mut line = encode_last_word(&format!("{prefix}r={nonce}{rest}"))
            .map_err(|why| Surprise::new("words to encode", why))?;
        line.extend_from_slice(b"\r\n");
        self.say(&line)
    }

    fn flood(&mut self, times: usize, octets: &[u8]) -> Result<(), Surprise> {
        self.visit.log("S:", octets);
        self.visit.note(format_args!("{times} times"));
        for _ in 0..times {
            if self.wire.is_deaf() {
                break;
            }
            self.wire.say(octets)?;
        }
        self.wire.flush()
    }

    fn drip<'o>(
        &mut self,
        every: Duration,
        octets: impl Iterator<Item = &'o u8>,
    ) -> Result<(), Surprise> {
        self.wire.flush()?;
        let end = Instant::now() + self.patience;
        for &octet in octets {
            self.wire.say(&[octet])?;
            self.wire.flush()?;
            if self.wire.is_deaf() || self.wire.listen(every)? == Arrival::Closed {
                break;
            }
            if Instant::now() > end {
                return Err(self.wire.silence("a client that loses patience"));
            }
        }
        Ok(())
    }

    pub fn line(&mut self) -> Result<Option<Vec<u8>>, Surprise> {
        let Some(mut line) = self.wire.line()? else {
            return Ok(None);
        };
        line.truncate(line.len() - 2);
        self.visit.log("C:", &line);
        let text = String::from_utf8_lossy(&line).into_owned();
        self.visit.lines.push(text);
        if line.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
            return Err(Surprise::new(
                "a line without CR, LF or NUL",
                visible(&line),
            ));
        }
        Ok(Some(line))
    }

    fn expect(&mut self, expected: &Expectation) -> Result<(), Surprise> {
        match self.line() {
            Ok(Some(line)) if expected.meets(&line) => Ok(()),
            Ok(Some(line)) => Err(self.surprise(visible(&line))),
            Ok(None) => Err(self.surprise("the client closed the connection".to_owned())),
            Err(surprise) => Err(self.surprise(surprise.got)),
        }
    }

    fn expect_or_close(&mut self, expected: &Expectation) -> Result<(), Surprise> {
        match self.line()? {
            Some(line) if !expected.meets(&line) => Err(self.surprise(visible(&line))),
            Some(_) => Ok(()),
            None => {
                self.visit.note("the client closed");
                Ok(())
            }
        }
    }

    fn expect_octets(&mut self, expected: &[u8]) -> Result<(), Surprise> {
        let octets = self.wire.exactly(expected.len())?;
        self.visit.log("C:", &octets);
        if octets == expected {
            return Ok(());
        }
        Err(self.surprise(visible(&octets)))
    }

    /// The step itself is what was expected.
    fn surprise(&self, got: String) -> Surprise {
        let expected = self.at.map_or("", |step| step.text.as_str());
        Surprise::new(expected, got)
    }

    fn quiet(&mut self) -> Result<(), Surprise> {
        if self.wire.left().is_empty() && self.wire.pull(QUIET)? != Arrival::Octets {
            return Ok(());
        }
        Err(Surprise::new(
            "a client that waits for the reply",
            visible(self.wire.left()),
        ))
    }

    fn handshake(&mut self, offer: &Offer) -> Result<(), Surprise> {
        match self.wire.handshake(offer.config())? {
            Ok(name) => {
                let protocol = self.wire.protocol().unwrap_or_default();
                self.visit.note(format_args!("{protocol} for {name:?}"));
                self.visit.server_names.push(name);
                Ok(())
            }
            Err(error) => Err(Surprise::new("a handshake", error.to_string())),
        }
    }

    fn refused_handshake(&mut self, offer: &Offer) -> Result<ControlFlow<()>, Surprise> {
        let refusal = "a client that refuses the handshake";
        match self.wire.handshake(offer.config())? {
            Ok(_) => {}
            Err(error) if was_refused(&error) => return Ok(ControlFlow::Break(())),
            Err(error) => return Err(Surprise::new(refusal, error.to_string())),
        }
        // The client's alert may come after its side of the handshake.
        match self.wire.pull(self.patience) {
            Ok(Arrival::Closed) | Err(_) => Ok(ControlFlow::Break(())),
            Ok(Arrival::Octets) => Err(Surprise::new(refusal, visible(self.wire.left()))),
            Ok(Arrival::Nothing) => Err(self.wire.silence(refusal)),
        }
    }

    /// Whatever the client still says, it gets no answer.
    fn wait(&mut self) -> Result<(), Surprise> {
        self.visit.note("silent");
        // A client that talks on has to be able to hear what was said so far.
        self.wire.flush()?;
        let end = self.wire.listen(self.patience)?;
        let said = self.wire.take_left();
        for line in said.split_inclusive(|&b| b == b'\n') {
            self.visit.log("C:", line);
            let text = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
            self.visit.lines.push(text);
        }
        match end {
            Arrival::Closed => Ok(()),
            _ => Err(self.wire.silence("a client that loses patience")),
        }
    }

    fn hold(&mut self) -> Result<(), Surprise> {
        self.visit.note("held");
        self.wire.flush()?;
        self.gate.hold(self.patience);
        Ok(())
    }

    fn eof(&mut self) -> Result<(), Surprise> {
        if self.wire.left().is_empty() {
            match self.wire.more(self.patience)? {
                Arrival::Closed => return Ok(()),
                Arrival::Nothing => return Err(self.wire.silence("a client that closes")),
                Arrival::Octets => {}
            }
        }
        Err(Surprise::new(
            "a client that closes without a word",
            visible(self.wire.left()),
        ))
    }

    /// After its last step the server closes, and the client has nothing left to say.
    fn end(&mut self) -> Result<(), Surprise> {
        self.wire.close()?;
        self.eof()
    }
}
