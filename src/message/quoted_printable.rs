//! Quoted-printable: text that is mostly ASCII as short lines that can still be read.
//!
//! Owns the [`Stage`] that makes it. Text becomes canonical on the way: lines end with CRLF, the last
//! one too; a carriage return that ends no line is encoded, and so is white space at the end of a
//! line. No line is cut inside a character. RFC 2045 §6.7.

use super::encoding::LINE;
use super::stage::Stage;

/// Writes text in quoted-printable.
#[derive(Debug, Default)]
pub(super) struct QuotedPrintable {
    column: usize,
}

/// What a text is written into: a line, or the rest of one, that is put out when it is full.
struct Line<'a> {
    column: &'a mut usize,
    octets: [u8; LINE + 2],
    used: usize,
    out: &'a mut Vec<u8>,
}

impl Line<'_> {
    /// Whether so many more fit before the `=` of a soft line break.
    fn has_room(&self, count: usize) -> bool {
        *self.column + count < LINE
    }

    fn add<const N: usize>(&mut self, octets: &[u8; N]) {
        self.octets[self.used..self.used + N].copy_from_slice(octets);
        self.used += N;
        *self.column += N;
    }

    fn end(&mut self, with: &[u8]) {
        self.put_out();
        self.out.extend_from_slice(with);
        *self.column = 0;
    }

    fn put_out(&mut self) {
        self.out.extend_from_slice(&self.octets[..self.used]);
        self.used = 0;
    }

    fn literal(&mut self, octet: u8) {
        if !self.has_room(1) {
            self.end(b"=\r\n");
        }
        self.add(&[octet]);
    }

    fn encoded(&mut self, octet: u8) {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        let room = match octet {
            // The rest of a character, for which there was room at its start.
            0x80..=0xBF if self.has_room(3) => 3,
            0xC2..=0xDF => 6,
            0xE0..=0xEF => 9,
            0xF0..=0xF4 => 12,
            _ => 3,
        };
        if !self.has_room(room) {
            self.end(b"=\r\n");
        }
        let high = HEX[usize::from(octet >> 4)];
        let low = HEX[usize::from(octet & 15)];
        self.add(&[b'=', high, low]);
    }
}

/// Whether an octet stands for itself, wherever it is.
const fn is_plain(octet: u8) -> bool {
    matches!(octet, b'!'..=b'<' | b'>'..=b'~')
}

impl Stage for QuotedPrintable {
    fn push(&mut self, input: &[u8], at_end: bool, out: &mut Vec<u8>) -> usize {
        let mut line = Line {
            column: &mut self.column,
            octets: [0; LINE + 2],
            used: 0,
            out,
        };
        let mut at = 0;
        // Until this place, several at once were tried and did not do.
        let mut one_by_one = 0;
        loop {
            if at >= one_by_one && line.has_room(PIECE) {
                match input[at..].first_chunk() {
                    Some(piece) if is_plain_text(piece) => {
                        line.add(piece);
                        at += PIECE;
                        continue;
                    }
                    _ => one_by_one = at + PIECE,
                }
            }
            let rest = &input[at..];
            match rest {
                [] => break,
                [octet, ..] if is_plain(*octet) => line.literal(*octet),
                [b'\n', ..] => line.end(b"\r\n"),
                [b'\r', b'\n', ..] => {
                    line.end(b"\r\n");
                    at += 1;
                }
                // What they become depends on what follows.
                [b'\r' | b' ' | b'\t'] | [b' ' | b'\t', b'\r'] if !at_end => break,
                // White space at the end of a line would be lost on the way.
                [octet @ (b' ' | b'\t')]
                | [octet @ (b' ' | b'\t'), b'\n', ..]
                | [octet @ (b' ' | b'\t'), b'\r', b'\n', ..] => line.encoded(*octet),
                [octet @ (b' ' | b'\t'), ..] => line.literal(*octet),
                [octet, ..] => line.encoded(*octet),
            }
            at += 1;
        }
        if at_end && *line.column > 0 {
            line.end(b"\r\n");
        }
        line.put_out();
        at
    }

