//! The command line as the user typed it. Nothing is interpreted here beyond its grammar: what a
//! value means, and whether it is right, is for `settings` and `request` to say, so that flags,
//! environment and files get the same words and the right exit code.

mod asking;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args as _, Command, FromArgMatches as _, value_parser};

pub(crate) use self::asking::VerifyArgs;
use super::settings::{Form, Heading, Place, SETTINGS, Setting, setting};

const ABOUT: &str = "\
Send one message over SMTP, and tell the truth about every recipient.

The message comes from standard input, or is made from the options. It goes to the server's port 587
with STARTTLS, else to 2525 with STARTTLS, else to 465 with implicit TLS; never to 25, and never
without verified TLS unless --tls none says so.";

const USAGE: &str = "\
smtpsend [OPTIONS] --to ADDRESS < MESSAGE
       smtpsend check [OPTIONS]
       smtpsend verify [OPTIONS] ADDRESS...
       smtpsend config init|show|path|import [OPTIONS]";

const AFTER_HELP: &str = "\
Exit codes: 0 every recipient accepted · 64 usage · 65 bad message or address · 66 input file ·
67 recipient unknown · 68 host unknown · 69 refused for good, no trustworthy TLS · 70 bug · 74 local
I/O · 75 try again later · 76 protocol broken · 77 authentication · 78 settings, port 25";

const AFTER_LONG_HELP: &str = "\
Examples:
  df -h | smtpsend -S smtp.example.com -u me@example.com --to bob@example.com -s Disks
  smtpsend < message.eml
  smtpsend --to bob@example.com --body-file report.txt --json

Settings:
  Each option marked [setting] also comes from the environment, as SMTPSEND_ and its name in
  capitals with _ for - (SMTPSEND_CA_FILE), and from the settings files, by its name. A flag goes
  before the environment; then come the profile, the top of your file, and the system's file,
  /etc/smtpsend/config.toml. An empty variable counts as not set. Switches take 1, true, yes, on or
  0, false, no, off; each has an opposite flag (--no-json, --pipelining). The password itself is
  no flag, since other users would see it: SMTPSEND_PASSWORD, or password in a file.

Standard input:
  A message, when it starts with a header block in which From, To, Cc, Bcc, Subject, Message-ID,
  MIME-Version, Reply-To or Sender stands; else a text body. It is not read with --body or
  --body-file, unless --input asks for it.

Exit codes:
   0  every recipient was accepted by the server
  64  the command line is wrong
  65  the message or an address is bad, too large for the server, or cannot be represented
  66  an input file cannot be read
  67  the recipients are unknown to the server
  68  the host name is unknown
  69  the server refused for good; STARTTLS not offered; certificate not valid
  70  a bug in smtpsend
  74  local input or output failed
  75  try again later: 4xx, no connection, timeout; or the outcome is not known
  76  the server broke the protocol
  77  authentication refused for good, or not offered although a user is given
  78  the settings are wrong, no server is set, or port 25 was asked for";

const INIT: &str = "\
Make a settings file: find the server, try it, and write what works.

Asks on a terminal for what is not typed. Every option that is typed is written down. With --profile
NAME a profile is added to the file that is there. The server is found by the From address; then it
is tried as by smtpsend check, the login too, and nothing is written when that fails. The file is for
its owner alone (mode 0600), since the password may stand in it.";

/// What is typed for one message alone.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct Args {
    /// The subject
    #[arg(short, long, value_name = "TEXT", help_heading = "Message")]
    pub(crate) subject: Option<String>,

    /// The text of the message, instead of standard input
    #[arg(
        long,
        value_name = "TEXT",
        help_heading = "Message",
        conflicts_with = "body_file"
    )]
    pub(crate) body: Option<OsString>,

    /// A file with the text of the message; - for standard input
    ///
    /// Always taken for a text. A message with its header is sent with smtpsend < FILE.
    #[arg(long, value_name = "PATH", help_heading = "Message")]
    pub(crate) body_file: Option<PathBuf>,

    /// A header field; replaces those of that name, and removes them with an empty value
    #[arg(
        short = 'H',
        long = "header",
        value_name = "'NAME: VALUE'",
        help_heading = "Message"
    )]
    pub(crate) headers: Vec<String>,

    /// Print the exact message, the envelope and the plan; connect to nothing
    #[arg(short = 'n', long, help_heading = "Message", conflicts_with = "json")]
    pub(crate) dry_run: bool,

    /// A recipient, or a list of them
    #[arg(long, value_name = "LIST", help_heading = "Recipients")]
    pub(crate) to: Vec<String>,

    /// Recipients of a copy
    #[arg(short, long, value_name = "LIST", help_heading = "Recipients")]
    pub(crate) cc: Vec<String>,

    /// Recipients the others do not see
    #[arg(short, long, value_name = "LIST", help_heading = "Recipients")]
    pub(crate) bcc: Vec<String>,
}

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
}

impl Task {
    /// Whether what stands in settings files counts for it.
    pub(crate) fn reads_settings_files(&self) -> bool {
        !matches!(
            self,
            Self::Config(ConfigTask::Path | ConfigTask::Init { .. } | ConfigTask::Import { .. })
        )
    }
}

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

/// Reads the command line.
pub(crate) fn read(arguments: &[OsString]) -> Result<CommandLine, clap::Error> {
    let mut matches = grammar().try_get_matches_from(arguments)?;
    let (task, flags) = match matches.remove_subcommand() {
        None => (
            Task::Send(Box::new(Args::from_arg_matches(&matches)?)),
            matches,
        ),
        Some((name, flags)) if name == "check" => (Task::Check, flags),
        Some((name, flags)) if name == "verify" => {
            (Task::Verify(VerifyArgs::from_arg_matches(&flags)?), flags)
        }
        Some((_, mut config)) => {
            let (name, matches) = config.remove_subcommand().unwrap_or_default();
            (Task::Config(config_task(&name, &matches)), matches)
        }
    };
    Ok(CommandLine {
        task,
        flags: Flags(flags),
    })
}

