//! The queue from outside: what goes into it and what does not, what a run sends, and what is printed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::parts::{self, GROUPS, call_from};
use crate::support::printed::Output;
use crate::support::{Server, Smtpsend, closed_port};
use crate::transactions::transaction;

/// A queue of one's own.
pub(crate) struct Spool {
    _folder: tempfile::TempDir,
    pub(crate) path: PathBuf,
}

impl Spool {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue");
        Self {
            _folder: folder,
            path,
        }
    }

    /// The files in a part of it.
    pub(crate) fn files(&self, part: &str) -> Vec<PathBuf> {
        let Ok(files) = fs::read_dir(self.path.join(part)) else {
            return Vec::new();
        };
        files.map(|file| file.unwrap().path()).collect()
    }

    /// `smtpsend queue` with this queue.
    pub(crate) fn command(&self, arguments: &[&str]) -> Smtpsend {
        Smtpsend::new()
            .env("SMTPSEND_QUEUE_DIR", &self.path)
            .arg("queue")
            .args(arguments)
    }

    pub(crate) fn list(&self) -> serde_json::Value {
        let listed = self.command(&["list", "--json"]).stdout_any().run();
        listed.json()
    }

    pub(crate) fn id(&self) -> String {
        let list = self.list();
        assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
        list[0]["id"].as_str().unwrap().to_owned()
    }

    /// Makes it due, since a message that was put off is not at once.
    fn make_due(&self) {
        let id = self.id();
        self.command(&["retry", &id]).run();
    }

    /// A run in clear against this server.
    fn run(&self, server: &Server, exit: i32) -> Output {
        self.command(&["run", "--tls", "none"])
            .server(server)
            .fails_with(exit)
            .stdout_any()
            .stderr_any()
            .run()
    }
}

/// A call in clear that sends one line to so many recipients, with this mode.
fn call(spool: &Spool, when: &str, count: usize) -> Smtpsend {
    call_from(Smtpsend::new())
        .env("SMTPSEND_QUEUE_DIR", &spool.path)
        .env("SMTPSEND_QUEUE", when)
        .args(["--tls", "none", "--to", &parts::recipients(count).0])
}

fn refused_everywhere() -> String {
    format!("127.0.0.1:{}", closed_port())
}

#[test]
fn what_shall_only_be_queued_connects_nowhere_and_needs_no_server() {
    let spool = Spool::new();
    let queued = call(&spool, "always", 2)
        .stderr_has("smtpsend: queued as ")
        .stderr_has("no smtpsend queue run has happened here")
        .run();
    assert!(!queued.stderr().contains("not tried"));
    let list = spool.list();
    assert_eq!(list[0]["state"], "waiting");
    assert_eq!(list[0]["tries"], 0);
    assert_eq!(list[0]["recipients"].as_array().unwrap().len(), 2);

    let server = parts::server(&[
        GROUPS,
        &transaction(&[(0, "250 ok"), (1, "250 ok")]),
        "C: QUIT",
    ]);
    spool.run(&server, 0);
    let transcript = server.finish();
    assert!(transcript.message().text().contains("Message-ID: <"));
    assert_eq!(spool.list(), serde_json::json!([]));
    assert!(spool.files("active").is_empty() && spool.files("tmp").is_empty());
}

#[test]
fn a_server_that_cannot_be_reached_leaves_the_message_in_the_queue() {
    let spool = Spool::new();
    let json = call(&spool, "on-failure", 1)
        .args(["--json", "--server", &refused_everywhere()])
        .stdout_any()
        .stderr_any()
        .run()
        .json();
    assert_eq!(json["status"], "queued");
    assert_eq!(json["exit"], 0);
    assert_eq!(json["queue_id"], spool.id());
    assert_eq!(json["recipients"][0]["status"], "deferred");
    assert_eq!(spool.list()[0]["tries"], 1);
    // It is not due yet.
    let server = Server::unvisited();
    spool.run(&server, 0);
    server.finish();
}

