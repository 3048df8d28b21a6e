//! The command line as the user typed it. Nothing is interpreted here beyond its grammar: what a
//! value means, and whether it is right, is for `settings` and `request` to say, so that flags and
//! environment get the same words and the right exit code.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{CommandFactory as _, FromArgMatches as _, Parser};

const AFTER_HELP: &str = "\
Exit codes: 0 every recipient accepted · 64 usage · 65 bad message or address · 66 input file ·
67 recipient unknown · 68 host unknown · 69 refused for good, no trustworthy TLS · 70 bug · 74 local
I/O · 75 try again later · 76 protocol broken · 77 authentication · 78 settings, port 25";

const AFTER_LONG_HELP: &str = "\
Examples:
  df -h | smtpsend -S smtp.example.com -u me@example.com --to bob@example.com -s Disks
  smtpsend < message.eml
  smtpsend --to bob@example.com --body-file report.txt --json

Environment:
  Each option marked [setting] also comes from SMTPSEND_ and its name in capitals with _ for -:
  SMTPSEND_SERVER, SMTPSEND_CA_FILE, … A flag goes before the environment; an empty variable counts
  as not set. Switches take 1, true, yes, on or 0, false, no, off. SMTPSEND_PASSWORD has no flag,
  since other users of the machine would see it.

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