    fn growth(&self) -> usize {
        // Three characters each, and a soft line break after 25 of them.
        4
    }
}

/// Octets tried at once.
const PIECE: usize = 16;

/// Whether all of them stand for themselves, white space among them too.
fn is_plain_text(piece: &[u8; PIECE]) -> bool {
    // Without a way out of the loop they are compared in parallel.
    let text = |all, octet: &u8| all & (is_plain(*octet) | matches!(octet, b' ' | b'\t'));
    piece.iter().fold(true, text) && is_plain(piece[PIECE - 1])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::super::stage::tests::{canonical, through};
    use super::*;

    /// What a reader of quoted-printable sees.
    pub(in crate::message) fn from_quoted_printable(encoded: &[u8]) -> Vec<u8> {
        let text = String::from_utf8(encoded.to_vec())
            .unwrap()
            .replace("=\r\n", "");
        let mut pieces = text.split('=');
        let mut out = pieces.next().unwrap().as_bytes().to_vec();
        for piece in pieces {
            out.push(u8::from_str_radix(&piece[..2], 16).unwrap());
            out.extend_from_slice(&piece.as_bytes()[2..]);
        }
        out
    }

    fn to_quoted_printable(text: &[u8], width: usize) -> Vec<u8> {
        through(QuotedPrintable::default(), text, width)
    }

    #[test]
    fn quoted_printable_keeps_what_can_be_read() {
        for (text, encoded) in [
            ("", ""),
            ("a=b\n", "a=3Db\r\n"),
            ("a \nb\t\r\nc ", "a=20\r\nb=09\r\nc=20\r\n"),
            ("a\rb\r\n", "a=0Db\r\n"),
            ("a \r\r\n", "a =0D\r\n"),
            ("\n\n", "\r\n\r\n"),
            (".\nFrom x\n", ".\r\nFrom x\r\n"),
            ("ü", "=C3=BC\r\n"),
        ] {
            assert_eq!(to_quoted_printable(text.as_bytes(), 99), encoded.as_bytes());
        }
    }

    #[test]
    fn a_character_is_never_cut_by_a_line_end() {
        for shift in 0..12 {
            let text = format!(
                "{}{}",
                "x".repeat(shift),
                "\u{1f600}\u{e9}\u{4e2d}".repeat(20)
            );
            for line in to_quoted_printable(text.as_bytes(), 99).split(|&b| b == b'\n') {
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                assert!(line.len() <= LINE);
                let line = line.strip_suffix(b"=").unwrap_or(line);
                assert!(String::from_utf8(from_quoted_printable(line)).is_ok());
            }
        }
    }

    #[test]
    fn a_line_is_as_long_as_it_may_be() {
        let text = "x".repeat(160);
        let lines = [
            &text[..75],
            "=\r\n",
            &text[..75],
            "=\r\n",
            &text[..10],
            "\r\n",
        ];
        assert_eq!(
            to_quoted_printable(text.as_bytes(), 99),
            lines.concat().as_bytes()
        );
    }

    proptest! {
        #[test]
        fn the_canonical_text_comes_back(
            text in "[a =\r\n\t\u{e9}\u{1f600}.]{0,300}", width in 60_usize..400,
        ) {
            let whole = canonical(text.as_bytes());
            let printable = to_quoted_printable(text.as_bytes(), width);
            prop_assert_eq!(&from_quoted_printable(&printable), &whole);
            for line in printable.split(|&octet| octet == b'\n') {
                prop_assert!(line.len() <= LINE + 1);
            }
        }

        #[test]
        fn pieces_make_no_difference_to_quoted_printable(
            text in "[a =\r\n\t\u{e9}]{0,60}|[ab ]{70,80}[\r\n]{0,3}", width in 4_usize..20,
        ) {
            let text = text.as_bytes();
            prop_assert_eq!(to_quoted_printable(text, width), to_quoted_printable(text, 999));
        }
    }
}
