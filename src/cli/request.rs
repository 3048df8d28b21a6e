//! What the command line means: from arguments, settings and standard input to a message, an
//! envelope and a plan. Everything that can be wrong is found here, before anything is connected.

use std::time::Instant;

use anyhow::{Context as _, Result};

use super::args::Args;
use super::fields::{author_of, fields, lists, reverse_path};
use super::finding::{Finding, Way};
use super::host::HostName;
use super::output::Console;
use super::queue::{Queueing, When};
use super::settings::{Settings, parsed};
use super::signing::Signing;
use super::source::{Source, charset, given, input, message, source};
use super::unreachable::Unreachable;
use super::{credentials, options, way};
use crate::address::{Address, AddressList};
use crate::envelope::{Envelope, ReversePath};
use crate::failure::{Failure, Kind};
use crate::message::{Intake, Message, Store, author, classify};
use crate::smtp::{Observer as _, QuitAfter};

/// A message and what is to be done with it.
pub(crate) struct Request {
    pub(crate) message: Message,
    pub(crate) envelope: Envelope,
    pub(crate) way: Way,
    pub(crate) queueing: Queueing,
    /// Whom the envelope leaves out, since there is no address.
    pub(crate) unreachable: Vec<Unreachable>,
    /// What is sent instead where the message is too large for the server.
    pub(crate) smaller: Option<Message>,
}

/// Reads everything that is to be sent and how.
pub(crate) fn read(args: &Args, settings: &mut Settings<'_>, console: &Console) -> Result<Request> {
    let start = Instant::now();
    let host = HostName::of_this_machine();
    let handed = credentials::Handed::take(settings)?;
    let source = source(&args.content, settings)?;
    if matches!(source, Source::Stdin(_)) {
        handed.leaves_standard_input()?;
    }
    let early = choose_profile(&source, settings, start, console)?;
    let from = settings.text("from")?;
    let sender_flag = settings.valued("envelope-from", ReversePath::parse)?;
    let fields = fields(
        &args.header,
        &args.recipients,
        settings,
        &host,
        from.as_ref(),
    )?;
    let bcc = lists("--bcc", &args.recipients.bcc)?;
    let charset = settings.value("charset", charset)?;
    let options = options::of_message(args, settings)?;
    let queueing = queueing(args, settings)?;
    let signing = Signing::of(settings, way::deadline(settings, start)?)?;
    // What the flags say wrong is told first. But nobody should type a message for nothing: before
    // one is read, the way must be known.
    let known = from.as_ref().map(|_| fields.default_from.address().clone());
    let connects = !args.dry_run && queueing.when != When::Always;
    let mut finding = Finding::default();
    let mut plan = way::plan(settings, &host, start).and_then(|mut plan| {
        plan.quit_after = args
            .quit_after
            .as_deref()
            .map(parsed::<QuitAfter>)
            .transpose()
            .context("--quit-after")?;
        let lost = connects && plan.rungs.is_empty();
        match &known {
            Some(from) if lost => finding.find(&mut plan, settings, &queueing, from, console)?,
            None if lost && !source.may_name_the_author() => way::need_server(&plan, settings)?,
            _ => {}
        }
        Ok(plan)
    });
    if matches!(source, Source::Stdin(_)) {
        plan = Ok(plan?);
    }
    let deadline = plan.as_ref().ok().and_then(|plan| plan.waits.deadline);
    let given = match early {
        Some(given) => given,
        None => given(&source, deadline, settings.environment(), console)?,
    };
    if let Ok(plan) = &mut plan
        && connects
        && plan.rungs.is_empty()
        && finding.later.is_none()
    {
        match author_in(&source, &given)? {
            Some(from) => finding.find(plan, settings, &queueing, &from, console)?,
            None => way::need_server(plan, settings)?,
        }
    }
    let message = message(&source, given, &fields, charset.as_deref(), console)?;
    let message = signing.sign(message)?;

    let mut recipients: Vec<Address> = Vec::new();
    for list in [&fields.to, &fields.cc, &bcc] {
        recipients.extend(list.addresses().cloned());
    }
    if recipients.is_empty() || settings.switch("read-recipients")? {
        recipients.extend(message.recipients()?);
    }
    let sender = sender_flag.map(|(_, sender)| sender);
    let sender = reverse_path(sender, &fields, &message)?;
    let envelope = Envelope::new(sender, recipients)?.with_options(options);
    let plan = plan?;
    for warning in message.warnings() {
        console.warning(warning);
    }
    let way = if args.dry_run {
        Way::Plan(Box::new(plan))
    } else {
        finding.way(plan, &queueing, settings, handed, console)?
    };
    Ok(Request {
        message,
        envelope,
        way,
        queueing,
        unreachable: Vec::new(),
        smaller: None,
    })
}

/// What becomes of the message when it cannot leave now.
fn queueing(args: &Args, settings: &Settings<'_>) -> Result<Queueing> {
    let queueing = Queueing::of(settings, When::Never)?;
    if args.quit_after.is_none() || queueing.when == When::Never {
        return Ok(queueing);
    }
    if settings
        .text("queue")?
        .is_some_and(|(origin, _)| origin.is_flag())
    {
        let words = "--quit-after sends nothing, so that there is nothing to queue";
        return Err(Failure::new(Kind::Usage, words)
            .with_hint("leave out --queue")
            .into());
    }
    Ok(Queueing::default())
}

/// Looks at the settings of messages where there is no message yet.
///
/// # Errors
/// What is wrong with them.
pub(super) fn check_settings(settings: &Settings<'_>) -> Result<()> {
    settings.value("from", author_of)?;
    settings.value("envelope-from", ReversePath::parse)?;
    settings.value("reply-to", AddressList::parse)?;
    settings.value("charset", charset)?;
    settings.value("input", input)?;
    options::of_all(settings)?;
    Signing::of(settings, way::deadline(settings, Instant::now())?)?;
    Ok(())
}

/// Chooses the profile by the From address of the message, where no flag names one. What had to be
/// read for that is given back.
fn choose_profile(
    source: &Source<'_>,
    settings: &mut Settings<'_>,
    start: Instant,
    console: &Console,
) -> Result<Option<Store>> {
    let from = settings.text("from")?;
    let is_flag = from.is_some_and(|(origin, _)| origin.is_flag());
    if is_flag || !source.may_name_the_author() || !settings.profile_depends_on_from()? {
        return Ok(None);
    }
    let deadline = way::deadline(settings, start)?;
    let given = given(source, deadline, settings.environment(), console)?;
    if let Some(author) = author_in(source, &given)? {
        super::choose_profile(settings, Some(&author), console)?;
    }
    Ok(Some(given))
}

/// The From address of what was read, if that is a message.
fn author_in(source: &Source<'_>, given: &Store) -> Result<Option<Address>> {
    let Source::Stdin(how) = source else {
        return Ok(None);
    };
    // What is claimed to be a message and is none is told when it is taken apart.
    match classify(given, *how) {
        Ok(Intake::Message) => Ok(author(given)?),
        Ok(Intake::Body) | Err(_) => Ok(None),
    }
}
