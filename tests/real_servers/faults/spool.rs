//! A queue of one's own, and the program with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tempfile::TempDir;

use super::taker::Taker;

/// A queue in a folder of its own.
pub(super) struct Spool {
    folder: TempDir,
    pub(super) path: PathBuf,
    /// The command by way of which the program is called.
    within: Vec<String>,
}

impl Spool {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("above/queue");
        Self {
            folder,
            path,
            within: Vec::new(),
        }
    }

    /// The same, of which the program is called by way of another command.
    pub(super) fn within<'a>(self, command: impl IntoIterator<Item = &'a str>) -> Self {
        let within = command.into_iter().map(String::from).collect();
        Self { within, ..self }
    }

    /// One with the same messages.
    pub(super) fn copy(&self) -> Self {
        let copy = Self {
            within: self.within.clone(),
            ..Self::new()
        };
        if self.path.exists() {
            fs::create_dir(copy.path.parent().unwrap()).unwrap();
            let copied = Command::new("cp")
                .arg("-a")
                .arg(&self.path)
                .arg(&copy.path)
                .status();
            assert!(copied.unwrap().success());
        }
        copy
    }

    /// A file for what a test has to keep.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, traced: &[String]) -> Command {
        let program = env!("CARGO_BIN_EXE_smtpsend").to_owned();
        let words = [traced, &self.within, &[program]].concat();
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("SMTPSEND_SYSTEM_CONFIG", self.folder.path().join("none"))
            .env("SMTPSEND_DNS", "127.0.0.1:1")
            .env("SMTPSEND_QUEUE_DIR", &self.path)
            .current_dir(self.folder.path());
        command
    }

    /// Queues a message with this mark, under strace when it is given.
    pub(super) fn enqueue(&self, traced: &[String], to: &str, mark: &str) -> Command {
        let mut command = self.command(traced);
        let recipient = format!("{to}@x.example");
        command.args(["--queue", "always", "--from", "a@x.example"]);
        command.args(["--to", &recipient, "--body", mark]);
        command
    }

    /// Sends what is due over one connection, under strace when it is given.
    pub(super) fn run(&self, traced: &[String], taker: &Taker) -> Command {
        self.run_over("1", traced, taker)
    }

    /// Sends what is due over so many connections.
    pub(super) fn run_over(&self, connections: &str, traced: &[String], taker: &Taker) -> Command {
        let mut command = self.command(traced);
        command.args(["queue", "run", "--connections", connections]);
        command.args([
            "--tls",
            "none",
            "--auth",
            "none",
            "--server",
            &taker.address(),
        ]);
        command
    }

    /// Makes a message due.
    pub(super) fn make_due(&self, id: &str) {
        let output = self
            .command(&[])
            .args(["queue", "retry", id])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// What the program finds in it, without a word about what it should not.
    pub(super) fn list(&self) -> Result<Vec<Value>, String> {
        let output = self
            .command(&[])
            .args(["queue", "list", "--json"])
            .output()
            .unwrap();
        if !output.status.success() || !output.stderr.is_empty() {
            return Err(format!("the queue is not whole: {}", told(&output)));
        }
        Ok(serde_json::from_slice(&output.stdout).unwrap())
    }

    /// The names in a part of it.
    pub(super) fn names(&self, part: &str) -> Vec<String> {
        let files = fs::read_dir(self.path.join(part));
        let files = files.into_iter().flatten().flatten();
        files
            .map(|file| file.file_name().into_string().unwrap())
            .collect()
    }

    /// Makes what is being written look as if it had been for hours.
    pub(super) fn age(&self) {
        let before = SystemTime::now() - Duration::from_secs(2 * 60 * 60);
        for name in self.names("tmp") {
            let file = fs::File::open(self.path.join("tmp").join(name)).unwrap();
            file.set_modified(before).unwrap();
        }
    }
}

/// What a program said, and how it ended.
pub(super) fn told(output: &Output) -> String {
    format!(
        "{}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    )
}

/// A path as a word.
pub(super) fn word(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