/// Send one message over SMTP, and tell the truth about every recipient.
///
/// The message comes from standard input, or is made from the options. It goes to the server's
/// port 587 with STARTTLS, else to 2525 with STARTTLS, else to 465 with implicit TLS; never to 25,
/// and never without verified TLS unless --tls none says so.
#[derive(Parser, Debug, Default)]
#[command(name = "smtpsend", version, after_help = AFTER_HELP, after_long_help = AFTER_LONG_HELP)]
#[command(override_usage = "smtpsend [OPTIONS] --to ADDRESS < MESSAGE")]
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

    /// Character set of a text body that is read in [default: UTF-8] [setting]
    ///
    /// The text is sent as UTF-8. Bytes that are not valid are never lost: the body is then sent
    /// byte for byte as unknown-8bit.
    #[arg(long, value_name = "NAME", help_heading = "Message")]
    pub(crate) charset: Option<String>,

    /// What standard input is: auto, body or message [default: auto] [setting]
    #[arg(long, value_name = "KIND", help_heading = "Message")]
    pub(crate) input: Option<String>,

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

    /// The author, and the envelope sender unless that is given [setting]
    #[arg(short, long, value_name = "ADDRESS", help_heading = "Recipients")]
    pub(crate) from: Option<String>,

    /// Where replies shall go [setting]
    #[arg(long, value_name = "LIST", help_heading = "Recipients")]
    pub(crate) reply_to: Vec<String>,

    /// The envelope sender, where failures are reported to; '<>' for nobody [setting]
    #[arg(long, value_name = "ADDRESS", help_heading = "Recipients")]
    pub(crate) envelope_from: Option<String>,

    /// Also send to To, Cc and Bcc of the message read [setting]
    ///
    /// Without recipients on the command line this is what happens anyway.
    #[arg(long, help_heading = "Recipients")]
    pub(crate) read_recipients: bool,

    /// HOST[:PORT], smtp://[user@]host[:port] or smtps://…; several with commas, tried in order [setting]
    #[arg(short = 'S', long, value_name = "SERVER", help_heading = "Server")]
    pub(crate) server: Option<String>,

    /// The port policy [default: 587/starttls,2525/starttls,465/implicit] [setting]
    #[arg(long, value_name = "LIST", help_heading = "Server")]
    pub(crate) ports: Option<String>,

    /// starttls, implicit or none [setting]
    ///
    /// With an explicit port the default is implicit for 465 and starttls for others. Without a
    /// port it chooses among the ports of the policy; none means 587 and 2525 in clear.
    #[arg(long, value_name = "MODE", help_heading = "Server")]
    pub(crate) tls: Option<String>,

    /// A PEM file with the authorities to trust, instead of the built-in ones [setting]
    #[arg(long, value_name = "PEM", help_heading = "Server")]
    pub(crate) ca_file: Option<PathBuf>,

    /// webpki (Mozilla's authorities, built in) or system [default: webpki] [setting]
    ///
    /// Together with --ca-file both are trusted.
    #[arg(long, value_name = "WHOSE", help_heading = "Server")]
    pub(crate) trust: Option<String>,

    /// The name given with EHLO [default: this host's full name, else its address] [setting]
    #[arg(long, value_name = "NAME", help_heading = "Server")]
    pub(crate) ehlo: Option<String>,

    /// Longest wait for any one reply [default: RFC 5321's, 2 to 10 minutes] [setting]
    #[arg(long, value_name = "SECONDS", help_heading = "Server")]
    pub(crate) timeout: Option<String>,

    /// Longest wait for connecting and the greeting, per port [default: 30] [setting]
    #[arg(long, value_name = "SECONDS", help_heading = "Server")]
    pub(crate) connect_timeout: Option<String>,

    /// Longest time for the whole run [default: none] [setting]
    #[arg(long, value_name = "SECONDS", help_heading = "Server")]
    pub(crate) deadline: Option<String>,

    /// Send each command only after the reply to the one before [setting]
    ///
    /// For a server that loses or refuses commands which come together, although it offers PIPELINING.
    #[arg(long, help_heading = "Server")]
    pub(crate) no_pipelining: bool,

    /// Send the message by DATA, also where the server offers BDAT [setting]
    ///
    /// For a server that offers CHUNKING and stumbles over it. With BDAT a message of up to 32 KiB
    /// leaves together with its envelope, and a larger one in chunks of 1 MiB.
    #[arg(long, help_heading = "Server")]
    pub(crate) no_chunking: bool,

    /// Wait for the reply to AUTH before the envelope is sent [setting]
    ///
    /// For a server that answers AUTH PLAIN and nothing that came along with it.
    #[arg(long, help_heading = "Server")]
    pub(crate) auth_first: bool,

    /// Authenticate as this user [setting]
    #[arg(short, long, value_name = "NAME", help_heading = "Authentication")]
    pub(crate) user: Option<String>,

    /// A file whose first line is the password; others must not be able to read it [setting]
    #[arg(long, value_name = "PATH", help_heading = "Authentication")]
    pub(crate) password_file: Option<PathBuf>,

    /// auto, none, PLAIN or LOGIN [default: auto] [setting]
    #[arg(long, value_name = "MECHANISM", help_heading = "Authentication")]
    pub(crate) auth: Option<String>,

    /// Send credentials even without TLS, where anybody on the way can read them [setting]
    #[arg(long, help_heading = "Authentication")]
    pub(crate) allow_cleartext_auth: bool,

    /// Nobody gets the message unless everybody is accepted [setting]
    #[arg(long, help_heading = "Delivery")]
    pub(crate) all_or_nothing: bool,

    /// Try so many more times after a temporary failure, waiting longer each time [setting]
    ///
    /// Waits 1 s, 4 s, 16 s and so on up to 5 minutes, within --deadline: 3 cover 21 s, and 5
    /// the 6 minutes that greylisting takes. What may have been delivered is not sent again.
    #[arg(long, value_name = "N", help_heading = "Delivery")]
    pub(crate) retry: Option<String>,

    /// Show the dialogue on standard error (secrets as ***) [setting]
    #[arg(short, long, help_heading = "Output")]
    pub(crate) verbose: bool,

    /// Say nothing on standard error; the exit code tells [setting]
    #[arg(short, long, help_heading = "Output", conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Print the result as one JSON object [setting]
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
}

impl Args {
    /// Reads the command line.
    ///
    /// An option's value is taken as it is, also when it starts with a hyphen: a subject may be
    /// `-50 % off`, a text a diff, an address `-f@example.com`.
    pub(crate) fn read(arguments: &[OsString]) -> Result<Self, clap::Error> {
        let as_it_is = |arg: clap::Arg| {
            let takes_value = arg.get_action().takes_values();
            arg.allow_hyphen_values(takes_value)
        };
        let matches = Self::command()
            .mut_args(as_it_is)
            .try_get_matches_from(arguments)?;
        Self::from_arg_matches(&matches)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_grammar_is_consistent() {
        super::Args::command().debug_assert();
    }
}
