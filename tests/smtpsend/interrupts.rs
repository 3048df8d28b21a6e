//! Signals: at every stage they end a submission in order, with the truth about each recipient.

use rustix::process::Signal;

use crate::parts::{self, CHUNKS, DELIVERY, GROUPS, LOCKSTEP, call_from_message, clear_call};
use crate::queue::Spool;
use crate::stages::{FINAL_DOT, STAGES, call, server_at};
use crate::support::{Dialogue, Options, Server, Smtpsend};

/// Runs a call until its server holds, sends the signal, and gives what it printed in the end.
#[track_caller]
fn stopped(server: &Server, call: Smtpsend, signal: Signal) -> crate::support::printed::Output {
    let running = call.start();
    server.holds();
    running.signal(signal);
    running.ends()
}

/// A call that must be stopped by SIGTERM with exit 75, and what it prints with `--json`.
#[track_caller]
fn json_of(server: &Server, call: Smtpsend, words: &str) -> serde_json::Value {
    let call = call.arg("--json").fails_with(75);
    let call = call.stdout_any().stderr_has(words);
    let output = stopped(server, call, Signal::TERM);
    assert_eq!(
        output.stderr().matches("SIGTERM").count(),
        1,
        "{}",
        output.stderr()
    );
    output.json()
}

#[test]
fn sigterm_at_each_stage_before_the_final_dot_defers() {
    std::thread::scope(|scope| {
        for (number, stage) in STAGES.iter().enumerate().take(FINAL_DOT) {
            scope.spawn(move || {
                let server = server_at(number, "HOLD\nWAIT");
                let words = format!("{}: stopped by SIGTERM\n", stage.name);
                let json = json_of(&server, call(&server), &words);
                assert_eq!(json["status"], "deferred", "{words}");
                assert_eq!(json["recipients"][0]["status"], "deferred", "{words}");
                assert_eq!(json["error"]["kind"], "temporary", "{words}");
                assert_eq!(json["error"]["hint"], serde_json::Value::Null, "{words}");
                assert!(server.finish().messages.is_empty());
            });
        }
    });
}

#[test]
fn what_a_signal_keeps_from_leaving_is_queued_where_it_may_be() {
    for stage in [0, FINAL_DOT - 1, FINAL_DOT] {
        let spool = Spool::new();
        let ending = if stage == FINAL_DOT {
            "HOLD\nDROP"
        } else {
            "HOLD\nWAIT"
        };
        let server = server_at(stage, ending);
        let call = call(&server).args(["--queue", "on-failure"]);
        let call = call.env("SMTPSEND_QUEUE_DIR", &spool.path);
        let call = call.arg("--json").stdout_any().stderr_has("queued as");
        let running = call.start();
        server.holds();
        running.signal(Signal::TERM);
        if stage == FINAL_DOT {
            server.go_on();
        }
        let json = running.ends().json();
        assert_eq!(json["status"], "queued");
        assert_eq!(json["queue_id"], spool.id());
        server.finish();
    }
}

#[test]
fn each_signal_that_ends_programs_is_named() {
    for (signal, name) in [(Signal::INT, "SIGINT"), (Signal::HUP, "SIGHUP")] {
        let server = server_at(0, "HOLD\nWAIT");
        let call = call(&server).fails_with(75);
        let words = format!("greeting: stopped by {name}\n");
        stopped(&server, call.stderr_has(words), signal);
        server.finish();
    }
}

#[test]
fn a_signal_while_connecting_tries_no_other_port() {
    let proxy = Server::text("C~ \\x05\\x01\\0\nHOLD\nWAIT");
    let call = parts::call_from(Smtpsend::new())
        .args(["--to", "b@example.com", "--server", "mail.test:587"])
        .arg(format!("--proxy=socks5://{}", proxy.addr()));
    let call = call.arg("--json").fails_with(75).stdout_any();
    let call = call.stderr_has("no answer before SIGTERM\nsmtpsend: stopped by SIGTERM\n");
    let output = stopped(&proxy, call, Signal::TERM);
    assert_eq!(output.json()["recipients"][0]["status"], "deferred");
    proxy.finish();
}

#[test]
fn a_message_that_is_stuck_in_the_middle_has_not_left() {
    for opening in [GROUPS, LOCKSTEP, CHUNKS] {
        let envelope = match opening {
            GROUPS => "C: MAIL *\nC: RCPT *\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n",
            CHUNKS => "C: MAIL *\nC: RCPT *\nS: 250 ok\nS: 250 ok\n",
            _ => "C: MAIL *\nS: 250 ok\nC: RCPT *\nS: 250 ok\nC: DATA\nS: 354 go\n",
        };
        let text = format!("{opening}{envelope}READ 1000\nHOLD\nWAIT");
        let server = Server::start([Dialogue::text(&text)], Options::default().narrow());
        let message = format!("Subject: x\n\n{}", "0123456789\n".repeat(2_000_000));
        let call = call_from_message(&server, &message);
        let json = json_of(&server, call, "message: stopped by SIGTERM\n");
        assert_eq!(json["recipients"][0]["status"], "deferred");
        server.finish();
    }
}

