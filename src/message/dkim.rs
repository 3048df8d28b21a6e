//! DKIM: a signature by which the receiver knows that a message is of its domain, and unchanged.
//!
//! Owns the DKIM-Signature field, and for which domain it is. Header and body are signed in their relaxed
//! form, the body as it streams past; no `l=`, so that nothing can be put behind it. A message is signed in the
//! one form that every server gets. Refuses keys that receivers do not verify. RFC 6376, RFC 8301, RFC 8463.

mod canonical;
mod covered;
mod folded;
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
use covered::signed_fields;
use folded::Folded;
use key::Key;

const SIGNATURE: &str = "DKIM-Signature";

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

impl Name {
    /// A name of two labels or more, which that of a domain has to be (RFC 6376 §3.5).
    ///
    /// # Errors
    /// [`Kind::Usage`] when it cannot be one.
    pub fn of_domain(text: &str) -> Result<Self> {
        let name: Self = text.parse()?;
        if is_public(&name.0) {
            return Ok(name);
        }
        let words = format!("\"{name}\" has no dot: it is no domain that others know");
        Err(Failure::new(Kind::Usage, words))
    }
}

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
        let mut value = Folded::of(SIGNATURE);
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
        let unsigned = Field::new(SIGNATURE, value.text());
        octets.extend(canonical::field(&written(&unsigned)));
        value.broken(&STANDARD.encode(self.key.sign(&octets)?));
        Ok(Field::new(SIGNATURE, value.text()))
    }
}

impl Message {
    /// The message with a DKIM-Signature above all other fields; one that is there already stays. First it is
    /// brought into the form for a server without extensions, where it has one (RFC 6376 §5.3), so that
    /// every server gets the octets that were signed.
    ///
    /// Where neither the signer nor From has a domain, it stays as it is, unsigned. A warning says so, and another one
    /// says where both have one and DMARC cannot count the signature.
    ///
    /// # Errors
    /// [`Kind::Message`] when no server can be sent the message. [`Kind::Config`] when the key is damaged.
    /// [`Kind::Io`] when the message cannot be read where it is kept.
    pub fn signed(self, signer: &Signer) -> Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        self.signed_at(signer, now.unwrap_or_default().as_secs())
    }

    fn signed_at(mut self, signer: &Signer, seconds: u64) -> Result<Self> {
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
                self.warnings.push(warning.to_owned());
                return Ok(self);
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
        message.separator = true;
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

/// The octets of a field as they are sent, without the CRLF at their end.
fn written(field: &Field) -> Vec<u8> {
    let mut octets = Vec::new();
    field.write(&mut octets);
    octets.truncate(octets.len().saturating_sub(2));
    octets
}
