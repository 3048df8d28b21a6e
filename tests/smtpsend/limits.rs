//! Servers that take only so many recipients at once. Some hang up on who insists: they count, which a
//! dialogue cannot, so that one is written out. Some say so before (RFC 9422).

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;

use crate::parts::{self, CHUNKS};
use crate::support::{Dialogue, Options, Server, Smtpsend};
use crate::transactions::json_for;

/// Takes `most` recipients in a transaction, says 452 to a thousand more, then 421. Gives back how many
/// it took in each transaction, and how many RCPT it was sent in all.
fn counting_server(most: usize) -> (u16, JoinHandle<(Vec<usize>, usize)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = move || {
        let (stream, _) = listener.accept().unwrap();
        let mut answer = stream.try_clone().unwrap();
        let (mut delivered, mut asked, mut now) = (Vec::new(), 0, 0);
        answer.write_all(b"220 mail.test\r\n").unwrap();
        let mut lines = BufReader::new(stream).lines();
        while let Some(Ok(line)) = lines.next() {
            let reply = match line.split(' ').next().unwrap_or_default() {
                "EHLO" => "250-mail.test\r\n250 PIPELINING",
                "MAIL" => {
                    now = 0;
                    "250 ok"
                }
                "RCPT" => {
                    (asked, now) = (asked + 1, now + 1);
                    match now {
                        n if n <= most => "250 ok",
                        n if n <= most + 1000 => "452 4.5.3 too many recipients",
                        _ => "421 4.7.0 too many errors",
                    }
                }
                "DATA" => {
                    answer.write_all(b"354 go\r\n").unwrap();
                    lines
                        .by_ref()
                        .find(|line| line.as_ref().is_ok_and(|line| line == "."))
                        .unwrap()
                        .unwrap();
                    delivered.push(now.min(most));
                    "250 ok"
                }
                _ => break,
            };
            if answer.write_all(format!("{reply}\r\n").as_bytes()).is_err()
                || reply.starts_with("421")
            {
                break;
            }
        }
        (delivered, asked)
    };
    (port, std::thread::spawn(serve))
}

/// Sends to so many recipients, exit 0 expected; what the server counted.
fn send_to(count: usize, most: usize) -> (Vec<usize>, usize) {
    let (port, server) = counting_server(most);
    parts::call_from(Smtpsend::new())
        .args(["--tls", "none", "--server", &format!("127.0.0.1:{port}")])
        .args(["--to", &parts::recipients(count).0])
        .run();
    server.join().unwrap()
}

#[test]
fn a_server_that_takes_a_thousand_and_forgives_a_thousand_gets_all_it_can_take() {
    let (delivered, _) = send_to(3500, 1000);
    assert_eq!(delivered, [1000, 1000, 1000, 500]);
}

#[test]
fn one_group_is_not_more_than_such_a_server_forgives() {
    assert_eq!(send_to(2000, 1000).0, [1000, 1000]);
}

#[test]
fn what_a_server_takes_at_once_is_learnt_from_the_first_transaction() {
    let (delivered, asked) = send_to(2400, 600);
    assert_eq!(delivered, [600; 4]);
    assert!(asked <= 2400 + 1000, "{asked}");
}

/// What is offered in the place of CHUNKING alone: a transaction may have one recipient.
const BY_BDAT: &str = "250-LIMITS RCPTMAX=1\nS: 250 CHUNKING";
const BY_DATA: &str = "250 LIMITS RCPTMAX=1";

/// Sends to so many recipients by sessions with these offers and transactions, and gives back their verdicts.
fn one_by_one(count: usize, sessions: &[(&str, &str)], exit: i32) -> Vec<String> {
    let session = |(offers, transactions): &(&str, &str)| {
        Dialogue::text(&(CHUNKS.replace("250 CHUNKING", offers) + transactions))
    };
    let server = Server::start(sessions.iter().map(session), Options::default());
    let json = json_for(&server, count, exit, &[]);
    server.finish();
    let recipients = json["recipients"].as_array().unwrap();
    let verdict = |one: &serde_json::Value| format!("{} {}", one["status"], one["code"]);
    recipients
        .iter()
        .map(|one| verdict(one).replace('"', ""))
        .collect()
}

