//! DKIM: a signature by which the receiver knows that a message is of its domain, and unchanged.
//!
//! Owns which fields are signed and how often, and the DKIM-Signature field. Header and body are
//! signed in their relaxed form, the body as it streams past; no `l=`, so that nothing can be put behind it.
//! A message is signed in the one form that every server gets. Bcc, Return-Path and Received are never
//! signed. RFC 6376, RFC 8301, RFC 8463.

mod canonical;
mod key;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Message;
use super::compose::address_in;
use super::content::Content;
use super::header::{Field, Header};
use super::store::unreadable;
use crate::address::domain_to_ascii;
use crate::failure::{Failure, Kind, Result};
use crate::secret::Secret;
use canonical::BodyHash;
use key::Key;

const SIGNATURE: &str = "DKIM-Signature";

/// Octets of a line of the signature.
const LINE_MAX: usize = 78;

/// Whether a signature also says that there is no further field of a name: its name stands in `h=` once
/// more than the field in the header, so that nobody can add one (RFC 6376 §8.15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sealed {
    /// Whether there is one or not: another one would change what is shown, and nobody on the way adds it.
    Always,
    /// Where there is one: relays add those that are missing.
    WhenThere,
    /// Never: others on the way add theirs, as mailing lists do.
    Never,
}

/// The fields that are signed, where they are in a message.
#[rustfmt::skip]
const SIGNED: [(&str, Sealed); 38] = [
    ("From", Sealed::Always),
    ("Reply-To", Sealed::Always),
    ("To", Sealed::Always),
    ("Cc", Sealed::Always),
    ("Subject", Sealed::Always),
    ("Content-Type", Sealed::Always),
    ("Content-Transfer-Encoding", Sealed::Always),
    ("MIME-Version", Sealed::WhenThere),
    ("Date", Sealed::WhenThere),
    ("Message-ID", Sealed::WhenThere),
    ("In-Reply-To", Sealed::WhenThere),
    ("References", Sealed::WhenThere),
    ("Content-Disposition", Sealed::WhenThere),
    ("Content-ID", Sealed::WhenThere),
    ("Content-Description", Sealed::WhenThere),
    ("Content-Language", Sealed::WhenThere),
    ("Autocrypt", Sealed::WhenThere),
    ("Sender", Sealed::Never),
    ("Auto-Submitted", Sealed::Never),
    ("Precedence", Sealed::Never),
    ("Importance", Sealed::Never),
    ("Priority", Sealed::Never),
    ("X-Priority", Sealed::Never),
    ("Resent-From", Sealed::Never),
    ("Resent-Sender", Sealed::Never),
    ("Resent-To", Sealed::Never),
    ("Resent-Cc", Sealed::Never),
    ("Resent-Date", Sealed::Never),
    ("Resent-Message-ID", Sealed::Never),
    // Without these two in it a one-click button is not shown (RFC 8058 §4).
    ("List-Unsubscribe", Sealed::Never),
    ("List-Unsubscribe-Post", Sealed::Never),
    ("List-Id", Sealed::Never),
    ("List-Help", Sealed::Never),
    ("List-Subscribe", Sealed::Never),
    ("List-Post", Sealed::Never),
    ("List-Owner", Sealed::Never),
    ("List-Archive", Sealed::Never),
    ("Feedback-ID", Sealed::Never),
];

/// A selector or a domain: a name of DNS, in lower-case A-labels.
///
/// ```
/// use smtpsend::message::dkim::Name;
/// assert_eq!("Bücher.example".parse::<Name>()?.to_string(), "xn--bcher-kva.example");
/// assert!("mail; t=0".parse::<Name>().is_err());
/// # Ok::<(), smtpsend::failure::Failure>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl FromStr for Name {
    type Err = Failure;

    /// # Errors
    /// [`Kind::Usage`] when it cannot be a name of DNS.
    fn from_str(text: &str) -> Result<Self> {
        let name = domain_to_ascii(text).map(Self);
        name.map_err(|failure| Failure {
            kind: Kind::Usage,
            ..failure
        })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who signs: a private key, whose public half stands in DNS under `SELECTOR._domainkey.DOMAIN`.
///
/// Signs as many messages as there are, in any number of threads.
///
/// ```no_run
/// # fn f(key: smtpsend::secret::Secret, message: smtpsend::message::Message)
/// #     -> smtpsend::failure::Result<()> {
/// use smtpsend::message::dkim::Signer;
/// let signer = Signer::new(&key, "mail".parse()?, None)?;
/// let message = message.signed(&signer)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Signer {
    key: Key,
    selector: Name,
    /// The domain that signs; without one that of From.
    domain: Option<Name>,
}

impl Signer {
    /// A signer with the private key in this PEM file: RSA of 2048 to 4096 bits (PKCS #8 or PKCS #1) or
    /// Ed25519 (PKCS #8), not encrypted. Without a domain each message is signed for that of its From.
    ///
    /// # Errors
    /// [`Kind::Config`] when there is no such key in it, saying what is there.
    pub fn new(key: &Secret, selector: Name, domain: Option<Name>) -> Result<Self> {
        Ok(Self {
            key: Key::from_pem(key)?,
            selector,
            domain,
        })
    }

