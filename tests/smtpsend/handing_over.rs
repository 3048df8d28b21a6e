//! Which commands leave together: by what the server offers, by how large the message is, and by the options
//! for servers that stumble, as flags and as variables.

use crate::one_group::{GROUP, OFFERS, call};
use crate::parts::{CHUNKS, as_bench, call_from_message};
use crate::sized::sized;
use crate::support::{Server, Transcript};

/// The largest message that leaves together with its envelope.
const ONE_FLIGHT: usize = 32 * 1024;

const ONE_GROUP: &str = "C: MAIL *\nC: RCPT *\nBDAT\nS: 250 x\nS: 250 x\nS: 250 x\nC: QUIT";
const VERDICTS_FIRST: &str =
    "C: MAIL *\nC: RCPT *\nQUIET\nS: 250 x\nS: 250 x\nBDAT\nS: 250 x\nC: QUIT";

/// The group of two recipients with its replies, AUTH alone before it.
const AUTH_ALONE: &str = "\
C64: AUTH PLAIN \\0bench\\0hunter2
QUIET
S: 235 x
C: MAIL FROM:<a@example.com>
C: RCPT TO:<r0@example.com>
C: RCPT TO:<r1@example.com>
BDAT
S: 250 x
S: 250 x
S: 250 x
S: 250 x
C: QUIT
";

/// Sends a message of so many octets to a server that offers PIPELINING and CHUNKING.
fn send(octets: usize, dialogue: &str) -> Transcript {
    let server = Server::text(&[CHUNKS, dialogue].concat());
    call_from_message(&server, &sized(octets)).run();
    let transcript = server.finish();
    assert!(transcript.message().data == sized(octets).as_bytes());
    transcript
}

/// Calls with the flag, then with its variable: both times the server is spoken to like this.
fn by_flag_and_variable(name: &str, dialogue: &str) {
    for flag in [true, false] {
        let server = Server::text(&[OFFERS, dialogue].concat());
        let call = call(&server);
        let call = if flag {
            call.arg(format!("--{name}"))
        } else {
            call.env(crate::settings::variable(name), "yes")
        };
        let output = call.run();
        assert_eq!(output.stderr(), "", "{name}");
        let transcript = server.finish();
        assert!(transcript.message().text().ends_with("\r\n\r\nhello\r\n"));
    }
}

#[test]
fn a_message_of_32_kib_leaves_together_with_its_envelope() {
    for octets in [200, ONE_FLIGHT - 1, ONE_FLIGHT] {
        send(octets, ONE_GROUP);
    }
}

#[test]
fn a_larger_message_waits_for_the_verdicts_on_its_recipients() {
    let transcript = send(ONE_FLIGHT + 1, VERDICTS_FIRST);
    assert_eq!(transcript.waits, 4);
}

#[test]
fn auth_leads_the_envelope_of_a_large_message() {
    let server = Server::text(&format!(
        "{OFFERS}C: AUTH PLAIN *\nC: MAIL *\nC: RCPT *\nQUIET\nS: 235 x\nS: 250 x\nS: 250 x\nBDAT\nS: 250 x\nC: QUIT"
    ));
    as_bench(call_from_message(&server, &sized(ONE_FLIGHT + 1)))
        .arg("--allow-cleartext-auth")
        .run();
    server.finish();
}

#[test]
fn a_message_without_a_body_leaves_by_bdat() {
    let server = Server::text(&[CHUNKS, ONE_GROUP].concat());
    let header = sized(200)
        .split_inclusive("\r\n\r\n")
        .next()
        .unwrap()
        .to_owned();
    call_from_message(&server, &header).run();
    assert_eq!(server.finish().message().text(), header);
}

#[test]
fn no_chunking_sends_by_data() {
    let group = GROUP.replace("BDAT", "C: DATA");
    by_flag_and_variable(
        "no-chunking",
        &format!(
            "{group}QUIET\nS: 235 x\nS: 250 x\nS: 250 x\nS: 250 x\nS: 354 x\nBODY\nS: 250 x\nC: QUIT"
        ),
    );
}

#[test]
fn auth_first_waits_for_the_reply_to_auth() {
    by_flag_and_variable("auth-first", AUTH_ALONE);
}

#[test]
fn no_pipelining_waits_for_each_reply_and_still_sends_by_bdat() {
    let lines: String = GROUP
        .lines()
        .map(|line| format!("{line}\nQUIET\nS: 250 x\n"))
        .collect();
    let dialogue = lines.replacen("250 x", "235 x", 1) + "C: QUIT";
    by_flag_and_variable("no-pipelining", &dialogue);
}

#[test]
fn all_or_nothing_waits_for_auth_and_for_every_recipient() {
    let dialogue = AUTH_ALONE.replace(
        "BDAT\nS: 250 x\nS: 250 x\nS: 250 x\n",
        "QUIET\nS: 250 x\nS: 250 x\nS: 250 x\nBDAT\n",
    );
    by_flag_and_variable("all-or-nothing", &dialogue);
}

#[test]
fn all_or_nothing_sends_by_data_where_there_is_no_chunking() {
    let dialogue = AUTH_ALONE.replace(
        "BDAT\nS: 250 x\nS: 250 x\nS: 250 x\n",
        "QUIET\nS: 250 x\nS: 250 x\nS: 250 x\nC: DATA\nQUIET\nS: 354 go\nBODY\n",
    );
    let offers = OFFERS.replace("S: 250-CHUNKING\n", "");
    let server = Server::text(&(offers + &dialogue));
    call(&server).arg("--all-or-nothing").run();
    server.finish();
}

#[test]
fn all_or_nothing_sends_no_chunk_when_one_is_refused() {
    let server = Server::text(&format!(
        "{OFFERS}{}QUIET\nS: 250 x\nS: 250 x\nS: 550 no\nC: QUIT",
        AUTH_ALONE.split_once("BDAT").unwrap().0
    ));
    call(&server).arg("--all-or-nothing").fails_with(67).run();
    assert!(server.finish().messages.is_empty());
}

#[test]
fn auth_that_waited_alone_and_was_refused_sends_nothing() {
    for option in ["--auth-first", "--all-or-nothing", "--no-pipelining"] {
        let dialogue = "C: AUTH PLAIN *\nQUIET\nS: 535 no\nC: QUIT";
        let server = Server::text(&[OFFERS, dialogue].concat());
        call(&server).arg(option).fails_with(77).run();
        server.finish();
    }
}
