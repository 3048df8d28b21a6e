//! The program itself, the library in a program's loop, and what costs nothing.

use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use smtpsend::envelope::{Envelope, ReversePath};
use smtpsend::message::Message;
use smtpsend::plan::Plan;
use smtpsend::route::{self, Server};
use smtpsend::secret::Secret;
use smtpsend::smtp::{Credentials, Trust};
use smtpsend::submit::Submission;

use super::{FLOOR, Found, Job, OURS, Peer, arguments, first_line, program};
use crate::content::{SENDER, Security};
use crate::measure::Invocation;
use crate::merge::merging;
use crate::queue::PLAIN;
use crate::sink::{PASSWORD, USER};

pub(super) fn find() -> Vec<Found> {
    let path = Path::new(env!("CARGO_BIN_EXE_smtpsend"));
    let ours = Peer {
        name: OURS,
        version: first_line(std::process::Command::new(path).arg("--version")),
        program: path.to_owned(),
        start_up: Some("--version"),
        call: send,
    };
    let plain = std::env::current_exe().map(|program| Peer {
        name: PLAIN,
        version: "fsync, rename, fsync of the directory".to_owned(),
        program,
        start_up: None,
        call: |_, _| Ok(None),
    });
    vec![
        Ok(ours),
        program(FLOOR, "--version", |_, _| Ok(None)),
        plain.map_err(|error| (PLAIN, error.to_string())),
    ]
}

fn send(peer: &Peer, job: &Job<'_>) -> Result<Option<Invocation>> {
    if job.merged {
        let server = job.server().context("a merge is told its port")?;
        let password = match job.secured() {
            true => Some(job.private("password", PASSWORD)?),
            false => None,
        };
        return merging(peer, job, server, password.as_deref()).map(Some);
    }
    if job.count > 1 {
        return send_many(job).map(Some);
    }
    let server = job.server().unwrap_or_else(|| job.host.to_owned());
    let mut arguments = arguments![
        "--server",
        server,
        "--envelope-from",
        SENDER,
        "--to",
        job.recipients.join(",")
    ];
    if job.port.is_some() {
        arguments.extend(arguments!["--tls", job.security.name()]);
    }
    if job.secured() {
        let password = job.private("password", PASSWORD)?;
        arguments.extend(arguments![
            "--ca-file",
            job.ca,
            "--user",
            USER,
            "--password-file",
            password
        ]);
    }
    let mut invocation = peer.invocation(job.folder, arguments);
    invocation.stdin.clone_from(&job.content.crlf);
    Ok(Some(invocation))
}

/// The library's user: this program, called as `bench client SECURITY SERVER CA COUNT MESSAGE RECIPIENT…`.
fn send_many(job: &Job<'_>) -> Result<Invocation> {
    let security = serde_json::to_string(&job.security)?;
    let server = job.server().context("the client is told its port")?;
    let mut arguments = arguments![
        "client",
        security,
        server,
        job.ca,
        job.count.to_string(),
        &job.content.crlf
    ];
    arguments.extend(job.recipients.iter().map(OsString::from));
    Ok(Invocation {
        program: std::env::current_exe()?,
        arguments,
        stdin: "/dev/null".into(),
        home: job.folder.to_owned(),
        environment: Vec::new(),
    })
}

/// The client's process.
pub(crate) fn client(arguments: &[OsString]) -> Result<()> {
    let [security, server, ca, count, message, recipients @ ..] = arguments else {
        bail!("client SECURITY SERVER CA COUNT MESSAGE RECIPIENT…");
    };
    let security: Security = serde_json::from_str(&security.to_string_lossy())?;
    let server: Server = server.to_string_lossy().parse()?;
    let rungs = server.rungs(
        None,
        Some(match security {
            Security::None => route::Security::None,
            Security::Starttls => route::Security::StartTls,
            Security::Implicit => route::Security::Implicit,
        }),
    )?;
    let mut plan = Plan::new(rungs);
    if security != Security::None {
        plan.credentials = Some(Credentials::new(USER, Secret::new(PASSWORD.into()))?);
        plan.trust = Trust {
            authorities: CertificateDer::pem_file_iter(ca)?.collect::<Result<_, _>>()?,
            ..Trust::default()
        };
    }
    let recipients = recipients
        .iter()
        .map(|recipient| recipient.to_string_lossy().parse());
    let recipients = recipients.collect::<Result<Vec<_>, _>>()?;
    let envelope = Envelope::new(ReversePath::parse(SENDER)?, recipients)?;
    let message = Message::from_raw(&std::fs::read(message)?)?;
    submit_all(
        &Submission::new(plan),
        &envelope,
        &message,
        count.to_string_lossy().parse()?,
    )
}

/// Sends the message so many times, over one session.
fn submit_all(
    submission: &Submission,
    envelope: &Envelope,
    message: &Message,
    count: usize,
) -> Result<()> {
    let messages = std::iter::repeat_n((envelope.clone(), message.clone()), count);
    let mut failures = Vec::new();
    submission.submit_all(messages, &(), |number, report| {
        failures.extend(
            report
                .deciding()
                .map(|failure| format!("{number}: {failure}")),
        );
    });
    match failures.first() {
        Some(failure) => bail!("{} not sent: {failure}", failures.len()),
        None => Ok(()),
    }
}
