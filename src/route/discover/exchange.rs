//! One question to one DNS server and its reply: over UDP, or TCP where UDP does not do.
//!
//! Every wait ends. What arrives and is no reply to the question is passed over, however much of
//! it there is. RFC 1035 §4.2, RFC 5452 (against forged replies), RFC 7766 (TCP).

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};

use super::question::{Asked, Over, Question, Reading, Reply, Verdict};
use crate::clock::{Patience, is_passing, wait_for};

/// Any datagram fits: not every server keeps to the size that was asked for.
const UDP_BUFFER: usize = 65_535;

/// Asks `server`; each of UDP and TCP may take as long as `patience` says.
///
/// # Errors
/// What the system says of the connection; `TimedOut` when nothing that answers came in time.
pub(super) fn ask(
    server: SocketAddr,
    name: &str,
    asked: Asked,
    patience: Patience,
) -> io::Result<Reply> {
    let mut reply = ask_once(server, name, asked, true, patience)?;
    if reply.verdict == Verdict::NotUnderstood {
        // RFC 6891 §7: a server older than EDNS is asked without it.
        reply = ask_once(server, name, asked, false, patience)?;
    }
    Ok(reply)
}

fn ask_once(
    server: SocketAddr,
    name: &str,
    asked: Asked,
    edns: bool,
    patience: Patience,
) -> io::Result<Reply> {
    let question = Question::new(name, asked)?;
    let octets = question
        .octets(edns)
        .ok_or_else(|| io::Error::other("the name does not fit into a question"))?;
    match by_udp(server, &question, &octets, patience.until())? {
        Some(reply) => Ok(reply),
        None => by_tcp(server, &question, &octets, patience.until()),
    }
}

/// The reply, or `None` when TCP has to be asked.
fn by_udp(
    server: SocketAddr,
    question: &Question,
    octets: &[u8],
    until: Instant,
) -> io::Result<Option<Reply>> {
    // A socket for each question: the system gives each a random port (RFC 5452 §9.2).
    let here: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(here)?;
    // Connected: others' datagrams do not arrive, and a closed port is told at once.
    socket.connect(server)?;
    socket.send(octets)?;
    socket.set_nonblocking(true)?;
    let mut buffer = vec![0; UDP_BUFFER];
    loop {
        wait_to_read(&socket, until)?;
        let length = match socket.recv(&mut buffer) {
            Ok(length) => length,
            Err(error) if is_passing(&error) => continue,
            Err(error) => return Err(error),
        };
        match question.read(&buffer[..length], Over::Udp) {
            Reading::Stray => {}
            Reading::AskByTcp => return Ok(None),
            Reading::Reply(reply) => return Ok(Some(reply)),
        }
    }
}

fn by_tcp(
    server: SocketAddr,
    question: &Question,
    octets: &[u8],
    until: Instant,
) -> io::Result<Reply> {
    let mut stream = TcpStream::connect_timeout(&server, left(until)?).map_err(in_time)?;
    stream.set_write_timeout(Some(left(until)?))?;
    let length = u16::try_from(octets.len()).map_err(io::Error::other)?;
    // At once, or some servers see a question without its end (RFC 7766 §8).
    stream
        .write_all(&[&length.to_be_bytes()[..], octets].concat())
        .map_err(in_time)?;
    stream.set_nonblocking(true)?;
    let mut length = [0; 2];
    read_exact(&mut stream, &mut length, until)?;
    let mut buffer = vec![0; usize::from(u16::from_be_bytes(length))];
    read_exact(&mut stream, &mut buffer, until)?;
    match question.read(&buffer, Over::Tcp) {
        Reading::Reply(reply) => Ok(reply),
        Reading::Stray | Reading::AskByTcp => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "not an answer to the question",
        )),
    }
}

/// Fills `buffer`; `until` bounds all of it, not each read.
fn read_exact(stream: &mut TcpStream, buffer: &mut [u8], until: Instant) -> io::Result<()> {
    let mut filled = 0;
    while filled < buffer.len() {
        wait_to_read(stream, until)?;
        match stream.read(&mut buffer[filled..]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => filled += length,
            Err(error) if is_passing(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn wait_to_read(socket: &impl AsFd, until: Instant) -> io::Result<()> {
    let mut fds = [PollFd::new(socket, PollFlags::IN)];
    match wait_for(&mut fds, until)? {
        true => Ok(()),
        false => Err(io::ErrorKind::TimedOut.into()),
    }
}

fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        Err(io::ErrorKind::TimedOut.into())
    } else {
        Ok(left)
    }
}

/// A wait of a socket that is over is called `WouldBlock` on some systems.
fn in_time(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
}
