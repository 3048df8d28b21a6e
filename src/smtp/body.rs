//! The message itself, behind DATA's 354 or in chunks by BDAT (RFC 3030), and the server's reply to it.
//!
//! Owns the one question that matters when something breaks: can the whole message have left, so
//! that it may have been delivered, or not? Once sending was given up, nothing more is written, so
//! that the answer stays true. All but the last piece has left before the source of the message is
//! known to be whole; the last piece takes along what may leave behind it.

use std::sync::Arc;

use super::dialogue::{Dialogue, Stage};
use super::reply::Reply;
use super::stuffing::Stuffer;
use super::verdict::{Cause, Verdict};
use crate::failure::{Failure, Kind, Result};
use crate::message::Content;

/// Octets of a chunk. A server answers each, so that one that has enough is heard before the rest
/// is sent; a larger chunk was measured to be no quicker.
const CHUNK: u64 = 1024 * 1024;

/// How a message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// After DATA, with dots doubled, up to a final dot.
    Dots,
    /// By BDAT, unchanged; the next chunk follows without waiting for the reply to the last one.
    Chunks,
    /// By BDAT without PIPELINING: each chunk waits.
    ChunksInTurn,
}

impl Form {
    /// The one for a server that may be given chunks, and commands together, or not.
    pub(crate) const fn of(chunking: bool, pipelining: bool) -> Self {
        match (chunking, pipelining) {
            (false, _) => Self::Dots,
            (true, true) => Self::Chunks,
            (true, false) => Self::ChunksInTurn,
        }
    }
}

/// Why there is no reply to the message that counts.
pub(crate) enum Broken {
    /// The server cannot have the whole message.
    Incomplete(Failure, Option<Reply>),
    /// All of it has left, and this came in place of a reply that counts.
    Uncertain(Failure, Option<Reply>),
    /// The server does not know BDAT, although it offered CHUNKING. It may take what it was sent
    /// for commands.
    NotChunked,
}

/// Why the message was not sent to its end.
enum Halt {
    /// The server answered before it was over, or the message cannot be read: that is the reason,
    /// whatever comes after it.
    Known(Failure, Option<Reply>),
    /// The connection is gone; the server may have said why.
    Lost(Failure),
    NotChunked,
}

type Progress<T> = std::result::Result<T, Halt>;

/// A message on its way: all of it is queued, and all but the last piece has left.
pub(crate) struct Sending {
    form: Form,
    /// Where on the wire the message ends.
    end: u64,
    /// Chunks that were queued to their end and have no reply yet.
    unanswered: usize,
    /// Whether a chunk was accepted, so that the server is known to know BDAT.
    chunk_taken: bool,
}

/// Whether a reply to BDAT says that the command is not known.
pub(crate) fn knows_no_chunks(reply: &Reply) -> bool {
    matches!(reply.code, 500 | 502 | 504)
}

/// The verdict that it means when this came in place of a reply to a message that had left.
pub(crate) fn unknown((failure, reply): (Failure, Option<Reply>)) -> Verdict {
    let failure = uncertain(failure);
    Verdict::Unknown(Arc::new(Cause { failure, reply }))
}

fn uncertain(failure: Failure) -> Failure {
    let kind = match failure.kind {
        Kind::Protocol => Kind::Protocol,
        _ => Kind::Uncertain,
    };
    let message = format!("{}; it may have been delivered", failure.message);
    let ask = "the whole message had been sent: before sending it again, ask whether it arrived";
    let hint = match &failure.hint {
        Some(hint) => format!("{ask}; {hint}"),
        None => ask.to_owned(),
    };
    Failure {
        kind,
        message,
        hint: Some(hint),
    }
}

/// Queues the whole content as one and the last chunk; gives back where on the wire it ends.
///
/// # Errors
/// `Io` when it cannot be read; then some of it is queued, and nothing more may be written.
pub(crate) fn queue_whole(dialogue: &mut Dialogue<'_>, content: &Content) -> Result<u64> {
    let size = content.facts().size;
    dialogue.send(&chunk_command(size, true))?;
    show(dialogue, content);
    let mut reader = content.reader();
    let mut queued = 0;
    while let Some(piece) = reader.next_chunk().map_err(|error| unreadable(&error))? {
        queued += piece.len() as u64;
        dialogue.wire.send(piece);
    }
    if queued == size {
        Ok(dialogue.wire.position())
    } else {
        Err(changed())
    }
}

