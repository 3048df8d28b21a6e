//! A scripted SMTP server, certificates good and bad, and a runner for the real program.
//!
//! Tests are dialogues that anyone can read (`tests/dialogues/*.smtp`, grammar in [`dialogue`]); the
//! [`Server`] plays them and fails when it was not visited, not finished or surprised. There is no
//! test mode in the program: it meets this server as it would meet any other.
//!
//! Shared by `tests/*.rs` (`mod support;`) and the examples, so parts are unused in each.
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

pub mod certs;
pub mod dialogue;
pub mod gate;
pub mod input;
pub mod intake;
pub mod pattern;
pub mod printed;
pub mod program;
pub mod server;
pub mod session;
pub mod terminal;
pub mod tls;
pub mod transcript;
pub mod wire;

pub use certs::{Certificate, ca_pem};
pub use dialogue::Dialogue;
pub use program::{Running, Smtpsend, write_privately};
pub use server::{Options, Server, closed_port};
pub use terminal::Terminal;
pub use transcript::{Received, Transcript};
