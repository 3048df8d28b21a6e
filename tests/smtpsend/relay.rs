//! The library's relay: commands given one by one, each with its verdict.

use std::time::Instant;

use smtpsend::envelope::{Options, ReversePath};
use smtpsend::failure::Kind;
use smtpsend::plan::Plan;
use smtpsend::smtp::Verdict;
use smtpsend::submit::relay::{Opening, Relay};

use crate::letters::{numbered, plan};
use crate::support::Server;

fn opening(sender: &str) -> Opening {
    Opening {
        sender: ReversePath::parse(sender).unwrap(),
        size: None,
        smtputf8: false,
        options: Options::default(),
        deadline: None,
    }
}

#[test]
fn the_time_of_a_transaction_is_its_own_and_not_the_plans() {
    let server = Server::text(
        "S: 220 mail.test\nC: EHLO *\nS: 250 mail.test\nC: MAIL FROM:<a@x.org>\nS: 250 ok\nC: RSET\nWAIT",
    );
    let mut over = plan(server.port());
    over.waits.deadline = Some(Instant::now());
    let mut relay = Relay::new(over, &());
    assert!(relay.mail(opening("a@x.org")).is_accepted());
    let late = Opening {
        deadline: Some(Instant::now()),
        ..opening("a@x.org")
    };
    let verdict = relay.mail(late);
    let failure = &verdict.cause().unwrap().failure;
    assert!(failure.message.contains("deadline"), "{failure}");
    server.finish();
}

#[test]
fn a_transaction_that_turns_out_to_need_smtputf8_is_begun_anew() {
    let server = Server::text(
        "S: 220 mail.test\nC: EHLO *\nS: 250-mail.test\nS: 250 SMTPUTF8\n\
         C: MAIL FROM:<a@x.org>\nS: 250 ok\nC: RCPT TO:<b@x.org>\nS: 250 ok\n\
         C: RSET\nS: 250 ok\nC: MAIL FROM:<a@x.org> SMTPUTF8\nS: 250 ok\nC: RCPT TO:<b@x.org>\nS: 250 ok\n\
         C: RCPT TO:<jörg@x.org>\nS: 250 ok\nC: RCPT TO:<jürg@x.org>\nS: 250 ok\nC: QUIT",
    );
    let mut relay = Relay::new(plan(server.port()), &());
    assert!(relay.mail(opening("a@x.org")).is_accepted());
    for recipient in ["b@x.org", "j\u{f6}rg@x.org", "j\u{fc}rg@x.org"] {
        let verdict = relay.rcpt(recipient.parse().unwrap());
        assert!(verdict.is_accepted(), "{recipient}: {verdict:?}");
    }
    relay.quit();
    server.finish();
}

#[test]
fn what_a_server_cannot_be_told_is_refused_without_asking_it() {
    let server = Server::text(
        "S: 220 mail.test\nC: EHLO *\nS: 250 mail.test\nC: MAIL FROM:<a@x.org>\nS: 250 ok\nC: QUIT",
    );
    let mut relay = Relay::new(plan(server.port()), &());
    let verdict = relay.mail(opening("j\u{f6}rg@x.org"));
    assert!(matches!(&verdict, Verdict::Rejected(cause) if cause.failure.kind == Kind::Message));
    assert!(relay.mail(opening("a@x.org")).is_accepted());
    let verdict = relay.rcpt("j\u{f6}rg@x.org".parse().unwrap());
    assert!(matches!(&verdict, Verdict::Rejected(cause) if cause.reply.is_none()));
    relay.quit();
    server.finish();
}

#[test]
fn the_report_is_about_those_who_were_accepted() {
    let server = Server::text(
        "S: 220 mail.test\nC: EHLO *\nS: 250 mail.test\nC: MAIL FROM:<a@example.com>\nS: 250 ok\n\
         C: RCPT TO:<r0@example.com>\nS: 550 no\nC: RCPT TO:<r1@example.com>\nS: 250 yes\n\
         C: DATA\nS: 354 go\nBODY\nS: 250 taken\nC: QUIT",
    );
    let mut relay = Relay::new(plan(server.port()), &());
    relay.mail(opening("a@example.com"));
    relay.rcpt("r0@example.com".parse().unwrap());
    relay.rcpt("r1@example.com".parse().unwrap());
    let (_, message) = numbered(7, 2);
    let (verdict, report) = relay.message(&message).unwrap();
    assert_eq!(verdict.reply().unwrap().text(), "taken");
    assert_eq!(report.reply.unwrap().text(), "taken");
    let [(address, verdict)] = &report.recipients[..] else {
        panic!("{:?}", report.recipients);
    };
    assert_eq!(address.to_string(), "r1@example.com");
    assert_eq!(verdict.reply().unwrap().text(), "yes");
    let rung = report.server.unwrap().rung.to_string();
    assert_eq!(rung, server.addr().to_string());
    relay.quit();
    server.finish();
}

#[test]
fn nothing_is_sent_that_nobody_was_accepted_for() {
    let mut relay = Relay::new(Plan::new(Vec::new()), &());
    let (_, message) = numbered(7, 1);
    assert_eq!(relay.message(&message).unwrap_err().kind, Kind::Usage);
    assert!(!relay.rcpt("a@x.org".parse().unwrap()).is_accepted());
    assert!(!relay.mail(opening("a@x.org")).is_accepted());
    relay.quit();
}
