//! The lines of a text that is written from top to bottom.
//!
//! Owns white space: words with one space between them, lines and paragraphs only where something
//! stands on both sides, and what starts a line in lists and quotations. Depth is shown as far as it
//! helps, so that a line never costs more than what is in it.

/// How deep lists and quotations are shown.
const DEPTH_SHOWN: usize = 8;

/// What is still to be written before the next word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Owed {
    #[default]
    Nothing,
    Space,
    Line,
    Paragraph,
}

/// A text so far.
#[derive(Debug, Default)]
pub(super) struct Page {
    text: String,
    owed: Owed,
    quotations: usize,
    /// The same at the last word.
    quotations_before: usize,
    /// The lists that are open: the number of the next item, where they are numbered.
    lists: Vec<Option<u64>>,
    /// What starts the line of an item.
    marker: Option<String>,
    /// How many elements are open that keep their white space.
    verbatim: usize,
}

impl Page {
    /// What follows stands on a line of its own.
    pub(super) fn line(&mut self) {
        self.owe(Owed::Line);
    }

    /// What follows is a paragraph of its own.
    pub(super) fn paragraph(&mut self) {
        self.owe(Owed::Paragraph);
    }

    fn owe(&mut self, owed: Owed) {
        // What comes first in an item stands beside its marker.
        if self.marker.is_none() {
            self.owed = self.owed.max(owed);
        }
    }

    /// Writes text; white space in it is one space, or none where a line starts.
    pub(super) fn text(&mut self, text: &str) {
        if self.verbatim > 0 {
            self.verbatim_text(text);
            return;
        }
        let is_space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c' | '\u{a0}');
        let mut words = text.split(is_space);
        if let Some(word) = words.next() {
            self.word(word);
        }
        for word in words {
            self.owe(Owed::Space);
            self.word(word);
        }
    }

    /// Writes lines as they are.
    pub(super) fn lines(&mut self, text: &str) {
        self.paragraph();
        self.verbatim += 1;
        self.text(text);
        self.end_verbatim();
    }

    /// Writes a word behind the last one, whatever is to follow.
    pub(super) fn behind(&mut self, word: &str) {
        let owed = std::mem::replace(&mut self.owed, Owed::Space);
        self.word(word);
        self.owed = owed;
    }

    fn verbatim_text(&mut self, text: &str) {
        for (index, line) in text.split('\n').enumerate() {
            if index > 0 {
                let is_blank = self.owed >= Owed::Line;
                self.owed = if is_blank {
                    Owed::Paragraph
                } else {
                    Owed::Line
                };
            }
            self.word(line.trim_end());
        }
    }

    fn word(&mut self, word: &str) {
        let mut clean = word
            .chars()
            .filter(|c| !c.is_control() || *c == '\t')
            .peekable();
        if clean.peek().is_none() {
            return;
        }
        match std::mem::take(&mut self.owed) {
            _ if self.text.is_empty() => self.start_line(),
            Owed::Nothing if self.marker.is_none() => {}
            Owed::Space if self.marker.is_none() => self.text.push(' '),
            Owed::Nothing | Owed::Space | Owed::Line => {
                self.text.push('\n');
                self.start_line();
            }
            Owed::Paragraph => {
                let around = self.quotations.min(self.quotations_before);
                let quotes = "> ".repeat(around.min(DEPTH_SHOWN));
                self.text.push('\n');
                self.text.push_str(quotes.trim_end());
                self.text.push('\n');
                self.start_line();
            }
        }
        self.text.extend(clean);
        self.quotations_before = self.quotations;
    }

    fn start_line(&mut self) {
        let quotes = "> ".repeat(self.quotations.min(DEPTH_SHOWN));
        self.text.push_str(&quotes);
        let depth = self.lists.len().min(DEPTH_SHOWN);
        match self.marker.take() {
            Some(marker) => {
                self.text.push_str(&"  ".repeat(depth.saturating_sub(1)));
                self.text.push_str(&marker);
            }
            None => self.text.push_str(&"  ".repeat(depth)),
        }
    }

    /// Starts a list, numbered from here on or not at all.
    pub(super) fn start_list(&mut self, number: Option<u64>) {
        self.break_of_list();
        self.lists.push(number);
    }

    pub(super) fn end_list(&mut self) {
        self.marker = None;
        self.lists.pop();
        self.break_of_list();
    }

    fn break_of_list(&mut self) {
        self.owe(if self.lists.is_empty() {
            Owed::Paragraph
        } else {
            Owed::Line
        });
    }

    /// Starts an item of the innermost list.
    pub(super) fn item(&mut self) {
        self.line();
        self.marker = Some(match self.lists.last_mut() {
            Some(Some(number)) => {
                let marker = format!("{number}. ");
                *number = number.saturating_add(1);
                marker
            }
            _ => "- ".into(),
        });
    }

    pub(super) fn start_quotation(&mut self) {
        self.paragraph();
        self.quotations += 1;
    }

    pub(super) fn end_quotation(&mut self) {
        self.paragraph();
        self.quotations = self.quotations.saturating_sub(1);
    }

    pub(super) fn start_verbatim(&mut self) {
        self.paragraph();
        self.verbatim += 1;
    }

    pub(super) fn end_verbatim(&mut self) {
        self.paragraph();
        self.verbatim = self.verbatim.saturating_sub(1);
    }

    /// The text, without the end of its last line.
    pub(super) fn finish(self) -> String {
        self.text
    }
}
