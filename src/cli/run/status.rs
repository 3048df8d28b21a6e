//! How a command ended: for the subject, for the mail, and for whoever called us.
//!
//! The exit codes are those of a shell, env(1) and timeout(1).

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use signal_hook::low_level::signal_name;

use crate::clock::in_words;

/// How it ended.
#[derive(Debug)]
pub(super) enum Status {
    /// By itself, with this exit status.
    Exited(i32),
    Killed {
        signal: i32,
        dumped: bool,
    },
    /// It was still running after so long.
    TimedOut(Duration),
    NotStarted(io::Error),
    /// It was started, and how it ended cannot be learnt.
    Unknown(io::Error),
}

impl From<ExitStatus> for Status {
    fn from(status: ExitStatus) -> Self {
        match status.signal() {
            Some(signal) => Self::Killed {
                signal,
                dumped: status.core_dumped(),
            },
            None => Self::Exited(status.code().unwrap_or_default()),
        }
    }
}

impl Status {
    pub(super) fn is_success(&self) -> bool {
        matches!(self, Self::Exited(0))
    }

    /// For whoever called us: 0..=255.
    pub(super) fn exit_code(&self) -> u8 {
        let code = match self {
            Self::Exited(code) => *code,
            Self::Killed { signal, .. } => 128 + signal,
            Self::TimedOut(_) => 124,
            Self::NotStarted(error) if error.kind() == io::ErrorKind::NotFound => 127,
            Self::NotStarted(_) => 126,
            Self::Unknown(_) => 125,
        };
        u8::try_from(code).unwrap_or(u8::MAX)
    }

    /// In a sentence: `exit status 3`, `killed by SIGSEGV (core dumped)`.
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::Exited(code) => format!("exit status {code}"),
            Self::Killed { signal, dumped } => {
                let dumped = if *dumped { " (core dumped)" } else { "" };
                format!("killed by {}{dumped}", name_of(*signal))
            }
            Self::TimedOut(limit) => format!("timed out after {}", in_words(*limit)),
            Self::NotStarted(error) => format!("could not be started: {error}"),
            Self::Unknown(error) => format!("not known: {error}"),
        }
    }

    /// In a subject, where all went well but for what was printed: `FAILED (exit 3)`, `OK`.
    pub(super) fn in_brief(&self, wrote_error: bool) -> String {
        match self {
            Self::Exited(0) if wrote_error => "WARNING (standard error)".to_owned(),
            Self::Exited(0) => "OK".to_owned(),
            Self::Exited(code) => format!("FAILED (exit {code})"),
            Self::Killed { signal, .. } => format!("FAILED ({})", name_of(*signal)),
            Self::TimedOut(limit) => format!("TIMED OUT ({})", in_words(*limit)),
            Self::NotStarted(_) => "NOT STARTED".to_owned(),
            Self::Unknown(_) => "FAILED (status unknown)".to_owned(),
        }
    }
}

fn name_of(signal: i32) -> String {
    signal_name(signal).map_or_else(|| format!("signal {signal}"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn killed(signal: i32, dumped: bool) -> Status {
        Status::Killed { signal, dumped }
    }

    #[test]
    fn the_exit_code_is_that_of_a_shell() {
        let not_started = |kind: io::ErrorKind| Status::NotStarted(kind.into());
        for (status, code) in [
            (Status::Exited(0), 0),
            (Status::Exited(255), 255),
            (killed(9, false), 137),
            (killed(64, false), 192),
            (Status::TimedOut(Duration::from_secs(1)), 124),
            (not_started(io::ErrorKind::NotFound), 127),
            (not_started(io::ErrorKind::PermissionDenied), 126),
        ] {
            assert_eq!(status.exit_code(), code, "{status:?}");
        }
    }

    #[test]
    fn a_status_is_told_in_words() {
        for (status, words, brief) in [
            (Status::Exited(3), "exit status 3", "FAILED (exit 3)"),
            (
                killed(11, true),
                "killed by SIGSEGV (core dumped)",
                "FAILED (SIGSEGV)",
            ),
            (
                killed(40, false),
                "killed by signal 40",
                "FAILED (signal 40)",
            ),
            (
                Status::TimedOut(Duration::from_secs(600)),
                "timed out after 600 s",
                "TIMED OUT (600 s)",
            ),
        ] {
            assert_eq!(
                (&*status.in_words(), &*status.in_brief(false)),
                (words, brief)
            );
        }
        assert_eq!(Status::Exited(0).in_brief(true), "WARNING (standard error)");
    }
}
