//! How a message comes in: `BODY` after DATA, `BDAT` in chunks.

use super::session::Session;
use super::transcript::{Received, Surprise};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Chunk {
    Middle,
    Last,
}

impl Session<'_> {
    pub fn body(&mut self) -> Result<(), Surprise> {
        let mut raw = Vec::new();
        let mut data = Vec::new();
        loop {
            let Some(line) = self.wire.line()? else {
                let got = format!("{} octets, then the client closed", raw.len());
                return Err(Surprise::new("the final dot", got));
            };
            if line == b".\r\n" {
                break;
            }
            raw.extend_from_slice(&line);
            data.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
        self.visit
            .note(format_args!("{} octets of message", raw.len()));
        self.keep(raw, data);
        Ok(())
    }

    pub fn chunk(&mut self) -> Result<Chunk, Surprise> {
        let expected = "BDAT n or BDAT n LAST";
        let Some(line) = self.line()? else {
            return Err(Surprise::new(expected, "the client closed the connection"));
        };
        let line = String::from_utf8_lossy(&line).into_owned();
        let words: Vec<&str> = line.split(' ').collect();
        let (count, chunk) = match words.as_slice() {
            ["BDAT", count] => (count.parse(), Chunk::Middle),
            ["BDAT", count, "LAST"] => (count.parse(), Chunk::Last),
            _ => return Err(Surprise::new(expected, line)),
        };
        let count: usize = count.map_err(|_| Surprise::new(expected, line.as_str()))?;
        let octets = self.wire.exactly(count)?;
        self.visit.note(format_args!("{count} octets of message"));
        self.chunks.extend_from_slice(&octets);
        if chunk == Chunk::Last {
            let data = std::mem::take(&mut self.chunks);
            self.keep(data.clone(), data);
        }
        Ok(chunk)
    }

    fn keep(&mut self, raw: Vec<u8>, data: Vec<u8>) {
        self.visit.messages.push(Received {
            raw,
            data,
            connection: 0,
        });
    }
}
