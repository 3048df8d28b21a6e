//! Reading what is handed over, all of it or not at all, and within the run's time.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::event::{PollFd, PollFlags};

use super::output::Console;
use crate::clock::wait_for;
use crate::failure::{Failure, Kind};

/// Most octets read as one message: what is larger than 1 GiB is refused by any server.
const INPUT_LIMIT: usize = 1 << 30;
/// Octets asked for at once.
const READ_SIZE: usize = 256 * 1024;
/// How long to wait where there is no deadline; then the wait begins anew.
const LONG: Duration = Duration::from_secs(3600);

/// Reads standard input to its end. On a terminal says how to end it.
///
/// # Errors
/// `Io` when reading fails, `Temporary` when the deadline comes first, `Message` when there is more
/// than 1 GiB.
pub(crate) fn read(deadline: Option<Instant>, console: &Console) -> Result<Vec<u8>> {
    let mut stdin = io::stdin();
    if stdin.is_terminal() {
        console.line("smtpsend: reading the message from the terminal; end it with Ctrl-D");
    }
    let place = "standard input";
    let unreadable = |error: io::Error| Failure::new(Kind::Io, format!("{place}: {error}"));
    let mut input = Vec::new();
    let mut buffer = vec![0; READ_SIZE];
    loop {
        let until = deadline.unwrap_or_else(|| Instant::now() + LONG);
        if !wait_for(&mut [PollFd::new(&stdin.as_fd(), PollFlags::IN)], until)
            .map_err(unreadable)?
        {
            if deadline.is_some() {
                return Err(Failure::new(
                    Kind::Temporary,
                    format!("{place} did not end before the deadline"),
                )
                .into());
            }
            continue;
        }
        match stdin.read(&mut buffer) {
            Ok(0) => return Ok(input),
            Ok(count) => take_in(&mut input, &buffer[..count]).context(place)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error).into()),
        }
    }
}

/// Reads a file to its end.
///
/// # Errors
/// `Input` when it cannot be read, `Message` when it has more than 1 GiB.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>> {
    let unreadable =
        |error: io::Error| Failure::new(Kind::Input, format!("{}: {error}", path.display()));
    let mut file = File::open(path).map_err(unreadable)?;
    let mut input = Vec::new();
    let mut buffer = vec![0; READ_SIZE];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(input),
            Ok(count) => {
                take_in(&mut input, &buffer[..count]).with_context(|| path.display().to_string())?
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error).into()),
        }
    }
}

fn take_in(input: &mut Vec<u8>, bytes: &[u8]) -> crate::failure::Result<()> {
    if input.len() + bytes.len() > INPUT_LIMIT {
        return Err(Failure::new(
            Kind::Message,
            "more than 1 GiB: no server takes that",
        ));
    }
    input.extend_from_slice(bytes);
    Ok(())
}
