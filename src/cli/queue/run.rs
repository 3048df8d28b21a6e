//! `smtpsend queue run`: sends what is due, by the settings of this run.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::SystemTime;

use anyhow::Result;

use super::list::warn_of_strangers;
use super::place;
use crate::cli::log::{self, Log};
use crate::cli::output::Console;
use crate::cli::settings::Settings;
use crate::cli::{json, moment, print_json, without_message};
use crate::exit::Exit;
use crate::failure::{Failure, Kind};
use crate::interrupt;
use crate::plan::Plan;
use crate::queue::{Batch, Entry, Id, Outcome, Place, Queue, Run, Settled};
use crate::smtp::Observer as _;

/// What messages have in common that are sent by the same plan.
type Terms = (Option<String>, bool);

/// Sends what is due over so many connections, and says what was not accepted.
///
/// # Errors
/// `Queue` when the queue cannot be used; what is wrong with the settings, where no message names a
/// profile.
pub(in crate::cli) fn run(
    connections: u8,
    settings: &mut Settings<'_>,
    console: &Console,
) -> Result<Exit> {
    let schedule = place::schedule(settings)?;
    let Some(queue) = place::existing(settings)? else {
        console.note("there is no queue here yet");
        return Ok(Exit::Ok);
    };
    let now = SystemTime::now();
    queue.ran(now)?;
    queue.sweep(now)?;
    let mut tally = Tally::default();
    let as_json = settings.switch("json")?;
    let log = Log::open(settings)?;
    let mut batches = Vec::new();
    let mut users = BTreeMap::new();
    for (terms, ids) in due(&queue, now, console, &mut tally)? {
        let plan = plan(&terms, settings, console);
        let user = plan.as_ref().ok().and_then(Plan::effective_credentials);
        users.insert(terms, user.map(|user| user.user().to_owned()));
        batches.push(Batch { plan, ids });
    }
    let tally = Mutex::new(tally);
    let told = |outcome: crate::failure::Result<Outcome<'_>>| {
        // One message's lines stand together.
        let Ok(mut tally) = tally.lock() else { return };
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(failure) => return tally.fail(failure, console),
        };
        tally.count(&outcome, console);
        let id = outcome.entry.id().to_string();
        let result = json::Result::of_queued(outcome.report, &id);
        if let Some(log) = &log {
            console.keep(
                log.write(&log::Entry {
                    time: SystemTime::now(),
                    user: users
                        .get(&terms_of(outcome.entry))
                        .and_then(Option::as_deref),
                    result: &result,
                }),
            );
        }
        if as_json {
            print_json(&result, outcome.report.exit(), console);
        }
    };
    interrupt::arm().for_good();
    Run {
        queue: &queue,
        schedule,
        connections: connections.into(),
        clock: SystemTime::now,
        observer: console,
        told: &told,
    }
    .all(batches);
    if let Some(signal) = interrupt::arrived() {
        console.warning(&format!("stopped by {signal}: what is left waits"));
    }
    Ok(tally
        .into_inner()
        .map_or(Exit::Software, |tally| tally.exit()))
}

/// The messages that are due, those first that have waited longest. Those of which nobody is left to be tried
/// are brought to their end.
fn due(
    queue: &Queue,
    now: SystemTime,
    console: &Console,
    tally: &mut Tally,
) -> Result<BTreeMap<Terms, Vec<Id>>> {
    warn_of_strangers(queue, console)?;
    let mut due = Vec::new();
    let waiting = |&(_, place): &(Id, Place)| place == Place::Active;
    for (id, _) in queue.ids()?.into_iter().filter(waiting) {
        match queue.look(id) {
            Ok(Some(entry)) if entry.is_decided() => {
                if let Err(failure) = finish(queue, id, now) {
                    tally.fail(failure.at(id), console);
                }
            }
            Ok(Some(entry)) if entry.is_due(now) => {
                due.push((entry.next_try(), id, terms_of(&entry)));
            }
            Ok(_) => {}
            Err(failure) => tally.fail(failure, console),
        }
    }
    due.sort();
    let mut batches: BTreeMap<Terms, Vec<Id>> = BTreeMap::new();
    for (_, id, terms) in due {
        batches.entry(terms).or_default().push(id);
    }
    Ok(batches)
}

/// Does what a run that was killed left undone. Before anything is sent: a notice that is queued already, and
/// would be gone, would be queued again.
fn finish(queue: &Queue, id: Id, now: SystemTime) -> crate::failure::Result<()> {
    match queue.claim(id)? {
        Some(claim) => claim.finish(now).map(drop),
        None => Ok(()),
    }
}

fn terms_of(entry: &Entry) -> Terms {
    (entry.profile().map(str::to_owned), entry.all_or_nothing())
}

/// The plan for messages of a profile; a problem with it is theirs alone.
fn plan(
    (profile, all_or_nothing): &Terms,
    settings: &mut Settings<'_>,
    console: &Console,
) -> crate::failure::Result<Plan> {
    let plan = settings
        .use_profile(profile.as_deref())
        .and_then(|()| without_message::plan(settings, console));
    let mut plan = plan.map_err(|error| match error.downcast_ref::<Failure>() {
        Some(failure) => Failure {
            message: format!("{error:#}"),
            ..failure.clone()
        },
        None => Failure::new(Kind::Bug, format!("{error:#}")),
    })?;
    plan.all_or_nothing = *all_or_nothing;
    Ok(plan)
}

/// What came of a run.
#[derive(Default)]
struct Tally {
    deferred: bool,
    /// The exit codes of what else went wrong, in the order in which it did.
    others: Vec<Exit>,
}

impl Tally {
    fn fail(&mut self, failure: Failure, console: &Console) {
        self.others.push(failure.kind.exit());
        console.error(&failure.into());
    }

    fn count(&mut self, outcome: &Outcome<'_>, console: &Console) {
        let id = outcome.entry.id();
        let exit = outcome.report.exit();
        match outcome.settled {
            Settled::Delivered => {}
            Settled::Waiting { .. } => self.deferred = true,
            Settled::Failed { .. } => self.others.push(exit),
        }
        console.about(id, outcome.report);
        match outcome.settled {
            Settled::Delivered => console.note(&format!("{id}: delivered")),
            Settled::Waiting { next, notice } => {
                let next = moment::rfc3339(next).unwrap_or_default();
                console.line(&format!("smtpsend: {id}: is tried again after {next}"));
                told(id, notice, console);
            }
            Settled::Failed { notice } => {
                console.line(&format!("smtpsend: {id}: given up, and kept"));
                told(id, notice, console);
            }
        }
    }

    fn exit(&self) -> Exit {
        let first = self.others.first().copied();
        match first {
            _ if self.deferred => Exit::TempFail,
            Some(exit) => exit,
            None => Exit::Ok,
        }
    }
}

/// That the sender is told of who will not get the message.
fn told(id: Id, notice: Option<Id>, console: &Console) {
    if let Some(notice) = notice {
        console.line(&format!("smtpsend: {id}: its sender is told by {notice}"));
    }
}
