//! The edge: the only place that knows the user, the environment and the terminal.
//!
//! `args` takes what was typed, or `sendmail` in its dialect; `settings` adds the environment; `request`
//! makes of both what is to be sent, and `way` how; `deliver` sends or queues it by the library; `output`,
//! `json` and `log` say what came of it. Errors are `anyhow` here, so that they can name the flag or file;
//! their exit code is that of the [`Failure`] inside.

mod aliases;
mod args;
mod attached;
mod check;
mod completions;
mod config;
mod credentials;
mod deliver;
mod fields;
mod finding;
mod guide;
mod host;
mod json;
mod kept;
mod log;
mod lone_dot;
mod manual;
mod merge;
mod moment;
mod options;
mod output;
mod progress;
mod queue;
mod request;
mod run;
mod secrets;
mod send;
mod sendmail;
mod settings;
mod signing;
mod source;
mod stdin;
mod trust;
mod unreachable;
mod verify;
mod way;
mod without_message;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use rustix::fs::Mode;
use rustix::process::umask;

use self::args::{CommandLine, Task};
use self::output::{Console, Volume, after_output, to_stdout};
use self::settings::{SETTINGS, Settings, on_or_off};
use crate::address::Address;
use crate::exit::Exit;
use crate::failure::{Failure, Kind};

/// Runs the program with these arguments (the first is its name) and this process's environment,
/// and gives the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    report_bugs();
    outlive_limits();
    let umask = own_what_is_made();
    let console = Console::new();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let exit = match sendmail::read(&arguments) {
        Some(Ok(line)) => return perform(line, umask, &console),
        Some(Err(failure)) => fail(&failure.into(), asks_for_json(&arguments), &console),
        None => match args::read(&arguments) {
            Ok(line) => return perform(line, umask, &console),
            Err(error) => told_by_clap(&error, &arguments, &console),
        },
    };
    after_output(exit, &console).into()
}

/// Whatever the umask takes from others, it takes nothing from us: what is made can be used from its first
/// moment on, also by who comes after one that was killed. Gives the umask that there was.
fn own_what_is_made() -> Mode {
    let others = Mode::RWXG | Mode::RWXO;
    let given = umask(others);
    umask(given & others);
    given
}

/// A limit on the size of files (ulimit -f) is an error of whoever writes, and not the end of the program.
fn outlive_limits() {
    let signal = rustix::process::Signal::XFSZ.as_raw();
    // Where it cannot be had, such a limit ends the program as it does any other.
    let _ = signal_hook::flag::register(signal, Arc::default());
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
    let what = text.lines().take_while(|line| !line.is_empty());
    let what = what.map(str::trim).collect::<Vec<_>>().join(" ");
    let what = what.strip_prefix("error: ").unwrap_or(&what).to_owned();
    let tip = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("tip: "))
        .filter(|tip| !names_an_opposite(tip));
    let what = match supposed_subcommand(&what).filter(|_| tip.is_none()) {
        Some(word) => format!("unexpected argument '{word}' found"),
        None => what,
    };
    let subcommand = arguments.get(1).and_then(|word| word.to_str());
    let subcommand = subcommand.filter(|word| args::is_subcommand(word));
    let hint = advice(&what, tip, subcommand);
    let failure = Failure::new(Kind::Usage, what).with_hint(hint);
    fail(&failure.into(), asks_for_json(arguments), console)
}

/// Whether the result is to be told in JSON, of a command line that was not understood.
fn asks_for_json(arguments: &[OsString]) -> bool {
    arguments.iter().any(|argument| argument == "--json")
}

/// The word that stands where a subcommand may and is none.
fn supposed_subcommand(what: &str) -> Option<&str> {
    let word = ["unrecognized subcommand '", "the subcommand '"]
        .iter()
        .find_map(|start| what.strip_prefix(start))?;
    let word = word.split('\'').next();
    word.filter(|word| !args::is_subcommand(word))
}

/// Whether a tip is about a flag that stands in no help, which is no help.
fn names_an_opposite(tip: &str) -> bool {
    let opposites = SETTINGS.iter().map(|setting| setting.opposite);
    opposites
        .filter(|name| !name.is_empty())
        .any(|name| tip.contains(&format!("'--{name}'")))
}

