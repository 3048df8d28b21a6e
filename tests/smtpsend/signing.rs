//! Signing by DKIM: which settings it takes, which messages it is done to, and which keys are refused before
//! anything is connected.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::delivery::{call, delivered};
use crate::queue::Spool;
use crate::run;
use crate::sendmail::sent;
use crate::serve::relayed;
use crate::support::program::write_privately;
use crate::support::{Server, Smtpsend};

const ED25519: &str = include_str!("../keys/ed25519.pem");
const RSA: &str = include_str!("../keys/rsa.pem");

/// What the first lines of a message signed by the first of these keys say.
const SIGNATURE: &str =
    "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com;\r\n s=mail; t=";

fn key_of(text: &str) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("key.pem");
    write_privately(&path, text);
    (folder, path)
}

/// The settings that sign for example.com.
fn settings(key: &Path) -> String {
    format!(
        "dkim-key = \"{}\"\ndkim-selector = \"mail\"\ndkim-domain = \"example.com\"\n",
        key.display()
    )
}

/// A call that must not reach any server.
fn dry(args: &[&str]) -> Smtpsend {
    Smtpsend::new()
        .args(["-n", "-S", "m.test", "-f", "a@example.com"])
        .args(["--to", "b@x.org", "--body", "x"])
        .args(args.iter().copied())
        .stderr_any()
}

#[test]
fn a_message_is_signed_for_the_domain_of_from() {
    let (_folder, key) = key_of(ED25519);
    let flags = [
        "--dkim-key",
        key.to_str().unwrap(),
        "--dkim-selector",
        "mail",
    ];
    let delivery = delivered(|call| {
        call.args(flags)
            .args(["-f", "a@Example.com", "--body", "x"])
    });
    let text = delivery.message.text();
    assert!(text.starts_with(SIGNATURE), "{text}");
    assert!(text.ends_with("\r\n\r\nx\r\n"), "{text}");
    dry(&flags).stdout_has(SIGNATURE).run();
}

#[test]
fn the_settings_may_stand_in_the_environment_and_in_a_file() {
    let (_folder, key) = key_of(RSA);
    let signed = "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=mail.example.com;";
    dry(&[])
        .env("SMTPSEND_DKIM_KEY", &key)
        .env("SMTPSEND_DKIM_SELECTOR", "S1")
        .env("SMTPSEND_DKIM_DOMAIN", "Mail.Example.com")
        .stdout_has(signed)
        .stdout_has(" s=s1; ")
        .run();
    let call = dry(&["--dkim-domain", "mail.example.com"])
        .settings("dkim-key = \"dkim.pem\"\ndkim-selector = \"mail\"\n");
    // Beside the file of settings.
    write_privately(&call.home().join(".config/smtpsend/dkim.pem"), RSA);
    call.stdout_has(signed).run();
}

#[test]
fn a_message_that_is_handed_over_is_signed_and_a_server_without_extensions_gets_the_same() {
    let (_folder, key) = key_of(ED25519);
    let message = "From: a@example.com\nTo: Jörg <j@x.org>\nSubject: Grüße\nDate: x\nMessage-ID: <1@x.org>\n\nx\n";
    let delivered = delivered(|call| call.settings(settings(&key)).stdin(message));
    let text = delivered.message.text();
    assert!(text.starts_with(SIGNATURE), "{text}");
    assert!(
        text.contains("\r\nSubject: =?utf-8?b?R3LDvMOfZQ==?=\r\n"),
        "{text}"
    );
}

#[test]
fn what_programs_hand_to_sendmail_is_signed() {
    let (_folder, key) = key_of(ED25519);
    let (_, message) = sent(1, &settings(&key), |call| {
        call.args(["-f", "me@example.com", "a@x.org"])
            .stdin("Subject: hi\n\nhello\n")
    });
    assert!(message.text().starts_with(SIGNATURE), "{}", message.text());
    let (replies, transcript) = relayed(
        "C: MAIL FROM:<me@example.com>*
         S: 250 2.1.0 fine
         C: RCPT TO:<a@x.org>
         S: 250 2.1.5 fine
         C: DATA
         S: 354 go ahead
         BODY
         S: 250 2.0.0 taken
         C? QUIT
         S: 221 bye",
        "MAIL FROM:<me@example.com>\r\nRCPT TO:<a@x.org>\r\nDATA\r\nSubject: hi\r\n\r\nhello\r\n.\r\nQUIT\r\n",
        |call| {
            call.env("SMTPSEND_DKIM_KEY", &key)
                .env("SMTPSEND_DKIM_SELECTOR", "mail")
        },
    );
    assert!(
        replies.iter().any(|reply| reply.contains("taken")),
        "{replies:?}"
    );
    let text = transcript.message().text();
    assert!(text.starts_with(SIGNATURE), "{text}");
}

#[test]
fn the_mail_about_a_command_is_signed() {
    let (_folder, key) = key_of(ED25519);
    let server = run::server();
    let options = run::at(&server);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    run::script(&options, "false")
        .settings(settings(&key))
        .fails_with(1)
        .run();
    let text = server.finish().message().text();
    assert!(text.starts_with(SIGNATURE), "{text}");
    let mistake = ["--to", "b@x.org", "--dkim-selector", "a b"];
    run::script(&mistake, "true")
        .fails_with(64)
        .stderr_has("--dkim-selector: ")
        .run();
}

