//! The system's log: datagrams to `/dev/log`, as local daemons take them (RFC 3164 §4.1 without the
//! time and the host, which they know themselves).
//!
//! The facility is mail; how grave it is follows from the exit code. A datagram has 8 KiB at most,
//! which is what rsyslog takes as it comes; the recipients that do not fit are counted.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::text::{self, VALUE_MAX, shortened};
use super::{Entry, Format};
use crate::exit::Exit;
use crate::failure::{Failure, Kind, Result};

/// How a log is called that is not a file.
const NAME: &str = "syslog";
const SOCKET: &str = "/dev/log";
/// Octets of a datagram.
const LIMIT: usize = 8192;
/// How long a daemon may be busy.
const PATIENCE: Duration = Duration::from_secs(5);

/// RFC 3164 §4.1.1.
const MAIL: u8 = 2 << 3;
const ERROR: u8 = 3;
const WARNING: u8 = 4;
const INFORMATIONAL: u8 = 6;

/// The way to the daemon. It is connected to anew for each line, since it may be restarted at any time.
pub(super) struct Syslog {
    socket: PathBuf,
}

impl Syslog {
    /// The log that is called `syslog`, or `syslog:` and the name of its socket.
    pub(super) fn named_by(name: &Path) -> Option<Self> {
        let rest = name.to_str()?.strip_prefix(NAME)?;
        let socket = match rest.strip_prefix(':') {
            Some(socket) => socket,
            None if rest.is_empty() => SOCKET,
            None => return None,
        };
        let socket = socket.into();
        Some(Self { socket })
    }

    /// Whether there is anybody.
    ///
    /// # Errors
    /// `Io`, when nothing was sent yet.
    pub(super) fn reach(&self) -> Result<()> {
        self.connect().map(drop).map_err(|error| {
            let failure = self.lost(&error);
            let words = format!("{}; nothing was sent", failure.message);
            let hint = "is a syslog daemon running? A file will do as well: --log FILE";
            Failure::new(failure.kind, words).with_hint(hint)
        })
    }

    /// Writes a line.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn write(&self, entry: &Entry<'_>, format: Format) -> Result<()> {
        let code = entry.result.exit;
        let severity = match code {
            0 => INFORMATIONAL,
            _ if code == Exit::TempFail.code() => WARNING,
            _ => ERROR,
        };
        let head = format!("<{}>smtpsend[{}]: ", MAIL | severity, std::process::id());
        let limit = LIMIT - head.len();
        let line = match format {
            Format::Text => text::line(entry, Some(limit)),
            Format::Json => object(entry, limit),
        };
        let datagram = head + &line;
        let sent = self
            .connect()
            .and_then(|socket| socket.send(datagram.as_bytes()));
        sent.map(drop).map_err(|error| self.lost(&error))
    }

    fn connect(&self) -> io::Result<UnixDatagram> {
        let socket = UnixDatagram::unbound()?;
        socket.connect(&self.socket)?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(socket)
    }

    fn lost(&self, error: &io::Error) -> Failure {
        let words = format!("the system's log {}: {error}", self.socket.display());
        Failure::new(Kind::Io, words)
    }
}

/// The object in so many octets at most: long texts shortened, no attempts, and as many recipients as
/// fit.
fn object(entry: &Entry<'_>, limit: usize) -> String {
    let whole = entry.json();
    if whole.len() <= limit {
        return whole;
    }
    let mut object: Value = serde_json::from_str(&whole).unwrap_or_default();
    shorten(&mut object);
    let recipients = object["recipients"].take();
    let recipients = recipients.as_array().map_or(&[][..], Vec::as_slice);
    object["attempts"] = json!([]);
    object["recipients"] = json!([]);
    object["left_out"] = json!(recipients.len());
    let mut length = object.to_string().len();
    let fits = |recipient: &&Value| {
        length += recipient.to_string().len() + 1;
        length <= limit
    };
    let kept: Vec<&Value> = recipients.iter().take_while(fits).collect();
    object["left_out"] = json!(recipients.len() - kept.len());
    object["recipients"] = json!(kept);
    object.to_string()
}

fn shorten(value: &mut Value) {
    match value {
        Value::String(text) => *text = shortened(text, VALUE_MAX),
        Value::Array(values) => values.iter_mut().for_each(shorten),
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
