//! Settings: each has a flag and a variable, the flag wins, and what is wrong names its origin.

use crate::delivery::{call, delivered, delivered_where, server};
use crate::support::{Server, Smtpsend};

/// Settings that take a value: the flag, a good value, a bad one, and the exit code of a bad flag.
const VALUES: [(&str, &str, &str, i32); 19] = [
    ("server", "m.test", "a b", 64),
    ("ports", "587", "submission", 64),
    ("tls", "starttls", "ssl", 64),
    ("trust", "webpki", "everybody", 64),
    ("ehlo", "me.test", "a b", 64),
    ("timeout", "1.5", "soon", 64),
    ("connect-timeout", "5", "0", 64),
    ("deadline", "60", "-1", 64),
    ("auth", "plain", "magic", 64),
    ("retry", "3", "often", 64),
    ("dsn-notify", "never", "always", 64),
    ("dsn-return", "headers", "some", 64),
    ("mail-param", "MT-PRIORITY=3", "SIZE=1", 64),
    ("charset", "latin1", "klingon", 64),
    ("input", "body", "maybe", 64),
    ("ca-file", "/etc/passwd", "/nonexistent.pem", 66),
    ("from", "f@x.org", "nobody", 65),
    ("reply-to", "r@x.org", "nobody", 65),
    ("envelope-from", "<>", "nobody", 65),
];

const SWITCHES: [&str; 10] = [
    "no-chunking",
    "auth-first",
    "read-recipients",
    "no-pipelining",
    "allow-cleartext-auth",
    "all-or-nothing",
    "require-tls",
    "verbose",
    "quiet",
    "json",
];

pub(crate) fn variable(flag: &str) -> String {
    format!("SMTPSEND_{}", flag.replace('-', "_").to_uppercase())
}

pub(crate) fn dry_run() -> Smtpsend {
    Smtpsend::new().args(["-n", "--to", "b@x.org"])
}

#[test]
fn a_bad_value_in_a_flag_names_the_flag() {
    for (name, _, bad, code) in VALUES {
        dry_run()
            .arg(format!("--{name}={bad}"))
            .fails_with(code)
            .stderr_has(format!("smtpsend: --{name}: "))
            .run();
    }
}

#[test]
fn a_bad_value_in_the_environment_names_the_variable() {
    for (name, _, bad, code) in VALUES {
        let code = if code == 64 { 78 } else { code };
        dry_run()
            .env(variable(name), bad)
            .fails_with(code)
            .stderr_has(format!("smtpsend: {}: ", variable(name)))
            .run();
    }
}

#[test]
fn a_bad_switch_in_the_environment_names_the_variable() {
    for name in SWITCHES {
        Smtpsend::new()
            .args(["--server", "m.test", "--body", "x", "--to", "b@x.org"])
            .env(variable(name), "perhaps")
            .fails_with(78)
            .stderr_has(format!("smtpsend: {}: ", variable(name)))
            .run();
    }
}

#[test]
fn a_flag_wins_over_its_variable() {
    for (name, good, bad, _) in VALUES {
        if name != "ca-file" {
            dry_run()
                .args([format!("--{name}"), good.to_owned()])
                .env(variable(name), bad)
                .stdout_any()
                .stderr_any()
                .run();
        }
    }
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let mut call = dry_run();
    for name in VALUES.map(|(name, ..)| name).into_iter().chain(SWITCHES) {
        call = call.env(variable(name), "");
    }
    call.stdout_any()
        .stderr_has("plan: no server is set\n")
        .run();
}

#[test]
fn a_variable_that_is_not_utf_8_is_named() {
    use std::os::unix::ffi::OsStringExt as _;
    dry_run()
        .env(
            "SMTPSEND_FROM",
            std::ffi::OsString::from_vec(b"\xff@x.org".to_vec()),
        )
        .fails_with(78)
        .stderr_has("smtpsend: SMTPSEND_FROM: ")
        .run();
}

#[test]
fn the_environment_alone_is_enough() {
    let server = server(&["8BITMIME"], 1);
    Smtpsend::new()
        .args(["--to", "b@x.org"])
        .env("SMTPSEND_SERVER", "127.0.0.1")
        .env("SMTPSEND_PORTS", server.port().to_string())
        .env("SMTPSEND_TLS", "none")
        .env("SMTPSEND_EHLO", "me.test")
        .env("SMTPSEND_FROM", "From <f@x.org>")
        .env("SMTPSEND_REPLY_TO", "r@x.org")
        .env("SMTPSEND_ENVELOPE_FROM", "e@x.org")
        .env("SMTPSEND_CHARSET", "latin1")
        .env("SMTPSEND_INPUT", "body")
        .stdin(b"Subject: gr\xfcn\n")
        .run();
    let transcript = server.finish();
    assert_eq!(
        transcript.lines[..2],
        ["EHLO me.test", "MAIL FROM:<e@x.org>"]
    );
    let text = transcript.message().text();
    assert!(text.contains("From: From <f@x.org>\r\n"), "{text}");
    assert!(text.contains("Reply-To: r@x.org\r\n"), "{text}");
    assert!(text.contains("Subject: gr=C3=BCn\r\n"), "{text}");
}

