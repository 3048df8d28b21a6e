//! The header: its fields as they came, edited, written with CRLF.
//!
//! Owns what a field is, continuation lines included, so that what is not edited goes out octet
//! for octet. Bcc and Resent-Bcc stay in it, for the recipients, and are never written.
//! Refuses nothing by meaning: `From: root (Cron Daemon)` is a field. RFC 5322 §2.2, §3.6.3, §4.5.

use super::HeaderField;
use crate::failure::Result;

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

    /// A field that starts with this line of the input; no name for a line that is no field.
    pub(super) fn starting(line: &[u8], name_len: usize, number: u64) -> Self {
        Self {
            raw: line.to_vec(),
            name_len,
            line: number,
        }
    }

    /// The same under another name.
    pub(super) fn renamed(&self, name: &str) -> Self {
        Self {
            raw: [name.as_bytes(), &self.raw[self.name_len..]].concat(),
            name_len: name.len(),
            line: self.line,
        }
    }

    /// The same without white space before the colon (RFC 5322 §4.5), if there is any.
    pub(super) fn tight(self) -> Self {
        let rest = &self.raw[self.name_len..];
        let colon = memchr::memchr(b':', rest).unwrap_or_default();
        if !rest[..colon].iter().all(u8::is_ascii_whitespace) || self.name_len == 0 {
            return self;
        }
        let mut raw = self.raw[..self.name_len].to_vec();
        raw.extend_from_slice(&rest[colon..]);
        Self { raw, ..self }
    }

    /// The same, so many lines further on.
    pub(super) fn further(&self, lines: u64) -> Self {
        Self {
            line: self.line + lines,
            ..self.clone()
        }
    }

    /// The same with its octets in other lines.
    pub(super) fn rewritten(&self, raw: Vec<u8>) -> Self {
        Self { raw, ..*self }
    }

    /// Adds what follows: the rest of its line, or a continuation line.
    pub(super) fn extend(&mut self, octets: &[u8]) {
        self.raw.extend_from_slice(octets);
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
    /// These fields.
    pub(super) fn new(fields: Vec<Field>) -> Self {
        Self { fields }
    }

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

    /// All fields, to be changed.
    pub(super) fn fields_mut(&mut self) -> &mut Vec<Field> {
        &mut self.fields
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
