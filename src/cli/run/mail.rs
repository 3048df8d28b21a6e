//! The mail about a command: to whom, from whom, and how it leaves.
//!
//! Owns which mistakes are told before the command is run: those of the command line alone. All else
//! is looked at when there is something to be mailed, as for any message; passwords are read then.

use std::time::Instant;

use anyhow::{Context as _, Result};

use super::Terms;
use super::recording::{FILE_NAME, File};
use super::report::{Along, Report};
use crate::address::{Address, AddressList};
use crate::cli::args::{HeaderArgs, RunArgs};
use crate::cli::credentials::{self, Handed};
use crate::cli::deliver::carry_out;
use crate::cli::fields::{fields, lists, reverse_path};
use crate::cli::finding::way_for;
use crate::cli::host::HostName;
use crate::cli::log::Log;
use crate::cli::output::Console;
use crate::cli::queue::{Queueing, When};
use crate::cli::request::Request;
use crate::cli::sendmail::reached;
use crate::cli::settings::{Environment, Settings, blamed};
use crate::cli::signing::{self, Signing};
use crate::cli::unreachable::Unreachable;
use crate::cli::{options, way};
use crate::envelope::{Envelope, ReversePath};
use crate::failure::{Failure, Kind};
use crate::message::{Attachment, Fields, HeaderField, Message, Parts, Text};
use crate::smtp::Observer as _;

/// What cron says about who gets mail.
const MAILTO: &str = "MAILTO";

/// Looks at what was typed.
///
/// # Errors
/// `Usage` or `Message` for what is wrong with it.
pub(super) fn refuse_mistakes(args: &RunArgs, settings: &Settings<'_>) -> Result<()> {
    let typed = settings.typed();
    let host = HostName::of_this_machine();
    let composed = || {
        let fields = all_fields(args, &typed, &host)?;
        lists("--bcc", &args.recipients.bcc)?;
        typed.value("envelope-from", ReversePath::parse)?;
        Message::compose(&fields, Text::from(String::new()))?;
        Ok(())
    };
    for looked_at in [
        Terms::of(&typed).map(drop),
        composed(),
        options::of_all(&typed).map(drop),
        Queueing::of(&typed, When::OnFailure).map(drop),
        signing::names(&typed).map(drop),
        way::plan(&typed, &host, Instant::now()).map(drop),
        credentials::is_named(&typed).map(drop),
        Log::open(&typed).map(drop),
    ] {
        let failure = |error: &anyhow::Error| Some(error.downcast_ref::<Failure>()?.kind);
        match looked_at {
            Err(error) if matches!(failure(&error), Some(Kind::Usage | Kind::Message)) => {
                return Err(error);
            }
            _ => {}
        }
    }
    if !names_recipients(args) && settings.environment()(MAILTO).is_none() {
        let hint = "name one with --to, or in MAILTO in the environment, where cron puts it";
        let failure = Failure::new(Kind::Usage, "no recipient");
        return Err(failure.with_hint(hint).into());
    }
    Ok(())
}

/// Whether mail is wanted at all: an empty MAILTO is cron's word for none.
pub(super) fn is_wanted(args: &RunArgs, settings: &Settings<'_>) -> bool {
    names_recipients(args) || mailto(settings.environment()).is_some()
}

fn names_recipients(args: &RunArgs) -> bool {
    let recipients = &args.recipients;
    let named = [&recipients.to, &recipients.cc, &recipients.bcc];
    named.iter().any(|list| !list.is_empty())
}

/// Mails the report, or queues it; whether it is for somebody in the server's hands or in the queue.
///
/// # Errors
/// Whatever keeps it from being tried.
pub(super) fn send(
    report: &Report<'_>,
    args: &RunArgs,
    settings: &Settings<'_>,
    console: &Console,
) -> Result<bool> {
    let request = request(report, args, settings, console)?;
    for one in &request.unreachable {
        console.error(&one.error);
    }
    let report = carry_out(request, settings, console, console)?.report;
    let mut verdicts = report.recipients.iter().map(|(_, verdict)| verdict);
    Ok(report.queued.is_some() || verdicts.any(|verdict| verdict.is_accepted()))
}

