//! The program as its users meet it: command line in, dialogue, exit code and output out. One
//! binary; a file per feature.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

mod auth;
mod broken_tls;
mod changing;
mod delivery;
mod dry_run;
mod headers;
mod help;
mod hostile;
mod injection;
mod input;
mod intake;
mod json;
mod json_failures;
mod limits;
mod lost;
mod outcomes;
mod output;
mod parameters;
mod parts;
mod password;
mod policy;
mod ports;
mod readme;
mod recipients;
mod refusals;
mod retries;
mod sending;
mod servers;
mod settings;
mod stages;
mod staggering;
mod streaming;
mod tls;
mod transactions;
mod waiting;
