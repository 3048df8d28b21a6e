//! Octets that are kept where they can be read again: in memory, or in a file.
//!
//! Owns reading them at any place, as often as wanted and without a cursor that two readers could
//! share. A file that belongs to somebody else is watched: whoever reads it to its end learns that
//! it was changed, and learns it before the last of it is handed out, so that no half of an old
//! and half of a new text is ever sent as one. Decides neither what is kept nor where.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::sync::Arc;

use crate::failure::{Failure, Kind};

/// Octets that can be read as often as needed; cheap to clone.
#[derive(Clone)]
pub struct Store {
    place: Place,
    /// Those of the place that are meant.
    range: Range<u64>,
}

#[derive(Clone)]
enum Place {
    Memory(Arc<Vec<u8>>),
    File(Arc<Kept>),
}

/// Octets in a file.
struct Kept {
    file: File,
    /// How the file looked before anything was read, when others may write to it.
    watched: Option<State>,
}

/// What every change of a file's octets changes. Not its ctime: a new name or mode is no change
/// of what is sent.
#[derive(PartialEq, Eq)]
struct State {
    size: u64,
    modified: (i64, i64),
}

impl State {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }
}

impl Store {
    /// A file that others may write to, from `start` to the end it has now. Read where it is:
    /// a change from now on is an error for whoever reads it.
    ///
    /// # Errors
    /// When its size cannot be learnt.
    pub fn in_place(file: File, start: u64) -> io::Result<Self> {
        let state = State::of(&file)?;
        let range = start.min(state.size)..state.size;
        Ok(Self::kept(file, range, Some(state)))
    }

    /// These octets of a file, where nobody else changes them: one without a name, one in the queue.
    pub fn own(file: File, range: Range<u64>) -> Self {
        Self::kept(file, range, None)
    }

    fn kept(file: File, range: Range<u64>, watched: Option<State>) -> Self {
        Self {
            place: Place::File(Arc::new(Kept { file, watched })),
            range,
        }
    }

    /// Octets in it.
    pub fn size(&self) -> u64 {
        self.range.end - self.range.start
    }
}

impl Store {
    /// Those of its octets that are in `range`, as far as there are any, where they are.
    pub(super) fn part(&self, range: Range<u64>) -> Self {
        let at = |place: u64| self.range.start.saturating_add(place).min(self.range.end);
        Self {
            place: self.place.clone(),
            range: at(range.start)..at(range.end.max(range.start)),
        }
    }

    /// All of it, when it is in memory.
    pub(super) fn in_memory(&self) -> Option<&[u8]> {
        let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX);
        match &self.place {
            Place::Memory(octets) => octets.get(at(self.range.start)..at(self.range.end)),
            Place::File(_) => None,
        }
    }

    /// Fills `octets` with those from `at` on; there must be so many.
    ///
    /// # Errors
    /// When they cannot be read; when they are the last, also when the file is no longer what it
    /// was.
    pub(crate) fn read(&self, octets: &mut [u8], at: u64) -> io::Result<()> {
        let is_last = at + octets.len() as u64 == self.size();
        match &self.place {
            Place::Memory(all) => {
                let at = usize::try_from(self.range.start + at).unwrap_or(usize::MAX);
                all.get(at..).unwrap_or_default().read_exact(octets)
            }
            Place::File(kept) => {
                kept.read(octets, self.range.start + at)?;
                if is_last { kept.check() } else { Ok(()) }
            }
        }
    }

    /// Makes sure that what was read until now is what was there when reading began.
    ///
    /// # Errors
    /// When the file is no longer what it was.
    pub(crate) fn check(&self) -> io::Result<()> {
        match &self.place {
            Place::Memory(_) => Ok(()),
            Place::File(kept) => kept.check(),
        }
    }
}

