//! The octets of a message as a server gets them, in pieces, and the facts SMTP needs of them.
//!
//! Owns the seam to the session: a [`Content`] is read in chunks and never as one slice, so that
//! its body may come from anywhere. Every line that comes out ends with CRLF, the last one too.
//! Leaves dot-stuffing and the terminator to the session. RFC 5321 §2.3.8, RFC 6152, RFC 6531.

use std::io;
use std::sync::Arc;

use super::lines::Scan;

/// Octets of a chunk at most.
const CHUNK: usize = 64 * 1024;

/// What MAIL and the choice of commands depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Octets on the wire, without dot-stuffing and without the terminator (RFC 1870 §4).
    pub size: u64,
    /// The first line of the body with an octet above 127, counted from the start of the input:
    /// the message needs 8BITMIME.
    pub eight_bit: Option<u64>,
    /// Octets of the longest line, without its CRLF.
    pub longest_line: u64,
    /// The number of that line: of the input when it is in the body, else of the header as sent.
    pub longest_line_number: u64,
    /// Whether the header holds raw UTF-8: the message needs SMTPUTF8.
    pub utf8_header: bool,
}

/// Where the body comes from, and what one pass over it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Body {
    source: Arc<Vec<u8>>,
    start: usize,
    scan: Scan,
}

impl Body {
    /// The part of `source` after `start`, whose first line has this number.
    pub(super) fn new(source: Vec<u8>, start: usize, first_line: u64) -> Self {
        let scan = Scan::of(&source[start..], first_line);
        Self {
            source: Arc::new(source),
            start,
            scan,
        }
    }

    /// What the pass over it found.
    pub(super) fn scan(&self) -> &Scan {
        &self.scan
    }
}

/// The octets of one message for one server.
#[derive(Debug, Clone)]
pub struct Content {
    header: Vec<u8>,
    body: Body,
    facts: Facts,
}

impl Content {
    /// The content of a rendered header, its empty line included, and a body.
    pub(super) fn new(header: Vec<u8>, body: Body, utf8_header: bool) -> Self {
        let head = Scan::of(&header, 1);
        let longest = if head.longest > body.scan.longest {
            &head
        } else {
            &body.scan
        };
        let facts = Facts {
            size: head.size + body.scan.size,
            eight_bit: body.scan.eight_bit,
            longest_line: longest.longest,
            longest_line_number: longest.longest_line,
            utf8_header,
        };
        Self {
            header,
            body,
            facts,
        }
    }

    /// What the session has to know of it.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Its octets from the start; as often as they are needed.
    pub fn reader(&self) -> Reader<'_> {
        self.reader_in(CHUNK)
    }

    /// The same in chunks of another size, of two octets or more.
    fn reader_in(&self, chunk: usize) -> Reader<'_> {
        Reader {
            header: &self.header,
            body: &self.body.source[self.body.start..],
            canonical: self.body.scan.canonical,
            previous: None,
            owed: b"",
            chunk,
            buffer: Vec::new(),
        }
    }
}

/// The octets of a [`Content`], chunk by chunk.
#[derive(Debug)]
pub struct Reader<'a> {
    header: &'a [u8],
    body: &'a [u8],
    canonical: bool,
    /// The octet of the body that was read last.
    previous: Option<u8>,
    /// What is still to be written before anything else is read.
    owed: &'static [u8],
    chunk: usize,
    buffer: Vec<u8>,
}

