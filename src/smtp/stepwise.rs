//! A transaction whose commands come one by one, each given to the server when it comes and answered by
//! the server's reply to it: for somebody who speaks SMTP to us.
//!
//! Owns the state between the commands, and what of it is lost with the session. How commands are
//! written, what refusals mean and how a message is sent is the same as for a message that is there from
//! the start. Refuses by itself only what the server would have to refuse. RFC 5321 §4.1.4.

use super::body::{self, Broken, Form, unknown};
use super::delivery::{keeps_promises, takes_addresses, takes_size};
use super::dialogue::{Dialogue, Stage};
use super::fates::rcpt_refused;
use super::parameters::{Announced, left_out, mail_command, rcpt_command};
use super::reply::Reply;
use super::session::Session;
use super::verdict::{Cause, Verdict};
use crate::address::Address;
use crate::envelope::{Notify, Options, ReversePath};
use crate::failure::{Kind, Result as Outcome};
use crate::message::{Content, Message};

/// Why a command has no verdict: the session is over, and nobody has the message by it.
pub(crate) enum Over {
    /// The connection is lost, the server closes it (421), or it broke the protocol.
    Lost(Cause),
    /// The server does not know BDAT, although it offers CHUNKING.
    NotChunked,
}

/// What came of a command.
pub(crate) type Step = Result<Verdict, Over>;

/// A session that is used step by step.
pub(crate) struct Stepwise<'o> {
    session: Session<'o>,
    pipelining: bool,
    chunking: bool,
    /// A chunk was accepted, so that the server is known to know BDAT.
    chunk_taken: bool,
    /// The server may have a transaction open.
    must_reset: bool,
    transactions: u64,
    /// The transaction was begun with SMTPUTF8.
    utf8: bool,
    /// What each RCPT asks for.
    notify: Option<Notify>,
    /// It was said that the server offers no DSN.
    without_dsn: bool,
}

impl<'o> Stepwise<'o> {
    /// Takes over a session in which AUTH is settled. `pipelining` and `chunking` allow what the
    /// server offers of them.
    pub(crate) fn new(mut session: Session<'o>, pipelining: bool, chunking: bool) -> Self {
        session.note_stranger();
        let offers = &session.capabilities;
        Self {
            pipelining: pipelining && offers.pipelining,
            chunking: chunking && offers.chunking,
            chunk_taken: false,
            must_reset: false,
            transactions: 0,
            utf8: false,
            notify: None,
            without_dsn: false,
            session,
        }
    }

