//! The line that ends a message where it is typed to sendmail: a dot alone.
//!
//! Owns finding it in octets that come piece by piece, with either line end. A dot that ends the
//! input without a line end counts too. Nothing is unstuffed: this is no SMTP.

use memchr::memchr;

/// Looks for the dot.
#[derive(Debug, Default)]
pub(crate) struct LoneDot {
    /// The start of a line that may become one.
    held: Vec<u8>,
    inside_a_line: bool,
}

impl LoneDot {
    /// What of these octets, and of those held back, stands before a lone dot; and whether it came.
    pub(crate) fn before(&mut self, octets: &[u8]) -> (Vec<u8>, bool) {
        let mut text = std::mem::take(&mut self.held);
        text.extend_from_slice(octets);
        let mut line = if self.inside_a_line {
            line_after(&text, 0)
        } else {
            Some(0)
        };
        while let Some(start) = line {
            match &text[start..] {
                [b'.', b'\n', ..] | [b'.', b'\r', b'\n', ..] => {
                    text.truncate(start);
                    return (text, true);
                }
                b"" | b"." | b".\r" => {
                    self.held = text.split_off(start);
                    self.inside_a_line = false;
                    return (text, false);
                }
                _ => line = line_after(&text, start),
            }
        }
        self.inside_a_line = true;
        (text, false)
    }
}

/// Where the line after the one at `start` starts.
fn line_after(text: &[u8], start: usize) -> Option<usize> {
    memchr(b'\n', &text[start..]).map(|end| start + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_dot_ends_the_text_whatever_the_pieces() {
        for (input, expected, found) in [
            ("", "", false),
            (".\n", "", true),
            (".", "", false),
            (".\r\nrest", "", true),
            ("a\n.\nrest\n", "a\n", true),
            ("a\r\n.\r\nrest", "a\r\n", true),
            ("a\n..\n. \n.x\n .\n", "a\n..\n. \n.x\n .\n", false),
            ("a.\n.\n", "a.\n", true),
            ("a\n.\rb\n", "a\n.\rb\n", false),
            ("a\n.", "a\n", false),
            ("a\n\n.\n\n", "a\n\n", true),
        ] {
            for width in 1..=input.len().max(1) {
                let (mut dot, mut text, mut ended) = (LoneDot::default(), Vec::new(), false);
                for piece in input.as_bytes().chunks(width) {
                    let (before, found) = dot.before(piece);
                    text.extend(before);
                    ended = found;
                    if ended {
                        break;
                    }
                }
                let text = String::from_utf8_lossy(&text);
                assert_eq!(
                    (text.as_ref(), ended),
                    (expected, found),
                    "{input:?} {width}"
                );
            }
        }
    }
}
