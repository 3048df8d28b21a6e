//! One row after the other: its message, and what comes of it written down, queued and told.

use std::time::Duration;

use super::results::Outbox;
use super::tally::Tally;
use crate::cli::deliver::{New, spool, warn_of_no_run};
use crate::cli::json;
use crate::cli::log::Log;
use crate::cli::output::Console;
use crate::cli::progress::Progress;
use crate::cli::queue::{Queueing, When};
use crate::cli::signing::Signing;
use crate::envelope::Envelope;
use crate::failure::{Failure, Kind, Result};
use crate::merge::{Journal, Letters, Office, Row, Seed};
use crate::message::Message;
use crate::report::Report;
use crate::smtp::Observer as _;

/// So many are told, each time that a row is put off.
const MOST_PUT_OFF_TOLD: u64 = 5;

/// Where the rows of a merge are seen to.
pub(super) struct Desk<'d> {
    pub(super) letters: &'d Letters<'d>,
    pub(super) signing: &'d Signing,
    pub(super) journal: Option<&'d Journal>,
    pub(super) seed: &'d Seed,
    /// Of the Message-IDs.
    pub(super) domain: &'d str,
    pub(super) profile: Option<&'d str>,
    pub(super) all_or_nothing: bool,
    pub(super) queueing: &'d Queueing,
    /// Who logs in.
    pub(super) user: Option<String>,
    pub(super) log: Option<Log>,
    pub(super) outbox: &'d Outbox<'d>,
    pub(super) tally: Tally,
    /// How many rows there are to be sent.
    pub(super) total: u64,
    pub(super) progress: Progress<'d>,
    pub(super) console: &'d Console,
}

impl Office for Desk<'_> {
    fn may_begin(&self) -> Result<()> {
        if let Some(failure) = self.outbox.failure() {
            return Err(failure);
        }
        self.journal.map_or(Ok(()), Journal::reserve)
    }

    fn letter(&self, row: &Row) -> Result<(Envelope, Message)> {
        let id = self.seed.message_id(row.number, self.domain);
        let (envelope, message) = self.letters.letter(row, id)?;
        let message = self.signing.sign(message).map_err(as_failure)?;
        let settled = self.journal.map_or(&[][..], |it| it.settled(row.number));
        if settled.is_empty() {
            return Ok((envelope, message));
        }
        let open = envelope.only(|address| !settled.contains(&address.to_string()));
        let nobody = || Failure::new(Kind::Bug, "the journal leaves nobody of this row");
        Ok((open.ok_or_else(nobody)?, message))
    }

    fn tried(&self, row: &Row, report: &Report) -> Result<()> {
        match self.journal {
            Some(journal) => journal.note(row.number, row.line, report),
            None => Ok(()),
        }
    }

    fn settled(&self, row: &Row, mut report: Report) -> Result<()> {
        let queued = self.queue(row, &mut report);
        if report.queued.is_some() {
            self.tried(row, &report)?;
        }
        if report.queued.is_none() || self.queueing.when != When::Always {
            for failure in report.failures() {
                self.tell(row, &failure.message);
            }
        }
        if let Some(id) = &report.queued {
            self.tell(row, &format!("queued as {id}"));
        }
        let failure = queued.err();
        if self.log.is_some() || self.outbox.is_heard() {
            let result = json::Result::of(&report).or_failed(failure.as_ref());
            if let Some(log) = &self.log {
                log.leave(self.user.as_deref(), &result, self.console);
            }
            self.outbox.put(row, &result);
        } else {
            self.outbox.noted();
        }
        let done = self.tally.count(row.number, &report);
        self.progress.at(done, self.total, || self.tally.words());
        failure.map_or(Ok(()), Err)
    }

    fn put_off(&self, row: &Row, report: &Report, pause: Duration) {
        let why = report.deciding().map_or("", |failure| &failure.message);
        let words = format!(
            "row {} (line {}): {why}; tried again in {} s",
            row.number,
            row.line,
            pause.as_secs()
        );
        let told = self.tally.puts_off(row.number);
        if told <= MOST_PUT_OFF_TOLD {
            self.console.warning(&words);
        } else {
            if told == MOST_PUT_OFF_TOLD + 1 {
                self.console
                    .warning("more rows are put off, which --verbose tells");
            }
            self.console.note(&words);
        }
        self.progress
            .at(self.tally.done(), self.total, || self.tally.words());
    }

    fn failed(&self, row: &Row, failure: Failure) {
        self.tell(row, &failure.message);
        let done = self.tally.fail(row.number, &failure);
        self.progress.at(done, self.total, || self.tally.words());
    }
}

impl Desk<'_> {
    /// Queues the message of a row for those who are still open, where the user wants it.
    ///
    /// # Errors
    /// `Queue`, which ends the run: the next row would not be kept either.
    fn queue(&self, row: &Row, report: &mut Report) -> Result<()> {
        if self.queueing.when == When::Never || report.open().is_empty() {
            return Ok(());
        }
        let (envelope, message) = self.letter(row)?;
        let new = New {
            envelope: &envelope,
            message: &message,
            profile: self.profile,
            all_or_nothing: self.all_or_nothing,
        };
        let queue = spool(report, &new, self.queueing, self.console)?;
        if let Some(queue) = queue
            && self.tally.is_first_queued()
        {
            warn_of_no_run(&queue, self.console);
        }
        Ok(())
    }

    fn tell(&self, row: &Row, words: &str) {
        let (number, line) = (row.number, row.line);
        self.console
            .line(&format!("smtpsend: row {number} (line {line}): {words}"));
    }
}

/// The failure that an error is.
fn as_failure(error: anyhow::Error) -> Failure {
    match error.downcast_ref::<Failure>() {
        Some(failure) => Failure {
            message: format!("{error:#}"),
            ..failure.clone()
        },
        None => Failure::new(Kind::Bug, format!("{error:#}")),
    }
}
