//! `smtpsend queue show`: all that is known of a message, then the message.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use serde::Serialize;

use super::list::{Shown, standing};
use super::{place, unknown};
use crate::cli::moment::rfc3339;
use crate::cli::output::{content_to_stdout, to_stdout};
use crate::cli::settings::Settings;
use crate::exit::Exit;
use crate::failure::printable;
use crate::queue::{Entry, Id, Judged, Record};

/// In JSON the history stands beside what a list shows.
#[derive(Serialize)]
struct Whole<'e> {
    #[serde(flatten)]
    shown: Shown<'e>,
    all_or_nothing: bool,
    history: &'e [Record],
}

/// Prints a message of the queue.
///
/// # Errors
/// `Usage` for what is no id, `Input` when there is no such message.
pub(super) fn show(id: &str, settings: &Settings<'_>) -> Result<Exit> {
    let id: Id = id.parse()?;
    let queue = place::existing(settings)?.ok_or_else(|| unknown(id))?;
    let entry = queue.look(id)?.ok_or_else(|| unknown(id))?;
    if settings.switch("json")? {
        let whole = Whole {
            shown: Shown::of(&entry),
            all_or_nothing: entry.all_or_nothing(),
            history: entry.history(),
        };
        to_stdout(|out| {
            serde_json::to_writer(&mut *out, &whole)?;
            out.write_all(b"\n")
        })?;
        return Ok(Exit::Ok);
    }
    let message = queue.message(id)?.ok_or_else(|| unknown(id))?;
    let content = message.content(true, true)?;
    content_to_stdout(&known(&entry), &content)?;
    Ok(Exit::Ok)
}

/// What is known besides the message, and an empty line.
fn known(entry: &Entry) -> String {
    let mut text = format!("id: {}\nstate: {}\n", entry.id(), entry.state().name());
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{name}: {}", printable(value));
    };
    line("queued", &rfc3339(entry.queued()).unwrap_or_default());
    if let Some(next) = entry.next_try().and_then(rfc3339) {
        line("next try", &next);
    }
    if let Some(profile) = entry.profile() {
        line("profile", profile);
    }
    if entry.all_or_nothing() {
        line("all or nothing", "yes");
    }
    line("sender", &format!("<{}>", entry.sender()));
    for recipient in entry.recipients() {
        let words = format!("<{}> {}", recipient.address, standing(recipient));
        line("recipient", &words);
    }
    for record in entry.history() {
        let (at, words) = happened(record, entry);
        let at = rfc3339(at).unwrap_or_default();
        line("history", &format!("{at} {words}"));
    }
    text.push('\n');
    text
}

fn happened(record: &Record, entry: &Entry) -> (SystemTime, String) {
    match record {
        Record::Tried {
            at,
            server,
            verdicts,
            ..
        } => {
            let server = server.as_deref().unwrap_or("no server");
            let verdicts: Vec<String> = verdicts.iter().map(|one| judged(one, entry)).collect();
            (
                time(*at),
                format!("tried at {server}: {}", verdicts.join("; ")),
            )
        }
        Record::Notified { at, notice, .. } => (time(*at), format!("told the sender by {notice}")),
        Record::Retry { at, .. } => (time(*at), "made due by hand".to_owned()),
    }
}

fn judged(judged: &Judged, entry: &Entry) -> String {
    let whom = judged
        .to
        .iter()
        .filter_map(|&place| entry.recipients().get(place));
    let whom: Vec<String> = whom.map(|one| format!("<{}>", one.address)).collect();
    let code = judged
        .code
        .map_or_else(String::new, |code| format!(" {code}"));
    format!(
        "{} {}{code} {}",
        whom.join(", "),
        judged.status.name(),
        judged.text
    )
}

fn time(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds.min(1 << 40))
}
