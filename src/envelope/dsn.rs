//! What is asked for by DSN, the extension for notices about delivery (RFC 3461).
//!
//! Owns the three wishes as a person writes them. Refuses `never` beside anything else (§4.1), and an
//! envelope identifier that a notice could not repeat (§4.4).

use std::fmt;
use std::str::FromStr;

use crate::failure::{Failure, Kind, Result};

/// Characters of an envelope identifier.
const ENVELOPE_ID_MAX: usize = 100;

/// What the sender may be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The message was delivered.
    Success,
    /// It cannot be delivered.
    Failure,
    /// It is late.
    Delay,
}

impl Event {
    const ALL: [Self; 3] = [Self::Success, Self::Failure, Self::Delay];

    /// The name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Delay => "delay",
        }
    }
}

/// When the sender is to be told (NOTIFY, RFC 3461 §4.1): of some events, or never.
///
/// As text: `never`, or some of `success`, `failure` and `delay` with commas, in any case. `Display`
/// writes lower case and this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notify {
    // One for each of `Event::ALL`.
    of: [bool; 3],
}

impl Notify {
    /// Of nothing.
    pub const NEVER: Self = Self { of: [false; 3] };

    /// Of these events; of none is never.
    pub fn of(events: &[Event]) -> Self {
        Self {
            of: Event::ALL.map(|event| events.contains(&event)),
        }
    }

    /// Whether the sender is to be told of this.
    pub fn tells_of(self, event: Event) -> bool {
        self.events().any(|known| known == event)
    }

    fn events(self) -> impl Iterator<Item = Event> {
        let wanted = Event::ALL.into_iter().zip(self.of);
        wanted.filter_map(|(event, wanted)| wanted.then_some(event))
    }
}

impl FromStr for Notify {
    type Err = Failure;

    /// # Errors
    /// `Usage` for any other word, none at all, and `never` beside another.
    fn from_str(text: &str) -> Result<Self> {
        let bad = |why: String| {
            Err(Failure::new(Kind::Usage, why)
                .with_hint("write never, or some of success,failure,delay"))
        };
        let words: Vec<&str> = text.split(',').map(|word| word.trim_matches(' ')).collect();
        let is_never = |word: &&str| word.eq_ignore_ascii_case("never");
        if words.iter().any(is_never) {
            return match words.as_slice() {
                [_] => Ok(Self::NEVER),
                _ => bad(format!("\"{text}\": never stands alone")),
            };
        }
        let mut events = Vec::with_capacity(words.len());
        for word in words {
            let mut known = Event::ALL.into_iter();
            match known.find(|event| event.name().eq_ignore_ascii_case(word)) {
                Some(event) => events.push(event),
                None => return bad(format!("\"{word}\" is nothing one can be notified of")),
            }
        }
        Ok(Self::of(&events))
    }
}

impl fmt::Display for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.events().map(Event::name).collect();
        match names.as_slice() {
            [] => f.write_str("never"),
            names => f.write_str(&names.join(",")),
        }
    }
}

/// How much of the message a failure notice gives back (RET, RFC 3461 §4.3).
///
/// As text: `full` or `headers`, in any case; `hdrs`, as the command says it, is read too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Return {
    /// All of it.
    Full,
    /// Its header alone.
    Headers,
}

impl FromStr for Return {
    type Err = Failure;

    /// # Errors
    /// `Usage` for any other word.
    fn from_str(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "full" => Ok(Self::Full),
            "headers" | "hdrs" => Ok(Self::Headers),
            _ => Err(Failure::new(
                Kind::Usage,
                format!("\"{text}\" is neither full nor headers"),
            )),
        }
    }
}

impl fmt::Display for Return {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "full",
            Self::Headers => "headers",
        })
    }
}

/// What notices call the transaction (ENVID, RFC 3461 §4.4): 1 to 100 printable ASCII characters,
/// spaces among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeId(String);

impl EnvelopeId {
    /// The characters, as notices show them.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EnvelopeId {
    type Err = Failure;

    /// # Errors
    /// `Usage` when it is empty, too long, or holds anything but printable ASCII.
    fn from_str(text: &str) -> Result<Self> {
        let bad = |why: &str| Err(Failure::new(Kind::Usage, why));
        if text.is_empty() {
            return bad("the identifier is empty");
        }
        if let Some(other) = text.chars().find(|c| !matches!(c, ' '..='~')) {
            return bad(&format!(
                "the identifier holds U+{:04X}, which is not printable ASCII",
                u32::from(other)
            ));
        }
        if text.len() > ENVELOPE_ID_MAX {
            return bad(&format!(
                "the identifier has {} characters, more than {ENVELOPE_ID_MAX}",
                text.len()
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for EnvelopeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn notify_is_never_or_a_list_and_is_written_as_it_is_read() {
        let cases = [
            ("never", "never"),
            ("NEVER", "never"),
            ("failure", "failure"),
            ("Delay, SUCCESS", "success,delay"),
            ("delay,failure,success", "success,failure,delay"),
            ("failure,failure", "failure"),
        ];
        for (text, written) in cases {
            let notify: Notify = text.parse().unwrap();
            assert_eq!(notify.to_string(), written);
            assert_eq!(written.parse(), Ok(notify));
        }
    }

    #[test]
    fn never_stands_alone() {
        for text in ["never,failure", "failure, NEVER", "never,never", "never,"] {
            let failure = text.parse::<Notify>().unwrap_err();
            assert!(failure.message.contains("alone"), "{failure}");
        }
    }

    #[test]
    fn other_words_are_not_notified_of() {
        for text in [
            "",
            ",",
            "failure,",
            "failure delay",
            "fail",
            "success;x",
            "never\n",
        ] {
            let failure = text.parse::<Notify>().unwrap_err();
            assert_eq!(failure.kind, Kind::Usage);
            assert!(failure.hint.is_some());
        }
    }

    #[test]
    fn notify_tells_what_it_is_of() {
        let notify: Notify = "success,delay".parse().unwrap();
        assert!(notify.tells_of(Event::Success) && notify.tells_of(Event::Delay));
        assert!(!notify.tells_of(Event::Failure));
        assert!(
            !Event::ALL
                .iter()
                .any(|&event| Notify::NEVER.tells_of(event))
        );
        assert_eq!(Notify::of(&[]), Notify::NEVER);
    }

    #[test]
    fn return_is_written_as_it_is_read() {
        for (text, written) in [
            ("full", "full"),
            ("HEADERS", "headers"),
            ("Hdrs", "headers"),
        ] {
            let ret: Return = text.parse().unwrap();
            assert_eq!(ret.to_string(), written);
            assert_eq!(written.parse(), Ok(ret));
        }
        for text in ["", "header", "full,headers"] {
            assert!(text.parse::<Return>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_envelope_identifier_is_kept_to_the_letter() {
        let longest = "x".repeat(100);
        for text in ["QQ314159", " a + b=c ", longest.as_str()] {
            assert_eq!(text.parse::<EnvelopeId>().unwrap().to_string(), text);
        }
        let too_long = "x".repeat(101);
        for text in ["", "a\r\nb", "a\tb", "\u{fc}", "\u{7f}", too_long.as_str()] {
            assert!(text.parse::<EnvelopeId>().is_err(), "{text:?}");
        }
    }
}
