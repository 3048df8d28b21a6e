//! A parameter of MAIL that somebody writes out, for extensions that have no option of their own.
//!
//! Owns its grammar (RFC 5321 §4.1.2, esmtp-param) and its length. Refuses the keywords whose value
//! is known here: two of a kind would contradict each other, and MAIL be refused.

use std::fmt;
use std::str::FromStr;

use crate::failure::{Failure, Kind, Result, excerpt};

/// Octets of a parameter. The longest that any extension defines have about a thousand (RFC 3865 §3.1).
const PARAMETER_MAX: usize = 1024;

/// Where what a keyword says comes from instead.
const TAKEN: [(&str, &str); 8] = [
    ("SIZE", "it is always told to a server that asks for it"),
    ("BODY", "it is told where the message needs it"),
    ("SMTPUTF8", "it is told where the message needs it"),
    ("RET", "use --dsn-return"),
    ("ENVID", "use --dsn-id"),
    ("NOTIFY", "it goes with each recipient: use --dsn-notify"),
    ("ORCPT", "it goes with each recipient, by --dsn-notify"),
    ("REQUIRETLS", "use --require-tls"),
];

/// A parameter of MAIL: `KEY` or `KEY=VALUE`.
///
/// The keyword has letters, digits and inner hyphens, the value visible ASCII without `=`. Both are
/// kept as written; two keywords are the same in any case.
///
/// ```
/// use smtpsend::envelope::MailParameter;
/// let parameter: MailParameter = "MT-PRIORITY=3".parse()?;
/// assert_eq!((parameter.keyword(), parameter.value()), ("MT-PRIORITY", Some("3")));
/// assert!("SIZE=1".parse::<MailParameter>().is_err());
/// # Ok::<(), smtpsend::failure::Failure>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailParameter {
    text: String,
}

impl MailParameter {
    /// Reads several, separated by spaces or by commas with a space behind them: a comma alone may
    /// belong to a value.
    ///
    /// # Errors
    /// `Usage` as for each of them, when a keyword stands twice, and when there is none.
    pub fn list(text: &str) -> Result<Vec<Self>> {
        let mut all: Vec<Self> = Vec::new();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let parameter: Self = word.strip_suffix(',').unwrap_or(word).parse()?;
            let keyword = parameter.keyword();
            if all
                .iter()
                .any(|known| known.keyword().eq_ignore_ascii_case(keyword))
            {
                let words = format!("{keyword} is given twice");
                return Err(Failure::new(Kind::Usage, words).with_hint("leave one of them out"));
            }
            all.push(parameter);
        }
        if all.is_empty() {
            return Err(Failure::new(Kind::Usage, "no parameter is given")
                .with_hint("write KEY or KEY=VALUE"));
        }
        Ok(all)
    }

    /// What it is called.
    pub fn keyword(&self) -> &str {
        self.text
            .split_once('=')
            .map_or(self.text.as_str(), |(keyword, _)| keyword)
    }

    /// What it says, if it has a value.
    pub fn value(&self) -> Option<&str> {
        self.text.split_once('=').map(|(_, value)| value)
    }
}

impl FromStr for MailParameter {
    type Err = Failure;

    /// # Errors
    /// `Usage` when it is none by the grammar, longer than 1024 octets, or one that is
    /// told to the server anyway or has an option of its own.
    fn from_str(text: &str) -> Result<Self> {
        let (keyword, value) = match text.split_once('=') {
            Some((keyword, value)) => (keyword, Some(value)),
            None => (text, None),
        };
        let refuse = |why: &str| Failure::new(Kind::Usage, format!("\"{}\": {why}", excerpt(text)));
        let is_keyword = keyword.starts_with(|c: char| c.is_ascii_alphanumeric())
            && keyword
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !is_keyword {
            return Err(refuse("this is no keyword of a parameter of MAIL")
                .with_hint("write KEY or KEY=VALUE; a keyword has letters, digits and hyphens"));
        }
        let is_value = |value: &str| {
            !value.is_empty() && value.bytes().all(|b| matches!(b, b'!'..=b'~') && b != b'=')
        };
        if !value.is_none_or(is_value) {
            return Err(refuse("this cannot be the value of a parameter of MAIL")
                .with_hint("a value has visible ASCII characters without =; several parameters are separated by spaces"));
        }
        if text.len() > PARAMETER_MAX {
            return Err(refuse(&format!(
                "a parameter of {} octets, more than {PARAMETER_MAX}",
                text.len()
            )));
        }
        let mut taken = TAKEN.iter();
        match taken.find(|(taken, _)| taken.eq_ignore_ascii_case(keyword)) {
            Some((taken, instead)) => {
                Err(refuse(&format!("{taken} is no free parameter")).with_hint(*instead))
            }
            None => Ok(Self {
                text: text.to_owned(),
            }),
        }
    }
}

impl fmt::Display for MailParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_kept_as_it_is_written() {
        for text in [
            "X",
            "mt-priority=3",
            "BY=120;R",
            "SOLICIT=org.example:ADV,com.example:X",
            "AUTH=<>",
            "9-=a",
        ] {
            let parameter: MailParameter = text.parse().unwrap();
            assert_eq!(parameter.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_parameter_is_refused() {
        for text in [
            "",
            "=",
            "=x",
            "-X",
            "X=",
            "X==",
            "X=a=b",
            "X=a b",
            "X Y",
            "X=\u{fc}",
            "X=a\r\nRCPT TO:<x@y>",
            "X\0",
            "X_Y",
            "X,Y=1",
        ] {
            let failure = text.parse::<MailParameter>().unwrap_err();
            assert_eq!(failure.kind, Kind::Usage, "{text}");
            assert!(failure.hint.is_some(), "{text}");
        }
        let long = format!("X={}", "x".repeat(1023));
        assert!(long.parse::<MailParameter>().is_err());
        assert!(
            long[1..]
                .replace('=', "X=")
                .parse::<MailParameter>()
                .is_err()
        );
        assert!(long[..1024].parse::<MailParameter>().is_ok());
    }

    #[test]
    fn what_is_told_anyway_is_refused_with_the_option_to_use() {
        for (text, words) in [
            ("size=1", "always"),
            ("BODY=8BITMIME", "needs"),
            ("SMTPUTF8", "needs"),
            ("Ret=FULL", "--dsn-return"),
            ("ENVID=x", "--dsn-id"),
            ("notify=NEVER", "--dsn-notify"),
            ("ORCPT=rfc822;a", "--dsn-notify"),
            ("REQUIRETLS", "--require-tls"),
        ] {
            let failure = text.parse::<MailParameter>().unwrap_err();
            assert!(failure.hint.unwrap().contains(words), "{text}");
        }
    }

    #[test]
    fn several_are_separated_by_spaces_and_commas_may_stand_in_values() {
        let written = |text: &str| -> Vec<String> {
            let all = MailParameter::list(text).unwrap();
            all.iter().map(ToString::to_string).collect()
        };
        assert_eq!(written("A=1 B"), ["A=1", "B"]);
        assert_eq!(written(" A=1,  B=a,b, C "), ["A=1", "B=a,b", "C"]);
    }

    #[test]
    fn a_keyword_stands_once() {
        let failure = MailParameter::list("X=1, x=2").unwrap_err();
        assert!(failure.message.contains("twice"));
        assert!(MailParameter::list(" ").is_err());
        assert!(MailParameter::list("A=1\r\nB=2").is_err());
    }
}