    /// The mechanism by which we authenticated.
    pub(crate) fn authenticated(&self) -> Option<&'static str> {
        self.session.authenticated
    }

    /// Whether another transaction can begin.
    pub(crate) fn is_open(&self) -> bool {
        let most = self.session.capabilities.mail_max;
        !self.session.dialogue.is_over() && most.is_none_or(|most| self.transactions < most)
    }

    /// Whether the transaction was begun with SMTPUTF8, or never will be.
    pub(crate) fn is_begun_with_utf8(&self) -> bool {
        self.utf8 || !self.session.capabilities.smtputf8
    }

    /// Begins a transaction, and takes back the one before.
    pub(crate) fn mail(
        &mut self,
        sender: &ReversePath,
        options: &Options,
        message: Announced,
    ) -> Step {
        let offers = &self.session.capabilities;
        let able = takes_addresses(offers, sender.needs_smtputf8())
            .and_then(|()| keeps_promises(offers, options));
        if let Err(failure) = able {
            return Ok(Verdict::from_failure(failure, None));
        }
        let warning = left_out(offers, options).filter(|_| !self.without_dsn);
        self.notify = options.notify.filter(|_| offers.dsn);
        self.utf8 = message.utf8 && offers.smtputf8;
        let message = Announced {
            utf8: self.utf8,
            ..message
        };
        let command = mail_command(offers, sender, options, message);
        let dialogue = &mut self.session.dialogue;
        if let Some(warning) = warning {
            self.without_dsn = true;
            dialogue.observer.warning(&warning);
        }
        if self.must_reset {
            let stage = Stage::Reset;
            let reply = ask(dialogue, &stage, "RSET")?;
            judge(dialogue, &stage, reply, &[250], Kind::Refused)?;
        }
        self.must_reset = true;
        self.transactions += 1;
        let stage = Stage::Mail(sender.to_string());
        let reply = ask(dialogue, &stage, &command)?;
        judge(dialogue, &stage, reply, &[250], Kind::Refused)
    }

    /// Asks for one recipient.
    pub(crate) fn rcpt(&mut self, recipient: &Address) -> Step {
        let (offers, needed) = (&self.session.capabilities, recipient.needs_smtputf8());
        if let Err(failure) = takes_addresses(offers, needed) {
            return Ok(Verdict::from_failure(failure, None));
        }
        let dialogue = &mut self.session.dialogue;
        let stage = Stage::Rcpt(recipient.to_string());
        let reply = ask(dialogue, &stage, &rcpt_command(recipient, self.notify))?;
        let kind = rcpt_refused(&reply);
        judge(dialogue, &stage, reply, &[250, 251, 252], kind)
    }

    /// Sends the message for those accepted, and tells its size. Accepted means by the reply to the
    /// message.
    pub(crate) fn message(&mut self, message: &Message) -> Result<(Verdict, u64), Over> {
        let content = match self.content(message) {
            Ok(content) => content,
            Err(failure) => return Ok((Verdict::from_failure(failure, None), message.size())),
        };
        let size = content.facts().size;
        self.hand_over(&content).map(|verdict| (verdict, size))
    }

    /// The message in the form that was announced.
    fn content(&self, message: &Message) -> Outcome<Content> {
        let offers = &self.session.capabilities;
        let content = message.content(self.utf8, offers.eight_bit_mime)?;
        takes_size(offers, &content)?;
        Ok(content)
    }

    fn hand_over(&mut self, content: &Content) -> Step {
        let dialogue = &mut self.session.dialogue;
        if !self.chunking {
            let stage = Stage::Data;
            let reply = ask(dialogue, &stage, "DATA")?;
            let verdict = judge(dialogue, &stage, reply, &[354], Kind::Refused)?;
            if !verdict.is_accepted() {
                return Ok(verdict);
            }
        }
        let silent = dialogue.expect_silence(&Stage::Data);
        silent.map_err(|failure| {
            Over::Lost(Cause {
                failure,
                reply: None,
            })
        })?;
        let form = Form::of(self.chunking, self.pipelining);
        let sent = body::send(dialogue, content, form, self.chunk_taken);
        match sent.and_then(|sending| sending.finish(dialogue)) {
            Ok(reply) if reply.is_positive() => {
                self.must_reset = false;
                self.chunk_taken |= self.chunking;
                Ok(Verdict::Accepted(reply))
            }
            Ok(reply) => {
                let failure = dialogue.unexpected(&Stage::FinalDot, &reply, Kind::Refused);
                if reply.code == 421 {
                    dialogue.abandon();
                }
                Ok(Verdict::from_failure(failure, Some(reply)))
            }
            Err(broken) => {
                dialogue.abandon();
                match broken {
                    Broken::NotChunked => Err(Over::NotChunked),
                    Broken::Uncertain(failure, reply) => Ok(unknown((failure, reply))),
                    Broken::Incomplete(failure, Some(reply)) if reply.code != 421 => {
                        Ok(Verdict::from_failure(failure, Some(reply)))
                    }
                    Broken::Incomplete(failure, reply) => Err(Over::Lost(Cause { failure, reply })),
                }
            }
        }
    }

    /// Ends the session.
    pub(crate) fn quit(self) {
        self.session.dialogue.quit();
    }
}

fn ask(dialogue: &mut Dialogue<'_>, stage: &Stage, command: &str) -> Result<Reply, Over> {
    let reply = dialogue.ask(stage, command);
    reply.map_err(|failure| {
        dialogue.abandon();
        Over::Lost(Cause {
            failure,
            reply: None,
        })
    })
}

/// The verdict that a reply is, where one of these is `due`; `permanent` is the kind of a 5yz.
fn judge(
    dialogue: &mut Dialogue<'_>,
    stage: &Stage,
    reply: Reply,
    due: &[u16],
    permanent: Kind,
) -> Step {
    if due.iter().any(|&due| reply.answers(due)) {
        return Ok(Verdict::Accepted(reply));
    }
    let failure = dialogue.unexpected(stage, &reply, permanent);
    if reply.code == 421 || failure.kind == Kind::Protocol {
        dialogue.abandon();
        return Err(Over::Lost(Cause {
            failure,
            reply: Some(reply),
        }));
    }
    Ok(Verdict::from_failure(failure, Some(reply)))
}
