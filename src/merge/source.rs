//! The file of a template: header fields, an empty line, and the body.
//!
//! Owns where the parts are and on which lines they stand. The names of fields are never templates, and each
//! value is one of its own, so that nothing inserted can begin another field. Refuses what is no field, and
//! fields that say how the body is encoded, which is not the template's to say. RFC 5322 §2.2.

use std::fmt;

use super::names::is_mark;
use super::template::key_of;
use crate::failure::{Failure, Kind, Result, excerpt};
use crate::message::HeaderField;

/// Fields of which a slip is told.
const MEANT: [&str; 7] = ["Subject", "Attach", "Reply-To", "From", "To", "Cc", "Bcc"];

/// A field whose value is a template.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    /// What its template is called.
    pub(super) key: String,
    pub(super) value: String,
    /// Where it is, for a message: `line 3` or `--subject`.
    pub(super) place: Place,
}

/// Where a template stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// From this line of the file on.
    Line(usize),
    /// In the value of this flag.
    Flag(&'static str),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line} of the template"),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// What the body is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Markup {
    /// Text.
    #[default]
    Plain,
    /// HTML: what is inserted is escaped.
    Html,
    /// Markdown: what is inserted is no markup.
    Markdown,
}

/// What a message is made by, as it was written.
#[derive(Debug, Default)]
pub struct Source {
    pub(super) fields: Vec<Field>,
    /// Files that go with it (`Attach:`), one each.
    pub(super) attach: Vec<Field>,
    pub(super) body: String,
    /// The line of the file on which the body begins.
    pub(super) body_line: usize,
    pub(super) markup: Markup,
    /// The body once more, in HTML.
    pub(super) html: Option<String>,
    /// Fields that were made.
    made: usize,
}

impl Source {
    /// Reads the file. `Content-Type: text/html` in it makes the body HTML.
    ///
    /// # Errors
    /// [`Kind::Message`], naming the line, when it is not UTF-8, when something before the empty line is no
    /// field, or when a field cannot be one of a template's.
    pub fn parse(octets: &[u8]) -> Result<Self> {
        let text = text_of(octets)?;
        let mut source = Self::default();
        let mut lines = text.split_inclusive('\n');
        let mut number = 0;
        let mut kind = None;
        for line in lines.by_ref() {
            number += 1;
            let line = line.trim_end_matches('\n');
            if line.is_empty() {
                break;
            }
            let at = |failure: Failure| failure.at(format_args!("line {number}"));
            if line.starts_with([' ', '\t']) {
                let fields = source.fields.iter_mut().chain(&mut source.attach);
                let last = fields.filter(|field| matches!(field.place, Place::Line(_)));
                // The one that was read last has the highest line.
                let Some(last) = last.max_by_key(|field| match field.place {
                    Place::Line(line) => line,
                    Place::Flag(_) => 0,
                }) else {
                    return Err(at(no_field(line)));
                };
                last.value.push(' ');
                last.value.push_str(line.trim_start_matches([' ', '\t']));
                continue;
            }
            let (name, value) = line.split_once(':').ok_or_else(|| at(no_field(line)))?;
            let name = name.trim_end_matches([' ', '\t']);
            source
                .add(name, value, Place::Line(number), &mut kind)
                .map_err(at)?;
        }
        source.body = lines.collect();
        source.body_line = number + 1;
        source.markup = kind.unwrap_or_default();
        Ok(source)
    }

    fn add(
        &mut self,
        name: &str,
        value: &str,
        place: Place,
        kind: &mut Option<Markup>,
    ) -> Result<()> {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        let value = value.trim_matches([' ', '\t']).to_owned();
        if is("Content-Type") {
            *kind = Some(markup_of(&value)?);
            return Ok(());
        }
        refuse_encoding(name)?;
        let field = self.field(name, value, place);
        if is("Attach") {
            self.attach.push(field);
        } else if is("Bcc") {
            self.fields.push(field);
        } else {
            HeaderField::new(name, "").map_err(|failure| Failure {
                kind: Kind::Message,
                hint: no_field(name).hint,
                ..failure
            })?;
            self.fields.push(field);
        }
        Ok(())
    }

