//! `smtpsend config import`: the accounts of msmtp's configuration become profiles of a settings file.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::entry::{Entry, table};
use super::msmtprc::{self, Imported};
use super::write::{Existing, Place, there_is_one};
use crate::cli::host::HostName;
use crate::cli::output::{Console, to_stdout};
use crate::cli::settings::{Environment, File, Settings};
use crate::cli::{stdin, way};
use crate::failure::{Failure, Kind};

/// msmtp reads no larger one.
const FILE_LIMIT: usize = 65_536;

/// Imports `from`, by default msmtp's own file, to `to`; or prints what would be written.
///
/// # Errors
/// `Input` when it cannot be read, `Temporary` when it does not end before the deadline, `Config`
/// when msmtp would not read it, when no account is left, or when there is a settings file already;
/// `Io` when that cannot be written.
pub(super) fn import(
    from: Option<&Path>,
    to: Option<(&Path, Existing)>,
    settings: &Settings<'_>,
    console: &Console,
) -> Result<()> {
    let environment = settings.environment();
    let home = environment("HOME").map(PathBuf::from);
    let from = match from {
        Some(path) => path.to_owned(),
        None => msmtps_own(environment)?,
    };
    if let Some((path, Existing::Keep)) = to
        && path.exists()
    {
        return Err(there_is_one(path).into());
    }
    let deadline = way::deadline(settings, Instant::now())?;
    let text = zeroize::Zeroizing::new(stdin::read_file(&from, FILE_LIMIT, deadline)?);
    let accepts = |entries: &[Entry]| accepts(entries, environment);
    let imported = msmtprc::import(&text, home.as_deref(), &accepts)
        .with_context(|| from.display().to_string())?;
    if imported.is_empty() {
        let words = format!("{}: no account that can be taken over", from.display());
        return Err(Failure::new(Kind::Config, words).into());
    }
    for note in &imported.notes {
        console.line(&format!("smtpsend: {}: {note}", from.display()));
    }
    match to {
        None => to_stdout(|out| out.write_all(imported.to_toml().as_bytes()))?,
        Some((path, existing)) => {
            Place::lock(path)?.write(&imported.to_toml(), existing)?;
            console.line(&told(&imported, path));
        }
    }
    Ok(())
}

fn told(imported: &Imported, path: &Path) -> String {
    let names: Vec<&str> = imported.names().collect();
    format!(
        "smtpsend: {}: written, with the profiles {}",
        path.display(),
        names.join(", ")
    )
}

/// Where msmtp keeps its configuration.
fn msmtps_own(environment: Environment<'_>) -> Result<PathBuf> {
    let home = environment("HOME").map(PathBuf::from);
    let folder = environment("XDG_CONFIG_HOME").map(PathBuf::from);
    let folder = folder.or_else(|| Some(home.as_ref()?.join(".config")));
    let places = [
        home.map(|home| home.join(".msmtprc")),
        folder.map(|folder| folder.join("msmtp/config")),
    ];
    let found = places.into_iter().flatten().find(|path| path.exists());
    found.ok_or_else(|| {
        Failure::new(
            Kind::Usage,
            "there is no ~/.msmtprc and no ~/.config/msmtp/config",
        )
        .with_hint("name the file: smtpsend config import FILE")
        .into()
    })
}

/// Whether a settings file with these in it can be used.
fn accepts(entries: &[Entry], environment: Environment<'_>) -> std::result::Result<(), String> {
    // Where the accounts go: at the top a pattern is no author.
    let profile = "imported";
    let text = table(Some(profile), entries);
    let path = Path::new("/");
    let file = File::parse(path, &text, environment).map_err(|failure| {
        let message = &failure.message;
        let what = message
            .split_once(": ")
            .map_or(&**message, |(_, what)| what);
        // The note names the key itself.
        let mut keys = entries.iter().map(|entry| entry.key);
        let what = keys.find_map(|key| what.strip_prefix(key)).unwrap_or(what);
        what.trim_start_matches([':', ' ']).to_owned()
    })?;
    let settings = Settings::of_file(file, Some(profile.to_owned()), environment);
    let host = HostName::of_this_machine();
    let plan = way::plan(&settings, &host, Instant::now());
    // What stands before the cause is the place in a file that is not there.
    plan.map(drop)
        .map_err(|error| error.root_cause().to_string())
}
