//! Who we are, and which of the [sources](super::secrets) the proof comes from.
//!
//! The strongest layer of settings that names a source wins; two flags that name one contradict each
//! other. In one layer the order is that of `SOURCES`. Where none is named: a systemd credential,
//! `~/.netrc`, the prompt.

use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;

use super::output::Console;
use super::secrets::{Source, keep_out_of_core_files};
use super::settings::{Origin, Settings, setting};
use crate::failure::{Failure, Kind};
use crate::plan::Plan;
use crate::route::{Host, Server};
use crate::smtp::{AuthChoice, Credentials, Observer as _};

/// The settings that name a source of the password.
const SOURCES: [&str; 4] = [
    "password-fd",
    "password",
    "password-file",
    "password-command",
];

/// What has to be taken before any file is opened: a descriptor that is not open would else be
/// whatever is opened next.
pub(super) struct Handed(Option<Source>);

impl Handed {
    /// Takes the descriptor that `--password-fd` names.
    ///
    /// # Errors
    /// `Usage` when it names none, `Input` when it is not open.
    pub(super) fn take(settings: &Settings<'_>) -> Result<Self> {
        let Some((origin, number)) = settings.text("password-fd")? else {
            return Ok(Self(None));
        };
        let source = Source::descriptor(&origin.to_string(), &number)?;
        Ok(Self(Some(source)))
    }

    /// That the message is not read from the same descriptor.
    ///
    /// # Errors
    /// `Usage` when it is.
    pub(super) fn leaves_standard_input(&self) -> Result<()> {
        match &self.0 {
            Some(source) if source.is_standard_input() => Err(source.contradicts_message().into()),
            _ => Ok(()),
        }
    }
}

/// Adds the user and the proof to the plan, if there is a user: the one that is set, else the one that
/// is `usual` where the server was found.
///
/// # Errors
/// `Usage` for a source without a user or two sources, `Config` when there is no password anywhere
/// or a source cannot be trusted, `Input` when it cannot be read.
pub(super) fn add(
    plan: &mut Plan,
    settings: &Settings<'_>,
    usual: Option<String>,
    handed: Handed,
    console: &Console,
) -> Result<()> {
    if plan.auth == AuthChoice::Never {
        return Ok(());
    }
    let named = strongest(settings)?;
    let Some(user) = user(settings)?.or(usual) else {
        return match named {
            Some((Origin::Flag(flag), ..)) => {
                Err(Failure::new(Kind::Usage, format!("{flag} without a user"))
                    .with_hint("add --user")
                    .into())
            }
            _ => Ok(()),
        };
    };
    keep_out_of_core_files();
    let deadline = plan.waits.deadline;
    let source = match named {
        Some((_, "password-fd", _)) => handed.0,
        Some((origin, name, value)) => Some(source(&origin, name, value, settings)?),
        None => None,
    };
    let source = match source {
        Some(source) => source,
        None => kept_elsewhere(&user, plan, settings, deadline)?,
    };
    let password = source.read(deadline)?;
    console.note(&format!("the password is from {source}"));
    let credentials = Credentials::new(user, password);
    plan.credentials = Some(credentials.map_err(|failure| failure.at(&source))?);
    Ok(())
}

/// The setting that names the source, its value and where it stands.
fn strongest(
    settings: &Settings<'_>,
) -> Result<Option<(Origin, &'static str, std::ffi::OsString)>> {
    let named: Vec<_> = SOURCES
        .into_iter()
        .flat_map(|name| {
            let layers = setting(name).map(|setting| settings.layers(setting));
            layers
                .into_iter()
                .flatten()
                .map(move |(origin, value)| (origin, name, value))
        })
        .collect();
    let mut flags = named.iter().filter(|(origin, ..)| origin.is_flag());
    if let (Some((one, ..)), Some((other, ..))) = (flags.next(), flags.next()) {
        let words = format!("{one} and {other} both name the password");
        return Err(Failure::new(Kind::Usage, words)
            .with_hint("leave out one of them")
            .into());
    }
    // Of one layer the first stays.
    Ok(named.into_iter().reduce(|best, other| {
        if other.0.outranks(&best.0) {
            other
        } else {
            best
        }
    }))
}

fn source(
    origin: &Origin,
    name: &str,
    value: std::ffi::OsString,
    settings: &Settings<'_>,
) -> Result<Source> {
    let place = origin.to_string();
    Ok(match name {
        "password" => Source::value(&place, crate::secret::Secret::new(value.into_vec())),
        "password-file" => Source::file(&place, PathBuf::from(value), settings.environment()),
        _ => {
            let line = value.to_string_lossy();
            Source::command(&place, &line)
                .map_err(|failure| super::settings::blamed(failure, origin))?
        }
    })
}

/// Where nobody says where the password is.
fn kept_elsewhere(
    user: &str,
    plan: &Plan,
    settings: &Settings<'_>,
    deadline: Option<Instant>,
) -> Result<Source> {
    let environment = settings.environment();
    if let Some(credential) = Source::credential(settings.profile(), environment) {
        return Ok(credential);
    }
    // A password that is for one host is for no other.
    let mut hosts = plan.rungs.iter().map(|rung| &rung.host);
    let host = hosts.next();
    if let Some(Host::Name(host)) = host.filter(|host| hosts.all(|other| other == *host))
        && let Some(netrc) = Source::netrc(host, user, environment, deadline)?
    {
        return Ok(netrc);
    }
    Ok(Source::prompt(user))
}

/// The user that is set, else the one of a `smtp://user@host`; all servers share one.
fn user(settings: &Settings<'_>) -> Result<Option<String>> {
    if let Some(user) = settings.value("user", user_name)? {
        return Ok(Some(user));
    }
    let servers = settings.value("server", Server::list)?;
    Ok(servers.into_iter().flatten().find_map(|server| server.user))
}

fn user_name(text: &str) -> crate::failure::Result<String> {
    if text.is_empty() || text.chars().any(char::is_control) {
        let words = "no user name, or one with control characters";
        return Err(Failure::new(Kind::Usage, words));
    }
    Ok(text.to_owned())
}
