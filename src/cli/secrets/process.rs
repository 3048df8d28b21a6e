//! A program that is run for what it prints.
//!
//! Its standard input is empty, because ours may be the message; its standard error is ours; our own
//! secrets are not in its environment. Where there is a terminal it may ask there. A signal that ends us
//! ends it as well; what it leaves running when it has ended is not waited for.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::process::{self, Child, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use zeroize::Zeroizing;

use super::SECRET_VARIABLES;
use super::bounded::Reading;

use crate::cli::stdin::wait_for_octets;
use crate::clock;
use crate::failure::{Failure, Kind, Result};
use crate::interrupt::Guard;

/// How long to let a program run before looking again whether it has ended.
const SHORTEST_NAP: Duration = Duration::from_millis(1);
const LONGEST_NAP: Duration = Duration::from_millis(50);

/// A program that runs, and does not outlast its owner.
pub(super) struct Process {
    child: Child,
    output: File,
    /// Whether it has its own process group.
    apart: bool,
    ended: bool,
    _guard: Guard,
}

impl Process {
    /// Starts the program with its arguments, of which there is one at least.
    pub(super) fn start(words: &[String]) -> Result<Self> {
        let mut command = prepared(words);
        // At a terminal it stays with us: only so it can ask there, and Ctrl-C ends both. Elsewhere
        // a group of its own lets all that it started end with it.
        let apart = File::open("/dev/tty").is_err();
        if apart {
            command.process_group(0);
        }
        let started = Arc::new(Mutex::new(None));
        let to_end = Arc::clone(&started);
        // What ends us ends it, in whichever way it takes that signal.
        let guard = Guard::post(move |signal| {
            let process = *to_end.lock().unwrap_or_else(PoisonError::into_inner);
            if let (Some(process), Some(signal)) = (process, Signal::from_named_raw(signal)) {
                kill(process, apart, signal);
            }
        });
        // Held while it starts: a signal that comes now waits until it is known whom to end.
        let mut process = started.lock().unwrap_or_else(PoisonError::into_inner);
        let mut child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Failure::new(Kind::Config, "there is no such program")
                .with_hint("name it with its folder, or see PATH"),
            _ => Failure::new(Kind::Config, format!("cannot be run: {error}")),
        })?;
        *process = Some(Pid::from_child(&child));
        drop(process);
        let output = child.stdout.take().map(OwnedFd::from);
        let output = output.ok_or_else(|| Failure::new(Kind::Bug, "its output was not taken"))?;
        Ok(Self {
            child,
            output: File::from(output),
            apart,
            ended: false,
            _guard: guard,
        })
    }

    /// What it prints, to the end. What it leaves behind may keep its output open: then what is there
    /// when it has ended counts.
    pub(super) fn output(&mut self, deadline: Option<Instant>) -> Result<Zeroizing<Vec<u8>>> {
        let mut reading = Reading::new();
        let mut nap = SHORTEST_NAP;
        loop {
            // Asked before looking for octets: what it has printed is there by then.
            let has_ended = self.child.try_wait().map_err(lost)?.is_some();
            let last_look = has_ended && !reading.so_far().is_empty();
            let now = Instant::now();
            let until = if last_look { now } else { now + nap };
            let until = deadline.map_or(until, |deadline| deadline.min(until));
            if wait_for_octets(&self.output, Some(until)).map_err(lost)? {
                if !reading.more(&self.output)? {
                    return Ok(reading.text());
                }
            } else if last_look {
                return Ok(reading.text());
            } else {
                refuse_after(deadline)?;
                nap = (nap * 2).min(LONGEST_NAP);
            }
        }
    }

    /// Waits for its end.
    pub(super) fn end(mut self, deadline: Option<Instant>) -> Result<ExitStatus> {
        let status = self.wait(deadline)?;
        self.ended = true;
        Ok(status)
    }

    fn wait(&mut self, deadline: Option<Instant>) -> Result<ExitStatus> {
        if deadline.is_none() {
            return self.child.wait().map_err(lost);
        }
        // Most end as soon as they close their output, and none of them can be polled for.
        let mut nap = SHORTEST_NAP;
        loop {
            if let Some(status) = self.child.try_wait().map_err(lost)? {
                return Ok(status);
            }
            refuse_after(deadline)?;
            clock::pause(nap);
            nap = (nap * 2).min(LONGEST_NAP);
        }
    }
}

fn lost(error: std::io::Error) -> Failure {
    Failure::new(Kind::Io, error.to_string())
}

fn refuse_after(deadline: Option<Instant>) -> Result<()> {
    let Some(over) = clock::over(deadline) else {
        return Ok(());
    };
    let words = format!("did not end {}", over.before());
    Err(Failure::new(Kind::Temporary, words))
}

/// Sends a signal to the process, and where it has a group of its own to all that it started.
fn kill(process: Pid, apart: bool, signal: Signal) {
    // Nobody is left to tell when this fails.
    let _ = if apart {
        kill_process_group(process, signal)
    } else {
        kill_process(process, signal)
    };
}

pub(super) fn prepared(words: &[String]) -> process::Command {
    let mut command = process::Command::new(&words[0]);
    command
        .args(&words[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    for name in SECRET_VARIABLES {
        command.env_remove(name);
    }
    command
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        // Nobody is left to tell when these fail.
        if self.apart {
            let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        } else {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}
