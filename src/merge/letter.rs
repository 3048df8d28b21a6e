//! A row's message and its envelope.
//!
//! Owns who is written to: To, Cc and Bcc of the template where it has one of them, else the fields of the row that
//! are called to (or email), cc and bcc. Refuses a row without a recipient. What the template leaves open is as
//! for any other message.

use std::borrow::Cow;

use super::rows::Row;
use super::source::{Place, Source};
use super::template::{Marked, Outcome, Template};
use crate::address::{Address, AddressList};
use crate::envelope::{Envelope, Options, ReversePath};
use crate::failure::{Failure, Kind, Result};
use crate::message::{
    Attachment, Date, Fields, HeaderField, Message, Parts, Text, html_to_text, markdown_to_html,
};

/// What all messages have in common beside the template.
#[derive(Debug, Clone)]
pub struct Common {
    /// The header where the template does not say otherwise; its date and Message-ID are those of a message that is made.
    pub fields: Fields,
    /// The envelope sender, where it is not the author.
    pub sender: Option<ReversePath>,
    /// What is asked for beside delivery.
    pub options: Options,
}

/// Gives the file of this path, which was named there.
pub type Files<'f> = &'f (dyn Fn(&str, Place) -> Result<Attachment> + Sync);

/// Makes messages of rows.
pub struct Letters<'s> {
    template: Template<'s>,
    names_recipients: bool,
    has_one_sender: bool,
    common: Common,
    files: Files<'s>,
}

impl<'s> Letters<'s> {
    /// By this template, with these files.
    ///
    /// # Errors
    /// As [`Template::new`].
    pub fn new(source: &'s Source, common: Common, files: Files<'s>) -> Result<Self> {
        let names_recipients = ["To", "Cc", "Bcc"].iter().any(|name| source.has(name));
        Ok(Self {
            template: Template::new(source)?,
            names_recipients,
            has_one_sender: common.sender.is_some() || !source.varies("From"),
            common,
            files,
        })
    }

    /// Whether the envelope sender is the same for all rows.
    pub fn have_one_sender(&self) -> bool {
        self.has_one_sender
    }

    /// The message of a row, under this Message-ID and dated now.
    ///
    /// # Errors
    /// [`Kind::Message`] for what is wrong with the row; the failure of a file that cannot be had.
    pub fn letter(&self, row: &Row, message_id: String) -> Result<(Envelope, Message)> {
        let rendered = self.template.render(row)?;
        let mut fields = Fields {
            date: Date::now(),
            message_id,
            ..self.common.fields.clone()
        };
        let mut bcc = AddressList::default();
        for (name, value) in rendered.fields {
            let is = |other: &str| name.eq_ignore_ascii_case(other);
            match value {
                Outcome::Addresses(list) if list.is_empty() => {}
                Outcome::Addresses(list) if is("To") => fields.to.append(list),
                Outcome::Addresses(list) if is("Cc") => fields.cc.append(list),
                Outcome::Addresses(list) if is("Bcc") => bcc.append(list),
                Outcome::Addresses(list) if is("From") => fields.from = Some(list),
                Outcome::Addresses(list) if is("Reply-To") => fields.reply_to = list,
                Outcome::Addresses(list) => {
                    let folded = list.header_value(name.len());
                    push(&mut fields, name, &folded.replace("\r\n", ""))?;
                }
                Outcome::Text(text) if text.trim().is_empty() => {}
                Outcome::Text(text) if is("Subject") => {
                    // What could end the field is refused here.
                    let subject = HeaderField::new(name, &text).map_err(bad)?;
                    fields.subject = Some(subject.value().to_owned());
                }
                Outcome::Text(text) => push(&mut fields, name, &text)?,
            }
        }
        if !self.names_recipients {
            fields.to = column(row, &["to", "email"])?;
            fields.cc = column(row, &["cc"])?;
            bcc = column(row, &["bcc"])?;
        }
        let mut recipients: Vec<Address> = Vec::new();
        for list in [&fields.to, &fields.cc, &bcc] {
            recipients.extend(list.addresses().cloned());
        }
        if recipients.is_empty() {
            return Err(Failure::new(Kind::Message, "no recipient").with_hint(
                if self.names_recipients {
                    "To, Cc and Bcc of the template came out empty"
                } else {
                    "give the template a To: field, or the data a column called to or email"
                },
            ));
        }
        let mut attachments = Vec::with_capacity(rendered.files.len());
        for (path, place) in &rendered.files {
            attachments.push((self.files)(path, *place)?);
        }
        let (text, html) = match (rendered.text, rendered.marked_up) {
            (None, Some(Marked::Html(html))) => (Some(html_to_text(&html)), Some(html)),
            (text, Some(Marked::Html(html))) => (text, Some(html)),
            (text, Some(Marked::Markdown(source))) => (text, Some(markdown_to_html(&source))),
            (text, None) => (text, None),
        };
        let parts = Parts {
            text: text.map(Text::from),
            html: html.map(Text::from),
            inline: Vec::new(),
            attachments,
        };
        let message = Message::compose(&fields, parts).map_err(bad)?;
        let sender = match &self.common.sender {
            Some(sender) => Cow::Borrowed(sender),
            None => Cow::Owned(ReversePath::from(
                message
                    .sender()
                    .unwrap_or_else(|| fields.default_from.address())
                    .clone(),
            )),
        };
        let envelope = Envelope::new(sender.into_owned(), recipients)?;
        Ok((envelope.with_options(self.common.options.clone()), message))
    }
}

