//! Messages made due now, or taken out.

use std::time::SystemTime;

use anyhow::Result;

use super::{place, unknown};
use crate::cli::args::Which;
use crate::cli::output::Console;
use crate::cli::settings::Settings;
use crate::exit::Exit;
use crate::failure::{Failure, Kind};
use crate::queue::{Claim, Id, Place, Queue};

/// Does this to each message, and says of which it could not.
///
/// # Errors
/// `Usage` for what is no id, `Queue` when there is no queue that can be used.
pub(super) fn change(
    which: &Which,
    settings: &Settings<'_>,
    console: &Console,
    one: fn(Claim) -> crate::failure::Result<()>,
) -> Result<Exit> {
    let queue = place::existing(settings)?;
    let ids = match which {
        Which::Ids(ids) => {
            let ids = ids.iter().map(|id| id.parse());
            ids.collect::<Result<Vec<Id>, Failure>>()?
        }
        Which::Failed => ids_in(queue.as_ref(), |place| place == Place::Failed)?,
        Which::All => ids_in(queue.as_ref(), |_| true)?,
    };
    let mut exit = Exit::Ok;
    for id in ids {
        if let Err(failure) = of_one(queue.as_ref(), id).and_then(one) {
            exit = failure.kind.exit();
            console.error(&failure.into());
        }
    }
    Ok(exit)
}

fn ids_in(queue: Option<&Queue>, is_meant: fn(Place) -> bool) -> Result<Vec<Id>> {
    let ids = queue.map_or_else(|| Ok(Vec::new()), Queue::ids)?;
    let meant = ids.into_iter().filter(|&(_, place)| is_meant(place));
    Ok(meant.map(|(id, _)| id).collect())
}

fn of_one(queue: Option<&Queue>, id: Id) -> crate::failure::Result<Claim> {
    let queue = queue.ok_or_else(|| unknown(id))?;
    if let Some(claim) = queue.claim(id)? {
        return Ok(claim);
    }
    match queue.claim_failed(id)? {
        Some(claim) => Ok(claim),
        None if queue.look(id)?.is_none() => Err(unknown(id)),
        None => {
            let words = format!("{id}: is being sent now");
            Err(Failure::new(Kind::Temporary, words))
        }
    }
}

pub(super) fn retry(claim: Claim) -> crate::failure::Result<()> {
    claim.retry_now(SystemTime::now())
}

pub(super) fn remove(claim: Claim) -> crate::failure::Result<()> {
    claim.remove()
}
