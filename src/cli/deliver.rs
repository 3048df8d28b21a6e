//! One request to its end: submitted, and told.

use anyhow::Result;

use super::output::Console;
use super::request::Request;
use super::settings::Settings;
use super::{json, print_json};
use crate::exit::Exit;
use crate::submit::Submission;

/// Submits it, and says what came of it.
///
/// # Errors
/// Whatever keeps it from being tried.
pub(super) fn deliver(
    request: Request,
    settings: &Settings<'_>,
    console: &Console,
) -> Result<Exit> {
    let Request {
        message,
        envelope,
        plan,
    } = request;
    let report = Submission::new(plan).submit(&envelope, &message, console);
    console.report(&report);
    let exit = report.exit();
    if settings.switch("json")? {
        Ok(print_json(&json::Result::of(&report), exit, console))
    } else {
        Ok(exit)
    }
}
