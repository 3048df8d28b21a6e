//! The notice to a sender whose message did not reach everybody.
//!
//! Owns its text and its form, in which programs can read whom it concerns and why. It goes to the
//! envelope sender, from the null sender, and carries the header of the message it is about. Its From
//! is the sender's own address: one that the server lets us use. Refuses to put what is not ASCII where
//! only ASCII may stand. RFC 3464, RFC 6522, RFC 3834 §5, RFC 6533 §3.

use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::entry::{Entry, Recipient};
use super::record::{Record, Status};
use crate::address::{Address, domain_to_ascii};
use crate::envelope::{Envelope, ReversePath};
use crate::failure::Result;
use crate::message::{Message, date_value, new_message_id};

/// Octets of the original's header that are attached at most.
const HEADER_MAX: u64 = 64 << 10;
/// Octets of a line in which text is set.
const WIDTH: usize = 76;

/// The notice for those at these places among the recipients, and its envelope. The message is in `file`.
pub(super) fn of(
    entry: &Entry,
    file: &File,
    sender: &Address,
    given_up: &[usize],
    now: SystemTime,
) -> Result<(Envelope, Message)> {
    let envelope = Envelope::new(ReversePath::Null, vec![sender.clone()])?;
    let header = header(entry, file).unwrap_or_default();
    let recipients: Vec<&Recipient> = given_up
        .iter()
        .filter_map(|&place| entry.recipients().get(place))
        .collect();
    let notice = Notice {
        entry,
        host: host(),
        recipients,
        now: date_value(now)?,
    };
    let message = Message::from_raw(notice.text(sender, &header)?.as_bytes())?;
    Ok((envelope, message))
}

struct Notice<'a> {
    entry: &'a Entry,
    host: String,
    recipients: Vec<&'a Recipient>,
    now: String,
}

impl Notice<'_> {
    fn text(&self, sender: &Address, header: &str) -> Result<String> {
        let message_id = new_message_id(&self.host);
        // It has a character that no encoding of the parts brings forth at the start of a line.
        let boundary = format!("=_{}", message_id.trim_matches(['<', '>']));
        let mut text = String::new();
        for (name, value) in [
            ("From", format!("Mail Delivery System <{sender}>").as_str()),
            ("To", &format!("<{sender}>")),
            ("Subject", "Undelivered mail returned to sender"),
            ("Date", &self.now),
            ("Message-ID", &message_id),
            ("In-Reply-To", self.entry.message_id()),
            ("Auto-Submitted", "auto-replied"),
            ("MIME-Version", "1.0"),
        ] {
            if !value.is_empty() {
                field(&mut text, name, value);
            }
        }
        let kind = format!(
            "Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"{boundary}\"\r\n"
        );
        text.push_str(&kind);
        let mut part = |kind: &str, coding: &str, body: &str| {
            let _ = write!(
                text,
                "\r\n--{boundary}\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {coding}\r\n\r\n{body}"
            );
        };
        let words = self.words();
        if words.is_ascii() {
            part("text/plain; charset=us-ascii", "7bit", &words);
        } else {
            part("text/plain; charset=utf-8", "base64", &in_base64(&words));
        }
        part("message/delivery-status", "7bit", &self.status()?);
        if header.is_ascii() {
            part("text/rfc822-headers", "7bit", header);
        } else {
            part("message/global-headers", "8bit", header);
        }
        let _ = write!(text, "\r\n--{boundary}--\r\n");
        Ok(text)
    }

    /// What a person reads.
    fn words(&self) -> String {
        let mut text = wrapped(
            &format!(
                "This is smtpsend on {}. Your message could not be delivered to the recipients below. \
                 Its header is attached.",
                self.host
            ),
            "",
        );
        for recipient in &self.recipients {
            let _ = write!(text, "\r\n<{}>\r\n", recipient.address);
            text.push_str(&wrapped(&said(recipient), "    "));
            if recipient.status == Status::Expired {
                let tries = self.entry.tries();
                text.push_str(&wrapped(
                    &format!(
                        "It was tried {tries} times until {}, and is given up.",
                        self.now
                    ),
                    "    ",
                ));
            }
        }
        text
    }

    /// What a program reads (RFC 3464 §2).
    fn status(&self) -> Result<String> {
        let mut text = String::new();
        field(&mut text, "Reporting-MTA", &format!("dns; {}", self.host));
        field(&mut text, "Arrival-Date", &date_value(self.entry.queued())?);
        for recipient in &self.recipients {
            text.push_str("\r\n");
            field(&mut text, "Final-Recipient", &typed(&recipient.address));
            field(&mut text, "Action", "failed");
            field(&mut text, "Status", &status_code(recipient));
            if let Some(server) = self.server() {
                field(&mut text, "Remote-MTA", &format!("dns; {server}"));
            }
            let kind = recipient.code.map_or("x-smtpsend", |_| "smtp");
            let said = ascii(&said(recipient));
            field(&mut text, "Diagnostic-Code", &format!("{kind}; {said}"));
            field(&mut text, "Last-Attempt-Date", &self.now);
        }
        Ok(text)
    }

    /// The server of the last try, without its port.
    fn server(&self) -> Option<&str> {
        let server = self
            .entry
            .history()
            .iter()
            .rev()
            .find_map(|record| match record {
                Record::Tried { server, .. } => Some(server.as_deref()),
                _ => None,
            });
        Some(server??.rsplit_once(':')?.0)
    }
}

