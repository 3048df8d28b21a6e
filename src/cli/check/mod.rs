//! `smtpsend check`: what is on the way to the server, and a verdict. Nothing is sent.
//!
//! The library looks; here it becomes a text for a person (`table`), or one object for a script
//! (`json`), both ending in the same [`Verdict`].

mod json;
mod table;
mod usage;
mod verdict;

use anyhow::Result;

use self::verdict::Verdict;
use super::output::{Console, to_stdout};
use super::settings::Settings;
use super::without_message;
use crate::exit::Exit;
use crate::submit::probe::probe;

/// Looks at every port of the plan and prints what it found.
///
/// # Errors
/// Whatever is wrong with the settings; `Io` when standard output cannot be written.
pub(super) fn check(settings: &Settings<'_>, console: &Console) -> Result<Exit> {
    let json = settings.switch("json")?;
    let plan = without_message::plan(settings, console)?;
    let typed = usage::typed(settings)?;
    let diagnosis = probe(&plan, console)?;
    let user = plan.effective_credentials().map(|found| found.user());
    let verdict = Verdict::of(&diagnosis, user, &typed);
    to_stdout(|out| {
        if json {
            serde_json::to_writer(&mut *out, &json::Object::of(&diagnosis, &verdict))?;
            return out.write_all(b"\n");
        }
        out.write_all(table::text(&diagnosis, &verdict).as_bytes())
    })?;
    Ok(verdict.exit)
}
