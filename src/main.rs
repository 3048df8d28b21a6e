//! The program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    smtpsend::cli::run(std::env::args_os())
}
