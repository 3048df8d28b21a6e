//! What is typed for one message alone: its content, its header and its recipients, which other
//! subcommands that make messages share, and what is done with it.

use std::ffi::OsString;
use std::path::PathBuf;

/// What is typed for one message that is sent.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) header: HeaderArgs,

    #[command(flatten)]
    pub(crate) content: ContentArgs,

    /// Print the exact message, the envelope and the plan; connect to nothing
    #[arg(short = 'n', long, help_heading = "Message", conflicts_with = "json")]
    pub(crate) dry_run: bool,

    /// Stop there and send nothing: connect, ehlo, tls, auth, mail or rcpt
    ///
    /// The exit code is 0 when all went well up to there; with --json the status is stopped.
    /// connect: greeted by the server; tls: certificate verified; ehlo: the one within TLS, where
    /// there is TLS; auth: password accepted; mail: sender accepted; rcpt: each recipient has an
    /// answer, all in one transaction, which is then taken back by RSET.
    #[arg(long, value_name = "STAGE", help_heading = "Message")]
    pub(crate) quit_after: Option<String>,

    /// What notices about delivery call this message: up to 100 printable ASCII characters
    ///
    /// A server that does not offer DSN is not told, and a warning says so.
    #[arg(long, value_name = "ID", help_heading = "Message")]
    pub(crate) dsn_id: Option<String>,

    #[command(flatten)]
    pub(crate) recipients: RecipientArgs,
}

/// What is said of the header.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct HeaderArgs {
    /// The subject
    #[arg(short, long, value_name = "TEXT", help_heading = "Message")]
    pub(crate) subject: Option<String>,

    /// A header field; replaces those of that name, and removes them with an empty value
    #[arg(
        short = 'H',
        long = "header",
        value_name = "'NAME: VALUE'",
        help_heading = "Message"
    )]
    pub(crate) headers: Vec<String>,

    /// When it was written, if not now: 2026-11-23T14:30+01:00, 'Mon, 23 Nov 2026 14:30 +0100' or @SECONDS
    ///
    /// The offset from UTC that is given stays. A date without one is local time, and so is the present.
    #[arg(long, value_name = "DATE", help_heading = "Message")]
    pub(crate) date: Option<String>,

    /// Its Message-ID, instead of a random one
    #[arg(long, value_name = "ID", help_heading = "Message")]
    pub(crate) message_id: Option<String>,

    /// The Message-ID of the message that this one answers
    ///
    /// Of several, as References has them, the last is the one answered.
    #[arg(long, value_name = "ID", help_heading = "Message")]
    pub(crate) in_reply_to: Vec<String>,

    /// Where readers leave the list: an https or a mailto URI; may be given for each
    ///
    /// With https, one click in the reader's mail program does: it then sends a POST request there (RFC 8058).
    #[arg(long, value_name = "URI", help_heading = "Message")]
    pub(crate) list_unsubscribe: Vec<String>,

    /// How urgent it is: high, normal or low
    #[arg(long, value_name = "LEVEL", help_heading = "Message")]
    pub(crate) priority: Option<String>,
}

/// What is said of the content.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct ContentArgs {
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
}

/// To whom it goes.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct RecipientArgs {
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
