//! One part that holds no others: a text in quoted-printable or base64, anything else in base64.
//!
//! Owns the choice, which for a text is the readable one, unless it takes much more. Refuses
//! what is in an encoding already, except for base64 in lines that are too long.

use super::{Part, Task, say_encoding};
use crate::failure::Result;
use crate::message::HeaderField;
use crate::message::body::{Body, Coding, Form, scan_of};
use crate::message::encoding::{Rewrap, TransferEncoding};
use crate::message::header::Field;
use crate::message::lines::Scan;
use crate::message::reading::{Found, Reading};
use crate::message::store::{Store, unreadable};
use crate::message::window::Window;

/// What the name of a character set holds in which a line does not end with the octet LF.
const WIDE: [&str; 3] = ["utf-16", "utf-32", "ucs-"];
/// Octets looked at in one go.
const WIDTH: usize = 64 * 1024;

impl Task {
    /// The body of a part of this kind that holds no others and is in no encoding, encoded.
    pub(super) fn leaf(
        self,
        part: Part<'_>,
        kind: &str,
        store: &Store,
        scan: &Scan,
    ) -> Result<Body> {
        let said = part.header.named("Content-Type").next().map(Field::value);
        let said = String::from_utf8_lossy(&said.unwrap_or_default()).to_ascii_lowercase();
        if WIDE.into_iter().any(|charset| said.contains(charset)) {
            return Err(self.refused(scan, &part, "cannot be encoded"));
        }
        if said.is_empty() {
            let charset = charset_of(store, scan)?;
            let kind = HeaderField::new("Content-Type", &format!("text/plain; charset={charset}"));
            part.header.replace(&[kind?])?;
        }
        let (encoding, body) = if kind.starts_with("text/") {
            text(store, scan, &part)?
        } else {
            (TransferEncoding::Base64, in_base64(store, &part)?)
        };
        say_encoding(part.header, encoding.name())?;
        Ok(body)
    }
}

/// What is in base64, in lines that fit.
pub(super) fn in_lines_that_fit(store: &Store) -> Result<Body> {
    encoded(store, Coding::Base64Again)
}

/// A text in what takes fewer octets.
fn text(store: &Store, scan: &Scan, part: &Part<'_>) -> Result<(TransferEncoding, Body)> {
    let dense = in_base64(store, part)?;
    // Without letters that are not ASCII it stays readable whatever that takes, else for half as much again.
    let most = match scan.eight_bit {
        Some(_) => dense.scan().size / 2 * 3,
        None => u64::MAX,
    };
    let form = form(Coding::QuotedPrintable);
    let scan = scan_of(store, 0, form, most).map_err(|error| unreadable(&error))?;
    Ok(match scan {
        Some(scan) => {
            let body = Body::new(store.clone(), 0, form, scan);
            (TransferEncoding::QuotedPrintable, body)
        }
        None => (TransferEncoding::Base64, dense),
    })
}

/// The lines of a part in base64. The end of the last one belongs to the boundary behind it.
fn in_base64(store: &Store, part: &Part<'_>) -> Result<Body> {
    if !part.is_delimited {
        return encoded(store, Coding::TextInBase64);
    }
    let mut end = [0; 2];
    let end = &mut end[..usize::try_from(store.size()).map_or(2, |size| size.min(2))];
    let at = store.size() - end.len() as u64;
    store.read(end, at).map_err(|error| unreadable(&error))?;
    let ending = match end {
        [b'\r', b'\n'] => 2,
        [.., b'\n'] => 1,
        _ => 0,
    };
    encoded(&store.part(0..store.size() - ending), Coding::PartInBase64)
}

fn encoded(store: &Store, coding: Coding) -> Result<Body> {
    let scan = scan_of(store, 0, form(coding), u64::MAX).map_err(|error| unreadable(&error))?;
    Ok(Body::new(
        store.clone(),
        0,
        form(coding),
        scan.unwrap_or_default(),
    ))
}

fn form(coding: Coding) -> Form {
    Form {
        charset: None,
        coding,
    }
}

/// Whether a part that says so is base64, and can be put into other lines.
pub(super) fn is_base64(store: &Store) -> Result<bool> {
    let mut window = Window::new(store, 0, WIDTH);
    loop {
        window.load().map_err(|error| unreadable(&error))?;
        let is_digit = |octet: &u8| {
            octet.is_ascii_alphanumeric()
                || matches!(octet, b'+' | b'/' | b'=')
                || Rewrap::is_between(*octet)
        };
        if !window.octets().iter().all(is_digit) {
            return Ok(false);
        }
        if window.is_last() {
            return Ok(true);
        }
        window.consume(window.octets().len());
    }
}

/// The character set of a text of which nothing is said.
fn charset_of(store: &Store, scan: &Scan) -> Result<&'static str> {
    if scan.eight_bit.is_none() {
        return Ok("us-ascii");
    }
    let found = Found::of(store, 0, Reading::Utf8).map_err(|error| unreadable(&error))?;
    Ok(match found {
        Some(_) => "utf-8",
        None => "unknown-8bit",
    })
}
