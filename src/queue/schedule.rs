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
