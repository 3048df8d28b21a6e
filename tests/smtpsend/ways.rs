//! The ways to a server: how the line is secured, who one is, and how the message is handed over; and how
//! often the client waits on each.

use crate::parts::{self, as_bench, call_from};
use crate::support::{Dialogue, Options, Server, Smtpsend};

/// One way, to so many recipients.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    pub(crate) security: &'static str,
    /// The mechanism offered, which is used as bench; or `none`.
    pub(crate) mechanism: &'static str,
    pub(crate) pipelining: bool,
    pub(crate) chunking: bool,
    /// AUTH PLAIN waits for its reply, although it could lead the group.
    pub(crate) auth_first: bool,
    pub(crate) recipients: usize,
}

impl Way {
    /// With PIPELINING, to one recipient.
    pub(crate) const fn new(
        security: &'static str,
        mechanism: &'static str,
        chunking: bool,
    ) -> Self {
        Self {
            security,
            mechanism,
            pipelining: true,
            chunking,
            auth_first: false,
            recipients: 1,
        }
    }

    fn opening(self) -> String {
        let mut offers = String::new();
        if self.pipelining {
            offers += "S: 250-PIPELINING\n";
        }
        if self.chunking {
            offers += "S: 250-CHUNKING\n";
        }
        let mechanism = self.mechanism;
        let ehlo = format!(
            "C: EHLO *\nS: 250-mail.test\n{offers}S: 250-8BITMIME\nS: 250 AUTH {mechanism}\n"
        );
        match self.security {
            "none" => format!("S: 220 mail.test ESMTP\n{ehlo}"),
            "starttls" => format!("{}TLS\n{ehlo}", parts::BEFORE_TLS),
            _ => format!("TLS\nS: 220 mail.test ESMTP\n{ehlo}"),
        }
    }

    /// AUTH where it goes alone, and where it leads the group: what is said, and what is answered.
    fn auth(self) -> (&'static str, [&'static str; 2]) {
        const PLAIN: [&str; 2] = [
            "C64: AUTH PLAIN \\0bench\\0hunter2\n",
            "S: 235 2.7.0 welcome\n",
        ];
        match self.mechanism {
            "PLAIN" if self.pipelining && !self.auth_first => ("", PLAIN),
            "PLAIN" => (
                "C64: AUTH PLAIN \\0bench\\0hunter2\nQUIET\nS: 235 2.7.0 welcome\n",
                [""; 2],
            ),
            "LOGIN" => (
                "C: AUTH LOGIN\nQUIET\nS64: 334 Username:\nC64: bench\nQUIET\nS64: 334 Password:\nC64: hunter2\nQUIET\nS: 235 2.7.0 welcome\n",
                [""; 2],
            ),
            _ => ("", [""; 2]),
        }
    }

    /// All that a server is asked for on this way, in as few groups as may be.
    pub(crate) fn dialogue(self) -> Dialogue {
        let (_, rcpt) = parts::recipients(self.recipients);
        let recipients = self.recipients;
        let (alone, [lead, welcome]) = self.auth();
        let mail = "C: MAIL FROM:<a@example.com>\n";
        let (message, go_ahead) = if self.chunking {
            ("BDAT\n", "")
        } else {
            ("C: DATA\n", "QUIET\nS: 354 go ahead\nBODY\n")
        };
        let transaction = if self.pipelining {
            format!(
                "{lead}{mail}{rcpt}{message}{welcome}S: 250 ok\nREPEAT {recipients}\nS: 250 ok\nEND\n{go_ahead}"
            )
        } else {
            let rcpt = rcpt.replace('\n', "\nQUIET\nS: 250 ok\n");
            format!("{mail}QUIET\nS: 250 ok\n{rcpt}{message}{go_ahead}")
        };
        let opening = self.opening();
        Dialogue::text(&format!(
            "{opening}{alone}{transaction}S: 250 2.0.0 queued\nC: QUIT\nS: 221 bye"
        ))
    }
}

/// Sends `hello` over this way, the recipients not named in it so that it stays small, with these further arguments, and gives the waits it took.
pub(crate) fn waits(way: Way, more: &[&str]) -> usize {
    let server = Server::start([way.dialogue()], Options::default());
    let (list, _) = parts::recipients(way.recipients);
    let mut call = call_from(Smtpsend::new().server(&server))
        .args(["--tls", way.security, "--bcc", &list])
        .args(more.iter().copied());
    if way.mechanism != "none" {
        call = as_bench(call);
    }
    if way.security == "none" {
        call = call.arg("--allow-cleartext-auth");
    }
    call.run();
    let transcript = server.finish();
    assert!(transcript.message().text().ends_with("\r\n\r\nhello\r\n"));
    transcript.waits
}
