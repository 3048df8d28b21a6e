//! Large messages in chunks by BDAT: where they are cut, that they arrive octet for octet, and what it means
//! when a chunk is refused, answered too early or not answered at all.

use serde_json::Value;

use crate::parts::{CHUNKS, call_from_message};
use crate::sized::sized;
use crate::support::{Dialogue, Options, Server};

const MEBIBYTE: usize = 1 << 20;
/// More than the sockets of both sides hold, so that a client which stops has not sent all of it.
const ENDLESS: usize = 12 * MEBIBYTE;

/// The same offers, but PIPELINING.
const CHUNKS_IN_TURN: &str = "\
S: 220 mail.test ESMTP
C: EHLO *
S: 250-mail.test
S: 250 CHUNKING
";

/// The envelope, which a large message waits for.
const ENVELOPE: &str = "C: MAIL *\nS: 250 x\nC: RCPT *\nS: 250 x\n";

/// Sends a message of so many octets to a server that takes its envelope and goes on so.
fn json(octets: usize, then: &str, exit: i32) -> (Value, crate::support::Transcript) {
    json_by(&[&[CHUNKS, ENVELOPE, then].concat()], octets, exit)
}

/// The same to a server with a dialogue for each connection.
fn json_by(dialogues: &[&str], octets: usize, exit: i32) -> (Value, crate::support::Transcript) {
    let options = Options::default().narrow();
    let server = Server::start(dialogues.iter().map(|text| Dialogue::text(text)), options);
    let json = call_from_message(&server, &sized(octets))
        .arg("--json")
        .fails_with(exit)
        .stdout_any()
        .stderr_any()
        .run()
        .json();
    (json, server.finish())
}

/// Asserts what became of the only recipient.
#[track_caller]
fn assert_is(json: &Value, status: &str, code: impl Into<Value>) {
    assert_eq!(json["status"], status, "{json}");
    assert_eq!(json["recipients"][0]["code"], code.into(), "{json}");
}

/// The chunks of a message of so many octets.
fn chunks_of(offers: &str, octets: usize) -> Vec<String> {
    let then = "BDAT* 250 got it\nS: 250 queued\nC: QUIT";
    let (_, transcript) = json_by(&[&[offers, ENVELOPE, then].concat()], octets, 0);
    assert!(
        transcript.message().data == sized(octets).as_bytes(),
        "{octets}"
    );
    let chunks = transcript
        .lines
        .into_iter()
        .filter(|line| line.starts_with("BDAT "));
    chunks.collect()
}

#[test]
fn a_message_is_cut_at_each_mebibyte_and_arrives_as_it_is() {
    for offers in [CHUNKS, CHUNKS_IN_TURN] {
        for (octets, chunks) in [
            (MEBIBYTE - 1, &["BDAT 1048575 LAST"][..]),
            (MEBIBYTE, &["BDAT 1048576 LAST"]),
            (MEBIBYTE + 1, &["BDAT 1048576", "BDAT 1 LAST"]),
            (
                3 * MEBIBYTE,
                &["BDAT 1048576", "BDAT 1048576", "BDAT 1048576 LAST"],
            ),
        ] {
            assert_eq!(chunks_of(offers, octets), chunks);
        }
    }
}

#[test]
fn replies_that_are_held_back_to_the_end_block_nobody() {
    let then = "BDAT\nBDAT\nBDAT\nS: 250 x\nS: 250 x\nS: 250 queued\nC: QUIT";
    let (json, _) = json(3 * MEBIBYTE, then, 0);
    assert_eq!(json["reply"]["text"], "queued");
}

#[test]
fn each_chunk_waits_for_its_reply_without_pipelining() {
    let then = "BDAT\nQUIET\nS: 250 x\nBDAT\nQUIET\nS: 250 x\nBDAT\nQUIET\nS: 250 x\nC: QUIT";
    let dialogue = [CHUNKS_IN_TURN, ENVELOPE, then].concat();
    json_by(&[&dialogue], 3 * MEBIBYTE, 0);
}

#[test]
fn nothing_is_sent_after_a_chunk_that_was_refused_without_pipelining() {
    for (chunks, code, exit, status) in [
        ("BDAT\nS: 554 no\n", 554, 69, "rejected"),
        ("BDAT\nS: 250 x\nBDAT\nS: 452 full\n", 452, 75, "deferred"),
        ("BDAT\nS: 250 x\nBDAT\nS: 500 what?\n", 500, 69, "rejected"),
    ] {
        let dialogue = [CHUNKS_IN_TURN, ENVELOPE, chunks, "EOF"].concat();
        let (json, _) = json_by(&[&dialogue], 3 * MEBIBYTE, exit);
        assert_is(&json, status, code);
    }
}

