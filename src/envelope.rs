//! The envelope: who a message is from and to, as SMTP sees it, and what is asked for beside delivery.
//!
//! Owns the null sender and the rule that there is at least one recipient, each named once; what is
//! asked for is in `options`, of `dsn` and `parameter`. Refuses an empty list of recipients, so that no
//! later step has to look. RFC 5321 §2.3.1, §4.5.5.

mod dsn;
mod options;
mod parameter;

use std::collections::HashSet;
use std::fmt;

pub use dsn::{EnvelopeId, Event, Notify, Return};
pub use options::Options;
pub use parameter::MailParameter;

use crate::address::Address;
use crate::failure::{Failure, Kind, Result};

/// Where failure notices go: an address, or nowhere.
///
/// `Display` is what stands between the angle brackets of MAIL: empty for the null sender.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ReversePath {
    /// `<>`: nobody is to be told when delivery fails.
    Null,
    /// The address that is told.
    Address(Address),
}

impl ReversePath {
    /// Reads `<>` as the null sender and anything else as an address, with or without angle
    /// brackets.
    ///
    /// # Errors
    /// [`Kind::Message`] when it is neither; an empty text is, because it is more often a
    /// variable that was not set than a wish.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim_matches([' ', '\t']);
        let inner = text
            .strip_prefix('<')
            .and_then(|inner| inner.strip_suffix('>'));
        match inner {
            Some(inner) if inner.trim_matches([' ', '\t']).is_empty() => Ok(Self::Null),
            Some(inner) => inner.parse().map(Self::Address),
            None if text.is_empty() => {
                Err(Failure::new(Kind::Message, "the sender's address is empty")
                    .with_hint("the null sender is written as '<>'"))
            }
            None => text.parse().map(Self::Address),
        }
    }

    /// The address, unless it is the null sender.
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::Null => None,
            Self::Address(address) => Some(address),
        }
    }

    /// Whether only a server with SMTPUTF8 can take it.
    pub fn needs_smtputf8(&self) -> bool {
        self.address().is_some_and(Address::needs_smtputf8)
    }
}

impl From<Address> for ReversePath {
    fn from(address: Address) -> Self {
        Self::Address(address)
    }
}

impl fmt::Display for ReversePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// One sender, one or more different recipients, and the delivery options of the message.
///
/// ```
/// use smtpsend::envelope::{Envelope, ReversePath};
/// let bob: smtpsend::address::Address = "bob@example.com".parse()?;
/// let envelope = Envelope::new(ReversePath::Null, vec![bob.clone(), bob])?;
/// assert_eq!(envelope.recipients().len(), 1);
/// # Ok::<(), smtpsend::failure::Failure>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    sender: ReversePath,
    recipients: Vec<Address>,
    options: Options,
}

impl Envelope {
    /// An envelope to each of `recipients` once, in the order of their first mention, without options.
    ///
    /// # Errors
    /// [`Kind::Usage`] when there is no recipient.
    pub fn new(sender: ReversePath, recipients: Vec<Address>) -> Result<Self> {
        let mut seen = HashSet::with_capacity(recipients.len());
        let recipients: Vec<Address> = recipients
            .into_iter()
            .filter(|recipient| seen.insert(recipient.clone()))
            .collect();
        if recipients.is_empty() {
            return Err(Failure::new(Kind::Usage, "no recipient").with_hint(
                "name one with --to, --cc or --bcc, or in the To, Cc or Bcc of the message",
            ));
        }
        Ok(Self {
            sender,
            recipients,
            options: Options::default(),
        })
    }

    /// The same with these options instead of those it has.
    pub fn with_options(self, options: Options) -> Self {
        Self { options, ..self }
    }

    /// The same for some of its recipients: each is asked about once, in their order. `None` when
    /// nobody is wanted.
    pub fn only(&self, mut wanted: impl FnMut(&Address) -> bool) -> Option<Self> {
        let recipients = self.recipients.iter().filter(|recipient| wanted(recipient));
        let recipients: Vec<Address> = recipients.cloned().collect();
        (!recipients.is_empty()).then(|| Self {
            sender: self.sender.clone(),
            recipients,
            options: self.options.clone(),
        })
    }