#[test]
fn authorities_user_and_password_come_from_the_environment() {
    let server = Server::file("starttls-auth-pipelining");
    Smtpsend::new()
        .args(["--to", "b@x.org", "--body", "x"])
        .env("SMTPSEND_SERVER", server.addr().to_string())
        .env("SMTPSEND_CA_FILE", crate::support::ca_pem())
        .env("SMTPSEND_USER", "bench")
        .env("SMTPSEND_PASSWORD", "secret")
        .run();
    server.finish();
}

#[test]
fn waits_come_from_the_environment() {
    for (name, said) in [
        ("SMTPSEND_TIMEOUT", "S: 220 mail.test\nWAIT\n"),
        ("SMTPSEND_CONNECT_TIMEOUT", "WAIT\n"),
        ("SMTPSEND_DEADLINE", "S: 220 mail.test\nWAIT\n"),
    ] {
        let server = Server::text(said);
        call(&server)
            .args(["--to", "b@x.org", "--body", "x"])
            .env(name, "0.3")
            .limit(std::time::Duration::from_secs(10))
            .fails_with(75)
            .stderr_has(format!("smtpsend: {}: ", server.addr()))
            .run();
        server.finish();
    }
}

#[test]
fn a_retry_comes_from_the_environment() {
    use crate::support::{Dialogue, server::Options};
    let busy = Dialogue::text("S: 421 4.3.2 busy\nC? QUIT\n");
    let server = Server::start(
        [busy, Dialogue::file("plain-pipelining")],
        Options::default(),
    );
    call(&server)
        .args(["--to", "b@x.org", "--body", "x"])
        .env("SMTPSEND_RETRY", "1")
        .stderr_has("smtpsend: warning: ")
        .run();
    server.finish();
}

#[test]
fn no_pipelining_comes_from_the_environment() {
    let server = Server::text(
        "S: 220 mail.test\nC: EHLO *\nS: 250-mail.test\nS: 250 PIPELINING\n\
         C: MAIL FROM:<*>\nQUIET\nS: 250 ok\nC: RCPT TO:<*>\nQUIET\nS: 250 ok\n\
         C: DATA\nQUIET\nS: 354 go\nBODY\nS: 250 ok\nC? QUIT\nS: 221 bye\n",
    );
    call(&server)
        .args(["--to", "b@x.org", "--body", "x"])
        .env("SMTPSEND_NO_PIPELINING", "yes")
        .run();
    server.finish();
}

#[test]
fn all_or_nothing_comes_from_the_environment() {
    let server = Server::text(
        "S: 220 mail.test\nC: EHLO *\nS: 250 mail.test\nC: MAIL FROM:<*>\nS: 250 ok\n\
         C: RCPT TO:<b@x.org>\nS: 250 ok\nC: RCPT TO:<c@x.org>\nS: 550 no such user\n\
         C? QUIT\nS: 221 bye\n",
    );
    call(&server)
        .args(["--to", "b@x.org,c@x.org", "--body", "x"])
        .env("SMTPSEND_ALL_OR_NOTHING", "1")
        .fails_with(67)
        .stderr_has("RCPT <c@x.org>: 550 no such user")
        .run();
    server.finish();
}

#[test]
fn read_recipients_comes_from_the_environment() {
    let delivery = delivered_where(&[], 2, |call| {
        call.args(["--to", "b@x.org"])
            .env("SMTPSEND_READ_RECIPIENTS", "on")
            .stdin("To: c@x.org\n\nhi\n")
    });
    assert_eq!(delivery.recipients(), ["b@x.org", "c@x.org"]);
}

#[test]
fn auth_none_comes_from_the_environment() {
    delivered(|call| {
        call.args(["--body", "x", "-u", "bench"])
            .env("SMTPSEND_AUTH", "none")
    });
}

#[test]
fn cleartext_auth_has_to_be_allowed() {
    let unvisited = Server::unvisited();
    let with = |server: &Server| {
        call(server)
            .args(["--to", "b@x.org", "--body", "x", "-u", "bench"])
            .env("SMTPSEND_PASSWORD", "secret")
    };
    with(&unvisited).fails_with(77).stderr_has("\nhint: ").run();
    unvisited.finish();
    let server = Server::text(
        "S: 220 mail.test\nC: EHLO *\nS: 250-mail.test\nS: 250 AUTH PLAIN\n\
         C64: AUTH PLAIN \\0bench\\0secret\nS: 235 ok\nC: MAIL FROM:<*>\nS: 250 ok\n\
         C: RCPT TO:<*>\nS: 250 ok\nC: DATA\nS: 354 go\nBODY\nS: 250 ok\nC? QUIT\nS: 221 bye\n",
    );
    with(&server)
        .env("SMTPSEND_ALLOW_CLEARTEXT_AUTH", "true")
        .run();
    server.finish();
}
