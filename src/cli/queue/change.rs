//! Messages made due now, or taken out.

use std::time::SystemTime;

use anyhow::Result;

use super::{place, unknown};
use crate::cli::output::Console;
use crate::cli::settings::Settings;
use crate::exit::Exit;
use crate::failure::{Failure, Kind};
use crate::queue::{Claim, Id, Queue};

/// Does this to each message, and says of which it could not.
///
/// # Errors
/// `Usage` for what is no id, `Queue` when there is no queue that can be used.
pub(super) fn change(
    ids: &[String],
    settings: &Settings<'_>,
    console: &Console,
    one: fn(Claim) -> crate::failure::Result<()>,
) -> Result<Exit> {
    let ids: Vec<Id> = ids
        .iter()
        .map(|id| id.parse())
        .collect::<Result<_, Failure>>()?;
    let queue = place::existing(settings)?;
    let mut exit = Exit::Ok;
    for id in ids {
        if let Err(failure) = of_one(queue.as_ref(), id).and_then(one) {
            exit = failure.kind.exit();
            console.error(&failure.into());
        }
    }
    Ok(exit)
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
