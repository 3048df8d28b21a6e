//! The words in which several settings are written: on and off, seconds, counts.

use std::str::FromStr;
use std::time::Duration;

use crate::failure::{Failure, Kind, Result};

/// Any type that reads itself from text.
pub(crate) fn parsed<T: FromStr<Err = Failure>>(text: &str) -> Result<T> {
    text.parse()
}

/// One of these words.
pub(crate) fn one_of<T: Copy>(choices: &[(&str, T)], text: &str) -> Result<T> {
    let chosen = choices.iter().find(|(word, _)| *word == text);
    chosen.map(|(_, choice)| *choice).ok_or_else(|| {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let words = format!("\"{text}\" is none of {}", words.join(", "));
        Failure::new(Kind::Usage, words)
    })
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

/// A span of time: a number of seconds, or one with `m`, `h` or `d`; more than 0, at most a year.
pub(crate) fn span(text: &str) -> Result<Duration> {
    const YEAR: u64 = 365 * 86_400;
    let (number, unit) = match text.char_indices().last() {
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 3600),
        Some((at, 'd')) => (&text[..at], 86_400),
        _ => (text, 1),
    };
    let seconds = number.parse::<u64>().ok().and_then(|n| n.checked_mul(unit));
    match seconds {
        Some(seconds @ 1..=YEAR) => Ok(Duration::from_secs(seconds)),
        _ => Err(Failure::new(
            Kind::Usage,
            format!("\"{text}\" is no span of time such as 5d, 12h, 90m or 3600 (at most 365d)"),
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
    fn a_span_has_a_unit_or_is_in_seconds() {
        for (text, seconds) in [("90", 90), ("90m", 5400), ("12h", 43_200), ("5d", 432_000)] {
            assert_eq!(span(text), Ok(Duration::from_secs(seconds)));
        }
        for text in [
            "",
            "d",
            "0",
            "0d",
            "-1d",
            "1.5h",
            "366d",
            "5 d",
            "5days",
            "99999999999999999999d",
        ] {
            assert!(span(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nonsense_is_no_duration() {
        for text in ["", "0", "-1", "NaN", "inf", "1e9", "1s"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
