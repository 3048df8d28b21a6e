//! The stages of a session with TLS and AUTH, so that a test can do the same thing at each of them.

use crate::parts::user_call;
use crate::support::{Server, Smtpsend};

/// A stage: how failures name it, what the client says, and the reply that is due.
pub(crate) struct Stage {
    pub(crate) name: &'static str,
    says: &'static str,
    due: &'static str,
}

const fn stage(name: &'static str, says: &'static str, due: &'static str) -> Stage {
    Stage { name, says, due }
}

/// Where the final dot is answered.
pub(crate) const FINAL_DOT: usize = 9;
/// Where TLS begins: the reply due is a handshake.
pub(crate) const HANDSHAKE: usize = 3;

pub(crate) const STAGES: [Stage; 10] = [
    stage("greeting", "", "S: 220 mail.test\n"),
    stage("EHLO", "C: EHLO *\n", "S: 250-mail.test\nS: 250 STARTTLS\n"),
    stage("STARTTLS", "C: STARTTLS\n", "S: 220 go\n"),
    stage("TLS handshake", "", "TLS\n"),
    stage(
        "EHLO",
        "C: EHLO *\n",
        "S: 250-mail.test\nS: 250 AUTH PLAIN\n",
    ),
    stage("AUTH PLAIN", "C: AUTH PLAIN *\n", "S: 235 welcome\n"),
    stage("MAIL <a@example.com>", "C: MAIL *\n", "S: 250 ok\n"),
    stage("RCPT <b@example.com>", "C: RCPT *\n", "S: 250 ok\n"),
    stage("DATA", "C: DATA\n", "S: 354 go\n"),
    stage("message", "BODY\n", "S: 250 queued\n"),
];

/// A session up to where the reply of this stage is due, then `instead` of it.
#[track_caller]
pub(crate) fn server_at(number: usize, instead: &str) -> Server {
    let mut text: String = STAGES[..number]
        .iter()
        .flat_map(|stage| [stage.says, stage.due])
        .collect();
    text += STAGES[number].says;
    Server::text(&(text + instead))
}

/// The same with the reply that is due, and `extra` along with it.
#[track_caller]
pub(crate) fn server_after(number: usize, extra: &str) -> Server {
    server_at(number, &format!("{}{extra}", STAGES[number].due))
}

/// A call that goes through all stages, and what it must end with.
pub(crate) fn call(server: &Server) -> Smtpsend {
    user_call(server).limit(std::time::Duration::from_secs(10))
}
