//! A message that was handed over whole: sent as it is, completed where something is missing.
//!
//! Owns what may be added and replaced. Everything else goes out octet for octet. Refuses a header
//! block that is none, a bare CR, a NUL, and a line of more than 998 octets, each by its line.
//! RFC 5322 §2.1, §3.6, RFC 6409 §8.

use super::block::{self, Block, Strictness};
use super::body::Body;
use super::compose::{push_list, sender_of};
use super::fit;
use super::header::Header;
use super::lines::Scan;
use super::reencode;
use super::store::{Store, unreadable};
use super::{Fields, Message};
use crate::failure::Result;

impl Message {
    /// The message in `input`, with the header edits and the missing fields that the flags give.
    ///
    /// # Errors
    /// [`Kind::Message`](crate::failure::Kind::Message), naming the line of the input, when it
    /// cannot be sent; or the field, when a flag's value cannot stand in a header.
    /// [`Kind::Io`](crate::failure::Kind::Io) when it cannot be read where it is kept.
    pub fn handed_over(input: impl Into<Store>, fields: &Fields) -> Result<Self> {
        Self::completed(input.into(), Strictness::Strict, fields, |_| ())
    }

    /// The message in `input`, whose header is first edited and then completed.
    pub(super) fn completed(
        input: Store,
        strictness: Strictness,
        fields: &Fields,
        edit: impl FnOnce(&mut Header),
    ) -> Result<Self> {
        let mut block = block::read(&input, strictness)?;
        let mut warnings = Vec::new();
        if strictness == Strictness::Ending {
            block.header.fields_mut().iter_mut().for_each(fit::fold);
        }
        let body = lines_of(input, &block)?;
        let mut header = block.header;
        check(&header)?;
        if strictness != Strictness::Ending {
            body.scan().refuse_control()?;
        }

        header.replace(&fields.headers)?;
        let body = reencode::sendable(body, &mut header, &mut warnings)?;
        let sender = sender_of(&header);
        edit(&mut header);
        let missing = |header: &Header, name| !header.has(name) && !fields.edits(name);
        if missing(&header, "From") {
            fields.push_from(&mut header)?;
        }
        for (name, list) in [("To", &fields.to), ("Cc", &fields.cc)] {
            if missing(&header, name) {
                push_list(&mut header, name, list);
            }
        }
        for group in fields.groups()? {
            match group.names().find(|name| !missing(&header, name)) {
                None => group.push(&mut header),
                Some(name) => warnings.extend(group.flag.map(|flag| not_used(flag, name))),
            }
        }
        Ok(Self::new(header, true, body, sender, warnings))
    }

    /// The message in `email` as it is but for its Bcc: nothing is added, and its header is not
    /// judged. Octets without any header block are sent as a body alone.
    ///
    /// # Errors
    /// [`Kind::Message`](crate::failure::Kind::Message) when it holds what cannot be sent to any
    /// server: a bare CR, a NUL, a line of more than 998 octets.
    pub fn from_raw(email: &[u8]) -> Result<Self> {
        Self::unedited(Store::from(email.to_vec()), Strictness::Lenient)
    }

    /// The message whose [`Content`](super::Content) for a server with SMTPUTF8 and 8BITMIME is kept
    /// in `input`: its content for such a server is the same again, octet for octet.
    ///
    /// # Errors
    /// [`Kind::Message`](crate::failure::Kind::Message) when it holds what cannot be sent to any
    /// server, and so is not what was kept. [`Kind::Io`](crate::failure::Kind::Io) when it cannot be
    /// read where it is kept.
    pub fn kept(input: Store) -> Result<Self> {
        Self::unedited(input, Strictness::Exact)
    }

    fn unedited(input: Store, strictness: Strictness) -> Result<Self> {
        let block = block::read(&input, strictness)?;
        let separator = block.ended || !block.header.fields().is_empty();
        let body = lines_of(input, &block)?;
        check(&block.header)?;
        body.scan().refuse_unsendable()?;
        let sender = sender_of(&block.header);
        Ok(Self::new(block.header, separator, body, sender, Vec::new()))
    }
}

