//! `sendmail -bs` when the session with the server ends: between two commands, in the message, behind it.

use rustix::process::Signal;

use crate::serve::{HELLO, caller, replies};
use crate::support::{Dialogue, Options, Server, Smtpsend, Transcript, closed_port};

const ENVELOPE: &str = "MAIL FROM:<me@x.org>\r\nRCPT TO:<a@x.org>\r\nRCPT TO:<b@x.org>\r\n";
const MESSAGE: &str = "DATA\r\nFrom: me@x.org\r\nMessage-ID: <1@x.org>\r\n\r\nhello\r\n.\r\n";

const MAIL: &str = "C: MAIL FROM:<me@x.org> BODY=8BITMIME
                    S: 250 ok
                    ";
const RCPT_A: &str = "C: RCPT TO:<a@x.org>
                      S: 250 2.1.5 a
                      ";
const RCPT_B: &str = "C: RCPT TO:<b@x.org>
                      S: 250 2.1.5 b
                      ";
const DATA: &str = "C: DATA
                    S: 354 go
                    BODY
                    S: 250 2.0.0 taken
                    C: QUIT";

/// What is told to who sends to a and b, when the server behind says these, one a session.
#[track_caller]
fn told(
    dialogues: &[&[&str]],
    call: impl FnOnce(Smtpsend) -> Smtpsend,
) -> (Vec<String>, Transcript) {
    let dialogues = dialogues
        .iter()
        .map(|steps| Dialogue::text(&format!("{HELLO}{}", steps.concat())));
    let server = Server::start(dialogues, Options::default());
    let caller = caller(
        &server.addr().to_string(),
        format!("{ENVELOPE}{MESSAGE}QUIT\r\n"),
    );
    let output = call(caller).run();
    let mut replies = replies(&output);
    assert!(replies.pop().unwrap().starts_with("221 "));
    (replies, server.finish())
}

const ALL_WELL: [&str; 5] = [
    "250 ok",
    "250 2.1.5 a",
    "250 2.1.5 b",
    "354 go on, and end with a dot alone in a line",
    "250 2.0.0 taken",
];

#[test]
fn a_session_that_ends_before_the_message_has_left_is_followed_by_another() {
    let again: &[&str] = &[MAIL, RCPT_A, RCPT_B, DATA];
    let closing = "S: 421 4.4.2 too slow\n";
    for first in [
        &[MAIL, "DROP"][..],
        &[MAIL, RCPT_A, "DROP"],
        &[MAIL, RCPT_A, "C: RCPT TO:<b@x.org>\nDROP"],
        &[MAIL, RCPT_A, "C: RCPT TO:<b@x.org>\n", closing],
        &[MAIL, RCPT_A, RCPT_B, "C: DATA\nDROP"],
        &[MAIL, RCPT_A, RCPT_B, "C: DATA\n", closing],
        &[MAIL, RCPT_A, RCPT_B, "C: DATA\nRESET"],
    ] {
        let (replies, transcript) = told(&[first, again], |call| call);
        assert_eq!(replies, ALL_WELL, "{first:?}");
        assert_eq!(transcript.connections, 2);
        assert!(transcript.message().text().contains("<1@x.org>"));
    }
}

#[test]
fn a_session_that_is_closed_while_nothing_is_on_is_followed_by_another() {
    let first = Dialogue::text(&format!(
        "{HELLO}{MAIL}{RCPT_A}{RCPT_B}{}",
        DATA.replace("C: QUIT", "S: 421 idle")
    ));
    let second = Dialogue::text(&format!("{HELLO}{MAIL}{RCPT_A}{RCPT_B}{DATA}"));
    let server = Server::start([first, second], Options::default());
    let input = format!("{ENVELOPE}{MESSAGE}{ENVELOPE}{MESSAGE}");
    let output = caller(&server.addr().to_string(), input).run();
    assert_eq!(replies(&output), [ALL_WELL, ALL_WELL].concat());
    assert_eq!(server.finish().messages.len(), 2);
}

#[test]
fn who_is_no_longer_accepted_is_told_before_anybody_has_the_message() {
    let (replies, transcript) = told(
        &[
            &[MAIL, RCPT_A, RCPT_B, "C: DATA\nDROP"],
            &[MAIL, "C: RCPT TO:<a@x.org>\nS: 550 5.1.1 gone\nC: QUIT"],
        ],
        |call| call.stderr_has("no longer"),
    );
    assert!(replies[4].starts_with("451 4.4.1 "), "{replies:?}");
    assert!(replies[4].contains("550 5.1.1 gone"), "{replies:?}");
    assert!(transcript.messages.is_empty());
}

