//! From tokens to addresses and lists (RFC 5322 §3.4 and §4.4).
//!
//! Takes what people and old programs write: routes, comments, empty elements, `;` for `,`.
//! Refuses groups in groups, two addresses without a comma between them (a recipient would be
//! lost as part of a name), and what has no domain, unless somebody completes it.

use super::addr_spec::{addr_spec, is_bare, local_part};
use super::lexer::{Token, TokenKind, fault, missing, tokens, unexpected};
use super::{Address, Mailbox, Member};
use crate::failure::{Failure, Kind, Result};

/// Reads one bare address.
pub(super) fn address(text: &str) -> Result<Address> {
    let text = text.trim_matches([' ', '\t']);
    if text.is_empty() {
        return Err(Failure::new(Kind::Message, "the address is empty"));
    }
    let tokens = tokens(text)?;
    for token in &tokens {
        match token.kind {
            TokenKind::Comment(_) => return Err(unexpected(text, token.at, "comment")),
            TokenKind::Special(c) if !matches!(c, '@' | '.') => {
                return Err(unexpected(text, token.at, &format!("\"{c}\"")));
            }
            _ => {}
        }
        if token.spaced {
            return Err(unexpected(text, token.at - 1, "space"));
        }
    }
    addr_spec(text, &tokens)
}

/// The address that a local part without a domain stands for; without one it is left out of its list.
pub(super) type Complete<'c> = dyn FnMut(&str) -> Option<Address> + 'c;

/// Reads a list, in which every address has a domain unless somebody `complete`s it.
pub(super) fn list(text: &str, complete: Option<&mut Complete<'_>>) -> Result<Vec<Member>> {
    let mut list = ListParser {
        text,
        complete,
        members: Vec::new(),
        group: None,
        element: Element::default(),
    };
    let mut tokens = tokens(text)?.into_iter();
    while let Some(token) = tokens.next() {
        list.take(token, &mut tokens)?;
    }
    list.finish()
}

/// What stands between two separators, as far as it was read.
#[derive(Default)]
struct Element<'a> {
    words: Vec<Token<'a>>,
    comment: Option<String>,
    /// Whether an address in angle brackets was read, and which.
    closed: bool,
    angle: Option<Address>,
}

struct ListParser<'a, 'c, 'd> {
    text: &'a str,
    complete: Option<&'c mut Complete<'d>>,
    members: Vec<Member>,
    /// The group that is open: where its colon stands, its name, its mailboxes so far.
    group: Option<(usize, String, Vec<Mailbox>)>,
    element: Element<'a>,
}

impl<'a> ListParser<'a, '_, '_> {
    fn take(&mut self, token: Token<'a>, rest: &mut impl Iterator<Item = Token<'a>>) -> Result<()> {
        match token.kind {
            TokenKind::Special(',') => self.end_element(),
            TokenKind::Special(';') => {
                self.end_element()?;
                self.end_group();
                Ok(())
            }
            TokenKind::Special(':') => self.start_group(token.at),
            TokenKind::Special('>') => Err(unexpected(self.text, token.at, "\">\"")),
            TokenKind::Comment(comment) => {
                self.element.comment = Some(comment);
                Ok(())
            }
            _ if self.element.closed => Err(fault(
                self.text,
                token.at,
                "unexpected text after \">\" (is a comma missing?)",
            )),
            TokenKind::Special('<') => {
                self.element.angle = self.angle(token.at, rest)?;
                self.element.closed = true;
                Ok(())
            }
            _ => {
                self.element.words.push(token);
                Ok(())
            }
        }
    }

    fn start_group(&mut self, at: usize) -> Result<()> {
        if self.group.is_some() {
            return Err(fault(self.text, at, "a group inside a group"));
        }
        let element = std::mem::take(&mut self.element);
        let bad = element
            .words
            .iter()
            .any(|word| word.kind == TokenKind::Special('@'));
        if element.words.is_empty() || element.closed || bad {
            return Err(unexpected(self.text, at, "\":\""));
        }
        self.group = Some((at, phrase(&element.words), Vec::new()));
        Ok(())
    }

    fn end_group(&mut self) {
        if let Some((_, name, members)) = self.group.take() {
            self.members.push(Member::Group { name, members });
        }
    }

    fn end_element(&mut self) -> Result<()> {
        let element = std::mem::take(&mut self.element);
        let (name, address) = if element.closed {
            let name = phrase(&element.words);
            self.check_name(&element.words, &name, element.angle.as_ref())?;
            let name = Some(name).filter(|name| !name.is_empty());
            (name.or(element.comment), element.angle)
        } else if element.words.is_empty() {
            return Ok(());
        } else {
            (element.comment, self.address(&element.words)?)
        };
        let Some(address) = address else {
            return Ok(());
        };
        let mailbox = Mailbox::new(name.as_deref(), address)?;
        match &mut self.group {
            Some((_, _, members)) => members.push(mailbox),
            None => self.members.push(Member::Mailbox(mailbox)),
        }
        Ok(())
    }

