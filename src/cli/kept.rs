//! Keeping what is read and cannot be read again: a little in memory, more in a temporary file.
//!
//! Owns where that file is: in `$TMPDIR`, else `/var/tmp`, else `/tmp`, and on a file system in memory
//! only where there is no other, because that would be memory after all. The file has no name, so
//! that nothing is left of it whatever happens. Refuses nothing by size.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;

use super::settings::Environment;
use crate::failure::{Failure, Kind, Result};
use crate::message::Store;

/// Octets that are kept in memory at most.
pub(crate) const IN_MEMORY: usize = 1 << 20;

const HINT: &str = "what is too large for memory is kept there while it is sent: \
                    set TMPDIR to a directory with room for it";

/// What was read so far.
pub(crate) struct Kept<'e> {
    environment: Environment<'e>,
    octets: Vec<u8>,
    scratch: Option<Scratch>,
    size: u64,
}

/// A file without a name, and where it is.
struct Scratch {
    file: File,
    directory: PathBuf,
    /// The directories before it, and why they were not used.
    passed_over: Vec<String>,
}

impl<'e> Kept<'e> {
    /// Nothing yet.
    pub(crate) fn new(environment: Environment<'e>) -> Self {
        Self {
            environment,
            octets: Vec::new(),
            scratch: None,
            size: 0,
        }
    }

    /// Octets kept.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Keeps these too.
    ///
    /// # Errors
    /// [`Kind::Io`] when there is no directory for a temporary file, or no room in it.
    pub(crate) fn add(&mut self, octets: &[u8]) -> Result<()> {
        self.size += octets.len() as u64;
        if let Some(scratch) = &mut self.scratch {
            return scratch.write(octets);
        }
        if self.octets.len() + octets.len() <= IN_MEMORY {
            self.octets.extend_from_slice(octets);
            return Ok(());
        }
        let scratch = self.scratch.insert(Scratch::open(self.environment)?);
        scratch.write(&std::mem::take(&mut self.octets))?;
        scratch.write(octets)
    }

    /// All of it, to be read.
    pub(crate) fn into_store(self) -> Store {
        match self.scratch {
            Some(scratch) => Store::own(scratch.file, 0..self.size),
            None => Store::from(self.octets),
        }
    }
}

impl Scratch {
    fn open(environment: Environment<'_>) -> Result<Self> {
        let named = environment("TMPDIR").filter(|name| !name.is_empty());
        let mut in_memory = None;
        let mut reasons = Vec::new();
        for directory in named
            .map(PathBuf::from)
            .into_iter()
            .chain(["/var/tmp".into(), "/tmp".into()])
        {
            match tempfile::tempfile_in(&directory) {
                Ok(file) if is_in_memory(&file) => {
                    reasons.push(format!("{}: in memory", directory.display()));
                    in_memory.get_or_insert((file, directory));
                }
                Ok(file) => {
                    return Ok(Self {
                        file,
                        directory,
                        passed_over: reasons,
                    });
                }
                Err(error) => reasons.push(format!("{}: {error}", directory.display())),
            }
        }
        match in_memory {
            Some((file, directory)) => Ok(Self {
                file,
                directory,
                passed_over: Vec::new(),
            }),
            None => {
                let words = format!("there is no temporary file: {}", reasons.join("; "));
                Err(Failure::new(Kind::Io, words).with_hint(HINT))
            }
        }
    }

    fn write(&mut self, octets: &[u8]) -> Result<()> {
        self.file.write_all(octets).map_err(|error: io::Error| {
            let mut words = format!("cannot be kept in {}: {error}", self.directory.display());
            for passed_over in &self.passed_over {
                words += &format!("; {passed_over}");
            }
            Failure::new(Kind::Io, words).with_hint(HINT)
        })
    }
}

/// Whether the file is in memory: on a tmpfs or a ramfs.
#[cfg(target_os = "linux")]
fn is_in_memory(file: &File) -> bool {
    const TMPFS: u32 = 0x0102_1994;
    const RAMFS: u32 = 0x8584_58f6;
    // The type of this number differs between machines; its lower half is the same on all.
    rustix::fs::fstatfs(file).is_ok_and(|system| matches!(system.f_type as u32, TMPFS | RAMFS))
}

#[cfg(not(target_os = "linux"))]
fn is_in_memory(_: &File) -> bool {
    false
}
