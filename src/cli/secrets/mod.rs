//! Where a secret comes from, and reading it from there.
//!
//! Of the layers of settings (flags, environment, profile, defaults, system) the first that names a
//! source wins; two named by flags contradict each other. Within a layer the order is: descriptor,
//! file, command, value, token command. Where no layer names one: a systemd credential, `~/.netrc`,
//! a prompt. Nothing comes from the command line, where every user of the machine sees it, and no
//! error repeats what was read.

mod bounded;
mod command;
mod descriptor;
mod file;
mod netrc;
mod process;
mod prompt;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use self::command::Command;
use self::descriptor::Descriptor;
use self::file::Readers;
use super::settings::Environment;
use crate::failure::{Failure, Kind, Result, printable};
use crate::secret::Secret;

/// Variables that hold a secret, or an URL in which one may stand: no program that is started gets
/// them.
pub(crate) const SECRET_VARIABLES: [&str; 2] = ["SMTPSEND_PASSWORD", "SMTPSEND_PROXY"];

/// From here on there is a secret in memory: no core file, and no other process of this user
/// reads it.
pub(crate) fn keep_out_of_core_files() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // Where the kernel refuses, sending mail still works as it did.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// All of a file that only its owner may be able to read, such as one with a private key; below
/// `$CREDENTIALS_DIRECTORY` systemd sees to that.
///
/// # Errors
/// `Input` when it cannot be read, `Config` when others can read it or it has more than 64 KiB.
pub(crate) fn private_file(
    path: &Path,
    environment: Environment<'_>,
    deadline: Option<Instant>,
) -> Result<Secret> {
    file::read_whole(path, Readers::of(path, environment), deadline)
}

/// A place to read a secret from. `Display` says which, for people; never what is there.
pub(crate) struct Source {
    origin: String,
    way: Way,
}

enum Way {
    Descriptor(Descriptor),
    File(PathBuf, Readers),
    Credential(PathBuf),
    Command(Command),
    Value(Secret),
    Prompt { user: String },
}

impl Source {
    /// The descriptor with this number, 0 or 3 and up, which the caller of the program opened.
    ///
    /// It is taken over at once: call this before anything else is opened, which would be given
    /// the number if it is free.
    ///
    /// # Errors
    /// `Usage` for what is no such number, or standard output or error; `Input` when it is not
    /// open or cannot be read: a socket, a terminal.
    pub(crate) fn descriptor(origin: &str, number: &str) -> Result<Self> {
        let descriptor = Descriptor::take(number).map_err(|failure| failure.at(origin))?;
        Ok(Self::new(origin, Way::Descriptor(descriptor)))
    }

    /// A file whose first line is the secret. Others must not be able to read it; below
    /// `$CREDENTIALS_DIRECTORY` systemd sees to that.
    pub(crate) fn file(origin: &str, path: PathBuf, environment: Environment<'_>) -> Self {
        let readers = Readers::of(&path, environment);
        Self::new(origin, Way::File(path, readers))
    }

    /// A command whose first line of output is the secret, run each time the secret is read.
    ///
    /// # Errors
    /// `Usage` when there is no word in it, a quote is not closed, or a NUL stands in it.
    pub(crate) fn command(origin: &str, line: &str) -> Result<Self> {
        let command = Command::parse(line).map_err(|failure| failure.at(origin))?;
        Ok(Self::new(origin, Way::Command(command)))
    }

    /// The secret itself, as a variable or a settings file gives it.
    pub(crate) fn value(origin: &str, secret: Secret) -> Self {
        Self::new(origin, Way::Value(secret))
    }

    /// The credential that systemd gave the service, for this profile or for all: the first of
    /// `smtpsend.password.PROFILE` and `smtpsend.password` in `$CREDENTIALS_DIRECTORY`, if any.
    pub(crate) fn credential(profile: Option<&str>, environment: Environment<'_>) -> Option<Self> {
        let (name, path) = file::credential(profile, environment)?;
        let origin = format!("the credential {name}");
        Some(Self::new(&origin, Way::Credential(path)))
    }

    /// The password for `user` on `host` in `$NETRC`, else `~/.netrc`, if there is one.
    ///
    /// # Errors
    /// `Input` when the file is there and cannot be read; `Config` when others can read it and
    /// an entry fits, or when it is not well-formed before that.
    pub(crate) fn netrc(
        host: &str,
        user: &str,
        environment: Environment<'_>,
        deadline: Option<Instant>,
    ) -> Result<Option<Self>> {
        let found = netrc::find(host, user, environment, deadline)?;
        Ok(found.map(|(origin, secret)| Self::value(&origin, secret)))
    }

    /// Asking on the terminal.
    pub(crate) fn prompt(user: &str) -> Self {
        let user = user.to_owned();
        Self::new("the prompt", Way::Prompt { user })
    }

    fn new(origin: &str, way: Way) -> Self {
        let origin = origin.to_owned();
        Self { origin, way }
    }

    /// Whether the secret is read from standard input.
    pub(crate) fn is_standard_input(&self) -> bool {
        matches!(&self.way, Way::Descriptor(descriptor) if descriptor.is_standard_input())
    }

