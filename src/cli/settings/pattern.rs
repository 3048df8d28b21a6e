//! Whom a profile is for: an address, or `*@domain` for all of a domain.
//!
//! Written as an address list is, in which `*` is a local part like any other: so names, commas and
//! international domains are understood as everywhere. Refuses other uses of `*`, which would
//! silently mean nothing.

use crate::address::{Address, AddressList};
use crate::failure::{Failure, Kind, Result};

/// Stands for every local part.
const ANYBODY: &str = "*";

/// From addresses that a profile is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// One address.
    Address(Address),
    /// All addresses of this domain, in A-labels.
    Domain(String),
}

impl Pattern {
    /// Reads a list of them, with commas.
    ///
    /// # Errors
    /// `Config` when one is neither an address nor `*@domain`.
    pub(super) fn list(text: &str) -> Result<Vec<Self>> {
        let bad = |words: &str| {
            Failure::new(Kind::Config, words)
                .with_hint("an address, or *@example.org for all there")
        };
        let list = AddressList::parse(text).map_err(|failure| bad(&failure.message))?;
        let patterns = list.addresses().map(|address| match address.local() {
            ANYBODY => Ok(Self::Domain(address.domain().to_owned())),
            local if local.contains(ANYBODY) => Err(bad(&format!(
                "\"{address}\": * stands for all before the @"
            ))),
            _ => Ok(Self::Address(address.clone())),
        });
        let patterns = patterns.collect::<Result<Vec<_>>>()?;
        if patterns.is_empty() {
            return Err(bad("no address"));
        }
        Ok(patterns)
    }

    /// Whether it is this very address.
    pub(super) fn is_address(&self, from: &Address) -> bool {
        // Local parts are compared as providers do, without regard to case.
        let folded = |address: &Address| address.to_string().to_lowercase();
        matches!(self, Self::Address(own) if folded(own) == folded(from))
    }

    /// Whether it stands for all addresses of this one's domain.
    pub(super) fn is_domain_of(&self, from: &Address) -> bool {
        matches!(self, Self::Domain(domain) if domain == from.domain())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_domains_are_read() {
        let patterns = Pattern::list("\"Doe, J\" <j@x.org>, *@Bücher.example,*@X.org").unwrap();
        assert_eq!(
            patterns,
            [
                Pattern::Address("j@x.org".parse().unwrap()),
                Pattern::Domain("xn--bcher-kva.example".to_owned()),
                Pattern::Domain("x.org".to_owned()),
            ]
        );
        assert!(patterns[0].is_address(&"J@x.org".parse().unwrap()));
        assert!(patterns[1].is_domain_of(&"a@bücher.example".parse().unwrap()));
        assert!(!patterns[2].is_domain_of(&"a@sub.x.org".parse().unwrap()));
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in [
            "@x.com",
            "x.com",
            "*",
            "*@*.x.com",
            "bob@",
            "garbage <<<",
            "bob*@x.com",
            "nobody:;",
        ] {
            assert_eq!(
                Pattern::list(text).unwrap_err().kind,
                Kind::Config,
                "{text}"
            );
        }
    }
}
