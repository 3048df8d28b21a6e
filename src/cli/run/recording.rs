//! What a command printed, kept in little memory.
//!
//! Owns how much of it stands in the mail: all, or what came first and last. What is longer, or
//! cannot be read as it is, goes along compressed, each octet of it up to a bound that mail servers
//! take. Where there is no room for that, head and tail have to do, and the mail says so. Never keeps
//! the command waiting for long, and never fails. RFC 1952.

use std::collections::VecDeque;
use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::readable::readable;
use crate::cli::kept::Kept;
use crate::cli::settings::Environment;
use crate::message::Store;

/// Octets that stand in the mail as they came.
const WHOLE: usize = 64 * 1024;
/// Octets of the head, and of the tail, where there are more.
const PART: usize = 32 * 1024;
/// Octets that a compressed file may have: with its transfer encoding 22 MiB, while many servers take 25.
const PACKED_MAX: u64 = 16 << 20;

/// The name of the compressed file.
pub(super) const FILE_NAME: &str = "output.txt.gz";

/// The output of a command while it comes.
pub(super) struct Recording<'e> {
    environment: Environment<'e>,
    size: u64,
    /// The first octets: all of them as long as they are few.
    head: Vec<u8>,
    /// The last of those that the head does not have.
    tail: VecDeque<u8>,
    /// All of them, once they are many.
    packed: Option<Packed<'e>>,
}

/// Octets that are being compressed.
struct Packed<'e> {
    encoder: GzEncoder<Sink<'e>>,
    /// How many there are in it.
    size: u64,
    end: End,
}

/// Why no more is added.
enum End {
    Open,
    Full,
    Failed(String),
}

struct Sink<'e>(Kept<'e>);

/// The output of a command that has ended.
pub(super) struct Recorded {
    /// Octets that were printed.
    pub(super) size: u64,
    /// The first of them, or all.
    pub(super) head: Vec<u8>,
    /// The last of them, which begin with a line where they do not follow the head.
    pub(super) tail: Vec<u8>,
    /// Octets between head and tail.
    pub(super) left_out: u64,
    /// The same in a compressed file, where that is of use.
    pub(super) file: Option<File>,
}

/// What became of the compressed file.
pub(super) enum File {
    Whole(Store),
    /// It has so many octets of the output, the first ones.
    First(u64, Store),
    /// There is none, for this reason.
    Lost(String),
}

impl<'e> Recording<'e> {
    /// Of nothing yet.
    pub(super) fn new(environment: Environment<'e>) -> Self {
        Self {
            environment,
            size: 0,
            head: Vec::new(),
            tail: VecDeque::new(),
            packed: None,
        }
    }

    /// These octets came.
    pub(super) fn add(&mut self, octets: &[u8]) {
        self.size += octets.len() as u64;
        if self.size <= WHOLE as u64 {
            self.head.extend_from_slice(octets);
            return;
        }
        let packed = self.packed.get_or_insert_with(|| {
            let mut packed = Packed::new(self.environment);
            packed.add(&self.head);
            packed
        });
        packed.add(octets);
        let room = WHOLE.saturating_sub(self.head.len()).min(octets.len());
        let (first, rest) = octets.split_at(if self.tail.is_empty() { room } else { 0 });
        self.head.extend_from_slice(first);
        let rest = &rest[rest.len().saturating_sub(PART)..];
        let surplus = (self.tail.len() + rest.len()).saturating_sub(PART);
        self.tail.drain(..surplus);
        self.tail.extend(rest);
    }

    /// That was all.
    pub(super) fn end(mut self) -> Recorded {
        let Some(packed) = self.packed else {
            let file = (!readable(&self.head).is_exact).then(|| {
                let mut packed = Packed::new(self.environment);
                packed.add(&self.head);
                packed.file(self.size)
            });
            return Recorded {
                size: self.size,
                head: self.head,
                tail: Vec::new(),
                left_out: 0,
                file,
            };
        };
        let mut last = self.head.split_off(PART);
        last.extend(self.tail.make_contiguous().iter());
        let mut tail = last.split_off(last.len().saturating_sub(PART));
        if let Some(end) = memchr::memchr(b'\n', &tail) {
            tail.drain(..=end);
        }
        if let Some(end) = memchr::memrchr(b'\n', &self.head) {
            self.head.truncate(end + 1);
        }
        Recorded {
            size: self.size,
            left_out: self.size - self.head.len() as u64 - tail.len() as u64,
            head: self.head,
            tail,
            file: Some(packed.file(self.size)),
        }
    }
}

