//! Signatures after a way through Postfix, verified by two programs that share no code with ours or with each
//! other: dkimpy and OpenDKIM.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::client::Security;
use crate::message::{Ending, nasty, nasty_of};
use crate::server::{Recipe, Scene, not_run};

/// How a key is made, and what stands in DNS, as the README has it.
const KEYS: [(&str, &str, &str); 2] = [
    (
        "rsa",
        "openssl genrsa -out dkim.pem 2048",
        "v=DKIM1; k=rsa; p=$(openssl pkey -in dkim.pem -pubout -outform der | base64 -w 0)",
    ),
    (
        "ed25519",
        "openssl genpkey -algorithm ed25519 -out dkim.pem",
        "v=DKIM1; k=ed25519; p=$(openssl pkey -in dkim.pem -pubout -outform der | tail -c 32 | base64)",
    ),
];

/// A message: what it is called, its options, and standard input.
type Letter = (&'static str, Vec<String>, Vec<u8>);

fn letters() -> Vec<Letter> {
    let options = |options: &[&str]| options.iter().map(ToString::to_string).collect();
    let handed = || options(&["--input", "message"]);
    let to: Vec<String> = (0..60)
        .map(|number| format!("\"Person, {number}\" <person{number}@example.com>"))
        .collect();
    let header = "From: a@example.com\nTo: b@example.com\nDate: Thu, 1 Jan 2026 00:00:00 +0000\n";
    let message = |text: &str| format!("{header}{text}").into_bytes();
    vec![
        ("plain", options(&["--body", "hello"]), Vec::new()),
        ("empty", options(&["--body", ""]), Vec::new()),
        (
            "words",
            options(&["-s", &"größer 日本語 🎉 ".repeat(40), "--body", "ü\n"]),
            Vec::new(),
        ),
        (
            "many",
            options(&["-H", &format!("To: {}", to.join(", ")), "--body", "x"]),
            Vec::new(),
        ),
        ("eight-bit", handed(), nasty(Ending::EmptyLines)),
        ("no-line-end", handed(), nasty(Ending::NoLineEnd)),
        ("large", handed(), nasty_of(1 << 20, Ending::EmptyLines)),
        (
            "raw-header",
            handed(),
            message("subject :  Grüße \n\taus  Köln\nCc: Jörg <j@bücher.example>\n\nx\n"),
        ),
        (
            "blank",
            handed(),
            message("Message-ID: <1@x.org>\n\n \t\n\n  a \t b\t\n\n \n\n"),
        ),
        ("no-body", handed(), message("Subject: none\n\n")),
        (
            "signed-before",
            handed(),
            message(
                "DKIM-Signature: v=1; a=rsa-sha256; d=example.net; s=x; h=From; bh=AA==; b=AA==\nList-Unsubscribe: <https://example.com/u>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n\nx\n",
            ),
        ),
    ]
}

/// A signing key and the record of its public half, in a folder.
fn key(folder: &Path, make: &str, record: &str) -> (PathBuf, String) {
    let script = format!("umask 077; {make} 2> openssl.log && printf %s \"{record}\"");
    let made = Command::new("sh")
        .args(["-c", &script])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let record = String::from_utf8(made.stdout).unwrap();
    (folder.join("dkim.pem"), record)
}

/// What both verifiers say of messages; nothing when they are not installed.
fn verdicts(folder: &Path, messages: &[(String, Vec<u8>)]) -> Option<Vec<String>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/dkim.sh");
    let mut command = Command::new(script);
    command.current_dir(folder).arg("keys");
    for (name, octets) in messages {
        fs::write(folder.join(name), octets).unwrap();
        command.arg(name);
    }
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => {}
        Some(69) => {
            not_run(&errors);
            return None;
        }
        _ => panic!("{errors}"),
    }
    let lines = String::from_utf8(output.stdout).unwrap();
    Some(lines.lines().map(str::to_owned).collect())
}

/// Sends all letters through Postfix, signed by this key, and verifies what arrived.
fn arrives_signed(number: usize) {
    let Some(scene) = Scene::with(Recipe::Postfix) else {
        return;
    };
    let (algorithm, make, record) = KEYS[number];
    let folder = scene.directory().join("dkim");
    fs::create_dir(&folder).unwrap();
    let (key, record) = key(&folder, make, record);
    let records = format!("mail._domainkey.example.com {record}\n");
    fs::write(folder.join("keys"), records).unwrap();
    let mut stored = Vec::new();
    for (name, mut options, stdin) in letters() {
        let mark = format!("X-Mark: {name}");
        let key = key.to_str().unwrap();
        for option in [
            "--bcc",
            "b@example.com",
            "-H",
            &mark,
            "--dkim-key",
            key,
            "--dkim-selector",
            "mail",
        ] {
            options.push(option.to_owned());
        }
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        crate::send(&scene, Security::Starttls, "secret", &options, &stdin).expect(0, "sent");
        let copy = scene.mailbox().wait_for(&format!("\n{mark}\n"));
        let copy = String::from_utf8(copy).unwrap();
        assert!(
            copy.contains(&format!("\nDKIM-Signature: v=1; a={algorithm}-sha256; ")),
            "{copy}"
        );
        stored.push((name.to_owned(), copy.replace('\n', "\r\n").into_bytes()));
    }
    let good = stored.len();
    let plain = String::from_utf8(stored[0].1.clone()).unwrap();
    for (name, old, new) in [
        ("other-body", "\r\nhello\r\n", "\r\nhullo\r\n"),
        ("more-body", "\r\nhello\r\n", "\r\nhello\r\nmore\r\n"),
        ("other-from", "\r\nFrom: a@", "\r\nFrom: mallory@"),
        (
            "one-more-from",
            "\r\nFrom: a@",
            "\r\nFrom: m@example.com\r\nFrom: a@",
        ),
        (
            "one-more-subject",
            "\r\nFrom: a@",
            "\r\nSubject: x\r\nFrom: a@",
        ),
        (
            "other-type",
            "\r\nContent-Type: text/plain",
            "\r\nContent-Type: text/html",
        ),
    ] {
        let changed = plain.replacen(old, new, 1);
        assert_ne!(changed, plain, "{plain}");
        stored.push((name.to_owned(), changed.into_bytes()));
    }
    let Some(verdicts) = verdicts(&folder, &stored) else {
        return;
    };
    let mut wanted = Vec::new();
    for verifier in ["dkimpy", "opendkim"] {
        for (at, (name, _)) in stored.iter().enumerate() {
            let verdict = if at < good { "pass" } else { "fail" };
            wanted.push(format!("{verifier} {verdict} {name}"));
        }
    }
    assert_eq!(verdicts, wanted);
}

#[test]
fn rsa_signatures_verify_after_postfix_and_break_where_something_is_changed() {
    arrives_signed(0);
}

#[test]
fn ed25519_signatures_verify_after_postfix_and_break_where_something_is_changed() {
    arrives_signed(1);
}
