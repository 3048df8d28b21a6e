//! The command line of the sendmail dialect, read as sendmail, Postfix and Exim read it.
//!
//! A word that starts with `-` holds flags, each a letter, up to one that takes a value: the rest of
//! the word, or the next word (`-ti`, `-fme@x.org`, `-itf me@x.org`). Any other word is a recipient.
//! Flags count wherever they stand, also behind recipients (`root -f me@x.org`), since callers add
//! theirs at either end; behind `--` every word is a recipient. No value is taken for a recipient: what
//! sendmail only takes joined (`-d0-99.1`, `-q15m`) is also known by its form in a word of its own,
//! and what is said of the queue stands beside no recipients. Long flags are settings of this program.
//!
//! Refuses flags that nobody knows, a daemon (`-bd`), and a sender that looks like a flag.

use std::ffi::OsString;
use std::iter::Peekable;
use std::vec::IntoIter;

use super::long::Long;
use super::{Call, Mail};
use crate::cli::settings::Form;
use crate::failure::{Failure, Kind, Result};

/// Flags without a value that change nothing here: sent to myself too (-m), no aliases (-n), hold
/// (-c), a relay (-G), a first submission (-U), From is kept (-s).
const WITHOUT_VALUE: &str = "GUcmns";

/// Flags with a value that change nothing here: who it is for (-A), its body (-B), sendmail's own
/// settings (-C -E -M), logs (-D -L -X), how errors are told (-e), hops (-h), where it came from (-p).
const WITH_VALUE: &str = "ABCDELMXehp";

/// Sendmail's and Exim's one-letter options that need a value.
const OPTIONS_WITH_VALUE: &str = "ABCEFHJKLOPQRSTUVXZ";

const HINT: &str =
    "smtpsend sendmail --help names the flags; an address that starts with - stands behind --";

/// A command line that was understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scanned {
    pub(super) call: Call,
    /// Settings in the form of this program's own flags.
    pub(super) settings: Vec<OsString>,
}

/// What a call is for, by its last `-b…` or `-q…`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// `-bm`.
    #[default]
    Mail,
    /// `-bv`.
    Verify,
    /// `-bs`.
    Serve,
    /// `-q…`.
    RunQueue,
    /// `-bp`.
    ListQueue,
    /// `-bi`.
    NewAliases,
    Help,
    Version,
}

/// Reads the words behind the program's name; `mode` is what they are for when they do not say it, and
/// `long` which long flags count.
///
/// # Errors
/// `Usage`, naming the word.
pub(super) fn scan(words: Vec<OsString>, mode: Mode, long: Long) -> Result<Scanned> {
    let texts = words.into_iter().map(|word| {
        word.into_string().map_err(|word| {
            let words = format!("\"{}\" is not valid UTF-8", word.to_string_lossy());
            Failure::new(Kind::Usage, words)
        })
    });
    let texts: Vec<String> = texts.collect::<Result<_>>()?;
    let mut scan = Scan {
        words: texts.into_iter().peekable(),
        mode,
        mail: Mail::default(),
        settings: Vec::new(),
        long,
    };
    while let Some(word) = scan.words.next() {
        scan.word(word)?;
    }
    let mail = scan.mail;
    Ok(Scanned {
        call: match scan.mode {
            Mode::Mail => Call::Mail(mail),
            Mode::Verify => Call::Verify(mail.recipients),
            Mode::Serve => Call::Serve,
            Mode::RunQueue => Call::RunQueue,
            Mode::ListQueue => Call::ListQueue,
            Mode::NewAliases => Call::NewAliases,
            Mode::Help => Call::Help,
            Mode::Version => Call::Version,
        },
        settings: scan.settings,
    })
}

struct Scan {
    words: Peekable<IntoIter<String>>,
    mode: Mode,
    mail: Mail,
    settings: Vec<OsString>,
    long: Long,
}

impl Scan {
    fn word(&mut self, word: String) -> Result<()> {
        match word.as_str() {
            "--" => {
                self.mail.recipients.extend(&mut self.words);
                Ok(())
            }
            "-" => {
                let failure = Failure::new(Kind::Usage, "- is no recipient");
                Err(failure.with_hint("leave it out: the message comes from standard input anyway"))
            }
            "--help" => self.only(Mode::Help),
            "--version" => self.only(Mode::Version),
            long if long.starts_with("--") => self.long(long),
            flags if flags.starts_with('-') => self.flags(&flags[1..]),
            _ => {
                self.mail.recipients.push(word);
                Ok(())
            }
        }
    }

    /// Nothing else counts beside it.
    fn only(&mut self, mode: Mode) -> Result<()> {
        self.mode = mode;
        self.words = Vec::new().into_iter().peekable();
        Ok(())
    }

