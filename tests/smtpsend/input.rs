//! What standard input is: a message or a body, and when it is not read at all.

use crate::delivery::{call, delivered, redirected, server};
use crate::support::{Server, Smtpsend};

/// Needs nothing added.
pub(crate) const WHOLE: &str = "From: a@example.com\r\nDate: Thu, 1 Jan 1970 00:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n";

#[test]
fn a_report_that_starts_like_a_header_is_a_body() {
    let delivery = delivered(|call| call.stdin("Error: disk full\n"));
    assert_eq!(delivery.body(), b"Error: disk full\r\n");
    assert_eq!(delivery.fields("Error"), [""; 0]);
}

#[test]
fn each_telling_field_makes_a_message() {
    for name in [
        "From",
        "To",
        "Cc",
        "Bcc",
        "Subject",
        "Message-ID",
        "MIME-Version",
        "Reply-To",
        "Sender",
    ] {
        let delivery = delivered(|call| call.stdin(format!("X-Job: 1\n{name}: c@x.org\n\nhi\n")));
        assert_eq!(delivery.fields("X-Job"), ["1"], "{name}");
        assert_eq!(delivery.body(), b"hi\r\n", "{name}");
    }
}

#[test]
fn a_header_block_that_breaks_off_is_a_body() {
    let text = "Subject: lunch\nis at noon today\n\nbye\n";
    let delivery = delivered(|call| call.stdin(text));
    assert_eq!(delivery.body(), text.replace('\n', "\r\n").as_bytes());
}

#[test]
fn an_mbox_line_before_a_message_is_dropped() {
    let delivery = delivered(|call| {
        call.stdin("From a@example.com Thu Jan  1 00:00:00 1970\nSubject: x\n\nhi\n")
    });
    assert!(delivery.message.text().starts_with("Subject: x\r\n"));
}

#[test]
fn a_header_without_a_body_is_a_message() {
    for text in ["Subject: x", "Subject: x\n", "Subject: x\n\n"] {
        let delivery = delivered(|call| call.stdin(text));
        assert_eq!(delivery.fields("Subject"), ["x"], "{text:?}");
        assert_eq!(delivery.body(), b"", "{text:?}");
    }
}

#[test]
fn an_empty_stdin_is_an_empty_body() {
    let delivery = delivered(|call| call.args(["-s", "done"]));
    assert_eq!(delivery.fields("Subject"), ["done"]);
    assert_eq!(delivery.body(), b"");
}

#[test]
fn a_closed_stdin_is_an_empty_body() {
    let server = server(&[], 1);
    let address = server.addr().to_string();
    redirected("<&-")
        .args(["--server", &address, "--tls", "none", "--to", "b@x.org"])
        .run();
    assert!(server.finish().message().text().ends_with("\r\n\r\n"));
}

#[test]
fn input_body_keeps_a_header_in_the_text() {
    let delivery = delivered(|call| call.args(["--input", "body"]).stdin("Subject: x\n\nhi\n"));
    assert_eq!(delivery.body(), b"Subject: x\r\n\r\nhi\r\n");
}

#[test]
fn input_message_takes_a_header_without_a_telling_field() {
    let delivery = delivered(|call| call.args(["--input", "message"]).stdin("X-Job: 1\n\nhi\n"));
    assert_eq!(delivery.fields("X-Job"), ["1"]);
    assert_eq!(delivery.body(), b"hi\r\n");
}

#[test]
fn a_claimed_message_that_is_none_is_refused_by_its_line() {
    let server = Server::unvisited();
    call(&server)
        .args(["--to", "b@x.org", "--input", "message"])
        .stdin("Subject: x\nnot a field\n")
        .fails_with(65)
        .stderr_has("smtpsend: standard input: line 2 ")
        .stderr_has("\nhint: ")
        .run();
    server.finish();
}

#[test]
fn verbose_says_which_was_chosen() {
    for (text, said) in [("Subject: x\n", "is a message"), ("hello\n", "is the body")] {
        delivered(|call| call.arg("-v").stdin(text).stderr_has(said));
    }
}

#[test]
fn body_flags_leave_stdin_to_the_loop_around_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("text");
    std::fs::write(&file, "from a file\n").unwrap();
    let file = file.to_str().unwrap();
    for (flag, value, text) in [
        ("--body", "typed", "typed\r\n"),
        ("--body-file", file, "from a file\r\n"),
    ] {
        let delivery = delivered(|call| call.args([flag, value]).stdin_never_ends());
        assert_eq!(delivery.body(), text.as_bytes(), "{flag}");
    }
}

#[test]
fn body_file_dash_is_stdin_and_always_a_body() {
    let delivery = delivered(|call| call.args(["--body-file", "-"]).stdin("Subject: x\n\nhi\n"));
    assert_eq!(delivery.body(), b"Subject: x\r\n\r\nhi\r\n");
}

#[test]
fn two_sources_for_one_text_are_refused() {
    for args in [
        &["--body", "x", "--body-file", "y"][..],
        &["--body", "x", "--input", "message"],
        &["--body", "x", "--input", "body"],
        &["--body-file", "/dev/null", "--input", "message"],
        &["--body-file", "-", "--input", "message"],
    ] {
        let server = Server::unvisited();
        call(&server)
            .args(["--to", "b@x.org"])
            .args(args.iter().copied())
            .stdin("Subject: x\n\nhi\n")
            .fails_with(64)
            .stderr_has("smtpsend: ")
            .run();
        server.finish();
    }
}

#[test]
fn input_auto_is_no_contradiction() {
    delivered(|call| {
        call.args(["--body", "x", "--input", "auto"])
            .stdin_never_ends()
    });
    delivered(|call| call.args(["--body", "x"]).env("SMTPSEND_INPUT", "message"));
}

#[test]
fn a_body_file_that_cannot_be_read_is_66() {
    for path in ["/nonexistent/text", "/tmp"] {
        Smtpsend::new()
            .args(["-n", "--to", "b@x.org", "--body-file", path])
            .fails_with(66)
            .stderr_has(format!("smtpsend: --body-file: {path}: "))
            .run();
    }
}

#[test]
fn a_stdin_that_is_a_directory_is_a_local_failure() {
    redirected("</")
        .args(["-n", "--to", "b@x.org"])
        .fails_with(74)
        .stderr_has("smtpsend: standard input: ")
        .run();
}

#[test]
fn a_stdin_that_does_not_end_is_given_up_at_the_deadline() {
    let server = Server::unvisited();
    call(&server)
        .args(["--to", "b@x.org", "--deadline", "0.2"])
        .stdin_never_ends()
        .fails_with(75)
        .stderr_has("smtpsend: standard input: did not end before the deadline")
        .run();
    server.finish();
}

#[test]
fn a_value_may_start_with_a_hyphen() {
    let delivery = delivered(|call| call.args(["-s", "-50% off", "--body", "--- a/file"]));
    assert_eq!(delivery.fields("Subject"), ["-50% off"]);
    assert!(delivery.message.text().ends_with("\r\n\r\n--- a/file\r\n"));
}

#[test]
fn a_missing_empty_line_is_not_passed_over_in_silence() {
    let server = server(&[], 1);
    call(&server)
        .args(["--to", "b@example.com"])
        .stdin("To: b@example.com\nSubject: x\nhello\n")
        .stderr_has("warning: standard input is taken for a text")
        .stderr_has("line 3")
        .run();
    server.finish();
}
