//! A message as programs hand it to sendmail: taken as it is, with what a header there is.
//!
//! Owns which fields name its recipients, also those to whom it was sent on (Resent-), and the
//! rewriting of addresses that mean something on one machine only. The header is whatever fields the
//! input starts with; text without any is a body, and nothing is an empty message. Judges no field
//! that is there. RFC 5322 §3.6.3, §3.6.6, §4.5.

use super::block::Strictness;
use super::header::{Field, Header};
use super::lines::Scan;
use super::store::Store;
use super::{Fields, Message};
use crate::address::{Address, AddressList, Mailbox};
use crate::failure::Result;

/// The fields in which a local part may stand alone.
const COMPLETED: [&str; 5] = ["From", "Sender", "Reply-To", "To", "Cc"];

/// The fields that name recipients; with a prefix those to whom it was sent on.
const RECIPIENTS: [&str; 3] = ["To", "Cc", "Bcc"];

/// What a field that says something of sending on starts with.
const RESENT: &str = "Resent-";

/// Where the From stays that was rewritten.
const ORIGINAL: &str = "X-Original-From";

/// The address that a local part without a domain stands for, where there is one.
type Complete<'r> = dyn Fn(&str) -> Option<Address> + 'r;

/// The author in place of the one that From names, if it names one.
type Author<'r> = dyn Fn(Option<&Mailbox>) -> Mailbox + 'r;

/// How addresses in a header are rewritten; by default they are not.
#[derive(Default, Clone, Copy)]
pub struct Rewriting<'r> {
    /// Completes local parts without a domain in From, Sender, Reply-To, To and Cc. What does not
    /// read as a list of addresses stays.
    pub complete: Option<&'r Complete<'r>>,
    /// Puts another author into a From that is there. The one that was, of several the first, stays in
    /// X-Original-From, with the octets that it had, unless it has the same address.
    pub author: Option<&'r Author<'r>>,
}

impl Message {
    /// The message in `input`, completed by `fields` where something is missing. A line that is no
    /// header field ends the header, and is the first of the body.
    ///
    /// ```
    /// use smtpsend::address::{AddressList, Mailbox};
    /// use smtpsend::message::{Date, Fields, Message, Particulars, Rewriting};
    /// # let me = Mailbox::from("me@x.org".parse::<smtpsend::address::Address>()?);
    /// # let fields = Fields { from: None, default_from: me, to: AddressList::default(), cc: AddressList::default(),
    /// #     reply_to: AddressList::default(), subject: None, headers: vec![], date: Date::now(),
    /// #     message_id: "<1@x.org>".into(), particulars: Particulars::default() };
    /// let message = Message::submitted(b"disk full\n".to_vec(), &fields, &Rewriting::default())?;
    /// assert_eq!(message.recipient_fields(), [""; 0]);
    /// # Ok::<(), smtpsend::failure::Failure>(())
    /// ```
    ///
    /// # Errors
    /// As [`Message::handed_over`].
    pub fn submitted(
        input: impl Into<Store>,
        fields: &Fields,
        rewriting: &Rewriting<'_>,
    ) -> Result<Self> {
        Self::completed(input.into(), Strictness::Ending, fields, |header| {
            // First, for the From that is kept to be the one that was written.
            if let Some(author) = rewriting.author {
                replace_author(header, author);
            }
            if let Some(complete) = rewriting.complete {
                complete_locals(header, complete);
            }
        })
    }

    /// The values of the fields that name its recipients, in their order: of To, Cc and Bcc; where any
    /// field starts with Resent-, of Resent-To, Resent-Cc and Resent-Bcc in its place, in the topmost
    /// block of such fields, which is what was done last. U+FFFD stands for what is not UTF-8, which
    /// in a name does no harm.
    pub fn recipient_fields(&self) -> Vec<String> {
        let resent = last_resending(&self.header);
        let (fields, prefix) = if resent.is_empty() {
            (self.header.fields(), "")
        } else {
            (resent, RESENT)
        };
        let mut texts = Vec::new();
        for name in RECIPIENTS {
            let name = format!("{prefix}{name}");
            for field in fields.iter().filter(|field| field.is(&name)) {
                texts.push(String::from_utf8_lossy(&field.value()).into_owned());
            }
        }
        texts
    }
}

