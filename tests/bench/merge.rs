//! A message per row, beside Postfix's smtp-source, which makes up as many messages and sends them over as many
//! connections.
//!
//! Ours reads a file of rows and a template, renders each row twice (once to check it, once to send it), and keeps a
//! journal. smtp-source sends the same text again and again, and knows neither TLS nor AUTH: where the messages of ours
//! go over TLS, they are compared with those of smtp-source in clear, of another work of the same run.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::content::SENDER;
use crate::measure::Invocation;
use crate::peers::{Job, Peer};
use crate::sink::USER;

const JOURNAL: &str = "journal";

/// How our program merges so many rows.
pub(crate) fn merging(
    peer: &Peer,
    job: &Job<'_>,
    server: String,
    password: Option<&Path>,
) -> Result<Invocation> {
    let file = |name: &str| job.folder.join(name).into_os_string();
    let mut rows = String::from("name,email\n");
    for n in 1..=job.count {
        writeln!(rows, "Recipient {n},recipient{n}@example.com")?;
    }
    fs::write(file("rows.csv"), rows)?;
    let body = fs::read_to_string(&job.content.body)?;
    let header = "To: {{ name }} <{{ email }}>\nSubject: News for {{ name }}\n";
    fs::write(file("letter.txt"), format!("{header}\n{body}"))?;
    let mut arguments = vec![
        "merge".into(),
        file("letter.txt"),
        "--data".into(),
        file("rows.csv"),
        "--journal".into(),
        file(JOURNAL),
        "--connections".into(),
        job.connections.to_string().into(),
        "--from".into(),
        SENDER.into(),
        "--server".into(),
        server.into(),
        "--tls".into(),
        job.security.name().into(),
        "--quiet".into(),
    ];
    if let Some(password) = password {
        arguments.extend([
            "--ca-file".into(),
            job.ca.into(),
            "--user".into(),
            USER.into(),
            "--password-file".into(),
            password.into(),
        ]);
    }
    Ok(peer.invocation(job.folder, arguments))
}

/// Takes away what would keep the next run from sending anything.
pub(crate) fn forget(home: &Path) {
    // Where there is none, nothing is to be forgotten.
    let _ = fs::remove_file(home.join(JOURNAL));
}
