//! What a line from the client must look like, and the escapes of raw text.
//!
//! In a pattern `*` stands for any run of octets, also an empty one, and `\*` for a star; everything
//! else is exact, upper and lower case included. Raw text knows `\r \n \t \0 \s \\ \*` and `\xNN`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A line with stars in it.
#[derive(Clone, Debug)]
pub struct Pattern {
    parts: Vec<Vec<u8>>,
}

impl Pattern {
    /// Takes the text literally, but for `*` and `\*`.
    pub fn literal(text: &str) -> Self {
        let mut parts = vec![Vec::new()];
        let mut bytes = text.bytes().peekable();
        while let Some(byte) = bytes.next() {
            match byte {
                b'\\' if bytes.peek() == Some(&b'*') => push(&mut parts, bytes.next()),
                b'*' => parts.push(Vec::new()),
                other => push(&mut parts, Some(other)),
            }
        }
        Self { parts }
    }

    /// Takes the text with all its escapes.
    pub fn escaped(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut start = 0;
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            match bytes[at] {
                b'\\' => at += 1,
                b'*' => {
                    parts.push(unescape(&text[start..at])?);
                    start = at + 1;
                }
                _ => {}
            }
            at += 1;
        }
        parts.push(unescape(&text[start..])?);
        Ok(Self { parts })
    }

    pub fn matches(&self, line: &[u8]) -> bool {
        let [first, rest @ ..] = self.parts.as_slice() else {
            return false;
        };
        let Some(mut line) = line.strip_prefix(first.as_slice()) else {
            return false;
        };
        let [middle @ .., last] = rest else {
            return line.is_empty();
        };
        for part in middle {
            match memchr::memmem::find(line, part) {
                Some(at) => line = &line[at + part.len()..],
                None => return false,
            }
        }
        line.ends_with(last)
    }
}

fn push(parts: &mut [Vec<u8>], byte: Option<u8>) {
    if let Some(part) = parts.last_mut() {
        part.extend(byte);
    }
}

/// What is expected of one line of the client's.
#[derive(Clone, Debug)]
pub enum Expectation {
    Line(Pattern),
    /// `C64:`: a prefix that ends in a space or is empty, then base64 of what the pattern says.
    Base64 {
        prefix: String,
        decoded: Pattern,
    },
}

impl Expectation {
    pub fn base64(text: &str) -> Result<Self, String> {
        let (prefix, last) = last_word(text);
        Ok(Self::Base64 {
            prefix: prefix.to_owned(),
            decoded: Pattern::escaped(last)?,
        })
    }

    pub fn meets(&self, line: &[u8]) -> bool {
        match self {
            Self::Line(pattern) => pattern.matches(line),
            Self::Base64 { prefix, decoded } => line
                .strip_prefix(prefix.as_bytes())
                .and_then(|word| STANDARD.decode(word).ok())
                .is_some_and(|bytes| decoded.matches(&bytes)),
        }
    }
}

/// What stands behind the last `r=` of the base64 that ends this line.
pub fn nonce(line: &str) -> Option<String> {
    let decoded = STANDARD.decode(last_word(line).1).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    text.rsplit_once("r=").map(|(_, nonce)| nonce.to_owned())
}

/// `S64:`: the last word of the text, escapes undone, in base64.
pub fn encode_last_word(text: &str) -> Result<Vec<u8>, String> {
    let (prefix, last) = last_word(text);
    Ok(format!("{prefix}{}", STANDARD.encode(unescape(last)?)).into_bytes())
}

pub fn last_word(text: &str) -> (&str, &str) {
    text.split_at(text.rfind(' ').map_or(0, |space| space + 1))
}

pub fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(plain.as_bytes());
        let mut length = 1;
        bytes.push(match escape.bytes().next() {
            Some(b'r') => b'\r',
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b's') => b' ',
            Some(b'0') => 0,
            Some(same @ (b'\\' | b'*')) => same,
            Some(b'x') => {
                length = 3;
                escape
                    .get(1..3)
                    .and_then(|digits| u8::from_str_radix(digits, 16).ok())
                    .ok_or_else(|| format!("\\x needs two hex digits in {text:?}"))?
            }
            _ => return Err(format!("unknown escape in {text:?}")),
        });
        rest = &escape[length..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

/// Octets for a reader: control characters and what is not UTF-8 as escapes.
pub fn visible(octets: &[u8]) -> String {
    const LONGEST: usize = 600;
    let mut shown = String::new();
    for chunk in octets[..octets.len().min(LONGEST)].utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() {
                shown.extend(c.escape_default());
            } else {
                shown.push(c);
            }
        }
        for byte in chunk.invalid() {
            shown.push_str(&format!("\\x{byte:02x}"));
        }
    }
    if octets.len() > LONGEST {
        shown.push_str(&format!("… ({} octets)", octets.len()));
    }
    shown
}
