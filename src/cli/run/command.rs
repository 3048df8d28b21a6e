//! Running the command: started, its output taken in, ended when its time is over, its end awaited.
//!
//! It is as it would be without us: standard input, environment (but for our secrets), folder and umask
//! are its own. Without a terminal it has a process group of its own, and signals and the end of its
//! time reach all that it started. At a terminal it stays in ours, so that Ctrl-C, Ctrl-Z and fg mean
//! both, and only what a terminal does not send is passed on. What it leaves running when it ends is
//! not waited for.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, PipeReader};
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{self, Child, ExitStatus};
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rustix::event::{PollFd, PollFlags};
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, umask, waitid,
};

use super::capture::{Capture, Ends, Stream};
use super::status::Status;
use crate::cli::secrets::SECRET_VARIABLES;
use crate::clock::wait_for;
use crate::interrupt::{Diverted, divert};

/// How long the command may take to end when its time is over.
const GRACE: Duration = Duration::from_secs(10);
/// How long others may go on writing when the command has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How long to wait where nothing is due; then the wait begins anew.
const LONG: Duration = Duration::from_secs(3600);

/// What is to be run, and how.
pub(super) struct Command<'a> {
    /// The program and its arguments; one at least.
    pub(super) words: &'a [OsString],
    /// The longest it may take.
    pub(super) limit: Option<Duration>,
    /// The umask it is to have.
    pub(super) umask: Mode,
    /// Whether each piece of its output has to be known for what it is.
    pub(super) apart: bool,
}

/// How it went.
pub(super) struct Ran {
    pub(super) status: Status,
    pub(super) started: SystemTime,
    pub(super) took: Duration,
    /// Whether something was written to standard error.
    pub(super) wrote_error: bool,
    /// What kept its output from being read to the end.
    pub(super) unread: Option<io::Error>,
}

impl Command<'_> {
    /// Runs it to its end, and hands its output over as it comes. Signals are nobody's but the command's
    /// as long as what is given back with it lives.
    pub(super) fn run(&self, into: impl FnMut(Stream, &[u8])) -> (Ran, Diverted) {
        let process = Process::default();
        let told = process.clone();
        let diverted = divert(move |signal| told.pass_on(signal));
        (self.run_as(&process, into), diverted)
    }

    fn run_as(&self, process: &Process, mut into: impl FnMut(Stream, &[u8])) -> Ran {
        let mut ran = Ran {
            status: Status::Exited(0),
            started: SystemTime::now(),
            took: Duration::ZERO,
            wrote_error: false,
            unread: None,
        };
        let start = Instant::now();
        let (mut capture, mut ending) = match self.start(process) {
            Ok(started) => started,
            Err(error) => {
                ran.status = Status::NotStarted(error);
                return ran;
            }
        };
        let mut time = Time::of(self.limit, start);
        loop {
            // Asked before its output is taken in: what it has printed is there by then.
            let has_ended = ending.is_over();
            let taken = capture.as_mut().map(|capture| {
                capture.take(|stream, octets| {
                    ran.wrote_error |= stream == Stream::Error;
                    into(stream, octets);
                })
            });
            if let Some(Err(error)) = taken {
                ran.unread = Some(error);
                capture = None;
            }
            let sources = capture.as_ref().map(Capture::sources).unwrap_or_default();
            let due = match has_ended {
                Some(at) if sources.is_empty() || at.elapsed() >= LAST_WORDS => break,
                Some(at) => at + LAST_WORDS,
                None => time.next(process),
            };
            let mut fds: Vec<_> = sources
                .iter()
                .map(|source| PollFd::new(source, PollFlags::IN))
                .collect();
            if has_ended.is_none() {
                fds.push(PollFd::from_borrowed_fd(ending.bell.as_fd(), PollFlags::IN));
            }
            if let Err(error) = wait_for(&mut fds, due) {
                ran.unread = Some(error);
                break;
            }
        }
        ran.took = start.elapsed();
        ran.wrote_error |= capture.is_some_and(|capture| capture.has_seen_error());
        ran.status = match (ending.status(), self.limit) {
            (Ok(_), Some(limit)) if time.is_over => Status::TimedOut(limit),
            (Ok(status), _) => status.into(),
            (Err(error), _) => Status::Unknown(error),
        };
        ran
    }

    fn start(&self, process: &Process) -> io::Result<(Option<Capture>, Ending)> {
        let (capture, ends) = if self.apart {
            Capture::apart()?
        } else {
            Capture::ordered()?
        };
        let (child, ending) = Ending::awaited(process.clone())?;
        // At a terminal it stays with us: only so it can ask there, and be stopped and go on with us.
        let apart = File::open("/dev/tty").is_err();
        let [mut command, mut by_shell] = self.prepared(ends)?;
        if apart {
            command.process_group(0);
            by_shell.process_group(0);
        }
        // Held while it starts: a signal that comes now waits until it is known whom to tell.
        let mut target = process.target();
        let own = umask(self.umask);
        // A script without `#!` is the shell's, as for every execvp(3).
        let spawned = command.spawn().or_else(|error| {
            let is_script = error.raw_os_error() == Some(Errno::NOEXEC.raw_os_error());
            if is_script {
                by_shell.spawn()
            } else {
                Err(error)
            }
        });
        umask(own);
        let spawned = spawned?;
        *target = Some(Target {
            process: Pid::from_child(&spawned),
            apart,
        });
        // Whoever waits for it lives until it comes.
        let _ = child.send(spawned);
        Ok((Some(capture), ending))
    }

    /// The command, and the same for a shell to read.
    fn prepared(&self, ends: Ends) -> io::Result<[process::Command; 2]> {
        let mut command = process::Command::new(&self.words[0]);
        let mut by_shell = process::Command::new("/bin/sh");
        by_shell.arg(self.file());
        let (output, error) = (ends.output.try_clone()?, ends.error.try_clone()?);
        command.stdout(ends.output).stderr(ends.error);
        by_shell.stdout(output).stderr(error);
        for command in [&mut command, &mut by_shell] {
            command.args(&self.words[1..]);
            for name in SECRET_VARIABLES {
                command.env_remove(name);
            }
        }
        Ok([command, by_shell])
    }

    /// The file that the command is, found along PATH where it is a name alone.
    fn file(&self) -> PathBuf {
        let name = Path::new(&self.words[0]);
        let path = std::env::var_os("PATH").filter(|_| name.components().count() == 1);
        let path = path.unwrap_or_default();
        let mut files = std::env::split_paths(&path).map(|folder| folder.join(name));
        files
            .find(|file| file.is_file())
            .unwrap_or_else(|| name.to_owned())
    }
}

