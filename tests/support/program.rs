//! Runs the real program and holds what it did against what was expected.
//!
//! Unless told otherwise a run must exit 0 and print nothing, so that stray output fails. The
//! environment is empty but for PATH, HOME (a fresh folder) and TZ=UTC.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use super::server::Server;

/// Output that is still open so long after the program ended belongs to a child it left behind.
const LAST_OUTPUT: Duration = Duration::from_secs(5);

/// A call of the program and what must come of it.
#[must_use]
pub struct Smtpsend {
    program: PathBuf,
    name: Option<OsString>,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    stdin: Option<Vec<u8>>,
    folder: Option<PathBuf>,
    home: TempDir,
    limit: Duration,
    code: i32,
    stdout: Expected,
    stderr: Expected,
}

#[derive(Default)]
struct Expected {
    text: Text,
    has: Vec<String>,
    lacks: Vec<String>,
}

#[derive(Default)]
enum Text {
    #[default]
    Nothing,
    Anything,
    Exactly(Vec<u8>),
}

/// What a run that met its expectations has left.
pub struct Output {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// The run's HOME, gone when this is dropped.
    pub home: TempDir,
}

impl Smtpsend {
    /// The program as built for these tests.
    pub fn new() -> Self {
        match option_env!("CARGO_BIN_EXE_smtpsend") {
            Some(path) => Self::at(path),
            None => panic!("only integration tests know the program; name it with Smtpsend::at"),
        }
    }

    pub fn at(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            name: None,
            args: Vec::new(),
            env: Vec::new(),
            stdin: None,
            folder: None,
            home: tempfile::tempdir().unwrap(),
            limit: Duration::from_secs(60),
            code: 0,
            stdout: Expected::default(),
            stderr: Expected::default(),
        }
    }

    /// The name by which it is called, as by a symbolic link: `sendmail`, `mailq`.
    pub fn called(mut self, name: impl Into<OsString>) -> Self {
        self.name = Some(name.into());
        self
    }

    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// `--server localhost:PORT --ca-file CA`, for a server that says STARTTLS.
    pub fn server(self, server: &Server) -> Self {
        self.arg("--server")
            .arg(format!("localhost:{}", server.port()))
            .arg("--ca-file")
            .arg(super::certs::ca_pem())
    }

    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Default: stdin is empty (`/dev/null`).
    pub fn stdin(mut self, octets: impl AsRef<[u8]>) -> Self {
        self.stdin = Some(octets.as_ref().to_vec());
        self
    }

    /// The working directory; default the one of the test.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// The folder that will be HOME; to fill before the run, or to hand to a second one by
    /// [`env`](Self::env).
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The longest the run may take; default 60 s.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    pub fn fails_with(mut self, code: i32) -> Self {
        self.code = code;
        self
    }

    pub fn stdout_is(mut self, text: impl AsRef<[u8]>) -> Self {
        self.stdout.text = Text::Exactly(text.as_ref().to_vec());
        self
    }

    pub fn stdout_has(mut self, text: impl Into<String>) -> Self {
        self.stdout.has.push(text.into());
        self
    }

    pub fn stdout_any(mut self) -> Self {
        self.stdout.text = Text::Anything;
        self
    }

    pub fn stderr_is(mut self, text: impl AsRef<[u8]>) -> Self {
        self.stderr.text = Text::Exactly(text.as_ref().to_vec());
        self
    }

    pub fn stderr_has(mut self, text: impl Into<String>) -> Self {
        self.stderr.has.push(text.into());
        self
    }

    /// Forbids a text, and allows any other.
    pub fn stderr_lacks(mut self, text: impl Into<String>) -> Self {
        self.stderr.lacks.push(text.into());
        self
    }

    pub fn stderr_any(mut self) -> Self {
        self.stderr.text = Text::Anything;
        self
    }

    /// # Panics
    /// When an expectation is not met, with the command, its input and all that it printed.
    #[track_caller]
    pub fn run(self) -> Output {
        let mut command = self.command();
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => panic!("{}: {error}", self.program.display()),
        };
        let group = Pid::from_child(&child);
        if let (Some(mut pipe), Some(octets)) = (child.stdin.take(), self.stdin.clone()) {
            // The program may end before it has read everything; that is its business.
            std::thread::spawn(move || pipe.write_all(&octets));
        }
        let stdout = Collected::from(child.stdout.take());
        let stderr = Collected::from(child.stderr.take());
        let (done, ended) = channel();
        std::thread::spawn(move || done.send(child.wait()));
        let mut problems = Vec::new();
        let status = match ended.recv_timeout(self.limit) {
            Ok(status) => status.unwrap(),
            Err(_) => {
                problems.push(format!("it had not ended after {:?}", self.limit));
                let _ = kill_process_group(group, Signal::KILL);
                ended.recv().unwrap().unwrap()
            }
        };
        let (stdout, stderr) = (stdout.finish(), stderr.finish());
        if status.code() != Some(self.code) {
            problems.push(format!("exit {} was expected, {status} came", self.code));
        }
        self.stdout.check("stdout", &stdout, &mut problems);
        self.stderr.check("stderr", &stderr, &mut problems);
        if !problems.is_empty() {
            panic!("{}", self.report(&problems, status, &stdout, &stderr));
        }
        Output {
            code: self.code,
            stdout,
            stderr,
            home: self.home,
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("TZ", "UTC")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(match self.stdin {
                Some(_) => Stdio::piped(),
                None => Stdio::null(),
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        if let Some(name) = &self.name {
            command.arg0(name);
        }
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
    }

    fn report(&self, problems: &[String], status: ExitStatus, out: &[u8], err: &[u8]) -> String {
        let mut report = problems.join("\n");
        let mut command = String::new();
        for (name, value) in &self.env {
            let _ = write!(command, "{}={} ", name.display(), quoted(value));
        }
        let _ = write!(command, "{}", self.program.display());
        if let Some(name) = &self.name {
            let _ = write!(command, " (called {})", name.display());
        }
        for arg in &self.args {
            let _ = write!(command, " {}", quoted(arg));
        }
        let stdin = self.stdin.as_deref().unwrap_or_default();
        for (title, text) in [
            ("command", command.as_bytes()),
            ("stdin", stdin),
            ("status", status.to_string().as_bytes()),
            ("stdout", out),
            ("stderr", err),
        ] {
            let text = String::from_utf8_lossy(text);
            let _ = write!(report, "\n--- {title} ---\n{text}");
        }
        report
    }
}

impl Output {
    #[track_caller]
    pub fn stdout(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("stdout is not UTF-8")
    }

    #[track_caller]
    pub fn stderr(&self) -> &str {
        std::str::from_utf8(&self.stderr).expect("stderr is not UTF-8")
    }

    /// What `--json` printed.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        match serde_json::from_slice(&self.stdout) {
            Ok(value) => value,
            Err(error) => panic!("not JSON: {error}\n{}", self.stdout()),
        }
    }
}

