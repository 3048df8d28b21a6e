//! One run of one program: how long it took, how much of a processor, and how much memory.
//!
//! Done by a small process of its own (`bench measure FILES… -- PROGRAM…`), for two reasons. It can be started in a
//! network namespace, with only the program itself measured; and what the kernel says of a process's largest memory
//! includes that of the process it was forked from, so the one that forks has to be small. Its own size, the floor
//! under all measurements, is in the result.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde::{Deserialize, Serialize};
use wait4::Wait4 as _;

/// What a program is called with.
#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    /// Its standard input, a regular file.
    pub(crate) stdin: PathBuf,
    /// Its home, and where it is started.
    pub(crate) home: PathBuf,
    /// Added to an environment of PATH and HOME.
    pub(crate) environment: Vec<(&'static str, OsString)>,
}

/// What a run cost.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    /// In user mode and in the kernel.
    pub(crate) cpu: Duration,
    /// Octets of its memory that were resident at once, at most.
    pub(crate) memory: u64,
    /// Below this, `memory` is not known: the measuring process was as large.
    pub(crate) floor: u64,
    /// `None` when it ended well.
    pub(crate) failure: Option<String>,
}

/// Runs it by `command`, which ends with this program's name, or one that runs it elsewhere.
pub(crate) fn run(mut command: Command, what: &Invocation, limit: Duration) -> Result<Cost> {
    let said = what.home.join("output");
    let output = command
        .args(["measure", &limit.as_millis().to_string()])
        .args([&what.stdin, &said])
        .arg(&what.program)
        .args(&what.arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", &what.home)
        .envs(what.environment.iter().map(|(name, value)| (name, value)))
        .current_dir(&what.home)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("starting the measuring process")?;
    if !output.status.success() {
        bail!("the measuring process failed: {}", output.status);
    }
    let mut cost: Cost = serde_json::from_slice(&output.stdout).context("the measuring process")?;
    if let Some(failure) = &mut cost.failure {
        let said = fs::read(said).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        if let Some(last) = said.lines().rfind(|line| !line.trim().is_empty()) {
            *failure = format!("{failure}: {}", last.trim());
        }
    }
    Ok(cost)
}

/// The measuring process: LIMIT STDIN OUTPUT PROGRAM ARGUMENT…
pub(crate) fn measure(arguments: &[OsString]) -> Result<()> {
    let [limit, stdin, output, program, arguments @ ..] = arguments else {
        bail!("measure LIMIT STDIN OUTPUT PROGRAM ARGUMENT…");
    };
    let limit = Duration::from_millis(limit.to_string_lossy().parse()?);
    let output = File::create(output)?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(File::open(stdin)?)
        .stdout(output.try_clone()?)
        .stderr(output);

    let start = Instant::now();
    let mut child = command
        .spawn()
        .with_context(|| program.to_string_lossy().into_owned())?;
    let floor = own_peak().unwrap_or_default();
    let in_time = ends_within(child.id(), limit)?;
    if !in_time {
        child.kill()?;
    }
    let used = child.wait4()?;
    let wall = start.elapsed();

    let failure = match (in_time, used.status.success()) {
        (true, true) => None,
        (true, false) => Some(used.status.to_string()),
        (false, _) => Some(format!("not done within {} s", limit.as_secs())),
    };
    let cost = Cost {
        wall,
        cpu: used.rusage.utime + used.rusage.stime,
        memory: used.rusage.maxrss,
        floor,
        failure,
    };
    serde_json::to_writer(io::stdout(), &cost)?;
    Ok(())
}

/// Whether the process ends by itself; it is not reaped.
fn ends_within(process: u32, limit: Duration) -> Result<bool> {
    let process = i32::try_from(process)
        .ok()
        .and_then(Pid::from_raw)
        .context("no such process")?;
    let process = pidfd_open(process, PidfdFlags::empty())?;
    let limit = Timespec::try_from(limit)?;
    Ok(poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&limit))? > 0)
}

/// The most memory this process has had resident so far.
fn own_peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}
