//! Messages: what the user said, as a value that can be sent.
//!
//! A [`Message`] comes from flags and its [`Parts`] ([`Message::compose`]), from a message that was
//! handed over ([`Message::handed_over`]), from a program that calls sendmail
//! ([`Message::submitted`]), or from another program's octets ([`Message::from_raw`]). For one server it becomes a [`Content`]: octets and facts. What is read
//! stays in its [`Store`], in memory or in a file, and is neither copied nor changed there. Knows no
//! socket, and of the environment only the local time zone. Refuses what is not well-formed, by its line or its field.
//! RFC 5322, RFC 2045 to 2047, RFC 6532.

mod attachment;
mod block;
mod body;
mod compose;
mod content;
mod date;
pub mod dkim;
mod encoding;
mod field;
mod fit;
mod flow;
mod handover;
mod header;
mod html;
mod identity;
mod intake;
mod lines;
mod local_time;
mod markdown;
mod media_type;
mod parameter;
mod particulars;
mod parts;
mod quoted_printable;
mod reading;
mod reencode;
mod stage;
mod store;
mod submitted;
#[cfg(test)]
mod tests;
mod text;
mod window;

use std::borrow::Cow;

pub use attachment::Attachment;
pub use content::{Content, Facts, Reader};
pub use date::Date;
pub use field::HeaderField;
pub(crate) use field::holds_addresses;
pub use html::to_text as html_to_text;
pub use identity::{MessageId, new_message_id};
pub use intake::{Input, Intake, author, classify, nearly_a_message};
pub use markdown::to_html as markdown_to_html;
pub use particulars::{Particulars, Priority, UnsubscribeUri};
pub use parts::Parts;
pub use store::{Store, unreadable};
pub use submitted::Rewriting;
pub use text::Text;

use crate::address::words::{self, Charset};
use crate::address::{Address, AddressList, Mailbox};
use crate::failure::{Failure, Kind, Result};
use body::Body;
use header::{Field, Header};
use reencode::EightBit;

/// What the flags say of the header.
#[derive(Debug, Clone)]
pub struct Fields {
    /// The author (`--from`).
    pub from: Option<AddressList>,
    /// The author when neither the flag nor the message names one.
    pub default_from: Mailbox,
    /// `--to`.
    pub to: AddressList,
    /// `--cc`.
    pub cc: AddressList,
    /// `--reply-to`.
    pub reply_to: AddressList,
    /// `--subject`.
    pub subject: Option<String>,
    /// `-H`, in their order. They replace what stands in a message or would be generated.
    pub headers: Vec<HeaderField>,
    /// When the message was written, unless the particulars say.
    pub date: Date,
    /// Its Message-ID, with angle brackets, unless the particulars say; see [`new_message_id`].
    pub message_id: String,
    /// What flags say beside.
    pub particulars: Particulars,
}

/// A message that can be sent.
#[derive(Debug, Clone)]
pub struct Message {
    header: Header,
    /// Whether an empty line stands between header and body.
    separator: bool,
    body: Body,
    sender: Option<Address>,
    message_id: String,
    warnings: Vec<String>,
}

impl Message {
    fn new(
        header: Header,
        separator: bool,
        body: Body,
        sender: Option<Address>,
        warnings: Vec<String>,
    ) -> Self {
        let message_id = header.named("Message-ID").next().and_then(Field::text);
        Self {
            header,
            separator,
            body,
            sender,
            message_id: message_id.unwrap_or_default(),
            warnings,
        }
    }

    /// The addresses in To, Cc and Bcc, in this order, those in groups included. The same address
    /// may come twice.
    ///
    /// # Errors
    /// [`Kind::Message`], naming the field, when it does not read as an address list.
    pub fn recipients(&self) -> Result<Vec<Address>> {
        let mut recipients = Vec::new();
        for name in ["To", "Cc", "Bcc"] {
            for field in self.header.named(name) {
                let text = field.text().ok_or_else(|| {
                    Failure::new(Kind::Message, format!("{name}: not valid UTF-8"))
                })?;
                let list = AddressList::parse(&text).map_err(|failure| failure.at(name))?;
                recipients.extend(list.addresses().cloned());
            }
        }
        Ok(recipients)
    }

    /// The address in the message's own Sender, else the first in its From; none when it came
    /// without, or with something that is no address.
    pub fn sender(&self) -> Option<&Address> {
        self.sender.as_ref()
    }

    /// The Message-ID it is sent with, with angle brackets; empty when it has none.
    pub fn message_id(&self) -> &str {
        &self.message_id
    }

    /// Its octets for a server that takes everything; 0 when no server can take it.
    pub fn size(&self) -> u64 {
        let content = self.content(true, true);
        content.map_or(0, |content| content.facts().size)
    }

