//! What a user may say of a message beside its addresses and its subject: when it was written, which one it
//! is, what it answers, how a list is left, and how urgent it is.
//!
//! Owns the fields that say so, and which of them go together: fields of one kind are written all or not at
//! all, since one that says something else would contradict them. Refuses addresses for leaving a list that
//! are neither https nor mailto. RFC 2369, RFC 8058, RFC 2156 §5.3.4.

use super::field::rendered;
use super::header::Header;
use super::{Date, Fields, MessageId};
use crate::failure::{Failure, Kind, Result};

/// Octets of an URI at most: it cannot be folded, and a line has no more than 998.
const URI_MAX: usize = 900;

/// What the flags say of the header beside addresses and subject.
#[derive(Debug, Clone, Default)]
pub struct Particulars {
    /// `--date`.
    pub date: Option<Date>,
    /// `--message-id`.
    pub message_id: Option<MessageId>,
    /// `--in-reply-to`: the messages before this one, that which it answers last.
    pub in_reply_to: Vec<MessageId>,
    /// `--list-unsubscribe`.
    pub list_unsubscribe: Vec<UnsubscribeUri>,
    /// `--priority`.
    pub priority: Option<Priority>,
}

/// Fields that go together.
pub(super) struct Group {
    /// The flag that asks for them; none where they are made anyway.
    pub(super) flag: Option<&'static str>,
    /// Names and values, folded.
    fields: Vec<(&'static str, String)>,
}

impl Group {
    fn asked<const N: usize>(flag: &'static str, fields: [(&'static str, String); N]) -> Self {
        Self {
            flag: Some(flag),
            fields: fields.into(),
        }
    }

    fn made(name: &'static str, value: String) -> Self {
        Self {
            flag: None,
            fields: vec![(name, value)],
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().map(|(name, _)| *name)
    }

    pub(super) fn push(&self, header: &mut Header) {
        for (name, value) in &self.fields {
            header.push(name, value);
        }
    }
}

impl Fields {
    /// The fields beside From, To and Cc, in their order.
    ///
    /// # Errors
    /// [`Kind::Usage`] or [`Kind::Message`] when a value cannot stand in a header.
    pub(super) fn groups(&self) -> Result<Vec<Group>> {
        let mut groups = Vec::new();
        if !self.reply_to.is_empty() {
            let value = self.reply_to.header_value("Reply-To".len());
            groups.push(Group::asked("--reply-to", [("Reply-To", value)]));
        }
        if let Some(subject) = &self.subject {
            let value = rendered("Subject", subject)?;
            groups.push(Group::asked("--subject", [("Subject", value)]));
        }
        let asked = &self.particulars;
        groups.push(match asked.date {
            Some(date) => Group::asked("--date", [("Date", date.to_string())]),
            None => Group::made("Date", self.date.to_string()),
        });
        groups.push(match &asked.message_id {
            Some(id) => Group::asked("--message-id", [("Message-ID", id.to_string())]),
            None => Group::made("Message-ID", rendered("Message-ID", &self.message_id)?),
        });
        groups.extend(asked.groups()?);
        Ok(groups)
    }
}

impl Particulars {
    fn groups(&self) -> Result<Vec<Group>> {
        let mut groups = Vec::new();
        if let Some(answered) = self.in_reply_to.last() {
            let chain = joined(&self.in_reply_to, " ");
            let fields = [
                ("In-Reply-To", answered.to_string()),
                ("References", rendered("References", &chain)?),
            ];
            groups.push(Group::asked("--in-reply-to", fields));
        }
        groups.extend(self.unsubscribing()?);
        if let Some(priority) = self.priority {
            let (number, word) = priority.values();
            let fields = [
                ("X-Priority", number.to_owned()),
                ("Importance", word.to_owned()),
            ];
            groups.push(Group::asked("--priority", fields));
        }
        Ok(groups)
    }

    /// How the list is left: by one click where there is an address for that (RFC 8058 §3.1).
    fn unsubscribing(&self) -> Result<Option<Group>> {
        if self.list_unsubscribe.is_empty() {
            return Ok(None);
        }
        let uris = joined(&self.list_unsubscribe, ", ");
        let field = ("List-Unsubscribe", rendered("List-Unsubscribe", &uris)?);
        let mut group = Group::asked("--list-unsubscribe", [field]);
        if self.list_unsubscribe.iter().any(UnsubscribeUri::is_https) {
            let one_click = (
                "List-Unsubscribe-Post",
                "List-Unsubscribe=One-Click".to_owned(),
            );
            group.fields.push(one_click);
        }
        Ok(Some(group))
    }
}

fn joined(items: &[impl ToString], between: &str) -> String {
    let texts: Vec<String> = items.iter().map(ToString::to_string).collect();
    texts.join(between)
}

