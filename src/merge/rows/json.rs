//! Rows that are JSON objects, one on each line. RFC 8259.

use std::io::{BufRead as _, BufReader};

use minijinja::value::Value;

use super::source::Source;
use crate::failure::{Failure, Kind, Result};
use crate::message::unreadable;

/// An object a line.
pub(super) struct Json {
    pub(super) input: BufReader<Source>,
    pub(super) line: u64,
}

impl Json {
    pub(super) fn next(&mut self) -> Option<Result<(u64, Value)>> {
        let mut octets = Vec::new();
        loop {
            octets.clear();
            match self.input.read_until(b'\n', &mut octets) {
                Ok(0) => return None,
                Ok(_) => self.line += 1,
                Err(error) => return Some(Err(unreadable(&error))),
            }
            let text = match self.line {
                1 => octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&octets),
                _ => &octets,
            };
            if !text.trim_ascii().is_empty() {
                return Some(self.object(text).map(|fields| (self.line, fields)));
            }
        }
    }

    fn object(&self, text: &[u8]) -> Result<Value> {
        let read = serde_json::from_slice::<serde_json::Value>(text);
        let line = self.line;
        match read {
            Ok(object) if object.is_object() => Ok(value(object)),
            Ok(_) => {
                let words = format!("line {line}: not a JSON object");
                Err(Failure::new(Kind::Message, words)
                    .with_hint("each line holds one object: {\"name\": \"value\", …}"))
            }
            Err(error) => {
                let text = error.to_string();
                let what = text.split(" at line ").next().unwrap_or_default();
                let words = format!("line {line}, column {}: {what}", error.column());
                Err(Failure::new(Kind::Message, words))
            }
        }
    }
}

/// What the template sees of it.
fn value(json: serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::from(()),
        Json::Bool(it) => Value::from(it),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Value::from(number),
            (None, Some(number)) => Value::from(number),
            (None, None) => Value::from(number.as_f64()),
        },
        Json::String(text) => Value::from(text),
        Json::Array(members) => members.into_iter().map(value).collect(),
        Json::Object(fields) => {
            Value::from_pairs(fields.into_iter().map(|(name, field)| (name, value(field))))
        }
    }
}
