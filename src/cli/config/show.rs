//! `smtpsend config show`: each setting, its value, and where it comes from. A secret is never shown.

use std::ffi::OsStr;

use anyhow::Result;
use serde::Serialize;

use crate::cli::aliases::in_settings;
use crate::cli::output::to_stdout;
use crate::cli::secrets::Source;
use crate::cli::settings::{Form, Origin, Place, SETTINGS, Setting, Settings};
use crate::failure::printable;
use crate::route::{Proxy, Server};

/// Stands for a secret.
const HIDDEN: &str = "***";

/// All settings that say something.
#[derive(Serialize)]
struct Shown<'s> {
    profile: Option<&'s str>,
    files: Vec<String>,
    settings: Vec<Line>,
    aliases: Vec<Alias<'s>>,
}

/// An alias.
#[derive(Serialize)]
struct Alias<'s> {
    name: &'s str,
    value: &'s str,
    origin: String,
}

/// A setting.
#[derive(Serialize)]
struct Line {
    name: &'static str,
    value: String,
    origin: String,
}

/// Prints them.
///
/// # Errors
/// `Io` when standard output cannot be written.
pub(super) fn show(settings: &Settings<'_>) -> Result<()> {
    let json = settings.switch("json")?;
    let files = settings.files().iter();
    let shown = Shown {
        profile: settings.profile(),
        files: files.map(|file| file.path.display().to_string()).collect(),
        settings: SETTINGS
            .iter()
            .filter_map(|setting| line(setting, settings))
            .collect(),
        aliases: aliases(settings),
    };
    Ok(to_stdout(|out| {
        if json {
            serde_json::to_writer(&mut *out, &shown)?;
            return out.write_all(b"\n");
        }
        out.write_all(shown.text().as_bytes())
    })?)
}

impl Shown<'_> {
    fn text(&self) -> String {
        let mut text = String::new();
        let files = if self.files.is_empty() {
            "none".to_owned()
        } else {
            self.files.join(", ")
        };
        text += &format!("# settings files: {files}\n");
        if let Some(profile) = self.profile {
            text += &format!("# profile: {profile}\n");
        }
        for Line {
            name,
            value,
            origin,
        } in &self.settings
        {
            text += &format!("{name} = {value}  # {origin}\n");
        }
        for Alias {
            name,
            value,
            origin,
        } in &self.aliases
        {
            text += &format!("aliases.{name} = {value}  # {origin}\n");
        }
        printable_lines(&text)
    }
}

/// Those that count: of one name the strongest.
fn aliases<'s>(settings: &'s Settings<'_>) -> Vec<Alias<'s>> {
    let mut shown: Vec<Alias<'s>> = Vec::new();
    for alias in in_settings(settings) {
        if !shown.iter().any(|other| other.name == alias.name) {
            shown.push(Alias {
                name: alias.name,
                value: alias.value,
                origin: alias.place(),
            });
        }
    }
    shown
}

fn printable_lines(text: &str) -> String {
    text.lines().map(|line| printable(line) + "\n").collect()
}

fn line(setting: &'static Setting, settings: &Settings<'_>) -> Option<Line> {
    if let Some((origin, value)) = settings.layers(setting).next() {
        return Some(Line {
            name: setting.name,
            value: shown(setting, &value),
            origin: match origin {
                Origin::File { path, line, .. } => format!("{}:{line}", path.display()),
                other => other.to_string(),
            },
        });
    }
    setting.default.map(|default| Line {
        name: setting.name,
        value: default.to_owned(),
        origin: "built in".to_owned(),
    })
}

fn shown(setting: &Setting, value: &OsStr) -> String {
    let text = value.to_string_lossy();
    match (setting.name, setting.form) {
        _ if setting.place == Place::NoFlag => HIDDEN.to_owned(),
        // As a source tells what it is: the program in brackets.
        (_, Form::Command) => match Source::command("", &text) {
            Ok(command) => command.to_string().trim().to_owned(),
            Err(_) => HIDDEN.to_owned(),
        },
        ("proxy", _) => {
            let is_url = text.parse::<Proxy>().is_ok();
            let url = text.split_once("://").filter(|_| is_url);
            url.map_or_else(
                || without_login(&text),
                |(scheme, rest)| format!("{scheme}://{}", without_login(rest)),
            )
        }
        ("server", _) if Server::list(&text).is_err() => without_login(&text),
        _ => text.into_owned(),
    }
}

/// Without what stands before the last @: where that is no proper login, any of it may be a password.
fn without_login(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((_, place)) => format!("{HIDDEN}@{place}"),
        None => text.to_owned(),
    }
}
