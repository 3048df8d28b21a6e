//! The caller on the other end of standard input and output: its lines, its texts, our replies.
//!
//! Owns the order of reading and writing: replies leave before anything is waited for, and those to
//! commands that came together leave together (RFC 2920 §3.2). Refuses lines without end; a text has as
//! many octets as it has, and nothing of it is kept here.

use std::io::{ErrorKind, Read, Write};
use std::ops::Range;

use memchr::memchr;

use super::answer::Answer;
use super::dots::{Dots, LineEnd};
use crate::failure::{Failure, Kind, Result};

/// Octets of a command, with its end: 512 (RFC 5321 §4.5.3.1.4) and as much again for parameters.
const LINE_MAX: usize = 1024;
/// Octets asked for at once.
const READ_SIZE: usize = 64 * 1024;
/// Octets of replies that wait for those that follow.
const REPLIES_MAX: usize = 16 * 1024;

/// What a caller says in a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// This, without its end.
    Line(Vec<u8>, LineEnd),
    /// More than a command can have.
    TooMuch,
    /// Nothing any more.
    Nothing,
}

/// A caller.
pub(super) struct Caller<R, W> {
    source: R,
    sink: W,
    buffer: Box<[u8]>,
    /// What has come and was not looked at, in the buffer.
    inbox: Range<usize>,
    replies: Vec<u8>,
}

impl<R: Read, W: Write> Caller<R, W> {
    pub(super) fn new(source: R, sink: W) -> Self {
        Self {
            source,
            sink,
            buffer: vec![0; READ_SIZE].into_boxed_slice(),
            inbox: 0..0,
            replies: Vec::new(),
        }
    }

