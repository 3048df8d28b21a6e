//! A Debian without a mail server on which the program is sendmail, and the Postfix that its mail goes to.
//!
//! `tests/servers/callers.sh` makes it of what `install.sh` put down, each time anew, but for what the test changed on it.

use crate::mailbox::Mailbox;
use crate::message;
use crate::server::{self, Recipe, Scene};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

/// Ends what does not end by itself (exit 137): longer than any caller waits for anything.
const PATIENCE: &str = "60";

pub(crate) struct Host {
    scene: Scene,
}

/// What has to have arrived: one message, with the subject as it stands in the header.
pub(crate) struct Letter<'a> {
    pub(crate) subject: &'a str,
    pub(crate) sender: &'a str,
    pub(crate) recipients: &'a [&'a str],
    /// Lines of the header.
    pub(crate) fields: &'a [&'a str],
    /// In the decoded body, somewhere.
    pub(crate) body: &'a str,
}

/// Processes of the host that end when this is dropped.
pub(crate) struct Daemon(Child);

impl Host {
    /// With these lines at the end of the settings for all users, or says why that cannot be.
    pub(crate) fn with(settings: &str) -> Option<Self> {
        let scene = Scene::with(Recipe::Postfix)?;
        let host = Self { scene };
        let installed = host.enter(&["true"], "");
        match installed.status.code() {
            Some(0) => {}
            Some(69) => {
                server::not_run(
                    "the callers of sendmail are not installed (tests/servers/install.sh installs them)",
                );
                return None;
            }
            _ => panic!("{}", said(&installed)),
        }
        let port = host.scene.ports().starttls;
        let authority = std::fs::read_to_string(host.scene.ca_file()).unwrap();
        host.put("/etc/smtpsend/ca.pem", "0644", &authority);
        let settings = format!(
            "server = 'localhost:{port}'\ntls = 'starttls'\nca-file = 'ca.pem'\n\
             user = 'bench'\npassword = 'secret'\n{settings}"
        );
        // Those who may send are of this group.
        host.put("/etc/smtpsend/config.toml", "0640", &settings);
        Some(host)
    }

    /// Writes a file, of root and the group mail.
    pub(crate) fn put(&self, path: &str, mode: &str, text: &str) {
        let install = [
            "install",
            "-D",
            "-g",
            "mail",
            "-m",
            mode,
            "/dev/stdin",
            path,
        ];
        let output = self.enter(&install, text);
        assert!(output.status.success(), "{path}: {}", said(&output));
    }

    /// Runs a script of the shell as `user`, in their home and with nothing of ours in the environment, and asserts
    /// that it succeeds.
    pub(crate) fn run(&self, user: &str, script: &str) {
        let output = self.enter(&words(user, script), "");
        assert!(output.status.success(), "{script}\n{}", said(&output));
    }

    /// Starts a script like [`Self::run`], and leaves it running.
    pub(crate) fn start(&self, user: &str, script: &str) -> Daemon {
        let mut command = Command::new(recipe("callers.sh"));
        let command = self.here(&mut command).args(words(user, script));
        let silent = command.stdout(Stdio::null()).stderr(Stdio::null());
        Daemon(silent.spawn().unwrap())
    }

    /// Boots systemd to `unit`, until a unit ends it, and asserts that it did so for its success.
    pub(crate) fn boot(&self, unit: &str) {
        let output = self.enter_by("boot.sh", &[unit], "");
        assert!(output.status.success(), "{}", said(&output));
    }

    /// Asserts that this arrived, from nobody else and for nobody else, and gives a recipient's copy back.
    pub(crate) fn has_sent(&self, letter: &Letter<'_>) -> String {
        let mark = format!("\nSubject: {}\n", letter.subject);
        let recipients: Vec<String> = letter.recipients.iter().map(ToString::to_string).collect();
        let copies = self.mailbox().wait_for_recipients(&mark, &recipients);
        assert_eq!(copies.len(), recipients.len(), "sent twice");
        let path = format!("Return-Path: <{}>", letter.sender);
        for copy in &copies {
            let text = String::from_utf8_lossy(copy);
            let header: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).collect();
            for field in letter.fields.iter().chain([&&*path]) {
                assert!(header.contains(field), "{field:?} is missing\n{text}");
            }
            let decoded = message::decode(copy);
            assert_eq!(decoded.bcc, "", "{text}");
            assert!(decoded.body.contains(letter.body), "{text}");
        }
        String::from_utf8_lossy(&copies[0]).into_owned()
    }

    pub(crate) fn mailbox(&self) -> Mailbox {
        self.scene.mailbox()
    }

    fn enter(&self, command: &[&str], stdin: &str) -> Output {
        self.enter_by("callers.sh", command, stdin)
    }

    fn enter_by(&self, script: &str, words: &[&str], stdin: &str) -> Output {
        let mut command = Command::new("timeout");
        command
            .args(["--signal=KILL", PATIENCE])
            .arg(recipe(script));
        let mut child = self
            .here(&mut command)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // What does not read it ends with an error of its own.
        let mut input = child.stdin.take().unwrap();
        input.write_all(stdin.as_bytes()).ok();
        drop(input);
        child.wait_with_output().unwrap()
    }

    fn here<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .arg(self.scene.directory().join("host"))
            .arg(env!("CARGO_BIN_EXE_smtpsend"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn words<'a>(user: &'a str, script: &'a str) -> [&'a str; 12] {
    [
        "setpriv",
        "--reuid",
        user,
        "--regid",
        user,
        "--init-groups",
        "--reset-env",
        "env",
        "LC_ALL=C.UTF-8",
        "sh",
        "-ec",
        script,
    ]
}

fn recipe(script: &str) -> PathBuf {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers");
    directory.join(script)
}

fn said(output: &Output) -> String {
    format!(
        "{}\nstdout: {}\nstderr: {}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