/// What to do about a mistake, which clap has a `tip` about, in a subcommand or where there is none.
fn advice(what: &str, tip: Option<&str>, subcommand: Option<&str>) -> String {
    let Some(name) = subcommand else {
        let hint = hint_for(what, true).or(tip);
        return hint
            .unwrap_or("smtpsend --help names every option")
            .to_owned();
    };
    let unexpected = unexpected_argument(what);
    match (name, unexpected) {
        ("merge", Some("--to" | "--cc" | "--bcc")) => {
            return "the To, Cc and Bcc of the template name the recipients, or columns of these names".to_owned();
        }
        ("merge", Some("--body" | "--body-file" | "--charset" | "--input")) => {
            return "the template is the message; it is in UTF-8".to_owned();
        }
        ("merge", Some("--template" | "--csv" | "--limit")) => {
            return "smtpsend merge TEMPLATE --data FILE --sample N".to_owned();
        }
        ("merge", Some(word)) if !word.starts_with('-') => {
            return "the data is named with --data FILE".to_owned();
        }
        ("run", Some(word)) if !word.starts_with('-') => {
            return "the command stands behind two hyphens: smtpsend run --to ADDRESS -- COMMAND"
                .to_owned();
        }
        ("merge" | "run", _) => {}
        (_, Some(word)) if args::is_option_of_a_message(word) => {
            return format!("smtpsend {name} sends no message, and takes no option of one");
        }
        _ => {}
    }
    let hint = hint_for(what, false).or(tip).map(str::to_owned);
    hint.unwrap_or_else(|| format!("smtpsend {name} --help names every option"))
}

fn unexpected_argument(what: &str) -> Option<&str> {
    what.strip_prefix("unexpected argument '")?
        .split('\'')
        .next()
}

/// What to do instead of what other programs call so, or what somebody who `sends` a message meant.
fn hint_for(what: &str, sends: bool) -> Option<&'static str> {
    if what.starts_with("the subcommand ") {
        return Some("options stand behind the subcommand, and those of a message go with none");
    }
    Some(match unexpected_argument(what)? {
        "--attachment" | "--attachments" | "--attach-file" | "-A" if sends => {
            "a file is attached with -a PATH, standard input with --attach-stdin NAME"
        }
        "--body-html" | "--html-body" | "--html-file" if sends => "HTML is given with --html PATH",
        "--password" | "--passwd" | "--pass" => {
            "other users of this machine would see it: use SMTPSEND_PASSWORD or --password-file"
        }
        "--port" => "a port stands with its server: --server HOST:587",
        "--starttls" | "--no-tls" | "--no-starttls" | "--ssl" => {
            "say --tls starttls, --tls implicit (TLS at once, as on 465) or --tls none"
        }
        "list" | "retry" | "remove" => "smtpsend queue list, show, run, retry or remove",
        "init" | "show" | "import" | "path" => "smtpsend config init, show, path or import",
        "help" => "smtpsend --help has every option; smtpsend check looks at the way to the server",
        "--insecure" | "-k" | "--no-check-certificate" => {
            "certificates are always checked; name the authority of your own server with --ca-file"
        }
        "-t" | "-i" | "-ti" | "-it" | "-oi" if sends => {
            "those of the message count when none are typed; sendmail's own flags: smtpsend sendmail"
        }
        argument if sends && argument.contains('@') => "a recipient is given with --to",
        argument if sends && !argument.starts_with('-') => {
            "a message is read with < FILE, a text of several words needs quotes"
        }
        _ => return None,
    })
}

