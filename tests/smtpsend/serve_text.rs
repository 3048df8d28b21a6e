//! The text of a message given to `sendmail -bs`: its dots, its end, its limits; and what leaves of it.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use crate::serve::{HELLO, caller, relayed, replies};
use crate::support::Server;

const TAKES_ALL: &str = "
    C: MAIL FROM:<me@x.org> BODY=8BITMIME
    S: 250 ok
    C: RCPT TO:<a@x.org>
    S: 250 ok
    C: DATA
    S: 354 go
    BODY
    S: 250 taken
    C: QUIT";

const HEADER: &str =
    "From: me@x.org\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <1@x.org>\r\n";

/// What arrives as the body of this text, sent by a caller whose commands end with CRLF.
#[track_caller]
fn arrives(text: &str) -> String {
    let input = format!(
        "MAIL FROM:<me@x.org>\r\nRCPT TO:<a@x.org>\r\nDATA\r\n{HEADER}\r\n{text}\r\n.\r\nNOOP\r\n"
    );
    let (replies, transcript) = relayed(TAKES_ALL, &input, |call| call);
    // The command behind the end was one, and nothing before it was.
    assert_eq!(replies[3..], ["250 taken", "250 2.0.0 ok"]);
    let text = transcript.message().text();
    let (header, body) = text.split_once("\r\n\r\n").unwrap();
    assert_eq!(format!("{header}\r\n"), HEADER);
    body.to_owned()
}

#[test]
fn dots_are_what_they_were_before_they_were_doubled() {
    for (text, body) in [
        ("..", ".\r\n"),
        ("...\r\na.\r\n..b", "..\r\na.\r\n.b\r\n"),
        ("..\r\n", ".\r\n\r\n"),
    ] {
        assert_eq!(arrives(text), body);
    }
}

#[test]
fn no_end_but_the_callers_own_lets_a_second_message_in() {
    let second = "MAIL FROM:<other@x.org>\r\nRCPT TO:<c@x.org>\r\nDATA\r\nsecond";
    for (end, within) in [
        ("\n.\n", "\r\n.\r\n"),
        ("\n.\r\n", "\r\n.\r\n"),
        ("\r\n.\n", "\r\n\r\n"),
    ] {
        let body = arrives(&format!("first{end}{second}"));
        assert_eq!(body, format!("first{within}{second}\r\n"), "{end:?}");
    }
    // These no server may be sent as they are.
    for end in ["\r.\r", "\r.\r\n", "\r\n.\r", "\r\n\0.\r\n", "\r.\n"] {
        let text = format!("\r\nfirst{end}{second}\r\n.\r\nNOOP\r\n");
        let start = format!("MAIL FROM:<me@x.org>\r\nRCPT TO:<a@x.org>\r\nDATA\r\n{HEADER}");
        let (replies, transcript) = relayed(TAKES_ALL, &format!("{start}{text}"), |call| {
            call.stderr_has("it is sent encoded")
        });
        assert_eq!(replies[3..], ["250 taken", "250 2.0.0 ok"], "{end:?}");
        let arrived = transcript.message().text();
        assert!(arrived.contains("Content-Transfer-Encoding: quoted-printable\r\n"));
        assert!(!arrived.replace("\r\n", "").contains(['\r', '\n', '\0']));
        let body = arrived.split_once("\r\n\r\n").unwrap().1;
        assert!(
            body.starts_with("first") && body.ends_with("\r\nDATA\r\nsecond\r\n"),
            "{body:?}"
        );

        let input = format!("{start}Content-Type: multipart/mixed\r\n{text}");
        let dialogue = TAKES_ALL.split_once("C: DATA").unwrap().0;
        let (replies, _) = relayed(&format!("{dialogue}C: QUIT"), &input, |call| {
            call.stderr_has("of the message has")
        });
        assert!(replies[3].starts_with("554 5.6.0 "), "{end:?}: {replies:?}");
        assert_eq!(replies[4..], ["250 2.0.0 ok"]);
    }
}

