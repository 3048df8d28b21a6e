//! Connections that end at any octet, of the server's or of the client's. What is expected follows from what
//! the server took and what it said in full: never 0 without the whole 250 to the message, never "not
//! delivered" where the server took it.

use smtpsend::plan::Plan;
use smtpsend::report::Report;

use crate::letters::{letter, plan_as_bench, submit_all};
use crate::taker::{Account, Cut, End, Manner, Taker};

/// How the message is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    OneGroup,
    /// By BDAT, when all recipients have their verdicts.
    Large,
    Data,
}

impl Form {
    fn offers(self) -> &'static [&'static str] {
        match self {
            Self::Data => &["PIPELINING", "AUTH PLAIN"],
            _ => &["PIPELINING", "CHUNKING", "AUTH PLAIN"],
        }
    }

    /// Begins the reply before which not an octet of the message leaves.
    fn go_ahead(self) -> &'static str {
        match self {
            Self::OneGroup => "250-mail.test",
            Self::Large => "550 no such user",
            Self::Data => "354 go",
        }
    }
}

/// One message to r0 and to somebody unknown, over a session that is cut there.
fn session(form: Form, cut: Cut, end: End) -> (Account, Report) {
    let offers = form.offers();
    let taker = Taker::start(move |_| Manner {
        cut,
        end,
        ..Manner::kind(offers)
    });
    let plan = Plan {
        ehlo: Some("me.test".parse().unwrap()),
        ..plan_as_bench(taker.port)
    };
    let lines = if form == Form::Large { 400 } else { 0 };
    let to = ["r0@example.com", "refused@example.com"];
    let report = submit_all(plan, vec![letter(0, &to, "", lines)]).remove(0);
    let mut accounts = taker.finish();
    assert_eq!(accounts.len(), 1, "{form:?} {cut:?} {end:?}");
    (accounts.remove(0), report)
}

/// Octets of `EHLO me.test`.
const EHLO: usize = 14;

/// What r0 may be told.
fn expected(form: Form, cut: Cut, end: End, account: &Account) -> &'static [&'static str] {
    let told = |reply: &str| account.told.iter().any(|told| told.starts_with(reply));
    match account.taken.first() {
        Some(taken) if taken.told => &["accepted"],
        Some(_) => &["unknown"],
        None if !told(form.go_ahead()) => &["deferred"],
        // The end may be seen before the group has left, or only behind it.
        None if end == End::Rst || matches!(cut, Cut::Read(EHLO)) => &["unknown", "deferred"],
        None if form == Form::OneGroup => &["unknown"],
        None => &["unknown", "deferred"],
    }
}

fn check(form: Form, cut: Cut, end: End) {
    let (account, report) = session(form, cut, end);
    let place = || format!("{form:?} {cut:?} {end:?}: {account:?}\n{report:?}");
    let verdicts: Vec<&str> = report.recipients.iter().map(|(_, v)| v.name()).collect();
    let expected = expected(form, cut, end, &account);
    assert!(expected.contains(&verdicts[0]), "{expected:?} {}", place());
    let refused = account.told.iter().any(|reply| reply.starts_with("550"));
    let other = if refused { "rejected" } else { verdicts[0] };
    assert_eq!(verdicts[1], other, "{}", place());
    let exit = if verdicts[0] == "accepted" { 67 } else { 75 };
    assert_eq!(report.exit().code(), exit, "{}", place());
}

/// Cuts at each octet said, and at so many of those read as take no more than a few hundred sessions.
fn cut_everywhere(form: Form) {
    let (whole, report) = session(form, Cut::Never, End::Fin);
    assert_eq!(report.status().name(), "partial");
    let every = whole.read / 400 + 1;
    let read = |n: usize| n.is_multiple_of(every) || n < 300 || n + 50 > whole.read;
    for end in [End::Fin, End::Rst] {
        (0..=whole.said).for_each(|n| check(form, Cut::Said(n), end));
        let read = (0..=whole.read).filter(|&n| read(n));
        read.for_each(|n| check(form, Cut::Read(n), end));
    }
}

#[test]
fn a_cut_at_any_octet_of_one_group_is_told_as_it_was() {
    cut_everywhere(Form::OneGroup);
}

#[test]
fn a_cut_at_any_octet_around_a_large_message_is_told_as_it_was() {
    cut_everywhere(Form::Large);
}

#[test]
fn a_cut_at_any_octet_around_data_is_told_as_it_was() {
    cut_everywhere(Form::Data);
}
