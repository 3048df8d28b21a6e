//! Real servers, started by the recipes in `tests/servers` and ended when the test is over.

use crate::client::Security;
use crate::mailbox::Mailbox;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, geteuid, kill_process_group, pidfd_open};
use std::fs::{self, Permissions};
use std::io::{Write, stderr};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Recipe {
    Postfix,
    Exim,
    /// A proxy; Postfix stands behind it.
    Dovecot,
    /// Another one, with channel binding.
    Dovecot24,
    Aiosmtpd,
    /// The same with the channel binding of TLS 1.2.
    Scramp,
    Chasquid,
    OpenSmtpd,
    /// No mail server: it answers for DNS, on the plain port.
    Unbound,
    /// No mail server: a SOCKS 5 proxy, with a user on the second port.
    Microsocks,
    /// No mail server: an HTTP proxy, with a user on the second port; the third is narrow.
    Tinyproxy,
}

/// The three ports of a recipe.
#[derive(Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) plain: u16,
    pub(crate) starttls: u16,
    pub(crate) implicit: u16,
}

/// What a recipe left us without a server for.
enum NotStarted {
    /// In words.
    Missing(String),
    /// One of the ports was taken in the meantime, or the server is broken: the recipe's own words.
    Died(String),
}

/// A server that runs as the leader of a process group; dropped, it ends.
pub(crate) struct Server {
    pid: Pid,
    ports: Ports,
    directory: PathBuf,
}

/// A submission server, the mailbox it fills and a directory for both.
pub(crate) struct Scene {
    recipe: Recipe,
    servers: Vec<Server>,
    // After the servers: they end before their directory goes.
    directory: TempDir,
}

impl Scene {
    /// Starts a server, or says why that cannot be.
    pub(crate) fn with(recipe: Recipe) -> Option<Self> {
        let mut scene = Self::empty(recipe);
        let relay = match recipe {
            Recipe::Dovecot | Recipe::Dovecot24 => Some(scene.start(Recipe::Postfix, None)?),
            _ => None,
        };
        scene.start(recipe, relay)?;
        Some(scene)
    }

    /// A directory for servers that [`Server::start`] starts.
    pub(crate) fn empty(recipe: Recipe) -> Self {
        let directory = TempDir::new().unwrap();
        // Servers give their privileges up, and still have to get at what is theirs.
        fs::set_permissions(directory.path(), Permissions::from_mode(0o711)).unwrap();
        Self {
            recipe,
            servers: Vec::new(),
            directory,
        }
    }

    /// Starts a server on free ports, `relay` in place of the first; tried again, since others may take
    /// a port between our letting it go and the server's binding it.
    fn start(&mut self, recipe: Recipe, relay: Option<u16>) -> Option<u16> {
        let mut reasons = String::new();
        for attempt in 1..=4 {
            let mut ports = Ports::free();
            ports.plain = relay.unwrap_or(ports.plain);
            let directory = self
                .directory
                .path()
                .join(format!("{}-{attempt}", recipe.script()));
            match Server::start(recipe, &directory, ports, None) {
                Ok(server) => {
                    self.servers.push(server);
                    return Some(ports.plain);
                }
                Err(NotStarted::Missing(reason)) => {
                    not_run(&reason);
                    return None;
                }
                Err(NotStarted::Died(reason)) => reasons.push_str(&reason),
            }
        }
        panic!("{} does not start:\n{reasons}", recipe.name());
    }

    /// Starts a server within `namespace` on its address and these ports.
    pub(crate) fn start_within(
        &mut self,
        namespace: &str,
        address: &str,
        ports: Ports,
    ) -> Option<()> {
        let directory = self.directory.path().join(ports.starttls.to_string());
        match Server::start(self.recipe, &directory, ports, Some((namespace, address))) {
            Ok(server) => self.servers.push(server),
            Err(NotStarted::Missing(reason)) => {
                not_run(&reason);
                return None;
            }
            Err(NotStarted::Died(reason)) => panic!("{reason}"),
        }
        Some(())
    }

    /// The ports of the server that was started last.
    pub(crate) fn ports(&self) -> Ports {
        self.servers.last().unwrap().ports
    }

    /// What the server that was started first has logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.servers[0].directory.join("log")).unwrap_or_default()
    }

    /// The program's home.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Where the submission server keeps what its recipe made.
    pub(crate) fn server_directory(&self) -> &Path {
        &self.servers.last().unwrap().directory
    }

    /// The certificate authority that all servers of the scene share.
    pub(crate) fn ca_file(&self) -> String {
        let path = self.directory.path().join("certs/ca.pem");
        path.into_os_string().into_string().unwrap()
    }

    /// Where the server answers without TLS.
    pub(crate) fn plain_address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.servers[0].ports.plain).into()
    }

    /// The options that lead to the submission server, and the sender it takes mail from.
    pub(crate) fn server_options(&self, security: Security) -> Vec<String> {
        let server = self.servers.last().unwrap();
        let (port, tls) = match security {
            Security::Starttls => (server.ports.starttls, "starttls"),
            Security::Implicit => (server.ports.implicit, "implicit"),
            Security::None => (server.ports.plain, "none"),
        };
        let mut options = vec!["--server".to_owned(), format!("localhost:{port}")];
        options.extend(["--tls", tls, "--from"].map(String::from));
        options.push(match self.recipe {
            Recipe::Chasquid => "bench@localhost".to_owned(),
            _ => "a@example.com".to_owned(),
        });
        match security {
            Security::None => options.extend(["--auth", "none"].map(String::from)),
            _ => options
                .extend(["--ca-file", &self.ca_file(), "--user", self.user()].map(String::from)),
        }
        options
    }

    fn user(&self) -> &'static str {
        match self.recipe {
            Recipe::Chasquid => "bench@localhost",
            _ => "bench",
        }
    }

    /// An address that the server delivers to.
    pub(crate) fn address(&self, name: &str) -> String {
        match self.recipe {
            Recipe::Chasquid => format!("{name}@localhost"),
            _ => format!("{name}@example.com"),
        }
    }

    /// Where the mail ends up: with the server started first.
    pub(crate) fn mailbox(&self) -> Mailbox {
        let directory = &self.servers[0].directory;
        Mailbox::new(directory.join("mail"), directory.join("log"))
    }
}

