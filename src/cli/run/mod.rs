//! `smtpsend run`: runs a command, and mails what it printed when there is reason to.
//!
//! Owns what comes first: the command. It is run whatever is wrong with the settings, with the way to
//! the server or with the mail, and its end is how we end; only a mistake on the command line is told
//! instead. `command` runs it, `capture` takes in its output in order, `recording` keeps it, `report`
//! is what the mail says, `mail` sends it. What can be neither sent nor queued is printed.

mod capture;
mod command;
mod mail;
mod readable;
mod recording;
mod report;
mod status;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use rustix::fs::Mode;

use self::capture::Stream;
use self::command::{Command, Ran};
use self::recording::Recording;
use self::report::Report;
use self::status::Status;
use super::args::RunArgs;
use super::output::Console;
use super::secrets::keep_out_of_core_files;
use super::settings::{Settings, one_of, seconds, span};
use super::{exit_of, fail, log};
use crate::failure::{Failure, Kind};
use crate::interrupt;

/// How long signals that follow each other do not keep the report from being queued.
const PATIENCE: Duration = Duration::from_secs(10);

/// When there is mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum On {
    /// The command failed, or wrote to standard error.
    #[default]
    Failure,
    /// Also when it wrote to standard output.
    Output,
    Always,
}

/// What the settings say of the command.
#[derive(Debug, Default)]
struct Terms {
    on: On,
    limit: Option<Duration>,
    tee: bool,
}

impl Terms {
    fn of(settings: &Settings<'_>) -> Result<Self> {
        let choices = [
            ("failure", On::Failure),
            ("output", On::Output),
            ("always", On::Always),
        ];
        let on = settings.value("on", |text| one_of(&choices, text))?;
        let limit = |text: &str| seconds(text).or_else(|failure| span(text).map_err(|_| failure));
        Ok(Self {
            on: on.unwrap_or_default(),
            limit: settings.value("timeout-command", limit)?,
            tee: settings.switch("tee")?,
        })
    }

    /// Whether this is to be mailed.
    fn ask_for(&self, ran: &Ran, printed: u64) -> bool {
        let failed = !ran.status.is_success() || ran.wrote_error || ran.unread.is_some();
        failed
            || match self.on {
                On::Failure => false,
                On::Output => printed > 0,
                On::Always => true,
            }
    }
}

/// Looks at the settings of commands where there is none.
///
/// # Errors
/// What is wrong with them.
pub(super) fn check_settings(settings: &Settings<'_>) -> Result<()> {
    Terms::of(settings).map(drop)
}

/// Runs the command, with the `umask` that it is to have, and mails. `read` is what came of reading
/// the settings. The exit code is the command's.
pub(super) fn run(
    args: &RunArgs,
    settings: &Settings<'_>,
    read: Result<()>,
    umask: Mode,
    console: &Console,
) -> ExitCode {
    if let Err(error) = mail::refuse_mistakes(args, settings) {
        console.error(&error);
        return exit_of(&error).into();
    }
    // The command is not to find in /proc what it does not get.
    keep_out_of_core_files();
    // What is wrong with a file is not kept back until the command fails.
    let (terms, is_known) = match read.and_then(|()| Terms::of(settings)) {
        Ok(terms) => (terms, true),
        Err(error) => {
            console.error(&error);
            (Terms::of(&settings.typed()).unwrap_or_default(), false)
        }
    };
    let command = Command {
        words: &args.command,
        limit: terms.limit,
        umask,
        apart: terms.tee,
    };
    let mut recording = Recording::new(settings.environment());
    let mut outlet = Outlet::default();
    let (ran, diverted) = command.run(|stream, octets| {
        if terms.tee {
            outlet.pass(stream, octets);
        }
        recording.add(octets);
    });
    // From here on a signal ends sending, and queues what it can.
    interrupt::arm().for_good();
    interrupt::be_patient(PATIENCE);
    drop(diverted);
    let output = recording.end();
    if let Status::NotStarted(error) = &ran.status {
        let name = args.command[0].to_string_lossy();
        console.line(&format!("smtpsend: {name}: could not be started: {error}"));
    }
    if terms.ask_for(&ran, output.size) && mail::is_wanted(args, settings) {
        let report = Report::new(&args.command, &ran, &output, settings.environment());
        let is_kept = is_known && mail(&report, args, settings, console);
        if !is_kept {
            print(&report, !terms.tee, console);
        }
    }
    outlet.exit_code(&ran.status, console)
}

/// Mails the report; whether it is anywhere now but here.
fn mail(report: &Report<'_>, args: &RunArgs, settings: &Settings<'_>, console: &Console) -> bool {
    mail::send(report, args, settings, console).unwrap_or_else(|error| {
        console.error(&error);
        log::not_tried(&error, settings, console);
        false
    })
}

/// Prints what could not be mailed, so that whoever reads our standard error has it.
fn print(report: &Report<'_>, with_output: bool, console: &Console) {
    console.line("smtpsend: the report could not be mailed; here it is");
    console.octets(&report.printed(with_output));
}

/// Where output is passed on to, as far as that can be written to.
#[derive(Default)]
struct Outlet {
    failure: Option<Failure>,
}

impl Outlet {
    fn pass(&mut self, stream: Stream, octets: &[u8]) {
        let (name, written) = match stream {
            Stream::Output => {
                let mut out = io::stdout().lock();
                let written = out.write_all(octets).and_then(|()| out.flush());
                ("standard output", written)
            }
            Stream::Error => ("standard error", io::stderr().write_all(octets)),
        };
        if let Err(error) = written
            && self.failure.is_none()
        {
            self.failure = Some(Failure::new(Kind::Io, format!("{name}: {error}")));
        }
    }

    /// That of the command, unless it believes that something was written which is lost.
    fn exit_code(self, status: &Status, console: &Console) -> ExitCode {
        match self.failure {
            Some(failure) if status.is_success() => fail(&failure.into(), false, console).into(),
            _ => status.exit_code().into(),
        }
    }
}
