//! Who we are, and which of the [sources](super::secrets) the proof comes from.
//!
//! The strongest layer of settings that names a source wins; two flags that name one contradict each
//! other. In one layer the order is that of `SOURCES`. A layer weaker than that of the user gives
//! no password when it names another user, whose password that is. Where none is named: a systemd
//! credential, `~/.netrc`, the prompt.

use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;

use super::output::Console;
use super::secrets::{Source, keep_out_of_core_files};
use super::settings::{Origin, Settings, blamed, setting};
use super::way;
use crate::failure::{Failure, Kind};
use crate::plan::Plan;
use crate::route::Server;
use crate::secret::Secret;
use crate::smtp::{AuthChoice, Credentials, MechanismName, Observer as _, TokenSource};

/// The settings that name a source of the password or the token.
pub(super) const SOURCES: [&str; 5] = [
    "password-fd",
    "password",
    "password-file",
    "password-command",
    "token-command",
];

/// What has to be taken before any file is opened: a descriptor that is not open would else be
/// whatever is opened next.
pub(super) struct Handed(Option<Source>);

impl Handed {
    /// Takes the descriptor that `--password-fd` names.
    ///
    /// # Errors
    /// `Usage` or `Config` when it names none, `Input` when it is not open.
    pub(super) fn take(settings: &Settings<'_>) -> Result<Self> {
        let Some((origin, number)) = settings.text("password-fd")? else {
            return Ok(Self(None));
        };
        let source = Source::descriptor(&origin.to_string(), &number);
        Ok(Self(Some(
            source.map_err(|failure| blamed(failure, &origin))?,
        )))
    }

