//! A server's reply (RFC 5321 §4.2): three digits, lines of text, perhaps an enhanced status
//! code (RFC 3463, RFC 2034).
//!
//! Owns the bounded reader of replies. Text is cleaned of control characters here, once, so that
//! it can go to terminals, logs and JSON as it is. Refuses what is not a reply, lines and replies
//! without end, and a multi-line reply whose codes differ (§4.2.1).

use std::fmt;

use rustix::buffer::{SpareCapacity, spare_capacity};

use crate::failure::printable;

/// Longest line accepted, in octets. RFC 5321 §4.5.3.1.5 says 512; a challenge may have 12,288
/// (RFC 4954 §4).
const LINE_LIMIT: usize = 12_288;
/// Longest reply accepted, in octets. The longest EHLO replies seen have under 2 KiB.
const REPLY_LIMIT: usize = 65_536;

/// A complete reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// 200..=599.
    pub code: u16,
    /// The enhanced status code at the start of the text, when its class fits the code.
    pub enhanced: Option<Enhanced>,
    /// The text of each line, without the enhanced code, without control characters.
    pub lines: Vec<String>,
}

/// An enhanced status code: class, subject, detail (RFC 3463 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enhanced(pub u8, pub u16, pub u16);

impl Reply {
    /// 2yz: done.
    pub fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }

    /// 4yz: not now (§4.2.1).
    pub fn is_temporary(&self) -> bool {
        self.code / 100 == 4
    }

    /// 5yz: no (§4.2.1).
    pub fn is_permanent(&self) -> bool {
        self.code / 100 == 5
    }

    /// 4yz or 5yz.
    pub fn is_negative(&self) -> bool {
        self.is_temporary() || self.is_permanent()
    }

    /// Whether this is what was due: the code itself, or a code of the same first digit that
    /// no RFC gives another meaning (§4.3.2: unknown codes go by their first digit).
    pub fn answers(&self, due: u16) -> bool {
        const KNOWN: [u16; 12] = [211, 214, 220, 221, 235, 250, 251, 252, 334, 354, 454, 554];
        self.code == due || (self.code / 100 == due / 100 && !KNOWN.contains(&self.code))
    }

    /// The same with no more than a person reads: the first lines, 1 KiB of text. What is kept for
    /// each recipient must not be the server's choice.
    pub(crate) fn brief(mut self) -> Self {
        const OCTETS: usize = 1024;
        let mut left = OCTETS;
        self.lines.retain_mut(|line| {
            let mut end = left.min(line.len());
            while !line.is_char_boundary(end) {
                end -= 1;
            }
            let kept = left > 0;
            line.truncate(end);
            line.shrink_to_fit();
            // An empty line is not for nothing either.
            left = left.saturating_sub(end + 1);
            kept
        });
        self.lines.shrink_to_fit();
        self
    }

    /// The lines as one, joined by spaces.
    pub fn text(&self) -> String {
        self.lines.join(" ")
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        let text = self.text();
        if text.is_empty() {
            Ok(())
        } else {
            write!(f, " {text}")
        }
    }
}

impl fmt::Display for Enhanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// What has come from the server and was not yet read as a reply.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    bytes: Vec<u8>,
    start: usize,
    /// No line end stands before this offset: what was looked at is not looked at again.
    scanned: usize,
}

