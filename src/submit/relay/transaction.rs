//! What a server was told of a transaction that is on, so that another session can be brought there.
//!
//! Owns the point of no return: whom the server accepted was told so, and a session that was lost is no
//! reason to take that back. RFC 5321 §4.1.4.

use std::time::Instant;

use super::Opening;
use crate::address::Address;
use crate::failure::{Failure, Kind};
use crate::smtp::stepwise::{Over, Step, Stepwise};
use crate::smtp::{Announced, Reply, Verdict};

/// What the server was told since MAIL.
pub(super) struct Transaction {
    pub(super) opening: Opening,
    pub(super) begun: Instant,
    /// Recipients with the replies that accepted them.
    pub(super) accepted: Vec<(Address, Reply)>,
}

impl Transaction {
    /// MAIL. What is to come may have 8-bit lines: nobody is told a lie by that, and where there are
    /// some it must have been said.
    pub(super) fn begin(&self, steps: &mut Stepwise<'_>) -> Step {
        let opening = &self.opening;
        let announced = Announced {
            size: opening.size,
            eight_bit: true,
            utf8: opening.smtputf8 || opening.sender.needs_smtputf8(),
        };
        steps.mail(&opening.sender, &opening.options, announced)
    }

    /// Brings a session to the point where this transaction is, if it is not there: a new one, or one
    /// in which it was begun without SMTPUTF8 and now needs it. The inner error is the verdict where
    /// the server no longer takes what it had accepted.
    pub(super) fn resume(
        &self,
        steps: &mut Stepwise<'_>,
        is_new: bool,
    ) -> std::result::Result<std::result::Result<(), Verdict>, Over> {
        if !is_new && (steps.is_begun_with_utf8() || !self.opening.smtputf8) {
            return Ok(Ok(()));
        }
        let begun = self.begin(steps)?;
        if !begun.is_accepted() {
            return Ok(Err(no_longer(begun)));
        }
        for (recipient, _) in &self.accepted {
            let again = steps.rcpt(recipient)?;
            if !again.is_accepted() {
                return Ok(Err(no_longer(again)));
            }
        }
        Ok(Ok(()))
    }
}

/// The verdict where a server refuses what it took before: it is no answer to what is asked now.
fn no_longer(refused: Verdict) -> Verdict {
    let why = refused.cause().map_or("", |cause| &cause.failure.message);
    let words = format!("accepted before the session was lost, and no longer: {why}");
    Verdict::from_failure(Failure::new(Kind::Temporary, words), None)
}