fn request(
    report: &Report<'_>,
    args: &RunArgs,
    settings: &Settings<'_>,
    console: &Console,
) -> Result<Request> {
    let start = Instant::now();
    let handed = no_descriptor(settings)?;
    let mut fields = all_fields(args, settings, &report.host)?;
    fields.subject.get_or_insert_with(|| report.subject());
    let (recipients, unreachable) = recipients(args, &mut fields, settings, console)?;
    let (message, smaller) = messages(report, &fields)?;
    let sender = settings.value("envelope-from", ReversePath::parse)?;
    let sender = reverse_path(sender, &fields, &message)?;
    let envelope = Envelope::new(sender, recipients)?.with_options(options::of_all(settings)?);
    let queueing = Queueing::of(settings, When::OnFailure)?;
    let plan = way::plan(settings, &report.host, start)?;
    let signing = Signing::of(settings, plan.waits.deadline)?;
    let message = signing.sign(message)?;
    let smaller = smaller.map(|smaller| signing.sign(smaller)).transpose()?;
    let way = way_for(None, plan, settings, &queueing, handed, console)?;
    for warning in message.warnings() {
        console.warning(warning);
    }
    Ok(Request {
        message,
        envelope,
        way,
        queueing,
        unreachable,
        smaller,
    })
}

/// No password from a descriptor, which the command would have got as well.
fn no_descriptor(settings: &Settings<'_>) -> Result<Handed> {
    if let Some((origin, _)) = settings.text("password-fd")? {
        let words = format!("{origin}: not with run, where the command has the descriptor too");
        let failure = Failure::new(Kind::Usage, words).with_hint("name a file or a command");
        return Err(blamed(failure, &origin).into());
    }
    Handed::take(settings)
}

/// What is typed, and that nobody wrote it (RFC 3834 §5).
fn all_fields(args: &RunArgs, settings: &Settings<'_>, host: &HostName) -> Result<Fields> {
    let automatic = HeaderField::parse("Auto-Submitted: auto-generated")?;
    let from = settings.text("from")?;
    let HeaderArgs { headers, .. } = &args.header;
    let is_said = headers.iter().any(|header| {
        let name = header.split(':').next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case("Auto-Submitted")
    });
    let mut fields = fields(
        &args.header,
        &args.recipients,
        settings,
        host,
        from.as_ref(),
    )?;
    if !is_said {
        fields.headers.push(automatic);
    }
    Ok(fields)
}

/// Who gets it: who is typed, else who is named in the environment, who are then named in the header.
fn recipients(
    args: &RunArgs,
    fields: &mut Fields,
    settings: &Settings<'_>,
    console: &Console,
) -> Result<(Vec<Address>, Vec<Unreachable>)> {
    let bcc = lists("--bcc", &args.recipients.bcc)?;
    let typed = [&fields.to, &fields.cc, &bcc];
    let typed: Vec<Address> = typed
        .iter()
        .flat_map(|list| list.addresses().cloned())
        .collect();
    let Some(named) = mailto(settings.environment()).filter(|_| typed.is_empty()) else {
        return Ok((typed, Vec::new()));
    };
    let (reached, mut unreachable) = reached(&named, settings, console).context(MAILTO)?;
    if reached.is_empty() && !unreachable.is_empty() {
        return Err(unreachable.swap_remove(0).error);
    }
    let addresses: Vec<String> = reached.iter().map(ToString::to_string).collect();
    fields.to = AddressList::parse(&addresses.join(", ")).context(MAILTO)?;
    Ok((reached, unreachable))
}

fn mailto(environment: Environment<'_>) -> Option<String> {
    let named = environment(MAILTO)?.to_string_lossy().into_owned();
    Some(named).filter(|named| !named.trim().is_empty())
}

/// The message, and where a file goes with it the one without.
fn messages(report: &Report<'_>, fields: &Fields) -> Result<(Message, Option<Message>)> {
    let text = |along| Text::from(report.text(along));
    let store = match &report.output.file {
        Some(File::Whole(store) | File::First(_, store)) => store.clone(),
        Some(File::Lost(_)) | None => {
            let message = Message::compose(fields, text(Along::File))?;
            return Ok((message, None));
        }
    };
    let parts = Parts {
        attachments: vec![Attachment::new(FILE_NAME, store)?],
        ..Parts::from(text(Along::File))
    };
    let message = Message::compose(fields, parts)?;
    let smaller = Message::compose(fields, text(Along::Nothing))?;
    Ok((message, Some(smaller)))
}
