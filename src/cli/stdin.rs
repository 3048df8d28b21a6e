//! Reading what is handed over, all of it or not at all, and within the run's time.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::event::{PollFd, PollFlags};

use super::output::Console;
use crate::clock::wait_for;
use crate::failure::{Failure, Kind};

/// Most octets read as one message: no server takes more.
pub(crate) const MESSAGE_LIMIT: usize = 1 << 30;
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
    let stdin = io::stdin();
    if stdin.is_terminal() {
        console.line("smtpsend: reading the message from the terminal; end it with Ctrl-D");
    }
    to_end(stdin.lock(), Kind::Io, MESSAGE_LIMIT, deadline).context("standard input")
}

/// Reads a file of at most `limit` octets to its end.
///
/// # Errors
/// `Input` when it cannot be read; else as [`read`].
pub(crate) fn read_file(path: &Path, limit: usize, deadline: Option<Instant>) -> Result<Vec<u8>> {
    // Without waiting: a pipe that nobody writes to must not outlast the deadline.
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let opened = File::options()
        .read(true)
        .custom_flags(nonblocking)
        .open(path)
        .map_err(|error| Failure::new(Kind::Input, error.to_string()));
    opened
        .and_then(|file| to_end(file, Kind::Input, limit, deadline))
        .with_context(|| path.display().to_string())
}

fn to_end(
    mut source: impl Read + AsFd,
    kind: Kind,
    limit: usize,
    deadline: Option<Instant>,
) -> crate::failure::Result<Vec<u8>> {
    let unreadable = |error: io::Error| Failure::new(kind, error.to_string());
    let mut input = Vec::new();
    let mut buffer = vec![0; READ_SIZE];
    loop {
        let until = deadline.unwrap_or_else(|| Instant::now() + LONG);
        let mut fds = [PollFd::from_borrowed_fd(source.as_fd(), PollFlags::IN)];
        if !wait_for(&mut fds, until).map_err(unreadable)? {
            if deadline.is_some() {
                return Err(Failure::new(
                    Kind::Temporary,
                    "did not end before the deadline",
                ));
            }
            continue;
        }
        match source.read(&mut buffer) {
            Ok(0) => return Ok(input),
            Ok(count) => take_in(&mut input, &buffer[..count], limit)?,
            Err(error) if is_passing(&error) => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
}

fn take_in(input: &mut Vec<u8>, bytes: &[u8], limit: usize) -> crate::failure::Result<()> {
    if input.len() + bytes.len() > limit {
        let words = format!("more than {} MiB", limit >> 20);
        return Err(Failure::new(Kind::Message, words));
    }
    let memory = |_| Failure::new(Kind::Io, "there is not enough memory for it");
    input.try_reserve(bytes.len()).map_err(memory)?;
    input.extend_from_slice(bytes);
    Ok(())
}

fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock
    )
}
