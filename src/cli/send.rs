//! Sending one message, or showing what would be sent.

use std::time::SystemTime;

use anyhow::Result;

use super::args::Args;
use super::log::{self, Entry, Log};
use super::output::{Console, recipients, to_stdout};
use super::request::{self, Request};
use super::settings::Settings;
use super::{json, print_json};
use crate::exit::Exit;
use crate::interrupt;
use crate::message::unreadable;
use crate::submit::Submission;

/// Does what `smtpsend` without a subcommand does.
///
/// # Errors
/// Whatever keeps it from being tried.
pub(super) fn send(args: &Args, settings: &mut Settings<'_>, console: &Console) -> Result<Exit> {
    let request = match request::read(args, settings, console) {
        Ok(request) => request,
        Err(error) => {
            if !args.dry_run {
                log::not_tried(&error, settings, console);
            }
            return Err(error);
        }
    };
    if args.dry_run {
        dry_run(&request, console)?;
        return Ok(Exit::Ok);
    }
    let Request {
        message,
        envelope,
        plan,
    } = request;
    let log = Log::open(settings)?;
    let user = plan.effective_credentials();
    let user = user.map(|credentials| credentials.user().to_owned());
    // From here on there is a truth to be told about each recipient.
    interrupt::arm().for_good();
    let report = Submission::new(plan).submit(&envelope, &message, console);
    console.report(&report);
    let exit = report.exit();
    let result = json::Result::of(&report);
    if let Some(log) = log {
        console.keep(log.write(&Entry {
            time: SystemTime::now(),
            user: user.as_deref(),
            result: &result,
        }));
    }
    if settings.switch("json")? {
        Ok(print_json(&result, exit, console))
    } else {
        Ok(exit)
    }
}

/// The exact message on standard output; the envelope and the plan on standard error.
fn dry_run(request: &Request, console: &Console) -> Result<()> {
    let Request {
        message,
        envelope,
        plan,
    } = request;
    let content = message.content(true, true)?;
    console.line(&format!("envelope sender: <{}>", envelope.sender()));
    for recipient in envelope.recipients() {
        console.line(&format!("recipient: <{recipient}>"));
    }
    if plan.rungs.is_empty() {
        console.line("plan: no server is set");
    }
    if let Some(proxy) = &plan.outbound.proxy {
        console.line(&format!("plan: through {proxy}"));
    }
    for rung in &plan.rungs {
        console.line(&format!("plan: {rung} {}", rung.security.name()));
    }
    console.line(&format!(
        "size: {} octets, for {}",
        content.facts().size,
        recipients(envelope.recipients().len())
    ));
    let mut reader = content.reader();
    let mut unread = None;
    to_stdout(|out| {
        loop {
            match reader.next_chunk() {
                Ok(Some(chunk)) => out.write_all(chunk)?,
                Ok(None) => return Ok(()),
                Err(error) => {
                    unread = Some(error);
                    return Ok(());
                }
            }
        }
    })?;
    match unread {
        Some(error) => Err(unreadable(&error)
            .at("the message cannot be read any more")
            .into()),
        None => Ok(()),
    }
}
