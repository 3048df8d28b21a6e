//! Runs the real program and holds what it did against what was expected.
//!
//! Unless told otherwise a run must exit 0 and print nothing, so that stray output fails. The
//! environment is empty but for PATH, HOME (a fresh folder), TZ=UTC, no system file of
//! settings, and no DNS server.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tempfile::TempDir;

use super::printed::{Collected, Expected, Output, Text};
use super::server::Server;

/// A call of the program and what must come of it.
#[must_use]
pub struct Smtpsend {
    program: PathBuf,
    name: Option<OsString>,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    stdin: Input,
    sink: Option<Stdio>,
    folder: Option<PathBuf>,
    home: TempDir,
    limit: Duration,
    code: Option<i32>,
    stdout: Expected,
    stderr: Expected,
}

/// Writes a file that nobody else can read.
pub fn write_privately(path: &Path, text: &str) {
    let mut options = std::fs::OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path);
    file.unwrap().write_all(text.as_bytes()).unwrap();
}

/// A call that was begun.
#[must_use]
pub struct Running {
    call: Smtpsend,
    group: Pid,
    ended: Receiver<std::io::Result<ExitStatus>>,
    _open: Option<ChildStdin>,
    stdout: Collected,
    stderr: Collected,
}

impl Running {
    /// Sends a signal, unless it has ended.
    pub fn signal(&self, signal: Signal) {
        let _ = kill_process(self.group, signal);
    }

    /// # Panics
    /// As [`Smtpsend::run`].
    #[track_caller]
    pub fn ends(self) -> Output {
        let Self {
            call,
            group,
            ended,
            _open: open,
            ..
        } = self;
        let mut problems = Vec::new();
        let status = match ended.recv_timeout(call.limit) {
            Ok(status) => status.unwrap(),
            Err(_) => {
                problems.push(format!("it had not ended after {:?}", call.limit));
                let _ = kill_process_group(group, Signal::KILL);
                ended.recv().unwrap().unwrap()
            }
        };
        drop(open);
        let (stdout, stderr) = (self.stdout.finish(), self.stderr.finish());
        if status.code() != call.code {
            let expected = call
                .code
                .map_or("a signal".to_owned(), |code| format!("exit {code}"));
            problems.push(format!("{expected} was expected, {status} came"));
        }
        call.stdout.check("stdout", &stdout, &mut problems);
        call.stderr.check("stderr", &stderr, &mut problems);
        if !problems.is_empty() {
            panic!("{}", call.report(&problems, status, &stdout, &stderr));
        }
        Output {
            code: call.code.unwrap_or(-1),
            stdout,
            stderr,
            home: call.home,
        }
    }
}

/// The program as built for these tests.
pub(super) fn program() -> &'static str {
    match option_env!("CARGO_BIN_EXE_smtpsend") {
        Some(path) => path,
        None => panic!("only integration tests know the program; name it with Smtpsend::at"),
    }
}

enum Input {
    Nothing,
    File(File),
    Octets(Vec<u8>),
    NeverEnding,
}

impl Smtpsend {
    /// The program as built for these tests.
    pub fn new() -> Self {
        Self::at(program())
    }

    pub fn at(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            name: None,
            args: Vec::new(),
            env: Vec::new(),
            stdin: Input::Nothing,
            sink: None,
            folder: None,
            home: tempfile::tempdir().unwrap(),
            limit: Duration::from_secs(60),
            code: Some(0),
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

    /// `--server 127.0.0.1:PORT --ca-file CA`, so TLS by STARTTLS unless `--tls` says otherwise.
    pub fn server(self, server: &Server) -> Self {
        self.arg("--server")
            .arg(server.addr().to_string())
            .arg("--ca-file")
            .arg(super::certs::ca_pem())
    }

    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Default: stdin is empty (`/dev/null`).
    pub fn stdin(mut self, octets: impl AsRef<[u8]>) -> Self {
        self.stdin = Input::Octets(octets.as_ref().to_vec());
        self
    }

    /// A stdin that is this file, from where it is open.
    pub fn stdin_from(mut self, file: &File) -> Self {
        self.stdin = Input::File(file.try_clone().unwrap());
        self
    }

    /// A stdin which stays open and never says anything.
    pub fn stdin_never_ends(mut self) -> Self {
        self.stdin = Input::NeverEnding;
        self
    }

    /// Where stdout goes instead of being collected: a file, `/dev/full`, a pipe without a reader.
    pub fn stdout_to(mut self, sink: impl Into<Stdio>) -> Self {
        self.sink = Some(sink.into());
        self
    }

    /// The working directory; default the one of the test.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Run by another program, which gets these arguments, then this one's name and its own.
    pub fn through(mut self, program: &str, args: &[&str]) -> Self {
        let own = std::mem::replace(&mut self.program, program.into());
        let given = args.iter().map(OsString::from).chain([own.into()]);
        self.args = given.chain(self.args).collect();
        self
    }

    /// The user's settings file, readable by its owner alone.
    pub fn settings(self, text: impl AsRef<str>) -> Self {
        let folder = self.home().join(".config/smtpsend");
        std::fs::create_dir_all(&folder).unwrap();
        write_privately(&folder.join("config.toml"), text.as_ref());
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
        self.code = Some(code);
        self
    }

    /// A signal ends it by its default action.
    pub fn dies_of_a_signal(mut self) -> Self {
        self.code = None;
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
        self.start().ends()
    }

    /// The same in two parts, for a test that does something meanwhile.
    #[track_caller]
    pub fn start(mut self) -> Running {
        let mut command = self.command();
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => panic!("{}: {error}", self.program.display()),
        };
        let group = Pid::from_child(&child);
        let open = match (child.stdin.take(), &self.stdin) {
            (Some(mut pipe), Input::Octets(octets)) => {
                let octets = octets.clone();
                // The program may end before it has read everything; that is its business.
                std::thread::spawn(move || pipe.write_all(&octets));
                None
            }
            (pipe, _) => pipe,
        };
        let stdout = Collected::from(child.stdout.take());
        let stderr = Collected::from(child.stderr.take());
        let (done, ended) = channel();
        std::thread::spawn(move || done.send(child.wait()));
        Running {
            call: self,
            group,
            ended,
            _open: open,
            stdout,
            stderr,
        }
    }

    fn command(&mut self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("TZ", "UTC")
            .env(
                "SMTPSEND_SYSTEM_CONFIG",
                self.home.path().join("system.toml"),
            )
            // Nobody answers there.
            .env("SMTPSEND_DNS", "127.0.0.1:1")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(match &self.stdin {
                Input::Nothing => Stdio::null(),
                Input::File(file) => file.try_clone().unwrap().into(),
                Input::Octets(_) | Input::NeverEnding => Stdio::piped(),
            })
            .stdout(self.sink.take().unwrap_or_else(Stdio::piped))
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
        let stdin = match &self.stdin {
            Input::Nothing => b"".as_slice(),
            Input::File(_) => b"(a file)",
            Input::Octets(octets) => octets.as_slice(),
            Input::NeverEnding => b"(never ends)",
        };
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

fn quoted(text: &OsStr) -> String {
    let text = text.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
