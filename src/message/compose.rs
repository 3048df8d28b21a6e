//! Flags and a text become a message.
//!
//! Owns the order of the generated fields and the MIME fields that say how the text is written.
//! What `-H` names is not generated. Refuses a MIME field that would make the body unreadable.
//! RFC 5322 §3.6, RFC 2045.

use super::encoding::TransferEncoding;
use super::header::Header;
use super::parts::{Parts, TRANSFER_ENCODING};
use super::text::Text;
use super::{Fields, HeaderField, Message};
use crate::address::{Address, AddressList};
use crate::failure::{Failure, Kind, Result};

impl Message {
    /// A message of what the flags say and its parts. Its header and body are ASCII, except for an
    /// address that cannot be.
    ///
    /// # Errors
    /// [`Kind::Usage`] or [`Kind::Message`] when a value cannot stand in a header, naming it;
    /// [`Kind::Io`] when the text cannot be read where it is kept.
    pub fn compose(fields: &Fields, parts: impl Into<Parts>) -> Result<Self> {
        let mut parts = parts.into();
        let mut warnings = parts.complete()?;
        warnings.extend(parts.warnings());
        let only_text = parts.only_text();
        warnings.extend(only_text.and_then(|text| other_charset(fields, text)));
        let wanted = wanted_encoding(fields)?;
        if parts.is_multipart() {
            refuse_other_mime(fields)?;
        }
        let entity = parts.into_entity(wanted)?;
        if let Some(used) = entity.transfer_encoding {
            check_mime(fields, wanted, used)?;
        }

        let mut header = Header::default();
        fields.push_from(&mut header)?;
        let nobody = fields.to.is_empty() && fields.cc.is_empty() && !fields.edits("Cc");
        if nobody {
            header.push("To", "undisclosed-recipients:;");
        }
        push_list(&mut header, "To", &fields.to);
        push_list(&mut header, "Cc", &fields.cc);
        for group in fields.groups()? {
            group.push(&mut header);
        }
        header.push("MIME-Version", "1.0");
        header
            .fields_mut()
            .extend_from_slice(entity.header.fields());
        header.replace(&fields.headers)?;

        let said = fields.from.is_some() || fields.edits("From") || fields.edits("Sender");
        let sender = if said { sender_of(&header) } else { None };
        Ok(Self::new(header, true, entity.body, sender, warnings))
    }
}

impl Fields {
    /// Whether `-H` names this field.
    pub(super) fn edits(&self, name: &str) -> bool {
        self.headers.iter().any(|field| field.is(name))
    }

    /// Puts From into the header; Sender too when there are several authors (RFC 5322 §3.6.2).
    pub(super) fn push_from(&self, header: &mut Header) -> Result<()> {
        let Some(from) = &self.from else {
            let list = AddressList::from(self.default_from.clone());
            push_list(header, "From", &list);
            return Ok(());
        };
        let mut authors = from.mailboxes();
        let Some(first) = authors.next() else {
            return Err(Failure::new(Kind::Message, "From: names no address"));
        };
        push_list(header, "From", from);
        if authors.next().is_some() && !header.has("Sender") && !self.edits("Sender") {
            push_list(header, "Sender", &AddressList::from(first.clone()));
        }
        Ok(())
    }
}

/// Puts a list of addresses into the header, unless it is empty.
pub(super) fn push_list(header: &mut Header, name: &str, list: &AddressList) {
    if !list.is_empty() {
        header.push(name, &list.header_value(name.len()));
    }
}

/// The address in Sender, else the first in From, where it reads as one.
pub(super) fn sender_of(header: &Header) -> Option<Address> {
    address_in(header, "Sender").or_else(|| address_in(header, "From"))
}

/// The first address in the field of this name.
pub(super) fn address_in(header: &Header, name: &str) -> Option<Address> {
    let text = header.named(name).next()?.text()?;
    let list = AddressList::parse(&text).ok()?;
    list.addresses().next().cloned()
}

