//! The commands of a caller, read as a server reads them.
//!
//! Owns their grammar, with what local programs make of it: a space behind the colon, a path without its
//! brackets, a local part alone. Refuses by a reply what is no command, what is not offered, and any
//! control character. RFC 5321 §4.1.1, RFC 1870, RFC 6152, RFC 6531.

use super::answer::Answer;
use crate::address::Address;
use crate::cli::aliases::Written;
use crate::cli::sendmail::sender::Sender;

/// What a caller wants.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// HELO, or EHLO, which has a reply with all that is offered.
    Hello { extended: bool },
    /// MAIL.
    Mail(Mail),
    /// RCPT.
    Rcpt(Written),
    /// DATA.
    Data,
    /// RSET.
    Reset,
    /// NOOP.
    Noop,
    /// VRFY.
    Verify,
    /// HELP.
    Help,
    /// QUIT.
    Quit,
}

/// What is said with MAIL.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mail {
    pub(super) sender: Sender,
    /// Octets that are announced.
    pub(super) size: Option<u64>,
    pub(super) smtputf8: bool,
}

/// Reads a line, without its end.
///
/// # Errors
/// The reply that refuses it.
pub(super) fn read(line: &[u8]) -> Result<Command, Answer> {
    let text = std::str::from_utf8(line).ok();
    let text = text.filter(|text| !text.contains(|c: char| c.is_control() && c != '\t'));
    let Some(text) = text else {
        return Err(Answer::new(500, "5.5.2", "not a line of text"));
    };
    let text = text.trim_matches(BLANKS);
    let (verb, rest) = text.split_once(BLANKS).unwrap_or((text, ""));
    let rest = rest.trim_matches(BLANKS);
    match verb.to_ascii_uppercase().as_str() {
        "EHLO" | "HELO" if rest.is_empty() => {
            Err(Answer::new(501, "5.5.4", "say who you are: EHLO NAME"))
        }
        "EHLO" => Ok(Command::Hello { extended: true }),
        "HELO" => Ok(Command::Hello { extended: false }),
        "MAIL" => mail(rest),
        "RCPT" => rcpt(rest),
        "DATA" => alone(Command::Data, rest),
        "RSET" => alone(Command::Reset, rest),
        "QUIT" => alone(Command::Quit, rest),
        "NOOP" => Ok(Command::Noop),
        "HELP" => Ok(Command::Help),
        "VRFY" if rest.is_empty() => Err(Answer::new(501, "5.5.4", "VRFY of whom?")),
        "VRFY" => Ok(Command::Verify),
        "EXPN" | "AUTH" | "STARTTLS" | "BDAT" | "ETRN" | "TURN" => {
            Err(Answer::new(502, "5.5.1", "not offered here"))
        }
        _ => Err(Answer::new(500, "5.5.2", "no such command")),
    }
}

const BLANKS: [char; 2] = [' ', '\t'];

fn alone(command: Command, rest: &str) -> Result<Command, Answer> {
    if rest.is_empty() {
        Ok(command)
    } else {
        Err(Answer::new(
            501,
            "5.5.4",
            "nothing stands behind this command",
        ))
    }
}

fn mail(rest: &str) -> Result<Command, Answer> {
    let (path, parameters) = path_behind("FROM:", rest)?;
    let sender = match path {
        "" => Sender::Nobody,
        path => Sender::Written(written(path, "5.1.7")?),
    };
    let (mut size, mut body, mut smtputf8) = (None, None, None);
    for parameter in parameters.split(BLANKS).filter(|word| !word.is_empty()) {
        let (keyword, value) = match parameter.split_once('=') {
            Some((keyword, value)) => (keyword, Some(value)),
            None => (parameter, None),
        };
        let again = match (keyword.to_ascii_uppercase().as_str(), value) {
            ("SIZE", Some(value)) if is_number(value) => {
                // More digits than a number here can have are a size that nobody takes.
                size.replace(value.parse().unwrap_or(u64::MAX)).is_some()
            }
            ("BODY", Some(value)) if is_body(value) => body.replace(()).is_some(),
            ("SMTPUTF8", None) => smtputf8.replace(()).is_some(),
            ("SIZE" | "BODY" | "SMTPUTF8", _) => true,
            _ => return Err(unknown_parameter()),
        };
        if again {
            let words = format!("{keyword} does not stand so, or stands twice");
            return Err(Answer::new(501, "5.5.4", words));
        }
    }
    Ok(Command::Mail(Mail {
        sender,
        size,
        smtputf8: smtputf8.is_some(),
    }))
}

fn is_number(value: &str) -> bool {
    (1..=20).contains(&value.len()) && value.bytes().all(|octet| octet.is_ascii_digit())
}

fn is_body(value: &str) -> bool {
    ["7BIT", "8BITMIME"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(value))
}

fn rcpt(rest: &str) -> Result<Command, Answer> {
    let (path, parameters) = path_behind("TO:", rest)?;
    let recipient = written(path, "5.1.3")?;
    if parameters.is_empty() {
        Ok(Command::Rcpt(recipient))
    } else {
        Err(unknown_parameter())
    }
}

fn unknown_parameter() -> Answer {
    Answer::new(555, "5.5.4", "a parameter that is not offered here")
}

/// The path behind `word`, without its brackets, and what stands behind it.
fn path_behind<'l>(word: &str, rest: &'l str) -> Result<(&'l str, &'l str), Answer> {
    let bad = || Answer::new(501, "5.5.4", format!("say {word}<ADDRESS>"));
    let (start, rest) = rest.split_at_checked(word.len()).ok_or_else(bad)?;
    if !start.eq_ignore_ascii_case(word) {
        return Err(bad());
    }
    let rest = rest.trim_start_matches(BLANKS);
    let (path, behind) = match rest.strip_prefix('<') {
        Some(inner) => {
            let end = unquoted(inner, |c| c == '>').ok_or_else(bad)?;
            (&inner[..end], &inner[end + 1..])
        }
        None if rest.is_empty() => return Err(bad()),
        None => rest.split_at(unquoted(rest, |c| BLANKS.contains(&c)).unwrap_or(rest.len())),
    };
    if !(behind.is_empty() || behind.starts_with(BLANKS)) {
        return Err(bad());
    }
    // A route to the address counts for nothing (RFC 5321 §4.1.1.3).
    let path = match path.strip_prefix('@') {
        Some(route) => route.split_once(':').map_or(path, |(_, path)| path),
        None => path,
    };
    Ok((path, behind.trim_matches(BLANKS)))
}

/// Where the first of these stands outside quotes.
fn unquoted(text: &str, is_it: impl Fn(char) -> bool) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    text.char_indices().find_map(|(at, c)| {
        if std::mem::take(&mut escaped) {
            return None;
        }
        match c {
            '\\' => escaped = quoted,
            '"' => quoted = !quoted,
            c if !quoted && is_it(c) => return Some(at),
            _ => {}
        }
        None
    })
}

/// An address, or a local part alone.
fn written(path: &str, enhanced: &'static str) -> Result<Written, Answer> {
    let bad = |why: &dyn std::fmt::Display| Answer::new(501, enhanced, why.to_string());
    if unquoted(path, |c| c == '@').is_some() {
        return path
            .parse()
            .map(Written::Address)
            .map_err(|failure: crate::failure::Failure| bad(&failure));
    }
    let address: Address = format!("{path}@localhost")
        .parse()
        .map_err(|_| bad(&format!("\"{path}\" is no address")))?;
    Ok(Written::Local(address.local().to_owned()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
