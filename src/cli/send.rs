//! Sending one message, or showing what would be sent.

use anyhow::Result;

use super::args::Args;
use super::deliver::deliver;
use super::finding::{self, Way};
use super::log;
use super::options;
use super::output::{Console, content_to_stdout, recipients};
use super::progress::Upload;
use super::queue::When;
use super::request::{self, Request};
use super::settings::Settings;
use crate::exit::Exit;
use crate::message::Message;
use crate::plan::Plan;

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
        dry_run(&request, settings, console)?;
        return Ok(Exit::Ok);
    }
    let upload = Upload::new(settings, console)?;
    deliver(request, settings, &upload, console)
}

/// The exact message on standard output; the envelope and the plan on standard error.
fn dry_run(request: &Request, settings: &Settings<'_>, console: &Console) -> Result<()> {
    let Request {
        message,
        envelope,
        way,
        ..
    } = request;
    let content = message.content(true, true)?;
    console.line(&format!("envelope sender: <{}>", envelope.sender()));
    for recipient in envelope.recipients() {
        console.line(&format!("recipient: <{recipient}>"));
    }
    for option in options::lines(envelope.options()) {
        console.line(&format!("option: {option}"));
    }
    if request.queueing.when == When::Always {
        console.line("plan: into the queue");
    } else if let Way::Plan(plan) = way {
        show(plan, message, settings, console)?;
    }
    console.line(&format!(
        "size: {} octets, for {}",
        content.facts().size,
        recipients(envelope.recipients().len())
    ));
    Ok(content_to_stdout("", &content)?)
}

/// The ways to the server, in order.
fn show(plan: &Plan, message: &Message, settings: &Settings<'_>, console: &Console) -> Result<()> {
    if let Some(proxy) = &plan.outbound.proxy {
        console.line(&format!("plan: through {proxy}"));
    }
    for rung in &plan.rungs {
        console.line(&format!("plan: {rung} {}", rung.security.name()));
    }
    if plan.rungs.is_empty() {
        for line in finding::foreseen(settings, message.sender())? {
            console.line(&format!("plan: {line}"));
        }
    }
    Ok(())
}
