//! `--log`: one line about each message, in a file or in the system's log.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use crate::parts::{
    self, DELIVERY, GROUPS, SLOW_DELIVERY, WITHIN_TLS, clear_call, recipients, user_call,
};
use crate::support::{Dialogue, Options, Server, Smtpsend};

/// A folder, and the log in it that is not there yet.
fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    (folder, log)
}

fn delivering() -> Server {
    parts::server(&[GROUPS, DELIVERY])
}

/// The only line of a log.
#[track_caller]
fn line(log: &PathBuf) -> String {
    let text = fs::read_to_string(log).unwrap();
    let line = text.strip_suffix('\n').unwrap();
    assert!(!line.contains('\n'), "{text}");
    line.to_owned()
}

#[test]
fn a_line_tells_who_where_what_and_how_it_ended() {
    let (_folder, log) = folder();
    let server = parts::secure_server(&[
        WITHIN_TLS,
        "C: AUTH *\nC: MAIL *\nC: RCPT *\nC: RCPT *\nC: DATA\nS: 235 hi\nS: 250 ok\nS: 250 ok\n\
         S: 550 5.1.1 no \"such\" user\nS: 354 go\nBODY\nS: 250 2.0.0 queued as 4F2\nC: QUIT",
    ]);
    let call = user_call(&server).args(["--cc", "c@example.com"]);
    call.arg("--log")
        .arg(&log)
        .fails_with(67)
        .stderr_any()
        .run();
    let line = line(&log);
    let (time, rest) = line.split_once(' ').unwrap();
    let is_time = |time: &str| time.len() == 20 && time.ends_with('Z') && time.contains('T');
    assert!(time.strip_prefix("time=").is_some_and(is_time), "{line}");
    assert!(
        rest.starts_with(&format!(
            "status=partial exit=67 host=127.0.0.1 port={} tls=TLSv1.3 cipher=",
            server.port()
        )),
        "{line}"
    );
    for part in [
        " auth=PLAIN user=bench from=a@example.com message-id=<",
        " size=",
        " ms=",
        " reply=\"250 2.0.0 queued as 4F2\" error=\"127.0.0.1:",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    let end =
        r#" accepted=b@example.com rejected=c@example.com cause="550 5.1.1 no \"such\" user""#;
    assert!(line.ends_with(end), "{line}");
    server.finish();
}

#[test]
fn the_json_of_a_line_is_that_of_the_result_with_time_and_user() {
    let (_folder, log) = folder();
    let server = delivering();
    let call = clear_call(&server).args(["--json", "--log-format", "json", "--log"]);
    let result = call.arg(&log).stdout_any().run().json();
    let mut logged: Value = serde_json::from_str(&line(&log)).unwrap();
    let fields = logged.as_object_mut().unwrap();
    assert!(fields.remove("time").unwrap().is_string());
    assert_eq!(fields.remove("user"), Some(Value::Null));
    assert_eq!(logged, result);
    server.finish();
}

#[test]
fn a_file_is_its_owners_alone_and_grows() {
    let (_folder, log) = folder();
    for count in 1..=2 {
        let server = delivering();
        clear_call(&server).arg("--log").arg(&log).run();
        let text = fs::read_to_string(&log).unwrap();
        assert_eq!(text.lines().count(), count, "{text}");
        server.finish();
    }
    let mode = fs::metadata(&log).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn programs_that_write_at_once_write_whole_lines() {
    let (_folder, log) = folder();
    let dialogue = Dialogue::text(&format!("{GROUPS}{DELIVERY}"));
    let server = Server::start([dialogue], Options::default().every_connection());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let call = clear_call(&server).args(["--log-format", "json", "--log"]);
                call.arg(&log).run();
            });
        }
    });
    let text = fs::read_to_string(&log).unwrap();
    let sent = |line| serde_json::from_str::<Value>(line).unwrap()["status"] == "sent";
    assert_eq!(text.lines().filter(|line| sent(line)).count(), 8, "{text}");
    server.finish();
}

