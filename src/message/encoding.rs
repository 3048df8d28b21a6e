//! Transfer encodings: a body as short lines of ASCII.
//!
//! Owns quoted-printable and base64 (RFC 2045 §6.7, §6.8) and the choice between them, each in one
//! or two passes whatever the text is. Text is made canonical on the way: lines end with CRLF, the
//! last one too; a carriage return that ends no line stays what it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Characters of an encoded line.
const LINE: usize = 76;
/// Octets that make one line of base64.
const BASE64_LINE: usize = LINE / 4 * 3;

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TransferEncoding {
    /// As it is: short lines of ASCII.
    SevenBit,
    /// Readable, for text that is mostly ASCII.
    QuotedPrintable,
    /// Dense, for everything else.
    Base64,
}

impl TransferEncoding {
    /// Its name in a Content-Transfer-Encoding field.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::SevenBit => "7bit",
            Self::QuotedPrintable => "quoted-printable",
            Self::Base64 => "base64",
        }
    }

    /// The encoding of this name, in any case.
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::SevenBit, Self::QuotedPrintable, Self::Base64]
            .into_iter()
            .find(|encoding| encoding.name().eq_ignore_ascii_case(name))
    }

    /// The shorter of quoted-printable and base64 for a text of `size` octets once canonical.
    pub(super) fn shorter(text: &[u8], size: usize) -> Self {
        let lines = size.div_ceil(BASE64_LINE);
        let base64 = size.div_ceil(3) * 4 + lines * 2;
        let mut printable = 0;
        quoted_printable(text, |piece| printable += piece.len());
        if printable <= base64 {
            Self::QuotedPrintable
        } else {
            Self::Base64
        }
    }
}

/// `text` in quoted-printable.
pub(super) fn to_quoted_printable(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 8);
    quoted_printable(text, |piece| out.extend_from_slice(piece));
    out
}

/// `octets` in base64, in lines.
pub(super) fn to_base64(octets: &[u8]) -> Vec<u8> {
    let lines = octets.len().div_ceil(BASE64_LINE);
    let mut out = Vec::with_capacity(lines * (LINE + 2));
    let mut line = [0; LINE];
    for piece in octets.chunks(BASE64_LINE) {
        // A line has room for the 57 octets that a piece has at most.
        if let Ok(written) = STANDARD.encode_slice(piece, &mut line) {
            out.extend_from_slice(&line[..written]);
            out.extend_from_slice(b"\r\n");
        }
    }
    out
}

/// `text` with CRLF at the end of every line; `size` octets of it.
pub(super) fn canonical(text: &[u8], size: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(size);
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', text) {
        let line = &text[start..end];
        out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        out.extend_from_slice(b"\r\n");
        start = end + 1;
    }
    if start < text.len() {
        out.extend_from_slice(&text[start..]);
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// Hands the pieces of `text` in quoted-printable to `out`. No line is cut inside a character.
#[inline]
fn quoted_printable(text: &[u8], mut out: impl FnMut(&[u8])) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut column = 0;
    let mut at = 0;
    while let Some(&octet) = text.get(at) {
        let next = text.get(at + 1).copied();
        if octet == b'\n' || (octet == b'\r' && next == Some(b'\n')) {
            out(b"\r\n");
            column = 0;
            at += if octet == b'\r' { 2 } else { 1 };
            continue;
        }
        let literal = match octet {
            b'=' => false,
            // White space at the end of a line would be lost on the way.
            b' ' | b'\t' => match next {
                None | Some(b'\n') => false,
                Some(b'\r') => text.get(at + 2) != Some(&b'\n'),
                Some(_) => true,
            },
            octet => octet.is_ascii_graphic(),
        };
        let room = match octet {
            _ if literal => 1,
            0xC2..=0xDF => 6,
            0xE0..=0xEF => 9,
            0xF0..=0xF4 => 12,
            _ => 3,
        };
        if column + room >= LINE && !matches!(octet, 0x80..=0xBF if column + 3 < LINE) {
            out(b"=\r\n");
            column = 0;
        }
        if literal {
            out(&[octet]);
            column += 1;
        } else {
            let high = HEX[usize::from(octet >> 4)];
            let low = HEX[usize::from(octet & 15)];
            out(&[b'=', high, low]);
            column += 3;
        }
        at += 1;
    }
    if column > 0 {
        out(b"\r\n");
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
pub(super) mod tests {
    use proptest::prelude::*;

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

    /// What a reader of base64 sees.
    pub(in crate::message) fn from_base64(encoded: &[u8]) -> Vec<u8> {
        let text = String::from_utf8(encoded.to_vec()).unwrap();
        STANDARD.decode(text.replace("\r\n", "")).unwrap()
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
            assert_eq!(to_quoted_printable(text.as_bytes()), encoded.as_bytes());
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
            for line in to_quoted_printable(text.as_bytes()).split(|&b| b == b'\n') {
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                assert!(line.len() <= LINE);
                let line = line.strip_suffix(b"=").unwrap_or(line);
                assert!(String::from_utf8(from_quoted_printable(line)).is_ok());
            }
        }
    }

    proptest! {
        #[test]
        fn both_encodings_give_back_the_canonical_text(text in "[a =\r\n\t\u{e9}\u{1f600}.]{0,300}") {
            let size = canonical(text.as_bytes(), 0).len();
            let whole = canonical(text.as_bytes(), size);
            let printable = to_quoted_printable(text.as_bytes());
            prop_assert_eq!(&from_quoted_printable(&printable), &whole);
            prop_assert_eq!(&from_base64(&to_base64(&whole)), &whole);
            for line in printable.split(|&octet| octet == b'\n') {
                prop_assert!(line.len() <= LINE + 1);
            }
        }
    }
}
