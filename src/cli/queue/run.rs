//! `smtpsend queue run`: sends what is due, by the settings of this run.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};
use std::sync::Mutex;
use std::time::SystemTime;

use anyhow::Result;

use super::list::warn_of_strangers;
use super::place;
use crate::cli::log::Log;
use crate::cli::output::Console;
use crate::cli::settings::Settings;
use crate::cli::{json, moment, without_message, write_json};
use crate::exit::Exit;
use crate::failure::{Failure, Kind};
use crate::interrupt;
use crate::plan::Plan;
use crate::queue::{Batch, Entry, Id, Outcome, Place, Queue, Run, Schedule, Settled};
use crate::smtp::Observer as _;

/// What messages have in common that are sent by the same plan.
type Terms = (Option<String>, bool);

/// Who logs in for them.
type Users = BTreeMap<Terms, Option<String>>;

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
    let pass = Pass {
        queue: &queue,
        schedule,
        connections,
        log: Log::open(settings)?,
        as_json: settings.switch("json")?,
        console,
        tally: Mutex::default(),
    };
    warn_of_strangers(&queue, console)?;
    interrupt::arm().for_good();
    pass.run(settings, active(&queue)?);
    let notices = pass.notices();
    if interrupt::arrived().is_none() {
        // What this run had to tell the senders need not wait for the next one.
        pass.run(settings, notices);
    }
    match interrupt::arrived() {
        Some(signal) => console.warning(&format!("stopped by {signal}: what is left waits")),
        None if console.is_verbose() || io::stderr().is_terminal() => {
            tell_of_the_rest(&queue, console)?
        }
        None => {}
    }
    let tally = pass.tally.into_inner();
    Ok(tally.map_or(Exit::Software, |tally| tally.exit()))
}

/// What waits after a run, for whoever watches it.
fn tell_of_the_rest(queue: &Queue, console: &Console) -> Result<()> {
    let mut waiting = 0;
    let mut first = None;
    for id in active(queue)? {
        // What cannot be read was told before.
        if let Some(next) = queue
            .look(id)
            .ok()
            .flatten()
            .and_then(|entry| entry.next_try())
        {
            waiting += 1;
            first = Some(first.map_or(next, |first: SystemTime| first.min(next)));
        }
    }
    let Some(first) = first else {
        console.line("smtpsend: nothing waits in the queue");
        return Ok(());
    };
    let left = first.duration_since(SystemTime::now()).unwrap_or_default();
    let messages = if waiting == 1 {
        "message waits"
    } else {
        "messages wait"
    };
    console.line(&format!(
        "smtpsend: {waiting} {messages}, the next try is in {} (smtpsend queue retry makes one due now)",
        moment::roughly(left)
    ));
    Ok(())
}

/// One way through the queue.
struct Pass<'p> {
    queue: &'p Queue,
    schedule: Schedule,
    connections: u8,
    log: Option<Log>,
    as_json: bool,
    console: &'p Console,
    tally: Mutex<Tally>,
}

