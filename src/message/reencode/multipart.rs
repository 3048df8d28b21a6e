//! A multipart, of which some parts are encoded, and the others stay as they are.
//!
//! Owns where its parts start and end. Refuses a multipart whose boundary is nowhere, and what cannot be sent
//! before its first part or behind the last one.
//! RFC 2046 §5.1.1.

use std::io;

use memchr::memchr;

use super::{Part, Place, Task, says_seven_bit, without_comments};
use crate::failure::Result;
use crate::message::body::Body;
use crate::message::lines::Scan;
use crate::message::parameter;
use crate::message::store::{Store, unreadable};
use crate::message::window::Window;

/// Octets looked at in one go; much more than a boundary may have.
const WIDTH: usize = 64 * 1024;
/// Octets of a boundary at most; RFC 2046 allows 70.
const BOUNDARY_MAX: usize = 1000;
/// Parts of one multipart at most.
const PARTS_MAX: usize = 10_000;

/// A line that stands before a part, or behind the last one.
#[derive(Debug, PartialEq, Eq)]
struct Delimiter {
    start: u64,
    /// Behind its line end.
    end: u64,
    /// Its number, counted from 0.
    line: u64,
    is_last: bool,
}

impl Task {
    /// The parts of a multipart in a form that can be sent, between the boundaries that stand there.
    /// `usual` is what a part is that does not say it.
    pub(super) fn multipart(
        self,
        part: Part<'_>,
        usual: &'static str,
        store: &Store,
        scan: &Scan,
    ) -> Result<Body> {
        let boundary = part
            .header
            .named("Content-Type")
            .next()
            .and_then(|field| parameter::named(&without_comments(&field.value()), "boundary"));
        let delimiters = match &boundary {
            Some(boundary) if (1..=BOUNDARY_MAX).contains(&boundary.len()) => {
                delimiters(store, boundary.as_bytes()).map_err(|error| unreadable(&error))?
            }
            _ => Vec::new(),
        };
        if delimiters.iter().all(|delimiter| delimiter.is_last) {
            return Err(self.refused(scan, &part, "has no parts"));
        }
        if delimiters.len() > PARTS_MAX {
            let why = format_args!("has more than {PARTS_MAX} parts");
            return Err(self.refused(scan, &part, why));
        }
        // Nobody is shown it, and nothing says that it may be changed.
        let around = |start, end, line| {
            let lines = lines(store, start, end, line)?;
            match self.refusal(lines.scan()) {
                None => Ok(lines),
                Some(_) => {
                    let why = "has that line before or behind its parts";
                    Err(self.refused(lines.scan(), &part, why))
                }
            }
        };
        let mut body = around(0, delimiters[0].start, part.line)?;
        for (index, delimiter) in delimiters.iter().enumerate() {
            body.append(lines(store, delimiter.start, delimiter.end, part.line)?);
            let next = delimiters.get(index + 1);
            let end = next.map_or(store.size(), |next| next.start);
            let line = part.line + delimiter.line + 1;
            if delimiter.is_last {
                body.append(around(delimiter.end, store.size(), line)?);
                break;
            }
            let as_it_is = lines(store, delimiter.end, end, line)?;
            if self.refusal(as_it_is.scan()).is_none() {
                body.append(as_it_is);
                continue;
            }
            let mut numbers = part.numbers.clone();
            numbers.push(index + 1);
            let place = Place {
                numbers,
                line,
                usual,
                is_message: false,
                is_delimited: next.is_some() || part.is_delimited,
            };
            body.append(self.entity(place, &store.part(delimiter.end..end))?);
        }
        says_seven_bit(part.header, &body)?;
        Ok(body)
    }
}

fn lines(store: &Store, start: u64, end: u64, line: u64) -> Result<Body> {
    Body::lines(store.part(start..end), 0, line).map_err(|error| unreadable(&error))
}

/// The lines that stand before the parts, and behind the last one.
fn delimiters(store: &Store, boundary: &[u8]) -> io::Result<Vec<Delimiter>> {
    let mut window = Window::new(store, 0, WIDTH);
    let mut found: Vec<Delimiter> = Vec::new();
    let (mut line, mut inside_a_line) = (0, false);
    loop {
        window.load()?;
        let (octets, is_last) = (window.octets(), window.is_last());
        let mut taken = 0;
        while taken < octets.len() {
            let rest = &octets[taken..];
            let end = memchr(b'\n', rest);
            let length = match end {
                Some(end) => end + 1,
                // What a line starts with is looked at together with what follows.
                None if taken > 0 && !is_last => break,
                None => rest.len(),
            };
            let whole = Some(&rest[..length]).filter(|_| !inside_a_line);
            if let Some(is_last) = whole.and_then(|line| delimits(line, boundary)) {
                let start = window.at() + taken as u64;
                found.push(Delimiter {
                    start,
                    end: start + length as u64,
                    line,
                    is_last,
                });
                if is_last || found.len() > PARTS_MAX {
                    return Ok(found);
                }
            }
            inside_a_line = end.is_none();
            line += u64::from(end.is_some());
            taken += length;
        }
        if is_last {
            return Ok(found);
        }
        window.consume(taken);
    }
}

/// Whether a line is a delimiter, and whether it is the last.
fn delimits(line: &[u8], boundary: &[u8]) -> Option<bool> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary)?;
    let (rest, is_last) = match rest.strip_prefix(b"--") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    rest.trim_ascii().is_empty().then_some(is_last)
}
