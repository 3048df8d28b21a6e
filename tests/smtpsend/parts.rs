//! What dialogues and calls are put together from: openings of a session, a whole transaction, and
//! the call that sends one line from one person to another.

use std::fmt::Write as _;

use crate::support::{Server, Smtpsend};

/// In clear, with PIPELINING.
pub(crate) const GROUPS: &str = "\
S: 220 mail.test ESMTP
C: EHLO *
S: 250-mail.test
S: 250-PIPELINING
S: 250-8BITMIME
S: 250 ENHANCEDSTATUSCODES
";

/// In clear, with PIPELINING and CHUNKING.
pub(crate) const CHUNKS: &str = "\
S: 220 mail.test ESMTP
C: EHLO *
S: 250-mail.test
S: 250-PIPELINING
S: 250 CHUNKING
";

/// In clear, without PIPELINING.
pub(crate) const LOCKSTEP: &str = "\
S: 220 mail.test ESMTP
C: EHLO *
S: 250-mail.test
S: 250-8BITMIME
S: 250 ENHANCEDSTATUSCODES
";

/// Up to the 220 after which TLS begins.
pub(crate) const BEFORE_TLS: &str = "\
S: 220 mail.test ESMTP
C: EHLO *
S: 250-mail.test
S: 250 STARTTLS
C: STARTTLS
S: 220 2.0.0 ready
";

/// What follows [`BEFORE_TLS`] and `TLS`, with PIPELINING and AUTH.
pub(crate) const WITHIN_TLS: &str = "\
C: EHLO *
S: 250-mail.test
S: 250-PIPELINING
S: 250-8BITMIME
S: 250-AUTH PLAIN LOGIN
S: 250 ENHANCEDSTATUSCODES
";

/// What follows [`BEFORE_TLS`] and `TLS`, with AUTH and without PIPELINING: AUTH waits alone.
pub(crate) const LOCKSTEP_WITHIN_TLS: &str = "\
C: EHLO *
S: 250-mail.test
S: 250-8BITMIME
S: 250-AUTH PLAIN LOGIN
S: 250 ENHANCEDSTATUSCODES
";

/// One message to one recipient and the end of the session.
pub(crate) const DELIVERY: &str = "\
C: MAIL FROM:<a@example.com>*
C: RCPT TO:<b@example.com>
C: DATA
S: 250 2.1.0 sender ok
S: 250 2.1.5 recipient ok
S: 354 go ahead
BODY
S: 250 2.0.0 queued as 4F2
C: QUIT
S: 221 2.0.0 bye
";

/// The same, each command after the reply to the one before.
pub(crate) const SLOW_DELIVERY: &str = "\
C: MAIL FROM:<a@example.com>*
S: 250 2.1.0 sender ok
C: RCPT TO:<b@example.com>
S: 250 2.1.5 recipient ok
C: DATA
S: 354 go ahead
BODY
S: 250 2.0.0 queued as 4F2
C: QUIT
S: 221 2.0.0 bye
";

/// A server in clear that plays the parts one after the other.
#[track_caller]
pub(crate) fn server(parts: &[&str]) -> Server {
    Server::text(&parts.concat())
}

/// STARTTLS with a good certificate, then the parts.
#[track_caller]
pub(crate) fn secure_server(parts: &[&str]) -> Server {
    Server::text(&format!("{BEFORE_TLS}TLS\n{}", parts.concat()))
}

/// `hello` from a@example.com to b@example.com, over STARTTLS.
pub(crate) fn call(server: &Server) -> Smtpsend {
    call_from(Smtpsend::new().server(server)).args(["--to", "b@example.com"])
}

/// The same in clear.
pub(crate) fn clear_call(server: &Server) -> Smtpsend {
    call(server).args(["--tls", "none"])
}

/// The same as the user bench, whose password is hunter2.
pub(crate) fn user_call(server: &Server) -> Smtpsend {
    as_bench(call(server))
}

/// Authenticates as bench with the password hunter2.
pub(crate) fn as_bench(call: Smtpsend) -> Smtpsend {
    call.args(["--user", "bench"])
        .env("SMTPSEND_PASSWORD", "hunter2")
}

/// `hello` from a@example.com, to nobody yet.
pub(crate) fn call_from(call: Smtpsend) -> Smtpsend {
    call.args(["--from", "a@example.com", "--body", "hello"])
}

/// `count` recipients as one list, and the RCPT lines they become.
pub(crate) fn recipients(count: usize) -> (String, String) {
    let mut list = String::new();
    let mut lines = String::new();
    for n in 0..count {
        let _ = write!(list, "r{n}@example.com,");
        let _ = writeln!(lines, "C: RCPT TO:<r{n}@example.com>");
    }
    (list.trim_end_matches(',').to_owned(), lines)
}

/// Sends this message from a@example.com to b@example.com in clear.
pub(crate) fn call_from_message(server: &Server, text: &str) -> Smtpsend {
    Smtpsend::new()
        .server(server)
        .args(["--tls", "none", "--from", "a@example.com"])
        .args(["--to", "b@example.com"])
        .stdin(text)
}
