//! Runs of a program: what they print and how they exit is held against what was expected.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::support::Smtpsend;
use super::support::certs::{ca_pem, client_pem};

#[test]
fn a_run_of_a_program_meets_its_expectations() {
    let output = shell("cat; echo oops >&2; exit 3")
        .stdin("{\"a\": 1}")
        .fails_with(3)
        .stdout_is("{\"a\": 1}")
        .stderr_has("oops")
        .stderr_lacks("secret")
        .run();
    assert_eq!(output.json()["a"], 1);
}

#[test]
fn stray_output_and_a_wrong_exit_are_reported_in_full() {
    let run = || shell("echo stray; exit 1").env("A", "b c").run();
    let panic = catch_unwind(AssertUnwindSafe(run)).err().unwrap();
    let report = *panic.downcast::<String>().unwrap();
    assert_eq!(
        report,
        "exit 0 was expected, exit status: 1 came
stdout is not empty
--- command ---
A='b c' /bin/sh -c 'echo stray; exit 1'
--- stdin ---

--- status ---
exit status: 1
--- stdout ---
stray

--- stderr ---
"
    );
}

#[test]
fn a_program_that_hangs_is_killed() {
    let run = || shell("sleep 600").limit(Duration::from_millis(50)).run();
    let panic = catch_unwind(AssertUnwindSafe(run)).err().unwrap();
    let report = *panic.downcast::<String>().unwrap();
    assert!(report.contains("it had not ended after 50ms"), "{report}");
}

#[test]
fn stdout_can_go_where_it_cannot_be_written() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let echo = shell("echo x 2>&- || exit 74").stdout_to(full);
    echo.fails_with(74).run();
}

#[test]
fn a_stdin_that_never_ends_holds_nothing_up() {
    shell("exit 0").stdin_never_ends().run();
}

#[test]
fn the_test_certificates_are_files() {
    let (certificate, key) = client_pem();
    for (path, kind) in [
        (ca_pem(), "CERTIFICATE"),
        (certificate, "CERTIFICATE"),
        (key, "PRIVATE KEY"),
    ] {
        let pem = std::fs::read_to_string(path).unwrap();
        assert!(pem.starts_with(&format!("-----BEGIN {kind}-----")), "{pem}");
    }
}

fn shell(script: &str) -> Smtpsend {
    Smtpsend::at("/bin/sh").args(["-c", script])
}
