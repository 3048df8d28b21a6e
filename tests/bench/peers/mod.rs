//! The programs that are compared: how each is found, and how it is made to do a job.
//!
//! A peer that is not there is named as absent. One that cannot do a kind of job (a message over TLS, several over one
//! connection) says so by calling for nothing. All that can be chosen is chosen alike: the authority trusted is in a
//! file, the certificate is verified, the mechanism is PLAIN.

mod clients;
mod libraries;
mod mailers;
mod ours;

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::content::{Content, Security};
use crate::measure::Invocation;

pub(crate) use ours::client;

/// Our own name in the tables.
pub(crate) const OURS: &str = "smtpsend";
/// Postfix's, which makes its messages up.
pub(crate) const SMTP_SOURCE: &str = "smtp-source";
/// What costs as little as a program can.
pub(crate) const FLOOR: &str = "true";

/// What a program is to do.
pub(crate) struct Job<'a> {
    /// A folder for its settings, and its home.
    pub(crate) folder: &'a Path,
    pub(crate) host: &'a str,
    /// `None` leaves it to the program to find the port.
    pub(crate) port: Option<u16>,
    pub(crate) security: Security,
    /// The authority to trust.
    pub(crate) ca: &'a Path,
    pub(crate) recipients: &'a [String],
    pub(crate) content: &'a Content,
    /// How often to send the message.
    pub(crate) count: u32,
    /// Over so many connections at most.
    pub(crate) connections: u32,
    /// Each to another recipient, of a file of rows.
    pub(crate) merged: bool,
}

impl Job<'_> {
    /// Host and port, as most programs want them.
    fn server(&self) -> Option<String> {
        Some(format!("{}:{}", self.host, self.port?))
    }

    fn secured(&self) -> bool {
        self.security != Security::None
    }

    /// Writes a file of settings that only its owner can read.
    fn private(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut open = OpenOptions::new();
        let mut file = open
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(text.as_bytes())
            .with_context(|| path.display().to_string())?;
        Ok(path)
    }
}

/// A program that is there.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) version: String,
    program: PathBuf,
    /// What makes it print its version and end, unless it is no program of its own.
    start_up: Option<&'static str>,
    #[allow(clippy::type_complexity)]
    call: fn(&Peer, &Job<'_>) -> Result<Option<Invocation>>,
}

impl Peer {
    /// How it does this job; `None` when it does no such job.
    pub(crate) fn send(&self, job: &Job<'_>) -> Result<Option<Invocation>> {
        let merges = [OURS, SMTP_SOURCE].contains(&self.name);
        if job.merged && !merges {
            return Ok(None);
        }
        (self.call)(self, job)
    }

    /// How it is only started.
    pub(crate) fn start(&self, home: &Path) -> Option<Invocation> {
        Some(self.invocation(home, [self.start_up?]))
    }

    pub(crate) fn invocation<A: Into<OsString>>(
        &self,
        home: &Path,
        arguments: impl IntoIterator<Item = A>,
    ) -> Invocation {
        Invocation {
            program: self.program.clone(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            stdin: PathBuf::from("/dev/null"),
            home: home.to_owned(),
            environment: Vec::new(),
        }
    }
}

/// A program, or why it is not there.
pub(crate) type Found = std::result::Result<Peer, (&'static str, String)>;

/// Looks for all of them. `scratch` is for what has to be built.
pub(crate) fn find(scratch: &Path) -> Vec<Found> {
    let mut found = ours::find();
    found.extend(mailers::find());
    found.extend(clients::find());
    found.extend(libraries::find(scratch));
    found
}

/// The program of this name on PATH, or where administrators' programs are.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    folders
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// A peer that is one program on PATH, whose version is the first line it prints when called with `start_up`.
#[allow(clippy::type_complexity)]
fn program(
    name: &'static str,
    start_up: &'static str,
    call: fn(&Peer, &Job<'_>) -> Result<Option<Invocation>>,
) -> Found {
    let program = on_path(name).ok_or((name, "not on PATH".to_owned()))?;
    Ok(Peer {
        name,
        version: first_line(Command::new(&program).arg(start_up)),
        program,
        start_up: Some(start_up),
        call,
    })
}

fn first_line(command: &mut Command) -> String {
    let Ok(output) = command.stdin(Stdio::null()).output() else {
        return String::new();
    };
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    said.lines().next().unwrap_or_default().trim().to_owned()
}

/// Arguments from words and other texts.
macro_rules! arguments {
    ($($argument:expr),* $(,)?) => { vec![$(std::ffi::OsString::from($argument)),*] };
}
use arguments;
