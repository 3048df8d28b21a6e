//! A message per row: what is checked before anything is sent, what is shown, what is sent, and what is said of it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::Signal;
use serde_json::Value;

use crate::post_office::PostOffice;
use crate::support::Smtpsend;

pub(crate) const TEMPLATE: &str = "\
To: {{ name }} <{{ email }}>
Subject: Hello {{ name }}
X-Row: {{ n }}

Dear {{ name }},
this is yours.
";

/// A folder with a template and data.
pub(crate) struct Mailing {
    folder: tempfile::TempDir,
}

impl Mailing {
    pub(crate) fn new(template: &str, data: &str) -> Self {
        let mailing = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        mailing.write("letter.txt", template);
        mailing.write("rows.csv", data);
        mailing
    }

    /// With so many rows: name1,1@x.org,1 and so on.
    pub(crate) fn of(rows: usize) -> Self {
        let mut data = String::from("name,email,n\n");
        for n in 1..=rows {
            let _ = writeln!(data, "name{n},{n}@x.org,{n}");
        }
        Self::new(TEMPLATE, &data)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    /// The call that merges them, without a server.
    pub(crate) fn call(&self) -> Smtpsend {
        Smtpsend::new()
            .folder(self.folder.path())
            .args(["merge", "letter.txt", "--data", "rows.csv"])
            .args(["--from", "me@example.com"])
    }

    /// The same, by this server.
    pub(crate) fn call_to(&self, office: &PostOffice) -> Smtpsend {
        self.call().args(server(office))
    }
}

fn server(office: &PostOffice) -> [String; 4] {
    let server = format!("127.0.0.1:{}", office.port);
    ["--server".into(), server, "--tls".into(), "none".into()]
}

/// The numbers of the rows that were taken, in order.
pub(crate) fn rows(office: &PostOffice) -> Vec<usize> {
    let taken = office.taken();
    let mut rows: Vec<usize> = taken
        .iter()
        .map(|one| one.field("X-Row").parse().unwrap())
        .collect();
    rows.sort_unstable();
    rows
}

fn lines(json: &str) -> Vec<Value> {
    json.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Answers this to the first so many commands that begin so.
fn at_first(count: usize, start: &'static str, said: &'static str) -> PostOffice {
    let left = AtomicUsize::new(count);
    PostOffice::moody(move |command| {
        let is_it = command.starts_with(start);
        let takes = |left: usize| left.checked_sub(1);
        (is_it
            && left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, takes)
                .is_ok())
        .then(|| said.to_owned())
    })
}

#[test]
fn each_row_gets_its_message_over_one_connection() {
    let office = PostOffice::open();
    let mailing = Mailing::of(3);
    mailing
        .call_to(&office)
        .stderr_is("smtpsend: 3 accepted\n")
        .run();
    let taken = office.taken();
    assert_eq!(rows(&office), [1, 2, 3]);
    assert!(taken.iter().all(|one| one.connection == 0));
    assert_eq!(taken[1].recipients, ["2@x.org"]);
    assert_eq!(taken[1].field("To"), "name2 <2@x.org>");
    assert!(
        taken[1]
            .text
            .ends_with("\r\n\r\nDear name2,\r\nthis is yours.\r\n")
    );
}

#[test]
fn nothing_is_sent_where_any_row_is_bad_and_each_is_told() {
    let data = "name,email,n\nBob,b@x.org,1\nEve,eve@@x,2\n\"A\nB\",c@x.org,3\nDan,d@x.org,4,5\n";
    let mailing = Mailing::new(TEMPLATE, data);
    mailing
        .call()
        .args(["--server", "127.0.0.1:1", "--tls", "none"])
        .fails_with(65)
        .stderr_has("smtpsend: rows.csv: line 3: line 1 of the template: To: \"eve@@x\"")
        .stderr_has("smtpsend: rows.csv: line 4: line 1 of the template: To: \"A B\" holds the control character")
        .stderr_has("smtpsend: rows.csv: line 6: 4 fields instead of 3\n")
        .stderr_has("smtpsend: 3 rows are bad of 4: nothing was sent\n")
        .run();
}

#[test]
fn of_many_bad_rows_the_first_are_told() {
    let mut data = String::from("name,email,n\n");
    for n in 0..100 {
        let _ = writeln!(data, "x,bad,{n}");
    }
    let output = Mailing::new(TEMPLATE, &data)
        .call()
        .arg("--dry-run")
        .fails_with(65)
        .stderr_has("and 80 rows more\n")
        .run();
    assert!(output.stderr().lines().count() < 30);
}

#[test]
fn a_dry_run_shows_exact_messages_and_connects_to_nothing() {
    let data = "name,email,n\n\"Smith, Bob\",b@x.org,1\n\"\"\"x\"\" <evil@x.org>\",e@x.org,2\n";
    let mailing = Mailing::new(TEMPLATE, data);
    let call = mailing
        .call()
        .args(["--server", "127.0.0.1:1", "--dry-run"]);
    let output = call
        .stdout_any()
        .stderr_has("row 1 (line 2): from <me@example.com> to <b@x.org>, ")
        .stderr_has("row 2 (line 3): from <me@example.com> to <e@x.org>, ")
        .run();
    let shown = output.stdout();
    let messages: Vec<&str> = shown.split("From me@example.com ").collect();
    assert_eq!(messages.len(), 3, "{shown}");
    assert!(messages[1].contains("\r\nTo: \"Smith, Bob\" <b@x.org>\r\n"));
    assert!(
        messages[2].contains("\r\nTo: \"\\\"x\\\" <evil@x.org>\" <e@x.org>\r\n"),
        "{shown}"
    );
}

#[test]
fn a_sample_is_the_first_messages() {
    let mailing = Mailing::of(5);
    let output = mailing
        .call()
        .args(["--sample", "2"])
        .stdout_any()
        .stderr_any()
        .run();
    let shown = output.stdout();
    assert!(shown.contains("X-Row: 2\r\n") && !shown.contains("X-Row: 3\r\n"));
    let output = mailing
        .call()
        .args(["--sample", "1", "--shard", "3/4"])
        .stdout_any()
        .stderr_has("row 3 (line 4)")
        .run();
    assert!(output.stdout().contains("X-Row: 3\r\n"));
}

#[test]
fn rows_come_as_json_lines_and_from_standard_input_too() {
    let office = PostOffice::open();
    let mailing = Mailing::of(0);
    mailing.write("rows.jsonl", "{\"email\": \"a@x.org\", \"name\": \"A\", \"n\": 1}\n\n{\"email\": \"b@x.org\", \"name\": null, \"n\": 2}\n");
    let call = Smtpsend::new()
        .folder(mailing.folder.path())
        .args(["merge", "letter.txt"]);
    call.args(["--data", "rows.jsonl", "--from", "me@example.com"])
        .args(server(&office))
        .stderr_any()
        .run();
    let call = Smtpsend::new()
        .folder(mailing.folder.path())
        .args(["merge", "letter.txt"]);
    call.args(["--data", "-", "--format", "tsv", "--from", "me@example.com"])
        .args(server(&office))
        .stdin("name\temail\tn\nC\tc@x.org\t3\n")
        .stderr_any()
        .run();
    assert_eq!(office.recipients(), ["a@x.org", "b@x.org", "c@x.org"]);
    assert_eq!(office.taken()[1].field("To"), "b@x.org");
    let call = Smtpsend::new()
        .folder(mailing.folder.path())
        .args(["merge", "letter.txt"]);
    call.args(["--data", "-"])
        .fails_with(64)
        .stderr_has("what kind of data is this?")
        .run();
}

#[test]
fn a_row_may_name_files_and_all_must_be_there_before_anything_is_sent() {
    let template = "To: {{ email }}\nAttach: {{ file }}\nSubject: x\n\nSee there.\n";
    let mailing = Mailing::new(template, "email,file\na@x.org,files/a.csv\nb@x.org,\n");
    mailing
        .call()
        .args(["--server", "127.0.0.1:1"])
        .fails_with(65)
        .stderr_has("rows.csv: line 2: line 2 of the template: files/a.csv: No such file")
        .run();
    fs::create_dir(mailing.path("files")).unwrap();
    mailing.write("files/a.csv", "1,2\n");
    let office = PostOffice::open();
    mailing.call_to(&office).stderr_any().run();
    let taken = office.taken();
    assert!(
        taken[0].text.contains("filename=\"a.csv\"") || taken[0].text.contains("filename=a.csv")
    );
    assert!(taken[0].text.contains("MSwyCg=="), "{}", taken[0].text);
    assert!(!taken[1].text.contains("multipart"));
}

#[test]
fn flags_fill_in_what_the_template_leaves_open() {
    let office = PostOffice::open();
    let mailing = Mailing::new("To: {{ email }}\nX-A: old\n\n", "email\na@x.org\n");
    mailing
        .call_to(&office)
        .args(["-s", "Hi {{ email }}", "-H", "X-A: new {{ email }}"])
        .stderr_any()
        .run();
    let taken = office.taken();
    assert_eq!(taken[0].field("Subject"), "Hi a@x.org");
    assert_eq!(taken[0].field("X-A"), "new a@x.org");
    assert!(!taken[0].text.contains("old"));
    Mailing::of(1)
        .call()
        .args(["-s", "other", "--dry-run"])
        .stdout_has("Subject: Hello name1\r\n")
        .stderr_has("warning: --subject is not used")
        .run();
}

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
        .stderr_is("smtpsend: 3 accepted\n")
        .run();
    let order: Vec<String> = office
        .taken()
        .into_iter()
        .flat_map(|one| one.recipients)
        .collect();
    assert_eq!(order, ["2@x.org", "3@x.org", "1@x.org"]);
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
fn a_server_that_cannot_be_reached_stops_everything_at_once() {
    Mailing::of(5)
        .call()
        .args(["--server", "127.0.0.1:1", "--tls", "none"])
        .fails_with(75)
        .stderr_has("smtpsend: 0 accepted, 5 left\n")
        .run();
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
    call().stderr_is("smtpsend: 0 accepted\n").run();

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
fn many_rows_take_no_more_memory_than_few() {
    let peak = |rows: usize| {
        let mailing = Mailing::of(rows);
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_smtpsend"));
        let folder: &Path = mailing.folder.path();
        command
            .current_dir(folder)
            .args(["merge", "letter.txt", "--data", "rows.csv", "--sample", "1"])
            .args(["--from", "me@example.com"])
            .env("HOME", folder)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        let mut child = command.spawn().unwrap();
        wait4::Wait4::wait4(&mut child).unwrap().rusage.maxrss
    };
    let (few, many) = (peak(300), peak(6_000));
    assert!(many < few + (2 << 20), "{few} and {many} octets");
}
