//! Messages of so many octets, whose lines begin with dots.

const HEADER: &str = "Date: Thu, 01 Jan 2026 00:00:00 +0000\r\nFrom: a@example.com\r\nTo: b@example.com\r\nMessage-ID: <1@example.com>\r\nSubject: sized\r\n\r\n";

/// A whole message of exactly so many octets, at least 200.
pub(crate) fn sized(octets: usize) -> String {
    let mut text = String::with_capacity(octets);
    text.push_str(HEADER);
    while octets - text.len() > 200 {
        let place = text.len();
        text.push_str(&format!(".{place:.<97}\r\n"));
    }
    let rest = octets - text.len() - 2;
    text.push_str(&format!("{}\r\n", ".".repeat(rest)));
    text
}
