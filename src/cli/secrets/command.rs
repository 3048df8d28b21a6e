//! A secret from a program: a password manager, a keyring, a token agent.
//!
//! Owns the command line, which is run without a shell unless it needs one, and what its end means;
//! `process` is what runs.

use std::time::Instant;

use super::bounded;
use super::process::Process;
use crate::exit::Exit;
use crate::failure::{Failure, Kind, Result};
use crate::secret::Secret;

const SHELL: &str = "/bin/sh";

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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use super::super::SECRET_VARIABLES;
    use super::super::process::prepared;
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
