//! Connects that are staggered: a port that swallows them costs a moment, not a timeout.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::parts::{DELIVERY, WITHIN_TLS, call_from, secure_server};
use crate::support::{Server, Smtpsend, ca_pem};

/// A port that answers no connect: its queue is full.
pub(crate) struct Hole {
    listener: TcpListener,
    _queued: Vec<TcpStream>,
}

impl Hole {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        // A second listen(2) shortens the queue.
        rustix::net::listen(&listener, 0).unwrap();
        let address = listener.local_addr().unwrap();
        let moment = Duration::from_millis(50);
        let queued =
            std::iter::from_fn(|| TcpStream::connect_timeout(&address, moment).ok()).collect();
        Self {
            listener,
            _queued: queued,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }
}

/// `hello` to the hole and then to this server.
fn call(hole: &Hole, server: &Server) -> Smtpsend {
    call_from(Smtpsend::new())
        .args(["--to", "b@example.com", "--server"])
        .arg(format!("{},{}", hole.address(), server.addr()))
        .arg("--ca-file")
        .arg(ca_pem())
}

#[test]
fn a_port_that_swallows_connects_costs_a_moment() {
    let (hole, server) = (Hole::new(), secure_server(&[WITHIN_TLS, DELIVERY]));
    let start = Instant::now();
    let json = call(&hole, &server)
        .arg("--json")
        .stdout_any()
        .stderr_has(format!("warning: {}: no answer within ", hole.address()))
        .run()
        .json();
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(json["attempts"][0]["outcome"], "timeout");
    assert_eq!(json["attempts"][1]["outcome"], "connected");
    server.finish();
}

#[test]
fn a_port_that_was_overtaken_is_given_its_time_when_the_other_fails() {
    let (hole, server) = (Hole::new(), Server::text("S: 554 no\nC? QUIT"));
    let json = call(&hole, &server)
        .args(["--connect-timeout", "0.6", "--json"])
        .fails_with(69)
        .stdout_any()
        .stderr_has(format!("{}: no answer within 0.6 s\n", hole.address()))
        .stderr_has(format!("{}: greeting: 554 no\n", server.addr()))
        .run()
        .json();
    assert_eq!(json["attempts"][0]["outcome"], "timeout");
    assert_eq!(json["attempts"][1]["outcome"], "no-greeting");
    server.finish();
}

#[test]
fn the_deadline_holds_over_all_rungs() {
    let (hole, server) = (Hole::new(), Server::text("WAIT"));
    let start = Instant::now();
    call(&hole, &server)
        .args(["--deadline", "0.8"])
        .fails_with(75)
        .stderr_has(format!("{}: ", hole.address()))
        .stderr_has("greeting: the deadline is over\n")
        .run();
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    server.finish();
}

#[test]
fn a_rung_is_not_begun_after_the_deadline() {
    let (first, second) = (Server::text("WAIT"), Server::unvisited());
    call_from(Smtpsend::new())
        .args(["--to", "b@example.com", "--deadline", "0.3", "--server"])
        .arg(format!("{},{}", first.addr(), second.addr()))
        .fails_with(75)
        .stderr_has("greeting: the deadline is over\n")
        .run();
    first.finish();
    second.finish();
}
