//! A message per row: what is checked before anything is sent, what is shown, and what the messages are.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

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

pub(crate) fn lines(json: &str) -> Vec<Value> {
    json.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Answers this to the first so many commands that begin so.
pub(crate) fn at_first(count: usize, start: &'static str, said: &'static str) -> PostOffice {
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

#[test]
fn data_that_excel_wrote_is_read_or_told_apart() {
    let office = PostOffice::open();
    let mailing = Mailing::new(TEMPLATE, "name;email;n;\r\nA;1@x.org;1;\r\n");
    mailing.call_to(&office).stderr_any().run();
    assert_eq!(rows(&office), [1]);
    mailing.write("rows.csv", "PK\u{3}\u{4}");
    let call = mailing.call().fails_with(65);
    call.stderr_has("it is a spreadsheet (Excel) file\nhint: save it as CSV UTF-8\n")
        .run();
}

#[test]
fn data_without_rows_is_no_failure_and_is_told() {
    let office = PostOffice::open();
    let mailing = Mailing::new(TEMPLATE, "name,email,n\n");
    let call = mailing.call_to(&office);
    call.stderr_has("warning: rows.csv: the data has no rows\n")
        .run();
}

#[test]
fn a_name_that_is_no_field_is_named_with_those_that_are() {
    for (template, place) in [
        (
            "To: {{ email }}\nX-A: {{ nmae }}\n\n{{ range(2) }}",
            "line 2 of the template: X-A",
        ),
        (
            "To: {{ email }}\n\n{{ name }}\n{{ nmae }}",
            "line 4 of the template",
        ),
    ] {
        let mailing = Mailing::new(template, "name,email\nA,a@x.org\n");
        let words = format!("{place}: \"nmae\" is no field of the data, which has name, email\n");
        mailing.call().fails_with(65).stderr_has(words).run();
    }
}

#[test]
fn a_field_of_any_name_is_reached_by_row() {
    let template = "To: {{ row[\"E-Mail\"] }}\nX-Row: 1\n\n{{ row[\"first name\"] }}\n";
    let mailing = Mailing::new(template, "E-Mail,first name\na@x.org,Ann\n");
    let office = PostOffice::open();
    mailing.call_to(&office).stderr_any().run();
    assert!(office.taken()[0].text.ends_with("\r\n\r\nAnn\r\n"));
    // A column that is called so goes before.
    mailing.write("letter.txt", "To: a@x.org\nX-Row: {{ row }}\n\n");
    mailing.write("rows.csv", "row\n7\n");
    mailing.call_to(&office).stderr_any().run();
    assert_eq!(rows(&office), [1, 7]);
}
