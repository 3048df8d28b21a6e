//! What arrives of what was read: a message octet for octet, a body without loss, and never two
//! messages for one.

use crate::delivery::{Delivery, call, delivered, delivered_where, server_without_mail};
use crate::input::WHOLE;
use crate::support::Server;

/// Line ends and starts that servers have been seen to take for the end of a message.
const SMUGGLED: [&str; 7] = [
    "\n.\n",
    "\n.\r\n",
    "\r.\r",
    "\r.\r\n",
    "\r\n.\n",
    "\r\n.\r",
    "\r\n\0.\r\n",
];

/// A message is refused before anybody is connected to.
#[track_caller]
fn refused(message: &str, why: &str) {
    let server = Server::unvisited();
    call(&server)
        .args(["--to", "b@example.com", "--input", "message"])
        .stdin(message)
        .fails_with(65)
        .stderr_has(why)
        .run();
    server.finish();
}

#[track_caller]
fn arrives(message: &[u8]) -> Delivery {
    let delivery = delivered_where(&["8BITMIME"], 1, |call| {
        call.args(["--to", "b@example.com"]).stdin(message)
    });
    assert_eq!(
        String::from_utf8_lossy(&delivery.message.data),
        String::from_utf8_lossy(message)
    );
    assert_eq!(delivery.message.data, message);
    delivery
}

#[test]
fn a_message_arrives_octet_for_octet() {
    let line = "x".repeat(998);
    for body in [
        ".\r\n..\r\n.x\r\nFrom here\r\n",
        "trailing spaces  \r\n\t\r\n \r\n",
        "\r\n\r\n\r\n",
        "\x01\x08\x0b\x0c\x1b[31m\x7f\r\n",
        "=3D =\r\n=?utf-8?q?x?=\r\n-- \r\n",
        &format!("{line}\r\n.{}\r\n", &line[1..]),
        "",
    ] {
        arrives(format!("{WHOLE}tO:b@example.com  \r\n\r\n{body}").as_bytes());
    }
}

#[test]
fn headers_arrive_as_they_are_folded_and_spelled() {
    arrives(
        format!(
            "x-FIRST :a\r\n{WHOLE}To: b@example.com,\r\n\tc@example.com\r\nSubject: a  b \r\n =?latin1?q?=FC?=\r\nX-Empty:\r\nX-Twice: 1\r\nX-Twice: 2\r\n\r\nhi\r\n"
        )
        .as_bytes(),
    );
}

#[test]
fn an_8_bit_message_arrives_with_its_octets_and_is_declared() {
    let message = [
        WHOLE.as_bytes(),
        b"To: b@example.com\r\n\r\ngr\xfcn \xff\xfe\r\n",
    ]
    .concat();
    let delivery = arrives(&message);
    assert!(
        delivery.mail().ends_with(" BODY=8BITMIME"),
        "{}",
        delivery.mail()
    );
}

#[test]
fn an_ascii_message_declares_nothing() {
    let delivery = arrives(format!("{WHOLE}To: b@example.com\r\n\r\nhi\r\n").as_bytes());
    assert_eq!(delivery.mail(), "MAIL FROM:<a@example.com>");
}

#[test]
fn lf_becomes_crlf_and_a_missing_last_line_end_is_supplied() {
    let message = format!("{WHOLE}To: b@example.com\r\n\r\n.one\r\ntwo\r\n\r\nthree\r\n");
    for given in [
        message.replace("\r\n", "\n"),
        message.trim_end().to_owned(),
        message.replace("two\r\n", "two\n"),
    ] {
        let delivery = delivered(|call| call.stdin(&given));
        assert_eq!(delivery.message.text(), message);
    }
}

#[test]
fn raw_utf_8_in_a_header_stays_where_smtputf8_is_offered() {
    let message = format!("{WHOLE}To: b@example.com\r\nSubject: Grüße\r\n\r\nhi\r\n");
    let delivery = delivered_where(&["8BITMIME", "SMTPUTF8"], 1, |call| {
        call.args(["--to", "b@example.com"]).stdin(&message)
    });
    assert_eq!(delivery.message.text(), message);
    assert!(
        delivery.mail().ends_with(" SMTPUTF8"),
        "{}",
        delivery.mail()
    );
}