impl Inbox {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.let_go();
        self.bytes.extend_from_slice(bytes);
    }

    /// Room for so many octets at least, to be read into.
    pub(crate) fn room(&mut self, octets: usize) -> SpareCapacity<'_, u8> {
        self.let_go();
        self.bytes.reserve(octets);
        spare_capacity(&mut self.bytes)
    }

    /// What was read as replies is let go, but not moved about for each octet.
    fn let_go(&mut self) {
        if self.start > self.bytes.len() / 2 || self.start == self.bytes.len() {
            self.bytes.drain(..self.start);
            self.scanned = self.scanned.saturating_sub(self.start);
            self.start = 0;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.bytes.len()
    }

    /// Octets waiting to be read.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// The next line without its end (CR LF, or a bare LF), if it is complete.
    fn take_line(&mut self) -> Option<&[u8]> {
        let from = self.scanned.max(self.start);
        match memchr::memchr(b'\n', &self.bytes[from..]) {
            None => {
                self.scanned = self.bytes.len();
                None
            }
            Some(at) => {
                let line = &self.bytes[self.start..from + at];
                self.start = from + at + 1;
                self.scanned = self.start;
                Some(line.strip_suffix(b"\r").unwrap_or(line))
            }
        }
    }
}

/// Why bytes are no reply: with all of the line, secrets in it included.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) String);

/// Reads one reply after another from an [`Inbox`], keeping the lines of an unfinished one.
#[derive(Debug, Default)]
pub(crate) struct ReplyReader {
    code: Option<u16>,
    enhanced: Option<Enhanced>,
    lines: Vec<String>,
    octets: usize,
}

impl ReplyReader {
    /// The next reply, or `None` while it is not complete.
    pub(crate) fn take(&mut self, inbox: &mut Inbox) -> Result<Option<Reply>, Malformed> {
        while let Some(line) = inbox.take_line() {
            self.octets += line.len();
            if line.len() > LINE_LIMIT || self.octets > REPLY_LIMIT {
                return Err(too_long());
            }
            if self.line(line)? {
                let done = std::mem::take(self);
                return Ok(done.code.map(|code| Reply {
                    code,
                    enhanced: done.enhanced,
                    lines: done.lines,
                }));
            }
        }
        if inbox.len() > LINE_LIMIT {
            Err(too_long())
        } else {
            Ok(None)
        }
    }

    /// Takes one line in; true when it is the last of its reply.
    fn line(&mut self, line: &[u8]) -> Result<bool, Malformed> {
        let shown = || printable(&String::from_utf8_lossy(line));
        let malformed = || Malformed(format!("not an SMTP reply: \"{}\"", shown()));
        let (digits, rest) = line.split_at_checked(3).ok_or_else(malformed)?;
        if !digits.iter().all(u8::is_ascii_digit) || !(b'2'..=b'5').contains(&digits[0]) {
            return Err(malformed());
        }
        let code = digits
            .iter()
            .fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
        let (last, text) = match rest.split_first() {
            None => (true, &[][..]),
            Some((b' ', text)) => (true, text),
            Some((b'-', text)) => (false, text),
            Some(_) => return Err(malformed()),
        };
        if self.code.is_some_and(|first| first != code) {
            return Err(Malformed(format!(
                "the lines of one reply differ in their code: {} and {code}",
                self.code.unwrap_or_default()
            )));
        }
        let text = printable(&String::from_utf8_lossy(text));
        let (enhanced, text) = split_enhanced(code, &text);
        if self.lines.is_empty() {
            self.enhanced = enhanced;
        }
        self.code = Some(code);
        self.lines.push(text.to_owned());
        Ok(last)
    }
}

fn too_long() -> Malformed {
    Malformed("a reply without end".to_owned())
}

