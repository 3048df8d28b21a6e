//! What came of the connections: lines, messages, waits, and the report of what went wrong.

use super::pattern::visible;

/// A message as the server took it, by `BODY` or `BDAT`.
#[derive(Clone, Debug)]
pub struct Received {
    /// The octets on the wire, still dot-stuffed, without the line of the final dot.
    pub raw: Vec<u8>,
    /// The octets of the message, stuffing undone.
    pub data: Vec<u8>,
    /// The connection it came by, from 0.
    pub connection: usize,
}

impl Received {
    /// The message as text; octets that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.data).into_owned()
    }
}

/// All connections together, in the order in which they came.
#[derive(Debug, Default)]
pub struct Transcript {
    pub messages: Vec<Received>,
    /// Each line of the client's, without its line end; bodies are not among them.
    pub lines: Vec<String>,
    pub connections: usize,
    /// How often the client had to wait for the server: once for each group of its octets that came
    /// after replies had been sent, and once for each handshake.
    pub waits: usize,
    /// The server name each TLS client asked for.
    pub server_names: Vec<Option<String>>,
}

impl Transcript {
    /// The only message.
    #[track_caller]
    pub fn message(&self) -> &Received {
        match self.messages.as_slice() {
            [message] => message,
            several => panic!("one message was expected, {} came", several.len()),
        }
    }

    pub(super) fn add(&mut self, visit: &mut Visit) {
        let connection = self.connections;
        self.connections += 1;
        self.waits += visit.waits;
        self.lines.append(&mut visit.lines);
        self.server_names.append(&mut visit.server_names);
        for mut message in visit.messages.drain(..) {
            message.connection = connection;
            self.messages.push(message);
        }
    }
}

/// One connection.
#[derive(Debug, Default)]
pub struct Visit {
    pub messages: Vec<Received>,
    pub lines: Vec<String>,
    pub waits: usize,
    pub server_names: Vec<Option<String>>,
    pub mishap: Option<String>,
    log: Vec<String>,
}

impl Visit {
    pub fn unexpected() -> Self {
        Self {
            mishap: Some("a connection came that no dialogue was left for".to_owned()),
            ..Self::default()
        }
    }

    pub fn log(&mut self, who: &str, octets: &[u8]) {
        for line in octets.split_inclusive(|&b| b == b'\n') {
            let line = line.strip_suffix(b"\r\n").unwrap_or(line);
            self.log.push(format!("    {who} {}", visible(line)));
        }
    }

    pub fn note(&mut self, what: impl std::fmt::Display) {
        self.log.push(format!("    ({what})"));
    }

    /// The dialogue so far; of a very long one the beginning and the end.
    pub fn so_far(&self) -> String {
        const FIRST: usize = 30;
        const LAST: usize = 70;
        let Some(left_out) = self.log.len().checked_sub(FIRST + LAST + 1) else {
            return self.log.join("\n");
        };
        let last = FIRST + left_out + 1;
        format!(
            "{}\n    … {} lines …\n{}",
            self.log[..FIRST].join("\n"),
            left_out + 1,
            self.log[last..].join("\n")
        )
    }
}

/// The client did something else than the dialogue says.
#[derive(Debug)]
pub struct Surprise {
    pub expected: String,
    pub got: String,
}

impl Surprise {
    pub fn new(expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self {
            expected: expected.into(),
            got: got.into(),
        }
    }
}