#[test]
fn a_script_that_writes_bare_line_ends_is_understood() {
    let input =
        "EHLO me\nMAIL FROM: me@x.org\nRCPT TO: a@x.org\nDATA\nSubject: x\n\n..one\ntwo\n.\nQUIT\n";
    let (replies, transcript) = relayed(TAKES_ALL, input, |call| call);
    assert_eq!(replies[replies.len() - 2], "250 taken");
    let text = transcript.message().text();
    assert!(text.ends_with("\r\n\r\n.one\r\ntwo\r\n"), "{text}");
}

#[test]
fn an_empty_text_is_a_message() {
    let input = "MAIL FROM:<me@x.org>\r\nRCPT TO:<a@x.org>\r\nDATA\r\n.\r\n";
    let (replies, transcript) = relayed(TAKES_ALL, input, |call| call);
    assert_eq!(replies[3], "250 taken");
    let text = transcript.message().text();
    assert!(
        text.starts_with("From: me@x.org\r\n") && text.ends_with("\r\n\r\n"),
        "{text}"
    );
}

#[test]
fn what_is_too_large_is_refused_before_it_is_sent() {
    let announced = "MAIL FROM:<me@x.org> SIZE=99999999999\r\nNOOP\r\n";
    let output = caller("127.0.0.1:1", announced).run();
    let told = replies(&output);
    assert!(told[0].starts_with("552 5.3.4 "), "{told:?}");
    let long = "x".repeat(990);
    let input = format!(
        "MAIL FROM:<me@x.org>\r\nRCPT TO:<a@x.org>\r\nDATA\r\n{}.\r\nNOOP\r\n",
        format!("{long}\r\n").repeat(1100)
    );
    let dialogue = TAKES_ALL.split_once("C: DATA").unwrap().0;
    let (told, _) = relayed(&format!("{dialogue}C: QUIT"), &input, |call| {
        call.stderr_has("(SIZE)")
    });
    assert!(told[3].starts_with("552 5.3.4 "), "{told:?}");
}

#[test]
fn a_large_text_goes_through_and_comes_out_whole() {
    let body: String = (0..40_000).map(|n| format!("line {n} of it\r\n")).collect();
    assert_eq!(arrives(body.trim_end()), body);
}

/// A caller as libraries are: each command waits for the reply to the one before.
#[test]
fn a_library_that_waits_for_each_reply_gets_it() {
    let server = Server::text(&format!("{HELLO}{TAKES_ALL}"));
    let (near, far) = UnixStream::pair().unwrap();
    let stdin = File::from(OwnedFd::from(far.try_clone().unwrap()));
    let call = caller(&server.addr().to_string(), "")
        .stdin_from(&stdin)
        .stdout_to(OwnedFd::from(far));
    drop(stdin);
    let running = std::thread::spawn(move || call.run());
    let mut lines = BufReader::new(near.try_clone().unwrap());
    let mut caller = near;
    let mut reply = move || {
        loop {
            let mut line = String::new();
            lines.read_line(&mut line).unwrap();
            if line.as_bytes()[3] == b' ' {
                return line[..3].to_owned();
            }
        }
    };
    assert_eq!(reply(), "220");
    for (said, code) in [
        ("ehlo [127.0.1.1]\r\n", "250"),
        ("mail FROM:<me@x.org>\r\n", "250"),
        ("rcpt TO:<a@x.org>\r\n", "250"),
        ("data\r\n", "354"),
        ("Subject: x\r\n\r\n..dot\r\n.\r\n", "250"),
        ("quit\r\n", "221"),
    ] {
        caller.write_all(said.as_bytes()).unwrap();
        assert_eq!(reply(), code, "{said}");
    }
    running.join().unwrap();
    assert!(
        server
            .finish()
            .message()
            .text()
            .ends_with("\r\n\r\n.dot\r\n")
    );
}
