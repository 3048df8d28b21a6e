//! Messages that are queued, beside the least that keeps a file for good.
//!
//! The plain write is this program, called as `bench put QUEUE`: it copies its standard input to a file, waits until
//! that is on the disk, gives it its name, and waits for the directory. Both start as processes, and write to the same
//! disk in turn; what a run left is looked at and taken away.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::content::{Content, SENDER};
use crate::measure::Invocation;
use crate::peers::{OURS, Peer};

/// The name of the plain write in the tables.
pub(crate) const PLAIN: &str = "plain write";

/// How a program queues this message, with a home of its own; `None` when it queues nothing.
pub(crate) fn queueing(
    peer: &Peer,
    home: &Path,
    recipients: &[String],
    content: &Content,
) -> Result<Option<Invocation>> {
    let queue = home.join("queue");
    let to = recipients.join(",");
    let arguments: Vec<OsString> = match peer.name {
        OURS => vec![
            "--queue".into(),
            "always".into(),
            "--queue-dir".into(),
            queue.into(),
            "--envelope-from".into(),
            SENDER.into(),
            "--to".into(),
            to.into(),
        ],
        PLAIN => {
            for part in ["tmp", "active"] {
                fs::create_dir_all(queue.join(part))?;
            }
            vec!["put".into(), queue.into()]
        }
        _ => return Ok(None),
    };
    let mut invocation = peer.invocation(home, arguments);
    invocation.stdin.clone_from(&content.crlf);
    Ok(Some(invocation))
}

/// The plain write's process.
pub(crate) fn put(arguments: &[OsString]) -> Result<()> {
    let queue = Path::new(arguments.first().context("put QUEUE")?);
    let name = std::process::id().to_string();
    let (draft, active) = (queue.join("tmp").join(&name), queue.join("active"));
    let mut file = File::create_new(&draft)?;
    io::copy(&mut io::stdin().lock(), &mut file)?;
    file.sync_all()?;
    fs::rename(draft, active.join(name))?;
    File::open(active)?.sync_all()?;
    Ok(())
}

/// Takes out what a run queued in this home; what is wrong with it.
pub(crate) fn take_out(home: &Path, content: &Content) -> Result<Option<String>> {
    let whole = fs::metadata(&content.crlf)?.len();
    let mut count = 0;
    for file in fs::read_dir(home.join("queue/active"))? {
        let file = file?;
        if file.metadata()?.len() >= whole {
            count += 1;
        }
        fs::remove_file(file.path())?;
    }
    Ok((count != 1).then(|| format!("{count} messages were queued")))
}