impl Expected {
    fn check(&self, name: &str, octets: &[u8], problems: &mut Vec<String>) {
        let text = String::from_utf8_lossy(octets);
        match &self.text {
            Text::Exactly(expected) if expected != octets => {
                let expected = String::from_utf8_lossy(expected);
                problems.push(format!("{name} is not exactly:\n{expected}"));
            }
            Text::Nothing if self.has.is_empty() && self.lacks.is_empty() && !octets.is_empty() => {
                problems.push(format!("{name} is not empty"));
            }
            _ => {}
        }
        for part in self.has.iter().filter(|part| !text.contains(*part)) {
            problems.push(format!("{name} lacks: {part}"));
        }
        for part in self.lacks.iter().filter(|part| text.contains(*part)) {
            problems.push(format!("{name} has: {part}"));
        }
    }
}

/// An output read in the background, so that no full pipe holds the program up.
struct Collected {
    octets: Arc<Mutex<Vec<u8>>>,
    ended: Receiver<()>,
}

impl Collected {
    fn from(pipe: Option<impl Read + Send + 'static>) -> Self {
        let octets = Arc::new(Mutex::new(Vec::new()));
        let (done, ended) = channel();
        let sink = Arc::clone(&octets);
        std::thread::spawn(move || {
            let mut part = [0; 16 << 10];
            let mut pipe = pipe;
            while let Some(Ok(count @ 1..)) = pipe.as_mut().map(|pipe| pipe.read(&mut part)) {
                sink.lock().unwrap().extend_from_slice(&part[..count]);
            }
            let _ = done.send(());
        });
        Self { octets, ended }
    }

    fn finish(self) -> Vec<u8> {
        let _ = self.ended.recv_timeout(LAST_OUTPUT);
        std::mem::take(&mut self.octets.lock().unwrap())
    }
}

fn quoted(text: &OsStr) -> String {
    let text = text.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
