//! The text of a composed message: from octets in some charset to a MIME body.
//!
//! Owns what the octets are (text in a charset, text in none, or data) and loses none of them:
//! what does not decode is sent as `unknown-8bit`, what holds a NUL as `application/octet-stream`.
//! One pass tells, a second one only where quoted-printable may fit; nothing is kept decoded or
//! encoded. Refuses only a charset nobody knows. RFC 2045 §6, RFC 2046 §4.1, RFC 1428.

use std::io;

use super::body::{Body, CHUNK, Coding, Form, scan_of};
use super::encoding::{Base64, TransferEncoding};
use super::lines::{LINE_MAX, Scan};
use super::reading::{Found, Reading};
use super::store::{Store, unreadable};
use crate::failure::{Failure, Kind, Result};

/// The text of a message that is still to be composed.
#[derive(Debug, Clone)]
pub struct Text {
    store: Store,
    /// Where it starts: after a byte order mark.
    start: u64,
    /// How it is read.
    reading: Reading,
    kind: TextKind,
    /// The charset it did not decode from.
    undecodable: Option<String>,
    found: Found,
}

/// What a text is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subtype {
    Plain,
    Html,
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
    /// [`Kind::Usage`] when the charset is unknown, [`Kind::Io`] when the octets cannot be read
    /// where they are kept. Octets that are not valid in the charset are no error: they are sent
    /// as they are, with a warning.
    pub fn new(octets: impl Into<Store>, charset: Option<&str>) -> Result<Self> {
        let name = charset.unwrap_or("utf-8").trim();
        let Some(reading) = Reading::named(name) else {
            return Err(Failure::new(
                Kind::Usage,
                format!("unknown charset \"{name}\""),
            ));
        };
        Self::read(octets.into(), reading, name).map_err(|error| unreadable(&error))
    }

    fn read(store: Store, charset: Reading, name: &str) -> io::Result<Self> {
        let (start, reading) = charset.after_mark(&store)?;
        if let Some(found) = Found::of(&store, start, reading)? {
            let kind = match found.scan.nul {
                Some(_) => TextKind::Data,
                None => TextKind::Utf8,
            };
            return Ok(Self {
                store,
                start,
                reading,
                kind,
                undecodable: None,
                found,
            });
        }
        let found = Found::of(&store, 0, Reading::AsItIs)?.unwrap_or_default();
        let kind = match found.scan.nul {
            Some(_) => TextKind::Data,
            None => TextKind::Unknown8bit,
        };
        Ok(Self {
            store,
            start: 0,
            reading: Reading::AsItIs,
            kind,
            undecodable: Some(charset.name().unwrap_or(name).to_owned()),
            found,
        })
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.found.scan.size == 0
    }

    /// Whether it is text beyond ASCII.
    pub(super) fn is_international(&self) -> bool {
        self.kind == TextKind::Utf8 && self.found.high > 0
    }

    /// The text itself, when it is one, of at most `most` octets.
    ///
    /// # Errors
    /// When it cannot be read where it is kept.
    pub(super) fn decoded(&self, most: u64) -> io::Result<Option<String>> {
        if self.kind != TextKind::Utf8 || self.found.scan.size > most {
            return Ok(None);
        }
        let form = self.form(Coding::Verbatim);
        let body = Body::new(self.store.clone(), self.start, form, Scan::default());
        let mut flow = body.flow(CHUNK);
        let (mut text, mut chunk) = (Vec::new(), Vec::new());
        while !flow.is_over() {
            chunk.clear();
            flow.fill(&mut chunk)?;
            text.extend_from_slice(&chunk);
        }
        Ok(String::from_utf8(text).ok())
    }

    /// What the user is to be told about it.
    pub(super) fn warning(&self) -> Option<String> {
        match (self.kind, &self.undecodable) {
            (TextKind::Utf8, _) => None,
            (TextKind::Unknown8bit, charset) => Some(format!(
                "the body is not valid {}: sent byte for byte as unknown-8bit \
                 (if it is in another character set, name it with --charset)",
                charset.as_deref().unwrap_or("UTF-8")
            )),
            (TextKind::Data, _) => Some(
                "the body holds NUL bytes: sent byte for byte as application/octet-stream".into(),
            ),
        }
    }

    /// The body and what its header has to say of it, in the encoding that was `wanted`, else in
    /// the simplest one that fits.
    ///
    /// # Errors
    /// [`Kind::Io`] when the text cannot be read where it is kept.
    pub(super) fn encoded(
        self,
        subtype: Subtype,
        wanted: Option<TransferEncoding>,
    ) -> Result<Encoded> {
        let content_type = match (self.kind, subtype) {
            (TextKind::Utf8, Subtype::Plain) => "text/plain; charset=utf-8",
            (TextKind::Utf8, Subtype::Html) => "text/html; charset=utf-8",
            (TextKind::Unknown8bit, Subtype::Plain) => "text/plain; charset=unknown-8bit",
            (TextKind::Unknown8bit, Subtype::Html) => "text/html; charset=unknown-8bit",
            (TextKind::Data, _) => {
                let form = Form {
                    charset: None,
                    coding: Coding::DataInBase64,
                };
                let scan = Base64::scan(self.store.size());
                return Ok(Encoded {
                    content_type: "application/octet-stream",
                    transfer_encoding: TransferEncoding::Base64,
                    body: Body::new(self.store, 0, form, scan),
                });
            }
        };
        let chosen = self.chosen(wanted).map_err(|error| unreadable(&error))?;
        let (transfer_encoding, coding, scan) = chosen;
        let form = self.form(coding);
        Ok(Encoded {
            content_type,
            transfer_encoding,
            body: Body::new(self.store, self.start, form, scan),
        })
    }

    /// The encoding, how it is made, and what it comes to.
    fn chosen(
        &self,
        wanted: Option<TransferEncoding>,
    ) -> io::Result<(TransferEncoding, Coding, Scan)> {
        let scan = &self.found.scan;
        let simple = scan.eight_bit.is_none() && scan.bare_cr.is_none() && scan.longest <= LINE_MAX;
        let base64 = Base64::scan(scan.size);
        let printable = match wanted {
            Some(TransferEncoding::Base64) => None,
            Some(TransferEncoding::QuotedPrintable) => self.in_quoted_printable(u64::MAX)?,
            _ if simple => {
                let coding = Coding::of_lines(scan);
                return Ok((TransferEncoding::SevenBit, coding, scan.clone()));
            }
            _ => self.in_quoted_printable(base64.size)?,
        };
        Ok(match printable {
            Some(scan) => {
                let encoding = TransferEncoding::QuotedPrintable;
                (encoding, Coding::QuotedPrintable, scan)
            }
            None => (TransferEncoding::Base64, Coding::TextInBase64, base64),
        })
    }

    /// What is found in it in quoted-printable, unless that takes more than `most` octets.
    fn in_quoted_printable(&self, most: u64) -> io::Result<Option<Scan>> {
        // Three octets for each above 127: often that alone decides.
        if self.found.scan.size + 2 * self.found.high > most {
            return Ok(None);
        }
        let form = self.form(Coding::QuotedPrintable);
        scan_of(&self.store, self.start, form, most)
    }

    fn form(&self, coding: Coding) -> Form {
        Form {
            charset: self.reading.charset(),
            coding,
        }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        let found = Found::in_octets(text.as_bytes());
        let kind = match found.scan.nul {
            Some(_) => TextKind::Data,
            None => TextKind::Utf8,
        };
        Self {
            store: text.into_bytes().into(),
            start: 0,
            reading: Reading::Utf8,
            kind,
            undecodable: None,
            found,
        }
    }
}

