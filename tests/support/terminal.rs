//! A terminal that somebody types on, with the program as the only one that runs there.
//!
//! The program gets a session of its own by setsid(1), and everything it says is seen here.

use std::ffi::{CStr, OsStr};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

use super::program::program;

/// The program at a terminal.
pub struct Terminal {
    ours: File,
    theirs: File,
    child: Child,
    said: Vec<u8>,
}

impl Terminal {
    /// Runs the program with these arguments, and `home` as HOME.
    pub fn run<A: AsRef<OsStr>>(home: &std::path::Path, args: impl IntoIterator<Item = A>) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let theirs = end(&name);
        let child = Command::new("setsid")
            .args(["--ctty", program()])
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home)
            .env("SMTPSEND_SYSTEM_CONFIG", home.join("system.toml"))
            .env("SMTPSEND_DNS", "127.0.0.1:1")
            .stdin(theirs.try_clone().unwrap())
            .stdout(theirs.try_clone().unwrap())
            .stderr(theirs.try_clone().unwrap())
            .spawn()
            .unwrap();
        Self {
            ours: ours.into(),
            theirs,
            child,
            said: Vec::new(),
        }
    }

    /// Waits until the program has said this since the last time.
    #[track_caller]
    pub fn says(&mut self, words: &str) {
        let mut until = Instant::now() + Duration::from_secs(60);
        loop {
            let said = String::from_utf8_lossy(&self.said).into_owned();
            if let Some(at) = said.find(words) {
                self.said = said[at + words.len()..].into();
                return;
            }
            if self.child.try_wait().unwrap().is_some() {
                until = Instant::now();
            }
            assert!(
                self.hears_until(until),
                "{words:?} was expected in {said:?}"
            );
        }
    }

    /// Types these octets.
    pub fn types(&mut self, octets: impl AsRef<[u8]>) {
        self.ours.write_all(octets.as_ref()).unwrap();
    }

    /// Whether what is typed shows.
    pub fn echoes(&self) -> bool {
        let modes = tcgetattr(&self.theirs).unwrap().local_modes;
        modes.contains(LocalModes::ECHO)
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end.
    pub fn ends(&mut self) -> ExitStatus {
        let status = self.child.wait().unwrap();
        while self.hears_until(Instant::now()) {}
        status
    }

    /// What was said since the last time.
    pub fn rest(&self) -> String {
        String::from_utf8_lossy(&self.said).into_owned()
    }

    fn hears_until(&mut self, until: Instant) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).unwrap();
        let mut fds = [PollFd::new(&self.ours, PollFlags::IN)];
        if poll(&mut fds, Some(&left)).unwrap() == 0 {
            return false;
        }
        let mut octets = [0; 4096];
        let count = self.ours.read(&mut octets).unwrap();
        self.said.extend_from_slice(&octets[..count]);
        count > 0
    }
}

fn end(name: &CStr) -> File {
    let name = OsStr::from_bytes(name.to_bytes());
    let flags = rustix::fs::OFlags::NOCTTY.bits().cast_signed();
    let mut options = File::options();
    options.read(true).write(true);
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags);
    options.open(name).unwrap()
}
