//! Transfer encodings: a body as short lines of ASCII.
//!
//! Owns their names, and base64 (RFC 2045 §6.8): the [`Stage`] that makes it, and what it comes to
//! before it is made. It takes octets as they are; text is made canonical before.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::lines::Scan;
use super::stage::Stage;

/// Characters of an encoded line.
pub(super) const LINE: usize = 76;
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
}

/// Writes octets in base64, in lines.
#[derive(Debug, Default)]
pub(super) struct Base64;

impl Base64 {
    /// What is found in the lines that so many octets become.
    pub(super) fn scan(octets: u64) -> Scan {
        let characters = octets.div_ceil(3) * 4;
        Scan {
            size: characters + octets.div_ceil(BASE64_LINE as u64) * 2,
            longest: characters.min(LINE as u64),
            longest_line: octets.min(1),
            canonical: true,
            ..Scan::default()
        }
    }
}

impl Stage for Base64 {
    fn push(&mut self, input: &[u8], at_end: bool, out: &mut Vec<u8>) -> usize {
        let whole_lines = input.len() / BASE64_LINE * BASE64_LINE;
        let end = if at_end { input.len() } else { whole_lines };
        let mut line = [0; LINE];
        for piece in input[..end].chunks(BASE64_LINE) {
            // A line has room for the 57 octets that a piece has at most.
            if let Ok(written) = STANDARD.encode_slice(piece, &mut line) {
                out.extend_from_slice(&line[..written]);
                out.extend_from_slice(b"\r\n");
            }
        }
        end
    }

    fn growth(&self) -> usize {
        2
    }
}

/// Puts base64 into lines that fit.
#[derive(Debug, Default)]
pub(super) struct Rewrap {
    /// Characters of the line that is not over yet.
    column: usize,
}

impl Rewrap {
    /// Whether an octet stands between the characters of base64 and is none of them.
    pub(super) const fn is_between(octet: u8) -> bool {
        matches!(octet, b'\r' | b'\n' | b' ' | b'\t')
    }
}

impl Stage for Rewrap {
    fn push(&mut self, input: &[u8], at_end: bool, out: &mut Vec<u8>) -> usize {
        for &octet in input.iter().filter(|octet| !Self::is_between(**octet)) {
            out.push(octet);
            self.column += 1;
            if self.column == LINE {
                out.extend_from_slice(b"\r\n");
                self.column = 0;
            }
        }
        if at_end && self.column > 0 {
            out.extend_from_slice(b"\r\n");
        }
        input.len()
    }

    fn growth(&self) -> usize {
        2
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::super::lines::Scanner;
    use super::super::stage::tests::through;
    use super::*;

    /// What a reader of base64 sees.
    pub(in crate::message) fn from_base64(encoded: &[u8]) -> Vec<u8> {
        let text = String::from_utf8(encoded.to_vec()).unwrap();
        STANDARD.decode(text.replace("\r\n", "")).unwrap()
    }

    proptest! {
        #[test]
        fn base64_gives_back_the_octets_in_lines(
            octets in proptest::collection::vec(any::<u8>(), 0..300), width in 60_usize..400,
        ) {
            let encoded = through(Base64, &octets, width);
            prop_assert_eq!(&from_base64(&encoded), &octets);
            for line in encoded.split(|&octet| octet == b'\n') {
                prop_assert!(line.len() <= LINE + 1);
            }
        }

        #[test]
        fn what_base64_comes_to_is_known_before(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut scanner = Scanner::new(1);
            scanner.push(&through(Base64, &octets, 999));
            prop_assert_eq!(scanner.finish(), Base64::scan(octets.len() as u64));
        }
    }
}
