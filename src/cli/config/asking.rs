//! Questions on the terminal. Where there is none, the option that answers is named instead.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};

use crate::failure::{Failure, Kind, Result, printable};

/// Longest answer, in octets.
const ANSWER_LIMIT: u64 = 4096;

/// How often a question is asked that is not answered.
const ATTEMPTS: u32 = 3;

/// Somebody to ask, or nobody.
pub(super) struct Terminal {
    is_there: bool,
}

impl Terminal {
    pub(super) fn open() -> Self {
        Self {
            is_there: io::stdin().is_terminal() && io::stderr().is_terminal(),
        }
    }

    pub(super) fn is_there(&self) -> bool {
        self.is_there
    }

    /// Asks until there is an answer that `check` finds nothing wrong with, and takes `usual` for an
    /// empty one.
    ///
    /// # Errors
    /// `Usage`, naming the option, when there is nobody to ask or nothing is answered; what `check`
    /// says of the last answer.
    pub(super) fn ask(
        &self,
        question: &str,
        usual: Option<&str>,
        option: &str,
        check: impl Fn(&str) -> Result<()>,
    ) -> Result<String> {
        let missing =
            |why: &str| Failure::new(Kind::Usage, format!("{option} is missing, and {why}"));
        if !self.is_there {
            return Err(missing("nobody is there to be asked for it"));
        }
        let shown = usual.map_or_else(String::new, |usual| format!(" [{usual}]"));
        let mut wrong = missing("it was not answered");
        for _ in 0..ATTEMPTS {
            let Some(answer) = self.answer(&format!("{question}{shown}: "))? else {
                break;
            };
            wrong = match (answer.trim(), usual) {
                ("", Some(usual)) => return Ok(usual.to_owned()),
                ("", None) => missing("it was not answered"),
                (answer, _) => match check(answer) {
                    Ok(()) => return Ok(answer.to_owned()),
                    Err(failure) => {
                        self.say(&format!("{failure}\n"))?;
                        failure
                    }
                },
            };
        }
        Err(wrong)
    }

    /// Asks for a yes; anything else is a no.
    ///
    /// # Errors
    /// `Io` when the terminal cannot be read.
    pub(super) fn confirm(&self, question: &str) -> Result<bool> {
        let answer = self.answer(&format!("{question}? [y/N] "))?;
        let answer = answer.unwrap_or_default();
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// What is answered; none when the terminal ends.
    fn answer(&self, prompt: &str) -> Result<Option<String>> {
        self.say(&printable(prompt))?;
        let mut answer = Vec::new();
        let mut stdin = io::stdin().lock().take(ANSWER_LIMIT);
        stdin.read_until(b'\n', &mut answer).map_err(failed)?;
        if answer.is_empty() {
            return Ok(None);
        }
        let answer = String::from_utf8(answer);
        let not_text = |_| Failure::new(Kind::Usage, "the terminal: what was typed is not UTF-8");
        Ok(Some(answer.map_err(not_text)?))
    }

    fn say(&self, words: &str) -> Result<()> {
        io::stderr().write_all(words.as_bytes()).map_err(failed)
    }
}

fn failed(error: io::Error) -> Failure {
    Failure::new(Kind::Io, format!("the terminal: {error}"))
}
