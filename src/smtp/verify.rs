//! VRFY and EXPN (RFC 5321 §3.5, §4.1.1.6, §4.1.1.7): what a server says about an address without
//! being given mail for it.
//!
//! Each command waits for the reply to the one before, because VRFY and EXPN end a group (RFC 2920
//! §3.1). A server that does not know the command is not asked a second time.

use super::dialogue::{Dialogue, Stage};
use super::fates::rcpt_refused;
use super::reply::Reply;
use super::session::Session;
use crate::address::Address;
use crate::failure::{Failure, Kind, Result};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Whether the server knows it: VRFY.
    Known,
    /// Who is on this list: EXPN.
    Members,
}

impl Question {
    /// The command.
    pub const fn command(self) -> &'static str {
        match self {
            Self::Known => "VRFY",
            Self::Members => "EXPN",
        }
    }
}

/// What the server's answer comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// 250: it is known here.
    Known,
    /// 251: it is not, and mail for it is passed on.
    Forwarded,
    /// 252: the server does not say; it would take mail for it and try.
    Undecided,
    /// 550, 551 or 553, or an enhanced code X.1.x: no such address here.
    Unknown,
    /// 500, 502 or 504: the server does not know the command, or not so.
    NotOffered,
    /// Any other 5yz.
    Refused,
    /// 4yz: not now.
    Later,
    /// No answer that could be understood.
    NotAnswered,
}

impl Standing {
    /// The name used in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Forwarded => "forwarded",
            Self::Undecided => "undecided",
            Self::Unknown => "unknown",
            Self::NotOffered => "not-offered",
            Self::Refused => "refused",
            Self::Later => "later",
            Self::NotAnswered => "not-answered",
        }
    }
}

/// What was found out about one address.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The address.
    pub address: Address,
    /// What it comes to.
    pub standing: Standing,
    /// The server's reply; each line of it is a member of a list that was asked for.
    pub reply: Option<Reply>,
    /// Why the question has no good answer.
    pub failure: Option<Failure>,
}

impl Finding {
    fn of(address: &Address, question: Question, reply: Reply, dialogue: &Dialogue<'_>) -> Self {
        let stage = stage(question, address);
        let (standing, failure) = match reply.code {
            251 => (Standing::Forwarded, None),
            252 => (Standing::Undecided, None),
            _ if reply.answers(250) => (Standing::Known, None),
            500 | 502 | 504 => {
                let failure = dialogue.unexpected(&stage, &reply, Kind::Refused);
                (Standing::NotOffered, Some(failure))
            }
            _ => {
                let failure = dialogue.unexpected(&stage, &reply, rcpt_refused(&reply));
                let standing = match failure.kind {
                    Kind::Recipient => Standing::Unknown,
                    Kind::Refused => Standing::Refused,
                    Kind::Temporary => Standing::Later,
                    _ => Standing::NotAnswered,
                };
                (standing, Some(failure))
            }
        };
        Self {
            address: address.clone(),
            standing,
            reply: Some(reply),
            failure,
        }
    }

    /// Of an address about which nothing was heard.
    pub(crate) fn without_answer(address: &Address, failure: Failure) -> Self {
        Self {
            address: address.clone(),
            standing: Standing::NotAnswered,
            reply: None,
            failure: Some(failure),
        }
    }

    /// The reply, where it would be the same for any other address.
    fn reply_for_all(&self) -> Option<&Reply> {
        let reply = self.reply.as_ref();
        reply.filter(|reply| matches!(reply.code, 500 | 502 | 421))
    }
}

/// Asks about each address in turn.
pub(crate) fn ask(
    session: &mut Session<'_>,
    question: Question,
    addresses: &[Address],
) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for address in addresses {
        let for_all = findings.last().and_then(Finding::reply_for_all).cloned();
        let reply = match for_all {
            Some(reply) => Ok(reply),
            None => ask_about(session, question, address),
        };
        let finding = match reply {
            Ok(reply) => Finding::of(address, question, reply, &session.dialogue),
            Err(failure) => Finding::without_answer(address, failure),
        };
        findings.push(finding);
    }
    findings
}

fn ask_about(session: &mut Session<'_>, question: Question, address: &Address) -> Result<Reply> {
    let stage = stage(question, address);
    let mut command = format!("{} {address}", question.command());
    if address.needs_smtputf8() {
        if !session.capabilities.smtputf8 {
            return Err(Failure::new(
                Kind::Message,
                format!("{stage}: the server does not take characters outside ASCII (SMTPUTF8)"),
            ));
        }
        // RFC 6531 §3.7.4.2.
        command.push_str(" SMTPUTF8");
    }
    if session.dialogue.is_over() {
        let words = format!("{stage}: not asked, because the session was over");
        return Err(Failure::new(Kind::Temporary, words));
    }
    session.dialogue.ask(&stage, &command)
}

fn stage(question: Question, address: &Address) -> Stage {
    Stage::Ask(question.command(), address.to_string())
}
