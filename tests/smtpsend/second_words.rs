//! What a server says, or does not say, after a word that seemed to settle it: a second transaction without an
//! answer, a good-bye that is none, a secret quoted in part.

use crate::one_group::{self, OFFERS, verdicts};
use crate::parts::{self, CHUNKS, call_from, user_call};
use crate::support::{Server, Smtpsend};

#[test]
fn who_was_put_off_may_have_the_message_when_its_second_group_has_no_answer() {
    let server = Server::text(&format!(
        "{CHUNKS}C: MAIL *\nC: RCPT *\nC: RCPT *\nBDAT\nS: 250 ok\nS: 250 ok\nS: 452 too many\nS: 250 taken\n\
         C: MAIL *\nC: RCPT TO:<r1@example.com>\nBDAT\nDROP"
    ));
    let output = call_from(Smtpsend::new().server(&server))
        .args(["--tls", "none", "--json", "--retry", "1", "--to"])
        .arg(parts::recipients(2).0)
        .fails_with(75)
        .stdout_any()
        .stderr_has("it may have been delivered")
        .run();
    let transcript = server.finish();
    assert_eq!((transcript.connections, transcript.messages.len()), (1, 2));
    let json = output.json();
    assert_eq!(json["status"], "uncertain");
    assert_eq!(verdicts(&json), [("accepted", 250), ("unknown", 0)]);
}

#[test]
fn a_server_that_says_good_bye_and_goes_on_is_taken_at_its_last_word() {
    one_group::comes_to(
        &["235 ok", "250 ok", "250 ok", "421 closing", "250 taken"],
        "C: QUIT",
        75,
        "partial",
        [("accepted", 250), ("deferred", 421)],
    );
    one_group::comes_to(
        &["235 ok", "421 closing", "503 no", "503 no", "503 no"],
        "C: QUIT",
        75,
        "deferred",
        [("deferred", 421), ("deferred", 421)],
    );
}

#[test]
fn a_server_that_says_good_bye_and_nothing_more_took_nothing() {
    one_group::comes_to(
        &["235 ok", "250 ok", "250 ok", "421 closing"],
        "DROP",
        75,
        "deferred",
        [("deferred", 421), ("deferred", 421)],
    );
}

#[test]
fn a_message_that_left_is_unknown_where_the_server_goes_on_after_putting_auth_off() {
    for auth in ["421 closing", "454 later"] {
        for count in 1..4 {
            let replies = [&[auth][..], &["250 ok"; 3][..count]].concat();
            not_sent_again(&replies, 75, [("unknown", 0); 2]);
        }
    }
}

#[test]
fn a_server_that_says_good_bye_and_accepts_a_recipient_may_have_taken_the_message() {
    for (replies, each) in [
        (
            ["235 ok", "250 ok", "421 closing", "250 ok"],
            [("deferred", 421), ("unknown", 0)],
        ),
        (
            ["235 ok", "421 closing", "250 ok", "503 no"],
            [("unknown", 0), ("deferred", 421)],
        ),
    ] {
        one_group::comes_to(&replies, "DROP", 75, "uncertain", each);
    }
}

#[test]
fn auth_that_is_put_off_before_the_connection_is_lost_decides() {
    for auth in ["421 closing", "454 later"] {
        let code = auth[..3].parse().unwrap();
        one_group::comes_to(&[auth], "DROP", 75, "deferred", [("deferred", code); 2]);
    }
}

#[test]
fn a_message_that_left_is_unknown_where_replies_break_the_protocol_after_a_refused_auth() {
    for auth in ["535 no", "454 later", "421 closing"] {
        for (replies, code) in [
            (&["235 ok", "250 ok", "250 ok", "250 taken"][..], 235),
            (&["250 ok", "235 ok", "250 ok", "250 taken"], 235),
            (&["250 ok", "250 ok", "250 ok", "235 ok"], 235),
            (&["nonsense", "250 ok", "250 ok", "250 taken"], 0),
        ] {
            let replies = [&[auth][..], replies].concat();
            not_sent_again(&replies, 76, [("unknown", code); 2]);
        }
    }
}

#[test]
fn a_refused_mail_is_a_refusal_of_all_where_replies_break_the_protocol_after_it() {
    let replies = ["535 no", "550 no", "503 no", "503 no", "235 ok"];
    one_group::comes_to(&replies, "DROP", 77, "failed", [("rejected", 535); 2]);
    let replies = ["235 ok", "550 no", "503 no", "503 no", "235 ok"];
    one_group::comes_to(&replies, "DROP", 69, "rejected", [("rejected", 550); 2]);
}

/// What a server says before it is gone, and that a message it may have is not submitted again.
fn not_sent_again(replies: &[&str], exit: i32, each: [(&str, u64); 2]) {
    let server = Server::text(&one_group::group(replies, "DROP"));
    let output = one_group::call(&server)
        .args(["--retry", "1"])
        .fails_with(exit)
        .run();
    let transcript = server.finish();
    let json = output.json();
    assert_eq!(verdicts(&json), each, "{replies:?}");
    assert_eq!(json["status"], "uncertain", "{replies:?}");
    assert_eq!(transcript.connections, 1, "{replies:?}");
}

#[test]
fn a_part_of_a_secret_is_shown_as_little_as_the_whole() {
    // AUTH PLAIN's response is AGJlbmNoAGh1bnRlcjI=.
    for (exit, quote) in [
        (77, "550 what is AUTH PLAIN AGJlbmNoAGh1bnR"),
        (
            76,
            "nonsense: a line of the client cannot be understood here, and this is it: AUTH PLAIN AGJlbmNoAGh1bnRlcjI=",
        ),
        (77, "550 what is aHVudGVyMg=="),
    ] {
        let server = Server::text(&format!("{OFFERS}{}S: {quote}\nDROP", one_group::GROUP));
        let output = one_group::call(&server).arg("-v").fails_with(exit).run();
        for secret in ["AGh1bn", "h1bnRl", "aHVudGVy"] {
            let said = output.stdout().contains(secret) || output.stderr().contains(secret);
            assert!(!said, "{quote}: {}", output.stderr());
        }
        server.finish();
    }
}

#[test]
fn a_secret_is_known_before_it_is_sent() {
    let server = Server::text("S: 554 you are AGJlbmNoAGh1bnRlcjI= of hunter2\nC? QUIT");
    user_call(&server)
        .arg("-v")
        .fails_with(69)
        .stderr_has("554 you are *** of ***")
        .run();
    server.finish();
}
