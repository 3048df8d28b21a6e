//! What happened, for every recipient and every rung, and what it means for the exit code.

use std::time::Duration;

use crate::address::Address;
use crate::exit::Exit;
use crate::failure::{Failure, Kind, hints};
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
            Self::Uncertain => "uncertain",
            Self::Failed => "failed",
        }
    }
}

impl Report {
    /// The result in one word.
    pub fn status(&self) -> Status {
        let mut accepted = self
            .recipients
            .iter()
            .filter(|(_, verdict)| verdict.is_accepted())
            .count();
        if accepted == self.recipients.len() {
            return Status::Sent;
        }
        if self
            .recipients
            .iter()
            .any(|(_, verdict)| matches!(verdict, Verdict::Unknown(_)))
        {
            // "partial" would promise that the rest was not delivered.
            accepted = 0;
        }
        match self.deciding().map(|failure| failure.kind) {
            _ if accepted > 0 => Status::Partial,
            _ if self
                .recipients
                .iter()
                .any(|(_, verdict)| matches!(verdict, Verdict::Unknown(_))) =>
            {
                Status::Uncertain
            }
            None => Status::Stopped,
            Some(Kind::Temporary) => Status::Deferred,
            Some(Kind::Recipient | Kind::Refused) => Status::Rejected,
            _ => Status::Failed,
        }
    }

    /// The exit code.
    ///
    /// Of those not accepted: 75 if anybody was deferred or is uncertain; else the cause that
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

    /// The failure that decides the exit code; `None` when nothing went wrong.
    pub fn deciding(&self) -> Option<&Failure> {
        let failures = || {
            self.recipients
                .iter()
                .filter_map(|(_, verdict)| verdict.cause())
                .map(|cause| &cause.failure)
        };
        failures()
            .find(|failure| failure.kind.exit() == Exit::TempFail)
            .or_else(|| {
                failures().find(|failure| !matches!(failure.kind, Kind::Recipient | Kind::Refused))
            })
            .or_else(|| failures().find(|failure| failure.kind == Kind::Refused))
            .or_else(|| failures().next())
    }

    /// What to do now, each step once: first not to send it again to whom it was accepted for, then what
    /// the deciding failure asks for, then the others.
    pub fn hints(&self) -> Vec<String> {
        let accepted = self
            .recipients
            .iter()
            .filter(|(_, verdict)| verdict.is_accepted())
            .count();
        let partial = (accepted > 0 && self.deciding().is_some()).then(|| {
            let all = self.recipients.len();
            format!("accepted for {accepted} of {all} recipients: do not send it to them again")
        });
        let failures = self.deciding().into_iter().chain(self.failures());
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
    fn a_cause_shared_by_many_is_named_once() {
        let mut report = report(&[Some(Kind::Tls), Some(Kind::Tls)]);
        report.recipients[1].1 = report.recipients[0].1.clone();
        assert_eq!(report.failures().len(), 1);
    }
}
