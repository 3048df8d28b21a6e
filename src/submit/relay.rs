//! Relaying: transactions that come command by command, each answered by the server of a plan.
//!
//! Owns what outlives a session: a server that closes an idle connection, or cuts it between two
//! commands, is called again, and told once more what it had accepted. Nothing is told twice once the
//! message may have left. Refuses to call again a server that closes what was just opened.

mod transaction;

use std::time::Instant;

use self::transaction::Transaction;
use super::{login, not_in_clear, open};
use crate::address::Address;
use crate::envelope::{Envelope, Options, ReversePath};
use crate::failure::{Failure, Kind, Result};
use crate::message::Message;
use crate::plan::Plan;
use crate::report::{Peer, Report};
use crate::route::Attempt;
use crate::smtp::stepwise::{Over, Step, Stepwise};
use crate::smtp::tls::{Tls, TlsInfo};
use crate::smtp::{Observer, Reply, Verdict};

/// What is said with MAIL, before anybody has the message.
#[derive(Debug, Clone)]
pub struct Opening {
    /// The sender.
    pub sender: ReversePath,
    /// Octets of the message, where they are known (RFC 1870); passed on as they are.
    pub size: Option<u64>,
    /// Whether header or envelope may hold characters outside ASCII (RFC 6531). A server without
    /// SMTPUTF8 gets what can be said without it.
    pub smtputf8: bool,
    /// What is asked for beside delivery.
    pub options: Options,
    /// When the transaction must be over; in place of the plan's, which is for one message.
    pub deadline: Option<Instant>,
}

/// Gives one transaction after the other to the server of a plan, command by command.
///
/// A session is opened by the first command that needs one, and kept for what follows. Each command
/// has a verdict: [`Verdict::reply`] is what the server said to it, and where there is none it was not
/// reached, or was not asked because it would have to refuse.
///
/// ```no_run
/// # fn main() -> smtpsend::failure::Result<()> {
/// # let plan = smtpsend::plan::Plan::new(vec![]);
/// # let message = smtpsend::message::Message::from_raw(b"Subject: hello\r\n\r\n")?;
/// use smtpsend::submit::relay::{Opening, Relay};
/// let mut relay = Relay::new(plan, &());
/// let sender = "me@example.com".parse::<smtpsend::address::Address>()?.into();
/// let options = Default::default();
/// relay.mail(Opening { sender, size: None, smtputf8: false, options, deadline: None });
/// if relay.rcpt("bob@example.com".parse()?).is_accepted() {
///     let (verdict, report) = relay.message(&message)?;
/// }
/// relay.quit();
/// # Ok(())
/// # }
/// ```
pub struct Relay<'o> {
    plan: Plan,
    observer: &'o dyn Observer,
    /// What the rungs need for TLS, once it was made.
    tls: Option<Option<Tls>>,
    line: Option<Line<'o>>,
    transaction: Option<Transaction>,
    /// The ways tried since MAIL.
    attempts: Vec<Attempt>,
    /// Of the session that was used last since then.
    peer: Option<Peer>,
    authenticated: Option<&'static str>,
}

/// A session, and the server it is with.
struct Line<'o> {
    steps: Stepwise<'o>,
    peer: Peer,
}

impl<'o> Relay<'o> {
    /// Relays by `plan`, of which retries, all-or-nothing and where to end are of no account here.
    /// Nothing is connected to yet.
    pub fn new(plan: Plan, observer: &'o dyn Observer) -> Self {
        let plan = Plan {
            quit_after: None,
            ..plan
        };
        Self {
            plan,
            observer,
            tls: None,
            line: None,
            transaction: None,
            attempts: Vec::new(),
            peer: None,
            authenticated: None,
        }
    }

    /// Begins a transaction, which must be over by the deadline; one that is on is taken back.
    pub fn mail(&mut self, opening: Opening) -> Verdict {
        self.plan.waits.deadline = opening.deadline;
        if let Some(line) = &mut self.line {
            line.steps.set_deadline(opening.deadline);
        }
        self.transaction = None;
        let transaction = Transaction {
            opening,
            begun: Instant::now(),
            accepted: Vec::new(),
        };
        self.attempts.clear();
        if self.line.as_ref().is_some_and(|line| !line.steps.is_open())
            && let Some(line) = self.line.take()
        {
            line.steps.quit();
        }
        let verdict = self.step(&transaction, false, |steps, transaction| {
            transaction.begin(steps)
        });
        if verdict.is_accepted() {
            self.transaction = Some(transaction);
        }
        verdict
    }

    /// Asks for one recipient of the transaction that is on.
    pub fn rcpt(&mut self, recipient: Address) -> Verdict {
        let Some(mut transaction) = self.transaction.take() else {
            return Verdict::from_failure(no_transaction(), None);
        };
        let known = |(other, _): &&(Address, Reply)| *other == recipient;
        if let Some((_, reply)) = transaction.accepted.iter().find(known) {
            let reply = reply.clone();
            self.transaction = Some(transaction);
            return Verdict::Accepted(reply);
        }
        transaction.opening.smtputf8 |= recipient.needs_smtputf8();
        let verdict = self.step(&transaction, true, |steps, _| steps.rcpt(&recipient));
        if let Verdict::Accepted(reply) = &verdict {
            transaction.accepted.push((recipient, reply.clone()));
        }
        self.transaction = Some(transaction);
        verdict
    }

