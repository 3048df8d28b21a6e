//! Many messages over one session: what leaves together, what is said where one is refused, and who shares
//! whose fate.

use crate::letters::{letter, letters, numbered, plan, plan_as_bench, results, submit_all};
use crate::parts::{CHUNKS, GROUPS};
use crate::support::{Server, Transcript};

/// An envelope to one recipient.
const ENVELOPE: &str = "C: MAIL *\nC: RCPT *\n";
/// It is accepted.
const TAKEN: &str = "S: 250 mail\nS: 250 rcpt\n";
const QUEUED: &str = "S: 250 queued\n";

/// Plays the parts to so many letters, and gives back what came and how each ended.
#[track_caller]
fn played(parts: &[&str], count: usize) -> (Transcript, Vec<(&'static str, u8)>) {
    let server = Server::text(&parts.concat());
    let reports = submit_all(plan(server.port()), letters(count));
    (server.finish(), results(&reports))
}

/// Plays these replies to the first of two letters by BDAT, whose envelope the second's follows, and then
/// the rest.
#[track_caller]
fn only_the_second_is_sent(replies: &str, rest: &str) -> Transcript {
    let parts = [CHUNKS, ENVELOPE, "BDAT\n", ENVELOPE, replies, rest];
    let (transcript, both) = played(&parts, 2);
    assert_eq!(both, [("rejected", 69), ("sent", 0)]);
    transcript
}

/// How so many letters end where AUTH leads the first and is refused; the replies that follow.
#[track_caller]
fn with_auth_refused(replies: &str, count: usize) -> Vec<(&'static str, u8)> {
    let server = Server::text(&format!(
        "{}C: AUTH PLAIN *\n{ENVELOPE}BDAT\n{ENVELOPE}S: 535 no\n{replies}C? QUIT",
        CHUNKS.replace("250 CHUNKING", "250-CHUNKING\nS: 250 AUTH PLAIN")
    ));
    let reports = submit_all(plan_as_bench(server.port()), letters(count));
    server.finish();
    results(&reports)
}

/// All that goes on with so many letters by BDAT, as it goes on where nothing is refused.
fn by_bdat(count: usize) -> String {
    let mut text = format!("{ENVELOPE}BDAT\n");
    let mut due = format!("{TAKEN}{QUEUED}");
    for _ in 1..count {
        text += &format!("{ENVELOPE}{due}{TAKEN}BDAT\n");
        due = QUEUED.to_owned();
    }
    text + &due + "C: QUIT"
}

/// The same by DATA, which is part of the envelope.
fn by_data(count: usize) -> String {
    let envelope = format!("{ENVELOPE}C: DATA\n");
    let go = format!("{TAKEN}S: 354 go\nBODY\n");
    let next = format!("{go}{envelope}{QUEUED}");
    format!("{envelope}{}{go}{QUEUED}C: QUIT", next.repeat(count - 1))
}

#[test]
fn each_further_message_takes_one_wait() {
    for count in [1, 2, 3, 20] {
        let (transcript, results) = played(&[CHUNKS, &by_bdat(count)], count);
        assert_eq!(results, vec![("sent", 0); count]);
        assert_eq!(transcript.waits, 2 + count, "BDAT");
        let (transcript, results) = played(&[GROUPS, &by_data(count)], count);
        assert_eq!(results, vec![("sent", 0); count]);
        assert_eq!(transcript.waits, 3 + count, "DATA");
    }
}

#[test]
fn messages_arrive_in_their_order() {
    let (transcript, _) = played(&[CHUNKS, &by_bdat(9)], 9);
    for (number, message) in transcript.messages.iter().enumerate() {
        let end = format!("\r\n\r\n.{number}\r\n");
        assert!(message.text().ends_with(&end), "{}", message.text());
    }
}

#[test]
fn the_next_envelope_leaves_with_the_message_before_it_and_the_next_message_does_not() {
    let held = format!("{ENVELOPE}BDAT\n{ENVELOPE}QUIET\n");
    let rest = format!("{TAKEN}{QUEUED}{TAKEN}BDAT\n{QUEUED}C: QUIT");
    assert_eq!(played(&[CHUNKS, &held, &rest], 2).1, [("sent", 0); 2]);
}

#[test]
fn each_message_waits_for_all_replies_without_pipelining() {
    let one = "C: MAIL *\nQUIET\nS: 250 x\nC: RCPT *\nQUIET\nS: 250 x\n";
    let bdat = format!("{one}BDAT\nQUIET\nS: 250 x\n").repeat(2) + "C: QUIT";
    let offers = CHUNKS.replace("S: 250-PIPELINING\n", "");
    assert_eq!(played(&[&offers, &bdat], 2).1, [("sent", 0); 2]);
    let data = format!("{one}C: DATA\nQUIET\nS: 354 go\nBODY\nQUIET\nS: 250 x\n");
    let offers = GROUPS.replace("S: 250-PIPELINING\n", "");
    assert_eq!(
        played(&[&offers, &data.repeat(2), "C: QUIT"], 2).1,
        [("sent", 0); 2]
    );
}

#[test]
fn a_reset_leads_after_a_refused_bdat_where_the_server_wants_one() {
    let stale = "S: 250 x\nS: 250 x\nS: 554 spam\nS: 503 RSET first\nS: 503 x\n";
    let again = format!("C: RSET\n{ENVELOPE}BDAT\nS: 250 reset\n{TAKEN}{QUEUED}C: QUIT");
    let transcript = only_the_second_is_sent(stale, &again);
    assert_eq!(transcript.messages.len(), 2);
}

#[test]
fn no_reset_is_needed_where_the_next_envelope_was_taken_after_a_refused_bdat() {
    let next = format!("{TAKEN}BDAT\n{QUEUED}C: QUIT");
    only_the_second_is_sent("S: 250 x\nS: 250 x\nS: 554 spam\n", &next);
}

#[test]
fn a_reset_leads_after_a_transaction_that_ended_without_a_message() {
    let refused = format!("{ENVELOPE}C: DATA\nS: 250 x\nS: 550 no\nS: 503 x\n");
    let reset = "C: RSET\nC: MAIL *\nC: RCPT *\nC: DATA\nS: 250 x\nS: 250 x\nS: 250 x\nS: 354 go\nBODY\nS: 250 x\nC: QUIT";
    let (_, both) = played(&[GROUPS, &refused, reset], 2);
    assert_eq!(both, [("rejected", 67), ("sent", 0)]);
}

#[test]
fn a_message_whose_sender_is_refused_leaves_the_others_alone() {
    let next = format!("{TAKEN}BDAT\n{QUEUED}C: QUIT");
    only_the_second_is_sent("S: 550 no\nS: 503 x\nS: 503 x\n", &next);
}

#[test]
fn a_message_too_large_for_the_server_is_passed_over() {
    let offers = CHUNKS.replace("250 CHUNKING", "250-SIZE 2000\nS: 250 CHUNKING");
    let server = Server::text(&format!("{offers}{}", by_bdat(2)));
    let to = ["r0@example.com"];
    let all = vec![numbered(0, 1), letter(1, &to, "", 30), numbered(2, 1)];
    let reports = submit_all(plan(server.port()), all);
    server.finish();
    assert_eq!(
        results(&reports),
        [("sent", 0), ("failed", 65), ("sent", 0)]
    );
}

#[test]
fn recipients_that_are_too_many_come_again_when_the_envelope_ahead_is_served() {
    let first = "C: MAIL *\nC: RCPT *\nC: RCPT *\nBDAT\n";
    let split = "S: 250 x\nS: 250 x\nS: 452 too many\nS: 250 queued\n";
    let second = format!("{TAKEN}BDAT\n{QUEUED}");
    let rest = format!("C: MAIL *\nC: RCPT TO:<r1@*\nBDAT\n{TAKEN}{QUEUED}C: QUIT");
    let dialogue = [CHUNKS, first, ENVELOPE, split, &second, &rest].concat();
    let server = Server::text(&dialogue);
    let reports = submit_all(plan(server.port()), vec![numbered(0, 2), numbered(1, 1)]);
    server.finish();
    assert_eq!(results(&reports), [("sent", 0); 2]);
}

#[test]
fn a_limit_on_recipients_makes_so_many_transactions() {
    let offers = CHUNKS.replace("250 CHUNKING", "250-LIMITS RCPTMAX=2\nS: 250 CHUNKING");
    let transaction = |rcpt: &str, replies: &str| {
        format!("C: MAIL *\n{rcpt}BDAT\nS: 250 x\n{replies}S: 250 queued\n")
    };
    let two = |n| format!("C: RCPT TO:<r{n}@*\nC: RCPT TO:<r{}@*\n", n + 1);
    let server = Server::text(&format!(
        "{offers}{}{}{}C: QUIT",
        transaction(&two(0), "S: 250 x\nS: 250 x\n"),
        transaction(&two(2), "S: 250 x\nS: 250 x\n"),
        transaction("C: RCPT TO:<r4@*\n", "S: 250 x\n"),
    ));
    let reports = submit_all(plan(server.port()), vec![numbered(0, 5)]);
    server.finish();
    assert_eq!(results(&reports), [("sent", 0)]);
}

#[test]
fn nobody_is_connected_to_again_after_auth_was_refused() {
    let replies = "S: 530 x\nS: 503 x\nS: 503 x\nS: 530 x\nS: 503 x\n";
    assert_eq!(with_auth_refused(replies, 4), [("failed", 77); 4]);
}

#[test]
fn a_server_that_takes_mail_from_a_stranger_gets_no_more_of_it() {
    assert_eq!(
        with_auth_refused(&"S: 250 x\n".repeat(5), 3),
        [("sent", 0), ("failed", 77), ("failed", 77)]
    );
}
