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
Exit codes: 75 something was put off, which time may mend; 67, 69 something was refused for good, or
given up; 77, 78 and others what keeps messages in the queue until somebody mends it, as smtpsend --help
says; 0 whatever was due is accepted, or nothing was";

/// What `smtpsend queue` is to do.
pub(crate) enum QueueTask {
    List,
    Show(String),
    /// With at most so many connections to a server.
    Run(u8),
    Retry(Which),
    Remove(Which),
}

/// Which messages are meant.
pub(crate) enum Which {
    /// Those of these ids.
    Ids(Vec<String>),
    /// Those that were given up.
    Failed,
    All,
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
    with_which(retry.args(ids()))
}

fn remove() -> Command {
    let remove = Command::new("remove").about("Take messages out of the queue; nobody is told");
    with_which(remove.args(ids()))
}

fn id() -> Arg {
    Arg::new("ID").help("As smtpsend queue list prints it")
}

/// Which messages are meant: by their ids, or many at once.
fn ids() -> [Arg; 3] {
    let many = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    let ids = id().action(ArgAction::Append);
    [
        ids.required_unless_present_any(["failed", "all"])
            .conflicts_with_all(["failed", "all"]),
        many("failed")
            .help("All that were given up")
            .conflicts_with("all"),
        many("all").help("All that are in the queue"),
    ]
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
    let which = || match (matches.get_flag("all"), matches.get_flag("failed")) {
        (true, _) => Which::All,
        (_, true) => Which::Failed,
        _ => Which::Ids(ids()),
    };
    match name {
        "show" => QueueTask::Show(ids().concat()),
        "run" => QueueTask::Run(matches.get_one("connections").copied().unwrap_or(1)),
        "retry" => QueueTask::Retry(which()),
        "remove" => QueueTask::Remove(which()),
        _ => QueueTask::List,
    }
}
