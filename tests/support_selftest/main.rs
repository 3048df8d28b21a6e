//! The test harness, tested by hand-written sockets: it passes what it should, and fails what it
//! should.
#![allow(clippy::unwrap_used, clippy::panic, unreachable_pub)]

mod client;
mod conversation;
mod failures;
mod program;
#[path = "../support/mod.rs"]
mod support;
mod tls;
