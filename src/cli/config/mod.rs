//! `smtpsend config`: what the settings are, and making a file of them.
//!
//! `show` prints them, `import` takes over msmtp's, `init` asks for them and tries them; both `write`
//! a file, in which each setting is an `entry`. `init` makes a `draft` of it first, of what is `given` and
//! what is answered.

mod asking;
mod draft;
mod entry;
mod given;
mod import;
mod init;
mod msmtprc;
mod show;
mod write;

use std::path::PathBuf;

use anyhow::Result;

use self::init::Manner;
use self::write::Existing;
use super::args::ConfigTask;
use super::output::{Console, to_stdout};
use super::settings::{Settings, users_file};
use crate::exit::Exit;
use crate::failure::{Failure, Kind};

/// Does what `smtpsend config` is to do.
///
/// # Errors
/// Whatever is wrong with the settings; `Io` when something cannot be written.
pub(super) fn run(task: &ConfigTask, settings: &Settings<'_>, console: &Console) -> Result<Exit> {
    match task {
        ConfigTask::Show => show::show(settings)?,
        ConfigTask::Path => {
            let path = file_name(settings)?;
            let path = std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str());
            to_stdout(|out| out.write_all(&[path, b"\n"].concat()))?;
        }
        ConfigTask::Init { force, check } => {
            let manner = Manner {
                existing: Existing::of(*force),
                check: *check,
            };
            init::init(settings, &file_name(settings)?, manner, console)?;
        }
        ConfigTask::Import {
            from,
            dry_run,
            force,
        } => {
            let path = file_name(settings)?;
            let to = (!dry_run).then_some((path.as_path(), Existing::of(*force)));
            import::import(from.as_deref(), to, settings, console)?;
        }
    }
    Ok(Exit::Ok)
}

/// The name of the user's file, whether it is there or not.
fn file_name(settings: &Settings<'_>) -> Result<PathBuf> {
    if let Some((_, path)) = settings.path("config")? {
        return Ok(path);
    }
    users_file(settings.environment()).ok_or_else(|| {
        Failure::new(
            Kind::Config,
            "there is no folder for a settings file: HOME is not set",
        )
        .with_hint("set HOME or XDG_CONFIG_HOME, or name the file with --config")
        .into()
    })
}
