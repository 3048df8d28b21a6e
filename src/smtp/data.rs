//! The message itself, between DATA's 354 and the reply to the final dot.
//!
//! Owns the form it has there (RFC 5321 §4.5.2: a dot at the start of a line is doubled, a line with
//! a dot alone ends it) and the one question that matters when something breaks: has the whole
//! message left, so that it may have been delivered, or has it not? Once sending was given up,
//! nothing more is written, so that the answer stays true.

use super::dialogue::{Dialogue, Stage};
use super::hint::unexpected;
use super::reply::Reply;
use crate::failure::{Failure, Kind};
use crate::message::Content;

/// Why there is no reply to the message.
pub(crate) enum Broken {
    /// The server cannot have the whole message.
    Incomplete(Failure, Option<Reply>),
    /// All of it has left; what became of it is not known.
    Uncertain(Failure, Option<Reply>),
}

/// Why the message was not sent to its end.
enum Halt {
    /// The server answered before it was over, or the message cannot be read: that is the reason,
    /// whatever comes after it.
    Known(Failure, Option<Reply>),
    /// The connection is gone; the server may have said why.
    Lost(Failure),
}

/// Sends the content and the final dot; gives back the reply to it, which may be a refusal.
pub(crate) fn send(
    dialogue: &mut Dialogue<'_>,
    content: &Content,
) -> std::result::Result<Reply, Broken> {
    if let Err(halt) = write(dialogue, content) {
        dialogue.wire.stop_writing();
        return Err(match halt {
            Halt::Known(failure, reply) => Broken::Incomplete(failure, reply),
            Halt::Lost(failure) => match dialogue.last_word().filter(Reply::is_negative) {
                Some(reply) => Broken::Incomplete(refusal(&reply), Some(reply)),
                None => Broken::Incomplete(failure, None),
            },
        });
    }
    let stage = Stage::FinalDot;
    match dialogue.reply(&stage) {
        Ok(reply) if reply.answers(250) || reply.is_negative() => Ok(reply),
        Ok(reply) => Err(uncertain(
            unexpected(&stage, &reply, Kind::Refused),
            Some(reply),
        )),
        Err(failure) => Err(uncertain(failure, None)),
    }
}

fn refusal(reply: &Reply) -> Failure {
    unexpected(&Stage::Body, reply, Kind::Refused)
}

fn uncertain(failure: Failure, reply: Option<Reply>) -> Broken {
    let kind = if failure.kind == Kind::Protocol {
        Kind::Protocol
    } else {
        Kind::Uncertain
    };
    let message = format!("{}; it may have been delivered", failure.message);
    let failure = Failure {
        kind,
        message,
        ..failure
    }
    .with_hint("the whole message had been sent: before sending it again, ask whether it arrived");
    Broken::Uncertain(failure, reply)
}

/// Writes the message and the final dot, to the last octet.
fn write(dialogue: &mut Dialogue<'_>, content: &Content) -> std::result::Result<(), Halt> {
    let unreadable = |error: std::io::Error| {
        let words = format!("the message cannot be read any more: {error}");
        Halt::Known(Failure::new(Kind::Io, words), None)
    };
    let shown = format!("(the message: {} octets)", content.facts().size);
    dialogue.observer.sent(&shown);
    let mut reader = content.reader();
    let mut stuffer = Stuffer::default();
    // Each chunk leaves when the next one is there, so that the last one takes the final dot along.
    while let Some(chunk) = reader.next_chunk().map_err(unreadable)? {
        flush(dialogue)?;
        stuffer.stuff(chunk, |octets| dialogue.wire.send(octets));
    }
    dialogue.wire.send(stuffer.terminator());
    dialogue.observer.sent(".");
    flush(dialogue)
}

/// Writes what is queued, as long as the server has nothing to say against it.
fn flush(dialogue: &mut Dialogue<'_>) -> std::result::Result<(), Halt> {
    let stage = Stage::Body;
    let mut until = dialogue.patience(&stage).until();
    loop {
        // A reply before the final dot is the server's way of hanging up.
        match dialogue.early_reply(&stage) {
            Ok(None) => {}
            Ok(Some(reply)) if reply.is_negative() => {
                return Err(Halt::Known(refusal(&reply), Some(reply.brief())));
            }
            Ok(Some(reply)) => {
                let words = format!("{stage}: a reply before the message was complete: {reply}");
                return Err(Halt::Known(
                    Failure::new(Kind::Protocol, words),
                    Some(reply.brief()),
                ));
            }
            Err(failure) => return Err(Halt::Known(failure, None)),
        }
        if dialogue.flush(&stage, &mut until).map_err(Halt::Lost)? {
            return Ok(());
        }
    }
}

