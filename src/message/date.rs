//! The date of a message: a moment, and the offset from UTC by which it is told.
//!
//! Owns how dates are read: as mail writes them, with the obsolete zones of RFC 5322 §4.3 and comments, as
//! ISO 8601 does (RFC 3339), and as `@SECONDS` since 1970. The offset that is given is kept; a date without
//! one, and the present, are told in local time (RFC 5322 §3.3). Refuses years before 1900 and after 9999.

use std::fmt;
use std::time::SystemTime;

use jiff::civil::DateTime;
use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};
use jiff::fmt::temporal::Pieces;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::local_time;
use crate::failure::{Failure, Kind, Result};

/// The years that a Date field can tell (RFC 5322 §3.3).
const YEARS: std::ops::RangeInclusive<i16> = 1900..=9999;

/// When a message was written.
///
/// ```
/// use smtpsend::message::Date;
/// let date = Date::parse("2026-11-23T14:30:00+01:00")?;
/// assert_eq!(date.to_string(), "Mon, 23 Nov 2026 14:30:00 +0100");
/// assert_eq!(Date::parse("Mon, 23 Nov 26 14:30 +0100 (CET)")?, date);
/// assert!(Date::parse("tomorrow").is_err());
/// # Ok::<(), smtpsend::failure::Failure>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    moment: Timestamp,
    /// In whole minutes, as a Date field tells it.
    offset: Offset,
}

impl Date {
    /// The present, in local time.
    pub fn now() -> Self {
        let read = Self::at(SystemTime::now());
        // A clock that far off is no reason not to send.
        read.unwrap_or(Self {
            moment: Timestamp::UNIX_EPOCH,
            offset: Offset::UTC,
        })
    }

    /// This time, in local time. Fractions of a second are dropped.
    ///
    /// # Errors
    /// [`Kind::Message`] for a year before 1900 or after 9999.
    pub fn at(time: SystemTime) -> Result<Self> {
        let moment = Timestamp::try_from(time).map_err(|_| out_of_range())?;
        Self::local(moment)
    }

    /// Reads a date as mail writes it (`Mon, 23 Nov 2026 14:30:00 +0100`), as ISO 8601 does
    /// (`2026-11-23T14:30:00+01:00`, `2026-11-23 14:30`, `2026-11-23`), or `@SECONDS` since 1970. A date
    /// without an offset is local time; without a time it is midnight.
    ///
    /// # Errors
    /// [`Kind::Usage`] when it is none of these, or there is no such day (`Tue, 23 Nov 2026` was a Monday).
    /// [`Kind::Message`] for a year before 1900 or after 9999.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim_matches([' ', '\t']);
        if let Some(seconds) = text.strip_prefix('@') {
            let seconds = seconds.parse().map_err(|_| not_a_date(text))?;
            return Self::local(Timestamp::from_second(seconds).map_err(|_| out_of_range())?);
        }
        from_mail(text)
            .or_else(|| from_iso(text))
            .unwrap_or_else(|| Err(not_a_date(text)))
    }

    fn local(moment: Timestamp) -> Result<Self> {
        Self::new(moment, local_time::zone().to_offset(moment))
    }

    /// A civil time without an offset. One that a change of clocks leaves out is taken as if the clocks had
    /// not been changed yet, and one that comes twice is the first of them.
    fn civil(time: DateTime) -> Result<Self> {
        let moment = local_time::zone().to_ambiguous_timestamp(time);
        Self::local(moment.compatible().map_err(|_| out_of_range())?)
    }

    fn new(moment: Timestamp, offset: Offset) -> Result<Self> {
        let minutes = offset.seconds() / 60;
        let offset = Offset::from_seconds(minutes * 60).map_err(|_| out_of_range())?;
        if !YEARS.contains(&offset.to_datetime(moment).year()) {
            return Err(out_of_range());
        }
        let seconds = SignedDuration::from_secs(moment.as_second());
        let moment = Timestamp::from_duration(seconds).map_err(|_| out_of_range())?;
        Ok(Self { moment, offset })
    }
}

/// As a Date field has it.
impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zoned = self.moment.to_zoned(TimeZone::fixed(self.offset));
        let text = DateTimePrinter::new().zoned_to_string(&zoned);
        let text = text.map_err(|_| fmt::Error)?;
        // Two digits for every day: all dates take as many octets.
        let (weekday, rest) = text.split_once(", ").ok_or(fmt::Error)?;
        let zero = if zoned.day() < 10 { "0" } else { "" };
        write!(f, "{weekday}, {zero}{rest}")
    }
}

/// The date that `text` is in the form of mail, if it has that form.
fn from_mail(text: &str) -> Option<Result<Date>> {
    let parser = DateTimeParser::new();
    if let Ok(zoned) = parser.parse_zoned(text) {
        return Some(Date::new(zoned.timestamp(), zoned.offset()));
    }
    let zoned = parser.parse_zoned(format!("{text} +0000")).ok()?;
    Some(Date::civil(zoned.datetime()))
}

/// The same in the form of ISO 8601. The name of a zone behind the offset says nothing that counts here.
fn from_iso(text: &str) -> Option<Result<Date>> {
    let pieces = Pieces::parse(text).ok()?;
    let time = pieces.date().to_datetime(pieces.time().unwrap_or_default());
    match (pieces.to_numeric_offset(), pieces.time_zone_annotation()) {
        (Some(offset), _) => {
            let moment = offset.to_timestamp(time).map_err(|_| out_of_range());
            Some(moment.and_then(|moment| Date::new(moment, offset)))
        }
        (None, None) => Some(Date::civil(time)),
        (None, Some(_)) => None,
    }
}

