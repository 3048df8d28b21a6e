//! The messages of one session, one after the other.
//!
//! MAIL and RCPT of the next message leave behind the last octet of the one before, and its own
//! last octet only when that one has its reply: a session that is cut leaves one message uncertain at
//! most, and what had not left is handed back to be submitted in another session. So is a message
//! that the server puts off because it has had enough of them (421, any 4yz to MAIL), unless it is the first.

use std::collections::VecDeque;

use super::delivery::{Again, Jobs, Parcel, prepare};
use super::dialogue::Stage;
use super::group::{Group, ONE_GROUP, Pace, Tail};
use super::parameters::left_out;
use super::quit_after::QuitAfter;
use super::session::Session;
use super::transaction::Turn;
use crate::envelope::Envelope;
use crate::failure::Failure;

/// Octets up to which a message leaves together with its envelope: about twice what TCP sends
/// before it waits (RFC 6928). More would be wasted where the recipients are refused.
const ONE_FLIGHT: u64 = 32 * 1024;

/// How the plan wants messages handed over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// Use PIPELINING where it is offered.
    pub(crate) pipelining: bool,
    /// Use CHUNKING where it is offered.
    pub(crate) chunking: bool,
    /// Nobody gets a message unless all are accepted.
    pub(crate) all_or_nothing: bool,
    /// Where to end each transaction, so that nothing is sent.
    pub(crate) quit_after: Option<QuitAfter>,
}

impl Manner {
    /// Whether all recipients of a message are asked for in one transaction, which is the only one.
    fn is_one_transaction(self) -> bool {
        self.all_or_nothing || self.quit_after.is_some()
    }
}

/// Why a session ends before its time.
pub(super) enum Ended {
    /// Everybody of the message has a verdict; nothing more can be said in this session.
    Settled,
    /// The message cannot have left, and is to be submitted once more.
    Again(Again),
    /// AUTH was refused, which is so for every message. Everybody has a verdict.
    Account(Failure),
}

/// A session, and what is submitted by it.
pub(super) struct Conversation<'s, 'o, 'j> {
    pub(super) session: Session<'o>,
    pub(super) manner: Manner,
    jobs: &'s mut dyn Jobs<'j>,
    /// The next message, whose envelope is on its way already.
    ahead: Option<(Parcel<'j>, Group)>,
    /// Messages that need another transaction, and wait for the one ahead.
    later: VecDeque<Parcel<'j>>,
    /// MAIL commands so far.
    transactions: u64,
    /// A message was settled in this session, so that it is not the session's fault what happens next.
    pub(super) served: bool,
    /// A chunk was accepted, so that the server is known to know BDAT.
    pub(super) chunk_taken: bool,
    /// The server may still have a transaction open.
    pub(super) must_reset: bool,
    /// It was said that the server offers no DSN.
    without_dsn: bool,
}

/// Submits messages until there are none left or the session is over, and ends it.
///
/// # Errors
/// The refusal of AUTH, which concerns all messages that are left.
pub(crate) fn run<'j>(
    session: Session<'_>,
    manner: Manner,
    jobs: &mut dyn Jobs<'j>,
) -> Result<(), Failure> {
    let mut session = session;
    session.note_stranger();
    let offers = &session.capabilities;
    let mut conversation = Conversation {
        manner: Manner {
            pipelining: manner.pipelining && offers.pipelining,
            chunking: manner.chunking && offers.chunking,
            ..manner
        },
        session,
        jobs,
        ahead: None,
        later: VecDeque::new(),
        transactions: 0,
        served: false,
        chunk_taken: false,
        must_reset: false,
        without_dsn: false,
    };
    let result = conversation.all();
    if let Some((parcel, _)) = conversation.ahead.take() {
        conversation.jobs.again(parcel.job, Again::NewSession);
    }
    while let Some(parcel) = conversation.later.pop_front() {
        if conversation.is_full() {
            let job = parcel.put_off();
            conversation.jobs.again(job, Again::NewSession);
        } else {
            // Those still open keep the reply that told them to come again.
            conversation.settle(parcel);
        }
    }
    conversation.leave();
    result
}

