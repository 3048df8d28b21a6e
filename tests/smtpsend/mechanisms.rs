//! Mechanisms that do not say the password: what they say, what they believe, and what is said when they
//! are refused. That they log in is shown with real servers.

use crate::auth::{WELCOME, offering};
use crate::parts::{SLOW_DELIVERY, as_bench, clear_call, user_call};
use crate::support::Server;

/// The first two messages of SCRAM, and our proof.
const SCRAM: &str = "\
C64: AUTH SCRAM-SHA-256 y,,n=bench,r=*
S64r: 334 x,s=c2FsdA==,i=4096
C64: c=eSws,r=*,p=*
";

/// The offer of SCRAM-SHA-256 with PIPELINING.
fn offering_scram() -> String {
    offering("AUTH SCRAM-SHA-256 PLAIN").replace("S: 250 AUTH", "S: 250-PIPELINING\nS: 250 AUTH")
}

/// The program ends the session as one with a server that cannot be believed, and sends no mail.
#[track_caller]
fn disbelieves(rest: &str, words: &str) {
    let server = Server::text(&(offering_scram() + rest + "C? QUIT"));
    user_call(&server)
        .fails_with(76)
        .stderr_has(format!("AUTH SCRAM-SHA-256: {words}"))
        .stderr_any()
        .run();
    let transcript = server.finish();
    assert!(!transcript.lines.iter().any(|line| line.starts_with("MAIL")));
}

#[test]
fn a_wrong_signature_of_the_server_ends_the_session_whatever_it_says_then() {
    let wrong = "S64: 334 v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=\nC: *\n";
    for reply in [
        "S: 235 2.7.0 welcome\n",
        "S: 501 cancelled\n",
        "S: 535 no\n",
    ] {
        let words = "the server's signature is wrong";
        disbelieves(&format!("{SCRAM}{wrong}{reply}"), words);
    }
    let server = Server::text(&format!("{}{SCRAM}{wrong}DROP", offering_scram()));
    user_call(&server)
        .fails_with(76)
        .stderr_has("signature is wrong")
        .run();
    server.finish();
}

#[test]
fn a_server_that_says_yes_without_a_signature_is_not_believed() {
    let words = "the server says yes and did not prove";
    disbelieves(&format!("{SCRAM}{WELCOME}"), words);
    let first = "C64: AUTH SCRAM-SHA-256 y,,n=bench,r=*\n";
    disbelieves(&format!("{first}{WELCOME}"), words);
    let refused_and_yes = "S64: 334 e=invalid-proof\nC: \n";
    disbelieves(&format!("{SCRAM}{refused_and_yes}{WELCOME}"), words);
}

#[test]
fn challenges_that_would_be_weak_costly_or_forged_are_cancelled() {
    let first = "C64: AUTH SCRAM-SHA-256 y,,n=bench,r=*\n";
    for (challenge, words) in [
        (
            "S64r: 334 x,s=c2FsdA==,i=1000",
            "the server asks for 1000 iterations",
        ),
        (
            "S64r: 334 x,s=c2FsdA==,i=4000000000",
            "the server asks for more than",
        ),
        ("S64: 334 r=other,s=c2FsdA==,i=4096", "the server's nonce"),
        ("S64r: 334 ,s=c2FsdA==,i=4096", "the server's nonce"),
        ("S64r: 334 x,i=4096", "a challenge that has no answer"),
        ("S: 334", "a challenge that has no answer"),
        ("S: 334 ~~~", "a challenge that is not base64"),
    ] {
        let rest = format!("{first}{challenge}\nC: *\nS: 501 cancelled\n");
        disbelieves(&rest, words);
    }
}

#[test]
fn a_refusal_is_told_with_the_servers_reason_and_leads_to_plain() {
    let refusal = "S64: 334 e=other-error\nC: \nS: 535 5.7.8 no\nC: QUIT";
    let server = Server::text(&format!("{}{SCRAM}{refusal}", offering_scram()));
    user_call(&server)
        .fails_with(77)
        .stderr_has("AUTH SCRAM-SHA-256: 535 5.7.8 no (other-error)")
        .stderr_has("the server may not hold it in the form this mechanism needs: check --user and the password, or use --auth PLAIN")
        .run();
    server.finish();
}

