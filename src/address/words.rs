//! The words of a header: atoms, quoted strings, encoded words, and where lines fold.
//!
//! Owns how text becomes ASCII that fits its line: RFC 2047 encoded words of at most 75
//! characters that never cut a character, nor what a reader sees as one (a letter with its marks, a family
//! of emoji, a flag), as some show each of them alone; folds only where white space stands already
//! (RFC 5322 §2.2.3). Octets in no known charset travel as private characters ([`undecoded`]) and
//! come out as `unknown-8bit` (RFC 1428), the same octets again.

use std::fmt;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use email_encoding::headers::writer::EmailWriter;
use unicode_segmentation::UnicodeSegmentation as _;

/// A word of an unstructured field longer than this is encoded: it cannot be folded, and a line
/// has at most 998 octets. Shorter ones are left alone, because programs read them.
pub(crate) const WORD_MAX: usize = 900;
/// The same for a word of a name, which only people read.
const NAME_WORD_MAX: usize = 70;
/// So is text with more spaces in a row than this.
const GAP_MAX: usize = 16;
/// Octets of a line that is folded, where it can be (RFC 5322 §2.1.1).
const LINE_MAX: usize = 76;
/// Characters of an encoded word (RFC 2047 §2).
const ENCODED_MAX: usize = 75;
/// Octets in one `unknown-8bit` word: 56 characters of base64, 73 with what surrounds them.
const UNKNOWN_PIECE: usize = 42;
/// What stands around the base64 of an encoded word in UTF-8.
const AROUND: (&str, &str) = ("=?utf-8?b?", "?=");
/// Where the private characters start that stand for octets 0x80 to 0xFF.
const PRIVATE: u32 = 0xF700;

/// What the characters beyond ASCII in a text are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charset {
    /// Characters.
    Utf8,
    /// Octets nobody named a charset for, as [`undecoded`] made them.
    Unknown8bit,
}

/// Octets as text, those beyond ASCII as private characters; [`Charset::Unknown8bit`] brings
/// them back.
pub(crate) fn undecoded(octets: &[u8]) -> String {
    octets
        .iter()
        .map(|&octet| match octet {
            0..=0x7f => char::from(octet),
            _ => char::from_u32(PRIVATE + u32::from(octet)).unwrap_or(char::REPLACEMENT_CHARACTER),
        })
        .collect()
}

/// The octets of a text in this charset.
pub(crate) fn octets(text: &str, charset: Charset) -> Vec<u8> {
    match charset {
        Charset::Utf8 => text.as_bytes().to_vec(),
        Charset::Unknown8bit => text
            .chars()
            .map(|c| {
                let code = u32::from(c);
                u8::try_from(code.checked_sub(PRIVATE).unwrap_or(code)).unwrap_or(b'?')
            })
            .collect(),
    }
}

/// The value of an unstructured field: words that need it are encoded, the others left alone.
/// Encoded words that stand in it already are left alone too; white space between two of them is not shown
/// (RFC 2047 §6.2), so that beside them goes into the new ones.
pub(crate) fn unstructured(text: &str, charset: Charset, w: &mut EmailWriter<'_>) -> fmt::Result {
    let mut pending = String::new();
    let mut after_encoded = false;
    for (index, (gap, word)) in gapped(text).into_iter().enumerate() {
        let first = index == 0;
        if is_plain(word) && gap <= GAP_MAX && !(first && gap > 0) {
            after_encoded = word.starts_with("=?") && word.ends_with("?=");
            let inside = if after_encoded && !pending.is_empty() {
                gap
            } else {
                0
            };
            pending.extend(std::iter::repeat_n(' ', inside));
            encoded(&std::mem::take(&mut pending), charset, w)?;
            for _ in 0..(gap - inside).max(usize::from(inside > 0)) {
                w.space();
            }
            w.folding().write_str(word)?;
            continue;
        }
        let mut spaces = gap;
        if pending.is_empty() && !first {
            w.space();
            spaces -= usize::from(!after_encoded);
        }
        pending.extend(std::iter::repeat_n(' ', spaces));
        pending.push_str(word);
    }
    encoded(&pending, charset, w)
}

/// A display name: atoms as they are, other ASCII in quotes, the rest encoded.
pub(crate) fn phrase(text: &str, charset: Charset, w: &mut EmailWriter<'_>) -> fmt::Result {
    let words: Vec<&str> = text.split(' ').collect();
    if words
        .iter()
        .all(|word| is_atom(word) || is_encoded_word(word))
    {
        return words.iter().enumerate().try_for_each(|(index, word)| {
            if index > 0 {
                w.space();
            }
            w.folding().write_str(word)
        });
    }
    let foldable = gapped(text)
        .iter()
        .all(|(gap, word)| *gap <= GAP_MAX && word.len() <= NAME_WORD_MAX && is_plain(word));
    let any_encoded = words.iter().any(|word| is_encoded_word(word));
    if foldable && !any_encoded {
        let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
        return w.folding().write_str(&format!("\"{quoted}\""));
    }
    mixed_phrase(&words, charset, w)
}

