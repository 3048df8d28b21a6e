//! A row rendered by the template: the values of the fields, the files, and the body.
//!
//! Owns how what is inserted is escaped: in HTML as HTML, in Markdown so that it is no markup, in a list of
//! addresses so that it is no other address (`names`). Each template is compiled once. Refuses a field that the
//! row does not have, and a control character where it could end a header field.

use std::sync::Arc;

use minijinja::value::{Object, Value};
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

/// What all fields together are called.
const ROW: &str = "row";
/// Fields that are told where another was sought.
const MOST_NAMED: usize = 10;

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
            rendered.map_err(|error| self.unknown(name, row, in_body(&error, line, name), &error))
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
        rendered.map_err(|error| self.unknown(&field.key, row, at_field(&error, field), &error))
    }

    fn rendered(&self, name: &str, row: &Row) -> std::result::Result<String, Error> {
        let template = self.environment.get_template(name)?;
        template.render(Value::from_object(Names(row.fields.clone())))
    }

    /// The failure with the names in a template that the row does not have, where that is what is wrong.
    fn unknown(&self, name: &str, row: &Row, failure: Failure, error: &Error) -> Failure {
        let (ErrorKind::UndefinedError, Ok(template)) =
            (error.kind(), self.environment.get_template(name))
        else {
            return failure;
        };
        let scope = Arc::new(Names(row.fields.clone()));
        let is_known = |name: &str| {
            scope.get_value_by_str(name).is_some()
                || self.environment.globals().any(|(known, _)| known == name)
        };
        let used = template.undeclared_variables(false);
        let mut unknown: Vec<_> = used.iter().filter(|name| !is_known(name)).collect();
        unknown.sort();
        let Some(first) = unknown.first() else {
            return failure;
        };
        let fields = row.fields.try_iter().into_iter().flatten();
        let fields: Vec<String> = fields.take(MOST_NAMED).map(|it| it.to_string()).collect();
        let more = match row.fields.len() {
            Some(len) if len > fields.len() => ", …",
            _ => "",
        };
        let words = format!(
            "\"{}\" is no field of the data, which has {}{more}",
            excerpt(first),
            fields.join(", ")
        );
        Failure {
            message: failure.message.replace(&told(error), &words),
            ..failure
        }
    }
}

/// What a template may name: each field, and all of them as `row`, for those whose names are not such as a template
/// can hold.
#[derive(Debug)]
struct Names(Value);

impl Object for Names {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let field = self.0.get_attr(key).ok();
        let field = field.filter(|field| !field.is_undefined());
        field.or_else(|| (key == ROW).then(|| self.0.clone()))
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
    // CR alone ends a line, too.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    for (number, line) in text.lines().enumerate() {
        if number > 0 {
            // A hard line break; an empty line would end the paragraph.
            escaped.push_str("\\\n");
        }
        let words = line.trim_start();
        if number == 0 && words.len() < line.len() {
            // More of them, or a tab, would begin a block of code.
            escaped.push(' ');
        }
        for c in words.chars() {
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

fn told(error: &Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

fn failure(error: &Error) -> Failure {
    let failure = Failure::new(Kind::Message, told(error));
    match error.kind() {
        ErrorKind::UndefinedError => failure.with_hint(
            "each name in the template is a field of the row; {% if name is defined %} asks for one that may be missing",
        ),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_white_space_of_a_value_begins_a_block_in_markdown() {
        for (text, escaped) in [
            ("    code", " code"),
            ("\tcode", " code"),
            ("a\r\r- b", "a\\\n\\\n\\- b"),
            ("a\r\n    b", "a\\\nb"),
        ] {
            assert_eq!(as_markdown(text), escaped);
        }
    }
}
