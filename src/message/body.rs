//! The body of a message: where its octets are kept, the form in which they are sent, and what is
//! found in them then.
//!
//! Owns the forms and the passes over a text that choose between them. A body is never made: it is
//! read through its stages each time it is sent, so that a large one costs no more memory than a
//! small one. RFC 2045 §6.

use std::io;

use encoding_rs::Encoding;

use super::encoding::Base64;
use super::lines::{Scan, Scanner};
use super::quoted_printable::QuotedPrintable;
use super::reading::{Found, Reading};
use super::stage::{Chain, Decode, Lines, MOST_OWED, Stage};
use super::store::Store;
use super::window::Window;

/// Octets of a chunk at most: enough for what a chunk costs besides to be nothing, and few enough
/// for an early answer of the server to be heard before much more has left.
pub(super) const CHUNK: usize = 64 * 1024;
/// The part of a chunk looked at in one go where it may grow: no form makes more than twelve octets
/// of one.
const NARROW: usize = 16;

/// Where a body comes from, how it is sent, and what one pass over it found.
#[derive(Debug, Clone)]
pub(super) struct Body {
    store: Store,
    start: u64,
    form: Form,
    scan: Scan,
}

/// What becomes of the octets on the way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    /// The character set they are decoded from; none when they stay what they are.
    pub(super) charset: Option<&'static Encoding>,
    /// How they are written.
    pub(super) coding: Coding,
}

impl Form {
    /// The way of the octets; none when nothing changes on it.
    fn stage(self) -> Option<Box<dyn Stage>> {
        let decode = |charset| Box::new(Decode::new(charset)) as Box<dyn Stage>;
        let code: Option<Box<dyn Stage>> = match self.coding {
            Coding::Verbatim => None,
            Coding::Lines => Some(Box::new(Lines::default())),
            Coding::QuotedPrintable => Some(Box::new(QuotedPrintable::default())),
            Coding::TextInBase64 => Some(Box::new(Chain::new(Lines::default(), Base64))),
            Coding::DataInBase64 => Some(Box::new(Base64)),
        };
        match (self.charset.map(decode), code) {
            (Some(decode), Some(code)) => Some(Box::new(Chain::new(decode, code))),
            (decode, code) => decode.or(code),
        }
    }
}

/// How a text, or data, is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// As it is: every line ends with CRLF already.
    Verbatim,
    /// With CRLF at the end of every line.
    Lines,
    /// Text in quoted-printable.
    QuotedPrintable,
    /// Text in base64, once every line ends with CRLF.
    TextInBase64,
    /// Data in base64.
    DataInBase64,
}

impl Coding {
    /// How text is sent in which this was found, when it need not be encoded.
    pub(super) fn of_lines(scan: &Scan) -> Self {
        if scan.canonical {
            Self::Verbatim
        } else {
            Self::Lines
        }
    }
}

impl Body {
    /// The part of `store` after `start`, whose first line has this number, as lines.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn lines(store: Store, start: u64, first_line: u64) -> io::Result<Self> {
        let mut scanner = Scanner::new(first_line);
        let mut window = Window::new(&store, start, CHUNK);
        loop {
            window.load()?;
            scanner.push(window.octets());
            if window.is_last() {
                break;
            }
            window.consume(window.octets().len());
        }
        let scan = scanner.finish();
        let form = Form {
            charset: None,
            coding: Coding::of_lines(&scan),
        };
        Ok(Self::new(store, start, form, scan))
    }

    /// The part of `store` after `start` in a form in which this is found.
    pub(super) fn new(store: Store, start: u64, form: Form, scan: Scan) -> Self {
        Self {
            store,
            start,
            form,
            scan,
        }
    }

    /// The same text in quoted-printable.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn in_quoted_printable(self) -> io::Result<Self> {
        let form = Form {
            coding: Coding::QuotedPrintable,
            ..self.form
        };
        let scan = scan_of(&self.store, self.start, form, u64::MAX)?.unwrap_or_default();
        Ok(Self { form, scan, ..self })
    }

    /// Whether its octets, as they are kept, are UTF-8.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(super) fn is_utf8(&self) -> io::Result<bool> {
        let found = Found::of(&self.store, self.start, Reading::Utf8)?;
        Ok(found.is_some())
    }

    /// What is found in it as it is sent.
    pub(super) fn scan(&self) -> &Scan {
        &self.scan
    }

    /// Its octets as they are sent, in chunks of at most so many: 1 KiB or more.
    pub(super) fn flow(&self, chunk: usize) -> Flow<'_> {
        Flow::new(&self.store, self.start, self.form, chunk)
    }
}

