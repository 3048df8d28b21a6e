//! Signals that end the program, and what is put right before they do.
//!
//! Without anybody who [`arm`]s, nothing is caught. Where somebody has, the first SIGTERM, SIGINT or
//! SIGHUP is noted and ends every wait, so that a submission ends with a verdict for each recipient;
//! the second one ends the program by its default action, unless SIGHUP and SIGTERM come together. A signal that the caller had ignored
//! (`nohup`, a script's background job) stays ignored, where the system tells (`/proc`, proc(5)).
//! Nothing can be done about SIGKILL. While somebody has them diverted, all of this rests, and
//! every signal is theirs.
//!
//! ```text
//! signal ─► posted actions (echo back on, commands ended) ─► armed, and the first one? ─yes─► noted: waits end
//!                                                                    └─no─► default action
//! ```

use std::collections::BTreeMap;
use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _};
use std::sync::{Condvar, Mutex, MutexGuard, Once, OnceLock, PoisonError, mpsc};
use std::time::{Duration, Instant};
use std::{fmt, fs, mem, thread};

use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::{emulate_default_handler, raise, signal_name};

/// The signals by which people and systems end programs.
const ENDING: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// How long what has come may take to be handled.
const PROMPTLY: Duration = Duration::from_secs(1);

/// SIGTERM and SIGHUP within this time are one wish.
const TOGETHER: Duration = Duration::from_secs(1);

type Action = Box<dyn FnOnce(i32) + Send>;

static STATE: Mutex<State> = Mutex::new(State {
    posted: BTreeMap::new(),
    last: 0,
    armed: 0,
    arrived: None,
    patience: Duration::ZERO,
    diverted: None,
    marks: 0,
});
static WATCHED: Once = Once::new();
static BELL: OnceLock<Bell> = OnceLock::new();
static SIGNALS: OnceLock<Handle> = OnceLock::new();
static MARKED: Condvar = Condvar::new();

struct State {
    posted: BTreeMap<u64, Action>,
    /// The number of the last action that was posted.
    last: u64,
    /// How many want signals to be noted.
    armed: usize,
    arrived: Option<Arrival>,
    /// How long after it the next one does not end the program either.
    patience: Duration,
    /// Whose the signals are for now.
    diverted: Option<Box<dyn FnMut(i32) + Send>>,
    /// How often SIGCHLD has come, which ends nothing.
    marks: u64,
}

/// A pipe that holds an octet while a signal has come, for all who wait in poll(2).
struct Bell {
    hears: PipeReader,
    rope: PipeWriter,
}

/// A signal that is to end what is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal(i32);

impl Signal {
    /// Its number.
    pub const fn number(self) -> i32 {
        self.0
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match signal_name(self.0) {
            Some(name) => f.write_str(name),
            None => write!(f, "signal {}", self.0),
        }
    }
}

/// A signal, and when it came.
#[derive(Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) signal: Signal,
    pub(crate) at: Instant,
}

