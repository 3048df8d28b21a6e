//! What is sent: messages of a given size, in files, and to whom.
//!
//! Lines of 76 characters, none of which starts with a dot, after a header that names the recipients, since some
//! programs look for them there. With CRLF, and with LF for the programs that want it so.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::sink::Digest;

/// Who sends.
pub(crate) const SENDER: &str = "alice@example.com";

/// How the connection is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Security {
    None,
    /// STARTTLS, and then AUTH PLAIN.
    Starttls,
    /// TLS from the first octet, and then AUTH PLAIN.
    Implicit,
}

impl Security {
    /// The word for it on command lines.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Starttls => "starttls",
            Self::Implicit => "implicit",
        }
    }
}

/// The addresses of so many recipients.
pub(crate) fn recipients(count: usize) -> Vec<String> {
    (1..=count)
        .map(|n| format!("recipient{n}@example.com"))
        .collect()
}

/// A message in files.
pub(crate) struct Content {
    /// Header and body, with CRLF.
    pub(crate) crlf: PathBuf,
    /// The same with LF.
    pub(crate) lf: PathBuf,
    /// The body with LF.
    pub(crate) body: PathBuf,
    /// What the server must have seen of the body.
    pub(crate) digest: Digest,
}

impl Content {
    /// Writes a message to `recipients`, with a body of `size` octets, into `folder`.
    pub(crate) fn write(folder: &Path, size: usize, recipients: &[String]) -> Result<Self> {
        let name = format!("{size}-{}", recipients.len());
        let file = |end: &str| folder.join(format!("{name}.{end}"));
        let mut content = Self {
            crlf: file("crlf"),
            lf: file("lf"),
            body: file("body"),
            digest: Digest::default(),
        };
        content
            .fill(size, recipients)
            .context("writing the messages to send")?;
        Ok(content)
    }

    fn fill(&mut self, size: usize, recipients: &[String]) -> io::Result<()> {
        let create = |path: &Path| File::create(path).map(BufWriter::new);
        let (mut crlf, mut lf, mut body) =
            (create(&self.crlf)?, create(&self.lf)?, create(&self.body)?);
        let mut left = size;
        for line in header(recipients) {
            write!(crlf, "{line}\r\n")?;
            writeln!(lf, "{line}")?;
        }
        for number in 0.. {
            if left <= 2 {
                break;
            }
            let mut line = format!(
                "{number:09} The quick brown fox jumps over the lazy dog, and then once again, jumps."
            );
            line.truncate(left - 2);
            left -= line.len() + 2;
            writeln!(lf, "{line}")?;
            writeln!(body, "{line}")?;
            line.push_str("\r\n");
            crlf.write_all(line.as_bytes())?;
            self.digest += Digest::of(line.as_bytes());
        }
        crlf.flush()?;
        lf.flush()?;
        body.flush()
    }
}

fn header(recipients: &[String]) -> Vec<String> {
    let mut lines = vec![
        format!("From: {SENDER}"),
        "Subject: A message to be measured".to_owned(),
        "Date: Thu, 01 Jan 2026 00:00:00 +0000".to_owned(),
        "Message-ID: <measured@example.com>".to_owned(),
        "MIME-Version: 1.0".to_owned(),
        "Content-Type: text/plain; charset=us-ascii".to_owned(),
    ];
    for (number, recipient) in recipients.iter().enumerate() {
        let start = if number == 0 { "To:" } else { "" };
        let comma = if number + 1 < recipients.len() {
            ","
        } else {
            ""
        };
        lines.push(format!("{start} {recipient}{comma}"));
    }
    lines.push(String::new());
    lines
}
