//! Addresses of which parts are inserted: who is written to is what the template says, whatever a value holds.
//!
//! Each inserted value stands between two marks, control characters that neither a template nor a value may
//! hold. The list is read with a placeholder for each value, so that its structure is the template's alone, and
//! the values are put in afterwards: as text into a name, as a whole address where nothing else stands for one, or
//! as part of one. A value is never more than one address, unless the filter `addresses` says that it is a list.

use std::borrow::Cow;

use minijinja::value::Value;
use minijinja::{Error, ErrorKind};

use super::rows::listed;
use crate::address::{Address, AddressList, Mailbox, Member};
use crate::failure::{Failure, Kind, Result, excerpt};

/// Stands before an inserted value.
pub(super) const BEGIN: char = '\u{1}';
/// Stands behind it.
pub(super) const END: char = '\u{2}';
/// What placeholders begin with; a number and `z` follow. An atom in lower case, which a domain may hold.
const STEM: &str = "z0smtpsend0";
/// The domain of a placeholder that is a whole address.
const WHOLE: &str = "whole.invalid";

/// Whether a character would be taken for a mark.
pub(super) const fn is_mark(c: char) -> bool {
    matches!(c, BEGIN | END)
}

/// The filter `addresses`: a list of addresses, to be inserted as it is.
///
/// # Errors
/// When it is none.
pub(super) fn addresses(value: &Value) -> std::result::Result<Value, Error> {
    let text = listed(value);
    match AddressList::parse(&text) {
        Ok(_) => Ok(Value::from_safe_string(text)),
        Err(failure) => Err(Error::new(ErrorKind::InvalidOperation, failure.message)),
    }
}

/// The list in a text in which inserted values are marked. The stem must not stand in the template, which is the
/// caller's to see to: [`is_ambiguous`].
///
/// # Errors
/// [`Kind::Message`] when it is no list of addresses.
pub(super) fn list(marked: &str) -> Result<AddressList> {
    let (text, values) = without_values(marked)?;
    let values = Values(values);
    if values.0.is_empty() {
        return AddressList::parse(&text);
    }
    // A local part that stands alone may be a value that is an address.
    let mut failure = None;
    let read = AddressList::parse_local(&text, |local| {
        let whole = values.whole(local).map(Cow::Borrowed);
        match whole {
            Some(value) => match one_address(&value) {
                // Put in below, with the name that it may bring along.
                Ok(_) => Address::new(local, WHOLE).ok(),
                Err(why) => {
                    failure.get_or_insert(why);
                    None
                }
            },
            None => {
                let local = values.told(local);
                let why = format!("\"{}\": has no domain", excerpt(&local));
                failure.get_or_insert(Failure::new(Kind::Message, why));
                None
            }
        }
    });
    if let Some(failure) = failure {
        return Err(failure);
    }
    let read = read.map_err(|failure| Failure {
        message: values.told(&failure.message),
        ..failure
    })?;
    let mut list = AddressList::default();
    for member in read.members() {
        list.extend([match member {
            Member::Mailbox(mailbox) => Member::Mailbox(values.mailbox(mailbox)?),
            Member::Group { name, members } => Member::Group {
                name: values.put_into(name),
                members: members
                    .iter()
                    .map(|mailbox| values.mailbox(mailbox))
                    .collect::<Result<_>>()?,
            },
        }]);
    }
    Ok(list)
}

/// Whether a template holds what placeholders are made of.
pub(super) fn is_ambiguous(template: &str) -> bool {
    template.to_ascii_lowercase().contains(STEM)
}

/// The text with a placeholder for each value, and the values.
fn without_values(marked: &str) -> Result<(String, Vec<&str>)> {
    let mut text = String::with_capacity(marked.len());
    let mut values = Vec::new();
    let mut rest = marked;
    while let Some((before, value)) = rest.split_once(BEGIN) {
        let (value, after) = value.split_once(END).unwrap_or((value, ""));
        text.push_str(before);
        // Nothing inserted is nothing there.
        if !value.trim().is_empty() {
            if let Some(c) = value.chars().find(|c| c.is_control()) {
                let c = u32::from(c);
                let words = format!(
                    "\"{}\" holds the control character U+{c:04X}",
                    excerpt(value)
                );
                return Err(Failure::new(Kind::Message, words));
            }
            text.push_str(&format!("{STEM}{}z", values.len()));
            values.push(value.trim());
        }
        rest = after;
    }
    text.push_str(rest);
    Ok((text, values))
}

/// The one mailbox that a value is.
fn one_address(value: &str) -> Result<Mailbox> {
    let list = AddressList::parse(value)?;
    match list.members() {
        [Member::Mailbox(mailbox)] => Ok(mailbox.clone()),
        _ => {
            let words = format!("\"{}\" is not one address", excerpt(value));
            Err(Failure::new(Kind::Message, words)
                .with_hint("a list is inserted by {{ name|addresses }}"))
        }
    }
}

/// What is inserted, by the numbers of the placeholders.
struct Values<'v>(Vec<&'v str>);

