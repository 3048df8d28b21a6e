//! One message over one session: whether this server can take it, and in which form; the transactions;
//! the end of the session.
//!
//! Owns what depends on the server's offers: SIZE (RFC 1870), compared before anything is sent,
//! BODY=8BITMIME (RFC 6152) and SMTPUTF8 (RFC 6531). Refuses to send what would have to be changed.

use std::sync::Arc;

use super::reply::Reply;
use super::session::Session;
use super::transaction::{self, Done, Manner};
use super::verdict::{Cause, Verdict};
use crate::envelope::Envelope;
use crate::failure::{Failure, Kind, Result};
use crate::message::{Content, Message};

/// What came of it.
pub(crate) struct Outcome {
    /// One verdict for each recipient, in the order of the envelope.
    pub(crate) verdicts: Vec<Verdict>,
    /// The last positive reply to the message itself.
    pub(crate) reply: Option<Reply>,
    /// Octets of the message as the server was to get it.
    pub(crate) size: u64,
}

/// Hands the message over, in as many transactions as it takes, and ends the session.
///
/// # Errors
/// `Message` when this server cannot take this message at all: too large for its SIZE (RFC 1870),
/// or in need of 8BITMIME or SMTPUTF8 that it does not offer. Then no MAIL was sent.
pub(crate) fn deliver(
    mut session: Session<'_>,
    envelope: &Envelope,
    message: &Message,
    manner: Manner,
) -> Result<Outcome> {
    let content = match prepare(&session, envelope, message) {
        Ok(content) => content,
        Err(failure) => {
            session.dialogue.quit();
            return Err(failure);
        }
    };
    let mail = mail_command(&session, envelope, &content);
    let manner = Manner {
        pipelining: manner.pipelining && session.capabilities.pipelining,
        ..manner
    };
    let done = transaction::run(&mut session.dialogue, envelope, &content, &mail, manner);
    let Done {
        mut verdicts,
        reply,
        in_order,
    } = done;
    if session.authenticated.is_none() && !session.capabilities.auth.is_empty() {
        verdicts = verdicts.into_iter().map(wants_a_user).collect();
    }
    if in_order {
        session.dialogue.quit();
    }
    Ok(Outcome {
        verdicts,
        reply,
        size: content.facts().size,
    })
}

/// Where nobody is authenticated and the server offers AUTH, that is what most refusals of an envelope
/// are about, whatever their words.
fn wants_a_user(verdict: Verdict) -> Verdict {
    let of_the_envelope = |text: &str| text.starts_with("MAIL ") || text.starts_with("RCPT ");
    match verdict {
        Verdict::Rejected(cause)
            if cause.failure.kind == Kind::Refused
                && cause.failure.hint.is_none()
                && of_the_envelope(&cause.failure.message) =>
        {
            let hint = "the server offers AUTH and no user is given: set --user or SMTPSEND_USER";
            let failure = cause.failure.clone().with_hint(hint);
            Verdict::Rejected(Arc::new(Cause {
                failure,
                reply: cause.reply.clone(),
            }))
        }
        other => other,
    }
}

/// The message in the form this server takes.
fn prepare(session: &Session<'_>, envelope: &Envelope, message: &Message) -> Result<Content> {
    let offers = &session.capabilities;
    if envelope.needs_smtputf8() && !offers.smtputf8 {
        return Err(Failure::new(
            Kind::Message,
            "the server does not take addresses with characters outside ASCII (SMTPUTF8)",
        )
        .with_hint("use an ASCII address, or another server"));
    }
    let content = message.content(offers.smtputf8, offers.eight_bit_mime)?;
    let size = content.facts().size;
    match offers.size {
        Some(Some(limit)) if size > limit => Err(Failure::new(
            Kind::Message,
            format!("the message has {size} octets and the server takes {limit} (SIZE)"),
        )
        .with_hint("send less, or put what is large somewhere else and send its address")),
        _ => Ok(content),
    }
}

fn mail_command(session: &Session<'_>, envelope: &Envelope, content: &Content) -> String {
    let offers = &session.capabilities;
    let facts = content.facts();
    let mut command = format!("MAIL FROM:<{}>", envelope.sender());
    if offers.size.is_some() {
        command.push_str(&format!(" SIZE={}", facts.size));
    }
    if facts.eight_bit.is_some() && offers.eight_bit_mime {
        command.push_str(" BODY=8BITMIME");
    }
    if envelope.needs_smtputf8() || facts.utf8_header {
        command.push_str(" SMTPUTF8");
    }
    command
}
