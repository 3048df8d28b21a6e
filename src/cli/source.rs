//! Where a message or its text comes from: the command line, a file, or standard input.
//!
//! Owns which of them it is, and whether what was read is a message or a body.

use std::ffi::OsStr;
use std::io::IsTerminal as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::args::ContentArgs;
use super::output::Console;
use super::settings::{Environment, Settings};
use super::stdin;
use crate::failure::{Failure, Kind};
use crate::message::{Fields, Input, Intake, Message, Store, Text, classify, nearly_a_message};
use crate::smtp::Observer as _;

/// Where the message or its text comes from.
pub(super) enum Source<'a> {
    /// `--body`.
    Text(&'a OsStr),
    /// `--body-file`.
    File(&'a Path),
    /// Standard input, read as this.
    Stdin(Input),
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
    let source = match (&args.body, &args.body_file) {
        (Some(text), _) => Source::Text(text),
        (None, Some(path)) if path.as_os_str() == "-" => Source::Stdin(Input::Body),
        (None, Some(path)) => Source::File(path),
        (None, None) => {
            let how = asked.map_or(Input::Auto, |(_, input)| input);
            return Ok(Source::Stdin(how));
        }
    };
    // A flag is meant for this message; a variable is there for those that are read.
    let wanted = asked.filter(|(origin, _)| origin.is_flag());
    let agreed = match wanted.map(|(_, input)| input) {
        None | Some(Input::Auto) => true,
        Some(Input::Body) => matches!(source, Source::Stdin(_)),
        Some(Input::Message) => false,
    };
    if agreed {
        return Ok(source);
    }
    let words = "--input reads standard input, and --body or --body-file gives the text too";
    Err(Failure::new(Kind::Usage, words)
        .with_hint("leave out one of them")
        .into())
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
        Source::File(path) => stdin::read_text(path, deadline, environment).context("--body-file"),
        Source::Stdin(_) => stdin::read(deadline, environment, console),
    }
}

/// The message, of flags and what was read.
pub(super) fn message(
    source: &Source<'_>,
    given: Store,
    fields: &Fields,
    charset: Option<&str>,
    console: &Console,
) -> Result<Message> {
    let place = match source {
        // What is typed on the command line is in the terminal's character set: UTF-8.
        Source::Text(_) => return Ok(Message::compose(fields, Text::new(given, None)?)?),
        Source::File(_) => "--body-file",
        Source::Stdin(_) => "standard input",
    };
    let intake = match source {
        Source::Stdin(how) => classify(&given, *how).context(place)?,
        Source::Text(_) | Source::File(_) => Intake::Body,
    };
    match intake {
        Intake::Message => {
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
            Ok(Message::compose(fields, text)?)
        }
    }
}

/// A name that `Text` knows, told where it was given and also where no text is read.
pub(super) fn charset(name: &str) -> crate::failure::Result<String> {
    Text::new(Vec::new(), Some(name)).map(|_| name.to_owned())
}

pub(super) fn input(text: &str) -> crate::failure::Result<Input> {
    match text {
        "auto" => Ok(Input::Auto),
        "body" => Ok(Input::Body),
        "message" => Ok(Input::Message),
        _ => Err(Failure::new(
            Kind::Usage,
            format!("\"{text}\" is none of auto, body, message"),
        )),
    }
}