#[test]
fn only_who_was_put_off_is_queued_and_only_they_are_tried_again() {
    let spool = Spool::new();
    let envelope = transaction(&[(0, "250 ok"), (1, "451 4.7.1 later"), (2, "550 5.1.1 no")]);
    let server = parts::server(&[GROUPS, &envelope, "C: QUIT"]);
    let json = call(&spool, "on-failure", 3)
        .server(&server)
        .arg("--json")
        .fails_with(67)
        .stdout_any()
        .stderr_any()
        .run()
        .json();
    server.finish();
    assert_eq!(json["status"], "partial");
    let list = spool.list();
    let recipients = list[0]["recipients"].as_array().unwrap();
    assert_eq!(recipients.len(), 1);
    assert_eq!(recipients[0]["status"], "deferred");
    assert_eq!(recipients[0]["code"], 451);
    spool.make_due();
    let server = parts::server(&[GROUPS, &transaction(&[(1, "250 ok")]), "C: QUIT"]);
    spool.run(&server, 0);
    server.finish();
    assert_eq!(spool.list(), serde_json::json!([]));
}

#[test]
fn what_is_refused_for_good_is_not_queued() {
    let spool = Spool::new();
    let server = parts::server(&[GROUPS, &transaction(&[(0, "550 5.1.1 no")]), "C: QUIT"]);
    call(&spool, "on-failure", 1)
        .server(&server)
        .fails_with(67)
        .stderr_any()
        .run();
    server.finish();
    assert!(!spool.path.exists());
}

#[test]
fn what_may_have_been_delivered_is_kept_and_listed_as_such() {
    let spool = Spool::new();
    let uncertain = transaction(&[(0, "250 ok")]).replace("S: 250 queued", "DROP");
    let server = parts::server(&[GROUPS, &uncertain]);
    let json = call(&spool, "on-failure", 1)
        .server(&server)
        .arg("--json")
        .stdout_any()
        .stderr_any()
        .run()
        .json();
    server.finish();
    assert_eq!(json["recipients"][0]["status"], "unknown");
    let message_id = json["message_id"].as_str().unwrap().to_owned();
    spool
        .command(&["list"])
        .stdout_has("may have been delivered")
        .run();
    spool.make_due();
    let server = parts::server(&[GROUPS, &transaction(&[(0, "250 ok")]), "C: QUIT"]);
    spool.run(&server, 0);
    assert!(server.finish().message().text().contains(&message_id));
}

#[test]
fn a_run_that_finds_no_server_puts_all_off_and_says_so() {
    let spool = Spool::new();
    for _ in 0..3 {
        call(&spool, "always", 1).stderr_any().run();
    }
    let output = spool
        .command(&["run", "--tls", "none", "--server", &refused_everywhere()])
        .fails_with(75)
        .stderr_any()
        .run();
    assert_eq!(output.stderr().matches("is tried again after").count(), 3);
    for entry in spool.list().as_array().unwrap() {
        assert_eq!(
            (&entry["tries"], &entry["state"]),
            (&1.into(), &"waiting".into())
        );
        assert_eq!(entry["recipients"][0]["status"], "deferred");
    }
}

#[test]
fn what_only_the_settings_keep_from_being_sent_is_deferred_in_json_too() {
    let spool = Spool::new();
    call(&spool, "always", 1).stderr_any().run();
    let run = spool.command(&["run", "--json"]).stdout_any();
    let result = run.fails_with(78).stderr_has("no server is set").run();
    let result = result.json();
    assert_eq!(
        (&result["status"], &result["exit"]),
        (&"deferred".into(), &75.into())
    );
    assert_eq!(result["recipients"][0]["status"], "deferred");
    assert_eq!(result["error"]["message"], "no server is set");
}

#[test]
fn a_list_that_lacks_a_message_is_no_success() {
    let spool = Spool::new();
    for _ in 0..2 {
        call(&spool, "always", 1).stderr_any().run();
    }
    fs::write(&spool.files("active")[0], "").unwrap();
    let list = spool.command(&["list", "--json"]).stdout_any();
    let list = list.fails_with(73).stderr_has("it is cut short").run();
    assert_eq!(list.json().as_array().unwrap().len(), 1);
}

#[test]
fn a_run_whose_results_cannot_be_written_says_so_and_changes_no_fate() {
    let spool = Spool::new();
    call(&spool, "always", 1).stderr_any().run();
    let server = parts::server(&[GROUPS, &transaction(&[(0, "250 ok")]), "C: QUIT"]);
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    spool
        .command(&["run", "--tls", "none", "--json"])
        .server(&server)
        .stdout_to(full)
        .fails_with(74)
        .stderr_has("the result would have been: sent (exit 0)")
        .run();
    server.finish();
    assert_eq!(spool.files("active").len(), 0);
}

