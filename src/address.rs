//! Addresses: what may stand between the angle brackets of MAIL and RCPT.
//!
//! Owns the parsed [`Address`] (local part with its case and without its quotes, domain as
//! lower-case A-labels or a checked address literal) and the lists people write ([`AddressList`]).
//! Refuses control characters anywhere, an empty local part, an address without a domain, and
//! anything over the limits of RFC 5321 §4.5.3.1. RFC 5321 §4.1.2, RFC 5322 §3.4, RFC 6531 §3.3.

mod addr_spec;
mod domain;
mod lexer;
mod list;
mod mailbox;
mod parser;
pub(crate) mod words;

use std::fmt;
use std::str::FromStr;

pub(crate) use domain::address_literal;
pub use domain::domain_to_ascii;
pub use list::{AddressList, Member};
pub use mailbox::Mailbox;

use crate::failure::{Failure, Kind, Result, excerpt, is_invisible};

/// Octets of a local part, as it is written on the wire (RFC 5321 §4.5.3.1.1).
const LOCAL_MAX: usize = 64;
/// Octets of a path, its angle brackets included (RFC 5321 §4.5.3.1.3).
const PATH_MAX: usize = 256;

/// An address that can be put into MAIL or RCPT.
///
/// `Display` is its form there, without the angle brackets: the local part is quoted where it
/// must be. Two addresses are equal when their local parts are the same to the letter and their
/// domains are the same but for case.
///
/// ```
/// use smtpsend::address::Address;
/// let address: Address = r#""bob"@Bücher.example"#.parse()?;
/// assert_eq!(address.to_string(), "bob@xn--bcher-kva.example");
/// # Ok::<(), smtpsend::failure::Failure>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    local: String,
    domain: String,
}

impl Address {
    /// An address of a local part (without quotes or backslashes) and a domain, which may be
    /// internationalised or an address literal in brackets.
    ///
    /// # Errors
    /// [`Kind::Message`] when either cannot stand in an address, naming the cause.
    pub fn new(local: &str, domain: &str) -> Result<Self> {
        let refuse = |why: String| {
            Err(Failure::new(
                Kind::Message,
                format!("\"{}\": {why}", excerpt(&format!("{local}@{domain}"))),
            ))
        };
        if let Some(c) = local.chars().find(|&c| c.is_control() || is_invisible(c)) {
            return refuse(format!("control character {} in the local part", named(c)));
        }
        if local.is_empty() {
            return refuse("nothing stands before the @".into());
        }
        let domain = match domain::normalised(domain) {
            Ok(domain) => domain,
            Err(why) => return refuse(why),
        };
        let address = Self {
            local: local.to_owned(),
            domain,
        };
        let path = address.to_string();
        let octets = path.len() - address.domain.len() - 1;
        if octets > LOCAL_MAX {
            return refuse(format!(
                "the local part has {octets} octets, more than {LOCAL_MAX}"
            ));
        }
        if path.len() + 2 > PATH_MAX {
            return refuse(format!(
                "the address has {} octets, more than {}",
                path.len(),
                PATH_MAX - 2
            ));
        }
        Ok(address)
    }

