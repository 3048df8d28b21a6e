//! The body of a message: where its octets are kept, the form in which they are sent, and what is
//! found in them then.
//!
//! Owns the forms and the passes over a text that choose between them, and that a body may be several
//! pieces one after another: the parts of a multipart and what stands between them. A body is never
//! made: it is read through its stages each time it is sent ([`Flow`]), so that a large one costs no
//! more memory than a small one. RFC 2045 §6.

use std::io;

use encoding_rs::Encoding;

use super::encoding::{Base64, Rewrap};
use super::flow::Flow;
use super::lines::{Scan, Scanner};
use super::quoted_printable::QuotedPrintable;
use super::stage::{Chain, Decode, Lines, Stage};
use super::store::Store;
use super::window::Window;

/// Octets of a chunk at most: enough for what a chunk costs besides to be nothing, and few enough
/// for an early answer of the server to be heard before much more has left.
pub(super) const CHUNK: usize = 64 * 1024;

/// What a body is made of, and what one pass over it found.
#[derive(Debug, Clone)]
pub(super) struct Body {
    pieces: Vec<Piece>,
    /// The number of its first line in the input.
    first_line: u64,
    scan: Scan,
}

/// Octets that are kept somewhere, and how they are sent.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) store: Store,
    pub(super) form: Form,
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
    pub(super) fn stage(self) -> Option<Box<dyn Stage>> {
        let decode = |charset| Box::new(Decode::new(charset)) as Box<dyn Stage>;
        let code: Option<Box<dyn Stage>> = match self.coding {
            Coding::Verbatim => None,
            Coding::Lines => Some(Box::new(Lines::default())),
            Coding::QuotedPrintable => Some(Box::new(QuotedPrintable::default())),
            Coding::TextInBase64 => Some(Box::new(Chain::new(Lines::default(), Base64))),
            Coding::PartInBase64 => Some(Box::new(Chain::new(Lines::unended(), Base64))),
            Coding::DataInBase64 => Some(Box::new(Base64)),
            Coding::Base64Again => Some(Box::new(Rewrap::default())),
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
    /// The same, but for the end of the last line, which gets none.
    PartInBase64,
    /// Data in base64.
    DataInBase64,
    /// What is in base64 already, in lines that fit.
    Base64Again,
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
        Ok(Self {
            first_line,
            ..Self::new(store, start, form, scan)
        })
    }

    /// The part of `store` after `start` in a form in which this is found.
    pub(super) fn new(store: Store, start: u64, form: Form, scan: Scan) -> Self {
        let store = store.part(start..u64::MAX);
        Self {
            pieces: vec![Piece { store, form }],
            first_line: 1,
            scan,
        }
    }

    /// Nothing yet, to which others are added.
    pub(super) fn nothing() -> Self {
        Self {
            pieces: Vec::new(),
            first_line: 1,
            scan: Scan {
                canonical: true,
                ..Scan::default()
            },
        }
    }

    /// Puts `next` behind it. Both are whole lines.
    pub(super) fn append(&mut self, next: Self) {
        self.scan.append(next.scan);
        self.pieces.extend(next.pieces);
    }

    /// The lines it consists of, as they are kept, when they are all in one place.
    pub(super) fn kept_lines(&self) -> Option<&Store> {
        match self.pieces.as_slice() {
            [Piece { store, form }] if form.charset.is_none() => {
                matches!(form.coding, Coding::Verbatim | Coding::Lines).then_some(store)
            }
            _ => None,
        }
    }

    /// The number of its first line in the input.
    pub(super) fn first_line(&self) -> u64 {
        self.first_line
    }

    /// What is found in it as it is sent.
    pub(super) fn scan(&self) -> &Scan {
        &self.scan
    }

    /// Its octets as they are sent, in chunks of at most so many: 1 KiB or more.
    pub(super) fn flow(&self, chunk: usize) -> Flow<'_> {
        Flow::new(&self.pieces, chunk)
    }
}

/// Lines that are sent as they are; each ends with CRLF.
pub(super) fn verbatim(lines: Vec<u8>) -> Body {
    let scan = Scan::of(&lines, 1);
    let form = Form {
        charset: None,
        coding: Coding::Verbatim,
    };
    Body::new(lines.into(), 0, form, scan)
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
    let piece = Piece {
        store: store.part(start..u64::MAX),
        form,
    };
    let mut flow = Flow::new(std::slice::from_ref(&piece), CHUNK);
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
        let form = Form { charset, coding };
        let piece = Piece {
            store: store.clone(),
            form,
        };
        let mut flow = Flow::new(std::slice::from_ref(&piece), chunk);
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
