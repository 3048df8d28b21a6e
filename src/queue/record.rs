//! How a message in the queue is written down: the line before it, and the lines of its journal.
//!
//! Owns the format and its version. Each line is one JSON object, so that whatever a server said, and
//! whatever an address holds, comes back as it was. This is the one place where the envelope becomes
//! text and is read again. Refuses what another version wrote, and keys that it does not know: what
//! they ask for would not be done.

use serde::{Deserialize, Serialize};

use super::asked::Asked;
use super::id::Id;
use crate::envelope::{Envelope, ReversePath};

/// The version of the format that is written, and the only one that is read.
pub(super) const VERSION: u32 = 1;

/// The first line: what is known of a message when it is queued, and never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    #[serde(rename = "smtpsend-queue")]
    pub(super) version: u32,
    pub(super) id: String,
    /// Unix seconds.
    pub(super) queued: u64,
    /// Octets of the message, which starts after the end of this line.
    pub(super) size: u64,
    pub(super) message_id: String,
    pub(super) profile: Option<String>,
    pub(super) all_or_nothing: bool,
    /// Empty for the null sender.
    pub(super) from: String,
    pub(super) to: Vec<String>,
    #[serde(default, skip_serializing_if = "Asked::is_nothing")]
    pub(super) options: Asked,
}

/// Of a first line, what tells whether the rest of it can be read.
#[derive(Deserialize)]
struct Written {
    #[serde(rename = "smtpsend-queue")]
    version: u32,
}

impl Head {
    /// Writes the envelope down.
    pub(super) fn set_envelope(&mut self, envelope: &Envelope) {
        self.from = envelope.sender().to_string();
        self.to = envelope
            .recipients()
            .iter()
            .map(ToString::to_string)
            .collect();
        self.options = Asked::of(envelope.options());
    }

    /// The envelope as it was written down.
    pub(super) fn envelope(&self) -> Result<Envelope, String> {
        let sender = match self.from.as_str() {
            "" => ReversePath::Null,
            text => {
                ReversePath::Address(text.parse().map_err(|failure| format!("from: {failure}"))?)
            }
        };
        let address = |text: &String| text.parse().map_err(|failure| format!("to: {failure}"));
        let recipients = self.to.iter().map(address);
        let recipients = recipients.collect::<Result<_, _>>()?;
        let options = self.options.options();
        let options = options.map_err(|failure| format!("options: {failure}"))?;
        let envelope = Envelope::new(sender, recipients).map_err(|failure| failure.message)?;
        if envelope.recipients().len() == self.to.len() {
            Ok(envelope.with_options(options))
        } else {
            Err("to: a recipient is named twice".to_owned())
        }
    }

    /// Reads the first line of the message of this name.
    pub(super) fn read(line: &[u8], id: Id) -> Result<Self, String> {
        let error = |error: serde_json::Error| format!("its first line: {error}");
        let written: Written = serde_json::from_slice(line).map_err(error)?;
        if written.version != VERSION {
            return Err(format!(
                "it was written in version {} of the format, and this program reads {VERSION}",
                written.version
            ));
        }
        let head: Self = serde_json::from_slice(line).map_err(error)?;
        if head.id == id.to_string() {
            Ok(head)
        } else {
            Err(format!("it is named {} inside", head.id))
        }
    }
}

/// One line of the journal: something happened to the message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Record {
    /// It was tried to send it.
    Tried {
        /// Unix seconds.
        at: u64,
        /// When it is to be tried again, in Unix seconds; none when nobody is left to be tried.
        next: Option<u64>,
        /// The server, `host:port`; none when none was reached.
        server: Option<String>,
        /// What changed for whom.
        verdicts: Vec<Judged>,
    },
    /// The sender was told of recipients who will not get it.
    Notified {
        /// Unix seconds.
        at: u64,
        /// The id of the notice.
        notice: String,
        /// Their places among the recipients, from 0.
        to: Vec<usize>,
    },
    /// It was asked for by hand that it be tried now.
    Retry {
        /// Unix seconds.
        at: u64,
        /// The places of the recipients who had been given up, and are not any more.
        to: Vec<usize>,
    },
}

