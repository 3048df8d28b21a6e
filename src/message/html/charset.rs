//! The charset of HTML that nobody named.
//!
//! Owns the order in which it is believed: what the octets show (a byte order mark, or UTF-8 beyond ASCII),
//! then what a `<meta>` near the start says, as far as all of it decodes that way. It is sent in UTF-8, and
//! the part says so, which goes before a `<meta>`: that stays as it was. The WHATWG HTML Standard, §13.2.3.

use std::io;

use encoding_rs::Encoding;
use html5gum::{StartTag, Token, Tokenizer};

use super::super::store::{Store, unreadable};
use super::super::text::Text;
use super::super::window::Window;
use super::attribute;
#[cfg(doc)]
use crate::failure::Kind;
use crate::failure::Result;

/// Octets in which a charset is declared, if it is.
const HEAD: usize = 1024;

impl Text {
    /// HTML in `charset`; when there is none, in what it shows or says itself, else in UTF-8.
    ///
    /// # Errors
    /// [`Kind::Usage`] when the charset is unknown, [`Kind::Io`] when the octets cannot be read where they
    /// are kept. Octets that are not valid in the charset are no error, as with [`Text::new`].
    pub fn html(octets: impl Into<Store>, charset: Option<&str>) -> Result<Self> {
        let store = octets.into();
        let text = Self::new(store.clone(), charset)?;
        if charset.is_some() || text.is_international() {
            return Ok(text);
        }
        let declared = declared(&store).map_err(|error| unreadable(&error))?;
        let other = declared.and_then(|charset| Self::new(store, Some(&charset)).ok());
        Ok(other
            .filter(|other| other.warning().is_none())
            .unwrap_or(text))
    }
}

fn declared(store: &Store) -> io::Result<Option<String>> {
    let mut window = Window::new(store, 0, HEAD);
    window.load()?;
    let head = window.octets();
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        return Ok(Some(encoding.name().to_owned()));
    }
    let head = String::from_utf8_lossy(head);
    Ok(Tokenizer::new(&*head).find_map(|token| match token {
        Ok(Token::StartTag(tag)) if tag.name.as_slice() == b"meta" => in_meta(&tag),
        _ => None,
    }))
}

fn in_meta(tag: &StartTag<()>) -> Option<String> {
    let name = attribute(tag, b"charset");
    if !name.is_empty() {
        return Some(name);
    }
    let content = attribute(tag, b"content").to_ascii_lowercase();
    let (_, name) = content.split_once("charset=")?;
    let name = name.trim_start_matches(['"', '\'']);
    let name = name.split(['"', '\'', ';', ' ']).next();
    name.filter(|name| !name.is_empty()).map(str::to_owned)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn decoded(octets: &[u8], charset: Option<&str>) -> Option<String> {
        let text = Text::html(octets.to_vec(), charset).unwrap();
        text.decoded(9999).unwrap()
    }

    #[test]
    fn html_is_read_in_the_charset_that_it_shows_or_says() {
        for (octets, text) in [
            (
                &b"<meta charset=latin1>\xfc"[..],
                "<meta charset=latin1>\u{fc}",
            ),
            (
                b"<meta charset=latin1>\xc3\xbc",
                "<meta charset=latin1>\u{fc}",
            ),
            (
                b"<META content='text/html; charset=koi8-r'>\xc1",
                "<META content='text/html; charset=koi8-r'>\u{430}",
            ),
            (
                b"<meta charset=iso-2022-jp>\x1b$B$\"\x1b(B",
                "<meta charset=iso-2022-jp>\u{3042}",
            ),
            (b"\xff\xfe<\0p\0>\0\xfc\0", "<p>\u{fc}"),
            (b"\xef\xbb\xbf<p>\xc3\xbc", "<p>\u{fc}"),
            (b"<meta charset=klingon><p>", "<meta charset=klingon><p>"),
        ] {
            assert_eq!(decoded(octets, None).unwrap(), text);
        }
        let html = b"<meta charset=utf-8>\xfc";
        assert_eq!(decoded(html, None), None);
        assert_eq!(
            decoded(html, Some("latin1")).unwrap(),
            "<meta charset=utf-8>\u{fc}"
        );
    }
}
