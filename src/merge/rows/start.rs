//! What the beginning of a data file says: what separates its fields, and that it is no file of rows at all.
//!
//! Refuses spreadsheets, UTF-16, and lines that end in CR alone, which would all be taken for one row of names.

use crate::failure::{Failure, Kind, Result};
use crate::message::{Store, unreadable};

/// Octets that are looked at.
const BEGINNING: u64 = 64 * 1024;

/// The beginning of the data.
///
/// # Errors
/// [`Kind::Message`] when it cannot be that of rows, [`Kind::Io`] when it cannot be read.
pub(super) fn beginning(data: &Store) -> Result<Vec<u8>> {
    let count = usize::try_from(data.size().min(BEGINNING)).unwrap_or_default();
    let mut octets = vec![0; count];
    data.read(&mut octets, 0).map_err(|it| unreadable(&it))?;
    let refuse = |words: &str, hint: &str| Err(Failure::new(Kind::Message, words).with_hint(hint));
    let starts = |marks: &[&[u8]]| marks.iter().any(|mark| octets.starts_with(mark));
    if starts(&[b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"]) {
        return refuse("it is a spreadsheet (Excel) file", "save it as CSV UTF-8");
    }
    if starts(&[b"\xff\xfe", b"\xfe\xff"]) {
        return refuse("it is in UTF-16", "save it as UTF-8 (in Excel: CSV UTF-8)");
    }
    if octets.contains(&b'\r') && !octets.contains(&b'\n') && 1 < lines_by_cr(&octets) {
        let hint = "save it with LF or CRLF at the ends of its lines (in Excel: CSV UTF-8)";
        return refuse("its lines end in CR alone", hint);
    }
    Ok(octets)
}

/// How many lines CR makes of it, without one that is empty at the end.
fn lines_by_cr(octets: &[u8]) -> usize {
    octets.trim_ascii_end().split(|&it| it == b'\r').count()
}

/// What separates the fields of a `.csv` file: the semicolon where the names have that and no comma.
pub(super) fn separator(beginning: &[u8]) -> u8 {
    let names = beginning.split(|&it| it == b'\n').next();
    let names = names.unwrap_or_default();
    match names.contains(&b';') && !names.contains(&b',') {
        true => b';',
        false => b',',
    }
}
