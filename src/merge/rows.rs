//! The rows of a data file: CSV, TSV or JSON Lines, one after the other.
//!
//! Owns where a row stands and what its fields are called. Read as a stream, so that any number of rows
//! takes the memory of one, and as often as wanted: each reading gives the same rows, or learns that the
//! file was changed. Refuses, by line and column, rows of another length than the first, names that come
//! twice or are empty, and what is not UTF-8 or not JSON. RFC 4180, RFC 8259.

mod json;
mod separated;
mod source;
mod start;

use std::io::BufReader;
use std::path::Path;
use std::str::FromStr;

use minijinja::value::Value;

use self::json::Json;
use self::separated::Separated;
use self::source::Source;
use crate::failure::{Failure, Kind, Result};
use crate::message::Store;

/// Octets that are read at once.
const BLOCK: usize = 64 * 1024;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values; the first row has the names. Semicolons separate them where it has no comma.
    Csv,
    /// The same with tabs.
    Tsv,
    /// A JSON object on each line.
    JsonLines,
}

impl Format {
    /// What the end of a file's name says: `.csv`, `.tsv` (or `.tab`), `.jsonl` (or `.ndjson`).
    pub fn of(path: &Path) -> Option<Self> {
        path.extension()?.to_str()?.parse().ok()
    }
}

impl FromStr for Format {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "csv" => Ok(Self::Csv),
            "tsv" | "tab" => Ok(Self::Tsv),
            "jsonl" | "ndjson" => Ok(Self::JsonLines),
            _ => {
                let words = format!("\"{text}\" is none of csv, tsv, jsonl");
                Err(Failure::new(Kind::Usage, words))
            }
        }
    }
}

/// A row and where it stands.
#[derive(Debug, Clone)]
pub struct Row {
    /// Counted from 1, without the row of names and without empty lines.
    pub number: u64,
    /// The line on which it begins, counted from 1.
    pub line: u64,
    /// Its fields by their names.
    pub(super) fields: Value,
}

impl Row {
    /// The text of the field that is called so in any case, a list with commas; none when there is no such
    /// field or nothing in it.
    pub(super) fn text_of(&self, name: &str) -> Option<String> {
        let is_it = |key: &Value| {
            key.as_str()
                .is_some_and(|key| key.eq_ignore_ascii_case(name))
        };
        let key = self.fields.try_iter().ok()?.find(is_it)?;
        let text = listed(&self.fields.get_item(&key).ok()?);
        Some(text).filter(|text| !text.trim().is_empty())
    }
}

/// A value as text; the members of a list with commas between.
pub(super) fn listed(value: &Value) -> String {
    match value.try_iter() {
        _ if value.as_str().is_some() => value.to_string(),
        Ok(members) => members
            .map(|it| it.to_string())
            .collect::<Vec<_>>()
            .join(", "),
        Err(_) if value.is_none() || value.is_undefined() => String::new(),
        Err(_) => value.to_string(),
    }
}

/// The rows, as they are read.
pub struct Rows {
    lines: Lines,
    number: u64,
    /// What was wrong was the last that can be told.
    over: bool,
}

enum Lines {
    Separated(Box<Separated>),
    Json(Box<Json>),
}

impl Rows {
    /// The rows in `data`, from the first on.
    ///
    /// # Errors
    /// [`Kind::Message`] when the names in the first row are not all there, each once; [`Kind::Io`] when it
    /// cannot be read.
    pub fn new(data: &Store, format: Format) -> Result<Self> {
        let beginning = start::beginning(data)?;
        let separator = start::separator(&beginning);
        let source = Source::new(data.clone());
        let lines = match format {
            Format::Csv => Lines::Separated(Box::new(Separated::new(source, separator)?)),
            Format::Tsv => Lines::Separated(Box::new(Separated::new(source, b'\t')?)),
            Format::JsonLines => Lines::Json(Box::new(Json {
                input: BufReader::with_capacity(BLOCK, source),
                line: 0,
            })),
        };
        Ok(Self {
            lines,
            number: 0,
            over: false,
        })
    }

    /// How many rows were read, those among them that are bad.
    pub fn so_far(&self) -> u64 {
        self.number
    }

    /// SHA-256 of what was read: of all of it, once there are no more rows.
    pub fn digest(self) -> [u8; 32] {
        let source = match self.lines {
            Lines::Separated(separated) => separated.reader.into_inner(),
            Lines::Json(json) => json.input.into_inner(),
        };
        let digest = source.digest.finish();
        std::array::from_fn(|at| digest.as_ref()[at])
    }
}

/// An error is about one row, and others may follow; one of [`Kind::Io`] is the last.
impl Iterator for Rows {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let read = match &mut self.lines {
            Lines::Separated(separated) => separated.next(),
            Lines::Json(json) => json.next(),
        };
        self.over = !matches!(&read, Some(Err(failure)) if failure.kind != Kind::Io)
            && !matches!(&read, Some(Ok(_)));
        let read = read?;
        self.number += 1;
        Some(read.map(|(line, fields)| Row {
            number: self.number,
            line,
            fields,
        }))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn rows(text: &[u8], format: Format) -> Vec<std::result::Result<(u64, u64, String), String>> {
        let told = |row: Result<Row>| match row {
            Ok(row) => {
                let names: Vec<Value> = row.fields.try_iter().unwrap().collect();
                let fields = names.iter().map(|name| {
                    let value = row.fields.get_item(name).unwrap();
                    format!("{name}={value}")
                });
                Ok((row.number, row.line, fields.collect::<Vec<_>>().join("|")))
            }
            Err(failure) => Err(failure.message),
        };
        match Rows::new(&Store::from(text.to_vec()), format) {
            Ok(rows) => rows.map(told).collect(),
            Err(failure) => vec![Err(failure.message)],
        }
    }

