//! The form in which a field and a body are hashed: relaxed (RFC 6376 §3.4.2, §3.4.4), in which neither
//! white space nor folding that a relay changes breaks a signature.
//!
//! Owns that form and nothing of its meaning. A body passes through in pieces of any size, and of
//! what has passed only the count of its last empty lines is kept.

use ring::digest::{Context, Digest, SHA256};

/// Octets that are hashed in one go.
const PIECE: usize = 8 * 1024;

/// A field of a name and a value with CRLF in its folds, without the CRLF at its end: the name in
/// lower case, the value in one line, every run of white space one space.
pub(super) fn field(octets: &[u8]) -> Vec<u8> {
    let colon = memchr::memchr(b':', octets).unwrap_or(octets.len());
    let (name, value) = octets.split_at(colon);
    let mut out: Vec<u8> = words(name).collect::<Vec<_>>().concat();
    out.make_ascii_lowercase();
    out.push(b':');
    for (at, word) in words(value.get(1..).unwrap_or_default()).enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
    out
}

/// What stands between white space. Other control characters than line ends are part of a word.
fn words(octets: &[u8]) -> impl Iterator<Item = &[u8]> {
    let pieces = octets.split(|octet| matches!(octet, b' ' | b'\t' | b'\r' | b'\n'));
    pieces.filter(|word| !word.is_empty())
}

/// The SHA-256 of a body.
pub(super) struct BodyHash {
    relaxed: Relaxed,
    context: Context,
    piece: Vec<u8>,
}

impl BodyHash {
    pub(super) fn new() -> Self {
        Self {
            relaxed: Relaxed::default(),
            context: Context::new(&SHA256),
            piece: Vec::with_capacity(PIECE),
        }
    }

    /// Takes the octets that come next.
    pub(super) fn push(&mut self, octets: &[u8]) {
        let mut sink = Sink {
            context: &mut self.context,
            piece: &mut self.piece,
        };
        self.relaxed.push(octets, &mut |octets| sink.write(octets));
    }

    /// The hash, once all octets have come.
    pub(super) fn finish(mut self) -> Digest {
        let mut sink = Sink {
            context: &mut self.context,
            piece: &mut self.piece,
        };
        self.relaxed.finish(&mut |octets| sink.write(octets));
        self.context.update(&self.piece);
        self.context.finish()
    }
}

/// Gathers words into pieces: a hash costs less by the piece.
struct Sink<'a> {
    context: &'a mut Context,
    piece: &'a mut Vec<u8>,
}

impl Sink<'_> {
    fn write(&mut self, octets: &[u8]) {
        if self.piece.len() + octets.len() > PIECE {
            self.context.update(self.piece);
            self.piece.clear();
        }
        if octets.len() > PIECE {
            self.context.update(octets);
        } else {
            self.piece.extend_from_slice(octets);
        }
    }
}

/// A body on its way into its relaxed form: runs of white space are one space, and there is none at
/// the end of a line; no empty lines stand at the end; a last line has its CRLF.
#[derive(Debug, Default)]
struct Relaxed {
    /// Line ends that count once another line with something in it follows.
    ends: u64,
    /// White space that counts once something follows it in its line.
    space: bool,
    /// A CR that ends the line if LF follows.
    cr: bool,
    /// Whether a line had something in it.
    any: bool,
}

impl Relaxed {
    fn push(&mut self, octets: &[u8], out: &mut impl FnMut(&[u8])) {
        let mut rest = octets;
        while let Some((&first, after)) = rest.split_first() {
            if std::mem::take(&mut self.cr) {
                if first == b'\n' {
                    self.ends += 1;
                    self.space = false;
                    rest = after;
                    continue;
                }
                self.write(b"\r", out);
            }
            match first {
                b' ' | b'\t' => self.space = true,
                b'\r' => self.cr = true,
                _ => {
                    let special = |octet: &u8| matches!(octet, b' ' | b'\t' | b'\r');
                    let length = rest.iter().position(special).unwrap_or(rest.len());
                    let (word, behind) = rest.split_at(length);
                    self.write(word, out);
                    rest = behind;
                    continue;
                }
            }
            rest = after;
        }
    }

