//! Libraries in a small program each: lettre, nodemailer, Python's smtplib. The programs stand beside this file.
//!
//! All three are called alike: `SECURITY HOST PORT CA USER PASSWORD COUNT SENDER RECIPIENT…`, the message on standard
//! input.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Found, Job, Peer, arguments, first_line, on_path};
use crate::content::SENDER;
use crate::measure::Invocation;
use crate::sink::{PASSWORD, USER};

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench/peers");

pub(super) fn find(scratch: &Path) -> Vec<Found> {
    vec![lettre_found(scratch), nodemailer_found(), python_found()]
}

/// Built here when it is needed, with features of its own.
fn lettre_found(scratch: &Path) -> Found {
    let folder = Path::new(HERE).join("lettre");
    let target = scratch.join("lettre");
    let built = Command::new(env!("CARGO"))
        .args([
            "build",
            "--quiet",
            "--release",
            "--locked",
            "--manifest-path",
        ])
        .arg(folder.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .stdin(Stdio::null())
        .status();
    if !built.is_ok_and(|status| status.success()) {
        return Err(("lettre", "could not be built".to_owned()));
    }
    let program = target.join("release/lettre-loop");
    Ok(Peer {
        name: "lettre",
        version: first_line(Command::new(&program).arg("--version")),
        program,
        start_up: Some("--version"),
        call: |peer, job| Ok(library(peer, job, [])),
    })
}

fn nodemailer_found() -> Found {
    let absent = |why: &str| ("nodemailer", why.to_owned());
    let node = on_path("node").ok_or(absent("node is not on PATH"))?;
    let version = "process.stdout.write(require('nodemailer/package.json').version)";
    let version = first_line(Command::new(&node).args(["-e", version]));
    if !version.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(absent(
            "node does not find it (NODE_PATH says where to look)",
        ));
    }
    Ok(Peer {
        name: "nodemailer",
        version: format!(
            "{version}, node {}",
            first_line(Command::new(&node).arg("--version"))
        ),
        program: node,
        start_up: None,
        call: |peer, job| Ok(library(peer, job, ["nodemailer.js"])),
    })
}

/// The interpreter itself, not a script that looks for it.
fn python_found() -> Found {
    let absent = || ("Python", "python3 is not on PATH".to_owned());
    let python = on_path("python3").ok_or_else(absent)?;
    let program =
        first_line(Command::new(python).args(["-c", "import sys; print(sys.executable)"]));
    Ok(Peer {
        name: "Python",
        version: first_line(Command::new(&program).arg("--version")),
        program: Some(PathBuf::from(program))
            .filter(|program| program.is_file())
            .ok_or_else(absent)?,
        start_up: None,
        call: |peer, job| Ok(library(peer, job, ["smtplib_loop.py"])),
    })
}

fn library<const N: usize>(peer: &Peer, job: &Job<'_>, script: [&str; N]) -> Option<Invocation> {
    let mut arguments: Vec<_> = script
        .iter()
        .map(|script| Path::new(HERE).join(script).into())
        .collect();
    arguments.extend(arguments![
        job.security.name(),
        job.host,
        job.port?.to_string(),
        job.ca,
        USER,
        PASSWORD
    ]);
    arguments.extend(arguments![job.count.to_string(), SENDER]);
    arguments.extend(job.recipients.iter().map(Into::into));
    let mut invocation = peer.invocation(job.folder, arguments);
    invocation.stdin.clone_from(&job.content.crlf);
    if let Some(path) = std::env::var_os("NODE_PATH") {
        invocation.environment.push(("NODE_PATH", path));
    }
    Some(invocation)
}
