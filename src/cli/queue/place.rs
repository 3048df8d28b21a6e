//! Whether messages are queued, and where the queue is.

use std::path::PathBuf;

use anyhow::Result;

use crate::cli::host::users_folder;
use crate::cli::settings::{Settings, one_of, span};
use crate::failure::{Failure, Kind};
use crate::queue::{Queue, Schedule};

/// When a message goes into the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum When {
    #[default]
    Never,
    /// When it was put off, or no server could be reached.
    OnFailure,
    /// Instead of being sent.
    Always,
}

/// What is to be done with a message that cannot leave, or shall not leave now.
#[derive(Debug, Default)]
pub(crate) struct Queueing {
    pub(crate) when: When,
    /// Nobody asked for it, so that a queue that cannot be used is none.
    pub(crate) is_usual: bool,
    folder: Option<PathBuf>,
}

impl Queueing {
    /// As the setting `queue` says, else `usual`.
    ///
    /// # Errors
    /// `Usage` or `Config` for a word that is none of the three.
    pub(crate) fn of(settings: &Settings<'_>, usual: When) -> Result<Self> {
        let choices = [
            ("never", When::Never),
            ("on-failure", When::OnFailure),
            ("always", When::Always),
        ];
        let asked = settings.value("queue", |text| one_of(&choices, text))?;
        Ok(Self {
            when: asked.unwrap_or(usual),
            is_usual: asked.is_none(),
            folder: folder(settings)?,
        })
    }

    /// The queue, made where there is none.
    ///
    /// # Errors
    /// `Queue` when it cannot be used.
    pub(crate) fn queue(&self) -> crate::failure::Result<Queue> {
        Queue::create(self.folder.as_deref().ok_or_else(nowhere)?)
    }
}

/// The queue that is there, if one is.
///
/// # Errors
/// `Queue` when it cannot be used.
pub(super) fn existing(settings: &Settings<'_>) -> Result<Option<Queue>> {
    let folder = folder(settings)?.ok_or_else(nowhere)?;
    Ok(Queue::open(&folder)?)
}

/// When to try again, and for how long.
///
/// # Errors
/// `Usage` or `Config` when the lifetime is no span of time.
pub(crate) fn schedule(settings: &Settings<'_>) -> Result<Schedule> {
    let lifetime = settings.value("queue-lifetime", span)?;
    Ok(match lifetime {
        Some(lifetime) => Schedule {
            lifetime,
            ..Schedule::default()
        },
        None => Schedule::default(),
    })
}

fn folder(settings: &Settings<'_>) -> Result<Option<PathBuf>> {
    if let Some((_, folder)) = settings.path("queue-dir")? {
        return Ok(Some(folder));
    }
    let state = users_folder(settings.environment(), "XDG_STATE_HOME", ".local/state");
    Ok(state.map(|state| state.join("smtpsend/queue")))
}

fn nowhere() -> Failure {
    let words = "there is no home folder in which the queue could be";
    Failure::new(Kind::Queue, words).with_hint("name a folder with --queue-dir DIR")
}
