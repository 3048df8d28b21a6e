//! The name of a message in the queue, which is the name of its file.
//!
//! Owns its form: the millisecond at which it was queued and a random number, in hexadecimal, so that
//! names sort by time. Refuses any other form, so that nothing from outside becomes part of a path.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::failure::{Failure, Kind, Result};
use crate::random::random;

/// Bits of the time: enough until the year 2527.
const MILLIS_BITS: u32 = 44;

/// The name of a message in the queue. Ordered by the time at which the messages were queued.
///
/// ```
/// use smtpsend::queue::Id;
/// let id: Id = "0199a1b2c3d-0badcafe".parse()?;
/// assert_eq!(id.to_string(), "0199a1b2c3d-0badcafe");
/// assert!("../../etc/passwd".parse::<Id>().is_err());
/// # Ok::<(), smtpsend::failure::Failure>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id {
    millis: u64,
    random: u32,
}

impl Id {
    /// A new one for a message queued at `now`.
    pub(super) fn new(now: SystemTime) -> Self {
        let elapsed = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        Self {
            millis: millis & ((1 << MILLIS_BITS) - 1),
            random: random() as u32,
        }
    }

    /// The same one each time for the message that follows from this one once it was tried so often: who
    /// makes it again after a kill finds it made.
    pub(super) fn following(self, tries: usize) -> Self {
        Self {
            random: self.random.wrapping_add(1 + tries as u32),
            ..self
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:011x}-{:08x}", self.millis, self.random)
    }
}

impl FromStr for Id {
    type Err = Failure;

    /// Reads what `Display` writes, and nothing else.
    ///
    /// # Errors
    /// [`Kind::Usage`] for anything else.
    fn from_str(text: &str) -> Result<Self> {
        let read = || {
            let (millis, random) = text.split_once('-')?;
            let id = Self {
                millis: u64::from_str_radix(millis, 16).ok()?,
                random: u32::from_str_radix(random, 16).ok()?,
            };
            (id.to_string() == text).then_some(id)
        };
        read().ok_or_else(|| {
            let start: String = text.chars().take(40).collect();
            Failure::new(
                Kind::Usage,
                format!("\"{start}\" is not the id of a message in the queue"),
            )
            .with_hint("smtpsend queue list shows them")
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_written_is_read() {
        let id = Id::new(SystemTime::now());
        assert_eq!(id.to_string().parse::<Id>().unwrap(), id);
        for bad in [
            "",
            "-",
            ".",
            "..",
            "../0199a1b2c3d-0badcafe",
            "0199a1b2c3d-0badcaf",
            "0199a1b2c3d-0BADCAFE",
            "+199a1b2c3d-0badcafe",
            "0199a1b2c3d-0badcafe\n",
            "ü199a1b2c3d-0badcafe",
        ] {
            assert_eq!(bad.parse::<Id>().unwrap_err().kind, Kind::Usage, "{bad}");
        }
    }

    #[test]
    fn names_sort_by_time() {
        let at = |seconds| Id::new(UNIX_EPOCH + Duration::from_secs(seconds));
        assert!(at(1) < at(2) && at(2).to_string() < at(1 << 33).to_string());
        assert_eq!(at(u64::MAX >> 2).to_string().len(), 20);
    }

    #[test]
    fn what_follows_from_a_message_is_named_after_it() {
        let id = Id::new(SystemTime::now());
        assert_eq!(id.following(3), id.following(3));
        assert_ne!(id.following(0), id);
        assert_ne!(id.following(3), id.following(4));
    }
}
