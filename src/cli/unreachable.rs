//! Who cannot be reached, known before anything is sent: a user of this machine without an address.
//!
//! Owns their part in the exit code: one of them makes a failure of what went well for all others,
//! and hides neither that others are worth trying again nor that a server refused.

use crate::exit::Exit;
use crate::failure::Failure;

/// A recipient as it was written, and why it is not reached.
#[derive(Debug)]
pub(crate) struct Unreachable {
    pub(crate) written: String,
    pub(crate) error: anyhow::Error,
}

impl Unreachable {
    /// What is wrong, where that is known.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        self.error.downcast_ref()
    }

    /// The exit code for it alone.
    pub(crate) fn exit(&self) -> Exit {
        let failure = self.failure();
        failure.map_or(Exit::Software, |failure| failure.kind.exit())
    }
}

/// The exit code of what ended with `exit`, when there are these besides.
pub(crate) fn exit_with(exit: Exit, unreachable: &[Unreachable]) -> Exit {
    match unreachable.first() {
        Some(first) if exit == Exit::Ok => first.exit(),
        _ => exit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;

    #[test]
    fn one_who_cannot_be_reached_spoils_what_went_well_and_nothing_else() {
        let unreachable = [Kind::Recipient, Kind::Config].map(|kind| Unreachable {
            written: "root".to_owned(),
            error: Failure::new(kind, "x").into(),
        });
        for (exit, told) in [
            (Exit::Ok, Exit::NoUser),
            (Exit::TempFail, Exit::TempFail),
            (Exit::Unavailable, Exit::Unavailable),
        ] {
            assert_eq!(exit_with(exit, &unreachable), told);
            assert_eq!(exit_with(exit, &[]), exit);
        }
    }
}
