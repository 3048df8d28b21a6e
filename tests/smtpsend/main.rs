//! The program as its users meet it: command line in, dialogue, exit code and output out. One
//! binary; a file per feature.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

mod hostile;
mod lost;
mod outcomes;
mod parts;
mod readme;
mod retries;
mod sending;
mod stages;
mod transactions;
mod waiting;
