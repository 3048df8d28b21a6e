//! A value nobody may see: its memory is zeroed when it is dropped, and printing it shows `***`.

use std::fmt;

use zeroize::Zeroizing;

use crate::failure::printable;

/// A password, or bytes that contain one. `Debug` is redacted; there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes over `bytes`; their memory is zeroed when the secret is dropped.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes themselves, for the one place that needs them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// `text` with `***` wherever the secret stands in it, or its beginning, as far as that goes. One of
    /// fewer than four octets is let be: it stands in any text by chance.
    pub(crate) fn masked_in(&self, text: String) -> String {
        match std::str::from_utf8(&self.0) {
            // What a server quotes was made printable.
            Ok(secret) if secret.len() >= 4 => masked(&masked(&text, secret), &printable(secret)),
            _ => text,
        }
    }
}

/// Characters of a secret by which it is known, where a server quotes a part of it.
const HEAD: usize = 8;

fn masked(text: &str, secret: &str) -> String {
    let head = secret.char_indices().nth(HEAD);
    let head = &secret[..head.map_or(secret.len(), |(at, _)| at)];
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(head).filter(|_| !head.is_empty()) {
        let (before, quoted) = rest.split_at(at);
        let same = quoted.chars().zip(secret.chars());
        let length = same
            .take_while(|(quoted, own)| quoted == own)
            .map(|(quoted, _)| quoted.len_utf8())
            .sum();
        shown.push_str(before);
        shown.push_str("***");
        rest = &quoted[length..];
    }
    shown + rest
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_masked_where_somebody_quotes_it() {
        let mask = |secret: &str, text: &str| Secret::new(secret.into()).masked_in(text.to_owned());
        assert_eq!(
            mask("hunter2", "what is hunter2, hunter2?"),
            "what is ***, ***?"
        );
        assert_eq!(mask("ok", "ok"), "ok");
        assert_eq!(mask("a\tpass", "say a pass"), "say ***");
        assert_eq!(
            mask("correct-horse", "you said correct-hor... and correct"),
            "you said ***... and correct"
        );
    }

    #[test]
    fn debug_does_not_show_it() {
        assert_eq!(format!("{:?}", Secret::new(b"hunter2".to_vec())), "***");
    }
}
