//! A line of the journal, and what all lines together say is done.
//!
//! Owns the names in a line, which are those of the results in JSON. A row is done when its last line leaves
//! nobody open: deferred, or unknown since the answer was lost. A bit is kept for each row that is done.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::report::Report;
use crate::smtp::Reply;

/// What came of a row.
#[derive(Serialize, Deserialize)]
pub(super) struct Record<'r> {
    pub(super) row: u64,
    line: u64,
    status: Cow<'r, str>,
    message_id: Cow<'r, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue_id: Option<Cow<'r, str>>,
    recipients: Vec<One<'r>>,
}

/// What came of it for one recipient.
#[derive(Serialize, Deserialize)]
struct One<'r> {
    address: Cow<'r, str>,
    status: Cow<'r, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    #[serde(skip_serializing_if = "String::is_empty", default)]
    text: String,
}

/// What earlier runs did.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// A bit for each row of which nothing is left to be done.
    rows: Vec<u64>,
    /// The recipients of other rows who are not to be tried again.
    pub(super) partly: BTreeMap<u64, Vec<String>>,
    pub(super) count: u64,
    /// Rows of which a recipient was refused for good.
    pub(super) refused: BTreeSet<u64>,
}

impl<'r> Record<'r> {
    pub(super) fn of(row: u64, line: u64, report: &'r Report) -> Self {
        let recipients = report.recipients.iter().map(|(address, verdict)| {
            let is_queued = report.queued.is_some() && report.is_open(verdict);
            let reply = verdict.reply();
            One {
                address: address.to_string().into(),
                status: if is_queued { "queued" } else { verdict.name() }.into(),
                code: reply.map(|reply| reply.code),
                text: reply
                    .map(Reply::text)
                    .or_else(|| Some(verdict.cause()?.failure.message.clone()))
                    .unwrap_or_default(),
            }
        });
        Self {
            row,
            line,
            status: report.status().name().into(),
            message_id: report.message_id.as_str().into(),
            queue_id: report.queued.as_deref().map(Cow::Borrowed),
            recipients: recipients.collect(),
        }
    }
}

/// Whether a recipient is to be tried again who came to this.
fn is_open(status: &str) -> bool {
    matches!(status, "deferred" | "unknown")
}

impl Done {
    pub(super) fn note(&mut self, record: Record<'_>) {
        let all = record.recipients.len();
        if record.recipients.iter().any(|one| one.status == "rejected") {
            self.refused.insert(record.row);
        }
        let settled = record
            .recipients
            .into_iter()
            .filter(|one| !is_open(&one.status));
        let settled: Vec<String> = settled.map(|one| one.address.into_owned()).collect();
        if settled.len() == all {
            self.partly.remove(&record.row);
            self.put(record.row);
        } else if !settled.is_empty() {
            self.partly.entry(record.row).or_default().extend(settled);
        }
    }

    fn put(&mut self, row: u64) {
        let (word, bit) = place(row);
        if self.rows.len() <= word {
            self.rows.resize(word + 1, 0);
        }
        self.count += u64::from(!self.has(row));
        self.rows[word] |= bit;
    }

    pub(super) fn has(&self, row: u64) -> bool {
        let (word, bit) = place(row);
        self.rows.get(word).is_some_and(|word| word & bit != 0)
    }
}

fn place(row: u64) -> (usize, u64) {
    (
        usize::try_from(row / 64).unwrap_or(usize::MAX),
        1 << (row % 64),
    )
}
