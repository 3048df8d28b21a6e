//! Asking the server of a plan about addresses, without sending anything.

use super::{login, open};
use crate::address::Address;
use crate::exit::Exit;
use crate::failure::{Failure, Kind, Result};
use crate::plan::Plan;
use crate::route::Attempt;
use crate::smtp::Observer;
use crate::smtp::session::Session;
use crate::smtp::verify::{self, Finding, Question};

/// What came of it.
#[derive(Debug)]
pub struct Answers {
    /// One for each address, in their order.
    pub findings: Vec<Finding>,
    /// The rungs that were tried, in the policy's order.
    pub attempts: Vec<Attempt>,
    /// Whether there was a session in which to ask.
    pub asked: bool,
}

impl Answers {
    /// The exit code, the first that fits: 75 when some answer may be another one later, 76 when the
    /// server broke the protocol, what kept the server from being asked, 67 when some address is
    /// unknown, 69 when the server refuses to say; else 0.
    pub fn exit(&self) -> Exit {
        let rank = |failure: &&Failure| match failure.kind {
            Kind::Temporary => 0,
            Kind::Protocol => 1,
            Kind::Recipient => 3,
            Kind::Refused => 4,
            _ => 2,
        };
        let failures = self
            .findings
            .iter()
            .filter_map(|found| found.failure.as_ref());
        let worst = failures.min_by_key(rank);
        worst.map_or(Exit::Ok, |failure| failure.kind.exit())
    }
}

/// Opens a session by `plan`, logs in where there are credentials, and asks about each address.
/// Everything that can go wrong is in the answers.
pub fn verify(
    plan: &Plan,
    question: Question,
    addresses: &[Address],
    observer: &dyn Observer,
) -> Answers {
    let mut attempts = Vec::new();
    let session = open(plan, observer, &mut attempts);
    let asked = session.is_ok();
    let findings = match session {
        Ok(mut session) => {
            let findings = verify::ask(&mut session, question, addresses);
            session.dialogue.quit();
            findings
        }
        Err(failure) => addresses
            .iter()
            .map(|address| Finding::without_answer(address, failure.clone()))
            .collect(),
    };
    Answers {
        findings,
        attempts,
        asked,
    }
}

fn open<'o>(
    plan: &Plan,
    observer: &'o dyn Observer,
    attempts: &mut Vec<Attempt>,
) -> Result<Session<'o>> {
    login::allowed(plan)?;
    let tls = open::tls(plan)?;
    let (opened, rung) = open::open(plan, tls.as_ref(), observer, attempts)?;
    let mut session = opened.session()?;
    match login::log_in(plan, &mut session) {
        Ok(_) => Ok(session),
        Err(failure) => {
            session.dialogue.quit();
            Err(failure.at(rung))
        }
    }
}
