//! A header field in lines that servers take.
//!
//! A script puts all recipients into one line, and nobody is there to write it anew. Owns the folding of
//! a line of more than 998 octets where white space stands. What cannot be folded is refused elsewhere.
//! RFC 5322 §2.1.1, §2.2.3.

use super::header::Field;
use super::lines::LINE_MAX;

/// Breaks lines that are too long at the last white space at which they are not, as far as there is any.
pub(super) fn fold(field: &mut Field) {
    let most = LINE_MAX as usize;
    if field.raw().len() <= most {
        return;
    }
    let mut folded = Vec::with_capacity(field.raw().len());
    // White space behind the name is no place to fold: the line would be no shorter for it.
    let mut start = field.name().len() + 1;
    for mut line in field.raw().split_inclusive(|&octet| octet == b'\n') {
        let mut length = line.trim_ascii_end().len();
        while length > most {
            let is_space = |octet: &u8| matches!(octet, b' ' | b'\t');
            // A line of nothing but white space would end the header for some.
            let behind = line.get(start..).unwrap_or_default();
            let text = start + behind.iter().take_while(|octet| is_space(octet)).count();
            start = 0;
            let near = line.get(text..=most).unwrap_or_default();
            let Some(at) = near.iter().rposition(is_space) else {
                break;
            };
            let (first, rest) = line.split_at(text + at);
            folded.extend_from_slice(first);
            folded.extend_from_slice(b"\r\n");
            line = rest;
            length -= text + at;
        }
        folded.extend_from_slice(line);
        start = 0;
    }
    *field = field.rewritten(folded);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::tests::{WHOLE, fields, sent};
    use super::super::{Message, Rewriting};

    fn submitted(input: &str) -> Result<Message, String> {
        let input = input.as_bytes().to_vec();
        let message = Message::submitted(input, &fields(), &Rewriting::default());
        message.map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_long_line_of_the_header_is_folded_where_white_space_stands() {
        let to = (0..200)
            .map(|n| format!("a{n}@x.org"))
            .collect::<Vec<_>>()
            .join(", ");
        for start in ["To: ", "To:\n \t"] {
            let message = submitted(&format!("{start}{to}\n{WHOLE}\nhi\n")).unwrap();
            let text = sent(&message);
            assert!(text.lines().all(|line| line.len() <= 998 && !line.trim_end().is_empty() || line.is_empty()));
            let unfolded = text.replace("\r\n ", " ");
            assert!(unfolded.contains(&to), "{text}");
            assert_eq!(message.recipient_fields(), [to.as_str()]);
        }
        let failure = submitted(&format!("X: {}\n\n", "x".repeat(999))).unwrap_err();
        assert!(failure.starts_with("line 1 of the message"), "{failure}");
        let spaces = " ".repeat(3000);
        let failure = submitted(&format!("X: a{spaces}b\n{WHOLE}\n")).unwrap_err();
        assert!(failure.contains("octets, more than 998"), "{failure}");
        let whole = format!("To: {}\n{WHOLE}\nhi\n", "a@x.org, ".repeat(100));
        assert_eq!(
            sent(&submitted(&whole).unwrap()),
            whole.replace('\n', "\r\n")
        );
    }
}
