//! How far a long task is, on a line below all others, where somebody watches.
//!
//! Owns when it is shown (a terminal, and neither quiet nor the dialogue), how often, and what fits the width.
//! A task is the rows of a merge, or the octets of one large message.

use std::io::{self, IsTerminal as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::termios::tcgetwinsize;

use super::output::Console;
use super::settings::{Settings, one_of};
use crate::smtp::Observer;

/// From one drawing to the next, at least.
const PAUSE: Duration = Duration::from_millis(100);
/// Octets of a message from which on its way is shown.
const WORTH_WATCHING: u64 = 1 << 20;
/// Signs of the bar.
const BAR: usize = 20;
/// The width of a terminal that does not tell it.
const USUAL_WIDTH: usize = 80;

/// What a task is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Rows,
    Octets,
}

/// A task that somebody may watch.
pub(crate) struct Progress<'c> {
    /// None where nobody watches.
    console: Option<&'c Console>,
    unit: Unit,
    begun: Instant,
    drawn: Mutex<Option<Instant>>,
}

impl<'c> Progress<'c> {
    /// A task that begins now.
    ///
    /// # Errors
    /// `Usage` or `Config` for a setting that is neither auto nor never.
    pub(crate) fn new(unit: Unit, settings: &Settings<'_>, console: &'c Console) -> Result<Self> {
        let choices = [("auto", true), ("never", false)];
        let wanted = settings.value("progress", |text| one_of(&choices, text))?;
        let is_shown = wanted.unwrap_or(true) && console.is_normal() && io::stderr().is_terminal();
        Ok(Self {
            console: Some(console).filter(|_| is_shown),
            unit,
            begun: Instant::now(),
            drawn: Mutex::new(None),
        })
    }

    /// So many steps are done of so many; `counts` says what came of them.
    pub(crate) fn at(&self, done: u64, total: u64, counts: impl FnOnce() -> String) {
        let Some(console) = self.console else {
            return;
        };
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if drawn.is_some_and(|last| now < last + PAUSE) && done < total {
            return;
        }
        *drawn = Some(now);
        let width = tcgetwinsize(io::stderr()).map_or(0, |size| usize::from(size.ws_col));
        let width = if width == 0 { USUAL_WIDTH } else { width };
        let line = line(self.unit, done, total, now - self.begun, &counts());
        // In the last column some terminals begin a new line.
        console.status(&line.chars().take(width - 1).collect::<String>());
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if let Some(console) = self.console {
            console.status("");
        }
    }
}

/// One large message on its way, for whoever watches; all else goes to the console.
pub(crate) struct Upload<'c> {
    console: &'c Console,
    progress: Progress<'c>,
}

impl<'c> Upload<'c> {
    /// A message that is sent now.
    ///
    /// # Errors
    /// As [`Progress::new`].
    pub(crate) fn new(settings: &Settings<'_>, console: &'c Console) -> Result<Self> {
        let progress = Progress::new(Unit::Octets, settings, console)?;
        Ok(Self { console, progress })
    }
}

impl Observer for Upload<'_> {
    fn sent(&self, line: &str) {
        self.console.sent(line);
    }

    fn received(&self, line: &str) {
        self.console.received(line);
    }

    fn uploaded(&self, octets: u64, of: u64) {
        if of >= WORTH_WATCHING {
            self.progress.at(octets, of, String::new);
        }
    }

    fn note(&self, text: &str) {
        self.console.note(text);
    }

    fn warning(&self, text: &str) {
        self.console.warning(text);
    }
}

impl Unit {
    fn amounts(self, done: u64, total: u64) -> String {
        match self {
            Self::Rows => format!("{done}/{total}"),
            Self::Octets => format!("{:.1}/{:.1} MiB", mebi(done as f64), mebi(total as f64)),
        }
    }

    fn rate(self, a_second: f64) -> String {
        match self {
            Self::Rows if a_second < 10.0 => format!("{:.0}/min", a_second * 60.0),
            Self::Rows => format!("{a_second:.0}/s"),
            Self::Octets => format!("{:.1} MiB/s", mebi(a_second)),
        }
    }
}

fn mebi(octets: f64) -> f64 {
    octets / f64::from(1 << 20)
}

fn line(unit: Unit, done: u64, total: u64, elapsed: Duration, counts: &str) -> String {
    let part = |of: u64| done.saturating_mul(of) / total.max(1);
    let filled = usize::try_from(part(BAR as u64)).unwrap_or(BAR).min(BAR);
    let bar = "#".repeat(filled) + &"-".repeat(BAR - filled);
    let rate = done as f64 / elapsed.as_secs_f64().max(0.001);
    let left = match done {
        0 => String::new(),
        _ => format!(
            " {} left",
            clock((total.saturating_sub(done)) as f64 / rate)
        ),
    };
    let counts = match counts {
        "" => String::new(),
        counts => format!(": {counts}"),
    };
    format!(
        "[{bar}] {} {}% {}{left}{counts}",
        unit.amounts(done, total),
        part(100),
        unit.rate(rate)
    )
}

/// `1:02:03`, or `2:03`.
fn clock(seconds: f64) -> String {
    let seconds = seconds.min(359_999.0) as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_far_it_is_how_fast_and_how_long_it_takes() {
        assert_eq!(
            line(
                Unit::Rows,
                250,
                1000,
                Duration::from_secs(10),
                "250 accepted"
            ),
            "[#####---------------] 250/1000 25% 25/s 0:30 left: 250 accepted"
        );
        assert_eq!(
            line(Unit::Rows, 0, 7, Duration::ZERO, ""),
            "[--------------------] 0/7 0% 0/min"
        );
        assert!(
            line(Unit::Rows, 1, 100, Duration::from_secs(60), "").contains(" 1/min 1:39:00 left")
        );
        assert_eq!(
            line(Unit::Octets, 5 << 20, 20 << 20, Duration::from_secs(2), ""),
            "[#####---------------] 5.0/20.0 MiB 25% 2.5 MiB/s 0:06 left"
        );
    }
}
