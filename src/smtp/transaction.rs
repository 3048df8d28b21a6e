//! MAIL, RCPT for each recipient, DATA and the body, with a verdict for each.
//!
//! With PIPELINING (RFC 2920) MAIL, all RCPT and DATA leave in one group, and every reply is
//! matched to its command; without it they go one by one. A server that takes only so many
//! recipients at once (452, or 552 at RCPT; RFC 5321 §4.5.3.1.10) gets further transactions, as
//! long as the last one accepted somebody. What the server said first counts, also when the
//! connection dies afterwards.

use std::collections::VecDeque;
use std::sync::Arc;

use super::data::{self, Broken};
use super::dialogue::{Dialogue, Stage};
use super::hint::unexpected;
use super::reply::{Enhanced, Reply};
use super::verdict::{Cause, Verdict};
use crate::address::Address;
use crate::envelope::Envelope;
use crate::failure::{Failure, Kind, Result};
use crate::message::Content;

/// Recipients up to which all commands leave in one group. A common default is to take a thousand
/// recipients and to forgive a thousand more with 452; what comes then counts as errors, for which
/// the server hangs up.
const ONE_GROUP: usize = 2000;
/// With more recipients than that: most commands on their way without a reply, so that no more of
/// them are sent once the server says that it has enough.
const WINDOW: usize = 1000;
/// Recipients every server takes in one transaction (RFC 5321 §4.5.3.1.8).
const LEAST_LIMIT: usize = 100;

/// How the plan wants a message handed over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// Use PIPELINING where it is offered.
    pub(crate) pipelining: bool,
    /// Nobody gets the message unless all are accepted.
    pub(crate) all_or_nothing: bool,
}

/// How it ended.
pub(crate) struct Done {
    /// One verdict for each recipient, in the order of the envelope.
    pub(crate) verdicts: Vec<Verdict>,
    /// The last positive reply to the message itself.
    pub(crate) reply: Option<Reply>,
    /// The session can go on.
    pub(crate) in_order: bool,
}

/// Brings the content to the recipients, in as many transactions as it takes. `mail` is the MAIL
/// command; pipelining must have been offered if it is wanted.
pub(crate) fn run(
    dialogue: &mut Dialogue<'_>,
    envelope: &Envelope,
    content: &Content,
    mail: &str,
    manner: Manner,
) -> Done {
    let window = match envelope.recipients().len() {
        _ if !manner.pipelining => 1,
        ..=ONE_GROUP => usize::MAX,
        _ => WINDOW,
    };
    let fates = vec![Fate::Open; envelope.recipients().len()];
    let all_or_nothing = manner.all_or_nothing;
    let mut run = Run {
        window,
        all_or_nothing,
        dialogue,
        envelope,
        content,
        mail,
        fates,
        reply: None,
    };
    let in_order = run.transactions().is_ok();
    let (verdicts, reply) = run.settled();
    Done {
        verdicts,
        reply,
        in_order,
    }
}

/// Where a recipient stands while the session goes on.
#[derive(Clone)]
enum Fate {
    /// Not judged yet, or accepted at RCPT in a transaction that is not over.
    Open,
    /// Told to come again in another transaction, with this reply.
    Postponed(Reply),
    Decided(Verdict),
}

/// The session cannot go on. Everybody the reason concerns has a verdict.
struct Ended;

type Progress<T> = std::result::Result<T, Ended>;

struct Run<'r, 'o> {
    /// Commands that may be without a reply at once: 1 without PIPELINING.
    window: usize,
    all_or_nothing: bool,
    dialogue: &'r mut Dialogue<'o>,
    envelope: &'r Envelope,
    content: &'r Content,
    mail: &'r str,
    fates: Vec<Fate>,
    reply: Option<Reply>,
}

impl Run<'_, '_> {
    /// Transactions for as long as there is somebody left and the last one accepted somebody.
    fn transactions(&mut self) -> Progress<()> {
        let mut open: VecDeque<usize> = (0..self.fates.len()).collect();
        let mut most = usize::MAX;
        while !open.is_empty() {
            let now: Vec<usize> = open.drain(..most.min(open.len())).collect();
            let accepted = self.transaction(&now)?;
            if accepted == 0 {
                break;
            }
            let postponed = now
                .into_iter()
                .filter(|&index| matches!(self.fates[index], Fate::Postponed(_)));
            let before = open.len();
            postponed.rev().for_each(|index| open.push_front(index));
            if open.len() > before {
                // As many as it took it will take again; asking for more only costs replies. Fewer
                // than a hundred says little: so many every server has to take.
                most = accepted.max(LEAST_LIMIT);
            }
        }
        Ok(())
    }

