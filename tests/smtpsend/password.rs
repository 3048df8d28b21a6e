//! Where a password may come from, in which order, and that it is never shown.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::{Server, Smtpsend};

/// A password in a file of this mode.
fn file(folder: &Path, password: &str, mode: u32) -> String {
    let path = folder.join(format!("{password}-{mode:o}"));
    std::fs::write(&path, format!("{password}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A call that authenticates as bench.
fn call(server: &Server) -> Smtpsend {
    Smtpsend::new()
        .server(server)
        .args(["--to", "b@x.org", "--body", "x", "-u", "bench"])
}

#[test]
fn the_file_of_the_flag_goes_first() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::file("starttls-auth-pipelining");
    call(&server)
        .args(["--password-file", &file(folder.path(), "secret", 0o600)])
        .env("SMTPSEND_PASSWORD", "wrong")
        .env(
            "SMTPSEND_PASSWORD_FILE",
            file(folder.path(), "wrong", 0o600),
        )
        .run();
    server.finish();
}

#[test]
fn the_password_in_the_environment_goes_before_a_file_named_there() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::file("starttls-auth-pipelining");
    call(&server)
        .env("SMTPSEND_PASSWORD", "secret")
        .env(
            "SMTPSEND_PASSWORD_FILE",
            file(folder.path(), "wrong", 0o600),
        )
        .run();
    server.finish();
}

#[test]
fn the_file_in_the_environment_goes_last() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::file("starttls-auth-pipelining");
    call(&server)
        .env("SMTPSEND_PASSWORD", "")
        .env(
            "SMTPSEND_PASSWORD_FILE",
            file(folder.path(), "secret", 0o400),
        )
        .run();
    server.finish();
}

#[test]
fn the_user_may_stand_in_the_url() {
    let server = Server::file("starttls-auth-pipelining");
    Smtpsend::new()
        .args(["-S", &format!("smtp://bench@{}", server.addr())])
        .args(["--to", "b@x.org", "--body", "x"])
        .env("SMTPSEND_CA_FILE", crate::support::ca_pem())
        .env("SMTPSEND_PASSWORD", "secret")
        .run();
    server.finish();
}

#[test]
fn a_user_flag_wins_over_the_url() {
    let server = Server::file("starttls-auth-pipelining");
    Smtpsend::new()
        .args([
            "-S",
            &format!("smtp://other@{}", server.addr()),
            "-u",
            "bench",
        ])
        .args(["--to", "b@x.org", "--body", "x"])
        .env("SMTPSEND_CA_FILE", crate::support::ca_pem())
        .env("SMTPSEND_PASSWORD", "secret")
        .run();
    server.finish();
}

#[test]
fn a_file_that_others_can_read_is_refused_with_the_chmod() {
    let folder = tempfile::tempdir().unwrap();
    for mode in [0o640, 0o604, 0o644, 0o666, 0o777] {
        let path = file(folder.path(), "secret", mode);
        let server = Server::unvisited();
        call(&server)
            .args(["--password-file", &path])
            .fails_with(78)
            .stderr_has(format!("smtpsend: --password-file: {path}: "))
            .stderr_has(format!("\nhint: chmod 600 {path}\n"))
            .run();
        server.finish();
    }
}

#[test]
fn a_missing_file_is_66_and_names_its_origin() {
    for (by_flag, origin) in [(true, "--password-file"), (false, "SMTPSEND_PASSWORD_FILE")] {
        let server = Server::unvisited();
        let call = if by_flag {
            call(&server).args(["--password-file", "/nonexistent"])
        } else {
            call(&server).env("SMTPSEND_PASSWORD_FILE", "/nonexistent")
        };
        call.fails_with(66)
            .stderr_has(format!("smtpsend: {origin}: /nonexistent: "))
            .run();
        server.finish();
    }
}

#[test]
fn a_file_without_a_user_is_a_usage_error() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::unvisited();
    Smtpsend::new()
        .server(&server)
        .args(["--to", "b@x.org", "--body", "x"])
        .args(["--password-file", &file(folder.path(), "secret", 0o600)])
        .fails_with(64)
        .stderr_has("\nhint: add --user\n")
        .run();
    server.finish();
}

#[test]
fn a_user_without_a_password_or_a_terminal_is_a_configuration_error() {
    let server = Server::unvisited();
    let address = server.addr().to_string();
    // Without a controlling terminal, wherever the tests run.
    Smtpsend::at("setsid")
        .arg("-w")
        .arg(env!("CARGO_BIN_EXE_smtpsend"))
        .args([
            "-S", &address, "--to", "b@x.org", "--body", "x", "-u", "bench",
        ])
        .fails_with(78)
        .stderr_has("smtpsend: no password for the user bench")
        .stderr_has("\nhint: ")
        .run();
    server.finish();
}

#[test]
fn a_password_in_a_url_is_refused_and_not_repeated() {
    for url in [
        "smtp://bob:hunter2@m.test",
        "smtps://bob:hunter2@m.test:465",
        "smtp://bob:hunter2@m.test,other.test",
        "smtp://bob:hunter2:hunter2@m.test",
        "ftp://bob:hunter2@m.test",
        "bob:hunter2@m.test",
        "smtp://bob:hunter2,hunter2@m.test",
    ] {
        let by_flag = Smtpsend::new().args(["-S", url]).fails_with(64);
        let by_environment = Smtpsend::new().env("SMTPSEND_SERVER", url).fails_with(78);
        for call in [by_flag, by_environment] {
            call.args(["--to", "b@x.org", "--body", "x"])
                .stderr_has("smtpsend: ")
                .stderr_lacks("hunter2")
                .run();
        }
    }
}

#[test]
fn there_is_no_password_flag() {
    Smtpsend::new()
        .args(["--to", "b@x.org", "--password", "hunter2"])
        .fails_with(64)
        .stderr_has("--password-file")
        .stderr_lacks("hunter2")
        .run();
}