impl Server {
    fn start(
        recipe: Recipe,
        directory: &Path,
        ports: Ports,
        within: Option<(&str, &str)>,
    ) -> Result<Self, NotStarted> {
        if recipe.needs_root() && !geteuid().is_root() {
            return Err(NotStarted::Missing(format!("{} needs root", recipe.name())));
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/servers")
            .join(format!("{}.sh", recipe.script()));
        let mut command = match within {
            None => Command::new(script),
            Some((namespace, address)) => {
                let mut command = Command::new("ip");
                command
                    .args(["netns", "exec", namespace])
                    .arg(script)
                    .env("ADDR", address);
                command
            }
        };
        let output = command
            .arg(directory)
            .args([ports.plain, ports.starttls, ports.implicit].map(|port| port.to_string()))
            .env("CERTS", directory.with_file_name("certs"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        match output.status.code() {
            Some(0) => {}
            Some(69) => {
                return Err(NotStarted::Missing(format!(
                    "{} is not installed (tests/servers/install.sh installs it)",
                    recipe.name()
                )));
            }
            _ => return Err(NotStarted::Died(said)),
        }
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let pid = printed.trim().parse().ok().and_then(Pid::from_raw);
        Ok(Self {
            pid: pid.unwrap_or_else(|| panic!("no pid: {printed:?}, {said}")),
            ports,
            directory: directory.to_owned(),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let process = pidfd_open(self.pid, PidfdFlags::empty());
        kill_process_group(self.pid, Signal::TERM).ok();
        if let Ok(process) = process {
            let mut ended = [PollFd::new(&process, PollFlags::IN)];
            let patience = Timespec {
                tv_sec: 5,
                tv_nsec: 0,
            };
            poll(&mut ended, Some(&patience)).ok();
        }
        // A leader that does not listen, and children that it left behind.
        kill_process_group(self.pid, Signal::KILL).ok();
    }
}

impl Recipe {
    fn name(self) -> &'static str {
        match self {
            Self::Postfix => "Postfix",
            Self::Exim => "Exim",
            Self::Dovecot => "Dovecot",
            Self::Dovecot24 => "Dovecot 2.4",
            Self::Aiosmtpd => "aiosmtpd",
            Self::Scramp => "scramp",
            Self::Chasquid => "chasquid",
            Self::OpenSmtpd => "OpenSMTPD",
            Self::Microsocks => "microsocks",
            Self::Tinyproxy => "tinyproxy",
            Self::Unbound => "Unbound",
        }
    }

    fn script(self) -> &'static str {
        match self {
            Self::Postfix => "postfix",
            Self::Exim => "exim4",
            Self::Dovecot => "dovecot",
            Self::Dovecot24 => "dovecot24",
            Self::Aiosmtpd => "aiosmtpd",
            Self::Scramp => "scramp",
            Self::Chasquid => "chasquid",
            Self::OpenSmtpd => "opensmtpd",
            Self::Microsocks => "microsocks",
            Self::Tinyproxy => "tinyproxy",
            Self::Unbound => "unbound",
        }
    }

    /// Those that give privileges up need them first.
    fn needs_root(self) -> bool {
        matches!(
            self,
            Self::Postfix | Self::Exim | Self::Dovecot | Self::Dovecot24 | Self::OpenSmtpd
        )
    }
}

impl Ports {
    /// Three that nobody listens on at this moment.
    fn free() -> Self {
        let held = [(); 3].map(|()| TcpListener::bind(("127.0.0.1", 0)).unwrap());
        let [plain, starttls, implicit] = held.each_ref().map(|l| l.local_addr().unwrap().port());
        Self {
            plain,
            starttls,
            implicit,
        }
    }
}

/// Says on stderr (not captured, as `print!` would be) that a test did nothing; where the servers are
/// required, that is a failure.
pub(crate) fn not_run(reason: &str) {
    let required = ["CI", "SMTPSEND_REQUIRE_SERVERS"]
        .into_iter()
        .find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    if let Some(name) = required {
        panic!("not run: {reason}; {name} is set, so it has to");
    }
    say(&format!("not run: {reason}"));
}

/// Writes a line to stderr past the test harness.
pub(crate) fn say(line: &str) {
    stderr().write_all(format!("{line}\n").as_bytes()).ok();
}
