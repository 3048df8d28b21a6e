//! Programs that speak SMTP for other purposes: curl, swaks, Postfix's smtp-source.

use std::path::PathBuf;

use anyhow::Result;

use super::{Found, Job, Peer, SMTP_SOURCE, arguments, on_path, program};
use crate::content::{SENDER, Security};
use crate::measure::Invocation;
use crate::sink::{PASSWORD, USER};

pub(super) fn find() -> Vec<Found> {
    vec![
        program("curl", "--version", curl),
        program("swaks", "--version", swaks),
        smtp_source_found(),
    ]
}

fn curl(peer: &Peer, job: &Job<'_>) -> Result<Option<Invocation>> {
    let Some(server) = job.server() else {
        return Ok(None);
    };
    let scheme = if job.security == Security::Implicit {
        "smtps"
    } else {
        "smtp"
    };
    let url = format!("{scheme}://{server}");
    let mut arguments = arguments!["-q", "-sS", "--mail-from", SENDER];
    for recipient in job.recipients {
        arguments.extend(arguments!["--mail-rcpt", recipient]);
    }
    if job.secured() {
        arguments.extend(arguments!["--ssl-reqd", "--cacert", job.ca]);
        arguments.extend(arguments![
            "--user",
            format!("{USER}:{PASSWORD}"),
            "--login-options",
            "AUTH=PLAIN"
        ]);
    }
    if job.count > 1 {
        let transfer = format!(
            "url = \"{url}\"\nupload-file = \"{}\"\n",
            job.content.crlf.display()
        );
        let transfers = job.private("transfers", &transfer.repeat(job.count as usize))?;
        arguments.extend(arguments!["-K", transfers]);
        return Ok(Some(peer.invocation(job.folder, arguments)));
    }
    arguments.extend(arguments!["-T", "-", url]);
    let mut invocation = peer.invocation(job.folder, arguments);
    invocation.stdin.clone_from(&job.content.crlf);
    Ok(Some(invocation))
}

fn swaks(peer: &Peer, job: &Job<'_>) -> Result<Option<Invocation>> {
    let Some(server) = job.server().filter(|_| job.count == 1) else {
        return Ok(None);
    };
    let mut arguments = arguments![
        "--server",
        server,
        "--from",
        SENDER,
        "--to",
        job.recipients.join(",")
    ];
    arguments.extend(arguments!["--data", "-", "--silent", "2"]);
    if job.secured() {
        let tls = if job.security == Security::Starttls {
            "--tls"
        } else {
            "--tls-on-connect"
        };
        arguments.extend(arguments![tls, "--tls-verify", "--tls-ca-path", job.ca]);
        arguments.extend(arguments![
            "--auth",
            "PLAIN",
            "--auth-user",
            USER,
            "--auth-password",
            PASSWORD
        ]);
    }
    let mut invocation = peer.invocation(job.folder, arguments);
    invocation.stdin.clone_from(&job.content.lf);
    Ok(Some(invocation))
}

/// On PATH, or where `tests/servers/install.sh` unpacks Postfix, with its libraries beside it.
fn smtp_source_found() -> Found {
    let servers =
        std::env::var_os("SMTPSEND_SERVERS").unwrap_or_else(|| "/opt/smtpsend-servers".into());
    let unpacked = PathBuf::from(servers).join("postfix/usr/sbin/smtp-source");
    let found = on_path("smtp-source").or_else(|| Some(unpacked).filter(|file| file.is_file()));
    Ok(Peer {
        name: SMTP_SOURCE,
        version: "Postfix".to_owned(),
        program: found.ok_or((SMTP_SOURCE, "not on PATH".to_owned()))?,
        start_up: None,
        call: smtp_source,
    })
}

/// Knows no TLS, and makes its recipients up.
fn smtp_source(peer: &Peer, job: &Job<'_>) -> Result<Option<Invocation>> {
    let Some(server) = job.server().filter(|_| job.security == Security::None) else {
        return Ok(None);
    };
    let mut arguments = arguments![
        "-d",
        "-s",
        job.connections.to_string(),
        "-m",
        job.count.to_string()
    ];
    arguments.extend(arguments![
        "-r",
        job.recipients.len().to_string(),
        "-M",
        "localhost"
    ]);
    arguments.extend(arguments![
        "-f",
        SENDER,
        "-t",
        "recipient@example.com",
        "-F",
        &job.content.lf,
        server
    ]);
    let mut invocation = peer.invocation(job.folder, arguments);
    if let Some(folder) = peer.program.parent() {
        invocation
            .environment
            .push(("LD_LIBRARY_PATH", folder.join("../lib/postfix").into()));
    }
    Ok(Some(invocation))
}
