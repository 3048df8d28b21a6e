//! A header field that a flag asks for, and how any field's text becomes ASCII.
//!
//! Owns `-H 'Name: value'` and the kinds of fields: address lists, values with parameters, other
//! structured ones, and plain text. Refuses line ends and control characters in names and values,
//! names that are no names, Bcc, and words that would make a line too long. RFC 5322 §2.2, §3.6,
//! RFC 2047 §5.

use email_encoding::headers::writer::EmailWriter;

use super::header::{is_name, is_private};
use super::parameter;
use crate::address::AddressList;
use crate::address::words::{self, Charset};
use crate::failure::{Failure, Kind, Result};

/// Octets of a field's name.
const NAME_MAX: usize = 76;

const ADDRESSES: [&str; 20] = [
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Resent-From",
    "Resent-Sender",
    "Resent-Reply-To",
    "Resent-To",
    "Resent-Cc",
    "Disposition-Notification-To",
    "Return-Receipt-To",
    "Mail-Followup-To",
    "Mail-Reply-To",
    "Errors-To",
    "Apparently-To",
    "Delivered-To",
    "X-Original-To",
    "X-Envelope-To",
    "Bcc",
];

const STRUCTURED: [&str; 12] = [
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "Received",
    "Return-Path",
    "DKIM-Signature",
    "Authentication-Results",
    "Autocrypt",
    "Resent-Date",
    "Resent-Message-ID",
];

/// A field of the header as `-H` names it. An empty value removes the field.
///
/// ```
/// use smtpsend::message::HeaderField;
/// let field = HeaderField::parse("X-Job: nightly")?;
/// assert_eq!((field.name(), field.value()), ("X-Job", "nightly"));
/// assert!(HeaderField::parse("X-Job: a\r\nBcc: b@example.com").is_err());
/// # Ok::<(), smtpsend::failure::Failure>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderField {
    name: String,
    value: String,
}

impl HeaderField {
    /// Reads `Name: value`.
    ///
    /// # Errors
    /// [`Kind::Usage`] when there is no colon, or as [`HeaderField::new`].
    pub fn parse(text: &str) -> Result<Self> {
        match text.split_once(':') {
            Some((name, value)) => Self::new(name, value),
            None => Err(
                Failure::new(Kind::Usage, format!("header \"{text}\" has no colon"))
                    .with_hint("write it as -H 'Name: value'"),
            ),
        }
    }

    /// A field of this name and value. White space around the value is dropped.
    ///
    /// # Errors
    /// [`Kind::Usage`] when the name is not one, when it is Bcc or Resent-Bcc, or when the value
    /// holds a control character other than TAB.
    pub fn new(name: &str, value: &str) -> Result<Self> {
        if !is_name(name.as_bytes()) || name.len() > NAME_MAX {
            return Err(Failure::new(
                Kind::Usage,
                format!("\"{name}\" cannot be the name of a header"),
            ));
        }
        if is_private(name) {
            return Err(Failure::new(
                Kind::Usage,
                format!("{name} is not a header of a message that is sent"),
            )
            .with_hint("use --bcc"));
        }
        check_value(name, value)?;
        Ok(Self {
            name: name.to_owned(),
            value: value.trim_matches([' ', '\t']).to_owned(),
        })
    }

    /// The name, as it was written.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value, not yet encoded; empty when the field is to be removed.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether it has this name, in any case.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The value as it stands in a message, or none when the field is to be removed.
    pub(super) fn rendered(&self) -> Result<Option<String>> {
        if self.value.is_empty() {
            return Ok(None);
        }
        rendered(&self.name, &self.value).map(Some)
    }
}

/// Refuses a value that could end its field.
fn check_value(name: &str, value: &str) -> Result<()> {
    match value.chars().find(|c| c.is_control() && *c != '\t') {
        Some(c) => Err(Failure::new(
            Kind::Usage,
            format!(
                "{name}: a header cannot hold the control character U+{:04X}",
                u32::from(c)
            ),
        )),
        None => Ok(()),
    }
}

/// The value of a field that a flag asked for: checked, folded, and ASCII but for an address that
/// cannot be.
pub(super) fn rendered(name: &str, value: &str) -> Result<String> {
    check_value(name, value)?;
    let kind = FieldKind::of(name);
    if kind == FieldKind::Text || !value.is_ascii() {
        return encoded(name, value, Charset::Utf8);
    }
    let value = value.replace('\t', " ");
    let longest = value.split(' ').map(str::len).max().unwrap_or(0);
    if longest <= words::WORD_MAX {
        let words: Vec<&str> = value.split(' ').filter(|word| !word.is_empty()).collect();
        return Ok(unstructured(name, &words.join(" "), Charset::Utf8));
    }
    if kind == FieldKind::Addresses {
        return AddressList::parse(&value)
            .map(|list| list.header_value(name.len()))
            .map_err(|failure| failure.at(name));
    }
    Err(Failure::new(
        Kind::Message,
        format!("{name}: {longest} octets without a space do not fit a line"),
    ))
}

