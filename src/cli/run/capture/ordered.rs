//! One pipe for standard output and standard error, in which the kernel keeps their order.
//!
//! Owns telling whether standard error was written to. Standard output writes in packets (`O_DIRECT`,
//! pipe(2)). A packet takes no octets of another write, and neither does what is spliced in (splice(2));
//! only what was written without `O_DIRECT` does, which is standard error. That is asked of each buffer,
//! moved into a pipe that has room for one alone: does another octet fit? It does not in a full page:
//! whether that is a packet is told by reading a part of a copy, which drops the rest of a packet. What is
//! written behind standard error may be in its buffer; but then it is known to have written. Who opens the
//! pipe anew by its name (`/dev/stdout`) has no packets, and is taken for standard error. All this is tried
//! before it is relied on.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::pipe::{
    PipeFlags, SpliceFlags, fcntl_getpipe_size, fcntl_setpipe_size, pipe_with, splice, tee,
};

use super::{Ends, READ_SIZE, never_wait, widen};
use crate::clock::is_passing;

/// Reads before the caller has its turn.
const TURN: usize = 256;

/// One pipe for both.
pub(in crate::cli::run) struct OnePipe {
    /// None at its end.
    source: Option<File>,
    /// None once standard error is known to have written.
    sieve: Option<Sieve>,
    buffer: Vec<u8>,
}

/// Tells what is no packet.
struct Sieve {
    /// Room for one buffer.
    place: Place,
    /// Room for a copy of it.
    copy: Place,
    /// Octets of a page.
    page: usize,
    /// A full page was seen that is no packet: of standard error, or spliced.
    unsure: bool,
    /// Since then part of a page that was spliced: somebody does that with standard output.
    spliced: bool,
}

struct Place {
    reader: File,
    writer: File,
}

impl OnePipe {
    pub(super) fn open() -> io::Result<(Self, Ends)> {
        let (mut pipe, ends) = Self::untried()?;
        let mut seen = Vec::new();
        for (end, is_error) in [(&ends.output, false), (&ends.error, true)] {
            rustix::io::write(end, b"?")?;
            pipe.take(|octets| seen.extend_from_slice(octets))?;
            if pipe.has_seen_error() != is_error {
                return Err(io::ErrorKind::Unsupported.into());
            }
        }
        if seen != b"??" {
            return Err(io::ErrorKind::Unsupported.into());
        }
        pipe.sieve = Some(Sieve::new()?);
        Ok((pipe, ends))
    }

    fn untried() -> io::Result<(Self, Ends)> {
        let (source, output) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::DIRECT)?;
        let name = format!("/proc/self/fd/{}", output.as_raw_fd());
        let error = open(name, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
        never_wait(&source)?;
        widen(&source);
        let pipe = Self {
            source: Some(File::from(source)),
            sieve: Some(Sieve::new()?),
            buffer: vec![0; READ_SIZE],
        };
        Ok((pipe, Ends { output, error }))
    }

