//! The program against real servers on loopback: what a scripted server cannot prove.
//!
//! `tests/servers/install.sh` installs the servers, `tests/servers/NAME.sh` starts one. Every test has a
//! server, a directory and ports of its own, and ends what it started. A server that is missing, or that
//! needs root when we are not, is named on stderr and its tests pass without having run; with `CI` or
//! `SMTPSEND_REQUIRE_SERVERS` set they fail instead.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod blackhole;
mod callers;
mod check;
mod client;
mod cron_jobs;
mod discovery;
mod dkim;
mod faults;
mod groups;
mod host;
mod mailbox;
mod many;
mod mechanisms;
mod message;
mod notices;
mod parsers;
mod proxies;
mod server;
mod serving;
mod system_callers;

use client::{Run, Security, smtpsend};
use message::{Ending, nasty};
use server::{Recipe, Scene};
use std::process::Command;

/// The tests that every server with AUTH and TLS has to pass.
macro_rules! submission_tests {
    ($server:ident, $recipe:expr) => {
        mod $server {
            use super::*;

            #[test]
            fn delivers_byte_for_byte_over_starttls() {
                super::delivers_byte_for_byte($recipe, Security::Starttls, Ending::EmptyLines);
            }

            #[test]
            fn delivers_byte_for_byte_over_implicit_tls() {
                super::delivers_byte_for_byte($recipe, Security::Implicit, Ending::NoLineEnd);
            }

            #[test]
            fn delivers_a_composed_message_to_every_recipient() {
                super::delivers_a_composed_message_to_every_recipient($recipe);
            }

            #[test]
            fn refuses_a_wrong_password_and_gets_no_mail() {
                super::refuses_a_wrong_password_and_gets_no_mail($recipe);
            }
        }
    };
}

submission_tests!(postfix, Recipe::Postfix);
submission_tests!(exim, Recipe::Exim);
submission_tests!(dovecot_before_postfix, Recipe::Dovecot);
submission_tests!(dovecot_2_4_before_postfix, Recipe::Dovecot24);
submission_tests!(aiosmtpd, Recipe::Aiosmtpd);
submission_tests!(chasquid, Recipe::Chasquid);

#[test]
fn opensmtpd_without_tls_delivers_byte_for_byte() {
    delivers_byte_for_byte(Recipe::OpenSmtpd, Security::None, Ending::NoLineEnd);
}

#[test]
fn postfix_delivers_the_good_recipient_when_another_is_unknown() {
    delivers_the_good_recipient(Recipe::Postfix, "nobody@refused.example", "rejected", 67);
}

#[test]
fn exim_delivers_the_good_recipient_when_another_is_unknown() {
    delivers_the_good_recipient(Recipe::Exim, "nobody@refused.example", "rejected", 67);
}

#[test]
fn postfix_delivers_the_good_recipient_when_another_is_put_off() {
    delivers_the_good_recipient(Recipe::Postfix, "later@refused.example", "deferred", 75);
}

#[test]
fn exim_delivers_the_good_recipient_when_another_is_put_off() {
    delivers_the_good_recipient(Recipe::Exim, "later@refused.example", "deferred", 75);
}

#[test]
fn postfix_delivers_to_nobody_when_all_or_nothing_meets_an_unknown_recipient() {
    delivers_all_or_nothing(Recipe::Postfix);
}

#[test]
fn exim_delivers_to_nobody_when_all_or_nothing_meets_an_unknown_recipient() {
    delivers_all_or_nothing(Recipe::Exim);
}

#[test]
fn postfix_delivers_the_git_log_piped_as_a_report() {
    let Some(scene) = Scene::with(Recipe::Postfix) else {
        return;
    };
    let log = Command::new("git")
        .arg("log")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    if !log.status.success() {
        server::not_run("this is not a git repository with a history");
        return;
    }
    let run = send(
        &scene,
        Security::Starttls,
        "secret",
        &["--to", "b@example.com", "-s", "git log"],
        &log.stdout,
    );
    run.expect(0, "sent");
    let stored = scene.mailbox().wait_for("\nSubject: git log\n");
    let decoded = message::decode(&stored);
    message::assert_same(decoded.body.as_bytes(), &log.stdout);
}

