//! Asking for the password on the terminal, and leaving the terminal as it was.
//!
//! The terminal gives whole lines, so that editing and Ctrl-C work as everywhere; what is typed is
//! taken as the octets it is. Refuses a line that the terminal may have cut.

use std::fs::File;
use std::io::{self, Write as _};
use std::time::Instant;

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

use super::bounded::{self, Until};

use crate::clock::Over;
use crate::failure::{Failure, Kind, Result, printable};
use crate::interrupt::Guard;
use crate::secret::Secret;

/// Longest line that Linux's terminals give, its end included; the rest of a longer one is lost.
const LONGEST_LINE: usize = 4096;

/// What stands for no key at all (`_POSIX_VDISABLE`).
const NO_KEY: u8 = if cfg!(target_os = "linux") { 0 } else { 0xff };

/// Asks for the password of `user`.
///
/// # Errors
/// `Config` when none is typed, or there is no terminal to ask on; `Temporary` when the deadline comes
/// first.
pub(super) fn ask(user: &str, deadline: Option<Instant>) -> Result<Secret> {
    let no_password = |why: &str| {
        let words = format!("no password for the user {user}{why}");
        Failure::new(Kind::Config, words)
            .with_hint("give one with --password-file or SMTPSEND_PASSWORD")
    };
    // ENXIO, ENOENT, ENOTTY.
    let no_terminal = |_| no_password(", and no terminal to ask on");
    let mut terminal = Hiding::start().map_err(no_terminal)?;
    let question = format!("Password for {}: ", printable(user));
    terminal.show(&question).map_err(no_terminal)?;
    let line = match bounded::read(&terminal.file, Until::LineEnd, deadline) {
        Ok(line) => line,
        Err(failure) if failure.kind == Kind::Temporary => {
            // The cursor still stands behind the question.
            let _ = terminal.show("\n");
            let when = Over::of_a_wait().before();
            let words = format!("no password for the user {user} was typed {when}");
            return Err(Failure::new(Kind::Temporary, words));
        }
        Err(_) => return Err(no_password(", and no terminal to ask on")),
    };
    if line.len() >= LONGEST_LINE {
        return Err(no_password(
            ": what was typed is longer than a terminal takes",
        ));
    }
    bounded::first_line(&line).map_err(|_| no_password(": none was typed"))
}

/// A terminal that does not show what is typed. Dying of a signal right there would leave it so:
/// its guard goes last.
struct Hiding {
    file: File,
    as_it_was: Termios,
    _guard: Guard,
}

impl Hiding {
    fn start() -> io::Result<Self> {
        let file = File::options().read(true).write(true).open("/dev/tty")?;
        let as_it_was = tcgetattr(&file)?;
        let (terminal, modes) = (file.try_clone()?, as_it_was.clone());
        let guard = Guard::post(move |_| restore(&terminal, &modes));
        let mut hiding = as_it_was.clone();
        hiding.local_modes.remove(LocalModes::ECHO);
        hiding
            .local_modes
            .insert(LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        // Who stops the program here would be left without echo.
        hiding.special_codes[SpecialCodeIndex::VSUSP] = NO_KEY;
        let started = Self {
            file,
            as_it_was,
            _guard: guard,
        };
        tcsetattr(&started.file, OptionalActions::Now, &hiding)?;
        Ok(started)
    }

    fn show(&mut self, text: &str) -> io::Result<()> {
        self.file.write_all(text.as_bytes())
    }
}

impl Drop for Hiding {
    fn drop(&mut self) {
        restore(&self.file, &self.as_it_was);
    }
}

fn restore(terminal: &File, as_it_was: &Termios) {
    let _ = tcsetattr(terminal, OptionalActions::Now, as_it_was);
}
