//! How a message shall be submitted: from arguments and settings to a plan, with the secrets it
//! needs.

use std::fmt::Display;
use std::time::Instant;

use anyhow::{Context as _, Result};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::host::HostName;
use super::settings::{Origin, Settings, count, parsed, seconds};
use super::stdin;

use crate::failure::{Failure, Kind};
use crate::plan::{EhloName, Plan};
use crate::route::policy::PortList;
use crate::route::{Rung, Security, Server};
use crate::smtp::{AuthChoice, CleartextAuth, Trust, Waits};

/// Most octets of a file of authorities; Mozilla's whole list has a quarter of a MiB.
const CA_FILE_LIMIT: usize = 16 << 20;

/// The plan without its credentials, and without rungs when no server is set; `start` is when the
/// run began.
pub(super) fn plan(settings: &Settings<'_>, host: &HostName, start: Instant) -> Result<Plan> {
    let mut plan = Plan::new(rungs(settings)?);
    let defaults = Waits::default();
    plan.waits = Waits {
        reply: settings.value("timeout", seconds)?,
        connect: settings
            .value("connect-timeout", seconds)?
            .unwrap_or(defaults.connect),
        deadline: deadline(settings, start)?,
    };
    plan.trust = trust(settings, plan.waits.deadline)?;
    plan.auth = settings
        .value("auth", parsed::<AuthChoice>)?
        .unwrap_or_default();
    if settings.switch("allow-cleartext-auth")? {
        plan.cleartext_auth = Some(CleartextAuth::dangerous_allow());
    }
    plan.ehlo = match settings.value("ehlo", parsed::<EhloName>)? {
        Some(name) => Some(name),
        // A short name says nothing to a server: then the address stands in for it.
        None => match host {
            HostName::Full(name) => name.parse().ok(),
            HostName::Short(_) => None,
        },
    };
    plan.pipelining = !settings.switch("no-pipelining")?;
    plan.chunking = !settings.switch("no-chunking")?;
    plan.auth_first = settings.switch("auth-first")?;
    plan.all_or_nothing = settings.switch("all-or-nothing")?;
    plan.retries = settings.value("retry", count)?.unwrap_or(0);
    Ok(plan)
}

/// Says what to do when no server is set.
///
/// # Errors
/// `Config` when the plan leads nowhere.
pub(super) fn need_server(plan: &Plan) -> Result<()> {
    if !plan.rungs.is_empty() {
        return Ok(());
    }
    let failure = Failure::new(Kind::Config, "no server is set");
    Err(failure
        .with_hint("name your provider's submission server with --server HOST or SMTPSEND_SERVER")
        .into())
}

/// When the run must be over.
pub(super) fn deadline(settings: &Settings<'_>, start: Instant) -> Result<Option<Instant>> {
    let most = settings.value("deadline", seconds)?;
    Ok(most.map(|most| start + most))
}

fn rungs(settings: &Settings<'_>) -> Result<Vec<Rung>> {
    let Some((origin, servers)) = settings.valued("server", Server::list)? else {
        // What is wrong in them is told all the same.
        settings.value("ports", parsed::<PortList>)?;
        settings.value("tls", parsed::<Security>)?;
        return Ok(Vec::new());
    };
    let ports = settings.valued("ports", parsed::<PortList>)?;
    let tls = settings.valued("tls", parsed::<Security>)?;
    // A contradiction is the command line's fault only if it takes part in it.
    let others = ports
        .iter()
        .map(|(origin, _)| origin)
        .chain(tls.iter().map(|(origin, _)| origin));
    let typed = others.clone().any(Origin::is_flag) || origin.is_flag();
    let blame = if typed { Kind::Usage } else { Kind::Config };
    // The scheme of a server goes before a mode that a weaker layer names.
    let scheme_decides = tls.as_ref().is_some_and(|(mode, _)| origin.outranks(mode));
    let mut rungs = Vec::new();
    for server in servers {
        let mode = tls.as_ref().map(|(_, mode)| *mode);
        let mode = mode.filter(|_| !(scheme_decides && server.implicit));
        let found = server.rungs(ports.as_ref().map(|(_, ports)| ports), mode);
        rungs.extend(found.map_err(|failure| match failure.kind {
            Kind::Usage => Failure {
                kind: blame,
                ..failure
            },
            _ => failure,
        })?);
    }
    Ok(rungs)
}

fn trust(settings: &Settings<'_>, deadline: Option<Instant>) -> Result<Trust> {
    let whose = settings.value("trust", |text| match text {
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
    let Some((origin, path)) = settings.path("ca-file")? else {
        return Ok(whose.unwrap_or(Trust {
            webpki: true,
            ..Trust::default()
        }));
    };
    let pem = stdin::read_file(&path, CA_FILE_LIMIT, deadline).context(origin.to_string())?;
    let place = |what: &dyn Display| format!("{}: {}: {what}", origin, path.display());
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
