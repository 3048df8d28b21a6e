//! The plan: where to submit, how to be trusted, who we are, how long to wait. A pure value.

use std::fmt;
use std::str::FromStr;

use crate::address::{address_literal, domain_to_ascii};
use crate::failure::{Failure, Kind, Result};
use crate::route::{Outbound, Rung, Security};
use crate::smtp::{AuthChoice, CleartextAuth, Credentials, QuitAfter, TlsTerms, Trust, Waits};

/// How a message shall be submitted.
///
/// Starts from [`Plan::new`] with the defaults; the fields are set from there.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The steps of the port policy, over all servers, in order.
    pub rungs: Vec<Rung>,
    /// How this machine is left; default: straight, from any address.
    pub outbound: Outbound,
    /// Whose certificates are believed; default: Mozilla's authorities, compiled in.
    pub trust: Trust,
    /// How TLS has to be spoken; default: TLS 1.2 or later, for the host's own name.
    pub tls: TlsTerms,
    /// With whom to authenticate; default: nobody.
    pub credentials: Option<Credentials>,
    /// By which mechanism; default: the best one offered.
    pub auth: AuthChoice,
    /// Whether credentials may leave without TLS; default: they may not.
    pub cleartext_auth: Option<CleartextAuth>,
    /// The name given with EHLO; default: the address of our end of the connection.
    pub ehlo: Option<EhloName>,
    /// How long to wait.
    pub waits: Waits,
    /// Use PIPELINING where it is offered; default: yes.
    pub pipelining: bool,
    /// Use CHUNKING (RFC 3030) where it is offered; default: yes.
    pub chunking: bool,
    /// Wait for the reply to AUTH before anything else is sent, also where AUTH may lead a group
    /// of commands (RFC 4954 §4); default: no.
    pub auth_first: bool,
    /// Nobody gets the message unless everybody is accepted; default: no.
    pub all_or_nothing: bool,
    /// How many more times to try after a temporary failure; default: 0.
    pub retries: u32,
    /// Where to end, so that nothing is sent; default: nowhere.
    pub quit_after: Option<QuitAfter>,
}

impl Plan {
    /// The plan that goes over `rungs` with the defaults.
    pub fn new(rungs: Vec<Rung>) -> Self {
        Self {
            rungs,
            outbound: Outbound::default(),
            trust: Trust {
                webpki: true,
                ..Trust::default()
            },
            tls: TlsTerms::default(),
            credentials: None,
            auth: AuthChoice::Auto,
            cleartext_auth: None,
            ehlo: None,
            waits: Waits::default(),
            pipelining: true,
            chunking: true,
            auth_first: false,
            all_or_nothing: false,
            retries: 0,
            quit_after: None,
        }
    }

    /// The credentials that will be used, if any.
    pub fn effective_credentials(&self) -> Option<&Credentials> {
        self.credentials
            .as_ref()
            .filter(|_| self.auth != AuthChoice::Never)
    }

    /// Whether some rung goes without TLS.
    pub fn has_clear_rung(&self) -> bool {
        self.rungs
            .iter()
            .any(|rung| rung.security == Security::None)
    }
}

/// A name a client may give itself (RFC 5321 §4.1.1.1): a domain or an address literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EhloName(String);

impl EhloName {
    /// The name as it goes on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EhloName {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self> {
        let bad = || {
            Failure::new(
                Kind::Usage,
                format!("\"{text}\" is no name for EHLO: a domain or [address] is"),
            )
        };
        let name = if text.starts_with('[') && text.ends_with(']') {
            address_literal(text).map_err(|_| bad())?
        } else {
            domain_to_ascii(text).map_err(|_| bad())?
        };
        Ok(Self(name))
    }
}

impl fmt::Display for EhloName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_ehlo_name_is_a_domain_or_a_literal() {
        for good in [
            "mail.example.com",
            "localhost",
            "[192.0.2.1]",
            "[IPv6:2001:db8::1]",
        ] {
            assert_eq!(good.parse::<EhloName>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "a b",
            "a\r\nMAIL",
            "[1.2.3.4",
            "a]",
            "<x>",
            "[]",
            "[a:b]",
            "[a.b.]",
        ] {
            assert!(bad.parse::<EhloName>().is_err(), "{bad:?}");
        }
    }
}
