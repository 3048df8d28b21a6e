//! `--dry-run`: what would be sent, to whom and where, and no connection.

use std::fs::File;

use crate::delivery::{call, delivered_where};
use crate::support::{Server, Smtpsend};

fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

/// The same is printed as a server with 8BITMIME and SMTPUTF8 receives.
#[track_caller]
fn prints_what_is_sent(args: &[&str], stdin: &[u8]) {
    let fixed = [
        "-H",
        "Date: Thu, 1 Jan 1970 00:00:00 +0000",
        "-H",
        "Message-ID: <1@x.org>",
    ];
    let given = |call: Smtpsend| {
        call.args(["--to", "b@x.org"])
            .args(fixed)
            .args(args.iter().copied())
            .stdin(stdin)
    };
    let unvisited = Server::unvisited();
    let printed = given(call(&unvisited))
        .arg("-n")
        .stdout_any()
        .stderr_any()
        .run();
    unvisited.finish();
    let delivery = delivered_where(&["8BITMIME", "SMTPUTF8"], 1, |call| {
        given(call).stderr_any()
    });
    assert_eq!(
        printed.stdout,
        delivery.message.data,
        "{}",
        delivery.message.text()
    );
}

#[test]
fn what_is_printed_is_what_a_server_receives() {
    for (args, stdin) in [
        (
            &["-s", "Grüße", "-f", "Jörg <a@x.org>"][..],
            &b"hello\n.\n"[..],
        ),
        (&["-b", "b@x.org"], "grün\r\n".as_bytes()),
        (&[], b"\xff\0binary"),
        (&[], b"J\xf6rg"),
        (&[], b"Subject: x\nBcc: d@x.org\n\n.\n..\nno line end"),
        (&[], "Subject: Grüße\n\ngrün\n".as_bytes()),
    ] {
        prints_what_is_sent(args, stdin);
    }
}

#[test]
fn envelope_and_plan_are_told_on_stderr() {
    Smtpsend::new()
        .args(["-n", "-S", "m.test:587", "-f", "a@x.org", "--body", "x"])
        .args(["--to", "b@x.org", "-b", "c@x.org"])
        .stdout_has("\r\n\r\nx\r\n")
        .stderr_has("envelope sender: <a@x.org>\nrecipient: <b@x.org>\nrecipient: <c@x.org>\n")
        .stderr_has("plan: m.test:587 starttls\n")
        .run();
}

#[test]
fn what_is_built_in_is_shown_and_dns_is_not_asked() {
    let gmail = "plan: smtp.gmail.com:587 starttls\n";
    let message = "From: a@gmail.com\nTo: b@x.org\n\nx\n";
    for (from, settings, line) in [
        ("a@gmail.com", "", gmail),
        (
            "a@gmail.com",
            "discover = \"never\"\n",
            "plan: no server is set\n",
        ),
        (
            "a@example.org",
            "",
            "plan: the server is to be found in DNS for example.org\n",
        ),
        ("a@[192.0.2.1]", "", "plan: no server is set\n"),
    ] {
        Smtpsend::new()
            .settings(settings)
            .args(["-n", "-f", from, "--to", "b@x.org", "--body", "x"])
            .stdout_any()
            .stderr_has(line)
            .run();
    }
    let call = Smtpsend::new().args(["-n"]).stdin(message);
    call.stdout_any().stderr_has(gmail).run();
}

#[test]
fn it_needs_neither_a_server_nor_a_password() {
    Smtpsend::new()
        .args(["--dry-run", "--to", "b@x.org", "--body", "x", "-u", "bench"])
        .stdout_any()
        .stderr_has("plan: no server is set\n")
        .run();
}

#[test]
fn what_cannot_be_sent_is_refused_here_too() {
    for (args, stdin, code) in [
        (&["-n"][..], "hello\n", 64),
        (&["-n", "--to", "bob"], "hello\n", 65),
        (
            &["-n", "--to", "b@x.org", "--input", "message"],
            "Subject: a\rb\n",
            65,
        ),
        (&["-n", "--to", "b@x.org", "-S", "m.test:25"], "hello\n", 78),
    ] {
        Smtpsend::new()
            .args(args.iter().copied())
            .stdin(stdin)
            .fails_with(code)
            .stderr_has("smtpsend: ")
            .run();
    }
}

#[test]
fn output_that_cannot_be_written_is_74() {
    for args in [
        &["-n", "--to", "b@x.org", "--body", "x"][..],
        &["-h"],
        &["--help"],
        &["--version"],
    ] {
        Smtpsend::new()
            .args(args.iter().copied())
            .stdout_to(full())
            .fails_with(74)
            .stderr_has("smtpsend: standard output: ")
            .run();
    }
}

#[test]
fn a_reader_that_goes_away_is_74() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    Smtpsend::new()
        .args(["-n", "--to", "b@x.org"])
        .stdin("text\n".repeat(100_000))
        .stdout_to(writer)
        .fails_with(74)
        .stderr_has("smtpsend: standard output: ")
        .run();
}