    /// The local part, with its case and without quotes.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The domain: lower-case A-labels, or an address literal with its brackets.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Whether only a server with SMTPUTF8 can take it: the local part is not ASCII.
    pub fn needs_smtputf8(&self) -> bool {
        !self.local.is_ascii()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_dot_atom(&self.local) {
            return write!(f, "{}@{}", self.local, self.domain);
        }
        f.write_str("\"")?;
        for c in self.local.chars() {
            if matches!(c, '"' | '\\') {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        write!(f, "\"@{}", self.domain)
    }
}

impl FromStr for Address {
    type Err = Failure;

    /// Reads one bare address: no name, no comment, no angle brackets.
    fn from_str(text: &str) -> Result<Self> {
        parser::address(text)
    }
}

impl TryFrom<&lettre::Address> for Address {
    type Error = Failure;

    fn try_from(address: &lettre::Address) -> Result<Self> {
        let text: &str = address.as_ref();
        text.parse()
    }
}

/// Whether `text` can stand as a local part without quotes.
pub(crate) fn is_dot_atom(text: &str) -> bool {
    text.split('.')
        .all(|atom| !atom.is_empty() && atom.chars().all(is_atom_char))
}

/// RFC 5322 `atext`, with the characters RFC 6532 adds; white space beyond ASCII is left out, so
/// that it is at least seen to be quoted.
fn is_atom_char(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
    } else {
        !c.is_control() && !c.is_whitespace()
    }
}

/// A character as a message can show it.
fn named(c: char) -> String {
    match c {
        '\r' => "CR".into(),
        '\n' => "LF".into(),
        '\0' => "NUL".into(),
        c => format!("U+{:04X}", u32::from(c)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn good_addresses_become_their_wire_form() {
        for (text, wire) in [
            ("bob@example.com", "bob@example.com"),
            ("  bob@example.com\t", "bob@example.com"),
            ("Bob@EXAMPLE.com", "Bob@example.com"),
            ("-f@example.com", "-f@example.com"),
            ("root@localhost", "root@localhost"),
            ("a@my_host.example", "a@my_host.example"),
            ("o'brien+tag@x.org", "o'brien+tag@x.org"),
            (r#""bob"@x.org"#, "bob@x.org"),
            (r#""a b"@x.org"#, r#""a b"@x.org"#),
            (r#""a@b"@x.org"#, r#""a@b"@x.org"#),
            (r#""a\"\\b"@x.org"#, r#""a\"\\b"@x.org"#),
            (r#""a..b"@x.org"#, r#""a..b"@x.org"#),
            (r#""<>"@x.org"#, r#""<>"@x.org"#),
            ("bob@bücher.example", "bob@xn--bcher-kva.example"),
            ("bob@BÜCHER.example", "bob@xn--bcher-kva.example"),
            ("bob@例え.テスト", "bob@xn--r8jz45g.xn--zckzah"),
            ("jörg@x.org", "jörg@x.org"),
            ("a@[192.0.2.1]", "a@[192.0.2.1]"),
            ("a@[ipv6:2001:DB8::1]", "a@[IPv6:2001:db8::1]"),
            ("a@[IPv6:::1]", "a@[IPv6:::1]"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), wire, "{text}");
        }
    }

    #[test]
    fn bad_addresses_say_what_is_wrong() {
        for (text, why) in [
            ("", "is empty"),
            ("bob", "has no domain"),
            ("bob@", "nothing stands after the @"),
            ("@x.org", "nothing stands before the @"),
            ("\"\"@x.org", "nothing stands before the @"),
            ("bob@exa mple.com", "unexpected space at column 8"),
            ("bob smith@x.org", "unexpected space at column 4"),
            ("a@b@x.org", "unexpected \"@\" at column 4"),
            ("a..b@x.org", "misplaced dot at column 3"),
            (".a@x.org", "misplaced dot"),
            ("a.@x.org", "misplaced dot"),
            ("a@x..org", "empty label"),
            ("a@.org", "empty label"),
            ("a@x.org.", "empty label"),
            ("a@-x.org", "hyphen"),
            ("a@x-.org", "hyphen"),
            ("a@1.2.3.4", "[1.2.3.4]"),
            ("a@[1.2.3]", "address literal"),
            ("a@[::1]", "[IPv6:::1]"),
            ("a@[IPv6:::g]", "address literal"),
            ("a@[192.0.2.1", "missing \"]\""),
            ("a@x!y.org", "\"!\""),
            ("<a@x.org>", "unexpected \"<\" at column 1"),
            ("a@x.org>", "unexpected \">\" at column 8"),
            ("a<b@x.org", "unexpected \"<\" at column 2"),
            ("a@x.org, b@x.org", "unexpected \",\" at column 8"),
            ("a(b)@x.org", "unexpected comment"),
            ("\"a@x.org", "missing closing quote"),
            ("a@x.org\r\nRCPT TO:<b@x.org>", "control character CR"),
            ("a\n@x.org", "control character LF"),
            ("a@x.org\0", "control character NUL"),
            ("\"a\rb\"@x.org", "control character CR"),
            ("\"a\\\nb\"@x.org", "control character LF"),
            ("a\u{202e}b@x.org", "control character U+202E"),
            ("a\u{7f}@x.org", "control character U+007F"),
            ("a\u{85}@x.org", "control character U+0085"),
            ("a\u{a0}b@x.org", "U+00A0"),
            ("a@x\u{760a}\u{760d}.org\u{ff20}", "domain"),
        ] {
            let failure = text.parse::<Address>().unwrap_err();
            assert_eq!(failure.kind, Kind::Message);
            assert!(failure.message.contains(why), "{text:?}: {failure}");
        }
    }

    #[test]
    fn lengths_are_counted_as_on_the_wire() {
        let domain = ["a".repeat(60).as_str(), &"b".repeat(60), &"c".repeat(60)].join(".");
        let local = "l".repeat(64);
        assert!(Address::new(&local, "x.org").is_ok());
        assert!(Address::new(&format!("{local}l"), "x.org").is_err());
        assert!(Address::new(&"ü".repeat(33), "x.org").is_err());
        assert!(Address::new(&"\"".repeat(32), "x.org").is_err());
        assert!(Address::new(&local, &format!("{domain}.{}", "d".repeat(6))).is_ok());
        assert!(Address::new(&local, &format!("{domain}.{}", "d".repeat(7))).is_err());
        assert!(Address::new("a", &"d".repeat(64)).is_err());
    }

    #[test]
    fn wide_characters_are_never_cut_to_octets() {
        let address: Address = "a\u{760a}\u{760d}\u{13a}b@x.org".parse().unwrap();
        assert!(address.needs_smtputf8());
        assert!(!address.to_string().contains(['\r', '\n', ':']));
    }

    #[test]
    fn equality_ignores_quotes_and_the_case_of_the_domain_only() {
        let parse = |text: &str| text.parse::<Address>().unwrap();
        assert_eq!(parse("\"bob\"@X.org"), parse("bob@x.ORG"));
        assert_ne!(parse("Bob@x.org"), parse("bob@x.org"));
    }

    #[test]
    fn lettre_addresses_are_read_again() {
        let good = lettre::Address::new("bob", "bücher.example").unwrap();
        assert_eq!(
            Address::try_from(&good).unwrap().domain(),
            "xn--bcher-kva.example"
        );
        let bad = lettre::Address::new_dangerous("a>\r\nDATA", "x.org");
        assert!(Address::try_from(&bad).is_err());
    }
}