#[test]
fn a_message_is_signed_before_it_is_queued() {
    let (_folder, key) = key_of(ED25519);
    let spool = Spool::new();
    Smtpsend::new()
        .settings(settings(&key))
        .env("SMTPSEND_QUEUE_DIR", &spool.path)
        .args(["--queue", "always", "-f", "a@example.com"])
        .args(["--to", "b@x.org", "--body", "x"])
        .stderr_any()
        .run();
    spool
        .command(&["show", &spool.id()])
        .stdout_has(SIGNATURE)
        .stderr_any()
        .run();
}

#[test]
fn a_signature_that_does_nobody_any_good_is_warned_of() {
    let (_folder, key) = key_of(ED25519);
    for (from, domain, warning) in [
        (
            "From: a@example.com",
            "example.net",
            "warning: the DKIM signature is of example.net and From of example.com: DMARC does not count it\n",
        ),
        (
            "From: a@localhost",
            "",
            "warning: not signed by DKIM: From names no domain, and no other is set (dkim-domain)\n",
        ),
    ] {
        dry(&["--dkim-selector", "mail", "-H", from])
            .env("SMTPSEND_DKIM_KEY", &key)
            .env("SMTPSEND_DKIM_DOMAIN", domain)
            .stdout_any()
            .stderr_has(warning)
            .run();
    }
}

#[test]
fn settings_that_are_not_whole_are_told_by_where_they_stand() {
    let (_folder, key) = key_of(ED25519);
    let key = key.to_str().unwrap();
    for (flags, words) in [
        (
            &["--dkim-key", key][..],
            "--dkim-key: a key without a selector\nhint: add --dkim-selector NAME: the public key stands in DNS under",
        ),
        (
            &["--dkim-selector", "a"],
            "--dkim-selector: no key to sign with\nhint: add --dkim-key PEM",
        ),
        (
            &["--dkim-domain", "x.org"],
            "--dkim-domain: no key to sign with",
        ),
        (
            &["--dkim-key", key, "--dkim-selector", "a b"],
            "--dkim-selector: \"a b\": unexpected \" \" in the domain",
        ),
        (
            &[
                "--dkim-key",
                key,
                "--dkim-selector",
                "a",
                "--dkim-domain",
                "x;s=b",
            ],
            "--dkim-domain: \"x;s=b\": unexpected \";\" in the domain",
        ),
    ] {
        dry(flags).fails_with(64).stderr_has(words).run();
    }
    for (name, value, words) in [
        ("dkim-key", key, "dkim-key: a key without a selector"),
        ("dkim-selector", "a", "dkim-selector: no key to sign with"),
        ("dkim-selector", "a b", "dkim-selector: \"a b\": unexpected"),
    ] {
        dry(&[])
            .settings(format!("{name} = \"{value}\"\n"))
            .fails_with(78)
            .stderr_has(words)
            .run();
        let variable = format!("SMTPSEND_{}", name.to_uppercase().replace('-', "_"));
        dry(&[]).env(variable, value).fails_with(78).run();
    }
}

#[test]
fn a_key_that_cannot_be_used_is_told_before_anything_is_connected() {
    let encrypted = include_str!("../keys/encrypted.pem");
    let command = "openssl genrsa -out KEY 2048, or openssl genpkey -algorithm ed25519 -out KEY\n";
    for (text, words, hint) in [
        (
            encrypted,
            "the private key is encrypted",
            "hint: write it without its passphrase: openssl pkey ",
        ),
        (
            include_str!("../keys/rsa-1024.pem"),
            "an RSA key of less than 2048 bits",
            command,
        ),
        (
            include_str!("../keys/ec.pem"),
            "a key that is neither RSA nor Ed25519",
            command,
        ),
        (
            include_str!("../keys/ed25519-public.pem"),
            ", but a public one\n",
            "",
        ),
        ("", "no private key in it", ""),
    ] {
        let (_folder, key) = key_of(text);
        let server = Server::unvisited();
        let call = call(&server).args(["--to", "b@x.org", "--body", "x"]);
        call.args(["--dkim-selector", "a", "--dkim-key"])
            .arg(&key)
            .fails_with(78)
            .stderr_has(format!("--dkim-key: {}: ", key.display()))
            .stderr_has(words)
            .stderr_has(hint)
            .run();
        server.finish();
    }
    dry(&["--dkim-selector", "a", "--dkim-key", "/nonexistent.pem"])
        .fails_with(66)
        .stderr_has("--dkim-key: /nonexistent.pem: ")
        .run();
}

#[test]
fn a_key_that_others_can_read_is_refused_and_the_chmod_named() {
    let (_folder, key) = key_of(ED25519);
    std::fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    dry(&["--dkim-selector", "a"])
        .env("SMTPSEND_DKIM_KEY", &key)
        .fails_with(78)
        .stderr_has(format!(
            "others can read it\nhint: chmod 600 {}\n",
            key.display()
        ))
        .run();
}