impl<'e> Packed<'e> {
    fn new(environment: Environment<'e>) -> Self {
        let sink = Sink(Kept::new(environment));
        Self {
            // The command is not to wait.
            encoder: GzEncoder::new(sink, Compression::fast()),
            size: 0,
            end: End::Open,
        }
    }

    fn add(&mut self, octets: &[u8]) {
        if !matches!(self.end, End::Open) {
            return;
        }
        self.end = match self.encoder.write_all(octets) {
            Ok(()) => {
                self.size += octets.len() as u64;
                if self.encoder.get_ref().0.size() < PACKED_MAX {
                    return;
                }
                End::Full
            }
            Err(error) => End::Failed(error.to_string()),
        };
    }

    /// The file; `size` octets were to be in it.
    fn file(self, size: u64) -> File {
        if let End::Failed(why) = self.end {
            return File::Lost(why);
        }
        match self.encoder.finish() {
            Ok(sink) if self.size == size => File::Whole(sink.0.into_store()),
            Ok(sink) => File::First(self.size, sink.0.into_store()),
            Err(error) => File::Lost(error.to_string()),
        }
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.add(octets).map_err(io::Error::other)?;
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn recorded(octets: &[u8], width: usize) -> Recorded {
        let nothing = |_: &str| None;
        let mut recording = Recording::new(&nothing);
        for part in octets.chunks(width) {
            recording.add(part);
        }
        recording.end()
    }

    #[test]
    fn little_is_kept_as_it_is() {
        let recorded = recorded(b"one\ntwo", 1);
        assert_eq!((recorded.size, recorded.left_out), (7, 0));
        assert_eq!(
            (&*recorded.head, &*recorded.tail),
            (&b"one\ntwo"[..], &b""[..])
        );
        assert!(recorded.file.is_none());
    }

    #[test]
    fn what_cannot_be_read_as_it_is_goes_along_as_it_is() {
        assert!(matches!(recorded(b"a\0b", 9).file, Some(File::Whole(_))));
    }

    #[test]
    fn of_much_whole_lines_from_the_beginning_and_the_end_are_shown() {
        let all: Vec<u8> = (0..100_000)
            .flat_map(|n| format!("{n}\n").into_bytes())
            .collect();
        for width in [1, 999, 70_000, all.len()] {
            let recorded = recorded(&all, width);
            let (head, tail) = (&recorded.head, &recorded.tail);
            assert!(all.starts_with(head) && all.ends_with(tail), "{width}");
            assert!(head.ends_with(b"\n") && all[..all.len() - tail.len()].ends_with(b"\n"));
            assert!(
                (PART - 9..=PART).contains(&head.len()) && (PART - 9..=PART).contains(&tail.len())
            );
            let shown = head.len() + tail.len();
            assert_eq!(recorded.left_out, (all.len() - shown) as u64);
            assert!(matches!(recorded.file, Some(File::Whole(_))));
        }
    }

    #[test]
    fn just_too_much_leaves_little_out() {
        let recorded = recorded(&[b'x'; WHOLE + 10], 7);
        assert_eq!((recorded.head.len(), recorded.tail.len()), (PART, PART));
        assert_eq!(recorded.left_out, 10);
    }

    #[test]
    fn without_room_for_all_the_head_and_the_tail_remain() {
        let nowhere = |_: &str| Some("/nonexistent".into());
        let mut recording = Recording::new(&nowhere);
        recording.add(&[b'x'; 100_000]);
        if let Some(packed) = &mut recording.packed {
            packed.end = End::Failed("no room".to_owned());
        }
        recording.add(b"y");
        let recorded = recording.end();
        assert!(matches!(recorded.file, Some(File::Lost(why)) if why == "no room"));
        assert_eq!(recorded.tail.last(), Some(&b'y'));
    }
}