/// When the command is told to end.
struct Time {
    due: Option<Instant>,
    /// Whether it was told.
    is_over: bool,
}

impl Time {
    fn of(limit: Option<Duration>, start: Instant) -> Self {
        Self {
            due: limit.map(|limit| start + limit),
            is_over: false,
        }
    }

    /// Tells the command what is due, and says when to look again.
    fn next(&mut self, process: &Process) -> Instant {
        let now = Instant::now();
        if self.due.is_some_and(|due| now >= due) {
            if self.is_over {
                process.tell(Signal::KILL);
                self.due = None;
            } else {
                process.tell(Signal::TERM);
                // What is stopped hears nothing else.
                process.tell(Signal::CONT);
                self.is_over = true;
                self.due = Some(now + GRACE);
            }
        }
        self.due.unwrap_or(now + LONG)
    }
}

/// The end of the command, which comes some time.
struct Ending {
    /// Readable when it has come.
    bell: PipeReader,
    status: Receiver<io::Result<ExitStatus>>,
    came: Option<(Instant, io::Result<ExitStatus>)>,
}

impl Ending {
    /// The end of the child that is sent there.
    fn awaited(process: Process) -> io::Result<(mpsc::Sender<Child>, Self)> {
        let (bell, rope) = io::pipe()?;
        let (sender, child) = mpsc::channel::<Child>();
        let (told, status) = mpsc::channel();
        thread::Builder::new()
            .name("command".to_owned())
            .spawn(move || {
                if let Ok(child) = child.recv() {
                    // Nobody is left to tell when this fails.
                    let _ = told.send(process.end(child));
                }
                drop(rope);
            })?;
        let ending = Self {
            bell,
            status,
            came: None,
        };
        Ok((sender, ending))
    }

    /// When it was first seen to have come.
    fn is_over(&mut self) -> Option<Instant> {
        if self.came.is_none() {
            let status = match self.status.try_recv() {
                Ok(status) => status,
                Err(TryRecvError::Empty) => return None,
                Err(TryRecvError::Disconnected) => Err(io::ErrorKind::Other.into()),
            };
            self.came = Some((Instant::now(), status));
        }
        self.came.as_ref().map(|(at, _)| *at)
    }

    fn status(self) -> io::Result<ExitStatus> {
        match self.came {
            Some((_, status)) => status,
            None => Err(io::ErrorKind::Other.into()),
        }
    }
}

/// The process, as long as it is there to be told something.
#[derive(Clone, Default)]
struct Process(Arc<Mutex<Option<Target>>>);

#[derive(Clone, Copy)]
struct Target {
    process: Pid,
    /// Whether it has a group of its own.
    apart: bool,
}

impl Process {
    fn target(&self) -> MutexGuard<'_, Option<Target>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for its end. Its number is another's only when nobody tells it anything any more.
    fn end(&self, mut child: Child) -> io::Result<ExitStatus> {
        let id = WaitId::Pid(Pid::from_child(&child));
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while waitid(id.clone(), options).is_err_and(|error| error == rustix::io::Errno::INTR) {}
        *self.target() = None;
        child.wait()
    }

    /// A signal that was sent to us.
    fn pass_on(&self, signal: i32) {
        let Some(signal) = Signal::from_named_raw(signal) else {
            return;
        };
        let is_of_terminals = signal != Signal::TERM;
        let has_it = (*self.target()).is_some_and(|target| !target.apart && is_of_terminals);
        if !has_it {
            self.tell(signal);
        }
    }

    fn tell(&self, signal: Signal) {
        if let Some(target) = *self.target() {
            // Nobody is left to tell when this fails.
            let _ = if target.apart {
                kill_process_group(target.process, signal)
            } else {
                kill_process(target.process, signal)
            };
        }
    }
}
