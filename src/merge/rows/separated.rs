//! Rows with a separator between their fields, and names in the first of them.
//!
//! A field that holds the separator, a quote or a line end stands in double quotes. RFC 4180.

use std::collections::HashMap;
use std::sync::Arc;

use csv::ByteRecord;
use minijinja::value::{Enumerator, Object, Value};

use super::BLOCK;
use super::source::Source;
use crate::failure::{Failure, Kind, Result, excerpt};
use crate::message::unreadable;

/// Rows with a character between their fields.
pub(super) struct Separated {
    pub(super) reader: csv::Reader<Source>,
    names: Arc<Names>,
    record: ByteRecord,
}

/// What the fields are called.
#[derive(Debug)]
struct Names {
    in_order: Vec<Arc<str>>,
    places: HashMap<Arc<str>, usize>,
}

/// One row of them.
#[derive(Debug)]
struct Fields {
    names: Arc<Names>,
    values: Vec<Value>,
}

impl Object for Fields {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let place = *self.names.places.get(key)?;
        self.values.get(place).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let names = self.names.in_order.iter();
        Enumerator::Values(names.map(|name| Value::from(Arc::clone(name))).collect())
    }
}

impl Separated {
    pub(super) fn new(source: Source, separator: u8) -> Result<Self> {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(separator)
            .terminator(csv::Terminator::Any(b'\n'))
            .has_headers(false)
            .buffer_capacity(BLOCK)
            .from_reader(source);
        let mut record = ByteRecord::new();
        let is_there = reader
            .read_byte_record(&mut record)
            .map_err(|error| wrong(&error, 1))?;
        if !is_there {
            let words = "there is no row of names in it";
            return Err(Failure::new(Kind::Message, words));
        }
        let names = Arc::new(names(&record).map_err(|failure| failure.at("line 1"))?);
        Ok(Self {
            reader,
            names,
            record,
        })
    }

    pub(super) fn next(&mut self) -> Option<Result<(u64, Value)>> {
        let read = self.reader.read_byte_record(&mut self.record);
        // The reader counts empty lines to the row behind them; each line of the row has its end.
        let line_feeds = memchr::memchr_iter(b'\n', self.record.as_slice()).count() as u64;
        let line = self.reader.position().line() - 1 - line_feeds;
        match read {
            Ok(false) => None,
            Err(error) => Some(Err(wrong(&error, line))),
            Ok(true) => {
                let values = values(&self.record, self.names.in_order.len());
                Some(match values {
                    Ok(values) => {
                        let names = Arc::clone(&self.names);
                        Ok((line, Value::from_object(Fields { names, values })))
                    }
                    Err(failure) => Err(failure.at(format_args!("line {line}"))),
                })
            }
        }
    }
}

fn names(record: &ByteRecord) -> Result<Names> {
    let mut names = Names {
        in_order: Vec::new(),
        places: HashMap::new(),
    };
    for (place, octets) in record.iter().enumerate() {
        let refuse = |why: String| {
            let words = format!("column {}: {why}", place + 1);
            Err(Failure::new(Kind::Message, words)
                .with_hint("the first row names the fields: each has a name of its own"))
        };
        let Ok(name) = str::from_utf8(octets).map(str::trim) else {
            return refuse("the name is not valid UTF-8".to_owned());
        };
        if name.is_empty() && 0 < place && place + 1 == record.len() {
            // A separator at the end of each line separates nothing.
            break;
        }
        if name.is_empty() {
            return refuse("the name is empty".to_owned());
        }
        let name: Arc<str> = name.into();
        if names.places.insert(Arc::clone(&name), place).is_some() {
            return refuse(format!("the name \"{}\" comes twice", excerpt(&name)));
        }
        names.in_order.push(name);
    }
    Ok(names)
}

/// The values of the columns that have names.
fn values(record: &ByteRecord, named: usize) -> Result<Vec<Value>> {
    if let Some(more) = record.get(named)
        && !more.trim_ascii().is_empty()
    {
        let more = String::from_utf8_lossy(more);
        let words = format!(
            "column {}: \"{}\" stands in a column without a name",
            named + 1,
            excerpt(&more)
        );
        return Err(Failure::new(Kind::Message, words));
    }
    let value = |(place, octets): (usize, &[u8])| match str::from_utf8(octets) {
        Ok(text) => Ok(Value::from(text)),
        Err(_) => {
            let words = format!("column {}: not valid UTF-8", place + 1);
            Err(Failure::new(Kind::Message, words).with_hint("save the file as UTF-8"))
        }
    };
    record.iter().take(named).enumerate().map(value).collect()
}

/// What is wrong with a row, or with the file.
fn wrong(error: &csv::Error, line: u64) -> Failure {
    match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            let words = format!("line {line}: {len} fields instead of {expected_len}");
            Failure::new(Kind::Message, words)
                .with_hint("a field that holds a separator stands in double quotes")
        }
        csv::ErrorKind::Io(error) => unreadable(error),
        _ => Failure::new(Kind::Message, error.to_string()),
    }
}
