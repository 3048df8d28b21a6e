//! EXTERNAL (RFC 4422 appendix A): the certificate we showed in the TLS handshake says who we are.
//!
//! The message is the authorization identity, which may be empty: then the server takes the one
//! that the certificate stands for.

use super::{Mechanism, MechanismName, no_answer};
use crate::failure::Result;
use crate::secret::Secret;

pub(super) struct External {
    pub(super) user: String,
}

impl Mechanism for External {
    fn name(&self) -> MechanismName {
        MechanismName::External
    }

    fn initial_response(&mut self) -> Option<Secret> {
        Some(Secret::new(self.user.clone().into_bytes()))
    }

    fn ends_in_one_round(&self) -> bool {
        true
    }

    fn respond(&mut self, _challenge: &[u8]) -> Result<Secret> {
        Err(no_answer())
    }

    /// All is said at once.
    fn confirm(&self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_is_the_message_and_may_be_empty() {
        for user in ["", "bob@example.com"] {
            let mut external = External {
                user: user.to_owned(),
            };
            let message = external.initial_response().unwrap();
            assert_eq!(message.expose(), user.as_bytes());
            assert!(external.respond(b"").is_err());
        }
    }
}
