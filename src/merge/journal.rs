//! What was sent, kept so that a run which was killed goes on where it was.
//!
//! Owns a file of lines: the first says which template, data and flags it is of, and the seed of the Message-IDs;
//! each other one what came of a row, in one write(2) as soon as that is known. Room for it is reserved before
//! a row leaves, so that a full disk ends a run between messages. A last line that was torn is dropped; of a
//! row the last line counts. Refuses the journal of something else, one that another run has, and what is none.

mod record;

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ring::digest;
use rustix::fs::{FallocateFlags, FlockOperation, OFlags, fallocate, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use self::record::{Done, Record};
use crate::failure::{Failure, Kind, Result};
use crate::random::random;
use crate::report::Report;

/// What the first line of every journal begins with.
const START: &str = "{\"smtpsend-merge\":";
const VERSION: u32 = 1;
/// Octets that are reserved ahead.
const ROOM: u64 = 1 << 20;
/// Octets that are left at least, for what all connections may have to note.
const LEAST_ROOM: u64 = ROOM / 2;
/// No file has so many rows; what names a later one is damaged.
const MOST_ROWS: u64 = 1 << 36;

/// Where the Message-IDs of a merge come from: the same for the same row, and nobody else's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed(String);

impl Seed {
    /// A new one.
    pub fn random() -> Self {
        Self(format!("{:016x}{:016x}", random(), random()))
    }

    /// The Message-ID of this row, with its angle brackets. `domain` is one that can stand there.
    pub fn message_id(&self, row: u64, domain: &str) -> String {
        let digest = digest::digest(&digest::SHA256, format!("{}.{row}", self.0).as_bytes());
        let mut half = [0; 16];
        half.copy_from_slice(&digest.as_ref()[..16]);
        let hex = u128::from_be_bytes(half);
        format!("<{hex:032x}.{row}@{domain}>")
    }
}

/// The first line.
#[derive(Serialize, Deserialize)]
struct Head<'h> {
    #[serde(rename = "smtpsend-merge")]
    version: u32,
    /// SHA-256 of what decides the messages, in hexadecimal digits.
    of: Cow<'h, str>,
    seed: Cow<'h, str>,
}

/// A journal that this run has.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    seed: Seed,
    done: Done,
    end: Mutex<End>,
    /// To be synced while others write.
    file: File,
}

/// Where it ends.
#[derive(Debug)]
struct End {
    file: File,
    written: u64,
    reserved: u64,
    /// A write failed, and may have left half a line.
    broken: bool,
}