/// Queues the content, and writes all but its last piece.
pub(crate) fn send(
    dialogue: &mut Dialogue<'_>,
    content: &Content,
    form: Form,
    chunk_taken: bool,
) -> std::result::Result<Sending, Broken> {
    let mut sending = Sending {
        form,
        end: u64::MAX,
        unanswered: 0,
        chunk_taken,
    };
    let queued = match form {
        Form::Dots => sending.queue_stuffed(dialogue, content),
        Form::Chunks | Form::ChunksInTurn => sending.queue_chunks(dialogue, content),
    };
    match queued {
        Ok(()) => {
            sending.end = dialogue.wire.position();
            Ok(sending)
        }
        Err(halt) => Err(sending.give_up(dialogue, halt)),
    }
}

impl Sending {
    /// Writes the rest and waits for the reply to the message, which may be a refusal.
    pub(crate) fn finish(
        mut self,
        dialogue: &mut Dialogue<'_>,
    ) -> std::result::Result<Reply, Broken> {
        if let Err(halt) = self.flush(dialogue) {
            // What left behind the message may have got stuck, and the message not.
            if !dialogue.wire.may_have_left(self.end) {
                return Err(self.give_up(dialogue, halt));
            }
        }
        let stage = Stage::FinalDot;
        let mut refused: Option<Reply> = None;
        loop {
            let patience = dialogue.patience(&stage);
            let reply = match dialogue.reply_within(&stage, patience, Some(self.end)) {
                Ok(reply) => reply,
                // A chunk that was refused ended the transaction (RFC 3030 §2).
                Err(failure) => return refused.ok_or(Broken::Uncertain(failure, None)),
            };
            if !reply.answers(250) && !reply.is_negative() {
                let failure = dialogue.unexpected(&stage, &reply, Kind::Refused);
                return Err(Broken::Uncertain(failure, Some(reply)));
            }
            if self.is_not_chunked(&reply) && refused.is_none() {
                dialogue.wire.stop_writing();
                return Err(Broken::NotChunked);
            }
            let last = self.unanswered <= 1;
            self.unanswered = self.unanswered.saturating_sub(1);
            self.chunk_taken |= reply.is_positive() && refused.is_none();
            if last {
                return match refused {
                    Some(first) if reply.is_positive() => {
                        let words =
                            format!("{stage}: accepted, although a part was refused: {first}");
                        let failure = Failure::new(Kind::Protocol, words);
                        Err(Broken::Uncertain(failure, Some(reply)))
                    }
                    first => Ok(first.unwrap_or(reply)),
                };
            }
            if refused.is_none() && reply.is_negative() {
                refused = Some(reply);
            }
        }
    }

    fn is_not_chunked(&self, reply: &Reply) -> bool {
        self.form != Form::Dots && !self.chunk_taken && knows_no_chunks(reply)
    }

    fn queue_stuffed(&mut self, dialogue: &mut Dialogue<'_>, content: &Content) -> Progress<()> {
        show(dialogue, content);
        let size = content.facts().size;
        let mut read = 0;
        let mut reader = content.reader();
        let mut stuffer = Stuffer::default();
        // Each piece leaves when the next one is there, so that the last one takes the final dot along.
        while let Some(piece) = next(&mut reader)? {
            self.flush(dialogue)?;
            dialogue.observer.uploaded(read, size);
            read += piece.len() as u64;
            stuffer.stuff(piece, |octets| dialogue.wire.send(octets));
        }
        dialogue.wire.send(stuffer.terminator());
        dialogue.observer.sent(".");
        Ok(())
    }

    fn queue_chunks(&mut self, dialogue: &mut Dialogue<'_>, content: &Content) -> Progress<()> {
        let fault = |failure| Halt::Known(failure, None);
        let size = content.facts().size;
        let mut left = size;
        let mut reader = content.reader();
        // Octets of the chunk that is on; each piece leaves when the next one is there.
        let mut open = 0;
        while let Some(mut piece) = next(&mut reader)? {
            if piece.len() as u64 > left {
                return Err(fault(changed()));
            }
            self.flush(dialogue)?;
            dialogue.observer.uploaded(size - left, size);
            while !piece.is_empty() {
                if open == 0 {
                    open = left.min(CHUNK);
                    let command = chunk_command(open, open == left);
                    dialogue.send(&command).map_err(fault)?;
                    let octets = format!("({open} octets of the message)");
                    dialogue.observer.sent(&octets);
                }
                let length =
                    usize::try_from(open).map_or(piece.len(), |open| open.min(piece.len()));
                let (now, later) = piece.split_at(length);
                dialogue.wire.send(now);
                piece = later;
                open -= now.len() as u64;
                left -= now.len() as u64;
                if open == 0 {
                    self.unanswered += 1;
                    if left > 0 && self.form == Form::ChunksInTurn {
                        self.answers(dialogue)?;
                    }
                }
            }
        }
        if left > 0 {
            return Err(fault(changed()));
        }
        if size == 0 {
            dialogue.send(&chunk_command(0, true)).map_err(fault)?;
            self.unanswered = 1;
        }
        Ok(())
    }

