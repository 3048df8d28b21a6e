//! How octets are taken for text: as ASCII, as UTF-8, or decoded from another character set.
//!
//! Owns the names of character sets, byte order marks, and the one pass that tells whether octets
//! are text in a character set and what is found in it once it is decoded. Decides nothing from it.
//! The WHATWG Encoding Standard.

use std::io;

use encoding_rs::{Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE};

use super::lines::{Scan, Scanner};
use super::stage::{Decode, Stage as _};
use super::store::Store;
use super::window::Window;

/// Names of ASCII, which the WHATWG's table takes for a name of windows-1252.
const ASCII_NAMES: [&str; 6] = [
    "us-ascii",
    "ascii",
    "ansi_x3.4-1968",
    "iso646-us",
    "iso_646.irv:1991",
    "us",
];

/// Octets looked at in one go: in the processor's cache also once they are decoded.
const WIDTH: usize = 64 * 1024;

/// How octets are taken for text.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reading {
    AsItIs,
    Ascii,
    Utf8,
    Charset(&'static Encoding),
}

impl Reading {
    /// The charset of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        let is_name = |other: &&str| other.eq_ignore_ascii_case(name);
        if ASCII_NAMES.iter().any(is_name) {
            return Some(Self::Ascii);
        }
        Encoding::for_label(name.as_bytes())
            .filter(|&encoding| encoding != REPLACEMENT)
            .map(Self::decoding)
    }

    fn decoding(encoding: &'static Encoding) -> Self {
        if encoding == UTF_8 {
            Self::Utf8
        } else {
            Self::Charset(encoding)
        }
    }

    /// What the charset is called, where it has more than one name.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::AsItIs | Self::Ascii => None,
            Self::Utf8 => Some(UTF_8.name()),
            Self::Charset(encoding) => Some(encoding.name()),
        }
    }

    /// What the octets have to be decoded from.
    pub(super) fn charset(self) -> Option<&'static Encoding> {
        match self {
            Self::AsItIs | Self::Ascii | Self::Utf8 => None,
            Self::Charset(encoding) => Some(encoding),
        }
    }

    /// Where the text starts, and how it is read when a byte order mark before it says so.
    pub(super) fn after_mark(self, store: &Store) -> io::Result<(u64, Self)> {
        let mut window = Window::new(store, 0, 4);
        window.load()?;
        let Some((marked, length)) = Encoding::for_bom(window.octets()) else {
            return Ok((0, self));
        };
        let agrees = match self {
            Self::AsItIs | Self::Ascii => false,
            Self::Utf8 => marked == UTF_8,
            // A mark decides the byte order that the name `UTF-16` leaves open.
            Self::Charset(encoding) => {
                marked != UTF_8 && (encoding == UTF_16LE || encoding == UTF_16BE)
            }
        };
        if agrees {
            Ok((length as u64, Self::decoding(marked)))
        } else {
            Ok((0, self))
        }
    }

    /// How many octets at the start of `octets` read so; nothing when one of them does not.
    fn readable(self, octets: &[u8], is_last: bool) -> Option<usize> {
        match self {
            _ if octets.is_ascii() => Some(octets.len()),
            Self::Ascii => None,
            Self::AsItIs | Self::Charset(_) => Some(octets.len()),
            Self::Utf8 => match std::str::from_utf8(octets) {
                Ok(text) => Some(text.len()),
                // The rest of a character may follow.
                Err(error) if error.error_len().is_none() && !is_last => Some(error.valid_up_to()),
                Err(_) => None,
            },
        }
    }
}

/// What one pass over a text finds, once it is decoded.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    pub(super) scan: Scan,
    /// How many octets are above 127.
    pub(super) high: u64,
}

impl Found {
    /// Looks at octets as they are.
    pub(super) fn in_octets(octets: &[u8]) -> Self {
        Self {
            scan: Scan::of(octets, 1),
            high: high(octets),
        }
    }

    /// Looks at the part of `store` after `start`; nothing when it does not read so.
    ///
    /// # Errors
    /// When it cannot be read where it is kept.
    pub(super) fn of(store: &Store, start: u64, reading: Reading) -> io::Result<Option<Self>> {
        let mut decode = reading.charset().map(Decode::new);
        let mut decoded = Vec::new();
        let mut window = Window::new(store, start, WIDTH);
        let mut scanner = Scanner::new(1);
        let mut count = 0;
        loop {
            window.load()?;
            let (octets, is_last) = (window.octets(), window.is_last());
            let (text, taken) = match &mut decode {
                Some(decode) => {
                    decoded.clear();
                    let taken = decode.push(octets, is_last, &mut decoded);
                    if decode.is_malformed() {
                        return Ok(None);
                    }
                    (decoded.as_slice(), taken)
                }
                None => match reading.readable(octets, is_last) {
                    Some(taken) => (&octets[..taken], taken),
                    None => return Ok(None),
                },
            };
            scanner.push(text);
            count += high(text);
            window.consume(taken);
            if is_last {
                return Ok(Some(Self {
                    scan: scanner.finish(),
                    high: count,
                }));
            }
        }
    }
}

/// How many octets are above 127.
fn high(octets: &[u8]) -> u64 {
    if octets.is_ascii() {
        return 0;
    }
    // In sums of one octet many are added at once; 255 of them do not overflow.
    let sum = |octets: &[u8]| octets.iter().map(|octet| octet >> 7).sum::<u8>();
    octets
        .chunks(255)
        .map(|octets| u64::from(sum(octets)))
        .sum()
}