impl Kept {
    fn read(&self, octets: &mut [u8], at: u64) -> io::Result<()> {
        match self.file.read_exact_at(octets, at) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(changed()),
            done => done,
        }
    }

    fn check(&self) -> io::Result<()> {
        match &self.watched {
            Some(state) if *state != State::of(&self.file)? => Err(changed()),
            _ => Ok(()),
        }
    }
}

impl From<Vec<u8>> for Store {
    fn from(octets: Vec<u8>) -> Self {
        Self {
            range: 0..octets.len() as u64,
            place: Place::Memory(Arc::new(octets)),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.place {
            Place::Memory(_) => "Memory",
            Place::File(_) => "File",
        };
        write!(f, "{name}({} octets)", self.size())
    }
}

/// The file is not what it was when reading it began.
#[derive(Debug)]
struct Changed;

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the file was changed while it was being sent")
    }
}

impl std::error::Error for Changed {}

fn changed() -> io::Error {
    io::Error::other(Changed)
}

/// The failure that an error of reading a [`Store`] or a [`Content`](super::Content) is.
pub fn unreadable(error: &io::Error) -> Failure {
    let failure = Failure::new(Kind::Io, error.to_string());
    if error.get_ref().is_some_and(|cause| cause.is::<Changed>()) {
        return failure.with_hint("send a copy of it, or pipe it in: cat FILE | smtpsend …");
    }
    failure
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
pub(super) mod tests {
    use std::io::Write as _;

    use super::super::window::Window;
    use super::*;

    /// A file with these octets, and the store that reads it in place.
    pub(in crate::message) fn watched(octets: &[u8]) -> (File, Store) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(octets).unwrap();
        let store = Store::in_place(file.try_clone().unwrap(), 0).unwrap();
        (file, store)
    }

    fn read(store: &Store, start: u64, width: usize) -> io::Result<Vec<u8>> {
        let mut window = Window::new(store, start, width);
        let mut octets = Vec::new();
        loop {
            window.load()?;
            octets.extend_from_slice(window.octets());
            let (count, is_last) = (window.octets().len(), window.is_last());
            assert!(count <= width);
            window.consume(count);
            if is_last {
                return Ok(octets);
            }
        }
    }

    #[test]
    fn every_store_gives_the_same_octets_from_any_place_and_twice() {
        let (file, in_place) = watched(b"abcdefg");
        for store in [
            Store::from(b"abcdefg".to_vec()),
            Store::own(file, 0..7),
            in_place,
        ] {
            for width in 1..9 {
                assert_eq!(read(&store, 0, width).unwrap(), b"abcdefg");
                assert_eq!(read(&store, 5, width).unwrap(), b"fg");
                assert_eq!(read(&store, 9, width).unwrap(), b"");
            }
        }
    }

    #[test]
    fn a_part_starts_where_it_is_told_and_ends_where_the_file_does() {
        let (file, _) = watched(b"abcd");
        let store = Store::in_place(file.try_clone().unwrap(), 3).unwrap();
        assert_eq!(read(&store, 0, 9).unwrap(), b"d");
        assert_eq!(Store::in_place(file, 9).unwrap().size(), 0);
    }

    #[test]
    fn any_change_is_noticed_before_the_last_octets_are_handed_out() {
        let changes: [fn(&mut File); 3] = [
            |file| file.set_len(5).unwrap(),
            |file| file.write_all(b"more").unwrap(),
            |file| {
                let later = std::time::SystemTime::now() + std::time::Duration::from_secs(1);
                file.write_all_at(b"X", 0).unwrap();
                file.set_modified(later).unwrap();
            },
        ];
        for change in changes {
            let (mut file, store) = watched(b"abcdefg");
            let mut window = Window::new(&store, 0, 4);
            window.load().unwrap();
            window.consume(4);
            change(&mut file);
            let failure = unreadable(&window.load().unwrap_err());
            assert_eq!(failure.kind, Kind::Io);
            assert!(failure.message.contains("changed"), "{failure}");
            assert!(failure.hint.is_some());
        }
    }
}