/// The text of a field with what is not ASCII encoded. What comes back is ASCII, except for an
/// address whose local part is not.
///
/// # Errors
/// [`Kind::Message`] when the value has parameters that cannot be encoded.
pub(super) fn encoded(name: &str, text: &str, charset: Charset) -> Result<String> {
    match FieldKind::of(name) {
        FieldKind::Addresses => Ok(match AddressList::parse(text) {
            Ok(list) if !list.is_empty() => list.header_value_in(name.len(), charset),
            // Headers are not judged: `From: root (Dämon)` is no address, and passes.
            _ => unstructured(name, text, charset),
        }),
        FieldKind::Parameters => parameter::encoded(text, charset).ok_or_else(|| {
            Failure::new(
                Kind::Message,
                format!("{name}: what is not ASCII in it cannot be encoded"),
            )
        }),
        FieldKind::Structured | FieldKind::Text => Ok(unstructured(name, text, charset)),
    }
}

fn unstructured(name: &str, text: &str, charset: Charset) -> String {
    let mut value = String::new();
    let mut writer = EmailWriter::new(&mut value, name.len() + 2, 0, false);
    // A String takes all that is written to it.
    let _ = words::unstructured(text, charset, &mut writer);
    drop(writer);
    value
}

/// Whether the value of the field of this name is a list of addresses.
pub(crate) fn holds_addresses(name: &str) -> bool {
    FieldKind::of(name) == FieldKind::Addresses
}

/// What the value of a field is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldKind {
    /// Addresses and names.
    Addresses,
    /// A value with parameters (RFC 2045 §5.1).
    Parameters,
    /// Tokens in which an encoded word has no place.
    Structured,
    /// Text.
    Text,
}

impl FieldKind {
    /// The kind of the field of this name.
    pub(super) fn of(name: &str) -> Self {
        let among = |names: &[&str]| names.iter().any(|other| other.eq_ignore_ascii_case(name));
        let starts = |prefix: &str| {
            name.get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        if among(&ADDRESSES) {
            Self::Addresses
        } else if among(&["Content-Type", "Content-Disposition"]) {
            Self::Parameters
        } else if name.eq_ignore_ascii_case("Content-Description") {
            Self::Text
        } else if among(&STRUCTURED) || starts("Content-") || starts("List-") || starts("ARC-") {
            Self::Structured
        } else {
            Self::Text
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_could_break_out_of_a_field_is_taken() {
        for text in [
            "no colon",
            ": x",
            " Subject: x",
            "Sub ject: x",
            "Subject : x",
            "Subject\r: x",
            "Subject\n: x",
            "Subject\t: x",
            "X\0: x",
            "Sübject: x",
            "X\r\nBcc: x@y",
            "X: a\r\nBcc: x@y",
            "X: a\nb",
            "X: a\rb",
            "X: a\0b",
            "X: a\u{85}b",
            "X: a\u{7f}b",
            "Bcc: x@y",
            "resent-bcc: x@y",
        ] {
            let failure = HeaderField::parse(text).unwrap_err();
            assert_eq!(failure.kind, Kind::Usage, "{text:?}");
        }
        assert!(HeaderField::new(&"n".repeat(77), "x").is_err());
    }

    #[test]
    fn each_kind_of_field_is_encoded_its_own_way() {
        for (name, value, rendered) in [
            ("Subject", "größer", "=?utf-8?b?Z3LDtsOfZXI=?="),
            ("To", "Jörg <j@x.org>", "=?utf-8?b?SsO2cmc=?= <j@x.org>"),
            ("To", "j@bücher.example", "j@xn--bcher-kva.example"),
            ("From", "root (Cron Daemon)", "root (Cron Daemon)"),
            ("From", "root (Dämon)", "root =?utf-8?b?KETDpG1vbik=?="),
            ("X-A", "a\tb", "=?utf-8?b?YQli?="),
            ("References", "<a@x>\t<b@x>", "<a@x> <b@x>"),
            (
                "Content-Type",
                "text/html; charset=utf-8",
                "text/html; charset=utf-8",
            ),
        ] {
            let field = HeaderField::new(name, value).unwrap();
            assert_eq!(field.rendered().unwrap().unwrap(), rendered);
        }
    }

    #[test]
    fn a_word_without_end_is_encoded_in_text_and_refused_elsewhere() {
        let long = "x".repeat(2000);
        let value = HeaderField::new("X-A", &long).unwrap().rendered().unwrap();
        assert!(value.unwrap().split("\r\n").all(|line| line.len() <= 78));
        let field = HeaderField::new("References", &long).unwrap();
        assert_eq!(field.rendered().unwrap_err().kind, Kind::Message);
        let list = "person@x.org,".repeat(200);
        let value = HeaderField::new("To", &list).unwrap().rendered().unwrap();
        assert!(value.unwrap().split("\r\n").all(|line| line.len() <= 78));
    }
}