impl Pass<'_> {
    /// Tries those of these messages that are due.
    fn run(&self, settings: &mut Settings<'_>, ids: impl IntoIterator<Item = Id>) {
        let mut batches = Vec::new();
        let mut users = Users::new();
        for (terms, ids) in self.due(ids) {
            let plan = plan(&terms, settings, self.console);
            let user = plan.as_ref().ok().and_then(Plan::effective_credentials);
            users.insert(terms, user.map(|user| user.user().to_owned()));
            batches.push(Batch { plan, ids });
        }
        let told = |outcome: crate::failure::Result<Outcome<'_>>| {
            // One message's lines stand together.
            self.tallied(|tally| match outcome {
                Ok(outcome) => self.tell(&outcome, &users, tally),
                Err(failure) => tally.fail(failure, self.console),
            });
        };
        Run {
            queue: self.queue,
            schedule: self.schedule,
            connections: self.connections.into(),
            clock: SystemTime::now,
            observer: self.console,
            told: &told,
        }
        .all(batches);
    }

    /// Those that are due, those first that have waited longest. Those of which nobody is left to be tried
    /// are brought to their end.
    fn due(&self, ids: impl IntoIterator<Item = Id>) -> BTreeMap<Terms, Vec<Id>> {
        let now = SystemTime::now();
        let mut due = Vec::new();
        for id in ids {
            match self.queue.look(id) {
                Ok(Some(entry)) if entry.is_decided() => match finish(self.queue, id, now) {
                    Ok(settled) => self.tallied(|tally| tally.notices.extend(notice(settled))),
                    Err(failure) => self.fail(failure.at(id)),
                },
                Ok(Some(entry)) if entry.is_due(now) => {
                    due.push((entry.next_try(), id, terms_of(&entry)));
                }
                Ok(_) => {}
                Err(failure) => self.fail(failure),
            }
        }
        due.sort();
        let mut batches: BTreeMap<Terms, Vec<Id>> = BTreeMap::new();
        for (_, id, terms) in due {
            batches.entry(terms).or_default().push(id);
        }
        batches
    }

    /// The notices that were made until now and not asked for before.
    fn notices(&self) -> Vec<Id> {
        let mut notices = Vec::new();
        self.tallied(|tally| notices.append(&mut tally.notices));
        notices
    }

    fn fail(&self, failure: Failure) {
        self.tallied(|tally| tally.fail(failure, self.console));
    }

    fn tallied(&self, what: impl FnOnce(&mut Tally)) {
        if let Ok(mut tally) = self.tally.lock() {
            what(&mut tally);
        }
    }

    fn tell(&self, outcome: &Outcome<'_>, users: &Users, tally: &mut Tally) {
        tally.count(outcome, self.console);
        let id = outcome.entry.id().to_string();
        let mut result = json::Result::of_queued(outcome.report, &id);
        if matches!(outcome.settled, Settled::Failed { .. }) && result.status != "rejected" {
            // It will not be tried again, whatever the last answer was.
            result.status = "failed";
        }
        let user = users
            .get(&terms_of(outcome.entry))
            .and_then(Option::as_deref);
        if let Some(log) = &self.log {
            log.leave(user, &result, self.console);
        }
        if self.as_json {
            self.console.keep(write_json(&result));
        }
    }
}

/// The messages that are not given up.
fn active(queue: &Queue) -> Result<impl Iterator<Item = Id>> {
    let is_active = |&(_, place): &(Id, Place)| place == Place::Active;
    Ok(queue.ids()?.into_iter().filter(is_active).map(|(id, _)| id))
}

/// Does what a run that was killed left undone. Before anything is sent: a notice that is queued already, and
/// would be gone, would be queued again.
fn finish(queue: &Queue, id: Id, now: SystemTime) -> crate::failure::Result<Option<Settled>> {
    let claim = queue.claim(id)?;
    claim.map(|claim| claim.finish(now)).transpose()
}

/// The failure notice that came of it.
fn notice(settled: Option<Settled>) -> Option<Id> {
    match settled? {
        Settled::Delivered => None,
        Settled::Waiting { notice, .. } | Settled::Failed { notice } => notice,
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
    /// The failure notices that were made.
    notices: Vec<Id>,
}

impl Tally {
    fn fail(&mut self, failure: Failure, console: &Console) {
        self.others.push(failure.kind.exit());
        console.error(&failure.into());
    }

    fn count(&mut self, outcome: &Outcome<'_>, console: &Console) {
        let id = outcome.entry.id();
        let exit = outcome.report.exit();
        match (outcome.settled, &outcome.obstacle) {
            (Settled::Delivered, _) => {}
            (Settled::Waiting { .. }, None) => self.deferred = true,
            // Given up after its time.
            (Settled::Failed { .. }, _) if exit == Exit::TempFail => {
                self.others.push(Exit::Unavailable)
            }
            (_, None) => self.others.push(exit),
            (_, Some(obstacle)) => self.others.push(obstacle.kind.exit()),
        }
        console.about(id, outcome.report, outcome.obstacle.as_ref());
        match outcome.settled {
            Settled::Delivered => console.note(&format!("{id}: delivered")),
            Settled::Waiting { next, .. } => {
                let next = moment::rfc3339(next).unwrap_or_default();
                console.line(&format!("smtpsend: {id}: is tried again after {next}"));
            }
            Settled::Failed { .. } => {
                console.line(&format!("smtpsend: {id}: given up, and kept"));
            }
        }
        if let Some(notice) = notice(Some(outcome.settled)) {
            console.line(&format!("smtpsend: {id}: its sender is told by {notice}"));
            self.notices.push(notice);
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