#[test]
fn what_a_server_says_makes_no_second_line_nor_a_second_value() {
    let (_folder, log) = folder();
    let server = parts::server(&[
        GROUPS,
        "C: MAIL *\nC: RCPT *\nC: DATA\nS: 250 ok\n",
        "S~ 550-no\\sexit=0\\r\\n550-\\x1b[2J\\\\\\s\"\\r\\n550\\saccepted=b@example.com\\r\\n\n",
        "S: 503 nobody\nC: QUIT",
    ]);
    let call = clear_call(&server).arg("--log").arg(&log);
    call.fails_with(67).stderr_any().run();
    let line = line(&log);
    assert!(!line.contains('\x1b'), "{line}");
    let value = line.split_once(" rejected=b@example.com cause=").unwrap().1;
    let within = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    let within = within.unwrap().replace(r#"\""#, "");
    assert!(within.contains("exit=0") && !within.contains('"'), "{line}");
    server.finish();
}

/// The datagrams that a call leaves at a socket of its own.
struct Daemon {
    _folder: TempDir,
    path: PathBuf,
    socket: UnixDatagram,
}

impl Daemon {
    fn start() -> Self {
        let (folder, path) = folder();
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self {
            _folder: folder,
            path,
            socket,
        }
    }

    fn name(&self) -> String {
        format!("syslog:{}", self.path.display())
    }

    #[track_caller]
    fn heard(&self) -> String {
        let mut octets = [0; 65536];
        let count = self.socket.recv(&mut octets).unwrap();
        String::from_utf8(octets[..count].to_vec()).unwrap()
    }
}

#[test]
fn the_systems_log_gets_a_datagram_whose_severity_is_that_of_the_exit_code() {
    for (reply, code, priority) in [
        ("250 queued", 0, 22),
        ("451 later", 75, 20),
        ("554 no", 69, 19),
    ] {
        let daemon = Daemon::start();
        let server = parts::server(&[GROUPS, &DELIVERY.replace("250 2.0.0 queued as 4F2", reply)]);
        let call = clear_call(&server).arg("--log").arg(daemon.name());
        call.fails_with(code).stderr_any().run();
        let heard = daemon.heard();
        assert!(
            heard.starts_with(&format!("<{priority}>smtpsend[")),
            "{heard}"
        );
        assert!(heard.contains("]: time="), "{heard}");
        assert!(heard.contains(&format!(" exit={code} ")), "{heard}");
        server.finish();
    }
}

#[test]
fn a_datagram_is_bounded_and_counts_what_it_leaves_out() {
    const COUNT: usize = 1000;
    for format in ["text", "json"] {
        let daemon = Daemon::start();
        let (list, _) = recipients(COUNT);
        let call = parts::call_from(Smtpsend::new())
            .args([
                "--to",
                &list,
                "--server",
                "mail.invalid",
                "--log-format",
                format,
            ])
            .arg("--log")
            .arg(daemon.name());
        call.fails_with(68).stderr_any().run();
        let heard = daemon.heard();
        assert!(heard.len() <= 8192, "{}", heard.len());
        let (_, line) = heard.split_once(": ").unwrap();
        let told = match format {
            "json" => {
                let object: Value = serde_json::from_str(line).unwrap();
                let left_out = object["left_out"].as_u64().unwrap();
                object["recipients"].as_array().unwrap().len() + usize::try_from(left_out).unwrap()
            }
            _ => {
                let (line, left_out) = line.rsplit_once(" left-out=").unwrap();
                line.matches(" rejected=").count() + left_out.parse::<usize>().unwrap()
            }
        };
        assert_eq!(told, COUNT, "{line}");
    }
}

#[test]
fn nothing_is_sent_when_the_log_cannot_be_opened() {
    let (folder, log) = folder();
    let missing = log.join("deeper");
    let server = Server::unvisited();
    for (name, words) in [
        (
            missing.display().to_string(),
            "hint: the system's log is open to every user: --log syslog",
        ),
        (
            folder.path().display().to_string(),
            "hint: the system's log",
        ),
        (
            format!("syslog:{}", log.display()),
            "hint: is a syslog daemon running?",
        ),
    ] {
        let call = clear_call(&server).arg("--log").arg(name);
        call.fails_with(74)
            .stderr_has("; nothing was sent\n")
            .stderr_has(words)
            .run();
    }
    server.finish();
}

#[test]
fn a_log_that_is_lost_afterwards_changes_no_fate() {
    let server = delivering();
    let call = clear_call(&server).args(["--json", "--log", "/dev/full"]);
    let output = call
        .fails_with(74)
        .stdout_any()
        .stderr_has("smtpsend: warning: the log /dev/full: ")
        .run();
    assert_eq!(output.json()["status"], "sent");
    server.finish();

    let server = parts::server(&[
        GROUPS,
        &DELIVERY.replace("250 2.0.0 queued as 4F2", "554 no"),
    ]);
    let call = clear_call(&server).args(["--log", "/dev/full"]);
    call.fails_with(69).stderr_any().run();
    server.finish();
}

#[test]
fn a_message_that_is_not_tried_leaves_a_line_and_a_dry_run_none() {
    let (_folder, log) = folder();
    let call = |to: &str| {
        let call = parts::call_from(Smtpsend::new()).args(["--server", "mail.test", "--to", to]);
        call.arg("--log").arg(&log).stdout_any().stderr_any()
    };
    call("b@example.com").arg("--dry-run").run();
    assert!(!log.exists());
    call("b@").fails_with(65).run();
    let line = line(&log);
    assert!(line.contains(" status=failed exit=65 "), "{line}");
    assert!(line.contains(" error=\"--to: "), "{line}");
}

#[test]
fn a_settings_file_names_a_log_by_its_own_folder_or_the_systems() {
    let daemon = Daemon::start();
    for (name, is_file) in [("log/mine", true), (&*daemon.name(), false)] {
        let server = delivering();
        let call = clear_call(&server).settings(format!("log = \"{name}\"\n"));
        let folder = call.home().join(".config/smtpsend/log");
        fs::create_dir(&folder).unwrap();
        let output = call.run();
        assert_eq!(folder.join("mine").exists(), is_file);
        drop(output);
        server.finish();
    }
    assert!(daemon.heard().contains(" status=sent "));
}

#[test]
fn a_format_that_does_not_exist_is_named() {
    let server = Server::unvisited();
    let call = clear_call(&server).args(["--log-format", "xml"]);
    call.fails_with(64)
        .stderr_has("--log-format: \"xml\" is no format of the log\nhint: it is text or json\n")
        .run();
    server.finish();
}

#[test]
fn each_recipient_has_its_verdict_when_the_connection_is_lost() {
    let (_folder, log) = folder();
    let slow = SLOW_DELIVERY.split("S: 250 2.0.0").next().unwrap();
    let server = parts::server(&[parts::LOCKSTEP, slow, "DROP"]);
    let call = clear_call(&server).arg("--log").arg(&log);
    call.fails_with(75).stderr_any().run();
    let line = line(&log);
    assert!(line.contains(" status=uncertain exit=75 "), "{line}");
    assert!(line.ends_with(" unknown=b@example.com"), "{line}");
    server.finish();
}
