//! One request to its end: submitted, put into the queue where it may be, and told.
//!
//! Whoever is queued has its message on the disk before anything is said. What cannot be queued is
//! told as it was: not sent.

use std::time::SystemTime;

use anyhow::Result;

use super::finding::Way;
use super::log::Log;
use super::output::Console;
use super::queue::{Queueing, When};
use super::request::Request;
use super::settings::Settings;
use super::unreachable::{Unreachable, exit_with};
use super::{fail, json, print_json};
use crate::envelope::Envelope;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt;
use crate::message::Message;
use crate::queue::{NewEntry, Queue};
use crate::report::Report;
use crate::smtp::Observer;
use crate::submit::Submission;

/// Without a run for so long nothing can be expected to empty the queue.
const RUN_EXPECTED: std::time::Duration = std::time::Duration::from_secs(86_400);

/// What came of a request.
pub(super) struct Outcome {
    pub(super) report: Report,
    /// Why it is not in the queue, where it was to be.
    failure: Option<Failure>,
    unreachable: Vec<Unreachable>,
    exit: Exit,
}

/// Submits or queues it, and says what came of it; `observer` sees the dialogue.
///
/// # Errors
/// Whatever keeps it from being tried.
pub(super) fn deliver(
    request: Request,
    settings: &Settings<'_>,
    observer: &dyn Observer,
    console: &Console,
) -> Result<Exit> {
    let as_json = settings.switch("json")?;
    let outcome = carry_out(request, settings, observer, console)?;
    if as_json {
        return Ok(print_json(&outcome.result(), outcome.exit, console));
    }
    Ok(outcome.exit)
}

/// The same, with nothing on standard output.
///
/// # Errors
/// As [`deliver`].
pub(super) fn carry_out(
    request: Request,
    settings: &Settings<'_>,
    observer: &dyn Observer,
    console: &Console,
) -> Result<Outcome> {
    let Request {
        mut message,
        envelope,
        way,
        queueing,
        unreachable,
        smaller,
    } = request;
    let all_or_nothing = settings.switch("all-or-nothing")?;
    let log = Log::open(settings)?;
    let user = way.user().map(str::to_owned);
    // From here on there is a truth to be told about each recipient.
    interrupt::arm().for_good();
    let mut report = match way {
        Way::Plan(plan) => {
            let submission = Submission::new(*plan);
            let report = submission.submit(&envelope, &message, observer);
            match smaller.filter(|_| report.is_too_large()) {
                None => report,
                Some(smaller) => {
                    message = smaller;
                    submission.submit(&envelope, &message, observer)
                }
            }
        }
        Way::Later(why) => Report::of_all(&envelope, &message, why),
    };
    let new = New {
        envelope: &envelope,
        message: &message,
        profile: settings.profile(),
        all_or_nothing,
    };
    let failure = settle(&mut report, &new, &queueing, console).err();
    let exit = match &failure {
        None => report.exit(),
        Some(failure) => failure.kind.exit(),
    };
    let outcome = Outcome {
        exit: exit_with(exit, &unreachable),
        report,
        failure,
        unreachable,
    };
    if let Some(log) = log {
        log.leave(user.as_deref(), &outcome.result(), console);
    }
    Ok(outcome)
}

impl Outcome {
    fn result(&self) -> json::Result<'_> {
        let result = json::Result::of(&self.report).or_failed(self.failure.as_ref());
        result.beside(&self.unreachable, self.exit)
    }
}

/// What is kept of a message.
pub(super) struct New<'a> {
    pub(super) envelope: &'a Envelope,
    pub(super) message: &'a Message,
    pub(super) profile: Option<&'a str>,
    pub(super) all_or_nothing: bool,
}

/// Queues the message for those who are still open, where the user wants it, and says what came of it.
///
/// # Errors
/// `Queue` when it cannot be kept and the user relies on it; that was said, too.
pub(super) fn settle(
    report: &mut Report,
    new: &New<'_>,
    queueing: &Queueing,
    console: &Console,
) -> crate::failure::Result<()> {
    let spooled = spool(report, new, queueing, console).map(|queue| {
        if let Some(queue) = queue {
            warn_of_no_run(&queue, console);
        }
    });
    // What was only to be queued was not tried, and has no failure of its own.
    if queueing.when == When::Always {
        console.queued(report);
    } else {
        console.report(report);
    }
    if let Err(failure) = &spooled {
        fail(&failure.clone().into(), false, console);
    }
    spooled
}

/// Queues the message for those who are still open, where the user wants it; into which queue.
///
/// # Errors
/// `Queue` when it cannot be kept and the user relies on it.
pub(super) fn spool(
    report: &mut Report,
    new: &New<'_>,
    queueing: &Queueing,
    console: &Console,
) -> crate::failure::Result<Option<Queue>> {
    let Some(open) = to_be_queued(report, new, queueing) else {
        return Ok(None);
    };
    let now = SystemTime::now();
    let added = queueing.queue().and_then(|queue| {
        let tried = queueing.when == When::OnFailure;
        let id = queue.add(&NewEntry {
            envelope: &open,
            message: new.message,
            profile: new.profile,
            all_or_nothing: new.all_or_nothing,
            now,
            first_try: Some(&*report).filter(|_| tried),
        })?;
        Ok((queue, id))
    });
    match added {
        Ok((queue, id)) => {
            report.queued = Some(id.to_string());
            Ok(Some(queue))
        }
        // A usual queue is a help where it is, and nothing that anybody relies on.
        Err(failure) if queueing.is_usual => {
            console.warning(&format!("not queued: {failure}"));
            Ok(None)
        }
        Err(failure) => Err(failure.at("not queued")),
    }
}

/// The envelope of those who may be queued, unless there is nobody.
fn to_be_queued(report: &Report, new: &New<'_>, queueing: &Queueing) -> Option<Envelope> {
    let open = report.open();
    // Where somebody was refused, what is for all or nobody is for nobody.
    let in_part = open.len() < report.recipients.len();
    if queueing.when == When::Never || open.is_empty() || (new.all_or_nothing && in_part) {
        return None;
    }
    let mut verdicts = report.recipients.iter().map(|(_, verdict)| verdict);
    new.envelope.only(|_| {
        verdicts
            .next()
            .is_some_and(|verdict| report.is_open(verdict))
    })
}

/// Says so when nothing has emptied the queue for long.
pub(super) fn warn_of_no_run(queue: &Queue, console: &Console) {
    let now = SystemTime::now();
    let since = queue.last_run().map(|last| now.duration_since(last));
    let when = match since {
        Some(Ok(since)) if since < RUN_EXPECTED => return,
        Some(_) => "for a day",
        None => "yet",
    };
    console.warning(&format!(
        "no smtpsend queue run has happened here {when}: it is what sends queued messages (let a timer or cron \
         start it)"
    ));
}
