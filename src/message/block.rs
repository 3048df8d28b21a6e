//! The header block at the start of an input: which of its lines are fields, and where it ends.
//!
//! Owns the walk over it, line by line, which keeps nothing and needs not see a whole line at once:
//! a body that is one endless line, or that looks like a header for as long as it lasts, costs no
//! memory. Refuses a block of more than 16 MiB; refuses nothing by meaning. RFC 5322 §2.2, §4.5.

use std::io;

use memchr::memchr;

use super::header::{Field, Header, is_name};
use super::store::{Store, unreadable};
use super::window::Window;
use crate::failure::{Failure, Kind, Result};

/// Octets of a header block at most: room for a Bcc of some 10^5 addresses.
const HEADER_MAX: u64 = 16 << 20;
/// Fields of a header block at most, each of which is kept on its own; a long way of relays adds some dozens.
const FIELDS_MAX: usize = 10_000;
/// Octets looked at in one go; a name and its colon that take more are none.
const WIDTH: usize = 64 * 1024;
/// The octets of a UTF-8 byte order mark.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// A header block and where its body starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) header: Header,
    /// Whether an empty line ended it, and not the input.
    pub(super) ended: bool,
    /// The offset of the body.
    pub(super) body: u64,
    /// The number of the body's first line.
    pub(super) body_line: u64,
}

/// What to do with a line that is neither a field nor the continuation of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    /// Stop at it.
    Strict,
    /// Keep it, unless it is the first: then there is no header block at all.
    Lenient,
    /// The same, and nothing that stands before the block is dropped.
    Exact,
    /// The body starts there, as if an empty line stood before it; where it is the first, there is no
    /// header block at all.
    Ending,
}

/// Reads the header block at the start of `input`, up to the empty line or the end. A byte order
/// mark and an mbox `From ` line before it are dropped, unless it is to be [`Strictness::Exact`].
///
/// # Errors
/// [`Kind::Message`] when it is too large or, with [`Strictness::Strict`], a line of it is no
/// header field, naming the line; [`Kind::Io`] when it cannot be read where it is kept.
pub(super) fn read(input: &Store, strictness: Strictness) -> Result<Block> {
    let failed = |error: io::Error| unreadable(&error);
    let mut walk = match strictness {
        Strictness::Strict | Strictness::Lenient | Strictness::Ending => Walk::new(input),
        Strictness::Exact => Walk::from_start(input),
    }
    .map_err(failed)?;
    let mut fields: Vec<Field> = Vec::new();
    let mut ended = false;
    let mut cut = None;
    while let Some(part) = walk.next().map_err(failed)? {
        match part {
            Part::End => {
                ended = true;
                break;
            }
            Part::Field {
                line,
                name_len,
                number,
            } => fields.push(Field::starting(line, name_len, number)),
            Part::More(octets) => {
                if let Some(field) = fields.last_mut() {
                    field.extend(octets);
                }
            }
            Part::Other { line, number } => match strictness {
                Strictness::Strict => return Err(not_a_field(number)),
                Strictness::Lenient | Strictness::Exact | Strictness::Ending
                    if fields.is_empty() =>
                {
                    return Ok(Block {
                        header: Header::default(),
                        ended: false,
                        body: 0,
                        body_line: 1,
                    });
                }
                Strictness::Lenient | Strictness::Exact => {
                    fields.push(Field::starting(line, 0, number));
                }
                Strictness::Ending => {
                    cut = Some((line.len() as u64, number));
                    break;
                }
            },
        }
        if walk.is_too_long() {
            let words = format!(
                "the header of the message is larger than {} MiB",
                HEADER_MAX >> 20
            );
            return Err(Failure::new(Kind::Message, words));
        }
        if fields.len() > FIELDS_MAX {
            let words = format!("the header of the message has more than {FIELDS_MAX} fields");
            return Err(Failure::new(Kind::Message, words));
        }
    }
    let (body, body_line) = match cut {
        Some((seen, number)) => (walk.window.at() - seen, number),
        None => (walk.window.at(), walk.line + 1),
    };
    Ok(Block {
        header: Header::new(fields),
        ended,
        body,
        body_line,
    })
}

/// This line stands where header fields stand, and is none.
pub(super) fn not_a_field(line: u64) -> Failure {
    Failure::new(
        Kind::Message,
        format!("line {line} of the message is not a header field"),
    )
    .with_hint("an empty line ends the header; text without a header is sent with --input body")
}

