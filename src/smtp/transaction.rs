//! One transaction: what the replies to its commands mean for the message and its recipients.
//!
//! With PIPELINING (RFC 2920) and CHUNKING (RFC 3030) a small message leaves in one group with its
//! envelope, which AUTH may lead (RFC 4954 §4). A larger one waits for what is said of its
//! recipients. The first refusal that was read decides, also when the connection dies afterwards;
//! but where the whole message had left, only what is known not to have been accepted is refused.

use super::body::{self, Broken, Form, unknown};
use super::conversation::{Conversation, Ended};
use super::delivery::{Again, Parcel};
use super::dialogue::Stage;
use super::fates::{Accepted, Fate};
use super::group::{Group, Pace, Refusal, Replies, Tail};
use super::reply::Reply;
use super::verdict::Verdict;
use crate::failure::{Failure, Kind};

/// How a transaction ended.
pub(super) enum Turn {
    /// So many recipients have the message by it.
    Over(usize),
    /// It never began: the message before was refused while this envelope was on its way.
    Stale,
}

type Progress<T> = Result<T, Ended>;

impl<'j> Conversation<'_, '_, 'j> {
    /// Goes through one transaction, whose commands may be on their way already.
    pub(super) fn transaction(
        &mut self,
        parcel: &mut Parcel<'j>,
        mut group: Group,
    ) -> Progress<Turn> {
        group.fill(&mut self.session.dialogue, parcel);
        if group.tail == Tail::Message {
            self.announce_next(parcel);
        }
        let read = group.run(&mut self.session.dialogue, parcel);
        if let Some(name) = group.replies.authenticated {
            self.session.authenticated = Some(name);
        }
        match read {
            Err(stop) => Err(self.broken_off(parcel, group, stop)),
            Ok(()) if group.tail == Tail::Message => self.answered(parcel, group.replies),
            Ok(()) => self.asked(parcel, group.replies, group.pace),
        }
    }

    /// All replies to a group after which the message may be sent, or not.
    fn asked(&mut self, parcel: &mut Parcel<'j>, replies: Replies, pace: Pace) -> Progress<Turn> {
        let Replies { accepted, last, .. } = replies;
        let refused = replies.auth_refused.is_some() || replies.mail_refused.is_some();
        if refused && last.as_ref().is_some_and(|last| last.answers(354)) {
            // Not one octet of the message belongs here.
            self.session.dialogue.abandon();
        }
        if let Some(refusal) = replies.auth_refused {
            return Err(refused_account(parcel, refusal));
        }
        if let Some(refusal) = replies.mail_refused {
            if pace == Pace::Behind && self.must_reset {
                return Ok(Turn::Stale);
            }
            return self.mail_refused(parcel, refusal);
        }
        self.must_reset = true;
        if self.manner.all_or_nothing && !accepted.is_empty() && refuse_all_for_one(parcel) {
            return Ok(Turn::Over(0));
        }
        if let Some(stage) = self.manner.quit_after {
            parcel.fates.stop(stage, accepted);
            return Ok(Turn::Over(0));
        }
        let may_be_sent = if self.manner.chunking {
            !accepted.is_empty()
        } else {
            self.data(parcel, &accepted, last)?
        };
        if !may_be_sent {
            return Ok(Turn::Over(0));
        }
        let silent = self.session.dialogue.expect_silence(&Stage::Data);
        silent.map_err(|failure| self.lost(parcel, (failure, None)))?;
        if accepted.is_empty() {
            // 354 without a recipient: an empty message ends it (RFC 2920 §3.1), whatever is said
            // of that.
            self.session.dialogue.wire.send(b".\r\n");
            let _ = self.session.dialogue.reply(&Stage::FinalDot);
            return Ok(Turn::Over(0));
        }
        self.content(parcel, accepted)
    }

    /// Whether the server waits for the message, by its reply to DATA, which may not have been
    /// sent yet.
    fn data(
        &mut self,
        parcel: &mut Parcel<'j>,
        accepted: &Accepted,
        last: Option<Reply>,
    ) -> Progress<bool> {
        let reply = match last {
            None if self.manner.all_or_nothing && !accepted.is_empty() => self.lone_data(parcel)?,
            None => return Ok(false),
            Some(reply) => reply,
        };
        if reply.answers(354) {
            return Ok(true);
        }
        let failure = self
            .session
            .dialogue
            .unexpected(&Stage::Data, &reply, Kind::Refused);
        let broken = failure.kind == Kind::Protocol;
        let refusal = (failure, Some(reply));
        if broken {
            return Err(self.over(parcel, refusal));
        }
        // Where nobody was accepted, it is no word on those whose turn has not come.
        if !accepted.is_empty() {
            parcel.fates.end(&verdict(refusal));
        }
        Ok(false)
    }

