//! What is encoded in a message that was handed over, what stays, and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::super::content::tests::octets;
use super::super::encoding::tests::from_base64;
use super::super::quoted_printable::tests::from_quoted_printable;
use super::super::stage::tests::canonical;
use super::super::store::tests::watched;
use super::super::tests::{WHOLE, fields, sent};
use super::super::{Message, Rewriting, Store};
use super::*;

fn submitted(input: impl Into<Store>) -> Result<Message> {
    Message::submitted(input, &fields(), &Rewriting::default())
}

/// What is added to a header of these fields, and the body, decoded.
#[track_caller]
fn encoded(said: &str, body: &[u8]) -> (String, Vec<u8>) {
    let input = [WHOLE.as_bytes(), said.as_bytes(), b"\n", body].concat();
    let message = submitted(input).unwrap();
    assert_eq!(message.warnings().len(), 1);
    let text = sent(&message);
    let (header, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(body.lines().all(|line| line.len() <= 76), "{text}");
    let header = format!("{header}\r\n").replace("\r\n", "\n");
    let added = header.strip_prefix(WHOLE).unwrap().to_owned();
    (added, from_quoted_printable(body.as_bytes()))
}

#[test]
fn a_text_that_cannot_be_sent_is_encoded() {
    let long = "x=".repeat(500);
    for body in [
        "10%\r20%\r\n\rdone\r",
        "a\0b\n",
        &long,
        "\r",
        "\0",
        "a \r\r\n",
    ] {
        let (_, decoded) = encoded("", body.as_bytes());
        assert_eq!(decoded, canonical(body.as_bytes()), "{body:?}");
    }
    let message = submitted(b"a\r\n10%\r20%\n\0\n".to_vec()).unwrap();
    let text = sent(&message);
    assert!(
        text.ends_with("\r\n\r\na\r\n10%=0D20%\r\n=00\r\n"),
        "{text}"
    );
    let told = "line 2 of the message has a carriage return with no line feed after it: it is sent encoded";
    assert_eq!(message.warnings(), [told]);
}

#[test]
fn the_header_says_what_it_did_not() {
    let encoding = "Content-Transfer-Encoding: quoted-printable\n";
    let html = "Content-type: TEXT/HTML;\n charset=iso-8859-1\n";
    let cron = "MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n";
    let plain = |charset| {
        format!("MIME-Version: 1.0\nContent-Type: text/plain; charset={charset}\n{encoding}")
    };
    for (said, body, expected) in [
        ("", "\r".as_bytes(), plain("us-ascii")),
        ("", "ü\r".as_bytes(), plain("utf-8")),
        ("", b"\xfc\r", plain("unknown-8bit")),
        ("MIME-Version: 1.0\n", b"\r", plain("us-ascii")),
        (
            html,
            b"\xfc\r",
            format!("{html}MIME-Version: 1.0\n{encoding}"),
        ),
        (
            &format!("{cron}content-transfer-encoding : 8BIT\nX-Cron-Env: a\n"),
            "ü\r".as_bytes(),
            format!("{cron}{encoding}X-Cron-Env: a\n"),
        ),
        (
            "Content-Transfer-Encoding: binary\nMIME-Version: 1.0\nContent-Transfer-Encoding: 7bit\n",
            b"\r",
            format!("{encoding}MIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\n"),
        ),
    ] {
        let (header, decoded) = encoded(said, body);
        assert_eq!(header, expected, "{said}");
        assert_eq!(decoded, canonical(body));
    }
}

#[test]
fn what_is_not_one_text_or_is_encoded_already_is_refused_by_its_line() {
    let long = "x".repeat(999);
    for said in [
        "Content-Type: multipart/mixed; boundary=a",
        "Content-Type: multipart/signed; boundary=a",
        "Content-Type: application/pkcs7-mime",
        "Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=a",
        "Content-Type: text/plain; charset=\"UTF-16LE\"",
        "Content-Transfer-Encoding: quoted-printable",
        "Content-Type: text/plain\nContent-Transfer-Encoding: BASE64",
        "Content-Transfer-Encoding: x-uuencode",
        "Content-Transfer-Encoding: \u{fc}",
    ] {
        for body in ["10%\r20%", "\0", &long] {
            if body == long && said.ends_with("BASE64") {
                continue;
            }
            let whole = format!("{said}\n\n{body}\n");
            let line = format!("line {} of the message has ", said.lines().count() + 2);
            let failure = submitted(whole.into_bytes()).unwrap_err();
            assert!(failure.message.starts_with(&line), "{failure}");
            let hint = failure.hint.unwrap_or_default();
            assert!(!hint.contains("--input"), "{hint}");
        }
    }
}

#[test]
fn a_header_that_cannot_be_sent_is_refused_whatever_the_body() {
    let long = "x".repeat(999);
    for header in [format!("X: {long}"), "X: a\rb".into(), "X: a\0b".into()] {
        let failure = submitted(format!("{header}\n\n\r").into_bytes()).unwrap_err();
        assert!(failure.message.starts_with("line 1 "), "{failure}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn its_octets_come_back_from_memory_and_file_and_what_can_be_sent_stays(
        body in proptest::collection::vec(prop_oneof![
            Just(b"\r".to_vec()), Just(b"\n".to_vec()), Just(b"\r\n".to_vec()),
            Just(b"\0".to_vec()), Just(b" ".to_vec()), Just("\u{e9}=".as_bytes().to_vec()),
            Just(vec![b'x'; 500]), proptest::collection::vec(any::<u8>(), 0..6),
        ], 0..12),
    ) {
        let body = body.concat();
        let input = [WHOLE.as_bytes(), b"\n", &body].concat();
        let raw = Message::from_raw(&input);
        let message = submitted(input.clone()).unwrap();
        prop_assert_eq!(message.warnings().len(), usize::from(raw.is_err()));
        if raw.is_err() {
            let text = sent(&message);
            let (_, encoded) = text.split_once("\r\n\r\n").unwrap();
            let decoded = if text.contains("Encoding: base64") {
                from_base64(encoded.as_bytes())
            } else {
                from_quoted_printable(encoded.as_bytes())
            };
            prop_assert_eq!(decoded, canonical(&body));
            let (_file, store) = watched(&input);
            prop_assert_eq!(sent(&submitted(store).unwrap()), text);
        }
    }
}

/// A message that was handed over, as a server with or without 8BITMIME gets it.
fn handed_over(input: &str, eight_bit_mime: bool) -> Result<String> {
    let message = Message::handed_over(input.as_bytes().to_vec(), &fields())?;
    let content = message.content(true, eight_bit_mime)?;
    Ok(String::from_utf8(octets(&content, 1024)).unwrap())
}

fn crlf(text: &str) -> String {
    text.replace('\n', "\r\n")
}

const MIXED: &str = "MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=\"a b\"
Content-Transfer-Encoding: 8bit

preamble
--a b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

größer=
 than

--a b\x20\x20
Content-Type: text/html

<p>as it is
--a b
Content-Type: multipart/alternative; boundary=a

--a

no header, überhaupt
--a
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit
Content-Description: für später

中文中文中文中文中文中文
--a--
--a b
Content-Type: application/octet-stream

über
--a b--
epilogue
";

const MIXED_ENCODED: &str = "MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=\"a b\"
Content-Transfer-Encoding: 7bit

preamble
--a b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

gr=C3=B6=C3=9Fer=3D
 than

--a b\x20\x20
Content-Type: text/html

<p>as it is
--a b
Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

no header, =C3=BCberhaupt
--a
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: base64
Content-Description: =?utf-8?b?ZsO8ciBzcMOkdGVy?=

5Lit5paH5Lit5paH5Lit5paH5Lit5paH5Lit5paH5Lit5paH
--a--
--a b
Content-Type: application/octet-stream
Content-Transfer-Encoding: base64

w7xiZXI=
--a b--
epilogue
";

#[test]
fn parts_beyond_ascii_are_encoded_for_a_server_that_takes_none_and_others_stay() {
    let input = format!("{WHOLE}{MIXED}");
    assert_eq!(handed_over(&input, true).unwrap(), crlf(&input));
    let encoded = crlf(&format!("{WHOLE}{MIXED_ENCODED}"));
    assert_eq!(handed_over(&input, false).unwrap(), encoded);
    let (_file, store) = watched(input.as_bytes());
    let message = Message::handed_over(store, &fields()).unwrap();
    assert_eq!(sent(&message), encoded);
}

#[test]
fn a_part_with_a_line_too_long_is_encoded_for_every_server() {
    let long = "x".repeat(2000);
    let base64 = "QUJD".repeat(300);
    let input = format!(
        "{WHOLE}Content-Type: multipart/mixed; boundary=b\n\n--b\n\n{long}\n--b\nContent-Type: image/png\n\
         Content-Transfer-Encoding: base64\n\n{base64}\n--b--\n"
    );
    let text = handed_over(&input, true).unwrap();
    assert!(text.lines().all(|line| line.len() <= 76), "{text}");
    let (_, rest) = text.split_once("quoted-printable\r\n\r\n").unwrap();
    let (encoded, rest) = rest.split_once("\r\n--b\r\n").unwrap();
    assert_eq!(from_quoted_printable(encoded.as_bytes()), long.as_bytes());
    let (_, rest) = rest.split_once("base64\r\n\r\n").unwrap();
    let (encoded, _) = rest.split_once("--b--").unwrap();
    assert_eq!(
        from_base64(encoded.as_bytes()),
        "ABC".repeat(300).as_bytes()
    );
}

#[test]
fn a_message_within_the_message_is_encoded_in_its_parts() {
    let input = format!(
        "{WHOLE}Content-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\nSubject: Grüße\n\nfür dich\n"
    );
    let expected = format!(
        "{WHOLE}Content-Type: message/rfc822\nContent-Transfer-Encoding: 7bit\nMIME-Version: 1.0\n\nSubject: =?utf-8?b?R3LDvMOfZQ==?=\n\
         MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nf=C3=BCr dich\n"
    );
    assert_eq!(handed_over(&input, false).unwrap(), crlf(&expected));
}

#[test]
fn what_is_signed_or_encrypted_is_never_touched_and_the_part_is_named() {
    let long = "x".repeat(999);
    for kind in ["multipart/signed", "multipart/encrypted"] {
        for line in ["grün", &long] {
            let input = format!(
                "{WHOLE}Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: {kind}; boundary=b\n\n\
                 --b\nContent-Type: text/plain\n\n{line}\n--b--\n--a--\n"
            );
            let failure = handed_over(&input, false).unwrap_err();
            assert_eq!(failure.kind, Kind::Message);
            let line = WHOLE.lines().count() + 9;
            let start = format!("line {line} of the message ");
            assert!(failure.message.starts_with(&start), "{failure}");
            let part = format!("part 1 ({kind}) is signed or encrypted");
            assert!(failure.message.ends_with(&part), "{failure}");
        }
    }
    let smime = format!("{WHOLE}Content-Type: application/pkcs7-mime\n\nü\n");
    let failure = handed_over(&smime, false).unwrap_err();
    let message = "the message (application/pkcs7-mime) is signed or encrypted";
    assert!(failure.message.ends_with(message), "{failure}");
}

/// What is refused of a message with this header, and this body, without 8BITMIME.
fn refused(header: &str, body: &str) -> String {
    let failure = handed_over(&format!("{WHOLE}{header}\n\n{body}"), false).unwrap_err();
    assert_eq!(failure.kind, Kind::Message);
    failure.message
}

#[test]
fn comments_and_white_space_hide_no_signature() {
    let body = "--b\n\ngrün\n--b--\n";
    for kind in [
        "multipart/signed (PGP)",
        "multipart/signed(x)",
        "(a (b) \\) c) multipart/signed",
        "multipart / encrypted",
        "application/pkcs7-mime (x)",
    ] {
        let told = refused(&format!("Content-Type: {kind}; boundary=b"), body);
        assert!(told.ends_with("is signed or encrypted"), "{kind}: {told}");
    }
    for header in [
        "Content-Type: multipart/mixed; boundary=b\nContent-Type: multipart/signed; boundary=b",
        "Content-Type: multipart; boundary=b",
        "Content-Type: a/b/c",
    ] {
        let told = refused(header, body);
        assert!(
            told.ends_with("(of no clear kind) cannot be encoded"),
            "{told}"
        );
    }
    let (header, body) = (
        "Content-Type: multipart/mixed (x); boundary=b (y)",
        "--b\n\ngrün\n--b--\n",
    );
    let text = handed_over(&format!("{WHOLE}{header}\n\n{body}"), false).unwrap();
    assert!(text.contains("gr=C3=BCn"), "{text}");
}

#[test]
fn what_holds_parts_and_is_encoded_already_is_not_taken_apart() {
    let long = "QUJD".repeat(300);
    let header = "MIME-Version: 1.0\nContent-Type: message/rfc822\nContent-Transfer-Encoding: ";
    let text = handed_over(&format!("{WHOLE}{header}base64\n\n{long}\n"), true).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(
        head.ends_with("Content-Transfer-Encoding: base64"),
        "{head}"
    );
    assert_eq!(from_base64(body.as_bytes()), "ABC".repeat(300).as_bytes());
    let told = refused(&format!("{header}quoted-printable"), "ü\n");
    assert!(told.ends_with("is in quoted-printable already"), "{told}");
    for kind in ["partial", "delivery-status", "global"] {
        let told = refused(&format!("Content-Type: message/{kind}"), "ü\n");
        assert!(told.ends_with("cannot be encoded"), "{told}");
    }
}

#[test]
fn a_part_of_a_digest_is_a_message() {
    let input = format!(
        "{WHOLE}MIME-Version: 1.0\nContent-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\nfür\n--b--\n"
    );
    let text = handed_over(&input, false).unwrap();
    let part = "--b\n\nSubject: x\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\
                Content-Transfer-Encoding: quoted-printable\n\nf=C3=BCr\n--b--\n";
    assert!(text.ends_with(&crlf(part)), "{text}");
}

#[test]
fn nothing_around_the_parts_is_lost() {
    let mixed = "Content-Type: multipart/mixed; boundary=b";
    let line = WHOLE.lines().count() + 3;
    let told = refused(mixed, "vorüber\n--b\n\nx\n--b--\n");
    assert!(
        told.starts_with(&format!("line {line} of the message ")),
        "{told}"
    );
    assert!(
        told.ends_with("has that line before or behind its parts"),
        "{told}"
    );
    let told = refused(mixed, "--b\n\nx\n--b--\nvorüber\n");
    assert!(
        told.ends_with("has that line before or behind its parts"),
        "{told}"
    );
    assert!(refused(mixed, "ü\n--bb\n\nü\n--b--\n").ends_with("has no parts"));
}

#[test]
fn the_last_line_end_of_a_part_that_no_boundary_follows_is_kept() {
    let input =
        format!("{WHOLE}Content-Type: message/rfc822\n\nContent-Type: image/png\n\nü\nend\n");
    let text = handed_over(&input, false).unwrap();
    let (_, body) = text.split_once("base64\r\n\r\n").unwrap();
    assert_eq!(from_base64(body.as_bytes()), "ü\r\nend\r\n".as_bytes());
}

#[test]
fn what_is_wrong_in_the_header_of_a_part_is_told_by_its_line_and_part() {
    let long = "x".repeat(1100);
    let told = refused(
        "Content-Type: multipart/mixed; boundary=b",
        &format!("--b\nX: 1\nX-Long: {long}\n\nü\n--b--\n"),
    );
    let line = WHOLE.lines().count() + 5;
    assert!(
        told.starts_with(&format!("line {line} of the message has 1108 ")),
        "{told}"
    );
    assert!(told.ends_with(": in the header of part 1"), "{told}");
}

#[test]
fn a_header_flag_that_says_an_encoding_does_not_make_it_so() {
    let fields = super::super::Fields {
        headers: super::super::tests::headers(&["Content-Transfer-Encoding: 7bit"]),
        ..fields()
    };
    let input = format!("{WHOLE}MIME-Version: 1.0\n\n{}\n", "y".repeat(1500));
    let message = Message::handed_over(input.into_bytes(), &fields).unwrap();
    assert!(sent(&message).contains("\r\nContent-Transfer-Encoding: quoted-printable\r\n"));
}

#[test]
fn an_empty_content_type_is_replaced() {
    let input = format!("{WHOLE}Content-Type:\n\nü\n");
    let text = handed_over(&input, false).unwrap();
    assert!(
        text.contains("\r\nContent-Type: text/plain; charset=utf-8\r\n"),
        "{text}"
    );
    assert_eq!(text.matches("Content-Type:").count(), 1);
}

#[test]
fn a_signed_part_beyond_ascii_stays_beside_one_that_is_too_long() {
    let long = "x".repeat(999);
    let signed = "Content-Type: multipart/signed; boundary=b\n\n--b\n\nfür\n--b--\n";
    let input = format!(
        "{WHOLE}Content-Type: multipart/mixed; boundary=a\n\n--a\n{signed}--a\n\n{long}\n--a--\n"
    );
    let text = handed_over(&input, true).unwrap();
    assert!(text.contains(&crlf(signed)), "{text}");
    assert!(handed_over(&input, false).is_err());
}

#[test]
fn hostile_trees_end() {
    let mut deep = String::new();
    for layer in 0..1000 {
        deep += &format!("Content-Type: multipart/mixed; boundary=b{layer}\n\n--b{layer}\n");
    }
    let failure = handed_over(&format!("{WHOLE}{deep}\nü\n"), false).unwrap_err();
    assert!(failure.message.ends_with("stands too deep"), "{failure}");
    let many = "--b\n\nü\n".repeat(20_000);
    let many = format!("{WHOLE}Content-Type: multipart/mixed; boundary=b\n\n{many}");
    let failure = handed_over(&many, false).unwrap_err();
    assert!(
        failure.message.contains("more than 10000 parts"),
        "{failure}"
    );
    for boundary in ["", "\"\"", "nowhere", "\"x", "x\""] {
        let input =
            format!("{WHOLE}Content-Type: multipart/mixed; boundary={boundary}\n\n--y\nü\n");
        assert!(handed_over(&input, false).is_err(), "{boundary}");
    }
}