/// Puts a field into the header, in place of what would be made.
fn push(fields: &mut Fields, name: &str, value: &str) -> Result<()> {
    fields
        .headers
        .push(HeaderField::new(name, value).map_err(bad)?);
    Ok(())
}

/// The addresses in the first of these fields that is there.
fn column(row: &Row, names: &[&str]) -> Result<AddressList> {
    let found = names
        .iter()
        .find_map(|name| Some((name, row.text_of(name)?)));
    match found {
        Some((name, text)) => AddressList::parse(&text)
            .map_err(|failure| failure.at(format_args!("field \"{name}\""))),
        None => Ok(AddressList::default()),
    }
}

/// What no flag has to answer for, but the row.
fn bad(failure: Failure) -> Failure {
    let kind = match failure.kind {
        Kind::Usage => Kind::Message,
        kind => kind,
    };
    Failure { kind, ..failure }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::super::rows::{Format, Rows};
    use super::*;
    use crate::message::Store;

    fn rows(data: &str, format: Format) -> Vec<Row> {
        let rows = Rows::new(&Store::from(data.as_bytes().to_vec()), format).unwrap();
        rows.map(Result::unwrap).collect()
    }

    fn common() -> Common {
        let from: Address = "me@example.com".parse().unwrap();
        Common {
            fields: Fields {
                from: None,
                default_from: from.into(),
                to: AddressList::default(),
                cc: AddressList::default(),
                reply_to: AddressList::default(),
                subject: None,
                headers: Vec::new(),
                date: Date::now(),
                message_id: String::new(),
                particulars: Default::default(),
            },
            sender: None,
            options: Options::default(),
        }
    }

    fn no_files(path: &str, _: Place) -> Result<Attachment> {
        Attachment::new(path, path.as_bytes().to_vec())
    }

    /// The messages of all rows, or what is wrong with them.
    fn letters(template: &str, data: &str, format: Format) -> Vec<Result<(Vec<String>, String)>> {
        let source = Source::parse(template.as_bytes()).unwrap();
        letters_of(&source, data, format)
    }

    fn letters_of(
        source: &Source,
        data: &str,
        format: Format,
    ) -> Vec<Result<(Vec<String>, String)>> {
        let letters = Letters::new(source, common(), &no_files).unwrap();
        let rows = rows(data, format);
        let made = rows.iter().map(|row| letters.letter(row, "<id@x>".into()));
        made.map(|made| {
            let (envelope, message) = made?;
            let content = message.content(true, true)?;
            let mut reader = content.reader();
            let mut octets = Vec::new();
            while let Some(chunk) = reader.next_chunk().unwrap() {
                octets.extend_from_slice(chunk);
            }
            let recipients = envelope.recipients().iter();
            Ok((
                recipients.map(ToString::to_string).collect(),
                String::from_utf8(octets).unwrap(),
            ))
        })
        .collect()
    }

    fn one(template: &str, data: &str) -> Result<(Vec<String>, String)> {
        letters(template, data, Format::JsonLines).remove(0)
    }

    #[test]
    fn each_row_is_a_message_of_its_own() {
        let template = "To: {{ name }} <{{ email }}>\nSubject: Hi {{ name }}\n\nDear {{ name }},\n{% for x in [1, 2] %}{{ x }}{% endfor %}\n";
        let data = "name,email\n\"Smith, Bob\",b@x.org\nJörg,j@x.org\n";
        let made = letters(template, data, Format::Csv);
        let (to, message) = made[0].as_ref().unwrap();
        assert_eq!(to, &["b@x.org"]);
        assert!(
            message.contains("To: \"Smith, Bob\" <b@x.org>\r\n"),
            "{message}"
        );
        assert!(message.contains("Subject: Hi Smith, Bob\r\n"));
        assert!(message.ends_with("\r\n\r\nDear Smith, Bob,\r\n12\r\n"));
        let (_, message) = made[1].as_ref().unwrap();
        assert!(message.contains("=?utf-8?"), "{message}");
    }

    #[test]
    fn the_columns_say_who_gets_it_where_the_template_does_not() {
        let (to, message) = one(
            "Subject: x\n\ny",
            r#"{"Email": "a@x.org", "CC": ["b@x.org", "c@x.org"], "bcc": "d@x.org"}"#,
        )
        .unwrap();
        assert_eq!(to, ["a@x.org", "b@x.org", "c@x.org", "d@x.org"]);
        assert!(message.contains("Cc: b@x.org, c@x.org\r\n") && !message.contains("d@x.org"));
        let (to, _) = one("To: {{ to }}\n\n", r#"{"to": "a@x.org", "cc": "b@x.org"}"#).unwrap();
        assert_eq!(to, ["a@x.org"]);
        let failure = one("Subject: x\n\n", r#"{"name": "a"}"#).unwrap_err();
        assert_eq!(
            (failure.kind, &*failure.message),
            (Kind::Message, "no recipient")
        );
    }

    #[test]
    fn a_list_is_inserted_where_the_template_says_that_it_is_one() {
        let data = r#"{"all": ["a@x.org", "B, C <b@x.org>"]}"#;
        assert!(one("To: {{ all|addresses }}\n\n", data).is_err());
        let data = r#"{"all": ["a@x.org", "\"B, C\" <b@x.org>"]}"#;
        let (to, _) = one("To: {{ all|addresses }}\n\n", data).unwrap();
        assert_eq!(to, ["a@x.org", "b@x.org"]);
        assert!(one("To: {{ all }}\n\n", data).is_err());
        let each = "To: {% for one in all %}{{ one }},{% endfor %}\n\n";
        assert_eq!(one(each, data).unwrap().0, ["a@x.org", "b@x.org"]);
    }

    #[test]
    fn nothing_inserted_begins_another_field() {
        for value in [
            r"x\r\nBcc: evil@x.org",
            r"x\nX-A: 1",
            r"x\ry",
            r"a\u0000b",
            r"\u0001",
        ] {
            let data = format!("{{\"v\": \"{value}\"}}");
            for template in [
                "To: a@x.org\nSubject: {{ v }}\n\n",
                "To: a@x.org\nX-Note: {{ v }}\n\n",
                "To: {{ v }} <a@x.org>\n\n",
                "To: a@x.org\nCc: {{ v }}\n\n",
                "To: a@x.org\nErrors-To: {{ v }} <b@x.org>\n\n",
            ] {
                let failure = one(template, &data).unwrap_err();
                assert_eq!(failure.kind, Kind::Message, "{template}: {failure}");
                assert!(!failure.message.contains(['\r', '\n']));
            }
        }
    }

    #[test]
    fn a_field_that_comes_out_empty_is_left_out() {
        let template = "To: a@x.org\nX-Vip: {% if vip %}yes{% endif %}\nCc: {{ cc }}\n\nx";
        let (_, message) = one(template, r#"{"vip": false, "cc": null}"#).unwrap();
        assert!(
            !message.contains("X-Vip") && !message.contains("Cc:"),
            "{message}"
        );
        let (_, message) = one(template, r#"{"vip": true, "cc": "b@x.org"}"#).unwrap();
        assert!(message.contains("X-Vip: yes\r\n") && message.contains("Cc: b@x.org\r\n"));
    }

    #[test]
    fn a_field_that_the_row_does_not_have_is_named() {
        let failure = one("To: a@x.org\n\n1\n2 {{ nmae }}", r#"{"name": "Bob"}"#).unwrap_err();
        assert!(
            failure.message.starts_with("line 4 of the template: "),
            "{failure}"
        );
        assert!(failure.hint.is_some());
        let failure = one("To: {{ mail }}\n\n", "{}").unwrap_err();
        assert!(
            failure.message.starts_with("line 1 of the template: To: "),
            "{failure}"
        );
        one(
            "To: a@x.org\n\n{% if x is defined %}{{ x }}{% endif %}",
            "{}",
        )
        .unwrap();
    }

    #[test]
    fn what_is_inserted_into_html_is_escaped() {
        let template = "To: a@x.org\nContent-Type: text/html\n\n<b>{{ v }}</b>";
        let (_, message) = one(template, r#"{"v": "<script>&"}"#).unwrap();
        assert!(message.contains("<b>&lt;script&gt;&amp;</b>"), "{message}");
        assert!(
            message.contains("Content-Type: text/html; charset=utf-8"),
            "{message}"
        );
    }

    #[test]
    fn html_has_a_text_beside_it() {
        let template = "To: a@x.org\nContent-Type: text/html\n\n<p>Hi <b>{{ v }}</b></p>";
        let (_, message) = one(template, r#"{"v": "a&b"}"#).unwrap();
        assert!(message.contains("multipart/alternative") && message.contains("\r\n\r\nHi a&b"));
        let source = Source::parse(b"To: a@x.org\n\ntext {{ v }}").unwrap();
        let source = source.with_html(b"<i>{{ v }}</i>").unwrap();
        let made = letters_of(&source, r#"{"v": "<x>"}"#, Format::JsonLines).remove(0);
        let (_, message) = made.unwrap();
        assert!(message.contains("text <x>") && message.contains("<i>&lt;x&gt;</i>"));
    }

    #[test]
    fn what_is_inserted_into_markdown_is_no_markup() {
        let source = Source::parse(b"To: a@x.org\n\n**{{ v }}** [x](https://x.org/{{ v }})");
        let source = source.unwrap().as_markdown().unwrap();
        for (value, shown) in [
            ("a*b_", "<strong>a*b_</strong>"),
            ("<b>", "<strong>&lt;b&gt;</strong>"),
            (r"x\n\n# y", "x<br />\n<br />\n# y</strong>"),
            ("](http://evil.org)", "<strong>](http://evil.org)</strong>"),
        ] {
            let data = format!("{{\"v\": \"{value}\"}}");
            let made = letters_of(&source, &data, Format::JsonLines).remove(0);
            let (_, message) = made.unwrap();
            let message = message.replace("=\r\n", "").replace("\r\n", "\n");
            assert!(message.contains(shown), "{value}: {message}");
        }
        let made = letters_of(&source, r#"{"v": "a*b"}"#, Format::JsonLines).remove(0);
        assert!(made.unwrap().1.contains("**a*b** [x]"));
    }

    #[test]
    fn files_are_those_that_the_row_names() {
        let template = "To: a@x.org\nAttach: {{ file }}\nAttach: always.txt\n\nx";
        let (_, message) = one(template, r#"{"file": "one.pdf"}"#).unwrap();
        assert!(message.contains("one.pdf") && message.contains("always.txt"));
        assert!(!message.contains("Attach:"));
        let (_, message) = one(template, r#"{"file": ""}"#).unwrap();
        assert!(!message.contains("one.pdf") && message.contains("always.txt"));
    }
}
