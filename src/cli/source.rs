//! Where a message or its text comes from: the command line, a file, or standard input.
//!
//! Owns which of them it is, who else reads standard input, and whether what was read is a message or a
//! body.

use std::ffi::OsStr;
use std::io::IsTerminal as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::args::ContentArgs;
use super::attached::{asked_parts, reader_of_stdin};
use super::output::Console;
use super::settings::{Environment, Settings, one_of};
use super::{kept, stdin};
use crate::failure::{Failure, Kind};
use crate::message::{
    Fields, Input, Intake, Message, Parts, Store, Text, classify, nearly_a_message,
};
use crate::smtp::Observer as _;

/// Where the message or its text comes from.
pub(super) enum Source<'a> {
    /// `--body`.
    Text(&'a OsStr),
    /// `--body-file`.
    File(&'a Path),
    /// Standard input, read as this.
    Stdin(Input),
    /// Nowhere: there is HTML, or a file alone.
    Nowhere,
}

impl Source<'_> {
    /// Whether it may be a message with a From; what is typed on a terminal is not waited for.
    pub(super) fn may_name_the_author(&self) -> bool {
        matches!(self, Self::Stdin(how) if *how != Input::Body) && !std::io::stdin().is_terminal()
    }
}

/// What the arguments say of it.
///
/// # Errors
/// `Usage` when they contradict each other.
pub(super) fn source<'a>(args: &'a ContentArgs, settings: &Settings<'_>) -> Result<Source<'a>> {
    let asked = settings.valued("input", input)?;
    // A flag is meant for this message; a variable is there for those that are read.
    let wanted = asked.as_ref().filter(|(origin, _)| origin.is_flag());
    let wanted = wanted.map(|(_, input)| *input);
    if wanted == Some(Input::Message)
        && let Some(flag) = asked_parts(args)
    {
        return Err(not_into_a_message(flag));
    }
    let part = reader_of_stdin(args)?;
    let source = match (&args.body, &args.body_file) {
        (Some(text), _) => Source::Text(text),
        (None, Some(_)) if part == Some("--body-file -") => Source::Stdin(Input::Body),
        (None, Some(path)) => Source::File(path),
        (None, None) if part.is_some() => Source::Nowhere,
        (None, None) if args.html.is_some() && wanted.is_none() => return Ok(Source::Nowhere),
        (None, None) => {
            let how = asked.map_or(Input::Auto, |(_, input)| input);
            return Ok(Source::Stdin(how));
        }
    };
    let agreed = match wanted {
        None | Some(Input::Auto) => true,
        Some(Input::Body) => matches!(source, Source::Stdin(_)),
        Some(Input::Message) => false,
    };
    if agreed {
        return Ok(source);
    }
    let other = part.unwrap_or("--body or --body-file");
    let words = match source {
        Source::Nowhere => format!("--input reads standard input, and so does {other}"),
        _ => "--input reads standard input, and --body or --body-file gives the text too".into(),
    };
    Err(Failure::new(Kind::Usage, words)
        .with_hint("leave out one of them")
        .into())
}

/// A message that is there already holds what it holds.
fn not_into_a_message(flag: &str) -> anyhow::Error {
    let words = format!("standard input is a message, to which {flag} cannot add");
    Failure::new(Kind::Usage, words)
        .with_hint("send it as it is, or, if it is a text, with --input body")
        .into()
}

/// What the message or its text is read from.
pub(super) fn given(
    source: &Source<'_>,
    deadline: Option<Instant>,
    environment: Environment<'_>,
    console: &Console,
) -> Result<Store> {
    match source {
        Source::Text(text) => Ok(text.as_bytes().to_vec().into()),
        Source::File(path) => {
            stdin::read_text(path, kept::IN_MEMORY, deadline, environment).context("--body-file")
        }
        Source::Stdin(_) => stdin::read(deadline, environment, console),
        Source::Nowhere => Ok(Vec::new().into()),
    }
}

/// The message, of flags, the text that was given, and what comes with it.
pub(super) fn message(
    args: &ContentArgs,
    source: &Source<'_>,
    given: Store,
    parts: Parts,
    fields: &Fields,
    charset: Option<&str>,
    console: &Console,
) -> Result<Message> {
    let (place, intake) = match source {
        Source::Nowhere => return Ok(Message::compose(fields, parts)?),
        // What is typed on the command line is in the terminal's character set: UTF-8.
        Source::Text(_) => {
            let text = Text::new(given, None)?;
            return composed(args, text, parts, fields, console);
        }
        Source::File(_) => ("--body-file", Intake::Body),
        Source::Stdin(how) => {
            let place = "standard input";
            (place, classify(&given, *how).context(place)?)
        }
    };
    match intake {
        Intake::Message => {
            if let Some(flag) = asked_parts(args) {
                return Err(not_into_a_message(flag));
            }
            console.note("standard input is a message: it starts with a header");
            Message::handed_over(given, fields).context(place)
        }
        Intake::Body => {
            console.note("what is read is the body");
            if matches!(source, Source::Stdin(Input::Auto))
                && let Some(line) = nearly_a_message(&given).context(place)?
            {
                console.warning(&format!(
                    "standard input is taken for a text: it starts like a message, but line {line} is no header \
                     field (is an empty line missing?)"
                ));
            }
            let text = Text::new(given, charset).context(place)?;
            composed(args, text, parts, fields, console)
        }
    }
}

/// The message, of a text and what comes with it.
fn composed(
    args: &ContentArgs,
    text: Text,
    parts: Parts,
    fields: &Fields,
    console: &Console,
) -> Result<Message> {
    if !args.markdown {
        let text = Some(text);
        return Ok(Message::compose(fields, Parts { text, ..parts })?);
    }
    let Parts { text, html, .. } = Parts::of_markdown(text)?;
    if html.is_none() {
        console.warning(
            "the Markdown is sent as a text alone: it has more than 1 MiB, or is not valid in its charset",
        );
    }
    Ok(Message::compose(
        fields,
        Parts {
            text,
            html,
            ..parts
        },
    )?)
}

/// A name that `Text` knows, told where it was given and also where no text is read.
pub(super) fn charset(name: &str) -> crate::failure::Result<String> {
    Text::new(Vec::new(), Some(name)).map(|_| name.to_owned())
}

pub(super) fn input(text: &str) -> crate::failure::Result<Input> {
    let choices = [
        ("auto", Input::Auto),
        ("body", Input::Body),
        ("message", Input::Message),
    ];
    one_of(&choices, text)
}
