//! What a composed message holds, and the tree that it becomes.
//!
//! Owns the order and the layers: `mixed(related(alternative(text, html), inline…), attachments…)`,
//! no layer more than is needed, and a text alone without any. Nothing is made of what is held: the
//! tree is pieces, read one after another when they are sent. RFC 2046 §5.1, RFC 2387, RFC 2392.

use std::collections::BTreeSet;

use super::attachment::{Attachment, Disposition};
use super::body::{Body, Coding, Form, verbatim};
use super::encoding::{Base64, TransferEncoding};
use super::header::Header;
use super::store::unreadable;
use super::text::{Encoded, Subtype, Text};
use super::{html, markdown};
use crate::failure::Result;
use crate::random::random;

/// The field that says how a body is encoded.
pub(super) const TRANSFER_ENCODING: &str = "Content-Transfer-Encoding";

/// Pictures of the HTML that are looked for.
const MOST_PICTURES: usize = 1000;
/// Octets of what is taken for the name of one.
const MOST_OF_A_NAME: usize = 300;
/// Octets of HTML of which a text is made; more than any reader would scroll through.
const HTML_MAX: u64 = 8 << 20;
/// Octets of Markdown of which HTML is made.
const MARKDOWN_MAX: u64 = 1 << 20;

/// What a composed message holds beside its header. With nothing in it at all, an empty text is sent.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    /// The text, of which `html` is another form.
    pub text: Option<Text>,
    /// The text in HTML, of which a text is made where there is none.
    pub html: Option<Text>,
    /// Files that stand in the HTML (`cid:`), or are shown after the text.
    pub inline: Vec<Attachment>,
    /// Files that go with the message.
    pub attachments: Vec<Attachment>,
}

impl From<Text> for Parts {
    fn from(text: Text) -> Self {
        Self {
            text: Some(text),
            ..Self::default()
        }
    }
}

impl Parts {
    /// A text in Markdown, as it is and in HTML; that is left out where the text is more than 1 MiB, or
    /// not valid in its charset.
    ///
    /// # Errors
    /// [`Kind::Io`](crate::failure::Kind::Io) when it cannot be read where it is kept.
    pub fn of_markdown(text: Text) -> Result<Self> {
        let source = text.decoded(MARKDOWN_MAX);
        let source = source.map_err(|error| unreadable(&error))?;
        Ok(Self {
            html: source.map(|source| Text::from(markdown::to_html(&source))),
            text: Some(text),
            ..Self::default()
        })
    }

    /// Makes the text of the HTML where there is none. What the user is to be told of the HTML.
    ///
    /// # Errors
    /// [`Kind::Io`](crate::failure::Kind::Io) when it cannot be read where it is kept.
    pub(super) fn complete(&mut self) -> Result<Vec<String>> {
        let Some(html) = &self.html else {
            return Ok(Vec::new());
        };
        let source = html.decoded(HTML_MAX);
        let Some(source) = source.map_err(|error| unreadable(&error))? else {
            let words = "no text is made of the HTML for those who do not see HTML: it has more than 8 MiB, or is \
                 not valid in its charset; --body or --body-file gives one";
            let is_needed = self.text.is_none();
            return Ok(Some(words.into())
                .filter(|_| is_needed)
                .into_iter()
                .collect());
        };
        let warnings = self.unseen(&source);
        if self.text.is_none() {
            let text = html::to_text(&source);
            // Pictures alone have none.
            self.text = Some(text).filter(|text| !text.is_empty()).map(Text::from);
        }
        Ok(warnings)
    }

    /// What the HTML shows and nobody sent, and what was sent and is not shown.
    fn unseen(&self, html: &str) -> Vec<String> {
        let ids: Vec<String> = self.inline.iter().map(Attachment::content_id).collect();
        let is_shown = |id: &&String| html.contains(&format!("cid:{id}"));
        let mut warnings: Vec<String> = ids
            .iter()
            .filter(|id| !is_shown(id))
            .map(|id| {
                format!("the HTML does not show the inline file {id}: it would with cid:{id}")
            })
            .collect();
        let mut known = BTreeSet::new();
        for id in ids.iter().filter(|id| !known.insert(*id)) {
            warnings.push(format!(
                "two inline files are cid:{id}: the HTML shows the first"
            ));
        }
        for (at, _) in html.match_indices("cid:").take(MOST_PICTURES) {
            let rest = &html[at + 4..];
            let end = rest.find(['"', '\'', '>', ')', ' ', '\n', '\r', '&']);
            let id = &rest[..end.unwrap_or(rest.len())];
            let is_new = !warnings
                .iter()
                .any(|warning| warning.ends_with(&format!(" {id}")));
            if !known.contains(&id.to_owned()) && is_new && id.len() < MOST_OF_A_NAME {
                warnings.push(format!(
                    "the HTML shows cid:{id}, and there is no --inline file {id}"
                ));
            }
        }
        warnings
    }

