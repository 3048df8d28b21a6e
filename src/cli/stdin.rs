//! Reading what is handed over, all of it or not at all, and within the run's time.
//!
//! Owns what becomes of it: a large regular file stays where it is and is read there, from where
//! it is open; everything else is read to its end now, and [kept](super::kept). Refuses more than
//! a server would take.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _, Seek as _, SeekFrom};
use std::ops::ControlFlow;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::event::{PollFd, PollFlags};

use super::kept::{IN_MEMORY, Kept};
use super::lone_dot::LoneDot;
use super::output::Console;
use super::settings::Environment;
use crate::clock::{self, Over, is_passing, wait_for};
use crate::failure::{Failure, Kind};
use crate::message::Store;

/// Most octets read as one message: no server takes more.
pub(crate) const MESSAGE_LIMIT: u64 = 4 << 30;
/// Octets asked for at once.
const READ_SIZE: usize = 256 * 1024;
/// How long to wait where there is no deadline; then the wait begins anew.
const LONG: Duration = Duration::from_secs(3600);

/// Reads standard input to its end. On a terminal says how to end it.
///
/// # Errors
/// `Io` when reading fails or a large input cannot be kept, `Temporary` when the deadline comes
/// first, `Message` when there is more than 4 GiB.
pub(crate) fn read(
    deadline: Option<Instant>,
    environment: Environment<'_>,
    console: &Console,
) -> Result<Store> {
    standard_input(console)
        .and_then(|file| store(file, IN_MEMORY, Kind::Io, deadline, environment))
        .context("standard input")
}

/// Reads standard input up to a line that is a lone dot, else to its end; what follows the dot is not
/// for us.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_to_dot(
    deadline: Option<Instant>,
    environment: Environment<'_>,
    console: &Console,
) -> Result<Store> {
    let mut kept = Kept::new(environment);
    let mut dot = LoneDot::default();
    let take_in = |octets: &[u8]| {
        let (text, ended) = dot.before(octets);
        keep(&mut kept, &text)?;
        Ok(if ended {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    };
    standard_input(console)
        .and_then(|file| to_end(&file, Kind::Io, deadline, take_in))
        .context("standard input")?;
    Ok(kept.into_store())
}

fn standard_input(console: &Console) -> crate::failure::Result<File> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        console.line("smtpsend: reading the message from the terminal; end it with Ctrl-D");
    }
    let file = stdin.as_fd().try_clone_to_owned().map(File::from);
    file.map_err(|error| unreadable(Kind::Io, &error))
}

/// Reads a file to its end; a regular one that has more than `in_memory` octets stays where it is.
///
/// # Errors
/// `Input` when it cannot be read; else as [`read`].
pub(crate) fn read_text(
    path: &Path,
    in_memory: usize,
    deadline: Option<Instant>,
    environment: Environment<'_>,
) -> Result<Store> {
    open(path)
        .map_err(|error| unreadable(Kind::Input, &error))
        .and_then(|file| store(file, in_memory, Kind::Input, deadline, environment))
        .with_context(|| path.display().to_string())
}

/// Reads a file of at most `limit` octets to its end.
///
/// # Errors
/// `Input` when it cannot be read; else as [`read`].
pub(crate) fn read_file(path: &Path, limit: usize, deadline: Option<Instant>) -> Result<Vec<u8>> {
    let mut octets = Vec::new();
    let take_in = |more: &[u8]| {
        octets.extend_from_slice(more);
        refuse_more_than(limit as u64, octets.len() as u64)?;
        Ok(ControlFlow::Continue(()))
    };
    open(path)
        .map_err(|error| unreadable(Kind::Input, &error))
        .and_then(|file| to_end(&file, Kind::Input, deadline, take_in))
        .with_context(|| path.display().to_string())?;
    Ok(octets)
}

/// Opens a file without waiting: a pipe that nobody writes to must not outlast the deadline.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    File::options()
        .read(true)
        .custom_flags(nonblocking)
        .open(path)
}

/// All that can be read of an open file from here on.
fn store(
    file: File,
    in_memory: usize,
    kind: Kind,
    deadline: Option<Instant>,
    environment: Environment<'_>,
) -> crate::failure::Result<Store> {
    if let Some(start) = large_from(&file, in_memory).map_err(|error| unreadable(kind, &error))? {
        let store = in_place(file, start).map_err(|error| unreadable(kind, &error))?;
        refuse_more_than(MESSAGE_LIMIT, store.size())?;
        return Ok(store);
    }
    let mut kept = Kept::new(environment);
    to_end(&file, kind, deadline, |octets| {
        keep(&mut kept, octets)?;
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(kept.into_store())
}

fn keep(kept: &mut Kept<'_>, octets: &[u8]) -> crate::failure::Result<()> {
    kept.add(octets)?;
    refuse_more_than(MESSAGE_LIMIT, kept.size())
}

/// Where a regular file is open, when there is more behind that than is read into memory.
fn large_from(mut file: &File, in_memory: usize) -> io::Result<Option<u64>> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(None);
    }
    let start = file.stream_position()?;
    let is_large = metadata.len().saturating_sub(start) > in_memory as u64;
    Ok(is_large.then_some(start))
}

fn in_place(file: File, start: u64) -> io::Result<Store> {
    // What cannot be read at all is told here, where it is known which input that is.
    file.read_at(&mut [0], start)?;
    let mut shared = file.try_clone()?;
    let store = Store::in_place(file, start)?;
    // Who shares the open file finds it read, as by any program that reads.
    shared.seek(SeekFrom::Start(start + store.size()))?;
    Ok(store)
}

/// Reads to the end, or until enough is taken in.
fn to_end(
    mut source: &File,
    kind: Kind,
    deadline: Option<Instant>,
    mut take_in: impl FnMut(&[u8]) -> crate::failure::Result<ControlFlow<()>>,
) -> crate::failure::Result<()> {
    let mut buffer = vec![0; READ_SIZE];
    loop {
        if !wait_for_octets(source, deadline).map_err(|error| unreadable(kind, &error))? {
            let words = format!("did not end {}", Over::of_a_wait().before());
            return Err(Failure::new(Kind::Temporary, words));
        }
        match source.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                if take_in(&buffer[..count])?.is_break() {
                    return Ok(());
                }
            }
            Err(error) if is_passing(&error) => {}
            Err(error) => return Err(unreadable(kind, &error)),
        }
    }
}

/// Waits until there is something to read, or the end; false when the deadline comes first.
pub(crate) fn wait_for_octets(source: &File, deadline: Option<Instant>) -> io::Result<bool> {
    loop {
        let until = deadline.unwrap_or_else(|| Instant::now() + LONG);
        let mut fds = [PollFd::from_borrowed_fd(source.as_fd(), PollFlags::IN)];
        if wait_for(&mut fds, until)? {
            return Ok(true);
        }
        if clock::over(deadline).is_some() {
            return Ok(false);
        }
    }
}

pub(crate) fn refuse_more_than(limit: u64, size: u64) -> crate::failure::Result<()> {
    if size <= limit {
        return Ok(());
    }
    let words = format!("more than {} MiB", limit >> 20);
    Err(Failure::new(Kind::Message, words))
}

fn unreadable(kind: Kind, error: &io::Error) -> Failure {
    Failure::new(kind, error.to_string())
}
