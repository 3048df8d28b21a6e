//! Reading a secret into memory that is zeroed afterwards: of bounded length, within the run's
//! time, and without copies left behind.

use std::fs::File;
use std::io::Read as _;
use std::time::Instant;

use zeroize::Zeroizing;

use crate::cli::stdin::wait_for_octets;
use crate::clock::{Over, is_passing};
use crate::failure::{Failure, Kind, Result};
use crate::secret::Secret;

/// Longest text with a secret that is read, in octets.
pub(super) const LIMIT: usize = 65_536;

/// How far a source is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// A line end is there: who writes may keep the source open.
    LineEnd,
    /// Its end.
    End,
}

/// Reads what is there, [`LIMIT`] octets at most.
///
/// # Errors
/// `Input` when it cannot be read, `Config` when there is more, `Temporary` when the deadline
/// comes first.
pub(super) fn read(
    source: &File,
    until: Until,
    deadline: Option<Instant>,
) -> Result<Zeroizing<Vec<u8>>> {
    let mut reading = Reading::new();
    loop {
        if !wait_for_octets(source, deadline).map_err(unreadable)? {
            let what = match until {
                Until::LineEnd => "no line came",
                Until::End => "did not end",
            };
            let words = format!("{what} {}", Over::of_a_wait().before());
            return Err(Failure::new(Kind::Temporary, words));
        }
        let at_end = !reading.more(source)?;
        if at_end || (until == Until::LineEnd && reading.so_far().contains(&b'\n')) {
            return Ok(reading.text());
        }
    }
}

/// What has been read so far.
pub(super) struct Reading {
    octets: Zeroizing<Vec<u8>>,
    filled: usize,
}

impl Reading {
    pub(super) fn new() -> Self {
        Self {
            // Room for all of it from the start: growing would leave copies behind.
            octets: Zeroizing::new(vec![0; LIMIT + 1]),
            filled: 0,
        }
    }

    /// Reads once; false at the end.
    ///
    /// # Errors
    /// `Input` when it cannot be read, `Config` when there is more than [`LIMIT`].
    pub(super) fn more(&mut self, mut source: &File) -> Result<bool> {
        if self.filled > LIMIT {
            let words = format!("more than {} KiB: that is no secret", LIMIT >> 10);
            return Err(Failure::new(Kind::Config, words));
        }
        match source.read(&mut self.octets[self.filled..]) {
            Ok(0) => return Ok(false),
            Ok(count) => self.filled += count,
            Err(error) if is_passing(&error) => {}
            Err(error) => return Err(unreadable(error)),
        }
        Ok(true)
    }

    pub(super) fn so_far(&self) -> &[u8] {
        &self.octets[..self.filled]
    }

    pub(super) fn text(mut self) -> Zeroizing<Vec<u8>> {
        self.octets.truncate(self.filled);
        self.octets
    }
}

fn unreadable(error: std::io::Error) -> Failure {
    Failure::new(Kind::Input, error.to_string())
}

/// The first line, without its end.
///
/// # Errors
/// `Config` when it is empty.
pub(super) fn first_line(text: &[u8]) -> Result<Secret> {
    let line = text.split(|&octet| octet == b'\n').next();
    let line = line.unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        return Err(Failure::new(Kind::Config, "its first line is empty"));
    }
    Ok(Secret::new(line.to_vec()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write as _;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_line_is_enough_although_the_writer_goes_on() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(b"hunter2\nmore").unwrap();
        let reader = File::from(std::os::fd::OwnedFd::from(reader));
        let text = read(&reader, Until::LineEnd, None).unwrap();
        assert_eq!(first_line(&text).unwrap().expose(), b"hunter2");
    }

    #[test]
    fn who_writes_nothing_is_waited_for_until_the_deadline() {
        let (reader, _writer) = std::io::pipe().unwrap();
        let reader = File::from(std::os::fd::OwnedFd::from(reader));
        let soon = Instant::now() + Duration::from_millis(10);
        let failure = read(&reader, Until::LineEnd, Some(soon)).unwrap_err();
        assert_eq!(failure.kind, Kind::Temporary);
    }

    #[test]
    fn the_limit_is_exact() {
        for (size, fits) in [(LIMIT, true), (LIMIT + 1, false)] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&vec![b'x'; size]).unwrap();
            std::io::Seek::rewind(&mut file).unwrap();
            let text = read(&file, Until::End, None);
            assert_eq!(text.map_or(0, |text| text.len()), size * usize::from(fits));
        }
    }

    #[test]
    fn line_ends_are_not_part_of_the_secret_and_an_empty_line_is_none() {
        for text in [&b"pass word "[..], b"pass word \n", b"pass word \r\nmore\n"] {
            assert_eq!(first_line(text).unwrap().expose(), b"pass word ");
        }
        for text in [&b""[..], b"\n", b"\r\nhunter2\n"] {
            assert_eq!(first_line(text).unwrap_err().kind, Kind::Config);
        }
    }
}
