//! What kind of file some octets are: the media type of an attachment.
//!
//! Owns the rule: what a binary format says of itself at its start goes before the name, and the name
//! goes before the content where that says less (which of the formats in a zip, which kind of text).
//! Text gets the charset that the whole of it has. A name is only looked up and never copied. Refuses
//! message/* and multipart/*, which could not keep every octet. RFC 2046, RFC 1428.

use std::io;
use std::path::Path;

use encoding_rs::{Encoding, UTF_8};
use file_format::FileFormat;

use super::reading::{Found, Reading};
use super::store::Store;
use super::window::Window;

/// Octets at the start that are looked at; of a text its charset takes all of it.
const HEAD: usize = 4 * 1024;
/// What is nothing better.
const DATA: &str = "application/octet-stream";
/// Formats whose start may look like text.
const LIKE_TEXT: [&str; 3] = [
    "application/pdf",
    "application/postscript",
    "application/rtf",
];
/// Endings of names beside those that everybody knows.
const ENDINGS: [(&str, &str); 3] = [
    ("diff", "text/x-diff"),
    ("patch", "text/x-diff"),
    ("vcf", "text/vcard"),
];
/// Formats that hold others, and how the types of those start or end.
const CONTAINERS: [(&str, &[&str]); 6] = [
    (
        "application/zip",
        &[
            "application/vnd.openxmlformats-",
            "application/vnd.oasis.opendocument.",
            "application/java-archive",
            "application/vnd.android.package-archive",
            "application/vnd.google-earth.kmz",
            "application/x-cbr",
            "application/x-xpinstall",
            "+zip",
            ".macroEnabled.12",
        ],
    ),
    (
        "application/x-cfb",
        &[
            "application/msword",
            "application/vnd.ms-",
            "application/vnd.visio",
            "application/x-mspublisher",
        ],
    ),
    ("application/mp4", &["audio/", "video/"]),
    ("application/ogg", &["audio/", "video/"]),
    ("application/x-ebml", &["audio/", "video/"]),
    ("application/x-id3v2", &["audio/"]),
];

/// The media type, with the charset of a text, of what is called `name` and kept in `store`.
///
/// # Errors
/// When it cannot be read.
pub(super) fn media_type(name: &str, store: &Store) -> io::Result<String> {
    let mut window = Window::new(store, 0, HEAD);
    window.load()?;
    let head = window.octets();
    let said = said_by(name);
    if is_utf_16(head, store)? {
        return Ok(with_charset(kind_of_text(said), "utf-16"));
    }
    let format = FileFormat::from_bytes(head);
    let format = format.media_type();
    let is_known = is_single(format) && !format.starts_with("text/") && format != DATA;
    if !looks_like_text(head) || (is_known && !may_be_utf8(head)) {
        return Ok(kind_of_data(format, said).into());
    }
    if LIKE_TEXT.contains(&format) {
        return Ok(format.into());
    }
    let kind = kind_of_text(said);
    if !kind.starts_with("text/") {
        return Ok(kind.into());
    }
    Ok(match charset(store)? {
        Some("utf-8") => with_charset(kind, "utf-8"),
        Some(charset) if said == Some(kind) => with_charset(kind, charset),
        _ => DATA.into(),
    })
}

/// What the ending of a name says.
fn said_by(name: &str) -> Option<&'static str> {
    let ending = Path::new(name).extension()?.to_str()?;
    let ours = ENDINGS
        .iter()
        .find(|(other, _)| other.eq_ignore_ascii_case(ending));
    match ours {
        Some((_, kind)) => Some(kind),
        None => mime_guess::from_ext(ending).first_raw(),
    }
}

