//! The settings as flags: their grammar, which the table of settings gives, and what was typed.

use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::cli::settings::{Form, Heading, SETTINGS, Setting};
use crate::failure::{Failure, Kind, Result};

/// Adds the settings under these headings.
pub(super) fn with_settings(command: Command, wanted: fn(Heading) -> bool) -> Command {
    with_flags(command, |setting| wanted(setting.heading), flag_of)
}

/// Adds these settings.
pub(super) fn with_settings_that(command: Command, wanted: fn(&Setting) -> bool) -> Command {
    with_flags(command, wanted, flag_of)
}

/// Adds the settings without what is said of them: to make all these texts is a good part of the time in
/// which the program starts, and they are shown only in the help.
pub(super) fn with_settings_untold(command: Command, wanted: fn(Heading) -> bool) -> Command {
    with_flags(command, |setting| wanted(setting.heading), untold)
}

fn with_flags(
    command: Command,
    wanted: impl Fn(&Setting) -> bool + Copy,
    flag: fn(&'static Setting) -> Arg,
) -> Command {
    let settings = SETTINGS
        .iter()
        .filter(|setting| setting.has_flag() && wanted(setting));
    let switches = settings
        .clone()
        .filter(|setting| setting.form == Form::Switch);
    command
        .args(settings.map(flag))
        .args(switches.map(opposite_of))
}

/// The flag of a setting, and what the help says of it.
pub(crate) fn flag_of(setting: &'static Setting) -> Arg {
    let mark = match setting.default {
        Some(default) => format!("[default: {default}] [setting]"),
        None => "[setting]".to_owned(),
    };
    let help = format!("{} {mark}", setting.help);
    let mut arg = untold(setting).help_heading(setting.heading.text());
    if !setting.more.is_empty() {
        arg = arg.long_help(format!("{help}\n\n{}", setting.more));
    }
    arg.help(help)
}

/// The flag of a setting.
fn untold(setting: &'static Setting) -> Arg {
    let mut arg = Arg::new(setting.name).long(setting.name);
    if let Some(short) = setting.short {
        arg = arg.short(short);
    }
    match setting.form {
        Form::Switch => {
            let arg = switch(arg).overrides_with(setting.opposite);
            // Together they say nothing; the later one of two flags does not win here.
            if setting.name == "quiet" {
                arg.conflicts_with("verbose")
            } else {
                arg
            }
        }
        Form::List => value_of(arg, setting).action(ArgAction::Append),
        Form::Text | Form::Command | Form::Path => value_of(arg, setting).action(ArgAction::Set),
    }
}

/// The value is taken as it is, also when it starts with a hyphen.
fn value_of(arg: Arg, setting: &'static Setting) -> Arg {
    arg.value_name(setting.value)
        .allow_hyphen_values(true)
        .value_parser(value_parser!(OsString))
}

/// `--no-json` for `--json`, `--pipelining` for `--no-pipelining`: what a file or a variable has
/// switched on can be switched off.
fn opposite_of(setting: &'static Setting) -> Arg {
    switch(Arg::new(setting.opposite).long(setting.opposite)).hide(true)
}

/// Without `ArgAction::SetTrue`, which has a default to be parsed for each flag that is not given.
fn switch(arg: Arg) -> Arg {
    arg.action(ArgAction::Set).num_args(0)
}

/// The settings on the command line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags(ArgMatches);

impl Flags {
    /// Those that were understood.
    pub(super) fn of(matches: ArgMatches) -> Self {
        Self(matches)
    }

    /// Those in words that are known to be settings, where another grammar has been read.
    ///
    /// # Errors
    /// `Usage` when they contradict each other.
    pub(crate) fn of_words(words: Vec<OsString>) -> Result<Self> {
        if words.is_empty() {
            return Ok(Self::default());
        }
        let grammar = with_settings_untold(Command::new("").no_binary_name(true), |_| true);
        let matches = grammar.try_get_matches_from(words).map_err(|error| {
            let text = error.to_string();
            let what = text.lines().next().unwrap_or_default();
            Failure::new(Kind::Usage, what.trim_start_matches("error: "))
        })?;
        Ok(Self(matches))
    }

    /// What was typed for this setting; lists that came several times are joined.
    pub(crate) fn value(&self, setting: &Setting) -> Option<OsString> {
        if setting.form == Form::Switch {
            return self.switched(setting).map(Into::into);
        }
        let values = self.0.try_get_many::<OsString>(setting.name).ok()??;
        let mut joined = OsString::new();
        for value in values {
            if !joined.is_empty() {
                joined.push(", ");
            }
            joined.push(value);
        }
        Some(joined)
    }

    fn switched(&self, setting: &Setting) -> Option<&'static str> {
        let typed = |name: &str| matches!(self.0.try_contains_id(name), Ok(true));
        if typed(setting.name) {
            Some("on")
        } else if typed(setting.opposite) {
            Some("off")
        } else {
            None
        }
    }
}