#[test]
fn sending_stops_when_a_chunk_is_refused() {
    for (replies, code, exit, status) in [
        ("S: 554 no\n", 554, 69, "rejected"),
        ("S: 250 x\nBDAT\nS: 452 full\n", 452, 75, "deferred"),
        ("S: 250 x\nBDAT\nS: 421 closing\n", 421, 75, "deferred"),
        ("S: 250 x\nBDAT\nS: 500 what?\n", 500, 69, "rejected"),
    ] {
        let then = format!("BDAT\n{replies}WAIT");
        let (json, transcript) = json(ENDLESS, &then, exit);
        assert_is(&json, status, code);
        let octets: usize = transcript.lines.iter().map(String::len).sum();
        assert!(octets < ENDLESS - 2 * MEBIBYTE, "{octets}");
    }
}

#[test]
fn the_first_refused_chunk_decides_where_all_have_left() {
    for (replies, code, exit, status) in [
        (["554 no", "503 x", "503 x"], 554, 69, "rejected"),
        (["250 x", "451 no", "503 x"], 451, 75, "deferred"),
        (["250 x", "250 x", "552 too much"], 552, 69, "rejected"),
        (["250 x", "500 what?", "503 x"], 500, 69, "rejected"),
    ] {
        let replies = replies.map(|reply| format!("S: {reply}\n")).concat();
        let then = format!("BDAT\nBDAT\nBDAT\n{replies}C: QUIT");
        let (json, _) = json(3 * MEBIBYTE, &then, exit);
        assert_is(&json, status, code);
    }
}

#[test]
fn a_refused_chunk_decides_when_the_connection_is_lost_behind_it() {
    for end in ["DROP", "RESET"] {
        for replies in ["S: 554 no\n", "S: 250 x\nS: 554 no\n"] {
            let then = format!("BDAT\nBDAT\nBDAT\n{replies}{end}");
            assert_is(&json(3 * MEBIBYTE, &then, 69).0, "rejected", 554);
            let then = format!("BDAT\nS: 554 no\n{end}");
            assert_is(&json(3 * MEBIBYTE, &then, 69).0, "rejected", 554);
        }
    }
}

#[test]
fn a_message_accepted_although_a_chunk_was_refused_is_unknown() {
    for replies in [
        "S: 554 no\nS: 250 x\nS: 250 x\n",
        "S: 250 x\nS: 451 no\nS: 250 x\n",
    ] {
        let then = format!("BDAT\nBDAT\nBDAT\n{replies}C? QUIT");
        assert_is(&json(3 * MEBIBYTE, &then, 76).0, "uncertain", 250);
    }
}

#[test]
fn a_reply_within_a_chunk_is_the_verdict() {
    for (said, code, exit, status) in [
        ("552 5.3.4 too much", 552, 69, "rejected"),
        ("452 4.3.1 full", 452, 75, "deferred"),
        ("421 4.3.2 closing", 421, 75, "deferred"),
    ] {
        for before in ["", "BDAT\nS: 250 x\n"] {
            let then = format!("{before}C: BDAT 1048576\nREAD 1000\nS: {said}\nWAIT");
            assert_is(&json(ENDLESS, &then, exit).0, status, code);
        }
    }
}

#[test]
fn an_unknown_first_chunk_is_followed_by_data_on_another_connection() {
    let first = [CHUNKS, ENVELOPE, "BDAT\nS: 500 what?\nWAIT"].concat();
    let data =
        "C: MAIL *\nC: RCPT *\nC: DATA\nS: 250 x\nS: 250 x\nS: 354 go\nBODY\nS: 250 x\nC: QUIT";
    let second = [CHUNKS, data].concat();
    for octets in [40 << 10, 3 * MEBIBYTE] {
        let (json, transcript) = json_by(&[&first, &second], octets, 0);
        assert_eq!(json["attempts"].as_array().unwrap().len(), 2);
        let message = transcript.messages.last().unwrap();
        assert!(message.data == sized(octets).as_bytes());
    }
}

#[test]
fn a_connection_lost_within_a_large_message_leaves_nothing_unknown() {
    for end in ["DROP", "RESET"] {
        for chunks in ["", "BDAT\nS: 250 x\n", "BDAT\nBDAT\n"] {
            let then = format!("{chunks}READ 1000\n{end}");
            assert_is(&json(ENDLESS, &then, 75).0, "deferred", Value::Null);
        }
    }
}

#[test]
fn a_connection_lost_after_the_last_chunk_leaves_it_unknown() {
    for end in [
        "DROP",
        "RESET",
        "S: 250 x\nDROP",
        "S: 250 x\nS: 250 x\nRESET",
    ] {
        let then = format!("BDAT\nBDAT\nBDAT\n{end}");
        assert_is(&json(3 * MEBIBYTE, &then, 75).0, "uncertain", Value::Null);
    }
}

#[test]
fn what_is_no_answer_to_the_last_chunk_leaves_it_unknown() {
    for (said, code) in [("354 go", 354), ("235 x", 235)] {
        let then = format!("BDAT\nBDAT\nS: 250 x\nS: {said}\nC? QUIT");
        assert_is(&json(2 * MEBIBYTE, &then, 76).0, "uncertain", code);
    }
}