/// The kind of text of which the name says this.
fn kind_of_text(said: Option<&'static str>) -> &'static str {
    match said {
        Some(said) if !is_single(said) => DATA,
        Some(said) if is_written_as_text(said) => said,
        // A picture of letters is no picture.
        _ => "text/plain",
    }
}

/// Whether something of this type may be text, as far as can be told.
fn is_written_as_text(kind: &str) -> bool {
    let (top, sub) = kind.split_once('/').unwrap_or((kind, ""));
    match top {
        "audio" | "video" | "font" => false,
        "image" => sub.starts_with("x-") || sub.ends_with("+xml"),
        _ => true,
    }
}

/// The kind of data that starts with this format, and of which the name says this.
fn kind_of_data<'a>(format: &'a str, said: Option<&'a str>) -> &'a str {
    let is_data = |kind: &&str| is_single(kind) && !kind.starts_with("text/");
    let holds = |said: &str| {
        let held = CONTAINERS
            .iter()
            .find(|(container, _)| *container == format);
        held.is_some_and(|(_, held)| {
            held.iter()
                .any(|part| said.starts_with(part) || said.ends_with(part))
        })
    };
    match said.filter(is_data) {
        Some(said) if format == DATA || holds(said) => said,
        _ => Some(format).filter(is_data).unwrap_or(DATA),
    }
}

/// Whether something of this type is one thing, and no message or several parts.
fn is_single(kind: &str) -> bool {
    !kind.starts_with("message/") && !kind.starts_with("multipart/")
}

/// Whether there are none of the control characters that text does without.
fn looks_like_text(head: &[u8]) -> bool {
    head.iter()
        .all(|octet| matches!(octet, 0x07..=0x0d | 0x1b | 0x20..))
}

/// Whether it is UTF-8, up to a character that is cut at the end.
fn may_be_utf8(head: &[u8]) -> bool {
    std::str::from_utf8(head).map_or_else(|error| error.error_len().is_none(), |_| true)
}

/// Whether it is text in UTF-16 that says so by its byte order mark.
fn is_utf_16(head: &[u8], store: &Store) -> io::Result<bool> {
    match Encoding::for_bom(head) {
        Some((encoding, _)) if encoding != UTF_8 => {
            let found = Found::of(store, 0, Reading::Charset(encoding))?;
            Ok(found.is_some_and(|found| found.scan.nul.is_none()))
        }
        _ => Ok(false),
    }
}

/// The charset of text; none when it is none, since there is a NUL in it.
fn charset(store: &Store) -> io::Result<Option<&'static str>> {
    for (reading, name) in [(Reading::Utf8, "utf-8"), (Reading::AsItIs, "unknown-8bit")] {
        if let Some(found) = Found::of(store, 0, reading)? {
            return Ok(found.scan.nul.is_none().then_some(name));
        }
    }
    Ok(None)
}

