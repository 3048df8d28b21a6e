//! One message for one session: whether this server can take it, in which form, and what comes of it.
//!
//! Owns what depends on the server's offers: SIZE (RFC 1870), compared before anything is sent, 8BITMIME
//! (RFC 6152), SMTPUTF8 (RFC 6531) and REQUIRETLS (RFC 8689). Refuses to send what would have to be
//! changed, or where the server does not promise what is asked.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::Instant;

use super::capability::Capabilities;
use super::fates::Fates;
use super::parameters::{Announced, mail_command};
use super::reply::Reply;
use super::verdict::Verdict;
use crate::envelope::{Envelope, Notify, Options};
use crate::failure::{Failure, Kind, Result};
use crate::message::{Content, Message};
use crate::route::Attempt;

/// Recipients every server takes in one transaction (RFC 5321 §4.5.3.1.8).
const LEAST_LIMIT: usize = 100;

/// A message to be submitted.
pub(crate) struct Job<'j> {
    /// Its place among all that are to be submitted.
    pub(crate) number: usize,
    /// When its turn came.
    pub(crate) begun: Instant,
    pub(crate) envelope: Cow<'j, Envelope>,
    pub(crate) message: Cow<'j, Message>,
    /// The ways that were tried for it.
    pub(crate) attempts: Vec<Attempt>,
    /// What came of it in an earlier session.
    pub(crate) progress: Option<Progress>,
}

/// What came of a message in a session that took no more transactions.
pub(crate) struct Progress {
    fates: Fates,
    /// Those whose turn has not come.
    waiting: VecDeque<usize>,
    reply: Option<Reply>,
}

impl Job<'_> {
    /// One verdict for each recipient, where this one is that of all still open.
    pub(crate) fn ended(&mut self, verdict: &Verdict) -> Vec<Verdict> {
        let count = self.envelope.recipients().len();
        let progress = self.progress.take();
        let mut fates = progress.map_or_else(|| Fates::open(count), |progress| progress.fates);
        fates.end(verdict);
        fates.settled()
    }
}

/// What came of a message.
pub(crate) struct Outcome {
    /// One verdict for each recipient, in the order of the envelope.
    pub(crate) verdicts: Vec<Verdict>,
    /// The last positive reply to the message itself.
    pub(crate) reply: Option<Reply>,
    /// Octets of the message as the server was to get it.
    pub(crate) size: u64,
    /// The mechanism by which the session was authenticated.
    pub(crate) authenticated: Option<&'static str>,
}

impl Outcome {
    /// The same with where it happened put before the words of each failure.
    pub(crate) fn at(self, place: impl std::fmt::Display) -> Self {
        let at = |verdict: Verdict| verdict.at(&place);
        Self {
            verdicts: self.verdicts.into_iter().map(at).collect(),
            ..self
        }
    }
}

/// Why a message that cannot have left is to be submitted once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// The session ended, or takes no more messages.
    NewSession,
    /// The server does not know BDAT, although it offers CHUNKING.
    WithoutChunks,
}

/// Where the messages of a session come from, and where they go.
pub(crate) trait Jobs<'j> {
    /// The next message, if there is one.
    fn next(&mut self) -> Option<Job<'j>>;
    /// A message is settled; an error is the same for every recipient.
    fn done(&mut self, job: Job<'j>, outcome: Result<Outcome>);
    /// A message is to be submitted once more, in another session.
    fn again(&mut self, job: Job<'j>, why: Again);
}

/// A message in the form in which this server gets it, and where its recipients stand.
pub(super) struct Parcel<'j> {
    pub(super) job: Job<'j>,
    pub(super) content: Content,
    /// The MAIL command.
    pub(super) mail: String,
    /// What each RCPT command asks for.
    pub(super) notify: Option<Notify>,
    pub(super) fates: Fates,
    /// The recipients of the transaction that is on, by their places in the envelope.
    pub(super) now: Vec<usize>,
    /// Those of later transactions.
    waiting: VecDeque<usize>,
    /// Recipients one transaction may have.
    most: usize,
    /// Those told that there are too many may come again in another transaction.
    pub(super) may_be_split: bool,
    /// No transaction has ended yet.
    pub(super) untouched: bool,
    /// The last positive reply to the message.
    pub(super) reply: Option<Reply>,
}

