//! Which message it is, and which ones it answers: Message-ID, In-Reply-To, References.
//!
//! Owns what an identifier is. A generated one tells the time, a random number and the domain it was given,
//! and nothing else of the machine. One that is made up by the user has to be what RFC 5322 §3.6.4 says; one
//! that is answered is taken as it came, as long as it cannot break its field.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::address::{domain_to_ascii, is_dot_atom};
use crate::failure::{Failure, Kind, Result};
use crate::random::random;

/// Octets of an identifier at most: it cannot be folded, and a line has no more than 998.
const ID_MAX: usize = 900;

/// A new Message-ID, with its angle brackets, for a message written at `domain`.
///
/// A domain that cannot stand in one becomes `localhost`.
pub fn new_message_id(domain: &str) -> String {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    let micros = elapsed.unwrap_or_default().as_micros();
    let random = random();
    let domain = domain_to_ascii(domain).unwrap_or_else(|_| "localhost".into());
    format!("<{micros:x}.{random:016x}@{domain}>")
}

/// An identifier of a message.
///
/// ```
/// use smtpsend::message::MessageId;
/// assert_eq!(MessageId::parse("1.backup@example.com")?.to_string(), "<1.backup@example.com>");
/// assert!(MessageId::parse("<no domain>").is_err());
/// # Ok::<(), smtpsend::failure::Failure>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageId(String);

impl MessageId {
    /// Reads an identifier for a new message, with or without its angle brackets: a dot-atom, `@`, and a
    /// dot-atom or a literal in square brackets (RFC 5322 §3.6.4), together at most 900 octets.
    ///
    /// # Errors
    /// [`Kind::Usage`] when it is something else.
    pub fn parse(text: &str) -> Result<Self> {
        let bare = text
            .strip_prefix('<')
            .and_then(|rest| rest.strip_suffix('>'));
        let bare = bare.unwrap_or(text);
        let is_good = bare.is_ascii()
            && bare.len() <= ID_MAX
            && bare.split_once('@').is_some_and(|(left, right)| {
                is_dot_atom(left) && (is_dot_atom(right) || is_literal(right))
            });
        if is_good {
            return Ok(Self(bare.to_owned()));
        }
        Err(Failure::new(Kind::Usage, format!("\"{text}\" is no message identifier"))
            .with_hint("write it as '<20261123.backup@example.com>': no spaces, one @, up to 900 ASCII characters"))
    }

    /// The identifiers of messages that came, in the order in which they stand: each in angle brackets, or
    /// alone between spaces and commas. What stands in one is not judged.
    ///
    /// # Errors
    /// [`Kind::Usage`] when there is none, one is not printable ASCII or has more than 900 octets, or a
    /// bracket has no other.
    pub fn parse_list(text: &str) -> Result<Vec<Self>> {
        let wrong = || {
            Failure::new(Kind::Usage, format!("\"{text}\" names no message")).with_hint(
                "give the Message-ID of the message that is answered: '<1234@example.com>'",
            )
        };
        let between = |c: char| c == ' ' || c == ',' || c == '\t';
        let mut ids = Vec::new();
        let mut rest = text.trim_start_matches(between);
        while !rest.is_empty() {
            let (id, after) = match rest.strip_prefix('<') {
                Some(inner) => inner.split_once('>').ok_or_else(wrong)?,
                None => {
                    let end = rest.find(|c| between(c) || c == '<').unwrap_or(rest.len());
                    rest.split_at(end)
                }
            };
            if !is_reference(id) {
                return Err(wrong());
            }
            ids.push(Self(id.to_owned()));
            rest = after.trim_start_matches(between);
        }
        if ids.is_empty() {
            Err(wrong())
        } else {
            Ok(ids)
        }
    }
}

/// As a field has it, in its angle brackets.
impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.0)
    }
}

/// `[…]` without spaces and without brackets inside.
fn is_literal(text: &str) -> bool {
    let inner = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    inner.is_some_and(|inner| {
        inner
            .bytes()
            .all(|b| b.is_ascii_graphic() && !matches!(b, b'[' | b']' | b'\\' | b'<' | b'>'))
    })
}

/// Whether this can stand between angle brackets.
fn is_reference(id: &str) -> bool {
    (1..=ID_MAX).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>'))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_is_new_and_names_only_the_domain() {
        let one = new_message_id("Bücher.example");
        assert!(one.starts_with('<') && one.ends_with("@xn--bcher-kva.example>"));
        assert_ne!(one, new_message_id("Bücher.example"));
        assert!(new_message_id("a\r\nb").ends_with("@localhost>"));
        assert!(MessageId::parse(&one).is_ok());
    }

    #[test]
    fn brackets_are_added_where_they_are_missing() {
        for text in ["1.a=b@x.org", "<1.a=b@x.org>"] {
            assert_eq!(MessageId::parse(text).unwrap().to_string(), "<1.a=b@x.org>");
        }
        assert!(MessageId::parse("a@[192.0.2.1]").is_ok());
    }

    #[test]
    fn what_is_no_identifier_is_refused() {
        let long = format!("{}@x", "a".repeat(900));
        for text in [
            "",
            "<>",
            "a",
            "@x",
            "a@",
            "a@b@c",
            "a b@x",
            " a@x",
            "a@x ",
            "<a@x",
            "a@x>",
            "<<a@x>>",
            ".a@x",
            "a..b@x",
            "a@x.",
            "ä@x",
            "a@ä",
            "\"a\"@x",
            "a@[1 2]",
            "a@[[1]",
            "a@x\r\nBcc: y@z",
            "a\n@x",
            "a\0@x",
            "a@x\t",
            &long,
        ] {
            assert_eq!(
                MessageId::parse(text).unwrap_err().kind,
                Kind::Usage,
                "{text:?}"
            );
        }
    }

    #[test]
    fn the_messages_of_a_thread_are_read_as_they_come() {
        let read = |text: &str| {
            let ids = MessageId::parse_list(text).unwrap().into_iter();
            ids.map(|id| id.to_string()).collect::<Vec<_>>().join(" ")
        };
        for (text, ids) in [
            ("a@x", "<a@x>"),
            ("<a@x> <b@x>", "<a@x> <b@x>"),
            (" <a@x>,<b@x><c@x>\t", "<a@x> <b@x> <c@x>"),
            ("a@x, b@x", "<a@x> <b@x>"),
            (
                "<no-at> <\"q\"@x> <a@b@c> <a,b:;/@[x]>",
                "<no-at> <\"q\"@x> <a@b@c> <a,b:;/@[x]>",
            ),
        ] {
            assert_eq!(read(text), ids);
        }
        let long = format!("<{}>", "a".repeat(901));
        for text in [
            "",
            " ",
            ",",
            "<>",
            "<a@x",
            "a@x>",
            "<a b@x>",
            "<a@x>\r\nBcc: y@z",
            "<a@x>\n <b@x>",
            "<ä@x>",
            "<a\0@x>",
            &long,
        ] {
            assert_eq!(
                MessageId::parse_list(text).unwrap_err().kind,
                Kind::Usage,
                "{text:?}"
            );
        }
    }
}