    fn long(&mut self, word: &str) -> Result<()> {
        let (name, joined) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word, None),
        };
        let form = self.long.form_of(name)?;
        let value = match (form, joined) {
            (Form::Switch, Some(_)) => {
                return Err(Failure::new(Kind::Usage, format!("{name} takes no value")));
            }
            (Form::Switch, None) => None,
            (_, Some(value)) => Some(value),
            (_, None) => Some(self.words.next().ok_or_else(|| no_value(name))?),
        };
        self.set(name, value.as_deref());
        Ok(())
    }

    fn set(&mut self, name: &str, value: Option<&str>) {
        self.settings.push(match value {
            Some(value) => format!("{name}={value}").into(),
            None => name.into(),
        });
    }

    /// The flags in a word, without its hyphen.
    fn flags(&mut self, letters: &str) -> Result<()> {
        let mut rest = letters.chars();
        while let Some(letter) = rest.next() {
            let flag = format!("-{letter}");
            match letter {
                't' => self.mail.recipients_of_message = true,
                'i' => self.mail.ignore_dots = true,
                'I' => self.mode = Mode::NewAliases,
                'v' => self.set("--verbose", None),
                letter if WITHOUT_VALUE.contains(letter) => {}
                'q' => {
                    self.mode = Mode::RunQueue;
                    return Ok(());
                }
                'd' => {
                    let is_levels = |word: &String| {
                        word.starts_with(|c: char| c.is_ascii_digit())
                            && word
                                .chars()
                                .all(|c| c.is_ascii_digit() || ".,-".contains(c))
                    };
                    if rest.as_str().is_empty() {
                        self.words.next_if(is_levels);
                    }
                    return Ok(());
                }
                _ => {
                    let known = "FNORVbfor".contains(letter) || WITH_VALUE.contains(letter);
                    if !known {
                        return Err(unknown(&flag, letters));
                    }
                    let value = match rest.as_str() {
                        "" => self.words.next().ok_or_else(|| no_value(&flag))?,
                        joined => joined.to_owned(),
                    };
                    return self.flag(letter, value);
                }
            }
        }
        Ok(())
    }

    /// A flag with its value.
    fn flag(&mut self, letter: char, value: String) -> Result<()> {
        match letter {
            'f' | 'r' => {
                // A shell leaves nothing of a variable that is not set, and the next word stands there.
                if value.starts_with('-') && !value.contains('@') {
                    let words = format!("-{letter} needs an address, and {value} stands there");
                    let hint = format!("-{letter} '<>' is for mail that nobody sends");
                    return Err(Failure::new(Kind::Usage, words).with_hint(hint));
                }
                self.mail.sender = Some(value);
            }
            'F' => self.mail.full_name = Some(value),
            'b' => self.mode = mode_of(&value)?,
            'o' => self.option(&value),
            'O' => {
                let (name, value) = value.split_once('=').unwrap_or((&value, ""));
                if name.trim().eq_ignore_ascii_case("IgnoreDots") {
                    self.mail.ignore_dots = is_true(value.trim());
                }
            }
            'N' => self.set("--dsn-notify", Some(&value)),
            'R' => self.set("--dsn-return", Some(&value)),
            'V' => self.mail.envid = Some(value),
            _ => {}
        }
        Ok(())
    }

    /// `-oX…`, an option by its one letter; the value of one that needs a value may be the next word.
    fn option(&mut self, text: &str) {
        if let Some(value) = text.strip_prefix('i') {
            self.mail.ignore_dots = is_true(value);
        }
        let mut letters = text.chars();
        let Some(letter) = letters.next() else {
            return;
        };
        let rest = letters.as_str();
        // Exim's -oMa, -oMaa and so on: the sender's address is among their values.
        let is_origin = letter == 'M' && rest.chars().all(|c| c.is_ascii_lowercase());
        let is_alone = OPTIONS_WITH_VALUE.contains(letter) && rest.is_empty();
        if is_origin || is_alone {
            self.words
                .next_if(|word| !word.starts_with('-') && (is_origin || !word.contains('@')));
        }
    }
}

fn mode_of(letters: &str) -> Result<Mode> {
    Ok(match letters {
        "m" => Mode::Mail,
        "v" => Mode::Verify,
        "s" => Mode::Serve,
        "p" => Mode::ListQueue,
        "i" => Mode::NewAliases,
        "d" | "D" => {
            let words =
                format!("-b{letters}: this is no server, and nothing runs in the background");
            let hint = "smtpsend queue run, by a timer or cron, sends what is queued";
            return Err(Failure::new(Kind::Usage, words).with_hint(hint));
        }
        _ => {
            let words = format!("-b{letters}: there is no such mode here");
            let hint =
                "-bm sends, -bp lists the queue, -bs speaks SMTP, -bv says where addresses go";
            return Err(Failure::new(Kind::Usage, words).with_hint(hint));
        }
    })
}

/// What sendmail takes for true: also nothing.
fn is_true(value: &str) -> bool {
    value.is_empty() || value.starts_with(['t', 'T', 'y', 'Y', '1'])
}

fn unknown(flag: &str, letters: &str) -> Failure {
    let words = if flag.strip_prefix('-') == Some(letters) {
        format!("sendmail has no flag {flag}")
    } else {
        format!("sendmail has no flag {flag} (in -{letters})")
    };
    Failure::new(Kind::Usage, words).with_hint(HINT)
}

fn no_value(flag: &str) -> Failure {
    Failure::new(Kind::Usage, format!("{flag} needs a value")).with_hint(HINT)
}
