//! How a message shall be submitted: from arguments and settings to a plan, with the secrets it
//! needs.

use std::fmt::Display;
use std::time::Instant;

use anyhow::{Context as _, Result};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::args::Args;
use super::credentials;
use super::host::HostName;
use super::output::Console;
use super::settings::{Settings, count, parsed, seconds};
use super::stdin;
use crate::failure::{Failure, Kind};
use crate::plan::{EhloName, Plan};
use crate::route::policy::PortList;
use crate::route::{Security, Server};
use crate::smtp::{AuthChoice, CleartextAuth, Credentials, Observer as _, Trust, Waits};

/// Most octets of a file of authorities; Mozilla's whole list has a quarter of a MiB.
const CA_FILE_LIMIT: usize = 16 << 20;

/// The plan without its credentials; `start` is when the run began.
pub(super) fn plan(
    args: &Args,
    settings: &Settings<'_>,
    host: &HostName,
    start: Instant,
) -> Result<Plan> {
    let servers = settings.value("server", args.server.as_ref(), Server::list)?;
    let ports = settings.value("ports", args.ports.as_ref(), parsed::<PortList>)?;
    let tls = settings.value("tls", args.tls.as_ref(), parsed::<Security>)?;
    if servers.is_none() && !args.dry_run {
        return Err(Failure::new(Kind::Config, "no server is set")
            .with_hint(
                "name your provider's submission server with --server HOST or SMTPSEND_SERVER",
            )
            .into());
    }
    let mut rungs = Vec::new();
    // A contradiction is the command line's fault only if it takes part in it.
    let typed = args.server.is_some() || args.ports.is_some() || args.tls.is_some();
    // A scheme that was typed goes before a mode from the environment, as any flag does.
    let scheme_decides = args.server.is_some() && args.tls.is_none();
    for server in servers.iter().flatten() {
        let tls = tls.filter(|_| !(scheme_decides && server.implicit));
        let found = server.rungs(ports.as_ref(), tls);
        rungs.extend(found.map_err(|failure| match failure.kind {
            Kind::Usage if !typed => Failure {
                kind: Kind::Config,
                ..failure
            },
            _ => failure,
        })?);
    }
    let mut plan = Plan::new(rungs);
    let defaults = Waits::default();
    plan.waits = Waits {
        reply: settings.value("timeout", args.timeout.as_ref(), seconds)?,
        connect: settings
            .value("connect-timeout", args.connect_timeout.as_ref(), seconds)?
            .unwrap_or(defaults.connect),
        deadline: settings
            .value("deadline", args.deadline.as_ref(), seconds)?
            .map(|most| start + most),
    };
    plan.trust = trust(args, settings, plan.waits.deadline)?;
    plan.auth = settings
        .value("auth", args.auth.as_ref(), parsed::<AuthChoice>)?
        .unwrap_or_default();
    if settings.switch("allow-cleartext-auth", args.allow_cleartext_auth)? {
        plan.cleartext_auth = Some(CleartextAuth::dangerous_allow());
    }
    plan.ehlo = match settings.value("ehlo", args.ehlo.as_ref(), parsed::<EhloName>)? {
        Some(name) => Some(name),
        // A short name says nothing to a server: then the address stands in for it.
        None => match host {
            HostName::Full(name) => name.parse().ok(),
            HostName::Short(_) => None,
        },
    };
    plan.pipelining = !settings.switch("no-pipelining", args.no_pipelining)?;
    plan.chunking = !settings.switch("no-chunking", args.no_chunking)?;
    plan.auth_first = settings.switch("auth-first", args.auth_first)?;
    plan.all_or_nothing = settings.switch("all-or-nothing", args.all_or_nothing)?;
    plan.retries = settings
        .value("retry", args.retry.as_ref(), count)?
        .unwrap_or(0);
    Ok(plan)
}

fn trust(args: &Args, settings: &Settings<'_>, deadline: Option<Instant>) -> Result<Trust> {
    let whose = settings.value("trust", args.trust.as_ref(), |text| match text {
        "webpki" => Ok(Trust {
            webpki: true,
            ..Trust::default()
        }),
        "system" => Ok(Trust {
            system: true,
            ..Trust::default()
        }),
        _ => Err(Failure::new(
            Kind::Usage,
            format!("\"{text}\" is neither webpki nor system"),
        )),
    })?;
    let Some((origin, path)) = settings.path("ca-file", args.ca_file.as_ref()) else {
        return Ok(whose.unwrap_or(Trust {
            webpki: true,
            ..Trust::default()
        }));
    };
    let pem = stdin::read_file(&path, CA_FILE_LIMIT, deadline).context(origin.name().to_owned())?;
    let place = |what: &dyn Display| format!("{}: {}: {what}", origin.name(), path.display());
    let unusable = |what: &dyn Display| Failure::new(Kind::Config, place(what));
    let authorities: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<std::result::Result<_, _>>()
        .map_err(|error| unusable(&format!("not a PEM file of certificates: {error}")))?;
    if authorities.is_empty() {
        return Err(unusable(&"no certificate in it (-----BEGIN CERTIFICATE-----)").into());
    }
    Ok(Trust {
        authorities,
        ..whose.unwrap_or_default()
    })
}

/// Adds the user and the password, if there is a user.
pub(super) fn add_credentials(
    plan: &mut Plan,
    args: &Args,
    settings: &Settings<'_>,
    console: &Console,
) -> Result<()> {
    if plan.auth == AuthChoice::Never {
        return Ok(());
    }
    let user = match settings.value("user", args.user.as_ref(), user_name_given)? {
        Some(user) => Some(user),
        None => user_in_server(args, settings)?,
    };
    let Some(user) = user else {
        if args.password_file.is_some() {
            return Err(Failure::new(Kind::Usage, "--password-file without a user")
                .with_hint("add --user")
                .into());
        }
        return Ok(());
    };
    keep_secrets_out_of_core_files();
    let (password, source) = credentials::password(&user, args.password_file.as_ref(), settings)?;
    console.note(&format!("the password is from {source}"));
    plan.credentials = Some(Credentials::new(user, password).context(source)?);
    Ok(())
}

fn user_name_given(text: &str) -> crate::failure::Result<String> {
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(Failure::new(
            Kind::Usage,
            "no user name, or one with control characters",
        ));
    }
    Ok(text.to_owned())
}

/// The user of a `smtp://user@host`; all servers share one.
fn user_in_server(args: &Args, settings: &Settings<'_>) -> Result<Option<String>> {
    let servers = settings.value("server", args.server.as_ref(), Server::list)?;
    Ok(servers.into_iter().flatten().find_map(|server| server.user))
}

/// From here on there is a secret in memory: no core file, and no other process of this user
/// reads it.
fn keep_secrets_out_of_core_files() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // Where the kernel refuses, sending mail still works as it did.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
