//! The submission dialogue (RFC 5321, RFC 6409), ours from the first byte to the last.
//!
//! From below: `wire` moves bytes, with TLS or without; `reply` reads bounded replies; `dialogue`
//! pairs commands with replies and knows how long each may take; `session` opens what can be
//! trusted (greeting, EHLO, STARTTLS), and `auth` says who we are by a mechanism of `sasl`.
//!
//! Then `conversation` submits message after message in one session: `delivery` fits each to what
//! the server offers, `transaction` brings it to its recipients with a [`Verdict`] for each (`fates`),
//! by a `group` of commands that leave together (`parameters` writes MAIL and RCPT), and `body` sends
//! its octets (`stuffing` where DATA needs it). `quit_after` names the stages after which all that may
//! end, as asked; `verify` asks about addresses without sending.
//! `stepwise` gives the commands of a transaction one by one, as somebody says them to us. `hint` knows
//! what to do about a refusal.

pub(crate) mod auth;
mod body;
pub mod capability;
pub(crate) mod conversation;
pub(crate) mod delivery;
pub mod dialogue;
mod fates;
mod group;
pub(crate) mod hint;
mod parameters;
mod quit_after;
pub mod reply;
pub mod sasl;
pub(crate) mod session;
pub(crate) mod stepwise;
mod stuffing;
pub mod tls;
mod transaction;
pub mod verdict;
pub mod verify;
pub(crate) mod wire;

pub use dialogue::{Observer, Waits};
pub(crate) use parameters::Announced;
pub use quit_after::QuitAfter;
pub use reply::{Enhanced, Reply};
pub use sasl::{AuthChoice, CleartextAuth, Credentials, MechanismName, TokenSource};
pub use tls::{Identity, TlsInfo, TlsTerms, TlsVersion, Trust};
pub use verdict::{Cause, Verdict};
