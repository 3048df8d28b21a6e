//! The header of what is sent: what is added, what `-H` does, and that `Bcc` stays at home.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use crate::delivery::{call, delivered, delivered_where};
use crate::input::WHOLE;
use crate::support::Server;

/// A header that cannot be: told by its flag, before anybody is connected to.
#[track_caller]
fn refused(args: &[&str], code: i32) {
    let server = Server::unvisited();
    call(&server)
        .args(["--to", "b@example.com", "--body", "x"])
        .args(args.iter().copied())
        .fails_with(code)
        .stderr_has("smtpsend: ")
        .run();
    server.finish();
}

#[test]
fn what_a_message_lacks_is_added_once() {
    let delivery = delivered(|call| {
        call.args(["-f", "a@example.com"])
            .stdin("Subject: x\n\nhi\n")
    });
    assert_eq!(delivery.fields("From"), ["a@example.com"]);
    let [date] = delivery.fields("Date").try_into().unwrap();
    assert!(smtpsend::message::Date::parse(&date).is_ok(), "{date}");
    let [id] = delivery.fields("Message-ID").try_into().unwrap();
    assert!(
        id.starts_with('<') && id.ends_with('>') && id.contains('@'),
        "{id}"
    );
}

#[test]
fn two_messages_have_two_message_ids() {
    let id = || delivered(|call| call.args(["--body", "x"])).fields("Message-ID");
    assert_ne!(id(), id());
}

#[test]
fn what_a_message_has_is_not_replaced() {
    let message = format!("{WHOLE}To: list@example.com\r\nCc: c@example.com\r\n\r\nhi\r\n");
    let delivery = delivered_where(&[], 2, |call| {
        call.args(["-f", "f@x.org", "--to", "t@x.org", "-c", "u@x.org"])
            .stdin(&message)
    });
    assert_eq!(delivery.message.text(), message);
}

#[test]
fn flags_fill_what_a_message_lacks() {
    let delivery = delivered_where(&[], 2, |call| {
        call.args(["-f", "Ann <f@x.org>", "--to", "t@x.org", "-c", "u@x.org"])
            .args([
                "-s",
                "hello",
                "--reply-to",
                "r@x.org",
                "--reply-to",
                "s@x.org",
            ])
            .stdin("MIME-Version: 1.0\n\nhi\n")
    });
    for (name, value) in [
        ("From", "Ann <f@x.org>"),
        ("To", "t@x.org"),
        ("Cc", "u@x.org"),
        ("Subject", "hello"),
        ("Reply-To", "r@x.org, s@x.org"),
    ] {
        assert_eq!(delivery.fields(name), [value], "{name}");
    }
}

#[test]
fn a_flag_that_is_not_used_is_warned_about() {
    for (flag, value, name) in [
        ("--subject", "flag", "Subject"),
        ("--reply-to", "flag@x.org", "Reply-To"),
        ("--in-reply-to", "flag@x.org", "In-Reply-To"),
        ("--date", "@1", "Date"),
        ("--priority", "low", "Importance"),
    ] {
        let delivery = delivered(|call| {
            call.args([flag, value])
                .stdin(format!("MIME-Version: 1.0\n{name}: own@x.org\n\nhi\n"))
                .stderr_has(format!("smtpsend: warning: {flag} "))
        });
        assert_eq!(delivery.fields(name), ["own@x.org"]);
    }
}

#[test]
fn existing_headers_pass_unjudged() {
    let message = "From: root (Cron Daemon)\r\nTo: root\r\nDate: yesterday\r\nMessage-ID: none\r\n\
         Subject:\r\nMIME-Version: 7\r\nContent-Type: ;;\r\nX<>@[]: \"\r\n\r\nhi\r\n";
    let delivery = delivered(|call| call.stdin(message));
    assert_eq!(delivery.message.text(), message);
}

