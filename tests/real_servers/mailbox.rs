//! What a server has delivered: a Maildir, or a directory with a file per message.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A server delivers in its own time: the longest we wait for it, and how often we look.
const PATIENCE: Duration = Duration::from_secs(20);
const INTERVAL: Duration = Duration::from_millis(20);

pub(crate) struct Mailbox {
    directory: PathBuf,
    log: PathBuf,
}

impl Mailbox {
    /// The mailbox in `directory`; `log` is shown when mail fails to arrive.
    pub(crate) fn new(directory: PathBuf, log: PathBuf) -> Self {
        Self { directory, log }
    }

    /// All that has been delivered so far, line ends made LF.
    pub(crate) fn messages(&self) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        collect(&self.directory, &mut found);
        found
    }

    /// The one message that holds `mark`, once it has arrived.
    pub(crate) fn wait_for(&self, mark: &str) -> Vec<u8> {
        self.wait(mark, |copies| !copies.is_empty()).swap_remove(0)
    }

    /// The messages that hold `mark`, once they have arrived for these recipients, and asserts that they
    /// arrived for no others.
    pub(crate) fn wait_for_recipients(&self, mark: &str, recipients: &[String]) -> Vec<Vec<u8>> {
        let copies = self.wait(mark, |copies| {
            delivered_to(copies).len() >= recipients.len()
        });
        let wanted: BTreeSet<String> = recipients.iter().cloned().collect();
        assert_eq!(delivered_to(&copies), wanted);
        copies
    }

    fn wait(&self, mark: &str, enough: impl Fn(&[Vec<u8>]) -> bool) -> Vec<Vec<u8>> {
        let started = Instant::now();
        loop {
            let mut copies = self.messages();
            let all = copies.len();
            copies.retain(|copy| contains(copy, mark.as_bytes()));
            if enough(&copies) {
                return copies;
            }
            if started.elapsed() > PATIENCE {
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                panic!(
                    "of {all} messages {} hold {mark:?}; the server's log:\n{log}",
                    copies.len()
                );
            }
            sleep(INTERVAL);
        }
    }
}

/// The recipients named by the trace fields that the servers put on top.
fn delivered_to(copies: &[Vec<u8>]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for copy in copies {
        let text = String::from_utf8_lossy(copy);
        for line in text.lines().take_while(|line| !line.is_empty()) {
            let name = line
                .strip_prefix("Delivered-To: ")
                .or_else(|| line.strip_prefix("Envelope-to: "));
            names.extend(name.map(ToOwned::to_owned));
        }
    }
    names
}

/// Adds what is below `directory`, but for what is still being written (`tmp` of a Maildir, `*.part`).
fn collect(directory: &Path, found: &mut Vec<Vec<u8>>) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() && !path.ends_with("tmp") {
            collect(&path, found);
        } else if path.is_file() && path.extension().is_none_or(|end| end != "part") {
            // Moved away between our looking and reading: it is found again under its new name.
            found.extend(fs::read(&path).map(|bytes| with_lf(&bytes)));
        }
    }
}

/// `bytes` with each CRLF made LF.
pub(crate) fn with_lf(bytes: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(bytes.len());
    for (at, byte) in bytes.iter().enumerate() {
        if *byte != b'\r' || bytes.get(at + 1) != Some(&b'\n') {
            lines.push(*byte);
        }
    }
    lines
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
