//! Bytes to and from one server: a TCP stream that does not block, with TLS over it or not.
//!
//! Owns the rule that both directions move at once: whoever waits for a reply also writes what
//! is still to be written, and whoever writes also reads, so that neither side can block the other
//! (RFC 2920 §3.1). Every wait has an end. A failed write does not hide what the server had
//! already sent: reading goes on until the stream is empty.

use std::io::{self, BufRead as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::io::read;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use zeroize::Zeroize as _;

use super::reply::Inbox;
use crate::clock::{Patience, wait_beyond};
use crate::interrupt;

/// Octets read from the server and not yet understood at which reading pauses.
const INBOX_LIMIT: usize = 128 * 1024;
/// How long the reply to a message that has left is waited for when a signal ends the run: whoever
/// sends one seldom waits longer before the next.
const GRACE: Duration = Duration::from_secs(10);
/// Octets asked of the socket at once.
const READ_SIZE: usize = 16 * 1024;

/// Why a stream can no longer be used.
#[derive(Debug)]
pub(crate) enum Broken {
    /// Nothing moved within the time allowed, or a signal ended it.
    TimedOut,
    /// The server closed it (`None`), or the system reported an error.
    Lost(Option<io::Error>),
    /// TLS failed: a bad certificate, no common version, bytes that are not TLS.
    Tls(rustls::Error),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Lost(Some(error))
    }
}

/// One stream to one server.
pub(crate) struct Wire {
    socket: TcpStream,
    tls: Option<Box<ClientConnection>>,
    /// What is to be sent; under TLS it is encrypted as late as can be, so that what may leave
    /// together leaves in one record and one system call.
    outbox: Vec<u8>,
    written: usize,
    /// The outbox holds a secret and is zeroed once it has left.
    sensitive: bool,
    pub(crate) inbox: Inbox,
    ended: bool,
    /// Writing failed with this; reading may still bring the reply that says why.
    write_error: Option<io::Error>,
    /// TLS failed with this, behind octets that were good and are still to be read.
    tls_error: Option<rustls::Error>,
    /// Nothing is written any more.
    silent: bool,
    /// Octets on the socket, over all: written and read.
    wrote: u64,
    received: u64,
    account: Account,
}

/// Where the octets queued so far are, over all, as positions in what was queued.
#[derive(Default)]
struct Account {
    queued: u64,
    /// Handed over to TLS.
    sealed: u64,
    /// Left for certain.
    gone: u64,
    /// Left, all or some of those up to here.
    touched: u64,
}

impl Wire {
    /// Takes over a connected stream.
    pub(crate) fn new(socket: TcpStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        socket.set_nodelay(true)?;
        Ok(Self {
            socket,
            tls: None,
            outbox: Vec::new(),
            written: 0,
            sensitive: false,
            inbox: Inbox::default(),
            ended: false,
            write_error: None,
            tls_error: None,
            silent: false,
            wrote: 0,
            received: 0,
            account: Account::default(),
        })
    }

    /// The server's address.
    pub(crate) fn peer(&self) -> io::Result<SocketAddr> {
        self.socket.peer_addr()
    }

    /// Our own address on this stream.
    pub(crate) fn local(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Octets that have come from the socket, those not understood yet included.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// The TLS session, where there is one.
    pub(crate) fn tls(&self) -> Option<&ClientConnection> {
        self.tls.as_deref()
    }

    /// Shakes hands. The client's last flight is left to leave together with what is sent next.
    pub(crate) fn handshake(
        &mut self,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
        patience: Patience,
    ) -> Result<(), Broken> {
        let mut tls = ClientConnection::new(config, name).map_err(Broken::Tls)?;
        tls.set_buffer_limit(None);
        self.tls = Some(Box::new(tls));
        let until = patience.until();
        while self.tls.as_ref().is_some_and(|tls| tls.is_handshaking()) {
            if let Err(broken) = self.turn(until, None) {
                // An alert tells the server why; whether it arrives changes nothing.
                let _ = self.write_some();
                return Err(broken);
            }
        }
        Ok(())
    }

    /// Queues bytes for the server. They leave with the next [`turn`](Self::turn) or
    /// [`flush`](Self::flush).
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.outbox.extend_from_slice(bytes);
        self.account.queued += bytes.len() as u64;
    }

