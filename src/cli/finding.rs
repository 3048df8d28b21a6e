//! How a message leaves: finding the server from the From address when none is set, and whether the message
//! waits where that cannot be done now.
//!
//! What is built in and what a domain says of its own servers is used at once. A server elsewhere, named
//! by DNS alone, is used only when the setting `discover` says so, or once `config init` was told that
//! it is the right one.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::output::Console;
use super::queue::{Queueing, When};
use super::settings::{Settings, one_of, parsed};
use super::{credentials, way};
use crate::address::Address;
use crate::failure::{Failure, Kind};
use crate::plan::Plan;
use crate::route::Rung;
use crate::route::discover::{Discovery, Dns, ForeignServers, Found, Source, discover};
use crate::route::providers::{Provider, UserName, provider_of_domain, provider_of_host};
use crate::smtp::{Credentials, Observer as _};

/// Longest time for all questions to DNS together: it stands before every connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the setting `discover` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Discover {
    /// The domain's own servers, and what is built in.
    #[default]
    Own,
    /// Any server that DNS names.
    Any,
    /// Nothing is looked for.
    Never,
}

impl Discover {
    pub(super) fn of(settings: &Settings<'_>) -> Result<Self> {
        let choices = [
            ("own", Self::Own),
            ("any", Self::Any),
            ("never", Self::Never),
        ];
        let how = settings.value("discover", |text| one_of(&choices, text))?;
        Ok(how.unwrap_or_default())
    }
}

/// How a message leaves.
pub(crate) enum Way {
    /// By this plan.
    Plan(Box<Plan>),
    /// Not now, for this reason; later by the queue.
    Later(Failure),
}

impl Way {
    /// Who is to log in.
    pub(crate) fn user(&self) -> Option<&str> {
        let plan = match self {
            Self::Plan(plan) => plan,
            Self::Later(_) => return None,
        };
        plan.effective_credentials().map(Credentials::user)
    }
}

/// What finding the server came to.
#[derive(Default)]
pub(super) struct Finding {
    /// What the provider takes as user name.
    user: Option<String>,
    /// Why it cannot be found now, when the message may wait for it in the queue.
    pub(super) later: Option<Failure>,
}

impl Finding {
    /// Gives the plan the servers of the domain of `from`. What DNS cannot tell now is no failure for a
    /// message that may wait.
    ///
    /// # Errors
    /// As [`find`].
    pub(super) fn find(
        &mut self,
        plan: &mut Plan,
        settings: &Settings<'_>,
        queueing: &Queueing,
        from: &Address,
        console: &Console,
    ) -> Result<()> {
        let found = find(plan, settings, from, console).or_else(|error| {
            let failure = error.downcast_ref::<Failure>();
            let passing = failure.filter(|failure| failure.kind == Kind::Temporary);
            match passing.filter(|_| queueing.when == When::OnFailure) {
                Some(failure) => {
                    self.later = Some(failure.clone());
                    Ok(None)
                }
                None => Err(error),
            }
        });
        self.user = found?;
        Ok(())
    }

    /// The way that follows: by this plan with its credentials, unless the message waits.
    ///
    /// # Errors
    /// As [`credentials::add`].
    pub(super) fn way(
        self,
        mut plan: Plan,
        queueing: &Queueing,
        settings: &Settings<'_>,
        handed: credentials::Handed,
        console: &Console,
    ) -> Result<Way> {
        if queueing.when == When::Always {
            return Ok(Way::Later(Failure::new(Kind::Temporary, "not tried yet")));
        }
        if let Some(why) = self.later {
            return Ok(Way::Later(why));
        }
        credentials::add(&mut plan, settings, self.user, handed, console)?;
        Ok(Way::Plan(Box::new(plan)))
    }
}

/// How mail from this address leaves, or from the one that is set: by the plan, which gets what it
/// lacks.
///
/// # Errors
/// What is wrong with the settings; `Config` when no server is set, and none is found.
pub(super) fn way_for(
    from: Option<&Address>,
    mut plan: Plan,
    settings: &Settings<'_>,
    queueing: &Queueing,
    handed: credentials::Handed,
    console: &Console,
) -> Result<Way> {
    let mut finding = Finding::default();
    if plan.rungs.is_empty() && queueing.when != When::Always {
        let set = settings.own_address()?;
        match from.or(set.as_ref()) {
            Some(from) => finding.find(&mut plan, settings, queueing, from, console)?,
            None => way::need_server(&plan, settings)?,
        }
    }
    finding.way(plan, queueing, settings, handed, console)
}