    fn lone_data(&mut self, parcel: &mut Parcel<'j>) -> Progress<Reply> {
        let reply = self.session.dialogue.ask(&Stage::Data, "DATA");
        reply.map_err(|failure| self.lost(parcel, (failure, None)))
    }

    /// Sends the content for those accepted, and takes in what is said of it.
    fn content(&mut self, parcel: &mut Parcel<'j>, accepted: Accepted) -> Progress<Turn> {
        let form = Form::of(self.manner.chunking, self.manner.pipelining);
        let dialogue = &mut self.session.dialogue;
        let sent = match body::send(dialogue, &parcel.content, form, self.chunk_taken) {
            Ok(sending) => {
                self.announce_next(parcel);
                sending.finish(&mut self.session.dialogue)
            }
            Err(broken) => Err(broken),
        };
        match sent {
            Ok(reply) => self.judged(parcel, accepted, reply),
            Err(Broken::NotChunked) => Err(self.not_chunked()),
            Err(Broken::Incomplete(failure, reply)) => Err(self.lost(parcel, (failure, reply))),
            Err(Broken::Uncertain(failure, reply)) => {
                let stop = (failure, reply);
                parcel.fates.decide(&accepted, &unknown(stop.clone()));
                Err(self.over(parcel, stop))
            }
        }
    }

    /// All replies to a group that held the message itself.
    fn answered(&mut self, parcel: &mut Parcel<'j>, replies: Replies) -> Progress<Turn> {
        let Some(reply) = replies.last.clone() else {
            let words = "no reply to the message was waited for";
            let stop = (Failure::new(Kind::Bug, words), None);
            return Err(self.may_have(parcel, replies, stop));
        };
        if !reply.answers(250) && !reply.is_negative() {
            let failure = self
                .session
                .dialogue
                .unexpected(&Stage::FinalDot, &reply, Kind::Refused);
            return Err(self.may_have(parcel, replies, (failure, Some(reply))));
        }
        if reply.is_positive() && !replies.accepted.is_empty() {
            if let Some((failure, said)) = replies.mail_refused {
                let words = format!("{}; yet the message was accepted", failure.message);
                let stop = (Failure::new(Kind::Protocol, words), Some(reply));
                parcel.fates.decide(&replies.accepted, &unknown(stop));
                return Err(self.over(parcel, (failure, said)));
            }
            let turn = self.judged(parcel, replies.accepted, reply);
            let Some((failure, _)) = replies.auth_refused else {
                return turn;
            };
            let words = format!("{failure}; yet the server took the message, from a stranger");
            self.session.dialogue.observer.warning(&words);
            // It gets no more of them.
            return Err(Ended::Account(failure));
        }
        let foreign = !self.chunk_taken && body::knows_no_chunks(&reply);
        if foreign {
            // What stood behind the command is taken for commands: it gets no more of them.
            self.session.dialogue.abandon();
        }
        if let Some(refusal) = replies.auth_refused {
            return Err(refused_account(parcel, refusal));
        }
        if let Some(refusal) = replies.mail_refused {
            return self.mail_refused(parcel, refusal);
        }
        if foreign && (!replies.accepted.is_empty() || parcel.others_wait()) {
            return Err(self.not_chunked());
        }
        if replies.accepted.is_empty() {
            self.must_reset = true;
            return Ok(Turn::Over(0));
        }
        self.judged(parcel, replies.accepted, reply)
    }

    /// Takes in the reply to a message that was sent to its end: a positive one, or a refusal.
    fn judged(
        &mut self,
        parcel: &mut Parcel<'j>,
        accepted: Accepted,
        reply: Reply,
    ) -> Progress<Turn> {
        // After a chunk that failed, the server's state is its own (RFC 3030 §2).
        self.must_reset = self.manner.chunking && reply.is_negative();
        if reply.is_positive() {
            self.chunk_taken |= self.manner.chunking;
            let count = accepted.len();
            parcel.fates.accept(accepted);
            parcel.reply = Some(reply);
            return Ok(Turn::Over(count));
        }
        let closing = reply.code == 421;
        let failure = self
            .session
            .dialogue
            .unexpected(&Stage::FinalDot, &reply, Kind::Refused);
        parcel.fates.end(&verdict((failure, Some(reply))));
        if closing {
            Err(Ended::Settled)
        } else {
            Ok(Turn::Over(0))
        }
    }

