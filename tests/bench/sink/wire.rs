//! The octets of one connection, with TLS or without, counted at the socket.
//!
//! Reads in large pieces, so that the server does not hold up a client that sends much.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::set_tcp_quickack;
use rustls::{HandshakeKind, ProtocolVersion, ServerConfig, ServerConnection};

/// How much is read at once.
const PIECE: usize = 256 * 1024;

/// A socket that counts.
struct Counted {
    socket: TcpStream,
    received: u64,
    sent: u64,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.socket.read(into)?;
        self.received += count as u64;
        Ok(count)
    }
}

impl Write for Counted {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let count = self.socket.write(octets)?;
        self.sent += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What has been read and not yet been used.
struct Store {
    octets: Vec<u8>,
    start: usize,
    end: usize,
}

impl Store {
    fn new() -> Self {
        Self {
            octets: vec![0; PIECE],
            start: 0,
            end: 0,
        }
    }

    fn unused(&self) -> &[u8] {
        &self.octets[self.start..self.end]
    }

    fn room(&mut self) -> &mut [u8] {
        self.octets.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        &mut self.octets[self.end..]
    }
}

/// The connection.
pub(crate) struct Wire {
    socket: Counted,
    tls: Option<Box<Tls>>,
    plain: Store,
}

struct Tls {
    connection: ServerConnection,
    records: Store,
}

impl Wire {
    pub(crate) fn new(socket: TcpStream) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        Ok(Self {
            socket: Counted {
                socket,
                received: 0,
                sent: 0,
            },
            tls: None,
            plain: Store::new(),
        })
    }

    pub(crate) fn received(&self) -> u64 {
        self.socket.received
    }

    pub(crate) fn sent(&self) -> u64 {
        self.socket.sent
    }

    /// What has come in and was not consumed.
    pub(crate) fn input(&self) -> &[u8] {
        self.plain.unused()
    }

    pub(crate) fn consume(&mut self, count: usize) {
        self.plain.start += count;
    }

    /// Goes over to TLS, and gives how many times the client waited in the handshake.
    pub(crate) fn start_tls(&mut self, config: &Arc<ServerConfig>) -> io::Result<u32> {
        let connection = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
        let mut tls = Box::new(Tls {
            connection,
            records: Store::new(),
        });
        while tls.connection.is_handshaking() {
            tls.send(&mut self.socket)?;
            if tls.connection.is_handshaking() && !tls.receive(&mut self.socket)? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        tls.send(&mut self.socket)?;
        let waits = match tls.connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => 1,
            _ => 2,
        };
        let retried =
            tls.connection.handshake_kind() == Some(HandshakeKind::FullWithHelloRetryRequest);
        self.tls = Some(tls);
        Ok(waits + u32::from(retried))
    }

    /// Reads more, waiting for it. Gives false at the end.
    pub(crate) fn read(&mut self) -> io::Result<bool> {
        let Some(tls) = &mut self.tls else {
            let count = self.socket.read(self.plain.room())?;
            self.plain.end += count;
            return Ok(count > 0);
        };
        loop {
            match tls.connection.reader().read(self.plain.room()) {
                Ok(count) => {
                    self.plain.end += count;
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            if !tls.receive(&mut self.socket)? {
                return Ok(false);
            }
        }
    }

    /// Whether something more, or the end, comes in within this time.
    pub(crate) fn more_within(&mut self, time: Duration) -> io::Result<bool> {
        let end = Instant::now() + time;
        loop {
            if let Some(tls) = &mut self.tls
                && tls.has_news()?
            {
                return Ok(true);
            }
            // What the client still holds back may wait for an acknowledgement (RFC 896) rather than for us.
            set_tcp_quickack(&self.socket.socket, true)?;
            let left = end.saturating_duration_since(Instant::now());
            let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
            let mut ready = [PollFd::new(&self.socket.socket, PollFlags::IN)];
            if poll(&mut ready, Some(&timeout))? == 0 {
                return Ok(false);
            }
            let Some(tls) = &mut self.tls else {
                return Ok(true);
            };
            if !tls.receive(&mut self.socket)? {
                return Ok(true);
            }
        }
    }

    /// Sends all of `octets` at once.
    pub(crate) fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        match &mut self.tls {
            None => self.socket.write_all(octets),
            Some(tls) => {
                tls.connection.writer().write_all(octets)?;
                tls.send(&mut self.socket)
            }
        }
    }
}

impl Tls {
    fn send(&mut self, socket: &mut Counted) -> io::Result<()> {
        while self.connection.wants_write() {
            self.connection.write_tls(socket)?;
        }
        Ok(())
    }

    /// Reads from the socket, waiting for it, when no record is left over. Gives false at the end.
    fn receive(&mut self, socket: &mut Counted) -> io::Result<bool> {
        if self.records.unused().is_empty() {
            let count = socket.read(self.records.room())?;
            self.records.end += count;
            if count == 0 {
                return Ok(false);
            }
        }
        self.process()?;
        Ok(true)
    }

    /// Whether the records read so far hold something to read, or the end.
    fn has_news(&mut self) -> io::Result<bool> {
        loop {
            let state = self
                .connection
                .process_new_packets()
                .map_err(io::Error::other)?;
            if state.plaintext_bytes_to_read() > 0 || state.peer_has_closed() {
                return Ok(true);
            }
            if self.records.unused().is_empty() {
                return Ok(false);
            }
            self.process()?;
        }
    }

    fn process(&mut self) -> io::Result<()> {
        let mut unused = self.records.unused();
        let before = unused.len();
        self.connection.read_tls(&mut unused)?;
        self.records.start += before - unused.len();
        self.connection
            .process_new_packets()
            .map_err(io::Error::other)?;
        Ok(())
    }
}
