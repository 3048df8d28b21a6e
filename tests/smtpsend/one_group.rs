//! A message that leaves in one group with AUTH and its envelope: what each answer in the group means for
//! every recipient, and what is done about it. Two recipients; AUTH PLAIN leads.

use serde_json::Value;

use crate::parts::{self, as_bench, call_from};
use crate::support::{Server, Smtpsend};

/// In clear, with PIPELINING, CHUNKING and AUTH.
pub(crate) const OFFERS: &str = "\
S: 220 mail.test ESMTP
C: EHLO *
S: 250-mail.test
S: 250-PIPELINING
S: 250-CHUNKING
S: 250 AUTH PLAIN
";

/// The group.
pub(crate) const GROUP: &str = "\
C64: AUTH PLAIN \\0bench\\0hunter2
C: MAIL FROM:<a@example.com>
C: RCPT TO:<r0@example.com>
C: RCPT TO:<r1@example.com>
BDAT
";

/// The server takes the group and says this.
pub(crate) fn group(replies: &[&str], then: &str) -> String {
    let replies: String = replies
        .iter()
        .map(|reply| format!("S: {reply}\n"))
        .collect();
    format!("{OFFERS}{GROUP}{replies}{then}")
}

/// As bench to both recipients in clear, with JSON.
pub(crate) fn call(server: &Server) -> Smtpsend {
    as_bench(call_from(Smtpsend::new().server(server)))
        .args(["--tls", "none", "--allow-cleartext-auth", "--json"])
        .args(["--to", &parts::recipients(2).0])
        .stdout_any()
        .stderr_any()
}

/// What a server says to the group and does then, and what comes of it: exit, status, and each recipient's
/// status and code; 0 where no reply decided.
pub(crate) fn comes_to(
    replies: &[&str],
    then: &str,
    exit: i32,
    status: &str,
    each: [(&str, u64); 2],
) -> Value {
    let server = Server::text(&group(replies, then));
    let json = call(&server).fails_with(exit).run().json();
    let transcript = server.finish();
    assert_eq!(transcript.connections, 1, "{replies:?} {then}");
    assert_eq!(verdicts(&json), each, "{replies:?} {then}");
    assert_eq!(json["status"], status, "{replies:?} {then}");
    assert_eq!(json["attempts"].as_array().unwrap().len(), 1);
    json
}

/// Each recipient's status and code.
pub(crate) fn verdicts(json: &Value) -> Vec<(&str, u64)> {
    let recipients = json["recipients"].as_array().unwrap();
    recipients
        .iter()
        .map(|one| {
            (
                one["status"].as_str().unwrap(),
                one["code"].as_u64().unwrap_or(0),
            )
        })
        .collect()
}

/// The ways a connection ends.
const ENDS: [&str; 2] = ["DROP", "RESET"];

#[test]
fn a_group_that_is_accepted_is_delivered() {
    let replies = ["235 x", "250 x", "250 x", "251 x", "250 queued"];
    let json = comes_to(
        &replies,
        "C: QUIT",
        0,
        "sent",
        [("accepted", 250), ("accepted", 251)],
    );
    assert_eq!(json["auth"], "PLAIN");
    assert_eq!(json["reply"]["text"], "queued");
}

#[test]
fn auth_that_is_refused_with_all_else_is_the_reason_for_everybody() {
    for (auth, exit, status, verdict) in [
        ("535 5.7.8 no", 77, "failed", ("rejected", 535)),
        ("454 4.7.0 later", 75, "deferred", ("deferred", 454)),
    ] {
        let replies = [auth, "530 x", "503 x", "503 x", "503 x"];
        let json = comes_to(&replies, "C: QUIT", exit, status, [verdict; 2]);
        assert!(json["auth"].is_null());
        assert!(!json["error"]["hint"].is_null());
    }
}

#[test]
fn auth_that_is_refused_counts_more_than_a_refused_message() {
    for message in ["554 no", "451 no", "530 who?"] {
        let replies = ["535 no", "250 x", "250 x", "550 x", message];
        comes_to(&replies, "C: QUIT", 77, "failed", [("rejected", 535); 2]);
    }
}

#[test]
fn a_message_taken_although_auth_was_refused_is_sent_with_a_warning() {
    let replies = ["535 no", "250 x", "250 x", "250 x", "250 queued"];
    let server = Server::text(&group(&replies, "C: QUIT"));
    let output = call(&server)
        .stderr_has("smtpsend: warning: ")
        .stderr_has("535 no")
        .run();
    server.finish();
    let json = output.json();
    assert_eq!(json["status"], "sent");
    assert!(json["auth"].is_null());
    assert_eq!(output.stderr().lines().count(), 1, "{}", output.stderr());
}

