//! A long way between client and server, for kernels without netem: holds every packet of one netfilter queue for a
//! fixed time.
//!
//! Runs in the namespace as a process of its own (`bench link MICROSECONDS`), prints a line when it is ready, and ends
//! with its standard input. Packets stay in the kernel: of each only its number is seen, and a verdict given when its
//! time has come, in the order of arrival. So handshakes, windows and acknowledgements all take the long way. No loss,
//! no limit to the rate. Linux's `nfnetlink_queue.h` has the numbers.
//!
//! `ping` needs its option `-U` to see it all: otherwise it goes by the time at which a packet came to the interface,
//! which is before it is held.

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::netlink::{NETFILTER, SocketAddrNetlink};
use rustix::net::sockopt::set_socket_recv_buffer_size;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, sendto, socket_with,
};

/// The number of the queue; a namespace has its own.
pub(crate) const QUEUE: u16 = 1;

/// Subsystem `NFNL_SUBSYS_QUEUE`, in the upper half of a message's type.
const SUBSYSTEM: u16 = 3 << 8;
const PACKET: u16 = SUBSYSTEM;
const CONFIG: u16 = SUBSYSTEM | 2;
const VERDICT_BATCH: u16 = SUBSYSTEM | 3;
/// `NLMSG_ERROR`, which is also how success is told.
const ERROR: u16 = 2;
/// `NLM_F_REQUEST`, and the same with `NLM_F_ACK`.
const REQUEST: u16 = 1;
const REQUEST_ACK: u16 = 5;
/// Packets that may be on their way at once.
const LENGTH: u32 = 65_536;

/// The link's process, to the end of its standard input.
pub(crate) fn run(delay: Duration) -> Result<()> {
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        flags,
        Some(NETFILTER),
    )?;
    bind(&socket, &SocketAddrNetlink::new(0, 0))?;
    set_socket_recv_buffer_size(&socket, 8 << 20)?;
    // Bind to the queue; copy nothing of a packet; the queue's length; take packets before they are segmented.
    configure(&socket, 1, &[1, 0, 0, 0])?;
    configure(&socket, 2, &[0, 0, 0, 0, 1])?;
    configure(&socket, 3, &LENGTH.to_be_bytes())?;
    let offload = [
        attribute(4, &4_u32.to_be_bytes()),
        attribute(5, &4_u32.to_be_bytes()),
    ]
    .concat();
    request(&socket, &offload)?;
    println!("ready");
    io::stdout().flush()?;
    forward(&socket, delay)
}

fn forward(socket: &OwnedFd, delay: Duration) -> Result<()> {
    let mut held: VecDeque<(Instant, u32)> = VecDeque::new();
    let input = io::stdin();
    loop {
        let now = Instant::now();
        let due = held.iter().take_while(|(time, _)| *time <= now).count();
        if let Some((_, last)) = held.drain(..due).next_back() {
            let verdict = [1_u32.to_be_bytes(), last.to_be_bytes()].concat();
            send(socket, VERDICT_BATCH, REQUEST, &attribute(2, &verdict))?;
        }
        let wait = held
            .front()
            .map(|(time, _)| time.saturating_duration_since(Instant::now()));
        let wait = wait.map(Timespec::try_from).transpose()?;
        let mut ready = [
            PollFd::new(socket, PollFlags::IN),
            PollFd::new(&input, PollFlags::IN),
        ];
        poll(&mut ready, wait.as_ref())?;
        if !ready[1].revents().is_empty() {
            return Ok(());
        }
        if ready[0].revents().is_empty() {
            continue;
        }
        let mut buffer = [0; 65_536];
        match recv(socket, &mut buffer[..], RecvFlags::DONTWAIT) {
            Ok((_, length)) => {
                let due = Instant::now() + delay;
                held.extend(
                    messages(&buffer[..length])
                        .filter_map(packet)
                        .map(|packet| (due, packet)),
                );
            }
            // Lost for the kernel has no room to tell us: it drops the packet, as a network would.
            Err(rustix::io::Errno::NOBUFS | rustix::io::Errno::AGAIN) => {}
            Err(error) => return Err(error).context("the queue"),
        }
    }
}

fn configure(socket: &OwnedFd, kind: u16, value: &[u8]) -> Result<()> {
    request(socket, &attribute(kind, value))
}

fn request(socket: &OwnedFd, attributes: &[u8]) -> Result<()> {
    send(socket, CONFIG, REQUEST_ACK, attributes)?;
    let mut buffer = [0; 4_096];
    let (_, length) = recv(socket, &mut buffer[..], RecvFlags::empty())?;
    for (kind, payload) in messages(&buffer[..length]) {
        if kind == ERROR {
            match payload.first_chunk() {
                Some(code) if *code == [0; 4] => return Ok(()),
                Some(code) => {
                    let error = io::Error::from_raw_os_error(-i32::from_ne_bytes(*code));
                    return Err(error).context("netfilter's queue");
                }
                None => {}
            }
        }
    }
    bail!("netfilter's queue: no answer")
}

fn send(socket: &OwnedFd, kind: u16, flags: u16, attributes: &[u8]) -> Result<()> {
    let mut message = Vec::with_capacity(20 + attributes.len());
    message.extend((20 + attributes.len() as u32).to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend([0; 8]);
    // The family (none), the version (0) and the queue.
    message.extend([0, 0]);
    message.extend(QUEUE.to_be_bytes());
    message.extend(attributes);
    sendto(
        socket,
        &message,
        SendFlags::empty(),
        &SocketAddrNetlink::new(0, 0),
    )?;
    Ok(())
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut attribute = Vec::with_capacity(4 + value.len().next_multiple_of(4));
    attribute.extend((4 + value.len() as u16).to_ne_bytes());
    attribute.extend(kind.to_ne_bytes());
    attribute.extend(value);
    attribute.resize(attribute.len().next_multiple_of(4), 0);
    attribute
}

/// The messages in what was received, each with its type and what stands after its header.
fn messages(mut octets: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = u32::from_ne_bytes(*octets.first_chunk()?) as usize;
        let kind = u16::from_ne_bytes(*octets.get(4..)?.first_chunk()?);
        let payload = octets.get(16..length)?;
        octets = octets.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, payload))
    })
}

/// The number of the packet that a message is about: in its attribute 1, after four octets of its own header.
fn packet((kind, payload): (u16, &[u8])) -> Option<u32> {
    if kind != PACKET {
        return None;
    }
    let mut attributes = payload.get(4..)?;
    loop {
        let length = usize::from(u16::from_ne_bytes(*attributes.first_chunk()?));
        let kind = u16::from_ne_bytes(*attributes.get(2..)?.first_chunk()?);
        if kind == 1 {
            return Some(u32::from_be_bytes(*attributes.get(4..)?.first_chunk()?));
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
}