fn with_charset(kind: &str, charset: &str) -> String {
    if kind.starts_with("text/") {
        format!("{kind}; charset={charset}")
    } else {
        kind.into()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::super::store::tests::watched;
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0\x08\0";
    const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0";

    fn kind(name: &str, octets: &[u8]) -> String {
        let kind = media_type(name, &octets.to_vec().into()).unwrap();
        assert_eq!(kind, media_type(name, &watched(octets).1).unwrap());
        kind
    }

    #[test]
    fn a_binary_format_goes_before_a_name_that_lies() {
        for (octets, wanted) in [
            (PNG, "image/png"),
            (b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", "application/pdf"),
            (b"%PDF-1.4\n", "application/pdf"),
            (b"{\\rtf1\\ansi}", "application/rtf"),
            (b"\x1f\x8b\x08\0\0\0\0\0", "application/gzip"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
            (b"\x28\xb5\x2f\xfd$$$$", "application/zstd"),
            (ZIP, "application/zip"),
            (OLE, "application/x-cfb"),
        ] {
            for name in ["a.txt", "a.jpe", "a.eml", "a.csv.tar", "a", ".", "a.\r\n"] {
                let wanted = if name == "a.jpe" && wanted == "image/jpeg" {
                    "image/jpeg"
                } else {
                    wanted
                };
                assert_eq!(kind(name, octets), wanted, "{name}");
            }
        }
    }

    #[test]
    fn the_name_says_what_a_container_holds() {
        for (name, octets, wanted) in [
            (
                "a.docx",
                ZIP,
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            ),
            (
                "A.XLSX",
                ZIP,
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            ),
            ("a.odt", ZIP, "application/vnd.oasis.opendocument.text"),
            ("a.jar", ZIP, "application/java-archive"),
            (
                "a.docm",
                ZIP,
                "application/vnd.ms-word.document.macroEnabled.12",
            ),
            ("a.epub", ZIP, "application/epub+zip"),
            ("a.gz", ZIP, "application/zip"),
            ("a.doc", ZIP, "application/zip"),
            ("a.doc", OLE, "application/msword"),
            ("a.docx", OLE, "application/x-cfb"),
            ("a.m4a", b"\0\0\0\x18ftypmp42", "audio/m4a"),
            ("a.mp3", b"ID3\x03\0\0\0", "audio/mpeg"),
        ] {
            assert_eq!(kind(name, octets), wanted, "{name}");
        }
    }

    #[test]
    fn text_is_what_its_name_says_in_the_charset_that_it_has() {
        for (name, octets, wanted) in [
            ("a.csv", &b"a;b\n"[..], "text/csv; charset=utf-8"),
            ("a.html", "<p>\u{fc}".as_bytes(), "text/html; charset=utf-8"),
            ("a.md", b"# a", "text/markdown; charset=utf-8"),
            ("a.log", b"BM and MZ and ID3", "text/plain; charset=utf-8"),
            ("a.LOG", b"gr\xfcn", "text/plain; charset=unknown-8bit"),
            ("a.patch", b"--- a\n", "text/x-diff; charset=utf-8"),
            (
                "a.ics",
                b"BEGIN:VCALENDAR\r\n",
                "text/calendar; charset=utf-8",
            ),
            ("a.vcf", b"BEGIN:VCARD\r\n", "text/vcard; charset=utf-8"),
            ("a.json", b"{}", "application/json"),
            ("a.svg", b"<svg/>", "image/svg+xml"),
            ("a.txt", b"", "text/plain; charset=utf-8"),
            ("a.txt", b"\xff\xfea\0\n\0", "text/plain; charset=utf-16"),
            ("a.csv", b"\xfe\xff\0a", "text/csv; charset=utf-16"),
            ("a.txt", b"\xff\xfea\0\0\0", DATA),
            ("a.txt", b"\xef\xbb\xbfa", "text/plain; charset=utf-8"),
            ("a.sh", b"#!/bin/sh\n", "application/x-sh"),
            ("a.ts", b"let a = 1;", "text/plain; charset=utf-8"),
            ("a.png", b"no picture", "text/plain; charset=utf-8"),
            ("a.bin", b"text", DATA),
            ("a", b"text\x1b[0m\n", "text/plain; charset=utf-8"),
            ("a", b"gr\xfcn", DATA),
            ("a", b"", "text/plain; charset=utf-8"),
            ("", b"text", "text/plain; charset=utf-8"),
        ] {
            assert_eq!(kind(name, octets), wanted, "{name} {octets:?}");
        }
    }

    #[test]
    fn the_whole_of_a_text_decides_on_its_charset() {
        let long = |end: &[u8]| [&b"all is well\n".repeat(1000)[..], end].concat();
        assert_eq!(kind("a.log", &long(b"")), "text/plain; charset=utf-8");
        let latin1 = kind("a.log", &long(b"gr\xfcn"));
        assert_eq!(latin1, "text/plain; charset=unknown-8bit");
        assert_eq!(kind("a.log", &long(b"\0")), DATA);
        assert_eq!(kind("a", &long(b"\0")), DATA);
        assert_eq!(kind("a", &long(b"gr\xfcn")), DATA);
    }

    #[test]
    fn no_file_is_a_message_or_several_parts() {
        for name in ["a.eml", "a.mht", "a.mhtml", "a.mime", "a.nws"] {
            let message = b"Subject: x\r\n\r\nbody\r\n";
            assert_eq!(kind(name, message), DATA, "{name}");
            assert_eq!(kind(name, b"Subject: x\0"), DATA, "{name}");
            assert_eq!(kind(name, b"Subject: \xff"), DATA, "{name}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_file_holds_and_is_called_its_type_is_one(
            name in "(\\PC|\r|\n|\"|;){0,9}(\\.[a-z0-9]{1,4})?",
            start in proptest::sample::select(vec![&b""[..], PNG, ZIP, OLE, b"\xff\xfe", b"From: "]),
            rest in proptest::collection::vec(any::<u8>(), 0..99),
        ) {
            let kind = media_type(&name, &[start, &rest].concat().into()).unwrap();
            let (kind, charset) = kind.split_once("; charset=").unwrap_or((&kind, "utf-8"));
            prop_assert!(kind.bytes().all(|b| b.is_ascii_alphanumeric() || b"/.+-_".contains(&b)));
            prop_assert!(is_single(kind) && kind.split('/').count() == 2 && kind.len() < 100);
            prop_assert!(["utf-8", "utf-16", "unknown-8bit"].contains(&charset));
        }
    }
}