    /// What the user should know, one line each.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whether an address in its header makes it impossible to send without SMTPUTF8. A server
    /// that has it is given such a message, and any other raw UTF-8 in the header, as it is.
    pub fn needs_smtputf8(&self) -> bool {
        sent_fields(&self.header).any(|field| {
            !field.raw().is_ascii()
                && field.text().is_some_and(|text| {
                    field::FieldKind::of(field.name()) == field::FieldKind::Addresses
                        && AddressList::parse(&text).is_ok_and(|list| list.needs_smtputf8())
                })
        })
    }

    /// Whether its body has octets above 127: a server without 8BITMIME is given an encoded one.
    pub fn needs_eight_bit_mime(&self) -> bool {
        self.body.scan().eight_bit.is_some()
    }

    /// Its octets for a server with or without SMTPUTF8 and 8BITMIME. What the server does not take is
    /// encoded: raw UTF-8 in the header, parts with octets above 127.
    ///
    /// # Errors
    /// [`Kind::Message`], naming the line, the part or the field, when it cannot be sent without the
    /// extension that the server lacks: an address beyond ASCII, a part that is signed or encrypted.
    pub fn content(&self, smtputf8: bool, eight_bit_mime: bool) -> Result<Content> {
        let mut header = Cow::Borrowed(&self.header);
        let body = if eight_bit_mime {
            self.body.clone()
        } else {
            reencode::encoded(&self.body, &mut header, EightBit::Encoded)?
        };
        let mut octets = Vec::new();
        let mut utf8_header = false;
        for field in sent_fields(&header) {
            let form = form_of(field, smtputf8)?;
            utf8_header |= !form.raw().is_ascii();
            form.write(&mut octets);
        }
        if self.separator {
            octets.extend_from_slice(b"\r\n");
        }
        Ok(Content::new(octets, body, utf8_header))
    }

    /// The message in the form that a server without extensions gets, else in the one for those that it can be
    /// sent to: its content is then the same for each of them.
    fn for_every_server(&self) -> Result<Self> {
        let mut header = Cow::Borrowed(&self.header);
        let body = match reencode::encoded(&self.body, &mut header, EightBit::Encoded) {
            Ok(body) => body,
            // Only servers with 8BITMIME get it.
            Err(failure) if failure.kind == Kind::Message => {
                header = Cow::Borrowed(&self.header);
                self.body.clone()
            }
            Err(failure) => return Err(failure),
        };
        let form = |smtputf8| {
            let fields = header.fields().iter().map(|field| {
                if field.is_private() {
                    return Ok(field.clone());
                }
                // Not every verifier takes white space before the colon for none.
                form_of(field, smtputf8).map(|field| field.into_owned().tight())
            });
            fields.collect::<Result<Vec<Field>>>()
        };
        let fields = form(false).or_else(|_| form(true))?;
        Ok(Self {
            header: Header::new(fields),
            body,
            separator: self.separator,
            sender: self.sender.clone(),
            message_id: self.message_id.clone(),
            warnings: self.warnings.clone(),
        })
    }
}

fn sent_fields(header: &Header) -> impl Iterator<Item = &Field> {
    header.fields().iter().filter(|field| !field.is_private())
}

/// The field as a server with or without SMTPUTF8 gets it.
fn form_of(field: &Field, smtputf8: bool) -> Result<Cow<'_, Field>> {
    let raw = field.raw();
    let utf8 = std::str::from_utf8(raw).is_ok();
    if raw.is_ascii() || (utf8 && smtputf8) {
        return Ok(Cow::Borrowed(field));
    }
    ascii_field(field, utf8).map(Cow::Owned)
}

/// The field with what is not ASCII encoded.
fn ascii_field(field: &Field, utf8: bool) -> Result<Field> {
    let name = field.name();
    if name.is_empty() {
        return Err(Failure::new(
            Kind::Message,
            format!(
                "line {} of the message is not a header field and not ASCII",
                field.line()
            ),
        ));
    }
    let (text, charset) = match field.text() {
        Some(text) if utf8 => (text, Charset::Utf8),
        _ => (words::undecoded(&field.value()), Charset::Unknown8bit),
    };
    let value = field::encoded(name, &text.replace('\t', " "), charset)?;
    if value.is_ascii() {
        return Ok(Field::new(name, &value));
    }
    let what = match charset {
        Charset::Utf8 => "an address needs SMTPUTF8, which the server does not offer",
        Charset::Unknown8bit => "an address is not valid UTF-8",
    };
    Err(Failure::new(Kind::Message, format!("{name}: {what}")))
}
