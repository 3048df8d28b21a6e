//! What a server may answer to BDAT at the end of the one group: a refusal, what is no answer to it, or that
//! it does not know the command after all, so that DATA is due on another connection.

use serde_json::Value;

use crate::one_group::{GROUP, OFFERS, call, comes_to, group, verdicts};
use crate::parts::{CHUNKS, DELIVERY, GROUPS, clear_call};
use crate::support::{Dialogue, Options, Server};

/// How a server says that it does not know a command.
const UNKNOWN: [&str; 3] = ["500 5.5.2 what?", "502 no", "504 no"];

/// AUTH, MAIL, both RCPT and DATA, all accepted, and this said to the message.
fn by_data(said: &str) -> String {
    let group = GROUP.replace("BDAT", "C: DATA");
    format!(
        "{OFFERS}{group}S: 235 x\nS: 250 x\nS: 250 x\nS: 250 x\nS: 354 go\nBODY\nS: {said}\nC: QUIT"
    )
}

/// Plays these, one to each connection; what the call says.
fn told(dialogues: &[String], exit: i32) -> Value {
    let dialogues = dialogues.iter().map(|text| Dialogue::text(text));
    let server = Server::start(dialogues, Options::default());
    let json = call(&server).fails_with(exit).run().json();
    server.finish();
    json
}

#[test]
fn a_refusal_of_the_message_is_the_verdict_of_those_accepted() {
    for (said, exit, status, verdict) in [
        ("554 spam", 69, "rejected", ("rejected", 554)),
        ("503 bad sequence", 69, "rejected", ("rejected", 503)),
        ("552 too much", 69, "rejected", ("rejected", 552)),
        ("501 syntax", 69, "rejected", ("rejected", 501)),
        ("452 full", 75, "deferred", ("deferred", 452)),
        ("421 closing", 75, "deferred", ("deferred", 421)),
    ] {
        let replies = ["235 x", "250 x", "250 x", "250 x", said];
        comes_to(&replies, "C? QUIT", exit, status, [verdict; 2]);
    }
}

#[test]
fn a_refusal_of_the_message_leaves_a_refused_recipient_refused() {
    let replies = ["235 x", "250 x", "450 x", "250 x", "554 no"];
    let each = [("deferred", 450), ("rejected", 554)];
    comes_to(&replies, "C: QUIT", 75, "deferred", each);
}

#[test]
fn what_is_no_answer_to_the_message_leaves_it_unknown() {
    for (said, code) in [
        ("354 go on", 354),
        ("235 welcome", 235),
        ("220 hello", 220),
        ("nonsense", 0),
        ("250-a\nS: 550 b", 0),
    ] {
        let replies = ["235 x", "250 x", "550 x", "250 x", said];
        let each = [("rejected", 550), ("unknown", code)];
        comes_to(&replies, "C? QUIT", 76, "uncertain", each);
    }
}

#[test]
fn what_is_no_answer_to_the_envelope_leaves_the_message_unknown() {
    for number in 0..4 {
        for (said, code) in [("354 go on", 354), ("220 hello", 220), ("nonsense", 0)] {
            let mut replies = ["235 x", "250 x", "250 x", "250 x", "250 queued"];
            replies[number] = said;
            let each = [("unknown", code); 2];
            comes_to(&replies, "C? QUIT", 76, "uncertain", each);
        }
    }
}

#[test]
fn a_challenge_where_auth_is_over_leaves_the_message_unknown() {
    let replies = ["334 ", "501 x", "503 x", "503 x", "503 x"];
    comes_to(&replies, "EOF", 76, "uncertain", [("unknown", 334); 2]);
}

#[test]
fn an_unknown_bdat_is_followed_by_data_on_another_connection() {
    for said in UNKNOWN {
        let replies = ["235 x", "250 x", "250 x", "250 x", said];
        let json = told(&[group(&replies, "EOF"), by_data("250 queued")], 0);
        assert_eq!(json["status"], "sent", "{said}");
        assert_eq!(json["attempts"].as_array().unwrap().len(), 2, "{said}");
        assert_eq!(json["auth"], "PLAIN", "{said}");
        assert_eq!(verdicts(&json), [("accepted", 250); 2], "{said}");
    }
}

#[test]
fn data_after_an_unknown_bdat_is_the_last_try() {
    for said in UNKNOWN {
        let replies = ["235 x", "250 x", "250 x", "250 x", said];
        let json = told(&[group(&replies, "EOF"), by_data("500 what?")], 69);
        assert_eq!(verdicts(&json), [("rejected", 500); 2], "{said}");
    }
}

#[test]
fn a_server_gone_after_an_unknown_bdat_puts_the_message_off() {
    let replies = ["235 x", "250 x", "250 x", "250 x", "502 no"];
    let json = told(
        &[group(&replies, "EOF"), "S: 421 busy\nC? QUIT".to_owned()],
        75,
    );
    assert_eq!(json["status"], "deferred");
    assert_eq!(json["attempts"].as_array().unwrap().len(), 2);
}

#[test]
fn a_recipient_refused_before_an_unknown_bdat_is_asked_for_again() {
    let replies = ["235 x", "250 x", "250 x", "450 x", "500 what?"];
    let json = told(&[group(&replies, "EOF"), by_data("250 queued")], 0);
    assert_eq!(verdicts(&json), [("accepted", 250); 2]);
}

#[test]
fn an_unknown_bdat_changes_nothing_where_the_envelope_was_refused() {
    for said in UNKNOWN {
        let mail = ["235 x", "550 no", "503 x", "503 x", said];
        comes_to(&mail, "EOF", 69, "rejected", [("rejected", 550); 2]);
        let rcpt = ["235 x", "250 x", "450 x", "550 x", said];
        let each = [("deferred", 450), ("rejected", 550)];
        comes_to(&rcpt, "EOF", 75, "deferred", each);
    }
}

#[test]
fn an_unknown_bdat_changes_nothing_where_auth_was_refused() {
    for said in UNKNOWN {
        for rcpt in ["250 x", "503 x"] {
            let replies = ["535 no", "250 x", rcpt, rcpt, said];
            comes_to(&replies, "EOF", 77, "failed", [("rejected", 535); 2]);
        }
    }
}

#[test]
fn a_group_needs_no_auth() {
    let server = Server::text(&format!(
        "{CHUNKS}C: MAIL *\nC: RCPT *\nBDAT\nS: 250 x\nS: 250 x\nS: 250 x\nC: QUIT"
    ));
    clear_call(&server).run();
    server.finish();
}

#[test]
fn where_chunking_is_not_offered_there_is_no_bdat() {
    let server = Server::text(&[GROUPS, DELIVERY].concat());
    clear_call(&server).run();
    server.finish();
}
