//! Running the program, and what came of it.

use serde_json::Value;
use std::fmt;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How the connection to the server is secured.
#[derive(Clone, Copy)]
pub(crate) enum Security {
    Starttls,
    Implicit,
    None,
}

/// One run of the program that has ended.
pub(crate) struct Run {
    arguments: Vec<String>,
    pub(crate) exit: Option<i32>,
    pub(crate) took: Duration,
    pub(crate) stdout: String,
    stderr: String,
}

/// Runs the program with `--json` and `stdin`, in an environment that holds nothing of ours but PATH; it is
/// ended (exit 124) when it takes more than a minute.
pub(crate) fn smtpsend(home: &Path, password: &str, arguments: &[String], stdin: &[u8]) -> Run {
    smtpsend_within(&[], home, password, arguments, stdin)
}

/// The same as [`smtpsend`], called by way of another command (`ip netns exec NAME`).
pub(crate) fn smtpsend_within(
    prefix: &[&str],
    home: &Path,
    password: &str,
    arguments: &[String],
    stdin: &[u8],
) -> Run {
    let mut words = prefix.to_vec();
    words.extend(["timeout", "60", env!("CARGO_BIN_EXE_smtpsend")]);
    let started = Instant::now();
    let mut child = Command::new(words[0])
        .args(&words[1..])
        .args(arguments)
        .arg("--json")
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("SMTPSEND_PASSWORD", password)
        .current_dir(home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let output: Output = std::thread::scope(|scope| {
        // A program that ends without reading all of it is judged by its exit, not by the broken pipe.
        scope.spawn(move || input.write_all(stdin).ok());
        child.wait_with_output().unwrap()
    });
    Run {
        arguments: arguments.to_vec(),
        exit: output.status.code(),
        took: started.elapsed(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Run {
    /// Asserts the exit code and the status that stdout's JSON names.
    pub(crate) fn expect(&self, exit: i32, status: &str) {
        assert_eq!(self.exit, Some(exit), "{self}");
        assert_eq!(self.json()["status"], status, "{self}");
        assert_eq!(self.json()["exit"], exit, "{self}");
    }

    /// The object that was written to stdout.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is not JSON: {error}\n{self}"))
    }

    /// With `-v`: what was said in turn after the last EHLO had its reply, each line with who said it.
    pub(crate) fn dialogue(&self) -> Vec<&str> {
        let said = |line: &&str| line.starts_with("C: ") || line.starts_with("S: ");
        let lines: Vec<&str> = self.stderr.lines().filter(said).collect();
        let ehlo = lines.iter().rposition(|line| line.starts_with("C: EHLO "));
        let after = &lines[ehlo.expect("the transcript has an EHLO") + 1..];
        let offers = after.iter().take_while(|line| line.starts_with("S: 250"));
        after[offers.count()..].to_vec()
    }

    /// What became of one recipient.
    pub(crate) fn recipient(&self, address: &str) -> String {
        let json = self.json();
        let found = json["recipients"]
            .as_array()
            .and_then(|all| all.iter().find(|one| one["address"] == address));
        match found.and_then(|one| one["status"].as_str()) {
            Some(status) => status.to_owned(),
            None => panic!("{address} is not among the recipients\n{self}"),
        }
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "smtpsend {:?}", self.arguments)?;
        writeln!(f, "exit: {:?} after {:?}", self.exit, self.took)?;
        writeln!(f, "stdout: {}", self.stdout)?;
        write!(f, "stderr: {}", self.stderr)
    }
}
