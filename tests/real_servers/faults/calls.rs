//! Faults at system calls, by strace(1): which calls there are, and one of them ended by a signal or an error.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::server::not_run;

/// Calls that change nothing: a kill before one of them is a kill before the next.
const PURE: [&str; 17] = [
    "exit",
    "futex",
    "getdents64",
    "geteuid",
    "getpeername",
    "getsockname",
    "getsockopt",
    "gettid",
    "ioctl",
    "madvise",
    "mmap",
    "mprotect",
    "munmap",
    "rt_sigprocmask",
    "setsockopt",
    "sigaltstack",
    "uname",
];

/// A call of a process: the nth of its name in its thread.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) name: String,
    nth: usize,
    /// As strace shows it.
    text: String,
}

/// What happens at a call, in place of it.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Fault {
    Kill,
    Error(&'static str),
}

/// A call and what happens at it.
#[derive(Clone)]
pub(super) struct Case {
    call: Call,
    pub(super) fault: Fault,
}

impl Call {
    /// One of its arguments, as strace shows it.
    pub(super) fn argument(&self, nth: usize) -> &str {
        let argument = self.text.split(['(', ',', ')']).nth(nth + 1);
        // Where another thread made a call meanwhile, a remark follows.
        let mut words = argument.unwrap_or_default().split_whitespace();
        words.next().unwrap_or_default()
    }
}

impl Case {
    /// The options of strace that make it so.
    pub(super) fn options(&self) -> [String; 4] {
        let Call { name, nth, .. } = &self.call;
        let fault = match self.fault {
            Fault::Kill => "signal=KILL".to_owned(),
            Fault::Error(error) => format!("error={error}"),
        };
        let inject = format!("inject={name}:{fault}:when={nth}");
        ["-e".into(), format!("trace={name}"), "-e".into(), inject]
    }

    /// Whether it happened, as far as strace's output says.
    pub(super) fn happened(&self, output: &Path) -> bool {
        let output = fs::read_to_string(output).unwrap_or_default();
        match self.fault {
            Fault::Kill => output.contains("killed by SIGKILL"),
            Fault::Error(_) => output.contains("(INJECTED)"),
        }
    }

    /// Whether what could not be done was to tell the user.
    pub(super) fn is_of_output(&self) -> bool {
        self.call.text.starts_with("write(2,")
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = match self.fault {
            Fault::Kill => "killed",
            Fault::Error(error) => error,
        };
        write!(
            f,
            "{fault} at {} #{}: {}",
            self.call.name, self.call.nth, self.call.text
        )
    }
}

/// Every fault at every one of these calls.
pub(super) fn cases(calls: &[Call]) -> Vec<Case> {
    let mut cases = Vec::new();
    for call in calls {
        let mut add = |fault| {
            cases.push(Case {
                call: call.clone(),
                fault,
            });
        };
        if !PURE.contains(&call.name.as_str()) {
            add(Fault::Kill);
        }
        for &error in errors(call) {
            add(Fault::Error(error));
        }
    }
    cases
}

/// How a call can fail on a disk that is full or broken, in a process without descriptors left, in a directory
/// that may not be written to, over a connection that is lost.
fn errors(call: &Call) -> &'static [&'static str] {
    match call.name.as_str() {
        "openat" if call.text.contains("O_CREAT") => {
            &["ENOSPC", "EIO", "EMFILE", "EACCES", "EROFS"]
        }
        "openat" => &["EIO", "EMFILE", "EACCES"],
        "mkdirat" => &["ENOSPC", "EIO", "EACCES", "EROFS"],
        // Where there is no rename without replacing, another way is gone.
        "renameat2" => &["ENOSPC", "EIO", "EACCES", "EINVAL"],
        "unlinkat" => &["EIO", "EACCES"],
        "write" | "pwrite64" | "fsync" | "fdatasync" => &["ENOSPC", "EIO"],
        "fallocate" => &["ENOSPC", "EIO", "EOPNOTSUPP"],
        "flock" => &["ENOLCK", "EINTR"],
        "newfstatat" => &["EIO", "EACCES"],
        "fstat" | "statx" | "getdents64" | "pread64" | "ftruncate" | "close" | "utimensat" => {
            &["EIO"]
        }
        "fchmod" => &["EIO", "EPERM"],
        "fcntl" => &["EMFILE"],
        "clone3" => &["EAGAIN"],
        "socket" => &["EMFILE"],
        "connect" => &["ECONNREFUSED"],
        "read" => &["ECONNRESET"],
        _ => &[],
    }
}

/// The calls of the main thread in strace's output, in order.
pub(super) fn listed(output: &Path) -> Vec<Call> {
    let output = fs::read_to_string(output).unwrap();
    let lines: Vec<(&str, &str)> = output
        .lines()
        .filter_map(|line| line.split_once(' '))
        .collect();
    let (thread, _) = lines[0];
    let mut calls: Vec<Call> = Vec::new();
    for (_, text) in lines.iter().filter(|(of, _)| *of == thread) {
        let text = text.trim_start();
        let Some((name, _)) = text.split_once('(') else {
            continue;
        };
        if !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            calls.push(Call {
                name: name.to_owned(),
                nth: 1 + calls.iter().filter(|call| call.name == name).count(),
                text: text.chars().take(160).collect(),
            });
        }
    }
    // Only the debug build asks, and only whether there is such a descriptor.
    calls.retain(|call| !call.text.contains("F_GETFD"));
    calls
}

/// The calls from the first one in whose text this stands.
pub(super) fn from(calls: &[Call], start: &str) -> Vec<Call> {
    let start = calls.iter().position(|call| call.text.contains(start));
    calls[start.unwrap()..].to_vec()
}

/// Whether strace is installed; else that is said.
pub(super) fn has_strace() -> bool {
    let is_there = Command::new("strace").arg("-V").output().is_ok();
    if !is_there {
        not_run("strace is not installed (tests/servers/install.sh installs it)");
    }
    is_there
}
