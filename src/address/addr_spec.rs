//! `local@domain` from tokens (RFC 5322 §3.4.1 and §4.4).
//!
//! Takes quoted words among the atoms of a local part, and white space around `@` and dots.
//! Refuses two words without a dot between them, dots at the ends or in a row, and an address
//! without a domain. Lengths and characters of the domain are judged by [`Address::new`].

use super::lexer::{Token, TokenKind, fault, unexpected};
use super::{Address, is_atom_char};
use crate::failure::{Failure, Kind, Result};

/// Reads `local@domain`; white space may stand around `@` and dots (RFC 5322 §4.4), not in words.
pub(super) fn addr_spec(text: &str, tokens: &[Token<'_>]) -> Result<Address> {
    let at = tokens
        .iter()
        .position(|token| token.kind == TokenKind::Special('@'));
    let Some(at) = at else {
        let written = tokens
            .first()
            .zip(tokens.last())
            .map_or("", |(first, last)| &text[first.at..last.end]);
        return Err(Failure::new(
            Kind::Message,
            format!("\"{}\" has no domain", super::excerpt(written)),
        )
        .with_hint("write the whole address, such as name@example.com; a name with a comma needs quotes: \"Smith, John\" <john@example.com>"));
    };
    let local = local_part(text, &tokens[..at])?;
    let domain = domain(text, &tokens[at + 1..])?;
    Address::new(&local, &domain)
}

/// Whether no domain stands among them, so that they are a local part alone.
pub(super) fn is_bare(tokens: &[Token<'_>]) -> bool {
    let at = |token: &Token<'_>| token.kind == TokenKind::Special('@');
    !tokens.is_empty() && !tokens.iter().any(at)
}

/// Reads what stands before the `@`, or alone.
pub(super) fn local_part(text: &str, tokens: &[Token<'_>]) -> Result<String> {
    let mut local = String::new();
    let mut after_dot = true;
    for token in tokens {
        match &token.kind {
            TokenKind::Special('.') if !after_dot => {
                local.push('.');
                after_dot = true;
            }
            TokenKind::Special('.') => return Err(misplaced_dot(text, token.at)),
            TokenKind::Atom(_) | TokenKind::Quoted(_) if !after_dot => {
                return Err(too_much(text, token));
            }
            TokenKind::Atom(atom) => {
                if let Some(c) = atom.chars().find(|&c| !is_atom_char(c)) {
                    let what = format!("character {} in the local part", super::named(c));
                    return Err(unexpected(text, token.at, &what));
                }
                local.push_str(atom);
                after_dot = false;
            }
            TokenKind::Quoted(quoted) => {
                local.push_str(quoted);
                after_dot = false;
            }
            _ => return Err(too_much(text, token)),
        }
    }
    match tokens.last() {
        Some(last) if after_dot => Err(misplaced_dot(text, last.at)),
        _ => Ok(local),
    }
}

/// The text of a domain; what it may hold is [`Address::new`]'s to say.
fn domain(text: &str, tokens: &[Token<'_>]) -> Result<String> {
    let mut domain = String::new();
    for (index, token) in tokens.iter().enumerate() {
        let joined = domain.is_empty() || domain.ends_with('.');
        match &token.kind {
            TokenKind::Special('.') => domain.push('.'),
            TokenKind::Atom(atom) if joined => domain.push_str(atom),
            TokenKind::Literal(literal) if index == 0 => domain.push_str(literal),
            _ => return Err(too_much(text, token)),
        }
    }
    Ok(domain)
}

fn too_much(text: &str, token: &Token<'_>) -> Failure {
    match &token.kind {
        _ if token.spaced => unexpected(text, token.at - 1, "space"),
        TokenKind::Special(c) => unexpected(text, token.at, &format!("\"{c}\"")),
        TokenKind::Quoted(_) => unexpected(text, token.at, "quote"),
        TokenKind::Literal(_) => unexpected(text, token.at, "\"[\""),
        TokenKind::Atom(_) | TokenKind::Comment(_) => unexpected(text, token.at, "text"),
    }
}

fn misplaced_dot(text: &str, at: usize) -> Failure {
    fault(text, at, "misplaced dot").with_hint(
        "dots stand one by one between other characters; if the address is right, put what is \
         before the @ in quotes",
    )
}
