//! What a shell completes: options, their fixed values, the names of files and folders.
//!
//! Owns which values are offered; what a value may be is judged where it is used. Hidden opposites of
//! switches are not offered.

use std::sync::OnceLock;

use clap::builder::{PossibleValuesParser, Resettable};
use clap::{Arg, Command, ValueHint};
use clap_complete::{Shell, generate};

use super::args;
use super::settings::{Form, Heading, SETTINGS, Setting, setting};
use crate::failure::Result;
use crate::message::Priority;
use crate::smtp::QuitAfter;

/// Prints the script for this shell.
///
/// # Errors
/// `Io` when it cannot be written.
pub(crate) fn print(shell: Shell) -> Result<()> {
    // The names in it are lent for as long as the program runs.
    static GRAMMAR: OnceLock<Command> = OnceLock::new();
    let mut offered = offered(GRAMMAR.get_or_init(args::whole_grammar));
    let mut script = Vec::new();
    generate(shell, &mut offered, "smtpsend", &mut script);
    super::output::to_stdout(|out| out.write_all(&script))
}

/// What is offered of a command: what its help shows.
fn offered(command: &'static Command) -> Command {
    let args = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let about = command.get_about().cloned();
    let plain = Command::new(command.get_name())
        .version(env!("CARGO_PKG_VERSION"))
        .about(Resettable::from(about))
        .disable_help_flag(true)
        .disable_version_flag(true)
        .disable_help_subcommand(true)
        .args(args.map(offered_arg))
        .subcommands(command.get_subcommands().map(offered));
    if command.get_name() != "sendmail" {
        return plain;
    }
    // In the dialect letters mean other things, and long flags are settings as everywhere. It reads its
    // command line itself.
    let told = ["help", "version"].map(|name| Arg::new(name).long(name).num_args(0));
    let others = SETTINGS
        .iter()
        .filter(|setting| setting.has_flag() && setting.heading != Heading::Sendmail);
    plain
        .args(told)
        .args(others.map(|setting| offered_arg(&args::flag_of(setting)).short(None)))
}

/// An option on its own, without what it says of others.
fn offered_arg(arg: &Arg) -> Arg {
    let arg = arg
        .clone()
        .overrides_with(Resettable::Reset)
        .conflicts_with(Resettable::Reset);
    let id = arg.get_id().as_str();
    let words = match id {
        "quit_after" => QuitAfter::ALL.map(QuitAfter::name).to_vec(),
        "priority" => Priority::NAMES.to_vec(),
        _ => setting(id)
            .map(|setting| setting.words.to_vec())
            .unwrap_or_default(),
    };
    if !words.is_empty() {
        return arg.value_parser(PossibleValuesParser::new(words));
    }
    if arg
        .get_num_args()
        .is_some_and(|count| !count.takes_values())
    {
        return arg;
    }
    let hint = match (setting(id), arg.get_value_hint()) {
        (Some(setting), _) => hint_for(setting),
        // No names of files for what is a name of something else.
        (None, ValueHint::Unknown) => ValueHint::Other,
        // For these the shell also minds spaces in names.
        (None, ValueHint::AnyPath) => ValueHint::FilePath,
        (None, known) => known,
    };
    arg.value_hint(hint)
}

/// What the value of a setting names.
fn hint_for(setting: &Setting) -> ValueHint {
    match setting.form {
        Form::Path if setting.value == "DIR" => ValueHint::DirPath,
        Form::Path => ValueHint::FilePath,
        Form::Command => ValueHint::CommandString,
        Form::Text | Form::List | Form::Switch => ValueHint::Other,
    }
}
