//! Points in time as they are printed: RFC 3339 for programs, how long from now for people.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The first second that has no date with a year of four digits.
const YEAR_10000: Duration = Duration::from_secs(253_402_300_800);

/// `2026-11-22T23:59:59Z` (RFC 3339). What lies outside the years 1970 to 9999 is put at their edge.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let since = since.min(YEAR_10000 - Duration::from_secs(1));
    // "Sun, 06 Nov 1994 08:49:37 GMT"
    let date = httpdate::fmt_http_date(UNIX_EPOCH + since);
    let part = |from: usize, to: usize| date.get(from..to).unwrap_or_default();
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let month = MONTHS.find(part(8, 11)).unwrap_or_default() / 3 + 1;
    format!(
        "{}-{month:02}-{}T{}Z",
        part(12, 16),
        part(5, 7),
        part(17, 25)
    )
}

/// How long that is, in its largest unit: `45 s`, `12 min`, `3 h`, `4 d`.
pub(crate) fn roughly(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds @ 3600..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_by_rfc_3339() {
        let at = |seconds| rfc3339(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(784_111_777), "1994-11-06T08:49:37Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(at(253_402_300_800), "9999-12-31T23:59:59Z");
        assert_eq!(
            rfc3339(UNIX_EPOCH - Duration::from_secs(9)),
            "1970-01-01T00:00:00Z"
        );
    }

    #[test]
    fn a_span_is_told_in_its_largest_unit() {
        for (seconds, words) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3600, "1 h"),
            (172_799, "47 h"),
            (172_800, "2 d"),
        ] {
            assert_eq!(roughly(Duration::from_secs(seconds)), words);
        }
    }
}
