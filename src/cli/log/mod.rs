//! The log: one line about each message, in a file or in the system's log.
//!
//! It is opened before anything is sent, so that nothing is sent that nobody would find there; what
//! fails later changes no message's fate. A line is one write, and stays one line whatever a server
//! said. Refuses nothing that a file can be: who wants a pipe or a terminal for it may have one.

mod syslog;
mod text;

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::SystemTime;

use anyhow::Result;
use serde::Serialize;

use self::syslog::Syslog;
use super::json;
use super::moment::rfc3339;
use super::output::Console;
use super::settings::{Settings, parsed};
use crate::failure::{self, Failure, Kind};

/// An open log. Several threads may write to it.
pub(crate) struct Log {
    sink: Sink,
    format: Format,
}

enum Sink {
    File(PathBuf, File),
    Syslog(Syslog),
}

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// `key=value` after `key=value`.
    Text,
    /// One JSON object: that of `--json`, with the time and the user.
    Json,
}

/// What a line is about.
#[derive(Serialize)]
pub(crate) struct Entry<'e> {
    #[serde(serialize_with = "as_instant")]
    pub(crate) time: SystemTime,
    /// Who was to log in.
    pub(crate) user: Option<&'e str>,
    #[serde(flatten)]
    pub(crate) result: &'e json::Result<'e>,
}

impl Log {
    /// Opens the log that the settings name, if they do.
    ///
    /// # Errors
    /// `Io` when it cannot be opened; `Usage` or `Config` when the settings are wrong.
    pub(crate) fn open(settings: &Settings<'_>) -> Result<Option<Self>> {
        let format = settings.value("log-format", parsed::<Format>)?;
        let Some((_, path)) = settings.path("log")? else {
            return Ok(None);
        };
        let sink = match Syslog::named_by(&path) {
            Some(syslog) => Sink::Syslog(syslog),
            None => {
                let file = open_file(&path).map_err(|error| {
                    let words = format!("the log {}: {error}; nothing was sent", path.display());
                    let hint = "the system's log is open to every user: --log syslog";
                    Failure::new(Kind::Io, words).with_hint(hint)
                })?;
                Sink::File(path, file)
            }
        };
        if let Sink::Syslog(syslog) = &sink {
            syslog.reach()?;
        }
        let format = format.unwrap_or(Format::Text);
        Ok(Some(Self { sink, format }))
    }

    /// Writes a line.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn write(&self, entry: &Entry<'_>) -> failure::Result<()> {
        match &self.sink {
            Sink::Syslog(syslog) => syslog.write(entry, self.format),
            Sink::File(path, file) => {
                let mut line = entry.line(self.format);
                line.push('\n');
                let mut file = file;
                file.write_all(line.as_bytes()).map_err(|error| {
                    Failure::new(Kind::Io, format!("the log {}: {error}", path.display()))
                })
            }
        }
    }
}

/// Leaves a line about a message that was not tried, as far as the settings tell where; a log that
/// cannot be had is no news beside that.
pub(crate) fn not_tried(error: &anyhow::Error, settings: &Settings<'_>, console: &Console) {
    let Ok(Some(log)) = Log::open(settings) else {
        return;
    };
    let entry = Entry {
        time: SystemTime::now(),
        user: None,
        result: &json::Result::failed(error),
    };
    console.keep(log.write(&entry));
}

impl Entry<'_> {
    fn line(&self, format: Format) -> String {
        match format {
            Format::Text => text::line(self, None),
            Format::Json => self.json(),
        }
    }

    fn json(&self) -> String {
        // Texts and numbers: nothing of it can fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl FromStr for Format {
    type Err = Failure;

    fn from_str(text: &str) -> failure::Result<Self> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => {
                let words = format!("\"{text}\" is no format of the log");
                Err(Failure::new(Kind::Usage, words).with_hint("it is text or json"))
            }
        }
    }
}

fn open_file(path: &PathBuf) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        // A pipe that nobody reads is told, not waited for.
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
        .open(path)
}

fn as_instant<S: serde::Serializer>(time: &SystemTime, to: S) -> Result<S::Ok, S::Error> {
    rfc3339(*time).serialize(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_can_share_a_log_and_the_console() {
        fn shared<T: Sync>() {}
        shared::<Log>();
        shared::<Console>();
    }
}