    pub(super) fn source(&self) -> Option<BorrowedFd<'_>> {
        self.source.as_ref().map(AsFd::as_fd)
    }

    pub(super) fn has_seen_error(&self) -> bool {
        let Some(sieve) = &self.sieve else {
            return true;
        };
        sieve.unsure && !sieve.spliced
    }

    pub(super) fn take(&mut self, mut into: impl FnMut(&[u8])) -> io::Result<()> {
        for _ in 0..TURN {
            let Some(source) = &mut self.source else {
                break;
            };
            let read = match &mut self.sieve {
                Some(sieve) => match sieve.next(source, &mut self.buffer) {
                    Ok((count, is_error)) => {
                        if is_error {
                            self.sieve = None;
                        }
                        Ok(count)
                    }
                    Err(error) => Err(error),
                },
                None => source.read(&mut self.buffer),
            };
            match read {
                Ok(0) => self.source = None,
                Ok(count) => into(&self.buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Sieve {
    fn new() -> io::Result<Self> {
        let place = Place::new()?;
        let page = fcntl_getpipe_size(&place.reader)?;
        Ok(Self {
            copy: Place::new()?,
            place,
            page,
            unsure: false,
            spliced: false,
        })
    }

    /// The octets of the next buffer, and whether it is certain that standard error wrote some.
    fn next(&mut self, source: &File, into: &mut [u8]) -> io::Result<(usize, bool)> {
        // With the whole buffer its kind moves too.
        let count = splice(
            source,
            None,
            &self.place.writer,
            None,
            READ_SIZE,
            SpliceFlags::NONBLOCK,
        )?;
        if count == 0 {
            return Ok((0, false));
        }
        let takes_more = self.place.takes_more()?;
        if !takes_more && (count == self.page || self.unsure) && count > 1 {
            self.note_unless_packet(count)?;
        }
        let read = (&self.place.reader).read(into)?;
        if read != count + usize::from(takes_more) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        Ok((count, takes_more))
    }

    fn note_unless_packet(&mut self, count: usize) -> io::Result<()> {
        let copied = tee(
            &self.place.reader,
            &self.copy.writer,
            count,
            SpliceFlags::NONBLOCK,
        )?;
        let mut copy = &self.copy.reader;
        copy.read_exact(&mut [0])?;
        let mut rest = vec![0; copied];
        match copy.read(&mut rest) {
            Ok(_) if count == self.page => self.unsure = true,
            Ok(_) => self.spliced = true,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl Place {
    fn new() -> io::Result<Self> {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        fcntl_setpipe_size(&reader, 1)?;
        Ok(Self {
            reader: File::from(reader),
            writer: File::from(writer),
        })
    }

    /// Whether what is in it takes another octet, which it then has.
    fn takes_more(&self) -> io::Result<bool> {
        match (&self.writer).write(&[0]) {
            Ok(_) => Ok(true),
            Err(error) if error.raw_os_error() == Some(Errno::AGAIN.raw_os_error()) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::process::{Command, Stdio};

    use super::super::Capture;
    use super::*;

    /// What a script writes, and whether standard error was written to.
    fn captured(script: &str) -> (Vec<u8>, bool) {
        let (mut capture, ends) = Capture::ordered().unwrap();
        assert!(matches!(capture, Capture::Ordered(_)));
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::null());
        command.stdout(ends.output).stderr(ends.error);
        let mut child = command.spawn().unwrap();
        drop(command);
        let mut all = Vec::new();
        while !capture.sources().is_empty() {
            let sources = capture.sources();
            let mut fds: Vec<_> = sources
                .iter()
                .map(|source| rustix::event::PollFd::new(source, rustix::event::PollFlags::IN))
                .collect();
            rustix::event::poll(&mut fds, None).unwrap();
            capture
                .take(|_, octets| all.extend_from_slice(octets))
                .unwrap();
        }
        child.wait().unwrap();
        (all, capture.has_seen_error())
    }

    #[test]
    fn both_outputs_come_in_the_order_in_which_they_were_written() {
        let script = "i=0; while [ $i -lt 5000 ]; do echo o$i; echo e$i >&2; i=$((i+1)); done";
        let expected: String = (0..5000).map(|i| format!("o{i}\ne{i}\n")).collect();
        let (all, has_error) = captured(script);
        assert!(all == expected.as_bytes() && has_error);
        let (all, has_error) =
            captured("i=0; while [ $i -lt 999 ]; do printf o; printf e >&2; i=$((i+1)); done");
        assert!(all == "oe".repeat(999).as_bytes() && has_error);
    }

    #[test]
    fn standard_output_alone_is_never_taken_for_standard_error() {
        for script in [
            "",
            "i=0; while [ $i -lt 2000 ]; do printf x; i=$((i+1)); done",
            "i=0; while [ $i -lt 2000 ]; do echo line; i=$((i+1)); done",
            "head -c 3000000 /dev/zero",
            "head -c 3000001 /dev/zero",
            "head -c 4096 /dev/zero; printf x; head -c 4097 /dev/zero",
        ] {
            let (all, has_error) = captured(script);
            assert!(!has_error, "{script}");
            assert_eq!(all.is_empty(), script.is_empty());
        }
    }

    #[test]
    fn anything_on_standard_error_is_seen() {
        for script in [
            "printf x >&2",
            "printf x > /dev/stderr",
            // Nobody can tell it from the one before.
            "printf x > /dev/stdout",
            "head -c 4096 /dev/zero >&2",
            "head -c 3000000 /dev/zero >&2",
            "head -c 100000 /dev/zero; printf x >&2; head -c 100000 /dev/zero",
            "printf o; printf e >&2; printf o",
            "head -c 4096 /dev/zero >&2; head -c 5000 /dev/zero",
        ] {
            assert!(captured(script).1, "{script}");
        }
    }

    #[test]
    fn what_is_spliced_into_standard_output_is_no_error() {
        let (mut capture, ends) = Capture::ordered().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[b'x'; 10_000]).unwrap();
        let mut from = 0;
        let flags = rustix::pipe::SpliceFlags::empty();
        rustix::pipe::splice(&file, Some(&mut from), &ends.output, None, 10_000, flags).unwrap();
        let mut count = 0;
        capture.take(|_, octets| count += octets.len()).unwrap();
        assert_eq!((count, capture.has_seen_error()), (10_000, false));
        rustix::io::write(&ends.error, b"e").unwrap();
        capture.take(|_, octets| count += octets.len()).unwrap();
        assert!(capture.has_seen_error());
    }
}