    /// One transaction for these recipients; gives back how many have the message by it.
    fn transaction(&mut self, open: &[usize]) -> Progress<usize> {
        let Replies {
            mail_refused,
            accepted,
            mut data,
        } = self.envelope_phase(open)?;
        if self.all_or_nothing && !accepted.is_empty() {
            if self.refuse_all_for_one(open) {
                return Ok(0);
            }
            data = Some(self.lone_data()?);
        }
        match data {
            None => return Ok(0),
            Some(reply) if !reply.answers(354) => {
                let failure = unexpected(&Stage::Data, &reply, Kind::Refused);
                let broken = failure.kind == Kind::Protocol;
                self.decide(&accepted, failure, Some(reply));
                return if broken { Err(Ended) } else { Ok(0) };
            }
            // The server lost count. Not one octet of the message belongs here.
            Some(_) if mail_refused => return Err(Ended),
            Some(_) => {}
        }
        self.dialogue
            .expect_silence(&Stage::Data)
            .map_err(|failure| self.end(failure, None))?;
        if accepted.is_empty() {
            // 354 without a recipient: an empty message ends it (RFC 2920 §3.1).
            self.dialogue.wire.send(b".\r\n");
            return self
                .dialogue
                .reply(&Stage::FinalDot)
                .map(|_| 0)
                .map_err(|_| Ended);
        }
        let reply = match data::send(self.dialogue, self.content) {
            Ok(reply) => reply,
            Err(Broken::Incomplete(failure, reply)) => return Err(self.end(failure, reply)),
            Err(Broken::Uncertain(failure, reply)) => {
                let unknown = Verdict::Unknown(Arc::new(Cause { failure, reply }));
                self.decide_as(&accepted, &unknown);
                return Err(Ended);
            }
        };
        if reply.is_positive() {
            let count = accepted.len();
            for (index, rcpt) in accepted {
                self.fates[index] = Fate::Decided(Verdict::Accepted(rcpt));
            }
            self.reply = Some(reply);
            return Ok(count);
        }
        let closing = reply.code == 421;
        self.decide(
            &accepted,
            unexpected(&Stage::FinalDot, &reply, Kind::Refused),
            Some(reply),
        );
        if closing { Err(Ended) } else { Ok(0) }
    }

    /// MAIL, RCPT for each of `open`, and DATA unless that has to wait for all their replies.
    ///
    /// As many commands as the window allows are on their way at once, and each reply is that of
    /// the oldest of them.
    fn envelope_phase(&mut self, open: &[usize]) -> Progress<Replies> {
        let mut replies = Replies::default();
        let mut full: Option<Reply> = None;
        let mut steps = VecDeque::with_capacity(open.len() + 2);
        steps.push_back(Step::Mail);
        steps.extend(open.iter().copied().map(Step::Rcpt));
        steps.extend((!self.all_or_nothing).then_some(Step::Data));
        let mut on_the_way: VecDeque<(Step, Stage)> = VecDeque::new();
        loop {
            while on_the_way.len() < self.window {
                let Some(step) = steps.pop_front() else { break };
                match (step, &full) {
                    // What was refused already needs no further words.
                    (Step::Rcpt(_) | Step::Data, _) if replies.mail_refused => continue,
                    (Step::Rcpt(index), Some(reply)) => {
                        self.fates[index] = Fate::Postponed(reply.clone());
                        continue;
                    }
                    (Step::Data, _) if on_the_way.is_empty() && replies.accepted.is_empty() => {
                        continue;
                    }
                    _ => {}
                }
                let stage = self.stage(step);
                let quiet = if on_the_way.is_empty() {
                    self.dialogue.expect_silence(&stage)
                } else {
                    Ok(())
                };
                quiet
                    .and_then(|()| self.send(&stage))
                    .map_err(|failure| self.end(failure, None))?;
                on_the_way.push_back((step, stage));
            }
            let Some((step, stage)) = on_the_way.pop_front() else {
                return Ok(replies);
            };
            let reply = self
                .dialogue
                .reply(&stage)
                .map_err(|failure| self.end(failure, None))?;
            let closing = reply.code == 421;
            match step {
                Step::Mail if reply.answers(250) => {}
                Step::Mail => {
                    replies.mail_refused = true;
                    let failure = unexpected(&stage, &reply, Kind::Refused);
                    let broken = failure.kind == Kind::Protocol;
                    let ended = self.end(failure, Some(reply));
                    if broken || closing {
                        return Err(ended);
                    }
                    continue;
                }
                Step::Rcpt(index) => self.judge(
                    index,
                    &stage,
                    reply.clone().brief(),
                    &mut replies,
                    &mut full,
                )?,
                Step::Data => replies.data = Some(reply.clone()),
            }
            if closing {
                return Err(self.end(unexpected(&stage, &reply, Kind::Refused), Some(reply)));
            }
        }
    }

