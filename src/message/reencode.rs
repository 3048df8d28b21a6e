//! A body that the server may not be sent as it is, made one that it may be: its parts encoded.
//!
//! What programs print has progress bars with bare carriage returns, NULs, and lines without end, and
//! old servers take no octet above 127; the mail must not be lost for that. Owns which parts may be
//! written anew: those in no encoding yet, wherever they stand in a multipart or in a message within the
//! message, and only those that have to be. Once decoded their octets are what they were, with CRLF at
//! line ends. What is signed or encrypted is never touched: it is refused, by its line and its part.
//! RFC 2045 §6, RFC 2046, RFC 1847, RFC 1428.

mod leaf;
mod multipart;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

use super::block::{self, Strictness};
use super::body::{Body, verbatim};
use super::fit;
use super::header::{Field, Header};
use super::lines::Scan;
use super::parts::TRANSFER_ENCODING;
use super::store::{Store, unreadable};
use super::{HeaderField, ascii_field};
use crate::failure::{Failure, Kind, Result};

/// Layers of a message within messages and multiparts at most.
const DEPTH_MAX: usize = 40;

/// What is to be done about octets above 127.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EightBit {
    /// They are sent as they are.
    Sent,
    /// They are encoded.
    Encoded,
}

/// The body in a form without lines that are too long, bare carriage returns or NULs, and without octets
/// above 127 where those are to be encoded. Its header says so; a body that needs none of it stays as it is.
///
/// # Errors
/// [`Kind::Message`], naming the line and the part, when it can be sent neither as it is nor encoded.
/// [`Kind::Io`] when it cannot be read where it is kept.
pub(super) fn encoded(
    body: &Body,
    header: &mut Cow<'_, Header>,
    eight_bit: EightBit,
) -> Result<Body> {
    let task = Task { eight_bit };
    if task.refusal(body.scan()).is_none() {
        return Ok(body.clone());
    }
    let part = Part {
        numbers: Vec::new(),
        header: header.to_mut(),
        line: body.first_line(),
    };
    match body.kept_lines() {
        Some(store) => task.part(part, store),
        // Its parts are encoded already, as far as that may be.
        None => Err(task.refused(body.scan(), &part, "cannot be encoded")),
    }
}

/// The body as servers can take it; the header says so, and a warning, where it was changed for that.
///
/// # Errors
/// As [`encoded`].
pub(super) fn sendable(
    body: Body,
    header: &mut Header,
    warnings: &mut Vec<String>,
) -> Result<Body> {
    let Err(refusal) = body.scan().refuse_unsendable() else {
        return Ok(body);
    };
    // Whoever is at it does it for every server: a body of pieces is not taken apart again.
    let eight_bit = EightBit::Encoded;
    let mut mended = Cow::Borrowed(&*header);
    let sendable = encoded(&body, &mut mended, eight_bit).or_else(|_| {
        mended = Cow::Borrowed(&*header);
        encoded(&body, &mut mended, EightBit::Sent)
    })?;
    *header = mended.into_owned();
    warnings.push(format!("{}: it is sent encoded", refusal.message));
    Ok(sendable)
}

/// What is to be done to all parts of a message.
#[derive(Debug, Clone, Copy)]
struct Task {
    eight_bit: EightBit,
}

/// A part whose body cannot be sent as it is.
struct Part<'p> {
    /// Its place among the parts around it, from 1; empty for the message.
    numbers: Vec<usize>,
    header: &'p mut Header,
    /// The number of the first line of its body.
    line: u64,
}

impl Task {
    /// Why lines in which this was found cannot be sent as they are.
    fn refusal(self, scan: &Scan) -> Option<Failure> {
        let eight_bit = scan
            .eight_bit
            .filter(|_| self.eight_bit == EightBit::Encoded);
        match (scan.refuse_unsendable(), eight_bit) {
            (Err(failure), _) => Some(Failure::new(failure.kind, failure.message)),
            (Ok(()), Some(line)) => Some(not_ascii(line)),
            (Ok(()), None) => None,
        }
    }

    fn refused(self, scan: &Scan, part: &Part<'_>, why: impl fmt::Display) -> Failure {
        let what = self.refusal(scan).unwrap_or_else(|| not_ascii(part.line));
        let kind = media_type(part.header);
        let words = format!("{}: {} ({kind}) {why}", what.message, part.name());
        Failure::new(Kind::Message, words).with_hint(
            "whoever makes the message has to encode that part (quoted-printable, base64)",
        )
    }

