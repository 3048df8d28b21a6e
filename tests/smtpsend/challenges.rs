//! The AUTH exchange with servers that are curious: challenges that are none or have no end, and that the
//! password goes nowhere else.

use crate::auth::{LOGIN, PLAIN, WELCOME, offering};
use crate::parts::{
    self, DELIVERY, LOCKSTEP_WITHIN_TLS, SLOW_DELIVERY, WITHIN_TLS, secure_server, user_call,
};

/// The password's forms on the wire: as it is, LOGIN's base64 of it and PLAIN's.
const SECRETS: [&str; 3] = ["hunter2", "aHVudGVyMg==", "AGJlbmNoAGh1bnRlcjI="];

#[test]
fn the_password_is_in_no_output() {
    for (auth, exchange) in [("PLAIN", PLAIN), ("LOGIN", LOGIN)] {
        for (offers, reply, rest, exit) in [
            (WITHIN_TLS, WELCOME, DELIVERY, 0),
            (LOCKSTEP_WITHIN_TLS, WELCOME, SLOW_DELIVERY, 0),
            (LOCKSTEP_WITHIN_TLS, "S: 535 5.7.8 no\n", "C: QUIT", 77),
        ] {
            let server = secure_server(&[offers, exchange, reply, rest]);
            let mut run = user_call(&server)
                .args(["--auth", auth, "-v", "--json"])
                .fails_with(exit);
            for secret in SECRETS {
                run = run.stderr_lacks(secret);
            }
            let output = run
                .stderr_has(format!("C: AUTH {auth}"))
                .stderr_has("***")
                .stdout_any()
                .run();
            assert!(
                !SECRETS
                    .iter()
                    .any(|secret| output.stdout().contains(secret))
            );
            server.finish();
        }
    }
}

#[test]
fn a_server_that_quotes_the_secret_is_not_repeated() {
    let echo = |what: &str| format!("S: 502 5.5.2 unknown command: {what}\nC: QUIT");
    for (exit, offer, exchange) in [
        (
            77,
            "AUTH PLAIN",
            format!("{PLAIN}{}", echo(&format!("AUTH PLAIN {}", SECRETS[2]))),
        ),
        (77, "AUTH LOGIN", format!("{LOGIN}{}", echo(SECRETS[1]))),
        (77, "AUTH LOGIN", format!("{LOGIN}{}", echo(SECRETS[0]))),
        (
            76,
            "AUTH PLAIN",
            format!("{PLAIN}S: {}\nC? QUIT", SECRETS[2]),
        ),
    ] {
        let server = parts::server(&[&offering(offer), &exchange]);
        let output = user_call(&server)
            .args(["--json", "-v"])
            .fails_with(exit)
            .stdout_any()
            .stderr_any()
            .run();
        for secret in SECRETS {
            assert!(!output.stdout().contains(secret), "{}", output.stdout());
            assert!(!output.stderr().contains(secret), "{}", output.stderr());
        }
        server.finish();
    }
}

#[test]
fn a_challenge_plain_does_not_have_is_cancelled() {
    for challenge in ["S: 334 ", "S64: 334 more?", "S: 334 not base64!", "S: 334"] {
        let server = secure_server(&[
            LOCKSTEP_WITHIN_TLS,
            PLAIN,
            &format!("{challenge}\nC: *\nS: 501 cancelled\nC? QUIT"),
        ]);
        user_call(&server)
            .fails_with(76)
            .stderr_has("AUTH PLAIN: a challenge")
            .run();
        server.finish();
    }
}

#[test]
fn a_challenge_that_is_not_base64_gets_no_password() {
    let exchange = "S64: 334 Username:\nC64: bench\nS: 334 ~~~\nC: *\nS: 501 cancelled\nC? QUIT";
    login_fails(exchange, 76, "a challenge");
}

#[test]
fn a_login_that_is_refused_after_the_name_gives_no_password() {
    let exchange = "S64: 334 Username:\nC64: bench\nS: 535 who?\nC: QUIT";
    login_fails(exchange, 77, "535 who?");
}

#[test]
fn challenges_without_end_are_cancelled() {
    let exchange = "S64: 334 one\nC64: bench\nS64: 334 two\nC64: hunter2\nS64: 334 three\nC: *\nS: 501 cancelled\nC? QUIT";
    login_fails(exchange, 76, "a challenge");
}

/// AUTH LOGIN that goes on like this: how the call ends, and what it says.
#[track_caller]
fn login_fails(exchange: &str, exit: i32, said: &str) {
    let server = secure_server(&[WITHIN_TLS, "C: AUTH LOGIN\n", exchange]);
    user_call(&server)
        .args(["--auth", "LOGIN"])
        .fails_with(exit)
        .stderr_has(said)
        .run();
    server.finish();
}

#[test]
fn a_yes_without_a_proof_is_not_believed() {
    for (offer, exchange) in [
        ("CRAM-MD5", ""),
        ("LOGIN", ""),
        ("LOGIN", "S64: 334 Username:\nC64: bench\n"),
    ] {
        let text = format!("C: AUTH {offer}\n{exchange}{WELCOME}C? QUIT");
        let server = parts::server(&[&offering(&format!("AUTH {offer}")), &text]);
        user_call(&server)
            .fails_with(76)
            .stderr_has(format!("AUTH {offer}: the server says yes to a proof"))
            .run();
        server.finish();
    }
}