/// The body behind a block as it stands there.
///
/// # Errors
/// [`Kind::Io`](crate::failure::Kind::Io) when it cannot be read where it is kept.
fn lines_of(input: Store, block: &Block) -> Result<Body> {
    Body::lines(input, block.body, block.body_line).map_err(|error| unreadable(&error))
}

/// Refuses what cannot be sent in a header. A Bcc may have long lines: it is not sent.
fn check(header: &Header) -> Result<()> {
    for field in header.fields() {
        let scan = Scan::of(field.raw(), field.line());
        if field.is_private() {
            scan.refuse_control()?;
        } else {
            scan.refuse_unsendable()?;
        }
    }
    Ok(())
}

fn not_used(flag: &str, name: &str) -> String {
    format!("{flag} is not used: the message has its own {name} (replace it with -H)")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::super::content::tests::octets;
    use super::super::tests::{WHOLE, fields, headers, list, sent};
    use super::*;
    use crate::failure::Kind;

    fn handed_over(input: &str) -> Message {
        Message::handed_over(input.as_bytes().to_vec(), &fields()).unwrap()
    }

    fn raw(message: &Message, smtputf8: bool) -> Vec<u8> {
        octets(&message.content(smtputf8, true).unwrap(), 1024)
    }

    #[test]
    fn a_whole_message_is_sent_as_it_came() {
        let message = "fRoM :  root (Cron Daemon)\r\nDate: x\r\nX: a\r\n\t b \r\nMessage-ID:\r\n <9@x.org>\r\n\r\n.\r\nbody  \r\n";
        let read = handed_over(message);
        assert_eq!(sent(&read), message);
        assert_eq!(read.message_id(), "<9@x.org>");
        assert_eq!(read.sender(), None);
        assert_eq!(sent(&handed_over(&message.replace('\r', ""))), message);
    }

    #[test]
    fn what_is_missing_is_added() {
        assert_eq!(
            sent(&handed_over("From me Mon Jan 1\nSubject: x")),
            "Subject: x\r\nFrom: me@x.org\r\nDate: Sun, 06 Nov 1994 08:49:37 +0000\r\nMessage-ID: <1@x.org>\r\n\r\n"
        );
    }

    #[test]
    fn flags_fill_and_never_replace() {
        let flags = Fields {
            from: Some(list("f@x.org")),
            to: list("t@x.org"),
            cc: list("c@x.org"),
            reply_to: list("r@x.org"),
            subject: Some("flag".into()),
            ..fields()
        };
        let whole = format!("{WHOLE}To: a@x.org\nCc: b@x.org\nReply-To: d@x.org\nSubject: own\n\n");
        let message = Message::handed_over(whole.clone().into_bytes(), &flags).unwrap();
        assert_eq!(sent(&message), whole.replace('\n', "\r\n"));
        assert_eq!(message.warnings().len(), 2);
        let message = Message::handed_over(format!("{WHOLE}\nbody").into_bytes(), &flags).unwrap();
        assert!(sent(&message).ends_with(
            "To: t@x.org\r\nCc: c@x.org\r\nReply-To: r@x.org\r\nSubject: flag\r\n\r\nbody\r\n"
        ));
        assert!(message.warnings().is_empty());
    }

    #[test]
    fn header_flags_replace_all_fields_of_their_name() {
        let flags = Fields {
            headers: headers(&["X-B: 2", "x-b: 3", "X-A:", "X-C: 4"]),
            ..fields()
        };
        let input = format!("X-A: 0\nX-B: 0\nX-D: 0\nx-b: 0\n 0\n{WHOLE}\n");
        let message = Message::handed_over(input.into_bytes(), &flags).unwrap();
        assert_eq!(
            sent(&message),
            format!("X-B: 2\nx-b: 3\nX-D: 0\n{WHOLE}X-C: 4\n\n").replace('\n', "\r\n")
        );
    }

    #[test]
    fn bcc_reaches_the_envelope_and_never_the_message() {
        let input = format!(
            "Bcc: a@x.org,\n\tb@x.org\nTo: t@x.org\nbcc : c@x.org\nRESENT-BCC\t:\n d@x.org\n{WHOLE}BCC: {}\n\nBcc: body\n",
            "e@x.org,".repeat(200)
        );
        let message = handed_over(&input);
        let all = sent(&message);
        assert_eq!(
            all,
            format!("To: t@x.org\n{WHOLE}\nBcc: body\n").replace('\n', "\r\n")
        );
        let recipients = message.recipients().unwrap();
        assert_eq!(recipients.len(), 1 + 2 + 1 + 200);
        assert_eq!(recipients[0].to_string(), "t@x.org");
        let raw_message = Message::from_raw(input.as_bytes()).unwrap();
        assert_eq!(sent(&raw_message), all);
    }

    #[test]
    fn recipients_that_do_not_read_name_their_field() {
        for (input, why) in [
            ("To: bob\n", "To: \"bob\" has no domain"),
            ("Cc: a@x.org, <b@x.org\n", "Cc: "),
            ("Bcc: \"\n", "Bcc: "),
        ] {
            let failure = handed_over(input).recipients().unwrap_err();
            assert_eq!(failure.kind, Kind::Message);
            assert!(failure.message.starts_with(why), "{failure}");
        }
        let message = Message::handed_over(b"To: J\xf6rg <j@x.org>\n".to_vec(), &fields());
        assert!(message.unwrap().recipients().is_err());
    }

    #[test]
    fn recipients_are_those_of_the_edited_header() {
        let flags = Fields {
            headers: headers(&["To: new@x.org"]),
            ..fields()
        };
        let message = Message::handed_over(b"To: old@x.org\n\n".to_vec(), &flags).unwrap();
        assert_eq!(message.recipients().unwrap()[0].to_string(), "new@x.org");
    }

    #[test]
    fn the_sender_is_the_messages_own() {
        for (input, sender) in [
            ("From: A <a@x.org>, b@x.org\n", Some("a@x.org")),
            ("From: a@x.org\nSender: s@x.org\n", Some("s@x.org")),
            ("From: root (Cron Daemon)\n", None),
            ("Subject: x\n", None),
        ] {
            let message = handed_over(input);
            assert_eq!(message.sender().map(ToString::to_string).as_deref(), sender);
        }
    }

    #[test]
    fn what_cannot_be_sent_names_its_line() {
        for (input, why) in [
            ("Subject: a\rb\n\n", "line 1"),
            ("Subject: a\n\nb\rc\n", "line 3"),
            ("From x\nSubject: a\n\nb\n\0\n", "line 5"),
            ("Bcc: \0\n", "line 1"),
            ("Subject: a\nfoo\n\n", "line 2"),
            ("Subject: a\n\nb\r", "line 3"),
        ] {
            for result in [
                Message::handed_over(input.as_bytes().to_vec(), &fields()),
                Message::from_raw(input.as_bytes()),
            ] {
                match result {
                    Ok(_) => assert!(input.contains("foo")),
                    Err(failure) => {
                        assert_eq!(failure.kind, Kind::Message);
                        assert!(failure.message.contains(why), "{failure}");
                    }
                }
            }
        }
        let long = "x".repeat(999);
        for input in [format!("X: {long}\n\n"), format!("X: 1\n {long}\n\n")] {
            let failure = Message::handed_over(input.into_bytes(), &fields()).unwrap_err();
            assert!(failure.message.contains("998"), "{failure}");
        }
    }

    #[test]
    fn a_body_beyond_ascii_is_encoded_where_8bitmime_is_missing() {
        let message = handed_over("Subject: x\n\nascii\ngrün\n");
        let content = message.content(true, false).unwrap();
        assert!(octets(&content, 1024).ends_with(b"ascii\r\ngr=C3=BCn\r\n"));
        let content = message.content(false, true).unwrap();
        assert_eq!(content.facts().eight_bit, Some(4));
        assert!(octets(&content, 1024).ends_with("grün\r\n".as_bytes()));
    }

    #[test]
    fn raw_utf_8_in_the_header_stays_or_is_encoded() {
        let input = format!(
            "{WHOLE}To: Jörg <j@bücher.example>,\n Bob <b@x.org>\nSubject: Grüße\n aus Köln\nContent-Disposition: attachment; filename=\"ü.txt\"\nX-Raw: ü\n\n"
        );
        let message = handed_over(&input);
        assert_eq!(raw(&message, true), input.replace('\n', "\r\n").as_bytes());
        assert!(message.content(true, true).unwrap().facts().utf8_header);
        assert!(!message.needs_smtputf8());
        let encoded = String::from_utf8(raw(&message, false)).unwrap();
        assert!(!message.content(false, true).unwrap().facts().utf8_header);
        let expected = [
            "To: =?utf-8?b?SsO2cmc=?= <j@xn--bcher-kva.example>, Bob <b@x.org>\r\n",
            "Subject: =?utf-8?b?R3LDvMOfZQ==?= aus =?utf-8?b?S8O2bG4=?=\r\n",
            "Content-Disposition: attachment;\r\n filename*=utf-8''%C3%BC.txt\r\n",
            "X-Raw: =?utf-8?b?w7w=?=\r\n",
        ];
        assert!(
            encoded.ends_with(&format!("{}\r\n", expected.concat())),
            "{encoded}"
        );
    }

    #[test]
    fn octets_in_no_charset_are_encoded_whatever_the_server_offers() {
        let input = [
            WHOLE.as_bytes(),
            b"To: \"J\xf6rg F.\" <j@x.org>\nSubject: J\xf6rg\n\n",
        ]
        .concat();
        let message = Message::handed_over(input, &fields()).unwrap();
        for smtputf8 in [false, true] {
            let sent = String::from_utf8(raw(&message, smtputf8)).unwrap();
            assert!(
                sent.contains("To: =?unknown-8bit?b?SvZyZyBGLg==?= <j@x.org>\r\n"),
                "{sent}"
            );
            assert!(
                sent.contains("Subject: =?unknown-8bit?b?SvZyZw==?=\r\n"),
                "{sent}"
            );
        }
        let bad = Message::handed_over(b"To: j\xf6rg@x.org\n\n".to_vec(), &fields()).unwrap();
        let failure = bad.content(true, true).unwrap_err();
        assert!(failure.message.starts_with("To: "), "{failure}");
    }

    #[test]
    fn what_was_kept_comes_back_whatever_it_starts_with() {
        for text in [
            "From x\r\nA: 1\r\n\r\nb\r\n",
            "\u{feff}A: 1\r\n\r\n",
            "From x\r\n\r\n",
        ] {
            let kept = Message::kept(Store::from(text.as_bytes().to_vec())).unwrap();
            assert_eq!(raw(&kept, true), text.as_bytes());
            let other = Message::from_raw(text.as_bytes()).unwrap();
            assert_ne!(raw(&other, true), text.as_bytes());
        }
    }

    #[test]
    fn raw_octets_without_a_header_are_a_body() {
        for (input, sent_as) in [
            ("hello", "hello\r\n"),
            ("\nhello", "\r\nhello\r\n"),
            ("A: 1\n\nhello", "A: 1\r\n\r\nhello\r\n"),
            ("A: 1", "A: 1\r\n\r\n"),
            ("A: 1\nbroken\nBcc: x\n\nb", "A: 1\r\nbroken\r\n\r\nb\r\n"),
            ("", ""),
        ] {
            assert_eq!(sent(&Message::from_raw(input.as_bytes()).unwrap()), sent_as);
        }
    }
}
