//! The AUTH exchange (RFC 4954): alone, or as the first command of a group.
//!
//! AUTH ends its group, except where it carries the initial response of a mechanism that is known
//! to end with the next reply (§4): then MAIL and what follows may leave together with it, and the
//! reply is judged when it comes. A refusal stands: no second mechanism is tried.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::dialogue::{Dialogue, Stage};
use super::reply::Reply;
use super::sasl::{CleartextAuth, Mechanism, MechanismName, encoded, no_answer};
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
    pub(super) name: MechanismName,
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
            response: mechanism.initial_response()?,
        })
    }

    /// Queues the command.
    pub(super) fn send(&self, dialogue: &mut Dialogue<'_>) -> Result<()> {
        send_command(dialogue, self.name, &self.response)
    }
}

/// Proves who we are, and waits for the end of it. Where the server refuses and the mechanism has
/// another proof, that is tried as well.
///
/// # Errors
/// `Auth` when the server refuses for good, `Temporary` when it cannot tell now, `Protocol` when
/// it answers with something else or does not prove what it has to.
pub(super) fn exchange(
    dialogue: &mut Dialogue<'_>,
    mechanism: &mut dyn Mechanism,
    _right: Protected,
) -> Result<()> {
    let name = mechanism.name();
    loop {
        let reply = rounds(dialogue, mechanism)?;
        let Err(mut failure) = conclude(dialogue, name, &reply) else {
            return mechanism.confirm().map_err(|failure| within(name, failure));
        };
        let complaint = mechanism.complaint();
        let disproved = reply.code == 535 || complaint.is_some();
        if let Some(complaint) = complaint.filter(|words| !words.is_empty()) {
            let complaint = dialogue.masked(complaint);
            failure.message = format!("{} ({complaint})", failure.message);
        }
        if failure.kind != Kind::Auth || !disproved {
            return Err(failure);
        }
        match mechanism.renew() {
            Ok(true) => {
                dialogue.hide(mechanism.secrets());
                dialogue
                    .observer
                    .note(&format!("{failure}; trying a new token"));
            }
            Ok(false) => return Err(failure),
            Err(problem) => {
                failure.message = format!("{}; and no new token: {problem}", failure.message);
                return Err(failure);
            }
        }
    }
}

/// The rounds of one exchange, up to the reply that ends it.
fn rounds(dialogue: &mut Dialogue<'_>, mechanism: &mut dyn Mechanism) -> Result<Reply> {
    let name = mechanism.name();
    let stage = Stage::Auth(name);
    match mechanism.initial_response() {
        Some(response) => {
            dialogue.hide([encoded(&response)]);
            send_command(dialogue, name, &response)?;
        }
        None => dialogue.send(&format!("AUTH {name}"))?,
    }
    for _ in 0..CHALLENGE_LIMIT {
        let reply = dialogue.reply(&stage)?;
        if reply.code != 334 {
            return Ok(reply);
        }
        dialogue.expect_silence(&stage)?;
        let answer = match BASE64.decode(reply.text().trim()) {
            Ok(challenge) => mechanism.respond(&challenge),
            Err(_) => Err(Failure::new(
                Kind::Protocol,
                "a challenge that is not base64",
            )),
        };
        match answer {
            Ok(response) => {
                let line = encoded(&response);
                dialogue.send_secret(&line, "***")?;
                dialogue.hide(mechanism.secrets().into_iter().chain([line]));
            }
            // RFC 4954 §4: a client cancels with a lone asterisk, and reads the reply.
            Err(failure) => {
                dialogue.send("*")?;
                let mut failure = within(name, failure);
                if let Ok(reply) = dialogue.reply(&stage) {
                    failure.message = format!("{}; then {reply}", failure.message);
                }
                return Err(failure);
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
/// `Auth` when the server refuses for good, `Temporary` when it cannot tell now, `Protocol` when
/// it answers with something else.
pub(super) fn conclude(dialogue: &Dialogue<'_>, name: MechanismName, reply: &Reply) -> Result<()> {
    if reply.answers(235) {
        return Ok(());
    }
    if reply.code == 334 {
        return Err(within(name, no_answer()));
    }
    Err(dialogue.unexpected(&Stage::Auth(name), reply, Kind::Auth))
}

/// The failure with the mechanism it happened in.
fn within(name: MechanismName, failure: Failure) -> Failure {
    failure.at(format!("AUTH {name}"))
}

fn send_command(dialogue: &mut Dialogue<'_>, name: MechanismName, response: &Secret) -> Result<()> {
    let head = format!("AUTH {name} ");
    let encoded = encoded(response);
    // RFC 4954 §4: so an empty response differs from none.
    let response = match encoded.expose() {
        [] => b"=",
        some => some,
    };
    let mut line = Vec::with_capacity(head.len() + response.len());
    line.extend_from_slice(head.as_bytes());
    line.extend_from_slice(response);
    dialogue.send_secret(&Secret::new(line), &format!("AUTH {name} ***"))
}
