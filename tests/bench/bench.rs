//! `cargo bench`: measures smtpsend beside the other programs that submit mail, and prints Markdown tables.
//!
//! ```console
//! $ cargo bench                                   # all, some ten minutes
//! $ cargo bench -- --quick                        # three rounds each
//! $ cargo bench -- --only starttls,far --programs smtpsend,curl
//! $ cargo bench -- --attachment                   # a large attachment beside base64 and plain sending
//! $ cargo bench -- --write-readme                 # also puts the ratios into README.md
//! ```
//!
//! It finds the programs on PATH: msmtp, himalaya, esmtp, s-nail, curl, swaks, Postfix's smtp-source, nullmailer (by
//! `nullmailer-send`), Python, and nodemailer (by NODE_PATH); lettre it builds. Those that are not there are named, and
//! left out. The works with a network of their own (a server far away, ports that swallow packets) need root, iproute2,
//! nftables and a kernel with network namespaces and packet queues (of iptables, where nftables has none); elsewhere
//! they are left out, and the table says why. Nothing leaves the machine. Timings are worth something on a machine that
//! does nothing else.
//!
//! Some programs take 40 ms longer than they would have to, on some works: they write in pieces without TCP_NODELAY, and
//! wait until the first is acknowledged, which Linux puts off for that long. It is so with real servers, too.
//!
//! The server is ours ([`sink`]), in a process of its own. It is as fast as it can be, checks that it had each message
//! as a whole, and counts how often the client *waits*: all else being equal, that is what sending costs on a real
//! network. The programs are measured in turn ([`rounds`]), each run by a small process ([`measure`]). What is only
//! queued ([`queue`]) is measured beside a plain write of the same file. A message per row ([`merge`]) is
//! measured beside smtp-source. The works and the goals are in [`works`], the
//! programs in [`peers`], the network in [`network`] and [`link`].
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod attachment;
mod content;
mod identity;
mod link;
mod measure;
mod merge;
mod network;
mod options;
mod peers;
mod queue;
mod readme;
mod results;
mod rounds;
mod server;
mod sink;
mod table;
mod works;

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Parser as _;

use crate::options::Options;
use crate::peers::{OURS, Peer};
use crate::rounds::Bench;
use crate::works::Work;

fn main() -> Result<()> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    match arguments.first().and_then(|first| first.to_str()) {
        Some("sink") => sink::run(),
        Some("measure") => measure::measure(&arguments[1..]),
        Some("client") => peers::client(&arguments[1..]),
        Some("put") => queue::put(&arguments[1..]),
        Some("link") => {
            let delay = arguments.get(1).context("link MICROSECONDS")?;
            link::run(Duration::from_micros(delay.to_string_lossy().parse()?))
        }
        _ if arguments.iter().any(|argument| argument == "--bench") => bench(&Options::parse()),
        // `cargo test --benches` starts this program, too.
        _ => {
            println!("not measured: this is for `cargo bench`");
            Ok(())
        }
    }
}

fn bench(options: &Options) -> Result<()> {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    if options.attachment {
        let folder = scratch_folder(scratch)?;
        return attachment::run(folder.path(), options);
    }
    let works = chosen_works(options)?;
    let found = peers::find(scratch);
    println!("{}", table::programs(&found));
    let chosen = |peer: &Peer| peer.name == OURS || Options::chosen(&options.programs, peer.name);
    let peers: Vec<Peer> = found.into_iter().flatten().filter(chosen).collect();

    let folder = scratch_folder(scratch)?;
    let mut bench = Bench::new(folder.path(), options)?;
    let mut rows = Vec::new();
    for work in works {
        eprintln!("{}…", work.title);
        rows.push(bench.measure(work, &peers)?);
        if let Some(row) = rows.last() {
            println!("{}", table::work(row, &rows));
        }
    }
    println!("### Ratios\n\n{}", table::ratios(&rows));
    if options.write_readme {
        readme::write(&rows)?;
    }
    Ok(())
}

fn scratch_folder(scratch: &Path) -> std::io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("bench-").tempdir_in(scratch)
}

fn chosen_works(options: &Options) -> Result<Vec<Work>> {
    let all = works::all();
    for name in &options.only {
        if !all.iter().any(|work| work.key.eq_ignore_ascii_case(name)) {
            let keys: Vec<_> = all.iter().map(|work| work.key).collect();
            bail!("there is no work \"{name}\": {}", keys.join(", "));
        }
    }
    Ok(all
        .into_iter()
        .filter(|work| Options::chosen(&options.only, work.key))
        .collect())
}