/// A body ready to be sent.
pub(super) struct Encoded {
    pub(super) content_type: &'static str,
    pub(super) transfer_encoding: TransferEncoding,
    pub(super) body: Body,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::super::content::Content;
    use super::super::content::tests::octets;
    use super::super::encoding::tests::from_base64;
    use super::*;

    fn octets_of(body: &Encoded) -> Vec<u8> {
        octets(&Content::new(Vec::new(), body.body.clone(), false), 1024)
    }

    fn encoded(octets: &[u8], charset: Option<&str>) -> (&'static str, &'static str, String) {
        let text = Text::new(octets.to_vec(), charset).unwrap();
        let body = text.encoded(Subtype::Plain, None).unwrap();
        let text = String::from_utf8(octets_of(&body)).unwrap();
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
            let body = text.encoded(Subtype::Plain, None).unwrap();
            assert_eq!(body.content_type, "text/plain; charset=unknown-8bit");
            assert_eq!(octets_of(&body), b"J=F6rg\r\n");
        }
    }

    #[test]
    fn data_is_sent_octet_for_octet() {
        let data = b"a\0\xff\n\r\n\r".to_vec();
        let text = Text::new(data.clone(), None).unwrap();
        let body = text.encoded(Subtype::Plain, None).unwrap();
        assert_eq!(body.content_type, "application/octet-stream");
        assert_eq!(from_base64(&octets_of(&body)), data);
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
