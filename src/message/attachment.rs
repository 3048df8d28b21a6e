//! Files that go with a message, or stand in its HTML.
//!
//! Owns what a file is called there: the last part of its path, without what could end a line or
//! lead elsewhere; and the header of the part that holds it. Its octets stay where they are kept, and
//! every one of them is sent. Refuses a name that is too long for any file. RFC 2183, RFC 2392.

use super::header::Header;
use super::media_type::media_type;
use super::parameter::{percent_encoded, push, push_for_old_readers};
use super::store::{Store, unreadable};
use crate::address::words::Charset;
use crate::failure::{Failure, Kind, Result};

/// Octets of a name: four times what file systems take, since what is not UTF-8 grows.
const NAME_MAX: usize = 1024;
/// What a file is called that has no name.
const NAMELESS: &str = "attachment";

/// What stands for itself in a content id beside letters and digits: in a message id and in a URL.
const PLAIN: &str = "-._~+@";
/// Characters of a content id, which cannot be folded.
const ID_MAX: usize = 900;

/// Where a file is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disposition {
    /// Within the message; its HTML names it `cid:` and the content id.
    Inline,
    /// Beside it.
    Attachment,
}

/// A file that is sent with a message.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// What it is called.
    pub(super) name: String,
    /// Its media type, with the charset of a text: `text/csv; charset=utf-8`, `image/png`.
    pub(super) content_type: String,
    /// Where its octets are kept.
    pub(super) store: Store,
}

impl Attachment {
    /// A file of this name, or path, which holds these octets.
    ///
    /// It is called by the last part of the path. Control characters in it become `_`; what has no
    /// name that way is called `attachment`.
    ///
    /// # Errors
    /// [`Kind::Usage`] when the name has more than 1024 octets; [`Kind::Io`] when the octets cannot be
    /// read where they are kept.
    pub fn new(name: &str, octets: impl Into<Store>) -> Result<Self> {
        let (name, store) = (name_of(name)?, octets.into());
        let content_type = media_type(&name, &store).map_err(|error| unreadable(&error))?;
        Ok(Self {
            name,
            content_type,
            store,
        })
    }

    /// What the HTML calls it, behind `cid:`: its name, with octets other than ASCII letters, digits and
    /// `-._~+@` percent-encoded.
    pub fn content_id(&self) -> String {
        let mut id = String::new();
        for c in self.name.chars() {
            let c = percent_encoded(c, Charset::Utf8, PLAIN);
            if id.len() + c.len() > ID_MAX {
                break;
            }
            id.push_str(&c);
        }
        id
    }

    /// The fields that say what it is, and what it is called.
    pub(super) fn header(&self, disposition: Disposition) -> Header {
        let mut header = Header::default();
        let mut content_type = self.content_type.clone();
        push_for_old_readers("name", &self.name, &mut content_type);
        header.push("Content-Type", &content_type);
        let disposition = match disposition {
            Disposition::Inline => {
                header.push("Content-ID", &format!("<{}>", self.content_id()));
                "inline"
            }
            Disposition::Attachment => "attachment",
        };
        let mut disposition = disposition.to_owned();
        push("filename", &self.name, &mut disposition);
        header.push("Content-Disposition", &disposition);
        header
    }
}

fn name_of(path: &str) -> Result<String> {
    let last = path.rsplit('/').find(|part| !part.is_empty());
    let name: String = last
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_control() { '_' } else { c })
        .collect();
    match name.as_str() {
        name if name.trim().is_empty() || matches!(name, "." | "..") => Ok(NAMELESS.into()),
        name if name.len() > NAME_MAX => Err(Failure::new(
            Kind::Usage,
            format!("the name of a file has more than {NAME_MAX} octets"),
        )),
        name => Ok(name.into()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn named(path: &str) -> String {
        Attachment::new(path, Vec::new()).unwrap().name
    }

    #[test]
    fn a_file_is_called_by_the_last_part_of_its_path() {
        for (path, name) in [
            ("report.pdf", "report.pdf"),
            ("/srv/a b/r\u{e9}port.pdf", "r\u{e9}port.pdf"),
            ("../../etc/passwd", "passwd"),
            ("folder/", "folder"),
            ("a\\\"b;c.txt", "a\\\"b;c.txt"),
            ("", "attachment"),
            ("/", "attachment"),
            (".", "attachment"),
            ("a/..", "attachment"),
            (" ", "attachment"),
            (".profile", ".profile"),
        ] {
            assert_eq!(named(path), name, "{path}");
        }
    }

    #[test]
    fn no_control_character_stays_in_a_name() {
        assert_eq!(
            named("a\r\nBcc: b@x.org\0\u{85}\u{7f}\t.txt"),
            "a__Bcc: b@x.org____.txt"
        );
    }

    fn header(file: &Attachment, disposition: Disposition) -> String {
        let mut octets = Vec::new();
        for field in file.header(disposition).fields() {
            field.write(&mut octets);
        }
        String::from_utf8(octets).unwrap()
    }

    #[test]
    fn the_header_says_the_name_in_both_ways() {
        let file = Attachment::new("gr\u{fc}n.csv", b"a;b\n".to_vec()).unwrap();
        assert_eq!(
            header(&file, Disposition::Attachment),
            "Content-Type: text/csv; charset=utf-8;\r\n name=\"=?utf-8?b?Z3LDvG4uY3N2?=\"\r\n\
             Content-Disposition: attachment;\r\n filename*=utf-8''gr%C3%BCn.csv\r\n"
        );
        let file = Attachment::new("logo.svg", b"<svg/>".to_vec()).unwrap();
        assert_eq!(
            header(&file, Disposition::Inline),
            "Content-Type: image/svg+xml;\r\n name=\"logo.svg\"\r\n\
             Content-ID: <logo.svg>\r\n\
             Content-Disposition: inline;\r\n filename=\"logo.svg\"\r\n"
        );
    }

    #[test]
    fn a_content_id_is_the_name_as_it_stands_in_a_url() {
        let id = |name: &str| Attachment::new(name, Vec::new()).unwrap().content_id();
        assert_eq!(id("Logo-1_a.png"), "Logo-1_a.png");
        assert_eq!(id("my <l\u{f6}go>.png"), "my%20%3Cl%C3%B6go%3E.png");
        assert!(id(&"\u{1f600}".repeat(256)).len() <= 900);
    }

    #[test]
    fn no_line_of_the_header_is_long_whatever_the_name() {
        for name in ["x", "\u{fc}", "\u{1f600}", "\"", " ", "a ", "=?"] {
            for count in [1, 9, 50, 100, 255] {
                let file = Attachment::new(&name.repeat(count), Vec::new()).unwrap();
                let header = header(&file, Disposition::Attachment);
                assert!(header.is_ascii() && header.ends_with("\r\n"));
                for line in header.split("\r\n") {
                    assert!(line.len() <= 78, "{line}");
                }
            }
        }
    }

    #[test]
    fn a_name_longer_than_any_file_has_is_refused() {
        assert_eq!(named(&"x".repeat(1024)).len(), 1024);
        let failure = Attachment::new(&"x".repeat(1025), Vec::new()).unwrap_err();
        assert_eq!(failure.kind, Kind::Usage);
    }
}
