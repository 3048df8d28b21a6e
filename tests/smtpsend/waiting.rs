//! How long is waited: each wait has an end, which holds for the whole reply.

use std::time::{Duration, Instant};

use crate::parts::{self, SLOW_DELIVERY, call_from, clear_call};
use crate::stages::{FINAL_DOT, HANDSHAKE, STAGES, Stage, call, server_at};
use crate::support::{Server, Smtpsend};

/// Runs a call and fails when it takes longer than anybody would who waits 0.3 s once.
#[track_caller]
fn in_time(call: Smtpsend) -> String {
    let start = Instant::now();
    let output = call.fails_with(75).run();
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(250), "{took:?}");
    assert!(took < Duration::from_secs(3), "{took:?}");
    output.stderr().to_owned()
}

/// Does the same at each stage at once, since all that is done is waiting.
fn at_each_stage(test: impl Fn(usize, &Stage) + Sync) {
    std::thread::scope(|scope| {
        for (number, stage) in STAGES.iter().enumerate() {
            scope.spawn({
                let test = &test;
                move || test(number, stage)
            });
        }
    });
}

#[test]
fn silence_ends_the_wait_at_each_stage() {
    at_each_stage(|number, stage| {
        let server = server_at(number, "WAIT");
        let call = call(&server).args(["--timeout", "0.3"]);
        let stderr = in_time(call.stderr_has(format!("{}: no answer within 0.3 s", stage.name)));
        let uncertain = stderr.contains("it may have been delivered");
        assert_eq!(uncertain, number == FINAL_DOT, "{stderr}");
        server.finish();
    });
}

#[test]
fn drops_of_a_reply_do_not_lengthen_the_wait_at_each_stage() {
    at_each_stage(|number, stage| {
        if number == HANDSHAKE {
            return;
        }
        let server = server_at(number, "DRIP* 20 250-more\\r\\n\nC? QUIT");
        let call = call(&server).args(["--timeout", "0.3"]);
        in_time(call.stderr_has(format!("{}: no answer within 0.3 s", stage.name)));
        server.finish();
    });
}

#[test]
fn a_server_that_does_not_greet_is_left_after_the_connect_timeout() {
    for (tls, place) in [
        ("none", "greeting"),
        ("starttls", "greeting"),
        ("implicit", "TLS handshake"),
    ] {
        let server = Server::text("WAIT");
        let call = call_from(Smtpsend::new().server(&server)).args([
            "--to",
            "b@example.com",
            "--tls",
            tls,
            "--connect-timeout",
            "0.3",
        ]);
        in_time(call.stderr_has(format!("{place}: no answer within 0.3 s")));
        server.finish();
    }
}

#[test]
fn a_server_that_does_not_greet_within_tls_is_left_after_the_connect_timeout() {
    let server = Server::text("TLS\nWAIT");
    let call = parts::call(&server).args(["--tls", "implicit", "--connect-timeout", "0.3"]);
    in_time(call.stderr_has("greeting: no answer within 0.3 s"));
    server.finish();
}

#[test]
fn the_connect_timeout_is_over_once_the_server_has_greeted() {
    let server = parts::server(&["S: 220 x\nC: EHLO *\nPAUSE 400\nS: 250 x\n", SLOW_DELIVERY]);
    clear_call(&server).args(["--connect-timeout", "0.3"]).run();
    server.finish();
}

#[test]
fn the_deadline_ends_the_run_at_each_stage() {
    at_each_stage(|number, _| {
        let server = server_at(number, "WAIT");
        let call = call(&server).args(["--deadline", "0.4"]);
        in_time(call.stderr_has("the deadline is over"));
        server.finish();
    });
}
