//! Our replies to a caller: what the server said, handed on, or why there was none.
//!
//! Owns the table from causes to codes, and the form of a reply: text that came from elsewhere is cut to
//! the length of a line, and a caller is never told what is between us and the server. RFC 5321 §4.2,
//! RFC 3463.

use crate::failure::{Failure, Kind, printable};
use crate::smtp::Verdict;

/// Octets of a line of a reply, with its end (RFC 5321 §4.5.3.1.5).
const LINE_MAX: usize = 512;

/// One reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) code: u16,
    enhanced: Option<String>,
    lines: Vec<String>,
}

impl Answer {
    /// Of one line, with an enhanced code where that is not empty.
    pub(super) fn new(code: u16, enhanced: &str, text: impl AsRef<str>) -> Self {
        Self {
            code,
            enhanced: Some(enhanced.to_owned()).filter(|enhanced| !enhanced.is_empty()),
            lines: vec![printable(text.as_ref())],
        }
    }

    /// Of several lines, without an enhanced code.
    pub(super) fn of_lines(code: u16, lines: &[&str]) -> Self {
        Self {
            code,
            enhanced: None,
            lines: lines.iter().map(|line| printable(line)).collect(),
        }
    }

    /// What the server said, where that is an answer to what was asked. That it closes its connection with
    /// us (421) is none, and not that we close this one.
    pub(super) fn relayed(verdict: &Verdict) -> Option<Self> {
        let reply = match verdict {
            Verdict::Accepted(reply) => reply,
            Verdict::Deferred(cause) | Verdict::Rejected(cause) => cause.reply.as_ref()?,
            Verdict::Unknown(_) | Verdict::Stopped { .. } => return None,
        };
        let is_answer = verdict.is_accepted() || reply.is_negative();
        (is_answer && reply.code != 421).then(|| Self {
            code: reply.code,
            enhanced: reply.enhanced.map(|enhanced| enhanced.to_string()),
            lines: reply.lines.clone(),
        })
    }

    /// What the server said, else why there is nothing.
    pub(super) fn of(verdict: &Verdict) -> Self {
        Self::relayed(verdict).unwrap_or_else(|| match (verdict, verdict.cause()) {
            (Verdict::Unknown(_), Some(cause)) => Self::new(451, "4.4.2", &cause.failure.message),
            (_, Some(cause)) => Self::because_of(&cause.failure),
            (_, None) => Self::new(451, "4.3.0", "not sent"),
        })
    }

    /// Why something is not done. What the settings or the network are to blame for may be mended: it is
    /// no reason to give the message up.
    pub(super) fn because_of(failure: &Failure) -> Self {
        let (code, enhanced) = match failure.kind {
            Kind::Message => (554, "5.6.0"),
            Kind::Recipient => (550, "5.1.1"),
            Kind::Refused => (554, "5.0.0"),
            Kind::Temporary | Kind::Uncertain => (451, "4.4.1"),
            Kind::Host => (451, "4.4.4"),
            Kind::Protocol => (451, "4.5.0"),
            Kind::Tls | Kind::Auth => (451, "4.7.0"),
            Kind::Config | Kind::Usage | Kind::Input => (451, "4.3.5"),
            Kind::Io | Kind::Queue => (452, "4.3.1"),
            Kind::Bug => (451, "4.3.0"),
        };
        Self::new(code, enhanced, &failure.message)
    }

    /// 2yz.
    pub(super) fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }

    /// The octets of the reply.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let enhanced = self
            .enhanced
            .as_ref()
            .map_or_else(String::new, |code| format!("{code} "));
        for (number, text) in self.lines.iter().enumerate() {
            let is_last = number + 1 == self.lines.len();
            let mut line = format!(
                "{}{}{enhanced}{text}",
                self.code,
                if is_last { ' ' } else { '-' }
            );
            let mut end = line.len().min(LINE_MAX - 2);
            while !line.is_char_boundary(end) {
                end -= 1;
            }
            line.truncate(end);
            out.extend_from_slice(line.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::smtp::{Enhanced, Reply};

    fn written(answer: &Answer) -> String {
        let mut out = Vec::new();
        answer.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn reply(code: u16, enhanced: Option<Enhanced>, lines: &[&str]) -> Reply {
        Reply {
            code,
            enhanced,
            lines: lines.iter().map(|&line| line.to_owned()).collect(),
        }
    }

    #[test]
    fn the_servers_words_are_handed_on_line_by_line() {
        let enhanced = Some(Enhanced(2, 1, 5));
        let verdict = Verdict::Accepted(reply(250, enhanced, &["fine", "really"]));
        assert_eq!(
            written(&Answer::of(&verdict)),
            "250-2.1.5 fine\r\n250 2.1.5 really\r\n"
        );
    }

    #[test]
    fn a_refusal_is_the_servers_own_unless_it_is_about_its_connection_or_no_answer() {
        let failure = |kind| Failure::new(kind, "mx:587: why");
        for (kind, code, told) in [
            (Kind::Refused, 554, "554 no\r\n"),
            (Kind::Temporary, 450, "450 no\r\n"),
            (Kind::Temporary, 421, "451 4.4.1 mx:587: why\r\n"),
            (Kind::Protocol, 354, "451 4.5.0 mx:587: why\r\n"),
        ] {
            let verdict = Verdict::from_failure(failure(kind), Some(reply(code, None, &["no"])));
            assert_eq!(written(&Answer::of(&verdict)), told);
        }
        let verdict =
            Verdict::from_failure(failure(Kind::Uncertain), Some(reply(550, None, &["no"])));
        assert_eq!(written(&Answer::of(&verdict)), "451 4.4.2 mx:587: why\r\n");
    }

    #[test]
    fn no_line_is_longer_than_callers_take_or_more_than_one() {
        let answer = Answer::new(451, "4.3.0", format!("a\r\n250 b{}", "\u{fc}".repeat(400)));
        let text = written(&answer);
        assert!(text.len() <= 512 && text.ends_with("\u{fc}\r\n"));
        assert_eq!(text.matches('\n').count(), 1);
    }
}
