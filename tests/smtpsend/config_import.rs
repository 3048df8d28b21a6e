//! `smtpsend config import`: msmtp's accounts become profiles, and each of them sends.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::parts::{BEFORE_TLS, LOCKSTEP_WITHIN_TLS, SLOW_DELIVERY};
use crate::support::{Dialogue, Options, Server, Smtpsend, ca_pem, certs, write_privately};

/// Three accounts that go to these ports; the first authenticates.
fn msmtprc(ports: [u16; 3]) -> String {
    let [work, home, list] = ports;
    format!(
        "# mine\n\
         defaults\ntls on\ntls_trust_file {}\nlogfile ~/.msmtp.log\nlogfile_time_format %s\n\n\
         account work\nhost localhost\nport {work}\nfrom alice@work.example\nauth on\nuser bench\n\
         passwordeval \"echo secret\"\n\n\
         account home\nhost localhost\nport {home}\nfrom alice@home.example\nauth off\n\n\
         account list : home\nport {list}\nfrom *@lists.example\n\n\
         account default : home\n",
        ca_pem().display()
    )
}

#[test]
fn an_msmtprc_with_three_accounts_is_taken_over_and_each_sends() {
    let servers = [
        Server::file("starttls-auth-pipelining"),
        Server::start(
            [Dialogue::file("starttls-pipelining")],
            Options::default().every_connection(),
        ),
        Server::file("starttls-pipelining"),
    ];
    let call = Smtpsend::new().args(["config", "import"]);
    let home = call.home().to_owned();
    let rc = home.join(".msmtprc");
    write_privately(&rc, &msmtprc(servers.each_ref().map(Server::port)));
    let file = home.join(".config/smtpsend/config.toml");
    let output = call
        .stderr_has(format!(
            "smtpsend: {}: line 6: logfile_time_format: ",
            rc.display()
        ))
        .stderr_has(format!(
            "smtpsend: {}: written, with the profiles work, home, list\n",
            file.display()
        ))
        .run();
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("default-profile = \"home\"\n"), "{text}");

    for (from, times) in [
        ("alice@work.example", 1),
        ("alice@home.example", 1),
        ("bob@lists.example", 1),
        ("carol@elsewhere.example", 1),
    ] {
        for _ in 0..times {
            Smtpsend::new()
                .env("HOME", output.home.path())
                .args(["--to", "b@example.com", "--body", "x", "--from", from])
                .run();
        }
    }
    let log = fs::read_to_string(output.home.path().join(".msmtp.log")).unwrap();
    assert_eq!(log.matches(" status=sent ").count(), 4, "{log}");
    let [work, home, list] = servers.map(Server::finish);
    assert_eq!(
        [
            work.messages.len(),
            home.messages.len(),
            list.messages.len()
        ],
        [1, 2, 1]
    );
}

/// `config import` of an account with a client certificate whose key is in this file, and the file that it
/// is told to read.
fn with_certificate(port: u16, key: &Path) -> (Smtpsend, PathBuf) {
    let call = Smtpsend::new().args(["config", "import"]);
    let rc = call.home().join(".msmtprc");
    let text = format!(
        "account a\nhost localhost\nport {port}\ntls on\ntls_trust_file {}\nfrom a@example.com\n\
         auth external\ntls_cert_file {}\ntls_key_file {}\n",
        ca_pem().display(),
        certs::client_pem().0.display(),
        key.display()
    );
    write_privately(&rc, &text);
    (call, rc)
}

#[test]
fn a_certificate_with_its_key_in_another_file_is_taken_over() {
    let within = LOCKSTEP_WITHIN_TLS.replace("AUTH PLAIN LOGIN", "AUTH PLAIN EXTERNAL");
    let server = Server::text(&format!(
        "{BEFORE_TLS}TLS mutual\n{within}C: AUTH EXTERNAL =\nS: 235 2.7.0 you are\n{SLOW_DELIVERY}"
    ));
    let (call, _) = with_certificate(server.port(), certs::client_pem().1);
    let file = call.home().join(".config/smtpsend/config.toml");
    let output = call
        .stderr_is(format!(
            "smtpsend: {}: written, with the profiles a\n",
            file.display()
        ))
        .run();
    Smtpsend::new()
        .env("HOME", output.home.path())
        .args(["--from", "a@example.com", "--to", "b@example.com"])
        .args(["--body", "x", "--profile", "a"])
        .run();
    server.finish();
}

#[test]
fn a_certificate_without_its_key_is_told_and_not_taken_over() {
    let folder = TempDir::new().unwrap();
    let key = folder.path().join("key.pem");
    write_privately(&key, "");
    let (call, rc) = with_certificate(587, &key);
    let rc = rc.display();
    let output = call
        .arg("-n")
        .stdout_any()
        .stderr_is(format!(
            "smtpsend: {rc}: line 8: tls_cert_file: no private key in it (-----BEGIN PRIVATE KEY-----)\n\
             smtpsend: {rc}: line 9: tls_key_file: no private key in it (-----BEGIN PRIVATE KEY-----)\n"
        ))
        .run();
    assert!(!output.stdout().contains("client-"), "{}", output.stdout());
}

#[test]
fn a_file_that_is_there_is_kept_unless_that_is_not_wanted() {
    let call = || {
        let call = Smtpsend::new()
            .settings("server = \"mine.test\"\n")
            .args(["config", "import"]);
        write_privately(&call.home().join(".msmtprc"), "account a\nhost a.test\n");
        call
    };
    let output = call()
        .fails_with(78)
        .stderr_has("config.toml: there is a settings file already\nhint: ")
        .run();
    let path = output.home.path().join(".config/smtpsend/config.toml");
    assert_eq!(
        fs::read_to_string(path).unwrap(),
        "server = \"mine.test\"\n"
    );
    let output = call().arg("--force").stderr_any().run();
    let path = output.home.path().join(".config/smtpsend/config.toml");
    assert!(
        fs::read_to_string(path)
            .unwrap()
            .contains("server = \"a.test")
    );
}

#[test]
fn what_would_be_written_can_be_looked_at() {
    let call = Smtpsend::new().args(["config", "import", "-n", "rc"]);
    let folder = call.home().to_owned();
    write_privately(
        &folder.join("rc"),
        "account a\nhost a.test\ntls on\ntls_certcheck off\n",
    );
    let output = call
        .folder(folder)
        .stdout_has("[profile.a]\n")
        .stderr_has("smtpsend: rc: line 4: tls_certcheck: ")
        .run();
    assert!(!output.home.path().join(".config").exists());
}

#[test]
fn what_msmtp_would_not_read_is_refused() {
    for (text, code, told) in [
        ("account a : b\n", 78, "rc: "),
        ("", 78, "no account that can be taken over"),
    ] {
        let call = Smtpsend::new().args(["config", "import", "rc"]);
        let folder = call.home().to_owned();
        write_privately(&folder.join("rc"), text);
        call.folder(folder).fails_with(code).stderr_has(told).run();
    }
    Smtpsend::new()
        .args(["config", "import", "/nonexistent"])
        .fails_with(66)
        .stderr_has("/nonexistent: ")
        .run();
    Smtpsend::new()
        .args(["config", "import"])
        .fails_with(64)
        .stderr_has("hint: name the file: smtpsend config import FILE")
        .run();
}