    /// How many octets have been queued so far: the position behind the last one.
    pub(crate) fn position(&self) -> u64 {
        self.account.queued
    }

    /// Whether the server can have everything up to this [`position`](Self::position). Under TLS
    /// this is certain for what was queued last; where more is queued behind it, a write that got
    /// stuck may have brought it there or not, and the answer is yes.
    pub(crate) fn may_have_left(&self, position: u64) -> bool {
        let account = &self.account;
        account.gone >= position || (position < account.sealed && account.touched >= position)
    }

    /// Queues a line that holds a secret.
    pub(crate) fn send_secret_line(&mut self, line: &[u8]) {
        // Growing in between would leave a copy behind.
        self.outbox.reserve(line.len() + 2);
        self.outbox.extend_from_slice(line);
        self.outbox.extend_from_slice(b"\r\n");
        self.account.queued += line.len() as u64 + 2;
        self.sensitive = true;
    }

    /// Writes what the socket takes, then waits until the server has sent something, or until
    /// the socket takes more. A signal that ends the run ends this too; but where the message that
    /// ends at `message` may have left, the wait is for its fate, and goes on for a [moment](GRACE).
    pub(crate) fn turn(&mut self, until: Instant, message: Option<u64>) -> Result<(), Broken> {
        let decides = |wire: &Self| message.is_some_and(|end| wire.may_have_left(end));
        // Then nothing more is written, and only what has come already is taken in.
        let stopped = interrupt::arrived().is_some() && !decides(self);
        if !stopped {
            self.write_some()?;
        }
        if self.ended {
            return Err(self.end());
        }
        let grace = if decides(self) { GRACE } else { Duration::ZERO };
        match self.wait(until, grace)? {
            true => self.read_some(),
            false if stopped => Err(Broken::TimedOut),
            false => Ok(()),
        }
    }

    /// Writes what is queued, reading meanwhile: true when all of it has left, false as soon as
    /// something has come. Patience starts anew, and moves `until`, whenever octets have left; what
    /// comes in does not renew it.
    pub(crate) fn flush(
        &mut self,
        patience: Patience,
        until: &mut Instant,
    ) -> Result<bool, Broken> {
        loop {
            if interrupt::arrived().is_some() {
                return Err(Broken::TimedOut);
            }
            let wrote = self.wrote;
            self.write_some()?;
            if self.wrote != wrote {
                *until = patience.until();
            }
            if let Some(error) = self.write_error.take() {
                self.stop_writing();
                return Err(Broken::Lost(Some(error)));
            }
            if !self.has_output() {
                return Ok(true);
            }
            if self.ended {
                return Err(self.end());
            }
            if self.wait(*until, Duration::ZERO)? {
                let known = self.inbox.len();
                match self.read_some() {
                    // The server may half-close and still read; the next write will tell.
                    Err(Broken::Lost(None)) => {}
                    other => other?,
                }
                if self.inbox.len() > known {
                    return Ok(false);
                }
            }
        }
    }

    /// Forgets what is queued. From here on nothing is written any more, not even a good-bye.
    pub(crate) fn stop_writing(&mut self) {
        self.silent = true;
        self.outbox.zeroize();
        self.outbox.clear();
        self.written = 0;
    }

    /// Takes in what has already come, without waiting.
    pub(crate) fn peek(&mut self) -> Result<(), Broken> {
        if self.ended || self.inbox.len() >= INBOX_LIMIT {
            Ok(())
        } else {
            self.read_some()
        }
    }

    /// Says good-bye as far as that is possible without waiting, and closes.
    pub(crate) fn close(mut self) {
        let _ = self.encrypt();
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
        }
        let _ = self.write_some();
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Why the stream is over.
    fn end(&mut self) -> Broken {
        match self.tls_error.take() {
            Some(error) => Broken::Tls(error),
            None => Broken::Lost(self.write_error.take()),
        }
    }

    fn has_output(&self) -> bool {
        if self.silent {
            return false;
        }
        self.written < self.outbox.len() || self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }

    fn write_some(&mut self) -> Result<(), Broken> {
        while self.write_error.is_none() && self.has_output() {
            self.encrypt()?;
            let result = match &mut self.tls {
                None => self
                    .socket
                    .write(&self.outbox[self.written..])
                    .inspect(|count| self.written += count),
                Some(tls) => tls.write_tls(&mut self.socket),
            };
            match result {
                Ok(count) => self.note_written(count as u64),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.write_error = Some(error),
            }
            self.forget_what_has_left();
        }
        Ok(())
    }

    fn note_written(&mut self, count: u64) {
        let account = &mut self.account;
        self.wrote += count;
        match &self.tls {
            None => {
                account.gone += count;
                account.touched = account.gone;
            }
            Some(tls) => {
                account.touched = account.sealed;
                if !tls.wants_write() {
                    account.gone = account.sealed;
                }
            }
        }
    }

    /// Hands what is queued over to TLS, where there is one and it is ready.
    fn encrypt(&mut self) -> Result<(), Broken> {
        let queued = self.written < self.outbox.len();
        if let Some(tls) = self
            .tls
            .as_mut()
            .filter(|tls| queued && !tls.is_handshaking())
        {
            tls.writer().write_all(&self.outbox)?;
            self.written = self.outbox.len();
            self.account.sealed = self.account.queued;
            self.forget_what_has_left();
        }
        Ok(())
    }

    fn forget_what_has_left(&mut self) {
        if self.written == self.outbox.len() || self.write_error.is_some() {
            if std::mem::take(&mut self.sensitive) {
                self.outbox.zeroize();
            }
            self.outbox.clear();
            self.written = 0;
        }
    }

    /// Waits for the socket; true when there is something to read.
    fn wait(&mut self, until: Instant, grace: Duration) -> Result<bool, Broken> {
        let writing = self.write_error.is_none() && self.has_output();
        let reading = !self.ended && self.inbox.len() < INBOX_LIMIT;
        if !writing {
            self.acknowledge_at_once();
        }
        let mut events = PollFlags::empty();
        events.set(PollFlags::IN, reading);
        events.set(PollFlags::OUT, writing);
        let mut fds = [PollFd::new(&self.socket, events)];
        if !wait_beyond(&mut fds, until, grace)? {
            return Err(Broken::TimedOut);
        }
        // A hang-up or an error is found, and named, by reading.
        Ok(reading
            && fds[0]
                .revents()
                .intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR))
    }

    fn read_some(&mut self) -> Result<(), Broken> {
        let result = match &mut self.tls {
            Some(tls) => tls.read_tls(&mut self.socket),
            None => read(&self.socket, self.inbox.room(READ_SIZE)).map_err(io::Error::from),
        };
        self.received += result.as_ref().map_or(0, |&count| count as u64);
        match result {
            Ok(0) => self.ended = true,
            Ok(_) => {}
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) =>
            {
                return Ok(());
            }
            Err(error) => {
                self.ended = true;
                self.write_error.get_or_insert(error);
            }
        }
        if let Some(tls) = &mut self.tls {
            if let Err(error) = tls.process_new_packets() {
                self.ended = true;
                self.tls_error = Some(error);
            }
            loop {
                let mut reader = tls.reader();
                match reader.fill_buf() {
                    Ok([]) => {
                        self.ended = true;
                        break;
                    }
                    Ok(text) => {
                        self.inbox.push(text);
                        let count = text.len();
                        reader.consume(count);
                    }
                    Err(_) => break,
                }
            }
        }
        if self.ended && self.inbox.is_empty() {
            Err(self.end())
        } else {
            Ok(())
        }
    }

    /// Asks the kernel to acknowledge what comes next at once. A server that writes its reply in
    /// two segments under Nagle's rule otherwise waits 40 ms for our delayed acknowledgement.
    /// The kernel forgets the request, so it is made before each wait.
    #[cfg(target_os = "linux")]
    fn acknowledge_at_once(&self) {
        let _ = rustix::net::sockopt::set_tcp_quickack(&self.socket, true);
    }

    #[cfg(not(target_os = "linux"))]
    fn acknowledge_at_once(&self) {}
}
