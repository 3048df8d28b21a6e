//! How a message shall be submitted: from arguments and settings to a plan, with the secrets it
//! needs.

use std::net::IpAddr;
use std::time::Instant;

use anyhow::Result;

use super::host::HostName;
use super::output::Console;
use super::secrets::keep_out_of_core_files;
use super::settings::{Origin, Settings, blamed, count, on_or_off, parsed, seconds};
use super::trust;
use crate::failure::{Failure, Kind};
use crate::plan::{EhloName, Plan};
use crate::route::policy::PortList;
use crate::route::{IpVersion, Outbound, Proxy, Rung, Security, Server, Source};
use crate::smtp::{AuthChoice, CleartextAuth, Observer as _, Waits};

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
    plan.outbound = outbound(settings)?;
    plan.trust = trust::trust(settings, plan.waits.deadline)?;
    plan.tls = trust::terms(settings, plan.waits.deadline)?;
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
pub(super) fn need_server(plan: &Plan, settings: &Settings<'_>) -> Result<()> {
    if !plan.rungs.is_empty() {
        return Ok(());
    }
    let failure = Failure::new(Kind::Config, "no server is set");
    let profiles: Vec<&str> = settings.profiles().map(|(name, _)| name).collect();
    let hint = if profiles.is_empty() {
        "smtpsend config init finds one and keeps it; or name it with --server HOST or SMTPSEND_SERVER".to_owned()
    } else {
        format!(
            "choose a profile with --profile ({}), or name a server with --server HOST",
            profiles.join(", ")
        )
    };
    let hint = settings.hint_at_hidden().unwrap_or(hint);
    Err(failure.with_hint(hint).into())
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

/// How this machine is left.
fn outbound(settings: &Settings<'_>) -> Result<Outbound> {
    let proxy = settings.value("proxy", parsed::<Proxy>)?;
    if proxy.as_ref().is_some_and(Proxy::has_password) {
        keep_out_of_core_files();
    }
    Ok(Outbound {
        proxy,
        source: source(settings)?,
    })
}

/// Which address, or which version of IP, connections come from.
fn source(settings: &Settings<'_>) -> Result<Source> {
    let versions = [("ipv4", IpVersion::V4), ("ipv6", IpVersion::V6)];
    let mut asked = Vec::new();
    for (name, version) in versions {
        let switched = settings.valued(name, on_or_off)?;
        asked.extend(
            switched
                .filter(|(_, on)| *on)
                .map(|(origin, _)| (origin, version)),
        );
    }
    // Of -4 and -6 the one that is nearer to this run.
    let version = match asked.as_slice() {
        [(one, version), (other, _)] if one.outranks(other) => Some((one, *version)),
        [(one, _), (other, version)] if other.outranks(one) => Some((other, *version)),
        [(one, _), (other, _)] => {
            let words = format!("{one} and {other} contradict each other");
            return Err(blamed(Failure::new(Kind::Usage, words), one).into());
        }
        one => one.first().map(|(origin, version)| (origin, *version)),
    };
    let address = settings.valued("bind", address)?;
    // A contradiction is the command line's fault only if it takes part in it.
    let typed = version.is_some_and(|(origin, _)| origin.is_flag())
        || address.as_ref().is_some_and(|(origin, _)| origin.is_flag());
    let (origin, address) = address.unzip();
    let source = Source::new(address, version.map(|(_, version)| version));
    Ok(source.map_err(|failure| Failure {
        kind: if typed { Kind::Usage } else { Kind::Config },
        ..match origin {
            Some(origin) => failure.at(origin),
            None => failure,
        }
    })?)
}

fn address(text: &str) -> crate::failure::Result<IpAddr> {
    text.parse().map_err(|_| {
        let words = format!("\"{text}\" is no IP address");
        Failure::new(Kind::Usage, words)
            .with_hint("one of this machine's own: ip address shows them")
    })
}

/// Says that other users can see a password that was typed.
///
/// # Errors
/// As for any setting.
pub(super) fn warn_of_typed_password(settings: &Settings<'_>, console: &Console) -> Result<()> {
    if let Some((origin, proxy)) = settings.valued("proxy", parsed::<Proxy>)?
        && origin.is_flag()
        && proxy.has_password()
    {
        console.warning(&format!(
            "{origin}: other users of this machine can see its password; SMTPSEND_PROXY or a settings file hides it"
        ));
    }
    Ok(())
}