#[test]
fn raw_utf_8_in_a_header_is_encoded_where_smtputf8_is_not_offered() {
    let message = format!("{WHOLE}To: Jörg <b@example.com>\r\nSubject: Grüße\r\n\r\nhi\r\n");
    let delivery = delivered(|call| call.stdin(&message));
    assert_eq!(delivery.fields("Subject"), ["=?utf-8?b?R3LDvMOfZQ==?="]);
    assert_eq!(
        delivery.fields("To"),
        ["=?utf-8?b?SsO2cmc=?= <b@example.com>"]
    );
    assert_eq!(delivery.mail(), "MAIL FROM:<a@example.com>");
}

#[test]
fn an_8_bit_message_is_encoded_where_8bitmime_is_missing() {
    let delivery = delivered_where(&[], 1, |call| {
        call.args(["--to", "b@example.com"])
            .stdin(format!("{WHOLE}\r\nascii\r\ngrün\r\n"))
    });
    assert_eq!(delivery.decoded(), "ascii\r\ngrün\r\n".as_bytes());
    assert!(delivery.message.data.is_ascii());
}

#[test]
fn what_is_signed_and_8_bit_is_refused_by_its_part_where_8bitmime_is_missing() {
    let server = server_without_mail(&[]);
    call(&server)
        .args(["--to", "b@example.com"])
        .stdin(format!(
            "{WHOLE}Content-Type: multipart/signed; boundary=a\r\n\r\n--a\r\n\r\ngrün\r\n--a--\r\n"
        ))
        .fails_with(65)
        .stderr_has("line 8 ")
        .stderr_has("8BITMIME")
        .stderr_has("the message (multipart/signed) is signed")
        .run();
    server.finish();
}

#[test]
fn an_8_bit_body_needs_no_8bitmime() {
    let delivery = delivered_where(&[], 1, |call| {
        call.args(["--to", "b@example.com"]).stdin("grün\n")
    });
    assert_eq!(delivery.decoded(), "grün\r\n".as_bytes());
    assert!(delivery.message.data.is_ascii());
}

#[test]
fn a_line_of_999_octets_in_a_message_is_encoded_and_told() {
    let long = format!("hi\r\n{}\r\n", "x".repeat(999));
    let delivery = delivered(|call| {
        call.stdin(format!("{WHOLE}\r\n{long}"))
            .stderr_has("line 6 of the message has 999 octets, more than 998: it is sent encoded")
    });
    assert_eq!(delivery.decoded(), long.as_bytes());
}

#[test]
fn a_line_of_999_octets_in_a_header_is_refused_by_its_number() {
    let long = "x".repeat(999);
    refused(&format!("X: {long}\r\n\r\nhi\r\n"), "line 1 ");
}

#[test]
fn a_line_of_999_octets_in_a_body_is_encoded() {
    let long = format!("{}\n", "x".repeat(999));
    let delivery = delivered(|call| call.stdin(&long));
    assert_eq!(delivery.decoded(), long.replace('\n', "\r\n").as_bytes());
    assert!(
        delivery
            .message
            .text()
            .lines()
            .all(|line| line.len() <= 998)
    );
}

#[test]
fn a_bare_cr_or_a_nul_in_a_message_is_refused_by_its_line() {
    refused(&format!("{WHOLE}\r\nhi\r\na\rb\r\n"), "line 6 ");
    refused(&format!("{WHOLE}\r\nhi\r\n\0\r\n"), "line 6 ");
    refused("Subject: a\rb\r\n\r\nhi\r\n", "line 1 ");
    refused("Subject: a\0b\r\n\r\nhi\r\n", "line 1 ");
}

