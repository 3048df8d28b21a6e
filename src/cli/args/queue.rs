//! The grammar of `smtpsend queue`.

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::flags::{flag_of, with_settings};
use crate::cli::settings::{Heading, setting};

const RUN: &str = "\
Send what is due, and return. The server, its user and all else are the settings of this run; of a
message the queue knows its profile and its delivery options. Several runs at a time do no harm.

A message that is put off is tried again after 1, 5, 15 and 30 minutes, 1 and 2 hours, then every 4
hours, as long as --queue-lifetime says; then, or when it is refused for good, its sender gets a
failure notice and it is kept under failed.";

const RUN_EXITS: &str = "\
Exit codes: 0 whatever was due is accepted, or nothing was; 75 something was put off; 67, 69
something was refused for good; else what keeps the run from sending, as smtpsend --help says";

/// What `smtpsend queue` is to do.
pub(crate) enum QueueTask {
    List,
    Show(String),
    /// With at most so many connections to a server.
    Run(u8),
    Retry(Vec<String>),
    Remove(Vec<String>),
}

/// The grammar. What only one subcommand needs is made when that one is typed.
pub(super) fn queue() -> Command {
    Command::new("queue")
        .about("The queue: list, show, run, retry, remove")
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .defer(|queue| queue.subcommands([list(), show(), run(), retry(), remove()]))
}

fn list() -> Command {
    let list =
        Command::new("list").about("Print what is in the queue, why, and when it is tried again");
    with_which(list)
}

fn show() -> Command {
    let show = Command::new("show").about("Print all that is known of a message, and the message");
    with_which(show.arg(id().required(true)))
}

fn run() -> Command {
    use Heading::{Authentication, Log, Output, Server, Settings};
    let connections = Arg::new("connections")
        .long("connections")
        .value_name("N")
        .help("Send over so many connections at once, 1 to 32")
        .default_value("1")
        .value_parser(value_parser!(u8).range(1..=32));
    let run = Command::new("run")
        .about("Send what is due, and return")
        .long_about(RUN)
        .after_help(RUN_EXITS)
        .arg(connections)
        .args(named(&["queue-dir", "queue-lifetime", "from"]));
    with_settings(run, |heading| {
        matches!(heading, Server | Authentication | Output | Log | Settings)
    })
}

fn retry() -> Command {
    let retry = Command::new("retry").about("Make messages due now, also those that were given up");
    with_which(retry.arg(ids()))
}

fn remove() -> Command {
    let remove = Command::new("remove").about("Take messages out of the queue; nobody is told");
    with_which(remove.arg(ids()))
}

fn id() -> Arg {
    Arg::new("ID").help("As smtpsend queue list prints it")
}

fn ids() -> Arg {
    id().required(true).action(ArgAction::Append)
}

/// Adds what says which queue it is, and how much is said of it.
fn with_which(command: Command) -> Command {
    with_settings(command.args(named(&["queue-dir"])), |heading| {
        matches!(heading, Heading::Output | Heading::Settings)
    })
}

/// The flags of these settings.
fn named(names: &'static [&'static str]) -> impl Iterator<Item = Arg> {
    names.iter().filter_map(|name| setting(name)).map(flag_of)
}

/// What was typed behind `smtpsend queue`.
pub(super) fn task(name: &str, matches: &ArgMatches) -> QueueTask {
    let ids = || {
        let ids = matches.get_many::<String>("ID").into_iter().flatten();
        ids.cloned().collect::<Vec<_>>()
    };
    match name {
        "show" => QueueTask::Show(ids().concat()),
        "run" => QueueTask::Run(matches.get_one("connections").copied().unwrap_or(1)),
        "retry" => QueueTask::Retry(ids()),
        "remove" => QueueTask::Remove(ids()),
        _ => QueueTask::List,
    }
}
