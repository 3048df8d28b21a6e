//! What a server offers: the keywords of its EHLO reply (RFC 5321 §4.1.1.1).
//!
//! Keywords are compared without regard to case (§2.4); what is not understood is ignored.

use super::reply::Reply;

/// The offers this program can use. Forgotten and asked for again after STARTTLS (RFC 3207 §4.2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// RFC 2920: commands may be sent in groups.
    pub pipelining: bool,
    /// RFC 3030: the message may be sent in chunks whose sizes are told, by BDAT.
    pub chunking: bool,
    /// RFC 6152: lines may hold 8-bit octets.
    pub eight_bit_mime: bool,
    /// RFC 6531: addresses and header fields may be UTF-8.
    pub smtputf8: bool,
    /// RFC 3461: notices about delivery may be asked for.
    pub dsn: bool,
    /// RFC 8689: the server promises TLS on the rest of the way, to whoever asks for it.
    pub require_tls: bool,
    /// RFC 3207.
    pub starttls: bool,
    /// RFC 1870: `Some(None)` where the keyword has no limit, `Some(Some(octets))` where it has.
    pub size: Option<Option<u64>>,
    /// RFC 4954: the mechanisms offered, in upper case; empty when AUTH is not offered.
    pub auth: Vec<String>,
    /// RFC 9422, MAILMAX: transactions this connection may have.
    pub mail_max: Option<u64>,
    /// RFC 9422, RCPTMAX: recipients a transaction may have.
    pub rcpt_max: Option<usize>,
}

impl Capabilities {
    /// Reads the EHLO reply; its first line is the server's name, not a keyword.
    pub fn from_ehlo(reply: &Reply) -> Self {
        let mut found = Self::default();
        for line in reply.lines.iter().skip(1) {
            let line = line.to_ascii_uppercase();
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("PIPELINING") => found.pipelining = true,
                Some("CHUNKING") => found.chunking = true,
                Some("8BITMIME") => found.eight_bit_mime = true,
                Some("SMTPUTF8") => found.smtputf8 = true,
                Some("DSN") => found.dsn = true,
                Some("REQUIRETLS") => found.require_tls = true,
                Some("STARTTLS") => found.starttls = true,
                Some("SIZE") => {
                    // 0 means that no fixed limit is in force (RFC 1870 §4).
                    found.size = Some(words.next().and_then(|n| n.parse().ok()).filter(|n| *n > 0));
                }
                Some("AUTH") => found.add_mechanisms(words),
                Some("LIMITS") => words.for_each(|limit| found.add_limit(limit)),
                // `AUTH=PLAIN LOGIN`: a draft's form that old servers still send.
                Some(word) => {
                    if let Some(first) = word.strip_prefix("AUTH=") {
                        found.add_mechanisms(std::iter::once(first).chain(words));
                    }
                }
                None => {}
            }
        }
        found
    }

    /// A limit of zero would forbid what the server is there for; it is no limit.
    fn add_limit(&mut self, limit: &str) {
        match limit.split_once('=') {
            Some(("MAILMAX", most)) => self.mail_max = most.parse().ok().filter(|&most| most > 0),
            Some(("RCPTMAX", most)) => self.rcpt_max = most.parse().ok().filter(|&most| most > 0),
            _ => {}
        }
    }

    fn add_mechanisms<'a>(&mut self, words: impl Iterator<Item = &'a str>) {
        for word in words {
            if !word.is_empty() && !self.auth.iter().any(|known| known == word) {
                self.auth.push(word.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ehlo(lines: &[&str]) -> Capabilities {
        let lines = std::iter::once("mail.test")
            .chain(lines.iter().copied())
            .map(str::to_owned)
            .collect();
        Capabilities::from_ehlo(&Reply {
            code: 250,
            enhanced: None,
            lines,
        })
    }

    #[test]
    fn keywords_are_read_in_any_case() {
        let found = ehlo(&[
            "pipelining",
            "8BitMime",
            "SmtpUtf8",
            "StartTLS",
            "size 1000",
            "auth plain Login",
            "chunKing",
            "dsn",
            "RequireTLS",
            "limits mailmax=20 rcptmax=x RCPTDOMAINMAX=1",
        ]);
        assert!(found.pipelining && found.eight_bit_mime && found.smtputf8 && found.starttls);
        assert!(found.chunking && found.dsn && found.require_tls);
        assert_eq!((found.mail_max, found.rcpt_max), (Some(20), None));
        assert_eq!(found.size, Some(Some(1000)));
        assert_eq!(found.auth, ["PLAIN", "LOGIN"]);
    }

    #[test]
    fn a_size_of_zero_or_nonsense_is_no_limit() {
        for line in ["SIZE", "SIZE 0", "SIZE x", "SIZE 99999999999999999999999"] {
            assert_eq!(ehlo(&[line]).size, Some(None), "{line}");
        }
        assert_eq!(ehlo(&[]).size, None);
    }

    #[test]
    fn the_old_form_of_auth_is_understood() {
        assert_eq!(
            ehlo(&["AUTH=LOGIN PLAIN", "AUTH PLAIN"]).auth,
            ["LOGIN", "PLAIN"]
        );
    }

    #[test]
    fn the_greeting_line_is_no_keyword() {
        let reply = Reply {
            code: 250,
            enhanced: None,
            lines: vec!["PIPELINING".to_owned()],
        };
        assert_eq!(Capabilities::from_ehlo(&reply), Capabilities::default());
    }
}