    /// Ends the body.
    fn finish(&mut self, out: &mut impl FnMut(&[u8])) {
        if std::mem::take(&mut self.cr) {
            self.write(b"\r", out);
        }
        if self.any {
            out(b"\r\n");
        }
    }

    fn write(&mut self, word: &[u8], out: &mut impl FnMut(&[u8])) {
        for _ in 0..std::mem::take(&mut self.ends) {
            out(b"\r\n");
        }
        if std::mem::take(&mut self.space) {
            out(b" ");
        }
        out(word);
        self.any = true;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use proptest::prelude::*;
    use ring::digest::digest;

    use super::*;

    /// RFC 6376 §3.4.4, rule by rule.
    fn reference(body: &str) -> String {
        let lines = body.split("\r\n").map(|line| {
            let mut short = String::new();
            for letter in line.chars() {
                let letter = if letter == '\t' { ' ' } else { letter };
                if letter != ' ' || !short.ends_with(' ') {
                    short.push(letter);
                }
            }
            short.trim_end_matches(' ').to_owned()
        });
        let all = lines.collect::<Vec<_>>().join("\r\n");
        let mut all = all.as_str();
        while let Some(shorter) = all.strip_suffix("\r\n") {
            all = shorter;
        }
        if all.is_empty() {
            String::new()
        } else {
            format!("{all}\r\n")
        }
    }

    fn relaxed(pieces: &[&str]) -> String {
        let mut relaxed = Relaxed::default();
        let mut all = Vec::new();
        for piece in pieces {
            relaxed.push(piece.as_bytes(), &mut |octets| {
                all.extend_from_slice(octets)
            });
        }
        relaxed.finish(&mut |octets| all.extend_from_slice(octets));
        String::from_utf8(all).unwrap()
    }

    #[test]
    fn the_example_of_the_rfc_comes_out() {
        assert_eq!(field(b"A: X"), b"a:X");
        assert_eq!(field(b"B : Y\t\r\n\tZ  "), b"b:Y Z");
        assert_eq!(field(b"C:"), b"c:");
        assert_eq!(field(b"D:a:b\x0c "), b"d:a:b\x0c");
        let body = " C \r\nD \t E\r\n\r\n\r\n";
        assert_eq!(relaxed(&[body]), " C\r\nD E\r\n");
    }

    #[test]
    fn a_body_without_anything_in_it_is_empty() {
        for body in ["", "\r\n", "\r\n\r\n", " \t\r\n \r\n", "  "] {
            assert_eq!(relaxed(&[body]), "", "{body:?}");
            assert_eq!(reference(body), "", "{body:?}");
        }
    }

    #[test]
    fn line_ends_without_end_take_no_memory_and_count() {
        let mut hash = BodyHash::new();
        let empty = b"\r\n".repeat(50_000);
        hash.push(&empty);
        hash.push(b"x");
        let whole = [&empty[..], b"x\r\n"].concat();
        assert_eq!(hash.finish().as_ref(), digest(&SHA256, &whole).as_ref());
    }

    proptest! {
        #[test]
        fn a_body_in_pieces_of_any_size_is_what_the_rules_say(
            pieces in proptest::collection::vec("[a \t\r\n]{0,6}|\r\n|[ \t]{0,3}\r\n|\\PC{0,4}", 0..12),
        ) {
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            let whole = pieces.concat();
            prop_assert_eq!(relaxed(&pieces), reference(&whole));
            let octets: Vec<String> = whole.chars().map(String::from).collect();
            let octets: Vec<&str> = octets.iter().map(String::as_str).collect();
            prop_assert_eq!(relaxed(&octets), reference(&whole));
        }

        #[test]
        fn the_hash_is_that_of_the_relaxed_form(body in "[ab \r\n]{0,60}|a{8000,9000} b{8190,8200}") {
            let mut hash = BodyHash::new();
            hash.push(body.as_bytes());
            let wanted = digest(&SHA256, reference(&body).as_bytes());
            let found = hash.finish();
            prop_assert_eq!(found.as_ref(), wanted.as_ref());
        }
    }
}