impl Reader<'_> {
    /// The next octets, at most 64 KiB and never none; a chunk may end between CR and LF.
    ///
    /// # Errors
    /// When the body cannot be read where it is kept.
    pub fn next_chunk(&mut self) -> io::Result<Option<&[u8]>> {
        if self.header.is_empty() && self.canonical {
            let (chunk, rest) = self.body.split_at(self.chunk.min(self.body.len()));
            self.body = rest;
            return Ok(Some(chunk).filter(|chunk| !chunk.is_empty()));
        }
        self.buffer.clear();
        self.buffer.reserve(self.chunk);
        let (head, rest) = self.header.split_at(self.chunk.min(self.header.len()));
        self.buffer.extend_from_slice(head);
        self.header = rest;
        while self.pay() && self.room() > 0 && self.take() {}
        Ok(Some(self.buffer.as_slice()).filter(|chunk| !chunk.is_empty()))
    }

    fn room(&self) -> usize {
        self.chunk - self.buffer.len()
    }

    /// Writes what is owed; whether nothing is left of it.
    fn pay(&mut self) -> bool {
        let (now, later) = self.owed.split_at(self.owed.len().min(self.room()));
        self.buffer.extend_from_slice(now);
        self.owed = later;
        later.is_empty()
    }

    /// Copies up to the end of a line or of the chunk; whether there was anything left to copy.
    fn take(&mut self) -> bool {
        let window = &self.body[..self.room().min(self.body.len())];
        let Some(&last) = window.last() else {
            let unfinished = self.previous.is_some_and(|octet| octet != b'\n');
            self.owed = if unfinished { b"\r\n" } else { b"" };
            self.previous = None;
            return unfinished;
        };
        if self.canonical {
            self.buffer.extend_from_slice(window);
            self.body = &self.body[window.len()..];
            self.previous = Some(last);
            return true;
        }
        let Some(end) = memchr::memchr(b'\n', window) else {
            self.buffer.extend_from_slice(window);
            self.body = &self.body[window.len()..];
            self.previous = Some(last);
            return true;
        };
        let line = &window[..end];
        self.buffer.extend_from_slice(line);
        let before = line.last().copied().or(self.previous);
        self.owed = if before == Some(b'\r') {
            b"\n"
        } else {
            b"\r\n"
        };
        self.body = &self.body[end + 1..];
        self.previous = Some(b'\n');
        true
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All octets of a content, read in chunks of this size.
    pub(in crate::message) fn octets(content: &Content, chunk: usize) -> Vec<u8> {
        let mut reader = content.reader_in(chunk);
        let mut octets = Vec::new();
        while let Some(piece) = reader.next_chunk().unwrap() {
            assert!(!piece.is_empty() && piece.len() <= chunk);
            octets.extend_from_slice(piece);
        }
        octets
    }

    fn normalised(body: &[u8]) -> Vec<u8> {
        super::super::encoding::canonical(body, body.len())
    }

    #[test]
    fn line_ends_survive_every_chunk_boundary() {
        let body = Body::new(b"a\r\nb\n\r\n\n.\n.\r\nend".to_vec(), 0, 1);
        let content = Content::new(b"A: 1\r\n\r\n".to_vec(), body, false);
        for chunk in 2..40 {
            assert_eq!(
                octets(&content, chunk),
                b"A: 1\r\n\r\na\r\nb\r\n\r\n\r\n.\r\n.\r\nend\r\n"
            );
        }
    }

    #[test]
    fn an_empty_body_adds_nothing() {
        let body = Body::new(b"A: 1\n\n".to_vec(), 6, 3);
        let content = Content::new(b"A: 1\r\n\r\n".to_vec(), body, false);
        assert_eq!(octets(&content, CHUNK), b"A: 1\r\n\r\n");
        assert_eq!(content.facts().size, 8);
        assert_eq!(content.facts().longest_line, 4);
    }

    proptest! {
        #[test]
        fn what_is_read_is_the_body_with_crlf(
            body in "[a.\r\n]{0,60}".prop_filter("bare CR", |body| !body.replace("\r\n", "").contains('\r')),
            chunk in 2_usize..30,
        ) {
            let kept = Body::new(body.clone().into_bytes(), 0, 1);
            let content = Content::new(b"\r\n".to_vec(), kept, false);
            let read = octets(&content, chunk);
            prop_assert_eq!(&read[2..], &normalised(body.as_bytes())[..]);
            prop_assert_eq!(content.facts().size, read.len() as u64);
            let lines = String::from_utf8(read).unwrap().replace("\r\n", "");
            prop_assert!(!lines.contains(['\r', '\n']));
        }
    }
}
