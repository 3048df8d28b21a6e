//! Which commands real servers take together, by the transcript and by what arrives.

use crate::client::Security;
use crate::message::{self, Ending, nasty_of};
use crate::server::{Recipe, Scene};

/// Sends a small message and gives back what was said in turn; it must arrive as it was.
fn said(recipe: Recipe, security: Security) -> Option<Vec<String>> {
    let scene = Scene::with(recipe)?;
    let message = nasty_of(20 * 1024, Ending::EmptyLines);
    let to = scene.address("b");
    // Of what all of them offer, that which may lead a group.
    let mut options = vec!["--to", &to, "--input", "message", "-v"];
    if !matches!(security, Security::None) {
        options.extend(["--auth", "PLAIN"]);
    }
    let run = crate::send(&scene, security, "secret", &options, &message);
    run.expect(0, "sent");
    let stored = scene.mailbox().wait_for(message::NASTY_MARK);
    message::assert_same(message::own_part(&stored), &message::as_stored(&message));
    let dialogue = run.dialogue();
    Some(dialogue.into_iter().map(str::to_owned).collect())
}

/// Asserts that these were said in turn, each line by its beginning.
fn assert_begins(said: &[String], beginnings: &[&str]) {
    let fits = |(line, beginning): (&String, &&str)| line.starts_with(beginning);
    let enough = said.len() >= beginnings.len();
    let all = said.iter().zip(beginnings).all(fits);
    assert!(enough && all, "{beginnings:?} was expected\n{said:#?}");
}

/// AUTH, the envelope and the message by BDAT before the first reply.
fn takes_all_in_one_group(recipe: Recipe) {
    for security in [Security::Starttls, Security::Implicit] {
        let Some(said) = said(recipe, security) else {
            return;
        };
        let envelope = [
            "C: AUTH PLAIN ***",
            "C: MAIL FROM:<",
            "C: RCPT TO:<",
            "C: BDAT ",
        ];
        assert_begins(&said, &envelope);
        assert!(said[3].ends_with(" LAST"), "{said:#?}");
        let shown = said[4].starts_with("C: (the message");
        let replies = &said[4 + usize::from(shown)..];
        assert_begins(replies, &["S: 235", "S: 250", "S: 250", "S: 250"]);
    }
}

/// What is said of AUTH, where it is due, then each command after the reply to the one before.
fn is_waited_for_at_each_command(recipe: Recipe, security: Security, auth: &[&str]) {
    let envelope = [
        "C: MAIL FROM:<",
        "S: 250",
        "C: RCPT TO:<",
        "S: 250",
        "C: DATA",
        "S: 354",
    ];
    if let Some(said) = said(recipe, security) {
        assert_begins(&said, &[auth, &envelope].concat());
    }
}

#[test]
fn postfix_takes_auth_envelope_and_message_in_one_group() {
    takes_all_in_one_group(Recipe::Postfix);
}

#[test]
fn exim_takes_auth_envelope_and_message_in_one_group() {
    takes_all_in_one_group(Recipe::Exim);
}

#[test]
fn dovecot_takes_auth_envelope_and_message_in_one_group() {
    takes_all_in_one_group(Recipe::Dovecot);
}

#[test]
fn chasquid_takes_auth_envelope_and_data_in_one_group() {
    for security in [Security::Starttls, Security::Implicit] {
        let Some(said) = said(Recipe::Chasquid, security) else {
            return;
        };
        let group = [
            "C: AUTH PLAIN ***",
            "C: MAIL FROM:<",
            "C: RCPT TO:<",
            "C: DATA",
        ];
        assert_begins(&said, &group);
        assert_begins(&said[4..], &["S: 235", "S: 250", "S: 250", "S: 354"]);
    }
}

#[test]
fn aiosmtpd_is_waited_for_at_each_command() {
    let auth = ["C: AUTH PLAIN ***", "S: 235"];
    is_waited_for_at_each_command(Recipe::Aiosmtpd, Security::Starttls, &auth);
}

#[test]
fn opensmtpd_is_waited_for_at_each_command() {
    is_waited_for_at_each_command(Recipe::OpenSmtpd, Security::None, &[]);
}
