//! `smtpsend config init`: asks for what is needed, finds the server, tries it, and writes the file.
//!
//! What is tried is the file that will be written, so that what works now works later. Other runs may add
//! profiles at the same time: the file is read once more right before it is written, when nobody else
//! writes it.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use zeroize::Zeroizing;

use super::draft::Draft;
use super::given::Given;
use super::write::{Existing, Place, there_is_one};
use crate::cli::credentials::{self, Handed};
use crate::cli::host::HostName;
use crate::cli::output::Console;
use crate::cli::settings::{Environment, File, Owner, Settings};
use crate::cli::way;
use crate::failure::{Failure, Kind};
use crate::submit::probe::probe;

/// What is done with what was gathered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub(super) existing: Existing,
    /// Whether the server is tried before the file is written.
    pub(super) check: bool,
}

/// Makes a settings file, or adds a profile to the one there is.
///
/// # Errors
/// `Usage` when something is missing that nobody can be asked for; `Config` when the file is there
/// already or no server is found; what is wrong with what is given, or keeps the server from being
/// used; `Io` when the file cannot be written.
pub(super) fn init(
    settings: &Settings<'_>,
    path: &Path,
    manner: Manner,
    console: &Console,
) -> Result<()> {
    let start = Instant::now();
    let handed = Handed::take(settings)?;
    let profile = settings.text("profile")?.map(|(_, name)| name);
    let profile = profile.as_deref();
    let before = |environment| before(path, profile, manner.existing, environment);
    let given = Given::of(settings, start)?;
    let environment = |name: &str| given.environment(name, settings.environment());
    let there = before(&environment)?;
    let draft = Draft::gather(&given, settings, &environment, handed, start, console)?;
    let parsed = |there: Option<&Zeroizing<String>>| {
        let text = draft.after(there.map_or("", |text| text.as_str()), profile);
        File::parse(path, &text, &environment).map(|file| (text, file))
    };
    let (_, file) = parsed(there.as_ref())?;
    if manner.check {
        let profile = profile.map(str::to_owned);
        let tried = Settings::of_file(file, profile, &environment);
        try_it(&tried, start, console)?;
    }
    let place = Place::lock(path)?;
    let there = before(&environment)?;
    let (text, _) = parsed(there.as_ref())?;
    let existing = there.map_or(manner.existing, |_| Existing::Replace);
    place.write(&text, existing)?;
    console.line(&format!("smtpsend: {}: written", path.display()));
    for variable in given.left_out() {
        console.line(&format!(
            "smtpsend: {variable} is not written down: later runs need it too"
        ));
    }
    Ok(())
}

/// The text of the file to which a profile is added; none where a new one is made.
fn before(
    path: &Path,
    profile: Option<&str>,
    existing: Existing,
    environment: Environment<'_>,
) -> Result<Option<Zeroizing<String>>> {
    let failed = |kind, words: &str| Failure::new(kind, format!("{}: {words}", path.display()));
    match fs::metadata(path) {
        Ok(there) if there.is_file() => {}
        Ok(_) => return Err(failed(Kind::Config, "not a regular file").into()),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(failed(Kind::Input, &error.to_string()).into()),
    }
    let Some(name) = profile else {
        // Whatever is wrong with a file that is replaced goes with it.
        return match existing {
            Existing::Replace => Ok(None),
            Existing::Keep => Err(there_is_one(path).into()),
        };
    };
    let Some(file) = File::read(path, Owner::User, environment)? else {
        return Ok(None);
    };
    if file.profile(name).is_some() {
        let words = format!("there is a profile {name} already");
        return Err(failed(Kind::Config, &words)
            .with_hint("edit the file, or choose another name for --profile")
            .into());
    }
    let text = fs::read_to_string(path);
    let text = text.map_err(|error| failed(Kind::Input, &error.to_string()))?;
    Ok(Some(Zeroizing::new(text)))
}

/// Tries what will be written, up to the login.
fn try_it(settings: &Settings<'_>, start: Instant, console: &Console) -> Result<()> {
    let mut plan = way::plan(settings, &HostName::of_this_machine(), start)?;
    way::need_server(&plan, settings)?;
    credentials::add(&mut plan, settings, None, Handed::take(settings)?, console)?;
    let diagnosis = probe(&plan, console)?;
    match diagnosis.failure {
        None => Ok(()),
        Some(failure) => {
            console.line("smtpsend: nothing was written; --no-check writes it all the same");
            Err(failure.into())
        }
    }
}