/// What was said of a recipient, as the server said it.
fn said(recipient: &Recipient) -> String {
    let code = recipient.code.map(|code| code.to_string());
    let text = Some(recipient.text.clone()).filter(|text| !text.is_empty());
    let parts = [code, recipient.enhanced.clone(), text];
    let said: Vec<String> = parts.into_iter().flatten().collect();
    if said.is_empty() {
        "not delivered".to_owned()
    } else {
        said.join(" ")
    }
}

/// The code of RFC 3463: the server's, where it means what became of the message.
fn status_code(recipient: &Recipient) -> String {
    let class = if recipient.status == Status::Expired {
        "4"
    } else {
        "5"
    };
    match &recipient.enhanced {
        Some(enhanced) if enhanced.starts_with(class) => enhanced.clone(),
        _ if class == "4" => "4.4.7".to_owned(),
        _ => "5.0.0".to_owned(),
    }
}

/// An address with its type, in ASCII (RFC 6533 §3).
fn typed(address: &Address) -> String {
    let text = address.to_string();
    if text.is_ascii() {
        return format!("rfc822; {text}");
    }
    let mut typed = "utf-8; ".to_owned();
    for c in text.chars() {
        if c.is_ascii() && !matches!(c, '\\' | '+' | '=') {
            typed.push(c);
        } else {
            let _ = write!(typed, "\\x{{{:X}}}", u32::from(c));
        }
    }
    typed
}

fn ascii(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii() { c } else { '?' })
        .collect()
}

fn field(text: &mut String, name: &str, value: &str) {
    let folded = wrapped(&format!("{name}: {value}"), " ");
    text.push_str(folded.strip_prefix(' ').unwrap_or(&folded));
}

/// Text in lines that start with `indent`, broken where there is white space, and anywhere in a word
/// that no line could hold.
fn wrapped(text: &str, indent: &str) -> String {
    const WORD_MAX: usize = 200;
    let mut lines = String::new();
    let mut line = indent.to_owned();
    for word in text.split_ascii_whitespace() {
        let letters: Vec<char> = word.chars().collect();
        for piece in letters.chunks(WORD_MAX) {
            let piece: String = piece.iter().collect();
            if line.len() > indent.len() && line.len() + 1 + piece.len() > WIDTH {
                lines.push_str(line.trim_end());
                lines.push_str("\r\n");
                line.replace_range(indent.len().., "");
            }
            if line.len() > indent.len() {
                line.push(' ');
            }
            line.push_str(&piece);
        }
    }
    lines.push_str(&line);
    lines.push_str("\r\n");
    lines
}

fn in_base64(text: &str) -> String {
    let encoded = STANDARD.encode(text);
    let lines = encoded.as_bytes().chunks(WIDTH);
    lines.fold(String::new(), |mut lines, line| {
        lines.extend(line.iter().map(|&octet| char::from(octet)));
        lines.push_str("\r\n");
        lines
    })
}

/// The header of the message, or the start of it, as far as it is UTF-8.
fn header(entry: &Entry, file: &File) -> io::Result<String> {
    let message = entry.message();
    let length = (message.end - message.start).min(HEADER_MAX);
    let mut octets = vec![0; usize::try_from(length).unwrap_or_default()];
    file.read_exact_at(&mut octets, message.start)?;
    if octets.starts_with(b"\r\n") {
        return Ok(String::new());
    }
    let end = memchr::memmem::find(&octets, b"\r\n\r\n")
        .or_else(|| memchr::memmem::rfind(&octets, b"\r\n"))
        .map_or(0, |end| end + 2);
    octets.truncate(end);
    Ok(String::from_utf8(octets).unwrap_or_default())
}

/// The name of this machine.
fn host() -> String {
    let name = rustix::system::uname();
    let name = name.nodename().to_string_lossy();
    domain_to_ascii(&name).unwrap_or_else(|_| "localhost".to_owned())
}