#[test]
fn no_second_mechanism_is_tried_after_a_refusal() {
    let refusal = "S: 535 5.7.8 no\nC: QUIT";
    let server = Server::text(&format!("{}{SCRAM}{refusal}", offering_scram()));
    user_call(&server).fails_with(77).stderr_any().run();
    server.finish();
}

#[test]
fn the_transcript_shows_nothing_a_password_could_be_guessed_from() {
    let wrong = "S64: 334 v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=\nC: *\nS: 501 x\nC? QUIT";
    let server = Server::text(&format!("{}{SCRAM}{wrong}", offering_scram()));
    let output = user_call(&server)
        .arg("-v")
        .fails_with(76)
        .stderr_any()
        .run();
    server.finish();
    let said = output.stderr();
    let exchange = "C: AUTH SCRAM-SHA-256 ***\nS: 334 ***\nC: ***\nS: 334 ***\nC: *\n";
    assert!(said.contains(exchange), "{said}");
}

#[test]
fn the_flag_says_what_was_offered_and_what_was_asked_for() {
    for (tls, offers, choice, first) in [
        (
            "TLS 1.3",
            "SCRAM-SHA-256 SCRAM-SHA-256-PLUS",
            "auto",
            "SCRAM-SHA-256-PLUS p=tls-exporter",
        ),
        (
            "TLS 1.3",
            "SCRAM-SHA-256 SCRAM-SHA-256-PLUS",
            "scram-sha-256",
            "SCRAM-SHA-256 n",
        ),
        (
            "TLS 1.3",
            "SCRAM-SHA-256 SCRAM-SHA-1",
            "scram-sha-1",
            "SCRAM-SHA-1 y",
        ),
        (
            "TLS 1.2",
            "SCRAM-SHA-256 SCRAM-SHA-256-PLUS",
            "auto",
            "SCRAM-SHA-256 n",
        ),
        ("TLS 1.2", "SCRAM-SHA-256", "auto", "SCRAM-SHA-256 y"),
        (
            "TLS 1.2",
            "SCRAM-SHA-1-PLUS",
            "SCRAM-SHA-1-PLUS",
            "SCRAM-SHA-1-PLUS p=tls-server-end-point",
        ),
    ] {
        let opening = offering(&format!("AUTH {offers}")).replace("TLS\nC:", &format!("{tls}\nC:"));
        let rest = format!("C64: AUTH {first},,n=bench,r=*\nS: 535 no\nC: QUIT");
        let server = Server::text(&(opening + &rest));
        user_call(&server)
            .args(["--auth", choice])
            .fails_with(77)
            .stderr_any()
            .run();
        server.finish();
    }
}

#[test]
fn cram_md5_answers_the_challenge_and_its_digest_is_not_repeated() {
    let digest = "212358aff3a2f93c9968e37d8d3a003c";
    let exchange = format!("C: AUTH CRAM-MD5\nS64: 334 <1.2@mail.test>\nC64: bench\\s{digest}\n");
    let opening = offering("AUTH CRAM-MD5 LOGIN PLAIN");
    let server = Server::text(&format!("{opening}{exchange}{WELCOME}{SLOW_DELIVERY}"));
    let json = user_call(&server).arg("--json").stdout_any().run().json();
    assert_eq!(json["auth"], "CRAM-MD5");
    server.finish();

    let quoted = format!("S: 535 bad digest {digest}\nC: QUIT");
    let server = Server::text(&format!("{opening}{exchange}{quoted}"));
    user_call(&server)
        .fails_with(77)
        .stderr_has("AUTH CRAM-MD5: 535 bad digest ***")
        .stderr_has(
            "in the form this mechanism needs: check --user and the password, or use --auth PLAIN",
        )
        .stderr_lacks(digest)
        .run();
    server.finish();
}