/// Doubles leading dots, over any boundary between chunks.
#[derive(Debug, Default)]
pub(crate) struct Stuffer {
    inside_a_line: bool,
    any: bool,
}

impl Stuffer {
    /// Gives `chunk` with its leading dots doubled to `send`, in as few pieces as there are dots.
    pub(crate) fn stuff(&mut self, chunk: &[u8], mut send: impl FnMut(&[u8])) {
        let Some(last) = chunk.last() else { return };
        if !self.inside_a_line && chunk[0] == b'.' {
            send(b".");
        }
        let mut rest = chunk;
        while let Some(at) = memchr::memmem::find(rest, b"\n.") {
            let (line, tail) = rest.split_at(at + 1);
            send(line);
            send(b".");
            rest = tail;
        }
        send(rest);
        self.inside_a_line = *last != b'\n';
        self.any = true;
    }

    /// What ends the message. A content always ends with a line end; were that not so, one is
    /// supplied, since otherwise the dot would be part of the last line.
    pub(crate) fn terminator(&self) -> &'static [u8] {
        if self.any && self.inside_a_line {
            b"\r\n.\r\n"
        } else {
            b".\r\n"
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Read as _;
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    use super::*;
    use crate::message::Message;
    use crate::smtp::Waits;

    #[test]
    fn once_given_up_nothing_more_is_written() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        let waits = Waits {
            reply: Some(Duration::from_millis(50)),
            ..Waits::default()
        };
        let mut dialogue = Dialogue::new(socket, waits, &()).unwrap();
        let message = Message::from_raw(&b"Subject: x\r\n\r\n".repeat(2_000_000)).unwrap();
        let content = message.content(true, true).unwrap();
        // The peer reads nothing: far less than the message fits between the two.
        assert!(matches!(
            send(&mut dialogue, &content),
            Err(Broken::Incomplete(..))
        ));
        let reader = std::thread::spawn(move || {
            let mut all = Vec::new();
            peer.read_to_end(&mut all).map(|_| all)
        });
        dialogue.quit();
        let all = reader.join().unwrap().unwrap();
        assert!((all.len() as u64) < content.facts().size);
        assert!(!all.ends_with(b".\r\n") && !all.ends_with(b"QUIT\r\n"));
    }

    fn stuffed(chunks: &[&[u8]]) -> Vec<u8> {
        let mut stuffer = Stuffer::default();
        let mut sent = Vec::new();
        for chunk in chunks {
            stuffer.stuff(chunk, |bytes| sent.extend_from_slice(bytes));
        }
        sent.extend_from_slice(stuffer.terminator());
        sent
    }

    #[test]
    fn leading_dots_are_doubled_also_at_the_very_start() {
        assert_eq!(
            stuffed(&[b".\r\n..\r\na.b\r\n.x\r\n"]),
            b"..\r\n...\r\na.b\r\n..x\r\n.\r\n"
        );
    }

    #[test]
    fn an_empty_message_is_a_lone_dot() {
        assert_eq!(stuffed(&[]), b".\r\n");
    }

    #[test]
    fn a_missing_line_end_is_supplied() {
        assert_eq!(stuffed(&[b"a"]), b"a\r\n.\r\n");
    }

    proptest::proptest! {
        #[test]
        fn chunks_make_no_difference_and_the_server_gets_back_what_was_meant(
            lines in proptest::collection::vec("[.a]{0,3}", 0..20),
            cuts in proptest::collection::vec(0usize..60, 0..6),
        ) {
            let text: Vec<u8> = lines.iter().flat_map(|line| format!("{line}\r\n").into_bytes()).collect();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|w| &text[w[0]..w[1]]).filter(|c| !c.is_empty()).collect();
            let sent = stuffed(&chunks);
            proptest::prop_assert_eq!(&sent, &stuffed(&[&text]));
            let sent = String::from_utf8_lossy(&sent).into_owned();
            let (body, end) = sent.split_at(sent.len() - 3);
            proptest::prop_assert_eq!(end, ".\r\n");
            let back: String = body.split_inclusive("\r\n").map(|line| line.strip_prefix('.').unwrap_or(line)).collect();
            proptest::prop_assert_eq!(back.as_bytes(), &text[..]);
        }
    }
}
