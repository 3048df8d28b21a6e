//! A network of its own for what loopback cannot show: a server far away, ports and addresses that swallow packets.
//!
//! One network namespace, in which client and server run; its loopback has Ethernet's packet size. Nothing outside the
//! namespace and `/etc/netns/NAME`, which goes with it, is touched; both are removed when the [`Network`] is dropped,
//! and what a run that was killed has left is removed by the next one. Needs root, iproute2 and nftables.
//!
//! | name | what |
//! |---|---|
//! | `mail.test` | the server |
//! | `far.test` | the server, [`ROUND_TRIP`] away |
//! | `holed.test` | the server, but what comes to its port 587 is dropped |
//! | `two.test` | two addresses; whatever comes to the first is dropped, the second is `mail.test`'s |

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::link;

/// The names that exist in the network.
pub(crate) const NAMES: [&str; 4] = ["mail.test", "far.test", "holed.test", "two.test"];

/// How long it takes to `far.test` and back.
pub(crate) const ROUND_TRIP: Duration = Duration::from_millis(50);

const HOSTS: &str = "127.0.0.1 localhost
10.77.0.2 mail.test
10.77.0.3 two.test
10.77.0.2 two.test
10.77.0.4 holed.test
10.78.0.2 far.test
";
const ADDRESSES: [&str; 4] = [
    "10.77.0.2/32",
    "10.77.0.3/32",
    "10.77.0.4/32",
    "10.78.0.2/32",
];
const HOLES: &str = "
add table inet bench
add chain inet bench holes { type filter hook input priority 0; }
add rule inet bench holes ip daddr 10.77.0.3 drop
add rule inet bench holes ip daddr 10.77.0.4 tcp dport 587 drop
";
const PREFIX: &str = "smtpsend-bench-";

/// The network, until it is dropped.
pub(crate) struct Network {
    name: String,
    link: Option<Child>,
    /// Why `far.test` is not far, if so.
    pub(crate) not_far: Option<String>,
}

impl Network {
    /// Makes it.
    ///
    /// # Errors
    /// What this machine or this user cannot do.
    pub(crate) fn up() -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            bail!("network namespaces need root");
        }
        remove_leftovers();
        let mut network = Self {
            name: format!("{PREFIX}{}", std::process::id()),
            link: None,
            not_far: None,
        };
        let folder = network.folder();
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        fs::write(folder.join("hosts"), HOSTS)?;
        fs::write(folder.join("resolv.conf"), "")?;
        call(Command::new("ip").args(["netns", "add", &network.name]))?;
        let inside = ["-n", network.name.as_str()];
        for address in ADDRESSES {
            call(
                Command::new("ip")
                    .args(inside)
                    .args(["addr", "add", address, "dev", "lo"]),
            )?;
        }
        call(
            Command::new("ip")
                .args(inside)
                .args(["link", "set", "lo", "mtu", "1500", "up"]),
        )?;
        for rule in HOLES.lines().filter(|line| !line.is_empty()) {
            call(network.inside("nft").arg(rule))?;
        }
        if let Err(error) = network.stretch() {
            network.not_far = Some(format!("{error:#}"));
        }
        Ok(network)
    }

    /// A command that is run in the network.
    pub(crate) fn inside(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.name])
            .arg(program.as_ref());
        command
    }

    /// Puts `far.test` far away. The queue is named by nftables, or else by iptables: a kernel may have one alone.
    fn stretch(&mut self) -> Result<()> {
        let queue = link::QUEUE.to_string();
        let chain = "add chain inet bench far { type filter hook prerouting priority 0; }";
        let rule = format!("add rule inet bench far ip daddr 10.78.0.0/16 queue num {queue}");
        let by_nft = call(self.inside("nft").arg(format!("{chain}; {rule}")));
        if let Err(error) = by_nft {
            let rule = [
                "-t",
                "mangle",
                "-A",
                "PREROUTING",
                "-d",
                "10.78.0.0/16",
                "-j",
                "NFQUEUE",
                "--queue-num",
            ];
            call(self.inside("iptables").args(rule).arg(&queue)).context(error)?;
        }
        let mut link = self
            .inside(std::env::current_exe()?)
            .args(["link", &(ROUND_TRIP / 2).as_micros().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut ready = String::new();
        let output = link.stdout.take();
        self.link = Some(link);
        BufReader::new(output.context("the link has no output")?).read_line(&mut ready)?;
        if ready.is_empty() {
            bail!("the link did not start");
        }
        Ok(())
    }

    fn folder(&self) -> PathBuf {
        Path::new("/etc/netns").join(&self.name)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        if let Some(mut link) = self.link.take() {
            let _ = link.kill();
            let _ = link.wait();
        }
        remove(&self.name);
    }
}

fn remove(name: &str) {
    let _ = Command::new("ip")
        .args(["netns", "del", name])
        .stderr(Stdio::null())
        .status();
    let _ = fs::remove_dir_all(Path::new("/etc/netns").join(name));
}

/// What is left of runs that were killed: the process in the name is no more.
fn remove_leftovers() {
    for entry in fs::read_dir("/etc/netns").into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(process) = name.strip_prefix(PREFIX)
            && !Path::new("/proc").join(process).exists()
        {
            remove(&name);
        }
    }
}

fn call(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{}",
            said.lines()
                .next()
                .unwrap_or("a command failed without a word")
        );
    }
    Ok(())
}
