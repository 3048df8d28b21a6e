//! What it comes to: one sentence that names the cause, what to do, and the options for what works.

use super::usage;
use crate::exit::Exit;
use crate::route::{Attempt, Outcome};
use crate::submit::probe::{Diagnosis, Login, Probe};

/// The end of a check.
pub(super) struct Verdict {
    /// What sending a message would have given, as far as it goes without one.
    pub(super) exit: Exit,
    pub(super) sentence: String,
    /// What to do about it.
    pub(super) advice: Option<String>,
    /// The options that name what works.
    pub(super) usage: Option<String>,
}

impl Verdict {
    /// The verdict for `user`, or for nobody; `typed` are the options that are needed beside the server.
    pub(super) fn of(diagnosis: &Diagnosis, user: Option<&str>, typed: &str) -> Self {
        let used = diagnosis.used.map(|used| &diagnosis.probes[used]);
        let deciding = deciding(diagnosis);
        let works = match used {
            Some(used) => used.works_by(),
            // One that works, and is not used, comes behind somebody who may be on the line.
            None if diagnosis.probes.iter().any(Probe::is_usable) => None,
            None => deciding
                .into_iter()
                .chain(&diagnosis.probes)
                .find_map(Probe::works_by),
        };
        // A login that is refused is no better by another port.
        let is_about_login = used.is_some_and(|used| matches!(used.login, Login::Refused(_)));
        let usage = works
            .filter(|_| !is_about_login)
            .map(|rung| usage::server(rung) + typed);
        let Some(failure) = &diagnosis.failure else {
            return Self {
                exit: Exit::Ok,
                sentence: used.map_or_else(String::new, |used| success(used, user)),
                advice: success_and_yet(diagnosis, used),
                usage,
            };
        };
        let exit = failure.kind.exit();
        let meaning = deciding.and_then(|probe| meaning(&probe.attempt));
        let meaning = meaning.unwrap_or_default();
        Self {
            exit,
            sentence: format!(
                "no mail can be sent (exit {}): {failure}{meaning}",
                exit.code()
            ),
            advice: failure.hint.clone(),
            usage,
        }
    }
}

fn success(used: &Probe, user: Option<&str>) -> String {
    let rung = &used.attempt.rung;
    let secured = match (&used.tls, rung.security) {
        (Some(tls), security) => format!("{}, {}", security.name(), tls.version),
        (None, _) => "in clear, readable by anybody on the way".to_owned(),
    };
    let who = match (&used.login, user) {
        (Login::Accepted(mechanism), Some(user)) => {
            format!("as {user}, accepted by AUTH {mechanism}")
        }
        _ => "as nobody, since no user is set".to_owned(),
    };
    format!("mail can be sent by {rung} ({secured}) {who}")
}

/// What is worth knowing although mail can be sent.
fn success_and_yet(diagnosis: &Diagnosis, used: Option<&Probe>) -> Option<String> {
    let notes = [passed_over(diagnosis), used.and_then(wants_a_user)];
    let notes: Vec<String> = notes.into_iter().flatten().collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// That the way is open only up to here, most likely.
fn wants_a_user(used: &Probe) -> Option<String> {
    let nobody = used.login == Login::Nobody && !used.capabilities().auth.is_empty();
    nobody.then(|| {
        "the server lets users log in, and most such servers take no mail from others: name yours with --user".to_owned()
    })
}

/// What the ports before the one that is used cost each time.
fn passed_over(diagnosis: &Diagnosis) -> Option<String> {
    let left = &diagnosis.probes[..diagnosis.used?];
    let names: Vec<String> = left
        .iter()
        .map(|probe| probe.attempt.rung.to_string())
        .collect();
    (!names.is_empty()).then(|| {
        let names = names.join(" and ");
        format!("each message is tried at {names} first: name the port that works, and it is not")
    })
}

/// The port whose failure is that of the whole.
fn deciding(diagnosis: &Diagnosis) -> Option<&Probe> {
    let message = &diagnosis.failure.as_ref()?.message;
    diagnosis.probes.iter().find(|probe| {
        let failure = probe.attempt.failure.as_ref();
        failure.is_some_and(|own| own.message == *message)
    })
}

/// What it means that there was no connection.
pub(super) fn meaning(attempt: &Attempt) -> Option<&'static str> {
    match attempt.outcome {
        Outcome::Timeout if attempt.address.is_some() => {
            Some(" (a firewall on the way swallows it, or the machine is down)")
        }
        Outcome::Refused => Some(" (the machine is there, and nothing listens on that port)"),
        _ => None,
    }
}
