//! A body that no server may be sent as it is, made one that any may be: in quoted-printable.
//!
//! What programs print has progress bars with bare carriage returns, NULs, and lines without end; the
//! mail that tells of it must not be lost for that. Owns which bodies may be written anew: those that
//! are one text, in no encoding yet. Its octets stay what they are once decoded, and only the line ends
//! become CRLF. Parts of a multipart and everything else that may be signed or encoded are refused as
//! they came. RFC 2045 §6.7, RFC 2046 §4.1, RFC 1428.

use super::HeaderField;
use super::body::Body;
use super::header::Header;
use super::parts::TRANSFER_ENCODING;
use super::store::unreadable;
use crate::failure::Result;

/// What the name of a character set holds in which a line does not end with the octet LF.
const WIDE: [&str; 3] = ["utf-16", "utf-32", "ucs-"];

/// The body as it can be sent; the header says so, and a warning, where it was changed for that.
///
/// # Errors
/// [`Kind::Message`](crate::failure::Kind::Message), naming the line, when it can be sent neither as it
/// is nor encoded. [`Kind::Io`](crate::failure::Kind::Io) when it cannot be read where it is kept.
pub(super) fn sendable(
    body: Body,
    header: &mut Header,
    warnings: &mut Vec<String>,
) -> Result<Body> {
    let Err(refusal) = body.scan().refuse_unsendable() else {
        return Ok(body);
    };
    if !is_one_text(header) {
        let hint = "whoever makes the message has to encode that part (quoted-printable, base64)";
        return Err(refusal.with_hint(hint));
    }
    if !header.has("MIME-Version") {
        header.push("MIME-Version", "1.0");
    }
    if !header.has("Content-Type") {
        let charset = charset_of(&body)?;
        header.push("Content-Type", &format!("text/plain; charset={charset}"));
    }
    let encoding = format!("{TRANSFER_ENCODING}: quoted-printable");
    header.replace(&[HeaderField::parse(&encoding)?])?;
    let told = format!("{}: its text is sent in quoted-printable", refusal.message);
    warnings.push(told);
    body.in_quoted_printable()
        .map_err(|error| unreadable(&error))
}

/// Whether the body is lines of one text and not encoded, by all that the header says of it.
fn is_one_text(header: &Header) -> bool {
    let every = |name, is_it: fn(&str) -> bool| {
        let mut fields = header.named(name);
        fields.all(|field| {
            let text = field.text();
            text.is_some_and(|text| is_it(&text.to_ascii_lowercase()))
        })
    };
    let in_lines = |kind: &str| {
        kind.starts_with("text/") && !WIDE.into_iter().any(|charset| kind.contains(charset))
    };
    every("Content-Type", in_lines)
        && every(TRANSFER_ENCODING, |encoding| {
            matches!(encoding, "7bit" | "8bit" | "binary")
        })
}

/// The character set of a text of which nothing is said.
fn charset_of(body: &Body) -> Result<&'static str> {
    if body.scan().eight_bit.is_none() {
        return Ok("us-ascii");
    }
    let is_utf8 = body.is_utf8().map_err(|error| unreadable(&error))?;
    Ok(if is_utf8 { "utf-8" } else { "unknown-8bit" })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use proptest::prelude::*;

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
        let told = "line 2 of the message has a carriage return with no line feed after it: its text is sent in quoted-printable";
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
                format!(
                    "{encoding}MIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\n"
                ),
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
            "Content-Type: message/rfc822",
            "Content-Type: application/pkcs7-mime",
            "Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=a",
            "Content-Type: text/plain; charset=\"UTF-16LE\"",
            "Content-Transfer-Encoding: quoted-printable",
            "Content-Type: text/plain\nContent-Transfer-Encoding: BASE64",
            "Content-Transfer-Encoding: x-uuencode",
            "Content-Transfer-Encoding: \u{fc}",
        ] {
            for body in ["10%\r20%", "\0", &long] {
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
                prop_assert_eq!(from_quoted_printable(encoded.as_bytes()), canonical(&body));
                let (_file, store) = watched(&input);
                prop_assert_eq!(sent(&submitted(store).unwrap()), text);
            }
        }
    }
}
