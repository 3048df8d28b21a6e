//! Reading the file of a message in the queue.
//!
//! Owns what is whole. The journal ends at the first line that was not written whole: one without an
//! end, or with NULs where a page never reached the disk; it was never relied on. Refuses a file that is
//! cut short before its journal, and a line that cannot be read: such a message is left alone.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use memchr::memchr;

use super::entry::{Entry, State};
use super::id::Id;
use super::record::Head;

/// Octets of the first line at most: room for 10^5 recipients, and more.
const HEAD_MAX: usize = 64 << 20;
/// Octets of the journal at most.
const JOURNAL_MAX: usize = 256 << 20;
/// Octets read at once.
const CHUNK: usize = 16 << 10;

/// The message in a file of this name.
///
/// # Errors
/// What is wrong with the file.
pub(super) fn entry(file: &File, id: Id, state: State) -> Result<Entry, String> {
    let unread = |error: io::Error| error.to_string();
    let size = file.metadata().map_err(unread)?.len();
    let (head, start) = first_line(file)?;
    let head = Head::read(&head, id)?;
    let end = start
        .checked_add(head.size)
        .filter(|&end| end <= size)
        .ok_or("it is cut short: the message is not whole")?;
    let mut entry = Entry::queued_as(id, state, head, start..end)?;
    let journal = journal(file, end).map_err(unread)?;
    for line in journal.split_inclusive(|&octet| octet == b'\n') {
        if !line.ends_with(b"\n") || memchr(0, line).is_some() {
            break;
        }
        let number = entry.history().len() + 1;
        let wrong = |why: String| format!("record {number} of its journal: {why}");
        let record = serde_json::from_slice(line).map_err(|error| wrong(error.to_string()))?;
        entry.apply(record, line.len()).map_err(wrong)?;
    }
    Ok(entry)
}

/// The first line of a file, without its end, and where what follows starts.
fn first_line(file: &File) -> Result<(Vec<u8>, u64), String> {
    let mut octets = Vec::new();
    loop {
        let seen = octets.len();
        if read(file, seen as u64, &mut octets).map_err(|error| error.to_string())? == 0 {
            return Err("it is cut short: its first line has no end".to_owned());
        }
        if let Some(end) = memchr(b'\n', &octets[seen..]) {
            octets.truncate(seen + end);
            return Ok((octets, (seen + end + 1) as u64));
        }
        if octets.len() > HEAD_MAX {
            return Err("its first line has no end".to_owned());
        }
    }
}

/// All that stands in a file from here on.
fn journal(file: &File, start: u64) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    while read(file, start + octets.len() as u64, &mut octets)? > 0 {
        if octets.len() > JOURNAL_MAX {
            return Err(io::Error::other("its journal is too large"));
        }
    }
    Ok(octets)
}

/// Adds what stands at a place of a file, or the start of it; how many octets.
fn read(file: &File, at: u64, octets: &mut Vec<u8>) -> io::Result<usize> {
    let start = octets.len();
    octets.resize(start + CHUNK, 0);
    let count = loop {
        match file.read_at(&mut octets[start..], at) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => break done,
        }
    };
    octets.truncate(start + *count.as_ref().unwrap_or(&0));
    count
}
