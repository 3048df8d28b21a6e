//! What the command line of a merge means: the template with what the flags add, the data, the share of its rows.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::address::Address;
use crate::cli::args::{HeaderArgs, MergeArgs, RecipientArgs};
use crate::cli::credentials::Handed;
use crate::cli::fields::{fields, only_mailbox};
use crate::cli::host::HostName;
use crate::cli::output::Console;
use crate::cli::settings::{Settings, parsed};
use crate::cli::{kept, options, stdin, way};
use crate::envelope::ReversePath;
use crate::failure::{Failure, Kind};
use crate::merge::{Common, Format, Rate, Source};
use crate::message::Store;
use crate::smtp::Observer as _;

/// Octets of a template.
const TEMPLATE_LIMIT: usize = 16 << 20;

/// What is to be sent.
pub(super) struct Wanted {
    pub(super) source: Source,
    pub(super) common: Common,
    /// Of the Message-IDs.
    pub(super) domain: String,
    pub(super) data: Store,
    pub(super) format: Format,
    pub(super) shard: Shard,
    pub(super) rate: Option<Rate>,
    is_author_known: bool,
}

impl Wanted {
    /// Reads the files and what is typed.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(super) fn read(
        args: &MergeArgs,
        settings: &Settings<'_>,
        host: &HostName,
        handed: &Handed,
        start: Instant,
        console: &Console,
    ) -> Result<Self> {
        let shard = args.shard.as_deref().map(parsed::<Shard>).transpose();
        let rate = args.rate.as_deref().map(parsed::<Rate>).transpose();
        let (shard, rate) = (shard.context("--shard")?, rate.context("--rate")?);
        let from = settings.text("from")?;
        let common = fields(
            &HeaderArgs::default(),
            &RecipientArgs::default(),
            settings,
            host,
            from.as_ref(),
        )?;
        let domain = common.message_id.trim_end_matches('>');
        let domain = domain.rsplit('@').next().unwrap_or("localhost").to_owned();
        let sender = match settings.value("envelope-from", ReversePath::parse)? {
            Some(sender) => Some(sender),
            None => match &common.from {
                Some(from) => Some(only_mailbox(from)?.address().clone().into()),
                None => None,
            },
        };
        let common = Common {
            fields: common,
            sender,
            options: options::of_all(settings)?,
        };
        let deadline = way::deadline(settings, start)?;
        let source = source(args, deadline, console)?;
        let format = format(args)?;
        let data = if is_standard_input(&args.data) {
            handed.leaves_standard_input()?;
            stdin::read(deadline, settings.environment(), console)?
        } else {
            stdin::read_text(
                &args.data,
                kept::IN_MEMORY,
                deadline,
                settings.environment(),
            )?
        };
        Ok(Self {
            source,
            common,
            domain,
            data,
            format,
            shard: shard.unwrap_or_default(),
            rate,
            is_author_known: from.is_some(),
        })
    }

    /// Who writes where no message says so, as far as the user has said it.
    pub(super) fn known_author(&self) -> Option<&Address> {
        self.is_author_known
            .then(|| self.common.fields.default_from.address())
    }

    /// What decides the messages beside the data, in words: the same for the same.
    pub(super) fn shape(&self) -> String {
        let Common {
            fields,
            sender,
            options,
        } = &self.common;
        let author = (&fields.from, &fields.default_from, &fields.reply_to);
        format!(
            "{:?} {:?} {author:?} {sender:?} {options:?}",
            self.source, self.format
        )
    }
}