/// A transaction by DATA for the first recipient, who is refused.
const NOBODY_BY_DATA: &str = "C: MAIL *\nC: RCPT TO:<r0@*\nC: DATA\nS: 250 x\nS: 550 no\nS: 503 no recipients\nC: RSET\nS: 250 x\n";
/// One for the second recipient, and the end.
const SECOND_BY_DATA: &str =
    "C: MAIL *\nC: RCPT TO:<r1@*\nC: DATA\nS: 250 x\nS: 250 x\nS: 354 go\nBODY\nS: 250 x\nC: QUIT";

/// A transaction for the recipient of this number, with the replies to RCPT and to the message.
fn transaction(number: usize, rcpt: &str, message: &str) -> String {
    format!("C: MAIL *\nC: RCPT TO:<r{number}@*\nBDAT\nS: 250 x\nS: {rcpt}\nS: {message}\n")
}

#[test]
fn a_limit_that_is_told_before_makes_as_many_transactions() {
    let all: String = (0..3).map(|n| transaction(n, "250 x", "250 x")).collect();
    assert_eq!(
        one_by_one(3, &[(BY_BDAT, &(all + "C: QUIT"))], 0),
        ["accepted 250"; 3]
    );
}

#[test]
fn those_that_do_not_fit_are_asked_for_although_the_first_were_refused() {
    let first = transaction(0, "550 no", "503 x");
    let second = transaction(1, "250 x", "250 x").replacen("S: 250 x", "S: 250 reset\nS: 250 x", 1);
    let verdicts = one_by_one(
        2,
        &[(BY_BDAT, &format!("{first}C: RSET\n{second}C: QUIT"))],
        67,
    );
    assert_eq!(verdicts, ["rejected 550", "accepted 250"]);
}

#[test]
fn a_message_that_is_refused_is_refused_for_those_that_did_not_fit() {
    let refused = transaction(0, "250 x", "554 spam") + "C: QUIT";
    assert_eq!(
        one_by_one(2, &[(BY_BDAT, &refused)], 69),
        ["rejected 554"; 2]
    );
}

#[test]
fn those_that_did_not_fit_are_put_off_when_the_first_message_is_uncertain() {
    let cut = "C: MAIL *\nC: RCPT *\nBDAT\nS: 250 x\nS: 250 x\nDROP";
    assert_eq!(
        one_by_one(2, &[(BY_BDAT, cut)], 75),
        ["unknown null", "deferred null"]
    );
}

#[test]
fn those_that_did_not_fit_are_asked_for_although_there_was_nobody_for_data() {
    let by_data = [NOBODY_BY_DATA, SECOND_BY_DATA].concat();
    let verdicts = one_by_one(2, &[(BY_DATA, &by_data)], 67);
    assert_eq!(verdicts, ["rejected 550", "accepted 250"]);
}

#[test]
fn those_that_did_not_fit_are_asked_for_by_data_where_bdat_is_unknown() {
    let by_data = [NOBODY_BY_DATA, SECOND_BY_DATA].concat();
    for said in ["500 what?", "502 no", "504 no"] {
        let unknown = transaction(0, "550 no", said) + "EOF";
        let verdicts = one_by_one(2, &[(BY_BDAT, &unknown), (BY_DATA, &by_data)], 67);
        assert_eq!(verdicts, ["rejected 550", "accepted 250"], "{said}");
    }
}

#[test]
fn those_that_did_not_fit_are_asked_for_in_another_session_when_the_first_one_is_cut() {
    let cut = "C: MAIL *\nC: RCPT TO:<r0@*\nC: DATA\nS: 250 x\nS: 550 no\nS: 354 go\nC: .\nDROP";
    let verdicts = one_by_one(2, &[(BY_DATA, cut), (BY_DATA, SECOND_BY_DATA)], 67);
    assert_eq!(verdicts, ["rejected 550", "accepted 250"]);
}
