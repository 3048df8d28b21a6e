//! The lines of a text, looked at once: how long, how many octets as CRLF text, what does not
//! belong there.
//!
//! Owns the one pass over a body, at the speed of memory: what is usual is counted in whole blocks,
//! and only what is odd is looked for octet by octet. A line ends with LF or CRLF; a CR anywhere
//! else is bare, and only [`Scan::refuse_unsendable`] decides what that means. RFC 5321 §2.3.8,
//! RFC 5322 §2.1.1.

use memchr::{memchr, memchr_iter};

use crate::failure::{Failure, Kind, Result};

/// Octets in a line without its line end (RFC 5321 §4.5.3.1.6).
pub(super) const LINE_MAX: u64 = 998;
/// Octets looked at in several ways while they are in the processor's nearest cache.
const BLOCK: usize = 16 * 1024;

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
        let mut scanner = Scanner::new(first_line);
        scanner.push(octets);
        scanner.finish()
    }

    /// Adds what is found in whole lines that follow.
    pub(super) fn append(&mut self, next: Self) {
        self.size += next.size;
        if next.longest > self.longest || self.longest_line == 0 {
            self.longest = next.longest;
            self.longest_line = next.longest_line;
        }
        self.eight_bit = self.eight_bit.or(next.eight_bit);
        self.bare_cr = self.bare_cr.or(next.bare_cr);
        self.nul = self.nul.or(next.nul);
        self.canonical &= next.canonical;
    }

    fn measure(&mut self, length: u64, number: u64) {
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
            ));
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

/// A [`Scan`] of octets that come piece by piece; the pieces make no difference.
#[derive(Debug)]
pub(super) struct Scanner {
    found: Scan,
    /// The number of the line that is not over yet.
    line: u64,
    /// Its octets so far.
    length: u64,
    /// Whether the last of them is a CR.
    after_cr: bool,
}

impl Scanner {
    /// Has seen nothing yet; the first line has this number.
    pub(super) fn new(first_line: u64) -> Self {
        Self {
            found: Scan {
                canonical: true,
                ..Scan::default()
            },
            line: first_line,
            length: 0,
            after_cr: false,
        }
    }

    /// Looks at the octets that come next.
    pub(super) fn push(&mut self, octets: &[u8]) {
        for block in octets.chunks(BLOCK) {
            self.find_high_and_nul(block);
            let first_line = self.line;
            let pairs = self.measure_lines(block);
            self.find_bare_cr(block, pairs, first_line);
            self.after_cr = block.ends_with(b"\r");
        }
    }

    /// What there was, once all of it has come.
    pub(super) fn finish(mut self) -> Scan {
        if self.after_cr {
            self.found.bare_cr.get_or_insert(self.line);
        }
        if self.length > 0 {
            self.found.canonical = false;
            self.found.size += self.length + 2;
            self.found.measure(self.length, self.line);
        }
        self.found
    }

    fn find_high_and_nul(&mut self, block: &[u8]) {
        let found = &mut self.found;
        let line_of = |at: usize| self.line + memchr_iter(b'\n', &block[..at]).count() as u64;
        if found.eight_bit.is_none() && !block.is_ascii() {
            let at = block.iter().position(|octet| !octet.is_ascii());
            found.eight_bit = at.map(line_of);
        }
        if found.nul.is_none() {
            found.nul = memchr(0, block).map(line_of);
        }
    }

    /// Measures the lines that end in `block`; how many of them with CRLF.
    fn measure_lines(&mut self, block: &[u8]) -> usize {
        let mut ends = memchr_iter(b'\n', block);
        let Some(first) = ends.next() else {
            self.length += block.len() as u64;
            return 0;
        };
        let pair = if first > 0 {
            block[first - 1] == b'\r'
        } else {
            self.after_cr
        };
        let before = self.length;
        let first_length = before + first as u64 - u64::from(pair);
        self.found.measure(first_length, self.line);
        let (mut lines, mut pairs) = (1, usize::from(pair));
        let mut start = first + 1;
        let mut longest = usize::try_from(self.found.longest).unwrap_or(usize::MAX);
        for end in ends {
            // Before a line end in this block stands at least the one before it.
            let pair = block[end - 1] == b'\r';
            let length = end - start - usize::from(pair);
            if length > longest {
                longest = length;
                self.found.longest = length as u64;
                self.found.longest_line = self.line + lines;
            }
            lines += 1;
            pairs += usize::from(pair);
            start = end + 1;
        }
        // Every line end counts two, however it was written.
        self.found.size += before + start as u64 + lines - pairs as u64;
        self.found.canonical &= pairs as u64 == lines;
        self.line += lines;
        self.length = (block.len() - start) as u64;
        pairs
    }

    /// Finds a CR with no LF after it; `pairs` CRs of this block or right before it have one.
    fn find_bare_cr(&mut self, block: &[u8], pairs: usize, first_line: u64) {
        if self.found.bare_cr.is_some() {
            return;
        }
        if self.after_cr && block[0] != b'\n' {
            self.found.bare_cr = Some(first_line);
            return;
        }
        let undecided = usize::from(block.ends_with(b"\r"));
        let before = usize::from(self.after_cr);
        if memchr_iter(b'\r', block).count() + before == pairs + undecided {
            return;
        }
        let bare = memchr_iter(b'\r', block)
            .find(|at| block.get(at + 1).is_some_and(|&next| next != b'\n'));
        self.found.bare_cr =
            bare.map(|at| first_line + memchr_iter(b'\n', &block[..at]).count() as u64);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn pieces_make_no_difference_and_each_fact_is_that_of_the_lines_one_by_one(
            text in "[a\u{e9}\0\r\n]{0,60}|[ab\r\n]{0,60}|[a\n]{0,60}",
            cuts in proptest::collection::vec(0_usize..80, 0..6),
        ) {
            let octets = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(octets.len())).collect();
            cuts.extend([0, octets.len()]);
            cuts.sort_unstable();
            let mut scanner = Scanner::new(3);
            for cut in cuts.windows(2) {
                scanner.push(&octets[cut[0]..cut[1]]);
            }
            prop_assert_eq!(scanner.finish(), plainly(octets, 3));
        }
    }

    /// The same without any haste.
    fn plainly(octets: &[u8], first_line: u64) -> Scan {
        let mut scan = Scan {
            canonical: true,
            ..Scan::default()
        };
        for (line, number) in octets
            .split_inclusive(|&octet| octet == b'\n')
            .zip(first_line..)
        {
            let crlf = line.ends_with(b"\r\n");
            scan.canonical &= crlf;
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            let text = if crlf { &text[..text.len() - 1] } else { text };
            scan.size += text.len() as u64 + 2;
            scan.measure(text.len() as u64, number);
            for (found, odd) in [
                (&mut scan.eight_bit, !text.is_ascii()),
                (&mut scan.bare_cr, text.contains(&b'\r')),
                (&mut scan.nul, text.contains(&0)),
            ] {
                if odd {
                    found.get_or_insert(number);
                }
            }
        }
        scan
    }
}
