//! The sendmail dialect: what cron, git, PHP, mutt and system services call.
//!
//! Owns when the dialect is spoken: `smtpsend sendmail …`, and when the program is called `sendmail`,
//! `mailq` or `newaliases`. `scan` reads the command line, `request` makes of it what send mode
//! makes of its own, `expand` finds out to whom mail for local users goes. The settings count as in
//! send mode. Refuses to be a daemon.

mod expand;
mod long;
mod request;
mod scan;
mod sender;
mod serve;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::Path;

use anyhow::Result;

use self::expand::{Directory, Expanded};
use self::long::Long;
use self::scan::{Mode, Scanned, scan};
use super::aliases::{Aliases, written};
use super::args::{self, CommandLine, Flags, Task};
use super::deliver::deliver;
use super::host::HostName;
use super::output::{Console, to_stdout};
use super::queue;
use super::settings::Settings;
use super::unreachable::{Unreachable, exit_with};
use crate::address::Address;
use crate::exit::Exit;
use crate::failure::{Failure, Kind};

/// The subcommand, and the name under which others call the program.
const NAME: &str = "sendmail";

/// What a call in this dialect is for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// Send a message.
    Mail(Mail),
    /// Say where these addresses go.
    Verify(Vec<String>),
    /// Speak SMTP on standard input and output.
    Serve,
    /// Send what is due in the queue.
    RunQueue,
    /// List the queue.
    ListQueue,
    /// Rebuild what sendmail would have to rebuild.
    NewAliases,
    Help,
    Version,
}

/// What is said of one message.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Mail {
    /// As they were written: lists, with local parts alone among them.
    recipients: Vec<String>,
    /// Whether those that the message names count too (`-t`).
    recipients_of_message: bool,
    /// Whether a line with a lone dot is a line like others (`-i`).
    ignore_dots: bool,
    /// The envelope sender (`-f`); empty or `<>` for nobody.
    sender: Option<String>,
    /// Stands beside the sender in a From that is added (`-F`).
    full_name: Option<String>,
    /// What notices call the message (`-V`).
    envid: Option<String>,
}

impl Call {
    /// Whether what stands in settings files counts for it.
    pub(crate) fn reads_settings_files(&self) -> bool {
        !matches!(self, Self::NewAliases | Self::Help | Self::Version)
    }
}

/// What a command line says that is in this dialect.
pub(super) fn read(arguments: &[OsString]) -> Option<crate::failure::Result<CommandLine>> {
    let (mode, long, words) = spoken(arguments)?;
    let understood = scan(words.to_vec(), mode, long).and_then(|Scanned { call, settings }| {
        Ok(CommandLine {
            flags: Flags::of_words(settings)?,
            task: Task::Sendmail(call),
        })
    });
    Some(understood)
}

/// How the dialect is spoken, if it is, and the words in it.
fn spoken(arguments: &[OsString]) -> Option<(Mode, Long, &[OsString])> {
    let (program, words) = arguments.split_first()?;
    let name = Path::new(program).file_name()?;
    match name.to_str() {
        Some(NAME) => Some((Mode::Mail, Long::Harmless, words)),
        Some("mailq") => Some((Mode::ListQueue, Long::Harmless, words)),
        Some("newaliases") => Some((Mode::NewAliases, Long::Harmless, words)),
        _ => {
            let (subcommand, words) = words.split_first()?;
            (subcommand == NAME).then_some((Mode::Mail, Long::All, words))
        }
    }
}

/// Does what the call is for.
///
/// # Errors
/// Whatever keeps it from being done.
pub(super) fn run(call: &Call, settings: &mut Settings<'_>, console: &Console) -> Result<Exit> {
    match call {
        Call::Mail(mail) => send(mail, settings, console),
        Call::Verify(addresses) => verify(addresses, settings, console),
        Call::Serve => Ok(serve::serve(settings, console)),
        Call::RunQueue => queue::run_due(1, settings, console),
        Call::ListQueue => queue::list(settings, console),
        Call::NewAliases => {
            say("aliases are read where they are written: there is nothing to build\n")
        }
        Call::Help => say(&args::help_of(NAME)),
        Call::Version => say(concat!("smtpsend ", env!("CARGO_PKG_VERSION"), "\n")),
    }
}

fn say(text: &str) -> Result<Exit> {
    to_stdout(|out| out.write_all(text.as_bytes()))?;
    Ok(Exit::Ok)
}

/// Sends a message to all who can be reached.
fn send(mail: &Mail, settings: &mut Settings<'_>, console: &Console) -> Result<Exit> {
    let request = request::read(mail, settings, console)?;
    for one in &request.unreachable {
        console.error(&one.error);
    }
    deliver(request, settings, console, console)
}

/// One line for each address: where mail for it goes.
fn verify(texts: &[String], settings: &Settings<'_>, console: &Console) -> Result<Exit> {
    if texts.is_empty() {
        let failure = Failure::new(Kind::Usage, "-bv: no address is named");
        return Err(failure
            .with_hint("name those that are to be looked up")
            .into());
    }
    let aliases = Aliases::new(settings, None, console);
    let directory = Directory::new(aliases, settings, &HostName::of_this_machine())?;
    let mut exit = Exit::Ok;
    let mut lines = String::new();
    for text in texts {
        let addresses = match written(text) {
            Ok(addresses) => addresses,
            Err(failure) => {
                exit = failure.kind.exit();
                console.error(&failure.into());
                continue;
            }
        };
        for address in addresses {
            let mut expanded = Expanded::default();
            directory.expand(&address, &mut expanded);
            exit = exit_with(exit, &expanded.unreachable);
            for one in &expanded.unreachable {
                console.error(&one.error);
            }
            let goes_to: Vec<String> = expanded.reached().map(ToString::to_string).collect();
            if !goes_to.is_empty() {
                lines += &format!("{address}: {}\n", goes_to.join(", "));
            }
        }
    }
    say(&lines)?;
    Ok(exit)
}

/// Whom a list of addresses and users of this machine stands for, and who of them cannot be reached.
///
/// # Errors
/// `Message` when it does not read as such a list; what is wrong with the settings.
pub(super) fn reached(
    list: &str,
    settings: &Settings<'_>,
    console: &Console,
) -> Result<(Vec<Address>, Vec<Unreachable>)> {
    let aliases = Aliases::new(settings, None, console);
    let directory = Directory::new(aliases, settings, &HostName::of_this_machine())?;
    let mut expanded = Expanded::default();
    for one in written(list)? {
        directory.expand(&one, &mut expanded);
    }
    let reached = expanded.reached().cloned().collect();
    Ok((reached, expanded.unreachable))
}

/// Looks at the settings of the dialect where there is no message yet.
///
/// # Errors
/// What is wrong with them.
pub(super) fn check_settings(settings: &Settings<'_>) -> Result<()> {
    request::Headers::of(settings)?;
    sender::only_sender(settings)?;
    expand::default_domain(settings)?;
    Ok(())
}
