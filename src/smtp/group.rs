//! The commands of one transaction that leave together, and their replies in order (RFC 2920).
//!
//! Owns the order (RSET or AUTH where they are due, MAIL, each RCPT, then DATA or the whole message by BDAT)
//! and the matching of each reply to the oldest command without one. As many commands as the
//! window allows are on their way at once; after a refusal that makes the rest pointless no more of
//! them are sent. What the replies mean for the message is the transaction's to say.

use std::collections::VecDeque;
use std::time::Duration;

use super::auth::{self, Lead};
use super::body;
use super::delivery::Parcel;
use super::dialogue::{Dialogue, Stage};
use super::fates::{Accepted, Fate, rcpt_refused};
use super::parameters::rcpt_command;
use super::reply::Reply;
use super::sasl::MechanismName;
use super::verdict::Verdict;
use crate::failure::{Failure, Kind};
use crate::interrupt;

/// Recipients up to which all commands leave in one group. A common default is to take a thousand
/// recipients and to forgive a thousand more with 452; what comes then counts as errors, for which
/// the server hangs up.
pub(super) const ONE_GROUP: usize = 2000;
/// With more recipients than that: most commands on their way without a reply, so that no more of
/// them are sent once the server says that it has enough.
const WINDOW: usize = 1000;

/// How long a server that said it closes the connection may take to do it.
const GOODBYE: Duration = Duration::from_secs(2);

/// What ends a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// Nothing: the message waits for the replies.
    Nothing,
    Data,
    /// The message itself, by BDAT.
    Message,
}

/// How the commands of a group leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// One by one: the server does not offer PIPELINING, or is not to be given it.
    InTurn,
    /// Together.
    Together,
    /// Together, behind a message whose reply has not come yet.
    Behind,
}

/// A refusal, in words and as it came.
pub(super) type Refusal = (Failure, Option<Reply>);

/// The commands of one transaction, and what has been said to them.
pub(super) struct Group {
    steps: VecDeque<Step>,
    on_the_way: VecDeque<(Step, Stage)>,
    window: usize,
    lead: Option<Lead>,
    pub(super) pace: Pace,
    pub(super) tail: Tail,
    /// Where on the wire the message ends, when it is in the group and was sent.
    end: Option<u64>,
    /// The reply by which the server said that it takes no more recipients.
    full: Option<Reply>,
    /// The 421 by which the server said that it closes the connection.
    goodbye: Option<Refusal>,
    /// Why a command could not be queued.
    stuck: Option<Failure>,
    pub(super) replies: Replies,
}

/// What has been said.
#[derive(Default)]
pub(super) struct Replies {
    /// The mechanism by which we are now authenticated.
    pub(super) authenticated: Option<&'static str>,
    pub(super) auth_refused: Option<Refusal>,
    pub(super) mail_refused: Option<Refusal>,
    /// MAIL has its reply.
    pub(super) mail_answered: bool,
    /// RCPT commands that have theirs.
    pub(super) rcpt_answered: usize,
    pub(super) accepted: Accepted,
    /// The reply to the tail.
    pub(super) last: Option<Reply>,
}

/// A command of the group; a recipient by its place in the envelope.
#[derive(Clone, Copy)]
enum Step {
    Reset,
    Auth(MechanismName),
    Mail,
    Rcpt(usize),
    Data,
    Message,
}

impl Replies {
    /// Whether AUTH was refused so that nobody got anywhere by what came behind it. One that is put
    /// off would be tried again: it decides nothing where the server went on with MAIL.
    pub(super) fn auth_decides(&self) -> bool {
        let refused = self.auth_refused.as_ref();
        refused.is_some_and(|(failure, _)| failure.kind == Kind::Auth || !self.mail_answered)
    }

    /// What a broken group means, where the server took AUTH and was then silent about all that
    /// was sent with it.
    pub(super) fn explain(&self, stop: Refusal) -> Refusal {
        let silent = stop.1.is_none()
            && self.authenticated.is_some()
            && !self.mail_answered
            && interrupt::arrived().is_none();
        match stop {
            (failure, said) if silent && failure.hint.is_none() => {
                let hint = "the server answered AUTH and nothing that was sent with it: use --auth-first with this server";
                (failure.with_hint(hint), said)
            }
            stop => stop,
        }
    }
}