/// The transfer encoding that `-H` asks for.
fn wanted_encoding(fields: &Fields) -> Result<Option<TransferEncoding>> {
    let Some(field) = last(fields, TRANSFER_ENCODING) else {
        return Ok(None);
    };
    if field.value().is_empty() {
        return Ok(Some(TransferEncoding::SevenBit));
    }
    match TransferEncoding::named(field.value()) {
        Some(encoding) => Ok(Some(encoding)),
        None => Err(Failure::new(
            Kind::Usage,
            format!("{TRANSFER_ENCODING}: a composed body is 7bit, quoted-printable or base64"),
        )),
    }
}

/// Refuses fields that say what a message of several parts is.
fn refuse_other_mime(fields: &Fields) -> Result<()> {
    let edited = ["Content-Type", TRANSFER_ENCODING, "MIME-Version"];
    match edited.into_iter().find(|name| fields.edits(name)) {
        Some(name) => Err(Failure::new(
            Kind::Usage,
            format!("{name}: a message of several parts has its own"),
        )
        .with_hint("leave out the -H, or the attachments and the HTML")),
        None => Ok(()),
    }
}

/// Refuses fields that say something else of the body than is true.
fn check_mime(
    fields: &Fields,
    wanted: Option<TransferEncoding>,
    used: TransferEncoding,
) -> Result<()> {
    if wanted.is_some_and(|wanted| wanted != used) {
        return Err(Failure::new(
            Kind::Message,
            format!(
                "{TRANSFER_ENCODING}: the body has to be sent in {}",
                used.name()
            ),
        ));
    }
    let composite = last(fields, "Content-Type").is_some_and(|field| {
        let value = field.value().to_ascii_lowercase();
        value.starts_with("multipart/") || value.starts_with("message/")
    });
    if composite && used != TransferEncoding::SevenBit {
        return Err(Failure::new(
            Kind::Message,
            format!(
                "Content-Type: a multipart body cannot be sent in {} (RFC 2045 section 6.4)",
                used.name()
            ),
        )
        .with_hint("encode its parts, or give a whole message with --input message"));
    }
    Ok(())
}

/// A warning when the Content-Type of `-H` does not say that the text is sent in UTF-8.
fn other_charset(fields: &Fields, text: &Text) -> Option<String> {
    let value = last(fields, "Content-Type")?.value().to_ascii_lowercase();
    let said = match value.split_once("charset=") {
        Some((_, charset)) => charset.trim_start_matches('"').starts_with("utf"),
        None => !value.starts_with("text/"),
    };
    (!said && text.is_international()).then(|| {
        "the body is sent in UTF-8, and the Content-Type of -H does not say so: \
         add \"; charset=utf-8\""
            .into()
    })
}

