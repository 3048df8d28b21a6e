//! What `smtpsend check` says is to be used: one port that works, and what was typed beside it.

use crate::check::{IMPLICIT, LOGIN, check, dialogues, verdict};
use crate::parts::{BEFORE_TLS, WITHIN_TLS, secure_server};
use crate::support::{Smtpsend, ca_pem};

#[test]
fn what_is_to_be_used_has_all_that_was_typed_and_is_needed() {
    let server = secure_server(&[WITHIN_TLS, LOGIN]);
    let output = Smtpsend::new()
        .args(["check", "--json", "--tls-name", "mail.test"])
        .arg("--server")
        .arg(format!("smtp://bench@localhost:{}", server.port()))
        .args(["--password-command", "echo secret", "--no-chunking"])
        .env("SMTPSEND_CA_FILE", ca_pem())
        .stdout_any()
        .run();
    assert_eq!(
        output.json()["use"],
        format!(
            "--server localhost:{} --tls starttls --tls-name mail.test --no-chunking --user bench \
             --password-command …",
            server.port()
        )
    );
    server.finish();
}

#[test]
fn verdict_hint_and_options_are_about_one_port() {
    let greets = dialogues(&[
        "S: 220 mail.test ESMTP\nWAIT",
        &format!("{BEFORE_TLS}TLS\n{WITHIN_TLS}C: QUIT\n"),
    ]);
    let waits = dialogues(&["WAIT", IMPLICIT]);
    let ports = [(waits.port(), "starttls"), (greets.port(), "implicit")];
    let output = check(&ports)
        .args(["--connect-timeout", "2"])
        .fails_with(76)
        .run();
    let place = format!("localhost:{}", greets.port());
    let verdict = verdict(output.stdout());
    for words in [
        format!("(exit 76): {place}: the port speaks plain SMTP"),
        "\nhint: use --tls starttls for this port\n".to_owned(),
        format!("\nuse: --server {place} --tls starttls"),
    ] {
        assert!(verdict.contains(&words), "{words}\n{verdict}");
    }
    waits.finish();
    greets.finish();
}
