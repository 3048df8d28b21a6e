//! The header block: read as it came, edited, written with CRLF.
//!
//! Owns which octets are whose field, continuation lines included, so that what is not edited goes
//! out octet for octet. Bcc and Resent-Bcc stay in it, for the recipients, and are never written.
//! Refuses nothing by meaning: `From: root (Cron Daemon)` is a field. RFC 5322 §2.2, §3.6.3, §4.5.

use super::HeaderField;
use crate::failure::Result;

/// The octets of a UTF-8 byte order mark.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// One field as it came or as it was made, with its continuation lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    raw: Vec<u8>,
    name_len: usize,
    /// Its first line in the input; 0 when it did not come from there.
    line: u64,
}

impl Field {
    /// A field of a name and a folded value.
    pub(super) fn new(name: &str, value: &str) -> Self {
        Self {
            raw: format!("{name}: {value}").into_bytes(),
            name_len: name.len(),
            line: 0,
        }
    }

    /// Its octets, line ends as they came.
    pub(super) fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Its first line in the input.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Its name; empty for a line that is no field.
    pub(super) fn name(&self) -> &str {
        std::str::from_utf8(&self.raw[..self.name_len]).unwrap_or_default()
    }

    /// Whether it has this name, in any case.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name)
    }

    /// Whether it must not leave the machine.
    pub(super) fn is_private(&self) -> bool {
        is_private(self.name())
    }

    /// What stands after the colon, unfolded and without white space around it.
    pub(super) fn value(&self) -> Vec<u8> {
        let rest = &self.raw[self.name_len..];
        let start = memchr::memchr(b':', rest).map_or(rest.len(), |colon| colon + 1);
        let mut value = Vec::with_capacity(rest.len() - start);
        for line in rest[start..].split(|&octet| octet == b'\n') {
            value.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        }
        value.trim_ascii().to_vec()
    }

    /// The same as text, when it is UTF-8.
    pub(super) fn text(&self) -> Option<String> {
        String::from_utf8(self.value()).ok()
    }

    /// Writes it with CRLF at the end of each line.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let raw = self.raw.strip_suffix(b"\n").unwrap_or(&self.raw);
        for line in raw.split(|&octet| octet == b'\n') {
            out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// Whether a field of this name must not leave the machine.
pub(super) fn is_private(name: &str) -> bool {
    name.eq_ignore_ascii_case("Bcc") || name.eq_ignore_ascii_case("Resent-Bcc")
}

/// Whether `name` may be the name of a field (RFC 5322 §3.6.8: `ftext`).
pub(super) fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|&b| b.is_ascii_graphic() && b != b':')
}

/// The fields in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Header {
    fields: Vec<Field>,
}

impl Header {
    /// All fields.
    pub(super) fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The fields of this name.
    pub(super) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Field> {
        self.fields.iter().filter(move |field| field.is(name))
    }

    /// Whether there is a field of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.named(name).next().is_some()
    }

    /// Puts a field at the end.
    pub(super) fn push(&mut self, name: &str, value: &str) {
        self.fields.push(Field::new(name, value));
    }

    /// Replaces every field that has the name of one of `edits` by those edits, at the place of
    /// the first, else at the end. An edit without a value only removes.
    pub(super) fn replace(&mut self, edits: &[HeaderField]) -> Result<()> {
        let mut done: Vec<&str> = Vec::new();
        for edit in edits {
            let name = edit.name();
            if done.iter().any(|other| other.eq_ignore_ascii_case(name)) {
                continue;
            }
            done.push(name);
            let mut place = self.fields.iter().position(|field| field.is(name));
            self.fields.retain(|field| !field.is(name));
            for edit in edits.iter().filter(|edit| edit.is(name)) {
                let Some(value) = edit.rendered()? else {
                    continue;
                };
                let at = place.unwrap_or(self.fields.len());
                self.fields.insert(at, Field::new(edit.name(), &value));
                place = Some(at + 1);
            }
        }
        Ok(())
    }
}

/// A header block and where its body starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) header: Header,
    /// Whether an empty line ended it, and not the input.
    pub(super) ended: bool,
    /// The offset of the body.
    pub(super) body: usize,
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
}

/// Reads the header block at the start of `input`, up to the empty line or the end. A byte order
/// mark and an mbox `From ` line before it are dropped.
///
/// # Errors
/// With [`Strictness::Strict`], the number of the line that is no header field.
pub(super) fn read(input: &[u8], strictness: Strictness) -> std::result::Result<Block, u64> {
    let mut at = if input.starts_with(BOM) { BOM.len() } else { 0 };
    let mut number = 1;
    if input[at..].starts_with(b"From ") {
        at = line_end(input, at);
        number += 1;
    }
    let mut fields: Vec<Field> = Vec::new();
    while at < input.len() {
        let end = line_end(input, at);
        let line = &input[at..end];
        if line == b"\n" || line == b"\r\n" {
            return Ok(Block {
                header: Header { fields },
                ended: true,
                body: end,
                body_line: number + 1,
            });
        }
        match (name_len(line), fields.last_mut()) {
            (Some(name_len), _) => fields.push(Field {
                raw: line.to_vec(),
                name_len,
                line: number,
            }),
            (None, Some(field)) if line.starts_with(b" ") || line.starts_with(b"\t") => {
                field.raw.extend_from_slice(line);
            }
            (None, Some(_)) if strictness == Strictness::Lenient => fields.push(Field {
                raw: line.to_vec(),
                name_len: 0,
                line: number,
            }),
            (None, None) if strictness == Strictness::Lenient => {
                return Ok(Block {
                    header: Header::default(),
                    ended: false,
                    body: 0,
                    body_line: 1,
                });
            }
            _ => return Err(number),
        }
        at = end;
        number += 1;
    }
    Ok(Block {
        header: Header { fields },
        ended: false,
        body: input.len(),
        body_line: number,
    })
}

/// The offset after the line that starts at `at`.
fn line_end(input: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', &input[at..]).map_or(input.len(), |length| at + length + 1)
}

/// The length of the name that a line starts with. White space may stand between the name and
/// its colon (RFC 5322 §4.5.8): a `Bcc :` that went unseen would tell everybody.
fn name_len(line: &[u8]) -> Option<usize> {
    let colon = memchr::memchr(b':', line)?;
    let name = line[..colon].trim_ascii_end();
    is_name(name).then_some(name.len())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn names(input: &str) -> Vec<(String, String)> {
        let block = read(input.as_bytes(), Strictness::Strict).unwrap();
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
            assert_eq!(
                read(input.as_bytes(), Strictness::Strict),
                Err(line),
                "{input}"
            );
        }
    }

    #[test]
    fn the_body_starts_after_the_empty_line() {
        let block = read(b"From me\nA: 1\r\n\r\nbody", Strictness::Strict).unwrap();
        assert_eq!((block.body, block.body_line), (16, 4));
        let block = read(b"A: 1", Strictness::Strict).unwrap();
        assert_eq!((block.body, block.body_line), (4, 2));
    }

    #[test]
    fn a_broken_line_does_not_hide_a_bcc_from_a_lenient_reader() {
        let block = read(b"A: 1\nbroken\nBcc: x@y\n\nbody", Strictness::Lenient).unwrap();
        assert!(block.header.has("bcc"));
        let block = read(b"just text\n\nmore", Strictness::Lenient).unwrap();
        assert_eq!(block.body, 0);
    }
}
