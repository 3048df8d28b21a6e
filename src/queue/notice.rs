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
use crate::envelope::{Envelope, Event, Options, ReversePath};
use crate::failure::Result;
use crate::message::{Date, Message, new_message_id};

/// Octets of the original's header that are attached at most.
const HEADER_MAX: u64 = 64 << 10;
/// Characters of a line in which text is set.
const WIDTH: usize = 76;
const INDENT: &str = "    ";
/// Characters of a word at most: in UTF-8, still fewer octets than a line may have.
const WORD_MAX: usize = 200;

/// Who is told that a message failed; nobody for a null sender, and where that is not wanted.
pub(super) fn receiver(entry: &Entry) -> Option<&Address> {
    let notify = entry.options().notify;
    let is_wanted = notify.is_none_or(|notify| notify.tells_of(Event::Failure));
    entry.sender().address().filter(|_| is_wanted)
}

/// The notice for those at these places among the recipients, and its envelope. The message is in `file`.
pub(super) fn of(
    entry: &Entry,
    file: &File,
    sender: &Address,
    given_up: &[usize],
    now: SystemTime,
) -> Result<(Envelope, Message)> {
    // What was not to be seen on its way is not to be seen on the way back (RFC 8689 §5).
    let options = Options {
        require_tls: entry.options().require_tls,
        ..Options::default()
    };
    let envelope = Envelope::new(ReversePath::Null, vec![sender.clone()])?.with_options(options);
    let header = header(entry, file).unwrap_or_default();
    let recipients: Vec<&Recipient> = given_up
        .iter()
        .filter_map(|&place| entry.recipients().get(place))
        .collect();
    let notice = Notice {
        entry,
        host: host(),
        recipients,
        now: Date::at(now)?.to_string(),
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
        // Made of the random part alone: a host's name may be longer than a boundary.
        let random = message_id.split('@').next().unwrap_or_default();
        let boundary = format!("=_{}", random.trim_start_matches('<'));
        let mut text = String::new();
        let from = format!("Mail Delivery System <{sender}>");
        field(&mut text, "From", &from);
        field(&mut text, "To", &format!("<{sender}>"));
        field(&mut text, "Subject", "Undelivered mail returned to sender");
        field(&mut text, "Date", &self.now);
        field(&mut text, "Message-ID", &message_id);
        if is_reference(self.entry.message_id()) {
            field(&mut text, "In-Reply-To", self.entry.message_id());
        }
        field(&mut text, "Auto-Submitted", "auto-replied");
        field(&mut text, "MIME-Version", "1.0");
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
            // In base64 it reaches the sender by any server: nobody is told that a notice could not.
            part("message/global-headers", "base64", &in_base64(header));
        }
        let _ = write!(text, "\r\n--{boundary}--\r\n");
        Ok(text)
    }

    /// What a person reads.
    fn words(&self) -> String {
        let start = format!(
            "This is smtpsend on {}. Your message could not be delivered to the recipients below. \
             Its header is attached.",
            self.host
        );
        let mut text = wrapped(&start, "");
        for recipient in &self.recipients {
            let said = wrapped(&said(recipient), INDENT);
            let _ = write!(text, "\r\n<{}>:\r\n{INDENT}{said}", recipient.address);
            if recipient.status == Status::Expired {
                let (tries, until) = (self.entry.tries(), &self.now);
                let _ = write!(text, "{INDENT}given up after {tries} tries, {until}\r\n");
            }
        }
        text
    }

    /// What a program reads (RFC 3464 §2).
    fn status(&self) -> Result<String> {
        let mut text = String::new();
        field(&mut text, "Reporting-MTA", &format!("dns; {}", self.host));
        if let Some(envid) = &self.entry.options().envid {
            field(&mut text, "Original-Envelope-Id", envid.as_str());
        }
        field(
            &mut text,
            "Arrival-Date",
            &Date::at(self.entry.queued())?.to_string(),
        );
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
            text.push_str(&wrapped(&format!("Diagnostic-Code: {kind}; {said}"), " "));
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

/// A field on one line: none of the values put here comes near 998 octets.
fn field(text: &mut String, name: &str, value: &str) {
    let _ = write!(text, "{name}: {value}\r\n");
}

/// Whether a Message-ID can stand in a field as it is.
fn is_reference(message_id: &str) -> bool {
    let inner = message_id
        .strip_prefix('<')
        .and_then(|id| id.strip_suffix('>'));
    inner.is_some_and(|inner| {
        inner.len() < 900
            && inner
                .bytes()
                .all(|octet| octet.is_ascii_graphic() && !matches!(octet, b'<' | b'>'))
    })
}

/// Text in lines of which all but the first start with `indent`, broken where there is white space,
/// and anywhere in a word that no line could hold.
fn wrapped(text: &str, indent: &str) -> String {
    let (mut lines, mut width) = (String::new(), 0);
    for word in text.split_ascii_whitespace() {
        let letters: Vec<char> = word.chars().collect();
        for piece in letters.chunks(WORD_MAX) {
            if width > 0 && width + 1 + piece.len() > WIDTH {
                lines.push_str("\r\n");
                lines.push_str(indent);
                width = indent.len();
            } else if width > 0 {
                lines.push(' ');
                width += 1;
            }
            lines.extend(piece);
            width += piece.len();
        }
    }
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
