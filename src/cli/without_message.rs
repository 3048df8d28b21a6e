//! The plan of a task that opens sessions and sends nothing: as for a message from the address that the
//! settings name.

use std::time::Instant;

use anyhow::Result;

use super::host::HostName;
use super::output::Console;
use super::settings::Settings;
use super::{credentials, fields, finding, way};
use crate::plan::Plan;

/// The plan with its credentials.
///
/// # Errors
/// Whatever is wrong with the settings, the address of who sends among them; `Config` when no server is
/// set and none is found.
pub(super) fn plan(settings: &Settings<'_>, console: &Console) -> Result<Plan> {
    let start = Instant::now();
    let handed = credentials::Handed::take(settings)?;
    if let Some((origin, text)) = settings.text("from")? {
        fields::one_author(&origin, &text)?;
    }
    let mut plan = way::plan(settings, &HostName::of_this_machine(), start)?;
    let mut user = None;
    if plan.rungs.is_empty() {
        match settings.own_address()? {
            Some(from) => user = finding::find(&mut plan, settings, &from, console)?,
            None => way::need_server(&plan, settings)?,
        }
    }
    credentials::add(&mut plan, settings, user, handed, console)?;
    Ok(plan)
}
