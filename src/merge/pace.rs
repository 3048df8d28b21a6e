//! When the next message may leave: as often as the user wants, and less often while the server complains.
//!
//! Owns the spacing over all connections together: messages leave one after the other at even distances, never in
//! bursts. A complaint (421, or a deferral that speaks of a rate) doubles the distance, and messages that are
//! accepted bring it back. Decides nothing about single messages.

use std::str::FromStr;
use std::time::{Duration, Instant};

use crate::failure::{Failure, Kind, Result};
use crate::smtp::Reply;

/// The least distance after a complaint.
const LEAST_PENALTY: Duration = Duration::from_millis(10);
/// The longest.
const MOST_PENALTY: Duration = Duration::from_secs(60);
/// Complaints within this time are one.
const ONE_COMPLAINT: Duration = Duration::from_secs(1);
/// Each accepted message takes such a part of the penalty away.
const RECOVERY: u32 = 16;

/// The distance between two messages.
///
/// ```
/// use smtpsend::merge::Rate;
/// let rate: Rate = "100/min".parse()?;
/// assert_eq!(rate.distance().as_millis(), 600);
/// # Ok::<(), smtpsend::failure::Failure>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(Duration);

impl Rate {
    /// From one message to the next.
    pub const fn distance(self) -> Duration {
        self.0
    }
}

impl FromStr for Rate {
    type Err = Failure;

    /// Reads `N/s`, `N/min`, `N/h` or `N/d`; N is at least 1.
    fn from_str(text: &str) -> Result<Self> {
        let refuse = || {
            let words = format!("\"{text}\" is no rate");
            Err(Failure::new(Kind::Usage, words).with_hint("100/min, 5/s, 2000/h or 500/d"))
        };
        let Some((count, unit)) = text.split_once('/') else {
            return refuse();
        };
        let seconds = match unit.trim() {
            "s" | "sec" | "second" => 1,
            "m" | "min" | "minute" => 60,
            "h" | "hour" => 3_600,
            "d" | "day" => 86_400,
            _ => return refuse(),
        };
        match count.trim().parse::<u32>() {
            Ok(count) if count > 0 => Ok(Self(Duration::from_secs(seconds) / count)),
            _ => refuse(),
        }
    }
}

/// When the next message may leave.
#[derive(Debug)]
pub(super) struct Pace {
    /// The distance that is wanted; zero for none.
    wanted: Duration,
    /// The distance that the server seems to want.
    penalty: Duration,
    next: Instant,
    complained: Option<Instant>,
    begun: Instant,
    count: u32,
}

impl Pace {
    pub(super) fn new(rate: Option<Rate>, now: Instant) -> Self {
        Self {
            wanted: rate.map_or(Duration::ZERO, Rate::distance),
            penalty: Duration::ZERO,
            next: now,
            complained: None,
            begun: now,
            count: 0,
        }
    }

    /// How long the next message has to wait.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        self.next.saturating_duration_since(now)
    }

    /// A message leaves.
    pub(super) fn leaves(&mut self, now: Instant) {
        self.count = self.count.saturating_add(1);
        self.next = self.next.max(now) + self.wanted.max(self.penalty);
    }

    /// The server has had too many: half as many from now on.
    pub(super) fn complaint(&mut self, now: Instant) {
        if self
            .complained
            .is_some_and(|last| now.saturating_duration_since(last) < ONE_COMPLAINT)
        {
            return;
        }
        self.complained = Some(now);
        let usual = now.saturating_duration_since(self.begun) / self.count.max(1);
        let distance = self.wanted.max(self.penalty).max(usual);
        self.penalty = (distance * 2).clamp(LEAST_PENALTY, MOST_PENALTY);
        self.next = self.next.max(now + self.penalty);
    }

    /// A message was accepted.
    pub(super) fn accepted(&mut self) {
        self.penalty -= self.penalty / RECOVERY;
        if self.penalty <= self.wanted.max(LEAST_PENALTY / 2) {
            self.penalty = Duration::ZERO;
        }
    }
}

/// Whether a deferral is about how much is sent, and not about one recipient.
pub(super) fn is_complaint(reply: &Reply) -> bool {
    if reply.code == 421 {
        return true;
    }
    let text = reply.text().to_ascii_lowercase();
    let speaks_of = |word: &&str| text.contains(*word);
    let words = [
        "rate",
        "too many",
        "too fast",
        "too much",
        "throttl",
        "slow down",
    ];
    matches!(reply.code, 450..=452) && words.iter().any(speaks_of)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn milliseconds(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn a_rate_is_a_count_and_a_unit() {
        for (text, distance) in [
            ("100/min", 600),
            ("5/s", 200),
            ("1 / h", 3_600_000),
            ("2/day", 43_200_000),
        ] {
            assert_eq!(
                text.parse::<Rate>().unwrap().distance(),
                milliseconds(distance)
            );
        }
        for bad in [
            "",
            "100",
            "0/s",
            "-1/s",
            "1/x",
            "/s",
            "1.5/s",
            "99999999999/s",
        ] {
            assert_eq!(bad.parse::<Rate>().unwrap_err().kind, Kind::Usage, "{bad}");
        }
    }

    #[test]
    fn messages_leave_at_even_distances_and_what_was_missed_is_not_made_up_for() {
        let start = Instant::now();
        let mut pace = Pace::new(Some("10/s".parse().unwrap()), start);
        assert_eq!(pace.wait(start), Duration::ZERO);
        pace.leaves(start);
        assert_eq!(pace.wait(start), milliseconds(100));
        let late = start + milliseconds(1000);
        pace.leaves(late);
        assert_eq!(pace.wait(late), milliseconds(100));
    }

    #[test]
    fn a_complaint_halves_the_rate_once_and_acceptance_brings_it_back() {
        let start = Instant::now();
        let mut pace = Pace::new(Some("10/s".parse().unwrap()), start);
        pace.leaves(start);
        pace.complaint(start);
        pace.complaint(start + milliseconds(500));
        assert_eq!(pace.penalty, milliseconds(200));
        pace.complaint(start + milliseconds(1500));
        assert_eq!(pace.penalty, milliseconds(3000));
        for _ in 0..60 {
            pace.accepted();
        }
        assert_eq!(pace.penalty, Duration::ZERO);
        for second in 2..20 {
            pace.complaint(start + Duration::from_secs(second * 2));
        }
        assert_eq!(pace.penalty, MOST_PENALTY);
    }

    #[test]
    fn greylisting_is_no_complaint() {
        let reply = |code, text: &str| Reply {
            code,
            enhanced: None,
            lines: vec![text.into()],
        };
        assert!(is_complaint(&reply(421, "bye")));
        assert!(is_complaint(&reply(
            450,
            "4.7.1 Too many messages, slow down"
        )));
        assert!(is_complaint(&reply(452, "rate limit")));
        assert!(!is_complaint(&reply(451, "greylisted, come back later")));
        assert!(!is_complaint(&reply(450, "mailbox busy")));
    }
}
