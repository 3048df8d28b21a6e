//! What is told of a command that was run: the subject, and the text of the mail.
//!
//! Owns the order: first what somebody who is woken by it wants to know, then what the command printed.

use std::ffi::OsString;

use super::command::Ran;
use super::readable::readable;
use super::recording::{FILE_NAME, File, Recorded};
use crate::cli::host::{HostName, user_name};
use crate::cli::settings::Environment;
use crate::clock::in_words;
use crate::failure::printable;
use crate::message::Date;

/// Characters of the command that stand in the subject, at most.
const SUBJECT_MAX: usize = 80;

/// What is told.
pub(super) struct Report<'r> {
    /// The command as one would type it.
    command: String,
    ran: &'r Ran,
    pub(super) output: &'r Recorded,
    pub(super) host: HostName,
    user: String,
    folder: String,
}

/// Whether the output goes along in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Along {
    /// As far as it could be kept.
    File,
    /// Not, because the server does not take so much.
    Nothing,
}

impl<'r> Report<'r> {
    /// Of this command.
    pub(super) fn new(
        words: &[OsString],
        ran: &'r Ran,
        output: &'r Recorded,
        environment: Environment<'_>,
    ) -> Self {
        let folder = std::env::current_dir();
        let folder = folder.map(|folder| folder.display().to_string());
        Self {
            command: shell_words::join(words.iter().map(|word| word.to_string_lossy())),
            ran,
            output,
            host: HostName::of_this_machine(),
            user: user_name(environment),
            folder: folder.unwrap_or_else(|error| error.to_string()),
        }
    }

    /// `FAILED (exit 3): backup --full on web1`.
    pub(super) fn subject(&self) -> String {
        let brief = self.ran.status.in_brief(self.ran.wrote_error);
        let mut command = printable(&self.command);
        if let Some((end, _)) = command.char_indices().nth(SUBJECT_MAX) {
            command.truncate(end);
            // Not one character, which would need an encoded word.
            command += "...";
        }
        let host = self.host.as_str().split('.').next().unwrap_or_default();
        format!("{brief}: {command} on {host}")
    }

    /// The text of the mail.
    pub(super) fn text(&self, along: Along) -> String {
        let mut text = self.facts();
        let Recorded {
            head,
            tail,
            left_out,
            ..
        } = self.output;
        if self.output.size == 0 {
            return text + "It printed nothing.\n";
        }
        let head = readable(head);
        let tail = readable(tail);
        if *left_out == 0 && !(head.is_exact && tail.is_exact) {
            text += &self.note_on_changes(along);
        }
        text += &format!("Output ({} octets):\n\n", self.output.size);
        text += &head.text;
        if *left_out > 0 {
            text += &format!("\n{}\n\n", self.note_on_what_is_left_out(along));
        }
        text + &tail.text
    }

    /// The same for standard error: the output as it was, if it is wanted.
    pub(super) fn printed(&self, with_output: bool) -> Vec<u8> {
        let mut octets = printable_lines(&self.facts()).into_bytes();
        if with_output && self.output.size > 0 {
            octets.extend_from_slice(&self.output.head);
            if self.output.left_out > 0 {
                let note = format!("\n[{} octets are left out here]\n", self.output.left_out);
                octets.extend_from_slice(note.as_bytes());
            }
            octets.extend_from_slice(&self.output.tail);
            if octets.last() != Some(&b'\n') {
                octets.push(b'\n');
            }
        }
        octets
    }

    /// All but the output, and an empty line.
    fn facts(&self) -> String {
        let Ran { status, took, .. } = self.ran;
        let mut ended = status.in_words();
        if status.is_success() && self.ran.wrote_error {
            ended += ", with output on standard error";
        }
        let started = Date::at(self.ran.started).map(|date| date.to_string());
        let mut text = String::new();
        for (name, value) in [
            ("Command:", &*self.command),
            ("Status:", &ended),
            ("Duration:", &in_words(*took)),
            ("Started:", &started.unwrap_or_default()),
            ("Host:", self.host.as_str()),
            ("User:", &self.user),
            ("Directory:", &self.folder),
        ] {
            text += &format!("{name:<10} {value}\n");
        }
        if let Some(error) = &self.ran.unread {
            text += &format!("\nIts output could not be read to the end: {error}\n");
        }
        text + "\n"
    }

    fn note_on_changes(&self, along: Along) -> String {
        let words = "Characters that cannot be shown are left out or replaced below";
        match &self.output.file {
            Some(File::Whole(_)) if along == Along::File => {
                format!("{words}; {FILE_NAME} has all as it was.\n\n")
            }
            _ => format!("{words}.\n\n"),
        }
    }

    fn note_on_what_is_left_out(&self, along: Along) -> String {
        let words = format!("[{} octets are left out here", self.output.left_out);
        match &self.output.file {
            _ if along == Along::Nothing => {
                format!("{words}: the server takes no message with all of them]")
            }
            Some(File::Whole(_)) => format!("{words}: {FILE_NAME} has all of the output]"),
            Some(File::First(size, _)) => {
                format!("{words}: {FILE_NAME} has the first {size} octets of the output]")
            }
            Some(File::Lost(why)) => format!("{words}, and lost: {why}]"),
            None => format!("{words}]"),
        }
    }
}

/// Without what could steer a terminal.
fn printable_lines(text: &str) -> String {
    let lines = text.lines().map(printable);
    lines.flat_map(|line| [line, "\n".to_owned()]).collect()
}
