//! The octets of a data file, read once and in order.
//!
//! Owns the line ends: each line has an LF alone, also the last. Every block is known to be what was there when reading began.

use std::io::{self, Read};

use ring::digest::{Context, SHA256};

use crate::message::Store;

/// What was read of a store, with LF at the end of each line, and the digest of what is there.
pub(super) struct Source {
    store: Store,
    at: u64,
    pub(super) digest: Context,
    /// The last line has no end yet.
    is_open: bool,
}

impl Source {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            at: 0,
            digest: Context::new(&SHA256),
            is_open: false,
        }
    }
}

impl Read for Source {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.store.size() - self.at).unwrap_or(usize::MAX);
        let mut count = octets.len().min(left);
        if left == 0 && self.is_open && !octets.is_empty() {
            self.is_open = false;
            octets[0] = b'\n';
            return Ok(1);
        }
        self.store.read(&mut octets[..count], self.at)?;
        // What is read in the middle is as little to be relied on as the end.
        self.store.check()?;
        if 1 < count && count < left && octets[count - 1] == b'\r' {
            // Whether it is part of a line's end shows the next time.
            count -= 1;
        }
        let octets = &mut octets[..count];
        self.at += count as u64;
        self.digest.update(octets);
        self.is_open = octets.last().is_some_and(|&last| last != b'\n');
        Ok(with_line_feeds(octets))
    }
}

/// Makes each CRLF an LF, and says how many octets are left.
fn with_line_feeds(octets: &mut [u8]) -> usize {
    let Some(first) = memchr::memchr(b'\r', octets) else {
        return octets.len();
    };
    let mut kept = first;
    for at in first..octets.len() {
        if octets[at] != b'\r' || octets.get(at + 1) != Some(&b'\n') {
            octets[kept] = octets[at];
            kept += 1;
        }
    }
    kept
}