    /// The address in these words; none for a local part alone that nobody completes.
    fn address(&mut self, words: &[Token<'_>]) -> Result<Option<Address>> {
        match &mut self.complete {
            Some(complete) if is_bare(words) => Ok(complete(&local_part(self.text, words)?)),
            _ => addr_spec(self.text, words).map(Some),
        }
    }

    /// `a@x.org <a@x.org>` is common. Any other unquoted @ in a name is two addresses with no
    /// comma between them.
    fn check_name(&self, words: &[Token<'_>], name: &str, address: Option<&Address>) -> Result<()> {
        let at = words
            .iter()
            .find(|word| word.kind == TokenKind::Special('@'));
        match at {
            Some(_) if address.is_some_and(|it| name.eq_ignore_ascii_case(&it.to_string())) => {
                Ok(())
            }
            Some(word) => Err(fault(
                self.text,
                word.at,
                "\"@\" in a name (quote the name, or is a comma missing?)",
            )),
            None => Ok(()),
        }
    }

    /// Reads to the `>`, dropping a route such as `@a,@b:`.
    fn angle(
        &mut self,
        open: usize,
        rest: &mut impl Iterator<Item = Token<'a>>,
    ) -> Result<Option<Address>> {
        let mut inner: Vec<Token<'a>> = Vec::new();
        let mut route = false;
        for token in rest {
            match token.kind {
                TokenKind::Special('>') if inner.is_empty() => {
                    return Err(fault(self.text, open, "no address in \"<>\""));
                }
                TokenKind::Special('>') if route => {
                    return Err(unexpected(self.text, token.at, "end of a route"));
                }
                TokenKind::Special('>') => return self.address(&inner),
                TokenKind::Special(':') if route => {
                    route = false;
                    inner.clear();
                }
                TokenKind::Special(',') if route => {}
                TokenKind::Special('<' | ',' | ';' | ':') => {
                    return Err(missing(self.text, open, "missing \">\""));
                }
                TokenKind::Comment(_) => {}
                TokenKind::Special('@') if inner.is_empty() => {
                    route = true;
                    inner.push(token);
                }
                _ => inner.push(token),
            }
        }
        Err(missing(self.text, open, "missing \">\""))
    }

    fn finish(mut self) -> Result<Vec<Member>> {
        self.end_element()?;
        match &self.group {
            // Old mailers end a header with `undisclosed-recipients:`.
            Some((_, _, members)) if members.is_empty() => self.end_group(),
            Some((at, ..)) => return Err(missing(self.text, *at, "missing \";\"")),
            None => {}
        }
        Ok(self.members)
    }
}

/// The words of a display name, with a space where one stood or must stand.
fn phrase(words: &[Token<'_>]) -> String {
    let mut name = String::new();
    let mut after_word = false;
    for token in words {
        let (piece, word) = match &token.kind {
            TokenKind::Atom(text) | TokenKind::Literal(text) => ((*text).to_owned(), true),
            TokenKind::Quoted(text) => (text.clone(), true),
            TokenKind::Special(c) => (c.to_string(), false),
            TokenKind::Comment(_) => continue,
        };
        if !name.is_empty() && (token.spaced || (word && after_word)) {
            name.push(' ');
        }
        name.push_str(&piece);
        after_word = word;
    }
    name
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::address::AddressList;

    fn shown(text: &str) -> Vec<String> {
        let list = AddressList::parse(text).unwrap_or_else(|failure| panic!("{text:?}: {failure}"));
        list.mailboxes().map(ToString::to_string).collect()
    }

    #[test]
    fn lists_are_read_as_people_write_them() {
        for (text, mailboxes) in [
            ("", vec![]),
            (" , ,", vec![]),
            ("(nobody)", vec![]),
            ("Bob <x@y>", vec!["Bob <x@y>"]),
            ("\"Smith, Bob\" <x@y>,c@d", vec!["Smith, Bob <x@y>", "c@d"]),
            ("x@y (Bob)", vec!["Bob <x@y>"]),
            (
                "x@y (Bob (the (real)) one)",
                vec!["Bob (the (real)) one <x@y>"],
            ),
            ("(a)x(b)@(c)y(d)", vec!["d <x@y>"]),
            ("(a) Bob (b) <(c)x@y(d)> (e)", vec!["Bob <x@y>"]),
            ("T: a@x, \"B\" <b@y>;, c@z", vec!["a@x", "B <b@y>", "c@z"]),
            ("My Team: a@x;", vec!["a@x"]),
            ("undisclosed-recipients:;", vec![]),
            ("undisclosed-recipients: ", vec![]),
            ("a@x,,b@y", vec!["a@x", "b@y"]),
            ("a@x; b@y;", vec!["a@x", "b@y"]),
            ("\"a b\"@x", vec!["\"a b\"@x"]),
            ("\"a@b\"@x", vec!["\"a@b\"@x"]),
            ("\"a\".b@x", vec!["a.b@x"]),
            ("a . b @ x . org", vec!["a.b@x.org"]),
            ("<@a,@b:x@y>", vec!["x@y"]),
            ("Bob <@a.org:x@y>", vec!["Bob <x@y>"]),
            ("John Q. Public <j@x>", vec!["John Q. Public <j@x>"]),
            ("a@x <a@x>", vec!["a@x <a@x>"]),
            ("Jörg Müller <j@x>", vec!["Jörg Müller <j@x>"]),
            ("Jörg\u{a0}Müller <j@x>", vec!["Jörg\u{a0}Müller <j@x>"]),
            ("[List] Bob <j@x>", vec!["[List] Bob <j@x>"]),
            (
                "=?utf-8?q?J=C3=B6rg?= <j@x>",
                vec!["=?utf-8?q?J=C3=B6rg?= <j@x>"],
            ),
            ("\"Bob\"<x@y>", vec!["Bob <x@y>"]),
            ("\"A\"\"B\" <x@y>", vec!["A B <x@y>"]),
            ("\tBob\t<x@y>", vec!["Bob <x@y>"]),
            ("a@[192.0.2.1]", vec!["a@[192.0.2.1]"]),
        ] {
            assert_eq!(shown(text), mailboxes, "{text}");
        }
    }

    #[test]
    fn bad_lists_say_what_is_wrong() {
        for (text, why) in [
            ("bob", "\"bob\" has no domain"),
            ("a@x, Bob Smith", "\"Bob Smith\" has no domain"),
            ("root (Cron Daemon)", "\"root\" has no domain"),
            ("<bob>", "\"bob\" has no domain"),
            ("Bob <x@y", "missing \">\""),
            ("Bob <x@y, c@d>", "missing \">\""),
            ("Bob x@y>", "unexpected \">\""),
            ("<>", "no address"),
            ("\"Bob <x@y>", "missing closing quote"),
            ("x@y (Bob", "missing \")\""),
            ("x@y )", "unexpected \")\""),
            ("a@x b@y", "unexpected space"),
            ("a@x Bob <b@y>", "is a comma missing"),
            ("Al <a@x> Bob <b@y>", "is a comma missing"),
            ("a: b: c@x;;", "a group inside a group"),
            ("a: c@x", "missing \";\""),
            (": c@x;", "unexpected \":\""),
            ("a@x: c@x;", "unexpected \":\""),
            ("<<a@x>>", "missing \">\""),
            ("<@a>", "end of a route"),
            ("a@x\r\nBcc: b@y", "control character CR"),
            ("a@x\n b@y", "control character LF"),
            ("Bo\0b <a@x>", "control character NUL"),
            ("a\\b@x", "unexpected \"\\\""),
            ("a..b@x", "misplaced dot"),
        ] {
            let failure = AddressList::parse(text).unwrap_err();
            assert_eq!(failure.kind, Kind::Message);
            assert!(failure.message.contains(why), "{text:?}: {failure}");
        }
    }

    #[test]
    fn long_input_is_read_in_linear_time() {
        for text in [
            "a@x.org,".repeat(50_000),
            "(".repeat(200_000),
            "<".repeat(200_000),
            "a:".repeat(100_000),
            ";".repeat(200_000),
            "\"".repeat(200_000),
            "@".repeat(200_000),
            "a.".repeat(100_000),
            "word ".repeat(100_000),
            "[".repeat(200_000),
        ] {
            let _ = AddressList::parse(&text);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC*|[a@x.,;:<>()\"\\\\ \\[\\]\r\n\u{e9}]{0,40}") {
            if let Ok(list) = AddressList::parse(&text) {
                let value = list.header_value(2);
                prop_assert!(!value.replace("\r\n ", "").contains(['\r', '\n', '\0']));
                let again = AddressList::parse(&value.replace("\r\n", "")).unwrap();
                prop_assert!(again.addresses().eq(list.addresses()), "{}", value);
            }
            if let Ok(address) = text.parse::<Address>() {
                prop_assert_eq!(&address.to_string().parse::<Address>().unwrap(), &address);
            }
        }
    }
}