    fn mail_refused(&mut self, parcel: &mut Parcel<'j>, refusal: Refusal) -> Progress<Turn> {
        self.must_reset = false;
        if self.served && parcel.untouched && refusal.0.kind == Kind::Temporary {
            // A limit on messages in one session is told so.
            return Err(Ended::Again(Again::NewSession));
        }
        parcel.fates.end(&verdict(refusal));
        Ok(Turn::Over(0))
    }

    /// The replies to a group ended before their time.
    fn broken_off(&mut self, parcel: &mut Parcel<'j>, group: Group, stop: Refusal) -> Ended {
        let stop = group.replies.explain(stop);
        let closing = stop.1.as_ref().is_some_and(|reply| reply.code == 421);
        if group.message_may_have_left(&self.session.dialogue) && !closing {
            return self.may_have(parcel, group.replies, stop);
        }
        let stale = group.pace == Pace::Behind && self.must_reset;
        let replies = group.replies;
        if let Some(refusal) = replies.auth_refused {
            self.session.dialogue.abandon();
            return refused_account(parcel, refusal);
        }
        match replies.mail_refused {
            Some(_) if stale => {
                self.session.dialogue.abandon();
                Ended::Again(Again::NewSession)
            }
            refusal => self.lost(parcel, refusal.unwrap_or(stop)),
        }
    }

    /// The session is over, and the whole message had left: unknown for everybody whom no reply
    /// refused, whatever broke it, and for who was accepted at RCPT in spite of a refusal for all.
    fn may_have(&mut self, parcel: &mut Parcel<'j>, replies: Replies, stop: Refusal) -> Ended {
        self.session.dialogue.abandon();
        let unknown = unknown(stop.clone());
        parcel.fates.decide(&replies.accepted, &unknown);
        let in_step = stop.0.kind != Kind::Protocol;
        let all_refused = replies.mail_refused.is_some() || (in_step && replies.auth_decides());
        for (place, &index) in parcel.now.iter().enumerate() {
            // Who was put off before may have it now.
            let unanswered = place >= replies.rcpt_answered && parcel.fates.is_postponed(index);
            if !all_refused && (parcel.fates.is_open(index) || unanswered) {
                parcel.fates.set(index, Fate::Decided(unknown.clone()));
            }
        }
        match (replies.auth_refused, replies.mail_refused) {
            (Some(refusal), _) => refused_account(parcel, refusal),
            (None, refusal) => self.over(parcel, refusal.unwrap_or(stop)),
        }
    }

    /// The session is over, and the message has not left.
    fn lost(&mut self, parcel: &mut Parcel<'j>, stop: Refusal) -> Ended {
        let (failure, reply) = &stop;
        let by_session = reply.as_ref().is_none_or(|reply| reply.code == 421);
        let temporary = by_session && failure.kind == Kind::Temporary;
        if self.served && parcel.untouched && temporary {
            self.session.dialogue.abandon();
            return Ended::Again(Again::NewSession);
        }
        self.over(parcel, stop)
    }

    /// The session is over, for this reason, which is that of everybody who was told no other.
    fn over(&mut self, parcel: &mut Parcel<'j>, stop: Refusal) -> Ended {
        self.session.dialogue.abandon();
        parcel.fates.end(&verdict(stop));
        Ended::Settled
    }

    fn not_chunked(&mut self) -> Ended {
        let dialogue = &mut self.session.dialogue;
        dialogue.abandon();
        dialogue
            .observer
            .note("the server does not know BDAT, although it offers CHUNKING: once more by DATA");
        Ended::Again(Again::WithoutChunks)
    }
}

/// AUTH was refused: that is so for everybody who cannot have the message.
fn refused_account(parcel: &mut Parcel<'_>, refusal: Refusal) -> Ended {
    let failure = refusal.0.clone();
    parcel.fates.overrule(&verdict(refusal));
    Ended::Account(failure)
}

fn verdict(refusal: Refusal) -> Verdict {
    Verdict::from_failure(refusal.0, refusal.1)
}

/// With all-or-nothing: true when somebody was refused, so that nobody gets the message.
fn refuse_all_for_one(parcel: &mut Parcel<'_>) -> bool {
    let Some(cause) = parcel.fates.refusal(&parcel.now).cloned() else {
        return false;
    };
    let message = format!(
        "not sent (--all-or-nothing), because of {}",
        cause.failure.message
    );
    let failure = Failure {
        message,
        ..cause.failure
    };
    parcel.fates.end(&verdict((failure, cause.reply)));
    true
}
