//! The sendmail dialect as its callers know it: by its names, with their command lines.

use crate::delivery::server;
use crate::support::{Received, Server, Smtpsend};

/// The settings that lead to this server in clear.
pub(crate) fn settings_of(server: &Server) -> String {
    format!("server = \"{}\"\ntls = \"none\"\n", server.addr())
}

/// What came of a call at a server that takes a message for so many: its envelope, and the message.
pub(crate) fn sent(
    recipients: usize,
    settings: &str,
    with: impl FnOnce(Smtpsend) -> Smtpsend,
) -> (Vec<String>, Received) {
    let server = server(&["8BITMIME", "DSN"], recipients);
    let call = Smtpsend::new()
        .called("sendmail")
        .settings(format!("{}{settings}", settings_of(&server)));
    with(call).run();
    let transcript = server.finish();
    let envelope = transcript
        .lines
        .iter()
        .filter(|line| line.starts_with("MAIL ") || line.starts_with("RCPT "));
    (envelope.cloned().collect(), transcript.message().clone())
}

#[test]
fn a_message_goes_to_whom_the_arguments_name() {
    let (envelope, message) = sent(2, "", |call| {
        call.args(["-oi", "-f", "me@x.org", "a@x.org,b@y.org"])
            .stdin("Subject: hi\n\nhello\n.\nmore\n")
    });
    assert!(envelope[0].starts_with("MAIL FROM:<me@x.org>"));
    assert_eq!(envelope[1..], ["RCPT TO:<a@x.org>", "RCPT TO:<b@y.org>"]);
    let text = message.text();
    assert!(text.contains("\r\nFrom: me@x.org\r\n"), "{text}");
    assert!(text.ends_with("\r\n\r\nhello\r\n.\r\nmore\r\n"), "{text}");
}