    /// Whether reading it again may give something else.
    pub(crate) fn may_change(&self) -> bool {
        matches!(&self.way, Way::Command(_))
    }

    /// What to say when the message shall be read there too.
    pub(crate) fn contradicts_message(&self) -> Failure {
        let words = format!("{self} and the message both read standard input");
        Failure::new(Kind::Usage, words)
            .with_hint("give the secret another descriptor: --password-fd 3 3< FILE")
    }

    /// Reads the secret, a command or a terminal anew each time; a descriptor can be read once.
    ///
    /// # Errors
    /// `Input` when it cannot be read, `Config` when there is none or others could read it, when
    /// a command fails or nobody types one, `Temporary` when the deadline comes first or a
    /// command exits with 75. The message starts with the origin.
    pub(crate) fn read(&self, deadline: Option<Instant>) -> Result<Secret> {
        let secret = match &self.way {
            Way::Descriptor(descriptor) => descriptor.read(deadline),
            Way::File(path, readers) => file::read(path, *readers, deadline),
            Way::Credential(path) => file::read(path, Readers::OfTheService, deadline),
            Way::Command(command) => command.run(deadline),
            Way::Value(secret) => Ok(Secret::new(secret.expose().to_vec())),
            Way::Prompt { user } => return prompt::ask(user, deadline),
        };
        secret.map_err(|failure| failure.at(&self.origin))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = printable(&self.origin);
        match &self.way {
            Way::Descriptor(descriptor) => write!(f, "{origin} {}", descriptor.number()),
            Way::File(path, _) => write!(f, "{origin} {}", printable(&path.to_string_lossy())),
            Way::Command(command) => write!(f, "{origin} ({})", printable(command.program())),
            Way::Credential(_) | Way::Value(_) | Way::Prompt { .. } => f.write_str(&origin),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn each_source_says_what_it_is_and_not_what_it_holds() {
        let none = |_: &str| None;
        let shown = |source: Source| source.to_string();
        let path = PathBuf::from("/etc/pass\u{1b}word");
        assert_eq!(
            shown(Source::file("--password-file", path, &none)),
            "--password-file /etc/password"
        );
        let command = |line| shown(Source::command("--password-command", line).unwrap());
        assert_eq!(
            command("pass show hunter2"),
            "--password-command (pass)",
            "an argument may be secret"
        );
        assert_eq!(
            command("PW=hunter2 pass $X"),
            "--password-command (/bin/sh)"
        );
        let value = Source::value("SMTPSEND_PASSWORD", Secret::new(b"hunter2".to_vec()));
        assert_eq!(shown(value), "SMTPSEND_PASSWORD");
        assert_eq!(shown(Source::prompt("bob")), "the prompt");
    }

    #[test]
    fn a_value_can_be_read_again_and_again() {
        let source = Source::value("SMTPSEND_PASSWORD", Secret::new(b"hunter2".to_vec()));
        for _ in 0..2 {
            assert_eq!(source.read(None).unwrap().expose(), b"hunter2");
        }
        assert!(!source.is_standard_input());
    }

    #[test]
    fn a_descriptor_is_told_by_its_number() {
        let file = std::fs::File::open("/dev/null").unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(&file).to_string();
        let source = Source::descriptor("--password-fd", &number).unwrap();
        assert_eq!(source.to_string(), format!("--password-fd {number}"));
        assert!(!source.is_standard_input());
        let failure = source.read(None).unwrap_err();
        let expected = format!("--password-fd: descriptor {number}: its first line is empty");
        assert_eq!(failure.message, expected);
        assert_eq!(
            source.contradicts_message().kind,
            Kind::Usage,
            "both read standard input"
        );
    }

    #[test]
    fn without_a_source_the_credential_and_netrc_are_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        let environment = |_: &str| Some(folder.path().into());
        assert!(Source::credential(Some("work"), &environment).is_none());
        std::fs::write(folder.path().join("smtpsend.password"), "hunter2").unwrap();
        let source = Source::credential(Some("work"), &environment).unwrap();
        assert_eq!(source.to_string(), "the credential smtpsend.password");
        assert_eq!(source.read(None).unwrap().expose(), b"hunter2");

        let path = folder.path().join(".netrc");
        std::fs::write(&path, "machine smtp.example.com password hunter2").unwrap();
        let owner = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&path, owner).unwrap();
        let home = |name: &str| (name == "HOME").then(|| folder.path().into());
        let source = Source::netrc("smtp.example.com", "bob", &home, None);
        let source = source.unwrap().unwrap();
        assert_eq!(source.to_string(), "~/.netrc (machine smtp.example.com)");
        assert_eq!(source.read(None).unwrap().expose(), b"hunter2");
    }

    #[test]
    fn an_error_starts_with_the_origin() {
        let none = |_: &str| None;
        let source = Source::file("SMTPSEND_PASSWORD_FILE", "/nonexistent".into(), &none);
        let failure = source.read(None).unwrap_err();
        assert!(
            failure
                .message
                .starts_with("SMTPSEND_PASSWORD_FILE: /nonexistent: "),
            "{failure}"
        );
    }
}