#[test]
fn bcc_of_a_message_never_leaves() {
    for field in [
        "Bcc: secret@x.org",
        "BCC:secret@x.org",
        "bcc : secret@x.org",
        "Bcc\t: secret@x.org",
        "Bcc: a@x.org,\n\tsecret@x.org,\n secret2@x.org",
        "Bcc:\n secret@x.org",
        "Resent-Bcc: secret@x.org",
        "resent-bcc :\n secret@x.org",
    ] {
        let delivery =
            delivered(|call| call.stdin(format!("To: t@x.org\n{field}\nX-A: 1\n\nhi\n")));
        let text = delivery.message.text();
        assert!(!text.contains("secret"), "{field:?}: {text}");
        // As a line: the three letters may stand in a Message-ID by chance.
        assert!(!text.to_lowercase().contains("bcc:"), "{field:?}: {text}");
        assert!(!text.to_lowercase().contains("\nbcc"), "{field:?}: {text}");
        assert_eq!(delivery.fields("X-A"), ["1"], "{field:?}");
    }
}

#[test]
fn bcc_of_a_flag_reaches_the_envelope_only() {
    for stdin in ["hi\n", "Subject: x\n\nhi\n"] {
        let delivery = delivered_where(&[], 2, |call| {
            call.args(["--to", "t@x.org", "-b", "Boss <secret@x.org>"])
                .stdin(stdin)
        });
        assert_eq!(delivery.recipients(), ["t@x.org", "secret@x.org"]);
        let text = delivery.message.text();
        assert!(!text.contains("secret") && !text.contains("Boss"), "{text}");
    }
}

#[test]
fn bcc_alone_says_so_and_names_nobody() {
    let delivery = delivered_where(&[], 1, |call| call.args(["-b", "s@x.org", "--body", "x"]));
    assert_eq!(delivery.fields("To"), ["undisclosed-recipients:;"]);
}

#[test]
fn bcc_cannot_be_added_by_a_header_flag() {
    for name in ["Bcc", "bCC", "Resent-Bcc"] {
        refused(&["-H", &format!("{name}: s@x.org")], 64);
    }
}

#[test]
fn a_header_flag_adds_replaces_and_removes() {
    let delivery = delivered(|call| {
        call.args([
            "-H", "X-New: 1", "-H", "x-old: 2", "-H", "x-old: 3", "-H", "Date:",
        ])
        .stdin("X-Old: 0\nSubject: x\nX-OLD:\n 0\nX-Gone: 1\n\nhi\n")
        .args(["-H", "X-Gone:"])
    });
    assert_eq!(delivery.fields("X-New"), ["1"]);
    assert_eq!(delivery.fields("X-Old"), ["2", "3"]);
    assert_eq!(delivery.fields("X-Gone"), [""; 0]);
    assert_eq!(delivery.fields("Date"), [""; 0]);
}

#[test]
fn a_header_flag_replaces_what_is_generated() {
    let delivery = delivered(|call| {
        call.args(["--body", "<p>hi", "-s", "flag", "-H", "Subject: own"])
            .args(["-H", "Message-ID: <own@x.org>", "-H", "From: list@x.org"])
            .args(["-H", "Content-Type: text/html; charset=utf-8"])
    });
    assert_eq!(delivery.fields("Subject"), ["own"]);
    assert_eq!(delivery.fields("Message-ID"), ["<own@x.org>"]);
    assert_eq!(delivery.fields("From"), ["list@x.org"]);
    assert_eq!(
        delivery.fields("Content-Type"),
        ["text/html; charset=utf-8"]
    );
}

#[test]
fn no_header_flag_breaks_out_of_its_line() {
    for text in [
        "X: a\r\nBcc: x@y.org",
        "X: a\nb",
        "X: a\n b",
        "X: a\rb",
        "X: a\u{1}b",
        "X: a\u{7f}b",
        "X: a\u{85}b",
        "X\r\nBcc: x@y.org",
        "X\n: a",
        "X Y: a",
        "X : a",
        " X: a",
        "X\t: a",
        "\u{fc}: a",
        ": a",
        "no colon",
        "",
    ] {
        refused(&["-H", text], 64);
    }
}

#[test]
fn a_subject_with_a_line_end_is_refused() {
    for text in [
        "a\r\nBcc: x@y.org",
        "a\nb",
        "a\rb",
        "a\u{1b}[31m",
        "a\u{2028}\nb",
    ] {
        refused(&["--subject", text], 64);
    }
}

