//! What has to be put right before a signal ends the program: a terminal without echo, a command that
//! would go on alone.
//!
//! A signal that the caller had ignored (`nohup`, a script's background job) stays ignored, where the
//! system tells (`/proc`, proc(5)). Nothing can be done about SIGKILL.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, Once, PoisonError, mpsc};
use std::{fs, io, mem, thread};

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// The signals by which people and systems end programs.
const ENDING: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

type Action = Box<dyn FnOnce(i32) + Send>;

static POSTED: Mutex<BTreeMap<u64, Action>> = Mutex::new(BTreeMap::new());
static WATCHED: Once = Once::new();

/// As long as this lives, its action is done before a signal ends the program.
pub(super) struct Guard {
    number: u64,
}

impl Guard {
    /// With this action, which is told the signal.
    pub(super) fn post(action: impl FnOnce(i32) + Send + 'static) -> Self {
        // Where it cannot be had, signals end the program as they do any other.
        WATCHED.call_once(|| drop(watch()));
        let mut posted = posted();
        let number = posted.last_key_value().map_or(0, |(last, _)| last + 1);
        posted.insert(number, Box::new(action));
        Self { number }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        posted().remove(&self.number);
    }
}

fn posted() -> MutexGuard<'static, BTreeMap<u64, Action>> {
    POSTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Watches from here on: a signal that was ever caught has lost its default.
fn watch() -> io::Result<()> {
    let (ready, is_ready) = mpsc::channel();
    thread::Builder::new().spawn(move || {
        let ignored = ignored();
        let heeded = ENDING.iter().filter(|&&signal| !ignored(signal));
        let Ok(mut signals) = Signals::new(heeded) else {
            return;
        };
        let _ = ready.send(());
        for signal in signals.forever() {
            // Kept: no guard is taken back while the program ends.
            let mut posted = posted();
            for action in mem::take(&mut *posted).into_values() {
                action(signal);
            }
            let _ = emulate_default_handler(signal);
        }
    })?;
    // An error means that there is no watch, which is all that can be said.
    let _ = is_ready.recv();
    Ok(())
}

/// Which signals the program was started to ignore.
fn ignored() -> impl Fn(i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    move |signal| match mask {
        Some(mask) => mask & (1 << (signal - 1)) != 0,
        // It may be nohup's.
        None => signal == SIGHUP,
    }
}
