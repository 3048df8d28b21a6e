//! The words in which several settings are written: on and off, seconds, counts.

use std::str::FromStr;
use std::time::Duration;

use crate::failure::{Failure, Kind, Result};

/// Any type that reads itself from text.
pub(crate) fn parsed<T: FromStr<Err = Failure>>(text: &str) -> Result<T> {
    text.parse()
}

/// A switch.
pub(crate) fn on_or_off(text: &str) -> Result<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(Failure::new(
            Kind::Usage,
            format!("\"{text}\" is neither on nor off (1, true, yes, on; 0, false, no, off)"),
        )),
    }
}

/// Seconds: more than 0, at most a week; decimals allowed.
pub(crate) fn seconds(text: &str) -> Result<Duration> {
    const WEEK: f64 = 604_800.0;
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= WEEK => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(Failure::new(
            Kind::Usage,
            format!("\"{text}\" is no number of seconds (more than 0, at most 604800)"),
        )),
    }
}

/// A count of 0 to 100.
pub(crate) fn count(text: &str) -> Result<u32> {
    match text.parse() {
        Ok(count @ 0..=100) => Ok(count),
        _ => Err(Failure::new(
            Kind::Usage,
            format!("\"{text}\" is no number from 0 to 100"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_no_duration() {
        for text in ["", "0", "-1", "NaN", "inf", "1e9", "1s"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
