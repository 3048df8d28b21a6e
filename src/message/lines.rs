//! The lines of a text, looked at once: how long, how many octets as CRLF text, what does not
//! belong there.
//!
//! Owns the one pass over a body. A line ends with LF or CRLF; a CR anywhere else is bare, and
//! only [`Scan::refuse_unsendable`] decides what that means. RFC 5321 §2.3.8, RFC 5322 §2.1.1.

use memchr::memchr3_iter;

use crate::failure::{Failure, Kind, Result};

/// Octets in a line without its line end (RFC 5321 §4.5.3.1.6).
pub(super) const LINE_MAX: u64 = 998;

/// What one pass over some lines found. Line numbers start where the caller says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Scan {
    /// Octets once every line, the last included, ends with CRLF.
    pub(super) size: u64,
    /// Octets of the longest line, without its end.
    pub(super) longest: u64,
    /// The number of that line.
    pub(super) longest_line: u64,
    /// The first line with an octet above 127.
    pub(super) eight_bit: Option<u64>,
    /// The first line with a CR that no LF follows.
    pub(super) bare_cr: Option<u64>,
    /// The first line with a NUL.
    pub(super) nul: Option<u64>,
    /// Whether every line ends with CRLF already.
    pub(super) canonical: bool,
}

impl Scan {
    /// Looks at `octets`, whose first line has this number.
    pub(super) fn of(octets: &[u8], first_line: u64) -> Self {
        let mut scan = Self {
            canonical: true,
            ..Self::default()
        };
        let first_high = if octets.is_ascii() {
            None
        } else {
            octets.iter().position(|octet| !octet.is_ascii())
        };
        let mut line = first_line;
        let mut start = 0;
        for at in memchr3_iter(b'\n', b'\r', 0, octets) {
            match octets[at] {
                0 => {
                    scan.nul.get_or_insert(line);
                }
                b'\r' => {
                    if octets.get(at + 1) != Some(&b'\n') {
                        scan.bare_cr.get_or_insert(line);
                    }
                }
                _ => {
                    let crlf = at > start && octets[at - 1] == b'\r';
                    scan.canonical &= crlf;
                    scan.line(at - start - usize::from(crlf), line);
                    if first_high.is_some_and(|high| (start..at).contains(&high)) {
                        scan.eight_bit = Some(line);
                    }
                    line += 1;
                    start = at + 1;
                }
            }
        }
        if start < octets.len() {
            scan.canonical = false;
            scan.line(octets.len() - start, line);
            if first_high.is_some_and(|high| high >= start) {
                scan.eight_bit = Some(line);
            }
        }
        scan
    }

    fn line(&mut self, length: usize, number: u64) {
        let length = length as u64;
        self.size += length + 2;
        if length > self.longest || self.longest_line == 0 {
            self.longest = length;
            self.longest_line = number;
        }
    }

    /// Refuses what no SMTP server may be sent: a CR or a NUL in a line, and a line that is too
    /// long.
    ///
    /// # Errors
    /// [`Kind::Message`], naming the line.
    pub(super) fn refuse_unsendable(&self) -> Result<()> {
        self.refuse_control()?;
        if self.longest > LINE_MAX {
            return Err(Failure::new(
                Kind::Message,
                format!(
                    "line {} of the message has {} octets, more than {LINE_MAX}",
                    self.longest_line, self.longest
                ),
            )
            .with_hint("give the text with --input body, and it is encoded to fit"));
        }
        Ok(())
    }

    /// The same without the length of the lines.
    pub(super) fn refuse_control(&self) -> Result<()> {
        let refuse = |line: u64, what: &str| {
            Err(Failure::new(
                Kind::Message,
                format!("line {line} of the message has {what}"),
            ))
        };
        match (self.bare_cr, self.nul) {
            (Some(line), _) => refuse(line, "a carriage return with no line feed after it"),
            (None, Some(line)) => refuse(line, "a NUL octet"),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn one_pass_finds_every_fact() {
        let scan = Scan::of(b"ab\r\n\nabc\xff\n\rx\n\0", 5);
        assert_eq!(
            scan,
            Scan {
                size: 4 + 2 + 6 + 4 + 3,
                longest: 4,
                longest_line: 7,
                eight_bit: Some(7),
                bare_cr: Some(8),
                nul: Some(9),
                canonical: false,
            }
        );
    }

    #[test]
    fn only_crlf_lines_are_canonical() {
        for (text, canonical) in [
            ("", true),
            ("a\r\n\r\n", true),
            ("a\r\nb", false),
            ("a\n", false),
            ("\n", false),
        ] {
            assert_eq!(
                Scan::of(text.as_bytes(), 1).canonical,
                canonical,
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_carriage_return_at_the_end_is_bare() {
        assert_eq!(Scan::of(b"a\r", 1).bare_cr, Some(1));
        assert_eq!(Scan::of(b"a\r\r\n", 1).bare_cr, Some(1));
    }
}