    /// The source that was handed over.
    pub(super) fn source(self) -> Option<Source> {
        self.0
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
    way::warn_of_typed_password(settings, console)?;
    if plan.auth == AuthChoice::Never {
        return Ok(());
    }
    if plan.auth == AuthChoice::Only(MechanismName::External) {
        plan.credentials = Some(by_certificate(plan, settings)?);
        return Ok(());
    }
    let user = user(settings)?;
    let named = source_named(settings, user.as_ref())?;
    let Some(user) = user.map(|(_, user)| user).or(usual) else {
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
    let is_token = matches!(named, Some((_, "token-command", _)))
        || matches!(plan.auth, AuthChoice::Only(name) if name.takes_a_token());
    let source = match named {
        Some((_, "password-fd", _)) => handed.0,
        Some((origin, name, value)) => Some(source(&origin, name, value, settings)?),
        None => kept_elsewhere(&user, plan, settings)?,
    };
    let source = match source {
        Some(source) => source,
        // Who shows a certificate need not have a password as well.
        None if plan.tls.identity.is_some() => {
            plan.credentials = Some(Credentials::certificate(Some(user))?);
            return Ok(());
        }
        None => Source::prompt(&user),
    };
    let secret = source.read(deadline)?;
    let what = if is_token { "token" } else { "password" };
    console.note(&format!("the {what} is from {source}"));
    let place = source.to_string();
    let credentials = if is_token {
        let renewed = source.may_change().then_some(Renewed { source, deadline });
        let renewed = renewed.map(|renewed| Arc::new(renewed) as Arc<dyn TokenSource>);
        Credentials::token(user, secret, renewed)
    } else {
        Credentials::new(user, secret)
    };
    plan.credentials = Some(credentials.map_err(|failure| failure.at(place))?);
    Ok(())
}

/// The source of a token, asked once more when the server refuses the one it gave.
struct Renewed {
    source: Source,
    deadline: Option<Instant>,
}

impl TokenSource for Renewed {
    fn token(&self) -> crate::failure::Result<Secret> {
        self.source.read(self.deadline)
    }
}

/// Whether a setting names the source of the password or the token.
///
/// # Errors
/// `Usage` when two flags do.
pub(super) fn is_named(settings: &Settings<'_>) -> Result<bool> {
    let user = user(settings)?;
    Ok(source_named(settings, user.as_ref())?.is_some())
}

/// Who we are says the certificate we show; a user is named only where it stands for several.
fn by_certificate(plan: &Plan, settings: &Settings<'_>) -> Result<Credentials> {
    if plan.tls.identity.is_none() {
        let words = "AUTH EXTERNAL without a certificate to show";
        return Err(Failure::new(Kind::Config, words)
            .with_hint("add --client-cert and --client-key")
            .into());
    }
    let user = user(settings)?;
    Ok(Credentials::certificate(user.map(|(_, user)| user))?)
}

/// The setting that names the source of this user's proof, its value and where it stands.
fn source_named(
    settings: &Settings<'_>,
    user: Option<&(Origin, String)>,
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
    let own = named
        .into_iter()
        .filter(|(origin, ..)| user.is_none_or(|user| !is_anothers(origin, user, settings)));
    // Of one layer the first stays.
    Ok(own.reduce(|best, other| {
        if other.0.outranks(&best.0) {
            other
        } else {
            best
        }
    }))
}

/// Whether a proof is another user's: it stands in a layer that names one, below that of the user.
fn is_anothers(place: &Origin, (origin, user): &(Origin, String), settings: &Settings<'_>) -> bool {
    let named_there = || {
        settings.beside(place, "user").or_else(|| {
            let servers = settings.beside(place, "server")?;
            user_in(Server::list(&servers).ok()?)
        })
    };
    origin.outranks(place) && named_there().is_some_and(|other| other != *user)
}

fn source(
    origin: &Origin,
    name: &str,
    value: std::ffi::OsString,
    settings: &Settings<'_>,
) -> Result<Source> {
    let place = origin.to_string();
    Ok(match name {
        "password" => Source::value(&place, Secret::new(value.into_vec())),
        "password-file" => Source::file(&place, PathBuf::from(value), settings.environment()),
        _ => {
            let line = value.to_string_lossy();
            Source::command(&place, &line).map_err(|failure| blamed(failure, origin))?
        }
    })
}

/// Where the password is when no setting says so.
fn kept_elsewhere(user: &str, plan: &Plan, settings: &Settings<'_>) -> Result<Option<Source>> {
    let environment = settings.environment();
    if let Some(credential) = Source::credential(settings.profile(), environment) {
        return Ok(Some(credential));
    }
    // A password that is for one host is for no other.
    let mut hosts = plan.rungs.iter().map(|rung| &rung.host);
    let host = hosts.next();
    match host.filter(|host| hosts.all(|other| other == *host)) {
        Some(host) => Ok(Source::netrc(
            host.to_string().trim_matches(['[', ']']),
            user,
            environment,
            plan.waits.deadline,
        )?),
        None => Ok(None),
    }
}

/// The user and where it is named: by `user`, unless a stronger layer does with a `smtp://user@host`.
///
/// # Errors
/// As for any setting.
pub(super) fn user(settings: &Settings<'_>) -> Result<Option<(Origin, String)>> {
    let set = settings.valued("user", user_name)?;
    let servers = settings.valued("server", Server::list)?;
    let in_server = servers.and_then(|(origin, servers)| Some((origin, user_in(servers)?)));
    Ok(match (set, in_server) {
        (Some(set), Some(in_server)) if in_server.0.outranks(&set.0) => Some(in_server),
        (set, in_server) => set.or(in_server),
    })
}

/// The user in the names of these servers, which all share one.
fn user_in(servers: Vec<Server>) -> Option<String> {
    servers.into_iter().find_map(|server| server.user)
}

pub(super) fn user_name(text: &str) -> crate::failure::Result<String> {
    if text.is_empty() || text.chars().any(char::is_control) {
        let words = "no user name, or one with control characters";
        return Err(Failure::new(Kind::Usage, words));
    }
    Ok(text.to_owned())
}
