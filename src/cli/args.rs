//! The command line as the user typed it. Nothing is interpreted here beyond its grammar: what a
//! value means, and whether it is right, is for `settings` and `request` to say, so that flags,
//! environment and files get the same words and the right exit code.

//!
//! `flags` has the grammar of the settings, `message` what is said of one message, `asking` and `config` that of the subcommands.

mod asking;
mod config;
mod flags;
mod merge;
mod message;
mod printed;
mod queue;
mod run;
mod sendmail;

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Arg, Args as _, Command, FromArgMatches as _};
use clap_complete::Shell;

pub(crate) use self::asking::VerifyArgs;
pub(crate) use self::config::ConfigTask;
use self::config::{config, config_task};
pub(crate) use self::flags::{Flags, flag_of};
use self::flags::{with_settings, with_settings_untold};
pub(crate) use self::merge::MergeArgs;
pub(crate) use self::message::{Args, ContentArgs, HeaderArgs, RecipientArgs};
pub(crate) use self::queue::{QueueTask, Which};
pub(crate) use self::run::RunArgs;
use super::guide;
use super::sendmail::Call;
use super::settings::Heading;

const ABOUT: &str = "\
Send one message over SMTP, and tell the truth about every recipient.

The message comes from standard input, or is made from the options. It goes to the server's port 587
with STARTTLS, else to 2525 with STARTTLS, else to 465 with implicit TLS; never to 25, and never
without verified TLS unless --tls none says so.";

const USAGE: &str = "\
smtpsend [OPTIONS] --to ADDRESS < MESSAGE
       smtpsend check [OPTIONS]
       smtpsend verify [OPTIONS] ADDRESS...
       smtpsend merge TEMPLATE --data FILE [OPTIONS]
       smtpsend queue list|show|run|retry|remove [OPTIONS]
       smtpsend run [OPTIONS] -- COMMAND...
       smtpsend sendmail [FLAGS] [RECIPIENT...] < MESSAGE
       smtpsend config init|show|path|import [OPTIONS]
       smtpsend completions SHELL
       smtpsend man";

const AFTER_HELP: &str = "\
Exit codes: 0 every recipient accepted, or queued · 64 usage · 65 bad message or address · 66 input file ·
67 recipient unknown · 68 host unknown · 69 refused for good, no trustworthy TLS · 70 bug · 73 queue
not writable · 74 local I/O · 75 try again later · 76 protocol broken · 77 authentication · 78 settings, port 25";

/// A command line that was understood.
pub(crate) struct CommandLine {
    pub(crate) task: Task,
    /// The settings that were typed.
    pub(crate) flags: Flags,
}

/// What the program is to do.
pub(crate) enum Task {
    Send(Box<Args>),
    Config(ConfigTask),
    Check,
    Verify(VerifyArgs),
    Queue(QueueTask),
    Merge(Box<MergeArgs>),
    Run(Box<RunArgs>),
    Sendmail(Call),
    /// Print what this shell needs to complete options.
    Completions(Shell),
    /// Print the manual page.
    Man,
}

impl Task {
    /// Whether what stands in settings files counts for it.
    pub(crate) fn reads_settings_files(&self) -> bool {
        match self {
            Self::Config(task) => matches!(task, ConfigTask::Show),
            Self::Sendmail(call) => call.reads_settings_files(),
            Self::Completions(_) | Self::Man => false,
            Self::Send(_)
            | Self::Check
            | Self::Verify(_)
            | Self::Queue(_)
            | Self::Run(_)
            | Self::Merge(_) => true,
        }
    }
}

