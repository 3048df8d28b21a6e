//! Parameters such as the file name in a Content-Disposition, in ASCII and beyond.
//!
//! Owns their form on the wire: quoted where they are short and printable, else RFC 2231 extended
//! values, cut into continuations between characters; and, for readers that do not know these, encoded
//! words in quotes, which no RFC allows and most programs write and read. Refuses (with none) what does
//! not read as `value; name=value; …`.

use std::fmt::Write as _;

use email_encoding::headers::writer::EmailWriter;

use crate::address::words::{self, Charset};

/// Characters of one extended value; with its name and the charset it fits a line.
const PIECE_MAX: usize = 45;
/// Octets of a parameter's name.
const NAME_MAX: usize = 20;
/// Octets of a quoted value; with its name it fits a line.
const QUOTED_MAX: usize = 60;
/// What stands for itself in an extended value, beside letters and digits (RFC 5987 §3.2.1).
const PLAIN: &str = "!#$&+-.^_`{|}~";

/// Puts a parameter at the end of `out`, on a line of its own.
pub(super) fn push(name: &str, value: &str, out: &mut String) {
    out.push_str(";\r\n ");
    match quoted(value) {
        Some(value) => out.push_str(&format!("{name}={value}")),
        None => extended(name, value, Charset::Utf8, out),
    }
}

/// The same for readers that know no extended values.
pub(super) fn push_for_old_readers(name: &str, value: &str, out: &mut String) {
    let start = format!(" {name}=\"");
    let mut value = quoted(value).unwrap_or_else(|| {
        let mut encoded = String::from("\"");
        let mut writer = EmailWriter::new(&mut encoded, start.len(), 0, false);
        // Writing to memory does not fail.
        let _ = words::encoded(value, Charset::Utf8, &mut writer);
        drop(writer);
        encoded + "\""
    });
    value.insert_str(0, start.trim_end_matches('"'));
    out.push_str(";\r\n");
    out.push_str(&value);
}

/// A value in quotes, where nobody could take it for something else.
fn quoted(value: &str) -> Option<String> {
    let inner = value.replace('\\', "\\\\").replace('"', "\\\"");
    let good = value.bytes().all(|b| matches!(b, b' '..=b'~'))
        && inner.len() <= QUOTED_MAX
        && value.trim() == value
        && !value.contains("=?");
    good.then(|| format!("\"{inner}\""))
}

/// `text` with its non-ASCII parameters encoded, each parameter on a line of its own.
pub(super) fn encoded(text: &str, charset: Charset) -> Option<String> {
    let (value, mut rest) = text.split_once(';').unwrap_or((text, ""));
    let mut out = printable(value.trim())?.to_owned();
    while !rest.trim().is_empty() {
        let (name, after) = rest.split_once('=')?;
        let name = token(name.trim())?;
        let (raw, value, after) = parameter_value(after.trim_start())?;
        out.push_str(";\r\n ");
        match printable(raw.trim_end()) {
            Some(raw) => write!(out, "{name}={raw}").ok()?,
            None if name.ends_with('*') || name.len() > NAME_MAX => return None,
            None => extended(name, &value, charset, &mut out),
        }
        rest = after;
    }
    Some(out)
}

/// The value of the parameter of this name in `value; name=value; …`, without its quotes.
pub(super) fn named(text: &str, name: &str) -> Option<String> {
    let (_, mut rest) = text.split_once(';')?;
    loop {
        let (other, after) = rest.split_once('=')?;
        let (_, value, after) = parameter_value(after.trim_start())?;
        if other.trim().eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = after;
    }
}

/// The value at the start of `text`: as it stands, without its quotes, and what follows its `;`.
fn parameter_value(text: &str) -> Option<(&str, String, &str)> {
    let Some(inner) = text.strip_prefix('"') else {
        let (raw, after) = text.split_once(';').unwrap_or((text, ""));
        return Some((raw, raw.trim().to_owned(), after));
    };
    let mut value = String::new();
    let mut escaped = false;
    for (at, c) in inner.char_indices() {
        match c {
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            '"' if !escaped => {
                let (raw, after) = text.split_at(at + 2);
                let after = after.trim_start();
                let rest = after.strip_prefix(';');
                return rest
                    .or(after.is_empty().then_some(""))
                    .map(|rest| (raw, value, rest));
            }
            c => value.push(c),
        }
        escaped = false;
    }
    None
}

