//! A row rendered by the template: the values of the fields, the files, and the body.
//!
//! Owns how what is inserted is escaped: in HTML as HTML, in Markdown so that it is no markup, in a list of
//! addresses so that it is no other address (`names`). Each template is compiled once. Refuses a field that the
//! row does not have, and a control character where it could end a header field.

use minijinja::value::Value;
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, escape_formatter,
};

use super::names;
use super::rows::Row;
use super::source::{Field, Markup, Place, Source};
use crate::address::AddressList;
use crate::failure::{Failure, Kind, Result, excerpt};
use crate::message::holds_addresses;

/// How values are inserted into a list of addresses.
const ADDRESSES: &str = "addresses";
/// How they are inserted into Markdown.
const MARKDOWN: &str = "markdown";

const BODY: &str = "body";
const HTML: &str = "html";

/// A template that is ready to be rendered.
pub struct Template<'s> {
    environment: Environment<'s>,
    source: &'s Source,
}

/// A row, rendered.
#[derive(Debug)]
pub(super) struct Rendered<'s> {
    pub(super) fields: Vec<(&'s str, Outcome)>,
    /// The paths of the files that go with it, and where each was named.
    pub(super) files: Vec<(String, Place)>,
    pub(super) text: Option<String>,
    pub(super) marked_up: Option<Marked>,
}

/// A body with markup, in which what was inserted is none.
#[derive(Debug)]
pub(super) enum Marked {
    Html(String),
    Markdown(String),
}

/// What the value of a field comes to.
#[derive(Debug)]
pub(super) enum Outcome {
    Addresses(AddressList),
    Text(String),
}

impl<'s> Template<'s> {
    /// Makes `source` ready.
    ///
    /// # Errors
    /// [`Kind::Message`], naming the line, when it is no template.
    pub fn new(source: &'s Source) -> Result<Self> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(escaping);
        environment.set_formatter(insert);
        environment.add_filter("addresses", |value: Value| names::addresses(&value));
        for field in source.all_fields() {
            let added = environment.add_template(&field.key, &field.value);
            added.map_err(|error| at_field(&error, field))?;
            if names::is_ambiguous(&field.value) {
                let words = format!("{}: \"{}\" is not for templates", field.place, field.name);
                return Err(Failure::new(Kind::Message, words));
            }
        }
        let bodies = [
            (BODY, Some(&source.body), source.body_line),
            (HTML, source.html.as_ref(), 1),
        ];
        for (name, text, line) in bodies {
            if let Some(text) = text {
                let name = body_name(name, source.markup);
                let added = environment.add_template(name, text);
                added.map_err(|error| in_body(&error, line, name))?;
            }
        }
        if source.markup == Markup::Markdown {
            let added = environment.add_template(MARKDOWN, &source.body);
            added.map_err(|error| in_body(&error, source.body_line, MARKDOWN))?;
        }
        Ok(Self {
            environment,
            source,
        })
    }

    /// Renders a row.
    ///
    /// # Errors
    /// [`Kind::Message`], naming the line of the template or the flag, when that cannot be done.
    pub(super) fn render(&self, row: &Row) -> Result<Rendered<'s>> {
        let mut fields = Vec::with_capacity(self.source.fields.len());
        for field in &self.source.fields {
            let text = self.field(field, row)?;
            let at = |failure: Failure| failure.at(&field.name).at(field.place);
            let value = if holds_addresses(&field.name) {
                Outcome::Addresses(names::list(&text).map_err(at)?)
            } else {
                Outcome::Text(text)
            };
            fields.push((field.name.as_str(), value));
        }
        let mut files = Vec::new();
        for field in &self.source.attach {
            let path = self.field(field, row)?;
            if !path.trim().is_empty() {
                files.push((path, field.place));
            }
        }
        let source = self.source;
        let body = |name, line| {
            let name = body_name(name, source.markup);
            let rendered = self.rendered(name, row);
            rendered.map_err(|error| in_body(&error, line, name))
        };
        let (text, marked_up) = match (source.markup, &source.html) {
            (Markup::Html, _) => (None, Some(Marked::Html(body(BODY, source.body_line)?))),
            (Markup::Markdown, _) => {
                let text = body(BODY, source.body_line)?;
                let marked = self.rendered(MARKDOWN, row);
                let marked = marked.map_err(|e| in_body(&e, source.body_line, MARKDOWN))?;
                (Some(text), Some(Marked::Markdown(marked)))
            }
            (Markup::Plain, None) => (Some(body(BODY, source.body_line)?), None),
            (Markup::Plain, Some(_)) => (
                Some(body(BODY, source.body_line)?),
                Some(Marked::Html(body(HTML, 1)?)),
            ),
        };
        Ok(Rendered {
            fields,
            files,
            text,
            marked_up,
        })
    }

    fn field(&self, field: &Field, row: &Row) -> Result<String> {
        // Most values are texts without anything to be inserted.
        if !field.value.contains('{') {
            return Ok(field.value.clone());
        }
        let rendered = self.rendered(&field.key, row);
        rendered.map_err(|error| at_field(&error, field))
    }

    fn rendered(&self, name: &str, row: &Row) -> std::result::Result<String, Error> {
        let template = self.environment.get_template(name)?;
        template.render(row.fields.clone())
    }
}

