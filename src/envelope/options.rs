//! What is asked of the server beside delivery, for one message: the parameters of MAIL and RCPT that
//! are somebody's wish and not a fact about the message.
//!
//! Owns the set of them. How each is written on the wire, and what happens where a server does not
//! know it, is for `smtp`. RFC 3461, RFC 8689, RFC 5321 §4.1.2.

use super::dsn::{EnvelopeId, Notify, Return};
use super::parameter::MailParameter;

/// Delivery options of one message; by default none.
///
/// Each part is read from text ([`FromStr`](std::str::FromStr)) and written as the same text
/// ([`Display`](std::fmt::Display)), so that it can be kept.
///
/// ```
/// use smtpsend::envelope::Options;
/// let options = Options {
///     notify: Some("failure,delay".parse()?),
///     ret: Some("headers".parse()?),
///     ..Options::default()
/// };
/// assert_eq!(options.notify.unwrap().to_string(), "failure,delay");
/// # Ok::<(), smtpsend::failure::Failure>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// When the sender is to be told, for each recipient alike; by default the server decides, which
    /// means failures and perhaps delays (RFC 3461 §4.1). Left out where the server offers no DSN.
    pub notify: Option<Notify>,
    /// How much of the message a failure notice gives back; by default the server decides (RFC 3461
    /// §4.3). Left out where the server offers no DSN.
    pub ret: Option<Return>,
    /// What notices call this transaction; by default nothing (RFC 3461 §4.4). Left out where the
    /// server offers no DSN.
    pub envid: Option<EnvelopeId>,
    /// Only over verified TLS, here and on each step behind the server; not sent to a server that
    /// does not promise that (RFC 8689). Default: no.
    pub require_tls: bool,
    /// Further parameters of MAIL, sent as they are whatever the server offers, no keyword twice
    /// ([`MailParameter::list`] sees to that).
    pub parameters: Vec<MailParameter>,
}

impl Options {
    /// The parameters of DSN (RFC 3461) that are wanted, by their keywords.
    pub fn dsn_keywords(&self) -> Vec<&'static str> {
        let wanted = [
            self.notify.is_some().then_some("NOTIFY"),
            self.ret.is_some().then_some("RET"),
            self.envid.is_some().then_some("ENVID"),
        ];
        wanted.into_iter().flatten().collect()
    }
}
