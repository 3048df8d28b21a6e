//! SASL mechanisms for SMTP AUTH (RFC 4422, RFC 4954), and which one is used.
//!
//! Owns the choice, and what all mechanisms have in common; each has a file of its own, as have their
//! names, the credentials, the preparation of passwords and channel binding. A mechanism is added by
//! implementing `Mechanism` and naming it in `name`, `Credentials::mechanisms` and `choice`.
//!
//! The mechanisms are written on ring, which TLS brings along. The libraries that have them (rsasl,
//! io-sasl, sasl, scram) bring a second set of the same primitives, some twenty crates, have only some
//! of the mechanisms, and leave it to their caller to bound what a server asks for.

mod binding;
mod choice;
mod cram_md5;
mod credentials;
mod external;
mod name;
mod oauth;
mod password;
mod saslprep;
mod scram;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

pub(crate) use binding::Binding;
pub(crate) use choice::choose;
pub use credentials::{Credentials, TokenSource};
pub use name::{AuthChoice, MechanismName};

use crate::failure::{Failure, Kind, Result};
use crate::secret::Secret;

/// A word that only `--allow-cleartext-auth` makes: without it no credential leaves without TLS.
#[derive(Debug, Clone, Copy)]
pub struct CleartextAuth(());

impl CleartextAuth {
    /// Allows credentials to be sent where anybody on the way can read them.
    pub const fn dangerous_allow() -> Self {
        Self(())
    }
}

/// One mechanism, for one exchange.
pub(crate) trait Mechanism {
    fn name(&self) -> MechanismName;

    /// What goes along with the AUTH command, for a mechanism in which the client speaks first.
    fn initial_response(&mut self) -> Option<Secret>;

    /// Whether the server's reply to the initial response is known to be the last one, so that
    /// AUTH may lead a group of commands (RFC 4954 §4).
    fn ends_in_one_round(&self) -> bool {
        false
    }

    /// The answer to a challenge.
    ///
    /// # Errors
    /// `Protocol` when there is none, and the exchange must be cancelled.
    fn respond(&mut self, challenge: &[u8]) -> Result<Secret>;

    /// Whether the server, now that it has said yes, can mean it: it was told all it needs, has not
    /// said that it will refuse, and has proved what it had to.
    ///
    /// # Errors
    /// `Protocol` when it cannot, and must not be believed.
    fn confirm(&self) -> Result<()>;

    /// What was said so far and must not be shown, beside [`Credentials::secrets`].
    fn secrets(&self) -> Vec<Secret> {
        Vec::new()
    }

    /// Why the server will refuse, where it said so before it did.
    fn complaint(&self) -> Option<String> {
        None
    }

    /// Makes ready for a second exchange with a proof that the server has not refused yet; false
    /// where there is none.
    ///
    /// # Errors
    /// Why no other proof could be had.
    fn renew(&mut self) -> Result<bool> {
        Ok(false)
    }
}

/// What is said of `response` on the wire.
pub(super) fn encoded(response: &Secret) -> Secret {
    let mut line = vec![0; response.expose().len().div_ceil(3) * 4];
    match BASE64.encode_slice(response.expose(), &mut line) {
        Ok(length) => line.truncate(length),
        Err(_) => line.clear(),
    }
    Secret::new(line)
}

/// The failure of a challenge that cannot be answered.
pub(super) fn no_answer() -> Failure {
    Failure::new(Kind::Protocol, "a challenge that has no answer")
}

/// The failure of a yes that came before our proof, or against what the server itself said of it.
fn unfounded() -> Failure {
    let words = "the server says yes to a proof that it was not given, or had found wrong";
    Failure::new(Kind::Protocol, words).with_hint("is this really your provider's server?")
}

/// A name as GS2 writes it (RFC 5801 §4, RFC 5802 §5.1).
fn saslname(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}
