//! `smtpsend queue`: what waits, sending it, and changing one's mind.
//!
//! `place` says whether and where messages are queued, `list` and `show` print, `run` sends, and
//! `change` makes messages due or takes them out.

mod change;
mod list;
mod place;
mod run;
mod show;

use anyhow::Result;

pub(super) use self::list::list;
pub(crate) use self::place::{Queueing, When};
pub(super) use self::run::run as run_due;
use super::args::QueueTask;
use super::output::Console;
use super::settings::Settings;
use crate::exit::Exit;
use crate::failure::{Failure, Kind};
use crate::queue::Id;

/// Does what `smtpsend queue` is to do.
///
/// # Errors
/// `Queue` when the queue cannot be used, `Usage` for an id that is none.
pub(super) fn run(
    task: &QueueTask,
    settings: &mut Settings<'_>,
    console: &Console,
) -> Result<Exit> {
    match task {
        QueueTask::List => list(settings, console),
        QueueTask::Show(id) => show::show(id, settings),
        QueueTask::Run(connections) => run_due(*connections, settings, console),
        QueueTask::Retry(ids) => change::change(ids, settings, console, change::retry),
        QueueTask::Remove(ids) => change::change(ids, settings, console, change::remove),
    }
}

/// That no message has this id.
fn unknown(id: Id) -> Failure {
    Failure::new(Kind::Input, format!("{id}: no such message in the queue"))
        .with_hint("smtpsend queue list names them")
}
