//! The first look at all rows: each is rendered and composed, so that one that cannot be is known before anything
//! is sent.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use super::at_data;
use super::wanted::Wanted;
use crate::address::Address;
use crate::cli::output::Console;
use crate::exit::Exit;
use crate::failure::{Failure, Kind, Result, hints};
use crate::merge::{Letters, Row, Rows, Seed};
use crate::message::Message;
use crate::smtp::Observer as _;

/// Rows that are told of.
const MOST_TOLD: usize = 20;
/// Threads that look at them.
const MOST_THREADS: usize = 8;

/// What is known once all rows are good.
pub(super) struct Checked {
    /// How many there are.
    pub(super) rows: u64,
    /// SHA-256 of the data.
    pub(super) digest: [u8; 32],
    /// Who writes the first message.
    pub(super) author: Option<Address>,
}

/// Looks at every row, also those of other shards: a file is good or not. Where one is not, it is told, and the exit code
/// is given.
///
/// # Errors
/// What keeps the rows from being read.
pub(super) fn check(
    wanted: &Wanted,
    letters: &Letters<'_>,
    data: &str,
    console: &Console,
) -> anyhow::Result<std::result::Result<Checked, Exit>> {
    let seed = Seed::random();
    let rows = Rows::new(&wanted.data, wanted.format).map_err(|it| at_data(it, data))?;
    let rows = Mutex::new(rows);
    let found = Mutex::new(Found::default());
    let look = || {
        while let Some((number, row)) = next(&rows) {
            let message = row.and_then(|row| {
                let id = seed.message_id(number, &wanted.domain);
                let letter = letters.letter(&row, id);
                letter.map_err(|it| it.at(format_args!("line {}", row.line)))
            });
            match message {
                Ok((_, message)) if number == 1 => locked(&found).first(&message),
                Ok(_) => {}
                Err(failure) => locked(&found).bad(number, failure),
            }
        }
    };
    // What can be rendered at once is; the rows are as good or bad in any order.
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 1..threads.min(MOST_THREADS) {
            // The others do what is left undone for want of a thread.
            let _ = thread::Builder::new().spawn_scoped(scope, look);
        }
        look();
    });
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    let rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(failure) = found.unreadable {
        return Err(at_data(failure, data).into());
    }
    for warning in &found.warnings {
        console.warning(&format!("row 1: {warning}"));
    }
    let author = found.author.as_ref().or_else(|| wanted.known_author());
    let author = author.cloned();
    for failure in found.failures.values() {
        console.line(&format!("smtpsend: {data}: {failure}"));
    }
    let (count, bad) = (rows.so_far(), found.bad);
    if bad == 0 {
        let digest = rows.digest();
        return Ok(Ok(Checked {
            rows: count,
            digest,
            author,
        }));
    }
    let told = found.failures.len() as u64;
    if bad > told {
        let more = bad - told;
        console.line(&format!("smtpsend: {data}: and {more} rows more"));
    }
    for hint in hints(found.failures.values()) {
        console.line(&format!("hint: {hint}"));
    }
    let rows = if bad == 1 {
        "1 row is"
    } else {
        &format!("{bad} rows are")
    };
    console.line(&format!(
        "smtpsend: {rows} bad of {count}: nothing was sent"
    ));
    Ok(Err(Exit::DataErr))
}

/// What was found until now.
#[derive(Default)]
struct Found {
    bad: u64,
    /// The first of what is wrong, by the numbers of the rows.
    failures: BTreeMap<u64, Failure>,
    /// The data cannot be read.
    unreadable: Option<Failure>,
    /// Who writes the first message, and what is to be said of it.
    author: Option<Address>,
    warnings: Vec<String>,
}

impl Found {
    fn first(&mut self, message: &Message) {
        self.author = message.sender().cloned();
        self.warnings = message.warnings().to_vec();
    }

    fn bad(&mut self, row: u64, failure: Failure) {
        if failure.kind == Kind::Io {
            self.unreadable = Some(failure);
            return;
        }
        self.bad += 1;
        self.failures.insert(row, failure);
        if self.failures.len() > MOST_TOLD {
            self.failures.pop_last();
        }
    }
}

/// The next row, with its number.
fn next(rows: &Mutex<Rows>) -> Option<(u64, Result<Row>)> {
    let mut rows = locked(rows);
    let row = rows.next()?;
    Some((rows.so_far(), row))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
