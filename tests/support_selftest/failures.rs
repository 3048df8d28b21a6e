//! Whatever a client does beside its dialogue fails, with a report that says where.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::client::{Client, GROUP};
use super::support::{Dialogue, Options, Server};

/// What `finish` says against the client.
pub fn complaint(server: Server) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| server.finish())).unwrap_err();
    *panic.downcast::<String>().unwrap()
}

fn patient_for(milliseconds: u64) -> Options {
    Options::default().patience(Duration::from_millis(milliseconds))
}

#[test]
fn sending_ahead_of_a_lockstep_server_fails() {
    let server = Server::file("plain-lockstep");
    let mut client = Client::connect(&server);
    client.hear(&["220"]);
    client.ask("EHLO c.test\r\n", "250");
    client.say(GROUP);
    client.hear_end();
    let complaint = complaint(server);
    assert!(complaint.contains("QUIET"), "{complaint}");
    assert!(complaint.contains("RCPT TO:<b@example.com>"), "{complaint}");
}

#[test]
fn an_unvisited_dialogue_fails() {
    assert!(complaint(Server::file("login")).contains("the dialogue login was not visited"));
}

#[test]
fn a_visit_to_an_unvisited_server_fails() {
    Server::unvisited().finish();
    let server = Server::unvisited();
    Client::connect(&server).hear_end();
    assert!(complaint(server).contains("a connection came"));
}

#[test]
fn an_unfinished_dialogue_fails() {
    let server = Server::file("plain-pipelining");
    let mut client = Client::connect(&server);
    client.hear(&["220"]);
    client.say("EHLO c.te");
    drop(client);
    let complaint = complaint(server);
    assert!(complaint.contains("EHLO c.te (then closed)"), "{complaint}");
}

#[test]
fn a_surprise_fails_and_shows_where() {
    let server = Server::text("S: 220 x\nC: EHLO *\nS: 250 x\nC: QUIT");
    let mut client = Client::connect(&server);
    client.hear(&["220"]);
    client.ask("EHLO c.test\r\n", "250");
    client.say("NOOP\r\n");
    client.hear_end();
    assert_eq!(
        complaint(server),
        "connection 1: the dialogue (inline) was surprised
  at line 4: C: QUIT
  expected: C: QUIT
  got:      NOOP
  so far:
    S: 220 x
    C: EHLO c.test
    S: 250 x
    C: NOOP"
    );
}

#[test]
fn a_word_after_the_end_fails() {
    let server = Server::text("S: 220 x\nC: QUIT\nS: 221 x");
    let mut client = Client::connect(&server);
    client.ask("QUIT\r\nNOOP\r\n", "220");
    client.hear_end();
    assert!(complaint(server).contains("at its end"));
}

#[test]
fn a_bare_line_feed_fails() {
    let server = Server::text("C: MAIL*");
    let mut client = Client::connect(&server);
    client.say("MAIL FROM:<a>\nRCPT TO:<b>\r\n");
    client.hear_end();
    assert!(complaint(server).contains(r"MAIL FROM:<a>\nRCPT TO:<b>"));
}

#[test]
fn a_client_that_hangs_is_given_up() {
    let server = Server::start([Dialogue::text("C: EHLO *")], patient_for(50));
    let client = Client::connect(&server);
    assert!(complaint(server).contains("nothing for 50ms"));
    drop(client);
}

#[test]
fn a_client_that_only_writes_is_stuck_against_narrow_buffers() {
    let text = "REPEAT 200000\nC: NOOP\nS: 250 2.0.0 nothing was done, and done well\nEND";
    let options = patient_for(300).narrow();
    let server = Server::start([Dialogue::text(text)], options);
    let mut client = Client::connect(&server);
    let commands = "NOOP\r\n".repeat(200_000);
    let writing = client.stream.get_mut().write_all(commands.as_bytes());
    assert!(writing.is_err() || complaint(server).contains("a client that reads the replies"));
}

#[test]
fn dialogues_with_mistakes_name_the_line() {
    for (text, mistake) in [
        ("S: 220 x\nHELLO", "x:2: HELLO: unknown step"),
        ("REPEAT 2\nQUIET", "x:1: REPEAT without END"),
        ("END", "x:1: END: nothing to end"),
        ("TLS nice", "x:1: TLS nice: \"nice\" is no certificate"),
        ("S~ \\q", "x:1: S~ \\q: unknown escape in \"\\\\q\""),
        ("DROP it", "x:1: DROP it: DROP takes nothing, found \"it\""),
        ("DROP\nEOF", "x:2: EOF: never reached"),
        ("# nothing", "x: no steps"),
    ] {
        assert_eq!(Dialogue::parse("x", text).unwrap_err(), mistake);
    }
}
