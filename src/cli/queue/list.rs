//! `smtpsend queue list`, also known as `mailq`.

use std::fmt::Write as _;
use std::time::SystemTime;

use anyhow::Result;
use serde::Serialize;

use super::place;
use crate::cli::moment::{rfc3339, roughly};
use crate::cli::output::{Console, to_stdout};
use crate::cli::settings::Settings;
use crate::exit::Exit;
use crate::failure::printable;
use crate::queue::{Entry, Queue, Recipient, State, Status};
use crate::smtp::Observer as _;

/// Prints what is in the queue.
///
/// # Errors
/// `Queue` when there is one and it cannot be read.
pub(in crate::cli) fn list(settings: &Settings<'_>, console: &Console) -> Result<Exit> {
    let queue = place::existing(settings)?;
    let (entries, exit) = match &queue {
        Some(queue) => entries(queue, console)?,
        None => (Vec::new(), Exit::Ok),
    };
    if settings.switch("json")? {
        let shown: Vec<Shown<'_>> = entries.iter().map(Shown::of).collect();
        to_stdout(|out| {
            serde_json::to_writer(&mut *out, &shown)?;
            out.write_all(b"\n")
        })?;
    } else {
        let table = table(&entries, SystemTime::now());
        to_stdout(|out| out.write_all(table.as_bytes()))?;
    }
    Ok(exit)
}

/// All that can be read; of what cannot, why, and the exit code for it: a list that lacks a message
/// must not pass for a whole one.
fn entries(queue: &Queue, console: &Console) -> Result<(Vec<Entry>, Exit)> {
    warn_of_strangers(queue, console)?;
    let mut exit = Exit::Ok;
    let mut entries = Vec::new();
    for (id, _) in queue.ids()? {
        match queue.look(id) {
            Ok(entry) => entries.extend(entry),
            Err(failure) => {
                exit = failure.kind.exit();
                console.error(&failure.into());
            }
        }
    }
    Ok((entries, exit))
}

/// Names what has no place in the queue.
pub(super) fn warn_of_strangers(queue: &Queue, console: &Console) -> Result<()> {
    for path in queue.strangers()? {
        console.warning(&format!("{} is no part of the queue", path.display()));
    }
    Ok(())
}

fn table(entries: &[Entry], now: SystemTime) -> String {
    if entries.is_empty() {
        return "The queue is empty.\n".to_owned();
    }
    let mut text = format!(
        "{:20}  {:7}  {:>9}  {:>8}  {:>5}  {:10}  SENDER\n",
        "ID", "STATE", "QUEUED", "SIZE", "TRIES", "NEXT TRY"
    );
    for entry in entries {
        let age = now.duration_since(entry.queued()).unwrap_or_default();
        let _ = writeln!(
            text,
            "{:20}  {:7}  {:>9}  {:>8}  {:>5}  {:10}  <{}>",
            entry.id(),
            entry.state().name(),
            format!("{} ago", roughly(age)),
            entry.size(),
            entry.tries(),
            next_try(entry, now),
            entry.sender()
        );
        for recipient in entry.recipients() {
            let words = standing(recipient);
            let _ = writeln!(text, "    <{}>  {words}", recipient.address);
        }
    }
    let octets: u64 = entries.iter().map(Entry::size).sum();
    let messages = if entries.len() == 1 {
        "message"
    } else {
        "messages"
    };
    let _ = writeln!(text, "{} {messages}, {octets} octets", entries.len());
    text
}

fn next_try(entry: &Entry, now: SystemTime) -> String {
    match (entry.state(), entry.next_try()) {
        (State::Failed, _) | (_, None) => "never".to_owned(),
        (State::Sending, _) => "now".to_owned(),
        (State::Waiting, Some(next)) => next
            .duration_since(now)
            .map_or_else(|_| "due".to_owned(), |left| format!("in {}", roughly(left))),
    }
}

/// Where a recipient stands, in words.
pub(super) fn standing(recipient: &Recipient) -> String {
    let state = match recipient.status {
        Status::Unknown => "may have been delivered",
        Status::Pending if recipient.text.is_empty() => "not tried yet",
        Status::Pending => "to be tried again",
        status => status.name(),
    };
    let code = recipient.code.map(|code| format!("{code} "));
    let enhanced = recipient.enhanced.as_ref().map(|code| format!("{code} "));
    let reply = [code, enhanced].into_iter().flatten().collect::<String>() + &recipient.text;
    if reply.is_empty() {
        state.to_owned()
    } else {
        printable(&format!("{state}: {reply}"))
    }
}

/// A message in JSON. The names are a contract with scripts.
#[derive(Serialize)]
pub(super) struct Shown<'e> {
    id: String,
    state: &'static str,
    queued: Option<String>,
    size: u64,
    message_id: &'e str,
    profile: Option<&'e str>,
    envelope_from: String,
    next_try: Option<String>,
    tries: usize,
    recipients: Vec<ShownRecipient<'e>>,
}

#[derive(Serialize)]
struct ShownRecipient<'e> {
    address: String,
    status: &'static str,
    code: Option<u16>,
    enhanced: Option<&'e str>,
    text: &'e str,
}

impl<'e> Shown<'e> {
    pub(super) fn of(entry: &'e Entry) -> Self {
        let recipients = entry.recipients().iter().map(|recipient| ShownRecipient {
            address: recipient.address.to_string(),
            status: recipient.status.name(),
            code: recipient.code,
            enhanced: recipient.enhanced.as_deref(),
            text: &recipient.text,
        });
        Self {
            id: entry.id().to_string(),
            state: entry.state().name(),
            queued: rfc3339(entry.queued()),
            size: entry.size(),
            message_id: entry.message_id(),
            profile: entry.profile(),
            envelope_from: entry.sender().to_string(),
            next_try: entry.next_try().and_then(rfc3339),
            tries: entry.tries(),
            recipients: recipients.collect(),
        }
    }
}