#[test]
fn what_a_run_is_refused_for_good_is_kept_and_its_sender_told() {
    let spool = Spool::new();
    call(&spool, "always", 1).stderr_any().run();
    let id = spool.id();
    // The notice leaves by the same run, and is put off here.
    let refusal = transaction(&[(0, "550 5.1.1 no such user")]);
    let notice = "C: MAIL FROM:<>\nC: RCPT *\nC: DATA\nS: 451 later\nS: 503 no\nS: 503 no\nC: QUIT";
    let dialogues = [[GROUPS, &refusal, "C: QUIT"], [GROUPS, notice, ""]];
    let dialogues = dialogues.map(|parts| crate::support::Dialogue::text(&parts.concat()));
    let server = Server::start(dialogues, crate::support::Options::default());
    let output = spool.run(&server, 75);
    server.finish();
    assert!(output.stderr().contains("given up"), "{}", output.stderr());
    let list = spool.list();
    let states: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["state"])
        .collect();
    assert_eq!(states, ["failed", "waiting"]);
    let notice = &list[1];
    assert_eq!(notice["envelope_from"], "");
    let notice = notice["id"].as_str().unwrap().to_owned();
    spool
        .command(&["show", &notice])
        .stdout_has("multipart/report")
        .stdout_has("550 5.1.1 no such user")
        .run();
    // It is tried again when somebody says so.
    spool.command(&["retry", &id]).run();
    assert_eq!(spool.list()[0]["state"], "waiting");
}

#[test]
fn a_message_is_shown_as_it_will_be_sent() {
    let spool = Spool::new();
    call(&spool, "always", 1)
        .arg("--bcc")
        .arg("x@y.org")
        .stderr_any()
        .run();
    let id = spool.id();
    let shown = spool.command(&["show", &id]).stdout_any().run();
    let text = shown.stdout();
    assert!(
        text.starts_with(&format!("id: {id}\nstate: waiting\n")),
        "{text}"
    );
    assert!(
        text.contains("recipient: <x@y.org> not tried yet\n"),
        "{text}"
    );
    assert!(
        text.contains("\n\nFrom: ") && !text.to_lowercase().contains("bcc:"),
        "{text}"
    );
    let json = spool
        .command(&["show", "--json", &id])
        .stdout_any()
        .run()
        .json();
    assert_eq!(json["id"], id);
    assert_eq!(json["history"], serde_json::json!([]));
}

#[test]
fn a_message_can_be_taken_out() {
    let spool = Spool::new();
    call(&spool, "always", 1).stderr_any().run();
    let id = spool.id();
    spool.command(&["remove", &id]).run();
    assert_eq!(spool.list(), serde_json::json!([]));
    for task in ["remove", "retry", "show"] {
        spool
            .command(&[task, &id])
            .fails_with(66)
            .stderr_has(format!("{id}: no such message in the queue"))
            .stderr_has("hint: ")
            .run();
        spool
            .command(&[task, "../../etc/passwd"])
            .fails_with(64)
            .stderr_any()
            .run();
    }
}

#[test]
fn all_messages_or_those_given_up_are_meant_at_once() {
    let spool = Spool::new();
    for _ in 0..3 {
        call(&spool, "always", 1).stderr_any().run();
    }
    spool.command(&["remove", "--failed"]).run();
    assert_eq!(spool.list().as_array().unwrap().len(), 3);
    spool
        .command(&["run", "--tls", "none", "--server", &refused_everywhere()])
        .args(["--queue-lifetime", "1"])
        .fails_with(75)
        .stderr_any()
        .run();
    spool.command(&["retry", "--all"]).run();
    let due = spool.command(&["list"]).stdout_has("due").run();
    assert_eq!(due.stdout().matches("  due ").count(), 3);
    spool.command(&["remove", "--all"]).run();
    assert_eq!(spool.list(), serde_json::json!([]));
    spool.command(&["remove"]).fails_with(64).stderr_any().run();
    spool
        .command(&["remove", "--all", "0199a1b2c3d-0badcafe"])
        .fails_with(64)
        .stderr_any()
        .run();
}