    /// Sends the message to those accepted and ends the transaction. Accepted means by the reply to
    /// the message; the report has everybody who was accepted before.
    ///
    /// # Errors
    /// [`Kind::Usage`] when nobody was accepted.
    pub fn message(&mut self, message: &Message) -> Result<(Verdict, Report)> {
        let transaction = self.transaction.take().ok_or_else(no_transaction)?;
        let accepted = transaction.accepted.iter().map(|(address, _)| address);
        let envelope = Envelope::new(
            transaction.opening.sender.clone(),
            accepted.cloned().collect(),
        )?;
        let mut size = message.size();
        let verdict = self.step(&transaction, true, |steps, _| {
            let (verdict, octets) = steps.message(message)?;
            size = octets;
            Ok(verdict)
        });
        let replies = transaction.accepted.into_iter().map(|(_, reply)| reply);
        let verdicts = replies.map(|reply| match &verdict {
            Verdict::Accepted(_) => Verdict::Accepted(reply),
            other => other.clone(),
        });
        let mut report = Report {
            size,
            duration: transaction.begun.elapsed(),
            server: self.peer.clone(),
            auth: self.authenticated,
            attempts: self.attempts.clone(),
            ..Report::new(&envelope, message, verdicts.collect())
        };
        if let Verdict::Accepted(reply) = &verdict {
            report.reply = Some(reply.clone());
        }
        Ok((verdict, report))
    }

    /// The ways tried since MAIL, where none of them led to a server.
    pub fn failed_attempts(&self) -> &[Attempt] {
        if self.peer.is_none() {
            &self.attempts
        } else {
            &[]
        }
    }

    /// The most octets that the server of the open session says it takes (RFC 1870).
    pub fn size_limit(&self) -> Option<u64> {
        let line = self.line.as_ref();
        line.and_then(|line| line.steps.size_limit())
    }

    /// Takes the transaction back, if there is one. The server hears of it with the next MAIL.
    pub fn reset(&mut self) {
        self.transaction = None;
    }

    /// Ends the session, if there is one.
    pub fn quit(self) {
        if let Some(line) = self.line {
            line.steps.quit();
        }
    }

    /// Gives a command, and once more in another session where the one that was there already turns out
    /// to be over; `resume` says that the transaction was begun in it.
    fn step(
        &mut self,
        transaction: &Transaction,
        resume: bool,
        mut command: impl FnMut(&mut Stepwise<'o>, &Transaction) -> Step,
    ) -> Verdict {
        loop {
            let is_new = self.line.is_none();
            if is_new && let Err(failure) = self.open(transaction.opening.options.require_tls) {
                return Verdict::from_failure(failure, None);
            }
            let Some(line) = &mut self.line else {
                let words = "a session was opened and is not there";
                return Verdict::from_failure(Failure::new(Kind::Bug, words), None);
            };
            self.peer = Some(line.peer.clone());
            self.authenticated = line.steps.authenticated();
            let rung = line.peer.rung.clone();
            let resumed = if resume {
                transaction.resume(&mut line.steps, is_new)
            } else {
                Ok(Ok(()))
            };
            let step = match resumed {
                Ok(Ok(())) => command(&mut line.steps, transaction),
                Ok(Err(refused)) => Ok(refused),
                Err(over) => Err(over),
            };
            let why = match step {
                Ok(verdict) => return verdict.at(rung),
                Err(why) => why,
            };
            self.line = None;
            match why {
                Over::NotChunked => {
                    self.plan.chunking = false;
                    self.observer.note("the server does not know BDAT, although it offers CHUNKING: once more by DATA");
                }
                Over::Lost(cause) if is_new || cause.failure.kind != Kind::Temporary => {
                    return Verdict::from_failure(cause.failure, cause.reply).at(rung);
                }
                Over::Lost(cause) => {
                    let words = format!("{rung}: {}; once more in another session", cause.failure);
                    self.observer.note(&words);
                }
            }
        }
    }

    /// Opens a session and logs in.
    fn open(&mut self, require_tls: bool) -> Result<()> {
        self.peer = None;
        self.authenticated = None;
        if require_tls && self.plan.has_clear_rung() {
            return Err(not_in_clear());
        }
        login::allowed(&self.plan)?;
        let tls = match self.tls.take() {
            Some(tls) => tls,
            None => open::tls(&self.plan)?,
        };
        let tls = self.tls.insert(tls);
        let attempts = &mut self.attempts;
        let (opened, rung) = open::open(&self.plan, tls.as_ref(), self.observer, attempts)?;
        let mut session = opened.session()?;
        let wire = &session.dialogue.wire;
        let peer = Peer {
            rung: rung.clone(),
            address: open::server_address(&self.plan, wire.peer()),
            tls: wire.tls().map(TlsInfo::of),
        };
        if let Err(failure) = login::log_in(&self.plan, &mut session) {
            session.dialogue.quit();
            return Err(failure.at(&rung));
        }
        let steps = Stepwise::new(session, self.plan.pipelining, self.plan.chunking);
        self.line = Some(Line { steps, peer });
        Ok(())
    }
}

fn no_transaction() -> Failure {
    Failure::new(Kind::Usage, "no transaction was begun")
}
