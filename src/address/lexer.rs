//! The tokens of an address list: atoms, quoted strings, comments, literals and specials.
//!
//! One pass, no recursion: comments nest by a counter, so depth costs nothing (RFC 5322 §3.2,
//! with the obsolete forms of §4). Refuses control characters other than TAB everywhere, and
//! whatever is opened and not closed.

use crate::failure::{Failure, Kind, Result};

/// A piece of an address list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: TokenKind<'a>,
    /// Where it starts, in octets.
    pub(super) at: usize,
    /// Where it ends.
    pub(super) end: usize,
    /// Whether white space or a comment stands before it.
    pub(super) spaced: bool,
}

/// What a piece is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TokenKind<'a> {
    /// Characters that need no quotes.
    Atom(&'a str),
    /// What stood between quotes, unescaped.
    Quoted(String),
    /// What stood between the outer parentheses, unescaped.
    Comment(String),
    /// An address literal, with its brackets.
    Literal(&'a str),
    /// One of `@ . , ; : < >`.
    Special(char),
}

/// Cuts `text` into tokens.
///
/// # Errors
/// [`Kind::Message`] naming the place.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>> {
    if let Some((at, c)) = text
        .char_indices()
        .find(|(_, c)| c.is_control() && *c != '\t')
    {
        let what = format!("control character {}", super::named(c));
        let failure = fault(text, at, &what);
        return Err(match c {
            '\r' => failure
                .with_hint("does it come from a file with DOS line ends? tr -d '\\r' removes them"),
            _ => failure,
        });
    }
    let mut tokens = Vec::new();
    let mut spaced = false;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let start = at;
        let kind = match c {
            ' ' | '\t' => {
                spaced = true;
                at += 1;
                continue;
            }
            '"' => {
                let (value, end) = quoted(text, at)?;
                at = end;
                TokenKind::Quoted(value)
            }
            '(' => {
                let (value, end) = comment(text, at)?;
                at = end;
                TokenKind::Comment(value)
            }
            '[' => {
                let length = text[at..]
                    .find(']')
                    .ok_or_else(|| missing(text, at, "missing \"]\""))?;
                at += length + 1;
                TokenKind::Literal(&text[start..at])
            }
            '@' | '.' | ',' | ';' | ':' | '<' | '>' => {
                at += 1;
                TokenKind::Special(c)
            }
            c if is_atom_char(c) => {
                at = text[at..]
                    .find(|c| !is_atom_char(c))
                    .map_or(text.len(), |length| at + length);
                TokenKind::Atom(&text[start..at])
            }
            c => return Err(unexpected(text, at, &format!("\"{c}\""))),
        };
        let comment = matches!(kind, TokenKind::Comment(_));
        tokens.push(Token {
            kind,
            at: start,
            end: at,
            spaced,
        });
        spaced = comment;
    }
    Ok(tokens)
}

/// Any character beyond ASCII is part of a word here: a name may hold what a local part may not.
fn is_atom_char(c: char) -> bool {
    !c.is_ascii() || super::is_atom_char(c)
}

fn quoted(text: &str, start: usize) -> Result<(String, usize)> {
    let mut value = String::new();
    let mut escaped = false;
    for (at, c) in text[start + 1..].char_indices() {
        match c {
            '\t' => {
                value.push(' ');
                escaped = false;
            }
            c if escaped => {
                value.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return Ok((value, start + 1 + at + 1)),
            c => value.push(c),
        }
    }
    Err(missing(text, start, "missing closing quote"))
}

fn comment(text: &str, start: usize) -> Result<(String, usize)> {
    let mut value = String::new();
    let mut depth = 0_usize;
    let mut escaped = false;
    for (at, c) in text[start..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => {
                escaped = true;
                continue;
            }
            '(' => {
                depth += 1;
                if depth == 1 {
                    continue;
                }
            }
            ')' => {
                depth -= 1;
                if depth == 0 {
                    return Ok((value, start + at + 1));
                }
            }
            _ => {}
        }
        value.push(if c == '\t' { ' ' } else { c });
    }
    Err(missing(text, start, "missing \")\""))
}

/// `what` was not due here.
pub(super) fn unexpected(text: &str, at: usize, what: &str) -> Failure {
    fault(text, at, &format!("unexpected {what}"))
}

/// Something is wrong at this octet of `text`.
pub(super) fn fault(text: &str, at: usize, what: &str) -> Failure {
    let column = text[..at].chars().count() + 1;
    Failure::new(
        Kind::Message,
        format!("\"{}\": {what} at column {column}", around(text, at)),
    )
}

/// What was opened here is never closed.
pub(super) fn missing(text: &str, at: usize, what: &str) -> Failure {
    let column = text[..at].chars().count() + 1;
    Failure::new(
        Kind::Message,
        format!(
            "\"{}\": {what} of what opens at column {column}",
            around(text, at)
        ),
    )
}

/// The neighbourhood of an octet: a list can be long, and its reader wants the bad element.
fn around(text: &str, at: usize) -> String {
    let start = text[..at]
        .char_indices()
        .rev()
        .nth(39)
        .map_or(0, |(at, _)| at);
    let lead = if start > 0 { "…" } else { "" };
    format!("{lead}{}", super::excerpt(&text[start..]))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_thousand_nested_comments_cost_neither_stack_nor_time() {
        let deep = format!("{}{}", "(".repeat(100_000), ")".repeat(100_000));
        assert_eq!(tokens(&deep).unwrap().len(), 1);
        assert!(tokens(&"(".repeat(100_000)).is_err());
        assert!(tokens(&"()".repeat(100_000)).is_ok());
    }

    #[test]
    fn quotes_and_comments_are_unescaped() {
        let kinds: Vec<_> = tokens(r#""a\"b" (c\)(d))"#)
            .unwrap()
            .into_iter()
            .map(|token| token.kind)
            .collect();
        assert_eq!(
            kinds,
            [
                TokenKind::Quoted("a\"b".into()),
                TokenKind::Comment("c)(d)".into())
            ]
        );
    }

    #[test]
    fn a_long_list_is_quoted_only_around_its_fault() {
        let list = format!("{}b\\d@x.org", "a@x.org, ".repeat(1000));
        let failure = tokens(&list).unwrap_err();
        assert!(failure.message.contains("b\\d@x.org"), "{failure}");
        assert!(failure.message.len() < 200);
    }
}