/// How urgent a message is, in the words of those who read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// `X-Priority: 1`, `Importance: high`.
    High,
    /// `X-Priority: 3`, `Importance: normal`.
    Normal,
    /// `X-Priority: 5`, `Importance: low`.
    Low,
}

impl Priority {
    /// Their names, as `--priority` takes them.
    pub const NAMES: [&'static str; 3] = ["high", "normal", "low"];

    /// Reads one of [`Priority::NAMES`], in any case.
    ///
    /// # Errors
    /// [`Kind::Usage`] when it is none of them.
    pub fn parse(text: &str) -> Result<Self> {
        let all = [Self::High, Self::Normal, Self::Low];
        let mut found = all
            .into_iter()
            .filter(|priority| priority.values().1.eq_ignore_ascii_case(text));
        found.next().ok_or_else(|| {
            Failure::new(
                Kind::Usage,
                format!("\"{text}\" is not high, normal or low"),
            )
        })
    }

    /// What X-Priority and Importance say. Both, since some programs read one and some the other.
    fn values(self) -> (&'static str, &'static str) {
        match self {
            Self::High => ("1", "high"),
            Self::Normal => ("3", "normal"),
            Self::Low => ("5", "low"),
        }
    }
}

/// Where a reader leaves a list.
///
/// ```
/// use smtpsend::message::UnsubscribeUri;
/// let uri = UnsubscribeUri::parse("https://example.com/leave?who=42")?;
/// assert_eq!(uri.to_string(), "<https://example.com/leave?who=42>");
/// assert!(UnsubscribeUri::parse("http://example.com/leave").is_err());
/// # Ok::<(), smtpsend::failure::Failure>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsubscribeUri(String);

impl UnsubscribeUri {
    /// Reads an `https:` or a `mailto:` URI, with or without angle brackets around it.
    ///
    /// # Errors
    /// [`Kind::Usage`] when it is another one, names no host or no address, holds what no URI does
    /// (RFC 3986 §2), or has more than 900 octets.
    pub fn parse(text: &str) -> Result<Self> {
        let bare = text
            .strip_prefix('<')
            .and_then(|rest| rest.strip_suffix('>'));
        let uri = bare.unwrap_or(text);
        let wrong = |why: &str| {
            Failure::new(Kind::Usage, format!("\"{text}\" {why}")).with_hint(
                "write it as https://example.com/leave?id=42 or mailto:leave@example.com?subject=42",
            )
        };
        if let Some(c) = uri.chars().find(|&c| !may_stand_in_a_uri(c)) {
            return Err(wrong(&format!(
                "holds {c:?}, which has to be written as % and its octets in hexadecimal"
            )));
        }
        if uri.len() > URI_MAX {
            return Err(wrong(&format!("is longer than {URI_MAX} octets")));
        }
        let (scheme, rest) = uri.split_once(':').unwrap_or_default();
        let names_somebody = match scheme.to_ascii_lowercase().as_str() {
            "https" => rest
                .strip_prefix("//")
                .is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#', ':'])),
            "mailto" => rest.split('?').next().is_some_and(|to| {
                to.split_once('@')
                    .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
            }),
            _ => return Err(wrong("is neither an https nor a mailto URI")),
        };
        if !names_somebody {
            return Err(wrong("names no host or no address"));
        }
        Ok(Self(uri.to_owned()))
    }

    fn is_https(&self) -> bool {
        self.0
            .get(..6)
            .is_some_and(|start| start.eq_ignore_ascii_case("https:"))
    }
}

/// As its field has it, in angle brackets.
impl std::fmt::Display for UnsubscribeUri {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<{}>", self.0)
    }
}

