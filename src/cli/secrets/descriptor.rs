//! A secret from a descriptor that is already open, as gpg and msmtp's wrappers hand one over.
//!
//! Read by its name below `/dev/fd`: a number alone could be anybody's. Refuses what would wait for nobody or show the secret: output, terminals.

use std::fs::{self, File};
use std::io::{self, IsTerminal as _, Seek as _, SeekFrom};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::time::Instant;

use rustix::io::Errno;

use super::bounded::{self, Until};
use crate::cli::stdin;
use crate::failure::{Failure, Kind, Result};
use crate::secret::Secret;

/// An open descriptor and its number.
pub(super) struct Descriptor {
    number: u32,
    file: File,
}

impl Descriptor {
    pub(super) fn take(number: &str) -> Result<Self> {
        let number = match number.parse() {
            Ok(1 | 2) => {
                let words = format!("{number} is standard output or error; nothing is read there");
                return Err(Failure::new(Kind::Usage, words));
            }
            Ok(number) => number,
            Err(_) => {
                let words = format!("\"{number}\" is no number of a descriptor");
                return Err(Failure::new(Kind::Usage, words));
            }
        };
        let file = match number {
            0 => standard_input()?,
            _ => open(number)?,
        };
        if file.is_terminal() {
            let words = format!("descriptor {number} is a terminal, which shows what is typed");
            let hint = "name no source, and the password is asked for";
            return Err(Failure::new(Kind::Input, words).with_hint(hint));
        }
        Ok(Self { number, file })
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn is_standard_input(&self) -> bool {
        self.number == 0
    }

    /// Reads from where it stands to the end of the line.
    pub(super) fn read(&self, deadline: Option<Instant>) -> Result<Secret> {
        bounded::read(&self.file, Until::LineEnd, deadline)
            .and_then(|text| bounded::first_line(&text))
            .map_err(|failure| failure.at(format_args!("descriptor {}", self.number)))
    }
}

fn standard_input() -> Result<File> {
    let own = io::stdin().as_fd().try_clone_to_owned();
    own.map(File::from).map_err(|error| unusable(0, &error))
}

fn open(number: u32) -> Result<File> {
    let opened = stdin::open(Path::new(&format!("/dev/fd/{number}")));
    let mut file = opened.map_err(|error| unusable(number, &error))?;
    if let Some(position) = position(number)
        && file.metadata().is_ok_and(|metadata| metadata.is_file())
    {
        let sought = file.seek(SeekFrom::Start(position));
        sought.map_err(|error| unusable(number, &error))?;
    }
    Ok(file)
}

/// How far the descriptor was read. Linux opens its file anew, from the start; elsewhere the new
/// descriptor stands where the old one does, and there is no such place to ask.
fn position(number: u32) -> Option<u64> {
    let facts = fs::read_to_string(format!("/proc/self/fdinfo/{number}")).ok()?;
    let position = facts.lines().find_map(|line| line.strip_prefix("pos:"))?;
    position.trim().parse().ok()
}

fn unusable(number: u32, error: &io::Error) -> Failure {
    let why = match Errno::from_io_error(error) {
        Some(Errno::NOENT | Errno::BADF) => "is not open".to_owned(),
        Some(Errno::NXIO) => "is a socket; a pipe or a file can be read".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    Failure::new(Kind::Input, format!("descriptor {number} {why}"))
        .with_hint("open it where the program is started: --password-fd 3 3< FILE")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write as _;
    use std::os::fd::AsRawFd as _;
    use std::os::unix::net::UnixStream;

    use super::*;

    fn take(file: &impl std::os::fd::AsRawFd) -> Result<Descriptor> {
        Descriptor::take(&file.as_raw_fd().to_string())
    }

    #[test]
    fn a_pipe_gives_its_first_line_although_it_stays_open() {
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"hunter2\nmore\n").unwrap();
        let secret = take(&reader).unwrap().read(None).unwrap();
        assert_eq!(secret.expose(), b"hunter2");
    }

    #[test]
    fn a_file_is_read_from_where_it_stands() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"first\nhunter2\nthird").unwrap();
        file.seek(SeekFrom::Start(6)).unwrap();
        let secret = take(&file).unwrap().read(None).unwrap();
        assert_eq!(secret.expose(), b"hunter2");
    }

    #[test]
    fn what_cannot_be_read_is_told_by_its_number() {
        let failure = |number: &str| Descriptor::take(number).err().unwrap();
        let closed = failure("987654");
        assert_eq!(closed.kind, Kind::Input);
        assert_eq!(closed.message, "descriptor 987654 is not open");
        let (socket, _peer) = UnixStream::pair().unwrap();
        let number = socket.as_raw_fd().to_string();
        assert!(failure(&number).message.contains("is a socket"));
        for number in ["", "-1", "x", "99999999999", "1", "2"] {
            assert_eq!(failure(number).kind, Kind::Usage, "{number}");
        }
    }

    #[test]
    fn a_directory_and_an_empty_pipe_hold_no_secret() {
        let folder = File::open("/").unwrap();
        let failure = take(&folder).unwrap().read(None).unwrap_err();
        assert_eq!(failure.kind, Kind::Input);
        let (reader, writer) = io::pipe().unwrap();
        drop(writer);
        let failure = take(&reader).unwrap().read(None).unwrap_err();
        assert_eq!(failure.kind, Kind::Config);
    }
}
