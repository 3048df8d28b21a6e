//! Waiting with an end: for descriptors, for how long, until when at most, and not beyond a signal
//! that ends the run.

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::interrupt::{self, Signal, Watch};

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

/// Why a run is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    Stopped(Signal),
    Deadline,
}

/// Whether a run with this deadline is to end now, and why.
pub(crate) fn over(deadline: Option<Instant>) -> Option<Over> {
    let is_past = |deadline| Instant::now() >= deadline;
    let deadline = deadline.is_some_and(is_past).then_some(Over::Deadline);
    interrupt::arrived().map(Over::Stopped).or(deadline)
}

impl Over {
    /// Why a wait came to nothing that only a signal and the deadline can end.
    pub(crate) fn of_a_wait() -> Self {
        interrupt::arrived().map_or(Self::Deadline, Self::Stopped)
    }

    /// What it did not come to: `before SIGTERM`, `before the deadline`.
    pub(crate) fn before(self) -> String {
        match self {
            Self::Stopped(signal) => format!("before {signal}"),
            Self::Deadline => "before the deadline".to_owned(),
        }
    }
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped(signal) => write!(f, "stopped by {signal}"),
            Self::Deadline => f.write_str("the deadline is over"),
        }
    }
}

/// Waits until one of the descriptors is ready; false when `until`, or a signal that ends the run,
/// comes first.
pub(crate) fn wait_for(fds: &mut [PollFd<'_>], until: Instant) -> io::Result<bool> {
    wait_beyond(fds, until, Duration::ZERO)
}

/// The same for what has to be known even when the run is to end: a signal leaves it `grace`.
pub(crate) fn wait_beyond(
    fds: &mut [PollFd<'_>],
    until: Instant,
    grace: Duration,
) -> io::Result<bool> {
    loop {
        let (bell, until) = match interrupt::heed() {
            Watch::Off => (None, until),
            Watch::On(bell) => (Some(bell), until),
            Watch::Over(arrival) => (None, until.min(arrival.at + grace)),
        };
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).ok();
        let polled = match bell {
            None => poll(fds, timeout.as_ref()),
            Some(bell) => {
                let mut all = fds.to_vec();
                all.push(PollFd::new(bell, PollFlags::IN));
                let polled = poll(&mut all, timeout.as_ref());
                fds.clone_from_slice(&all[..fds.len()]);
                polled
            }
        };
        match polled {
            Ok(0) if left.is_zero() => return Ok(false),
            // It may be the bell alone.
            Ok(_) if fds.iter().all(|fd| fd.revents().is_empty()) => {}
            Ok(_) => return Ok(true),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether reading or writing again may go better at once.
pub(crate) fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock
    )
}

/// Waits so long, or until a signal ends the run, which is given.
pub(crate) fn pause(duration: Duration) -> Option<Signal> {
    // No descriptor, nothing to fail: and an error would be no reason to wait longer.
    let _ = wait_for(&mut [], Instant::now() + duration);
    interrupt::arrived()
}

/// A duration as a person reads it: `0.3 s`, `30 s`.
pub(crate) fn in_words(duration: Duration) -> String {
    if duration < Duration::from_secs(10) && duration.subsec_millis() != 0 {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!("{} s", duration.as_secs())
    }
}