    /// What the user is to be told about its texts, one line each.
    pub(super) fn warnings(&self) -> impl Iterator<Item = String> {
        let texts = self.text.iter().chain(&self.html);
        texts.filter_map(Text::warning)
    }

    /// The text, when it is all there is.
    pub(super) fn only_text(&self) -> Option<&Text> {
        let is_alone = !self.is_multipart();
        self.text.as_ref().filter(|_| is_alone)
    }

    /// Whether more than one part is sent.
    pub(super) fn is_multipart(&self) -> bool {
        let texts = usize::from(self.text.is_some()) + usize::from(self.html.is_some());
        texts > 1 || !self.inline.is_empty() || !self.attachments.is_empty()
    }

    /// The tree. A text alone is in the encoding that was `wanted`, if any.
    ///
    /// # Errors
    /// [`Kind::Io`](crate::failure::Kind::Io) when a text cannot be read where it is kept.
    pub(super) fn into_entity(self, wanted: Option<TransferEncoding>) -> Result<Entity> {
        let has_html = self.html.is_some();
        let text = match self.text {
            None if has_html => None,
            text => Some(text.unwrap_or_else(|| Text::from(String::new()))),
        };
        let mut texts = Vec::new();
        for (text, subtype) in [(text, Subtype::Plain), (self.html, Subtype::Html)] {
            if let Some(text) = text {
                texts.push(Entity::text(text.encoded(subtype, wanted)?));
            }
        }
        let inline = self.inline.into_iter();
        let inline = inline.map(|file| Entity::file(file, Disposition::Inline));
        let attachments = self.attachments.into_iter();
        let attachments = attachments.map(|file| Entity::file(file, Disposition::Attachment));

        let text = Entity::multipart("alternative", texts);
        Ok(if has_html {
            let related = std::iter::once(text).chain(inline).collect();
            let related = Entity::multipart("related", related);
            let mixed = std::iter::once(related).chain(attachments).collect();
            Entity::multipart("mixed", mixed)
        } else {
            let mixed = std::iter::once(text).chain(inline).chain(attachments);
            Entity::multipart("mixed", mixed.collect())
        })
    }
}

/// A part, or all of a message but for what its header says beside MIME.
pub(super) struct Entity {
    /// Its Content- fields.
    pub(super) header: Header,
    pub(super) body: Body,
    /// How the body is encoded; none for several parts.
    pub(super) transfer_encoding: Option<TransferEncoding>,
    /// What it is, without parameters: `text/plain`.
    kind: String,
    /// Whether the last line end of its body counts, which the line end before a boundary is not.
    is_lines: bool,
}

impl Entity {
    fn text(text: Encoded) -> Self {
        let mut header = Header::default();
        header.push("Content-Type", text.content_type);
        header.push(TRANSFER_ENCODING, text.transfer_encoding.name());
        Self {
            header,
            body: text.body,
            transfer_encoding: Some(text.transfer_encoding),
            kind: kind_of(text.content_type),
            is_lines: text.transfer_encoding != TransferEncoding::Base64,
        }
    }

    fn file(file: Attachment, disposition: Disposition) -> Self {
        let mut header = file.header(disposition);
        header.push(TRANSFER_ENCODING, TransferEncoding::Base64.name());
        let form = Form {
            charset: None,
            coding: Coding::DataInBase64,
        };
        let scan = Base64::scan(file.store.size());
        // The line end before a boundary is not the one that ends the header.
        let is_lines = file.store.size() == 0;
        Self {
            header,
            body: Body::new(file.store, 0, form, scan),
            transfer_encoding: Some(TransferEncoding::Base64),
            kind: kind_of(&file.content_type),
            is_lines,
        }
    }

