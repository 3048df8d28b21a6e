//! Connections that end where they should not: at every stage, in the middle of the message, and in
//! the one place where nobody knows what became of it.

use serde_json::Value;

use crate::parts::{self, GROUPS, LOCKSTEP, call_from_message, clear_call};
use crate::stages::{FINAL_DOT, STAGES, call, server_at};
use crate::support::{Dialogue, Options, Server, Smtpsend};

/// Runs a call that must end with exit 75, and gives its JSON.
fn deferred(call: Smtpsend) -> Value {
    call.arg("--json")
        .fails_with(75)
        .stdout_any()
        .stderr_any()
        .run()
        .json()
}

#[test]
fn a_connection_cut_before_the_final_dot_is_temporary_at_each_stage() {
    for end in ["DROP", "RESET"] {
        for (number, stage) in STAGES.iter().enumerate().take(FINAL_DOT) {
            let server = server_at(number, end);
            let output = call(&server).fails_with(75).stderr_has(stage.name).run();
            assert!(
                !output.stderr().contains("may have been delivered"),
                "{}",
                output.stderr()
            );
            assert!(server.finish().messages.is_empty());
        }
    }
}

#[test]
fn a_connection_closed_in_good_order_before_the_final_dot_is_temporary_at_each_stage() {
    for (number, stage) in STAGES.iter().enumerate().take(FINAL_DOT) {
        // A handshake has no good order, and after AUTH the client may still say QUIT.
        let end = match stage.name {
            "TLS handshake" | "AUTH" => "DROP",
            _ => "PAUSE 1",
        };
        let server = server_at(number, end);
        call(&server).fails_with(75).stderr_has(stage.name).run();
        server.finish();
    }
}

#[test]
fn a_connection_that_ends_after_the_final_dot_leaves_it_uncertain() {
    for end in [
        "DROP",
        "RESET",
        "S~ 250\\squeu\nDROP",
        "S: 250-queued\nDROP",
    ] {
        let server = server_at(FINAL_DOT, end);
        let json = deferred(call(&server));
        assert_eq!(json["status"], "uncertain", "{end}");
        assert_eq!(json["recipients"][0]["status"], "unknown", "{end}");
        assert_eq!(json["error"]["kind"], "uncertain", "{end}");
        assert_eq!(server.finish().messages.len(), 1);
    }
}

#[test]
fn an_uncertain_outcome_says_so_in_words() {
    let server = server_at(FINAL_DOT, "DROP");
    call(&server)
        .fails_with(75)
        .stderr_has("message: connection closed by the server; it may have been delivered")
        .stderr_has("hint: ")
        .run();
    server.finish();
}

#[test]
fn a_connection_cut_in_the_middle_of_the_message_is_not_uncertain() {
    for end in ["DROP", "RESET"] {
        for offers in [GROUPS, LOCKSTEP] {
            let envelope = if offers == GROUPS {
                "C: MAIL *\nC: RCPT *\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n"
            } else {
                "C: MAIL *\nS: 250 ok\nC: RCPT *\nS: 250 ok\nC: DATA\nS: 354 go\n"
            };
            let text = format!("{offers}{envelope}READ 1000\n{end}");
            let server = Server::start([Dialogue::text(&text)], Options::default().narrow());
            let message = format!("Subject: x\n\n{}", "0123456789\n".repeat(200_000));
            let json = deferred(call_from_message(&server, &message));
            assert_eq!(json["status"], "deferred", "{end}");
            assert_eq!(json["recipients"][0]["status"], "deferred", "{end}");
            server.finish();
        }
    }
}

/// A server that sends only so many octets of its answer, and is gone.
fn cut_after(dialogue: &str, answer: &str, octets: usize) -> Server {
    let part = answer[..octets].replace(' ', "\\s");
    let part = part.replace('\r', "\\r").replace('\n', "\\n");
    parts::server(&[GROUPS, dialogue, &format!("S~ {part}\nDROP")])
}

#[test]
fn a_group_of_replies_cut_at_any_octet_is_temporary() {
    let answer = "250 2.1.0 ok\r\n250 ok\r\n354 go\r\n";
    for octets in 0..answer.len() {
        let server = cut_after("C: MAIL *\nC: RCPT *\nC: DATA\n", answer, octets);
        assert_eq!(
            deferred(clear_call(&server))["status"],
            "deferred",
            "{octets}"
        );
        assert!(server.finish().messages.is_empty());
    }
}

#[test]
fn the_last_reply_counts_when_its_last_octet_has_come() {
    let dialogue = "C: MAIL *\nC: RCPT *\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nBODY\n";
    let answer = "250-2.0.0 so\r\n250 2.0.0 queued\r\n";
    for octets in 0..answer.len() {
        let server = cut_after(dialogue, answer, octets);
        assert_eq!(
            deferred(clear_call(&server))["status"],
            "uncertain",
            "{octets}"
        );
        server.finish();
    }
    let server = cut_after(dialogue, answer, answer.len());
    clear_call(&server).run();
    server.finish();
}

#[test]
fn a_recipient_refused_before_the_outcome_became_uncertain_stays_refused() {
    let server = parts::server(&[
        GROUPS,
        "C: MAIL *\nC: RCPT *\nC: RCPT *\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 550 no\nS: 354 go\nBODY\nDROP",
    ]);
    let json = deferred(clear_call(&server).args(["--cc", "c@example.com"]));
    assert_eq!(json["status"], "uncertain");
    assert_eq!(json["recipients"][0]["status"], "unknown");
    assert_eq!(json["recipients"][1]["status"], "rejected");
    server.finish();
}

#[test]
fn a_recipient_refused_before_the_connection_died_stays_refused() {
    let server = parts::server(&[
        GROUPS,
        "C: MAIL *\nC: RCPT *\nC: RCPT *\nC: DATA\nS: 250 ok\nS: 550 no\nDROP",
    ]);
    let json = deferred(clear_call(&server).args(["--cc", "c@example.com"]));
    assert_eq!(json["status"], "deferred");
    assert_eq!(json["recipients"][0]["status"], "rejected");
    assert_eq!(json["recipients"][1]["status"], "deferred");
    server.finish();
}
