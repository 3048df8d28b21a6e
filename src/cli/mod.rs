//! The edge: the only place that knows the user, the environment and the terminal.
//!
//! `args` takes what was typed, `settings` adds the environment, `request` makes of both what is
//! to be sent, and `way` how; the library sends it; `output` and `json` say what came of it. Errors are `anyhow`
//! here, so that they can name the flag or file; their exit code is that of the [`Failure`] inside.

mod args;
mod credentials;
mod host;
mod json;
mod kept;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "`config import` comes with the settings file")
)]
mod msmtprc;
mod output;
mod request;
#[cfg_attr(
    not(test),
    expect(
        dead_code,
        reason = "the settings that name the other sources come with their table"
    )
)]
mod secrets;
mod settings;
mod stdin;
mod way;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Result;

use self::args::Args;
use self::output::{Console, Volume, after_output, recipients, to_stdout};
use self::request::Request;
use self::settings::Settings;
use crate::exit::Exit;
use crate::failure::{Failure, Kind};
use crate::message::unreadable;
use crate::submit::Submission;

/// Runs the program with these arguments (the first is its name) and this process's environment,
/// and gives the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    report_bugs();
    let console = Console::new();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let exit = match Args::read(&arguments) {
        Ok(args) => send(&args, &console),
        Err(error) => told_by_clap(&error, &arguments, &console),
    };
    after_output(exit, &console).into()
}

/// A panic is a bug: one line that asks to report it, and exit 70.
fn report_bugs() {
    std::panic::set_hook(Box::new(|info| {
        // Not eprintln!, which panics when standard error is closed.
        let text = format!("smtpsend: this is a bug, please report it: {info}\n");
        let _ = std::io::stderr().write_all(text.as_bytes());
        std::process::exit(Exit::Software.code().into());
    }));
}

/// Help and version go to standard output, mistakes to standard error.
fn told_by_clap(error: &clap::Error, arguments: &[OsString], console: &Console) -> Exit {
    let text = error.render().to_string();
    if !error.use_stderr() {
        return match to_stdout(|out| out.write_all(text.as_bytes())) {
            Ok(()) => Exit::Ok,
            Err(failure) => fail(&failure.into(), false, console),
        };
    }
    let what = text.lines().next().unwrap_or_default();
    let what = what.strip_prefix("error: ").unwrap_or(what).to_owned();
    let tip = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("tip: "));
    let hint = hint_for(&what)
        .or(tip)
        .unwrap_or("smtpsend --help names every option");
    let failure = Failure::new(Kind::Usage, what).with_hint(hint);
    let json = arguments.iter().any(|argument| argument == "--json");
    fail(&failure.into(), json, console)
}

/// What to do instead of what other programs call so.
fn hint_for(what: &str) -> Option<&'static str> {
    let argument = what
        .strip_prefix("unexpected argument '")?
        .split('\'')
        .next()?;
    Some(match argument {
        "--attach" | "--attachment" | "-a" | "-A" => {
            "files are not attached yet: make the message with another tool, and pipe it in"
        }
        "--password" | "--pass" | "-p" => {
            "other users of this machine would see it: use SMTPSEND_PASSWORD or --password-file"
        }
        "--insecure" | "-k" | "--no-check-certificate" => {
            "certificates are always checked; name the authority of your own server with --ca-file"
        }
        "-t" | "-i" | "-ti" | "-it" | "-oi" => {
            "leave it out: without recipients on the command line those of the message count"
        }
        argument if argument.contains('@') => "a recipient is given with --to",
        argument if !argument.starts_with('-') => {
            "a message is read with < FILE, a text of several words needs quotes"
        }
        _ => return None,
    })
}

fn send(args: &Args, console: &Console) -> Exit {
    let environment = |name: &str| std::env::var_os(name);
    let settings = Settings::new(&environment);
    let json = match volume_and_json(args, &settings, console) {
        Ok(json) => json,
        Err(error) => return fail(&error, args.json, console),
    };
    let request = match request::read(args, &settings, &environment, console) {
        Ok(request) => request,
        Err(error) => return fail(&error, json, console),
    };
    if args.dry_run {
        return match dry_run(&request, console) {
            Ok(()) => Exit::Ok,
            Err(error) => fail(&error, false, console),
        };
    }
    let Request {
        message,
        envelope,
        plan,
    } = request;
    let report = Submission::new(plan).submit(&envelope, &message, console);
    console.report(&report);
    let exit = report.exit();
    if json {
        print_json(&json::Result::of(&report), exit, console)
    } else {
        exit
    }
}

fn volume_and_json(args: &Args, settings: &Settings<'_>, console: &Console) -> Result<bool> {
    if settings.switch("quiet", args.quiet)? && !args.verbose {
        console.set_volume(Volume::Quiet);
    } else if settings.switch("verbose", args.verbose)? {
        console.set_volume(Volume::Verbose);
    }
    settings.switch("json", args.json && !args.dry_run)
}

/// Says what went wrong before anything was sent.
fn fail(error: &anyhow::Error, json: bool, console: &Console) -> Exit {
    let failure = error.downcast_ref::<Failure>();
    let exit = failure.map_or(Exit::Software, |failure| failure.kind.exit());
    console.error(error);
    if json {
        print_json(
            &json::Result::failed(exit, failure, format!("{error:#}")),
            exit,
            console,
        )
    } else {
        exit
    }
}

fn print_json(result: &json::Result<'_>, exit: Exit, console: &Console) -> Exit {
    let written = to_stdout(|out| {
        serde_json::to_writer(&mut *out, result)?;
        out.write_all(b"\n")
    });
    match written {
        Ok(()) => exit,
        Err(failure) => {
            // What happened to the message has happened all the same.
            let words = format!(
                "{failure}; the result would have been: {}",
                result.summary()
            );
            fail(&Failure::new(failure.kind, words).into(), false, console)
        }
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
