//! Many messages over more than one session: when another one is due, and what goes there.

use crate::letters::{letter, letters, numbered, plan, plan_as_bench, results, submit_all};
use crate::parts::CHUNKS;
use crate::support::{Dialogue, Options, Server, Transcript};

const ENVELOPE: &str = "C: MAIL *\nC: RCPT *\n";
/// A message by itself, accepted.
const ONE: &str = "C: MAIL *\nC: RCPT *\nBDAT\nS: 250 x\nS: 250 x\nS: 250 queued\n";
/// A message that is accepted, and the envelope of the next one.
const ONE_AND_NEXT: &str =
    "C: MAIL *\nC: RCPT *\nBDAT\nC: MAIL *\nC: RCPT *\nS: 250 x\nS: 250 x\nS: 250 queued\n";

/// Plays these to so many letters, one to each connection; what came, and how each ended.
#[track_caller]
fn played(sessions: &[&str], count: usize) -> (Transcript, Vec<(&'static str, u8)>) {
    let dialogues = sessions
        .iter()
        .map(|text| Dialogue::text(&[CHUNKS, text].concat()));
    let server = Server::start(dialogues, Options::default());
    let reports = submit_all(plan(server.port()), letters(count));
    (server.finish(), results(&reports))
}

/// The connection by which each message came, by the number in its last line.
fn ways(transcript: &Transcript) -> Vec<(String, usize)> {
    let number = |text: String| {
        text.lines()
            .last()
            .unwrap()
            .trim_start_matches('.')
            .to_owned()
    };
    let messages = transcript.messages.iter();
    messages
        .map(|message| (number(message.text()), message.connection))
        .collect()
}

#[test]
fn a_session_the_server_has_enough_of_is_followed_by_another() {
    for enough in [
        "421 enough",
        "450 enough",
        "452 4.5.3 enough",
        "421 4.7.0 slow down",
    ] {
        let first = format!("{ONE_AND_NEXT}S: {enough}\nS: 503 x\nC? QUIT");
        let second = format!("{ONE}C: QUIT");
        let (transcript, both) = played(&[&first, &second], 2);
        assert_eq!(both, [("sent", 0); 2], "{enough}");
        assert_eq!(
            ways(&transcript),
            [("0".to_owned(), 0), ("1".to_owned(), 1)],
            "{enough}"
        );
    }
}

#[test]
fn the_first_message_of_a_session_is_not_tried_in_another() {
    let refused = "S: 451 not now\nS: 503 x\nS: 503 x\n";
    let rest = "S: 250 x\nS: 250 x\nBDAT\nS: 250 queued\nC: QUIT";
    let first = format!("{ENVELOPE}BDAT\n{ENVELOPE}{refused}{rest}");
    assert_eq!(played(&[&first], 2).1, [("deferred", 75), ("sent", 0)]);
}

#[test]
fn the_one_that_is_refused_for_good_is_not_tried_in_another_session() {
    let refused = "S: 550 no\nS: 503 x\nC: QUIT";
    let both = played(&[&[ONE_AND_NEXT, refused].concat()], 2).1;
    assert_eq!(both, [("sent", 0), ("rejected", 69)]);
}

#[test]
fn a_session_that_is_cut_before_the_next_message_left_loses_nothing() {
    for end in [
        "DROP",
        "RESET",
        "S: 250 x\nDROP",
        "S: 250 x\nS: 421 bye\nC? QUIT",
    ] {
        let first = [ONE_AND_NEXT, end].concat();
        let second = format!("{ONE_AND_NEXT}S: 250 x\nS: 250 x\nBDAT\nS: 250 queued\nC: QUIT");
        let (transcript, all) = played(&[&first, &second], 3);
        assert_eq!(all, [("sent", 0); 3], "{end}");
        assert_eq!(transcript.messages.len(), 3, "{end}");
    }
}

#[test]
fn a_session_that_is_cut_after_a_message_leaves_that_one_uncertain() {
    for end in ["DROP", "RESET"] {
        let second_left = format!("{ONE_AND_NEXT}S: 250 x\nS: 250 x\nBDAT\n{ENVELOPE}{end}");
        let (transcript, all) = played(&[&second_left, &format!("{ONE}C: QUIT")], 3);
        assert_eq!(all, [("sent", 0), ("uncertain", 75), ("sent", 0)], "{end}");
        assert_eq!(transcript.messages.len(), 3, "{end}");
    }
}

#[test]
fn a_session_that_is_cut_after_a_refused_chunk_gets_no_other_message() {
    let offers = CHUNKS.replace("250 CHUNKING", "250-LIMITS RCPTMAX=1\nS: 250 CHUNKING");
    let first = format!("{offers}{ENVELOPE}S: 250 x\nS: 250 x\nBDAT\nBDAT\nS: 554 spam\nDROP");
    let sessions = [first, format!("{CHUNKS}{ONE}C: QUIT")].map(|text| Dialogue::text(&text));
    let server = Server::start(sessions, Options::default());
    let large = letter(0, &["r0@example.com", "r1@example.com"], "", 12_000);
    let reports = submit_all(plan(server.port()), vec![large, numbered(1, 1)]);
    server.finish();
    assert_eq!(results(&reports), [("rejected", 69), ("sent", 0)]);
}

#[test]
fn a_first_message_that_is_uncertain_takes_no_other_along() {
    let first = format!("{ENVELOPE}BDAT\n{ENVELOPE}DROP");
    let all = played(&[&first, &format!("{ONE}C: QUIT")], 2).1;
    assert_eq!(all, [("uncertain", 75), ("sent", 0)]);
}

#[test]
fn an_envelope_refused_for_want_of_a_reset_is_no_refusal_when_the_session_is_cut() {
    let refused = "S: 250 x\nS: 250 x\nS: 451 later\nS: 503 RSET first\n";
    for end in ["DROP", "RESET", "S: 421 bye\nC? QUIT"] {
        let first = format!("{ENVELOPE}BDAT\n{ENVELOPE}{refused}{end}");
        let both = played(&[&first, &format!("{ONE}C: QUIT")], 2).1;
        assert_eq!(both, [("deferred", 75), ("sent", 0)], "{end}");
    }
}

#[test]
fn a_limit_on_messages_is_kept() {
    for most in [1, 2] {
        let offer = format!("250-LIMITS MAILMAX={most}\nS: 250 CHUNKING");
        let offers = CHUNKS.replace("250 CHUNKING", &offer);
        let session = match most {
            1 => format!("{offers}{ONE}C: QUIT"),
            _ => format!("{offers}{ONE_AND_NEXT}S: 250 x\nS: 250 x\nBDAT\nS: 250 queued\nC: QUIT"),
        };
        let sessions = std::iter::repeat_n(Dialogue::text(&session), 4 / most);
        let server = Server::start(sessions, Options::default());
        let reports = submit_all(plan(server.port()), letters(4));
        assert_eq!(results(&reports), [("sent", 0); 4], "{most}");
        server.finish();
    }
}

#[test]
fn a_server_that_knows_no_bdat_gets_all_by_data() {
    let first = format!(
        "{ENVELOPE}BDAT\n{ENVELOPE}S: 250 x\nS: 250 x\nS: 500 what?\nS: 500 x\nS: 500 x\nEOF"
    );
    let go = "S: 250 x\nS: 250 x\nS: 354 go\nBODY\n";
    let data = format!("{ENVELOPE}C: DATA\n{go}{ENVELOPE}C: DATA\nS: 250 x\n{go}S: 250 x\nC: QUIT");
    let (transcript, both) = played(&[&first, &data], 2);
    assert_eq!(both, [("sent", 0); 2]);
    assert_eq!(
        ways(&transcript)[1..],
        [("0".to_owned(), 1), ("1".to_owned(), 1)]
    );
}

#[test]
fn a_server_that_is_gone_is_the_failure_of_all_that_are_left() {
    let dialogues = [
        ONE_AND_NEXT.to_owned() + "DROP",
        "S: 554 no\nC? QUIT".to_owned(),
    ];
    let [first, second] = dialogues;
    let server = Server::start(
        [
            Dialogue::text(&[CHUNKS, &first].concat()),
            Dialogue::text(&second),
        ],
        Options::default(),
    );
    let reports = submit_all(plan(server.port()), letters(4));
    server.finish();
    let results = results(&reports);
    assert_eq!(results[0], ("sent", 0));
    assert_eq!(results[1..], [("rejected", 69); 3]);
}

#[test]
fn each_session_authenticates_anew() {
    let offers = CHUNKS.replace("250 CHUNKING", "250-CHUNKING\nS: 250 AUTH PLAIN");
    let auth = "C64: AUTH PLAIN \\0bench\\0hunter2\n";
    let transaction = |from: &str| from.replacen("S: 250 x", "S: 235 x\nS: 250 x", 1);
    let first = format!("{offers}{auth}{}DROP", transaction(ONE_AND_NEXT));
    let second = format!("{offers}{auth}{}C: QUIT", transaction(ONE));
    let server = Server::start(
        [first, second].map(|text| Dialogue::text(&text)),
        Options::default(),
    );
    let reports = submit_all(plan_as_bench(server.port()), letters(2));
    server.finish();
    assert_eq!(results(&reports), [("sent", 0); 2]);
    assert!(reports.iter().all(|report| report.auth == Some("PLAIN")));
}

#[test]
fn a_server_that_lost_count_is_left_for_another_session() {
    let envelope = "C: MAIL *\nC: RCPT *\nC: DATA\n";
    let data = CHUNKS.replace("CHUNKING", "HELP");
    let server = Server::start(
        [
            Dialogue::text(&format!(
                "{data}{envelope}S: 550 no\nS: 250 ok\nS: 354 go\nEOF"
            )),
            Dialogue::text(&format!(
                "{data}{envelope}S: 250 ok\nS: 250 ok\nS: 354 go\nBODY\nS: 250 ok\nC: QUIT"
            )),
        ],
        Options::default(),
    );
    let reports = submit_all(plan(server.port()), letters(2));
    server.finish();
    assert_eq!(results(&reports), [("rejected", 69), ("sent", 0)]);
}

#[test]
fn the_limit_on_transactions_counts_those_of_one_message_too() {
    let transaction = |rcpt: usize| {
        format!("C: MAIL *\nC: RCPT TO:<r{rcpt}@*\nBDAT\nS: 250 x\nS: 250 x\nS: 250 x\n")
    };
    let offers = CHUNKS.replace(
        "250 CHUNKING",
        "250-CHUNKING\nS: 250 LIMITS RCPTMAX=1 MAILMAX=2",
    );
    let server = Server::start(
        [
            Dialogue::text(&format!(
                "{offers}{}{}C: QUIT",
                transaction(0),
                transaction(1)
            )),
            Dialogue::text(&format!("{offers}{}C: QUIT", transaction(2))),
        ],
        Options::default(),
    );
    let reports = submit_all(plan(server.port()), vec![numbered(0, 3)]);
    server.finish();
    assert_eq!(results(&reports), [("sent", 0)]);
}