#[test]
fn a_recipient_refused_keeps_its_refusal_where_a_stranger_was_served() {
    let replies = ["535 no", "250 x", "250 x", "550 x", "250 queued"];
    let each = [("accepted", 250), ("rejected", 550)];
    comes_to(&replies, "C: QUIT", 67, "partial", each);
}

#[test]
fn auth_that_is_refused_before_the_connection_is_lost_decides() {
    for end in ENDS {
        for replies in [
            &["535 no"][..],
            &["535 no", "530 x"],
            &["535 no", "530 x", "503 x"],
        ] {
            comes_to(replies, end, 77, "failed", [("rejected", 535); 2]);
        }
    }
}

#[test]
fn a_recipient_accepted_from_a_stranger_is_unknown_when_the_connection_is_lost() {
    let replies = ["535 no", "250 x", "250 x"];
    let each = [("unknown", 0), ("rejected", 535)];
    comes_to(&replies, "DROP", 75, "uncertain", each);
}

#[test]
fn not_an_octet_of_the_message_goes_where_auth_was_refused() {
    let server = Server::text(&format!(
        "{}{}S: 535 no\nS: 250 x\nS: 250 x\nS: 250 x\nS: 354 go\nEOF",
        OFFERS.replace("S: 250-CHUNKING\n", ""),
        GROUP.replace("BDAT", "C: DATA"),
    ));
    let json = call(&server).fails_with(77).run().json();
    let transcript = server.finish();
    assert!(transcript.messages.is_empty());
    assert_eq!(verdicts(&json), [("rejected", 535); 2]);
}

#[test]
fn a_good_bye_before_the_message_means_that_it_was_not_delivered() {
    for end in ["DROP", "RESET", "C? QUIT"] {
        for before in [
            &[][..],
            &["235 x"],
            &["235 x", "250 x"],
            &["235 x", "250 x", "250 x"],
        ] {
            let replies = [before, &["421 4.3.2 closing"]].concat();
            comes_to(&replies, end, 75, "deferred", [("deferred", 421); 2]);
        }
    }
}

#[test]
fn a_good_bye_after_a_refused_recipient_leaves_the_refusal() {
    let replies = ["235 x", "250 x", "550 x", "421 closing"];
    let each = [("rejected", 550), ("deferred", 421)];
    comes_to(&replies, "DROP", 75, "deferred", each);
}

#[test]
fn mail_that_is_refused_decides_for_everybody() {
    for (mail, exit, status, verdict) in [
        ("550 no", 69, "rejected", ("rejected", 550)),
        ("451 later", 75, "deferred", ("deferred", 451)),
    ] {
        let replies = ["235 x", mail, "503 x", "503 x", "503 x"];
        for count in 2..5 {
            for end in ENDS {
                comes_to(&replies[..count], end, exit, status, [verdict; 2]);
            }
        }
        comes_to(&replies, "C: QUIT", exit, status, [verdict; 2]);
        let nobody = ["235 x", mail, "503 x", "503 x", "250 taken"];
        comes_to(&nobody, "C: QUIT", exit, status, [verdict; 2]);
    }
}

#[test]
fn a_message_taken_although_mail_was_refused_is_unknown() {
    let replies = ["235 x", "550 no", "250 x", "503 x", "250 queued"];
    let each = [("unknown", 250), ("rejected", 550)];
    comes_to(&replies, "C? QUIT", 76, "uncertain", each);
}

#[test]
fn a_connection_lost_after_the_group_leaves_those_not_refused_unknown() {
    let replies = ["235 x", "250 x", "250 x", "250 x"];
    for end in ENDS {
        for count in 0..=replies.len() {
            let json = comes_to(&replies[..count], end, 75, "uncertain", [("unknown", 0); 2]);
            assert_eq!(json["error"]["kind"], "uncertain");
        }
        let each = [("unknown", 0), ("rejected", 550)];
        let refused = ["235 x", "250 x", "250 x", "550 x"];
        comes_to(&refused, end, 75, "uncertain", each);
    }
}

#[test]
fn a_reply_that_does_not_come_in_time_leaves_them_unknown() {
    for replies in [&[][..], &["235 x", "250 x", "250 x", "250 x"]] {
        let server = Server::text(&group(replies, "WAIT"));
        let run = call(&server)
            .args(["--timeout", "0.3"])
            .fails_with(75)
            .run();
        server.finish();
        assert_eq!(verdicts(&run.json()), [("unknown", 0); 2]);
    }
}
