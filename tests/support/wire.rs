//! One connection as octets: plain or TLS, buffered both ways, every wait bounded.
//!
//! Replies are held back until the server has to wait for the client. Octets that come before they
//! were let go show that the client did not wait for them; that is how waits are counted.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection};

use super::input::Input;
use super::pattern::visible;
use super::tls::is_end;
use super::transcript::Surprise;

/// How long octets already under way may take to arrive on loopback.
const GRACE: Duration = Duration::from_millis(3);

/// Replies beyond this are sent while the client still talks, as real servers do.
const HELD_BACK: usize = 4096;

/// Nothing an SMTP client says on one line, or in a body without line ends, is longer.
const LONGEST_LINE: usize = 64 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    Octets,
    Closed,
    Nothing,
}

pub struct Wire {
    tcp: TcpStream,
    tls: Option<Box<ServerConnection>>,
    input: Input,
    output: Vec<u8>,
    patience: Duration,
    /// Replies were given since the client was last heard.
    answered: bool,
    /// The client closed its side.
    closed: bool,
    /// The client takes nothing any more.
    deaf: bool,
    pub waits: usize,
}

impl Wire {
    pub fn new(tcp: TcpStream, patience: Duration) -> io::Result<Self> {
        tcp.set_nonblocking(false)?;
        tcp.set_nodelay(true)?;
        tcp.set_write_timeout(Some(patience))?;
        Ok(Self {
            tcp,
            tls: None,
            input: Input::default(),
            output: Vec::new(),
            patience,
            answered: false,
            closed: false,
            deaf: false,
            waits: 0,
        })
    }

    pub fn say(&mut self, octets: &[u8]) -> Result<(), Surprise> {
        if self.output.len() > HELD_BACK {
            self.flush()?;
        }
        self.answered = true;
        self.output.extend_from_slice(octets);
        Ok(())
    }

    /// Sends what was held back. A client that has gone is no surprise here; what it should have
    /// said next is missed soon enough.
    pub fn flush(&mut self) -> Result<(), Surprise> {
        let octets = std::mem::take(&mut self.output);
        if self.deaf || octets.is_empty() {
            return Ok(());
        }
        let written = match &mut self.tls {
            None => self.tcp.write_all(&octets),
            Some(tls) => {
                let mut stream = rustls::Stream::new(tls.as_mut(), &mut self.tcp);
                stream.write_all(&octets).and_then(|()| stream.flush())
            }
        };
        match written {
            Ok(()) => Ok(()),
            Err(error) if is_end(&error) => {
                self.deaf = true;
                Ok(())
            }
            Err(error) => Err(Surprise::new(
                "a client that reads the replies",
                format!("{error} while sending {} octets", octets.len()),
            )),
        }
    }

    pub fn is_deaf(&self) -> bool {
        self.deaf
    }

    /// The next line with its CRLF; `None` when the client closed instead.
    pub fn line(&mut self) -> Result<Option<Vec<u8>>, Surprise> {
        let mut searched = 0;
        loop {
            if let Some(length) = self.input.line_length(searched) {
                return Ok(Some(self.input.take(length)));
            }
            let waiting = self.left().len();
            if waiting > LONGEST_LINE {
                return Err(Surprise::new("a line", format!("{LONGEST_LINE} octets")));
            }
            searched = waiting.saturating_sub(1);
            match self.more(self.patience)? {
                Arrival::Octets => {}
                Arrival::Closed if self.left().is_empty() => return Ok(None),
                Arrival::Closed => {
                    let part = visible(self.left());
                    return Err(Surprise::new("a line", format!("{part} (then closed)")));
                }
                Arrival::Nothing => return Err(self.silence("a line")),
            }
        }
    }

    pub fn exactly(&mut self, count: usize) -> Result<Vec<u8>, Surprise> {
        while self.left().len() < count {
            let expected = format!("{count} octets");
            match self.more(self.patience)? {
                Arrival::Octets => {}
                Arrival::Closed => {
                    let got = format!("{} octets (then closed)", self.left().len());
                    return Err(Surprise::new(expected, got));
                }
                Arrival::Nothing => return Err(self.silence(expected)),
            }
        }
        Ok(self.input.take(count))
    }

    /// What came and was not asked for.
    pub fn left(&self) -> &[u8] {
        self.input.left()
    }

    pub fn take_left(&mut self) -> Vec<u8> {
        self.input.take(self.left().len())
    }

