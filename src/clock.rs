//! Waiting with an end: for descriptors, for how long, until when at most.

use std::io;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, Timespec, poll};

/// How long to wait: for the next sign of life, and at most until the end of the whole run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) wait: Duration,
    pub(crate) deadline: Option<Instant>,
}

impl Patience {
    /// The instant at which patience that starts now is over.
    pub(crate) fn until(self) -> Instant {
        let until = Instant::now() + self.wait;
        self.deadline.map_or(until, |deadline| deadline.min(until))
    }
}

/// Waits until one of the descriptors is ready; false when `until` comes first.
pub(crate) fn wait_for(fds: &mut [PollFd<'_>], until: Instant) -> io::Result<bool> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).ok();
        match poll(fds, timeout.as_ref()) {
            Ok(0) if left.is_zero() => return Ok(false),
            Ok(0) => {}
            Ok(_) => return Ok(true),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// A duration as a person reads it: `0.3 s`, `30 s`.
pub(crate) fn in_words(duration: Duration) -> String {
    if duration < Duration::from_secs(10) && duration.subsec_millis() != 0 {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!("{} s", duration.as_secs())
    }
}
