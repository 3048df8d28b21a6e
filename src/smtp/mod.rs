//! The submission dialogue (RFC 5321, RFC 6409), ours from the first byte to the last.
//!
//! From below: `wire` moves bytes, with TLS or without; `reply` reads bounded replies; `dialogue`
//! pairs commands with replies and knows how long each may take; `session` opens what can be
//! trusted (greeting, EHLO, STARTTLS, AUTH by `sasl`); `delivery` fits one message to what the server
//! offers, `transaction` brings it to its recipients with a [`Verdict`] for each, and `data` sends its
//! octets; `hint` knows what to do about a refusal.

pub mod capability;
pub(crate) mod data;
pub(crate) mod delivery;
pub mod dialogue;
pub(crate) mod hint;
pub mod reply;
pub mod sasl;
pub(crate) mod session;
pub mod tls;
pub(crate) mod transaction;
pub mod verdict;
pub(crate) mod wire;

pub use dialogue::{Observer, Waits};
pub use reply::{Enhanced, Reply};
pub use sasl::{AuthChoice, CleartextAuth, Credentials};
pub use tls::{TlsInfo, Trust};
pub use verdict::{Cause, Verdict};
