//! One delivery in clear, for the tests that look at what was delivered: a server that takes one
//! message, a call that sends to it, and the message taken apart again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::{Received, Server, Smtpsend};

/// What came of it at the server.
pub(crate) struct Delivery {
    /// The commands the server got.
    pub(crate) lines: Vec<String>,
    pub(crate) message: Received,
}

/// A server in clear that offers these extensions and takes one message for so many recipients.
pub(crate) fn server(offers: &[&str], recipients: usize) -> Server {
    let mut text = "S: 220 mail.test ESMTP\nC: EHLO *\nS: 250-mail.test\n".to_owned();
    for offer in offers {
        text.push_str(&format!("S: 250-{offer}\n"));
    }
    text.push_str("S: 250 ENHANCEDSTATUSCODES\nC: MAIL FROM:<*>*\nS: 250 2.1.0 sender ok\n");
    text.push_str(&"C: RCPT TO:<*>*\nS: 250 2.1.5 recipient ok\n".repeat(recipients));
    text.push_str("C: DATA\nS: 354 go ahead\nBODY\nS: 250 2.0.0 queued\nC? QUIT\nS: 221 bye\n");
    Server::text(&text)
}

/// A server in clear that offers these extensions and to which no mail may be given.
pub(crate) fn server_without_mail(offers: &[&str]) -> Server {
    let mut text = "S: 220 mail.test ESMTP\nC: EHLO *\nS: 250-mail.test\n".to_owned();
    for offer in offers {
        text.push_str(&format!("S: 250-{offer}\n"));
    }
    text.push_str("S: 250 ENHANCEDSTATUSCODES\nC? QUIT\nS: 221 bye\n");
    Server::text(&text)
}

/// A call that sends to this server without TLS, to nobody yet.
pub(crate) fn call(server: &Server) -> Smtpsend {
    Smtpsend::new()
        .arg("--server")
        .arg(server.addr().to_string())
        .args(["--tls", "none"])
}

/// Delivers to b@example.com, with 8BITMIME.
#[track_caller]
pub(crate) fn delivered(with: impl FnOnce(Smtpsend) -> Smtpsend) -> Delivery {
    delivered_where(&["8BITMIME"], 1, |call| {
        with(call.args(["--to", "b@example.com"]))
    })
}

/// Delivers where these extensions are offered.
#[track_caller]
pub(crate) fn delivered_where(
    offers: &[&str],
    recipients: usize,
    with: impl FnOnce(Smtpsend) -> Smtpsend,
) -> Delivery {
    let server = server(offers, recipients);
    with(call(&server)).run();
    let transcript = server.finish();
    Delivery {
        message: transcript.message().clone(),
        lines: transcript.lines,
    }
}

/// The program called by a shell that redirects what no test harness can: `2>/dev/full`, `<&-`.
pub(crate) fn redirected(redirection: &str) -> Smtpsend {
    Smtpsend::at("/bin/sh")
        .arg("-c")
        .arg(format!("exec \"$0\" \"$@\" {redirection}"))
        .arg(env!("CARGO_BIN_EXE_smtpsend"))
}

impl Delivery {
    /// The header block, with its empty line.
    pub(crate) fn header(&self) -> String {
        let text = self.message.text();
        let end = text.find("\r\n\r\n").expect("no empty line") + 4;
        text[..end].to_owned()
    }

    /// The unfolded values of the fields of this name.
    pub(crate) fn fields(&self, name: &str) -> Vec<String> {
        let unfolded = self.header().replace("\r\n ", " ").replace("\r\n\t", " ");
        let pairs = unfolded.lines().filter_map(|line| line.split_once(':'));
        pairs
            .filter(|(found, _)| found.trim_end().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
            .collect()
    }

    /// The octets after the empty line.
    pub(crate) fn body(&self) -> &[u8] {
        let end = memchr::memmem::find(&self.message.data, b"\r\n\r\n").expect("no empty line");
        &self.message.data[end + 4..]
    }

    /// The same with the transfer encoding undone.
    pub(crate) fn decoded(&self) -> Vec<u8> {
        match self.fields("Content-Transfer-Encoding").concat().as_str() {
            "base64" => {
                let text: Vec<u8> = self.body().to_vec();
                let text: Vec<u8> = text.into_iter().filter(|b| !b"\r\n".contains(b)).collect();
                STANDARD.decode(text).expect("not base64")
            }
            "quoted-printable" => from_quoted_printable(self.body()),
            _ => self.body().to_vec(),
        }
    }

    /// The only MAIL command.
    pub(crate) fn mail(&self) -> &str {
        let mut found = self.lines.iter().filter(|line| line.starts_with("MAIL "));
        match (found.next(), found.next()) {
            (Some(line), None) => line,
            _ => panic!("not one MAIL in {:?}", self.lines),
        }
    }

    /// The addresses of RCPT in their order.
    pub(crate) fn recipients(&self) -> Vec<&str> {
        let lines = self.lines.iter();
        lines
            .filter_map(|line| line.strip_prefix("RCPT TO:<")?.split_once('>'))
            .map(|(address, _)| address)
            .collect()
    }
}

fn from_quoted_printable(text: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'=' {
            octets.push(first);
        } else if let Some(tail) = tail.strip_prefix(b"\r\n") {
            rest = tail;
        } else {
            let digits = std::str::from_utf8(&tail[..2]).expect("not hexadecimal");
            octets.push(u8::from_str_radix(digits, 16).expect("not hexadecimal"));
            rest = &tail[2..];
        }
    }
    octets
}
