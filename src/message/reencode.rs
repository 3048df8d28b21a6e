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

/// What a part is of which nothing is said.
const TEXT: &str = "text/plain";
/// The same in a multipart/digest (RFC 2046 §5.1.5).
const MESSAGE: &str = "message/rfc822";
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
        usual: TEXT,
        is_message: true,
        is_delimited: false,
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
    /// What it is where its header does not say.
    usual: &'static str,
    /// Whether its header is that of a message.
    is_message: bool,
    /// Whether the end of its last line belongs to a boundary.
    is_delimited: bool,
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
        let kind = media_type(part.header, part.usual);
        let kind = kind.as_deref().unwrap_or("of no clear kind");
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
        let scan = lines.scan();
        let Some(kind) = media_type(part.header, part.usual) else {
            return Err(self.refused(scan, &part, "cannot be encoded"));
        };
        if is_sealed(&kind) {
            return Err(self.refused(scan, &part, "is signed or encrypted"));
        }
        if part.numbers.len() > DEPTH_MAX {
            return Err(self.refused(scan, &part, "stands too deep"));
        }
        let encodings = transfer_encodings(part.header);
        let is_plain = |name: &String| matches!(name.as_str(), "7bit" | "8bit" | "binary");
        if let Some(encoding) = encodings.iter().find(|name| !is_plain(name)) {
            if encoding == "base64" && encodings.len() == 1 && leaf::is_base64(store)? {
                return leaf::in_lines_that_fit(store);
            }
            return Err(self.refused(scan, &part, format_args!("is in {encoding} already")));
        }
        if part.is_message && !part.header.has("MIME-Version") {
            part.header.push("MIME-Version", "1.0");
        }
        match kind.split_once('/') {
            Some(("multipart", subtype)) => {
                let usual = if subtype == "digest" { MESSAGE } else { TEXT };
                self.multipart(part, usual, store, scan)
            }
            Some(("message", "rfc822")) => {
                let mut numbers = part.numbers.clone();
                numbers.push(1);
                let inner = Place {
                    numbers,
                    line: part.line,
                    usual: TEXT,
                    is_message: true,
                    is_delimited: part.is_delimited,
                };
                let body = self.entity(inner, store)?;
                says_seven_bit(part.header, &body)?;
                Ok(body)
            }
            // RFC 2046 §5.2, RFC 3464 §2.1: they are lines of ASCII, and in no encoding.
            Some(("message", _)) => Err(self.refused(scan, &part, "cannot be encoded")),
            _ => self.leaf(part, &kind, store, scan),
        }
    }

    /// A header and a body, of which something cannot be sent as it is.
    fn entity(self, place: Place, store: &Store) -> Result<Body> {
        let block = block::read(store, Strictness::Exact)?;
        let mut header = block.header;
        let inside = store.part(block.body..u64::MAX);
        let part = Part {
            header: &mut header,
            line: place.line + block.body_line - 1,
            numbers: place.numbers,
            usual: place.usual,
            is_message: place.is_message,
            is_delimited: place.is_delimited,
        };
        let name = part.name();
        for field in part.header.fields_mut() {
            *field = field.further(place.line - 1);
            self.field(field).map_err(|failure| Failure {
                message: format!("{}: in the header of {name}", failure.message),
                ..failure
            })?;
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

/// Where a part stands whose header has not been read.
struct Place {
    numbers: Vec<usize>,
    /// The number of its first line.
    line: u64,
    usual: &'static str,
    is_message: bool,
    is_delimited: bool,
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

/// What the header says of the body, without parameters and comments, in lower case; `usual` where it says
/// nothing, and nothing where that is not clear.
fn media_type(header: &Header, usual: &str) -> Option<String> {
    let mut fields = header.named("Content-Type");
    let text = match (fields.next(), fields.next()) {
        (None, _) => return Some(usual.to_owned()),
        (Some(field), None) => without_comments(&field.value()),
        (Some(_), Some(_)) => return None,
    };
    let kind = text.split(';').next().unwrap_or_default();
    let kind: String = kind.split_whitespace().collect();
    if kind.is_empty() {
        return Some(usual.to_owned());
    }
    let is_token = |word: &str| {
        let is_plain = |c: char| c.is_ascii_graphic() && !"()<>@,;:\\\"/[]?=".contains(c);
        !word.is_empty() && word.chars().all(is_plain)
    };
    let (main, subtype) = kind.split_once('/')?;
    (is_token(main) && is_token(subtype)).then(|| kind.to_ascii_lowercase())
}

/// A value without what stands in parentheses outside quotes (RFC 5322 §3.2.2).
fn without_comments(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    let (mut depth, mut is_quoted, mut is_escaped) = (0_usize, false, false);
    let mut kept = String::new();
    for c in text.chars() {
        let escaped = is_escaped;
        is_escaped = c == '\\' && !escaped;
        match c {
            '"' if depth == 0 && !escaped => is_quoted = !is_quoted,
            '(' if !is_quoted && !escaped => depth += 1,
            ')' if depth > 0 && !escaped => {
                depth -= 1;
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            kept.push(c);
        }
    }
    kept
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
    let values = fields.map(|field| without_comments(&field.value()));
    let values = values.map(|value| value.trim().to_ascii_lowercase());
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