impl Group {
    /// The group that asks for these recipients, by their places in the envelope.
    pub(super) fn new(
        recipients: &[usize],
        lead: Option<Lead>,
        reset: bool,
        pace: Pace,
        tail: Tail,
    ) -> Self {
        let mut steps = VecDeque::with_capacity(recipients.len() + 3);
        steps.extend(reset.then_some(Step::Reset));
        steps.extend(lead.as_ref().map(|lead| Step::Auth(lead.name)));
        steps.push_back(Step::Mail);
        steps.extend(recipients.iter().copied().map(Step::Rcpt));
        steps.extend(match tail {
            Tail::Nothing => None,
            Tail::Data => Some(Step::Data),
            Tail::Message => Some(Step::Message),
        });
        let window = match recipients.len() {
            _ if pace == Pace::InTurn => 1,
            ..=ONE_GROUP => usize::MAX,
            _ => WINDOW,
        };
        Self {
            steps,
            on_the_way: VecDeque::new(),
            window,
            lead,
            pace,
            tail,
            end: None,
            full: None,
            goodbye: None,
            stuck: None,
            replies: Replies::default(),
        }
    }

    /// Whether the server may have the message, and with it all that is asked for.
    pub(super) fn message_may_have_left(&self, dialogue: &Dialogue<'_>) -> bool {
        self.end.is_some_and(|end| dialogue.wire.may_have_left(end))
    }

    /// Sends all commands and takes in all replies.
    ///
    /// # Errors
    /// Why it cannot go on: the connection is lost or the server closes it (421), a reply that may
    /// not come there, a message that cannot be read.
    pub(super) fn run(
        &mut self,
        dialogue: &mut Dialogue<'_>,
        parcel: &mut Parcel<'_>,
    ) -> Result<(), Refusal> {
        loop {
            self.fill(dialogue, parcel);
            if let Some(failure) = self.stuck.take() {
                return Err((failure, None));
            }
            let Some((step, stage)) = self.on_the_way.pop_front() else {
                return Ok(());
            };
            let reply = match self.goodbye.take() {
                None => {
                    let patience = dialogue.patience(&stage);
                    let reply = dialogue.reply_within(&stage, patience, self.end);
                    reply.map_err(|failure| (failure, None))?
                }
                Some(goodbye) => {
                    let mut soon = dialogue.patience(&stage);
                    soon.wait = soon.wait.min(GOODBYE);
                    let reply = match dialogue.reply_within(&stage, soon, self.end) {
                        Ok(reply) => reply,
                        // Nonsense is no way of closing.
                        Err(failure) if failure.kind == Kind::Protocol => {
                            return Err((failure, None));
                        }
                        Err(_) => return Err(goodbye),
                    };
                    self.goodbye = Some(goodbye);
                    reply
                }
            };
            if reply.code == 421
                && !matches!(step, Step::Message)
                && let Some(refusal) = refusal(step, &stage, &reply, dialogue)
            {
                if !self.message_may_have_left(dialogue) {
                    return Err(refusal);
                }
                // It should close now, and the message was not taken. But it has the message: should
                // it go on all the same, what it says of that is what happened.
                self.goodbye.get_or_insert(refusal);
            } else if reply.is_positive() {
                // Who accepts something after it did not mean it, and may take the message too.
                self.goodbye = None;
            }
            self.take_in(step, &stage, reply, dialogue, parcel)?;
        }
    }

    /// Queues as many commands as may be on their way. What goes wrong is told by
    /// [`run`](Self::run).
    pub(super) fn fill(&mut self, dialogue: &mut Dialogue<'_>, parcel: &mut Parcel<'_>) {
        while self.stuck.is_none() && self.on_the_way.len() < self.window {
            let Some(step) = self.steps.pop_front() else {
                break;
            };
            let alone = self.on_the_way.is_empty();
            match (step, &self.full) {
                // What was refused already needs no further words.
                (Step::Rcpt(_) | Step::Data, _) if self.replies.mail_refused.is_some() => continue,
                (Step::Rcpt(index), Some(reply)) => {
                    let stage = self.stage(step, parcel);
                    let refusal = rcpt_refusal(&stage, reply.clone(), dialogue);
                    let verdict = Verdict::from_failure(refusal.0, refusal.1);
                    parcel.fates.set(index, Fate::Postponed(verdict));
                    continue;
                }
                (Step::Data, _) if alone && self.replies.accepted.is_empty() => continue,
                _ => {}
            }
            let stage = self.stage(step, parcel);
            let silent = if alone && self.pace != Pace::Behind {
                dialogue.expect_silence(&stage)
            } else {
                Ok(())
            };
            self.stuck = silent
                .and_then(|()| self.queue(step, dialogue, parcel))
                .err();
            self.on_the_way.push_back((step, stage));
        }
    }

