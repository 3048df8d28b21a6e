//! `smtpsend run`: when there is mail, what it says, and how it ends.

use std::fs;

use rustix::process::Signal;

use crate::parts::{self, DELIVERY, GROUPS};
use crate::queue::Spool;
use crate::support::{Server, Smtpsend, Terminal, closed_port};

/// `smtpsend run` from a@example.com, with these options, of a script.
pub(crate) fn script(options: &[&str], script: &str) -> Smtpsend {
    command(options, &["sh", "-c", script])
}

/// The same of any command.
pub(crate) fn command(options: &[&str], words: &[&str]) -> Smtpsend {
    let call = Smtpsend::new().args(["run", "--from", "a@example.com", "--tls", "none"]);
    call.args(options).arg("--").args(words)
}

/// A server that takes one message for b@example.com.
pub(crate) fn server() -> Server {
    parts::server(&[GROUPS, DELIVERY])
}

/// The options for this server and b@example.com.
pub(crate) fn at(server: &Server) -> [String; 4] {
    let address = server.addr().to_string();
    ["--to", "b@example.com", "--server", &address].map(str::to_owned)
}

/// Runs a script that must end so and be mailed, and gives the mail.
#[track_caller]
pub(crate) fn mailed(options: &[&str], text: &str, exit: i32) -> String {
    let server = server();
    let at = at(&server);
    let options: Vec<&str> = at
        .iter()
        .map(String::as_str)
        .chain(options.iter().copied())
        .collect();
    script(&options, text).fails_with(exit).run();
    server.finish().message().text()
}

/// Runs a script for which there must be no mail.
#[track_caller]
fn not_mailed(options: &[&str], text: &str) {
    let nowhere = format!("127.0.0.1:{}", closed_port());
    let at = ["--to", "b@example.com", "--server", &nowhere];
    script(&[&at, options].concat(), text).run();
}

#[test]
fn without_reason_there_is_no_mail_and_nothing_is_printed() {
    not_mailed(&[], "true");
    not_mailed(&[], "echo all is well");
    not_mailed(&["--on", "output"], "true");
}

#[test]
fn a_command_that_fails_is_mailed() {
    let mail = mailed(&[], "echo one; echo two >&2; echo three; exit 3", 3);
    let host = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let host = host.split('.').next().unwrap();
    for part in [
        "Subject: FAILED (exit 3): sh -c 'echo one;",
        &format!(" on {host}"),
        "\r\nTo: b@example.com\r\n",
        "From: a@example.com\r\n",
        "\r\nAuto-Submitted: auto-generated\r\n",
        "Command:   sh -c 'echo one; echo two >&2; echo three; exit 3'\r\n",
        "\r\nStatus:    exit status 3\r\n",
        "\r\nDuration:  0.",
        " +0000\r\nHost:      ",
        "\r\nDirectory: /",
        "\r\nOutput (14 octets):\r\n\r\none\r\ntwo\r\nthree\r\n",
    ] {
        assert!(mail.contains(part), "{part:?} is missing\n{mail}");
    }
}

#[test]
fn output_on_standard_error_alone_is_a_reason() {
    for text in ["echo trouble >&2", "echo trouble > /dev/stderr"] {
        let mail = mailed(&[], text, 0);
        assert!(
            mail.contains("Subject: WARNING (standard error): "),
            "{mail}"
        );
        assert!(mail.contains("Status:    exit status 0, with output on standard error\r\n"));
        assert!(mail.contains("\r\n\r\ntrouble\r\n"), "{mail}");
    }
}

#[test]
fn what_is_a_reason_can_be_said() {
    let mail = mailed(&["--on", "output"], "echo text", 0);
    assert!(
        mail.contains("Subject: OK: sh -c 'echo text' on "),
        "{mail}"
    );
    let mail = mailed(&["--on", "always"], "true", 0);
    assert!(mail.contains("\r\nIt printed nothing.\r\n"), "{mail}");
    mailed(&["--on", "output"], "exit 7", 7);
}

#[test]
fn what_is_a_reason_may_be_a_setting() {
    let server = server();
    let address = server.addr().to_string();
    script(&["--to", "b@example.com"], "true")
        .settings(format!(
            "on = 'always'\nserver = '{address}'\ntimeout-command = '5m'\njson = true\n"
        ))
        .run();
    server.finish().message();
}

#[test]
fn a_message_of_ones_own_may_have_its_own_header() {
    let options = [
        "--subject",
        "backup",
        "-H",
        "X-Job: 7",
        "-H",
        "Auto-Submitted: no",
    ];
    let mail = mailed(&options, "exit 1", 1);
    for line in ["Subject: backup", "X-Job: 7", "Auto-Submitted: no"] {
        assert!(mail.contains(&format!("\r\n{line}\r\n")), "{mail}");
    }
    assert_eq!(mail.matches("Auto-Submitted").count(), 1);
}

#[test]
fn a_signal_that_kills_it_is_named() {
    let mail = mailed(&[], "kill -9 $$", 128 + 9);
    assert!(mail.contains("Subject: FAILED (SIGKILL): "), "{mail}");
    assert!(
        mail.contains("\r\nStatus:    killed by SIGKILL\r\n"),
        "{mail}"
    );
}

#[test]
fn a_command_that_takes_too_long_is_ended_with_all_that_it_started() {
    let started = std::time::Instant::now();
    let mail = mailed(
        &["--timeout-command", "0.2"],
        "echo begun; sleep 60 | sleep 60",
        124,
    );
    assert!(started.elapsed() < std::time::Duration::from_secs(30));
    assert!(
        mail.contains("\r\nStatus:    timed out after 0.2 s\r\n"),
        "{mail}"
    );
    assert!(mail.contains("\r\nbegun\r\n"));
}

