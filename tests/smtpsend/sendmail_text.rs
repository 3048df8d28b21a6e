//! What jobs print and no server takes: encoded where it is one text, refused by its line else.

use crate::delivery::Delivery;
use crate::sendmail::sent;
use crate::support::Smtpsend;

/// What cron writes above the output of a job.
const CRON: &str = "From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@web1> backup\n\
                    MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n\
                    Content-Transfer-Encoding: 8bit\nX-Cron-Env: <SHELL=/bin/sh>\n";

/// What bsd-mailx writes, or a shell script.
const NOTHING: &str = "Subject: backup\n";

/// What PHP's mail() makes of its arguments and one header more.
const PHP: &str = "To: a@x.org\nSubject: order\nContent-type: text/html; charset=iso-8859-1\n";

/// What arrives of this text behind this header, and is told.
#[track_caller]
fn arrives(header: &str, body: &[u8], told: &str) -> Delivery {
    let (lines, message) = sent(1, "", |call| {
        call.args(["-i", "-f", "me@x.org", "a@x.org"])
            .stdin([header.as_bytes(), b"\n", body].concat())
            .stderr_has(told)
    });
    Delivery { message, lines }
}

#[test]
fn what_a_job_prints_arrives_as_it_is_whatever_it_is() {
    let long = format!("{}\n", "0123456789".repeat(200));
    for (body, told) in [
        (
            &b"10%\r20%\r\xc3\xbc\r\ndone\n"[..],
            "has a carriage return",
        ),
        (b"a\0b\n", "has a NUL octet"),
        (long.as_bytes(), "has 2000 octets, more than 998"),
    ] {
        for (header, kind) in [
            (CRON, "text/plain; charset=UTF-8"),
            (NOTHING, "text/plain; charset="),
            (PHP, "text/html; charset=iso-8859-1"),
        ] {
            let delivery = arrives(header, body, told);
            let expected = String::from_utf8_lossy(body)
                .replace("\r\n", "\n")
                .replace('\n', "\r\n");
            assert_eq!(String::from_utf8_lossy(&delivery.decoded()), expected);
            assert_eq!(delivery.fields("MIME-Version"), ["1.0"]);
            let encoding = delivery.fields("Content-Transfer-Encoding");
            assert_eq!(encoding, ["quoted-printable"]);
            let kinds = delivery.fields("Content-Type");
            assert!(
                matches!(&kinds[..], [one] if one.starts_with(kind)),
                "{kinds:?}"
            );
            assert!(delivery.message.data.is_ascii());
        }
    }
}

#[test]
fn what_can_be_sent_stays_as_it_is() {
    let line = "x".repeat(998);
    let body = format!("\u{fc}\n{line}\n");
    let (_, message) = sent(1, "", |call| {
        call.args(["-i", "-f", "me@x.org", "a@x.org"])
            .stdin(format!("{CRON}Date: x\nMessage-ID: <1@x.org>\n\n{body}"))
    });
    let whole = format!("{CRON}Date: x\nMessage-ID: <1@x.org>\n\n{body}");
    assert_eq!(message.text(), whole.replace('\n', "\r\n"));
}

#[test]
fn parts_and_what_is_encoded_are_refused_by_their_line() {
    let long = "x".repeat(999);
    for header in [
        "Content-Type: multipart/signed; boundary=a\n",
        "Content-Transfer-Encoding: quoted-printable\n",
    ] {
        for body in ["10%\r20%", "a\0b", &long] {
            let output = Smtpsend::new()
                .called("sendmail")
                .env("SMTPSEND_SERVER", "127.0.0.1:1")
                .args(["-i", "-f", "me@x.org", "a@x.org"])
                .stdin(format!("{header}\n{body}\n"))
                .fails_with(65)
                .stderr_has("line 3 of the message has ")
                .run();
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(!told.contains("--input"), "{told}");
        }
    }
}