/// Does what the command line says; `umask` is the one we were given.
fn perform(line: CommandLine, umask: Mode, console: &Console) -> ExitCode {
    let environment = |name: &str| std::env::var_os(name);
    let mut settings = Settings::new(line.flags, &environment);
    let read = read_settings(&line.task, &mut settings, console);
    let done = match (&line.task, read) {
        // Which is done whatever is wrong with the settings, and ends as another program does.
        (Task::Run(args), read) => return run::run(args, &settings, read, umask, console),
        (_, Err(error)) => Err(error),
        (Task::Send(args), Ok(())) => send::send(args, &mut settings, console),
        (Task::Config(task), Ok(())) => config::run(task, &settings, console),
        (Task::Check, Ok(())) => check::check(&settings, console),
        (Task::Verify(args), Ok(())) => verify::verify(args, &settings, console),
        (Task::Sendmail(call), Ok(())) => sendmail::run(call, &mut settings, console),
        (Task::Queue(task), Ok(())) => queue::run(task, &mut settings, console),
        (Task::Merge(args), Ok(())) => merge::run(args, &mut settings, console),
        (Task::Completions(shell), Ok(())) => printed(completions::print(*shell)),
        (Task::Man, Ok(())) => printed(manual::print()),
    };
    let exit = done.unwrap_or_else(|error| {
        // In the form that the settings ask for which were read until then.
        let json = settings.switch("json").unwrap_or(false);
        fail(&error, json, console)
    });
    after_output(exit, console).into()
}

/// What was printed, and nothing else was to be done.
fn printed(written: crate::failure::Result<()>) -> Result<Exit> {
    Ok(written.map(|()| Exit::Ok)?)
}

/// Reads the settings files where the task does, and chooses the profile for mail from the `from` of
/// the settings.
fn read_settings(task: &Task, settings: &mut Settings<'_>, console: &Console) -> Result<()> {
    heed(settings, console)?;
    if !task.reads_settings_files() {
        return Ok(());
    }
    settings.read_files()?;
    heed(settings, console)?;
    let own = settings.own_address()?;
    choose_profile(settings, own.as_ref(), console)
}

/// Chooses the profile for mail from this address, which has a say in how much is told.
fn choose_profile(
    settings: &mut Settings<'_>,
    from: Option<&Address>,
    console: &Console,
) -> Result<()> {
    settings.choose_profile(from)?;
    heed(settings, console)
}

/// Says from now on as much as the settings want; of `quiet` and `verbose` the stronger counts.
fn heed(settings: &Settings<'_>, console: &Console) -> Result<()> {
    let switched = |name| {
        let switch = settings.valued(name, on_or_off)?;
        Ok::<_, anyhow::Error>(switch.filter(|(_, on)| *on).map(|(origin, _)| origin))
    };
    let volume = match (switched("quiet")?, switched("verbose")?) {
        (Some(quiet), Some(verbose)) if verbose.outranks(&quiet) => Volume::Verbose,
        (Some(_), _) => Volume::Quiet,
        (None, Some(_)) => Volume::Verbose,
        (None, None) => Volume::Normal,
    };
    console.set_volume(volume);
    // What is wrong with it is told before anything is done.
    settings.switch("json").map(|_| ())
}

/// Says what went wrong before anything was sent.
fn fail(error: &anyhow::Error, json: bool, console: &Console) -> Exit {
    let exit = exit_of(error);
    console.error(error);
    if json {
        print_json(&json::Result::failed(error), exit, console)
    } else {
        exit
    }
}

/// The exit code of the failure inside.
fn exit_of(error: &anyhow::Error) -> Exit {
    let failure = error.downcast_ref::<Failure>();
    failure.map_or(Exit::Software, |failure| failure.kind.exit())
}

fn print_json(result: &json::Result<'_>, exit: Exit, console: &Console) -> Exit {
    match write_json(result) {
        Ok(()) => exit,
        Err(failure) => fail(&failure.into(), false, console),
    }
}

/// Writes the result to standard output.
///
/// # Errors
/// `Io`, with the result in a few words: what happened to the message has happened all the same.
fn write_json(result: &json::Result<'_>) -> crate::failure::Result<()> {
    let written = to_stdout(|out| {
        serde_json::to_writer(&mut *out, result)?;
        out.write_all(b"\n")
    });
    written.map_err(|failure| {
        let summary = result.summary();
        let words = format!("{failure}; the result would have been: {summary}");
        Failure::new(failure.kind, words)
    })
}