#[test]
fn what_cannot_be_started_is_mailed_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for (name, exit) in [("/nonexistent/backup", 127), (file.to_str().unwrap(), 126)] {
        let server = server();
        let at = at(&server);
        command(&at.each_ref().map(String::as_str), &[name, "x"])
            .fails_with(exit)
            .stderr_has(format!("smtpsend: {name}: could not be started: "))
            .run();
        let mail = server.finish().message().text();
        assert!(mail.contains("Subject: NOT STARTED: "), "{mail}");
    }
}

#[test]
fn the_command_has_what_it_would_have_without_us() {
    let server = server();
    let at = at(&server);
    let options = at.each_ref().map(String::as_str);
    let text = "umask; cat; echo ${SMTPSEND_PASSWORD-none} $OTHER; exit 1";
    script(&options, text)
        .through("sh", &["-c", "umask 0137; exec \"$@\"", "sh"])
        .env("SMTPSEND_PASSWORD", "hunter2")
        .env("OTHER", "kept")
        .stdin("input\n")
        .fails_with(1)
        .run();
    let mail = server.finish().message().text();
    assert!(
        mail.contains("\r\n0137\r\ninput\r\nnone kept\r\n"),
        "{mail}"
    );
}

#[test]
fn what_it_leaves_running_is_not_waited_for() {
    let started = std::time::Instant::now();
    let mail = mailed(&[], "sleep 60 & echo text; exit 1", 1);
    assert!(started.elapsed() < std::time::Duration::from_secs(30));
    assert!(mail.contains("\r\ntext\r\n"), "{mail}");
}

#[test]
fn a_signal_is_passed_on_and_the_report_goes_out() {
    let server = server();
    let at = at(&server);
    let folder = tempfile::tempdir().unwrap();
    let begun = folder.path().join("begun");
    let text = format!(
        "trap 'echo ended; exit 5' TERM; touch {}; while :; do sleep 0.01; done",
        begun.display()
    );
    let running = script(&at.each_ref().map(String::as_str), &text)
        .fails_with(5)
        .start();
    while !begun.exists() {
        std::thread::yield_now();
    }
    running.signal(Signal::TERM);
    running.ends();
    let mail = server.finish().message().text();
    assert!(mail.contains("\r\nended\r\n"), "{mail}");
}

#[test]
fn a_mail_that_cannot_leave_is_queued() {
    let spool = Spool::new();
    let nowhere = format!("127.0.0.1:{}", closed_port());
    script(
        &["--to", "b@example.com", "--server", &nowhere],
        "echo text; exit 4",
    )
    .env("SMTPSEND_QUEUE_DIR", &spool.path)
    .fails_with(4)
    .stderr_has("queued as")
    .stderr_lacks("text")
    .run();
    assert_eq!(spool.list()[0]["recipients"][0]["address"], "b@example.com");
}

/// The program at a terminal, with a script whose mail goes to this server.
fn at_a_terminal(home: &std::path::Path, server: &Server, text: &str) -> Terminal {
    let options = ["run", "--from", "a@example.com", "--tls", "none"].map(str::to_owned);
    let words = ["--", "sh", "-c", text].map(str::to_owned);
    Terminal::run(home, [&options[..], &at(server), &words].concat())
}

#[test]
fn at_a_terminal_the_command_can_ask_and_ctrl_c_reaches_it_once() {
    let home = tempfile::tempdir().unwrap();
    let server = server();
    let text = "trap 'echo interrupted; n=x$n' INT; echo ready > /dev/tty; read answer; echo got $answer; \
                echo times $n; exit 6";
    let mut terminal = at_a_terminal(home.path(), &server, text);
    terminal.says("ready");
    terminal.types("\x03");
    terminal.types("yes\n");
    assert_eq!(terminal.ends().code(), Some(6), "{}", terminal.rest());
    let mail = server.finish().message().text();
    assert!(mail.contains("\r\ninterrupted\r\ngot"), "{mail}");
    assert!(mail.contains("\r\ntimes x\r\n"), "{mail}");
}

#[test]
fn at_a_terminal_sigterm_is_passed_on_and_ctrl_c_ends_the_command_and_not_the_report() {
    for how in ["\x03", ""] {
        let home = tempfile::tempdir().unwrap();
        let server = server();
        let mut terminal =
            at_a_terminal(home.path(), &server, "echo ready > /dev/tty; exec sleep 60");
        terminal.says("ready");
        let name = if how.is_empty() {
            terminal.signal(Signal::TERM);
            "SIGTERM"
        } else {
            terminal.types(how);
            "SIGINT"
        };
        let code = if how.is_empty() { 143 } else { 130 };
        assert_eq!(terminal.ends().code(), Some(code), "{}", terminal.rest());
        let mail = server.finish().message().text();
        assert!(mail.contains(&format!("killed by {name}")), "{mail}");
    }
}

#[test]
fn a_script_that_names_no_interpreter_is_the_shells() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script");
    std::fs::write(&path, "test \"$1\" = a && exit 4\n").unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&path, executable).unwrap();
    let nowhere = format!("127.0.0.1:{}", closed_port());
    let options = ["--to", "b@x.org", "--server", &nowhere, "--queue", "never"];
    let call = command(&options, &[path.to_str().unwrap(), "a"]);
    call.fails_with(4).stderr_has("exit status 4").run();
    let call = command(&options, &["script", "a"]).env("PATH", folder.path());
    call.fails_with(4).stderr_has("exit status 4").run();
}

#[test]
fn an_empty_mailto_is_no_mail_and_the_command_is_run() {
    let call = command(&[], &["sh", "-c", "echo broken; exit 3"]);
    call.env("MAILTO", "").fails_with(3).run();
}