/// Gives the plan the servers of the domain of `from`; says what the provider takes as user name,
/// where that is known.
///
/// # Errors
/// `Config` when none is found, or only one that nobody has confirmed; `Temporary` when DNS cannot
/// tell now.
pub(super) fn find(
    plan: &mut Plan,
    settings: &Settings<'_>,
    from: &Address,
    console: &Console,
) -> Result<Option<String>> {
    let how = Discover::of(settings)?;
    if how == Discover::Never {
        way::need_server(plan, settings)?;
    }
    let found = look_up(settings, from, plan.waits.deadline)?;
    for note in &found.notes {
        console.note(note);
    }
    let foreign = (how == Discover::Any).then(ForeignServers::dangerous_allow);
    plan.rungs = found.rungs(foreign).map_err(no_server)?;
    let by_dns =
        matches!(&found.found, Found::Servers(servers) if servers.source != Source::BuiltIn);
    for rung in &plan.rungs {
        let mode = rung.security.name();
        let words = format!("found {rung} ({mode}) for {}", found.domain);
        // RFC 8314 §5.1: DNS is not to be asked anew for each message.
        if by_dns {
            console.warning(&format!(
                "{words} in DNS; keep it with smtpsend config init"
            ));
        } else {
            console.note(&words);
        }
    }
    let provider = plan
        .rungs
        .first()
        .and_then(|rung| provider_of_host(&rung.host));
    Ok(provider.and_then(|provider| user_name(provider, from)))
}

/// The plan for mail from this address when no server is set, as far as it is known without asking
/// anybody: one line for each server, or for where it would be looked for.
///
/// # Errors
/// `Usage` or `Config` for what is wrong with the settings.
pub(super) fn foreseen(settings: &Settings<'_>, from: Option<&Address>) -> Result<Vec<String>> {
    let own = settings.own_address()?;
    let domain = own.as_ref().or(from).map(Address::domain);
    let domain = domain.filter(|domain| !domain.starts_with('['));
    let how = Discover::of(settings)?;
    let Some(domain) = domain.filter(|_| how != Discover::Never) else {
        return Ok(vec!["no server is set".to_owned()]);
    };
    let Some(provider) = provider_of_domain(domain) else {
        return Ok(vec![format!(
            "the server is to be found in DNS for {domain}"
        )]);
    };
    let line = |rung: &Rung| format!("{rung} {}", rung.security.name());
    Ok(provider.rungs().iter().map(line).collect())
}

/// Asks for the servers of the domain of `from`.
///
/// # Errors
/// `Temporary` when DNS cannot tell now, `Config` when it has nothing to tell.
pub(super) fn look_up(
    settings: &Settings<'_>,
    from: &Address,
    deadline: Option<Instant>,
) -> Result<Discovery> {
    let dns = settings.value("dns", parsed::<Dns>)?;
    let dns = dns.unwrap_or_else(Dns::of_this_system);
    let latest = Instant::now() + PATIENCE;
    let until = deadline.map_or(latest, |deadline| deadline.min(latest));
    Ok(discover(from.domain(), &dns, until).map_err(no_server)?)
}

/// What this provider takes as user name, where it does not hand out names of its own.
pub(super) fn user_name(provider: &Provider, from: &Address) -> Option<String> {
    match provider.user {
        UserName::Address => Some(from.to_string()),
        UserName::Literal(word) => Some(word.to_owned()),
        UserName::Issued => None,
    }
}

/// A missing setting, also where there is nothing to be found; but what DNS cannot tell now it may
/// tell later.
fn no_server(failure: Failure) -> Failure {
    let hint = "name your provider's submission server with --server HOST, or let smtpsend config init find it";
    let (kind, hint) = match (failure.kind, failure.hint) {
        // With a server that is set, DNS is not asked which it is.
        (Kind::Temporary, Some(cause)) => (Kind::Temporary, format!("{cause} Else {hint}")),
        (Kind::Temporary, None) => (Kind::Temporary, hint.to_owned()),
        (_, known) => (Kind::Config, known.unwrap_or_else(|| hint.to_owned())),
    };
    Failure {
        kind,
        message: format!("no server is set: {}", failure.message),
        hint: Some(hint),
    }
}
