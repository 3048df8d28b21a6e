//! What the user sees: lines on standard error, the transcript, and the promise that nothing that
//! prints can panic or change what happened to the message.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use crate::exit::Exit;
use crate::failure::{Failure, Kind, hints, printable};
use crate::message::{Content, unreadable};
use crate::report::Report;
use crate::route::Attempt;
use crate::smtp::{Observer, Verdict};

/// How much is said on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Volume {
    /// Nothing.
    Quiet,
    /// Failures, hints and warnings.
    Normal,
    /// The dialogue as well.
    Verbose,
}

/// Standard error, as one line after another; for several threads.
pub(crate) struct Console {
    volume: AtomicU8,
    broken: AtomicBool,
    /// What stands below the last line, on a terminal; empty for nothing.
    status: Mutex<String>,
}

/// Takes the line away in which the cursor is.
const CLEARED: &str = "\r\x1b[K";

impl Console {
    pub(crate) fn new() -> Self {
        Self {
            volume: AtomicU8::new(Volume::Normal as u8),
            broken: AtomicBool::new(false),
            status: Mutex::default(),
        }
    }

    pub(crate) fn set_volume(&self, volume: Volume) {
        self.volume.store(volume as u8, Relaxed);
    }

    pub(crate) fn is_verbose(&self) -> bool {
        self.volume.load(Relaxed) == Volume::Verbose as u8
    }

    /// Whether failures and warnings are shown, and the dialogue is not.
    pub(crate) fn is_normal(&self) -> bool {
        self.volume.load(Relaxed) == Volume::Normal as u8
    }

    /// Whether something could not be written.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.load(Relaxed)
    }

    /// One line; control characters are dropped.
    pub(crate) fn line(&self, text: &str) {
        if self.volume.load(Relaxed) != Volume::Quiet as u8 {
            // One write a line, so that lines of several programs do not mix.
            let status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
            let clearing = if status.is_empty() { "" } else { CLEARED };
            let line = format!("{clearing}{}\n{status}", printable(text));
            if io::stderr().write_all(line.as_bytes()).is_err() {
                self.broken.store(true, Relaxed);
            }
        }
    }

    /// Shows this below all lines, on a terminal, in place of what stands there; nothing takes it away.
    pub(crate) fn status(&self, text: &str) {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        if *status != text {
            text.clone_into(&mut status);
            // Whoever does not see how far it is loses nothing.
            let _ = io::stderr().write_all(format!("{CLEARED}{text}").as_bytes());
        }
    }

    /// These octets as they are, unless nothing is to be said.
    pub(crate) fn octets(&self, octets: &[u8]) {
        if self.volume.load(Relaxed) != Volume::Quiet as u8
            && io::stderr().write_all(octets).is_err()
        {
            self.broken.store(true, Relaxed);
        }
    }

    /// What was to be kept about a message whose fate is settled, and was lost if this is a failure.
    pub(crate) fn keep(&self, written: crate::failure::Result<()>) {
        if let Err(failure) = written {
            self.warning(&format!(
                "{}; what became of the message stands all the same",
                failure.message
            ));
            self.broken.store(true, Relaxed);
        }
    }

    /// A failure that stands alone, and what to do about it.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        self.line(&format!("smtpsend: {error:#}"));
        if let Some(hint) = error
            .downcast_ref::<Failure>()
            .and_then(|failure| failure.hint.as_deref())
        {
            self.line(&format!("hint: {hint}"));
        }
    }

    /// That nothing was sent, since exit 0 alone would say that it was; and who was accepted.
    fn stopped(&self, report: &Report) {
        let Some(stage) = report.stopped_after() else {
            return;
        };
        let rung = report.server.as_ref().map(|peer| &peer.rung);
        for (address, verdict) in &report.recipients {
            if let (Verdict::Stopped { .. }, Some(reply), Some(rung)) =
                (verdict, verdict.reply(), rung)
            {
                self.line(&format!("smtpsend: {rung}: RCPT <{address}>: {reply}"));
            }
        }
        self.line(&format!(
            "smtpsend: stopped after {stage}, as asked: nothing was sent"
        ));
    }

    /// Each failure in the report on a line, hints below, each once.
    pub(crate) fn report(&self, report: &Report) {
        let failures = report.failures();
        self.stopped(report);
        if failures.is_empty() {
            if self.is_verbose() && report.stopped_after().is_none() {
                self.line(&format!(
                    "smtpsend: accepted for {}",
                    recipients(report.recipients.len())
                ));
            }
            return;
        }
        // Where no server was reached each rung says why; the deciding one is among them.
        let attempts: &[Attempt] = match &report.server {
            None => &report.attempts,
            Some(_) => &[],
        };
        self.reasons(attempts, &failures);
        self.hints(report.hints());
        self.queued(report);
    }

    /// Each failure in the report of a queued message on a line with its id; below, what to do about it
    /// and about what keeps it there.
    pub(crate) fn about(
        &self,
        id: impl std::fmt::Display,
        report: &Report,
        obstacle: Option<&Failure>,
    ) {
        for failure in report.failures() {
            self.line(&format!("smtpsend: {id}: {failure}"));
        }
        // What is put off is tried again without anybody's doing.
        let is_mendable =
            |failure: &&Failure| !matches!(failure.kind, Kind::Temporary | Kind::Uncertain);
        let failures = report.failures().into_iter().filter(is_mendable);
        self.hints(hints(failures.chain(obstacle)));
    }

    /// That the message waits in the queue, and for whom.
    pub(crate) fn queued(&self, report: &Report) {
        if let Some(id) = &report.queued {
            let whom = recipients(report.open().len());
            self.line(&format!("smtpsend: queued as {id} for {whom}"));
        }
    }

    /// Why each of these attempts and whatever else failed, each once, and hints below.
    pub(crate) fn failures(&self, attempts: &[Attempt], failures: &[&Failure]) {
        self.reasons(attempts, failures);
        self.hints(hints(failures.iter().copied()));
    }

    fn reasons(&self, attempts: &[Attempt], failures: &[&Failure]) {
        let say = |failure: &Failure| self.line(&format!("smtpsend: {failure}"));
        let mut said: Vec<&Failure> = Vec::new();
        for failure in attempts
            .iter()
            .filter_map(|attempt| attempt.failure.as_ref())
        {
            if !said.contains(&failure) {
                say(failure);
                said.push(failure);
            }
        }
        for failure in failures {
            if !said.iter().any(|rung| rung.message == failure.message) {
                say(failure);
            }
        }
    }

    fn hints(&self, hints: Vec<String>) {
        for hint in hints {
            self.line(&format!("hint: {hint}"));
        }
    }
}