    #[test]
    fn a_row_is_told_by_the_line_it_begins_on() {
        let text = b"\xef\xbb\xbfname,text\r\nBob,\"a, \"\"b\"\"\r\nc\"\r\n\r\nEve,\r\n";
        assert_eq!(
            rows(text, Format::Csv),
            [
                Ok((1, 2, "name=Bob|text=a, \"b\"\nc".into())),
                Ok((2, 5, "name=Eve|text=".into())),
            ]
        );
        let text = b"{\"a\": 1, \"b\": [\"x\", \"y\"]}\n\n{\"a\": \"z\"}";
        let rows = rows(text, Format::JsonLines);
        assert_eq!(rows[0], Ok((1, 1, "a=1|b=['x', 'y']".into())));
        assert_eq!(rows[1], Ok((2, 3, "a=z".into())));
    }

    #[test]
    fn what_is_wrong_is_told_by_line_and_column_and_the_rest_is_read() {
        for (text, format, wrong) in [
            (
                &b"a,b\n1\n1,2\n"[..],
                Format::Csv,
                "line 2: 1 fields instead of 2",
            ),
            (
                b"a\tb\n1\t\xff\n1\t2\n",
                Format::Tsv,
                "line 2: column 2: not valid UTF-8",
            ),
            (
                b"{\"a\": }\n{}\n",
                Format::JsonLines,
                "line 1, column 7: expected value",
            ),
            (b"[1]\n{}\n", Format::JsonLines, "line 1: not a JSON object"),
            (
                b"{\"a\": \"\xff\"}\n{}\n",
                Format::JsonLines,
                "line 1, column",
            ),
        ] {
            let rows = rows(text, format);
            let first = rows[0].as_ref().unwrap_err();
            assert!(first.starts_with(wrong), "{first}");
            assert_eq!(rows.len(), 2, "{wrong}");
            assert!(rows[1].is_ok(), "{wrong}");
        }
    }

    #[test]
    fn every_field_has_a_name_of_its_own() {
        for (text, wrong) in [
            ("", "there is no row of names in it"),
            ("a,b,a\n", "line 1: column 3: the name \"a\" comes twice"),
            ("a,,b\n", "line 1: column 2: the name is empty"),
            (",\n", "line 1: column 1: the name is empty"),
        ] {
            assert_eq!(rows(text.as_bytes(), Format::Csv), [Err(wrong.to_owned())]);
        }
    }

    #[test]
    fn semicolons_separate_where_the_names_have_no_comma() {
        let text = b"name;note\nA;1,5\n\"B;C\";\"2;5\"\n";
        let read = [
            Ok((1, 2, "name=A|note=1,5".to_owned())),
            Ok((2, 3, "name=B;C|note=2;5".to_owned())),
        ];
        assert_eq!(rows(text, Format::Csv), read);
        let comma = rows(b"a,b;c\n1,2\n", Format::Csv);
        assert_eq!(comma, [Ok((1, 2, "a=1|b;c=2".to_owned()))]);
    }

    #[test]
    fn a_last_column_without_name_and_values_is_none() {
        let read = rows(b"a;b;\n1;2;\n3;4;5\n", Format::Csv);
        let first = Ok((1, 2, "a=1|b=2".to_owned()));
        let second = Err("line 3: column 3: \"5\" stands in a column without a name".to_owned());
        assert_eq!(read, [first, second]);
    }

    #[test]
    fn what_is_no_file_of_rows_is_told() {
        for (octets, wrong) in [
            (&b"PK\x03\x04\x14\0"[..], "it is a spreadsheet (Excel) file"),
            (b"\xff\xfea\0\n\0", "it is in UTF-16"),
            (b"a,b\r1,2\r3,4\r", "its lines end in CR alone"),
        ] {
            for format in [Format::Csv, Format::JsonLines] {
                assert_eq!(rows(octets, format), [Err(wrong.to_owned())]);
            }
        }
        assert_eq!(rows(b"a,b\r", Format::Csv), []);
    }

    #[test]
    fn a_file_that_is_changed_between_two_readings_is_noticed() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"a\n1\n").unwrap();
        let store = Store::in_place(file.try_clone().unwrap(), 0).unwrap();
        let digest = |store: &Store| {
            let mut rows = Rows::new(store, Format::Csv).unwrap();
            assert!(rows.by_ref().all(|row| row.is_ok()));
            rows.digest()
        };
        assert_eq!(digest(&store), digest(&Store::from(b"a\n1\n".to_vec())));
        file.write_all(b"2\n").unwrap();
        let failure = Rows::new(&store, Format::Csv).err().unwrap();
        assert_eq!(failure.kind, Kind::Io);
    }

    #[test]
    fn a_column_is_found_in_any_case_and_a_list_has_commas() {
        let text = b"{\"Email\": [\"a@x.org\", \"b@x.org\"], \"cc\": null, \"n\": 3}";
        let mut rows = Rows::new(&Store::from(text.to_vec()), Format::JsonLines).unwrap();
        let row = rows.next().unwrap().unwrap();
        assert_eq!(row.text_of("email").as_deref(), Some("a@x.org, b@x.org"));
        assert_eq!(row.text_of("cc"), None);
        assert_eq!(row.text_of("N").as_deref(), Some("3"));
        assert_eq!(row.text_of("to"), None);
    }
}
