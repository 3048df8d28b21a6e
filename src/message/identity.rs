//! When a message was written and which one it is: Date and Message-ID.
//!
//! Owns their values. A Message-ID tells the time, a random number and the domain it was given,
//! and nothing else of the machine. RFC 5322 §3.3, §3.6.4.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::address::domain_to_ascii;
use crate::failure::{Failure, Kind, Result};
use crate::random::random;

/// The first second that has no date with a year of four digits.
const YEAR_10000: Duration = Duration::from_secs(253_402_300_800);

/// A new Message-ID, with its angle brackets, for a message written at `domain`.
///
/// A domain that cannot stand in one becomes `localhost`.
pub fn new_message_id(domain: &str) -> String {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    let micros = elapsed.unwrap_or_default().as_micros();
    let random = random();
    let domain = domain_to_ascii(domain).unwrap_or_else(|_| "localhost".into());
    format!("<{micros:x}.{random:016x}@{domain}>")
}

/// The value of a Date field, in UTC.
///
/// # Errors
/// [`Kind::Message`] for a time before 1970 or after 9998.
pub(crate) fn date_value(date: SystemTime) -> Result<String> {
    let year = Duration::from_secs(366 * 24 * 60 * 60);
    match date.duration_since(UNIX_EPOCH) {
        Ok(since) if since + year < YEAR_10000 => {
            Ok(httpdate::fmt_http_date(date).replace("GMT", "+0000"))
        }
        _ => Err(Failure::new(
            Kind::Message,
            "the date is before 1970 or after 9998",
        )),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_is_new_and_names_only_the_domain() {
        let one = new_message_id("Bücher.example");
        assert!(one.starts_with('<') && one.ends_with("@xn--bcher-kva.example>"));
        assert_ne!(one, new_message_id("Bücher.example"));
        assert!(new_message_id("a\r\nb").ends_with("@localhost>"));
    }

    #[test]
    fn dates_are_those_of_rfc_5322() {
        let at = |seconds| date_value(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(784_111_777).unwrap(), "Sun, 06 Nov 1994 08:49:37 +0000");
        assert!(at(253_402_300_800).is_err());
        assert!(date_value(UNIX_EPOCH - Duration::from_secs(1)).is_err());
    }
}