/// The fields that say how it was sent on the last time: those that stand together, up to one that
/// says the same again.
fn last_resending(header: &Header) -> &[Field] {
    let fields = header.fields();
    let is_resent = |field: &Field| {
        let start = field.name().get(..RESENT.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(RESENT))
    };
    let Some(start) = fields.iter().position(is_resent) else {
        return &[];
    };
    let after = &fields[start..];
    let goes_on = |at: usize| {
        is_resent(&after[at]) && !after[..at].iter().any(|other| other.is(after[at].name()))
    };
    let end = (0..after.len()).find(|&at| !goes_on(at));
    &after[..end.unwrap_or(after.len())]
}

fn complete_locals(header: &mut Header, complete: &Complete<'_>) {
    for field in header.fields_mut() {
        let Some(name) = COMPLETED.into_iter().find(|name| field.is(name)) else {
            continue;
        };
        let (mut completed, mut left) = (false, false);
        let list = field.text().and_then(|text| {
            let read = AddressList::parse_local(&text, |local| {
                let address = complete(local);
                completed |= address.is_some();
                left |= address.is_none();
                address
            });
            read.ok()
        });
        if let Some(list) = list.filter(|_| completed && !left) {
            *field = Field::new(name, &list.header_value(name.len()));
        }
    }
}

