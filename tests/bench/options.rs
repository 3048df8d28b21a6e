//! The bench's own command line.

use clap::Parser;

/// Measures smtpsend and other programs that submit mail, and prints tables.
#[derive(Debug, Parser)]
#[command(name = "cargo bench --")]
pub(crate) struct Options {
    /// How often each program does a small work; a large one it does less often
    #[arg(long, value_name = "N", default_value_t = 20, conflicts_with = "quick")]
    rounds: u32,

    /// Three rounds
    #[arg(long)]
    quick: bool,

    /// These works only
    #[arg(long, value_name = "WORK,…", value_delimiter = ',')]
    pub(crate) only: Vec<String>,

    /// These programs only
    #[arg(long, value_name = "PROGRAM,…", value_delimiter = ',')]
    pub(crate) programs: Vec<String>,

    /// What the server does not offer: CHUNKING, PIPELINING
    #[arg(long, value_name = "KEYWORD,…", value_delimiter = ',')]
    pub(crate) without: Vec<String>,

    /// A large attachment instead, beside base64 and sending what comes of that
    #[arg(long)]
    pub(crate) attachment: bool,

    /// Put the ratios into README.md, between its marks
    #[arg(long)]
    pub(crate) write_readme: bool,

    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    pub(crate) fn rounds(&self) -> u32 {
        if self.quick { 3 } else { self.rounds }
    }

    /// Whether this is among `names`, or there are none.
    pub(crate) fn chosen(names: &[String], name: &str) -> bool {
        names.is_empty() || names.iter().any(|chosen| chosen.eq_ignore_ascii_case(name))
    }
}
