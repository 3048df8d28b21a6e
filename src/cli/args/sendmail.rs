//! What is said of the sendmail dialect in the help. Its command line is read elsewhere.

use clap::Command;

use super::flags::with_settings;
use crate::cli::settings::Heading;

const ABOUT: &str =
    "The sendmail dialect: what cron, git, PHP and mutt call (also by the name sendmail)";

const LONG_ABOUT: &str = "\
The sendmail dialect, for programs that call sendmail: cron, git send-email, PHP, mutt, system
services. Also spoken when the program is called sendmail, mailq or newaliases, by a link.

The message comes from standard input: the header is whatever fields it starts with, and nothing is
an empty message. From, Date and Message-ID are added where they are missing; Bcc never leaves.
Recipients are addresses, lists of them, or users of this machine (root): these are looked up in
[aliases] of the settings files, then in /etc/aliases, and else have the domain that sendmail-domain
says. One who cannot be reached does not keep the message from the others.

Flags, joined or with their value in the next word; what follows -- is a recipient:
  -t               also send to To, Cc and Bcc of the message, or to Resent-To, -Cc and -Bcc instead
  -i, -oi          a line with a lone dot does not end the message
  -f, -r ADDRESS   the envelope sender; '' or '<>' for nobody
  -F NAME          the name beside it, where From is missing
  -N LIST, -R HOW, -V ID   as --dsn-notify, --dsn-return, --dsn-id
  -v               show the dialogue
  -bm              send (default)
  -bv              say where each address goes, one on a line
  -bp              list the queue
  -q...            run the queue once
  -bs              speak SMTP on standard input and output
  -bi, -I          nothing: there are no aliases to build
  -A -B -C -D -E -L -M -X -d -e -h -p with a value, -O KEY=VALUE, -o..., -G -U -c -m -n -s
                   taken, and of no effect here
  --help, --version

Settings count as elsewhere: from settings files, from the environment, and as long flags. Called by
the name sendmail, no flag names a server, a login, a file or a program, since strangers may have
a say in what stands there. Those below stand in a settings file under [sendmail], as from, domain,
aliases and headers, or in a profile under [profile.NAME.sendmail].";

const AFTER: &str = "Exit codes: as smtpsend --help says; 64 also for -bd, -bD and -bt, 67 also for a user without an \
                     address, 78 also for aliases in a circle";

/// Its place among the subcommands.
pub(super) fn sendmail() -> Command {
    Command::new("sendmail")
        .about(ABOUT)
        .long_about(LONG_ABOUT)
        .after_help(AFTER)
        .disable_help_flag(true)
        .override_usage("smtpsend sendmail [FLAGS] [RECIPIENT...] < MESSAGE")
        .defer(|sendmail| with_settings(sendmail, |heading| heading == Heading::Sendmail))
}
