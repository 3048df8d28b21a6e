//! The stages between the octets as they came and the octets as they are sent.
//!
//! Owns the way in which text flows: each stage takes what it can of what it is shown, and is shown
//! the rest again with what follows, so that none has to keep anything. Text in another character
//! set becomes UTF-8; every line gets its CRLF, the last one too. A carriage return that ends no
//! line stays what it is. RFC 5321 §2.3.8; the WHATWG Encoding Standard.

use std::fmt::Debug;

use encoding_rs::{Decoder, DecoderResult, Encoding};
use memchr::memchr_iter;

/// The most octets that come out beyond what was put in: a line kept back before, and its end.
pub(super) const MOST_OWED: usize = 256;

/// One step on the way from a text to what is sent.
pub(super) trait Stage: Debug {
    /// Takes octets from the start of `input`, puts what becomes of them at the end of `out`, and
    /// says how many it took: some of any 57 (a line of base64), and `at_end`, when nothing
    /// follows `input`, all of them.
    fn push(&mut self, input: &[u8], at_end: bool, out: &mut Vec<u8>) -> usize;

    /// How many octets become of one, at most; on top come [`MOST_OWED`] for all that a call takes.
    fn growth(&self) -> usize;
}

impl Stage for Box<dyn Stage> {
    fn push(&mut self, input: &[u8], at_end: bool, out: &mut Vec<u8>) -> usize {
        (**self).push(input, at_end, out)
    }

    fn growth(&self) -> usize {
        (**self).growth()
    }
}

/// One stage after another.
#[derive(Debug)]
pub(super) struct Chain<A, B> {
    first: A,
    second: B,
    between: Vec<u8>,
}

impl<A: Stage, B: Stage> Chain<A, B> {
    /// Puts `second` behind `first`.
    pub(super) fn new(first: A, second: B) -> Self {
        Self {
            first,
            second,
            between: Vec::new(),
        }
    }
}

impl<A: Stage, B: Stage> Stage for Chain<A, B> {
    fn push(&mut self, input: &[u8], at_end: bool, out: &mut Vec<u8>) -> usize {
        let taken = self.first.push(input, at_end, &mut self.between);
        let passed_on = self.second.push(&self.between, at_end, out);
        self.between.drain(..passed_on);
        taken
    }

    fn growth(&self) -> usize {
        self.first.growth() * self.second.growth()
    }
}

/// Ends every line with CRLF.
#[derive(Debug, Default)]
pub(super) struct Lines {
    inside_a_line: bool,
    /// The last line has no end where it came without.
    is_unended: bool,
}

impl Lines {
    /// Adds no end to the last line.
    pub(super) fn unended() -> Self {
        Self {
            inside_a_line: false,
            is_unended: true,
        }
    }
}

impl Stage for Lines {
    fn push(&mut self, input: &[u8], at_end: bool, out: &mut Vec<u8>) -> usize {
        let mut start = 0;
        for end in memchr_iter(b'\n', input) {
            let line = &input[start..end];
            out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
            out.extend_from_slice(b"\r\n");
            self.inside_a_line = false;
            start = end + 1;
        }
        // What becomes of a CR depends on what follows it.
        let undecided = !at_end && input[start..].ends_with(b"\r");
        let end = input.len() - usize::from(undecided);
        if start < end {
            out.extend_from_slice(&input[start..end]);
            self.inside_a_line = true;
        }
        if at_end && self.inside_a_line && !self.is_unended {
            out.extend_from_slice(b"\r\n");
        }
        end
    }

    fn growth(&self) -> usize {
        2
    }
}

/// Turns text of another character set into UTF-8.
#[derive(Debug)]
pub(super) struct Decode {
    decoder: Decoder,
    text: String,
    malformed: bool,
}

impl Decode {
    /// Decodes from `encoding`; a byte order mark is text.
    pub(super) fn new(encoding: &'static Encoding) -> Self {
        Self {
            decoder: encoding.new_decoder_without_bom_handling(),
            text: String::new(),
            malformed: false,
        }
    }