fn may_stand_in_a_uri(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::super::tests::{WHOLE, composed, fields, headers, sent};
    use super::super::{Message, Text};
    use super::*;

    fn uris(texts: &[&str]) -> Vec<UnsubscribeUri> {
        let parsed = texts.iter().map(|text| UnsubscribeUri::parse(text));
        parsed.collect::<Result<_>>().unwrap()
    }

    fn all() -> Fields {
        let particulars = Particulars {
            date: Some(Date::parse("2026-11-23T14:30+01:00").unwrap()),
            message_id: Some(MessageId::parse("2@x.org").unwrap()),
            in_reply_to: MessageId::parse_list("<a@x.org> <b@x.org>").unwrap(),
            list_unsubscribe: uris(&["mailto:leave@x.org?subject=42", "https://x.org/leave?42"]),
            priority: Some(Priority::Low),
        };
        Fields {
            particulars,
            ..fields()
        }
    }

    const FIELDS: &str = "Date: Mon, 23 Nov 2026 14:30:00 +0100\r\n\
        Message-ID: <2@x.org>\r\n\
        In-Reply-To: <b@x.org>\r\n\
        References: <a@x.org> <b@x.org>\r\n\
        List-Unsubscribe: <mailto:leave@x.org?subject=42>, <https://x.org/leave?42>\r\n\
        List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\
        X-Priority: 5\r\n\
        Importance: low\r\n";

    #[test]
    fn every_flag_writes_its_fields() {
        let message = composed(&all(), "x");
        assert!(message.contains(FIELDS), "{message}");
        let handed_over = Message::handed_over(b"From: a@x.org\n\nx".to_vec(), &all()).unwrap();
        assert_eq!(
            sent(&handed_over),
            format!("From: a@x.org\r\n{FIELDS}\r\nx\r\n")
        );
        assert!(handed_over.warnings().is_empty());
        assert_eq!(handed_over.message_id(), "<2@x.org>");
    }

    #[test]
    fn what_a_message_says_itself_stays_and_the_flag_is_named() {
        let own = "In-Reply-To: <z@x.org>\nList-Unsubscribe: <https://z.org>\nImportance: high\n";
        let input = format!("{WHOLE}{own}\n");
        let message = Message::handed_over(input.clone().into_bytes(), &all()).unwrap();
        assert_eq!(sent(&message), input.replace('\n', "\r\n"));
        let flags = [
            "--date",
            "--message-id",
            "--in-reply-to",
            "--list-unsubscribe",
            "--priority",
        ];
        assert_eq!(message.warnings().len(), flags.len());
        for (warning, flag) in message.warnings().iter().zip(flags) {
            assert!(
                warning.starts_with(&format!("{flag} is not used")),
                "{warning}"
            );
        }
    }

    #[test]
    fn a_header_flag_goes_before_the_others() {
        let edited = Fields {
            headers: headers(&["Date: x", "Importance:", "Message-ID: <3@x.org>"]),
            ..all()
        };
        let message = Message::compose(&edited, Text::from(String::new())).unwrap();
        let text = sent(&message);
        assert!(
            text.contains("\r\nDate: x\r\nMessage-ID: <3@x.org>\r\n"),
            "{text}"
        );
        assert!(!text.contains("Importance"), "{text}");
    }

    #[test]
    fn only_an_https_uri_is_for_one_click() {
        let mut by_mail = all();
        by_mail.particulars.list_unsubscribe = uris(&["<MAILTO:leave@x.org>"]);
        let message = composed(&by_mail, "x");
        assert!(message.contains("\r\nList-Unsubscribe: <MAILTO:leave@x.org>\r\n"));
        assert!(!message.contains("One-Click"), "{message}");
    }

    #[test]
    fn long_values_are_folded_between_what_they_list() {
        let mut long = all();
        let chain: Vec<String> = (0..100)
            .map(|n| format!("<{n}.{}@x.org>", "a".repeat(n)))
            .collect();
        long.particulars.in_reply_to = MessageId::parse_list(&chain.join(" ")).unwrap();
        let far = format!("https://x.org/{}", "u".repeat(880));
        long.particulars.list_unsubscribe = uris(&[&far, "mailto:leave@x.org"]);
        let message = composed(&long, "x");
        assert!(message.contains(&format!(
            "\r\nIn-Reply-To: <99.{}@x.org>\r\n",
            "a".repeat(99)
        )));
        assert!(
            message.contains(&format!(
                "\r\nList-Unsubscribe: <{far}>,\r\n <mailto:leave@x.org>\r\n"
            )),
            "{message}"
        );
        assert!(message.replace("\r\n ", " ").contains(&chain.join(" ")));
        for line in message.split("\r\n") {
            assert!(
                line.len() <= 78 || !line.trim().contains(' ') || line.contains(": "),
                "{line}"
            );
            assert!(line.len() <= 998);
        }
    }

    #[test]
    fn what_is_no_address_to_leave_by_is_refused() {
        let long = format!("https://x.org/{}", "u".repeat(900));
        for text in [
            "",
            "x",
            "http://x.org/",
            "ftp://x.org/",
            "javascript:alert(1)",
            "https:",
            "https://",
            "https:///x",
            "https:x.org",
            "https://?x",
            "mailto:",
            "mailto:leave",
            "mailto:@x.org",
            "mailto:?to=a@x.org",
            "https://x.org/a b",
            "https://x.org/<a>",
            "<https://x.org",
            "https://x.org>",
            "https://x.org/\r\nBcc: y@z",
            "https://x.org/ä",
            "https://x.org/\0",
            "https://x.org/\"a\"",
            "https://x.org>, <mailto:a@x.org",
            &long,
        ] {
            assert_eq!(
                UnsubscribeUri::parse(text).unwrap_err().kind,
                Kind::Usage,
                "{text:?}"
            );
        }
        assert!(Priority::parse("urgent").is_err());
        assert_eq!(Priority::parse("HIGH").unwrap(), Priority::High);
    }
}