fn extended(name: &str, value: &str, charset: Charset, out: &mut String) {
    let label = match charset {
        Charset::Utf8 => "utf-8",
        Charset::Unknown8bit => "unknown-8bit",
    };
    let mut pieces = vec![String::new()];
    for c in value.chars() {
        let c = percent_encoded(c, charset, PLAIN);
        match pieces.last_mut() {
            Some(piece) if piece.len() + c.len() <= PIECE_MAX => piece.push_str(&c),
            _ => pieces.push(c),
        }
    }
    if let [piece] = pieces.as_slice() {
        out.push_str(&format!("{name}*={label}''{piece}"));
        return;
    }
    for (index, piece) in pieces.iter().enumerate() {
        let label = if index == 0 {
            format!("{label}''")
        } else {
            String::new()
        };
        let between = if index == 0 { "" } else { ";\r\n " };
        out.push_str(&format!("{between}{name}*{index}*={label}{piece}"));
    }
}

/// A character as it is, if it is an ASCII letter or digit or `plain`, else its octets.
pub(super) fn percent_encoded(c: char, charset: Charset, plain: &str) -> String {
    let mut buffer = [0; 4];
    let text = c.encode_utf8(&mut buffer);
    if c.is_ascii_alphanumeric() || plain.contains(c) {
        return text.to_owned();
    }
    let octets = words::octets(text, charset);
    octets.iter().map(|octet| format!("%{octet:02X}")).collect()
}

fn printable(text: &str) -> Option<&str> {
    let short = text.len() <= words::WORD_MAX;
    (short && text.bytes().all(|b| matches!(b, b' '..=b'~'))).then_some(text)
}

fn token(name: &str) -> Option<&str> {
    let good = |b: u8| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&b);
    (!name.is_empty() && name.len() <= 76 && name.bytes().all(good)).then_some(name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_beyond_ascii_becomes_an_extended_value() {
        for (text, value) in [
            (
                "attachment; filename=\"caf\u{e9} \\\"1\\\".txt\"; size=1",
                "attachment;\r\n filename*=utf-8''caf%C3%A9%20%221%22.txt;\r\n size=1",
            ),
            (
                "text/plain; name=\u{e9}; charset=utf-8;",
                "text/plain;\r\n name*=utf-8''%C3%A9;\r\n charset=utf-8",
            ),
            (
                "a; b=\"x;y=z\"; c=\u{e9}",
                "a;\r\n b=\"x;y=z\";\r\n c*=utf-8''%C3%A9",
            ),
        ] {
            assert_eq!(encoded(text, Charset::Utf8).unwrap(), value);
        }
        let latin = words::undecoded(b"a; b=\"J\xf6rg\"");
        assert_eq!(
            encoded(&latin, Charset::Unknown8bit).unwrap(),
            "a;\r\n b*=unknown-8bit''J%F6rg"
        );
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let text = format!("a; filename=\"{}\"", "\u{1f600}".repeat(50));
        let value = encoded(&text, Charset::Utf8).unwrap();
        assert!(value.split("\r\n").all(|line| line.len() <= 78), "{value}");
        assert!(value.contains("filename*0*=utf-8''%F0%9F%98%80"));
        assert!(value.contains("\r\n filename*1*=%F0%9F%98%80"));
    }

    #[test]
    fn a_value_is_quoted_where_everybody_reads_it_so() {
        for (value, written) in [
            ("a b.txt", "\"a b.txt\""),
            ("a\"b\\c;d.txt", r#""a\"b\\c;d.txt""#),
            ("", "\"\""),
        ] {
            let (mut new, mut old) = (String::new(), String::new());
            push("filename", value, &mut new);
            push_for_old_readers("name", value, &mut old);
            assert_eq!(new, format!(";\r\n filename={written}"));
            assert_eq!(old, format!(";\r\n name={written}"));
        }
    }

    #[test]
    fn old_readers_get_encoded_words_and_no_line_is_long() {
        let mut value = String::new();
        push_for_old_readers("name", "caf\u{e9}.txt", &mut value);
        assert_eq!(value, ";\r\n name=\"=?utf-8?b?Y2Fmw6kudHh0?=\"");
        for value in [
            "\u{1f600}".repeat(64),
            "x".repeat(255),
            "=?utf-8?b?YQ==?=".into(),
            " a".into(),
        ] {
            let mut out = String::new();
            push("filename", &value, &mut out);
            push_for_old_readers("name", &value, &mut out);
            assert!(out.contains("filename*") && out.contains("name=\"=?utf-8?"));
            assert!(out.split("\r\n").all(|line| line.len() <= 78), "{out}");
        }
    }

    #[test]
    fn what_does_not_read_as_parameters_is_not_guessed_at() {
        for text in [
            "t\u{e9}xt/plain",
            "a; \u{e9}",
            "a; b=\"\u{e9}",
            "a; b=\"\u{e9}\" c",
            "a; b\u{e9}=1",
            "a; b*=\u{e9}",
        ] {
            assert_eq!(encoded(text, Charset::Utf8), None, "{text}");
        }
    }
}