fn last<'a>(fields: &'a Fields, name: &str) -> Option<&'a HeaderField> {
    fields.headers.iter().rfind(|field| field.is(name))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::super::tests::{composed, fields, headers, list, sent};
    use super::*;

    #[test]
    fn fields_come_in_their_order() {
        let fields = Fields {
            from: Some(list("Jörg <j@x.org>")),
            to: list("a@x.org"),
            cc: list("\"Smith, Bob\" <b@x.org>"),
            reply_to: list("r@x.org"),
            subject: Some("Grüße".into()),
            headers: headers(&["X-Job: 1", "x-job: 2"]),
            ..fields()
        };
        assert_eq!(
            composed(&fields, "hello\n.\n"),
            "From: =?utf-8?b?SsO2cmc=?= <j@x.org>\r\n\
             To: a@x.org\r\n\
             Cc: \"Smith, Bob\" <b@x.org>\r\n\
             Reply-To: r@x.org\r\n\
             Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n\
             Date: Sun, 06 Nov 1994 08:49:37 +0000\r\n\
             Message-ID: <1@x.org>\r\n\
             MIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: 7bit\r\n\
             X-Job: 1\r\n\
             x-job: 2\r\n\
             \r\n\
             hello\r\n.\r\n"
        );
    }

    #[test]
    fn a_header_flag_replaces_what_would_be_generated_in_its_place() {
        let fields = Fields {
            headers: headers(&[
                "message-id: <2@x.org>",
                "Content-Type: text/html; charset=utf-8",
                "Date:",
                "To: all@x.org",
            ]),
            ..fields()
        };
        let message = Message::compose(&fields, Text::from(String::from("x"))).unwrap();
        assert_eq!(message.message_id(), "<2@x.org>");
        assert_eq!(
            sent(&message),
            "From: me@x.org\r\n\
             To: all@x.org\r\n\
             message-id: <2@x.org>\r\n\
             MIME-Version: 1.0\r\n\
             Content-Type: text/html; charset=utf-8\r\n\
             Content-Transfer-Encoding: 7bit\r\n\
             \r\n\
             x\r\n"
        );
    }

    #[test]
    fn nobody_in_to_and_cc_is_said_so() {
        assert!(composed(&fields(), "").contains("\r\nTo: undisclosed-recipients:;\r\n"));
        let copied = Fields {
            cc: list("c@x.org"),
            ..fields()
        };
        assert!(!composed(&copied, "").contains("To:"));
    }

    #[test]
    fn the_sender_is_what_the_user_said_and_not_the_default() {
        let sender = |fields: &Fields| {
            let message = Message::compose(fields, Text::from(String::new())).unwrap();
            message.sender().map(ToString::to_string)
        };
        assert_eq!(sender(&fields()), None);
        let from = Some(list("a@x.org, b@x.org"));
        let mut fields = Fields { from, ..fields() };
        assert_eq!(sender(&fields).unwrap(), "a@x.org");
        fields.headers = headers(&["Sender: s@x.org"]);
        assert_eq!(sender(&fields).unwrap(), "s@x.org");
    }

    #[test]
    fn no_flag_can_add_a_line_to_the_header() {
        for bad in [
            "a\r\nBcc: b@x.org",
            "a\nb",
            "a\rb",
            "a\0b",
            "a\u{85}b",
            "a\u{7f}",
        ] {
            let subject = Fields {
                subject: Some(bad.into()),
                ..fields()
            };
            assert!(Message::compose(&subject, Text::from(String::new())).is_err());
            let message_id = Fields {
                message_id: bad.into(),
                ..fields()
            };
            assert!(Message::compose(&message_id, Text::from(String::new())).is_err());
            assert!(AddressList::parse(&format!("{bad} <a@x.org>")).is_err());
            assert!(AddressList::parse(&format!("{bad}: a@x.org;")).is_err());
            let address: Address = "a@x.org".parse().unwrap();
            assert!(crate::address::Mailbox::new(Some(bad), address).is_err());
        }
    }

    #[test]
    fn the_transfer_encoding_can_be_chosen_but_not_claimed() {
        let compose = |header: &str, text: &str| {
            let fields = Fields {
                headers: headers(&[header]),
                ..fields()
            };
            Message::compose(&fields, Text::from(text.to_owned())).map(|message| sent(&message))
        };
        let name = "Content-Transfer-Encoding";
        assert!(
            compose(&format!("{name}: base64"), "hi")
                .unwrap()
                .ends_with("\r\n\r\naGkNCg==\r\n")
        );
        assert!(compose(&format!("{name}: 7bit"), "hi").is_ok());
        assert!(compose(&format!("{name}: 7bit"), "hü").is_err());
        assert!(compose(&format!("{name}: 8bit"), "hü").is_err());
        assert!(compose(&format!("{name}:"), "hü").is_err());
        assert!(compose("Content-Type: multipart/mixed; boundary=x", "hü").is_err());
    }

    #[test]
    fn an_address_beyond_ascii_needs_smtputf8() {
        let fields = Fields {
            to: list("Jörg <jörg@x.org>"),
            ..fields()
        };
        let message = Message::compose(&fields, Text::from(String::new())).unwrap();
        assert!(message.needs_smtputf8());
        let failure = message.content(false, true).unwrap_err();
        assert_eq!(failure.kind, Kind::Message);
        assert!(failure.message.starts_with("To: "), "{failure}");
        let content = message.content(true, true).unwrap();
        assert!(content.facts().utf8_header);
    }

    #[test]
    fn a_content_type_that_hides_the_charset_is_warned_about() {
        for (content_type, warned) in [
            ("text/html", true),
            ("text/html; charset=iso-8859-1", true),
            ("text/html; charset=\"UTF-8\"", false),
            ("application/json", false),
        ] {
            let fields = Fields {
                headers: headers(&[&format!("Content-Type: {content_type}")]),
                ..fields()
            };
            let message = Message::compose(&fields, Text::from(String::from("ü"))).unwrap();
            assert_eq!(!message.warnings().is_empty(), warned, "{content_type}");
        }
    }
}