/// The name by which a body is escaped as it has to be.
fn body_name(name: &'static str, markup: Markup) -> &'static str {
    match markup {
        Markup::Html => HTML,
        Markup::Plain | Markup::Markdown => name,
    }
}

fn escaping(name: &str) -> AutoEscape {
    match name {
        HTML => AutoEscape::Html,
        MARKDOWN => AutoEscape::Custom(MARKDOWN.into()),
        _ if name.starts_with(ADDRESSES) => AutoEscape::Custom(ADDRESSES.into()),
        _ => AutoEscape::None,
    }
}

/// The name of a field's template, the `number`th: it says how values are inserted.
pub(super) fn key_of(name: &str, number: usize) -> String {
    if holds_addresses(name) {
        format!("{ADDRESSES}-{number}")
    } else {
        format!("field-{number}")
    }
}

/// Inserts a value; nothing where it is null.
fn insert(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> std::result::Result<(), Error> {
    if value.is_none() {
        return Ok(());
    }
    let custom = match state.auto_escape() {
        AutoEscape::Custom(how) if !value.is_safe() => how.as_ref(),
        AutoEscape::Custom(_) => return Ok(out.write_str(value.as_str().unwrap_or_default())?),
        _ => return escape_formatter(out, state, value),
    };
    let text = value.to_string();
    if custom == MARKDOWN {
        return Ok(out.write_str(&as_markdown(&text))?);
    }
    if text.contains(names::is_mark) {
        let words = format!("\"{}\" holds a control character", excerpt(&text));
        return Err(Error::new(ErrorKind::InvalidOperation, words));
    }
    out.write_fmt(format_args!("{}{text}{}", names::BEGIN, names::END))?;
    Ok(())
}

/// The text so that nothing in it is markup: each sign may stand behind a backslash (CommonMark §2.4), and no line
/// begins with what makes a block.
fn as_markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for (number, line) in text.lines().enumerate() {
        if number > 0 {
            // A hard line break; an empty line would end the paragraph.
            escaped.push_str("\\\n");
        }
        let line = if number > 0 { line.trim_start() } else { line };
        for c in line.chars() {
            if c.is_ascii_punctuation() {
                escaped.push('\\');
            }
            escaped.push(c);
        }
    }
    escaped
}

fn at_field(error: &Error, field: &Field) -> Failure {
    failure(error).at(&field.name).at(field.place)
}

fn in_body(error: &Error, first: usize, name: &str) -> Failure {
    let line = first + error.line().unwrap_or(1) - 1;
    match (name, first) {
        (HTML, 1) => failure(error).at(format_args!("line {line} of --html")),
        _ => failure(error).at(Place::Line(line)),
    }
}

fn failure(error: &Error) -> Failure {
    let words = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    let failure = Failure::new(Kind::Message, words);
    match error.kind() {
        ErrorKind::UndefinedError => failure.with_hint(
            "each name in the template is a field of the row; {% if name is defined %} asks for one that may be missing",
        ),
        _ => failure,
    }
}