#[test]
fn a_binary_body_arrives_intact() {
    let octets: Vec<u8> = (0..=255)
        .cycle()
        .take(5000)
        .chain(*b"\r\n.\r\n\n.\n\r.\r")
        .collect();
    let delivery = delivered(|call| {
        call.args(["--input", "body"])
            .stdin(&octets)
            .stderr_has("smtpsend: warning: ")
    });
    assert_eq!(delivery.decoded(), octets);
    assert_eq!(
        delivery.fields("Content-Type"),
        ["application/octet-stream"]
    );
}

#[test]
fn a_body_that_is_not_utf_8_is_never_lost() {
    let octets = b"J\xf6rg \xff\xc3\n";
    let delivery = delivered(|call| call.stdin(octets).stderr_has("smtpsend: warning: "));
    assert_eq!(delivery.decoded(), b"J\xf6rg \xff\xc3\r\n");
    assert_eq!(
        delivery.fields("Content-Type"),
        ["text/plain; charset=unknown-8bit"]
    );
}

#[test]
fn a_body_in_another_charset_is_sent_as_utf_8() {
    for (charset, octets, text) in [
        ("latin1", &b"gr\xfcn\n"[..], "grün"),
        ("koi8-r", b"\xd0\xd2\xc9\xd7\xc5\xd4\n", "привет"),
        ("utf-16", b"\xff\xfeg\0r\0\xfc\0n\0\n\0", "grün"),
        ("utf-16", b"\xfe\xff\0g\0r\0\xfc\0n\0\n", "grün"),
    ] {
        let delivery = delivered(|call| call.args(["--charset", charset]).stdin(octets));
        assert_eq!(
            delivery.decoded(),
            format!("{text}\r\n").as_bytes(),
            "{charset}"
        );
        assert_eq!(
            delivery.fields("Content-Type"),
            ["text/plain; charset=utf-8"]
        );
    }
}

#[test]
fn smuggled_ends_in_a_body_make_no_second_message() {
    for end in SMUGGLED {
        let text = format!("one{end}MAIL FROM:<evil@x.org>\r\ntwo{end}three");
        let delivery = delivered(|call| call.args(["--input", "body"]).stdin(&text).stderr_any());
        let raw = delivery.message.text().replace("\r\n", "");
        assert!(!raw.contains(['\r', '\n', '\0']), "{end:?}");
        let lost = delivery.decoded();
        assert!(
            lost.starts_with(b"one") && lost.trim_ascii_end().ends_with(b"three"),
            "{end:?}"
        );
    }
}

#[test]
fn smuggled_ends_in_a_message_are_refused_or_made_whole_lines() {
    for end in SMUGGLED {
        let message = format!("{WHOLE}To: b@example.com\r\n\r\none{end}MAIL FROM:<evil@x.org>\r\n");
        if end.replace("\r\n", "\n").contains(['\r', '\0']) {
            refused(&message, "of the message has a ");
        } else {
            let delivery = delivered(|call| call.stdin(&message));
            assert!(delivery.body().starts_with(b"one\r\n.\r\nMAIL"), "{end:?}");
            assert!(
                delivery
                    .message
                    .raw
                    .ends_with(b"one\r\n..\r\nMAIL FROM:<evil@x.org>\r\n")
            );
        }
    }
}

#[test]
fn a_body_of_16_mib_arrives() {
    let line = "some text, over and over again, until the line has its sixty octets";
    let text = format!(".\n{line}\n{line}\n\n").repeat((16 << 20) / 139);
    let delivery = delivered(|call| call.stdin(&text));
    assert!(delivery.body() == text.replace('\n', "\r\n").as_bytes());
}

#[test]
fn a_message_of_16_mib_arrives() {
    let line = "some text, over and over again, until the line has its sixty octets";
    let body = format!("..\r\n{line}\r\n{line}\r\n").repeat((16 << 20) / 142);
    let message = format!("{WHOLE}To: b@example.com\r\n\r\n{body}");
    let delivery = delivered(|call| call.stdin(&message));
    assert!(delivery.message.data == message.as_bytes());
}