/// Reads the command line.
pub(crate) fn read(arguments: &[OsString]) -> Result<CommandLine, clap::Error> {
    if let Some(error) = swallowed(arguments) {
        return Err(error);
    }
    let matches = grammar(with_settings_untold).try_get_matches_from(arguments);
    let mut matches = matches.or_else(|error| match error.kind() {
        ErrorKind::DisplayHelp => told().try_get_matches_from(arguments),
        _ => Err(error),
    })?;
    let (task, flags) = match matches.remove_subcommand() {
        None => (
            Task::Send(Box::new(Args::from_arg_matches_mut(&mut matches)?)),
            matches,
        ),
        Some((name, flags)) if name == "check" => (Task::Check, flags),
        Some((name, mut flags)) if name == "verify" => {
            let args = VerifyArgs::from_arg_matches_mut(&mut flags)?;
            (Task::Verify(args), flags)
        }
        Some((name, mut flags)) if name == "merge" => {
            let args = MergeArgs::from_arg_matches_mut(&mut flags)?;
            (Task::Merge(Box::new(args)), flags)
        }
        Some((name, mut flags)) if name == "run" => {
            let args = RunArgs::from_arg_matches_mut(&mut flags)?;
            (Task::Run(Box::new(args)), flags)
        }
        Some((name, mut queue)) if name == "queue" => {
            let (name, matches) = queue.remove_subcommand().unwrap_or_default();
            (Task::Queue(queue::task(&name, &matches)), matches)
        }
        Some((name, matches)) if name == "man" => (Task::Man, matches),
        Some((name, matches)) if name == "completions" => match printed::shell(&matches) {
            Some(shell) => (Task::Completions(shell), matches),
            None => return Err(clap::Error::new(ErrorKind::MissingRequiredArgument)),
        },
        Some((_, mut config)) => {
            let (name, matches) = config.remove_subcommand().unwrap_or_default();
            (Task::Config(config_task(&name, &matches)), matches)
        }
    };
    Ok(CommandLine {
        task,
        flags: Flags::of(flags),
    })
}

/// An option that would be taken for the value of the one before it, which has none. (`-s $EMPTY --dry-run`
/// must not send.) Any other text that starts with a hyphen may be a value.
fn swallowed(arguments: &[OsString]) -> Option<clap::Error> {
    let words: Vec<&str> = arguments
        .iter()
        .skip(1)
        .map(|word| word.to_str().unwrap_or_default())
        .take_while(|word| *word != "--")
        .collect();
    let is_option = |word: &str| word.starts_with('-') && word.len() > 1;
    let mut pairs = words.windows(2);
    if !pairs.any(|pair| is_option(pair[0]) && is_option(pair[1])) {
        return None;
    }
    let mut grammar = grammar(with_settings_untold);
    let mut command = &mut grammar;
    let mut left = words.as_slice();
    while let Some((name, rest)) = left.split_first()
        && !is_option(name)
        && command.find_subcommand(name).is_some()
    {
        command = command.find_subcommand_mut(name)?;
        command.build();
        left = rest;
    }
    let option = |word: &str| {
        let mut all = command.get_arguments();
        all.find(|arg| {
            let long = arg.get_long().map(|name| format!("--{name}"));
            let short = arg.get_short().map(|letter| format!("-{letter}"));
            [long, short].iter().flatten().any(|name| name == word)
        })
    };
    while let Some((word, rest)) = left.split_first() {
        left = rest;
        if !option(word).is_some_and(|arg| arg.get_action().takes_values() && takes_one(arg)) {
            continue;
        }
        match left.split_first() {
            Some((next, _)) if option(next).is_some() => {
                let words = format!(
                    "{word} has no value: {next} is an option\n\n  tip: where it is meant as the value, write {word}={next}"
                );
                return Some(command.error(ErrorKind::InvalidValue, words));
            }
            Some((_, rest)) => left = rest,
            None => {}
        }
    }
    None
}

/// Whether the option has a value; a switch has none.
fn takes_one(arg: &Arg) -> bool {
    arg.get_num_args().is_none_or(|range| range.takes_values())
}

/// Whether this is an option of sending a message.
pub(crate) fn is_option_of_a_message(word: &str) -> bool {
    let is_it = |arg: &Arg| {
        let long = arg.get_long().map(|name| format!("--{name}"));
        let short = arg.get_short().map(|letter| format!("-{letter}"));
        [long, short].iter().flatten().any(|name| name == word)
    };
    grammar(with_settings_untold).get_arguments().any(is_it)
}