/// A name of encoded words that came so and of words that have to be encoded. White space between
/// two encoded words is not shown (RFC 2047 §6.2), so it goes into the new ones.
fn mixed_phrase(words: &[&str], charset: Charset, w: &mut EmailWriter<'_>) -> fmt::Result {
    let mut runs: Vec<(bool, String)> = Vec::new();
    for word in words {
        let kept = is_encoded_word(word);
        match runs.last_mut() {
            Some((false, run)) if !kept => {
                run.push(' ');
                run.push_str(word);
            }
            _ => runs.push((kept, (*word).to_owned())),
        }
    }
    let last = runs.len().saturating_sub(1);
    for (index, (kept, run)) in runs.iter().enumerate() {
        if index > 0 {
            w.space();
        }
        if *kept {
            w.folding().write_str(run)?;
            continue;
        }
        let before = if index > 0 { " " } else { "" };
        let after = if index < last { " " } else { "" };
        encoded(&format!("{before}{run}{after}"), charset, w)?;
    }
    Ok(())
}

/// `text` as encoded words.
pub(crate) fn encoded(text: &str, charset: Charset, w: &mut EmailWriter<'_>) -> fmt::Result {
    if charset == Charset::Utf8 {
        return encoded_in_utf8(text, w);
    }
    for (index, piece) in octets(text, charset).chunks(UNKNOWN_PIECE).enumerate() {
        if index > 0 {
            w.space();
        }
        unbroken(&format!("=?unknown-8bit?b?{}?=", STANDARD.encode(piece)), w)?;
    }
    Ok(())
}

fn encoded_in_utf8(text: &str, w: &mut EmailWriter<'_>) -> fmt::Result {
    let (before, after) = AROUND;
    let room = |line_len: usize| {
        let word = ENCODED_MAX.min(LINE_MAX.saturating_sub(line_len));
        word.saturating_sub(before.len() + after.len()) / 4 * 3
    };
    let mut rest = text;
    while !rest.is_empty() {
        let mut piece = whole_graphemes(rest, room(w.projected_line_len()));
        if piece.is_empty() && w.projected_line_len() > w.line_len() {
            w.new_line()?;
            piece = whole_graphemes(rest, room(w.projected_line_len()));
        }
        if piece.is_empty() {
            // It fits no word, or stands where no line can start.
            piece = whole_characters(rest, room(w.projected_line_len()));
        }
        write!(w, "{before}{}{after}", STANDARD.encode(piece))?;
        rest = &rest[piece.len()..];
        if !rest.is_empty() {
            w.space();
        }
    }
    Ok(())
}

/// As much of the start of `text` as `room` octets hold of what readers see as characters.
fn whole_graphemes(text: &str, room: usize) -> &str {
    // The character behind them says where they end; what comes later does not count, however long it is.
    let near = cut(text, room + char::MAX.len_utf8());
    let mut end = 0;
    for (at, grapheme) in near.grapheme_indices(true) {
        if at + grapheme.len() > room {
            break;
        }
        end = at + grapheme.len();
    }
    &text[..end]
}

/// The same of characters, and at least one.
fn whole_characters(text: &str, room: usize) -> &str {
    let first = text.chars().next().map_or(0, char::len_utf8);
    cut(text, room.max(first))
}

/// What of `text` fits this many octets.
fn cut(text: &str, octets: usize) -> &str {
    let mut end = octets.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A word that is not folded inside, whatever it holds.
pub(crate) fn unbroken(word: &str, w: &mut EmailWriter<'_>) -> fmt::Result {
    let after_space = w.projected_line_len() > w.line_len();
    if after_space && w.projected_line_len() + word.len() > LINE_MAX {
        w.new_line()?;
    }
    w.write_str(word)
}

/// The words of `text`, each with the number of spaces before it; spaces at the end belong to
/// the last word.
fn gapped(text: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let body = text.trim_end_matches(' ');
    let mut rest = body;
    while !rest.is_empty() {
        let word = rest.trim_start_matches(' ');
        let gap = rest.len() - word.len();
        let end = word.find(' ').unwrap_or(word.len());
        words.push((gap, &word[..end]));
        rest = &word[end..];
    }
    match words.last_mut() {
        Some((_, word)) if body.len() < text.len() => *word = &text[body.len() - word.len()..],
        Some(_) => {}
        None => words.push((0, text)),
    }
    words
}

/// Whether a word can stand in a header as it is, and be folded before and after.
fn is_plain(word: &str) -> bool {
    word.len() <= WORD_MAX && word.bytes().all(|b| b.is_ascii_graphic())
}

fn is_atom(word: &str) -> bool {
    is_plain(word)
        && !word.is_empty()
        && word.len() <= NAME_WORD_MAX
        && word.chars().all(super::is_atom_char)
}

/// Whether a word is an RFC 2047 encoded word that may stand in a phrase.
fn is_encoded_word(word: &str) -> bool {
    let inner = word
        .strip_prefix("=?")
        .and_then(|word| word.strip_suffix("?="));
    is_plain(word)
        && inner.is_some_and(|inner| inner.split('?').count() == 3)
        && !word.contains(['"', '(', ')', ',', ':', ';', '<', '>', '@', '[', '\\', ']'])
}

#[cfg(test)]
mod tests;
