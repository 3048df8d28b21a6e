//! The zone that times are told in: what the variable `TZ` names, else the one in `/etc/localtime`.
//!
//! Owns where it is looked for, as libc does: `TZ` names a zone in `/usr/share/zoneinfo` (or `TZDIR`), a
//! file, or is a rule of POSIX (`CET-1CEST,M3.5.0,M10.5.0/3`); an empty one is UTC, and so is whatever cannot
//! be read. One small file is read, once, and only by who makes a date. Refuses nothing. RFC 9636.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use jiff::tz::TimeZone;

/// Where the zone of this machine is.
const LOCALTIME: &str = "/etc/localtime";
/// Where zones have their names.
const ZONES: &str = "/usr/share/zoneinfo";
/// Octets of a file that is a zone, at most; those there are have some thousand.
const ZONE_MAX: u64 = 1 << 20;

/// The local zone.
pub(super) fn zone() -> &'static TimeZone {
    static ZONE: OnceLock<TimeZone> = OnceLock::new();
    ZONE.get_or_init(|| {
        let zones = env::var_os("TZDIR").map_or_else(|| ZONES.into(), PathBuf::from);
        let zone = match env::var_os("TZ") {
            Some(named) => named_zone(&named, &zones),
            None => zone_in(Path::new(LOCALTIME)),
        };
        zone.unwrap_or(TimeZone::UTC)
    })
}

/// The zone that a value of `TZ` names.
fn named_zone(value: &OsStr, zones: &Path) -> Option<TimeZone> {
    let value = value.to_str()?;
    let name = value.strip_prefix(':').unwrap_or(value);
    if name.is_empty() {
        return None;
    }
    // An absolute name stands for itself.
    zone_in(&zones.join(name)).or_else(|| TimeZone::posix(name).ok())
}

fn zone_in(path: &Path) -> Option<TimeZone> {
    let about = fs::metadata(path).ok()?;
    // Nothing else is opened: a pipe would be waited for.
    if !about.is_file() || about.len() > ZONE_MAX {
        return None;
    }
    TimeZone::tzif("", &fs::read(path).ok()?).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    /// The seconds that a value of `TZ` is ahead of UTC in January and in July.
    fn offsets(value: &str) -> Option<(i32, i32)> {
        let zone = named_zone(OsStr::new(value), Path::new(ZONES))?;
        let at = |seconds| {
            zone.to_offset(Timestamp::from_second(seconds).unwrap())
                .seconds()
        };
        Some((at(1_767_700_000), at(1_783_000_000)))
    }

    #[test]
    fn a_rule_of_posix_says_when_clocks_change() {
        assert_eq!(offsets("CET-1CEST,M3.5.0,M10.5.0/3"), Some((3600, 7200)));
        assert_eq!(offsets("<+0545>-5:45"), Some((20_700, 20_700)));
    }

    #[test]
    fn what_names_no_zone_is_none() {
        for value in [
            "",
            ":",
            "No/Such",
            "/dev/zero",
            "/etc",
            "/etc/passwd",
            "../../../etc/passwd",
        ] {
            assert_eq!(offsets(value), None, "{value}");
        }
    }

    #[test]
    fn a_file_may_be_named() {
        let path = Path::new(ZONES).join("Asia/Kathmandu");
        // Machines without such a database know no names.
        if path.exists() {
            assert_eq!(offsets("Asia/Kathmandu"), Some((20_700, 20_700)));
            assert_eq!(offsets(":Asia/Kathmandu"), Some((20_700, 20_700)));
            assert_eq!(offsets(path.to_str().unwrap()), Some((20_700, 20_700)));
        }
    }
}
