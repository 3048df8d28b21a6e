//! The octets of a message as a server gets them, in pieces, and the facts SMTP needs of them.
//!
//! Owns the seam to the session: a [`Content`] is read in chunks and never as one slice, so that
//! its body may come from anywhere. Every line that comes out ends with CRLF, the last one too.
//! Leaves dot-stuffing and the terminator to the session. RFC 5321 §2.3.8, RFC 6152, RFC 6531.

use std::fmt;
use std::io;

use super::body::{Body, CHUNK};
use super::flow::Flow;
use super::lines::Scan;

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
        let found = body.scan();
        let longest = if head.longest > found.longest {
            &head
        } else {
            found
        };
        let facts = Facts {
            size: head.size + found.size,
            eight_bit: found.eight_bit,
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

    /// The same in chunks of another size, of 1 KiB or more.
    fn reader_in(&self, chunk: usize) -> Reader<'_> {
        Reader {
            header: &self.header,
            body: self.body.flow(chunk),
            chunk,
            buffer: Vec::new(),
        }
    }
}

/// The octets of a [`Content`], chunk by chunk.
pub struct Reader<'a> {
    /// What is left of the header.
    header: &'a [u8],
    body: Flow<'a>,
    chunk: usize,
    buffer: Vec<u8>,
}

impl Reader<'_> {
    /// The next octets, at most 64 KiB and never none; a chunk may end anywhere, also between CR
    /// and LF. The last one is given out when it is known that what was read is one message: that
    /// no file it comes from was changed meanwhile.
    ///
    /// # Errors
    /// When the body cannot be read where it is kept, or was changed there; what
    /// [`unreadable`](super::unreadable) makes a failure of.
    pub fn next_chunk(&mut self) -> io::Result<Option<&[u8]>> {
        if self.header.is_empty() && self.body.is_over() {
            return Ok(None);
        }
        if self.header.is_empty() && self.body.is_verbatim() {
            return self.body.next().map(Some);
        }
        self.buffer.clear();
        let (head, rest) = self.header.split_at(self.chunk.min(self.header.len()));
        self.buffer.extend_from_slice(head);
        self.header = rest;
        self.body.fill(&mut self.buffer)?;
        Ok(Some(self.buffer.as_slice()).filter(|chunk| !chunk.is_empty()))
    }
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::super::stage::tests::canonical;
    use super::super::store::tests::watched;
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

    fn lines(octets: &[u8], start: u64, first_line: u64) -> Body {
        Body::lines(octets.to_vec().into(), start, first_line).unwrap()
    }

    #[test]
    fn an_empty_body_adds_nothing() {
        let content = Content::new(b"A: 1\r\n\r\n".to_vec(), lines(b"A: 1\n\n", 6, 3), false);
        assert_eq!(octets(&content, CHUNK), b"A: 1\r\n\r\n");
        assert_eq!(content.facts().size, 8);
        assert_eq!(content.facts().longest_line, 4);
    }

    #[test]
    fn a_small_message_is_one_chunk() {
        for body in [&b"b\r\n"[..], b"b\n"] {
            let content = Content::new(b"A: 1\r\n\r\n".to_vec(), lines(body, 0, 1), false);
            let mut reader = content.reader();
            assert_eq!(reader.next_chunk().unwrap().unwrap(), b"A: 1\r\n\r\nb\r\n");
            assert_eq!(reader.next_chunk().unwrap(), None);
        }
    }

    #[test]
    fn a_file_that_changes_is_not_read_to_its_end() {
        for body in [b"line\r\n".repeat(1000), b"line\n".repeat(1000)] {
            let (file, store) = watched(&body);
            let body = Body::lines(store, 0, 1).unwrap();
            let content = Content::new(b"A: 1\r\n\r\n".to_vec(), body, false);
            let mut reader = content.reader_in(1024);
            let mut count = 0;
            while count < 2 {
                assert!(reader.next_chunk().unwrap().is_some());
                count += 1;
            }
            file.set_len(6005).unwrap();
            let error = loop {
                match reader.next_chunk() {
                    Ok(chunk) => assert!(chunk.is_some()),
                    Err(error) => break error,
                }
            };
            assert!(error.to_string().contains("changed"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_the_header_and_the_body_with_crlf(
            header in "[ab]{0,3000}",
            body in "[a.\r\n]{0,3000}|[a\n]{0,60}|(a{0,80}\r\n){0,60}",
            chunk in 1024_usize..3000,
        ) {
            let body = body.into_bytes();
            let (_file, in_place) = watched(&body);
            for store in [body.clone().into(), in_place] {
                let body_lines = Body::lines(store, 0, 1).unwrap();
                let content = Content::new(format!("{header}\r\n").into_bytes(), body_lines, false);
                let read = octets(&content, chunk);
                let (head, read_body) = read.split_at(header.len() + 2);
                prop_assert_eq!(head, &content.header);
                prop_assert_eq!(read_body, canonical(&body));
                prop_assert_eq!(content.facts().size, read.len() as u64);
            }
        }
    }
}
