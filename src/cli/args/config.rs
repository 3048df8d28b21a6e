//! The grammar of `smtpsend config`.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::flags::with_settings;
use crate::cli::settings::Heading;

const INIT: &str = "\
Make a settings file: find the server, try it, and write what works.

Asks on a terminal for what is not typed. Every option that is typed is written down. With --profile
NAME a profile is added to the file that is there. The server is found by the From address; then it
is tried as by smtpsend check, the login too, and nothing is written when that fails. The file is for
its owner alone (mode 0600), since the password may stand in it.";

/// What `smtpsend config` is to do.
pub(crate) enum ConfigTask {
    Show,
    Path,
    /// Whether a file that is there is written over, and whether the server is tried.
    Init {
        force: bool,
        check: bool,
    },
    /// What is imported (by default msmtp's own file), whether it is only printed, and whether a
    /// file that is there is written over.
    Import {
        from: Option<PathBuf>,
        dry_run: bool,
        force: bool,
    },
}

/// The grammar.
pub(super) fn config() -> Command {
    let subcommand = |name: &'static str, about: &'static str| Command::new(name).about(about);
    Command::new("config")
        .about("The settings: init, show, path, import")
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .subcommand(with_settings(
            subcommand(
                "init",
                "Make a settings file: find the server, try it, and write what works",
            )
            .long_about(INIT)
            .arg(switch("force").help("Write over a settings file that is there"))
            .arg(switch("no-check").help("Write it without trying the server")),
            |_| true,
        ))
        .subcommand(with_settings(
            subcommand(
                "show",
                "Print each setting and where it comes from, secrets hidden",
            ),
            |_| true,
        ))
        .subcommand(with_settings(
            subcommand("path", "Print the name of the settings file"),
            |heading| heading == Heading::Settings,
        ))
        .subcommand(with_settings(
            subcommand(
                "import",
                "Make a settings file of msmtp's, and say what could not be taken over",
            )
            .arg(
                Arg::new("FILE")
                    .help(
                        "msmtp's configuration [default: ~/.msmtprc, else ~/.config/msmtp/config]",
                    )
                    .value_parser(value_parser!(PathBuf)),
            )
            .arg(
                switch("dry-run")
                    .short('n')
                    .help("Print the file instead of writing it"),
            )
            .arg(switch("force").help("Write over a settings file that is there")),
            |heading| heading == Heading::Settings,
        ))
}

fn switch(name: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue)
}

/// What was typed behind `smtpsend config`.
pub(super) fn config_task(name: &str, matches: &ArgMatches) -> ConfigTask {
    match name {
        "path" => ConfigTask::Path,
        "init" => ConfigTask::Init {
            force: matches.get_flag("force"),
            check: !matches.get_flag("no-check"),
        },
        "import" => ConfigTask::Import {
            from: matches.get_one("FILE").cloned(),
            dry_run: matches.get_flag("dry-run"),
            force: matches.get_flag("force"),
        },
        _ => ConfigTask::Show,
    }
}
