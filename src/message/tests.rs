//! What holds for every message, however it came to be: only CRLF ends a line, nothing in a text
//! or a field ends the data early, nothing is lost, and nothing takes more than linear time.
//! Owns the values that the tests of this module share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::content::tests::octets;
use super::encoding::tests::from_base64;
use super::quoted_printable::tests::from_quoted_printable;
use super::stage::tests::canonical;
use super::*;

/// A header that needs nothing.
pub(super) const WHOLE: &str = "From: a@x.org\nDate: x\nMessage-ID: <9@x.org>\n";

/// What smuggles a second message past a server that takes other line ends for CRLF.
const ENDS: [&str; 7] = [
    "\n.\n",
    "\n.\r\n",
    "\r.\r",
    "\r.\r\n",
    "\r\n.\n",
    "\r\n.\r",
    "\r\n\0.\r\n",
];

pub(super) fn list(text: &str) -> AddressList {
    AddressList::parse(text).unwrap()
}

pub(super) fn fields() -> Fields {
    Fields {
        from: None,
        default_from: "me@x.org".parse::<Address>().unwrap().into(),
        to: AddressList::default(),
        cc: AddressList::default(),
        reply_to: AddressList::default(),
        subject: None,
        headers: Vec::new(),
        date: Date::parse("Sun, 6 Nov 1994 08:49:37 +0000").unwrap(),
        message_id: "<1@x.org>".into(),
        particulars: Particulars::default(),
    }
}

pub(super) fn headers(texts: &[&str]) -> Vec<HeaderField> {
    let parsed = texts.iter().map(|text| HeaderField::parse(text));
    parsed.collect::<Result<_>>().unwrap()
}

/// The message as a server without extensions gets it.
pub(super) fn sent(message: &Message) -> String {
    let content = message.content(false, false).unwrap();
    let octets = octets(&content, 64 * 1024);
    assert_eq!(content.facts().size, octets.len() as u64);
    String::from_utf8(octets).unwrap()
}

/// The same of a composed text.
pub(super) fn composed(fields: &Fields, text: &str) -> String {
    sent(&Message::compose(fields, Text::from(text.to_owned())).unwrap())
}

fn whole(input: &str) -> Message {
    Message::handed_over(input.as_bytes().to_vec(), &fields()).unwrap()
}

#[test]
fn smuggled_ends_of_data_are_lines_of_the_text() {
    for end in ENDS {
        let text = format!("a{end}MAIL FROM:<x>{end}");
        let message = sent(&Message::compose(&fields(), Text::from(text)).unwrap());
        let rest = message.replace("\r\n", "");
        assert!(!rest.contains(['\r', '\n', '\0']), "{message:?}");
    }
}

#[test]
fn smuggled_ends_of_data_are_refused_or_made_lines_of_a_message() {
    for end in ENDS {
        let input = format!("{WHOLE}\na{end}MAIL FROM:<x>{end}");
        let inner = end.replace("\r\n", "\n");
        let result = Message::handed_over(input.clone().into_bytes(), &fields());
        assert_eq!(Message::from_raw(input.as_bytes()).is_ok(), result.is_ok());
        match result {
            Ok(message) => {
                assert!(!inner.contains(['\r', '\0']));
                assert!(sent(&message).ends_with("a\r\n.\r\nMAIL FROM:<x>\r\n.\r\n"));
            }
            Err(_) => assert!(inner.contains(['\r', '\0'])),
        }
    }
}

#[test]
fn any_text_is_composed_in_linear_time() {
    for piece in ["\n", "x", "\u{e9}", "\r", "= \n", "\u{4e2d}"] {
        let text = piece.repeat((1 << 18) / piece.len());
        let message = Message::compose(&fields(), Text::from(text)).unwrap();
        let content = message.content(false, false).unwrap();
        assert!(content.facts().longest_line <= 998);
    }
}

proptest! {
    #[test]
    fn what_was_composed_decodes_to_the_same_text(text in "([a =.\r\n\t\u{e9}\u{1f600}]{0,200}|\\PC{0,200})") {
        let message = composed(&fields(), &text);
        let (header, body) = message.split_once("\r\n\r\n").unwrap();
        let decoded = if header.ends_with("7bit") {
            body.as_bytes().to_vec()
        } else if header.ends_with("base64") {
            from_base64(body.as_bytes())
        } else {
            from_quoted_printable(body.as_bytes())
        };
        prop_assert_eq!(decoded, canonical(text.as_bytes()));
        prop_assert!(message.is_ascii());
    }

    #[test]
    fn octets_in_any_charset_or_none_are_not_lost(
        octets_in in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let text = Text::new(octets_in.clone(), None).unwrap();
        let message = sent(&Message::compose(&fields(), text).unwrap());
        let (header, body) = message.split_once("\r\n\r\n").unwrap();
        let decoded = match header.rsplit(' ').next() {
            Some("base64") => from_base64(body.as_bytes()),
            Some("quoted-printable") => from_quoted_printable(body.as_bytes()),
            _ => body.as_bytes().to_vec(),
        };
        if header.contains("octet-stream") {
            prop_assert_eq!(decoded, octets_in);
        } else {
            prop_assert_eq!(decoded, canonical(&octets_in));
        }
    }

    #[test]
    fn no_subject_breaks_its_lines(subject in "\\PC{0,300}|[ \u{e9}a=?]{0,300}") {
        let fields = Fields { subject: Some(subject.clone()), ..fields() };
        let message = composed(&fields, "");
        let (header, _) = message.split_once("\r\nDate: ").unwrap();
        for line in header.split("\r\n") {
            prop_assert!(line.len() <= 998 && line.is_ascii() && !line.trim().is_empty());
        }
    }

    #[test]
    fn no_octets_make_it_panic_and_all_that_is_sent_is_crlf(
        input in proptest::collection::vec(prop_oneof![
            Just(b"\r\n".to_vec()), Just(b"\n".to_vec()), Just(b"From: ".to_vec()),
            Just(b"Bcc :".to_vec()), Just(b"Subject: ".to_vec()), Just(b" ".to_vec()),
            Just(b"Content-Type: a; b=\xc3\xa9".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..6),
        ], 0..30)
    ) {
        let input = input.concat();
        for message in [
            Message::handed_over(input.clone(), &fields()),
            Message::from_raw(&input),
        ].into_iter().flatten() {
            for smtputf8 in [false, true] {
                let Ok(content) = message.content(smtputf8, true) else { continue };
                let sent = octets(&content, 1024);
                prop_assert_eq!(content.facts().size, sent.len() as u64);
                prop_assert_eq!(&canonical(&sent), &sent);
                prop_assert!(!sent.windows(2).any(|pair| pair[0] == b'\r' && pair[1] != b'\n'));
            }
            let _ = message.recipients();
        }
    }

    #[test]
    fn the_octets_of_a_body_are_those_that_came(body in "[a.\u{e9}\n]{0,200}") {
        let message = whole(&format!("{WHOLE}\n{body}"));
        let whole = canonical(format!("{WHOLE}\n{body}").as_bytes());
        prop_assert_eq!(octets(&message.content(false, true).unwrap(), 1024), whole);
    }
}
