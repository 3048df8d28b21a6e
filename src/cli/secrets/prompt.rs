//! Asking for the password on the terminal, and leaving the terminal as it was.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag::register_conditional_default;
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::emulate_default_handler;
use zeroize::Zeroize as _;

use crate::failure::{Failure, Kind, Result, printable};
use crate::secret::Secret;

/// What may end the program while somebody types.
const ENDING: [i32; 3] = [SIGHUP, SIGINT, SIGTERM];

/// Asks for the password of `user`.
///
/// # Errors
/// `Config` when none is typed, or there is no terminal to ask on.
pub(super) fn ask(user: &str) -> Result<Secret> {
    let guard = Guard::post();
    let typed = rpassword::prompt_password(format!("Password for {}: ", printable(user)));
    drop(guard);
    let no_password = |why: &str| {
        let words = format!("no password for the user {user}{why}");
        Failure::new(Kind::Config, words)
            .with_hint("give one with --password-file or SMTPSEND_PASSWORD")
    };
    match typed {
        Ok(mut typed) => {
            let secret = Secret::new(typed.as_bytes().to_vec());
            typed.zeroize();
            Ok(secret)
        }
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            Err(no_password(": none was typed"))
        }
        // ENXIO, ENOENT, ENOTTY.
        Err(_) => Err(no_password(", and no terminal to ask on")),
    }
}

/// The prompt switches the echo off. Dying of a signal right there would leave it off, so as long
/// as this lives a signal ends the program only after the terminal is as it was.
struct Guard {
    over: Arc<AtomicBool>,
    watch: Option<(Handle, JoinHandle<()>)>,
}

impl Guard {
    fn post() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        Self {
            // Where it cannot be had, the prompt works as well as any program's.
            watch: Self::watch(&over).ok(),
            over,
        }
    }

    fn watch(over: &Arc<AtomicBool>) -> io::Result<(Handle, JoinHandle<()>)> {
        let terminal = File::open("/dev/tty")?;
        let as_it_was = tcgetattr(&terminal)?;
        for signal in ENDING {
            // A signal that was ever caught has lost its default, which returns with this.
            register_conditional_default(signal, Arc::clone(over))?;
        }
        let mut signals = Signals::new(ENDING)?;
        let handle = signals.handle();
        let watching = thread::Builder::new().spawn(move || {
            let caught = signals.forever().next();
            // One that came right at the end was caught, too.
            if let Some(signal) = caught.or_else(|| signals.pending().next()) {
                end(signal, &terminal, &as_it_was);
            }
        })?;
        Ok((handle, watching))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        if let Some((handle, watching)) = self.watch.take() {
            handle.close();
            let _ = watching.join();
        }
    }
}

/// Ends the program as the signal does.
fn end(signal: i32, terminal: &File, as_it_was: &Termios) {
    let _ = tcsetattr(terminal, OptionalActions::Now, as_it_was);
    let _ = emulate_default_handler(signal);
}
