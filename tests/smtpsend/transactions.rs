//! One message in more than one transaction, or for all or nobody: who gets it, and how often.

use std::fmt::Write as _;

use crate::parts::{self, GROUPS, LOCKSTEP, call_from, clear_call};
use crate::support::{Options, Server, Smtpsend};

/// Calls for `count` recipients in clear, with JSON, and what it says.
pub(crate) fn json_for(
    server: &Server,
    count: usize,
    exit: i32,
    more: &[&str],
) -> serde_json::Value {
    call_from(Smtpsend::new().server(server))
        .args([
            "--tls",
            "none",
            "--json",
            "--to",
            &parts::recipients(count).0,
        ])
        .args(more)
        .fails_with(exit)
        .stdout_any()
        .stderr_any()
        .run()
        .json()
}

#[test]
fn all_or_nothing_sends_when_all_are_accepted() {
    let server = parts::server(&[
        GROUPS,
        "C: MAIL *\nC: RCPT *\nC: RCPT *\nS: 250 ok\nS: 250 ok\nS: 250 ok\nC: DATA\nS: 354 go\nBODY\nS: 250 ok\nC: QUIT",
    ]);
    assert_eq!(
        json_for(&server, 2, 0, &["--all-or-nothing"])["status"],
        "sent"
    );
    server.finish();
}

#[test]
fn all_or_nothing_never_reaches_data_when_one_is_refused() {
    for (reply, exit, status) in [
        ("550 no", 67, "rejected"),
        ("450 later", 75, "deferred"),
        ("452 too many", 75, "deferred"),
        ("552 too many", 69, "rejected"),
    ] {
        for pipelining in [true, false] {
            let envelope = format!(
                "C: MAIL *\nS: 250 ok\nC: RCPT *\nS: 250 ok\nC: RCPT *\nS: {reply}\nC: QUIT"
            );
            let server = parts::server(&[if pipelining { GROUPS } else { LOCKSTEP }, &envelope]);
            let json = json_for(&server, 2, exit, &["--all-or-nothing"]);
            assert_eq!(json["status"], status, "{reply}");
            assert_ne!(json["recipients"][0]["status"], "accepted", "{reply}");
            server.finish();
        }
    }
}

/// A transaction for these recipients, each with its answer, up to the body if anybody is taken.
pub(crate) fn transaction(answers: &[(usize, &str)]) -> String {
    let mut text = "C: MAIL *\n".to_owned();
    for (n, _) in answers {
        let _ = writeln!(text, "C: RCPT TO:<r{n}@example.com>");
    }
    text += "C: DATA\nS: 250 ok\n";
    for (_, reply) in answers {
        let _ = writeln!(text, "S: {reply}");
    }
    text + if answers.iter().any(|(_, reply)| reply.starts_with("250")) {
        "S: 354 go\nBODY\nS: 250 queued\n"
    } else {
        "S: 503 nobody\n"
    }
}

#[test]
fn those_that_are_too_many_go_in_further_transactions() {
    for reply in ["452 4.5.3 too many", "552 too many"] {
        let server = parts::server(&[
            GROUPS,
            &transaction(&[(0, "250 ok"), (1, reply), (2, reply)]),
            &transaction(&[(1, "250 ok"), (2, reply)]),
            &transaction(&[(2, "250 ok")]),
            "C: QUIT",
        ]);
        let json = json_for(&server, 3, 0, &[]);
        assert_eq!(json["status"], "sent");
        assert_eq!(server.finish().messages.len(), 3);
    }
}

#[test]
fn a_transaction_in_which_nobody_was_taken_is_the_last() {
    let server = parts::server(&[
        GROUPS,
        &transaction(&[(0, "250 ok"), (1, "452 too many")]),
        &transaction(&[(1, "452 too many")]),
        "C: QUIT",
    ]);
    let json = json_for(&server, 2, 75, &[]);
    assert_eq!(json["status"], "partial");
    assert_eq!(json["recipients"][1]["code"], 452);
    assert_eq!(server.finish().messages.len(), 1);
}

