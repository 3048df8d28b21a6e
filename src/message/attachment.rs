//! Files that go with a message, or stand in its HTML.
//!
//! Owns what a file is called there: the last part of its path, without what could end a line or
//! lead elsewhere. Its octets stay where they are kept, and every one of them is sent. Refuses a
//! name that is too long for any file. RFC 2183.

use super::media_type::media_type;
use super::store::{Store, unreadable};
use crate::failure::{Failure, Kind, Result};

/// Octets of a name: four times what file systems take, since what is not UTF-8 grows.
const NAME_MAX: usize = 1024;
/// What a file is called that has no name.
const NAMELESS: &str = "attachment";

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

    #[test]
    fn a_name_longer_than_any_file_has_is_refused() {
        assert_eq!(named(&"x".repeat(1024)).len(), 1024);
        let failure = Attachment::new(&"x".repeat(1025), Vec::new()).unwrap_err();
        assert_eq!(failure.kind, Kind::Usage);
    }
}
