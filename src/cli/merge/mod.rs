//! `smtpsend merge`: a message per row.
//!
//! All rows are checked first (`check`), and only when each can be rendered is one of them shown (`show`) or sent.
//! `wanted` says what the command line means, `files` finds what is attached, `office` keeps and tells what comes
//! of each row, and `results` writes it once it is on the disk.

mod check;
mod files;
mod office;
mod outputs;
mod results;
mod show;
mod tally;
mod wanted;

use std::time::Instant;

use anyhow::{Context as _, Result};
use ring::digest::{Context, SHA256};

use self::check::{Checked, check};
use self::files::Files;
use self::office::Desk;
use self::results::{Outbox, ResultsFile};
use self::tally::Tally;
use self::wanted::Wanted;
use super::args::MergeArgs;
use super::credentials::Handed;
use super::finding::{Finding, Way};
use super::host::HostName;
use super::log::Log;
use super::output::Console;
use super::progress::{Progress, Unit};
use super::queue::{Queueing, When};
use super::settings::{Settings, count};
use super::signing::Signing;
use super::way;
use crate::exit::Exit;
use crate::failure::{Failure, Kind};
use crate::interrupt;
use crate::merge::{Ended, Journal, Letters, Office as _, Row, Rows, Run, Seed};
use crate::plan::Plan;
use crate::report::Report;
use crate::smtp::Observer as _;

/// How often a row is tried again where the setting `retry` says nothing: as long as greylisting takes.
const RETRIES: u32 = 5;

/// Does what `smtpsend merge` is to do.
///
/// # Errors
/// Whatever keeps every row from being sent.
pub(super) fn run(
    args: &MergeArgs,
    settings: &mut Settings<'_>,
    console: &Console,
) -> Result<Exit> {
    let start = Instant::now();
    let host = HostName::of_this_machine();
    let handed = Handed::take(settings)?;
    let shows = args.dry_run || args.sample.is_some();
    outputs::check(args)?;
    let wanted = Wanted::read(args, settings, &host, &handed, start, console)?;
    let queueing = Queueing::of(settings, When::Never)?;
    let retries = settings.value("retry", count)?.unwrap_or(RETRIES);
    let as_json = settings.switch("json")?;
    let plan = way::plan(settings, &host, start)?;
    let signing = Signing::of(settings, plan.waits.deadline)?;

    let files = Files::of(&args.template);
    let find = |path: &str, place| files.attachment(path, place);
    let letters = Letters::new(&wanted.source, wanted.common.clone(), &find)
        .context(args.template.display().to_string())?;
    let data = args.data.display().to_string();
    let checked = match check(&wanted, &letters, &data, console)? {
        Ok(checked) => checked,
        Err(exit) => return Ok(exit),
    };
    if checked.rows == 0 {
        console.warning(&format!("{data}: the data has no rows"));
    }
    if shows {
        let most = args.sample.unwrap_or(u64::MAX);
        show::show(&wanted, &letters, &signing, most, console).context(data)?;
        return Ok(Exit::Ok);
    }

    let way = way_for(plan, &checked, &queueing, settings, handed, console)?;
    let log = Log::open(settings)?;
    let journal = match &args.journal {
        Some(path) => Some(Journal::open(path, &digest(&wanted, &checked))?),
        None => None,
    };
    let goes_on = journal
        .as_ref()
        .is_some_and(|journal| journal.count_done() > 0);
    let results = match &args.results {
        Some(path) => Some(ResultsFile::open(path, goes_on)?),
        None => None,
    };
    let seed = journal
        .as_ref()
        .map_or_else(Seed::random, |it| it.seed().clone());
    let is_left = |row: &Row| {
        wanted.shard.has(row.number)
            && !journal
                .as_ref()
                .is_some_and(|journal| journal.is_done(row.number))
    };
    let total = match &journal {
        None => wanted.shard.count(checked.rows),
        Some(journal) => wanted
            .shard
            .count_left(checked.rows, |row| journal.is_done(row)),
    };
    if goes_on && let Some(journal) = &journal {
        console.note(&format!(
            "{} rows are done by the journal",
            journal.count_done()
        ));
    }

    let outbox = Outbox::new(journal.as_ref(), as_json, results, console);
    let desk = Desk {
        letters: &letters,
        signing: &signing,
        journal: journal.as_ref(),
        seed: &seed,
        domain: &wanted.domain,
        profile: settings.profile(),
        all_or_nothing: settings.switch("all-or-nothing")?,
        queueing: &queueing,
        user: way.user().map(str::to_owned),
        log,
        outbox: &outbox,
        tally: Tally::default(),
        total,
        progress: Progress::new(Unit::Rows, settings, console)?,
        console,
    };
    // From here on there is a truth to be told about each row.
    interrupt::arm().for_good();
    let mut rows = Rows::new(&wanted.data, wanted.format)?.filter(|row| match row {
        Ok(row) => is_left(row),
        Err(_) => true,
    });
    let ended = outbox.during(|| match &way {
        Way::Plan(plan) => Run {
            plan,
            connections: args.connections.into(),
            per_connection: args.per_connection,
            rate: wanted.rate,
            retries,
            one_sender: letters.have_one_sender(),
            observer: console,
            office: &desk,
        }
        .all(&mut rows),
        Way::Later(why) => queue_all(&mut rows, &desk, why),
    });
    Ok(tell_the_end(ended, desk, &outbox, args, console))
}

