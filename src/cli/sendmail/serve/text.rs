//! The text of a message while it comes, up to its end whatever becomes of it.
//!
//! Owns that nothing is lost in silence: what cannot be kept, or is more than any server takes, is read
//! over, so that the caller can hear why. RFC 5321 §4.5.3.1.

use super::answer::Answer;
use crate::cli::kept::Kept;
use crate::cli::settings::Environment;
use crate::cli::stdin::{MESSAGE_LIMIT, refuse_more_than};
use crate::failure::{Failure, Kind};
use crate::message::Store;

/// A text that is being read.
pub(super) struct Text<'e> {
    kept: Kept<'e>,
    /// Why not all of it is kept: the rest is read over, up to its end.
    problem: Option<Failure>,
}

impl<'e> Text<'e> {
    /// Nothing yet.
    pub(super) fn new(environment: Environment<'e>) -> Self {
        Self {
            kept: Kept::new(environment),
            problem: None,
        }
    }

    /// Keeps these octets too.
    pub(super) fn add(&mut self, octets: &[u8]) {
        if self.problem.is_none() {
            let size = self.kept.size() + octets.len() as u64;
            let kept = refuse_more_than(MESSAGE_LIMIT, size).and_then(|()| self.kept.add(octets));
            self.problem = kept.err();
        }
    }

    /// All of it; else the reply that says why not.
    pub(super) fn store(self) -> Result<Store, Answer> {
        match self.problem {
            None => Ok(self.kept.into_store()),
            Some(failure) if failure.kind == Kind::Message => Err(too_large(&failure)),
            Some(failure) => Err(Answer::because_of(&failure)),
        }
    }
}

/// The reply to more than any server takes.
pub(super) fn too_large(failure: &Failure) -> Answer {
    Answer::new(552, "5.3.4", &failure.message)
}
