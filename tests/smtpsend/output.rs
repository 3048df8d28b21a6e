//! What is said where: a line per failure on standard error, nothing elsewhere, and output that
//! cannot be written changes nothing but the exit code.

use std::fs::File;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::delivery::{call, redirected, server};
use crate::support::{Dialogue, Server, Smtpsend, server::Options};

/// Where every write fails.
fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

/// A pipe that nobody reads.
fn broken_pipe() -> std::io::PipeWriter {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer
}

fn one(server: &Server) -> Smtpsend {
    call(server).args(["--to", "b@example.com", "--body", "x"])
}

/// The program in a shell that redirects its standard error.
fn one_redirected(server: &Server, redirection: &str) -> Smtpsend {
    redirected(redirection)
        .args(["-S", &server.addr().to_string(), "--tls", "none"])
        .args(["--to", "b@example.com", "--body", "x"])
}

/// Refuses c@x.org and d@x.org, takes what is left.
const PARTLY: &str = "S: 220 mail.test\nC: EHLO *\nS: 250 mail.test\nC: MAIL FROM:<*>\nS: 250 ok\n\
    C: RCPT TO:<b@x.org>\nS: 250 ok\n\
    C: RCPT TO:<c@x.org>\nS: 550 5.1.1 no such user\n\
    C: RCPT TO:<d@x.org>\nS: 550 5.1.1 no such user\n\
    C: DATA\nS: 354 go\nBODY\nS: 250 ok\nC? QUIT\nS: 221 bye\n";

#[test]
fn success_says_nothing() {
    let server = server(&[], 1);
    one(&server).stdout_is("").stderr_is("").run();
    server.finish();
}

#[test]
fn a_failure_is_a_line_and_a_hint() {
    let server = Server::file("recipient-refused");
    one(&server)
        .fails_with(67)
        .stderr_is(format!(
            "smtpsend: {}: RCPT <b@example.com>: 550 5.1.1 no such user\n\
             hint: the server does not know this address: check it for a typing error\n",
            server.addr()
        ))
        .run();
    server.finish();
}

#[test]
fn each_refused_recipient_has_its_line_and_the_hint_stands_once() {
    let server = Server::text(PARTLY);
    let at = server.addr();
    call(&server)
        .args(["--to", "b@x.org,c@x.org,d@x.org", "--body", "x"])
        .fails_with(67)
        .stderr_is(format!(
            "smtpsend: {at}: RCPT <c@x.org>: 550 5.1.1 no such user\n\
             smtpsend: {at}: RCPT <d@x.org>: 550 5.1.1 no such user\n\
             hint: accepted for 1 of 3 recipients: do not send it to them again\n\
             hint: the server does not know this address: check it for a typing error\n"
        ))
        .run();
    server.finish();
}

#[test]
fn a_failure_that_all_recipients_share_is_said_once() {
    let server = Server::text(
        "S: 220 mail.test\nC: EHLO *\nS: 250 mail.test\nC: MAIL FROM:<*>\nS: 554 5.7.1 no\n\
         C? QUIT\nS: 221 bye\n",
    );
    let output = call(&server)
        .args(["--to", "b@x.org,c@x.org", "-f", "a@x.org", "--body", "x"])
        .fails_with(69)
        .stderr_any()
        .run();
    let expected = format!(
        "smtpsend: {}: MAIL <a@x.org>: 554 5.7.1 no\n",
        server.addr()
    );
    assert_eq!(output.stderr(), expected);
    server.finish();
}

#[test]
fn text_from_the_server_cannot_steer_the_terminal() {
    let server = Server::text(
        "S: 220 mail.test\nC: EHLO *\nS: 250 mail.test\n\
         C: MAIL FROM:<*>\nS~ 554 \\x1b[31mred\\x07\\x00\\x9b2J \\xe2\\x80\\xaeabc \\xff\\r\\n\nC? QUIT\n",
    );
    let output = one(&server).fails_with(69).stderr_any().run();
    let text = output.stderr().trim_end_matches('\n');
    assert!(!text.contains(char::is_control), "{text:?}");
    assert!(!text.contains('\u{202e}'), "{text:?}");
    assert!(text.contains("554 "), "{text:?}");
    server.finish();
}

