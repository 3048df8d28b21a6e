//! When a message is tried again, and when it is given up.
//!
//! Owns the waits, which grow, and are spread at random so that what failed together does not come
//! back together. Time is given, never asked for. RFC 5321 §4.5.4.1.

use std::time::{Duration, SystemTime};

use crate::random::random;

const MINUTE: Duration = Duration::from_secs(60);
/// Minutes to wait after the first try, the second, and so on; after those, always the last.
const WAITS: [u32; 7] = [1, 5, 15, 30, 60, 120, 240];
/// The least wait once past the first tries (§4.5.4.1).
const LEAST: Duration = Duration::from_secs(30 * 60);
/// How many waits may be shorter than that.
const SHORT_WAITS: usize = 3;

/// No wait is longer; what is to be tried later than that was put off by a clock that was wrong.
pub(super) const LONGEST: Duration = Duration::from_secs(5 * 60 * 60);

/// When a message is tried again, and when it is given up.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// How long a message is tried; default five days (RFC 5321 §4.5.4.1). When a try fails later than
    /// so long after the message was queued, it is given up.
    pub lifetime: Duration,
    /// Where the spread of the waits comes from: a number from 0 to 1, each time another one.
    pub jitter: fn() -> f64,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            lifetime: Duration::from_secs(5 * 24 * 60 * 60),
            jitter: || random() as f64 / u64::MAX as f64,
        }
    }
}

impl Schedule {
    /// When to try again what failed at `now`, for the first time (`tries` = 1) or a later one.
    ///
    /// After 1, 5, 15, 30 minutes, 1 and 2 hours, then every 4, each times 0.8 to 1.25; from the fourth
    /// on never earlier than after 30 minutes.
    pub fn next(&self, tries: usize, now: SystemTime) -> SystemTime {
        let nth = tries.max(1) - 1;
        let wait = WAITS[nth.min(WAITS.len() - 1)] * MINUTE;
        let spread = wait.mul_f64(0.8 + 0.45 * (self.jitter)().clamp(0.0, 1.0));
        let wait = if nth < SHORT_WAITS {
            spread
        } else {
            spread.max(LEAST)
        };
        now + wait
    }

    /// Whether a message queued at `queued` is not tried any more when a try fails at `now`.
    pub fn is_over(&self, queued: SystemTime, now: SystemTime) -> bool {
        now.duration_since(queued)
            .is_ok_and(|age| age >= self.lifetime)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    /// The waits, in seconds, of what is tried until it is given up.
    fn waits(jitter: fn() -> f64) -> Vec<u64> {
        let schedule = Schedule {
            jitter,
            ..Schedule::default()
        };
        let (mut now, mut waits) = (UNIX_EPOCH, Vec::new());
        while !schedule.is_over(UNIX_EPOCH, now) {
            let next = schedule.next(waits.len() + 1, now);
            waits.push(next.duration_since(now).unwrap().as_secs());
            now = next;
        }
        waits
    }

    #[test]
    fn for_five_days_the_waits_grow_to_four_hours() {
        let minutes: Vec<u64> = waits(|| 4.0 / 9.0).iter().map(|wait| wait / 60).collect();
        assert_eq!(minutes[..9], [1, 5, 15, 30, 60, 120, 240, 240, 240]);
        // Some thirty tries, the last of them within hours of the fifth day.
        assert_eq!(minutes.len(), 6 + 30);
        assert!(minutes.iter().sum::<u64>() < (5 * 24 + 5) * 60);
    }

    #[test]
    fn no_wait_is_shorter_than_the_standard_allows_once_past_the_first() {
        for (jitter, first) in [
            ((|| 0.0) as fn() -> f64, 48),
            (|| -7.0, 48),
            (|| 1.0, 75),
            (|| 7.0, 75),
        ] {
            let waits = waits(jitter);
            assert_eq!(waits[0], first);
            assert!(waits[3..].iter().all(|&wait| wait >= 30 * 60));
            assert!(waits.iter().all(|&wait| wait <= 5 * 60 * 60));
        }
    }

    #[test]
    fn waits_are_spread() {
        let schedule = Schedule::default();
        let mut next: Vec<_> = (0..20).map(|_| schedule.next(7, UNIX_EPOCH)).collect();
        next.dedup();
        assert!(next.len() > 10);
    }
}
