//! `-bs`: an SMTP server on standard input and output, for programs that speak SMTP to sendmail.
//!
//! Owns the session: which command may stand where, and what is offered. `caller` reads commands and
//! texts and writes replies, `command` understands them, `transaction` relays. Nothing but SMTP is written
//! to standard output; what went wrong stands on standard error too. A session that ends within a
//! transaction sends nothing. RFC 5321 §3, §4.1, RFC 2920, RFC 1870, RFC 6152, RFC 6531.
//!
//! DSN is not offered: whether notices can be asked for is known when there is a session with the
//! server, which the first MAIL opens. SMTPUTF8 and 8BITMIME are: a server behind without them
//! refuses what needs them, and the caller is told at once.

mod account;
mod answer;
mod caller;
mod command;
mod dots;
mod text;
mod transaction;

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd as _;

use anyhow::Result;

use self::account::Accounts;
use self::answer::Answer;
use self::caller::{Caller, Said};
use self::command::Command;
use self::dots::LineEnd;
use self::transaction::Transaction;
use crate::cli::host::HostName;
use crate::cli::output::Console;
use crate::cli::settings::Settings;
use crate::cli::stdin::{self, MESSAGE_LIMIT};
use crate::clock::is_passing;
use crate::exit::Exit;
use crate::failure::{Failure, Kind};

/// Serves the caller until it says QUIT or nothing more.
///
/// # Errors
/// `Io` when standard input ends within a transaction, or one of the two cannot be used; what is wrong
/// with `--password-fd`. All else is told to the caller.
pub(super) fn serve(settings: &mut Settings<'_>, console: &Console) -> Result<Exit> {
    let host = HostName::of_this_machine();
    let mut accounts = Accounts::new(settings, &host)?;
    let stdin = io::stdin().as_fd().try_clone_to_owned();
    let stdin =
        stdin.map_err(|error| Failure::new(Kind::Io, format!("standard input: {error}")))?;
    let mut caller = Caller::new(Patient(File::from(stdin)), io::stdout());
    let served = session(&mut caller, &mut accounts, settings, &host, console);
    accounts.quit();
    served.map(|()| Exit::Ok)
}

/// Standard input, read by waiting also where whoever opened it does not wait.
struct Patient(File);

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            stdin::wait_for_octets(&self.0, None)?;
            match self.0.read(buffer) {
                Err(error) if is_passing(&error) => {}
                read => return read,
            }
        }
    }
}

/// Where a transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Another one may follow.
    Transaction,
    Session,
}

fn session<'c>(
    caller: &mut Caller<impl Read, impl Write>,
    accounts: &mut Accounts<'c>,
    settings: &mut Settings<'_>,
    host: &HostName,
    console: &'c Console,
) -> Result<()> {
    let name = host.as_str();
    caller.answer(&Answer::new(220, "", format!("{name} ESMTP smtpsend")))?;
    while let Some((command, _)) = next(caller)? {
        match command {
            Command::Mail(mail) => {
                let account = accounts.account(&mail.sender, settings, console);
                let begun = account.and_then(|account| {
                    Transaction::begin(&mail, account, settings, host, console)
                });
                let ended = match begun {
                    Ok((Some(transaction), answer)) => {
                        caller.answer(&answer)?;
                        relay(caller, transaction, host)?
                    }
                    Ok((None, answer)) => {
                        caller.answer(&answer)?;
                        End::Transaction
                    }
                    Err(error) => {
                        caller.answer(&refused(&error, console))?;
                        End::Transaction
                    }
                };
                if ended == End::Session {
                    break;
                }
            }
            Command::Rcpt(_) | Command::Data => {
                caller.answer(&Answer::new(503, "5.5.1", "MAIL comes first"))?;
            }
            Command::Quit => {
                caller.answer(&goodbye(host))?;
                break;
            }
            other => caller.answer(&anywhere(&other, host))?,
        }
    }
    Ok(caller.flush()?)
}

/// What is said within a transaction.
fn relay(
    caller: &mut Caller<impl Read, impl Write>,
    mut transaction: Transaction<'_, '_>,
    host: &HostName,
) -> Result<End> {
    while let Some((command, ends)) = next(caller)? {
        match command {
            Command::Rcpt(recipient) => {
                let answer = transaction.rcpt(&recipient);
                caller.answer(&answer)?;
            }
            Command::Data if transaction.has_recipients() => {
                data(caller, transaction, ends)?;
                return Ok(End::Transaction);
            }
            Command::Data => caller.answer(&Answer::new(554, "5.5.1", "no valid recipients"))?,
            Command::Mail(_) => {
                caller.answer(&Answer::new(
                    503,
                    "5.5.1",
                    "a transaction is on: RSET ends it",
                ))?;
            }
            Command::Quit => {
                caller.answer(&goodbye(host))?;
                transaction.end();
                return Ok(End::Session);
            }
            other => {
                caller.answer(&anywhere(&other, host))?;
                if matches!(other, Command::Reset | Command::Hello { .. }) {
                    transaction.end();
                    return Ok(End::Transaction);
                }
            }
        }
    }
    Err(broken_off())
}

fn data(
    caller: &mut Caller<impl Read, impl Write>,
    transaction: Transaction<'_, '_>,
    ends: LineEnd,
) -> Result<()> {
    caller.answer(&Answer::new(
        354,
        "",
        "go on, and end with a dot alone in a line",
    ))?;
    let mut text = transaction.text();
    let is_whole = caller.text(ends, |octets| text.add(octets))?;
    if !is_whole {
        return Err(broken_off());
    }
    let answer = transaction.send(text);
    Ok(caller.answer(&answer)?)
}

/// The next command; what is none has its reply.
fn next(
    caller: &mut Caller<impl Read, impl Write>,
) -> crate::failure::Result<Option<(Command, LineEnd)>> {
    loop {
        let answer = match caller.next()? {
            Said::Nothing => return Ok(None),
            Said::TooMuch => Answer::new(500, "5.5.2", "a line without end"),
            Said::Line(line, ends) => match command::read(&line) {
                Ok(command) => return Ok(Some((command, ends))),
                Err(answer) => answer,
            },
        };
        caller.answer(&answer)?;
    }
}

/// The reply to a command that may stand anywhere.
fn anywhere(command: &Command, host: &HostName) -> Answer {
    let name = host.as_str();
    match command {
        Command::Hello { extended: true } => {
            let size = format!("SIZE {MESSAGE_LIMIT}");
            Answer::of_lines(
                250,
                &[name, "PIPELINING", "8BITMIME", "SMTPUTF8", &size, "HELP"],
            )
        }
        Command::Hello { extended: false } => Answer::new(250, "", name),
        Command::Verify => Answer::new(252, "2.5.2", "nobody is looked up: mail for it is tried"),
        Command::Help => {
            let commands = "EHLO HELO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT";
            Answer::new(214, "2.0.0", commands)
        }
        _ => Answer::new(250, "2.0.0", "ok"),
    }
}

fn goodbye(host: &HostName) -> Answer {
    Answer::new(221, "2.0.0", format!("{} closes", host.as_str()))
}

/// The reply where something here is to blame, which is told here as well.
fn refused(error: &anyhow::Error, console: &Console) -> Answer {
    console.error(error);
    let failure = match error.downcast_ref::<Failure>() {
        Some(failure) => Failure::new(failure.kind, format!("{error:#}")),
        None => Failure::new(Kind::Bug, format!("{error:#}")),
    };
    Answer::because_of(&failure)
}

fn broken_off() -> anyhow::Error {
    let words = "standard input ended within a transaction: nothing of it was sent";
    Failure::new(Kind::Io, words).into()
}
