//! PLAIN (RFC 4616) and LOGIN: the password itself, said to the server.
//!
//! User and password leave as they were given, octet for octet: to prepare them is the server's
//! part (RFC 4616 §2), and one that does not would otherwise refuse a password that is right.

use super::{Mechanism, MechanismName, no_answer, unfounded};
use crate::failure::Result;
use crate::secret::Secret;

/// The message of PLAIN (RFC 4616 §2).
pub(super) fn plain_message(user: &str, password: &Secret) -> Secret {
    let (user, password) = (user.as_bytes(), password.expose());
    let mut message = Vec::with_capacity(user.len() + password.len() + 2);
    message.push(0);
    message.extend_from_slice(user);
    message.push(0);
    message.extend_from_slice(password);
    Secret::new(message)
}

pub(super) struct Plain {
    pub(super) user: String,
    pub(super) password: Secret,
}

impl Mechanism for Plain {
    fn name(&self) -> MechanismName {
        MechanismName::Plain
    }

    fn initial_response(&mut self) -> Option<Secret> {
        Some(plain_message(&self.user, &self.password))
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

/// Two questions, two answers. The text of the questions is not standardised, so they go by their
/// order.
pub(super) struct Login {
    answers: std::vec::IntoIter<Secret>,
}

impl Login {
    pub(super) fn new(user: &str, password: &Secret) -> Self {
        let user = Secret::new(user.as_bytes().to_vec());
        Self {
            answers: vec![user, password.clone()].into_iter(),
        }
    }
}

impl Mechanism for Login {
    fn name(&self) -> MechanismName {
        MechanismName::Login
    }

    fn initial_response(&mut self) -> Option<Secret> {
        None
    }

    fn respond(&mut self, _challenge: &[u8]) -> Result<Secret> {
        self.answers.next().ok_or_else(no_answer)
    }

    fn confirm(&self) -> Result<()> {
        match self.answers.as_slice() {
            [] => Ok(()),
            _ => Err(unfounded()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn secret() -> Secret {
        Secret::new(b"secret".to_vec())
    }

    #[test]
    fn plain_says_all_at_once() {
        let mut plain = Plain {
            user: "bench".to_owned(),
            password: secret(),
        };
        let message = plain.initial_response().unwrap();
        assert_eq!(message.expose(), b"\0bench\0secret");
        assert!(plain.respond(b"").is_err());
    }

    #[test]
    fn login_answers_two_challenges_and_no_third() {
        let mut login = Login::new("bench", &secret());
        assert!(login.initial_response().is_none());
        assert_eq!(login.respond(b"Username:").unwrap().expose(), b"bench");
        assert!(login.confirm().is_err());
        assert_eq!(login.respond(b"Password:").unwrap().expose(), b"secret");
        assert!(login.confirm().is_ok());
        assert!(login.respond(b"again").is_err());
    }
}