#[test]
fn a_flag_that_is_not_utf_8_is_a_usage_error() {
    let server = Server::unvisited();
    call(&server)
        .args(["--to", "b@x.org", "--body", "x", "--subject"])
        .arg(OsString::from_vec(b"J\xf6rg".to_vec()))
        .fails_with(64)
        .stderr_has("smtpsend: ")
        .run();
    server.finish();
}

#[test]
fn text_beyond_ascii_is_encoded_in_each_header() {
    let delivery = delivered_where(&[], 1, |call| {
        call.args([
            "-s",
            "Grüße",
            "--to",
            "Jörg <b@example.com>",
            "-f",
            "\"ä, ö\" <a@x.org>",
        ])
        .args(["-H", "X-Note: ü", "--body", "x"])
    });
    assert!(
        delivery.message.data.is_ascii(),
        "{}",
        delivery.message.text()
    );
    assert_eq!(delivery.fields("Subject"), ["=?utf-8?b?R3LDvMOfZQ==?="]);
    assert_eq!(
        delivery.fields("To"),
        ["=?utf-8?b?SsO2cmc=?= <b@example.com>"]
    );
    assert_eq!(delivery.fields("From"), ["=?utf-8?b?w6QsIMO2?= <a@x.org>"]);
    assert_eq!(delivery.fields("X-Note"), ["=?utf-8?b?w7w=?="]);
}

#[test]
fn long_headers_are_folded() {
    let subject = ["word"; 300].join(" ");
    let long = "ü".repeat(2000);
    let delivery = delivered(|call| {
        call.args(["--body", "x", "-s", &subject])
            .args(["-H", &format!("X-Long: {long}")])
            .args(["-H", &format!("X-Word: {}", "x".repeat(3000))])
    });
    assert!(delivery.header().lines().all(|line| line.len() <= 78));
    assert_eq!(delivery.fields("Subject"), [subject]);
}

#[test]
fn the_date_is_told_in_local_time() {
    let date_in = |zone: &'static str| {
        let delivery = delivered(|call| call.env("TZ", zone).args(["--body", "x"]));
        delivery.fields("Date").concat()
    };
    assert!(date_in("NPT-5:45").ends_with(" +0545"));
    assert!(date_in("").ends_with(" +0000"));
    assert!(date_in("No/Such").ends_with(" +0000"));
}

#[test]
fn the_particulars_of_a_message_are_what_the_flags_say() {
    let delivery = delivered(|call| {
        call.args(["--body", "x", "--date", "2026-11-23T14:30+01:00"])
            .args(["--message-id", "1@x.org", "--priority", "high"])
            .args(["--in-reply-to", "a@x.org", "--in-reply-to", "<b@x.org>"])
            .args(["--list-unsubscribe", "https://x.org/leave?42"])
    });
    for (name, value) in [
        ("Date", "Mon, 23 Nov 2026 14:30:00 +0100"),
        ("Message-ID", "<1@x.org>"),
        ("In-Reply-To", "<b@x.org>"),
        ("References", "<a@x.org> <b@x.org>"),
        ("X-Priority", "1"),
        ("Importance", "high"),
        ("List-Unsubscribe", "<https://x.org/leave?42>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ] {
        assert_eq!(delivery.fields(name), [value], "{name}");
    }
}

#[test]
fn particulars_that_cannot_be_are_refused() {
    for args in [
        ["--date", "tomorrow"],
        ["--date", "2026-11-23\r\nBcc: y@z"],
        ["--message-id", "no-domain"],
        ["--message-id", "a@x\r\nBcc: y@z"],
        ["--in-reply-to", ""],
        ["--in-reply-to", "a@x\nBcc: y@z"],
        ["--list-unsubscribe", "http://x.org"],
        ["--list-unsubscribe", "https://x.org/\r\nBcc: y@z"],
        ["--priority", "urgent"],
    ] {
        let server = Server::unvisited();
        call(&server)
            .args(["--to", "b@example.com", "--body", "x"])
            .args(args)
            .fails_with(64)
            .stderr_has(format!("smtpsend: {}: ", args[0]))
            .run();
        server.finish();
    }
    refused(&["--date", "1899-12-31T00:00Z"], 65);
}
