//! `smtpsend verify`: what the server says about addresses, a line for each, or JSON.

use anyhow::Result;
use serde::Serialize;

use super::args::VerifyArgs;
use super::output::{Console, to_stdout};
use super::settings::Settings;
use super::without_message;
use crate::address::Address;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::smtp::Reply;
use crate::smtp::verify::{Finding, Question, Standing};
use crate::submit::verify::{Answers, verify as ask};

/// Asks about every address and prints what was said.
///
/// # Errors
/// What keeps it from being tried: a bad address, wrong settings; `Io` when standard output cannot
/// be written.
pub(super) fn verify(
    args: &VerifyArgs,
    settings: &Settings<'_>,
    console: &Console,
) -> Result<Exit> {
    let json = settings.switch("json")?;
    let question = if args.expand {
        Question::Members
    } else {
        Question::Known
    };
    let addresses = args.addresses.iter().map(|text| text.parse::<Address>());
    let addresses: Vec<_> = addresses.collect::<crate::failure::Result<_>>()?;
    let plan = without_message::plan(settings, console)?;
    let answers = ask(&plan, question, &addresses, console);
    tell_what_failed(&answers, console);
    to_stdout(|out| {
        if json {
            let findings = answers.findings.iter();
            let fields: Vec<_> = findings.map(|found| Fields::of(found, question)).collect();
            serde_json::to_writer(&mut *out, &fields)?;
            return out.write_all(b"\n");
        }
        let lines: String = answers
            .findings
            .iter()
            .map(|finding| line(finding, question))
            .collect();
        out.write_all(lines.as_bytes())
    })?;
    Ok(answers.exit())
}

/// What no reply tells goes to standard error; a reply stands on the line of its address.
fn tell_what_failed(answers: &Answers, console: &Console) {
    let attempts: &[_] = if answers.asked {
        &[]
    } else {
        &answers.attempts
    };
    let mut failures: Vec<&Failure> = Vec::new();
    for finding in answers
        .findings
        .iter()
        .filter(|found| found.reply.is_none())
    {
        let new = finding
            .failure
            .as_ref()
            .filter(|failure| !failures.contains(failure));
        failures.extend(new);
    }
    console.failures(attempts, &failures);
}

/// The line of one address, and of each member of a list.
fn line(finding: &Finding, question: Question) -> String {
    let meaning = match finding.standing {
        Standing::Known if question == Question::Members => "a list",
        Standing::Known => "known",
        Standing::Forwarded => "known, and passed on",
        Standing::Undecided => "the server does not say; it will accept and try",
        Standing::Unknown => "unknown",
        Standing::NotOffered => "not offered here (many servers switch it off)",
        Standing::Refused => "the server refuses to say",
        Standing::Later => "not now: ask again later",
        Standing::NotAnswered => "not answered",
    };
    let address = &finding.address;
    let members = members(finding, question);
    match &finding.reply {
        None => format!("{address}: {meaning}\n"),
        Some(reply) if members.is_empty() => format!("{address}: {reply}: {meaning}\n"),
        Some(reply) => {
            let head = format!("{address}: {}: {meaning} of {}", reply.code, members.len());
            let members = members.iter().map(|member| format!("\n  {member}"));
            head + &members.collect::<String>() + "\n"
        }
    }
}

/// Who is on the list, where one was asked for and given.
fn members(finding: &Finding, question: Question) -> Vec<&str> {
    match &finding.reply {
        Some(reply) if question == Question::Members && finding.standing == Standing::Known => {
            let lines = reply.lines.iter().map(String::as_str);
            lines.filter(|line| !line.is_empty()).collect()
        }
        _ => Vec::new(),
    }
}

/// One address, for a script. The names are a contract.
#[derive(Serialize)]
struct Fields<'f> {
    address: String,
    status: &'static str,
    code: Option<u16>,
    enhanced: Option<String>,
    text: String,
    members: Vec<&'f str>,
}

impl<'f> Fields<'f> {
    fn of(finding: &'f Finding, question: Question) -> Self {
        let reply = finding.reply.as_ref();
        let failure = finding.failure.as_ref();
        let text = reply.map(Reply::text);
        Self {
            address: finding.address.to_string(),
            status: finding.standing.name(),
            code: reply.map(|reply| reply.code),
            enhanced: reply.and_then(|reply| Some(reply.enhanced?.to_string())),
            text: text
                .or_else(|| Some(failure?.message.clone()))
                .unwrap_or_default(),
            members: members(finding, question),
        }
    }
}