    /// These parts in one; a single one stays what it is.
    fn multipart(subtype: &str, mut parts: Vec<Self>) -> Self {
        if parts.len() == 1
            && let Some(only) = parts.pop()
        {
            return only;
        }
        // Lines of base64 and quoted-printable cannot hold `=_`, and nobody guesses the rest.
        let boundary = format!("=_{:016x}{:016x}", random(), random());
        let kind = format!("multipart/{subtype}");
        let mut content_type = format!("{kind};\r\n boundary=\"{boundary}\"");
        if let Some(root) = parts.first().filter(|_| subtype == "related") {
            // RFC 2387 §3.1.
            content_type += &format!("; type=\"{}\"", root.kind);
        }
        let mut header = Header::default();
        header.push("Content-Type", &content_type);
        let mut body = Body::nothing();
        let mut between = String::new();
        for part in parts {
            let mut glue = format!("{between}--{boundary}\r\n").into_bytes();
            for field in part.header.fields() {
                field.write(&mut glue);
            }
            glue.extend_from_slice(b"\r\n");
            body.append(verbatim(glue));
            body.append(part.body);
            between = if part.is_lines { "\r\n" } else { "" }.to_owned();
        }
        body.append(verbatim(
            format!("{between}--{boundary}--\r\n").into_bytes(),
        ));
        Self {
            header,
            body,
            transfer_encoding: None,
            kind,
            is_lines: false,
        }
    }
}

