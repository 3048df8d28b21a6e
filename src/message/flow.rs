//! The octets of a body on their way from where they are kept to where they are sent.
//!
//! Owns the chunks: how much is looked at in one go, and that small pieces travel together.

use std::io;

use super::body::Piece;
use super::stage::{MOST_OWED, Stage};
use super::window::Window;

/// The part of a chunk looked at in one go where it may grow: no form makes more than twelve octets
/// of one.
const NARROW: usize = 16;

/// A body that is being read.
#[derive(Debug)]
pub(super) struct Flow<'a> {
    /// The piece that is on.
    piece: Option<Passage<'a>>,
    /// Those that follow.
    left: &'a [Piece],
    chunk: usize,
    is_over: bool,
}

/// A piece that is being read.
#[derive(Debug)]
struct Passage<'a> {
    window: Window<'a>,
    stage: Option<Box<dyn Stage>>,
    /// The octets that one step may add.
    step: usize,
}

impl<'a> Passage<'a> {
    fn new(piece: &'a Piece, chunk: usize) -> Self {
        let stage = piece.form.stage();
        let narrow = chunk / NARROW;
        let (width, step) = match &stage {
            Some(stage) => (narrow, narrow * stage.growth() + MOST_OWED),
            None => (chunk, 1),
        };
        Self {
            window: Window::new(&piece.store, 0, width),
            stage,
            step,
        }
    }

    /// Adds the octets that come next to `out`, which may hold a chunk; whether they were the last.
    fn step(&mut self, chunk: usize, out: &mut Vec<u8>) -> io::Result<bool> {
        self.window.load()?;
        let is_last = self.window.is_last();
        let octets = self.window.octets();
        let count = octets.len();
        let taken = match &mut self.stage {
            Some(stage) => stage.push(octets, is_last, out),
            None => {
                let room = count.min(chunk - out.len());
                out.extend_from_slice(&octets[..room]);
                room
            }
        };
        self.window.consume(taken);
        Ok(is_last && taken == count)
    }
}

impl<'a> Flow<'a> {
    /// Reads these pieces in chunks of at most so many octets: 1 KiB or more.
    pub(super) fn new(pieces: &'a [Piece], chunk: usize) -> Self {
        let mut flow = Self {
            piece: None,
            left: pieces,
            chunk,
            is_over: false,
        };
        flow.go_on();
        flow
    }

    /// Turns to the next piece in which there is anything.
    fn go_on(&mut self) {
        let Some(next) = self.left.iter().position(|piece| piece.store.size() > 0) else {
            self.is_over = true;
            return;
        };
        self.piece = Some(Passage::new(&self.left[next], self.chunk));
        self.left = &self.left[next + 1..];
    }

    /// Whether all of it has come.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether all that is left is sent as it is kept, in one piece.
    pub(super) fn is_verbatim(&self) -> bool {
        let piece = self.piece.as_ref();
        piece.is_some_and(|piece| piece.stage.is_none()) && self.left.is_empty()
    }

    /// Adds the octets that come next to `out`, as long as it stays a chunk.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(super) fn fill(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        while let Some(piece) = self.piece.as_mut().filter(|_| !self.is_over)
            && out.len() + piece.step <= self.chunk
        {
            if piece.step(self.chunk, out)? {
                self.go_on();
            }
        }
        Ok(())
    }

    /// The octets that come next, a chunk of them, without a copy: for what is sent as it is kept.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(super) fn next(&mut self) -> io::Result<&[u8]> {
        let Some(piece) = self.piece.as_mut().filter(|_| !self.is_over) else {
            return Ok(&[]);
        };
        piece.window.load()?;
        self.is_over = piece.window.is_last();
        let count = piece.window.octets().len();
        Ok(piece.window.take(count))
    }
}