/// What stands next in a header block.
#[derive(Debug)]
pub(super) enum Part<'a> {
    /// A field starts.
    Field {
        line: &'a [u8],
        name_len: usize,
        number: u64,
    },
    /// The same field goes on: a continuation line, or the rest of a line too long to be seen at once.
    More(&'a [u8]),
    /// A line that is neither starts.
    Other { line: &'a [u8], number: u64 },
    /// The empty line.
    End,
}

/// The lines of a header block, one after the other.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    window: Window<'a>,
    /// The number of the line given last.
    line: u64,
    /// Whether more of that line follows.
    inside_a_line: bool,
    /// Whether a field was given.
    any: bool,
}

impl<'a> Walk<'a> {
    /// Stands at the first line, behind a byte order mark and an mbox `From ` line.
    ///
    /// # Errors
    /// When the input cannot be read where it is kept.
    pub(super) fn new(input: &'a Store) -> io::Result<Self> {
        let mut walk = Self::from_start(input)?;
        if walk.window.octets().starts_with(BOM) {
            walk.window.consume(BOM.len());
        }
        // `From :` is a field all the same, and names the author.
        if walk.window.octets().starts_with(b"From ") && name_len(walk.window.octets()) != Some(4) {
            walk.line = 1;
            loop {
                let count = walk.ahead()?;
                walk.window.consume(count);
                if count == 0 || !walk.inside_a_line || walk.is_too_long() {
                    break;
                }
            }
            walk.inside_a_line = false;
        }
        Ok(walk)
    }

    /// Stands at the first line, whatever it is.
    ///
    /// # Errors
    /// When the input cannot be read where it is kept.
    fn from_start(input: &'a Store) -> io::Result<Self> {
        let mut walk = Self {
            window: Window::new(input, 0, WIDTH),
            line: 0,
            inside_a_line: false,
            any: false,
        };
        walk.window.load()?;
        Ok(walk)
    }

    /// What stands next; nothing at the end of the input.
    ///
    /// # Errors
    /// When it cannot be read where it is kept.
    pub(super) fn next(&mut self) -> io::Result<Option<Part<'_>>> {
        let goes_on = self.inside_a_line;
        let count = self.ahead()?;
        if count == 0 {
            return Ok(None);
        }
        self.line += u64::from(!goes_on);
        let number = self.line;
        let line = self.window.take(count);
        Ok(Some(match name_len(line) {
            _ if goes_on => Part::More(line),
            _ if line == b"\n" || line == b"\r\n" => Part::End,
            Some(name_len) => {
                self.any = true;
                Part::Field {
                    line,
                    name_len,
                    number,
                }
            }
            None if self.any && line.starts_with(b" ") => Part::More(line),
            None if self.any && line.starts_with(b"\t") => Part::More(line),
            None => Part::Other { line, number },
        }))
    }

    /// Whether no header block is as long as this one already.
    pub(super) fn is_too_long(&self) -> bool {
        self.window.at() > HEADER_MAX
    }

    /// How many octets there are up to the end of this line, or as many of it as can be seen.
    fn ahead(&mut self) -> io::Result<usize> {
        let mut end = memchr(b'\n', self.window.octets());
        if end.is_none() && !self.window.is_last() {
            self.window.load()?;
            end = memchr(b'\n', self.window.octets());
        }
        self.inside_a_line = end.is_none();
        Ok(end.map_or(self.window.octets().len(), |end| end + 1))
    }
}

