//! The manual page smtpsend(1), made of what the program itself knows: its grammar and its guide.
//!
//! Owns the order of the page. A subcommand that is added stands in it; an option that is described above is
//! only named again. man(7).

mod roff;

use clap::{Arg, Command};

use self::roff::{Page, Part};
use super::args;
use super::guide::{Content, EXITS, SECTIONS, Section};
use crate::failure::Result;

/// What is close to it.
const SEE_ALSO: &str =
    "sendmail(8), crontab(5), aliases(5), systemd.exec(5), systemd.timer(5), syslog(3)";

/// Prints the page.
///
/// # Errors
/// `Io` when it cannot be written.
pub(crate) fn print() -> Result<()> {
    let page = page(&args::whole_grammar());
    super::output::to_stdout(|out| out.write_all(page.as_bytes()))
}

fn page(root: &Command) -> String {
    let mut page = Page::default();
    let version = format!("smtpsend {}", env!("CARGO_PKG_VERSION"));
    page.request("TH", &["SMTPSEND", "1", "", &version, "User Commands"]);
    // Words of the command line are not to be broken.
    page.request("nh", &[]);
    page.request("SH", &["NAME"]);
    let about = root
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default();
    page.line(&[Part::Plain("smtpsend - "), Part::Plain(&about)]);
    page.request("SH", &["SYNOPSIS"]);
    usage(&mut page, root);
    page.request("SH", &["DESCRIPTION"]);
    description(&mut page, root);
    page.request("SH", &["OPTIONS"]);
    let mut described = Vec::new();
    options(&mut page, root, &mut described);
    for subcommand in root.get_subcommands() {
        page.request("SH", &[&called(subcommand).to_uppercase()]);
        section(&mut page, subcommand, &mut described);
        for below in subcommand.get_subcommands() {
            page.request("SS", &[&called(below)]);
            section(&mut page, below, &mut described);
        }
    }
    SECTIONS
        .iter()
        .for_each(|section| guide(&mut page, section));
    page.request("SH", &["SEE ALSO"]);
    page.line(&[Part::Plain(SEE_ALSO)]);
    page.into_text()
}

/// All that is said of a subcommand. An option that is described already is only named.
fn section<'c>(page: &mut Page, command: &'c Command, described: &mut Vec<&'c Arg>) {
    usage(page, command);
    page.request("PP", &[]);
    description(page, command);
    let is_described = |arg: &&Arg| described.iter().any(|other| is_same(arg, other));
    let named: Vec<String> = shown(command)
        .filter(is_described)
        .filter_map(long)
        .collect();
    options(page, command, described);
    if !named.is_empty() {
        page.request("PP", &[]);
        page.line(&[Part::Plain("As described above:")]);
        for (index, name) in named.iter().enumerate() {
            let end = if index + 1 < named.len() { "," } else { "." };
            page.line(&[Part::Bold(name), Part::Plain(end)]);
        }
    }
    if let Some(after) = command.get_after_help() {
        page.request("PP", &[]);
        page.prose(&after.to_string(), "PP");
    }
}

/// How it is called on the command line.
fn called(command: &Command) -> String {
    command
        .get_bin_name()
        .unwrap_or(command.get_name())
        .to_owned()
}

fn usage(page: &mut Page, command: &Command) {
    let usage = command.clone().render_usage().to_string();
    for (index, line) in usage.trim_start_matches("Usage:").lines().enumerate() {
        if index > 0 {
            page.request("br", &[]);
        }
        page.line(&[Part::Bold(line.trim())]);
    }
}

fn description(page: &mut Page, command: &Command) {
    let about = command.get_long_about().or_else(|| command.get_about());
    if let Some(about) = about {
        page.prose(&about.to_string(), "PP");
    }
}

/// The options of a command that are not described yet, under the headings of the help.
fn options<'c>(page: &mut Page, command: &'c Command, described: &mut Vec<&'c Arg>) {
    let is_new = |arg: &&Arg| !described.iter().any(|other| is_same(arg, other));
    let new: Vec<&Arg> = shown(command).filter(is_new).collect();
    let mut headings: Vec<Option<&str>> = Vec::new();
    for arg in &new {
        if !headings.contains(&arg.get_help_heading()) {
            headings.push(arg.get_help_heading());
        }
    }
    // Those of a subcommand are few, and stand below a heading already.
    let is_root = described.is_empty();
    for heading in headings {
        if let Some(heading) = heading.filter(|_| is_root) {
            page.request("SS", &[heading]);
        }
        let under = new.iter().filter(|arg| arg.get_help_heading() == heading);
        under.for_each(|arg| option(page, arg));
    }
    described.extend(new);
}

fn option(page: &mut Page, arg: &Arg) {
    let short = arg.get_short().map(|letter| format!("-{letter}"));
    let names: Vec<String> = short.into_iter().chain(long(arg)).collect();
    let is_switch = arg
        .get_num_args()
        .is_some_and(|count| !count.takes_values());
    let value = match arg.get_value_names() {
        _ if is_switch => String::new(),
        Some(names) => names.join(" "),
        None => arg.get_id().to_string(),
    };
    let space = if names.is_empty() || value.is_empty() {
        ""
    } else {
        " "
    };
    page.request("TP", &[]);
    page.line(&[
        Part::Bold(&names.join(", ")),
        Part::Plain(space),
        Part::Italic(&value),
    ]);
    let help = arg.get_long_help().or_else(|| arg.get_help());
    page.prose(&help.map(ToString::to_string).unwrap_or_default(), "IP");
}

fn shown(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| !arg.is_hide_set())
}

fn long(arg: &Arg) -> Option<String> {
    arg.get_long().map(|name| format!("--{name}"))
}

/// Whether this is the same option of another command.
fn is_same(one: &Arg, other: &Arg) -> bool {
    let help = |arg: &Arg| arg.get_help().map(ToString::to_string);
    one.get_long().is_some()
        && one.get_long() == other.get_long()
        && (one.get_id() == "help" || help(one) == help(other))
}

/// A part of the guide; the exit codes have the name that manuals give them.
fn guide(page: &mut Page, section: &Section) {
    let title = match section.content {
        Content::Exits(_) => "EXIT STATUS".to_owned(),
        _ => section.title.to_uppercase(),
    };
    page.request("SH", &[&title]);
    match &section.content {
        Content::Commands(commands) => page.commands(commands),
        Content::Prose(prose) => page.prose(prose, "PP"),
        Content::Terms(terms) => terms.iter().for_each(|(name, said)| term(page, name, said)),
        Content::Exits(after) => {
            for (exit, when) in EXITS {
                term(page, &exit.code().to_string(), when);
            }
            page.request("PP", &[]);
            page.prose(after, "PP");
        }
    }
}

fn term(page: &mut Page, name: &str, said: &str) {
    page.request("TP", &[]);
    page.line(&[Part::Bold(name)]);
    page.prose(said, "IP");
}