#[test]
fn quiet_says_nothing_whatever_fails() {
    let server = Server::file("recipient-refused");
    one(&server).arg("-q").fails_with(67).stderr_is("").run();
    server.finish();
    for (args, code) in [
        (["-S", "m.test", "--to", "bob"], 65),
        (["-S", "m.test", "--body-file", "/nonexistent"], 66),
        (["-S", "m.test:25", "--to", "b@x.org"], 78),
        (["-S", "m.test", "--subject", "nobody"], 64),
    ] {
        Smtpsend::new()
            .arg("-q")
            .args(args)
            .fails_with(code)
            .stderr_is("")
            .run();
    }
}

#[test]
fn quiet_comes_from_the_environment() {
    let server = Server::file("recipient-refused");
    one(&server)
        .env("SMTPSEND_QUIET", "1")
        .fails_with(67)
        .stderr_is("")
        .run();
    server.finish();
}

#[test]
fn verbose_shows_the_dialogue_without_secrets() {
    for name in ["starttls-auth-pipelining", "login"] {
        let server = Server::file(name);
        let output = Smtpsend::new()
            .server(&server)
            .args(["-v", "--to", "b@example.com", "--body", "x", "-u", "bench"])
            .env("SMTPSEND_PASSWORD", "secret")
            .stderr_has("\nC: EHLO ")
            .stderr_has("\nS: 220 mail.test ESMTP\n")
            .stderr_has("\nC: STARTTLS\n")
            .stderr_has("\nC: RCPT TO:<b@example.com>\n")
            .stderr_has("\nS: 250 2.0.0 queued as 4F2\n")
            .stderr_has("***")
            .run();
        for secret in ["secret", "\0bench\0secret"] {
            let encoded = STANDARD.encode(secret);
            assert!(!output.stderr().contains(secret), "{}", output.stderr());
            assert!(!output.stderr().contains(&encoded), "{}", output.stderr());
            assert!(!output.stderr().contains(encoded.trim_end_matches('=')));
        }
        server.finish();
    }
}

#[test]
fn verbose_comes_from_the_environment() {
    let server = server(&[], 1);
    one(&server)
        .env("SMTPSEND_VERBOSE", "true")
        .stderr_has("\nC: MAIL FROM:<")
        .run();
    server.finish();
}

#[test]
fn a_result_that_cannot_be_written_is_74_and_the_message_went_once() {
    let pipe = |call: Smtpsend| call.stdout_to(broken_pipe());
    let disk = |call: Smtpsend| call.stdout_to(full());
    for (name, to) in [("pipe", &pipe as &dyn Fn(_) -> _), ("disk", &disk)] {
        let server = server(&[], 1);
        to(one(&server).arg("--json"))
            .fails_with(74)
            .stderr_has("smtpsend: standard output: ")
            .run();
        assert_eq!(server.finish().messages.len(), 1, "{name}");
    }
}

#[test]
fn a_full_stderr_is_74_and_the_message_went_once() {
    let server = server(&[], 1);
    one_redirected(&server, "2>/dev/full")
        .arg("-v")
        .fails_with(74)
        .run();
    assert_eq!(server.finish().messages.len(), 1);
}

#[test]
fn a_full_stderr_hides_no_failure() {
    let server = Server::file("recipient-refused");
    one_redirected(&server, "2>/dev/full").fails_with(67).run();
    server.finish();
}

#[test]
fn a_full_stderr_does_not_matter_when_there_is_nothing_to_say() {
    let server = server(&[], 1);
    one_redirected(&server, "2>/dev/full").run();
    server.finish();
}

#[test]
fn closed_outputs_change_nothing() {
    let taking = server(&[], 1);
    one_redirected(&taking, ">&- 2>&-").run();
    taking.finish();
    let refusing = Server::file("recipient-refused");
    one_redirected(&refusing, ">&- 2>&-").fails_with(67).run();
    refusing.finish();
}

#[test]
fn a_full_stderr_is_no_panic_in_a_usage_error() {
    for redirection in ["2>/dev/full", "2>&-", ">/dev/full 2>&1"] {
        redirected(redirection)
            .arg("--nonsense")
            .fails_with(64)
            .run();
    }
}

#[test]
fn a_warning_is_one_line_and_the_message_still_goes() {
    let silent = Dialogue::text("S: 554 5.3.2 not today\nC? QUIT\n");
    let server = Server::start(
        [silent, Dialogue::file("plain-pipelining")],
        Options::default(),
    );
    let at = server.addr().to_string();
    let output = Smtpsend::new()
        .args(["-S", &format!("{at},{at}"), "--tls", "none"])
        .args(["--to", "b@example.com", "--body", "x"])
        .stderr_has(format!("smtpsend: warning: {at}: "))
        .run();
    assert_eq!(output.stderr().lines().count(), 1, "{}", output.stderr());
    server.finish();
}
