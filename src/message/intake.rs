//! What stdin is: a message or the text of one.
//!
//! Owns the rule: a message starts with a well-formed header block in which a field stands that
//! says so. Anything else is a body, so that a report whose first line is `Error: disk full` is
//! mailed whole. Refuses only what was declared a message and is none.

use super::header::{self, Strictness};
use crate::failure::{Failure, Kind, Result};

/// The fields of which a message has at least one.
const TELLING: [&str; 9] = [
    "From",
    "To",
    "Cc",
    "Bcc",
    "Subject",
    "Message-ID",
    "MIME-Version",
    "Reply-To",
    "Sender",
];

/// What the user said stdin is (`--input`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Input {
    /// Nothing: look.
    #[default]
    Auto,
    /// A body.
    Body,
    /// A message with its header.
    Message,
}

/// What stdin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intake {
    /// A message with its header, to be handed over as it is.
    Message,
    /// The text of a message that is still to be composed.
    Body,
}

/// Decides what `input` is. [`Input::Auto`] never fails.
///
/// ```
/// use smtpsend::message::{Input, Intake, classify};
/// assert_eq!(classify(b"Error: disk full\n", Input::Auto)?, Intake::Body);
/// assert_eq!(classify(b"Subject: disk full\n", Input::Auto)?, Intake::Message);
/// # Ok::<(), smtpsend::failure::Failure>(())
/// ```
///
/// # Errors
/// [`Kind::Message`] when [`Input::Message`] is claimed of something else, naming the line that
/// is not a header field. An empty header block is one.
pub fn classify(input: &[u8], how: Input) -> Result<Intake> {
    match (how, header::read(input, Strictness::Strict)) {
        (Input::Body, _) => Ok(Intake::Body),
        (Input::Message, Ok(_)) => Ok(Intake::Message),
        (Input::Message, Err(line)) => Err(not_a_field(line)),
        (Input::Auto, Ok(block)) if TELLING.iter().any(|name| block.header.has(name)) => {
            Ok(Intake::Message)
        }
        (Input::Auto, _) => Ok(Intake::Body),
    }
}

/// The line that keeps `input` from being a message, when what stands before it is the better part
/// of a header: two fields or more, one of them a telling one. An empty line is missing, then.
pub fn nearly_a_message(input: &[u8]) -> Option<u64> {
    let line = header::read(input, Strictness::Strict).err()?;
    let before: usize = input
        .split_inclusive(|&octet| octet == b'\n')
        .take(usize::try_from(line).ok()?.saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    let block = header::read(&input[..before], Strictness::Strict).ok()?;
    let tells = TELLING.iter().any(|name| block.header.has(name));
    (tells && block.header.fields().len() >= 2).then_some(line)
}

/// This line stands where header fields stand, and is none.
pub(super) fn not_a_field(line: u64) -> Failure {
    Failure::new(
        Kind::Message,
        format!("line {line} of the message is not a header field"),
    )
    .with_hint("an empty line ends the header; text without a header is sent with --input body")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_empty_line_is_noticed() {
        for (input, line) in [
            ("To: b@x.org\nSubject: x\nhello\n", Some(3)),
            ("To: b@x.org\nSubject: x\n\nhello\n", None),
            ("To: do\nmilk\n", None),
            ("Error: a\nError: b\nmore\n", None),
            ("hello\n", None),
        ] {
            assert_eq!(nearly_a_message(input.as_bytes()), line, "{input:?}");
        }
    }

    #[test]
    fn a_message_has_a_header_block_with_a_telling_field() {
        for (input, intake) in [
            ("", Intake::Body),
            ("hello\n", Intake::Body),
            ("Error: disk full\n", Intake::Body),
            ("Error: disk full\n\nmore\n", Intake::Body),
            ("Error: disk full\nSubject: x\n\nmore\n", Intake::Message),
            ("Subject: x", Intake::Message),
            ("Subject: x\n", Intake::Message),
            ("subject : x\r\n\r\nbody", Intake::Message),
            ("To: x\nand so on\n", Intake::Body),
            ("To: x\n and so on\n", Intake::Message),
            ("\nSubject: x\n\nbody", Intake::Body),
            (" Subject: x\n\nbody", Intake::Body),
            (
                "From me@x.org Mon Jan  1 00:00:00 2024\nCc: x\n\n",
                Intake::Message,
            ),
            ("From here on\nSubject to change\n", Intake::Body),
            ("\u{feff}Subject: x\n\nbody", Intake::Message),
            ("\u{feff}hello", Intake::Body),
            ("Date: today\n\nbody", Intake::Body),
            ("Sender: x\n", Intake::Message),
            ("MIME-VERSION: 1.0\n", Intake::Message),
            ("Dear To: x\n", Intake::Body),
            ("Bcc:\n", Intake::Message),
        ] {
            assert_eq!(
                classify(input.as_bytes(), Input::Auto).unwrap(),
                intake,
                "{input:?}"
            );
            assert_eq!(
                classify(input.as_bytes(), Input::Body).unwrap(),
                Intake::Body
            );
        }
    }

    #[test]
    fn a_claimed_message_that_is_none_names_the_line() {
        let failure = classify(b"Subject: x\nand so on\n", Input::Message).unwrap_err();
        assert_eq!(failure.kind, Kind::Message);
        assert!(failure.message.contains("line 2"), "{failure}");
        for message in ["", "\nbody", "X-Any: 1\n\nbody"] {
            assert_eq!(
                classify(message.as_bytes(), Input::Message).unwrap(),
                Intake::Message
            );
        }
    }
}