/// Runs the program against the scene's submission server with `options` and what `stdin` holds.
fn send(scene: &Scene, security: Security, password: &str, options: &[&str], stdin: &[u8]) -> Run {
    let mut arguments = scene.server_options(security);
    arguments.extend(options.iter().map(ToString::to_string));
    smtpsend(scene.directory(), password, &arguments, stdin)
}

fn delivers_byte_for_byte(recipe: Recipe, security: Security, ending: Ending) {
    let Some(scene) = Scene::with(recipe) else {
        return;
    };
    let message = nasty(ending);
    let to = scene.address("b");
    let options = ["--to", &to, "--input", "message"];
    send(&scene, security, "secret", &options, &message).expect(0, "sent");
    let stored = scene.mailbox().wait_for(message::NASTY_MARK);
    message::assert_same(message::own_part(&stored), &message::as_stored(&message));
}

fn delivers_a_composed_message_to_every_recipient(recipe: Recipe) {
    let Some(scene) = Scene::with(recipe) else {
        return;
    };
    let subject = "Grüße aus Łódź: 日本語 und ein langer Betreff, der gefaltet werden muß 🎉";
    let body = "Zwölf Boxkämpfer\n.\n\nFrom hier: ½ € für 日本語 🎉\n";
    let everyone = ["b", "c", "d", "e"].map(|name| scene.address(name));
    let [b, c, d, e] = &everyone;
    let first = format!("Bé <{b}>, {c}");
    let options = [
        "--to",
        &first,
        "--cc",
        d,
        "--bcc",
        e,
        "-s",
        subject,
        "--body",
        body,
        "-H",
        "X-Mark: composed",
    ];
    send(&scene, Security::Starttls, "secret", &options, b"").expect(0, "sent");
    let stored = scene
        .mailbox()
        .wait_for_recipients("\nX-Mark: composed\n", &everyone);
    for copy in &stored {
        let decoded = message::decode(copy);
        assert_eq!(decoded.subject, subject);
        assert_eq!(decoded.body, body);
        assert_eq!(decoded.bcc, "");
    }
}

fn refuses_a_wrong_password_and_gets_no_mail(recipe: Recipe) {
    let Some(scene) = Scene::with(recipe) else {
        return;
    };
    let to = scene.address("b");
    let options = |mark| ["--to", &to, "--body", "x", "-H", mark];
    let refused = send(
        &scene,
        Security::Starttls,
        "wrong",
        &options("X-Mark: wrong"),
        b"",
    );
    refused.expect(77, "failed");
    send(
        &scene,
        Security::Starttls,
        "secret",
        &options("X-Mark: right"),
        b"",
    )
    .expect(0, "sent");
    scene.mailbox().wait_for("\nX-Mark: right\n");
    assert_eq!(
        scene.mailbox().messages().len(),
        1,
        "the refused message arrived too"
    );
}

fn delivers_the_good_recipient(recipe: Recipe, other: &str, status: &str, exit: i32) {
    let Some(scene) = Scene::with(recipe) else {
        return;
    };
    let options = [
        "--to",
        "b@example.com",
        "--to",
        other,
        "--body",
        "x",
        "-H",
        "X-Mark: partial",
    ];
    let run = send(&scene, Security::Starttls, "secret", &options, b"");
    run.expect(exit, "partial");
    assert_eq!(run.recipient("b@example.com"), "accepted");
    assert_eq!(run.recipient(other), status);
    let good = ["b@example.com".to_owned()];
    scene
        .mailbox()
        .wait_for_recipients("\nX-Mark: partial\n", &good);
}

fn delivers_all_or_nothing(recipe: Recipe) {
    let Some(scene) = Scene::with(recipe) else {
        return;
    };
    let both = [
        "--to",
        "b@example.com,nobody@refused.example",
        "--all-or-nothing",
    ];
    let nothing = [&both[..], &["--body", "x"]].concat();
    let run = send(&scene, Security::Starttls, "secret", &nothing, b"");
    assert_eq!(run.exit, Some(67), "{run}");
    let all = [
        "--to",
        "b@example.com",
        "--all-or-nothing",
        "--body",
        "x",
        "-H",
        "X-Mark: all",
    ];
    send(&scene, Security::Starttls, "secret", &all, b"").expect(0, "sent");
    scene.mailbox().wait_for("\nX-Mark: all\n");
    assert_eq!(
        scene.mailbox().messages().len(),
        1,
        "somebody got the first message"
    );
}
