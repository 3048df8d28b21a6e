//! The text of a message as a caller sends it behind DATA: where it ends, and its dots.
//!
//! Owns the end, about which two programs must never differ: a caller whose commands end with CRLF
//! ends its text with a dot alone between two CRLF, and with nothing else; one that writes LF, as
//! scripts do, with a dot between two LF, or CRLF. Any other dot is text, and what leaves this machine has
//! its dots doubled anew. A dot that starts a line is taken away. RFC 5321 §4.5.2.

use memchr::memchr;

/// What ends a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineEnd {
    CrLf,
    Lf,
}

/// Where in a line the next octet stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Start,
    /// Behind a dot that started the line.
    Dot,
    /// Behind that and a CR, which is still to be told.
    DotCr,
    Inside,
    /// Behind a CR.
    Cr,
}

/// Takes a text apart.
#[derive(Debug)]
pub(super) struct Dots {
    ends: LineEnd,
    at: At,
    /// The line before ended with CRLF.
    after_crlf: bool,
}

impl Dots {
    /// The text behind a DATA whose line ended so.
    pub(super) fn new(ends: LineEnd) -> Self {
        Self {
            ends,
            at: At::Start,
            after_crlf: ends == LineEnd::CrLf,
        }
    }

    /// Puts what `octets` add to the text at the end of `text`. Where they hold the end of it, gives how
    /// many of them that takes.
    pub(super) fn push(&mut self, octets: &[u8], text: &mut Vec<u8>) -> Option<usize> {
        let mut at = 0;
        while at < octets.len() {
            if self.at == At::Inside {
                let rest = &octets[at..];
                let length = match self.ends {
                    LineEnd::CrLf => memchr(b'\r', rest),
                    LineEnd::Lf => memchr::memchr2(b'\r', b'\n', rest),
                };
                let length = length.unwrap_or(rest.len());
                text.extend_from_slice(&rest[..length]);
                at += length;
                if at == octets.len() {
                    break;
                }
            }
            let octet = octets[at];
            at += 1;
            if self.step(octet, text) {
                return Some(at);
            }
        }
        None
    }

    /// Takes one octet; whether it ends the text.
    fn step(&mut self, octet: u8, text: &mut Vec<u8>) -> bool {
        let lf = self.ends == LineEnd::Lf;
        match (self.at, octet) {
            (At::Start, b'.') => {
                self.at = At::Dot;
                return false;
            }
            (At::Dot, b'\n') if lf => return true,
            (At::Dot, b'\r') if self.after_crlf => {
                self.at = At::DotCr;
                return false;
            }
            (At::DotCr, b'\n') => return true,
            (At::DotCr, _) => {
                text.push(b'\r');
                self.at = At::Cr;
            }
            _ => {}
        }
        let behind_cr = self.at == At::Cr;
        text.push(octet);
        self.at = match octet {
            b'\n' if lf || behind_cr => {
                self.after_crlf = behind_cr;
                At::Start
            }
            b'\r' => At::Cr,
            _ => At::Inside,
        };
        false
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The text, and what follows its end, when so many octets are shown at once; without an end all of
    /// it is text.
    fn taken(ends: LineEnd, input: &[u8], width: usize) -> (Vec<u8>, Option<Vec<u8>>) {
        let (mut dots, mut text, mut done) = (Dots::new(ends), Vec::new(), 0);
        for piece in input.chunks(width) {
            if let Some(end) = dots.push(piece, &mut text) {
                return (text, Some(input[done + end..].to_vec()));
            }
            done += piece.len();
        }
        (text, None)
    }

    fn check(ends: LineEnd, input: &str, text: &str, rest: Option<&str>) {
        for width in 1..=input.len() {
            let rest = rest.map(|rest| rest.as_bytes().to_vec());
            let expected = (text.as_bytes().to_vec(), rest);
            assert_eq!(
                taken(ends, input.as_bytes(), width),
                expected,
                "{input:?} by {width}"
            );
        }
    }

    #[test]
    fn a_dot_alone_between_the_callers_own_line_ends_is_the_end() {
        check(
            LineEnd::CrLf,
            "a\r\n.\r\nQUIT\r\n",
            "a\r\n",
            Some("QUIT\r\n"),
        );
        check(LineEnd::Lf, "a\n.\nQUIT\n", "a\n", Some("QUIT\n"));
        check(LineEnd::Lf, "a\r\n.\r\nQUIT\n", "a\r\n", Some("QUIT\n"));
        check(LineEnd::CrLf, ".\r\nx", "", Some("x"));
        check(LineEnd::Lf, ".\nx", "", Some("x"));
    }

    #[test]
    fn no_other_dot_ends_the_text_of_a_caller_that_writes_crlf() {
        for other in [
            "\n.\n",
            "\n.\r\n",
            "\r.\r",
            "\r.\r\n",
            "\r.\n",
            "\r\n.\n",
            "\r\n.\r",
            "\r\n\0.\r\n",
            "\r\n.\0\r\n",
            "\r\n. \r\n",
            "\n\r.\r\n",
            "\r\r.\r\n",
        ] {
            let input = format!("a{other}MAIL FROM:<b@x.org>\r\n.\r\n");
            for width in 1..input.len() {
                let (_, rest) = taken(LineEnd::CrLf, input.as_bytes(), width);
                assert_eq!(rest.as_deref(), Some(&b""[..]), "{other:?} by {width}");
            }
        }
    }

    #[test]
    fn no_half_of_a_line_end_ends_the_text_of_a_caller_that_writes_lf() {
        for other in [
            "\r.\r", "\r.\r\n", "\r.\n", "\n.\r", "\n.\r\n", "\n. \n", "\n.\0\n",
        ] {
            let input = format!("a{other}MAIL FROM:<b@x.org>\n.\n");
            let (_, rest) = taken(LineEnd::Lf, input.as_bytes(), 3);
            assert_eq!(rest.as_deref(), Some(&b""[..]), "{other:?}");
        }
    }

    #[test]
    fn a_dot_that_starts_a_line_is_taken_away_and_no_other() {
        check(
            LineEnd::CrLf,
            "..\r\n...a\r\nb.\r\n.c\r\n\n.d\r\n.\r\n",
            ".\r\n..a\r\nb.\r\nc\r\n\n.d\r\n",
            Some(""),
        );
        check(
            LineEnd::Lf,
            "..\n...a\nb.\n.c\n\r.d\n.\n",
            ".\n..a\nb.\nc\n\r.d\n",
            Some(""),
        );
    }

    #[test]
    fn without_its_end_there_is_no_text() {
        for input in ["a\r\n", "a\r\n.", "a\r\n.\r", "a\n.\n", ""] {
            assert_eq!(
                taken(LineEnd::CrLf, input.as_bytes(), 1).1,
                None,
                "{input:?}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn what_was_stuffed_comes_back(text in "[.ab\r\n]{0,40}", width in 1_usize..9) {
            let lines: String = text.replace('\r', "").split_inclusive('\n').map(|line| line.trim_end_matches('\n').to_owned() + "\r\n").collect();
            let stuffed: String = lines.split_inclusive("\r\n").map(|line| if line.starts_with('.') { format!(".{line}") } else { line.to_owned() }).collect();
            let (taken, rest) = taken(LineEnd::CrLf, format!("{stuffed}.\r\nX").as_bytes(), width);
            proptest::prop_assert_eq!(taken, lines.into_bytes());
            proptest::prop_assert_eq!(rest, Some(b"X".to_vec()));
        }
    }
}
