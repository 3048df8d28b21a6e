//! `--retry`: who is tried again, and who must not be.

use crate::parts::{self, GROUPS};
use crate::support::{Options, Server};
use crate::transactions::{json_for, transaction};

#[test]
fn a_retry_is_for_those_deferred_only_and_adds_up() {
    let first = [
        GROUPS,
        &transaction(&[(0, "250 ok"), (1, "451 greylisted"), (2, "550 no")]),
        "C: QUIT",
    ];
    let second = [GROUPS, &transaction(&[(1, "250 ok")]), "C: QUIT"];
    let dialogues = [first, second].map(|parts| crate::support::Dialogue::text(&parts.concat()));
    let server = Server::start(dialogues, Options::default());
    let json = json_for(&server, 3, 67, &["--retry", "1"]);
    assert_eq!(json["status"], "partial");
    assert_eq!(json["recipients"][1]["status"], "accepted");
    server.finish();
}

#[test]
fn what_may_have_been_delivered_is_not_tried_again() {
    let uncertain = transaction(&[(0, "250 ok")]).replace("S: 250 queued", "DROP");
    let server = parts::server(&[GROUPS, &uncertain]);
    let json = json_for(&server, 1, 75, &["--retry", "3"]);
    assert_eq!(json["status"], "uncertain");
    server.finish();
}

#[test]
fn a_retry_never_gives_to_some_what_is_for_all_or_nobody() {
    let server = parts::server(&[
        GROUPS,
        "C: MAIL *\nC: RCPT *\nC: RCPT *\nS: 250 ok\nS: 550 no\nS: 451 greylisted\nC: QUIT",
    ]);
    json_for(&server, 2, 75, &["--all-or-nothing", "--retry", "3"]);
    server.finish();
}

#[test]
fn a_retry_past_the_deadline_is_not_begun() {
    let server = parts::server(&[GROUPS, &transaction(&[(0, "451 greylisted")]), "C: QUIT"]);
    json_for(&server, 1, 75, &["--retry", "3", "--deadline", "0.9"]);
    server.finish();
}