/// What was said of recipients.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    /// Their places among the recipients, from 0.
    pub to: Vec<usize>,
    /// What it means.
    pub status: Status,
    /// The code of the reply; none when it was not a reply that decided.
    pub code: Option<u16>,
    /// Its enhanced status code.
    pub enhanced: Option<String>,
    /// Its text, else what went wrong.
    pub text: String,
}

/// Where a recipient stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Not tried yet.
    Pending,
    /// The server took responsibility.
    Accepted,
    /// Tried, and to be tried again.
    Deferred,
    /// Perhaps delivered, and to be tried again.
    Unknown,
    /// Refused for good.
    Rejected,
    /// Given up after the lifetime of the queue.
    Expired,
}

impl Status {
    /// The name used in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Deferred => "deferred",
            Self::Unknown => "unknown",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
        }
    }

    /// Whether the recipient is still to be tried.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Deferred | Self::Unknown)
    }

    /// Whether the recipient will not get the message.
    pub const fn is_given_up(self) -> bool {
        matches!(self, Self::Rejected | Self::Expired)
    }
}

/// A line of the format, its end included.
pub(super) fn line(written: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(written)?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::envelope::{MailParameter, Options};

    fn head(id: Id, text: &str, to: Vec<String>) -> Head {
        Head {
            version: VERSION,
            id: id.to_string(),
            queued: 1_790_000_000,
            size: 7,
            message_id: text.to_owned(),
            profile: Some(text.to_owned()),
            all_or_nothing: true,
            from: String::new(),
            to,
            options: Asked::default(),
        }
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_one_line_and_is_read_again(
            text in "\\PC{0,40}|[\"\\\\\0-\x1f\u{7f}-\u{9f}\u{2028}]{0,40}|(ü\n){0,3000}",
            places in proptest::collection::vec(0_usize..1_000_000, 0..9),
            at in 0_u64..u64::MAX,
            code in proptest::option::of(200_u16..600),
        ) {
            let judged = Judged {
                to: places.clone(),
                status: Status::Unknown,
                code,
                enhanced: code.map(|_| text.clone()),
                text: text.clone(),
            };
            for record in [
                Record::Tried {
                    at,
                    next: Some(at),
                    server: Some(text.clone()),
                    verdicts: vec![judged.clone(), judged],
                },
                Record::Notified { at, notice: text.clone(), to: places.clone() },
                Record::Retry { at, to: places },
            ] {
                let line = line(&record).unwrap();
                prop_assert!(line.is_ascii() || std::str::from_utf8(&line).is_ok());
                prop_assert_eq!(line.iter().position(|&octet| octet == b'\n'), Some(line.len() - 1));
                prop_assert!(!line.contains(&0));
                prop_assert_eq!(serde_json::from_slice::<Record>(&line).unwrap(), record);
            }
            let id = Id::new(std::time::UNIX_EPOCH);
            let head = head(id, &text, Vec::new());
            prop_assert_eq!(Head::read(&line(&head).unwrap(), id).unwrap(), head);
        }
    }

    #[test]
    fn envelopes_come_back_as_they_were() {
        let to = [
            "\"a \\\" b\"@x.org",
            "jörg@x.org",
            "a@[192.0.2.1]",
            "b@bücher.example",
        ];
        for from in ["<>", "\"\\\\\"@x.org"] {
            let sender = ReversePath::parse(from).unwrap();
            let to = to.iter().map(|to| to.parse().unwrap()).collect();
            let plain = Envelope::new(sender, to).unwrap();
            let all = Options {
                notify: Some("failure,delay".parse().unwrap()),
                ret: Some("headers".parse().unwrap()),
                envid: Some("my \"id\" +=".parse().unwrap()),
                require_tls: true,
                parameters: MailParameter::list("X-A=1,X-B").unwrap(),
            };
            for envelope in [plain.clone(), plain.with_options(all)] {
                let id = Id::new(std::time::UNIX_EPOCH);
                let mut head = head(id, "", Vec::new());
                head.set_envelope(&envelope);
                let head = Head::read(&line(&head).unwrap(), id).unwrap();
                assert_eq!(head.envelope().unwrap(), envelope);
            }
        }
    }
}
