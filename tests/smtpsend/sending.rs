//! The main job over each way to a server.

use crate::support::{Server, Smtpsend};

#[test]
fn sends_over_starttls_with_auth_in_eight_waits() {
    let server = Server::file("starttls-auth-pipelining");
    Smtpsend::new()
        .server(&server)
        .args([
            "--from",
            "a@example.com",
            "--to",
            "b@example.com",
            "-u",
            "bench",
            "--body",
            "hello",
        ])
        .env("SMTPSEND_PASSWORD", "secret")
        .run();
    let transcript = server.finish();
    assert_eq!(transcript.waits, 8);
    assert!(transcript.message().text().contains("hello"));
}
