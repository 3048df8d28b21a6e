//! What `smtpsend check` says is to be used: one port that works, and what was typed beside it.

use crate::check::{IMPLICIT, check, dialogues, verdict};
use crate::parts::{BEFORE_TLS, WITHIN_TLS};

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
