//! A value nobody may see: its memory is zeroed when it is dropped, and printing it shows `***`.

use std::fmt;

use zeroize::Zeroizing;

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

    /// `text` with `***` wherever the secret stands in it. One of fewer than four octets is let be:
    /// it stands in any text by chance.
    pub(crate) fn masked_in(&self, text: String) -> String {
        match std::str::from_utf8(&self.0) {
            Ok(secret) if secret.len() >= 4 && text.contains(secret) => text.replace(secret, "***"),
            _ => text,
        }
    }
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
    }

    #[test]
    fn debug_does_not_show_it() {
        assert_eq!(format!("{:?}", Secret::new(b"hunter2".to_vec())), "***");
    }
}