fn config_task(name: &str, matches: &ArgMatches) -> ConfigTask {
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

/// Whether this is an option of sending a message.
pub(crate) fn is_option_of_a_message(word: &str) -> bool {
    let is_it = |arg: &Arg| {
        let long = arg.get_long().map(|name| format!("--{name}"));
        let short = arg.get_short().map(|letter| format!("-{letter}"));
        [long, short].iter().flatten().any(|name| name == word)
    };
    grammar().get_arguments().any(is_it)
}

/// Whether there is a subcommand of this name.
pub(crate) fn is_subcommand(word: &str) -> bool {
    grammar().find_subcommand(word).is_some()
}

fn grammar() -> Command {
    let root = Args::augment_args(Command::new("smtpsend").version(env!("CARGO_PKG_VERSION")))
        .about("Send one message over SMTP, and tell the truth about every recipient")
        .long_about(ABOUT)
        .after_help(AFTER_HELP)
        .after_long_help(AFTER_LONG_HELP)
        .override_usage(USAGE)
        .args_conflicts_with_subcommands(true)
        .disable_help_subcommand(true)
        .subcommand(asking::check())
        .subcommand(asking::verify())
        .subcommand(config());
    with_settings(root, |_| true)
}

fn config() -> Command {
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

/// Adds the settings under these headings.
///
/// An option's value is taken as it is, also when it starts with a hyphen: a subject may be
/// `-50 % off`, a text a diff, an address `-f@example.com`.
fn with_settings(command: Command, wanted: fn(Heading) -> bool) -> Command {
    let settings = SETTINGS
        .iter()
        .filter(|setting| setting.place != Place::NoFlag && wanted(setting.heading));
    let args = settings.flat_map(|setting| {
        let opposite = (setting.form == Form::Switch).then(|| opposite_of(setting));
        std::iter::once(flag_of(setting)).chain(opposite)
    });
    command.args(args).mut_args(|arg| {
        let takes_value = arg.get_action().takes_values() && !arg.is_positional();
        arg.allow_hyphen_values(takes_value)
    })
}

fn flag_of(setting: &'static Setting) -> Arg {
    let mark = match setting.default {
        Some(default) => format!("[default: {default}] [setting]"),
        None => "[setting]".to_owned(),
    };
    let help = format!("{} {mark}", setting.help);
    let mut arg = Arg::new(setting.name)
        .long(setting.name)
        .help(help.clone())
        .help_heading(setting.heading.text());
    if !setting.more.is_empty() {
        arg = arg.long_help(format!("{help}\n\n{}", setting.more));
    }
    if let Some(short) = setting.short {
        arg = arg.short(short);
    }
    match setting.form {
        Form::Switch => {
            let arg = arg.action(ArgAction::SetTrue);
            let arg = arg.overrides_with(setting.opposite);
            // Together they say nothing; the later one of two flags does not win here.
            if setting.name == "quiet" {
                arg.conflicts_with("verbose")
            } else {
                arg
            }
        }
        Form::List => value_of(arg, setting).action(ArgAction::Append),
        Form::Text | Form::Path => value_of(arg, setting).action(ArgAction::Set),
    }
}

fn value_of(arg: Arg, setting: &'static Setting) -> Arg {
    arg.value_name(setting.value)
        .value_parser(value_parser!(OsString))
}

/// `--no-json` for `--json`, `--pipelining` for `--no-pipelining`: what a file or a variable has
/// switched on can be switched off.
fn opposite_of(setting: &'static Setting) -> Arg {
    Arg::new(setting.opposite)
        .long(setting.opposite)
        .action(ArgAction::SetTrue)
        .overrides_with(setting.name)
        .hide(true)
}

/// The settings on the command line.
#[derive(Debug, Default)]
pub(crate) struct Flags(ArgMatches);

impl Flags {
    /// What was typed for this setting; lists that came several times are joined.
    pub(crate) fn value(&self, setting: &Setting) -> Option<OsString> {
        if setting.form == Form::Switch {
            return self.switched(setting).map(Into::into);
        }
        let values = self.0.try_get_many::<OsString>(setting.name).ok()??;
        let mut joined = OsString::new();
        for value in values {
            if !joined.is_empty() {
                joined.push(", ");
            }
            joined.push(value);
        }
        Some(joined)
    }

    /// Whether a switch was typed, and not its opposite.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        setting(name).and_then(|setting| self.switched(setting)) == Some("on")
    }

    fn switched(&self, setting: &Setting) -> Option<&'static str> {
        let typed = |name: &str| matches!(self.0.try_get_one::<bool>(name), Ok(Some(true)));
        if typed(setting.name) {
            Some("on")
        } else if typed(setting.opposite) {
            Some("off")
        } else {
            None
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn flags(typed: &str) -> Flags {
        let typed = std::iter::once("smtpsend").chain(typed.split_whitespace());
        Flags(grammar().try_get_matches_from(typed).unwrap())
    }

    fn value(typed: &str, name: &str) -> Option<String> {
        let value = flags(typed).value(setting(name).unwrap())?;
        Some(value.into_string().unwrap())
    }

    #[test]
    fn the_grammar_is_consistent() {
        grammar().debug_assert();
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
        let grammar = grammar();
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
