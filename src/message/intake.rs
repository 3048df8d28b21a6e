//! What stdin is: a message or the text of one.
//!
//! Owns the rule: a message starts with a well-formed header block in which a field stands that
//! says so. Anything else is a body, so that a report whose first line is `Error: disk full` is
//! mailed whole. Refuses only what was declared a message and is none.

use std::io;

use super::block::{self, Part, Strictness, Walk, not_a_field};
use super::compose::address_in;
use super::store::{Store, unreadable};
use crate::address::Address;
#[cfg(doc)]
use crate::failure::Kind;
use crate::failure::Result;

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

/// Decides what `input` is; looks at no more of it than may be a header.
///
/// ```
/// use smtpsend::message::{Input, Intake, classify};
/// let body = b"Error: disk full\n".to_vec();
/// assert_eq!(classify(&body.into(), Input::Auto)?, Intake::Body);
/// let message = b"Subject: disk full\n".to_vec();
/// assert_eq!(classify(&message.into(), Input::Auto)?, Intake::Message);
/// # Ok::<(), smtpsend::failure::Failure>(())
/// ```
///
/// # Errors
/// [`Kind::Message`] when [`Input::Message`] is claimed of something else, naming the line that
/// is not a header field. An empty header block is one. [`Kind::Io`] when it cannot be read where
/// it is kept.
pub fn classify(input: &Store, how: Input) -> Result<Intake> {
    if how == Input::Body {
        return Ok(Intake::Body);
    }
    let survey = Survey::of(input).map_err(|error| unreadable(&error))?;
    match (how, survey.broken) {
        (Input::Message, Some(line)) => Err(not_a_field(line)),
        (Input::Message, None) => Ok(Intake::Message),
        (_, None) if survey.tells => Ok(Intake::Message),
        (_, _) => Ok(Intake::Body),
    }
}

/// The line that keeps `input` from being a message, when what stands before it is the better part
/// of a header: two fields or more, one of them a telling one. An empty line is missing, then.
///
/// # Errors
/// [`Kind::Io`] when it cannot be read where it is kept.
pub fn nearly_a_message(input: &Store) -> Result<Option<u64>> {
    let survey = Survey::of(input).map_err(|error| unreadable(&error))?;
    let nearly = survey.tells && survey.fields >= 2;
    Ok(survey.broken.filter(|_| nearly))
}

/// The first address in the From of a message; none where there is no From, or no address in it.
///
/// # Errors
/// [`Kind::Message`] when its header is too large; [`Kind::Io`] when it cannot be read where it is
/// kept.
pub fn author(input: &Store) -> Result<Option<Address>> {
    let block = block::read(input, Strictness::Ending)?;
    Ok(address_in(&block.header, "From"))
}

/// What a walk over a header block shows.
#[derive(Debug, Default)]
struct Survey {
    fields: usize,
    /// Whether one of them tells that this is a message.
    tells: bool,
    /// The line at which it turns out to be none.
    broken: Option<u64>,
}

impl Survey {
    /// Looks as far as a header block may go: what goes on beyond that is left to who reads it.
    fn of(input: &Store) -> io::Result<Self> {
        let mut survey = Self::default();
        let mut walk = Walk::new(input)?;
        while !walk.is_too_long() {
            match walk.next()? {
                None | Some(Part::End) => break,
                Some(Part::More(_)) => {}
                Some(Part::Other { number, .. }) => {
                    survey.broken = Some(number);
                    break;
                }
                Some(Part::Field { line, name_len, .. }) => {
                    let name = &line[..name_len];
                    survey.fields += 1;
                    survey.tells |= TELLING
                        .iter()
                        .any(|telling| telling.as_bytes().eq_ignore_ascii_case(name));
                }
            }
        }
        Ok(survey)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::failure::Kind;

    fn classified(input: &str, how: Input) -> Result<Intake> {
        classify(&input.as_bytes().to_vec().into(), how)
    }

    #[test]
    fn a_missing_empty_line_is_noticed() {
        for (input, line) in [
            ("To: b@x.org\nSubject: x\nhello\n", Some(3)),
            ("To: b@x.org\nSubject: x\n\nhello\n", None),
            ("To: do\nmilk\n", None),
            ("Error: a\nError: b\nmore\n", None),
            ("hello\n", None),
        ] {
            let store = input.as_bytes().to_vec().into();
            assert_eq!(nearly_a_message(&store).unwrap(), line, "{input:?}");
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
            assert_eq!(classified(input, Input::Auto).unwrap(), intake, "{input:?}");
            assert_eq!(classified(input, Input::Body).unwrap(), Intake::Body);
        }
    }

    #[test]
    fn a_claimed_message_that_is_none_names_the_line() {
        let failure = classified("Subject: x\nand so on\n", Input::Message).unwrap_err();
        assert_eq!(failure.kind, Kind::Message);
        assert!(failure.message.contains("line 2"), "{failure}");
        for message in ["", "\nbody", "X-Any: 1\n\nbody"] {
            let intake = classified(message, Input::Message).unwrap();
            assert_eq!(intake, Intake::Message);
        }
    }

    #[test]
    fn what_looks_like_a_header_without_end_is_a_body_unless_a_field_tells() {
        let lines = format!("{{\"time\":{}}}\n", "1,".repeat(500)).repeat(17 << 10);
        let line = format!("{{\"time\":{}", "1,".repeat(9 << 20));
        for (start, intake) in [("", Intake::Body), ("Subject: x\n", Intake::Message)] {
            for text in [&lines, &line] {
                let input = format!("{start}{text}");
                assert_eq!(classified(&input, Input::Auto).unwrap(), intake);
            }
        }
    }
}
