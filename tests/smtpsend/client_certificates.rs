//! Certificates by which the client says who it is.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::parts::{BEFORE_TLS, DELIVERY, LOCKSTEP_WITHIN_TLS, SLOW_DELIVERY, WITHIN_TLS, call};
use crate::support::program::write_privately;
use crate::support::{Server, Smtpsend, certs};

/// `hello` with this certificate and key.
fn mutual_call(server: &Server, certificate: &Path, key: Option<&Path>) -> Smtpsend {
    let call = call(server).arg("--client-cert").arg(certificate);
    match key {
        Some(key) => call.arg("--client-key").arg(key),
        None => call,
    }
}

/// The client's certificate and key, to be changed.
fn texts() -> (String, String) {
    let (certificate, key) = certs::client_pem();
    let read = |path| std::fs::read_to_string(path).unwrap();
    (read(certificate), read(key))
}

fn written(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    write_privately(&path, text);
    path
}

#[test]
fn a_server_that_demands_a_certificate_is_shown_it() {
    let (certificate, key) = certs::client_pem();
    for version in ["1.2", "1.3"] {
        let text = format!("{BEFORE_TLS}TLS mutual {version}\n{WITHIN_TLS}{DELIVERY}");
        let server = Server::text(&text);
        mutual_call(&server, certificate, Some(key)).run();
        server.finish();
    }
}

#[test]
fn the_key_may_stand_in_the_file_of_the_certificate() {
    let folder = TempDir::new().unwrap();
    let (certificate, key) = texts();
    for text in [format!("{certificate}{key}"), format!("{key}{certificate}")] {
        let both = written(&folder, "both.pem", &text);
        let server = Server::text(&format!("{BEFORE_TLS}TLS mutual\n{WITHIN_TLS}{DELIVERY}"));
        mutual_call(&server, &both, None).run();
        server.finish();
    }
}

#[test]
fn the_certificate_says_who_we_are_by_external() {
    let (certificate, key) = certs::client_pem();
    let within = LOCKSTEP_WITHIN_TLS.replace("AUTH PLAIN LOGIN", "AUTH PLAIN EXTERNAL");
    for (user, response) in [(None, "="), (Some("bob"), "Ym9i")] {
        let server = Server::text(&format!(
            "{BEFORE_TLS}TLS mutual\n{within}C: AUTH EXTERNAL {response}\nS: 235 2.7.0 you are\n{SLOW_DELIVERY}"
        ));
        let mut call = mutual_call(&server, certificate, Some(key)).args(["--auth", "EXTERNAL"]);
        if let Some(user) = user {
            call = call.args(["--user", user]);
        }
        call.run();
        server.finish();
    }
    let server = Server::unvisited();
    call(&server)
        .args(["--auth", "external"])
        .fails_with(78)
        .stderr_has(
            "AUTH EXTERNAL without a certificate to show\nhint: add --client-cert and --client-key",
        )
        .run();
    server.finish();
}

#[test]
fn a_server_that_wants_one_says_so() {
    let server = Server::text(&format!("{BEFORE_TLS}TLSFAIL mutual 1.3"));
    call(&server)
        .fails_with(69)
        .stderr_has("the server demands a certificate of the client")
        .stderr_has("hint: give one with --client-cert and --client-key")
        .run();
    server.finish();
}

#[test]
fn a_file_with_a_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    let (certificate, key) = texts();
    let open = |name: &str, text: &str| {
        let path = written(&folder, name, text);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        path
    };
    let both = open("both.pem", &format!("{certificate}{key}"));
    let key = open("key.pem", &key);
    let certificate = open("cert.pem", &certificate);
    for (certificate, key, secret) in [
        (&both, None, &both),
        (&certificate, Some(key.as_path()), &key),
    ] {
        let server = Server::unvisited();
        mutual_call(&server, certificate, key)
            .fails_with(78)
            .stderr_has("others can read it\n")
            .stderr_has(format!("hint: chmod 600 {}\n", secret.display()))
            .run();
        server.finish();
    }
}

#[test]
fn what_is_no_certificate_with_its_key_is_told_before_anything_is_connected() {
    let folder = TempDir::new().unwrap();
    let (certificate, key) = texts();
    let encrypted = key.replace("PRIVATE", "ENCRYPTED PRIVATE");
    let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let certificate = written(&folder, "cert.pem", &certificate);
    for (text, words) in [
        (encrypted.as_str(), "the private key is encrypted"),
        (&other, "the private key is not that of the certificate"),
        ("", "no private key in it"),
    ] {
        let key = written(&folder, "key.pem", text);
        let place = format!(
            "--client-cert: {}, --client-key: {}: {words}",
            certificate.display(),
            key.display()
        );
        let server = Server::unvisited();
        mutual_call(&server, &certificate, Some(&key))
            .fails_with(78)
            .stderr_has(place)
            .run();
        server.finish();
    }
    let server = Server::unvisited();
    mutual_call(&server, &certificate, None)
        .fails_with(78)
        .stderr_has("no private key in it")
        .run();
    mutual_call(&server, Path::new("/nonexistent.pem"), None)
        .fails_with(66)
        .stderr_has("--client-cert: /nonexistent.pem: ")
        .run();
    call(&server)
        .args(["--client-key", "/nonexistent.pem"])
        .fails_with(64)
        .stderr_has("--client-key: a key without a certificate\nhint: add --client-cert")
        .run();
    server.finish();
}

#[test]
fn a_public_file_without_a_key_is_told_to_have_none() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("cert.pem");
    std::fs::write(&path, texts().0).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let server = Server::unvisited();
    mutual_call(&server, &path, None)
        .fails_with(78)
        .stderr_has(format!(
            "--client-cert: {}: no private key in it\nhint: name the key's file with --client-key",
            path.display()
        ))
        .run();
    server.finish();
}
