//! `smtpsend config`: what the settings are, and making a file of them.

mod show;

use anyhow::Result;

use super::args::ConfigTask;
use super::output::to_stdout;
use super::settings::{Settings, users_file};
use crate::exit::Exit;
use crate::failure::{Failure, Kind};

/// Does what `smtpsend config` is to do.
///
/// # Errors
/// Whatever is wrong with the settings; `Io` when standard output cannot be written.
pub(super) fn run(task: &ConfigTask, settings: &mut Settings<'_>, json: bool) -> Result<Exit> {
    match task {
        ConfigTask::Show => show::show(settings, json)?,
        ConfigTask::Path => {
            let path = file_name(settings)?;
            let path = std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str());
            to_stdout(|out| out.write_all(&[path, b"\n"].concat()))?;
        }
    }
    Ok(Exit::Ok)
}

/// The name of the user's file, whether it is there or not.
fn file_name(settings: &Settings<'_>) -> Result<std::path::PathBuf> {
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