/// Whether there is a subcommand of this name.
pub(crate) fn is_subcommand(word: &str) -> bool {
    grammar(with_settings_untold)
        .find_subcommand(word)
        .is_some()
}

/// The long help of this subcommand.
pub(crate) fn help_of(name: &str) -> String {
    let mut grammar = told();
    let subcommand = grammar.find_subcommand_mut(name);
    subcommand.map_or_else(String::new, |it| it.render_long_help().to_string())
}

/// The grammar with all that the help says.
fn told() -> Command {
    grammar(with_settings).after_long_help(guide::after_help())
}

/// The same with all that is made when it is needed, hidden flags included.
pub(crate) fn whole_grammar() -> Command {
    let mut grammar = told();
    grammar.build();
    grammar
}

/// The grammar, with the settings added in this way.
fn grammar(with_settings: fn(Command, fn(Heading) -> bool) -> Command) -> Command {
    let root = Args::augment_args(Command::new("smtpsend").version(env!("CARGO_PKG_VERSION")))
        .about("Send one message over SMTP, and tell the truth about every recipient")
        .long_about(ABOUT)
        .after_help(AFTER_HELP)
        .override_usage(USAGE)
        .args_conflicts_with_subcommands(true)
        .disable_help_subcommand(true)
        .subcommand(asking::check())
        .subcommand(asking::verify())
        .subcommand(merge::merge())
        .subcommand(queue::queue())
        .subcommand(run::run())
        .subcommand(sendmail::sendmail())
        .subcommand(config())
        .subcommand(printed::completions())
        .subcommand(printed::man());
    // A value is taken as it is, also when it starts with a hyphen: a subject may be `-50 % off`, a
    // text a diff, an address `-f@example.com`.
    let root = root.mut_args(|arg| {
        let takes_value = arg.get_action().takes_values();
        arg.allow_hyphen_values(takes_value)
    });
    with_settings(root, |heading| {
        !matches!(heading, Heading::Sendmail | Heading::Run)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::settings::setting;
    use super::*;

    fn flags(typed: &str) -> Flags {
        let typed = std::iter::once("smtpsend").chain(typed.split_whitespace());
        Flags::of(
            grammar(with_settings_untold)
                .try_get_matches_from(typed)
                .unwrap(),
        )
    }

    fn value(typed: &str, name: &str) -> Option<String> {
        let value = flags(typed).value(setting(name).unwrap())?;
        Some(value.into_string().unwrap())
    }

    #[test]
    fn the_grammar_is_consistent() {
        grammar(with_settings_untold).debug_assert();
    }

    #[test]
    fn the_later_of_a_switch_and_its_opposite_counts() {
        assert_eq!(value("--json", "json").unwrap(), "on");
        assert_eq!(value("--json --no-json", "json").unwrap(), "off");
        assert_eq!(
            value("--pipelining --no-pipelining", "no-pipelining").unwrap(),
            "on"
        );
        assert_eq!(value("", "json"), None);
    }

    #[test]
    fn every_option_a_hint_names_exists() {
        let grammar = grammar(with_settings_untold);
        let known: Vec<&str> = grammar
            .get_arguments()
            .filter_map(|a| a.get_long())
            .collect();
        for hint in crate::smtp::hint::all_hints() {
            let other = |c: char| !(c.is_ascii_alphanumeric() || c == '-');
            let named = hint.split(other).filter_map(|word| word.strip_prefix("--"));
            for name in named {
                assert!(known.contains(&name), "--{name}: {hint}");
            }
        }
    }

    #[test]
    fn a_list_may_come_in_parts() {
        assert_eq!(
            value("--reply-to a@x.org --reply-to b@x.org", "reply-to").unwrap(),
            "a@x.org, b@x.org"
        );
    }
}