/// The length of the name that a line starts with. White space may stand between the name and
/// its colon (RFC 5322 §4.5.8): a `Bcc :` that went unseen would tell everybody.
fn name_len(line: &[u8]) -> Option<usize> {
    let colon = memchr(b':', line)?;
    let name = line[..colon].trim_ascii_end();
    is_name(name).then_some(name.len())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::super::store::tests::watched;
    use super::*;

    fn block_of(input: &[u8], strictness: Strictness) -> Result<Block> {
        read(&input.to_vec().into(), strictness)
    }

    fn names(input: &str) -> Vec<(String, String)> {
        let block = block_of(input.as_bytes(), Strictness::Strict).unwrap();
        let pair = |field: &Field| (field.name().to_owned(), field.text().unwrap());
        block.header.fields().iter().map(pair).collect()
    }

    #[test]
    fn fields_are_read_with_their_continuation_lines() {
        assert_eq!(
            names("A: 1\n two\r\n\tthree\nb :  x \r\nC:\n\nbody: 1\n"),
            [
                ("A".into(), "1 two\tthree".into()),
                ("b".into(), "x".into()),
                ("C".into(), String::new())
            ]
        );
    }

    #[test]
    fn the_line_that_is_no_field_is_named() {
        for (input, line) in [
            ("hello\n", 1),
            (" A: 1\n", 1),
            ("A: 1\nb c: 2\n", 2),
            ("From x\nA: 1\n\x7f: 2", 3),
            ("A: 1\n: 2\n", 2),
            ("A: 1\nü: 2\n", 2),
        ] {
            let failure = block_of(input.as_bytes(), Strictness::Strict).unwrap_err();
            assert!(
                failure.message.contains(&format!("line {line} ")),
                "{failure}"
            );
        }
    }

    #[test]
    fn the_body_starts_after_the_empty_line() {
        let block = block_of(b"From me\nA: 1\r\n\r\nbody", Strictness::Strict).unwrap();
        assert_eq!((block.body, block.body_line), (16, 4));
        let block = block_of(b"A: 1", Strictness::Strict).unwrap();
        assert_eq!((block.body, block.body_line), (4, 2));
    }

    #[test]
    fn a_broken_line_does_not_hide_a_bcc_from_a_lenient_reader() {
        let block = block_of(b"A: 1\nbroken\nBcc: x@y\n\nbody", Strictness::Lenient).unwrap();
        assert!(block.header.has("bcc"));
        let block = block_of(b"just text\n\nmore", Strictness::Lenient).unwrap();
        assert_eq!(block.body, 0);
    }

    #[test]
    fn a_line_that_is_no_field_starts_the_body_where_it_ends_the_header() {
        for (input, fields, body, line) in [
            ("A: 1\nhello you\nB: 2\n", 1, "hello you\nB: 2\n", 2),
            ("From me\nA: 1\n 2\n\nb", 1, "b", 5),
            ("From : me\nA: 1\n 2\n\nb", 2, "b", 5),
            ("hello\nA: 1\n", 0, "hello\nA: 1\n", 1),
            ("From here on\nno more\n", 0, "From here on\nno more\n", 1),
            ("\nhello\n", 0, "hello\n", 2),
            ("", 0, "", 1),
        ] {
            let block = block_of(input.as_bytes(), Strictness::Ending).unwrap();
            assert_eq!(block.header.fields().len(), fields, "{input:?}");
            assert_eq!(&input[block.body as usize..], body);
            assert_eq!(block.body_line, line, "{input:?}");
        }
    }

    #[test]
    fn fields_and_lines_of_any_length_are_read_from_anywhere() {
        let long = "x".repeat(3 * WIDTH);
        let lines = "To: a@x.org,\n b@x.org\n".repeat(WIDTH / 10);
        for input in [
            format!("Bcc: {long}\nA: 1\n\nbody"),
            format!("A: 1\n {long}\r\n\r\nbody"),
            format!("From {long}\nA: 1\n\nbody"),
            format!("{lines}\nbody"),
        ] {
            let (_file, in_place) = watched(input.as_bytes());
            let read_in_place = read(&in_place, Strictness::Strict).unwrap();
            assert_eq!(
                read_in_place,
                block_of(input.as_bytes(), Strictness::Strict).unwrap()
            );
            assert!(read_in_place.ended);
            assert_eq!(&input[read_in_place.body as usize..], "body");
            assert_eq!(read_in_place.body_line, input.lines().count() as u64);
            let raw: Vec<&[u8]> = read_in_place
                .header
                .fields()
                .iter()
                .map(Field::raw)
                .collect();
            let header = &input[..input.len() - 4].trim_end();
            assert!(header.as_bytes().ends_with(raw.concat().trim_ascii_end()));
        }
    }

    #[test]
    fn a_header_without_end_is_refused_and_not_read_to_its_end() {
        let lines = format!(" {}\n", "x".repeat(996)).repeat(HEADER_MAX as usize / 998 + 2);
        let endless = format!("A:\n{lines}");
        let failure = block_of(endless.as_bytes(), Strictness::Strict).unwrap_err();
        assert_eq!(failure.kind, Kind::Message);
        assert!(failure.message.contains("16 MiB"), "{failure}");
    }

    #[test]
    fn a_header_of_countless_fields_is_refused() {
        let many = "A:\n".repeat(FIELDS_MAX + 1);
        let failure = block_of(many.as_bytes(), Strictness::Strict).unwrap_err();
        assert_eq!(failure.kind, Kind::Message);
        assert!(failure.message.contains("fields"), "{failure}");
    }
}