    /// Writes what is queued, as long as the server has nothing to say against it.
    fn flush(&mut self, dialogue: &mut Dialogue<'_>) -> Progress<()> {
        let stage = Stage::Body;
        let mut until = dialogue.patience(&stage).until();
        while !dialogue.wire.may_have_left(self.end) {
            while let Some(reply) = dialogue
                .early_reply(&stage)
                .map_err(|failure| Halt::Known(failure, None))?
            {
                self.judge(reply, dialogue)?;
            }
            if dialogue.flush(&stage, &mut until).map_err(Halt::Lost)? {
                break;
            }
        }
        Ok(())
    }

    /// Waits until every chunk sent has its reply.
    fn answers(&mut self, dialogue: &mut Dialogue<'_>) -> Progress<()> {
        while self.unanswered > 0 {
            let reply = dialogue.reply(&Stage::Body).map_err(Halt::Lost)?;
            self.judge(reply, dialogue)?;
        }
        Ok(())
    }

    /// Ends the sending of a message that was not sent to its end. What the server said before the
    /// connection was lost is the reason.
    fn give_up(&mut self, dialogue: &mut Dialogue<'_>, halt: Halt) -> Broken {
        dialogue.wire.stop_writing();
        let mut halt = halt;
        while matches!(halt, Halt::Lost(_)) {
            let Some(reply) = dialogue.last_word() else {
                break;
            };
            halt = self.judge(reply, dialogue).err().unwrap_or(halt);
        }
        match halt {
            Halt::Known(failure, reply) => Broken::Incomplete(failure, reply),
            Halt::Lost(failure) => Broken::Incomplete(failure, None),
            Halt::NotChunked => Broken::NotChunked,
        }
    }

    /// Takes in a reply that came before the message was over. Where it is not the one to a chunk,
    /// it is the server's way of hanging up.
    fn judge(&mut self, reply: Reply, dialogue: &Dialogue<'_>) -> Progress<()> {
        if self.unanswered > 0 && reply.answers(250) {
            self.unanswered -= 1;
            self.chunk_taken = true;
            return Ok(());
        }
        if self.is_not_chunked(&reply) {
            return Err(Halt::NotChunked);
        }
        let failure = if reply.is_negative() {
            dialogue.unexpected(&Stage::Body, &reply, Kind::Refused)
        } else {
            let words = format!(
                "{}: a reply before the message was complete: {reply}",
                Stage::Body
            );
            Failure::new(Kind::Protocol, words)
        };
        Err(Halt::Known(failure, Some(reply.brief())))
    }
}

fn next<'r>(reader: &'r mut crate::message::Reader<'_>) -> Progress<Option<&'r [u8]>> {
    reader
        .next_chunk()
        .map_err(|error| Halt::Known(unreadable(&error), None))
}

fn chunk_command(size: u64, last: bool) -> String {
    format!("BDAT {size}{}", if last { " LAST" } else { "" })
}

fn show(dialogue: &Dialogue<'_>, content: &Content) {
    let octets = content.facts().size;
    dialogue
        .observer
        .sent(&format!("(the message: {octets} octets)"));
}

fn unreadable(error: &std::io::Error) -> Failure {
    crate::message::unreadable(error).at("the message cannot be read any more")
}

fn changed() -> Failure {
    Failure::new(
        Kind::Io,
        "the message is no longer the one that was measured",
    )
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
        let mut dialogue = Dialogue::new(socket, waits, &[], &()).unwrap();
        let message = Message::from_raw(&b"Subject: x\r\n\r\n".repeat(2_000_000)).unwrap();
        let content = message.content(true, true).unwrap();
        // The peer reads nothing: far less than the message fits between the two.
        assert!(matches!(
            send(&mut dialogue, &content, Form::Dots, false),
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
}
