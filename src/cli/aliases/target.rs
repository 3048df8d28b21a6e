//! Where an alias leads, and how programs write to whom a message goes.
//!
//! Owns the reading of both: addresses as in a header, local parts that stand alone, `\name` for a
//! user who is looked up no further. What sendmail would hand to a program, a file or a list in a file
//! is known and kept by its name, for whoever needs it to refuse: nothing here runs or writes.

use std::fmt;

use crate::address::{Address, AddressList};
use crate::failure::{Failure, Kind, Result};

/// An address as it was written on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Written {
    /// With its domain.
    Address(Address),
    /// A local part alone, without quotes.
    Local(String),
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Local(local) => f.write_str(local),
        }
    }
}

/// One place where an alias leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// An address, or another alias.
    Written(Written),
    /// A local part that is looked up no further (`\name`).
    Final(String),
    /// `|command`, `/file` or `:include:file`.
    Unserved(String),
}

impl Target {
    /// All that stand in the value of an alias.
    ///
    /// # Errors
    /// `Message` when one does not read as an address.
    pub(crate) fn all(value: &str) -> Result<Vec<Self>> {
        let mut targets = Vec::new();
        for member in members(value) {
            let bare = unquoted(member);
            if is_unserved(bare) {
                targets.push(Self::Unserved(bare.to_owned()));
            } else if let Some(local) = bare.strip_prefix('\\').filter(|it| !it.contains('@')) {
                targets.push(Self::Final(local.to_owned()));
            } else {
                targets.extend(written(member)?.into_iter().map(Self::Written));
            }
        }
        Ok(targets)
    }
}

/// The addresses in a list in which local parts may stand alone, in their order.
///
/// # Errors
/// `Message` when it does not read as such a list, or an address was not UTF-8 where it was read.
pub(crate) fn written(list: &str) -> Result<Vec<Written>> {
    let mut locals = Vec::new();
    let list = AddressList::parse_local(list, |local| {
        locals.push(Written::Local(local.to_owned()));
        None
    })?;
    let addresses = list.addresses().cloned().map(Written::Address);
    let all: Vec<Written> = addresses.chain(locals).collect();
    // It would be somebody else's.
    let altered = |one: &&Written| one.to_string().contains(char::REPLACEMENT_CHARACTER);
    match all.iter().find(altered) {
        Some(one) => {
            let words = format!("the address \"{one}\" is not valid UTF-8");
            Err(Failure::new(Kind::Message, words))
        }
        None => Ok(all),
    }
}

/// Whether it names what sendmail would hand to a program, a file or a list in a file.
pub(crate) fn is_unserved(text: &str) -> bool {
    text.starts_with(['|', '/']) || text.starts_with(":include:")
}

/// What stands between the commas of a list that are not in quotes or brackets.
fn members(list: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped, mut depth) = (false, false, 0_usize);
    let parts = list.split(move |c| {
        let plain = !std::mem::take(&mut escaped);
        match c {
            '\\' => escaped = plain,
            '"' if plain => quoted = !quoted,
            '(' | '<' if plain && !quoted => depth += 1,
            ')' | '>' if plain && !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && plain && !quoted && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty())
}

/// Without the quotes around all of it.
fn unquoted(text: &str) -> &str {
    let inner = text.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    inner.unwrap_or(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn local(name: &str) -> Target {
        Target::Written(Written::Local(name.to_owned()))
    }

    fn address(text: &str) -> Target {
        Target::Written(Written::Address(text.parse().unwrap()))
    }

    #[test]
    fn a_value_names_any_number_of_targets() {
        let unserved = |text: &str| Target::Unserved(text.to_owned());
        for (value, targets) in [
            ("", vec![]),
            ("root", vec![local("root")]),
            ("a@x.org, bob,", vec![address("a@x.org"), local("bob")]),
            (
                "\"Smith, Bob\" <b@x.org>, c@x.org (a, b)",
                vec![address("b@x.org"), address("c@x.org")],
            ),
            (
                "\\bob, bob",
                vec![Target::Final("bob".into()), local("bob")],
            ),
            (
                "\"|/bin/a -x, b\", |cat, /var/mail/x",
                vec![
                    unserved("|/bin/a -x, b"),
                    unserved("|cat"),
                    unserved("/var/mail/x"),
                ],
            ),
            (
                ":include:/etc/list, root",
                vec![unserved(":include:/etc/list"), local("root")],
            ),
            ("\"bob smith\"", vec![local("bob smith")]),
        ] {
            assert_eq!(Target::all(value).unwrap(), targets, "{value}");
        }
        assert!(Target::all("two words").is_err());
        assert!(Target::all("bob <b@x.org").is_err());
    }

    #[test]
    fn recipients_are_written_in_several_ways() {
        let written = |text: &str| {
            let all = written(text).unwrap().into_iter().map(|it| match it {
                Written::Address(address) => address.to_string(),
                Written::Local(local) => local,
            });
            all.collect::<Vec<_>>().join(" ")
        };
        for (text, expected) in [
            ("a@x,b@y", "a@x b@y"),
            ("Bob <x@y>", "x@y"),
            ("root", "root"),
            ("<root>", "root"),
            ("Bob <root>, a@x", "a@x root"),
            ("", ""),
        ] {
            assert_eq!(written(text), expected, "{text}");
        }
    }
}
