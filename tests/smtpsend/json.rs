//! `--json`: one object on standard output, with every name in it, whatever happened.

use serde_json::Value;

use crate::delivery::call;
use crate::support::{Server, Smtpsend};

const NAMES: [&str; 13] = [
    "attempts",
    "auth",
    "duration_ms",
    "envelope_from",
    "error",
    "exit",
    "message_id",
    "queue_id",
    "recipients",
    "reply",
    "server",
    "size",
    "status",
];

fn names(value: &Value) -> Vec<&str> {
    let mut names: Vec<_> = value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    names
}

/// What is printed, and that its names are those of the contract.
#[track_caller]
pub(crate) fn result(call: Smtpsend, code: i32) -> Value {
    let output = call
        .arg("--json")
        .fails_with(code)
        .stdout_any()
        .stderr_any()
        .run();
    assert!(output.stdout().ends_with("}\n"), "{}", output.stdout());
    assert_eq!(output.stdout().lines().count(), 1, "{}", output.stdout());
    let json = output.json();
    assert_eq!(names(&json), NAMES);
    assert_eq!(json["exit"], code);
    assert!(json["duration_ms"].is_u64());
    for recipient in json["recipients"].as_array().unwrap() {
        assert_eq!(
            names(recipient),
            ["address", "code", "enhanced", "status", "text"]
        );
    }
    for attempt in json["attempts"].as_array().unwrap() {
        let expected = ["detail", "host", "ms", "outcome", "port", "security"];
        assert_eq!(names(attempt), expected);
    }
    if code == 0 {
        assert_eq!(json["error"], Value::Null);
    } else {
        assert_eq!(names(&json["error"]), ["hint", "kind", "message"]);
    }
    json
}

/// What comes of this dialogue, for b@x.org.
#[track_caller]
pub(crate) fn after(dialogue: &str, code: i32) -> Value {
    let server = Server::text(dialogue);
    let json = result(call(&server).args(["--to", "b@x.org", "--body", "x"]), code);
    server.finish();
    json
}

pub(crate) const HELLO: &str = "S: 220 mail.test\nC: EHLO *\nS: 250 mail.test\n";
pub(crate) const ENVELOPE: &str = "C: MAIL FROM:<*>\nS: 250 ok\nC: RCPT TO:<*>\nS: 250 2.1.5 ok\n";

#[test]
fn success_names_everything() {
    let server = Server::file("starttls-auth-pipelining");
    let call = Smtpsend::new()
        .server(&server)
        .args([
            "--to", "b@x.org", "-f", "a@x.org", "--body", "x", "-u", "bench",
        ])
        .env("SMTPSEND_PASSWORD", "secret")
        .stderr_is("");
    let json = result(call, 0);
    let message = server.finish().message().clone();
    assert_eq!(json["status"], "sent");
    assert_eq!(json["size"], message.data.len());
    assert_eq!(json["envelope_from"], "a@x.org");
    assert_eq!(json["auth"], "PLAIN");
    assert_eq!(json["queue_id"], Value::Null);
    let id = json["message_id"].as_str().unwrap();
    assert!(
        message
            .text()
            .contains(&format!("\r\nMessage-ID: {id}\r\n"))
    );
    let server = &json["server"];
    assert_eq!(
        names(server),
        ["address", "cipher", "host", "port", "security", "tls"]
    );
    assert_eq!(server["host"], "127.0.0.1");
    assert_eq!(server["address"], "127.0.0.1");
    assert_eq!(server["security"], "starttls");
    assert_eq!(server["tls"], "TLSv1.3");
    let reply = &json["reply"];
    assert_eq!(names(reply), ["code", "enhanced", "text"]);
    assert_eq!(reply["code"], 250);
    assert_eq!(reply["enhanced"], "2.0.0");
    assert_eq!(reply["text"], "queued as 4F2");
    let recipient = &json["recipients"][0];
    assert_eq!(recipient["address"], "b@x.org");
    assert_eq!(recipient["status"], "accepted");
    assert_eq!(recipient["enhanced"], "2.1.5");
    assert_eq!(json["attempts"][0]["outcome"], "connected");
}

#[test]
fn what_did_not_come_to_pass_is_null() {
    let json = after(
        &format!("{HELLO}{ENVELOPE}C: DATA\nS: 354 go\nBODY\nS: 250 ok\nC? QUIT\n"),
        0,
    );
    assert_eq!(json["server"]["tls"], Value::Null);
    assert_eq!(json["server"]["cipher"], Value::Null);
    assert_eq!(json["server"]["security"], "none");
    assert_eq!(json["auth"], Value::Null);
    assert_eq!(json["reply"]["enhanced"], Value::Null);
    assert_eq!(json["attempts"][0]["detail"], Value::Null);
}

#[test]
fn the_null_sender_is_empty_and_not_null() {
    let server = crate::delivery::server(&[], 1);
    let call = call(&server).args(["--to", "b@x.org", "--body", "x", "--envelope-from", "<>"]);
    assert_eq!(result(call, 0)["envelope_from"], "");
    server.finish();
}

#[test]
fn hostile_text_stays_a_string() {
    let hostile = r#"554 5.7.1 \",\"exit\":0} \\x1b[31m \\ud800 </script>\x1b[2J\x07\x00\xff\xc3\xe2\x80\xae"#;
    let json = after(
        &format!(
            "{HELLO}C: MAIL FROM:<*>\nS~ {}\\r\\n\nC? QUIT\n",
            hostile.replace("\\\"", "\"")
        ),
        69,
    );
    let text = json["recipients"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("\",\"exit\":0}"), "{text:?}");
    assert!(!text.contains(char::is_control), "{text:?}");
}

#[test]
fn json_comes_from_the_environment() {
    let output = Smtpsend::new()
        .args(["--to", "b@x.org", "--body", "x"])
        .env("SMTPSEND_JSON", "1")
        .fails_with(78)
        .stdout_any()
        .stderr_any()
        .run();
    assert_eq!(output.json()["exit"], 78);
}
