//! What happened, for every recipient and every rung, and what it means for the exit code.

use std::time::Duration;

use crate::address::Address;
use crate::envelope::{Envelope, ReversePath};
use crate::exit::Exit;
use crate::failure::{Failure, Kind, hints, printable};
use crate::message::Message;
use crate::route::{Attempt, Rung};
use crate::smtp::{QuitAfter, Reply, TlsInfo, Verdict};

/// The result of one submission.
#[derive(Debug)]
pub struct Report {
    /// The Message-ID of the message, with its angle brackets.
    pub message_id: String,
    /// Octets of the message on the wire.
    pub size: u64,
    /// From start to end.
    pub duration: Duration,
    /// The reverse path, without angle brackets; empty for the null sender.
    pub envelope_from: String,
    /// The server that was used.
    pub server: Option<Peer>,
    /// The mechanism by which we authenticated.
    pub auth: Option<&'static str>,
    /// The server's reply to the message itself.
    pub reply: Option<Reply>,
    /// Every recipient with its verdict, in the order of the envelope.
    pub recipients: Vec<(Address, Verdict)>,
    /// The rungs that were tried, in the policy's order.
    pub attempts: Vec<Attempt>,
    /// The id under which the message waits in the queue for all who are still [open](Self::open).
    pub queued: Option<String>,
}

/// The server a session was opened with.
#[derive(Debug, Clone)]
pub struct Peer {
    /// The rung.
    pub rung: Rung,
    /// Its address.
    pub address: Option<std::net::SocketAddr>,
    /// What TLS agreed on; `None` in clear.
    pub tls: Option<TlsInfo>,
}

/// The result in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Everybody was accepted.
    Sent,
    /// It ended before the message, as asked, and nothing went wrong until then.
    Stopped,
    /// Some were accepted.
    Partial,
    /// Nobody was accepted; trying again is right.
    Deferred,
    /// The server refused for good.
    Rejected,
    /// Whoever was not accepted is in the queue.
    Queued,
    /// It may have been delivered.
    Uncertain,
    /// It did not come to the point where the server could decide.
    Failed,
}

impl Status {
    /// The name used in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Stopped => "stopped",
            Self::Partial => "partial",
            Self::Deferred => "deferred",
            Self::Rejected => "rejected",
            Self::Queued => "queued",
            Self::Uncertain => "uncertain",
            Self::Failed => "failed",
        }
    }
}

impl Report {
    /// With these verdicts, one for each recipient in the order of the envelope; nothing else is known.
    pub fn new(envelope: &Envelope, message: &Message, verdicts: Vec<Verdict>) -> Self {
        let recipients = envelope.recipients().iter().cloned();
        let recipients = recipients.zip(verdicts).collect();
        Self::bare(message.message_id(), envelope.sender(), recipients)
    }

    /// Of a message that is known by these alone.
    pub(crate) fn bare(
        message_id: &str,
        sender: &ReversePath,
        recipients: Vec<(Address, Verdict)>,
    ) -> Self {
        Self {
            message_id: printable(message_id),
            size: 0,
            duration: Duration::ZERO,
            envelope_from: sender.to_string(),
            server: None,
            auth: None,
            reply: None,
            recipients,
            attempts: Vec::new(),
            queued: None,
        }
    }

    /// With this failure for everybody.
    pub fn of_all(envelope: &Envelope, message: &Message, failure: Failure) -> Self {
        let verdict = Verdict::from_failure(failure, None);
        let verdicts = vec![verdict; envelope.recipients().len()];
        Self {
            size: message.size(),
            ..Self::new(envelope, message, verdicts)
        }
    }

    /// The result in one word.
    pub fn status(&self) -> Status {
        let accepted = self
            .recipients
            .iter()
            .filter(|(_, verdict)| verdict.is_accepted())
            .count();
        if accepted == self.recipients.len() {
            return Status::Sent;
        }
        let is_unknown = |verdict: &Verdict| matches!(verdict, Verdict::Unknown(_));
        let unknown = self.left().any(is_unknown);
        match self.deciding().map(|failure| failure.kind) {
            None if self.queued.is_some() => Status::Queued,
            // "partial" would promise that the rest was not delivered.
            _ if accepted > 0 && !unknown => Status::Partial,
            _ if unknown => Status::Uncertain,
            None => Status::Stopped,
            Some(Kind::Temporary) => Status::Deferred,
            Some(Kind::Recipient | Kind::Refused) => Status::Rejected,
            _ => Status::Failed,
        }
    }

