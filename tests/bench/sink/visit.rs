//! What one connection cost the client, and what it brought.

use serde::{Deserialize, Serialize};

use super::body::Digest;

/// One connection, from its greeting to its end.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Visit {
    /// How many times the client had to wait for the server, connecting not included: the greeting, the TLS
    /// handshake, and each flight of replies that the server sent after it had answered all it had received. The
    /// reply to a QUIT after which the client was gone is none.
    pub(crate) waits: u32,
    /// Octets that came in at the socket.
    pub(crate) received: u64,
    /// Octets that went out at the socket.
    pub(crate) sent: u64,
    /// Messages that were accepted.
    pub(crate) messages: u32,
    /// Recipients that were accepted.
    pub(crate) recipients: u32,
    /// What the bodies were, all messages together.
    pub(crate) bodies: Digest,
    /// Whether a password was checked.
    pub(crate) authenticated: bool,
    /// Whether it went over TLS in the end.
    pub(crate) encrypted: bool,
    /// What went wrong, if anything.
    pub(crate) trouble: Option<String>,
}