    /// Waits for more octets; first without letting replies go, to see whether they were waited for.
    pub fn more(&mut self, patience: Duration) -> Result<Arrival, Surprise> {
        if !self.output.is_empty() {
            match self.pull(GRACE)? {
                Arrival::Nothing => {}
                Arrival::Octets => {
                    self.answered = false;
                    return Ok(Arrival::Octets);
                }
                Arrival::Closed => {
                    self.flush()?;
                    return Ok(Arrival::Closed);
                }
            }
        }
        self.flush()?;
        let arrival = self.pull(patience)?;
        if arrival == Arrival::Octets {
            self.waits += usize::from(std::mem::take(&mut self.answered));
        }
        Ok(arrival)
    }

    /// Reads once, replies left where they are.
    pub fn pull(&mut self, patience: Duration) -> Result<Arrival, Surprise> {
        if self.closed {
            return Ok(Arrival::Closed);
        }
        let mut part = [0; 16 << 10];
        let patience = patience.max(Duration::from_millis(1));
        let read = self.tcp.set_read_timeout(Some(patience)).and_then(|()| {
            let tcp = &mut self.tcp;
            match &mut self.tls {
                None => tcp.read(&mut part),
                Some(tls) => rustls::Stream::new(tls.as_mut(), tcp).read(&mut part),
            }
        });
        match read {
            Ok(count @ 1..) => {
                self.input.add(&part[..count]);
                return Ok(Arrival::Octets);
            }
            Ok(0) => {}
            Err(error) if timed_out(&error) => return Ok(Arrival::Nothing),
            Err(error) if is_end(&error) => {}
            Err(error) => return Err(Surprise::new("octets", error.to_string())),
        }
        self.closed = true;
        Ok(Arrival::Closed)
    }

    /// Reads on for so long, or until the client closes.
    pub fn listen(&mut self, duration: Duration) -> Result<Arrival, Surprise> {
        let end = Instant::now() + duration;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Arrival::Nothing);
            }
            if self.more(left)? == Arrival::Closed {
                return Ok(Arrival::Closed);
            }
        }
    }

    /// Shakes hands; `Ok(Err)` is a handshake that failed.
    pub fn handshake(
        &mut self,
        config: Arc<ServerConfig>,
    ) -> Result<io::Result<Option<String>>, Surprise> {
        let ahead = "nothing before the reply that opens TLS";
        if !self.left().is_empty() {
            return Err(Surprise::new(ahead, visible(self.left())));
        }
        let _ = self.tcp.set_read_timeout(Some(GRACE));
        if !self.output.is_empty() && self.tcp.peek(&mut [0]).is_ok_and(|count| count > 0) {
            return Err(Surprise::new(ahead, "octets"));
        }
        self.flush()?;
        let _ = self.tcp.set_read_timeout(Some(self.patience));
        if self.tcp.peek(&mut [0]).is_ok_and(|count| count == 0) {
            self.closed = true;
            return Err(Surprise::new("a handshake", "the client closed"));
        }
        let mut tls = ServerConnection::new(config)
            .map_err(|error| Surprise::new("a handshake", error.to_string()))?;
        while tls.is_handshaking() {
            match tls.complete_io(&mut self.tcp) {
                Ok(_) => {}
                Err(error) if timed_out(&error) => return Err(self.silence("a handshake")),
                Err(error) => {
                    self.closed = true;
                    return Ok(Err(error));
                }
            }
        }
        self.waits += 1 + usize::from(std::mem::take(&mut self.answered));
        let name = tls.server_name().map(str::to_owned);
        self.tls = Some(Box::new(tls));
        Ok(Ok(name))
    }

    pub fn protocol(&self) -> Option<String> {
        let version = self.tls.as_ref()?.protocol_version()?;
        Some(format!("{version:?}"))
    }

    /// Closes in good order: the client sees the end, and may still speak.
    pub fn close(&mut self) -> Result<(), Surprise> {
        self.flush()?;
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            let _ = tls.complete_io(&mut self.tcp);
        }
        let _ = self.tcp.shutdown(Shutdown::Write);
        Ok(())
    }

    /// Closes without a word more, TLS's own farewell included.
    pub fn cut(&mut self) -> Result<(), Surprise> {
        self.flush()?;
        let _ = self.tcp.shutdown(Shutdown::Both);
        Ok(())
    }

    /// Has the connection end in an RST when it is dropped.
    pub fn reset(&mut self) -> Result<(), Surprise> {
        self.flush()?;
        rustix::net::sockopt::set_socket_linger(&self.tcp, Some(Duration::ZERO))
            .map_err(|error| Surprise::new("SO_LINGER", error.to_string()))
    }

    pub fn silence(&self, expected: impl Into<String>) -> Surprise {
        let so_far = match self.left() {
            [] => String::new(),
            part => format!(" after {}", visible(part)),
        };
        let got = format!("nothing for {:?}{so_far}", self.patience);
        Surprise::new(expected, got)
    }
}

fn timed_out(error: &io::Error) -> bool {
    use io::ErrorKind::{TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut)
}