    /// The body of a part in a form that can be sent; its header says in which.
    fn part(self, part: Part<'_>, store: &Store) -> Result<Body> {
        let lines = Body::lines(store.clone(), 0, part.line).map_err(|error| unreadable(&error))?;
        if self.refusal(lines.scan()).is_none() {
            return Ok(lines);
        }
        let kind = media_type(part.header);
        if is_sealed(&kind) {
            return Err(self.refused(lines.scan(), &part, "is signed or encrypted"));
        }
        if part.numbers.len() > DEPTH_MAX {
            return Err(self.refused(lines.scan(), &part, "stands too deep"));
        }
        if kind.starts_with("multipart/") {
            return self.multipart(part, store, lines.scan());
        }
        if kind == "message/rfc822" {
            let mut inner = part.numbers.clone();
            inner.push(1);
            let body = self.entity(inner, store, part.line)?;
            says_seven_bit(part.header, &body)?;
            return Ok(body);
        }
        self.leaf(part, store, lines.scan())
    }

    /// A header and a body, of which something cannot be sent as it is.
    fn entity(self, numbers: Vec<usize>, store: &Store, line: u64) -> Result<Body> {
        let block = block::read(store, Strictness::Exact)?;
        let mut header = block.header;
        let inside = store.part(block.body..u64::MAX);
        let part = Part {
            numbers,
            header: &mut header,
            line: line + block.body_line - 1,
        };
        for field in part.header.fields_mut() {
            self.field(field)?;
        }
        let body = self.part(part, &inside)?;
        let mut whole = Vec::new();
        for field in header.fields() {
            field.write(&mut whole);
        }
        if block.ended || !header.fields().is_empty() {
            whole.extend_from_slice(b"\r\n");
        }
        let mut entity = verbatim(whole);
        entity.append(body);
        Ok(entity)
    }

    /// Puts a field of a part into lines and characters that can be sent.
    fn field(self, field: &mut Field) -> Result<()> {
        if !field.raw().is_ascii() && self.eight_bit == EightBit::Encoded {
            let is_utf8 = std::str::from_utf8(field.raw()).is_ok();
            *field = ascii_field(field, is_utf8)?;
        }
        fit::fold(field);
        Scan::of(field.raw(), field.line()).refuse_unsendable()
    }
}

impl Part<'_> {
    fn name(&self) -> String {
        if self.numbers.is_empty() {
            return "the message".to_owned();
        }
        let numbers: Vec<String> = self.numbers.iter().map(usize::to_string).collect();
        format!("part {}", numbers.join("."))
    }
}

fn not_ascii(line: u64) -> Failure {
    let words =
        format!("line {line} of the message is not ASCII, and the server does not offer 8BITMIME");
    Failure::new(Kind::Message, words)
}

/// What the header says of the body, without parameters, in lower case.
fn media_type(header: &Header) -> String {
    let field = header.named("Content-Type").next();
    let text = field.map(Field::value).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let kind = text.split(';').next().unwrap_or_default();
    match kind.trim() {
        "" => "text/plain".to_owned(),
        kind => kind.to_ascii_lowercase(),
    }
}

/// Whether a media type is that of something signed or encrypted, of which not an octet may change.
fn is_sealed(kind: &str) -> bool {
    let sealed = [
        "multipart/signed",
        "multipart/encrypted",
        "application/pkcs7-mime",
        "application/x-pkcs7-mime",
        "application/pgp-encrypted",
        "application/pgp",
    ];
    sealed.contains(&kind)
}

/// The encodings that a header names, in lower case.
fn transfer_encodings(header: &Header) -> Vec<String> {
    let fields = header.named(TRANSFER_ENCODING);
    let values = fields.map(|field| String::from_utf8_lossy(&field.value()).to_ascii_lowercase());
    values.filter(|value| !value.is_empty()).collect()
}

fn say_encoding(header: &mut Header, encoding: &str) -> Result<()> {
    header.replace(&[HeaderField::new(TRANSFER_ENCODING, encoding)?])
}

/// Has the header of what holds parts say 7bit, where it says more and that is all they need.
fn says_seven_bit(header: &mut Header, body: &Body) -> Result<()> {
    if body.scan().eight_bit.is_none() && header.has(TRANSFER_ENCODING) {
        say_encoding(header, "7bit")?;
    }
    Ok(())
}
