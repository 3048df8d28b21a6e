//! Bodies as they pass: their end, their length and a sum, without keeping them.
//!
//! A body is what stands after the header's empty line: what programs add to the header is their own affair, what
//! they lose of the body is not. Lines of the bench's messages never start with a dot, so nothing is unstuffed.

use std::ops::{Add, AddAssign};

use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};

/// Length and sum of some octets: enough to notice what was cut, doubled or changed on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Digest {
    pub(crate) octets: u64,
    pub(crate) sum: u64,
}

impl Digest {
    pub(crate) fn of(octets: &[u8]) -> Self {
        Self {
            octets: octets.len() as u64,
            sum: octets.iter().map(|&octet| u64::from(octet)).sum(),
        }
    }

    /// The digest of this, so many times.
    pub(crate) fn times(self, count: u32) -> Self {
        Self {
            octets: self.octets * u64::from(count),
            sum: self.sum * u64::from(count),
        }
    }

    fn without(self, end: Self) -> Self {
        Self {
            octets: self.octets.saturating_sub(end.octets),
            sum: self.sum.saturating_sub(end.sum),
        }
    }
}

impl Add for Digest {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self {
            octets: self.octets + more.octets,
            sum: self.sum + more.sum,
        }
    }
}

impl AddAssign for Digest {
    fn add_assign(&mut self, more: Self) {
        *self = *self + more;
    }
}

/// Looks for a sequence in a stream that comes in pieces.
pub(crate) struct Seeker {
    finder: Finder<'static>,
    /// The end of what has passed, one octet shorter than the sequence.
    passed: Vec<u8>,
}

impl Seeker {
    /// Looks for `needle`, as if `before` had already passed.
    pub(crate) fn new(needle: &'static [u8], before: &[u8]) -> Self {
        Self {
            finder: Finder::new(needle),
            passed: before.to_vec(),
        }
    }

    /// How much of `piece` stands before the end of the sequence, if it ends here.
    pub(crate) fn end_in(&mut self, piece: &[u8]) -> Option<usize> {
        let kept = self.finder.needle().len() - 1;
        let before = self.passed.len();
        self.passed
            .extend_from_slice(&piece[..piece.len().min(kept)]);
        let across = self
            .finder
            .find(&self.passed)
            .map(|at| at + kept + 1 - before);
        let found = across.or_else(|| Some(self.finder.find(piece)? + kept + 1));
        if piece.len() > kept {
            self.passed.clear();
            self.passed.extend_from_slice(&piece[piece.len() - kept..]);
        }
        let surplus = self.passed.len().saturating_sub(kept);
        self.passed.drain(..surplus);
        found
    }
}

/// One message on its way in.
pub(crate) struct Passing {
    /// Looks for the end of the header, until it is found.
    header: Option<Seeker>,
    /// Looks for the final dot.
    dot: Seeker,
    digest: Digest,
}

impl Passing {
    pub(crate) fn new() -> Self {
        Self {
            header: Some(Seeker::new(b"\r\n\r\n", b"\r\n")),
            dot: Seeker::new(b"\r\n.\r\n", b"\r\n"),
            digest: Digest::default(),
        }
    }

    /// Takes a piece of a message whose length is known.
    pub(crate) fn take(&mut self, piece: &[u8]) {
        let mut body = piece;
        if let Some(header) = &mut self.header {
            let Some(end) = header.end_in(piece) else {
                return;
            };
            body = &piece[end..];
            self.header = None;
        }
        self.digest += Digest::of(body);
    }

    /// Takes the part of `input` that belongs to a message ended by a dot. Gives its length, and whether it was the
    /// last.
    pub(crate) fn take_to_dot(&mut self, input: &[u8]) -> (usize, bool) {
        match self.dot.end_in(input) {
            Some(end) => {
                self.take(&input[..end]);
                self.digest = self.digest.without(Digest::of(b".\r\n"));
                (end, true)
            }
            None => {
                self.take(input);
                (input.len(), false)
            }
        }
    }

    pub(crate) fn digest(&self) -> Digest {
        self.digest
    }
}
