//! The grammar of `smtpsend config`.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::flags::{flag_of, with_settings};
use crate::cli::settings::setting;

const INIT: &str = "\
Make a settings file: find the server, try it, and write what works.

Asks on a terminal for what is not given. Every option that is typed is written down, and what
variables (SMTPSEND_SERVER and so on) say where none is; only secrets stay in their variables.
Names of files are written whole. With --profile NAME a profile is added to the file that is there.
The server is found by the From address; then it is tried as by smtpsend check, the login too, and
nothing is written when that fails. The file is for its owner alone (mode 0600), since the password
may stand in it.";

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

/// The grammar. What only one subcommand needs is made when that one is typed.
pub(super) fn config() -> Command {
    Command::new("config")
        .about("The settings: init, show, path, import")
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .defer(|config| config.subcommands([init(), show(), path(), import()]))
}

fn init() -> Command {
    let init = Command::new("init")
        .about("Make a settings file: find the server, try it, and write what works")
        .long_about(INIT)
        .arg(switch("force").help("Write over a settings file that is there"))
        .arg(switch("no-check").help("Write it without trying the server"));
    with_settings(init, |_| true)
}

fn show() -> Command {
    let show =
        Command::new("show").about("Print each setting and where it comes from, secrets hidden");
    with_settings(show, |_| true)
}

fn path() -> Command {
    Command::new("path")
        .about("Print the name of the settings file")
        .args(which_file())
}

fn import() -> Command {
    let file = Arg::new("FILE")
        .help("msmtp's configuration [default: ~/.msmtprc, else ~/.config/msmtp/config]")
        .value_parser(value_parser!(PathBuf));
    let dry_run = switch("dry-run").short('n');
    Command::new("import")
        .about("Make a settings file of msmtp's, and say what could not be taken over")
        .arg(file)
        .arg(dry_run.help("Print the file instead of writing it"))
        .arg(switch("force").help("Write over a settings file that is there"))
        .args(setting("deadline").map(flag_of))
        .args(which_file())
}

/// `--config`, where no other setting counts.
fn which_file() -> Option<Arg> {
    setting("config").map(flag_of)
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