#[test]
fn a_message_that_is_refused_is_not_offered_in_a_further_transaction() {
    let refused =
        transaction(&[(0, "250 ok"), (1, "452 too many")]).replace("250 queued", "554 spam");
    let server = parts::server(&[GROUPS, &refused, "C: QUIT"]);
    let json = json_for(&server, 2, 75, &[]);
    assert_eq!(json["recipients"][0]["code"], 554);
    assert_eq!(json["recipients"][1]["code"], 452);
    server.finish();
}

#[test]
fn those_taken_before_the_connection_dies_stay_taken() {
    let server = parts::server(&[
        GROUPS,
        &transaction(&[(0, "250 ok"), (1, "452 too many")]),
        "C: MAIL *\nC: RCPT *\nC: DATA\nDROP",
    ]);
    let json = json_for(&server, 2, 75, &[]);
    assert_eq!(json["status"], "partial");
    assert_eq!(json["recipients"][0]["status"], "accepted");
    assert_eq!(json["recipients"][1]["status"], "deferred");
    server.finish();
}

#[test]
fn ten_thousand_recipients_leave_in_one_group_and_block_nobody() {
    let count = 10_000;
    let (list, _) = parts::recipients(count);
    let dialogue = crate::support::Dialogue::text(&format!(
        "{GROUPS}C: MAIL *\nS: 250 2.1.0 sender ok\nREPEAT {count}\nC: RCPT TO:<r*@example.com>\nS: 250 2.1.5 recipient ok, and a long line of text\nEND\nC: DATA\nS: 354 go\nBODY\nS: 250 ok\nC: QUIT"
    ));
    let server = Server::start([dialogue], Options::default().narrow());
    let mut call = call_from(Smtpsend::new().server(&server)).args(["--tls", "none"]);
    // One argument may have 128 KiB.
    for part in list.split(',').collect::<Vec<_>>().chunks(1000) {
        call = call.args(["--bcc", &part.join(",")]);
    }
    call.run();
    assert_eq!(server.finish().lines.len(), count + 4);
}

#[test]
fn a_recipient_named_twice_is_sent_to_once() {
    let server = parts::server(&[GROUPS, parts::DELIVERY]);
    clear_call(&server)
        .args([
            "--cc",
            "B <b@example.com>, b@EXAMPLE.com",
            "--bcc",
            "b@example.com",
        ])
        .run();
    server.finish();
}

#[test]
fn a_good_bye_to_ten_thousand_recipients_is_read_though_they_cannot_be_written() {
    for end in ["DROP", "RESET"] {
        let text = format!("{GROUPS}C: MAIL *\nS: 421 4.3.2 closing\n{end}");
        let server = Server::start(
            [crate::support::Dialogue::text(&text)],
            Options::default().narrow(),
        );
        let (list, _) = parts::recipients(10_000);
        let output = Smtpsend::new()
            .server(&server)
            .args([
                "--tls",
                "none",
                "--from",
                "a@example.com",
                "--input",
                "message",
            ])
            .args(["--read-recipients", "--json"])
            .stdin(format!("Bcc: {}\n\nhello\n", list.replace(',', ",\n ")))
            .fails_with(75)
            .stdout_any()
            .stderr_has("MAIL <a@example.com>: 421 4.3.2 closing")
            .run();
        assert_eq!(output.json()["recipients"][9_999]["code"], 421);
        server.finish();
    }
}

#[test]
fn what_ends_a_later_transaction_counts_more_than_what_postponed_it() {
    let first = transaction(&[(0, "250 ok"), (1, "452 too many")]);
    let second = "C: MAIL *\nC: RCPT *\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nREAD 10\nS: 554 5.7.1 no\nWAIT\n";
    let server = parts::server(&[GROUPS, &first, second]);
    let json = json_for(&server, 2, 69, &[]);
    assert_eq!(json["status"], "partial");
    assert_eq!(json["recipients"][1]["code"], 554);
    server.finish();
}
