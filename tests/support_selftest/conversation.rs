//! Dialogues that are kept to pass, and leave what was said.

use std::io::{BufRead, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::client::{BODY, Client, GROUP};
use super::support::{Dialogue, Options, Server, closed_port};

#[test]
fn a_pipelined_dialogue_passes_and_keeps_the_message() {
    let server = Server::file("plain-pipelining");
    let mut client = Client::connect(&server);
    client.hear(&["220"]);
    client.ask("EHLO c.test\r\n", "250");
    client.say(GROUP);
    client.hear(&["250", "250", "354"]);
    client.ask(BODY, "250");
    client.ask("QUIT\r\n", "221");
    drop(client);
    let transcript = server.finish();
    assert_eq!(transcript.connections, 1);
    assert_eq!(transcript.waits, 4);
    assert_eq!(transcript.lines[0], "EHLO c.test");
    assert_eq!(transcript.lines.len(), 5);
    let message = transcript.message();
    assert_eq!(message.raw, b"Subject: x\r\n\r\n..dot\r\n");
    assert_eq!(message.text(), "Subject: x\r\n\r\n.dot\r\n");
}

#[test]
fn a_lockstep_dialogue_passes_and_closing_instead_of_quit_is_fine() {
    let server = Server::file("plain-lockstep");
    let mut client = Client::connect(&server);
    client.hear(&["220"]);
    client.ask("EHLO c.test\r\n", "250");
    for (command, code) in GROUP.split_inclusive('\n').zip(["250", "250", "354"]) {
        client.ask(command, code);
    }
    client.ask(BODY, "250");
    drop(client);
    server.finish();
}

#[test]
fn chunks_are_joined_and_answered() {
    let server = Server::file("plain-chunking");
    let mut client = Client::connect(&server);
    client.hear(&["220"]);
    client.ask("EHLO c.test\r\n", "250");
    client.say("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 4\r\n.\r\n.BDAT 3 LAST\r\n\0\r\n");
    client.hear(&["250", "250", "250", "250"]);
    client.ask("QUIT\r\n", "221");
    drop(client);
    assert_eq!(server.finish().message().data, b".\r\n.\0\r\n");
}

#[test]
fn ten_thousand_pipelined_lines_do_not_deadlock() {
    let replies = 10_000;
    let server = Server::text(&format!(
        "REPEAT {replies}\nC: RCPT TO:*\nS: 250 2.1.5 recipient ok\nEND\nC: QUIT"
    ));
    let mut client = Client::connect(&server);
    let recipients: String = (0..replies)
        .map(|n| format!("RCPT TO:<{n}@example.com>\r\n"))
        .collect();
    client.say(&recipients);
    client.hear(&vec!["250"; replies]);
    client.say("QUIT\r\n");
    drop(client);
    let transcript = server.finish();
    assert_eq!(transcript.lines.len(), replies + 1);
    assert_eq!(transcript.lines[9_999], "RCPT TO:<9999@example.com>");
    assert_eq!(transcript.waits, 1);
}

#[test]
fn a_flood_stops_when_the_client_goes() {
    let server = Server::text(
        r"S* 100000000 250-AAAA\r\n
        EOF",
    );
    let mut client = Client::connect(&server);
    let mut line = String::new();
    client.stream.read_line(&mut line).unwrap();
    assert_eq!(line, "250-AAAA\r\n");
    drop(client);
    server.finish();
}

#[test]
fn drops_and_resets_end_the_connection() {
    for end in ["DROP", "RESET"] {
        let server = Server::text(&format!("S: 220 x\n{end}"));
        let mut client = Client::connect(&server);
        if end == "DROP" {
            client.hear(&["220"]);
        }
        client.hear_end();
        server.finish();
    }
}

#[test]
fn a_silent_server_waits_for_the_client_to_go() {
    let server = Server::text("S: 220 x\nWAIT");
    let mut client = Client::connect(&server);
    client.hear(&["220"]);
    client.say("QUIT\r\n");
    drop(client);
    assert_eq!(server.finish().lines, ["QUIT"]);
}

#[test]
fn drips_come_one_octet_at_a_time() {
    let server = Server::text(
        r"DRIP 20 220 x\r\n
        DRIP* 5 250-
        EOF",
    );
    let mut client = Client::connect(&server);
    let start = Instant::now();
    client.hear(&["220"]);
    assert!(start.elapsed() >= Duration::from_millis(100));
    let mut some = [0; 8];
    client.stream.read_exact(&mut some).unwrap();
    assert_eq!(&some, b"250-250-");
    drop(client);
    server.finish();
}

#[test]
fn connections_take_dialogues_in_order_and_may_overlap() {
    let greet = |code: &str| Dialogue::text(&format!("S: {code} x\nC: QUIT"));
    let server = Server::start([greet("220"), greet("421")], Options::default());
    let mut first = Client::connect(&server);
    let mut second = Client::connect(&server);
    second.hear(&["421"]);
    second.say("QUIT\r\n");
    first.hear(&["220"]);
    first.say("QUIT\r\n");
    drop((first, second));
    assert_eq!(server.finish().connections, 2);
}

#[test]
fn one_dialogue_can_serve_every_connection() {
    let dialogue = Dialogue::text("S: 220 x\nC? QUIT");
    let server = Server::start([dialogue], Options::default().every_connection());
    for _ in 0..3 {
        Client::connect(&server).hear(&["220"]);
    }
    assert_eq!(server.finish().connections, 3);
}

#[test]
fn a_server_dropped_without_finish_does_not_hang() {
    let server = Server::file("login");
    let client = Client::connect(&server);
    drop(server);
    drop(client);
}

#[test]
fn nobody_listens_at_a_closed_port() {
    TcpStream::connect(("127.0.0.1", closed_port())).unwrap_err();
}

#[test]
fn every_dialogue_file_is_well_formed() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dialogues");
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        Dialogue::file(path.file_stem().unwrap().to_str().unwrap());
    }
}

#[test]
fn octets_are_read_without_lines() {
    let server = Server::text(
        r"C~ \x05\x01\x00
          S~ \x05\x00
          READ 3
          DROP",
    );
    let mut client = Client::connect(&server);
    client.say("\x05\x01\0");
    let mut answer = [0; 2];
    client.stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer, [5, 0]);
    client.say("abc");
    assert!(client.hear_end().is_empty());
    assert_eq!(server.finish().waits, 1);
}
