//! Where the recipients of one message stand while its session goes on, up to their verdicts.
//!
//! Owns the rule that nobody is left without a verdict, and what a refused RCPT means.

use super::quit_after::QuitAfter;
use super::reply::{Enhanced, Reply};
use super::verdict::{Cause, Verdict};
use crate::failure::{Failure, Kind};

/// Where a recipient stands.
#[derive(Clone)]
pub(super) enum Fate {
    /// Not judged yet, or accepted at RCPT in a transaction that is not over.
    Open,
    /// Told to come again in another transaction; this is its verdict where there is none.
    Postponed(Verdict),
    Decided(Verdict),
}

/// One fate for each recipient, in the order of the envelope.
pub(super) struct Fates(Vec<Fate>);

/// Recipients by their places, with the replies that accepted them at RCPT.
pub(super) type Accepted = Vec<(usize, Reply)>;

impl Fates {
    pub(super) fn open(count: usize) -> Self {
        Self(vec![Fate::Open; count])
    }

    pub(super) fn set(&mut self, index: usize, fate: Fate) {
        self.0[index] = fate;
    }

    pub(super) fn is_open(&self, index: usize) -> bool {
        matches!(self.0[index], Fate::Open)
    }

    pub(super) fn is_postponed(&self, index: usize) -> bool {
        matches!(self.0[index], Fate::Postponed(_))
    }

    /// The server took the message for these.
    pub(super) fn accept(&mut self, accepted: Accepted) {
        for (index, reply) in accepted {
            self.0[index] = Fate::Decided(Verdict::Accepted(reply));
        }
    }

    /// The submission ends here, as asked, for everybody who was not refused.
    pub(super) fn stop(&mut self, after: QuitAfter, accepted: Accepted) {
        for (index, reply) in accepted {
            let reply = Some(reply);
            self.0[index] = Fate::Decided(Verdict::Stopped { after, reply });
        }
        self.end(&Verdict::Stopped { after, reply: None });
    }

    /// Gives one verdict to those accepted at RCPT.
    pub(super) fn decide(&mut self, accepted: &Accepted, verdict: &Verdict) {
        for (index, _) in accepted {
            self.0[*index] = Fate::Decided(verdict.clone());
        }
    }

    /// Gives one verdict to everybody who was not told anything else.
    pub(super) fn end(&mut self, verdict: &Verdict) {
        for fate in &mut self.0 {
            if matches!(fate, Fate::Open) {
                *fate = Fate::Decided(verdict.clone());
            }
        }
    }

    /// Gives one verdict to everybody who does not, and cannot, have the message.
    pub(super) fn overrule(&mut self, verdict: &Verdict) {
        for fate in &mut self.0 {
            let may_have_it = matches!(
                fate,
                Fate::Decided(Verdict::Accepted(_) | Verdict::Unknown(_))
            );
            if !may_have_it {
                *fate = Fate::Decided(verdict.clone());
            }
        }
    }

    /// The refusal that speaks for all where nobody gets the message unless everybody does. What
    /// is refused for good counts more than what may work later.
    pub(super) fn refusal(&self, among: &[usize]) -> Option<&Cause> {
        let causes = || {
            among.iter().filter_map(|&index| match &self.0[index] {
                Fate::Decided(verdict) => verdict.cause(),
                _ => None,
            })
        };
        let for_good = |cause: &&Cause| cause.failure.kind != Kind::Temporary;
        causes().find(for_good).or_else(|| causes().next())
    }

    /// The verdicts, once there will be no further transaction: those postponed keep the reply
    /// that postponed them.
    pub(super) fn settled(self) -> Vec<Verdict> {
        let settle = |fate| match fate {
            Fate::Decided(verdict) | Fate::Postponed(verdict) => verdict,
            Fate::Open => Verdict::from_failure(
                Failure::new(Kind::Bug, "a recipient was left without a verdict"),
                None,
            ),
        };
        self.0.into_iter().map(settle).collect()
    }
}

/// The kind of a RCPT refused for good: unknown to the server with X.1.x, or with 550, 551 or 553
/// and no enhanced code; refused for another reason otherwise.
pub(super) fn rcpt_refused(reply: &Reply) -> Kind {
    let unknown = match reply.enhanced {
        Some(Enhanced(_, subject, _)) => subject == 1,
        None => matches!(reply.code, 550 | 551 | 553),
    };
    if unknown {
        Kind::Recipient
    } else {
        Kind::Refused
    }
}