    /// Whether something did not decode; each such sequence became U+FFFD.
    pub(super) fn is_malformed(&self) -> bool {
        self.malformed
    }
}

impl Stage for Decode {
    fn push(&mut self, input: &[u8], at_end: bool, out: &mut Vec<u8>) -> usize {
        let mut at = 0;
        loop {
            self.text.clear();
            let rest = &input[at..];
            let room = self
                .decoder
                .max_utf8_buffer_length_without_replacement(rest.len());
            self.text.reserve(room.unwrap_or(rest.len()));
            let (result, read) =
                self.decoder
                    .decode_to_string_without_replacement(rest, &mut self.text, at_end);
            at += read;
            out.extend_from_slice(self.text.as_bytes());
            match result {
                DecoderResult::InputEmpty => return at,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    self.malformed = true;
                    out.extend_from_slice("\u{fffd}".as_bytes());
                }
            }
        }
    }

    fn growth(&self) -> usize {
        3
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
pub(super) mod tests {
    use encoding_rs::{ISO_2022_JP, UTF_16LE, WINDOWS_1252};
    use proptest::prelude::*;

    use super::*;

    /// All that becomes of `input` when so many octets of it are shown at once.
    pub(in crate::message) fn through(
        mut stage: impl Stage,
        input: &[u8],
        width: usize,
    ) -> Vec<u8> {
        let (mut at, mut out) = (0, Vec::new());
        loop {
            let end = input.len().min(at + width);
            let (before, at_end) = (out.len(), end == input.len());
            let taken = stage.push(&input[at..end], at_end, &mut out);
            assert!(out.len() - before <= (end - at) * stage.growth() + MOST_OWED);
            at += taken;
            if at_end {
                assert_eq!(at, end);
                return out;
            }
            assert!(taken > 0);
        }
    }

    /// `text` with CRLF at the end of every line.
    pub(in crate::message) fn canonical(text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for line in text.split_inclusive(|&octet| octet == b'\n') {
            let line = line
                .strip_suffix(b"\n")
                .map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line));
            out.extend_from_slice(line);
            out.extend_from_slice(b"\r\n");
        }
        out
    }

    #[test]
    fn text_of_any_charset_is_decoded_whatever_the_pieces() {
        for (encoding, octets, text) in [
            (WINDOWS_1252, &b"gr\xfcn \x80"[..], "grün €"),
            (UTF_16LE, b"g\0r\0\xfc\0\x3d\xd8\0\xde", "grü😀"),
            (ISO_2022_JP, b"a\x1b$B$\"\x1b(Bb", "aあb"),
        ] {
            for width in 4..20 {
                let decoded = through(Decode::new(encoding), octets, width);
                assert_eq!(String::from_utf8(decoded).unwrap(), text);
            }
        }
    }

    #[test]
    fn what_does_not_decode_is_noticed_also_at_the_end() {
        for (octets, malformed) in [(&b"a\0"[..], false), (b"a\0b", true), (b"\0\xd8a\0", true)] {
            let mut stage = Decode::new(UTF_16LE);
            stage.push(octets, true, &mut Vec::new());
            assert_eq!(stage.is_malformed(), malformed);
        }
    }

    proptest! {
        #[test]
        fn every_line_ends_with_crlf_whatever_the_pieces(
            text in "[a.\r\n]{0,60}", width in 4_usize..20,
        ) {
            prop_assert_eq!(through(Lines::default(), text.as_bytes(), width), canonical(text.as_bytes()));
        }

        #[test]
        fn a_chain_is_one_stage_after_the_other(text in "[a\u{e9}\r\n]{0,60}", width in 4_usize..20) {
            let (octets, _, unmappable) = WINDOWS_1252.encode(&text);
            prop_assert!(!unmappable);
            let chain = Chain::new(Decode::new(WINDOWS_1252), Lines::default());
            prop_assert_eq!(through(chain, &octets, width), canonical(text.as_bytes()));
        }
    }
}