    /// The field that signs a message of these fields, and of a body with this hash, at this time.
    fn signature(&self, header: &Header, domain: &str, body: &[u8], seconds: u64) -> Result<Field> {
        let (names, fields) = signed_fields(header);
        let mut value = Folded::new();
        for tag in [
            "v=1;".to_owned(),
            format!("a={};", self.key.algorithm()),
            "c=relaxed/relaxed;".to_owned(),
            format!("d={domain};"),
            format!("s={};", self.selector),
            format!("t={seconds};"),
        ] {
            value.word(" ", &tag);
        }
        let count = names.len();
        for (at, name) in names.into_iter().enumerate() {
            let mark = if at + 1 == count { ";" } else { ":" };
            match at {
                0 => value.line(&format!("h={name}{mark}")),
                _ => value.word("", &format!("{name}{mark}")),
            }
        }
        value.line(&format!("bh={};", STANDARD.encode(body)));
        value.line("b=");
        let mut octets = Vec::new();
        for field in fields {
            octets.extend(canonical::field(&written(field)));
            octets.extend_from_slice(b"\r\n");
        }
        let unsigned = Field::new(SIGNATURE, &value.text);
        octets.extend(canonical::field(&written(&unsigned)));
        value.broken(&STANDARD.encode(self.key.sign(&octets)?));
        Ok(Field::new(SIGNATURE, &value.text))
    }
}

impl Message {
    /// The message with a DKIM-Signature above all other fields; one that is there already stays. First it is
    /// brought into the form for a server without extensions, where it has one (RFC 6376 §5.3), so that
    /// every server gets the octets that were signed.
    ///
    /// Where neither the signer nor From has a domain, it stays unsigned. A warning says so, and another one
    /// says where both have one and DMARC cannot count the signature.
    ///
    ///
    /// # Errors
    /// [`Kind::Message`] when no server can be sent the message. [`Kind::Config`] when the key is damaged.
    /// [`Kind::Io`] when the message cannot be read where it is kept.
    pub fn signed(self, signer: &Signer) -> Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        self.signed_at(signer, now.unwrap_or_default().as_secs())
    }

    fn signed_at(self, signer: &Signer, seconds: u64) -> Result<Self> {
        let mut message = self.for_every_server()?;
        let author = address_in(&message.header, "From");
        let from = author.as_ref().map(|author| author.domain());
        let domain = match (&signer.domain, from) {
            (Some(Name(domain)), Some(from)) if !may_align(domain, from) => {
                let warning = format!(
                    "the DKIM signature is of {domain} and From of {from}: DMARC does not count it"
                );
                message.warnings.push(warning);
                domain
            }
            (Some(Name(domain)), _) => domain,
            (None, Some(from)) if is_public(from) => from,
            (None, _) => {
                let warning =
                    "not signed by DKIM: From names no domain, and no other is set (dkim-domain)";
                message.warnings.push(warning.to_owned());
                return Ok(message);
            }
        };
        let mut hash = BodyHash::new();
        let body = Content::new(Vec::new(), message.body.clone(), false);
        let mut reader = body.reader();
        while let Some(octets) = reader.next_chunk().map_err(|error| unreadable(&error))? {
            hash.push(octets);
        }
        let hash = hash.finish();
        let field = signer.signature(&message.header, domain, hash.as_ref(), seconds)?;
        message.header.fields_mut().insert(0, field);
        Ok(message)
    }
}

/// Whether it can be the domain of a signature: no address literal, and no name that this machine alone knows
/// (RFC 6376 §3.5: two labels or more).
fn is_public(domain: &str) -> bool {
    domain.contains('.') && !domain.starts_with('[')
}

/// Whether both may be of one organisation's domain, which is what DMARC asks for (RFC 7489 §3.1.1): of
/// how many labels that is only a list of all registries knows, but of two at least.
fn may_align(domain: &str, from: &str) -> bool {
    let end = |name| str::rsplit(name, '.').take(2);
    end(domain).eq(end(from))
}

/// The names for `h=`, and the fields that are signed, in the order of their names. Of several with one name
/// the last comes first (RFC 6376 §5.4.2).
fn signed_fields(header: &Header) -> (Vec<&'static str>, Vec<&Field>) {
    let (mut names, mut fields) = (Vec::new(), Vec::new());
    for (name, sealed) in SIGNED {
        let mut there: Vec<&Field> = header.named(name).collect();
        there.reverse();
        let is_sealed = match sealed {
            Sealed::Always => true,
            Sealed::WhenThere => !there.is_empty(),
            Sealed::Never => false,
        };
        let count = there.len() + usize::from(is_sealed);
        names.extend(std::iter::repeat_n(name, count));
        fields.extend(there);
    }
    (names, fields)
}

/// The octets of a field as they are sent, without the CRLF at their end.
fn written(field: &Field) -> Vec<u8> {
    let mut octets = Vec::new();
    field.write(&mut octets);
    octets.truncate(octets.len().saturating_sub(2));
    octets
}

/// The value of a signature, in lines of no more than 78 octets unless a domain is longer.
struct Folded {
    text: String,
    /// Octets of the last line.
    column: usize,
}

impl Folded {
    fn new() -> Self {
        Self {
            text: String::new(),
            column: SIGNATURE.len() + 2,
        }
    }

    /// A word behind this separator, or on a line of its own.
    fn word(&mut self, separator: &str, word: &str) {
        if self.column + separator.len() + word.len() > LINE_MAX {
            return self.line(word);
        }
        // The first space is that of the field.
        let separator = if self.text.is_empty() { "" } else { separator };
        self.text.push_str(separator);
        self.text.push_str(word);
        self.column += separator.len() + word.len();
    }

    /// A word at the start of a line.
    fn line(&mut self, word: &str) {
        self.text.push_str("\r\n ");
        self.text.push_str(word);
        self.column = 1 + word.len();
    }

    /// A word that may be broken anywhere; ASCII.
    fn broken(&mut self, word: &str) {
        let mut rest = word;
        loop {
            let room = LINE_MAX.saturating_sub(self.column).min(rest.len());
            let (part, behind) = rest.split_at(room);
            self.text.push_str(part);
            if behind.is_empty() {
                return;
            }
            self.line("");
            rest = behind;
        }
    }
}