impl<'j> Conversation<'_, '_, 'j> {
    fn all(&mut self) -> Result<(), Failure> {
        while let Some((mut parcel, group)) = self.turn() {
            match self.deliver(&mut parcel, group) {
                Ok(true) => self.settle(parcel),
                Ok(false) => {
                    self.served = true;
                    self.later.push_back(parcel);
                }
                Err(Ended::Settled) => {
                    self.settle(parcel);
                    break;
                }
                Err(Ended::Account(failure)) => {
                    self.settle(parcel);
                    return Err(failure);
                }
                Err(Ended::Again(why)) => {
                    self.jobs.again(parcel.put_off(), why);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Ends the session. A transaction that shall come to nothing is taken back in so many words.
    fn leave(mut self) {
        let dialogue = &mut self.session.dialogue;
        if self.manner.quit_after.is_some() && self.must_reset && !dialogue.is_over() {
            // All is settled, whatever is said of it.
            let _ = dialogue
                .send("RSET")
                .and_then(|()| dialogue.reply(&Stage::Reset));
        }
        self.session.dialogue.quit();
    }

    fn settle(&mut self, parcel: Parcel<'j>) {
        self.served = true;
        let authenticated = self.session.authenticated;
        let (job, outcome) = parcel.settled(authenticated);
        self.jobs.done(job, Ok(outcome));
    }

    /// Transactions for as long as there is somebody left and the last one accepted somebody; false
    /// when there is, and the message ahead goes first.
    fn deliver(&mut self, parcel: &mut Parcel<'j>, group: Group) -> Result<bool, Ended> {
        let mut group = group;
        loop {
            let turn = self.transaction(parcel, group)?;
            let is_over = self.session.dialogue.is_over();
            match turn {
                Turn::Over(accepted) if !parcel.go_on(accepted) => {
                    return if is_over {
                        Err(Ended::Settled)
                    } else {
                        Ok(true)
                    };
                }
                _ if is_over => return Err(Ended::Again(Again::NewSession)),
                Turn::Over(_) if self.ahead.is_some() => return Ok(false),
                Turn::Over(_) if self.is_full() => return Err(Ended::Again(Again::NewSession)),
                Turn::Over(_) | Turn::Stale => group = self.group(parcel, Pace::Together),
            }
        }
    }

    /// What is to be done next: first what is on its way already, then what was begun.
    fn turn(&mut self) -> Option<(Parcel<'j>, Group)> {
        if let Some(ahead) = self.ahead.take() {
            return Some(ahead);
        }
        if !self.is_full()
            && let Some(parcel) = self.later.pop_front()
        {
            let group = self.group(&parcel, Pace::Together);
            return Some((parcel, group));
        }
        self.next(Pace::Together)
    }

    /// The next message that this server can take, and its commands.
    fn next(&mut self, pace: Pace) -> Option<(Parcel<'j>, Group)> {
        while !self.is_full() {
            let job = self.jobs.next()?;
            let offers = &self.session.capabilities;
            match prepare(offers, &job.envelope, &job.message) {
                Ok(content) => {
                    self.warn_without_dsn(&job.envelope);
                    let offers = &self.session.capabilities;
                    let parcel =
                        Parcel::new(job, content, offers, self.manner.is_one_transaction());
                    let group = self.group(&parcel, pace);
                    return Some((parcel, group));
                }
                Err(failure) => self.jobs.done(job, Err(failure)),
            }
        }
        None
    }

    /// Says once what this server cannot be asked for.
    fn warn_without_dsn(&mut self, envelope: &Envelope) {
        let warning = left_out(&self.session.capabilities, envelope.options());
        if let Some(warning) = warning.filter(|_| !self.without_dsn) {
            self.without_dsn = true;
            self.session.dialogue.observer.warning(&warning);
        }
    }

    /// Whether the server has said that it takes no more transactions in this session.
    fn is_full(&self) -> bool {
        let most = self.session.capabilities.mail_max;
        most.is_some_and(|most| self.transactions >= most)
    }

    /// The commands of the parcel's next transaction.
    fn group(&mut self, parcel: &Parcel<'j>, pace: Pace) -> Group {
        let small = parcel.content.facts().size <= ONE_FLIGHT && parcel.now.len() <= ONE_GROUP;
        let pace = if self.manner.pipelining {
            pace
        } else {
            Pace::InTurn
        };
        let tail = match pace {
            _ if self.manner.is_one_transaction() => Tail::Nothing,
            _ if !self.manner.chunking => Tail::Data,
            Pace::Together if small => Tail::Message,
            _ => Tail::Nothing,
        };
        self.transactions += 1;
        let reset = self.must_reset && pace != Pace::Behind;
        let recipients: &[usize] = match self.manner.quit_after {
            Some(QuitAfter::Mail) => &[],
            _ => &parcel.now,
        };
        Group::new(recipients, self.session.lead.take(), reset, pace, tail)
    }

    /// Lets the envelope of the next message leave behind this one, where nothing more has to be
    /// said about this one.
    pub(super) fn announce_next(&mut self, parcel: &Parcel<'j>) {
        if !self.manner.pipelining || self.ahead.is_some() || parcel.is_to_be_continued() {
            return;
        }
        if let Some((mut next, mut group)) = self.next(Pace::Behind) {
            group.fill(&mut self.session.dialogue, &mut next);
            self.ahead = Some((next, group));
        }
    }
}