impl Journal {
    /// Opens the journal of the merge with this digest, or begins it.
    ///
    /// # Errors
    /// [`Kind::Message`] when it is the journal of another merge, or no journal; [`Kind::Temporary`] when another
    /// run has it; [`Kind::Io`] when it cannot be read or written.
    pub fn open(path: &Path, of: &[u8; 32]) -> Result<Self> {
        let failed = |error: io::Error| {
            let words = format!("the journal {}: {error}", path.display());
            Failure::new(Kind::Io, words)
        };
        let flags = OFlags::NOFOLLOW.bits();
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        let file = options
            .custom_flags(flags.cast_signed())
            .open(path)
            .map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(failed(io::Error::other("not a regular file")));
        }
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|errno| match errno {
            Errno::AGAIN => {
                let words = format!("the journal {} is that of a run that is on", path.display());
                Failure::new(Kind::Temporary, words).with_hint("wait until that one is over")
            }
            errno => failed(errno.into()),
        })?;
        let of: String = of.iter().map(|octet| format!("{octet:02x}")).collect();
        let at = |failure: Failure| failure.at(format_args!("the journal {}", path.display()));
        let mut journal = Self {
            path: path.to_owned(),
            seed: Seed::random(),
            done: Done::default(),
            end: Mutex::new(End {
                file: file.try_clone().map_err(failed)?,
                written: file.metadata().map_err(failed)?.len(),
                reserved: 0,
                broken: false,
            }),
            file,
        };
        match journal.read(&of).map_err(at)? {
            0 => journal.begin(&of).map_err(failed)?,
            whole => {
                journal.file.set_len(whole).map_err(failed)?;
                let mut end = journal.end();
                end.written = whole;
                end.reserved = whole;
            }
        }
        journal.reserve()?;
        Ok(journal)
    }

    /// Reads what is there; how many octets of it are whole lines.
    fn read(&mut self, of: &str) -> Result<u64> {
        let unreadable = |error: io::Error| Failure::new(Kind::Io, error.to_string());
        let mut input = BufReader::new(&self.file);
        let mut line = Vec::new();
        let mut whole = 0;
        for number in 1_u64.. {
            line.clear();
            let count = input.read_until(b'\n', &mut line).map_err(unreadable)?;
            if !line.ends_with(b"\n") {
                // Nothing was sent before the first line was whole; any other file is not ours to write to.
                if number == 1
                    && count > 0
                    && !START
                        .as_bytes()
                        .starts_with(&line[..count.min(START.len())])
                {
                    return Err(no_journal());
                }
                break;
            }
            whole += count as u64;
            if number == 1 {
                self.seed = seed(&line, of)?;
                continue;
            }
            let record: Record<'_> = serde_json::from_slice(&line).map_err(|error| {
                Failure::new(Kind::Message, format!("line {number} is damaged: {error}"))
            })?;
            if record.row > MOST_ROWS {
                let words = format!("line {number} is damaged: row {}", record.row);
                return Err(Failure::new(Kind::Message, words));
            }
            self.done.note(record);
        }
        Ok(whole)
    }

    /// Writes the first line, for good.
    fn begin(&mut self, of: &str) -> io::Result<()> {
        self.file.set_len(0)?;
        let head = Head {
            version: VERSION,
            of: of.into(),
            seed: self.seed.0.as_str().into(),
        };
        let mut line = serde_json::to_vec(&head)?;
        line.push(b'\n');
        let mut end = self.end();
        end.file.write_all(&line)?;
        end.written = line.len() as u64;
        drop(end);
        self.file.sync_all()?;
        let parent = self
            .path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
    }

    /// Where the Message-IDs come from.
    pub fn seed(&self) -> &Seed {
        &self.seed
    }

    /// Whether nothing is left to be done for this row.
    pub fn is_done(&self, row: u64) -> bool {
        self.done.has(row)
    }

    /// How many rows are done.
    pub fn count_done(&self) -> u64 {
        self.done.count
    }

    /// Of how many rows somebody was refused for good.
    pub fn count_refused(&self) -> u64 {
        self.done.refused.len() as u64
    }

    /// The recipients of a row that is not done who are not to be tried again.
    pub fn settled(&self, row: u64) -> &[String] {
        self.done.partly.get(&row).map_or(&[], Vec::as_slice)
    }

    /// Makes sure that there is room for what comes of the rows that are on their way and one more.
    ///
    /// # Errors
    /// [`Kind::Io`] when the disk is full, or what was written before failed.
    pub fn reserve(&self) -> Result<()> {
        let mut end = self.end();
        if end.broken {
            return Err(self.failed(&io::Error::other("could not be written to")));
        }
        if end.reserved.saturating_sub(end.written) >= LEAST_ROOM {
            return Ok(());
        }
        match fallocate(&end.file, FallocateFlags::KEEP_SIZE, end.written, ROOM) {
            // Some file systems cannot promise.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                end.reserved = end.written + ROOM;
                Ok(())
            }
            Err(errno) => Err(self.failed(&errno.into())),
        }
    }

    /// Notes what came of a row. It outlives the process from here on, and the system from the next
    /// [`sync`](Self::sync).
    ///
    /// # Errors
    /// [`Kind::Io`]; nothing more can be noted then.
    pub fn note(&self, row: u64, line: u64, report: &Report) -> Result<()> {
        let mut octets = serde_json::to_vec(&Record::of(row, line, report))
            .map_err(|error| self.failed(&error.into()))?;
        octets.push(b'\n');
        let mut end = self.end();
        if end.broken {
            return Err(self.failed(&io::Error::other("could not be written to")));
        }
        let written = end.file.write_all(&octets);
        if let Err(error) = written {
            end.broken = true;
            return Err(self.failed(&error));
        }
        end.written += octets.len() as u64;
        Ok(())
    }

    /// Brings what was noted to the disk.
    ///
    /// # Errors
    /// [`Kind::Io`].
    pub fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> Failure {
        let words = format!("the journal {}: {error}", self.path.display());
        Failure::new(Kind::Io, words)
    }

    fn end(&self) -> MutexGuard<'_, End> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was reserved and is not needed is given back.
impl Drop for Journal {
    fn drop(&mut self) {
        let end = self.end();
        // It is only room.
        let _ = end.file.set_len(end.written);
    }
}

fn no_journal() -> Failure {
    Failure::new(Kind::Message, "this is no journal of smtpsend merge")
        .with_hint("--journal names a file that smtpsend merge makes")
}

