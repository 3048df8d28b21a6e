//! The output of a command as text for people.
//!
//! Owns what becomes of octets that no mail reader shows as they are meant: colours and other escape
//! sequences are left out, a carriage return ends a line, other control characters are replaced by
//! their pictures, and what is not UTF-8 by U+FFFD. Says whether anything was changed.

/// Text of some octets.
pub(super) struct Readable {
    pub(super) text: String,
    /// Whether it has every octet as it was, but for the kind of line end.
    pub(super) is_exact: bool,
}

/// The text that these octets are.
pub(super) fn readable(octets: &[u8]) -> Readable {
    let mut readable = Readable {
        text: String::with_capacity(octets.len()),
        is_exact: true,
    };
    for chunk in octets.utf8_chunks() {
        readable.add(chunk.valid());
        if !chunk.invalid().is_empty() {
            readable.change('\u{fffd}');
        }
    }
    readable
}

impl Readable {
    fn add(&mut self, text: &str) {
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let after = &rest[c.len_utf8()..];
            rest = match c {
                '\n' | '\t' => {
                    self.text.push(c);
                    after
                }
                '\r' if after.starts_with('\n') => after,
                '\r' => {
                    self.change('\n');
                    after
                }
                '\u{1b}' => {
                    if let Some(rest) = behind_sequence(after) {
                        self.is_exact = false;
                        rest
                    } else {
                        self.change('\u{241b}');
                        after
                    }
                }
                '\0'..'\u{20}' => {
                    let picture = char::from_u32(0x2400 + u32::from(c));
                    self.change(picture.unwrap_or('\u{fffd}'));
                    after
                }
                '\u{7f}' => {
                    self.change('\u{2421}');
                    after
                }
                c if c.is_control() => {
                    self.change('\u{fffd}');
                    after
                }
                c => {
                    self.text.push(c);
                    after
                }
            };
        }
    }

    fn change(&mut self, c: char) {
        self.text.push(c);
        self.is_exact = false;
    }
}

/// What follows a control sequence (ECMA-48 §5.4), of which the escape was taken.
fn behind_sequence(text: &str) -> Option<&str> {
    let parameters = text.strip_prefix('[')?;
    let end = parameters.find(|c| !matches!(c, ' '..='?'))?;
    let last = parameters[end..].chars().next()?;
    matches!(last, '@'..='~').then(|| &parameters[end + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_as_it_is() {
        for text in ["", "a\tb\n", "Grüße\n", "no end"] {
            let readable = readable(text.as_bytes());
            assert!(readable.is_exact && readable.text == text, "{text}");
        }
        let crlf = readable(b"a\r\nb\r\n");
        assert!(crlf.is_exact && crlf.text == "a\nb\n");
    }

    #[test]
    fn what_no_reader_shows_is_replaced() {
        for (octets, text) in [
            (&b"10%\r20%\r\n"[..], "10%\n20%\n"),
            (b"\x1b[1;31mred\x1b[0m", "red"),
            (b"\x1b[", "\u{241b}["),
            (b"\x1b]0;title\x07", "\u{241b}]0;title\u{2407}"),
            (b"a\0b\x7f\x08", "a\u{2400}b\u{2421}\u{2408}"),
            (b"J\xf6rg \xe2\x82", "J\u{fffd}rg \u{fffd}"),
            ("\u{9b}2J".as_bytes(), "\u{fffd}2J"),
        ] {
            let readable = readable(octets);
            assert!(!readable.is_exact, "{text}");
            assert_eq!(readable.text, text);
        }
    }
}
