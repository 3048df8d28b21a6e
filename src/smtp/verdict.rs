//! What became of one recipient. Every recipient has a verdict; none is assumed.

use std::sync::Arc;

use super::quit_after::QuitAfter;
use super::reply::Reply;
use crate::failure::{Failure, Kind};

/// What became of one recipient.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// The server took responsibility; the reply is the one to its RCPT.
    Accepted(Reply),
    /// Not delivered, and trying again later is right.
    Deferred(Arc<Cause>),
    /// Not delivered, and trying again the same way is of no use.
    Rejected(Arc<Cause>),
    /// Perhaps delivered: the connection ended between the last byte and the reply to it.
    Unknown(Arc<Cause>),
    /// Not sent, because the submission was to end before the message. Nothing was refused.
    Stopped {
        /// Where it ended.
        after: QuitAfter,
        /// The reply that accepted this recipient, where it came to RCPT.
        reply: Option<Reply>,
    },
}

/// Why a recipient does not have the message, or may not have it.
#[derive(Debug, Clone)]
pub struct Cause {
    /// What went wrong, in words.
    pub failure: Failure,
    /// The reply that said so, where there was one.
    pub reply: Option<Reply>,
}

impl Verdict {
    /// The verdict that a failure means for a recipient that was not judged on its own.
    pub fn from_failure(failure: Failure, reply: Option<Reply>) -> Self {
        let kind = failure.kind;
        let cause = Arc::new(Cause { failure, reply });
        match kind {
            Kind::Temporary | Kind::Protocol | Kind::Io => Self::Deferred(cause),
            Kind::Uncertain => Self::Unknown(cause),
            _ => Self::Rejected(cause),
        }
    }

    /// The same with where it happened put before the words of a failure.
    pub(crate) fn at(self, place: impl std::fmt::Display) -> Self {
        let at = |cause: Arc<Cause>| {
            Arc::new(Cause {
                failure: cause.failure.clone().at(&place),
                reply: cause.reply.clone(),
            })
        };
        match self {
            other @ (Self::Accepted(_) | Self::Stopped { .. }) => other,
            Self::Deferred(cause) => Self::Deferred(at(cause)),
            Self::Rejected(cause) => Self::Rejected(at(cause)),
            Self::Unknown(cause) => Self::Unknown(at(cause)),
        }
    }

    /// The name used in JSON.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::Deferred(_) => "deferred",
            Self::Rejected(_) => "rejected",
            Self::Unknown(_) => "unknown",
            Self::Stopped { .. } => "stopped",
        }
    }

    /// Whether the server took responsibility.
    pub const fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted(_))
    }

    /// Whether it is right to try again later: also where the failure is for good, but `unreached` says
    /// that none of the ways that were tried led to a server that can be trusted.
    pub(crate) fn is_open(&self, unreached: bool) -> bool {
        match self {
            Self::Deferred(_) | Self::Unknown(_) => true,
            Self::Rejected(cause) => {
                unreached && matches!(cause.failure.kind, Kind::Host | Kind::Tls)
            }
            Self::Accepted(_) | Self::Stopped { .. } => false,
        }
    }

    /// What went wrong, if anything did.
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Accepted(_) | Self::Stopped { .. } => None,
            Self::Deferred(cause) | Self::Rejected(cause) | Self::Unknown(cause) => Some(cause),
        }
    }

    /// The reply behind this verdict, where there was one.
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Accepted(reply) => Some(reply),
            Self::Stopped { reply, .. } => reply.as_ref(),
            _ => self.cause().and_then(|cause| cause.reply.as_ref()),
        }
    }
}