/// The template with what the flags add. A flag fills in what the template does not say, and `--header` replaces it.
fn source(args: &MergeArgs, deadline: Option<Instant>, console: &Console) -> Result<Source> {
    let octets = stdin::read_file(&args.template, TEMPLATE_LIMIT, deadline)?;
    let template = || args.template.display().to_string();
    let mut source = Source::parse(&octets).with_context(template)?;
    for warning in source.warnings() {
        console.warning(&warning);
    }
    if let Some(subject) = &args.subject {
        if source.has("Subject") {
            console.warning(
                "--subject is not used: the template has a Subject (--header replaces it)",
            );
        } else {
            source.replace("--subject", "Subject", subject)?;
        }
    }
    for header in &args.headers {
        let Some((name, value)) = header.split_once(':') else {
            let words = format!("--header: \"{header}\" has no colon");
            return Err(Failure::new(Kind::Usage, words)
                .with_hint("write it as -H 'Name: value'")
                .into());
        };
        source
            .replace("--header", name.trim_end(), value.trim())
            .context("--header")?;
    }
    for path in &args.attach {
        source.attach("--attach", path);
    }
    if let Some(path) = &args.html {
        let octets = stdin::read_file(path, TEMPLATE_LIMIT, deadline)?;
        source = source.with_html(&octets).context("--html")?;
    }
    Ok(if args.markdown {
        source.as_markdown().context("--markdown")?
    } else {
        source
    })
}

fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

fn format(args: &MergeArgs) -> Result<Format> {
    if let Some(format) = &args.format {
        return parsed::<Format>(format).context("--format");
    }
    Format::of(&args.data).ok_or_else(|| {
        let end = args.data.extension().and_then(|end| end.to_str());
        if let Some("xlsx" | "xls" | "ods") = end {
            let words = format!("{} is a spreadsheet", args.data.display());
            let failure = Failure::new(Kind::Usage, words);
            return failure.with_hint("save it as CSV UTF-8").into();
        }
        let words = format!("{}: what kind of data is this?", args.data.display());
        Failure::new(Kind::Usage, words)
            .with_hint("say --format csv, tsv or jsonl, or name it .csv, .tsv or .jsonl")
            .into()
    })
}

/// A share of the rows: each `of`th, from the `number`th on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shard {
    number: u64,
    of: u64,
}

impl Default for Shard {
    fn default() -> Self {
        Self { number: 1, of: 1 }
    }
}

impl Shard {
    /// Whether the row of this number, counted from 1, is in it.
    pub(super) fn has(self, row: u64) -> bool {
        row % self.of == self.number % self.of
    }

    /// How many of so many rows are in it.
    pub(super) fn count(self, rows: u64) -> u64 {
        (rows + self.of - self.number) / self.of
    }

    /// How many of so many rows are in it and not done.
    pub(super) fn count_left(self, rows: u64, is_done: impl Fn(u64) -> bool) -> u64 {
        (1..=rows)
            .filter(|&row| self.has(row) && !is_done(row))
            .count() as u64
    }
}

impl std::str::FromStr for Shard {
    type Err = Failure;

    fn from_str(text: &str) -> crate::failure::Result<Self> {
        let numbers = text.split_once('/');
        let numbers = numbers.and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
        match numbers {
            Some((number, of)) if 1 <= number && number <= of => Ok(Self { number, of }),
            _ => {
                let words = format!("\"{text}\" is no share K/N, with K from 1 to N");
                Err(Failure::new(Kind::Usage, words).with_hint("for three machines: 1/3, 2/3, 3/3"))
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_in_one_shard() {
        for of in 1..5 {
            for rows in 0..20 {
                let shards: Vec<Shard> = (1..=of)
                    .map(|number| format!("{number}/{of}").parse().unwrap())
                    .collect();
                for row in 1..=rows {
                    assert_eq!(shards.iter().filter(|shard| shard.has(row)).count(), 1);
                }
                for shard in shards {
                    let has = (1..=rows).filter(|&row| shard.has(row)).count() as u64;
                    assert_eq!(shard.count(rows), has);
                    assert_eq!(shard.count_left(rows, |_| false), has);
                }
            }
        }
        for bad in ["", "1", "0/3", "4/3", "1/0", "a/b", "-1/2"] {
            assert!(bad.parse::<Shard>().is_err(), "{bad}");
        }
    }
}