#[test]
fn a_wrong_password_ends_a_run_with_77_and_keeps_the_message() {
    let spool = Spool::new();
    call(&spool, "always", 1).stderr_any().run();
    let server = parts::server(&[
        "S: 220 mail.test ESMTP\nC: EHLO *\nS: 250-mail.test\nS: 250 AUTH PLAIN\nC: AUTH PLAIN *\nS: 535 5.7.8 no\nC: QUIT",
    ]);
    let output = spool
        .command(&["run", "--tls", "none", "--allow-cleartext-auth"])
        .args(["--user", "bench"])
        .env("SMTPSEND_PASSWORD", "wrong")
        .server(&server)
        .fails_with(77)
        .stderr_any()
        .run();
    server.finish();
    assert!(output.stderr().contains("hint: "), "{}", output.stderr());
    assert_eq!(spool.list()[0]["state"], "waiting");
}

#[test]
fn an_empty_queue_says_so() {
    let spool = Spool::new();
    spool
        .command(&["list"])
        .stdout_is("The queue is empty.\n")
        .run();
    spool.command(&["run"]).run();
}

#[test]
fn a_queue_that_cannot_be_used_is_an_error_when_it_was_asked_for() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = tempfile::tempdir().unwrap();
    let open = folder.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    let link = folder.path().join("link");
    let elsewhere = folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, &link).unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let full = Path::new("/proc/self/queue");
    for place in [open.as_path(), &link, &file, full] {
        let json = call(&Spool::new(), "always", 1)
            .arg("--json")
            .arg("--queue-dir")
            .arg(place)
            .fails_with(73)
            .stdout_any()
            .stderr_has("not queued")
            .run()
            .json();
        assert_eq!(json["exit"], 73);
        assert_eq!(json["error"]["kind"], "queue");
        assert_eq!(json["queue_id"], serde_json::Value::Null);
        assert_ne!(json["status"], "queued");
    }
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn a_message_keeps_its_profile_and_is_sent_by_the_settings_of_the_run() {
    let spool = Spool::new();
    let settings = "[profile.work]\nfrom = \"a@work.example\"\nserver = \"nowhere.invalid\"\n";
    Smtpsend::new()
        .settings(settings)
        .args([
            "-p",
            "work",
            "--queue",
            "always",
            "--to",
            &parts::recipients(1).0,
            "--body",
            "x",
        ])
        .arg("--queue-dir")
        .arg(&spool.path)
        .stderr_any()
        .run();
    assert_eq!(spool.list()[0]["profile"], "work");
    let envelope = transaction(&[(0, "250 ok")]);
    let envelope = envelope.replacen("C: MAIL *", "C: MAIL FROM:<a@work.example>", 1);
    let server = parts::server(&[GROUPS, &envelope, "C: QUIT"]);
    let settings = format!(
        "[profile.work]\nserver = \"127.0.0.1:{}\"\ntls = \"none\"\n",
        server.port()
    );
    spool.command(&["run"]).settings(settings).run();
    server.finish();
}

#[test]
fn a_profile_that_is_gone_puts_only_its_own_messages_off() {
    let spool = Spool::new();
    Smtpsend::new()
        .settings("[profile.work]\nfrom = \"a@work.example\"\n")
        .args([
            "-p", "work", "--queue", "always", "--to", "b@x.org", "--body", "x",
        ])
        .arg("--queue-dir")
        .arg(&spool.path)
        .stderr_any()
        .run();
    call(&spool, "always", 1).stderr_any().run();
    let server = parts::server(&[GROUPS, &transaction(&[(0, "250 ok")]), "C: QUIT"]);
    let output = spool.run(&server, 78);
    server.finish();
    assert!(
        output.stderr().contains("there is no profile \"work\""),
        "{}",
        output.stderr()
    );
    assert_eq!(spool.list().as_array().unwrap().len(), 1);
}

#[test]
fn nothing_is_queued_where_the_run_is_to_end_before_the_message() {
    call(&Spool::new(), "never", 1)
        .args(["--queue", "always", "--quit-after", "auth"])
        .fails_with(64)
        .stderr_has("--quit-after sends nothing")
        .run();
}
