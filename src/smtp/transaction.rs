//! One message to its recipients: MAIL, RCPT, DATA and the body, with a verdict for each.
//!
//! With PIPELINING (RFC 2920) MAIL, all RCPT and DATA leave in one group, and every reply is
//! matched to its command; without it they go one by one. A server that takes only so many
//! recipients at once (452, or 552 at RCPT; RFC 5321 §4.5.3.1.10) gets further transactions, as
//! long as the last one accepted somebody. What the server said first counts, also when the
//! connection dies afterwards.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::data::Stuffer;
use super::dialogue::{Dialogue, Stage};
use super::reply::{Enhanced, Reply};
use super::session::{Session, unexpected};
use super::verdict::{Cause, Verdict};
use crate::envelope::Envelope;
use crate::failure::{Failure, Kind, Result};
use crate::message::{Content, Message};

/// How the plan wants a message handed over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// Use PIPELINING where it is offered.
    pub(crate) pipelining: bool,
    /// Nobody gets the message unless all are accepted.
    pub(crate) all_or_nothing: bool,
}

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
    let mut run = Run {
        pipelining: manner.pipelining && session.capabilities.pipelining,
        all_or_nothing: manner.all_or_nothing,
        dialogue: &mut session.dialogue,
        envelope,
        content: &content,
        mail,
        verdicts: vec![None; envelope.recipients().len()],
        reply: None,
    };
    let usable = run.transactions();
    let Run {
        verdicts, reply, ..
    } = run;
    if usable {
        session.dialogue.quit();
    }
    let size = content.facts().size;
    let verdicts = verdicts
        .into_iter()
        .map(|verdict| verdict.unwrap_or_else(never_judged))
        .collect();
    Ok(Outcome {
        verdicts,
        reply,
        size,
    })
}

fn never_judged() -> Verdict {
    Verdict::from_failure(
        Failure::new(Kind::Bug, "a recipient was left without a verdict"),
        None,
    )
}

/// The message in the form this server takes.
fn prepare<'m>(
    session: &Session<'_>,
    envelope: &Envelope,
    message: &'m Message,
) -> Result<Content<'m>> {
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

