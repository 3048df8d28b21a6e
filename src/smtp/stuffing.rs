//! The form of a message behind DATA (RFC 5321 §4.5.2): a dot at the start of a line is doubled, and
//! a line with a dot alone ends it. Nothing else is changed.

/// Doubles leading dots, over any boundary between chunks.
#[derive(Debug, Default)]
pub(super) struct Stuffer {
    inside_a_line: bool,
    any: bool,
}

impl Stuffer {
    /// Gives `chunk` with its leading dots doubled to `send`, in as few pieces as there are dots.
    pub(super) fn stuff(&mut self, chunk: &[u8], mut send: impl FnMut(&[u8])) {
        let Some(last) = chunk.last() else { return };
        if !self.inside_a_line && chunk[0] == b'.' {
            send(b".");
        }
        let mut rest = chunk;
        while let Some(at) = memchr::memmem::find(rest, b"\n.") {
            let (line, tail) = rest.split_at(at + 1);
            send(line);
            send(b".");
            rest = tail;
        }
        send(rest);
        self.inside_a_line = *last != b'\n';
        self.any = true;
    }

    /// What ends the message. A content always ends with a line end; were that not so, one is
    /// supplied, since otherwise the dot would be part of the last line.
    pub(super) fn terminator(&self) -> &'static [u8] {
        if self.any && self.inside_a_line {
            b"\r\n.\r\n"
        } else {
            b".\r\n"
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn stuffed(chunks: &[&[u8]]) -> Vec<u8> {
        let mut stuffer = Stuffer::default();
        let mut sent = Vec::new();
        for chunk in chunks {
            stuffer.stuff(chunk, |bytes| sent.extend_from_slice(bytes));
        }
        sent.extend_from_slice(stuffer.terminator());
        sent
    }

    #[test]
    fn leading_dots_are_doubled_also_at_the_very_start() {
        assert_eq!(
            stuffed(&[b".\r\n..\r\na.b\r\n.x\r\n"]),
            b"..\r\n...\r\na.b\r\n..x\r\n.\r\n"
        );
    }

    #[test]
    fn an_empty_message_is_a_lone_dot() {
        assert_eq!(stuffed(&[]), b".\r\n");
    }

    #[test]
    fn a_missing_line_end_is_supplied() {
        assert_eq!(stuffed(&[b"a"]), b"a\r\n.\r\n");
    }

    proptest::proptest! {
        #[test]
        fn chunks_make_no_difference_and_the_server_gets_back_what_was_meant(
            lines in proptest::collection::vec("[.a]{0,3}", 0..20),
            cuts in proptest::collection::vec(0usize..60, 0..6),
        ) {
            let text: Vec<u8> = lines.iter().flat_map(|line| format!("{line}\r\n").into_bytes()).collect();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|w| &text[w[0]..w[1]]).filter(|c| !c.is_empty()).collect();
            let sent = stuffed(&chunks);
            proptest::prop_assert_eq!(&sent, &stuffed(&[&text]));
            let sent = String::from_utf8_lossy(&sent).into_owned();
            let (body, end) = sent.split_at(sent.len() - 3);
            proptest::prop_assert_eq!(end, ".\r\n");
            let back: String = body.split_inclusive("\r\n").map(|line| line.strip_prefix('.').unwrap_or(line)).collect();
            proptest::prop_assert_eq!(back.as_bytes(), &text[..]);
        }
    }
}
