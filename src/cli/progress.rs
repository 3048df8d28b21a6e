//! How far a long task is, on a line below all others, where somebody watches.
//!
//! Owns when it is shown (a terminal, and neither quiet nor the dialogue), how often, and what fits the width.

use std::io::{self, IsTerminal as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::termios::tcgetwinsize;

use super::output::Console;
use super::settings::{Settings, one_of};

/// From one drawing to the next, at least.
const PAUSE: Duration = Duration::from_millis(100);
/// Signs of the bar.
const BAR: usize = 20;
/// The width of a terminal that does not tell it.
const USUAL_WIDTH: usize = 80;

/// A task of so many steps.
pub(crate) struct Progress<'c> {
    /// None where nobody watches.
    console: Option<&'c Console>,
    total: u64,
    begun: Instant,
    drawn: Mutex<Option<Instant>>,
}

impl<'c> Progress<'c> {
    /// A task that begins now.
    ///
    /// # Errors
    /// `Usage` or `Config` for a setting that is neither auto nor never.
    pub(crate) fn new(total: u64, settings: &Settings<'_>, console: &'c Console) -> Result<Self> {
        let choices = [("auto", true), ("never", false)];
        let wanted = settings.value("progress", |text| one_of(&choices, text))?;
        let is_shown = wanted.unwrap_or(true) && console.is_normal() && io::stderr().is_terminal();
        Ok(Self {
            console: Some(console).filter(|_| is_shown),
            total,
            begun: Instant::now(),
            drawn: Mutex::new(None),
        })
    }

    /// So many steps are done; `counts` says what came of them.
    pub(crate) fn at(&self, done: u64, counts: impl FnOnce() -> String) {
        let Some(console) = self.console else {
            return;
        };
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if drawn.is_some_and(|last| now < last + PAUSE) && done < self.total {
            return;
        }
        *drawn = Some(now);
        let width = tcgetwinsize(io::stderr()).map_or(0, |size| usize::from(size.ws_col));
        let width = if width == 0 { USUAL_WIDTH } else { width };
        let line = line(done, self.total, now - self.begun, &counts());
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

fn line(done: u64, total: u64, elapsed: Duration, counts: &str) -> String {
    let part = |of: u64| done.saturating_mul(of) / total.max(1);
    let filled = usize::try_from(part(BAR as u64)).unwrap_or(BAR).min(BAR);
    let bar = "#".repeat(filled) + &"-".repeat(BAR - filled);
    let seconds = elapsed.as_secs_f64().max(0.001);
    let rate = done as f64 / seconds;
    let rate_text = if rate < 10.0 {
        format!("{:.0}/min", rate * 60.0)
    } else {
        format!("{rate:.0}/s")
    };
    let left = match done {
        0 => String::new(),
        _ => format!(
            " {} left",
            clock((total.saturating_sub(done)) as f64 / rate)
        ),
    };
    format!(
        "[{bar}] {done}/{total} {}% {rate_text}{left}: {counts}",
        part(100)
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
            line(250, 1000, Duration::from_secs(10), "250 accepted"),
            "[#####---------------] 250/1000 25% 25/s 0:30 left: 250 accepted"
        );
        assert_eq!(
            line(0, 7, Duration::ZERO, ""),
            "[--------------------] 0/7 0% 0/min: "
        );
        assert!(line(1, 100, Duration::from_secs(60), "").contains(" 1/min 1:39:00 left"));
    }
}
