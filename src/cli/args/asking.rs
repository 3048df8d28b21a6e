//! The grammar of the subcommands that ask a server and send nothing: `check` and `verify`.

use clap::{Args as _, Command};

use super::flags::{flag_of, with_settings};
use crate::cli::settings::{Heading, setting};

const CHECK: &str = "\
Look at the way to the server, and send nothing.

Every port that a message would be tried on is tried, side by side: name, connection, greeting, TLS
and certificate, what the server offers. The login is tried on one port only, the one that would be
used, so that a wrong password counts once. Then a verdict: whether mail can be sent, what is in the
way, and the options for what works. Connecting takes 10 s at the most;
a greeting is waited for as long as it is with a message (--connect-timeout).";

const CHECK_EXITS: &str = "\
Exit codes: 0 mail can be sent; else what sending it would have given, as smtpsend --help says";

const VERIFY_ABOUT: &str = "Ask the server about addresses (VRFY), or who is on a list (EXPN)";

const VERIFY: &str = "\
Ask the server about addresses (VRFY), or with --expand who is on a list (EXPN).

Most servers have this switched off, or answer that they do not say; then nothing but sending shows
whether an address is good. One line for each address: the server's reply and what it means.";

const VERIFY_EXITS: &str = "\
Exit codes, the first that fits: 75 the server cannot say now, for some address · 76 protocol
broken · 65 bad address · 67 an address is unknown · 69 not offered, or refused · 0 all are known,
or the server does not say. Where there is no session to ask in: as smtpsend --help says";

/// What `smtpsend verify` asks about.
#[derive(clap::Args, Debug)]
pub(crate) struct VerifyArgs {
    /// An address, or with --expand a list
    #[arg(required = true, value_name = "ADDRESS")]
    pub(crate) addresses: Vec<String>,

    /// Ask who is on a list (EXPN)
    #[arg(long)]
    pub(crate) expand: bool,
}

pub(super) fn check() -> Command {
    Command::new("check")
        .about("Look at the way to the server, and send nothing")
        .long_about(CHECK)
        .after_help(CHECK_EXITS)
        .override_usage("smtpsend check [OPTIONS]")
        .defer(for_sessions)
}

pub(super) fn verify() -> Command {
    Command::new("verify")
        .about(VERIFY_ABOUT)
        .after_help(VERIFY_EXITS)
        .override_usage("smtpsend verify [OPTIONS] ADDRESS...")
        // The arguments bring a description of their own.
        .defer(|verify| {
            for_sessions(VerifyArgs::augment_args(verify))
                .about(VERIFY_ABOUT)
                .long_about(VERIFY)
        })
}

/// Adds the settings that count where sessions are opened and nothing is sent. The address `from` has
/// a say in the profile and the server.
fn for_sessions(command: Command) -> Command {
    use Heading::{Authentication, Output, Server, Settings};
    let from = setting("from").map(flag_of);
    with_settings(command.args(from), |heading| {
        matches!(heading, Server | Authentication | Output | Settings)
    })
}
