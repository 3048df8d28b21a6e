//! A secret from a program: a password manager, a keyring, a token agent.
//!
//! Run without a shell unless the line needs one. Its standard input is empty, because ours may be
//! the message; its standard error is ours; our own secrets are not in its environment. Where
//! there is a terminal it may ask there.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::process::{self, Child, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use zeroize::Zeroizing;

use super::SECRET_VARIABLES;
use super::bounded::{self, Reading};
use super::ending::Guard;
use crate::cli::stdin::wait_for_octets;
use crate::exit::Exit;
use crate::failure::{Failure, Kind, Result};
use crate::secret::Secret;

const SHELL: &str = "/bin/sh";

/// How long to let a program run before looking again whether it has ended.
const SHORTEST_NAP: Duration = Duration::from_millis(1);
const LONGEST_NAP: Duration = Duration::from_millis(50);

/// What means something to a shell outside of quotes.
const SYNTAX: &str = "|&;<>()$`*?[]#~=%!{}\n";

/// A program and its arguments.
pub(super) struct Command {
    /// Never empty.
    words: Vec<String>,
}

impl Command {
    pub(super) fn parse(line: &str) -> Result<Self> {
        let bad = |words: &str| Failure::new(Kind::Usage, words);
        if line.contains('\0') {
            return Err(bad("a NUL stands in the command"));
        }
        let words = if needs_shell(line) {
            vec![SHELL.to_owned(), "-c".to_owned(), line.to_owned()]
        } else {
            shell_words::split(line).map_err(|_| bad("a quote of the command is not closed"))?
        };
        if words.is_empty() {
            return Err(bad("no command"));
        }
        Ok(Self { words })
    }

    /// What is run. Its arguments may be secret.
    pub(super) fn program(&self) -> &str {
        &self.words[0]
    }

    /// Runs it to its end, and gives the first line that it printed.
    pub(super) fn run(&self, deadline: Option<Instant>) -> Result<Secret> {
        self.line(deadline)
            .map_err(|failure| failure.at(self.program()))
    }

    fn line(&self, deadline: Option<Instant>) -> Result<Secret> {
        let mut process = Process::start(&self.words)?;
        let output = process.output(deadline)?;
        let status = process.end(deadline)?;
        if status.success() {
            return bounded::first_line(&output);
        }
        let temporary = status.code() == Some(i32::from(Exit::TempFail.code()));
        let kind = if temporary {
            Kind::Temporary
        } else {
            Kind::Config
        };
        Err(Failure::new(kind, status.to_string()))
    }
}

/// Whether the words cannot be told without a shell.
fn needs_shell(line: &str) -> bool {
    let mut quote = None;
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None | Some('"'), '\\') => {
                characters.next();
            }
            (Some('"'), '$' | '`') => return true,
            (None, c) if SYNTAX.contains(c) => return true,
            _ => {}
        }
    }
    false
}

/// A program that runs, and does not outlast its owner.
struct Process {
    child: Child,
    output: File,
    /// Whether it has its own process group.
    apart: bool,
    ended: bool,
    _guard: Guard,
}

impl Process {
    fn start(words: &[String]) -> Result<Self> {
        let mut command = prepared(words);
        // At a terminal it stays with us: only so it can ask there, and Ctrl-C ends both. Elsewhere
        // a group of its own lets all that it started end with it.
        let apart = File::open("/dev/tty").is_err();
        if apart {
            command.process_group(0);
        }
        let mut child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Failure::new(Kind::Config, "there is no such program")
                .with_hint("name it with its folder, or see PATH"),
            _ => Failure::new(Kind::Config, format!("cannot be run: {error}")),
        })?;
        let output = child.stdout.take().map(OwnedFd::from);
        let output = output.ok_or_else(|| Failure::new(Kind::Bug, "its output was not taken"))?;
        let process = Pid::from_child(&child);
        Ok(Self {
            child,
            output: File::from(output),
            apart,
            ended: false,
            // What ends us ends it, in whichever way it takes that signal.
            _guard: Guard::post(move |signal| {
                let _ = Signal::from_named_raw(signal).map(|signal| kill(process, apart, signal));
            }),
        })
    }

    /// What it prints, to the end. What it leaves behind may keep its output open: then what is there
    /// when it has ended counts.
    fn output(&mut self, deadline: Option<Instant>) -> Result<Zeroizing<Vec<u8>>> {
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
    fn end(mut self, deadline: Option<Instant>) -> Result<ExitStatus> {
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
            sleep(nap);
            nap = (nap * 2).min(LONGEST_NAP);
        }
    }
}

fn lost(error: std::io::Error) -> Failure {
    Failure::new(Kind::Io, error.to_string())
}