    fn stage(&self, step: Step) -> Stage {
        match step {
            Step::Mail => Stage::Mail(self.envelope.sender().to_string()),
            Step::Rcpt(index) => Stage::Rcpt(self.envelope.recipients()[index].to_string()),
            Step::Data => Stage::Data,
        }
    }

    fn send(&mut self, stage: &Stage) -> Result<()> {
        match stage {
            Stage::Mail(_) => self.dialogue.send(self.mail),
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
        full: &mut Option<Reply>,
    ) -> Progress<()> {
        if replies.mail_refused {
            // The reply to MAIL decided; this one only says that there was none.
        } else if [250, 251, 252].iter().any(|&due| reply.answers(due)) {
            // What it was told in an earlier transaction no longer counts.
            self.fates[index] = Fate::Open;
            replies.accepted.push((index, reply));
        } else if matches!(reply.code, 452 | 552) && !self.all_or_nothing {
            full.get_or_insert_with(|| reply.clone());
            self.fates[index] = Fate::Postponed(reply);
        } else {
            let failure = rcpt_failure(stage, &reply);
            if failure.kind == Kind::Protocol {
                return Err(self.end(failure, Some(reply)));
            }
            self.fates[index] = Fate::Decided(Verdict::from_failure(failure, Some(reply)));
        }
        Ok(())
    }

    /// With all-or-nothing: true when somebody was refused, so that nobody gets the message. What
    /// is refused for good counts more than what may work later.
    fn refuse_all_for_one(&mut self, open: &[usize]) -> bool {
        let causes = || {
            open.iter().filter_map(|&index| match &self.fates[index] {
                Fate::Decided(verdict) => verdict.cause(),
                _ => None,
            })
        };
        let for_good = |cause: &&Cause| cause.failure.kind != Kind::Temporary;
        let Some(cause) = causes().find(for_good).or_else(|| causes().next()).cloned() else {
            return false;
        };
        let message = format!(
            "not sent (--all-or-nothing), because of {}",
            cause.failure.message
        );
        self.end(
            Failure {
                message,
                ..cause.failure
            },
            cause.reply,
        );
        true
    }

    fn lone_data(&mut self) -> Progress<Reply> {
        let stage = Stage::Data;
        let reply = self
            .dialogue
            .expect_silence(&stage)
            .and_then(|()| self.dialogue.send("DATA"))
            .and_then(|()| self.dialogue.reply(&stage));
        reply.map_err(|failure| self.end(failure, None))
    }

    /// Gives `failure` to those accepted at RCPT.
    fn decide(&mut self, accepted: &[(usize, Reply)], failure: Failure, reply: Option<Reply>) {
        self.decide_as(accepted, &Verdict::from_failure(failure, reply));
    }

    fn decide_as(&mut self, accepted: &[(usize, Reply)], verdict: &Verdict) {
        for (index, _) in accepted {
            self.fates[*index] = Fate::Decided(verdict.clone());
        }
    }

    /// Gives `failure` to everybody who was not told anything else.
    fn end(&mut self, failure: Failure, reply: Option<Reply>) -> Ended {
        let verdict = Verdict::from_failure(failure, reply);
        for fate in &mut self.fates {
            if matches!(fate, Fate::Open) {
                *fate = Fate::Decided(verdict.clone());
            }
        }
        Ended
    }

    /// The verdicts, once there will be no further transaction: those postponed keep the reply
    /// that postponed them.
    fn settled(self) -> (Vec<Verdict>, Option<Reply>) {
        let recipients = self.envelope.recipients();
        let settle = |(index, fate)| match fate {
            Fate::Decided(verdict) => verdict,
            Fate::Postponed(reply) => {
                let address: &Address = &recipients[index];
                Verdict::from_failure(
                    rcpt_failure(&Stage::Rcpt(address.to_string()), &reply),
                    Some(reply),
                )
            }
            Fate::Open => Verdict::from_failure(
                Failure::new(Kind::Bug, "a recipient was left without a verdict"),
                None,
            ),
        };
        (
            self.fates.into_iter().enumerate().map(settle).collect(),
            self.reply,
        )
    }
}

/// A command of the envelope phase; a recipient by its place in the envelope.
#[derive(Clone, Copy)]
enum Step {
    Mail,
    Rcpt(usize),
    Data,
}

#[derive(Default)]
struct Replies {
    mail_refused: bool,
    accepted: Vec<(usize, Reply)>,
    data: Option<Reply>,
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