/// Puts every row into the queue.
fn queue_all(
    rows: &mut dyn Iterator<Item = crate::failure::Result<Row>>,
    desk: &Desk<'_>,
    why: &Failure,
) -> Ended {
    for row in rows {
        if interrupt::arrived().is_some() {
            return Ended::Early;
        }
        let done = row.and_then(|row| {
            desk.may_begin()?;
            match desk.letter(&row) {
                Ok((envelope, message)) => {
                    desk.settled(&row, Report::of_all(&envelope, &message, why.clone()))
                }
                Err(failure) => {
                    desk.failed(&row, failure);
                    Ok(())
                }
            }
        });
        if let Err(failure) = done {
            return Ended::Failed(failure);
        }
    }
    Ended::All
}

/// The way to the server, with its credentials; where none is set, that of who writes the first message.
fn way_for(
    mut plan: Plan,
    checked: &Checked,
    queueing: &Queueing,
    settings: &Settings<'_>,
    handed: Handed,
    console: &Console,
) -> Result<Way> {
    let mut finding = Finding::default();
    if plan.rungs.is_empty() && queueing.when != When::Always {
        match &checked.author {
            Some(author) => finding.find(&mut plan, settings, queueing, author, console)?,
            None => way::need_server(&plan, settings)?,
        }
    }
    finding.way(plan, queueing, settings, handed, console)
}

/// What decides the messages, in one number.
fn digest(wanted: &Wanted, checked: &Checked) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(&checked.digest);
    context.update(wanted.shape().as_bytes());
    let digest = context.finish();
    std::array::from_fn(|at| digest.as_ref()[at])
}

/// Says what is left and how to go on; the exit code.
fn tell_the_end(
    ended: Ended,
    desk: Desk<'_>,
    outbox: &Outbox<'_>,
    args: &MergeArgs,
    console: &Console,
) -> Exit {
    let Desk {
        tally,
        total,
        progress,
        journal,
        ..
    } = desk;
    drop(progress);
    let before = journal.map_or((0, 0), |it| (it.count_done(), it.count_refused()));
    let mut exit = tally.exit();
    match ended {
        Ended::All => {}
        Ended::Early => {
            if let Some(signal) = interrupt::arrived() {
                console.warning(&format!("stopped by {signal}"));
            } else {
                console.warning("stopped by the deadline");
            }
            exit = Exit::TempFail;
        }
        Ended::NoSession(report) => {
            console.report(&report);
            exit = report.exit();
        }
        Ended::Failed(failure) => {
            exit = failure.kind.exit();
            console.error(&failure.into());
        }
    }
    if let Some(failure) = outbox.failure() {
        exit = failure.kind.exit();
    }
    tally.tell(total, before, args, console);
    exit
}

/// A failure of the data, at the place it comes from.
fn at_data(failure: Failure, data: &str) -> Failure {
    match failure.kind {
        Kind::Message | Kind::Io => failure.at(data),
        _ => failure,
    }
}
