//! The result as one JSON object. The names are a contract with scripts.

use serde::Serialize;

use super::exit_of;
use super::unreachable::Unreachable;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::report::Report;
use crate::route::{Attempt, Host, Rung};
use crate::smtp::{Reply, Verdict};

/// The object; `null` where something did not come to pass.
#[derive(Serialize, Default)]
pub(crate) struct Result<'r> {
    pub(crate) status: &'static str,
    pub(crate) exit: u8,
    pub(crate) message_id: Option<&'r str>,
    pub(crate) size: Option<u64>,
    pub(crate) duration_ms: u128,
    pub(crate) envelope_from: Option<&'r str>,
    pub(crate) server: Option<Server>,
    pub(crate) auth: Option<&'static str>,
    pub(crate) reply: Option<ReplyFields>,
    pub(crate) recipients: Vec<Recipient>,
    attempts: Vec<AttemptFields>,
    pub(crate) queue_id: Option<&'r str>,
    pub(crate) error: Option<Error>,
}

#[derive(Serialize)]
pub(crate) struct Server {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) address: Option<String>,
    pub(crate) security: &'static str,
    pub(crate) tls: Option<String>,
    pub(crate) cipher: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct ReplyFields {
    pub(crate) code: u16,
    pub(crate) enhanced: Option<String>,
    pub(crate) text: String,
}

#[derive(Serialize)]
pub(crate) struct Recipient {
    pub(crate) address: String,
    pub(crate) status: &'static str,
    pub(crate) code: Option<u16>,
    pub(crate) enhanced: Option<String>,
    pub(crate) text: String,
}

#[derive(Serialize)]
struct AttemptFields {
    host: String,
    port: u16,
    security: &'static str,
    outcome: &'static str,
    detail: Option<String>,
    ms: u128,
}

#[derive(Serialize)]
pub(crate) struct Error {
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    /// One on a line.
    pub(crate) hint: Option<String>,
}

impl<'r> Result<'r> {
    /// The result of a submission.
    pub(crate) fn of(report: &'r Report) -> Self {
        let exit = report.exit();
        Self {
            status: report.status().name(),
            exit: exit.code(),
            message_id: Some(&report.message_id),
            size: Some(report.size),
            duration_ms: report.duration.as_millis(),
            envelope_from: Some(&report.envelope_from),
            server: report.server.as_ref().map(|peer| Server {
                host: bare(&peer.rung.host),
                port: peer.rung.port.number(),
                address: peer.address.map(|address| address.ip().to_string()),
                security: peer.rung.security.name(),
                tls: peer.tls.as_ref().map(|tls| tls.version.clone()),
                cipher: peer.tls.as_ref().map(|tls| tls.cipher.clone()),
            }),
            auth: report.auth,
            reply: report.reply.as_ref().map(reply),
            recipients: report
                .recipients
                .iter()
                .map(|(address, verdict)| recipient(address.to_string(), verdict))
                .collect(),
            attempts: report.attempts.iter().map(attempt).collect(),
            queue_id: report.queued.as_deref(),
            error: report.deciding().map(|failure| Error {
                hint: Some(report.hints().join("\n")).filter(|hints| !hints.is_empty()),
                ..error(failure, failure.message.clone())
            }),
        }
    }

    /// The result of trying a message of the queue.
    pub(crate) fn of_queued(report: &'r Report, id: &'r str) -> Self {
        Self {
            queue_id: Some(id),
            ..Self::of(report)
        }
    }

    /// The same where it could not be queued, which everybody relied on.
    pub(crate) fn or_failed(self, failure: Option<&Failure>) -> Self {
        let Some(failure) = failure else {
            return self;
        };
        Self {
            exit: failure.kind.exit().code(),
            error: Some(error(failure, failure.message.clone())),
            ..self
        }
    }

    /// The same, which ended with `exit` beside these who could not be reached at all.
    pub(crate) fn beside(mut self, unreachable: &[Unreachable], exit: Exit) -> Self {
        let Some(first) = unreachable.first() else {
            return self;
        };
        self.exit = exit.code();
        let is_accepted = |recipient: &Recipient| recipient.status == "accepted";
        self.status = match self.status {
            "sent" | "queued" if self.recipients.iter().any(is_accepted) => "partial",
            "sent" | "queued" => "rejected",
            other => other,
        };
        let refused = unreachable.iter().map(|one| Recipient {
            address: one.written.clone(),
            status: "rejected",
            code: None,
            enhanced: None,
            text: format!("{:#}", one.error),
        });
        self.recipients.extend(refused);
        let first = || Some(error(first.failure()?, format!("{:#}", first.error)));
        self.error = self.error.or_else(first);
        self
    }

    /// The result in a few words.
    pub(crate) fn summary(&self) -> String {
        let accepted = self
            .recipients
            .iter()
            .filter(|recipient| recipient.status == "accepted")
            .count();
        let count = self.recipients.len();
        format!(
            "{} (exit {}), accepted for {accepted} of {count} recipients",
            self.status, self.exit
        )
    }

    /// The result of a run that ended before there was a submission.
    pub(crate) fn failed(cause: &anyhow::Error) -> Self {
        let message = format!("{cause:#}");
        let error = match cause.downcast_ref::<Failure>() {
            Some(failure) => error(failure, message),
            None => Error {
                kind: "usage",
                message,
                hint: None,
            },
        };
        Self {
            status: "failed",
            exit: exit_of(cause).code(),
            error: Some(error),
            ..Self::default()
        }
    }
}

/// A host without the brackets that an address has in text.
pub(crate) fn bare(host: &Host) -> String {
    match host {
        Host::Name(name) => name.clone(),
        Host::Address(address) => address.to_string(),
    }
}

/// The words of a failure, for a place where its rung stands already.
pub(crate) fn without_place(failure: &Failure, rung: &Rung) -> String {
    let place = format!("{rung}: ");
    let words = failure.message.strip_prefix(&place);
    words.unwrap_or(&failure.message).to_owned()
}

fn error(failure: &Failure, message: String) -> Error {
    Error {
        kind: failure.kind.name(),
        message,
        hint: failure.hint.clone(),
    }
}

fn reply(reply: &Reply) -> ReplyFields {
    ReplyFields {
        code: reply.code,
        enhanced: reply.enhanced.map(|e| e.to_string()),
        text: reply.text(),
    }
}

fn recipient(address: String, verdict: &Verdict) -> Recipient {
    let reply = verdict.reply();
    let text = reply
        .map(Reply::text)
        .or_else(|| verdict.cause().map(|cause| cause.failure.message.clone()));
    Recipient {
        address,
        status: verdict.name(),
        code: reply.map(|reply| reply.code),
        enhanced: reply
            .and_then(|reply| reply.enhanced)
            .map(|enhanced| enhanced.to_string()),
        text: text.unwrap_or_default(),
    }
}

fn attempt(attempt: &Attempt) -> AttemptFields {
    AttemptFields {
        host: bare(&attempt.rung.host),
        port: attempt.rung.port.number(),
        security: attempt.rung.security.name(),
        outcome: attempt.outcome.name(),
        detail: attempt
            .failure
            .as_ref()
            .map(|failure| without_place(failure, &attempt.rung)),
        ms: attempt.took.as_millis(),
    }
}
