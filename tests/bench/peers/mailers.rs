//! Programs for sending mail: msmtp, himalaya, esmtp, nullmailer's smtp, s-nail.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};

use super::{Found, Job, Peer, arguments, on_path, program};
use crate::content::{SENDER, Security};
use crate::measure::Invocation;
use crate::sink::{PASSWORD, USER};

pub(super) fn find() -> Vec<Found> {
    vec![
        program("himalaya", "--version", himalaya),
        program("msmtp", "--version", msmtp),
        esmtp_found(),
        nullmailer_found(),
        program("s-nail", "--version", s_nail),
    ]
}

fn msmtp(peer: &Peer, job: &Job<'_>) -> Result<Option<Invocation>> {
    let Some(port) = job.port.filter(|_| job.count == 1) else {
        return Ok(None);
    };
    let mut settings = format!(
        "account default\nhost {}\nport {port}\nfrom {SENDER}\n",
        job.host
    );
    if job.secured() {
        let starttls = if job.security == Security::Starttls {
            "on"
        } else {
            "off"
        };
        write!(
            settings,
            "tls on\ntls_starttls {starttls}\ntls_trust_file {}\n",
            job.ca.display()
        )?;
        write!(settings, "auth plain\nuser {USER}\npassword {PASSWORD}\n")?;
    }
    let settings = job.private("msmtprc", &settings)?;
    let mut invocation = peer.invocation(job.folder, arguments!["-C", settings, "--"]);
    invocation
        .arguments
        .extend(job.recipients.iter().map(Into::into));
    invocation.stdin.clone_from(&job.content.lf);
    Ok(Some(invocation))
}

/// Takes its envelope from the header.
fn himalaya(peer: &Peer, job: &Job<'_>) -> Result<Option<Invocation>> {
    let Some(server) = job.server().filter(|_| job.count == 1) else {
        return Ok(None);
    };
    let scheme = if job.security == Security::Implicit {
        "smtps"
    } else {
        "smtp"
    };
    let mut settings = format!(
        "[accounts.bench]\ndefault = true\nemail = \"{SENDER}\"\nsmtp.server = \"{scheme}://{server}\"\n"
    );
    if job.secured() {
        writeln!(settings, "smtp.tls.cert = \"{}\"", job.ca.display())?;
        write!(
            settings,
            "smtp.sasl.plain.username = \"{USER}\"\nsmtp.sasl.plain.password.raw = \"{PASSWORD}\"\n"
        )?;
    }
    if job.security == Security::Starttls {
        settings.push_str("smtp.starttls = true\n");
    }
    let settings = job.private("himalaya.toml", &settings)?;
    let mut invocation = peer.invocation(
        job.folder,
        arguments!["--config", settings, "message", "send"],
    );
    invocation.stdin.clone_from(&job.content.crlf);
    Ok(Some(invocation))
}

/// Has no way to tell its version.
fn esmtp_found() -> Found {
    let program = on_path("esmtp").ok_or(("esmtp", "not on PATH".to_owned()))?;
    Ok(Peer {
        name: "esmtp",
        version: "version not told".to_owned(),
        program,
        start_up: None,
        call: esmtp,
    })
}

/// In clear only: over TLS 1.3 its library waits for ever where the server's session tickets come before it has written
/// its EHLO, which is a matter of chance.
fn esmtp(peer: &Peer, job: &Job<'_>) -> Result<Option<Invocation>> {
    let Some(server) = job.server().filter(|_| job.count == 1 && !job.secured()) else {
        return Ok(None);
    };
    let settings = job.private("esmtprc", &format!("hostname = {server}\n"))?;
    let mut invocation = peer.invocation(job.folder, arguments!["-C", settings, "-f", SENDER]);
    invocation
        .arguments
        .extend(job.recipients.iter().map(Into::into));
    invocation.stdin.clone_from(&job.content.crlf);
    Ok(Some(invocation))
}

/// The module that nullmailer's queue runner calls for each message; it stands beside the runner.
fn nullmailer_found() -> Found {
    let absent = |why: &str| ("nullmailer", why.to_owned());
    let runner = on_path("nullmailer-send").ok_or(absent("nullmailer-send is not on PATH"))?;
    let module = runner
        .parent()
        .map(|folder| folder.join("../lib/nullmailer/smtp"));
    let program = module
        .filter(|module| module.is_file())
        .ok_or(absent("has no smtp module"))?;
    Ok(Peer {
        name: "nullmailer",
        version: "smtp module".to_owned(),
        program,
        start_up: None,
        call: nullmailer,
    })
}

/// Reads its options from standard input and the message, with its envelope before it, from descriptor 3.
fn nullmailer(peer: &Peer, job: &Job<'_>) -> Result<Option<Invocation>> {
    let Some(port) = job.port.filter(|_| job.count == 1) else {
        return Ok(None);
    };
    let mut settings = format!("host={}\nport={port}\n", job.host);
    if job.secured() {
        write!(
            settings,
            "user={USER}\npass={PASSWORD}\nx509cafile={}\n",
            job.ca.display()
        )?;
        settings.push_str(if job.security == Security::Starttls {
            "starttls\n"
        } else {
            "ssl\n"
        });
    }
    let settings = job.private("remote", &settings)?;
    let mail = job.folder.join("mail");
    let mut envelope = format!("{SENDER}\n{}\n\n", job.recipients.join("\n")).into_bytes();
    envelope.extend(std::fs::read(&job.content.lf)?);
    std::fs::write(&mail, envelope).context("nullmailer's message")?;
    let mut invocation = peer.invocation(
        job.folder,
        arguments!["-c", "exec \"$0\" 3< \"$1\"", &peer.program, mail],
    );
    invocation.program = "/bin/sh".into();
    invocation
        .environment
        .push(("HELOHOST", "localhost".into()));
    invocation.stdin = settings;
    Ok(Some(invocation))
}

/// Composes its message itself, from the body.
fn s_nail(peer: &Peer, job: &Job<'_>) -> Result<Option<Invocation>> {
    let Some(server) = job.server().filter(|_| job.count == 1) else {
        return Ok(None);
    };
    let (scheme, account) = match job.security {
        Security::None => ("smtp", String::new()),
        Security::Starttls => ("smtp", format!("{USER}:{PASSWORD}@")),
        Security::Implicit => ("smtps", format!("{USER}:{PASSWORD}@")),
    };
    let mut arguments = arguments![
        "-:/",
        "-S",
        "v15-compat",
        "-S",
        format!("mta={scheme}://{account}{server}")
    ];
    arguments.extend(arguments![
        "-S",
        "tls-ca-no-defaults",
        "-S",
        "tls-verify=strict",
        "-S",
        "sendwait"
    ]);
    arguments.extend(arguments![
        "-S",
        format!("tls-ca-file={}", job.ca.display()),
        "-S",
        "hostname=localhost"
    ]);
    arguments.extend(arguments![
        "-S",
        if job.secured() {
            "smtp-auth=plain"
        } else {
            "smtp-auth=none"
        }
    ]);
    if job.security == Security::Starttls {
        arguments.extend(arguments!["-S", "smtp-use-starttls"]);
    }
    arguments.extend(arguments![
        "-r",
        SENDER,
        "-s",
        "A message to be measured",
        "-."
    ]);
    arguments.extend(job.recipients.iter().map(Into::into));
    let mut invocation = peer.invocation(job.folder, arguments);
    invocation.stdin.clone_from(&job.content.body);
    Ok(Some(invocation))
}
