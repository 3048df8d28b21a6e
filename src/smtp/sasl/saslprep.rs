//! SASLprep (RFC 4013): the one form of a name or a password that can be typed in several.
//!
//! Non-ASCII spaces become spaces, what is commonly mapped to nothing goes, the rest is normalised
//! by NFKC, with today's Unicode instead of 3.2. What cannot be prepared (it is not UTF-8, holds what
//! is prohibited, or nothing would be left) stays as it is: the server may know it so, and no client
//! should refuse what it cannot judge. Code points that were unassigned in Unicode 3.2 are let through
//! (§2.5: ours are queries), and the bidirectional rule (§2.4) is not applied: it only forbids.

use icu_normalizer::ComposingNormalizerBorrowed;
use zeroize::Zeroizing;

/// The most that NFKC lengthens a text in UTF-8.
const GROWTH: usize = 11;

/// The prepared form of `text`, or `text` itself.
pub(super) fn prepared(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let form = std::str::from_utf8(text).ok().and_then(form);
    form.unwrap_or_else(|| Zeroizing::new(text.to_vec()))
}

fn form(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    // Room from the start: growing would leave copies behind.
    let mut mapped = Zeroizing::new(String::with_capacity(text.len()));
    for c in text.chars().filter(|&c| !maps_to_nothing(c)) {
        mapped.push(if is_space(c) { ' ' } else { c });
    }
    let mut normal = Zeroizing::new(String::with_capacity(mapped.len() * GROWTH));
    ComposingNormalizerBorrowed::new_nfkc()
        .normalize_to(&mapped, &mut *normal)
        .ok()?;
    let fits = !normal.is_empty() && !normal.chars().any(is_prohibited);
    fits.then(|| Zeroizing::new(std::mem::take(&mut *normal).into_bytes()))
}

/// RFC 3454 table C.1.2. It holds U+200B, which therefore is not mapped to nothing.
fn is_space(c: char) -> bool {
    matches!(
        c,
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200b}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

/// RFC 3454 table B.1.
fn maps_to_nothing(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{1806}' | '\u{180b}'..='\u{180d}' | '\u{200c}' | '\u{200d}'
        | '\u{2060}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// RFC 3454 tables C.2.1 to C.9, which RFC 4013 §2.3 names.
fn is_prohibited(c: char) -> bool {
    let noncharacter = u32::from(c) & 0xfffe == 0xfffe;
    c.is_control()
        || noncharacter
        || matches!(c,
            '\u{340}' | '\u{341}' | '\u{6dd}' | '\u{70f}' | '\u{180e}' | '\u{200c}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2063}' | '\u{206a}'..='\u{206f}'
            | '\u{2ff0}'..='\u{2ffb}' | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffd}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0001}'
            | '\u{e0020}'..='\u{e007f}' | '\u{f0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepares(text: &str, form: &str) {
        assert_eq!(&**prepared(text.as_bytes()), form.as_bytes(), "{text:?}");
    }

    #[test]
    fn the_examples_of_rfc_4013() {
        prepares("I\u{ad}X", "IX");
        prepares("user", "user");
        prepares("USER", "USER");
        prepares("\u{aa}", "a");
        prepares("\u{2168}", "IX");
    }

    #[test]
    fn composed_and_decomposed_are_the_same() {
        prepares("pa\u{308}ss w\u{f6}rd", "p\u{e4}ss w\u{f6}rd");
        prepares("a\u{a0}b\u{3000}c", "a b c");
    }

    #[test]
    fn what_cannot_be_prepared_stays_as_it_is() {
        for text in [
            "\u{7}",
            "\u{ad}",
            "\u{aa}\u{e000}",
            "\u{2168}\u{fffe}",
            "\u{aa}\u{200e}",
        ] {
            prepares(text, text);
        }
        assert_eq!(&**prepared(b"\xff\xaa"), b"\xff\xaa");
    }

    #[test]
    fn what_unicode_3_2_did_not_know_is_let_through() {
        prepares("key \u{1f511} \u{aa}", "key \u{1f511} a");
    }

    #[test]
    fn the_text_that_grows_most_has_room() {
        prepares(
            "\u{fdfa}",
            "\u{635}\u{644}\u{649} \u{627}\u{644}\u{644}\u{647} \u{639}\u{644}\u{64a}\u{647} \u{648}\u{633}\u{644}\u{645}",
        );
        assert!(prepared("\u{fdfa}".as_bytes()).len() <= "\u{fdfa}".len() * GROWTH);
    }
}
