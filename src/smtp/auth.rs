//! The AUTH exchange (RFC 4954): alone, or as the first command of a group.
//!
//! AUTH ends its group, except where it carries the initial response of a mechanism that is known
//! to end with the next reply (§4): then MAIL and what follows may leave together with it, and the
//! reply is judged when it comes. A refusal stands: no second mechanism is tried.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::dialogue::{Dialogue, Stage};
use super::hint::unexpected;
use super::reply::Reply;
use super::sasl::{CleartextAuth, Mechanism, encoded};
use crate::failure::{Failure, Kind, Result};
use crate::secret::Secret;

/// Most challenges answered in one exchange; the longest mechanism in use has three.
const CHALLENGE_LIMIT: u32 = 8;

/// The right to send credentials: an encrypted session gives it, or `--allow-cleartext-auth`.
pub(crate) struct Protected(());

impl Protected {
    pub(super) fn by_tls() -> Self {
        Self(())
    }
}

impl From<CleartextAuth> for Protected {
    fn from(_: CleartextAuth) -> Self {
        Self(())
    }
}

/// An AUTH command that may lead a group.
pub(crate) struct Lead {
    pub(super) name: &'static str,
    response: Secret,
}

impl Lead {
    /// The command, where the mechanism allows it.
    pub(crate) fn new(mechanism: &mut dyn Mechanism, _right: &Protected) -> Option<Self> {
        if !mechanism.ends_in_one_round() {
            return None;
        }
        Some(Self {
            name: mechanism.name(),
            response: encoded(&mechanism.initial_response()?),
        })
    }

    /// Queues the command.
    pub(super) fn send(&self, dialogue: &mut Dialogue<'_>) -> Result<()> {
        send_command(dialogue, self.name, &self.response)
    }
}

/// Proves who we are, and waits for the end of it.
///
/// # Errors
/// `Auth` when the server refuses for good, `Temporary` when it cannot tell now, `Protocol` when
/// it answers with something else.
pub(super) fn exchange(
    dialogue: &mut Dialogue<'_>,
    mechanism: &mut dyn Mechanism,
    _right: Protected,
) -> Result<()> {
    let stage = Stage::Auth;
    let name = mechanism.name();
    match mechanism.initial_response() {
        Some(response) => send_command(dialogue, name, &encoded(&response))?,
        None => dialogue.send(&format!("AUTH {name}"))?,
    }
    for _ in 0..CHALLENGE_LIMIT {
        let reply = dialogue.reply(&stage)?;
        if reply.code != 334 {
            return conclude(name, &reply);
        }
        dialogue.expect_silence(&stage)?;
        let challenge = BASE64.decode(reply.text().trim());
        match challenge
            .ok()
            .and_then(|challenge| mechanism.respond(&challenge))
        {
            Some(response) => {
                let line = encoded(&response);
                dialogue.send_secret(&line, "***")?;
            }
            // RFC 4954 §4: a client cancels with a lone asterisk, and reads the reply.
            None => {
                dialogue.send("*")?;
                let reply = dialogue.reply(&stage)?;
                return Err(Failure::new(
                    Kind::Protocol,
                    format!("AUTH {name}: a challenge that has no answer; then {reply}"),
                ));
            }
        }
    }
    Err(Failure::new(
        Kind::Protocol,
        format!("AUTH {name}: more than {CHALLENGE_LIMIT} challenges"),
    ))
}

/// What the last reply of the exchange means.
///
/// # Errors
/// As [`exchange`].
pub(super) fn conclude(name: &'static str, reply: &Reply) -> Result<()> {
    if reply.answers(235) {
        return Ok(());
    }
    let failure = unexpected(&Stage::Auth, reply, Kind::Auth);
    Err(Failure {
        message: failure.message.replacen("AUTH", &format!("AUTH {name}"), 1),
        ..failure
    })
}

fn send_command(dialogue: &mut Dialogue<'_>, name: &str, response: &Secret) -> Result<()> {
    let head = format!("AUTH {name} ");
    let mut line = Vec::with_capacity(head.len() + response.expose().len());
    line.extend_from_slice(head.as_bytes());
    line.extend_from_slice(response.expose());
    dialogue.send_secret(&Secret::new(line), &format!("AUTH {name} ***"))
}
