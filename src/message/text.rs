//! The text of a composed message: from octets in some charset to a MIME body.
//!
//! Owns what the octets are (text in a charset, text in none, or data) and loses none of them:
//! what does not decode is sent as `unknown-8bit`, what holds a NUL as `application/octet-stream`.
//! Refuses only a charset nobody knows. RFC 2045 §6, RFC 2046 §4.1, RFC 1428.

use encoding_rs::{Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE};

use super::encoding::{self, TransferEncoding};
use super::lines::{LINE_MAX, Scan};
use crate::failure::{Failure, Kind, Result};

/// Names of ASCII, which the WHATWG's table takes for a name of windows-1252.
const ASCII_NAMES: [&str; 6] = [
    "us-ascii",
    "ascii",
    "ansi_x3.4-1968",
    "iso646-us",
    "iso_646.irv:1991",
    "us",
];

/// The text of a message that is still to be composed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    octets: Vec<u8>,
    kind: TextKind,
    /// The charset it did not decode from.
    undecodable: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextKind {
    Utf8,
    Unknown8bit,
    Data,
}

impl Text {
    /// Text that was read in `charset`, a name of the WHATWG Encoding Standard; UTF-8 when there
    /// is none. A byte order mark is dropped.
    ///
    /// # Errors
    /// [`Kind::Usage`] when the charset is unknown. Octets that are not valid in it are no error:
    /// they are sent as they are, with a warning.
    pub fn new(octets: Vec<u8>, charset: Option<&str>) -> Result<Self> {
        let name = charset.unwrap_or("utf-8").trim();
        let ascii = ASCII_NAMES
            .iter()
            .any(|other| other.eq_ignore_ascii_case(name));
        let encoding = if ascii {
            Some(UTF_8)
        } else {
            Encoding::for_label(name.as_bytes()).filter(|&encoding| encoding != REPLACEMENT)
        };
        let Some(encoding) = encoding else {
            return Err(Failure::new(
                Kind::Usage,
                format!("unknown charset \"{name}\""),
            ));
        };
        let decoded = if ascii && !octets.is_ascii() {
            Err(octets)
        } else {
            decoded(octets, encoding)
        };
        Ok(match decoded {
            Ok((octets, text)) if memchr::memchr(0, &text).is_some() => Self {
                octets: octets.unwrap_or(text),
                kind: TextKind::Data,
                undecodable: None,
            },
            Ok((_, text)) => Self {
                octets: text,
                kind: TextKind::Utf8,
                undecodable: None,
            },
            Err(octets) => Self {
                kind: if memchr::memchr(0, &octets).is_some() {
                    TextKind::Data
                } else {
                    TextKind::Unknown8bit
                },
                octets,
                undecodable: Some(if ascii {
                    name.into()
                } else {
                    encoding.name().into()
                }),
            },
        })
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// Whether it is text beyond ASCII.
    pub(super) fn is_international(&self) -> bool {
        self.kind == TextKind::Utf8 && !self.octets.is_ascii()
    }

    /// What the user is to be told about it.
    pub(super) fn warning(&self) -> Option<String> {
        match (self.kind, &self.undecodable) {
            (TextKind::Utf8, _) => None,
            (TextKind::Unknown8bit, charset) => Some(format!(
                "the body is not valid {}: sent byte for byte as unknown-8bit \
                 (if it is in another character set, name it with --charset)",
                charset.as_deref().unwrap_or(UTF_8.name())
            )),
            (TextKind::Data, _) => Some(
                "the body holds NUL bytes: sent byte for byte as application/octet-stream".into(),
            ),
        }
    }

    /// The body and what its header has to say of it, in the encoding that was `wanted`, else in
    /// the simplest one that fits.
    pub(super) fn encoded(self, wanted: Option<TransferEncoding>) -> Encoded {
        let content_type = match self.kind {
            TextKind::Utf8 => "text/plain; charset=utf-8",
            TextKind::Unknown8bit => "text/plain; charset=unknown-8bit",
            TextKind::Data => {
                return Encoded {
                    content_type: "application/octet-stream",
                    transfer_encoding: TransferEncoding::Base64,
                    octets: encoding::to_base64(&self.octets),
                };
            }
        };
        let scan = Scan::of(&self.octets, 1);
        let size = usize::try_from(scan.size).unwrap_or(usize::MAX);
        let simple = scan.eight_bit.is_none() && scan.bare_cr.is_none() && scan.longest <= LINE_MAX;
        let transfer_encoding = match wanted {
            Some(wanted) if wanted != TransferEncoding::SevenBit => wanted,
            _ if simple => TransferEncoding::SevenBit,
            _ => TransferEncoding::shorter(&self.octets, size),
        };
        let octets = match transfer_encoding {
            TransferEncoding::SevenBit => self.octets,
            TransferEncoding::QuotedPrintable => encoding::to_quoted_printable(&self.octets),
            TransferEncoding::Base64 => {
                encoding::to_base64(&encoding::canonical(&self.octets, size))
            }
        };
        Encoded {
            content_type,
            transfer_encoding,
            octets,
        }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        let kind = if memchr::memchr(0, text.as_bytes()).is_some() {
            TextKind::Data
        } else {
            TextKind::Utf8
        };
        Self {
            octets: text.into_bytes(),
            kind,
            undecodable: None,
        }
    }
}

/// A body ready to be sent.
pub(super) struct Encoded {
    pub(super) content_type: &'static str,
    pub(super) transfer_encoding: TransferEncoding,
    pub(super) octets: Vec<u8>,
}

/// What was read, where it is not the text itself, and the text in UTF-8.
type Decoded = (Option<Vec<u8>>, Vec<u8>);

/// The text in UTF-8, or the octets back when they are not in this encoding.
fn decoded(octets: Vec<u8>, encoding: &'static Encoding) -> std::result::Result<Decoded, Vec<u8>> {
    let (encoding, mark) = match Encoding::for_bom(&octets) {
        // A mark decides the byte order that the name `UTF-16` leaves open.
        Some((marked, length))
            if marked == encoding
                || (marked != UTF_8 && (encoding == UTF_16LE || encoding == UTF_16BE)) =>
        {
            (marked, length)
        }
        _ => (encoding, 0),
    };
    if encoding == UTF_8 {
        return match std::str::from_utf8(&octets) {
            Ok(_) if mark == 0 => Ok((None, octets)),
            Ok(text) => {
                let text = text.as_bytes()[mark..].to_vec();
                Ok((Some(octets), text))
            }
            Err(_) => Err(octets),
        };
    }
    match encoding.decode_without_bom_handling_and_without_replacement(&octets[mark..]) {
        Some(text) => {
            let text = text.into_owned().into_bytes();
            Ok((Some(octets), text))
        }
        None => Err(octets),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn encoded(octets: &[u8], charset: Option<&str>) -> (&'static str, &'static str, String) {
        let body = Text::new(octets.to_vec(), charset).unwrap().encoded(None);
        let text = String::from_utf8(body.octets).unwrap();
        (body.content_type, body.transfer_encoding.name(), text)
    }

    #[test]
    fn each_charset_becomes_utf_8() {
        for (octets, charset) in [
            (&b"plain \xc3\xbcber\n"[..], None),
            (b"\xef\xbb\xbfplain \xc3\xbcber\n", None),
            (b"plain \xfcber\n", Some("ISO-8859-1")),
            (b"p\0l\0a\0i\0n\0 \0\xfc\0b\0e\0r\0\n\0", Some("utf-16le")),
            (
                b"\xfe\xff\0p\0l\0a\0i\0n\0 \0\xfc\0b\0e\0r\0\n",
                Some("utf-16"),
            ),
        ] {
            let (content_type, transfer, body) = encoded(octets, charset);
            assert_eq!(content_type, "text/plain; charset=utf-8");
            assert_eq!(transfer, "quoted-printable");
            assert_eq!(body, "plain =C3=BCber\r\n");
        }
    }

    #[test]
    fn the_simplest_encoding_that_fits_is_taken() {
        let long = "x".repeat(999);
        let fits = "x".repeat(998);
        let chinese = "\u{4e2d}\u{6587}".repeat(100);
        for (text, transfer) in [
            ("", "7bit"),
            ("plain\n.\nFrom x", "7bit"),
            (&fits, "7bit"),
            (&long, "quoted-printable"),
            ("a\rb", "quoted-printable"),
            ("mostly plain, größtenteils", "quoted-printable"),
            (&chinese, "base64"),
        ] {
            assert_eq!(encoded(text.as_bytes(), None).1, transfer, "{text}");
        }
    }

    #[test]
    fn octets_that_do_not_decode_are_kept_and_warned_about() {
        for charset in [None, Some("us-ascii")] {
            let text = Text::new(b"J\xf6rg\n".to_vec(), charset).unwrap();
            assert!(text.warning().unwrap().contains("unknown-8bit"));
            let body = text.encoded(None);
            assert_eq!(body.content_type, "text/plain; charset=unknown-8bit");
            assert_eq!(body.octets, b"J=F6rg\r\n");
        }
    }

    #[test]
    fn data_is_sent_octet_for_octet() {
        let data = b"a\0\xff\n\r\n\r".to_vec();
        let body = Text::new(data.clone(), None).unwrap().encoded(None);
        assert_eq!(body.content_type, "application/octet-stream");
        assert_eq!(encoding::tests::from_base64(&body.octets), data);
    }

    #[test]
    fn an_unknown_charset_is_named() {
        for name in ["klingon", "", "iso-2022-kr"] {
            let failure = Text::new(Vec::new(), Some(name)).unwrap_err();
            assert_eq!(failure.kind, Kind::Usage);
            assert!(failure.message.contains(name));
        }
    }
}