fn not_a_date(text: &str) -> Failure {
    Failure::new(Kind::Usage, format!("\"{text}\" is no date")).with_hint(
        "write it as 2026-11-23T14:30:00+01:00, as 'Mon, 23 Nov 2026 14:30:00 +0100' or as @1795440600",
    )
}

fn out_of_range() -> Failure {
    let (first, last) = (YEARS.start(), YEARS.end());
    Failure::new(
        Kind::Message,
        format!("the date is before {first} or after {last}"),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn written(text: &str) -> String {
        Date::parse(text).unwrap().to_string()
    }

    #[test]
    fn the_offset_that_is_given_is_kept() {
        for (text, field) in [
            (
                "Mon, 23 Nov 2026 14:30:00 +0100",
                "Mon, 23 Nov 2026 14:30:00 +0100",
            ),
            ("23 nov 2026 14:30 -0330", "Mon, 23 Nov 2026 14:30:00 -0330"),
            (
                "Sun, 06 Nov 94 08:49:37 GMT",
                "Sun, 06 Nov 1994 08:49:37 +0000",
            ),
            (
                "Sun, 6 Nov 1994 08:49:37 PST (a (nested) comment)",
                "Sun, 06 Nov 1994 08:49:37 -0800",
            ),
            (
                "Sat, 29 Feb 20 23:59:60 UT",
                "Sat, 29 Feb 2020 23:59:59 +0000",
            ),
            (
                "2026-11-23T14:30:00+01:00",
                "Mon, 23 Nov 2026 14:30:00 +0100",
            ),
            (
                "2026-11-23 14:30:05.9+05:45",
                "Mon, 23 Nov 2026 14:30:05 +0545",
            ),
            ("20261123T143000Z", "Mon, 23 Nov 2026 14:30:00 +0000"),
            (
                "2026-11-23T14:30+01:00[Europe/Berlin]",
                "Mon, 23 Nov 2026 14:30:00 +0100",
            ),
            (
                "1900-01-01T00:00:00-11:00",
                "Mon, 01 Jan 1900 00:00:00 -1100",
            ),
            ("9999-12-30T12:00Z", "Thu, 30 Dec 9999 12:00:00 +0000"),
        ] {
            assert_eq!(written(text), field, "{text}");
        }
    }

    #[test]
    fn a_date_without_an_offset_is_local_time() {
        let local = local_time::zone();
        let midsummer = DateTime::constant(2026, 6, 21, 12, 0, 0, 0);
        let moment = local.to_zoned(midsummer).unwrap().timestamp();
        for text in [
            "2026-06-21T12:00",
            "2026-06-21 12:00:00",
            "Sun, 21 Jun 2026 12:00",
        ] {
            assert_eq!(
                Date::parse(text).unwrap(),
                Date::local(moment).unwrap(),
                "{text}"
            );
        }
        assert!(written("2026-06-21").contains(" 00:00:00 "));
        let seconds = Date::parse("@1795440600").unwrap();
        assert_eq!(seconds.moment.as_second(), 1_795_440_600);
        assert_eq!(seconds.offset, local.to_offset(seconds.moment));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            " ",
            "tomorrow",
            "@",
            "@x",
            "@1.5",
            "12:30",
            "2026-13-01",
            "2026-02-30T00:00Z",
            "Tue, 23 Nov 2026 14:30:00 +0100",
            "23 Foo 2026 14:30 +0000",
            "2026-11-23T25:00Z",
            "2026-11-23T14:30[Europe/Berlin]",
            "2026-11-23\r\nBcc: x@y",
            "Mon, 23 Nov 2026\r\n 14:30:00 +0100\r\nX: y",
            "2026-11-23T14:30:00+01:00 x",
            "2026-11-23T14:30:00\u{b2}",
        ] {
            let failure = Date::parse(text).unwrap_err();
            assert_eq!(failure.kind, Kind::Usage, "{text}");
            assert!(failure.hint.is_some());
        }
        for text in [
            "1899-12-31T00:00:00Z",
            "-000001-12-31T00:00:00Z",
            "@99999999999999",
            "@-9999999999",
        ] {
            assert_eq!(Date::parse(text).unwrap_err().kind, Kind::Message, "{text}");
        }
    }

    #[test]
    fn every_date_that_is_written_reads_back() {
        for seconds in (-2_208_000_000..=253_402_000_000_i64).step_by(7_777_777_777) {
            for minutes in [-719, 0, 345, 840] {
                let offset = Offset::from_seconds(minutes * 60).unwrap();
                let date = Date::new(Timestamp::from_second(seconds).unwrap(), offset).unwrap();
                assert_eq!(Date::parse(&date.to_string()).unwrap(), date);
            }
        }
    }

    #[test]
    fn a_time_of_the_clock_is_told_in_local_time() {
        let date = Date::at(UNIX_EPOCH + Duration::from_secs(784_111_777)).unwrap();
        assert_eq!(date.moment.as_second(), 784_111_777);
        assert!(Date::at(UNIX_EPOCH + Duration::from_secs(253_500_000_000)).is_err());
        assert!(Date::now().moment > date.moment);
    }
}