pub(crate) fn recipients(count: usize) -> String {
    if count == 1 {
        "1 recipient".to_owned()
    } else {
        format!("{count} recipients")
    }
}

impl Observer for Console {
    fn sent(&self, line: &str) {
        if self.is_verbose() {
            self.line(&format!("C: {line}"));
        }
    }

    fn received(&self, line: &str) {
        if self.is_verbose() {
            self.line(&format!("S: {line}"));
        }
    }

    fn note(&self, text: &str) {
        if self.is_verbose() {
            self.line(&format!("smtpsend: {text}"));
        }
    }

    fn warning(&self, text: &str) {
        self.line(&format!("smtpsend: warning: {text}"));
    }
}

/// Writes to standard output and makes sure it left.
///
/// # Errors
/// `Io` when it cannot be written: a closed pipe, a full disk.
pub(crate) fn to_stdout(
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> crate::failure::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    write(&mut out)
        .and_then(|()| out.flush())
        .map_err(|error| Failure::new(Kind::Io, format!("standard output: {error}")))
}

/// Writes a text and a message to standard output.
///
/// # Errors
/// As [`to_stdout`], and when the message cannot be read where it is kept.
pub(crate) fn content_to_stdout(before: &str, content: &Content) -> crate::failure::Result<()> {
    let mut reader = content.reader();
    let mut unread = None;
    to_stdout(|out| {
        out.write_all(before.as_bytes())?;
        loop {
            match reader.next_chunk() {
                Ok(Some(chunk)) => out.write_all(chunk)?,
                Ok(None) => return Ok(()),
                Err(error) => {
                    unread = Some(error);
                    return Ok(());
                }
            }
        }
    })?;
    match unread {
        Some(error) => Err(unreadable(&error).at("the message cannot be read any more")),
        None => Ok(()),
    }
}

/// The exit code once all was said: output that was lost turns success into 74 and hides no
/// other failure.
pub(crate) fn after_output(exit: Exit, console: &Console) -> Exit {
    if exit == Exit::Ok && console.is_broken() {
        Exit::IoErr
    } else {
        exit
    }
}
