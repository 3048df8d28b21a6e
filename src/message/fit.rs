//! A message as programs hand it to sendmail, in lines that servers take.
//!
//! What a job prints or a script puts into one line of recipients may be longer than 998 octets, and
//! nobody is there to write it anew. Owns what is done then, and nothing else is changed: a header
//! line is folded where white space stands, a text that is not encoded yet is sent in
//! quoted-printable. What is left is refused as elsewhere. RFC 5322 §2.1.1, §2.2.3, RFC 2045 §6.7.

use super::block::Block;
use super::body::Body;
use super::handover::lines_of;
use super::header::{Field, Header};
use super::lines::LINE_MAX;
use super::store::{Store, unreadable};
use crate::failure::Result;

const ENCODING: &str = "Content-Transfer-Encoding";

/// The body behind a block, and its header, in lines that fit wherever that can be done.
///
/// # Errors
/// As [`lines_of`].
pub(super) fn body_of(input: Store, block: &mut Block, warnings: &mut Vec<String>) -> Result<Body> {
    for field in block.header.fields_mut() {
        fold(field);
    }
    let body = lines_of(input, block)?;
    let found = body.scan();
    let fits = found.longest <= LINE_MAX;
    if fits || found.refuse_control().is_err() || !is_plain_text(&block.header) {
        return Ok(body);
    }
    warnings.push(format!(
        "line {} of the message has {} octets, more than {LINE_MAX}: its text is sent in quoted-printable",
        found.longest_line, found.longest
    ));
    let header = &mut block.header;
    header.fields_mut().retain(|field| !field.is(ENCODING));
    if !header.has("MIME-Version") {
        header.push("MIME-Version", "1.0");
    }
    header.push(ENCODING, "quoted-printable");
    body.in_quoted_printable()
        .map_err(|error| unreadable(&error))
}

/// Whether the body is text as it is, by all that the header says of it.
fn is_plain_text(header: &Header) -> bool {
    let every = |name, is_it: fn(&str) -> bool| {
        let mut fields = header.named(name);
        fields.all(|field| field.text().is_some_and(|text| is_it(&text.to_lowercase())))
    };
    every("Content-Type", |kind| kind.starts_with("text"))
        && every(ENCODING, |encoding| {
            matches!(encoding, "7bit" | "8bit" | "binary")
        })
}

/// Breaks lines that are too long at the last white space at which they are not, as far as there is any.
fn fold(field: &mut Field) {
    let most = LINE_MAX as usize;
    if field.raw().len() <= most {
        return;
    }
    let mut folded = Vec::with_capacity(field.raw().len());
    for mut line in field.raw().split_inclusive(|&octet| octet == b'\n') {
        let mut length = line.trim_ascii_end().len();
        while length > most {
            let is_space = |octet: &u8| matches!(octet, b' ' | b'\t');
            // A line of nothing but white space would end the header for some.
            let text = line.iter().take_while(|octet| is_space(octet)).count();
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
    fn a_text_with_a_long_line_is_encoded() {
        let long = "é=".repeat(600);
        for said in [
            "",
            "Content-Type: Text/Plain; charset=utf-8\nContent-Transfer-Encoding: 8BIT\n",
        ] {
            let message = submitted(&format!("{WHOLE}{said}\nshort\n{long}\nlast")).unwrap();
            let text = sent(&message);
            let (header, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(
                header
                    .ends_with("MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable")
            );
            assert_eq!(header.matches("Encoding").count(), 1, "{header}");
            assert!(text.lines().all(|line| line.len() <= 76), "{text}");
            let decoded = body
                .replace("=\r\n", "")
                .replace("=C3=A9", "é")
                .replace("=3D", "=");
            assert_eq!(decoded, format!("short\r\n{long}\r\nlast\r\n"));
            assert_eq!(message.warnings().len(), 1);
        }
    }

    #[test]
    fn what_is_no_plain_text_is_refused_when_it_does_not_fit() {
        let long = "x".repeat(999);
        for said in [
            "Content-Type: multipart/mixed; boundary=a\n",
            "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n",
        ] {
            let failure = submitted(&format!("{WHOLE}{said}\n{long}\n")).unwrap_err();
            assert!(failure.contains("has 999 octets"), "{failure}");
        }
        assert!(submitted(&format!("{WHOLE}\n{long}\rx\n")).is_err());
        assert!(submitted(&format!("X: {long}\n\n")).is_err());
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