fn refuse_after(deadline: Option<Instant>) -> Result<()> {
    if deadline.is_none_or(|deadline| Instant::now() < deadline) {
        return Ok(());
    }
    let words = "did not end before the deadline";
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

fn prepared(words: &[String]) -> process::Command {
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
        kill(Pid::from_child(&self.child), self.apart, Signal::KILL);
        let _ = self.child.wait();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn run(line: &str) -> Result<Secret> {
        Command::parse(line).unwrap().run(None)
    }

    fn failure(line: &str) -> Failure {
        run(line).unwrap_err()
    }

    #[test]
    fn the_first_line_of_the_output_is_the_secret() {
        for line in [
            "printf 'hunter2\\nuser: bob\\n'",
            "echo hunter2",
            "echo \"hunter2\"",
            "x=hunter2; echo $x; echo more",
            "printf 'hunter2\\r\\n' | cat",
        ] {
            assert_eq!(run(line).unwrap().expose(), b"hunter2", "{line}");
        }
    }

    #[test]
    fn a_shell_is_run_only_where_the_line_needs_one() {
        for line in [
            "pass show mail",
            "pass show 'my mail; $HOME'",
            "pass show \"my mail; *\"",
            "pass show my\\ mail\\;",
            "'/opt/my tools/pass' mail",
        ] {
            assert!(!needs_shell(line), "{line}");
        }
        for line in [
            "gpg -d ~/mail.gpg",
            "pass show mail | head -n 1",
            "pass show \"$MAIL\"",
            "pass show \"`hostname`\"",
            "A=b pass",
            "pass 'a b' > x",
            "pass a\npass b",
        ] {
            assert!(needs_shell(line), "{line}");
        }
    }

    #[test]
    fn words_are_told_by_quotes_and_never_split_again() {
        let words = |line: &str| Command::parse(line).unwrap().words;
        assert_eq!(words("pass 'a b' c\\ d \"\""), ["pass", "a b", "c d", ""]);
        assert_eq!(words("a | b"), [SHELL, "-c", "a | b"]);
        for line in ["", "  ", "pass 'a", "pass \"a", "pa\0ss"] {
            let failure = Command::parse(line).err().unwrap();
            assert_eq!(failure.kind, Kind::Usage, "{line}");
        }
    }

    #[test]
    fn a_failure_names_the_program_and_its_status_and_not_its_words() {
        let failed = failure("sh -c 'echo hunter2; exit 3' secret");
        assert_eq!(
            (failed.kind, failed.message.as_str()),
            (Kind::Config, "sh: exit status: 3")
        );
        assert_eq!(failure("exit 75 && exit").kind, Kind::Temporary);
        let killed = failure("kill -9 $$");
        assert_eq!(killed.message, "/bin/sh: signal: 9 (SIGKILL)");
        assert_eq!(killed.kind, Kind::Config);
        let missing = failure("/nonexistent/pass show hunter2");
        assert_eq!(
            missing.message,
            "/nonexistent/pass: there is no such program"
        );
        assert!(failure("/etc/passwd").message.contains("cannot be run"));
    }

    #[test]
    fn what_it_leaves_running_is_not_waited_for() {
        let start = Instant::now();
        for line in ["echo hunter2; sleep 30 &", "printf hunter2; sleep 30 &"] {
            assert_eq!(run(line).unwrap().expose(), b"hunter2", "{line}");
        }
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn no_output_and_too_much_of_it_are_errors() {
        assert_eq!(failure("true").message, "true: its first line is empty");
        let failed = failure("cat /dev/zero");
        assert!(failed.message.contains("more than 64 KiB"), "{failed}");
    }

    #[test]
    fn standard_input_is_empty_and_our_secrets_are_not_in_the_environment() {
        assert_eq!(run("cat; echo clean").unwrap().expose(), b"clean");
        let command = prepared(&["env".to_owned()]);
        for name in SECRET_VARIABLES {
            let removed = (std::ffi::OsStr::new(name), None);
            assert!(
                command.get_envs().any(|variable| variable == removed),
                "{name}"
            );
        }
    }

    #[test]
    fn the_deadline_ends_it_whether_or_not_its_output_is_open() {
        for line in ["sleep 60", "exec >/dev/null; sleep 60"] {
            let start = Instant::now();
            let deadline = Some(start + Duration::from_millis(30));
            let failed = Command::parse(line).unwrap().run(deadline).unwrap_err();
            assert_eq!(failed.kind, Kind::Temporary, "{line}");
            assert!(start.elapsed() < Duration::from_secs(20), "{line}");
        }
    }
}
