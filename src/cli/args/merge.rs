//! The grammar of `smtpsend merge`.

use std::path::PathBuf;

use clap::{Args as _, Command, value_parser};

use super::flags::{flag_of, with_settings};
use crate::cli::settings::{Heading, setting};

const ABOUT: &str = "Send one personalised message per row of a file";

const LONG_ABOUT: &str = "\
Send one personalised message per row of a file.

TEMPLATE is a file with header fields, an empty line, and the body. {{ name }} in the body, in the
value of a field, and in --subject, --header and --attach stands for the field of the row that is
called so; {% if … %} and {% for … %} are there too (Jinja; row values are data, never template).
{{ row[\"E-Mail\"] }} is the field of any name. A name that the row does not have is an error. To, Cc
and Bcc of the template say who gets it, where it has one of them; else the columns that are called
to (or email), cc and bcc do. In To: {{ name }} <{{ email }}> a value is one name or one address,
whatever it holds; a list of addresses is inserted by {{ list|addresses }}. A field that comes out
empty is left out. Attach: {{ file }} attaches a file, named from the folder of TEMPLATE. With
Content-Type: text/html the body is HTML, and what is inserted is escaped; with --markdown it is
Markdown, and what is inserted is no markup.

The fields of a .csv file are separated by commas, or by semicolons where its first line has no
comma. All rows are checked before the first is sent. A row that cannot be rendered, or names a
file that cannot be read, is told with its line, and then nothing is sent (exit 65).

What is put off (4xx) is tried again, later each time (--retry, here 5 unless it is set), while the
other rows go on; 421 and refusals of a rate slow all down. Whom the server refuses for good is
told, and the rest goes on. A server that is not ready, or cannot be reached, is waited for, as
often and as long. When the login or the sender is refused, it stops at once, and the other rows
are left. Ctrl-C ends it between two messages.

With --journal FILE it goes on where it was, by the same command, however it ended: each row is
sent once. Only a message whose answer was lost is sent once more, under its Message-ID.";

const EXITS: &str = "\
Exit codes: 0 every row accepted, or queued · 65 a row is bad, nothing was sent, or the journal is
of something else · 66 an input file cannot be read · 75 rows were put off, or are left · 67, 69
rows were refused for good · 74 the journal or the output cannot be written · 77, 78 and others as
smtpsend --help says";

const EXAMPLES: &str = "\
Examples:
  smtpsend merge invitation.txt --data guests.csv --sample 2
  smtpsend merge invitation.txt --data guests.csv --rate 100/min --journal guests.journal
  smtpsend merge news.txt --html news.html --data list.jsonl --connections 4 --results results.csv";

/// What `smtpsend merge` is to send, and how.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct MergeArgs {
    /// The template: header fields, an empty line, and the body
    #[arg(value_name = "TEMPLATE", required = true)]
    pub(crate) template: PathBuf,

    /// The rows: a .csv or .tsv file whose first row has the names, or .jsonl; - for standard input
    #[arg(long, value_name = "FILE", required = true, help_heading = "Rows")]
    pub(crate) data: PathBuf,

    /// What the data is, where its name does not say so: csv, tsv or jsonl
    #[arg(long, value_name = "FORMAT", help_heading = "Rows")]
    pub(crate) format: Option<String>,

    /// Only the rows K, K+N, K+2N…: one machine's share of N
    #[arg(long, value_name = "K/N", help_heading = "Rows")]
    pub(crate) shard: Option<String>,

    /// Check all rows and print the exact message of each (mbox); connect to nothing
    #[arg(short = 'n', long, help_heading = "Rows", conflicts_with = "json")]
    pub(crate) dry_run: bool,

    /// The same, of the first N rows
    #[arg(long, value_name = "N", help_heading = "Rows", conflicts_with = "json",
          value_parser = value_parser!(u64).range(1..))]
    pub(crate) sample: Option<u64>,

    /// Remember in this file what was sent, and go on from there
    ///
    /// A line for each row, written as soon as its answer is there. The journal belongs to this template, this
    /// data and these options; it may be gone on with under another --shard.
    #[arg(long, value_name = "FILE", help_heading = "Rows")]
    pub(crate) journal: Option<PathBuf>,

    /// Write what came of each row: .csv, or .jsonl with what --json prints
    ///
    /// The file is made anew, or added to where a journal is gone on with.
    #[arg(long, value_name = "FILE", help_heading = "Rows")]
    pub(crate) results: Option<PathBuf>,

    /// The subject, where the template has none
    #[arg(short, long, value_name = "TEXT", help_heading = "Message")]
    pub(crate) subject: Option<String>,

    /// A header field; replaces those of that name
    #[arg(
        short = 'H',
        long = "header",
        value_name = "'NAME: VALUE'",
        help_heading = "Message"
    )]
    pub(crate) headers: Vec<String>,

    /// A template of the body in HTML, beside the text
    #[arg(long, value_name = "PATH", help_heading = "Message")]
    pub(crate) html: Option<PathBuf>,

    /// The body is Markdown: it is sent as a text, and as HTML
    #[arg(long, help_heading = "Message", conflicts_with = "html")]
    pub(crate) markdown: bool,

    /// A file to attach to each message
    #[arg(short, long, value_name = "PATH", help_heading = "Message")]
    pub(crate) attach: Vec<String>,

    /// Send over so many connections at once, 1 to 32
    #[arg(long, value_name = "N", default_value = "1", help_heading = "Pace",
          value_parser = value_parser!(u8).range(1..=32))]
    pub(crate) connections: u8,

    /// At most so many messages in a time, over all connections: 100/min, 5/s, 2000/h
    #[arg(long, value_name = "N/UNIT", help_heading = "Pace")]
    pub(crate) rate: Option<String>,

    /// End a connection after so many messages
    #[arg(long, value_name = "N", help_heading = "Pace",
          value_parser = value_parser!(u64).range(1..))]
    pub(crate) per_connection: Option<u64>,
}

pub(super) fn merge() -> Command {
    Command::new("merge")
        .about(ABOUT)
        .after_help(EXITS)
        .after_long_help(format!("{EXAMPLES}\n\n{EXITS}"))
        .override_usage("smtpsend merge TEMPLATE --data FILE [OPTIONS]")
        // The arguments bring a description of their own.
        .defer(|merge| {
            use Heading::{Authentication, Delivery, Log, Output, Progress, Server, Settings};
            let author = ["from", "reply-to", "envelope-from"];
            let author = author.iter().filter_map(|name| setting(name)).map(flag_of);
            let merge = MergeArgs::augment_args(merge)
                .about(ABOUT)
                .long_about(LONG_ABOUT)
                // A subject may be `-50 % off`.
                .mut_args(|arg| {
                    let takes_value = arg.get_action().takes_values() && !arg.is_positional();
                    arg.allow_hyphen_values(takes_value)
                })
                .args(author);
            with_settings(merge, |heading| {
                matches!(
                    heading,
                    Server | Authentication | Delivery | Progress | Output | Log | Settings
                )
            })
        })
}
