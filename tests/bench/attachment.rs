//! `cargo bench -- --attachment`: a large attachment beside the least that it can cost.
//!
//! That is to encode the file (`base64 FILE`), and to send a message of the octets that come of it. All three are run in
//! turn, in clear and over TLS; the server is the one of the other works.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::content::{SENDER, Security};
use crate::identity::Identity;
use crate::measure::{self, Invocation};
use crate::options::Options;
use crate::results::{mebi, ratio};
use crate::server::Server;
use crate::sink::{Manner, Orders, PASSWORD, Pace, Port, USER};
use crate::works::LIMIT;

/// Octets of the file.
const SIZE: usize = 25 << 20;
/// Octets of a line of base64 before they are encoded.
const LINE: usize = 57;

/// Measures, and prints a table.
pub(crate) fn run(folder: &Path, options: &Options) -> Result<()> {
    let identity = Identity::make(folder)?;
    let manner = |security| Manner {
        security,
        pace: Pace::Quick,
    };
    let securities = [Security::None, Security::Implicit];
    let ports = securities.map(|security| Port {
        addresses: vec![(Ipv4Addr::LOCALHOST, 0).into()],
        manner: manner(security),
    });
    let mut server = Server::start(
        Command::new(std::env::current_exe()?),
        &Orders {
            ports: ports.into(),
            chain: identity.chain.clone(),
            key: identity.key.clone(),
            without: options.without.clone(),
        },
    )?;
    let (file, message) = write(folder)?;
    println!("### An attachment of {} MiB\n", SIZE >> 20);
    println!(
        "| | `--attach` : (`base64` + message sent) | `--attach` | `base64` | message sent | peak memory |\n\
         |---|---|---|---|---|---|"
    );
    for security in securities {
        let port = server.port(manner(security))?;
        let arguments = |rest: &[&str]| {
            let mut all = vec![
                "--server".to_owned(),
                format!("localhost:{port}"),
                "--tls".to_owned(),
                security.name().to_owned(),
                "--envelope-from".to_owned(),
                SENDER.to_owned(),
                "--to".to_owned(),
                "bob@example.com".to_owned(),
            ];
            if security != Security::None {
                let ca = identity.ca.display().to_string();
                all.extend(["--ca-file", &ca, "--user", USER].map(str::to_owned));
            }
            all.extend(rest.iter().map(|word| (*word).to_owned()));
            all
        };
        let path = file.display().to_string();
        let ours = PathBuf::from(env!("CARGO_BIN_EXE_smtpsend"));
        let attached = invocation(
            &ours,
            &arguments(&["--attach", &path, "--body", "x"]),
            None,
            folder,
        );
        let encoded = invocation(
            Path::new("base64"),
            std::slice::from_ref(&path),
            None,
            folder,
        );
        let sent = invocation(&ours, &arguments(&[]), Some(&message), folder);
        let mut runs = [
            (attached, Vec::new()),
            (encoded, Vec::new()),
            (sent, Vec::new()),
        ];
        let mut memory = 0;
        for round in 0..options.rounds() as usize {
            for place in 0..runs.len() {
                let number = (round + place) % runs.len();
                let (invocation, walls) = &mut runs[number];
                let cost = measure::run(Command::new(std::env::current_exe()?), invocation, LIMIT)?;
                if let Some(failure) = cost.failure {
                    bail!("{}: {failure}", invocation.program.display());
                }
                let had: u32 = server.visits()?.iter().map(|visit| visit.messages).sum();
                if had != u32::from(number != 1) {
                    bail!("the server had {had} messages");
                }
                if number == 0 {
                    memory = memory.max(cost.memory);
                }
                walls.push(cost.wall);
            }
        }
        let [attached, encoded, sent] = runs.map(|(_, walls)| median(walls));
        println!(
            "| {} | {:.2} | {attached:.0?} | {encoded:.0?} | {sent:.0?} | {:.1} MiB |",
            security.name(),
            ratio(attached, encoded + sent),
            mebi(memory),
        );
    }
    Ok(())
}

/// The file, and a message with it.
fn write(folder: &Path) -> Result<(PathBuf, PathBuf)> {
    let (file, message) = (folder.join("file.bin"), folder.join("message.eml"));
    let mut octets = vec![0; SIZE];
    getrandom::fill(&mut octets).map_err(|error| anyhow::anyhow!("{error}"))?;
    fs::write(&file, &octets).context("writing the file to attach")?;
    let mut out = BufWriter::new(File::create(&message)?);
    write!(
        out,
        "From: {SENDER}\r\nTo: bob@example.com\r\nSubject: x\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\n\
         Message-ID: <measured@example.com>\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n"
    )?;
    for line in octets.chunks(LINE) {
        write!(out, "{}\r\n", STANDARD.encode(line))?;
    }
    out.flush()?;
    Ok((file, message))
}

fn invocation(
    program: &Path,
    arguments: &[String],
    stdin: Option<&Path>,
    home: &Path,
) -> Invocation {
    Invocation {
        program: program.to_owned(),
        arguments: arguments.iter().map(Into::into).collect(),
        stdin: stdin.unwrap_or(Path::new("/dev/null")).to_owned(),
        home: home.to_owned(),
        environment: vec![("SMTPSEND_PASSWORD", PASSWORD.into())],
    }
}

fn median(mut walls: Vec<Duration>) -> Duration {
    walls.sort();
    walls.get(walls.len() / 2).copied().unwrap_or_default()
}
