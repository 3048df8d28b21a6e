//! Roff, as far as a manual page needs it: macros of man(7), and text in which nothing is taken for a request.
//!
//! Owns the escapes (groff_char(7)): every hyphen is the one that can be typed, so that what is copied from
//! the page works; what is not ASCII is named by its number, which every formatter reads.

use std::fmt::Write as _;

/// Octets of a line of the source, where they can be so few.
const WIDTH: usize = 80;

/// A page that is being written.
#[derive(Default)]
pub(super) struct Page(String);

impl Page {
    /// The page.
    pub(super) fn into_text(self) -> String {
        self.0
    }

    /// A macro and its arguments.
    pub(super) fn request(&mut self, name: &str, arguments: &[&str]) {
        let _ = write!(self.0, ".{name}");
        for argument in arguments {
            let _ = write!(self.0, " \"{}\"", escaped(argument));
        }
        self.0.push('\n');
    }

    /// A line of text, which is filled with those around it.
    pub(super) fn line(&mut self, parts: &[Part<'_>]) {
        let start = self.0.len();
        for part in parts {
            match part {
                Part::Plain(text) => self.0.push_str(&escaped(text)),
                Part::Bold(text) => self.set_in('B', text),
                Part::Italic(text) => self.set_in('I', text),
            }
        }
        if self.0[start..].starts_with(['.', '\'']) {
            self.0.insert_str(start, "\\&");
        }
        self.0.push('\n');
    }

    fn set_in(&mut self, font: char, text: &str) {
        if !text.is_empty() {
            let _ = write!(self.0, "\\f{font}{}\\fR", escaped(text));
        }
    }

    /// Paragraphs, separated by empty lines; lines that are indented are printed as they are. `between` is
    /// the macro that starts another paragraph.
    pub(super) fn prose(&mut self, text: &str, between: &str) {
        for (index, paragraph) in text.split("\n\n").enumerate() {
            if index > 0 {
                self.request(between, &[]);
            }
            let is_kept = |line: &&str| line.starts_with(' ');
            let mut lines = paragraph.lines().peekable();
            while lines.peek().is_some() {
                let filled = std::iter::from_fn(|| lines.next_if(|line| !is_kept(line)));
                let filled: Vec<&str> = filled.collect();
                self.filled(&filled.join(" "));
                let kept = std::iter::from_fn(|| lines.next_if(is_kept));
                let kept: Vec<&str> = kept.collect();
                if !kept.is_empty() {
                    self.request("nf", &[]);
                    kept.iter().for_each(|line| self.line(&[Part::Plain(line)]));
                    self.request("fi", &[]);
                }
            }
        }
    }

    /// Words in lines that are not long.
    fn filled(&mut self, text: &str) {
        let mut line = String::new();
        for word in text.split_ascii_whitespace() {
            if !line.is_empty() && escaped(&line).len() + 1 + escaped(word).len() > WIDTH {
                self.line(&[Part::Plain(&line)]);
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        if !line.is_empty() {
            self.line(&[Part::Plain(&line)]);
        }
    }

    /// Lines to be typed.
    pub(super) fn commands(&mut self, commands: &[&str]) {
        self.request("nf", &[]);
        self.request("RS", &["4"]);
        for command in commands {
            self.line(&[Part::Bold(command)]);
        }
        self.request("RE", &[]);
        self.request("fi", &[]);
    }
}

/// A part of a line.
pub(super) enum Part<'t> {
    Plain(&'t str),
    Bold(&'t str),
    Italic(&'t str),
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => escaped.push_str("\\e"),
            '-' => escaped.push_str("\\-"),
            '\'' => escaped.push_str("\\(aq"),
            '"' => escaped.push_str("\\(dq"),
            '`' => escaped.push_str("\\(ga"),
            '^' => escaped.push_str("\\(ha"),
            '~' => escaped.push_str("\\(ti"),
            other if other.is_ascii() => escaped.push(other),
            other => {
                let _ = write!(escaped, "\\[u{:04X}]", u32::from(other));
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_taken_for_a_request() {
        let mut page = Page::default();
        page.line(&[Part::Plain(".TH 'a' \\n")]);
        page.line(&[Part::Bold("--x"), Part::Plain(" \u{2026}")]);
        page.prose("'twas\n.so it\n  .in\n\nend", "PP");
        page.request("SH", &["A \"B\""]);
        let expected = "\\&.TH \\(aqa\\(aq \\en\n\\fB\\-\\-x\\fR \\[u2026]\n\\(aqtwas .so it\n.nf\n  .in\n.fi\n.PP\nend\n.SH \"A \\(dqB\\(dq\"\n";
        assert_eq!(page.into_text(), expected);
    }
}
