//! What is asked on a terminal: the password, and the questions of `smtpsend config init`.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::{Server, Terminal, ca_pem};

/// The program that sends as bench, and asks for the password.
fn sending(home: &std::path::Path, server: &str, more: &[&str]) -> Terminal {
    let ca = format!("--ca-file={}", ca_pem().display());
    let args = [
        "-S", server, &ca, "--to", "b@x.org", "--body", "x", "-u", "bench",
    ];
    Terminal::run(home, args.iter().chain(more))
}

#[test]
fn what_is_typed_is_the_password_and_does_not_show() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::file("starttls-auth-pipelining");
    let mut terminal = sending(home.path(), &server.addr().to_string(), &[]);
    terminal.says("Password for bench: ");
    assert!(!terminal.echoes());
    terminal.types("wrong\x15secreet\x7f\x7ft\n");
    assert_eq!(terminal.ends().code(), Some(0), "{}", terminal.rest());
    assert!(terminal.echoes());
    assert_eq!(terminal.rest(), "\r\n");
    server.finish();
}

#[test]
fn a_password_that_is_not_utf_8_is_taken_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::text(
        "S: 220 mail.test\nC: EHLO *\nS: 250-mail.test\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nTLS\n\
         C: EHLO *\nS: 250-mail.test\nS: 250 AUTH PLAIN\nC: AUTH PLAIN AGJlbmNoAHDkc3PDpw==\nS: 535 5.7.8 no\n\
         C? QUIT\nS: 221 bye\n",
    );
    let mut terminal = sending(home.path(), &server.addr().to_string(), &[]);
    terminal.says("Password for bench: ");
    terminal.types(b"p\xe4ss\xc3\xa7\n");
    assert_eq!(terminal.ends().code(), Some(77), "{}", terminal.rest());
    server.finish();
}

#[test]
fn the_deadline_and_a_signal_end_the_prompt_with_the_echo_back() {
    let home = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let mut terminal = sending(home.path(), "127.0.0.1:1", &["--deadline", "0.2"]);
    terminal.says("Password for bench: ");
    assert_eq!(terminal.ends().code(), Some(75));
    assert!(terminal.echoes());
    assert!(start.elapsed() < Duration::from_secs(30));
    terminal.says("no password for the user bench was typed before the deadline\r\n");

    for signal in [Signal::QUIT, Signal::TERM, Signal::INT] {
        let mut terminal = sending(home.path(), "127.0.0.1:1", &[]);
        terminal.says("Password for bench: ");
        terminal.signal(signal);
        let status = terminal.ends();
        let signalled = std::os::unix::process::ExitStatusExt::signal(&status);
        assert_eq!(signalled, Some(signal.as_raw()));
        assert!(terminal.echoes(), "{signal:?}");
    }
}

#[test]
fn no_password_is_told_as_that() {
    let home = tempfile::tempdir().unwrap();
    for typed in ["\n", "\x04"] {
        let mut terminal = sending(home.path(), "127.0.0.1:1", &[]);
        terminal.says("Password for bench: ");
        terminal.types(typed);
        assert_eq!(terminal.ends().code(), Some(78));
        terminal.says("smtpsend: no password for the user bench: none was typed\r\n");
    }
}

/// `smtpsend config init` that tries nothing.
fn init(home: &std::path::Path, more: &[&str]) -> Terminal {
    Terminal::run(home, ["config", "init", "--no-check"].iter().chain(more))
}

#[test]
fn a_question_is_asked_again_with_what_was_wrong() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = init(home.path(), &["-S", "mail.test"]);
    terminal.says("Your mail address: ");
    terminal.types("\n");
    terminal.says("Your mail address: ");
    terminal.types("A <a@b.com>, c@d.com\n");
    terminal.says("more than one author\r\nYour mail address: ");
    terminal.types("a@b.com\n");
    terminal.says("User name [a@b.com]: ");
    terminal.types("\n");
    terminal.says("Password for a@b.com: ");
    terminal.types("secret\n");
    assert_eq!(terminal.ends().code(), Some(0), "{}", terminal.rest());
    let text = fs::read_to_string(home.path().join(".config/smtpsend/config.toml")).unwrap();
    let expected =
        "server = \"mail.test\"\nfrom = \"a@b.com\"\nuser = \"a@b.com\"\npassword = \"secret\"\n";
    assert_eq!(text, expected);
}

#[test]
fn after_three_attempts_what_was_not_answered_is_named() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = init(home.path(), &[]);
    for _ in 0..3 {
        terminal.says("Your mail address: ");
        terminal.types("\n");
    }
    assert_eq!(terminal.ends().code(), Some(64));
    terminal.says("smtpsend: --from is missing, and it was not answered\r\n");
}

#[test]
fn a_password_that_cannot_be_written_is_refused() {
    for (typed, told) in [
        (
            &b"p\xe4ss\n"[..],
            "the password is not UTF-8, and cannot stand in a settings file",
        ),
        (b"\n", "no password for the user bench: none was typed"),
    ] {
        let home = tempfile::tempdir().unwrap();
        let mut terminal = init(
            home.path(),
            &["-S", "mail.test", "-f", "a@b.com", "-u", "bench"],
        );
        terminal.says("Password for bench: ");
        terminal.types(typed);
        assert_eq!(terminal.ends().code(), Some(78));
        terminal.says(told);
        assert!(!home.path().join(".config").exists());
    }
}