impl<'j> Parcel<'j> {
    /// `content` is what [`prepare`] made of the job's message.
    pub(super) fn new(
        mut job: Job<'j>,
        content: Content,
        offers: &Capabilities,
        one_transaction: bool,
    ) -> Self {
        let count = job.envelope.recipients().len();
        let untouched = job.progress.is_none();
        let progress = job.progress.take().unwrap_or_else(|| Progress {
            fates: Fates::open(count),
            waiting: (0..count).collect(),
            reply: None,
        });
        let most = offers.rcpt_max.filter(|_| !one_transaction);
        let announced = Announced::of(&job.envelope, &content);
        let mut parcel = Self {
            mail: mail_command(
                offers,
                job.envelope.sender(),
                job.envelope.options(),
                announced,
            ),
            notify: job.envelope.options().notify.filter(|_| offers.dsn),
            content,
            fates: progress.fates,
            now: Vec::new(),
            waiting: progress.waiting,
            most: most.unwrap_or(usize::MAX),
            may_be_split: !one_transaction,
            untouched,
            reply: progress.reply,
            job,
        };
        parcel.take_turn();
        parcel
    }

    fn take_turn(&mut self) {
        let count = self.most.min(self.waiting.len());
        self.now = self.waiting.drain(..count).collect();
    }

    /// Whether another transaction will follow the one that is on, as far as that is known.
    pub(super) fn is_to_be_continued(&self) -> bool {
        self.others_wait() || self.now.iter().any(|&index| self.fates.is_postponed(index))
    }

    /// Whether there are recipients whose turn has not come.
    pub(super) fn others_wait(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Goes on to the next transaction when there is anybody left to be asked: whose turn has not come, or
    /// who was put off by a transaction that `accepted` somebody. Whether there is one.
    pub(super) fn go_on(&mut self, accepted: usize) -> bool {
        self.untouched = false;
        let fates = &self.fates;
        let put_off = |index: &usize| fates.is_postponed(*index);
        if accepted > 0 && self.now.iter().any(put_off) {
            // As many as it took it will take again; asking for more only costs replies. Fewer
            // than a hundred says little: so many every server has to take.
            self.most = self.most.min(accepted.max(LEAST_LIMIT));
            let again = self.now.iter().copied().filter(put_off).rev();
            again.for_each(|index| self.waiting.push_front(index));
        }
        // A refusal of the message is one for those who were not named yet, too.
        self.waiting
            .retain(|&index| fates.is_open(index) || fates.is_postponed(index));
        self.take_turn();
        !self.now.is_empty()
    }

    /// The job, to be taken up in another session where this one left off.
    pub(super) fn put_off(mut self) -> Job<'j> {
        if !self.untouched {
            let turn = self.now.into_iter();
            self.job.progress = Some(Progress {
                fates: self.fates,
                waiting: turn.chain(self.waiting).collect(),
                reply: self.reply,
            });
        }
        self.job
    }

    /// The job and what came of it.
    pub(super) fn settled(self, authenticated: Option<&'static str>) -> (Job<'j>, Outcome) {
        let outcome = Outcome {
            verdicts: self.fates.settled(),
            reply: self.reply,
            size: self.content.facts().size,
            authenticated,
        };
        (self.job, outcome)
    }
}

/// The message in the form this server takes.
///
/// # Errors
/// `Message` when it cannot take the message at all: too large for its SIZE (RFC 1870), or in need
/// of 8BITMIME or SMTPUTF8 that it does not offer. `Tls` when it does not offer REQUIRETLS, and that
/// is asked for.
pub(super) fn prepare(
    offers: &Capabilities,
    envelope: &Envelope,
    message: &Message,
) -> Result<Content> {
    takes_addresses(offers, envelope.needs_smtputf8())?;
    keeps_promises(offers, envelope.options())?;
    let content = message.content(offers.smtputf8, offers.eight_bit_mime)?;
    takes_size(offers, &content)?;
    Ok(content)
}

/// Whether the server can be told of addresses, of which some may need SMTPUTF8.
///
/// # Errors
/// `Message` when it cannot.
pub(super) fn takes_addresses(offers: &Capabilities, need_smtputf8: bool) -> Result<()> {
    if !need_smtputf8 || offers.smtputf8 {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Message,
        "the server does not take addresses with characters outside ASCII (SMTPUTF8)",
    )
    .with_hint("use an ASCII address, or another server"))
}

/// Whether the server promises what must not be left out.
///
/// # Errors
/// `Tls` when it does not.
pub(super) fn keeps_promises(offers: &Capabilities, options: &Options) -> Result<()> {
    if !options.require_tls || offers.require_tls {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Tls,
        "the server does not promise TLS on the rest of the way (REQUIRETLS)",
    )
    .with_hint("leave out --require-tls, or use another server"))
}

/// Whether the message is not larger than the server takes (RFC 1870).
///
/// # Errors
/// `Message` when it is.
pub(super) fn takes_size(offers: &Capabilities, content: &Content) -> Result<()> {
    let size = content.facts().size;
    match offers.size {
        Some(Some(limit)) if size > limit => Err(Failure::new(
            Kind::Message,
            format!("the message has {size} octets and the server takes {limit} (SIZE)"),
        )
        .with_hint("send less, or put what is large somewhere else and send its address")),
        _ => Ok(()),
    }
}