#[test]
fn cram_md5_has_one_answer() {
    for challenges in [
        "S: 334\nC: *\n",
        "S64: 334 <1.2@mail.test>\nC64: bench\\s*\nS64: 334 <1.3@mail.test>\nC: *\n",
    ] {
        let exchange = format!("C: AUTH CRAM-MD5\n{challenges}S: 501 cancelled\nC? QUIT");
        let server = Server::text(&(offering("AUTH CRAM-MD5") + &exchange));
        user_call(&server)
            .fails_with(76)
            .stderr_has("AUTH CRAM-MD5: a challenge")
            .run();
        server.finish();
    }
}

#[test]
fn no_mechanism_is_used_without_tls() {
    for name in ["SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"] {
        let server = Server::unvisited();
        as_bench(clear_call(&server))
            .args(["--auth", name])
            .fails_with(77)
            .stderr_has("credentials are not sent without TLS")
            .run();
        server.finish();
    }
}

#[test]
fn a_mechanism_that_takes_another_proof_is_not_used() {
    for name in ["PLAIN", "SCRAM-SHA-256"] {
        let server = Server::text(&(offering(&format!("AUTH {name}")) + "C: QUIT"));
        crate::parts::call(&server)
            .args(["--user", "bench", "--token-command", "echo t0ken"])
            .args(["--auth", name])
            .fails_with(78)
            .stderr_has(format!("AUTH {name} does not take a token"))
            .run();
        server.finish();
    }
    let server = Server::unvisited();
    user_call(&server)
        .args(["--auth", "EXTERNAL"])
        .fails_with(78)
        .stderr_has("AUTH EXTERNAL without a certificate to show\nhint: ")
        .run();
    server.finish();
}

#[test]
fn a_token_comes_from_its_command_and_is_asked_for_once_more_when_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let count = folder.path().join("count");
    // The first run prints t1, the second t2.
    let command = format!(
        "echo x >> {0}; echo t$(wc -l < {0} | tr -d ' ')",
        count.display()
    );
    let bearer =
        |token: &str| format!("C64: AUTH XOAUTH2 user=bench\\x01auth=Bearer\\s{token}\\x01\\x01\n");
    let refusal = "S64: 334 {\"status\":\"401\"}\nC: \nS: 535 5.7.8 expired\n";
    let server = Server::text(&format!(
        "{}{}{refusal}{}{WELCOME}{SLOW_DELIVERY}",
        offering("AUTH XOAUTH2"),
        bearer("t1"),
        bearer("t2"),
    ));
    crate::parts::call(&server)
        .args(["--user", "bench", "--token-command", &command])
        .run();
    server.finish();
}

#[test]
fn a_password_source_gives_the_token_where_the_mechanism_wants_one() {
    let server = Server::text(&format!(
        "{}C64: AUTH XOAUTH2 user=bench\\x01auth=Bearer\\st0ken\\x01\\x01\n{WELCOME}{SLOW_DELIVERY}",
        offering("AUTH XOAUTH2"),
    ));
    crate::parts::call(&server)
        .args([
            "--user",
            "bench",
            "--auth",
            "xoauth2",
            "--password-command",
            "echo t0ken",
        ])
        .run();
    server.finish();
}

#[test]
fn a_long_password_and_a_long_name_fit_into_every_answer() {
    let (user, password) = ("u".repeat(4096), "p".repeat(4096));
    for (name, answer) in [
        ("PLAIN", "C64: AUTH PLAIN *\n"),
        (
            "LOGIN",
            "C: AUTH LOGIN\nS64: 334 a\nC64: u*\nS64: 334 b\nC64: p*\n",
        ),
        ("CRAM-MD5", "C: AUTH CRAM-MD5\nS64: 334 a\nC64: u*\n"),
    ] {
        let opening = offering(&format!("AUTH {name}"));
        let server = Server::text(&format!("{opening}{answer}{WELCOME}{SLOW_DELIVERY}"));
        crate::parts::call(&server)
            .args(["--user", &user])
            .env("SMTPSEND_PASSWORD", &password)
            .run();
        server.finish();
    }
}
