//! A message with what is known to break on the way, and what a mailbox holds in comparison.

use crate::mailbox::with_lf;
use std::io::Write;
use std::process::{Command, Stdio};

/// How a message stops.
#[derive(Clone, Copy)]
pub(crate) enum Ending {
    /// Several empty lines; LF line ends.
    EmptyLines,
    /// In the middle of a line; CRLF line ends.
    NoLineEnd,
}

/// A line of [`nasty`]'s headers.
pub(crate) const NASTY_MARK: &str = "\nMessage-ID: <nasty@example.com>\n";

/// The first line of [`nasty`].
const FIRST: &str = "X-First: own\n";

/// About 200 KiB: lines of dots, lines as long as RFC 5321 allows, UTF-8, spaces at the end of lines, `From `.
pub(crate) fn nasty(ending: Ending) -> Vec<u8> {
    nasty_of(200 * 1024, ending)
}

/// The same of about so many octets, at least 1,000.
pub(crate) fn nasty_of(octets: usize, ending: Ending) -> Vec<u8> {
    let mut text = String::from(FIRST);
    text.push_str(
        "From: A <a@example.com>\n\
         To: b@example.com,\n\tundisclosed <c@example.com>\n\
         Subject: dots\n\
         Date: Thu, 01 Jan 2026 00:00:00 +0000\n\
         Message-ID: <nasty@example.com>\n\
         MIME-Version: 1.0\n\
         Content-Type: text/plain; charset=utf-8\n\
         Content-Transfer-Encoding: 8bit\n\
         x-odd:no space, and a trailing one \n\
         \n\
         .\n..\n...\n.x\n..x\n. \n\n.\n\
         From here on\n>From there on\nFrom: not a header\n\
         trailing spaces   \ntrailing tab\t\n \n\t\n\
         \u{feff}Grüße, 日本語, 🎉\n\
         QUIT\nDATA\nRSET\n",
    );
    let mut number = 0;
    while text.len() < octets {
        number += 1;
        text.push_str(&format!("{number} ü {}\n", "=".repeat(number % 400)));
        if number % 50 == 0 {
            text.push_str(&format!("{}\n", "x".repeat(998)));
            text.push_str(&format!(".{}\n", "y".repeat(997)));
            text.push_str(&format!("{}\n", "ü".repeat(499)));
        }
    }
    match ending {
        Ending::EmptyLines => {
            text.push_str(".\n\n\n\n");
            text.into_bytes()
        }
        Ending::NoLineEnd => {
            text.push_str("\n\n.");
            text.replace('\n', "\r\n").into_bytes()
        }
    }
}

/// What a mailbox should hold of `message`: LF line ends, and one after the last line.
pub(crate) fn as_stored(message: &[u8]) -> Vec<u8> {
    let mut stored = with_lf(message);
    if !stored.ends_with(b"\n") {
        stored.push(b'\n');
    }
    stored
}

/// What is left of a stored [`nasty`] message without the trace fields that servers put on top of it.
pub(crate) fn own_part(stored: &[u8]) -> &[u8] {
    let first = FIRST.as_bytes();
    let at = stored
        .windows(first.len())
        .position(|window| window == first)
        .expect("the first field is there");
    &stored[at..]
}

/// Asserts that two texts are the same, and shows where they part, rather than all of them.
pub(crate) fn assert_same(stored: &[u8], wanted: &[u8]) {
    if stored == wanted {
        return;
    }
    let at = stored
        .iter()
        .zip(wanted)
        .take_while(|(left, right)| left == right)
        .count();
    let around = |bytes: &[u8]| {
        let (from, to) = (at.saturating_sub(60), (at + 60).min(bytes.len()));
        String::from_utf8_lossy(&bytes[from..to]).into_owned()
    };
    panic!(
        "{} bytes arrived in place of {}, different from {at} on\nstored: {:?}\nwanted: {:?}",
        stored.len(),
        wanted.len(),
        around(stored),
        around(wanted),
    );
}

/// A message as its reader sees it.
pub(crate) struct Decoded {
    pub(crate) subject: String,
    pub(crate) bcc: String,
    pub(crate) body: String,
}

/// Decodes with Python's email package: a reader that shares no code with the program.
pub(crate) fn decode(stored: &[u8]) -> Decoded {
    const READER: &str = "
import email, email.policy, json, sys
m = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
part = m.get_body(('plain',)) if m.is_multipart() else m
body = part.get_payload(decode=True).decode(part.get_content_charset() or 'us-ascii')
json.dump({'subject': m['subject'], 'bcc': m['bcc'], 'body': body.replace('\\r\\n', '\\n')}, sys.stdout)
";
    let json: serde_json::Value = serde_json::from_str(&by_python(READER, stored)).unwrap();
    let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
    Decoded {
        subject: text("subject"),
        bcc: text("bcc"),
        body: text("body"),
    }
}

/// What a reader in Python prints of a message.
pub(crate) fn by_python(reader: &str, stored: &[u8]) -> String {
    let mut python = Command::new("python3")
        .args(["-c", reader])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(stored).unwrap();
    let output = python.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(stored);
    assert!(output.status.success(), "{text}");
    let printed = String::from_utf8(output.stdout).unwrap();
    printed.trim_end().to_owned()
}