    /// Gives a reply, which leaves before anything is waited for.
    ///
    /// # Errors
    /// `Io` when it cannot be written.
    pub(super) fn answer(&mut self, answer: &Answer) -> Result<()> {
        answer.write(&mut self.replies);
        if self.replies.len() > REPLIES_MAX {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes the replies that were given.
    ///
    /// # Errors
    /// `Io` when they cannot be written.
    pub(super) fn flush(&mut self) -> Result<()> {
        let written = self.sink.write_all(&self.replies);
        self.replies.clear();
        let written = written.and_then(|()| self.sink.flush());
        written.map_err(|error| Failure::new(Kind::Io, format!("standard output: {error}")))
    }

    /// The next line. What stands behind the last line end is none.
    ///
    /// # Errors
    /// `Io` when it cannot be read, or the replies before it cannot be written.
    pub(super) fn next(&mut self) -> Result<Said> {
        let mut is_too_much = false;
        let mut looked_at = 0;
        loop {
            let inbox = &self.buffer[self.inbox.clone()];
            if let Some(end) = memchr(b'\n', &inbox[looked_at..]) {
                let length = looked_at + end + 1;
                let line = &inbox[..length - 1];
                self.inbox.start += length;
                return Ok(match line.strip_suffix(b"\r") {
                    _ if is_too_much || length > LINE_MAX => Said::TooMuch,
                    Some(line) => Said::Line(line.to_vec(), LineEnd::CrLf),
                    None => Said::Line(line.to_vec(), LineEnd::Lf),
                });
            }
            is_too_much |= inbox.len() > LINE_MAX;
            if is_too_much {
                self.inbox = 0..0;
            }
            looked_at = self.inbox.len();
            if !self.fill()? {
                return Ok(Said::Nothing);
            }
        }
    }

    /// Gives the text behind DATA, whose line ended so, to `take`, piece by piece; false when nothing
    /// follows before its end.
    ///
    /// # Errors
    /// As for a line.
    pub(super) fn text(&mut self, ends: LineEnd, mut take: impl FnMut(&[u8])) -> Result<bool> {
        let mut dots = Dots::new(ends);
        let mut text = Vec::with_capacity(READ_SIZE);
        loop {
            let end = dots.push(&self.buffer[self.inbox.clone()], &mut text);
            take(&text);
            text.clear();
            if let Some(end) = end {
                self.inbox.start += end;
                return Ok(true);
            }
            self.inbox = 0..0;
            if !self.fill()? {
                return Ok(false);
            }
        }
    }

    /// Waits for what comes next; false when nothing does. There is always room: what is kept of
    /// before is less than a line.
    fn fill(&mut self) -> Result<bool> {
        self.flush()?;
        self.buffer.copy_within(self.inbox.clone(), 0);
        self.inbox = 0..self.inbox.len();
        loop {
            match self.source.read(&mut self.buffer[self.inbox.end..]) {
                Ok(count) => {
                    self.inbox.end += count;
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(Failure::new(Kind::Io, format!("standard input: {error}")));
                }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Gives so many octets at once.
    struct Pieces<'i>(&'i [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let count = self.0.len().min(self.1).min(buffer.len());
            let (now, later) = self.0.split_at(count);
            buffer[..count].copy_from_slice(now);
            self.0 = later;
            Ok(count)
        }
    }

    /// All lines; behind one that is DATA a text.
    fn said(input: &[u8], width: usize) -> Vec<String> {
        let mut caller = Caller::new(Pieces(input, width), Vec::new());
        let mut all = Vec::new();
        loop {
            match caller.next().unwrap() {
                Said::Nothing => return all,
                Said::TooMuch => all.push("too much".to_owned()),
                Said::Line(line, ends) => {
                    let is_data = line == b"DATA";
                    all.push(format!("{}{ends:?}", String::from_utf8(line).unwrap()));
                    if is_data {
                        let mut text = Vec::new();
                        let ended = caller.text(ends, |piece| text.extend_from_slice(piece));
                        let text = String::from_utf8(text).unwrap();
                        all.push(format!("{text:?}{}", ended.unwrap()));
                    }
                }
            }
        }
    }

    #[test]
    fn a_session_is_the_same_wherever_it_is_cut() {
        let input =
            b"EHLO me\r\nMAIL FROM:<a@x.org>\nDATA\r\nS: 1\r\n\r\n..\r\n.\r\nNOOP\r\n\r\nQUI";
        let whole = [
            "EHLO meCrLf",
            "MAIL FROM:<a@x.org>Lf",
            "DATACrLf",
            "\"S: 1\\r\\n\\r\\n.\\r\\n\"true",
            "NOOPCrLf",
            "CrLf",
        ];
        for width in 1..=input.len() {
            assert_eq!(said(input, width), whole, "{width}");
        }
    }

    #[test]
    fn a_line_without_end_is_read_over_and_not_kept() {
        let long = "x".repeat(LINE_MAX - 1);
        for (line, told) in [
            (format!("{}\nNOOP\n", &long), format!("{long}Lf")),
            (format!("{long}x\nNOOP\n"), "too much".to_owned()),
            (
                format!("{}\nNOOP\n", long.repeat(200)),
                "too much".to_owned(),
            ),
        ] {
            for width in [1, 100, 1_000_000] {
                assert_eq!(said(line.as_bytes(), width), [told.as_str(), "NOOPLf"]);
            }
        }
    }

    #[test]
    fn a_text_that_is_cut_has_no_end() {
        assert_eq!(
            said(b"DATA\r\nhello\r\n.", 3),
            ["DATACrLf", "\"hello\\r\\n\"false"]
        );
    }

    #[test]
    fn replies_to_what_came_together_leave_together() {
        struct Writes(Vec<String>);
        impl Write for Writes {
            fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
                self.0.push(String::from_utf8_lossy(octets).into_owned());
                Ok(octets.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let mut caller = Caller::new(&b"NOOP\nNOOP\n"[..], Writes(Vec::new()));
        while caller.next().unwrap() != Said::Nothing {
            caller.answer(&Answer::new(250, "", "ok")).unwrap();
        }
        assert_eq!(caller.sink.0, ["250 ok\r\n250 ok\r\n"]);
    }
}