    /// Whether the file, or a flag before, has a field of this name.
    pub fn has(&self, name: &str) -> bool {
        self.fields
            .iter()
            .any(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// Whether a field of this name may come out differently for each row.
    pub(super) fn varies(&self, name: &str) -> bool {
        let is_it = |field: &&Field| field.name.eq_ignore_ascii_case(name);
        let mut fields = self.fields.iter().filter(is_it);
        fields.any(|field| field.value.contains('{'))
    }

    /// What looks like a slip in the name of a field, in words.
    pub fn warnings(&self) -> Vec<String> {
        let slip = |field: &Field| {
            let meant = meant_by(&field.name)?;
            let (place, name) = (field.place, &field.name);
            Some(format!("{place}: \"{name}\": is {meant} meant?"))
        };
        self.fields.iter().filter_map(slip).collect()
    }

    /// The same with a field that a flag gives, in place of those of its name.
    ///
    /// # Errors
    /// [`Kind::Usage`] for a name that is none.
    pub fn replace(&mut self, flag: &'static str, name: &str, value: &str) -> Result<()> {
        HeaderField::new(name, "")?;
        if name.eq_ignore_ascii_case("Content-Type") {
            self.markup = markup_of(value)?;
            return Ok(());
        }
        refuse_encoding(name)?;
        let from_flag = |field: &Field| matches!(field.place, Place::Flag(_));
        self.fields
            .retain(|field| !field.name.eq_ignore_ascii_case(name) || from_flag(field));
        let field = self.field(name, value.to_owned(), Place::Flag(flag));
        self.fields.push(field);
        Ok(())
    }

    /// The same with another file to go with each message.
    pub fn attach(&mut self, flag: &'static str, path: &str) {
        let field = self.field("Attach", path.to_owned(), Place::Flag(flag));
        self.attach.push(field);
    }

    fn field(&mut self, name: &str, value: String, place: Place) -> Field {
        self.made += 1;
        Field {
            key: key_of(name, self.made),
            name: name.to_owned(),
            value,
            place,
        }
    }

    pub(super) fn all_fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().chain(&self.attach)
    }

    /// The same with the body once more, in HTML.
    ///
    /// # Errors
    /// [`Kind::Message`] when it is not UTF-8, [`Kind::Usage`] when the body is no plain text.
    pub fn with_html(mut self, octets: &[u8]) -> Result<Self> {
        self.only_plain("an HTML form")?;
        self.html = Some(text_of(octets)?);
        Ok(self)
    }

    /// The same with a body that is Markdown.
    ///
    /// # Errors
    /// [`Kind::Usage`] when it is something else.
    pub fn as_markdown(mut self) -> Result<Self> {
        self.only_plain("Markdown")?;
        self.markup = Markup::Markdown;
        Ok(self)
    }

    fn only_plain(&self, what: &str) -> Result<()> {
        if self.markup == Markup::Plain && self.html.is_none() {
            return Ok(());
        }
        let words = format!("only a plain text has {what}: the template is something else");
        Err(Failure::new(Kind::Usage, words))
    }
}

/// The field that is meant by one that nobody knows.
fn meant_by(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    if name.starts_with("attachment") {
        return Some("Attach");
    }
    if name.starts_with("x-") {
        return None;
    }
    let distance = |meant: &str| strsim::damerau_levenshtein(&meant.to_ascii_lowercase(), &name);
    let nearest = MEANT.into_iter().min_by_key(|meant| distance(meant))?;
    // Of a short name one slip leaves little.
    let most = nearest.len().div_ceil(3).min(2);
    (1..=most).contains(&distance(nearest)).then_some(nearest)
}

/// The text, with LF at the ends of its lines.
fn text_of(octets: &[u8]) -> Result<String> {
    let octets = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets);
    let text = str::from_utf8(octets).map_err(|error| {
        let before = &octets[..error.valid_up_to()];
        let line = 1 + memchr::memchr_iter(b'\n', before).count();
        Failure::new(Kind::Message, format!("line {line}: not valid UTF-8"))
            .with_hint("save it as UTF-8")
    })?;
    if let Some((at, c)) = text.char_indices().find(|(_, c)| is_mark(*c)) {
        let line = 1 + memchr::memchr_iter(b'\n', &text.as_bytes()[..at]).count();
        let words = format!("line {line}: control character U+{:04X}", u32::from(c));
        return Err(Failure::new(Kind::Message, words));
    }
    Ok(text.replace("\r\n", "\n"))
}

fn no_field(line: &str) -> Failure {
    let words = format!("\"{}\" is no header field", excerpt(line));
    Failure::new(Kind::Message, words).with_hint(
        "an empty line ends the header; a field's value may be a template, its name not: one \
         whose value comes out empty is left out",
    )
}

