//! Questions on the terminal. Where there is none, the option that answers is named instead.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};

use crate::failure::{Failure, Kind, Result, printable};

/// Longest answer, in octets.
const ANSWER_LIMIT: u64 = 4096;

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

    /// Asks, and takes `usual` for an empty answer.
    ///
    /// # Errors
    /// `Usage`, naming the option, when there is nobody to ask or nothing is answered.
    pub(super) fn ask(&self, question: &str, usual: Option<&str>, option: &str) -> Result<String> {
        let missing = || {
            let words = format!("{option} is missing, and nobody is there to be asked for it");
            Failure::new(Kind::Usage, words)
        };
        if !self.is_there {
            return Err(missing());
        }
        let shown = usual.map_or_else(String::new, |usual| format!(" [{usual}]"));
        let answer = self.answer(&format!("{question}{shown}: "))?;
        match (answer.trim(), usual) {
            ("", Some(usual)) => Ok(usual.to_owned()),
            ("", None) => Err(missing()),
            (answer, _) => Ok(answer.to_owned()),
        }
    }

    /// Asks for a yes; anything else is a no.
    ///
    /// # Errors
    /// `Io` when the terminal cannot be read.
    pub(super) fn confirm(&self, question: &str) -> Result<bool> {
        let answer = self.answer(&format!("{question}? [y/N] "))?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    fn answer(&self, prompt: &str) -> Result<String> {
        let failed = |error: io::Error| Failure::new(Kind::Io, format!("the terminal: {error}"));
        let mut stderr = io::stderr();
        stderr
            .write_all(printable(prompt).as_bytes())
            .map_err(failed)?;
        let mut answer = String::new();
        io::stdin()
            .lock()
            .take(ANSWER_LIMIT)
            .read_line(&mut answer)
            .map_err(failed)?;
        Ok(answer)
    }
}
