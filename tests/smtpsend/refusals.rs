//! What a server has said counts, also when it says it too early, or is gone a moment later.

use crate::parts::{self, LOCKSTEP, clear_call};
use crate::stages::{call, server_at};
use crate::support::{Dialogue, Options, Server, Smtpsend};

/// A message of two megabytes over narrow buffers: the client cannot have sent it before it reads.
fn early(step: &str) -> (Server, String) {
    let text = format!(
        "{LOCKSTEP}C: MAIL *\nS: 250 ok\nC: RCPT *\nS: 250 ok\nC: DATA\nS: 354 go\nREAD 1000\n{step}"
    );
    let server = Server::start([Dialogue::text(&text)], Options::default().narrow());
    (
        server,
        format!("Subject: x\n\n{}", "0123456789\n".repeat(200_000)),
    )
}

#[test]
fn an_early_reply_during_the_message_decides() {
    for (reply, exit, status) in [
        ("552 5.3.4 too large", 69, "rejected"),
        ("451 disk full", 75, "deferred"),
        ("421 closing", 75, "deferred"),
        ("250 thanks", 76, "failed"),
    ] {
        for end in ["PAUSE 20\nWAIT", "DROP", "RESET"] {
            let (server, text) = early(&format!("S: {reply}\n{end}"));
            let output = parts::call_from_message(&server, &text)
                .arg("--json")
                .fails_with(exit)
                .stdout_any()
                .stderr_has(reply)
                .run();
            assert_eq!(output.json()["status"], status, "{reply} {end}");
            server.finish();
        }
    }
}

#[test]
fn of_two_early_replies_the_first_decides() {
    for (replies, exit, code) in [
        ("S: 452 4.3.1 full\nS: 500 5.5.1 unknown command", 75, 452),
        ("S: 552 5.3.4 too big\nS: 421 4.7.0 closing", 69, 552),
        ("S: 250 thanks\nS: 554 no", 76, 250),
    ] {
        let (server, text) = early(&format!("{replies}\nDROP"));
        let call = parts::call_from_message(&server, &text).arg("--json");
        let output = call.fails_with(exit).stdout_any().stderr_any().run();
        assert_eq!(output.json()["recipients"][0]["code"], code, "{replies}");
        server.finish();
    }
}

#[test]
fn a_long_early_reply_over_tls_is_read_to_its_end() {
    let lines = format!("S* 200 554-{}\\r\\n\nS: 554 no\n", "x".repeat(60));
    for end in ["DROP", "RESET"] {
        let text = format!(
            "{}TLS\nC: EHLO *\nS: 250 x\nC: MAIL *\nS: 250 ok\nC: RCPT *\nS: 250 ok\nC: DATA\nS: 354 go\nREAD 1000\n{lines}{end}",
            parts::BEFORE_TLS
        );
        let server = Server::start([Dialogue::text(&text)], Options::default().narrow());
        let text = format!("Subject: x\n\n{}", "0123456789\n".repeat(200_000));
        let call =
            Smtpsend::new()
                .server(&server)
                .args(["-f", "a@example.com", "--to", "b@example.com"]);
        call.stdin(text)
            .fails_with(69)
            .stderr_has("message: 554")
            .run();
        server.finish();
    }
}

#[test]
fn drops_of_an_early_reply_do_not_lengthen_the_wait() {
    let (server, text) = early("DRIP* 20 250-hold\nWAIT");
    let start = std::time::Instant::now();
    parts::call_from_message(&server, &text)
        .args(["--timeout", "0.5"])
        .fails_with(75)
        .stderr_has("no answer within 0.5 s")
        .run();
    assert!(start.elapsed().as_secs() < 10);
    server.finish();
}

#[test]
fn a_reply_already_sent_is_not_hidden_by_a_connection_that_dies() {
    for end in ["DROP", "RESET"] {
        for (stage, reply, exit) in [
            (0, "554 go away", 69),
            (1, "550 bad name", 69),
            (2, "502 no", 69),
            (5, "535 wrong", 77),
            (6, "550 no", 69),
            (7, "550 no", 67),
            (8, "554 no", 69),
            (9, "554 spam", 69),
        ] {
            let server = server_at(stage, &format!("S: {reply}\n{end}"));
            call(&server).fails_with(exit).stderr_has(reply).run();
            server.finish();
        }
    }
}

#[test]
fn the_first_refusal_decides_though_the_rest_of_the_group_is_never_answered() {
    for (replies, exit) in [
        ("S: 550 no\n", 69),
        ("S: 250 ok\nS: 550 5.1.1 who\n", 67),
        ("S: 250 ok\nS: 250 ok\nS: 554 no\n", 69),
        ("S: 451 later\n", 75),
    ] {
        for end in ["DROP", "RESET"] {
            let server = parts::server(&[
                parts::GROUPS,
                "C: MAIL *\nC: RCPT *\nC: DATA\n",
                replies,
                end,
            ]);
            clear_call(&server).fails_with(exit).stderr_any().run();
            server.finish();
        }
    }
}
