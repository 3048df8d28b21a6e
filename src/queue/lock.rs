//! The lock of a message in the queue.
//!
//! Owns taking it, letting it go, and looking whether somebody has it. It is flock(2)'s: it ends with
//! the process that holds it, and none is ever stale.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::thread::sleep;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::{Errno, retry_on_intr};

/// How often it is tried to get past those who only look, each of which takes some microseconds.
const TRIES: u32 = 200;
const PAUSE: Duration = Duration::from_millis(1);

/// A file that nobody else has locked.
#[derive(Debug)]
pub(super) struct Locked(File);

impl Locked {
    /// Locks a file; nothing when it is locked.
    pub(super) fn new(file: File) -> io::Result<Option<Self>> {
        for _ in 0..TRIES {
            if try_lock(&file, FlockOperation::NonBlockingLockExclusive)? {
                return Ok(Some(Self(file)));
            }
            // A lock that can be shared is that of somebody who looks, and is gone in a moment.
            if !try_lock(&file, FlockOperation::NonBlockingLockShared)? {
                return Ok(None);
            }
            flock(&file, FlockOperation::Unlock)?;
            sleep(PAUSE);
        }
        Ok(None)
    }
}

impl Deref for Locked {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // The descriptor may live on in a message that is read from it, or in a child.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

/// Whether somebody has locked a file.
pub(super) fn is_held(file: &File) -> bool {
    let held = try_lock(file, FlockOperation::NonBlockingLockShared);
    let _ = flock(file, FlockOperation::Unlock);
    matches!(held, Ok(false))
}

fn try_lock(file: &File, operation: FlockOperation) -> io::Result<bool> {
    match retry_on_intr(|| flock(file, operation)) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