    /// The exit code.
    ///
    /// Of those neither accepted nor queued: 75 if anybody was deferred or is uncertain; else the cause that
    /// kept the server from deciding (authentication, TLS, …); else 67 if all were refused as
    /// unknown; else 69.
    pub fn exit(&self) -> Exit {
        self.deciding()
            .map_or(Exit::Ok, |failure| failure.kind.exit())
    }

    /// The stage after which the submission ended, as asked, for all who were not refused.
    pub fn stopped_after(&self) -> Option<QuitAfter> {
        self.recipients
            .iter()
            .find_map(|(_, verdict)| match verdict {
                Verdict::Stopped { after, .. } => Some(*after),
                _ => None,
            })
    }

    /// Why there was no session in which the message could have been submitted, if there was none: then no
    /// other message can be now.
    pub(crate) fn no_session(&self) -> Option<&Failure> {
        let failure = self.deciding()?;
        (self.server.is_none() || failure.kind == Kind::Auth).then_some(failure)
    }

    /// The failure that decides the exit code; `None` when nothing went wrong.
    pub fn deciding(&self) -> Option<&Failure> {
        let failures = || {
            let causes = self.left().filter_map(Verdict::cause);
            causes.map(|cause| &cause.failure)
        };
        failures()
            .find(|failure| failure.kind.exit() == Exit::TempFail)
            .or_else(|| {
                failures().find(|failure| !matches!(failure.kind, Kind::Recipient | Kind::Refused))
            })
            .or_else(|| failures().find(|failure| failure.kind == Kind::Refused))
            .or_else(|| failures().next())
    }

    /// The recipients for whom it is right to try again later, by their places: who was deferred, who may
    /// have got it, and everybody where no server was reached that can be trusted.
    pub fn open(&self) -> Vec<usize> {
        let verdicts = self.recipients.iter().map(|(_, verdict)| verdict);
        let open = verdicts.enumerate().filter(|(_, v)| self.is_open(v));
        open.map(|(place, _)| place).collect()
    }

    /// Whether this verdict, one of the report's, is that of somebody who is open.
    pub(crate) fn is_open(&self, verdict: &Verdict) -> bool {
        verdict.is_open(self.server.is_none() && !self.attempts.is_empty())
    }

    /// Whether nobody was accepted because the message was too large for the server, as far as it says so.
    pub(crate) fn is_too_large(&self) -> bool {
        let is_it = |verdict: &Verdict| {
            let said = verdict.reply().is_some_and(|reply| {
                let enhanced = reply.enhanced.map(|code| (code.0, code.1, code.2));
                reply.code == 552 || matches!(enhanced, Some((5, 3, 4) | (5, 2, 3)))
            });
            // Our own comparison with its SIZE has no reply behind it.
            let found = verdict.reply().is_none()
                && (verdict.cause()).is_some_and(|cause| cause.failure.kind == Kind::Message);
            said || found
        };
        !self.recipients.is_empty() && self.recipients.iter().all(|(_, verdict)| is_it(verdict))
    }

    /// The verdicts of those who are not in the queue.
    fn left(&self) -> impl Iterator<Item = &Verdict> {
        let verdicts = self.recipients.iter().map(|(_, verdict)| verdict);
        verdicts.filter(|verdict| self.queued.is_none() || !self.is_open(verdict))
    }

    /// What to do now, each step once: first not to send it again to whom it was accepted for, then what
    /// the deciding failure asks for, then the others.
    pub fn hints(&self) -> Vec<String> {
        let accepted = self
            .recipients
            .iter()
            .filter(|(_, verdict)| verdict.is_accepted())
            .count();
        let partial =
            (accepted > 0 && self.deciding().is_some() && self.queued.is_none()).then(|| {
                let all = self.recipients.len();
                format!("accepted for {accepted} of {all} recipients: do not send it to them again")
            });
        let failures = self.deciding().into_iter().chain(self.failures());
        // What is queued is tried again without anybody's doing.
        let is_mendable = |failure: &&Failure| {
            self.queued.is_none() || !matches!(failure.kind, Kind::Temporary | Kind::Uncertain)
        };
        let failures = failures.filter(is_mendable);
        partial.into_iter().chain(hints(failures)).collect()
    }

