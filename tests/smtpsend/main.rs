//! The program as its users meet it: command line in, dialogue, exit code and output out. One
//! binary; a file per feature.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

mod auth;
mod bdat;
mod broken_tls;
mod challenges;
mod changing;
mod check;
mod chunks;
mod client_certificates;
mod config;
mod config_given;
mod config_import;
mod config_init;
mod cuts;
mod delivery;
mod dry_run;
mod example;
mod files;
mod finding;
mod handing_over;
mod headers;
mod help;
mod hostile;
mod injection;
mod input;
mod intake;
mod json;
mod json_failures;
mod letters;
mod limits;
mod lost;
mod many;
mod many_lost;
mod many_sessions;
mod mechanisms;
mod one_group;
mod outcomes;
mod output;
mod parameters;
mod parts;
mod password;
mod pins;
mod policy;
mod ports;
mod profiles;
mod prompt;
mod proxies;
mod quit_after;
mod readme;
mod recipients;
mod refusals;
mod retries;
mod second_words;
mod secrets;
mod sending;
mod servers;
mod settings;
mod sized;
mod source;
mod stages;
mod staggering;
mod streaming;
mod taker;
mod tls;
mod tokens;
mod transactions;
mod users;
mod verdicts;
mod verify;
mod waiting;
mod ways;
