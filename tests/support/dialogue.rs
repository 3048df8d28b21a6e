//! Dialogue files: what the server says and what it expects, one step a line.
//!
//! ```text
//! # comment                 blank lines and lines that start with # say nothing
//! S: 220 mail.test ESMTP    send this line and CRLF; literal, no escapes
//! S64: 334 Username:        the same, the last word in base64 (escapes: \s is a space)
//! S64r: 334 x,s=QQ==,i=9    the same, the last word behind r= and the SCRAM nonce the client just gave
//! S~ 354 go\r\n250 early    send exactly these octets (\r \n \t \s \0 \\ \* \xNN), no line end added
//! S* 9000 250-AAAA\r\n      send these octets so many times; stops quietly when the client has gone
//! C: EHLO *                 expect this line; * is any run of octets, \* a star, all else exact
//! C64: AUTH PLAIN \0me\0pw  expect this line, its last word base64 of that (escapes and * allowed)
//! C? QUIT                   expect this line, or the end of the connection
//! C~ \x05\x01\x00            expect exactly these octets, escapes undone
//! READ 100                  read so many octets, whatever they are
//! QUIET                     nothing has arrived: stands between a C: and its S: (best effort, 5 ms)
//! TLS [WORD…]               shake hands; words: a certificate (see `certs`), 1.2, 1.3, mutual
//! TLSFAIL [WORD…]           shake hands, which must fail: the client refuses; ends the dialogue
//! BODY                      read a message up to CRLF . CRLF
//! BDAT                      read one `BDAT n [LAST]` and its octets
//! BDAT* 250 2.0.0 ok        read chunks up to LAST, answering each with this line, but not the last
//! PAUSE 200                 say nothing for so many milliseconds, what was said before being sent
//! DRIP 50 250 ok\r\n        send one octet every 50 ms, until all is sent or the client has gone
//! DRIP* 50 250-more\r\n     the same over and over, until the client has gone
//! WAIT                      say nothing until the client goes away, whatever it sends
//! HOLD                      tell the test, and do nothing until it says go on (`Server::{holds, go_on}`)
//! EOF                       the client closes now, and says nothing before
//! DROP                      close the connection at once; RESET does it with an RST
//! REPEAT 10000 … END        the steps between, so many times
//! ```
//!
//! At the end of the file the server closes in good order and the client must have nothing left to
//! say. Lines may be indented. Replies are held back until the server has to wait for the client, so
//! `C: C: S: S:` and `C: S: C: S:` both serve a client which pipelines; the first proves that it did.

use std::path::Path;
use std::time::Duration;

use super::pattern::{Expectation, Pattern, encode_last_word, last_word, unescape};
use super::tls::Offer;

/// The script of one connection.
#[derive(Clone, Debug)]
pub struct Dialogue {
    pub name: String,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub struct Step {
    pub line: usize,
    pub text: String,
    pub action: Action,
}

#[derive(Clone, Debug)]
pub enum Action {
    Send(Vec<u8>),
    /// To the client's nonce comes what stands behind the prefix.
    SendBehindNonce {
        prefix: String,
        rest: String,
    },
    Flood {
        times: usize,
        octets: Vec<u8>,
    },
    Expect(Expectation),
    ExpectOrClose(Expectation),
    ExpectOctets(Vec<u8>),
    Read(usize),
    Quiet,
    Handshake(Offer),
    RefusedHandshake(Offer),
    Body,
    Chunk,
    Chunks {
        reply: Vec<u8>,
    },
    Pause(Duration),
    Drip {
        every: Duration,
        octets: Vec<u8>,
    },
    DripForever {
        every: Duration,
        octets: Vec<u8>,
    },
    Wait,
    Hold,
    Eof,
    Drop,
    Reset,
    Repeat {
        times: usize,
        steps: Vec<Step>,
    },
}

impl Dialogue {
    /// The file `tests/dialogues/NAME.smtp`.
    #[track_caller]
    pub fn file(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues");
        let path = folder.join(format!("{name}.smtp"));
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(name, &text).unwrap_or_else(|error| panic!("{error}")),
            Err(error) => panic!("{}: {error}", path.display()),
        }
    }

    /// A dialogue written in the test itself; a raw string keeps escapes as they are.
    #[track_caller]
    pub fn text(text: &str) -> Self {
        Self::parse("(inline)", text).unwrap_or_else(|error| panic!("{error}"))
    }

