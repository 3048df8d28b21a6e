//! The grammar of `smtpsend run`.

use std::ffi::OsString;

use clap::{Args as _, Command};

use super::flags::with_settings_that;
use super::message::{HeaderArgs, RecipientArgs};
use crate::cli::settings::{Heading, Setting};

const ABOUT: &str = "Run a command, and mail what it printed when it fails";

const LONG_ABOUT: &str = "\
Run a command, and mail what it printed when it fails: for cron, timers and scripts.

When all is well there is no mail and nothing is printed. By default there is mail when the command
fails or writes anything to standard error; --on says otherwise. The mail says what was run, how it
ended, how long it took, where and by whom, and then what it printed, standard output and standard
error in the order in which they were written. Of more than 64 KiB the beginning and the end are
shown, and all of it goes along as output.txt.gz, up to 16 MiB of that; so does what cannot be shown
as it was.

It goes to --to, --cc and --bcc, else to whom MAILTO in the environment names, as cron sets it:
addresses, or users of this machine, who are looked up as by smtpsend sendmail; empty for no mail at
all. It is made when the
command has ended: --deadline counts from there, and no password is asked for before. A mail that
cannot leave is queued; when it can be neither sent nor queued, it is printed on standard error.
--json is not for this task: what comes on standard output is the command's.

The command gets our standard input, environment, folder and umask, but for SMTPSEND_PASSWORD and
SMTPSEND_PROXY. SIGTERM, SIGINT, SIGHUP and SIGQUIT are passed on to it and do not end the report.
At a terminal, where it stays in the foreground with us, Ctrl-C reaches both by itself. What it
leaves running in the background is waited for 1 s.";

const EXITS: &str = "\
Exit codes: that of the command, whatever becomes of the mail; 128 and the number of the signal that
killed it; 124 timed out · 125 its end cannot be learnt · 126 cannot be started · 127 not found.
74 it succeeded, and --tee could not pass on what it printed.
64 and 65, before it is started: the command line is wrong, or an address on it";

/// What is typed for a command that is run.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) header: HeaderArgs,

    #[command(flatten)]
    pub(crate) recipients: RecipientArgs,

    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// The grammar. What only this subcommand needs is made when it is typed.
pub(super) fn run() -> Command {
    Command::new("run")
        .about(ABOUT)
        .after_help(EXITS)
        .override_usage("smtpsend run [OPTIONS] -- COMMAND [ARGUMENT...]")
        .defer(|run| {
            let run = RunArgs::augment_args(run).mut_args(|arg| {
                let takes_value = arg.get_action().takes_values() && !arg.is_last_set();
                arg.allow_hyphen_values(takes_value)
            });
            // The arguments bring a description of their own.
            let run = run.about(ABOUT).long_about(LONG_ABOUT);
            with_settings_that(run, counts)
        })
}

/// Not what is about messages that are read, and not what would share a descriptor with the command.
fn counts(setting: &Setting) -> bool {
    let elsewhere = ["charset", "input", "read-recipients", "json", "password-fd"];
    !matches!(setting.heading, Heading::Sendmail | Heading::Progress)
        && !elsewhere.contains(&setting.name)
}
