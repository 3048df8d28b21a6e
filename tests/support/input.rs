//! Octets that have come and were not yet asked for.

/// A queue of octets: added at its end, taken from its front.
#[derive(Default)]
pub struct Input {
    octets: Vec<u8>,
    at: usize,
}

impl Input {
    pub fn add(&mut self, octets: &[u8]) {
        // Moved to the front only now and then, so that long bodies cost linear time.
        if self.at == self.octets.len() || self.at > 1 << 20 {
            self.octets.drain(..self.at);
            self.at = 0;
        }
        self.octets.extend_from_slice(octets);
    }

    pub fn left(&self) -> &[u8] {
        &self.octets[self.at..]
    }

    pub fn take(&mut self, count: usize) -> Vec<u8> {
        let taken = self.left()[..count].to_vec();
        self.at += count;
        taken
    }

    /// The length of the first line with its CRLF, when none ends in the octets before `searched`.
    pub fn line_length(&self, searched: usize) -> Option<usize> {
        let found = memchr::memmem::find(&self.left()[searched..], b"\r\n")?;
        Some(searched + found + 2)
    }
}