    /// The sender.
    pub fn sender(&self) -> &ReversePath {
        &self.sender
    }

    /// The recipients: at least one, none twice.
    pub fn recipients(&self) -> &[Address] {
        &self.recipients
    }

    /// What is asked for beside delivery.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Whether only a server with SMTPUTF8 can take one of its addresses.
    pub fn needs_smtputf8(&self) -> bool {
        self.sender.needs_smtputf8() || self.recipients.iter().any(Address::needs_smtputf8)
    }
}

impl TryFrom<&lettre::address::Envelope> for Envelope {
    type Error = Failure;

    fn try_from(envelope: &lettre::address::Envelope) -> Result<Self> {
        let sender = match envelope.from() {
            Some(address) => ReversePath::Address(address.try_into()?),
            None => ReversePath::Null,
        };
        let recipients = envelope.to().iter().map(Address::try_from);
        Self::new(sender, recipients.collect::<Result<_>>()?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<Address> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_recipient_named_twice_is_kept_once_at_its_first_place() {
        let all = addresses(&["b@x.org", "a@x.org", "b@X.ORG", "B@x.org", "\"a\"@x.org"]);
        let envelope = Envelope::new(ReversePath::Null, all).unwrap();
        assert_eq!(
            envelope.recipients(),
            addresses(&["b@x.org", "a@x.org", "B@x.org"])
        );
    }

    #[test]
    fn an_envelope_without_recipients_is_a_usage_error_with_a_hint() {
        let failure = Envelope::new(ReversePath::Null, Vec::new()).unwrap_err();
        assert_eq!(failure.kind, Kind::Usage);
        assert!(failure.hint.is_some());
    }

    #[test]
    fn an_envelope_for_some_of_the_recipients_keeps_sender_and_options() {
        let all = addresses(&["a@x.org", "b@x.org", "c@x.org"]);
        let sender = ReversePath::parse("s@x.org").unwrap();
        let options = Options {
            notify: Some(Notify::NEVER),
            require_tls: true,
            ..Options::default()
        };
        let envelope = Envelope::new(sender, all).unwrap();
        let envelope = envelope.with_options(options);
        let mut answers = [true, false, true].into_iter();
        let some = envelope.only(|_| answers.next().unwrap()).unwrap();
        assert_eq!(some.recipients(), addresses(&["a@x.org", "c@x.org"]));
        assert_eq!(some.sender(), envelope.sender());
        assert_eq!(some.options(), envelope.options());
        assert_eq!(envelope.only(|_| false), None);
    }

    #[test]
    fn the_null_sender_is_written_in_angle_brackets() {
        for null in ["<>", " <> ", "< >"] {
            assert_eq!(ReversePath::parse(null).unwrap(), ReversePath::Null);
        }
        for text in ["a@x.org", "<a@x.org>"] {
            let path = ReversePath::parse(text).unwrap();
            assert_eq!(path.to_string(), "a@x.org");
        }
        for bad in ["", " ", "<", "<<>>", "a", "<a@x.org", "<a@x.org> SIZE=1"] {
            assert!(ReversePath::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_local_parts_need_smtputf8() {
        let envelope = |to| {
            Envelope::new(ReversePath::Null, addresses(&[to]))
                .unwrap()
                .needs_smtputf8()
        };
        assert!(!envelope("bob@bücher.example"));
        assert!(envelope("jörg@x.org"));
    }

    #[test]
    fn lettre_envelopes_are_taken_over() {
        let lettre = lettre::address::Envelope::new(
            None,
            vec!["a@x.org".parse().unwrap(), "a@X.org".parse().unwrap()],
        )
        .unwrap();
        let envelope = Envelope::try_from(&lettre).unwrap();
        assert_eq!(envelope.sender(), &ReversePath::Null);
        assert_eq!(envelope.recipients(), addresses(&["a@x.org"]));
    }
}