/// What whoever waits has to know.
pub(crate) enum Watch {
    /// Nothing is caught.
    Off,
    /// This becomes readable when a signal has come.
    On(&'static PipeReader),
    /// One has come.
    Over(Arrival),
}

/// As long as one of these lives, the first SIGTERM, SIGINT or SIGHUP is noted and ends every
/// wait of this crate, instead of the program.
#[derive(Debug)]
#[must_use = "signals are noted only as long as this lives"]
pub struct Armed(());

/// Notes signals from here on. For a program that wants a report instead of an end in mid-air; a
/// library does not call it of its own accord. Where the system has no means left for it (no
/// thread, no descriptor), signals go on to end the program.
pub fn arm() -> Armed {
    WATCHED.call_once(|| drop(watch()));
    let mut state = state();
    if BELL.get().is_none()
        && let Ok((hears, rope)) = io::pipe()
    {
        // Nobody else sets it while the state is held.
        let _ = BELL.set(Bell { hears, rope });
    }
    state.armed += 1;
    Armed(())
}

/// From now on what follows the first signal within this time does not end the program: what is going on ends
/// by itself, and has something to keep.
pub(crate) fn be_patient(time: Duration) {
    state().patience = time;
}

impl Armed {
    /// Until the process ends: what it still has to say is said.
    pub fn for_good(self) {
        mem::forget(self);
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        let mut state = state();
        state.armed -= 1;
        if state.armed == 0
            && state.arrived.take().is_some()
            && let Some(mut bell) = BELL.get().map(|bell| &bell.hears)
        {
            // Silent again; it holds the one octet.
            let _ = bell.read(&mut [0]);
        }
    }
}

/// The signal that has come, for as long as somebody is [`Armed`]: nothing new should be begun.
pub fn arrived() -> Option<Signal> {
    state().arrived.map(|arrival| arrival.signal)
}

pub(crate) fn heed() -> Watch {
    let state = state();
    match (state.arrived, BELL.get()) {
        (Some(arrival), _) => Watch::Over(arrival),
        (None, Some(bell)) if state.armed > 0 => Watch::On(&bell.hears),
        (None, _) => Watch::Off,
    }
}

/// As long as this lives, its action is done when a signal comes, before it is noted or ends the
/// program.
pub(crate) struct Guard {
    number: u64,
}

impl Guard {
    /// With this action, which is told the signal, and is done once.
    pub(crate) fn post(action: impl FnOnce(i32) + Send + 'static) -> Self {
        // Where it cannot be had, signals end the program as they do any other.
        WATCHED.call_once(|| drop(watch()));
        let mut state = state();
        state.last += 1;
        let number = state.last;
        state.posted.insert(number, Box::new(action));
        Self { number }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        state().posted.remove(&self.number);
    }
}

/// As long as this lives, signals are nobody else's.
pub(crate) struct Diverted(());

/// From here on each signal is given to this action, and does nothing else: for whoever runs a program
/// whose signals they are. One at a time. The end of such a program then has a status for us also where
/// whoever started us wanted to know of none (SIGCHLD).
pub(crate) fn divert(action: impl FnMut(i32) + Send + 'static) -> Diverted {
    // Where it cannot be had, signals end the program as they do any other.
    WATCHED.call_once(|| drop(watch()));
    if let Some(signals) = SIGNALS.get() {
        let _ = signals.add_signal(SIGCHLD);
    }
    state().diverted = Some(Box::new(action));
    Diverted(())
}

impl Drop for Diverted {
    /// Once all that has come until now was handled: a Ctrl-C that ended the program was the program's.
    fn drop(&mut self) {
        let mut state = state();
        let before = state.marks;
        if SIGNALS.get().is_some() {
            drop(state);
            // Of what has come, signals are handled in the order of their numbers, and this is the last.
            let _ = raise(SIGCHLD);
            let waited =
                MARKED.wait_timeout_while(self::state(), PROMPTLY, |state| state.marks == before);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.diverted = None;
    }
}

impl State {
    /// Notes the signal, where it is one to be noted.
    fn note(&mut self, signal: i32) -> bool {
        if signal != SIGQUIT && self.is_of_one_wish(signal) {
            return true;
        }
        let wanted = self.armed > 0 && self.arrived.is_none() && signal != SIGQUIT;
        let Some(mut rope) = BELL.get().filter(|_| wanted).map(|bell| &bell.rope) else {
            return false;
        };
        if rope.write_all(&[0]).is_err() {
            return false;
        }
        self.arrived = Some(Arrival {
            signal: Signal(signal),
            at: Instant::now(),
        });
        true
    }
}

impl State {
    /// Whether a signal came together with the one that was noted: systemd sends SIGTERM and SIGHUP.
    fn is_of_one_wish(&self, signal: i32) -> bool {
        self.arrived.is_some_and(|first| {
            let since = first.at.elapsed();
            let both = [signal, first.signal.0];
            let come_together = both.contains(&SIGTERM) && both.contains(&SIGHUP);
            since < self.patience || (come_together && since < TOGETHER)
        })
    }
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Watches from here on: a signal that was ever caught has lost its default.
fn watch() -> io::Result<()> {
    let (ready, is_ready) = mpsc::channel();
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            let ignored = ignored();
            let heeded = ENDING.iter().filter(|&&signal| !ignored(signal));
            let Ok(mut signals) = Signals::new(heeded) else {
                return;
            };
            let _ = SIGNALS.set(signals.handle());
            let _ = ready.send(());
            for signal in signals.forever() {
                // Kept: no guard is taken back while the program ends.
                let mut state = state();
                if signal == SIGCHLD {
                    state.marks += 1;
                    MARKED.notify_all();
                    continue;
                }
                if let Some(action) = &mut state.diverted {
                    action(signal);
                    continue;
                }
                for action in mem::take(&mut state.posted).into_values() {
                    action(signal);
                }
                if !state.note(signal) {
                    let _ = emulate_default_handler(signal);
                }
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