    fn stage(&self, step: Step, parcel: &Parcel<'_>) -> Stage {
        let envelope = &parcel.job.envelope;
        match step {
            Step::Reset => Stage::Reset,
            Step::Auth(name) => Stage::Auth(name),
            Step::Mail => Stage::Mail(envelope.sender().to_string()),
            Step::Rcpt(index) => Stage::Rcpt(envelope.recipients()[index].to_string()),
            Step::Data => Stage::Data,
            Step::Message => Stage::FinalDot,
        }
    }

    fn queue(
        &mut self,
        step: Step,
        dialogue: &mut Dialogue<'_>,
        parcel: &Parcel<'_>,
    ) -> Result<(), Failure> {
        match step {
            Step::Reset => dialogue.send("RSET"),
            Step::Auth(_) => self
                .lead
                .as_ref()
                .map_or(Ok(()), |lead| lead.send(dialogue)),
            Step::Mail => dialogue.send(&parcel.mail),
            Step::Rcpt(index) => {
                let recipient = &parcel.job.envelope.recipients()[index];
                dialogue.send(&rcpt_command(recipient, parcel.notify))
            }
            Step::Message => {
                self.end = Some(body::queue_whole(dialogue, &parcel.content)?);
                Ok(())
            }
            Step::Data => dialogue.send("DATA"),
        }
    }

    fn take_in(
        &mut self,
        step: Step,
        stage: &Stage,
        reply: Reply,
        dialogue: &Dialogue<'_>,
        parcel: &mut Parcel<'_>,
    ) -> Result<(), Refusal> {
        self.replies.mail_answered |= matches!(step, Step::Mail);
        match step {
            Step::Rcpt(index) => self.judge(index, stage, reply.brief(), dialogue, parcel)?,
            Step::Data | Step::Message => self.replies.last = Some(reply),
            Step::Reset | Step::Auth(_) | Step::Mail => {
                let refusal = refusal(step, stage, &reply, dialogue);
                match (step, refusal) {
                    (Step::Auth(name), None) => self.replies.authenticated = Some(name.as_str()),
                    (_, None) => {}
                    (_, Some(refusal)) if refusal.0.kind == Kind::Protocol => return Err(refusal),
                    (Step::Auth(_), refusal) => self.replies.auth_refused = refusal,
                    (Step::Mail, refusal) => self.replies.mail_refused = refusal,
                    (_, Some(refusal)) => return Err(refusal),
                }
            }
        }
        Ok(())
    }

    /// Takes in the reply to one RCPT.
    fn judge(
        &mut self,
        index: usize,
        stage: &Stage,
        reply: Reply,
        dialogue: &Dialogue<'_>,
        parcel: &mut Parcel<'_>,
    ) -> Result<(), Refusal> {
        self.replies.rcpt_answered += 1;
        let fates = &mut parcel.fates;
        if [250, 251, 252].iter().any(|&due| reply.answers(due)) {
            // What it was told in an earlier transaction no longer counts.
            fates.set(index, Fate::Open);
            self.replies.accepted.push((index, reply));
        } else if self.replies.mail_refused.is_some() {
            // The reply to MAIL decides; this one only says that there was none.
        } else if matches!(reply.code, 452 | 552) && parcel.may_be_split {
            self.full.get_or_insert_with(|| reply.clone());
            let (failure, reply) = rcpt_refusal(stage, reply, dialogue);
            fates.set(
                index,
                Fate::Postponed(Verdict::from_failure(failure, reply)),
            );
        } else {
            let (failure, reply) = rcpt_refusal(stage, reply, dialogue);
            if failure.kind == Kind::Protocol {
                return Err((failure, reply));
            }
            fates.set(index, Fate::Decided(Verdict::from_failure(failure, reply)));
        }
        Ok(())
    }
}

/// What a reply means that is not the one due.
fn refusal(step: Step, stage: &Stage, reply: &Reply, dialogue: &Dialogue<'_>) -> Option<Refusal> {
    let failure = match step {
        Step::Auth(name) => auth::conclude(dialogue, name, reply).err()?,
        Step::Reset | Step::Mail if reply.answers(250) => return None,
        _ => dialogue.unexpected(stage, reply, Kind::Refused),
    };
    Some((failure, Some(reply.clone())))
}

fn rcpt_refusal(stage: &Stage, reply: Reply, dialogue: &Dialogue<'_>) -> Refusal {
    let failure = dialogue.unexpected(stage, &reply, rcpt_refused(&reply));
    (failure, Some(reply))
}
