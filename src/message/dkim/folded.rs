//! The lines of a signature: tags with spaces between them, names with colons, and octets in base64, which
//! may be broken anywhere. RFC 6376 §3.2, §3.5, RFC 5322 §2.1.1.

/// Octets of a line at most.
pub(super) const LINE_MAX: usize = 78;

/// The value of a signature, in lines of no more than 78 octets unless a domain is longer.
pub(super) struct Folded {
    text: String,
    /// Octets of the last line.
    column: usize,
}

impl Folded {
    /// The value of a field of this name, still empty.
    pub(super) fn of(name: &str) -> Self {
        Self {
            text: String::new(),
            column: name.len() + 2,
        }
    }

    /// What it says up to now.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// A word behind this separator, or on a line of its own.
    pub(super) fn word(&mut self, separator: &str, word: &str) {
        if self.column + separator.len() + word.len() > LINE_MAX {
            return self.line(word);
        }
        // The first space is that of the field.
        let separator = if self.text.is_empty() { "" } else { separator };
        self.text.push_str(separator);
        self.text.push_str(word);
        self.column += separator.len() + word.len();
    }

    /// A word at the start of a line.
    pub(super) fn line(&mut self, word: &str) {
        self.text.push_str("\r\n ");
        self.text.push_str(word);
        self.column = 1 + word.len();
    }

    /// A word that may be broken anywhere; ASCII.
    pub(super) fn broken(&mut self, word: &str) {
        let mut rest = word;
        loop {
            let room = LINE_MAX.saturating_sub(self.column).min(rest.len());
            let (part, behind) = rest.split_at(room);
            self.text.push_str(part);
            if behind.is_empty() {
                return;
            }
            self.line("");
            rest = behind;
        }
    }
}
