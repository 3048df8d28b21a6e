//! The pipes into which a command writes.
//!
//! Two pipes tell standard output and standard error apart and lose their order, where writes come quickly;
//! one pipe keeps the order, and `ordered` knows how to tell whether standard error was written to. The
//! latter is had where it can be, unless both are to be passed on as they come. Refuses to wait: what is there is taken in.

#[cfg(target_os = "linux")]
mod ordered;
#[cfg(not(target_os = "linux"))]
#[path = "capture/unordered.rs"]
mod ordered;

use std::io::{self, PipeReader, Read as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use self::ordered::OnePipe;
use crate::clock::is_passing;

/// Octets read at once.
const READ_SIZE: usize = 256 * 1024;
/// Octets that a pipe should hold, so that the command seldom waits.
const PIPE_SIZE: usize = 1 << 20;

/// Which of its outputs a command wrote to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Output,
    Error,
}

/// What the command gets.
pub(super) struct Ends {
    pub(super) output: OwnedFd,
    pub(super) error: OwnedFd,
}

/// What we keep.
pub(super) enum Capture {
    /// All in its order.
    Ordered(OnePipe),
    /// Each for itself, with room for what is read.
    Apart([Option<PipeReader>; 2], Vec<u8>),
}

impl Capture {
    /// In the order of the writes, where that can be had.
    ///
    /// # Errors
    /// When there are no pipes.
    pub(super) fn ordered() -> io::Result<(Self, Ends)> {
        match OnePipe::open() {
            Ok((pipe, ends)) => Ok((Self::Ordered(pipe), ends)),
            Err(_) => Self::apart(),
        }
    }

    /// With each piece known for what it is.
    ///
    /// # Errors
    /// When there are no pipes.
    pub(super) fn apart() -> io::Result<(Self, Ends)> {
        let (output, to_output) = io::pipe()?;
        let (error, to_error) = io::pipe()?;
        for pipe in [&output, &error] {
            never_wait(pipe)?;
            widen(pipe);
        }
        let ends = Ends {
            output: to_output.into(),
            error: to_error.into(),
        };
        let buffer = vec![0; READ_SIZE];
        Ok((Self::Apart([Some(output), Some(error)], buffer), ends))
    }

    /// What to wait for until there is more; nothing at the end of both.
    pub(super) fn sources(&self) -> Vec<BorrowedFd<'_>> {
        match self {
            Self::Ordered(pipe) => pipe.source().into_iter().collect(),
            Self::Apart(pipes, _) => pipes.iter().flatten().map(AsFd::as_fd).collect(),
        }
    }

    /// Takes in what is there, within bounds.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn take(&mut self, mut into: impl FnMut(Stream, &[u8])) -> io::Result<()> {
        match self {
            Self::Ordered(pipe) => pipe.take(|octets| into(Stream::Output, octets)),
            Self::Apart(pipes, buffer) => {
                for (pipe, stream) in pipes.iter_mut().zip([Stream::Output, Stream::Error]) {
                    let Some(source) = pipe else { continue };
                    match source.read(buffer) {
                        Ok(0) => *pipe = None,
                        Ok(count) => into(stream, &buffer[..count]),
                        Err(error) if is_passing(&error) => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(())
            }
        }
    }

    /// Whether standard error was written to where pieces do not tell it.
    pub(super) fn has_seen_error(&self) -> bool {
        match self {
            Self::Ordered(pipe) => pipe.has_seen_error(),
            Self::Apart(..) => false,
        }
    }
}

fn never_wait(pipe: impl AsFd) -> io::Result<()> {
    let flags = fcntl_getfl(&pipe)?;
    Ok(fcntl_setfl(&pipe, flags | OFlags::NONBLOCK)?)
}

/// Where the system allows it; else the command waits a little more often.
fn widen(pipe: impl AsFd) {
    #[cfg(target_os = "linux")]
    let _ = rustix::pipe::fcntl_setpipe_size(pipe, PIPE_SIZE);
    #[cfg(not(target_os = "linux"))]
    drop((pipe, PIPE_SIZE));
}
