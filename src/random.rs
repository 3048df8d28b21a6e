//! Random numbers that nobody has to guess: in names that must differ, and in waits.
//!
//! Owns drawing one without a way to fail. Refuses to be the source of a secret: those are drawn where
//! they are needed, and fail when there is no randomness.

use std::hash::{BuildHasher as _, RandomState};

/// A random number.
pub(crate) fn random() -> u64 {
    // The standard library seeds its hashers from the system as well, without a way to fail.
    getrandom::u64().unwrap_or_else(|_| RandomState::new().hash_one(()))
}