    /// Each failure once, in the order of the recipients.
    pub fn failures(&self) -> Vec<&Failure> {
        let mut found: Vec<&Failure> = Vec::new();
        for failure in self
            .recipients
            .iter()
            .filter_map(|(_, v)| v.cause())
            .map(|cause| &cause.failure)
        {
            // A cause shared by many stands in a row, since it was given to them together.
            if found.last() != Some(&failure) && !(found.len() < 64 && found.contains(&failure)) {
                found.push(failure);
            }
        }
        found
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn report(kinds: &[Option<Kind>]) -> Report {
        let reply = Reply {
            code: 250,
            enhanced: None,
            lines: vec![],
        };
        let recipients = kinds
            .iter()
            .enumerate()
            .map(|(n, kind)| {
                let verdict = match kind {
                    None => Verdict::Accepted(reply.clone()),
                    Some(kind) => Verdict::from_failure(Failure::new(*kind, format!("r{n}")), None),
                };
                (format!("r{n}@example.com").parse().unwrap(), verdict)
            })
            .collect();
        Report {
            message_id: "<m@example.com>".to_owned(),
            size: 1,
            duration: Duration::ZERO,
            envelope_from: "a@example.com".to_owned(),
            server: None,
            auth: None,
            reply: None,
            recipients,
            attempts: Vec::new(),
            queued: None,
        }
    }

    fn attempt() -> Attempt {
        let servers = crate::route::Server::list("mail.example.com").unwrap();
        Attempt {
            rung: servers[0].rungs(None, None).unwrap().remove(0),
            outcome: crate::route::Outcome::Refused,
            address: None,
            secured: false,
            certificate: None,
            failure: None,
            took: Duration::ZERO,
        }
    }

    #[test]
    fn the_exit_code_follows_from_all_verdicts() {
        use Kind::{Auth, Protocol, Recipient, Refused, Temporary, Tls, Uncertain};
        let cases: &[(&[Option<Kind>], Exit, Status)] = &[
            (&[None, None], Exit::Ok, Status::Sent),
            (&[None, Some(Recipient)], Exit::NoUser, Status::Partial),
            (&[None, Some(Refused)], Exit::Unavailable, Status::Partial),
            (
                &[None, Some(Refused), Some(Temporary)],
                Exit::TempFail,
                Status::Partial,
            ),
            (
                &[Some(Recipient), Some(Recipient)],
                Exit::NoUser,
                Status::Rejected,
            ),
            (
                &[Some(Recipient), Some(Refused)],
                Exit::Unavailable,
                Status::Rejected,
            ),
            (
                &[Some(Recipient), Some(Temporary)],
                Exit::TempFail,
                Status::Deferred,
            ),
            (&[Some(Uncertain)], Exit::TempFail, Status::Uncertain),
            (&[Some(Auth)], Exit::NoPerm, Status::Failed),
            (&[Some(Tls)], Exit::Unavailable, Status::Failed),
            (&[Some(Protocol)], Exit::Protocol, Status::Failed),
        ];
        for (kinds, exit, status) in cases {
            let report = report(kinds);
            assert_eq!(
                (report.exit(), report.status()),
                (*exit, *status),
                "{kinds:?}"
            );
        }
    }

    #[test]
    fn who_is_queued_is_no_failure_and_who_is_refused_is() {
        use Kind::{Auth, Host, Recipient, Temporary, Tls, Uncertain};
        type Case<'c> = (&'c [Option<Kind>], &'c [usize], Exit, Status);
        let cases: &[Case<'_>] = &[
            (&[Some(Temporary)], &[0], Exit::Ok, Status::Queued),
            (&[None, Some(Uncertain)], &[1], Exit::Ok, Status::Queued),
            (&[Some(Host)], &[0], Exit::Ok, Status::Queued),
            (&[Some(Tls), Some(Tls)], &[0, 1], Exit::Ok, Status::Queued),
            (&[Some(Auth)], &[], Exit::NoPerm, Status::Failed),
            (
                &[None, Some(Temporary), Some(Recipient)],
                &[1],
                Exit::NoUser,
                Status::Partial,
            ),
            (
                &[Some(Recipient), Some(Temporary)],
                &[1],
                Exit::NoUser,
                Status::Rejected,
            ),
        ];
        for (kinds, open, exit, status) in cases {
            let mut report = report(kinds);
            report.attempts.push(attempt());
            assert_eq!(report.open(), *open, "{kinds:?}");
            report.queued = Some("id".to_owned()).filter(|_| !open.is_empty());
            assert_eq!(
                (report.exit(), report.status()),
                (*exit, *status),
                "{kinds:?}"
            );
        }
    }

    #[test]
    fn a_cause_shared_by_many_is_named_once() {
        let mut report = report(&[Some(Kind::Tls), Some(Kind::Tls)]);
        report.recipients[1].1 = report.recipients[0].1.clone();
        assert_eq!(report.failures().len(), 1);
    }
}
