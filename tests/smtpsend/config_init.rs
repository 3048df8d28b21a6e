//! `smtpsend config init`: what is typed is tried and written; what is missing is found or named.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::finding::dns;
use crate::support::{Dialogue, Options, Server, Smtpsend, ca_pem};

/// A server that many may log in to, as bench with the password secret.
fn server() -> Server {
    Server::start(
        [Dialogue::text(
            "S: 220 mail.test\nC: EHLO *\nS: 250-mail.test\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nTLS\n\
             C: EHLO *\nS: 250-mail.test\nS: 250 AUTH PLAIN\nC64: AUTH PLAIN \\0bench\\0secret\nS: 235 welcome\n\
             C? QUIT\nS: 221 bye\n",
        )],
        Options::default().every_connection(),
    )
}

fn init(server: &Server) -> Smtpsend {
    Smtpsend::new()
        .args([
            "config",
            "init",
            "--from",
            "alice@example.com",
            "-u",
            "bench",
        ])
        .arg(format!("--server={}", server.addr()))
        .arg(format!("--ca-file={}", ca_pem().display()))
}

fn file(home: &Path) -> std::path::PathBuf {
    home.join(".config/smtpsend/config.toml")
}

#[test]
fn what_is_typed_is_tried_and_written_for_the_owner_alone() {
    let server = server();
    let output = init(&server)
        .args(["--password-command", "echo secret", "--no-chunking"])
        .stderr_has("config.toml: written\n")
        .run();
    let path = file(output.home.path());
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let folder = path.parent().unwrap();
    assert_eq!(
        fs::metadata(folder).unwrap().permissions().mode() & 0o777,
        0o700
    );
    let text = fs::read_to_string(&path).unwrap();
    for line in [
        "from = \"alice@example.com\"\n".to_owned(),
        format!("server = \"{}\"\n", server.addr()),
        "user = \"bench\"\n".to_owned(),
        "password-command = \"echo secret\"\n".to_owned(),
        "no-chunking = true\n".to_owned(),
    ] {
        assert!(text.contains(&line), "{text}");
    }
    let transcript = server.finish();
    assert!(
        transcript
            .lines
            .iter()
            .any(|line| line.starts_with("AUTH PLAIN"))
    );
    assert!(!transcript.lines.iter().any(|line| line.starts_with("MAIL")));
}

#[test]
fn a_password_that_is_handed_over_is_kept_in_the_file() {
    let server = server();
    let output = init(&server)
        .args(["--password-fd", "0"])
        .stdin("secret\n")
        .stderr_any()
        .run();
    let text = fs::read_to_string(file(output.home.path())).unwrap();
    assert!(text.contains("password = \"secret\"\n"), "{text}");
    server.finish();
}

#[test]
fn nothing_is_written_when_the_login_fails() {
    let refusing = Server::text(
        "S: 220 mail.test\nC: EHLO *\nS: 250-mail.test\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nTLS\n\
         C: EHLO *\nS: 250-mail.test\nS: 250 AUTH PLAIN\nC: AUTH PLAIN *\nS: 535 5.7.8 no\nC? QUIT\nS: 221 bye\n",
    );
    let output = init(&refusing)
        .args(["--password-command", "echo wrong"])
        .fails_with(77)
        .stderr_has("smtpsend: nothing was written; --no-check writes it all the same\n")
        .run();
    assert!(!file(output.home.path()).exists());
    refusing.finish();

    let unvisited = Server::unvisited();
    let output = init(&unvisited)
        .args(["--password-command", "echo wrong", "--no-check"])
        .stderr_any()
        .run();
    assert!(file(output.home.path()).exists());
    unvisited.finish();
}

#[test]
fn a_profile_is_added_to_the_file_that_is_there() {
    let server = server();
    let with = |profile: &str| {
        init(&server)
            .settings("# mine\nretry = 3\n[profile.old]\n")
            .args(["--password-command", "echo secret", "--profile", profile])
    };
    let output = with("work").stderr_any().run();
    let text = fs::read_to_string(file(output.home.path())).unwrap();
    assert!(
        text.starts_with("# mine\nretry = 3\n[profile.old]\n\n[profile.work]\nfrom = "),
        "{text}"
    );
    with("old")
        .fails_with(78)
        .stderr_has("config.toml: there is a profile old already\nhint: ")
        .run();
    server.finish();
}

#[test]
fn a_file_that_is_there_is_written_over_only_when_that_is_wanted() {
    let server = server();
    let with = || {
        init(&server)
            .settings("retry = 3\n")
            .args(["--password-command", "echo secret"])
    };
    let output = with()
        .fails_with(78)
        .stderr_has("there is a settings file already\nhint: ")
        .run();
    assert_eq!(
        fs::read_to_string(file(output.home.path())).unwrap(),
        "retry = 3\n"
    );
    let output = with().arg("--force").stderr_any().run();
    let text = fs::read_to_string(file(output.home.path())).unwrap();
    assert!(!text.contains("retry"), "{text}");
    server.finish();
}

#[test]
fn what_nobody_can_be_asked_for_is_named() {
    Smtpsend::new()
        .args(["config", "init"])
        .fails_with(64)
        .stderr_has("smtpsend: --from is missing, and nobody is there to be asked for it\n")
        .run();
    Smtpsend::new()
        .args(["config", "init", "--from", "alice@nothing.invalid"])
        .fails_with(64)
        .stderr_has("--server is missing, and nobody is there to be asked for it\n")
        .run();
}

#[test]
fn the_server_is_found_and_kept_once_it_is_confirmed() {
    let server = server();
    let (name, served) = dns("localhost", server.port(), 2);
    let with = |call: Smtpsend| {
        call.env("SMTPSEND_CA_FILE", ca_pem())
            .args([
                "config",
                "init",
                "--from",
                "alice@example.test",
                "-u",
                "bench",
            ])
            .args(["--password-command", "echo secret"])
    };
    let output = with(Smtpsend::new().env("SMTPSEND_DNS", name))
        .args(["--discover", "any"])
        .stderr_any()
        .run();
    served.join().unwrap();
    let text = fs::read_to_string(file(output.home.path())).unwrap();
    let line = format!("server = \"localhost:{}\"\n", server.port());
    assert!(text.contains(&line) && !text.contains("discover"), "{text}");
    server.finish();

    let (name, served) = dns("localhost", 2525, 2);
    with(Smtpsend::new().env("SMTPSEND_DNS", name))
        .fails_with(78)
        .stderr_has("DNS can be forged")
        .run();
    served.join().unwrap();
}
