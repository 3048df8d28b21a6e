//! Address lists, as people write them and as a header shows them.
//!
//! Owns the order of the members and the groups among them (RFC 5322 §3.4). Written for a header,
//! a list is ASCII and folded, except for a local part that is not ASCII (RFC 6532).

use std::fmt;
use std::fmt::Write as _;
use std::str::FromStr;

use email_encoding::headers::writer::EmailWriter;

use super::words::{self, Charset};
use super::{Address, Mailbox, parser};
use crate::failure::{Failure, Result};

/// Mailboxes and groups of them, in the order they were written. May be empty.
///
/// ```
/// use smtpsend::address::AddressList;
/// let list = AddressList::parse(r#""Smith, Bob" <bob@x.org>, team: a@x.org, b@x.org;"#)?;
/// assert_eq!(list.mailboxes().count(), 3);
/// # Ok::<(), smtpsend::failure::Failure>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressList {
    members: Vec<Member>,
}

/// One member of an [`AddressList`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Member {
    /// A mailbox of its own.
    Mailbox(Mailbox),
    /// A named group, such as `undisclosed-recipients:;`.
    Group {
        /// The name before the colon.
        name: String,
        /// Its mailboxes; may be empty.
        members: Vec<Mailbox>,
    },
}

impl AddressList {
    /// Reads a list: names, comments, groups, routes, quoted local parts, empty elements, and
    /// `;` for `,`.
    ///
    /// # Errors
    /// [`Kind::Message`](crate::failure::Kind::Message), naming the element and what is wrong
    /// with it.
    pub fn parse(text: &str) -> Result<Self> {
        parser::list(text, None).map(|members| Self { members })
    }

    /// Reads a list in which local parts may stand without a domain, as on the machine where they
    /// are known: each becomes the address that `complete` gives for it (without its quotes), and
    /// is left out where there is none.
    ///
    /// ```
    /// use smtpsend::address::{Address, AddressList};
    /// let list = AddressList::parse_local("root, Bob <bob@x.org>", |local| {
    ///     Address::new(local, "example.com").ok()
    /// })?;
    /// assert_eq!(list.addresses().next().unwrap().to_string(), "root@example.com");
    /// # Ok::<(), smtpsend::failure::Failure>(())
    /// ```
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_local(
        text: &str,
        mut complete: impl FnMut(&str) -> Option<Address>,
    ) -> Result<Self> {
        parser::list(text, Some(&mut complete)).map(|members| Self { members })
    }

    /// The members in their order.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Every mailbox, those in groups included.
    pub fn mailboxes(&self) -> impl Iterator<Item = &Mailbox> {
        self.members.iter().flat_map(|member| match member {
            Member::Mailbox(mailbox) => std::slice::from_ref(mailbox),
            Member::Group { members, .. } => members,
        })
    }

    /// Every address, those in groups included.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.mailboxes().map(Mailbox::address)
    }

    /// Whether it has no member at all; a list of one empty group has one.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Puts the members of `other` after its own, as a repeated flag does.
    pub fn append(&mut self, other: Self) {
        self.members.extend(other.members);
    }

    /// Whether an address in it can be written in a header of a message with SMTPUTF8 only.
    pub fn needs_smtputf8(&self) -> bool {
        self.addresses().any(Address::needs_smtputf8)
    }

    /// The value of a header field whose name has `name_len` octets, folded with CRLF, without
    /// the space after the colon and the line end after the value.
    ///
    /// ASCII, unless [`needs_smtputf8`](Self::needs_smtputf8).
    pub fn header_value(&self, name_len: usize) -> String {
        self.header_value_in(name_len, Charset::Utf8)
    }

    /// The same, for names in `charset`.
    pub(crate) fn header_value_in(&self, name_len: usize, charset: Charset) -> String {
        let mut value = String::new();
        let mut writer = EmailWriter::new(&mut value, name_len + 2, 0, false);
        // A String takes all that is written to it.
        let _ = self.write(charset, &mut writer);
        drop(writer);
        value
    }

    fn write(&self, charset: Charset, w: &mut EmailWriter<'_>) -> fmt::Result {
        for (index, member) in self.members.iter().enumerate() {
            if index > 0 {
                w.write_char(',')?;
                w.space();
            }
            match member {
                Member::Mailbox(mailbox) => mailbox.write(charset, w)?,
                Member::Group { name, members } => {
                    words::phrase(name, charset, w)?;
                    w.write_char(':')?;
                    for (index, mailbox) in members.iter().enumerate() {
                        if index > 0 {
                            w.write_char(',')?;
                        }
                        w.space();
                        mailbox.write(charset, w)?;
                    }
                    w.write_char(';')?;
                }
            }
        }
        Ok(())
    }
}

