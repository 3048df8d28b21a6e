//! What came of each row, as JSON Lines or CSV, told once it is on the disk.
//!
//! Owns the order: the journal has a row before anybody else hears of it. One thread brings the journal to the disk for
//! all rows that were noted meanwhile, and then writes their results, so that no connection waits for the disk.

use std::fs::File;
use std::io::Write as _;
use std::mem;
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use serde::Serialize;

use crate::cli::json;
use crate::cli::output::{Console, to_stdout};
use crate::failure::{Failure, Kind, Result};
use crate::merge::{Journal, Row};

/// Results that may wait for the disk; then the connections do.
const MOST_WAITING: usize = 4096;

const COLUMNS: [&str; 10] = [
    "row",
    "line",
    "status",
    "exit",
    "message_id",
    "recipients",
    "code",
    "enhanced",
    "text",
    "queue_id",
];

/// The result of a row.
#[derive(Serialize)]
struct Entry<'e> {
    row: u64,
    line: u64,
    #[serde(flatten)]
    result: &'e json::Result<'e>,
}

/// A file of results.
pub(super) struct ResultsFile {
    name: String,
    file: Mutex<File>,
    is_csv: bool,
}

impl ResultsFile {
    /// Opens it, anew or to be added to.
    ///
    /// # Errors
    /// `Usage` when its name says neither `.csv` nor `.jsonl`; `Io` when it cannot be written.
    pub(super) fn open(path: &Path, add: bool) -> Result<Self> {
        let name = path.display().to_string();
        let is_csv = match path.extension().and_then(|end| end.to_str()) {
            Some("csv") => true,
            Some("jsonl" | "ndjson" | "json") => false,
            _ => {
                let words = format!("--results: {name}: results are written to .csv or .jsonl");
                return Err(Failure::new(Kind::Usage, words));
            }
        };
        let failed = |error: std::io::Error| Failure::new(Kind::Io, format!("{name}: {error}"));
        let mut options = File::options();
        let options = options.create(true).append(add).write(true).truncate(!add);
        let mut file = options.open(path).map_err(failed)?;
        if is_csv && file.metadata().map_err(failed)?.len() == 0 {
            let names = separated(COLUMNS).map_err(failed)?;
            file.write_all(&names).map_err(failed)?;
        }
        Ok(Self {
            name,
            file: Mutex::new(file),
            is_csv,
        })
    }
}

/// Results on their way.
pub(super) struct Outbox<'o> {
    journal: Option<&'o Journal>,
    as_json: bool,
    file: Option<ResultsFile>,
    console: &'o Console,
    state: Mutex<State>,
    /// There is something to be written, or no longer too much.
    moved: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<Line>,
    is_over: bool,
    failure: Option<Failure>,
    /// Standard output, or the file of results, took no more.
    is_deaf: bool,
}

#[derive(Default)]
struct Line {
    to_stdout: Vec<u8>,
    to_file: Vec<u8>,
}

impl<'o> Outbox<'o> {
    pub(super) fn new(
        journal: Option<&'o Journal>,
        as_json: bool,
        file: Option<ResultsFile>,
        console: &'o Console,
    ) -> Self {
        Self {
            journal,
            as_json,
            file,
            console,
            state: Mutex::default(),
            moved: Condvar::new(),
        }
    }

    /// What the journal failed with.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.state().failure.clone()
    }

    /// Does this, and writes meanwhile what comes of it, to the last.
    pub(super) fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        thread::scope(|scope| {
            let writer = thread::Builder::new().spawn_scoped(scope, || while self.write() {});
            let done = work();
            self.state().is_over = true;
            self.moved.notify_all();
            match writer {
                Ok(writer) => drop(writer.join()),
                Err(_) => while self.write() {},
            }
            done
        })
    }

    /// Puts in what came of a row, which the journal has.
    pub(super) fn put(&self, row: &Row, result: &json::Result<'_>) {
        let mut line = Line::default();
        let entry = Entry {
            row: row.number,
            line: row.line,
            result,
        };
        let as_json = || {
            // It holds nothing that JSON cannot say.
            let mut octets = serde_json::to_vec(&entry).unwrap_or_default();
            octets.push(b'\n');
            octets
        };
        if self.as_json {
            line.to_stdout = as_json();
        }
        if let Some(file) = &self.file {
            line.to_file = if file.is_csv {
                as_csv(row, result).unwrap_or_default()
            } else {
                as_json()
            };
        }
        let mut state = self.state();
        while state.waiting.len() >= MOST_WAITING {
            state = self
                .moved
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting.push(line);
        self.moved.notify_all();
    }

    /// Waits for results and writes them; false when there are no more to come.
    fn write(&self) -> bool {
        let mut state = self.state();
        while state.waiting.is_empty() {
            if state.is_over {
                return false;
            }
            state = self
                .moved
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let lines = mem::take(&mut state.waiting);
        let is_deaf = state.is_deaf || state.failure.is_some();
        drop(state);
        self.moved.notify_all();
        if let Some(Err(failure)) = self.journal.map(Journal::sync) {
            self.state().failure.get_or_insert(failure);
            return true;
        }
        if !is_deaf && let Err(failure) = self.tell(&lines) {
            self.console.keep(Err(failure));
            self.state().is_deaf = true;
        }
        true
    }

    fn tell(&self, lines: &[Line]) -> Result<()> {
        if self.as_json {
            to_stdout(|out| {
                lines
                    .iter()
                    .try_for_each(|line| out.write_all(&line.to_stdout))
            })?;
        }
        if let Some(results) = &self.file {
            let octets: Vec<u8> = lines
                .iter()
                .flat_map(|line| line.to_file.iter().copied())
                .collect();
            let mut file = results.file.lock().unwrap_or_else(PoisonError::into_inner);
            let written = file.write_all(&octets);
            written
                .map_err(|error| Failure::new(Kind::Io, format!("{}: {error}", results.name)))?;
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A line in which the recipient who decided speaks for all.
fn as_csv(row: &Row, result: &json::Result<'_>) -> std::io::Result<Vec<u8>> {
    let addresses: Vec<&str> = result
        .recipients
        .iter()
        .map(|it| it.address.as_str())
        .collect();
    let is_accepted = |status: &str| status == "accepted";
    let failed = result
        .recipients
        .iter()
        .find(|one| !is_accepted(one.status));
    let speaks = failed.or(result.recipients.first());
    let code = speaks.and_then(|one| one.code).map(|code| code.to_string());
    let enhanced = speaks.and_then(|one| one.enhanced.clone());
    let text = match (&result.error, &result.reply) {
        (Some(error), _) => error.message.clone(),
        (None, Some(reply)) => reply.text.clone(),
        (None, None) => speaks.map(|one| one.text.clone()).unwrap_or_default(),
    };
    separated([
        &row.number.to_string(),
        &row.line.to_string(),
        result.status,
        &result.exit.to_string(),
        result.message_id.unwrap_or_default(),
        &addresses.join(", "),
        &code.unwrap_or_default(),
        &enhanced.unwrap_or_default(),
        &text,
        result.queue_id.unwrap_or_default(),
    ])
}

fn separated<const N: usize>(fields: [&str; N]) -> std::io::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    writer.write_record(fields)?;
    writer.into_inner().map_err(|error| error.into_error())
}
