//! `smtpsend config show`: each setting, its value, and where it comes from. A secret is never shown.

use std::ffi::OsString;

use anyhow::Result;
use serde::Serialize;

use crate::cli::output::to_stdout;
use crate::cli::settings::{Origin, Place, SETTINGS, Setting, Settings};
use crate::failure::printable;

/// All settings that say something.
#[derive(Serialize)]
struct Shown<'s> {
    profile: Option<&'s str>,
    files: Vec<String>,
    settings: Vec<Line>,
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
        printable_lines(&text)
    }
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

fn shown(setting: &Setting, value: &OsString) -> String {
    if setting.place == Place::NoFlag {
        return "***".to_owned();
    }
    without_password(&value.to_string_lossy())
}

/// An URL may hold a password: `http://user:password@proxy`.
fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    match rest.rsplit_once('@') {
        Some((user, host)) if user.contains(':') => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:***@{host}")
        }
        _ => text.to_owned(),
    }
}
