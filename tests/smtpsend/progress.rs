//! How far a large message is, on a terminal.

use std::fs;

use crate::support::{Server, Terminal};

const DIALOGUE: &str = "S: 220 mail.test\nC: EHLO *\nS: 250-mail.test\nS: 250 PIPELINING\nC: MAIL FROM:<a@x.org>\n\
     C: RCPT TO:<b@x.org>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nBODY\nS: 250 taken\nC? QUIT\n";

/// What stands on the terminal when a file of so many octets was sent.
fn told(octets: usize, more: &[&str]) -> String {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    fs::write(&file, vec![0; octets]).unwrap();
    let server = Server::text(DIALOGUE);
    let address = server.addr().to_string();
    let file = file.to_str().unwrap();
    let args = [
        "-S", &address, "--tls", "none", "-f", "a@x.org", "--to", "b@x.org", "--body", "x", "-a",
        file,
    ];
    let mut terminal = Terminal::run(home.path(), args.iter().chain(more));
    assert_eq!(terminal.ends().code(), Some(0));
    server.finish();
    terminal.rest()
}

#[test]
fn a_large_message_is_watched_on_a_terminal_and_leaves_nothing_there() {
    let told = told(2 << 20, &[]);
    assert!(told.contains("/2.7 MiB "), "{told}");
    assert!(told.ends_with("\r\u{1b}[K"), "{told:?}");
}

#[test]
fn a_small_message_and_one_that_nobody_wants_to_watch_are_not() {
    assert_eq!(told(1 << 10, &[]), "");
    assert_eq!(told(2 << 20, &["--progress", "never"]), "");
    assert_eq!(told(2 << 20, &["--quiet"]), "");
}