fn mail_command(session: &Session<'_>, envelope: &Envelope, content: &Content<'_>) -> String {
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

struct Run<'r, 'o> {
    pipelining: bool,
    all_or_nothing: bool,
    dialogue: &'r mut Dialogue<'o>,
    envelope: &'r Envelope,
    content: &'r Content<'r>,
    mail: String,
    verdicts: Vec<Option<Verdict>>,
    reply: Option<Reply>,
}

/// Why a transaction, and with it the session, cannot go on. The recipients it concerns have
/// their verdicts.
struct Ended;

impl Run<'_, '_> {
    /// True when the session is in order at the end.
    fn transactions(&mut self) -> bool {
        let mut open: Vec<usize> = (0..self.verdicts.len()).collect();
        while !open.is_empty() {
            match self.transaction(&open) {
                Ok(again) => open = again,
                Err(Ended) => return false,
            }
        }
        true
    }

    /// One transaction for the recipients `open`; gives back those for whom there shall be
    /// another one.
    fn transaction(&mut self, open: &[usize]) -> std::result::Result<Vec<usize>, Ended> {
        let mut replies = self.envelope_phase(open)?;
        if self.all_or_nothing {
            if self.drop_all_unless_all(open) {
                return Ok(Vec::new());
            }
            replies.data = Some(self.lone_data()?);
        }
        let Replies {
            mail_refused,
            accepted,
            postponed,
            data,
        } = replies;
        match data {
            Some(reply) if reply.answers(354) => {}
            Some(reply) => {
                let failure = unexpected(&Stage::Data, &reply, Kind::Refused);
                let broken = failure.kind == Kind::Protocol;
                self.decide(&accepted, failure, Some(reply));
                self.decide_postponed(postponed);
                return if broken { Err(Ended) } else { Ok(Vec::new()) };
            }
            None => {
                self.decide_postponed(postponed);
                return Ok(Vec::new());
            }
        }
        if mail_refused {
            // The server lost count. Not one octet of the message belongs here.
            return Err(Ended);
        }
        self.dialogue
            .expect_silence(&Stage::Data)
            .map_err(|failure| self.end(&postponed, failure, None))?;
        if accepted.is_empty() {
            // 354 without a recipient: an empty message ends it (RFC 2920 §3.1).
            self.dialogue.wire.send(b".\r\n");
            let ended = self.dialogue.reply(&Stage::FinalDot).is_err();
            self.decide_postponed(postponed);
            return if ended { Err(Ended) } else { Ok(Vec::new()) };
        }
        let reply = self.body(&accepted, &postponed)?;
        if reply.answers(250) {
            self.reply = Some(reply);
            for (index, rcpt) in accepted {
                self.verdicts[index] = Some(Verdict::Accepted(rcpt));
            }
            return Ok(postponed.into_iter().map(|(index, _)| index).collect());
        }
        let failure = unexpected(&Stage::FinalDot, &reply, Kind::Refused);
        if failure.kind == Kind::Protocol {
            return Err(self.end_unknown(&accepted, postponed, failure, Some(reply)));
        }
        let closing = reply.code == 421;
        self.decide(&accepted, failure, Some(reply));
        self.decide_postponed(postponed);
        if closing { Err(Ended) } else { Ok(Vec::new()) }
    }

    /// MAIL and RCPT for each of `open`, and DATA in the same group unless all-or-nothing.
    fn envelope_phase(&mut self, open: &[usize]) -> std::result::Result<Replies, Ended> {
        let mut replies = Replies::default();
        let mut stages = Vec::with_capacity(open.len() + 2);
        stages.push((None, Stage::Mail(self.envelope.sender().to_string())));
        for &index in open {
            stages.push((
                Some(index),
                Stage::Rcpt(self.envelope.recipients()[index].to_string()),
            ));
        }
        if !self.all_or_nothing {
            stages.push((None, Stage::Data));
        }
        if self.pipelining {
            let sent = self
                .dialogue
                .expect_silence(&stages[0].1)
                .and_then(|()| stages.iter().try_for_each(|(_, stage)| self.send(stage)));
            sent.map_err(|failure| self.end(&[], failure, None))?;
        }
        for (index, stage) in &stages {
            if !self.pipelining {
                if replies.mail_refused || (*stage == Stage::Data && replies.accepted.is_empty()) {
                    break;
                }
                let sent = self
                    .dialogue
                    .expect_silence(stage)
                    .and_then(|()| self.send(stage));
                sent.map_err(|failure| self.end(&replies.postponed, failure, None))?;
            }
            let reply = self
                .dialogue
                .reply(stage)
                .map_err(|failure| self.end(&replies.postponed, failure, None))?;
            let closing = (reply.code == 421)
                .then(|| (unexpected(stage, &reply, Kind::Refused), reply.clone()));
            match (stage, index) {
                (Stage::Mail(_), _) if !reply.answers(250) => {
                    let failure = unexpected(stage, &reply, Kind::Refused);
                    let broken = failure.kind == Kind::Protocol;
                    replies.mail_refused = true;
                    self.decide_all(failure, Some(reply));
                    if broken {
                        return Err(Ended);
                    }
                }
                (Stage::Rcpt(_), Some(index)) => self.judge(*index, stage, reply, &mut replies)?,
                (Stage::Data, _) => replies.data = Some(reply),
                _ => {}
            }
            if let Some((failure, reply)) = closing {
                return Err(self.end(&replies.postponed, failure, Some(reply)));
            }
        }
        Ok(replies)
    }

    fn send(&mut self, stage: &Stage) -> Result<()> {
        match stage {
            Stage::Mail(_) => self.dialogue.send(&self.mail),
            Stage::Rcpt(path) => self.dialogue.send(&format!("RCPT TO:<{path}>")),
            _ => self.dialogue.send("DATA"),
        }
    }

    /// Takes in the reply to one RCPT.
    fn judge(
        &mut self,
        index: usize,
        stage: &Stage,
        reply: Reply,
        replies: &mut Replies,
    ) -> std::result::Result<(), Ended> {
        if self.verdicts[index].is_some() {
            // MAIL was refused: its reply decided; this one only says that there is no MAIL.
        } else if reply.is_positive()
            && (reply.answers(250) || reply.answers(251) || reply.answers(252))
        {
            replies.accepted.push((index, reply));
        } else if matches!(reply.code, 452 | 552) && !self.all_or_nothing {
            replies.postponed.push((index, reply));
        } else {
            let failure = rcpt_failure(stage, &reply);
            if failure.kind == Kind::Protocol {
                return Err(self.end(&replies.postponed, failure, Some(reply)));
            }
            self.verdicts[index] = Some(Verdict::from_failure(failure, Some(reply)));
        }
        Ok(())
    }

    /// With all-or-nothing: true when somebody was refused, so that nobody gets the message.
    fn drop_all_unless_all(&mut self, open: &[usize]) -> bool {
        let first = open
            .iter()
            .find_map(|&index| self.verdicts[index].as_ref().and_then(Verdict::cause));
        let Some(cause) = first.cloned() else {
            return false;
        };
        let failure = Failure {
            message: format!(
                "not sent (--all-or-nothing), because of {}",
                cause.failure.message
            ),
            ..cause.failure
        };
        self.decide_all(failure, cause.reply);
        true
    }

    fn lone_data(&mut self) -> std::result::Result<Reply, Ended> {
        let stage = Stage::Data;
        let reply = self
            .dialogue
            .expect_silence(&stage)
            .and_then(|()| self.dialogue.send("DATA"))
            .and_then(|()| self.dialogue.reply(&stage));
        reply.map_err(|failure| self.end(&[], failure, None))
    }

    /// Sends the content and the final dot; gives back the reply to it.
    fn body(
        &mut self,
        accepted: &[(usize, Reply)],
        postponed: &[(usize, Reply)],
    ) -> std::result::Result<Reply, Ended> {
        let end = |run: &mut Self, failure, reply| run.end(postponed, failure, reply);
        match self.write_body() {
            Ok(()) => {}
            Err(Interrupted::Local(failure)) => return Err(end(self, failure, None)),
            Err(Interrupted::Early(reply)) => {
                let failure = unexpected(&Stage::Body, &reply, Kind::Refused);
                return Err(end(self, failure, Some(reply)));
            }
            Err(Interrupted::Lost(failure)) => {
                // What the server said before it closed is worth more than that it closed. It is
                // here already: nothing is waited for again.
                let now = Instant::now();
                return match self.dialogue.reply_until(&Stage::Body, now, Duration::ZERO) {
                    Ok(reply) if reply.is_negative() => {
                        let failure = unexpected(&Stage::Body, &reply, Kind::Refused);
                        Err(end(self, failure, Some(reply)))
                    }
                    _ => Err(end(self, failure, None)),
                };
            }
        }
        match self.dialogue.reply(&Stage::FinalDot) {
            Ok(reply) => Ok(reply),
            Err(failure) => Err(self.end_unknown(accepted, postponed.to_vec(), failure, None)),
        }
    }

    fn write_body(&mut self) -> std::result::Result<(), Interrupted> {
        let local = |error: std::io::Error| {
            Interrupted::Local(Failure::new(
                Kind::Io,
                format!("the message cannot be read any more: {error}"),
            ))
        };
        let stage = Stage::Body;
        self.dialogue.observer.sent(&format!(
            "(the message: {} octets)",
            self.content.facts().size
        ));
        let mut reader = self.content.reader();
        let mut stuffer = Stuffer::default();
        // Each chunk leaves when the next one is there, so that the last one takes the final dot
        // along.
        while let Some(chunk) = reader.next_chunk().map_err(local)? {
            self.write_queued(&stage)?;
            stuffer.stuff(chunk, |bytes| self.dialogue.wire.send(bytes));
        }
        self.dialogue.wire.send(stuffer.terminator());
        self.dialogue.observer.sent(".");
        self.write_queued(&stage)
    }

    fn write_queued(&mut self, stage: &Stage) -> std::result::Result<(), Interrupted> {
        self.no_early_reply()?;
        self.dialogue.flush(stage).map_err(Interrupted::Lost)
    }

    /// A reply before the final dot is the server's way of hanging up.
    fn no_early_reply(&mut self) -> std::result::Result<(), Interrupted> {
        let stage = Stage::Body;
        // What cannot be read is found out by the next write.
        let _ = self.dialogue.wire.peek();
        if self.dialogue.wire.inbox.is_empty() {
            return Ok(());
        }
        match self.dialogue.reply(&stage) {
            Ok(reply) if reply.is_negative() => Err(Interrupted::Early(reply)),
            Ok(reply) => Err(Interrupted::Local(Failure::new(
                Kind::Protocol,
                format!("{stage}: a reply before the message was complete: {reply}"),
            ))),
            Err(failure) if failure.kind == Kind::Protocol => Err(Interrupted::Local(failure)),
            Err(failure) => Err(Interrupted::Lost(failure)),
        }
    }

    /// Gives `failure` to those accepted at RCPT.
    fn decide(&mut self, accepted: &[(usize, Reply)], failure: Failure, reply: Option<Reply>) {
        let verdict = Verdict::from_failure(failure, reply);
        for (index, _) in accepted {
            self.verdicts[*index] = Some(verdict.clone());
        }
    }

    /// Those for whom there will be no further transaction keep the reply they got.
    fn decide_postponed(&mut self, postponed: Vec<(usize, Reply)>) {
        for (index, reply) in postponed {
            let stage = Stage::Rcpt(self.envelope.recipients()[index].to_string());
            self.verdicts[index] = Some(Verdict::from_failure(
                rcpt_failure(&stage, &reply),
                Some(reply),
            ));
        }
    }

    /// Gives `failure` to everybody who has no verdict yet.
    fn decide_all(&mut self, failure: Failure, reply: Option<Reply>) {
        let verdict = Verdict::from_failure(failure, reply);
        for slot in &mut self.verdicts {
            slot.get_or_insert_with(|| verdict.clone());
        }
    }

    fn end(
        &mut self,
        postponed: &[(usize, Reply)],
        failure: Failure,
        reply: Option<Reply>,
    ) -> Ended {
        self.decide_postponed(postponed.to_vec());
        self.decide_all(failure, reply);
        Ended
    }

    /// The final dot has left, and what the server made of it is not known.
    fn end_unknown(
        &mut self,
        accepted: &[(usize, Reply)],
        postponed: Vec<(usize, Reply)>,
        failure: Failure,
        reply: Option<Reply>,
    ) -> Ended {
        let failure = match failure.kind {
            Kind::Protocol => failure,
            _ => Failure {
                kind: Kind::Uncertain,
                ..failure
            },
        };
        let failure = Failure { message: format!("{}; it may have been delivered", failure.message), ..failure }
            .with_hint("the whole message had been sent: before sending it again, ask whether it arrived (its Message-ID stays the same)");
        let unknown = Verdict::Unknown(Arc::new(Cause { failure, reply }));
        for (index, _) in accepted {
            self.verdicts[*index] = Some(unknown.clone());
        }
        self.decide_postponed(postponed);
        Ended
    }
}

#[derive(Default)]
struct Replies {
    mail_refused: bool,
    accepted: Vec<(usize, Reply)>,
    postponed: Vec<(usize, Reply)>,
    data: Option<Reply>,
}

/// Why the body was not sent to its end.
enum Interrupted {
    /// Our own side cannot go on, or the server broke the protocol.
    Local(Failure),
    /// The server answered before the end.
    Early(Reply),
    /// The connection is gone.
    Lost(Failure),
}

/// The failure a refused RCPT means: unknown to the server with X.1.x, or with 550, 551 or 553
/// and no enhanced code; refused for another reason otherwise.
fn rcpt_failure(stage: &Stage, reply: &Reply) -> Failure {
    let unknown = match reply.enhanced {
        Some(Enhanced(_, subject, _)) => subject == 1,
        None => matches!(reply.code, 550 | 551 | 553),
    };
    unexpected(
        stage,
        reply,
        if unknown {
            Kind::Recipient
        } else {
            Kind::Refused
        },
    )
}