fn refuse_encoding(name: &str) -> Result<()> {
    if name.eq_ignore_ascii_case("Content-Transfer-Encoding") {
        let words = format!("{name}: a template does not say how its message is encoded");
        return Err(Failure::new(Kind::Message, words).with_hint("leave it out"));
    }
    Ok(())
}

fn markup_of(value: &str) -> Result<Markup> {
    let value = value.to_ascii_lowercase();
    let mut parts = value.split(';').map(str::trim);
    let markup = match parts.next() {
        Some("text/plain") => Some(Markup::Plain),
        Some("text/html") => Some(Markup::Html),
        _ => None,
    };
    let utf8 = ["charset=utf-8", "charset=\"utf-8\"", "charset=us-ascii", ""];
    markup
        .filter(|_| parts.all(|part| utf8.contains(&part)))
        .ok_or_else(|| {
            let words = "Content-Type: a template is text/plain or text/html, in UTF-8";
            Failure::new(Kind::Message, words)
        })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_fields_an_empty_line_and_a_body() {
        let text = "\u{feff}To: {{ a }}\r\nattach: x\r\n  y\r\nSubject : Hi\r\n\tyou\r\ncontent-type: Text/HTML; charset=utf-8\r\n\r\nbody\r\n\r\nmore";
        let source = Source::parse(text.as_bytes()).unwrap();
        let fields: Vec<_> = source
            .fields
            .iter()
            .map(|f| (&*f.name, &*f.value))
            .collect();
        assert_eq!(fields, [("To", "{{ a }}"), ("Subject", "Hi you")]);
        assert_eq!(source.attach[0].value, "x y");
        assert_eq!(source.body, "body\n\nmore");
        assert_eq!((source.body_line, source.markup), (8, Markup::Html));
        let alone = Source::parse(b"\nbody").unwrap();
        assert!(alone.fields.is_empty() && alone.body == "body");
    }

    #[test]
    fn what_is_no_field_of_a_template_is_told_by_its_line() {
        for (text, wrong) in [
            (
                "To: a\n{% if x %}\n\n",
                "line 2: \"{% if x %}\" is no header field",
            ),
            (
                "To: a\n{% if a %}X: b\n\n",
                "line 2: \"{% if a %}X\" cannot be",
            ),
            (" x\n", "line 1: \" x\" is no header field"),
            (
                "{{ name }}: b\n\n",
                "line 1: \"{{ name }}\" cannot be the name",
            ),
            (
                "A: b\nContent-Type: multipart/mixed\n\n",
                "line 2: Content-Type",
            ),
            (
                "Content-Type: text/plain; charset=latin1\n\n",
                "line 1: Content-Type",
            ),
            (
                "Content-Transfer-Encoding: base64\n\n",
                "line 1: Content-Transfer-Encoding",
            ),
            ("A: \u{2}\n", "line 1: control character U+0002"),
        ] {
            let failure = Source::parse(text.as_bytes()).unwrap_err();
            assert!(failure.message.starts_with(wrong), "{failure}");
            assert_eq!(failure.kind, Kind::Message);
        }
        let failure = Source::parse(b"A: b\n\n\xff").unwrap_err();
        assert!(failure.message.starts_with("line 3: not valid UTF-8"));
    }

    #[test]
    fn a_flag_replaces_what_the_file_says() {
        let mut source = Source::parse(b"X-A: 1\nx-a: 2\nX-B: 3\n\n").unwrap();
        source.replace("--header", "X-A", "4").unwrap();
        source.replace("--header", "X-A", "5").unwrap();
        let values: Vec<_> = source.fields.iter().map(|f| &*f.value).collect();
        assert_eq!(values, ["3", "4", "5"]);
        assert!(source.replace("--header", "A B", "").is_err());
        source
            .replace("--header", "content-type", "text/html")
            .unwrap();
        assert_eq!((source.markup, source.fields.len()), (Markup::Html, 3));
        assert!(source.replace("--header", "Bcc", "").is_err());
    }

    #[test]
    fn a_slip_in_the_name_of_a_field_is_told() {
        let text = b"To: a\nSubjcet: b\nattachments: c\nReplyTo: d\nX-Form: e\nDate: f\nList-Id: g\nSender: h\nTopic: i\n\n";
        let warnings = Source::parse(text).unwrap().warnings();
        assert_eq!(
            warnings,
            [
                "line 2 of the template: \"Subjcet\": is Subject meant?",
                "line 3 of the template: \"attachments\": is Attach meant?",
                "line 4 of the template: \"ReplyTo\": is Reply-To meant?",
            ]
        );
    }
}