/// Splits `5.1.1 text` (RFC 2034 §4); the class must agree with the first digit of the code.
fn split_enhanced(code: u16, text: &str) -> (Option<Enhanced>, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let mut parts = word.split('.');
    let mut number = || {
        parts
            .next()
            .filter(|n| matches!(n.len(), 1..=3))
            .and_then(|n| n.parse::<u16>().ok())
    };
    match (number(), number(), number(), parts.next()) {
        (Some(class @ (2 | 4 | 5)), Some(subject), Some(detail), None) if class == code / 100 => (
            Some(Enhanced(class as u8, subject, detail)),
            rest.trim_start(),
        ),
        _ => (None, text),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Option<Reply>, Malformed> {
        let mut inbox = Inbox::default();
        inbox.push(bytes);
        ReplyReader::default().take(&mut inbox)
    }

    #[test]
    fn reads_code_enhanced_status_and_text() {
        let reply = read(b"550 5.1.1 no such user\r\n").unwrap().unwrap();
        assert_eq!((reply.code, reply.enhanced), (550, Some(Enhanced(5, 1, 1))));
        assert_eq!(reply.to_string(), "550 5.1.1 no such user");
    }

    #[test]
    fn a_bare_code_is_a_reply() {
        assert_eq!(read(b"250\r\n").unwrap().unwrap().to_string(), "250");
        assert_eq!(read(b"250 \r\n").unwrap().unwrap().to_string(), "250");
    }

    #[test]
    fn lines_are_joined_and_repeat_the_enhanced_code_once() {
        let reply = read(b"554-5.7.1 first\r\n554 5.7.1 second\r\n")
            .unwrap()
            .unwrap();
        assert_eq!(reply.to_string(), "554 5.7.1 first second");
    }

    #[test]
    fn an_enhanced_code_of_another_class_is_text() {
        assert_eq!(read(b"250 5.1.1 what\r\n").unwrap().unwrap().enhanced, None);
        assert_eq!(
            read(b"250 2.0.0.1 version\r\n").unwrap().unwrap().enhanced,
            None
        );
    }

    #[test]
    fn differing_codes_in_one_reply_are_refused() {
        assert!(read(b"250-a\r\n550 b\r\n").is_err());
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for bytes in [
            &b"\r\n"[..],
            b"25\r\n",
            b"abc\r\n",
            b"150 x\r\n",
            b"650 x\r\n",
            b"250x\r\n",
            b"HTTP/1.1 400\r\n",
        ] {
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn an_unfinished_reply_waits_for_the_rest() {
        let mut inbox = Inbox::default();
        let mut reader = ReplyReader::default();
        for byte in b"250-one\r\n250 tw" {
            inbox.push(&[*byte]);
            assert_eq!(reader.take(&mut inbox), Ok(None));
        }
        inbox.push(b"o\r\n354 go\r\n");
        assert_eq!(
            reader.take(&mut inbox).unwrap().unwrap().lines,
            ["one", "two"]
        );
        assert_eq!(reader.take(&mut inbox).unwrap().unwrap().code, 354);
        assert!(inbox.is_empty());
    }

    #[test]
    fn replies_and_lines_without_end_are_refused() {
        assert!(read(&b"250-aaaaaaaaaaaaaaaaaaaa\r\n".repeat(5000)).is_err());
        assert!(read(&[b'2'; 20_000]).is_err());
    }

    #[test]
    fn control_characters_and_broken_utf8_do_not_survive() {
        let reply = read(b"250 \x1b[2Jhi\0\xff\r\n").unwrap().unwrap();
        assert_eq!(reply.text(), "[2Jhi\u{fffd}");
    }

    #[test]
    fn known_codes_answer_only_where_they_are_due() {
        let reply = |code| Reply {
            code,
            enhanced: None,
            lines: vec![],
        };
        assert!(reply(250).answers(250) && reply(259).answers(250) && reply(350).answers(354));
        assert!(!reply(354).answers(250) && !reply(235).answers(250) && !reply(250).answers(354));
    }

    #[test]
    fn a_brief_reply_keeps_its_code_and_the_start_of_its_text() {
        let reply = |lines: Vec<String>| Reply {
            code: 550,
            enhanced: None,
            lines,
        };
        let brief = reply(vec!["é".repeat(510), "ü".repeat(9), "x".into()]).brief();
        assert_eq!(brief.lines, ["é".repeat(510), "ü".into()]);
        assert_eq!(reply(vec![String::new(); 13_000]).brief().lines.len(), 1024);
        assert_eq!(
            reply(vec![String::new()]).brief(),
            reply(vec![String::new()])
        );
        assert_eq!(reply(vec!["no".into()]).brief(), reply(vec!["no".into()]));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }
    }
}