/// A session up to where the reply to the message is due.
fn after_the_dot(opening: &str, end: &str) -> Server {
    let message = match opening {
        // Together with its envelope.
        CHUNKS => "C: MAIL *\nC: RCPT *\nBDAT\nS: 250 ok\n",
        _ => "C: MAIL *\nC: RCPT *\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nBODY\n",
    };
    parts::server(&[opening, message, "HOLD\n", end])
}

#[test]
fn the_reply_to_a_message_that_has_left_is_waited_for() {
    for opening in [GROUPS, CHUNKS] {
        let replies = match opening {
            CHUNKS => "S: 250 ok\nS: 250 2.0.0 queued\nC: QUIT",
            _ => "S: 250 2.0.0 queued\nC: QUIT",
        };
        let server = after_the_dot(opening, replies);
        let running = clear_call(&server).start();
        server.holds();
        running.signal(Signal::TERM);
        server.go_on();
        running.ends();
        server.finish();
    }
}

#[test]
fn a_message_that_has_left_and_has_no_reply_is_unknown() {
    let in_clear = |opening| {
        let server = after_the_dot(opening, "WAIT");
        let call = clear_call(&server);
        (server, call)
    };
    let over_tls = server_at(FINAL_DOT, "HOLD\nWAIT");
    let call = call(&over_tls);
    for (server, call) in [in_clear(GROUPS), in_clear(CHUNKS), (over_tls, call)] {
        // Long enough to be told, and shorter than what a signal leaves.
        let call = call.args(["--timeout", "0.5"]);
        let json = json_of(
            &server,
            call,
            "stopped by SIGTERM; it may have been delivered",
        );
        assert_eq!(json["status"], "uncertain");
        assert_eq!(json["recipients"][0]["status"], "unknown");
        server.finish();
    }
}

#[test]
fn a_signal_when_all_is_said_changes_nothing() {
    let server = parts::server(&[
        GROUPS,
        DELIVERY.trim_end_matches("S: 221 2.0.0 bye\n"),
        "HOLD",
    ]);
    stopped(&server, clear_call(&server), Signal::TERM);
    server.finish();
}

#[test]
fn a_signal_between_two_tries_is_the_end_of_them() {
    let refused = "C: MAIL *\nC: RCPT *\nC: DATA\nS: 250 ok\nS: 451 greylisted\nS: 503 nobody\n";
    let text = format!("{GROUPS}{refused}C: QUIT\nHOLD");
    let options = Options::default().every_connection();
    let server = Server::start([Dialogue::text(&text)], options);
    let call = clear_call(&server).args(["--retry", "9", "--json"]);
    let call = call.fails_with(75).stdout_any();
    let output = stopped(&server, call.stderr_has("stopped by SIGTERM"), Signal::TERM);
    assert_eq!(output.json()["recipients"][0]["status"], "deferred");
    server.finish();
}

#[test]
fn a_hangup_that_comes_with_the_signal_is_the_same_wish() {
    let server = after_the_dot(GROUPS, "HOLD\nWAIT");
    let call = clear_call(&server).args(["--timeout", "0.5"]);
    let running = call.fails_with(75).stderr_any().start();
    server.holds();
    running.signal(Signal::TERM);
    running.signal(Signal::HUP);
    running.ends();
    server.finish();
}

#[test]
fn a_second_signal_ends_the_program_at_once() {
    let server = after_the_dot(GROUPS, "WAIT");
    let running = clear_call(&server).dies_of_a_signal().start();
    server.holds();
    running.signal(Signal::TERM);
    running.signal(Signal::INT);
    running.ends();
    server.finish();
}

#[test]
fn a_signal_before_there_is_a_message_ends_the_program_by_its_default() {
    let server = Server::unvisited();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, 0o600.into()).unwrap();
    let call = clear_call(&server).args(["--user", "bench", "--allow-cleartext-auth"]);
    let running = call
        .arg("--password-file")
        .arg(&path)
        .dies_of_a_signal()
        .start();
    // Opens as soon as the program reads.
    let held = std::fs::File::options().write(true).open(&path).unwrap();
    running.signal(Signal::TERM);
    running.ends();
    drop(held);
    server.finish();
}

#[test]
fn a_signal_that_was_ignored_stays_ignored() {
    let server = after_the_dot(GROUPS, "S: 250 2.0.0 queued\nC: QUIT");
    let running = clear_call(&server).through("nohup", &[]).start();
    server.holds();
    running.signal(Signal::HUP);
    running.signal(Signal::HUP);
    server.go_on();
    running.ends();
    server.finish();
}
