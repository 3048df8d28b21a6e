//! A merge that ended early goes on where it was, by its journal.

use std::sync::Mutex;

use rustix::process::Signal;

use crate::merge::{Mailing, at_first, lines, rows};
use crate::post_office::PostOffice;

#[test]
fn ctrl_c_ends_it_between_two_messages_and_says_how_to_go_on() {
    let office = PostOffice::open();
    let mailing = Mailing::of(1000);
    let call = mailing
        .call_to(&office)
        .args(["--journal", "journal", "--rate", "100/s"]);
    let running = call
        .fails_with(75)
        .stderr_has("warning: stopped by SIGINT\n")
        .stderr_has(" left\nhint: the same command goes on with those that are left\n")
        .start();
    for _ in 0..3 {
        office.comes.recv().unwrap();
    }
    running.signal(Signal::INT);
    running.ends();
    let before = rows(&office);
    assert!(before.len() < 1000);
    let call = mailing.call_to(&office).args(["--journal", "journal"]);
    call.stderr_any().run();
    assert_eq!(rows(&office), (1..=1000).collect::<Vec<_>>());
}

#[test]
fn the_same_row_keeps_its_message_id_and_no_journal_serves_two_merges() {
    let office = at_first(1, ".", "451 4.3.0 later");
    let mailing = Mailing::of(2);
    let ids = Mutex::new(Vec::new());
    let call = || mailing.call_to(&office).args(["--journal", "journal"]);
    let output = call()
        .args(["--retry", "0", "--json"])
        .fails_with(75)
        .stdout_any()
        .stderr_any()
        .run();
    ids.lock().unwrap().extend(
        lines(output.stdout())
            .iter()
            .map(|it| it["message_id"].clone()),
    );
    call().stderr_any().run();
    assert_eq!(rows(&office), [1, 2]);
    let id = office
        .taken()
        .iter()
        .find(|one| one.field("X-Row") == "1")
        .unwrap()
        .field("Message-ID")
        .to_owned();
    assert_eq!(ids.lock().unwrap()[0], id);
    call()
        .stderr_is("smtpsend: 2 were done before, nothing is left\n")
        .run();

    mailing.write("rows.csv", "name,email,n\nx,y@x.org,1\n");
    call()
        .fails_with(65)
        .stderr_has("it is of another template, other data or other options")
        .run();
    assert_eq!(office.taken().len(), 2);
}

#[test]
fn who_was_accepted_is_left_alone_by_the_next_run() {
    let office = at_first(1, "RCPT TO:<b@", "450 4.2.1 come back");
    let template = "To: {{ email|addresses }}\nX-Row: 1\n\n";
    let mailing = Mailing::new(template, "email\n\"a@x.org, b@x.org\"\n");
    let call = || mailing.call_to(&office).args(["--journal", "journal"]);
    call()
        .args(["--retry", "0"])
        .fails_with(75)
        .stderr_any()
        .run();
    call().stderr_any().run();
    let recipients: Vec<Vec<String>> = office
        .taken()
        .into_iter()
        .map(|one| one.recipients)
        .collect();
    assert_eq!(recipients, [["a@x.org"], ["b@x.org"]]);
}

#[test]
fn a_journal_that_cannot_be_written_keeps_everything_from_being_sent() {
    let office = PostOffice::open();
    Mailing::of(1)
        .call_to(&office)
        .args(["--journal", "/dev/full"])
        .fails_with(74)
        .stderr_has("smtpsend: the journal /dev/full: not a regular file\n")
        .run();
    assert!(office.taken().is_empty());
}

#[test]
fn a_run_with_nothing_left_says_what_was_done_before() {
    let office = at_first(1, "RCPT", "550 5.1.1 nobody here");
    let mailing = Mailing::of(3);
    let call = || mailing.call_to(&office).args(["--journal", "journal"]);
    call().fails_with(67).stderr_any().run();
    call()
        .stderr_is("smtpsend: 3 were done before, 1 of them refused, nothing is left\n")
        .run();
    assert_eq!(rows(&office), [2, 3]);
}
