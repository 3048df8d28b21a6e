//! What a message holds beside its text: HTML, files that stand in it, files that go with it.
//!
//! Owns reading them: those that have a path before anything else is done, standard input when its time
//! has come. A large file stays where it is; what is no regular file is read to its end. Refuses what
//! cannot be read, naming it, and more than one reader of standard input.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::args::ContentArgs;
use super::output::Console;
use super::settings::Environment;
use super::stdin;
use crate::failure::{Failure, Kind};
use crate::message::{Attachment, Parts, Text};

/// Octets of a file that is read into memory: there may be many of them.
const IN_MEMORY: usize = 64 * 1024;
/// Stands for standard input where a path may.
const STDIN: &str = "-";

/// How what is read is to be read.
pub(super) struct Reading<'a> {
    pub(super) deadline: Option<Instant>,
    pub(super) environment: Environment<'a>,
    pub(super) charset: Option<&'a str>,
}

/// The flag that wants standard input for a part, if one does.
///
/// # Errors
/// `Usage` when two do, or when a file would have no name.
pub(super) fn reader_of_stdin(args: &ContentArgs) -> Result<Option<&'static str>> {
    for (flag, paths) in [("--attach", &args.attach), ("--inline", &args.inline)] {
        if paths.iter().any(|path| is_stdin(path)) {
            let words = format!("{flag} - has no name for the file");
            return Err(Failure::new(Kind::Usage, words)
                .with_hint("attach standard input with --attach-stdin NAME")
                .into());
        }
    }
    let html = args.html.as_deref().is_some_and(is_stdin);
    let readers = [
        (is_text_of_stdin(args), "--body-file -"),
        (html, "--html -"),
        (args.attach_stdin.is_some(), "--attach-stdin"),
    ];
    let mut readers = readers.iter().filter(|(reads, _)| *reads);
    match (readers.next(), readers.next()) {
        (Some((_, one)), Some((_, other))) => {
            let words = format!("{one} and {other} both read standard input");
            Err(Failure::new(Kind::Usage, words)
                .with_hint("give one of them as a file")
                .into())
        }
        (first, _) => Ok(first.map(|(_, flag)| *flag)),
    }
}

fn is_text_of_stdin(args: &ContentArgs) -> bool {
    args.body_file.as_deref().is_some_and(is_stdin)
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == STDIN
}

/// What asks for more than a text: with it no message that is there already can be sent.
pub(super) fn asked_parts(args: &ContentArgs) -> Option<&'static str> {
    let asked = [
        (args.html.is_some(), "--html"),
        (args.markdown, "--markdown"),
        (!args.attach.is_empty(), "--attach"),
        (args.attach_stdin.is_some(), "--attach-stdin"),
        (!args.inline.is_empty(), "--inline"),
    ];
    asked.iter().find(|(is, _)| *is).map(|(_, flag)| *flag)
}

/// The parts that are in files.
///
/// # Errors
/// `Input` when one cannot be read; `Temporary` when the deadline comes first.
pub(super) fn in_files(args: &ContentArgs, reading: &Reading<'_>) -> Result<Parts> {
    let read =
        |path: &Path| stdin::read_text(path, IN_MEMORY, reading.deadline, reading.environment);
    let files = |flag: &'static str, paths: &[std::path::PathBuf]| {
        let file = |path: &std::path::PathBuf| {
            let octets = read(path)
                .map_err(|error| packed(error, path))
                .context(flag)?;
            attachment(path.as_os_str(), octets).context(flag)
        };
        paths.iter().map(file).collect::<Result<Vec<_>>>()
    };
    let html = args.html.as_deref().filter(|path| !is_stdin(path));
    let html = html.map(|path| -> Result<Text> {
        let octets = read(path).context("--html")?;
        Text::html(octets, reading.charset).context("--html")
    });
    Ok(Parts {
        text: None,
        html: html.transpose()?,
        inline: files("--inline", &args.inline)?,
        attachments: files("--attach", &args.attach)?,
    })
}

/// What to do about a folder.
fn packed(error: anyhow::Error, path: &Path) -> anyhow::Error {
    match error.downcast_ref::<Failure>() {
        Some(failure) if path.is_dir() => {
            let failure = failure
                .clone()
                .with_hint("pack it: tar cz FOLDER | smtpsend --attach-stdin FOLDER.tar.gz …");
            anyhow::Error::from(failure).context(path.display().to_string())
        }
        _ => error,
    }
}

/// Adds the part that is standard input, if one is.
///
/// # Errors
/// As [`stdin::read`].
pub(super) fn add_stdin(
    parts: &mut Parts,
    args: &ContentArgs,
    reading: &Reading<'_>,
    console: &Console,
) -> Result<()> {
    let read = || stdin::read(reading.deadline, reading.environment, console);
    if let Some(name) = &args.attach_stdin {
        let file = attachment(name, read()?).context("--attach-stdin")?;
        parts.attachments.push(file);
    }
    if args.html.as_deref().is_some_and(is_stdin) {
        parts.html = Some(Text::html(read()?, reading.charset).context("--html -")?);
    }
    Ok(())
}

fn attachment(name: &OsStr, octets: crate::message::Store) -> crate::failure::Result<Attachment> {
    Attachment::new(&name.to_string_lossy(), octets)
}