#[test]
fn a_server_that_closes_what_was_just_opened_is_not_called_again() {
    let (replies, transcript) = told(
        &[&["C: MAIL FROM:<me@x.org> BODY=8BITMIME\nS: 421 4.7.0 not today"][..]],
        |call| call.stderr_has("421 4.7.0 not today"),
    );
    assert!(replies[0].starts_with("451 4.4.1 "), "{replies:?}");
    assert!(replies[0].ends_with("421 4.7.0 not today"), "{replies:?}");
    assert_eq!(transcript.connections, 1);
}

#[test]
fn a_session_that_ends_behind_the_message_leaves_it_uncertain() {
    for end in ["DROP", "RESET", "S: 354 what"] {
        let data = format!("C: DATA\nS: 354 go\nBODY\n{end}");
        let (replies, transcript) = told(&[&[MAIL, RCPT_A, RCPT_B, &data]], |call| {
            call.stderr_has("may have been delivered")
        });
        assert!(replies[4].starts_with("451 4.4.2 "), "{replies:?}");
        assert!(
            replies[4].contains("may have been delivered"),
            "{replies:?}"
        );
        assert_eq!(transcript.connections, 1);
    }
}

#[test]
fn what_is_said_of_data_and_of_the_message_is_handed_on() {
    for (said, told_so) in [
        ("C: DATA\nS: 554 5.5.1 no\nC: QUIT", "554 5.5.1 no"),
        ("C: DATA\nS: 451 4.3.0 later\nC: QUIT", "451 4.3.0 later"),
        (
            "C: DATA\nS: 354 go\nBODY\nS: 552 5.3.4 too much\nC: QUIT",
            "552 5.3.4 too much",
        ),
        ("C: DATA\nS: 354 go\nBODY\nS: 452 full\nC: QUIT", "452 full"),
    ] {
        let (replies, _) = told(&[&[MAIL, RCPT_A, RCPT_B, said]], |call| {
            call.stderr_has(told_so)
        });
        assert_eq!(replies[4], told_so);
    }
}

#[test]
fn without_a_server_or_a_queue_the_caller_hears_why() {
    let nowhere = format!("127.0.0.1:{}", closed_port());
    let output = caller(&nowhere, "MAIL FROM:<me@x.org>\r\nRCPT TO:<a@x.org>\r\n")
        .stderr_has("onnection refused")
        .stderr_has("hint: ")
        .run();
    let replies = replies(&output);
    assert!(replies[0].starts_with("451 4.4.1 "), "{replies:?}");
    assert!(replies[1].starts_with("503 "), "{replies:?}");
}

#[test]
fn a_server_that_does_not_know_the_chunks_it_offers_gets_the_message_by_data() {
    let hello = HELLO.replace("250-8BITMIME", "250-8BITMIME\nS: 250-CHUNKING");
    let server = Server::start(
        [
            Dialogue::text(&format!("{hello}{MAIL}{RCPT_A}{RCPT_B}BDAT\nS: 500 what?")),
            Dialogue::text(&format!("{hello}{MAIL}{RCPT_A}{RCPT_B}{DATA}")),
        ],
        Options::default(),
    );
    let output = caller(&server.addr().to_string(), format!("{ENVELOPE}{MESSAGE}")).run();
    assert_eq!(replies(&output), ALL_WELL);
    server.finish();
}

#[test]
fn a_signal_within_a_transaction_ends_it_and_nothing_was_sent() {
    let server = Server::text(&format!("{HELLO}{MAIL}C: RCPT TO:<a@x.org>\nHOLD\nWAIT"));
    let input = "MAIL FROM:<me@x.org>\r\nRCPT TO:<a@x.org>\r\n";
    let running = caller(&server.addr().to_string(), input)
        .fails_with(75)
        .stderr_has("stopped by SIGTERM within a transaction: nothing of it was sent")
        .start();
    server.holds();
    running.signal(Signal::TERM);
    let told = replies(&running.ends());
    assert!(told[1].starts_with("451 4.4.1 "), "{told:?}");
    assert!(server.finish().messages.is_empty());
}
