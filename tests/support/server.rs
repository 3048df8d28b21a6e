//! A server on loopback that plays dialogues, and fails the test when the client does something else.
//!
//! A thread accepts; each connection takes the next dialogue and a thread of its own, so that clients
//! which open several at once meet a server that serves several. Every wait has an end.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::sockopt;

use super::dialogue::{Action, Dialogue, Step};
use super::gate::Gate;
use super::session;
use super::tls::Offer;
use super::transcript::{Transcript, Visit};
use super::wire::Wire;

/// How the server goes about its dialogues.
#[derive(Clone, Debug)]
pub struct Options {
    plan: Plan,
    security: Security,
    buffers: Buffers,
    patience: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    OneEach,
    EveryConnection,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Security {
    AsWritten,
    Implicit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Buffers {
    Usual,
    Narrow,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            plan: Plan::OneEach,
            security: Security::AsWritten,
            buffers: Buffers::Usual,
            patience: Duration::from_secs(20),
        }
    }
}

impl Options {
    /// The first dialogue is played to every connection, of which there must be at least one.
    pub fn every_connection(mut self) -> Self {
        self.plan = Plan::EveryConnection;
        self
    }

    /// Begins each dialogue with a handshake, so that files serve both kinds of TLS.
    pub fn implicit_tls(mut self) -> Self {
        self.security = Security::Implicit;
        self
    }

    /// Socket buffers of a few kilobytes: a client that writes without reading is stuck early.
    pub fn narrow(mut self) -> Self {
        self.buffers = Buffers::Narrow;
        self
    }

    /// The longest wait for anything from the client; default 20 s.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}

/// A server with a plan. Ask for its [`finish`](Server::finish), or it has proved nothing.
#[must_use]
pub struct Server {
    address: SocketAddr,
    names: Vec<String>,
    plan: Plan,
    /// Closing it ends the accepting thread.
    bell: UnixStream,
    held: Mutex<Receiver<()>>,
    go: Sender<()>,
    thread: JoinHandle<Vec<Visit>>,
}

impl Server {
    /// Plays the dialogues, one to each connection, in order.
    pub fn start(dialogues: impl IntoIterator<Item = Dialogue>, options: Options) -> Self {
        let mut dialogues: VecDeque<Dialogue> = dialogues.into_iter().collect();
        if options.security == Security::Implicit {
            dialogues.iter_mut().for_each(begin_with_tls);
        }
        let names = dialogues.iter().map(|d| d.name.clone()).collect();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        if options.buffers == Buffers::Narrow {
            sockopt::set_socket_recv_buffer_size(&listener, 4096).unwrap();
            sockopt::set_socket_send_buffer_size(&listener, 4096).unwrap();
        }
        let address = listener.local_addr().unwrap();
        let (bell, rung) = UnixStream::pair().unwrap();
        let plan = options.plan;
        let (gate, held, go) = Gate::new();
        let thread =
            std::thread::spawn(move || accept(&listener, &rung, dialogues, &options, gate));
        Self {
            address,
            names,
            plan,
            bell,
            held: Mutex::new(held),
            go,
            thread,
        }
    }

    /// Plays the file `tests/dialogues/NAME.smtp` once.
    #[track_caller]
    pub fn file(name: &str) -> Self {
        Self::start([Dialogue::file(name)], Options::default())
    }

    /// Plays this text once.
    #[track_caller]
    pub fn text(text: &str) -> Self {
        Self::start([Dialogue::text(text)], Options::default())
    }

    /// A server to which nobody may connect.
    pub fn unvisited() -> Self {
        Self::start([], Options::default())
    }

    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Waits until a dialogue has come to a `HOLD`.
    ///
    /// # Panics
    /// When none does.
    #[track_caller]
    pub fn holds(&self) {
        let held = self.held.lock().unwrap();
        let held = held.recv_timeout(Duration::from_secs(60));
        assert!(held.is_ok(), "no dialogue came to HOLD");
    }

    /// Lets a dialogue that was held go on.
    pub fn go_on(&self) {
        self.go.send(()).unwrap();
    }

    /// Waits for the connections that have come, and tells what came of them. To be called when the
    /// client is done: a dialogue nobody has come for by now is not visited.
    ///
    /// # Panics
    /// When a dialogue was not visited, not finished or surprised, with all that was said so far.
    #[track_caller]
    pub fn finish(self) -> Transcript {
        drop((self.bell, self.go));
        let mut visits = self.thread.join().expect("the server's own thread failed");
        let mut failures: Vec<String> = Vec::new();
        for (number, visit) in visits.iter_mut().enumerate() {
            if let Some(mishap) = visit.mishap.take() {
                failures.push(format!("connection {}: {mishap}", number + 1));
            }
        }
        let visited = match self.plan {
            Plan::EveryConnection if !visits.is_empty() => self.names.len(),
            _ => visits.len(),
        };
        for name in self.names.iter().skip(visited) {
            failures.push(format!("the dialogue {name} was not visited"));
        }
        assert!(failures.is_empty(), "{}", failures.join("\n\n"));
        let mut transcript = Transcript::default();
        visits.iter_mut().for_each(|visit| transcript.add(visit));
        transcript
    }
}

/// A port of 127.0.0.1 at which nobody listens.
pub fn closed_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

fn begin_with_tls(dialogue: &mut Dialogue) {
    let step = Step {
        line: 0,
        text: "TLS".to_owned(),
        action: Action::Handshake(Offer::parse("").unwrap()),
    };
    dialogue.steps.insert(0, step);
}

fn accept(
    listener: &TcpListener,
    rung: &UnixStream,
    mut dialogues: VecDeque<Dialogue>,
    options: &Options,
    gate: Gate,
) -> Vec<Visit> {
    let gate = Arc::new(gate);
    let mut playing = Vec::new();
    while let Some(connection) = next(listener, rung) {
        let dialogue = match options.plan {
            Plan::OneEach => dialogues.pop_front(),
            Plan::EveryConnection => dialogues.front().cloned(),
        };
        let patience = options.patience;
        let gate = Arc::clone(&gate);
        playing.push(std::thread::spawn(move || match dialogue {
            Some(dialogue) => match Wire::new(connection, patience) {
                Ok(wire) => session::play(&dialogue, wire, patience, &gate),
                Err(error) => panic!("{error}"),
            },
            None => Visit::unexpected(),
        }));
    }
    playing
        .into_iter()
        .map(|thread| thread.join().expect("a dialogue's own thread failed"))
        .collect()
}

/// The next connection; `None` once the bell was rung and nobody is left in the queue.
fn next(listener: &TcpListener, rung: &UnixStream) -> Option<TcpStream> {
    loop {
        let mut fds = [
            PollFd::new(listener, PollFlags::IN),
            PollFd::new(rung, PollFlags::IN),
        ];
        poll(&mut fds, None).unwrap();
        match listener.accept() {
            Ok((connection, _)) => return Some(connection),
            Err(_) if !fds[1].revents().is_empty() => return None,
            Err(_) => {}
        }
    }
}
