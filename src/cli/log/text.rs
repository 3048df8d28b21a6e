//! A line of the log as `key=value` after `key=value`.
//!
//! A value stands in quotes where it is empty or holds anything but letters, digits and what is usual in
//! names and addresses; then `"` and `\` have a `\` before them, and what shows nothing is written
//! as `\u{…}`. So that no server can make a second line, or a second value.

use std::fmt::Write as _;

use super::Entry;
use crate::cli::json::{Recipient, ReplyFields};
use crate::cli::moment::rfc3339;
use crate::failure::is_invisible;

/// Most characters of one value where the line has a limit.
pub(super) const VALUE_MAX: usize = 400;
/// Octets kept for telling how much was left out.
const REST: usize = 24;

/// The line, of so many octets at most where there is a `limit`. What does not fit is counted.
pub(super) fn line(entry: &Entry<'_>, limit: Option<usize>) -> String {
    let mut line = Line {
        text: String::new(),
        limit,
        left_out: 0,
    };
    let result = entry.result;
    line.add("time", rfc3339(entry.time).as_deref());
    line.add("status", Some(result.status));
    line.add("exit", Some(&result.exit.to_string()));
    if let Some(server) = &result.server {
        line.add("host", Some(&server.host));
        line.add("port", Some(&server.port.to_string()));
        line.add("tls", Some(server.tls.as_deref().unwrap_or("none")));
        line.add("cipher", server.cipher.as_deref());
    }
    line.add("auth", result.auth);
    line.add("user", entry.user);
    line.add("from", result.envelope_from);
    line.add("message-id", result.message_id);
    line.add("size", result.size.map(|size| size.to_string()).as_deref());
    line.add("queue-id", result.queue_id);
    line.add("ms", Some(&result.duration_ms.to_string()));
    line.add("reply", result.reply.as_ref().map(reply).as_deref());
    let error = result.error.as_ref().map(|error| error.message.as_str());
    line.add("error", error);
    for recipient in &result.recipients {
        line.add(recipient.status, Some(&recipient.address));
        line.add("cause", cause(recipient).as_deref());
    }
    line.end()
}

fn reply(reply: &ReplyFields) -> String {
    words(reply.code, reply.enhanced.as_deref(), &reply.text)
}

/// What was said of this recipient, where it was not accepted; what was said of all is the error.
fn cause(recipient: &Recipient) -> Option<String> {
    let code = recipient.code.filter(|_| recipient.status != "accepted")?;
    Some(words(code, recipient.enhanced.as_deref(), &recipient.text))
}

fn words(code: u16, enhanced: Option<&str>, text: &str) -> String {
    let mut words = code.to_string();
    for part in [enhanced.unwrap_or_default(), text] {
        if !part.is_empty() {
            words.push(' ');
            words.push_str(part);
        }
    }
    words
}

struct Line {
    text: String,
    limit: Option<usize>,
    left_out: usize,
}

impl Line {
    fn add(&mut self, key: &str, value: Option<&str>) {
        let Some(value) = value else { return };
        let most = self.limit.map_or(usize::MAX, |_| VALUE_MAX);
        let item = format!("{key}={}", quoted(&shortened(value, most)));
        let room = self.limit.map_or(usize::MAX, |limit| limit - REST);
        if self.text.len() + 1 + item.len() > room {
            self.left_out += 1;
            return;
        }
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(&item);
    }

    fn end(mut self) -> String {
        if self.left_out > 0 {
            let _ = write!(self.text, " left-out={}", self.left_out);
        }
        self.text
    }
}

/// The first characters, where there are more than so many.
pub(super) fn shortened(value: &str, most: usize) -> String {
    match value.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "@.-_+:/<>[],'*&%$#!?^`{|}~();".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    let mut text = String::from('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            c if c.is_control() || is_invisible(c) => text.extend(c.escape_unicode()),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_value_whatever_it_holds() {
        for (value, written) in [
            ("a@example.com", "a@example.com"),
            ("<x@y>", "<x@y>"),
            ("", r#""""#),
            ("a b", r#""a b""#),
            ("x=y", r#""x=y""#),
            (r#"a"b\"#, r#""a\"b\\""#),
            ("a\nexit=0", r#""a\u{a}exit=0""#),
            ("\u{202e}", r#""\u{202e}""#),
            ("jörg@exämple.de", "jörg@exämple.de"),
        ] {
            assert_eq!(quoted(value), written);
        }
    }
}
