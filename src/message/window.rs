//! The part of a store that is being looked at.
//!
//! Owns how octets are read one after the other: those in memory are looked at where they are, those
//! in a file in a buffer. What its user leaves is shown again, together with what follows, so that
//! nobody has to put the halves of a line or of a character together.

use std::io;
use std::ops::Range;

use super::store::Store;

/// What is looked at of a [`Store`]: so many octets at once, from a place that only moves on.
#[derive(Debug)]
pub(super) struct Window<'a> {
    store: &'a Store,
    /// The place of the first octet.
    at: u64,
    /// The most octets at once.
    width: usize,
    /// What was read of a file; empty for octets in memory.
    buffer: Vec<u8>,
    /// What is looked at, in the buffer or in memory.
    view: Range<usize>,
}

impl<'a> Window<'a> {
    /// Looks at nothing yet; the first octet will be that at `start`.
    pub(super) fn new(store: &'a Store, start: u64, width: usize) -> Self {
        Self {
            store,
            at: start.min(store.size()),
            width,
            buffer: Vec::new(),
            view: 0..0,
        }
    }

    /// Looks at as many octets as fit, the first of them the first that was not consumed.
    ///
    /// # Errors
    /// When they cannot be read; before the last of them come into view also when the file is no
    /// longer what it was.
    pub(super) fn load(&mut self) -> io::Result<()> {
        let left = self.store.size() - self.at;
        let count = usize::try_from(left).map_or(self.width, |left| left.min(self.width));
        if self.store.in_memory().is_some() {
            let at = usize::try_from(self.at).unwrap_or(usize::MAX);
            self.view = at..at + count;
            return Ok(());
        }
        if self.buffer.len() < count {
            self.buffer = vec![0; count];
        }
        self.store.read(&mut self.buffer[..count], self.at)?;
        self.view = 0..count;
        Ok(())
    }

    /// What is looked at.
    pub(super) fn octets(&self) -> &[u8] {
        &self.store.in_memory().unwrap_or(&self.buffer)[self.view.clone()]
    }

    /// The place of the first octet looked at.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Whether nothing follows what is looked at.
    pub(super) fn is_last(&self) -> bool {
        self.at + self.view.len() as u64 == self.store.size()
    }

    /// Moves on behind the first `count` octets looked at.
    pub(super) fn consume(&mut self, count: usize) {
        self.view.start += count;
        self.at += count as u64;
    }

    /// The same, and gives them out.
    pub(super) fn take(&mut self, count: usize) -> &[u8] {
        let view = self.view.start..self.view.start + count;
        self.consume(count);
        &self.store.in_memory().unwrap_or(&self.buffer)[view]
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::super::store::tests::watched;
    use super::*;

    #[test]
    fn what_was_not_consumed_comes_again() {
        let (_, store) = watched(b"abcd");
        let mut window = Window::new(&store, 0, 3);
        window.load().unwrap();
        window.consume(2);
        assert_eq!((window.octets(), window.at()), (&b"c"[..], 2));
        window.load().unwrap();
        assert_eq!(window.octets(), b"cd");
        assert!(window.is_last());
    }
}
