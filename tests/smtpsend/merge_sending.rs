//! How the rows of a merge are sent: what is refused or put off, how many at once, how often, and what is told of each.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::merge::{Mailing, at_first, lines, rows};
use crate::post_office::PostOffice;
use crate::support::terminal::Terminal;

#[test]
fn what_is_refused_for_good_is_told_and_the_rest_goes_on() {
    let office = PostOffice::moody(|command| {
        let is_it = command.starts_with("RCPT TO:<2@");
        is_it.then(|| "550 5.1.1 nobody here".to_owned())
    });
    let output = Mailing::of(3)
        .call_to(&office)
        .arg("--json")
        .fails_with(67)
        .stdout_any()
        .stderr_has("smtpsend: row 2 (line 3): 127.0.0.1:")
        .stderr_has("550 5.1.1 nobody here\n")
        .stderr_has("smtpsend: 2 accepted, 1 refused\n")
        .run();
    assert_eq!(rows(&office), [1, 3]);
    let results = lines(output.stdout());
    let told: Vec<_> = results
        .iter()
        .map(|it| {
            (
                it["row"].as_u64().unwrap(),
                it["line"].as_u64().unwrap(),
                it["status"].as_str().unwrap(),
                it["exit"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [(1, 2, "sent", 0), (2, 3, "rejected", 67), (3, 4, "sent", 0)]
    );
    assert_eq!(results[1]["recipients"][0]["code"], 550);
    assert!(results[0]["message_id"].as_str().unwrap().ends_with('>'));
}

#[test]
fn what_is_put_off_is_tried_again_while_the_others_go_on() {
    let office = at_first(1, "RCPT TO:<1@", "450 4.2.1 come back");
    Mailing::of(3)
        .call_to(&office)
        .stderr_has("smtpsend: warning: row 1 (line 2): 127.0.0.1:")
        .stderr_has("450 4.2.1 come back; tried again in 1 s\n")
        .stderr_has("smtpsend: 3 accepted\n")
        .run();
    let order: Vec<String> = office
        .taken()
        .into_iter()
        .flat_map(|one| one.recipients)
        .collect();
    assert_eq!(order, ["2@x.org", "3@x.org", "1@x.org"]);
}

#[test]
fn of_many_rows_that_are_put_off_the_first_are_told() {
    let office = at_first(8, "RCPT", "450 4.2.1 come back");
    let mailing = Mailing::of(9);
    let output = mailing.call_to(&office).stderr_any().run();
    let said = output.stderr();
    assert_eq!(said.matches("tried again in").count(), 5, "{said}");
    assert!(said.contains("more rows are put off, which --verbose tells\n"));
    assert_eq!(rows(&office), (1..=9).collect::<Vec<_>>());
}

#[test]
fn only_who_was_put_off_gets_another_try() {
    let office = at_first(1, "RCPT TO:<b@", "450 4.2.1 come back");
    let template = "To: {{ email|addresses }}\nX-Row: 1\n\n";
    let mailing = Mailing::new(template, "email\n\"a@x.org, b@x.org, c@x.org\"\n");
    let output = mailing
        .call_to(&office)
        .arg("--json")
        .stdout_any()
        .stderr_any()
        .run();
    let recipients: Vec<Vec<String>> = office
        .taken()
        .into_iter()
        .map(|one| one.recipients)
        .collect();
    assert_eq!(recipients, [vec!["a@x.org", "c@x.org"], vec!["b@x.org"]]);
    let results = lines(output.stdout());
    assert_eq!(
        (results.len(), &results[0]["status"]),
        (1, &Value::from("sent"))
    );
    assert_eq!(results[0]["recipients"].as_array().unwrap().len(), 3);
}

#[test]
fn what_stays_put_off_is_queued_where_the_user_wants_it() {
    let office = at_first(9, "RCPT TO:<2@", "450 4.2.1 come back");
    let mailing = Mailing::of(3);
    let queue = mailing.path("queue");
    mailing
        .call_to(&office)
        .args(["--retry", "0"])
        .fails_with(75)
        .stderr_has("row 2 (line 3)")
        .stderr_has("smtpsend: 2 accepted, 1 put off\n")
        .run();
    mailing
        .call_to(&office)
        .args(["--retry", "0", "--queue", "on-failure", "--queue-dir"])
        .arg(&queue)
        .stderr_has("smtpsend: row 2 (line 3): queued as ")
        .stderr_has("smtpsend: 2 accepted, 1 queued\n")
        .run();
    assert_eq!(fs::read_dir(queue.join("active")).unwrap().count(), 1);
    assert_eq!(rows(&office), [1, 1, 3, 3]);
}

#[test]
fn all_rows_can_go_into_the_queue_instead() {
    let mailing = Mailing::of(3);
    let queue = mailing.path("queue");
    mailing
        .call()
        .args(["--queue", "always", "--queue-dir"])
        .arg(&queue)
        .stderr_has("smtpsend: 0 accepted, 3 queued\n")
        .run();
    assert_eq!(fs::read_dir(queue.join("active")).unwrap().count(), 3);
}

#[test]
fn a_server_that_has_had_enough_gets_another_connection() {
    let office = at_first(1, "MAIL", "421 4.7.0 too many");
    // The first message of a session is put off; the next session takes it.
    Mailing::of(3).call_to(&office).stderr_any().run();
    assert_eq!(rows(&office), [1, 2, 3]);
}

#[test]
fn a_login_that_is_refused_stops_everything_at_once() {
    let logins = AtomicUsize::new(0);
    let count = std::sync::Arc::new(logins);
    let counted = std::sync::Arc::clone(&count);
    let office = PostOffice::moody(move |command| {
        if command.starts_with("EHLO") {
            return Some("250-mail.test\r\n250 AUTH PLAIN".to_owned());
        }
        command.starts_with("AUTH").then(|| {
            counted.fetch_add(1, Ordering::SeqCst);
            "535 5.7.8 no".to_owned()
        })
    });
    Mailing::of(5)
        .call_to(&office)
        .args(["--user", "me", "--allow-cleartext-auth"])
        .env("SMTPSEND_PASSWORD", "wrong")
        .fails_with(77)
        .stderr_has("535 5.7.8 no\n")
        .stderr_has("smtpsend: 0 accepted, 5 left\n")
        .run();
    assert_eq!(count.load(Ordering::SeqCst), 1);
    assert!(office.taken().is_empty());
}

#[test]
fn a_server_that_cannot_be_reached_leaves_all_rows_after_the_last_try() {
    Mailing::of(5)
        .call()
        .args(["--retry", "0"])
        .args(["--server", "127.0.0.1:1", "--tls", "none"])
        .fails_with(75)
        .stderr_has("smtpsend: 0 accepted, 5 left\n")
        .run();
}

#[test]
fn a_server_that_is_not_ready_at_the_start_is_waited_for() {
    let office = at_first(1, "CONNECT", "421 4.3.2 starting");
    Mailing::of(2)
        .call_to(&office)
        .args(["--connections", "2"])
        .stderr_has("421 4.3.2 starting; trying again in 1 s\n")
        .stderr_has("smtpsend: 2 accepted\n")
        .run();
    assert_eq!(rows(&office), [1, 2]);
}

#[test]
fn a_refusal_of_the_sender_or_of_strangers_burns_no_row() {
    for (said, exit) in [
        ("530 5.7.0 authentication required", 69),
        ("550 5.7.1 not allowed to send as this user", 69),
    ] {
        let office = at_first(1, "MAIL", said);
        let mailing = Mailing::of(3);
        let call = || mailing.call_to(&office).args(["--journal", "journal"]);
        call()
            .fails_with(exit)
            .stderr_has(said)
            .stderr_has("smtpsend: 0 accepted, 3 left\n")
            .run();
        call().stderr_any().run();
        assert_eq!(rows(&office), [1, 2, 3]);
    }
}

#[test]
fn a_message_that_is_too_large_speaks_for_itself() {
    let office = at_first(1, "MAIL", "552 5.3.4 too big");
    let mailing = Mailing::of(2);
    let call = mailing.call_to(&office).fails_with(69);
    call.stderr_has("smtpsend: 1 accepted, 1 refused\n").run();
    assert_eq!(rows(&office), [2]);
}

#[test]
fn results_are_never_written_over_what_is_read() {
    let mailing = Mailing::of(2);
    let before = fs::read(mailing.path("rows.csv")).unwrap();
    fs::hard_link(mailing.path("rows.csv"), mailing.path("hard.csv")).unwrap();
    std::os::unix::fs::symlink("letter.txt", mailing.path("soft.csv")).unwrap();
    for (results, what) in [
        ("rows.csv", "the data"),
        ("./hard.csv", "the data"),
        ("soft.csv", "the template"),
        ("journal.jsonl", "the journal"),
    ] {
        mailing
            .call()
            .args(["--journal", "./journal.jsonl", "--results", results])
            .args(["--server", "127.0.0.1:1"])
            .fails_with(64)
            .stderr_has(format!("--results: {results} is {what}\n"))
            .run();
    }
    assert_eq!(fs::read(mailing.path("rows.csv")).unwrap(), before);
    assert!(!mailing.path("journal.jsonl").exists());
}

#[test]
fn a_connection_ends_after_as_many_messages_as_it_may_take() {
    let office = PostOffice::open();
    Mailing::of(5)
        .call_to(&office)
        .args(["--per-connection", "2"])
        .stderr_any()
        .run();
    let connections: Vec<usize> = office.taken().iter().map(|one| one.connection).collect();
    assert_eq!(connections, [0, 0, 1, 1, 2]);
}

#[test]
fn several_connections_share_the_rows() {
    let office = PostOffice::open();
    Mailing::of(200)
        .call_to(&office)
        .args(["--connections", "4"])
        .stderr_any()
        .run();
    assert_eq!(rows(&office), (1..=200).collect::<Vec<_>>());
}

#[test]
fn shards_have_each_row_once() {
    let office = PostOffice::open();
    let mailing = Mailing::of(7);
    for shard in ["1/3", "2/3", "3/3"] {
        mailing
            .call_to(&office)
            .args(["--shard", shard])
            .stderr_any()
            .run();
    }
    assert_eq!(rows(&office), (1..=7).collect::<Vec<_>>());
    mailing
        .call()
        .args(["--shard", "4/3"])
        .fails_with(64)
        .stderr_has("--shard: \"4/3\" is no share")
        .run();
}

#[test]
fn messages_leave_at_the_rate_that_is_wanted() {
    let office = PostOffice::open();
    let begun = std::time::Instant::now();
    Mailing::of(6)
        .call_to(&office)
        .args(["--rate", "20/s", "--connections", "3"])
        .stderr_any()
        .run();
    // Six messages have five distances of 50 ms.
    assert!(begun.elapsed() >= std::time::Duration::from_millis(250));
    assert_eq!(rows(&office).len(), 6);
}

#[test]
fn results_are_a_table_or_lines_of_json() {
    let office = at_first(9, "RCPT TO:<2@", "550 5.1.1 no, \"never\"");
    let mailing = Mailing::of(2);
    for name in ["results.csv", "results.jsonl"] {
        mailing
            .call_to(&office)
            .args(["--results", name])
            .fails_with(67)
            .stderr_any()
            .run();
    }
    let csv = fs::read_to_string(mailing.path("results.csv")).unwrap();
    let csv: Vec<&str> = csv.lines().collect();
    assert_eq!(
        csv[0],
        "row,line,status,exit,message_id,recipients,code,enhanced,text,queue_id"
    );
    assert!(csv[1].starts_with("1,2,sent,0,<"), "{csv:?}");
    assert!(
        csv[2].starts_with("2,3,rejected,67,<") && csv[2].contains("\"\"never\"\""),
        "{csv:?}"
    );
    let json = lines(&fs::read_to_string(mailing.path("results.jsonl")).unwrap());
    assert_eq!(
        (&json[1]["row"], &json[1]["status"]),
        (&Value::from(2), &Value::from("rejected"))
    );
}

#[test]
fn a_terminal_shows_how_far_it_is_and_lines_stand_above() {
    let office = at_first(1, "RCPT TO:<2@", "550 5.1.1 nobody here");
    let mailing = Mailing::of(3);
    let path = |name: &str| mailing.path(name).display().to_string();
    let server = format!("127.0.0.1:{}", office.port);
    let (template, data) = (path("letter.txt"), path("rows.csv"));
    let home = tempfile::tempdir().unwrap();
    let call = [
        "merge",
        &template,
        "--data",
        &data,
        "--from",
        "me@example.com",
    ];
    let call = call
        .into_iter()
        .chain(["--server", &server, "--tls", "none"]);
    let mut terminal = Terminal::run(home.path(), call);
    assert_eq!(terminal.ends().code(), Some(67));
    let said = terminal.rest();
    assert!(said.contains("1/3 33% "), "{said:?}");
    assert!(
        said.contains("\r\u{1b}[Ksmtpsend: row 2 (line 3): "),
        "{said:?}"
    );
    assert!(said.contains("2 accepted, 1 refused\r\n"), "{said:?}");
}