impl Values<'_> {
    /// The value, where a text is nothing but its placeholder.
    fn whole(&self, text: &str) -> Option<&str> {
        let number = text.strip_prefix(STEM)?.strip_suffix('z')?;
        self.0.get(number.parse::<usize>().ok()?).copied()
    }

    /// The text with the values in it.
    fn put_into(&self, text: &str) -> String {
        let mut pieces = text.split(STEM);
        let mut put = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let value = piece.split_once('z').and_then(|(number, after)| {
                Some((self.0.get(number.parse::<usize>().ok()?)?, after))
            });
            match value {
                Some((value, after)) => {
                    put.push_str(value);
                    put.push_str(after);
                }
                None => {
                    put.push_str(STEM);
                    put.push_str(piece);
                }
            }
        }
        put
    }

    /// The words of a failure, with what the user knows instead of placeholders.
    fn told(&self, words: &str) -> String {
        self.put_into(words)
    }

    fn mailbox(&self, mailbox: &Mailbox) -> Result<Mailbox> {
        let read = mailbox.address();
        let name = mailbox.name().map(|name| self.put_into(name));
        let (own_name, address) = match self.whole(read.local()) {
            Some(value) if read.domain() == WHOLE => {
                let own = one_address(value)?;
                (own.name().map(str::to_owned), own.address().clone())
            }
            _ => {
                let domain = read.domain();
                let is_encoded = |label: &str| label.starts_with("xn--") && label.contains(STEM);
                if domain.split('.').any(is_encoded) {
                    let words = "an inserted value is not a part of an international label";
                    return Err(Failure::new(Kind::Message, words)
                        .with_hint("let the whole domain be one value"));
                }
                let (local, domain) = (self.put_into(read.local()), self.put_into(domain));
                (None, Address::new(&local, &domain)?)
            }
        };
        Mailbox::new(name.or(own_name).as_deref(), address)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    /// The template with `{}` for each value.
    fn marked(template: &str, values: &[&str]) -> String {
        let mut pieces = template.split("{}");
        let mut text = pieces.next().unwrap().to_owned();
        for (piece, value) in pieces.zip(values) {
            text += &format!("{BEGIN}{value}{END}{piece}");
        }
        text
    }

    fn read(template: &str, values: &[&str]) -> Result<Vec<(Option<String>, String)>> {
        let list = list(&marked(template, values))?;
        let told = |mailbox: &Mailbox| {
            (
                mailbox.name().map(str::to_owned),
                mailbox.address().to_string(),
            )
        };
        Ok(list.mailboxes().map(told).collect())
    }

    #[test]
    fn a_hostile_name_stays_a_name() {
        for name in [
            "Smith, Bob",
            "\"x\" <evil@x.org>",
            "evil@x.org,",
            "<evil@x.org>, a",
            "a\" <evil@x.org>, \"b",
            "evil@x.org (",
            "team: evil@x.org;",
            "\\",
            "\"",
            "=?utf-8?q?x?= <evil@x.org>",
            "z0smtpsend01z",
        ] {
            for template in ["{} <{}>", "\"{}\" <{}>", "Dr. {} <{}>", "{} <{}>,"] {
                let read = read(template, &[name, "bob@y.org"]).unwrap();
                assert_eq!(read.len(), 1, "{template} {name}");
                assert_eq!(read[0].1, "bob@y.org", "{template} {name}");
                let shown = read[0].0.as_deref().unwrap();
                assert!(shown.ends_with(name), "{template} {name}: {shown}");
            }
        }
    }

    #[test]
    fn a_value_is_never_more_than_one_address() {
        for value in [
            "a@x.org, evil@x.org",
            "a@x.org; evil@x.org",
            "team: a@x.org;",
            "a@x.org> <evil@x.org",
            "bob",
            "a@x.org evil@x.org",
            "a@x.org\r\nBcc: evil@x.org",
        ] {
            for template in ["{}", "Bob <{}>", "{}, c@x.org"] {
                assert!(read(template, &[value]).is_err(), "{template} {value}");
            }
        }
        assert_eq!(
            read("{}, {}", &["Bob <b@x.org>", "c@x.org"]).unwrap(),
            [
                (Some("Bob".into()), "b@x.org".into()),
                (None, "c@x.org".into())
            ]
        );
    }

    #[test]
    fn a_part_of_an_address_stays_a_part_of_it() {
        let address =
            |template, values: &[&str]| read(template, values).map(|all| all[0].1.clone());
        assert_eq!(address("{}@x.org", &["bob"]).unwrap(), "bob@x.org");
        assert_eq!(
            address("{}.{}@{}", &["a", "b", "Y.org"]).unwrap(),
            "a.b@y.org"
        );
        assert_eq!(
            address("{}@x.org", &["evil@y.org,"]).unwrap(),
            "\"evil@y.org,\"@x.org"
        );
        assert!(address("a@{}", &["x.org, evil@y.org"]).is_err());
        assert!(address("{}", &["bob"]).is_err());
        assert!(address("bob", &[]).is_err());
        assert!(address("bob{}", &["x"]).is_err());
        assert!(address("a@bü{}.org", &["x"]).is_err());
        assert_eq!(
            address("{}@whole.example", &["a@x.org"]).unwrap(),
            "\"a@x.org\"@whole.example"
        );
    }

    #[test]
    fn what_comes_out_empty_is_left_out() {
        assert_eq!(read("{}", &[" "]).unwrap(), []);
        assert_eq!(read("a@x.org, {}", &[""]).unwrap().len(), 1);
        assert_eq!(
            read("{} <{}>", &["", "a@x.org"]).unwrap(),
            [(None, "a@x.org".into())]
        );
    }

    #[test]
    fn a_failure_names_what_was_inserted() {
        let failure = read("{} <{}>", &["Bob", "b@@x.org"]).unwrap_err();
        assert!(failure.message.contains("b@@x.org"), "{failure}");
        let failure = read("{}@x org", &["bob"]).unwrap_err();
        assert!(!failure.message.contains(STEM), "{failure}");
    }
}