fn replace_author(header: &mut Header, author: &Author<'_>) {
    let Some(at) = header.fields().iter().position(|field| field.is("From")) else {
        return;
    };
    let original = &header.fields()[at];
    let list = original.text().and_then(|text| {
        // Only the name beside it counts.
        AddressList::parse_local(&text, |local| Address::new(local, "localhost").ok()).ok()
    });
    let list = list.unwrap_or_default();
    let mailboxes: Vec<&Mailbox> = list.mailboxes().collect();
    let author = author(mailboxes.first().copied());
    let is_only = header.named("From").nth(1).is_none();
    if is_only && matches!(mailboxes[..], [one] if one.address() == author.address()) {
        return;
    }
    let kept = original.renamed(ORIGINAL);
    // Its name is longer: a line that would be too long then is not worth the message.
    let fits = Scan::of(kept.raw(), kept.line())
        .refuse_unsendable()
        .is_ok();
    let keeps = fits && !header.has(ORIGINAL);
    let value = AddressList::from(author).header_value("From".len());
    let fields = header.fields_mut();
    // Of several, servers and readers take whichever they like.
    fields.retain(|field| !field.is("From"));
    fields.insert(at, Field::new("From", &value));
    if keeps {
        fields.insert(at + 1, kept);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::super::tests::{WHOLE, fields, sent};
    use super::*;

    fn submitted(input: &str, rewriting: &Rewriting<'_>) -> Message {
        Message::submitted(input.as_bytes().to_vec(), &fields(), rewriting).unwrap()
    }

    fn recipients(input: &str) -> Vec<String> {
        let message = submitted(input, &Rewriting::default());
        message.recipient_fields()
    }

    #[test]
    fn what_is_no_header_is_the_body() {
        let header = "From: me@x.org\r\nDate: Sun, 06 Nov 1994 08:49:37 +0000\r\nMessage-ID: <1@x.org>\r\n\r\n";
        for (input, body) in [
            ("", ""),
            ("\n", ""),
            ("\nhello\n", "hello\r\n"),
            ("hello you\n", "hello you\r\n"),
            ("hello you\nTo: x\n", "hello you\r\nTo: x\r\n"),
        ] {
            let message = submitted(input, &Rewriting::default());
            assert_eq!(sent(&message), format!("{header}{body}"), "{input:?}");
        }
        let message = submitted(&format!("{WHOLE}no field\nX: 1\n"), &Rewriting::default());
        let whole = WHOLE.replace('\n', "\r\n");
        assert_eq!(sent(&message), format!("{whole}\r\nno field\r\nX: 1\r\n"));
    }

    #[test]
    fn recipients_are_those_it_was_sent_on_to_the_last_time() {
        for (input, expected) in [
            (
                "Cc: c\nTo: a, b\nBcc : d\nto: e\n",
                vec!["a, b", "e", "c", "d"],
            ),
            ("To: a\nResent-From: me\n", vec![]),
            (
                "To: a\nResent-to: b\nRESENT-BCC : c\nCc: d\n",
                vec!["b", "c"],
            ),
            (
                "Resent-To: new\nReceived: x\nResent-To: old\nTo: first\n",
                vec!["new"],
            ),
            (
                "Resent-From: b\nResent-To: new\nResent-From: a\nResent-To: old\nResent-Cc: old\nTo: x\n",
                vec!["new"],
            ),
            ("X-Resent-To: a\nResent: b\nTo: c\n", vec!["c"]),
        ] {
            assert_eq!(recipients(input), expected, "{input:?}");
        }
    }

    #[test]
    fn local_parts_are_completed_where_all_of_a_field_are_known() {
        let complete = |local: &str| match local {
            "root" => "admin@example.com".parse().ok(),
            "bob" => "bob@example.com".parse().ok(),
            _ => None,
        };
        let rewriting = Rewriting {
            complete: Some(&complete),
            author: None,
        };
        let input = "From: root (Cron)\nSender: \"root\"\nTo: Bob <bob>, a@x.org\nCc: bob, eve\n\
                     Reply-To: a@x.org\nX-To: root\nReply-to: broken <\n\n";
        let message = submitted(input, &rewriting);
        let text = sent(&message);
        assert!(
            text.starts_with(
                "From: Cron <admin@example.com>\r\nSender: admin@example.com\r\n\
                 To: Bob <bob@example.com>, a@x.org\r\nCc: bob, eve\r\nReply-To: a@x.org\r\nX-To: root\r\n\
                 Reply-to: broken <\r\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn the_original_author_stays_as_it_was_written_where_others_are_completed() {
        let complete = |local: &str| Address::new(local, "x.org").ok();
        let author = |original: Option<&Mailbox>| {
            let name = original.map(|one| one.address().local());
            Mailbox::new(name, "alerts@x.org".parse().unwrap()).unwrap()
        };
        let rewriting = Rewriting {
            complete: Some(&complete),
            author: Some(&author),
        };
        let message = submitted("From: root\nTo: bob\n\n", &rewriting);
        let header = "From: root <alerts@x.org>\r\nX-Original-From: root\r\nTo: bob@x.org\r\n";
        assert!(sent(&message).starts_with(header));
    }

    #[test]
    fn another_author_leaves_the_original_beside_it() {
        let author = |original: Option<&Mailbox>| {
            let name = original.map_or("nobody", |it| it.name().unwrap_or(it.address().local()));
            Mailbox::new(Some(name), "alerts@x.org".parse().unwrap()).unwrap()
        };
        let rewriting = Rewriting {
            complete: None,
            author: Some(&author),
        };
        for (from, expected) in [
            (
                "root@web1",
                "From: root <alerts@x.org>\r\nX-Original-From: root@web1\r\n",
            ),
            (
                "root (Cron\n Daemon)",
                "From: Cron Daemon <alerts@x.org>\r\nX-Original-From: root (Cron\r\n Daemon)\r\n",
            ),
            (
                "broken <",
                "From: nobody <alerts@x.org>\r\nX-Original-From: broken <\r\n",
            ),
            (
                "a@x.org, b@x.org",
                "From: a <alerts@x.org>\r\nX-Original-From: a@x.org, b@x.org\r\n",
            ),
            ("Ours <alerts@x.org>", "From: Ours <alerts@x.org>\r\nDate:"),
        ] {
            let text = sent(&submitted(&format!("From: {from}\n\n"), &rewriting));
            assert!(text.starts_with(expected), "{text}");
        }
        let several = "From: alerts@x.org\nSubject: x\nFrom: root@web1\n\n";
        let text = sent(&submitted(several, &rewriting));
        assert!(text.starts_with(
            "From: alerts <alerts@x.org>\r\nX-Original-From: alerts@x.org\r\nSubject"
        ));
        assert!(!text.contains("web1"), "{text}");
        let kept = "From: b@x.org\nX-Original-From: a@x.org\n\n";
        let text = sent(&submitted(kept, &rewriting));
        assert!(text.starts_with("From: b <alerts@x.org>\r\nX-Original-From: a@x.org\r\nDate"));
        let long = format!("From: {}\n\n", "x".repeat(990));
        assert!(!sent(&submitted(&long, &rewriting)).contains(ORIGINAL));
        assert!(sent(&submitted("X: 1\n\n", &rewriting)).contains("From: me@x.org"));
    }
}
