//! Messages with numbers, and their submission by way of the library.

use std::str::FromStr as _;

use smtpsend::envelope::{Envelope, ReversePath};
use smtpsend::message::Message;
use smtpsend::plan::Plan;
use smtpsend::report::Report;
use smtpsend::route::{self, Security};
use smtpsend::secret::Secret;
use smtpsend::smtp::{CleartextAuth, Credentials};
use smtpsend::submit::Submission;

pub(crate) type Letter = (Envelope, Message);

/// From a@example.com to these, with this number in its Message-ID, these further header lines, and so many
/// lines of 100 octets.
pub(crate) fn letter(number: usize, to: &[&str], header: &str, lines: usize) -> Letter {
    let sender = ReversePath::parse("a@example.com").unwrap();
    let recipients = to.iter().map(|address| address.parse().unwrap()).collect();
    let body = format!("{:.<98}\r\n", ".").repeat(lines);
    let text = format!(
        "Date: Thu, 01 Jan 2026 00:00:00 +0000\r\nFrom: a@example.com\r\nMessage-ID: {}\r\n{header}\r\n.{number}\r\n{body}",
        id(number)
    );
    let message = Message::from_raw(text.as_bytes()).unwrap();
    (Envelope::new(sender, recipients).unwrap(), message)
}

/// The Message-ID of the letter of this number.
pub(crate) fn id(number: usize) -> String {
    format!("<{number}@example.com>")
}

/// A small one to r0@example.com, r1@example.com and so on.
pub(crate) fn numbered(number: usize, recipients: usize) -> Letter {
    let to: Vec<String> = (0..recipients)
        .map(|n| format!("r{n}@example.com"))
        .collect();
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    letter(number, &to, "", 0)
}

/// So many small ones, each to one recipient.
pub(crate) fn letters(count: usize) -> Vec<Letter> {
    (0..count).map(|number| numbered(number, 1)).collect()
}

/// The plan that leads to this port in clear.
pub(crate) fn plan(port: u16) -> Plan {
    let server = route::Server::from_str(&format!("127.0.0.1:{port}")).unwrap();
    Plan::new(server.rungs(None, Some(Security::None)).unwrap())
}

/// The same as bench with the password hunter2.
pub(crate) fn plan_as_bench(port: u16) -> Plan {
    let password = Secret::new(b"hunter2".to_vec());
    Plan {
        credentials: Some(Credentials::new("bench", password).unwrap()),
        cleartext_auth: Some(CleartextAuth::dangerous_allow()),
        ..plan(port)
    }
}

/// Submits all and gives their reports by number, each of which must have come exactly once.
#[track_caller]
pub(crate) fn submit_all(plan: Plan, letters: Vec<Letter>) -> Vec<Report> {
    let mut reports: Vec<Option<Report>> = letters.iter().map(|_| None).collect();
    Submission::new(plan).submit_all(letters, &(), |number, report| {
        assert!(reports[number].is_none(), "two reports on {number}");
        reports[number] = Some(report);
    });
    let whole = |(number, report): (usize, Option<Report>)| {
        report.unwrap_or_else(|| panic!("no report on {number}"))
    };
    reports.into_iter().enumerate().map(whole).collect()
}

/// The status of each in a word, and its exit code.
pub(crate) fn results(reports: &[Report]) -> Vec<(&'static str, u8)> {
    let result = |report: &Report| (report.status().name(), report.exit().code());
    reports.iter().map(result).collect()
}