/// A media type without its parameters.
fn kind_of(content_type: &str) -> String {
    let kind = content_type.split(';').next().unwrap_or_default();
    kind.trim().to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
pub(super) mod tests {
    use super::super::encoding::tests::from_base64;
    use super::super::store::tests::watched;
    use super::super::tests::{fields, headers, sent};
    use super::super::{Fields, Message};
    use super::*;

    fn text(text: &str) -> Option<Text> {
        Some(Text::from(text.to_owned()))
    }

    fn file(name: &str, octets: &[u8]) -> Attachment {
        Attachment::new(name, octets.to_vec()).unwrap()
    }

    /// The header and the body of an entity, unfolded, in lower case.
    fn split(entity: &str) -> (String, &str) {
        let (header, body) = entity.split_once("\r\n\r\n").unwrap();
        (header.replace("\r\n ", " ").to_lowercase(), body)
    }

    fn boundary(header: &str) -> Option<&str> {
        let (_, rest) = header.split_once("boundary=\"")?;
        rest.split('"').next()
    }

    /// The parts of a multipart.
    pub(in crate::message) fn parts<'a>(header: &str, body: &'a str) -> Vec<&'a str> {
        let boundary = boundary(header).unwrap();
        let start = format!("--{boundary}\r\n");
        let body = body.strip_prefix(&start).unwrap();
        let (parts, end) = body.split_once(&format!("--{boundary}--")).unwrap();
        assert_eq!(end.trim_end(), "");
        let last = parts.strip_suffix("\r\n").unwrap_or(parts);
        last.split(&format!("\r\n{start}")).collect()
    }

    /// The tree of an entity in words.
    fn tree(entity: &str) -> String {
        let (header, body) = split(entity);
        let (_, kind) = header.split_once("content-type: ").unwrap();
        let kind = kind.split([';', '\r']).next().unwrap();
        let Some(subtype) = kind.strip_prefix("multipart/") else {
            let inline = header.contains("content-disposition: inline");
            let kind = kind.rsplit('/').next().unwrap();
            return format!("{kind}{}", if inline { "!" } else { "" });
        };
        assert!(!header.contains("transfer-encoding"), "{header}");
        let children: Vec<String> = parts(&header, body).into_iter().map(tree).collect();
        format!("{subtype}({})", children.join(" "))
    }

    fn composed(parts: Parts) -> String {
        sent(&Message::compose(&fields(), parts).unwrap())
    }

    #[test]
    fn the_tree_has_no_layer_more_than_needed() {
        let (plain, html) = (text("hello\n"), text("<p>hello\n"));
        let picture = text("<img src='cid:a.bin'>");
        let one = vec![file("a.bin", b"\0a")];
        let two = vec![file("a.bin", b"\0a"), file("b.bin", b"\0b")];
        let none = Vec::new();
        for (text, html, inline, attachments, expected) in [
            (&None, &None, &none, &none, "plain"),
            (&plain, &None, &none, &none, "plain"),
            (&None, &picture, &none, &none, "html"),
            (&plain, &html, &none, &none, "alternative(plain html)"),
            (&plain, &None, &none, &one, "mixed(plain octet-stream)"),
            (&None, &None, &none, &one, "mixed(plain octet-stream)"),
            (&plain, &None, &one, &none, "mixed(plain octet-stream!)"),
            (&None, &picture, &one, &none, "related(html octet-stream!)"),
            (
                &None,
                &html,
                &one,
                &none,
                "related(alternative(plain html) octet-stream!)",
            ),
            (
                &plain,
                &html,
                &one,
                &two,
                "mixed(related(alternative(plain html) octet-stream!) octet-stream octet-stream)",
            ),
        ] {
            let parts = Parts {
                text: text.clone(),
                html: html.clone(),
                inline: inline.clone(),
                attachments: attachments.clone(),
            };
            assert_eq!(tree(&composed(parts)), expected);
        }
    }

    #[test]
    fn every_octet_of_a_part_is_there_whatever_its_last_line() {
        let (_file, store) = watched(&b"line\n".repeat(100_000));
        for octets in [&b""[..], b"\0", b"a\r", b"a\n\n", &[b'x'; 57], &[0xff; 114]] {
            let parts = Parts {
                text: text("two\nlines, no more"),
                html: text("<p>ü"),
                inline: Vec::new(),
                attachments: vec![
                    file("a", octets),
                    Attachment::new("b", store.clone()).unwrap(),
                ],
            };
            let whole = composed(parts);
            let (header, body) = split(&whole);
            let children = super::tests::parts(&header, body);
            let (header, texts) = split(children[0]);
            let texts = super::tests::parts(&header, texts);
            assert!(texts[0].ends_with("\r\n\r\ntwo\r\nlines, no more\r\n"));
            assert!(texts[1].ends_with("\r\n\r\n<p>=C3=BC\r\n"), "{}", texts[1]);
            let decoded = |part| from_base64(split(part).1.as_bytes());
            assert_eq!(decoded(children[1]), octets);
            assert_eq!(decoded(children[2]), b"line\n".repeat(100_000));
        }
    }

    #[test]
    fn html_alone_gets_the_text_that_is_in_it() {
        let parts = Parts {
            html: text("<h1>Gr\u{fc}n</h1><a href='https://x.test/'>more</a>"),
            ..Parts::default()
        };
        let whole = composed(parts);
        assert!(
            whole.contains("\r\n\r\nGr=C3=BCn\r\n\r\nmore <https://x.test/>\r\n"),
            "{whole}"
        );
        let large = Parts {
            html: text(&"<p>x".repeat(3 << 20)),
            ..Parts::default()
        };
        let message = Message::compose(&fields(), large).unwrap();
        assert!(message.warnings()[0].contains("8 MiB"));
        assert_eq!(tree(&sent(&message)), "html");
    }

    #[test]
    fn markdown_is_sent_as_it_is_and_in_html() {
        let parts = Parts::of_markdown(Text::from("# Gr\u{fc}n\n".to_owned())).unwrap();
        let whole = composed(parts);
        assert!(whole.contains("\r\n\r\n# Gr=C3=BCn\r\n"), "{whole}");
        assert!(whole.contains("\r\n<h1>Gr=C3=BCn</h1>\r\n"), "{whole}");
        let parts = Parts::of_markdown(Text::new(b"gr\xfcn".to_vec(), None).unwrap()).unwrap();
        assert!(parts.html.is_none() && parts.text.is_some());
    }

    #[test]
    fn the_facts_are_those_of_the_octets() {
        let parts = Parts {
            text: text("ü"),
            attachments: vec![file("a", &[0; 1000])],
            ..Parts::default()
        };
        let message = Message::compose(&fields(), parts).unwrap();
        let content = message.content(false, false).unwrap();
        let octets = sent(&message);
        assert_eq!(content.facts().size, octets.len() as u64);
        let longest = octets.lines().map(str::len).max().unwrap();
        assert_eq!(content.facts().longest_line, longest as u64);
    }

    #[test]
    fn pictures_that_are_not_there_or_not_shown_are_warned_about() {
        let parts = Parts {
            text: text("x"),
            html: text("<img src=\"cid:a.png\"><img src='cid:b.png'>"),
            inline: vec![
                file("a.png", b"1"),
                file("c.png", b"2"),
                file("c.png", b"3"),
            ],
            attachments: Vec::new(),
        };
        let message = Message::compose(&fields(), parts).unwrap();
        assert_eq!(
            message.warnings(),
            [
                "the HTML does not show the inline file c.png: it would with cid:c.png",
                "the HTML does not show the inline file c.png: it would with cid:c.png",
                "two inline files are cid:c.png: the HTML shows the first",
                "the HTML shows cid:b.png, and there is no --inline file b.png",
            ]
        );
    }

    #[test]
    fn what_several_parts_are_cannot_be_said_otherwise() {
        for header in ["Content-Type: text/html", "MIME-Version: 1.0"] {
            let fields = Fields {
                headers: headers(&[header]),
                ..fields()
            };
            let parts = Parts {
                attachments: vec![file("a", b"")],
                ..Parts::default()
            };
            let failure = Message::compose(&fields, parts).unwrap_err();
            assert_eq!(failure.kind, crate::failure::Kind::Usage);
            let html = Parts {
                html: text("<img>"),
                ..Parts::default()
            };
            assert!(Message::compose(&fields, html).is_ok(), "{header}");
        }
    }
}
