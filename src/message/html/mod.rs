//! The text of HTML, for readers that show none.
//!
//! Owns what elements mean for a text: paragraphs, lists, quotations, tables, links with their URL. HTML
//! is read as a row of tags and text and never as a tree, so that neither its depth nor its mistakes
//! cost more than its length. Scripts and styles are left out; nothing is loaded. Refuses nothing.
//! The tokenization of the WHATWG HTML Standard, §13.2.5.

mod link;
mod page;
mod table;

use html5gum::{DefaultEmitter, HtmlString, StartTag, Token, Tokenizer};

use self::link::Link;
use self::page::Page;
use self::table::Table;

/// The text of `html`, in lines of any length; empty when it shows none.
///
/// ```
/// use smtpsend::message::html_to_text;
/// let html = "<h1>Report</h1><p>All is <b>well</b>, see <a href='https://x.test/1'>the log</a>.";
/// assert_eq!(html_to_text(html), "Report\n\nAll is well, see the log <https://x.test/1>.\n");
/// ```
pub fn to_text(html: &str) -> String {
    let mut emitter = DefaultEmitter::default();
    // As a browser that runs no parser of trees: the text in a script is no tags.
    emitter.naively_switch_states(true);
    let mut writer = Writer::default();
    for token in Tokenizer::new_with_emitter(html, emitter) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => writer.start(&tag),
            Token::EndTag(tag) => writer.end(&tag.name),
            Token::String(text) => writer.text(&String::from_utf8_lossy(&text)),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    writer.finish()
}

/// What has been read so far.
#[derive(Default)]
struct Writer {
    page: Page,
    /// The outermost table that is open, and the page around it.
    table: Option<(Table, Page)>,
    /// How many tables are open.
    tables: usize,
    link: Option<Link>,
    /// Whether what is read is no text: a script.
    hidden: bool,
}

impl Writer {
    fn start(&mut self, tag: &StartTag<()>) {
        match tag.name.as_slice() {
            b"script" | b"style" | b"title" | b"iframe" | b"noembed" | b"noscript" => {
                self.hidden = true;
            }
            b"br" => self.page.line(),
            b"hr" => {
                self.page.paragraph();
                self.page.text("----------");
                self.page.paragraph();
            }
            b"img" => self.say(&attribute(tag, b"alt")),
            b"input" if attribute(tag, b"type").eq_ignore_ascii_case("checkbox") => {
                let is_checked = tag.attributes.contains_key(&b"checked"[..]);
                self.say(if is_checked { "[x] " } else { "[ ] " });
            }
            b"a" => {
                self.end_link();
                self.link = Link::to(&attribute(tag, b"href"));
            }
            b"ul" | b"menu" => self.page.start_list(None),
            b"ol" => {
                let first = attribute(tag, b"start").parse();
                self.page.start_list(Some(first.unwrap_or(1)));
            }
            b"li" => self.page.item(),
            b"blockquote" => self.page.start_quotation(),
            b"pre" | b"listing" | b"xmp" => self.page.start_verbatim(),
            b"table" => self.start_table(),
            b"tr" | b"caption" if self.tables == 1 => self.row(),
            b"td" | b"th" if self.tables == 1 => self.cell(tag.name.as_slice() == b"th"),
            name => self.break_at(name),
        }
    }

    fn end(&mut self, name: &HtmlString) {
        self.hidden = false;
        match name.as_slice() {
            b"a" => self.end_link(),
            b"ul" | b"menu" | b"ol" => self.page.end_list(),
            b"blockquote" => self.page.end_quotation(),
            b"pre" | b"listing" | b"xmp" => self.page.end_verbatim(),
            b"table" => self.end_table(),
            b"br" => self.page.line(),
            b"tr" | b"td" | b"th" | b"caption" if self.tables == 1 => {}
            name => self.break_at(name),
        }
    }

    /// Starts a new line or paragraph where this element does.
    fn break_at(&mut self, name: &[u8]) {
        match name {
            b"p" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" | b"dl" | b"figure" => {
                self.page.paragraph();
            }
            b"address" | b"article" | b"aside" | b"body" | b"caption" | b"center" | b"dd"
            | b"details" | b"div" | b"dt" | b"fieldset" | b"figcaption" | b"footer" | b"form"
            | b"header" | b"html" | b"legend" | b"li" | b"main" | b"nav" | b"option"
            | b"section" | b"summary" | b"td" | b"th" | b"tr" => self.page.line(),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if !self.hidden {
            self.say(text);
        }
    }

    fn say(&mut self, text: &str) {
        self.page.text(text);
        if let Some(link) = &mut self.link {
            link.heard(text);
        }
    }

    fn end_link(&mut self) {
        if let Some(url) = self.link.take().and_then(Link::url) {
            self.page.behind(&format!("<{url}>"));
        }
    }

    fn start_table(&mut self) {
        self.end_link();
        self.tables += 1;
        match &mut self.table {
            Some((table, _)) => {
                table.has_blocks = true;
                self.page.line();
            }
            None => {
                let around = std::mem::take(&mut self.page);
                self.table = Some((Table::default(), around));
            }
        }
    }

    fn row(&mut self) {
        self.end_cell();
        if let Some((table, _)) = &mut self.table {
            table.row();
        }
    }

    fn cell(&mut self, is_heading: bool) {
        self.end_cell();
        if let Some((table, _)) = &mut self.table {
            table.cell(is_heading);
        }
    }

    fn end_cell(&mut self) {
        self.end_link();
        if let Some((table, _)) = &mut self.table {
            table.fill(std::mem::take(&mut self.page).finish());
        }
    }

    fn end_table(&mut self) {
        if self.tables == 1 {
            self.end_cell();
            if let Some((table, around)) = self.table.take() {
                self.page = around;
                self.page.lines(&table.written());
            }
        } else {
            self.page.line();
        }
        self.tables = self.tables.saturating_sub(1);
    }

    fn finish(mut self) -> String {
        self.end_link();
        self.tables = self.tables.min(1);
        self.end_table();
        let mut text = self.page.finish();
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }
}

fn attribute(tag: &StartTag<()>, name: &[u8]) -> String {
    let value = tag.attributes.get(name);
    value.map_or_else(String::new, |value| {
        String::from_utf8_lossy(value).into_owned()
    })
}

#[cfg(test)]
mod tests;
