//! `smtpsend run` when something is wrong: with the command line, the settings, the way to the server. The command is
//! run in all cases but the first, and its report is not lost.

use std::path::Path;

use crate::parts::{self, GROUPS};
use crate::run::{at, command, mailed, script, server};
use crate::support::{Smtpsend, closed_port};

/// Runs `touch` with these options, which must be refused before.
#[track_caller]
fn refused(options: &[&str], exit: i32, words: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    command(options, &["touch", file.to_str().unwrap()])
        .fails_with(exit)
        .stderr_has(words)
        .run();
    assert!(!Path::new(&file).exists(), "it was run");
}

#[test]
fn a_mistake_on_the_command_line_is_told_and_nothing_is_run() {
    let to = ["--to", "b@example.com"];
    for (options, exit, words) in [
        (&["--to", "b@"][..], 65, "--to: "),
        (
            &["--on", "monday"],
            64,
            "\"monday\" is none of failure, output, always",
        ),
        (&["--timeout-command", "soon"], 64, "--timeout-command: "),
        (&["--subject", "a\nb"], 64, "Subject"),
        (&["-H", "no field"], 64, "--header: "),
        (&["--queue", "maybe"], 64, "--queue: "),
        (&["--tls-min", "1.1"], 64, "--tls-min: "),
        (&["--log-format", "x"], 64, "--log-format: "),
        (&["--password-fd", "3"], 64, "--password-fd"),
        (
            &["--nonsense"],
            64,
            "hint: smtpsend run --help names every option",
        ),
    ] {
        refused(&[&to, options].concat(), exit, words);
    }
    refused(&[], 64, "smtpsend: no recipient\nhint: name one with --to");
}

#[test]
fn a_command_needs_its_hyphens() {
    let call = Smtpsend::new().args(["run", "--to", "b@example.com", "true"]);
    call.fails_with(64).stderr_has("--").run();
    let call = Smtpsend::new().args(["run", "--to", "b@example.com"]);
    call.fails_with(64).stderr_has("COMMAND").run();
}

#[test]
fn settings_that_cannot_be_read_are_told_and_the_command_is_run() {
    let call = script(&["--to", "b@example.com"], "echo text").settings("nonsense = 1\n");
    call.stderr_has("nonsense").stderr_lacks("text").run();

    let call = script(&["--to", "b@example.com"], "echo text; exit 3").settings("on = 'never'\n");
    call.fails_with(3)
        .stderr_has("\"never\" is none of failure, output, always")
        .stderr_has("here it is\nCommand: ")
        .stderr_has("Status:    exit status 3\n")
        .stderr_has("\n\ntext\n")
        .run();
}

#[test]
fn a_report_that_has_nowhere_to_go_is_printed() {
    script(
        &["--to", "b@example.com"],
        "echo text; echo trouble >&2; exit 3",
    )
    .env("SMTPSEND_DISCOVER", "never")
    .fails_with(3)
    .stderr_has("no server is set")
    .stderr_has("\n\ntext\ntrouble\n")
    .run();
    let nowhere = format!("127.0.0.1:{}", closed_port());
    let options = [
        "--to",
        "b@example.com",
        "--server",
        &nowhere,
        "--queue",
        "never",
    ];
    script(&options, "printf text; exit 3")
        .fails_with(3)
        .stderr_has("smtpsend: the report could not be mailed; here it is\n")
        .stderr_has("\n\ntext\n")
        .run();
}

#[test]
fn a_missing_password_keeps_no_command_from_running() {
    let server = format!("127.0.0.1:{}", closed_port());
    let options = ["--to", "b@example.com", "--server", &server, "-u", "bench"];
    let missing = ["--password-file", "/nonexistent"];
    script(&[&options, &missing[..]].concat(), "echo text; exit 3")
        .fails_with(3)
        .stderr_has("/nonexistent")
        .stderr_has("\n\ntext\n")
        .run();
    script(&[&options, &missing[..]].concat(), "echo text").run();
}

#[test]
fn a_refused_recipient_changes_no_status() {
    let server = parts::server(&[
        GROUPS,
        "C: MAIL *\nC: RCPT *\nC: DATA\nS: 250 ok\nS: 550 5.1.1 no such user\nS: 503 no\nC: QUIT",
    ]);
    script(
        &at(&server).each_ref().map(String::as_str),
        "echo trouble >&2",
    )
    .stderr_has("550 5.1.1 no such user")
    .stderr_has("\n\ntrouble\n")
    .run();
    server.finish();
}

#[test]
fn the_recipients_are_those_of_cron_where_none_is_typed() {
    let server = server();
    let address = server.addr().to_string();
    script(&["--server", &address], "exit 1")
        .env("MAILTO", "root")
        .settings("[aliases]\nroot = 'b@example.com'\n")
        .fails_with(1)
        .run();
    let mail = server.finish().message().text();
    assert!(mail.contains("\r\nTo: b@example.com\r\n"), "{mail}");

    script(&["--server", &address], "echo text; exit 1")
        .env("MAILTO", "root")
        .fails_with(1)
        .stderr_has("root has no domain, and is no alias")
        .stderr_has("\n\ntext\n")
        .run();
}

#[test]
fn who_is_typed_goes_before_mailto() {
    let server = server();
    script(&at(&server).each_ref().map(String::as_str), "exit 1")
        .env("MAILTO", "somebody@else.example")
        .fails_with(1)
        .run();
    server.finish().message();
}

#[test]
fn a_long_command_does_not_fill_the_subject() {
    let text = format!("exit 1 # {}", "x".repeat(500));
    let mail = mailed(&[], &text, 1);
    let subject = mail.split("Subject: ").nth(1).unwrap();
    let subject = subject.split("\r\nDate").next().unwrap();
    assert!(subject.len() < 200, "{subject}");
}