    /// # Errors
    /// The first line that is not a step, with its number.
    pub fn parse(name: &str, text: &str) -> Result<Self, String> {
        let mut open: Vec<(Step, usize)> = Vec::new();
        let mut levels: Vec<Vec<Step>> = vec![Vec::new()];
        for (index, line) in text.lines().enumerate() {
            let line = line.trim_start();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |why: String| format!("{name}:{}: {line}: {why}", index + 1);
            let mut step = Step {
                line: index + 1,
                text: line.to_owned(),
                action: Action::Eof,
            };
            if let Some(times) = line.strip_prefix("REPEAT ") {
                open.push((step, number(times).map_err(wrong)?));
                levels.push(Vec::new());
                continue;
            }
            if line.trim_end() == "END" {
                let (Some((mut repeat, times)), Some(steps)) = (open.pop(), levels.pop()) else {
                    return Err(wrong("nothing to end".to_owned()));
                };
                repeat.action = Action::Repeat { times, steps };
                step = repeat;
            } else {
                step.action = action(line).map_err(wrong)?;
            }
            if let Some(level) = levels.last_mut() {
                if level.last().is_some_and(|before| before.action.ends()) {
                    return Err(wrong("never reached".to_owned()));
                }
                level.push(step);
            }
        }
        match (open.pop(), levels.pop()) {
            (None, Some(steps)) if !steps.is_empty() => Ok(Self {
                name: name.to_owned(),
                steps,
            }),
            (Some((step, _)), _) => Err(format!("{name}:{}: REPEAT without END", step.line)),
            _ => Err(format!("{name}: no steps")),
        }
    }
}

impl Action {
    fn ends(&self) -> bool {
        matches!(self, Self::Drop | Self::Reset | Self::RefusedHandshake(_))
    }
}

fn action(line: &str) -> Result<Action, String> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let bare = || match rest.trim() {
        "" => Ok(()),
        extra => Err(format!("{word} takes nothing, found {extra:?}")),
    };
    let simple = |action| bare().map(|()| action);
    match word {
        "S:" => Ok(Action::Send(with_line_end(rest.as_bytes().to_vec()))),
        "S64:" => Ok(Action::Send(with_line_end(encode_last_word(rest)?))),
        "S64r:" => {
            let (prefix, rest) = last_word(rest);
            Ok(Action::SendBehindNonce {
                prefix: prefix.to_owned(),
                rest: rest.to_owned(),
            })
        }
        "S~" => Ok(Action::Send(unescape(rest)?)),
        "S*" => {
            let (times, octets) = counted(rest)?;
            Ok(Action::Flood { times, octets })
        }
        "C:" => Ok(Action::Expect(Expectation::Line(Pattern::literal(rest)))),
        "C64:" => Ok(Action::Expect(Expectation::base64(rest)?)),
        "C?" => {
            let line = Expectation::Line(Pattern::literal(rest));
            Ok(Action::ExpectOrClose(line))
        }
        "C~" => Ok(Action::ExpectOctets(unescape(rest)?)),
        "READ" => Ok(Action::Read(number(rest)?)),
        "TLS" => Ok(Action::Handshake(Offer::parse(rest)?)),
        "TLSFAIL" => Ok(Action::RefusedHandshake(Offer::parse(rest)?)),
        "BDAT*" => Ok(Action::Chunks {
            reply: with_line_end(rest.as_bytes().to_vec()),
        }),
        "PAUSE" => Ok(Action::Pause(milliseconds(number(rest)?))),
        "DRIP" | "DRIP*" => {
            let (every, octets) = counted(rest)?;
            let every = milliseconds(every);
            Ok(match word {
                "DRIP" => Action::Drip { every, octets },
                _ => Action::DripForever { every, octets },
            })
        }
        "QUIET" => simple(Action::Quiet),
        "BODY" => simple(Action::Body),
        "BDAT" => simple(Action::Chunk),
        "WAIT" => simple(Action::Wait),
        "HOLD" => simple(Action::Hold),
        "EOF" => simple(Action::Eof),
        "DROP" => simple(Action::Drop),
        "RESET" => simple(Action::Reset),
        _ => Err("unknown step".to_owned()),
    }
}

fn with_line_end(mut line: Vec<u8>) -> Vec<u8> {
    line.extend_from_slice(b"\r\n");
    line
}

fn counted(text: &str) -> Result<(usize, Vec<u8>), String> {
    let (count, octets) = text
        .split_once(' ')
        .ok_or("a number and a text are needed")?;
    match unescape(octets)? {
        octets if octets.is_empty() => Err("the text is empty".to_owned()),
        octets => Ok((number(count)?, octets)),
    }
}

fn number(text: &str) -> Result<usize, String> {
    text.trim()
        .parse()
        .map_err(|_| format!("{text:?} is not a number"))
}

fn milliseconds(count: usize) -> Duration {
    Duration::from_millis(count as u64)
}
