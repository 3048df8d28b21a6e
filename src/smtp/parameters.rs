//! MAIL and RCPT with their parameters: what this server is told of a message, and what is asked of it.
//!
//! Owns which of them it gets: SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531) and those of DSN
//! (RFC 3461, RFC 6533) where it offers them; REQUIRETLS (RFC 8689), without which `delivery` refuses; and
//! what somebody wrote out, to any server. There is no limit of length here: each extension adds to the
//! 512 octets of a command what its parameters need (RFC 5321 §4.5.3.1.4), and addresses are bounded.

use super::capability::Capabilities;
use crate::address::Address;
use crate::envelope::{Envelope, Notify, Options, Return, ReversePath};
use crate::message::Content;

/// What MAIL says of the message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Announced {
    /// Its octets, where they are known.
    pub(crate) size: Option<u64>,
    /// There are octets above 127 in its body, or may be.
    pub(crate) eight_bit: bool,
    /// Its header or its envelope needs SMTPUTF8, or may need it.
    pub(crate) utf8: bool,
}

impl Announced {
    /// What is known of a message in the form in which it is sent.
    pub(super) fn of(envelope: &Envelope, content: &Content) -> Self {
        let facts = content.facts();
        Self {
            size: Some(facts.size),
            eight_bit: facts.eight_bit.is_some(),
            utf8: envelope.needs_smtputf8() || facts.utf8_header,
        }
    }
}

/// The MAIL command for this server, which was found able to take the message.
pub(super) fn mail_command(
    offers: &Capabilities,
    sender: &ReversePath,
    options: &Options,
    message: Announced,
) -> String {
    let mut command = format!("MAIL FROM:<{sender}>");
    if let Some(size) = message.size.filter(|_| offers.size.is_some()) {
        command.push_str(&format!(" SIZE={size}"));
    }
    if message.eight_bit && offers.eight_bit_mime {
        command.push_str(" BODY=8BITMIME");
    }
    if message.utf8 {
        command.push_str(" SMTPUTF8");
    }
    if let Some(ret) = options.ret.filter(|_| offers.dsn) {
        command.push_str(match ret {
            Return::Full => " RET=FULL",
            Return::Headers => " RET=HDRS",
        });
    }
    if let Some(id) = options.envid.as_ref().filter(|_| offers.dsn) {
        command.push_str(&format!(" ENVID={}", xtext(id.as_str())));
    }
    if options.require_tls {
        command.push_str(" REQUIRETLS");
    }
    for parameter in &options.parameters {
        command.push_str(&format!(" {parameter}"));
    }
    command
}

/// That what is asked for by DSN is left out, where this server does not offer it: no notice, or one too
/// many, is no reason not to send.
pub(super) fn left_out(offers: &Capabilities, options: &Options) -> Option<String> {
    let wanted = options.dsn_keywords();
    (!wanted.is_empty() && !offers.dsn).then(|| {
        format!(
            "the server cannot be asked for notices about delivery (DSN): sent without {}",
            wanted.join(", ")
        )
    })
}

/// The RCPT command. With `notify`, which is for a server that offers DSN, the address goes along as it
/// is now, so that a notice can name the one the sender knows (ORCPT, RFC 3461 §4.2).
pub(super) fn rcpt_command(recipient: &Address, notify: Option<Notify>) -> String {
    let mut command = format!("RCPT TO:<{recipient}>");
    if let Some(notify) = notify {
        let notify = notify.to_string().to_ascii_uppercase();
        command.push_str(&format!(" NOTIFY={notify} ORCPT={}", typed(recipient)));
    }
    command
}

/// An address with its type. One outside ASCII only goes to a server with SMTPUTF8, and such a server
/// takes the type `utf-8` with its characters as they are (RFC 6533 §3, utf-8-addr-unitext).
fn typed(address: &Address) -> String {
    let text = address.to_string();
    if text.is_ascii() {
        format!("rfc822;{}", xtext(&text))
    } else {
        let encoded = encode(&text, &['+', '=', '\\'], |c| format!("\\x{{{c:02X}}}"));
        format!("utf-8;{encoded}")
    }
}

/// RFC 3461 §4.
fn xtext(text: &str) -> String {
    encode(text, &['+', '='], |c| format!("+{c:02X}"))
}

/// `text` with its spaces and what is `special` written by their numbers. There are no control characters
/// in an address or an identifier.
fn encode(text: &str, special: &[char], number: impl Fn(u32) -> String) -> String {
    let mut encoded = String::with_capacity(text.len());
    for c in text.chars() {
        if c == ' ' || special.contains(&c) {
            encoded.push_str(&number(u32::from(c)));
        } else {
            encoded.push(c);
        }
    }
    encoded
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn rcpt(recipient: &str, notify: &str) -> String {
        rcpt_command(&recipient.parse().unwrap(), Some(notify.parse().unwrap()))
    }

    #[test]
    fn a_recipient_has_no_parameters_where_nothing_is_asked() {
        let recipient = "a+b@x.org".parse().unwrap();
        assert_eq!(rcpt_command(&recipient, None), "RCPT TO:<a+b@x.org>");
    }

    #[test]
    fn the_original_recipient_is_xtext() {
        assert_eq!(
            rcpt("a+b=c@x.org", "never"),
            "RCPT TO:<a+b=c@x.org> NOTIFY=NEVER ORCPT=rfc822;a+2Bb+3Dc@x.org"
        );
        assert_eq!(
            rcpt("\"a b\\\"\"@x.org", "delay,success"),
            "RCPT TO:<\"a b\\\"\"@x.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;\"a+20b\\\"\"@x.org"
        );
        assert_eq!(
            rcpt("a@b\u{fc}cher.example", "failure"),
            "RCPT TO:<a@xn--bcher-kva.example> NOTIFY=FAILURE ORCPT=rfc822;a@xn--bcher-kva.example"
        );
    }

    #[test]
    fn an_original_recipient_outside_ascii_has_a_type_of_its_own() {
        assert_eq!(
            rcpt("j\u{f6}rg+x=y@x.org", "never"),
            "RCPT TO:<j\u{f6}rg+x=y@x.org> NOTIFY=NEVER ORCPT=utf-8;j\u{f6}rg\\x{2B}x\\x{3D}y@x.org"
        );
        assert_eq!(
            rcpt("\"\u{f6} \\\\\"@x.org", "never"),
            "RCPT TO:<\"\u{f6} \\\\\"@x.org> NOTIFY=NEVER ORCPT=utf-8;\"\u{f6}\\x{20}\\x{5C}\\x{5C}\"@x.org"
        );
    }
}