impl FromStr for AddressList {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl From<Mailbox> for AddressList {
    fn from(mailbox: Mailbox) -> Self {
        Self {
            members: vec![Member::Mailbox(mailbox)],
        }
    }
}

impl Extend<Member> for AddressList {
    fn extend<T: IntoIterator<Item = Member>>(&mut self, members: T) {
        self.members.extend(members);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn rendered(text: &str) -> String {
        AddressList::parse(text).unwrap().header_value(2)
    }

    #[test]
    fn names_are_written_as_simply_as_they_can_be() {
        for (text, value) in [
            ("bob@x.org", "bob@x.org"),
            ("Bob Smith <bob@x.org>", "Bob Smith <bob@x.org>"),
            ("\"Smith, Bob\" <bob@x.org>", "\"Smith, Bob\" <bob@x.org>"),
            ("John Q. Public <j@x.org>", "\"John Q. Public\" <j@x.org>"),
            ("bob@x.org (Bob)", "Bob <bob@x.org>"),
            (r#""a \"b\" \\c" <b@x.org>"#, r#""a \"b\" \\c" <b@x.org>"#),
            ("Jörg <j@x.org>", "=?utf-8?b?SsO2cmc=?= <j@x.org>"),
            (
                "=?utf-8?q?J=C3=B6rg?= Foo <j@x.org>",
                "=?utf-8?q?J=C3=B6rg?= Foo <j@x.org>",
            ),
            ("t: a@x.org, B <b@x.org>;", "t: a@x.org, B <b@x.org>;"),
            ("undisclosed-recipients:;", "undisclosed-recipients:;"),
            ("a@x.org,,b@x.org,", "a@x.org, b@x.org"),
            ("<@r,@s:a@x.org>", "a@x.org"),
            ("\"a b\"@x.org", "\"a b\"@x.org"),
            ("jörg@x.org", "jörg@x.org"),
        ] {
            assert_eq!(rendered(text), value);
        }
    }

    #[test]
    fn what_was_written_reads_back_the_same() {
        for text in [
            "\"Smith, Bob\" <bob@x.org>, t: \"x y\"@x.org;, (c) a@x.org",
            "\"a  b\" <a@x.org>",
            "\"a@b\" <a@x.org>",
        ] {
            let list = AddressList::parse(text).unwrap();
            assert_eq!(AddressList::parse(&rendered(text)).unwrap(), list, "{text}");
        }
    }

    #[test]
    fn a_name_with_an_encoded_word_cannot_add_an_address() {
        let value = rendered("\"=?utf-8?q?a?= <evil@x.org>,\" <a@x.org>");
        let list = AddressList::parse(&value).unwrap();
        assert_eq!(list.addresses().count(), 1);
        assert!(!value.contains("evil"), "{value}");
    }

    #[test]
    fn a_long_list_is_folded_between_its_members() {
        let mut list = AddressList::default();
        for n in 0..100 {
            list.append(AddressList::parse(&format!("Person {n} <person{n}@x.org>")).unwrap());
        }
        let value = list.header_value(2);
        assert!(value.split("\r\n").all(|line| line.len() <= 78));
        assert!(
            value
                .split("\r\n")
                .skip(1)
                .all(|line| line.starts_with(' '))
        );
        let unfolded = value.replace("\r\n", "");
        assert_eq!(AddressList::parse(&unfolded).unwrap(), list);
    }

    #[test]
    fn no_name_makes_a_long_line() {
        for name in [
            "x".repeat(5000),
            "\" \"".repeat(2000),
            "ü ".repeat(3000),
            format!("a{}b", " ".repeat(3000)),
        ] {
            let mailbox = Mailbox::new(Some(&name), "a@x.org".parse().unwrap()).unwrap();
            let value = AddressList::from(mailbox).header_value(2);
            assert!(value.split("\r\n").all(|line| line.len() <= 78), "{value}");
            assert!(value.is_ascii());
        }
    }
}