fn seed(line: &[u8], of: &str) -> Result<Seed> {
    let head: Head<'_> = serde_json::from_slice(line).map_err(|_| no_journal())?;
    if head.version != VERSION {
        let words = format!("version {} is not known to this smtpsend", head.version);
        return Err(Failure::new(Kind::Message, words));
    }
    if head.of != of {
        let words = "it is of another template, other data or other options";
        return Err(Failure::new(Kind::Message, words).with_hint(
            "go on with what it was begun with, or name a new journal to send to every row again",
        ));
    }
    Ok(Seed(head.seed.into_owned()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::address::Address;
    use crate::envelope::ReversePath;
    use crate::smtp::{Reply, Verdict};

    const OF: [u8; 32] = [7; 32];

    fn accepted() -> Verdict {
        Verdict::Accepted(Reply {
            code: 250,
            enhanced: None,
            lines: vec!["ok".into()],
        })
    }

    fn failed(kind: Kind) -> Verdict {
        Verdict::from_failure(Failure::new(kind, "no"), None)
    }

    fn report(verdicts: &[(&str, Verdict)]) -> Report {
        let recipients = verdicts
            .iter()
            .map(|(address, verdict)| (address.parse::<Address>().unwrap(), verdict.clone()));
        Report::bare("<m@x>", &ReversePath::Null, recipients.collect())
    }

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        (folder, path)
    }

    #[test]
    fn the_next_run_knows_what_was_done_and_by_which_ids() {
        let (_folder, path) = folder();
        let journal = Journal::open(&path, &OF).unwrap();
        let seed = journal.seed().clone();
        journal
            .note(1, 2, &report(&[("a@x.org", accepted())]))
            .unwrap();
        journal
            .note(200, 3, &report(&[("b@x.org", failed(Kind::Refused))]))
            .unwrap();
        journal
            .note(3, 4, &report(&[("c@x.org", failed(Kind::Temporary))]))
            .unwrap();
        journal
            .note(4, 5, &report(&[("d@x.org", failed(Kind::Uncertain))]))
            .unwrap();
        journal
            .note(
                5,
                6,
                &report(&[
                    ("e@x.org", accepted()),
                    ("f@x.org", failed(Kind::Temporary)),
                ]),
            )
            .unwrap();
        drop(journal);

        let journal = Journal::open(&path, &OF).unwrap();
        assert_eq!(journal.seed(), &seed);
        let done: Vec<u64> = (0..300).filter(|&row| journal.is_done(row)).collect();
        assert_eq!((done, journal.count_done()), (vec![1, 200], 2));
        assert_eq!(journal.settled(5), ["e@x.org"]);
        assert!(journal.settled(3).is_empty());
        journal
            .note(5, 6, &report(&[("f@x.org", accepted())]))
            .unwrap();
        drop(journal);
        let journal = Journal::open(&path, &OF).unwrap();
        assert!(journal.is_done(5) && journal.settled(5).is_empty());
    }

    #[test]
    fn a_message_id_is_that_of_the_seed_and_the_row() {
        let seed = Seed::random();
        assert_eq!(seed.message_id(1, "x.org"), seed.message_id(1, "x.org"));
        assert_ne!(seed.message_id(1, "x.org"), seed.message_id(2, "x.org"));
        assert_ne!(
            seed.message_id(1, "x.org"),
            Seed::random().message_id(1, "x.org")
        );
    }

    #[test]
    fn a_line_that_was_torn_is_dropped_wherever_that_was() {
        let (_folder, path) = folder();
        let journal = Journal::open(&path, &OF).unwrap();
        journal
            .note(1, 2, &report(&[("a@x.org", accepted())]))
            .unwrap();
        drop(journal);
        let before = fs::read(&path).unwrap();
        let journal = Journal::open(&path, &OF).unwrap();
        journal
            .note(2, 3, &report(&[("b@x.org", accepted())]))
            .unwrap();
        drop(journal);
        let whole = fs::read(&path).unwrap();
        for cut in (0..whole.len()).rev().step_by(7) {
            fs::write(&path, &whole[..cut]).unwrap();
            let journal = Journal::open(&path, &OF).unwrap();
            assert_eq!(journal.is_done(1), cut >= before.len(), "{cut}");
            assert!(!journal.is_done(2));
            journal
                .note(2, 3, &report(&[("b@x.org", accepted())]))
                .unwrap();
            drop(journal);
            assert!(Journal::open(&path, &OF).unwrap().is_done(2), "{cut}");
        }
    }

    #[test]
    fn what_is_not_the_journal_of_this_merge_is_left_alone() {
        let (_folder, path) = folder();
        drop(Journal::open(&path, &OF).unwrap());
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let failure = Journal::open(&path, &[8; 32]).unwrap_err();
        assert_eq!(failure.kind, Kind::Message);
        assert!(failure.message.contains("another template"), "{failure}");
        for text in [
            "notes",
            "notes\n",
            "{}\n",
            "{\"smtpsend-merge\":2,\"of\":\"\",\"seed\":\"\"}\n",
        ] {
            fs::write(&path, text).unwrap();
            assert_eq!(Journal::open(&path, &OF).unwrap_err().kind, Kind::Message);
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        let failure = Journal::open(Path::new("/dev/null"), &OF).unwrap_err();
        assert_eq!(failure.kind, Kind::Io);
    }

    #[test]
    fn two_runs_do_not_have_one_journal() {
        let (_folder, path) = folder();
        let journal = Journal::open(&path, &OF).unwrap();
        assert_eq!(Journal::open(&path, &OF).unwrap_err().kind, Kind::Temporary);
        drop(journal);
        Journal::open(&path, &OF).unwrap();
    }
}
