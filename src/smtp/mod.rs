//! The submission dialogue (RFC 5321, RFC 6409), ours from the first byte to the last.
//!
//! From below: `wire` moves bytes, with TLS or without; `reply` reads bounded replies; `dialogue`
//! pairs commands with replies and knows how long each may take; `session` opens what can be
//! trusted (greeting, EHLO, STARTTLS, AUTH by `sasl`); `transaction` brings one message to its
//! recipients and has a [`Verdict`] for each; `hint` knows what to do about a refusal.

pub mod capability;
pub(crate) mod data;
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