/// What is found in the part of `store` after `start` once it is in this form; nothing when it
/// comes to more than `most` octets.
///
/// # Errors
/// When it cannot be read.
pub(super) fn scan_of(
    store: &Store,
    start: u64,
    form: Form,
    most: u64,
) -> io::Result<Option<Scan>> {
    let mut flow = Flow::new(store, start, form, CHUNK);
    let mut scanner = Scanner::new(1);
    let mut octets = Vec::new();
    let mut size = 0;
    while !flow.is_over() {
        octets.clear();
        flow.fill(&mut octets)?;
        size += octets.len() as u64;
        if size > most {
            return Ok(None);
        }
        scanner.push(&octets);
    }
    Ok(Some(scanner.finish()))
}

/// The octets of a body on their way from where they are kept to where they are sent.
#[derive(Debug)]
pub(super) struct Flow<'a> {
    window: Window<'a>,
    stage: Option<Box<dyn Stage>>,
    chunk: usize,
    /// The octets that one step may add.
    step: usize,
    is_over: bool,
}

impl<'a> Flow<'a> {
    fn new(store: &'a Store, start: u64, form: Form, chunk: usize) -> Self {
        let stage = form.stage();
        let narrow = chunk / NARROW;
        let (width, step) = match &stage {
            Some(stage) => (narrow, narrow * stage.growth() + MOST_OWED),
            None => (chunk, 1),
        };
        Self {
            window: Window::new(store, start, width),
            stage,
            chunk,
            step,
            is_over: start >= store.size(),
        }
    }

    /// Whether all of it has come.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether it is sent as it is kept.
    pub(super) fn is_verbatim(&self) -> bool {
        self.stage.is_none()
    }

    /// Adds the octets that come next to `out`, as long as it stays a chunk.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(super) fn fill(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        while !self.is_over && out.len() + self.step <= self.chunk {
            self.window.load()?;
            let is_last = self.window.is_last();
            let octets = self.window.octets();
            let (count, taken) = match &mut self.stage {
                Some(stage) => (octets.len(), stage.push(octets, is_last, out)),
                None => {
                    let room = octets.len().min(self.chunk - out.len());
                    out.extend_from_slice(&octets[..room]);
                    (octets.len(), room)
                }
            };
            self.is_over = is_last && taken == count;
            self.window.consume(taken);
        }
        Ok(())
    }

    /// The octets that come next, a chunk of them, without a copy: for what is sent as it is kept.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(super) fn next(&mut self) -> io::Result<&[u8]> {
        self.window.load()?;
        self.is_over = self.window.is_last();
        let count = self.window.octets().len();
        Ok(self.window.take(count))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use encoding_rs::WINDOWS_1252;
    use proptest::prelude::*;

    use super::super::encoding::tests::from_base64;
    use super::super::quoted_printable::tests::from_quoted_printable;
    use super::super::stage::tests::canonical;
    use super::super::store::tests::watched;
    use super::*;

    /// The octets in this form, chunks of this size at the most.
    fn sent(
        store: &Store,
        charset: Option<&'static Encoding>,
        coding: Coding,
        chunk: usize,
    ) -> Vec<u8> {
        let mut flow = Flow::new(store, 0, Form { charset, coding }, chunk);
        let (mut all, mut octets) = (Vec::new(), Vec::new());
        while !flow.is_over() {
            octets.clear();
            flow.fill(&mut octets).unwrap();
            assert!(octets.len() <= chunk);
            all.extend_from_slice(&octets);
        }
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_form_gives_the_same_from_memory_and_file_in_chunks_of_any_size(
            text in "[a \u{e9}=\r\n]{0,3000}", chunk in 1024_usize..4000,
        ) {
            let (octets, _, _) = WINDOWS_1252.encode(&text);
            let memory = Store::from(octets.to_vec());
            let (_file, file) = watched(&octets);
            let lines = canonical(text.as_bytes());
            for (coding, undone) in [
                (Coding::Verbatim, (|octets| octets.to_vec()) as fn(&[u8]) -> Vec<u8>),
                (Coding::Lines, |octets| octets.to_vec()),
                (Coding::QuotedPrintable, from_quoted_printable),
                (Coding::TextInBase64, from_base64),
            ] {
                let whole = sent(&memory, Some(WINDOWS_1252), coding, CHUNK);
                prop_assert_eq!(&whole, &sent(&memory, Some(WINDOWS_1252), coding, chunk));
                prop_assert_eq!(&whole, &sent(&file, Some(WINDOWS_1252), coding, chunk));
                let meant = if coding == Coding::Verbatim { text.as_bytes() } else { &lines };
                prop_assert_eq!(&undone(&whole), meant);
                let form = Form { charset: Some(WINDOWS_1252), coding };
                let scan = scan_of(&file, 0, form, u64::MAX).unwrap().unwrap();
                prop_assert_eq!(&scan, &Scan::of(&whole, 1));
                let most = (whole.len() as u64).checked_sub(1);
                prop_assert!(most.is_none_or(|most| scan_of(&file, 0, form, most).unwrap().is_none()));
            }
            prop_assert_eq!(from_base64(&sent(&file, None, Coding::DataInBase64, chunk)), &octets[..]);
            prop_assert_eq!(sent(&file, None, Coding::Verbatim, chunk), &octets[..]);
        }
    }
}
