//! The first look at all rows: each is rendered and composed, so that one that cannot be is known before anything
//! is sent.

use anyhow::Result;

use super::at_data;
use super::wanted::Wanted;
use crate::address::Address;
use crate::cli::output::Console;
use crate::exit::Exit;
use crate::failure::{Kind, hints};
use crate::merge::{Letters, Rows, Seed};
use crate::smtp::Observer as _;

/// Rows that are told of.
const MOST_TOLD: u64 = 20;

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
) -> Result<std::result::Result<Checked, Exit>> {
    let seed = Seed::random();
    let mut rows = Rows::new(&wanted.data, wanted.format).map_err(|it| at_data(it, data))?;
    let (mut count, mut bad) = (0, 0);
    let mut author = None;
    let mut failures = Vec::new();
    for row in rows.by_ref() {
        let checked = row.and_then(|row| {
            let id = seed.message_id(row.number, &wanted.domain);
            let at =
                |failure: crate::failure::Failure| failure.at(format_args!("line {}", row.line));
            letters.letter(&row, id).map_err(at)
        });
        count += 1;
        match checked {
            Ok((_, message)) => {
                if count == 1 {
                    for warning in message.warnings() {
                        console.warning(&format!("row 1: {warning}"));
                    }
                    let named = message.sender().or_else(|| wanted.known_author());
                    author = named.cloned();
                }
            }
            Err(failure) if failure.kind == Kind::Io => return Err(at_data(failure, data).into()),
            Err(failure) => {
                bad += 1;
                if bad <= MOST_TOLD {
                    console.line(&format!("smtpsend: {data}: {failure}"));
                    failures.push(failure);
                }
            }
        }
    }
    if bad == 0 {
        let digest = rows.digest();
        return Ok(Ok(Checked {
            rows: count,
            digest,
            author,
        }));
    }
    if bad > MOST_TOLD {
        let more = bad - MOST_TOLD;
        console.line(&format!("smtpsend: {data}: and {more} rows more"));
    }
    for hint in hints(&failures) {
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
