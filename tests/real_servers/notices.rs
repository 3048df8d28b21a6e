//! Notices about delivery: what they say shows that a server understood what was asked.

use crate::client::{Security, smtpsend};
use crate::server::{Recipe, Scene};

/// Sends to `recipient` and gives back the notice of success that comes for it.
fn notice_of_success(scene: &Scene, recipient: &str) -> String {
    let mut options = scene.server_options(Security::Starttls);
    let asked = ["--dsn-notify", "success,failure", "--dsn-return", "headers"];
    options.extend(asked.map(String::from));
    options.extend(["--dsn-id", "a +b=c", "--to", recipient].map(String::from));
    let message = b"Subject: tell me\n\nbody not to be given back\n";
    smtpsend(scene.directory(), "secret", &options, message).expect(0, "sent");
    let mark = "Original-Envelope-Id: ";
    String::from_utf8(scene.mailbox().wait_for(mark)).unwrap()
}

#[test]
fn postfix_gives_notice_of_what_was_asked() {
    let Some(scene) = Scene::with(Recipe::Postfix) else {
        return;
    };
    let notice = notice_of_success(&scene, "b+x=y@example.com");
    for line in [
        "Original-Envelope-Id: a +b=c\n",
        "Original-Recipient: rfc822;b+x=y@example.com\n",
        "Action: delivered\n",
        "Subject: tell me\n",
    ] {
        assert!(notice.contains(line), "{line}{notice}");
    }
    assert!(!notice.contains("not to be given back"), "{notice}");
}

#[test]
fn postfix_knows_an_original_recipient_outside_ascii() {
    let Some(scene) = Scene::with(Recipe::Postfix) else {
        return;
    };
    let notice = notice_of_success(&scene, "j\u{f6}rg+x@example.com");
    let line = "Original-Recipient: utf-8;j\u{f6}rg+x@example.com\n";
    assert!(notice.contains(line), "{notice}");
}
