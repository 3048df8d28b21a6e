//! What `--json` says of each way to fail: status, kind, and who got what.

use serde_json::Value;

use crate::delivery::call;
use crate::json::{ENVELOPE, HELLO, after, result};
use crate::support::{Server, Smtpsend, ca_pem, closed_port};

#[test]
fn what_is_wrong_before_connecting_is_failed() {
    for (args, code, kind) in [
        (&["--to", "b@x.org"][..], 78, "config"),
        (&["-S", "m.test:25", "--to", "b@x.org"], 78, "config"),
        (&["-S", "m.test", "--to", "bob"], 65, "message"),
        (&["-S", "m.test"], 64, "usage"),
        (
            &["-S", "m.test", "--to", "b@x.org", "--timeout", "soon"],
            64,
            "usage",
        ),
        (
            &["-S", "m.test", "--to", "b@x.org", "--nonsense"],
            64,
            "usage",
        ),
        (&["-S", "m.test", "stray"], 64, "usage"),
        (
            &["-S", "m.test", "--to", "b@x.org", "--body-file", "/none"],
            66,
            "input",
        ),
    ] {
        let json = result(Smtpsend::new().args(args.iter().copied()), code);
        assert_eq!(json["status"], "failed", "{args:?}");
        assert_eq!(json["error"]["kind"], kind, "{args:?}");
        for name in [
            "message_id",
            "size",
            "envelope_from",
            "server",
            "auth",
            "reply",
        ] {
            assert_eq!(json[name], Value::Null, "{args:?}: {name}");
        }
    }
}

#[test]
fn a_refused_recipient_is_rejected() {
    let json = after(
        &format!(
            "{HELLO}C: MAIL FROM:<*>\nS: 250 ok\nC: RCPT TO:<*>\nS: 550 5.1.1 who?\nC? QUIT\n"
        ),
        67,
    );
    assert_eq!(json["status"], "rejected");
    assert_eq!(json["error"]["kind"], "recipient");
    let recipient = &json["recipients"][0];
    assert_eq!(recipient["status"], "rejected");
    assert_eq!(recipient["code"], 550);
    assert_eq!(recipient["enhanced"], "5.1.1");
    assert_eq!(recipient["text"], "who?");
    assert_eq!(json["reply"], Value::Null);
}

#[test]
fn all_hints_are_there_with_that_of_the_deciding_failure_first() {
    let server = Server::text(&format!(
        "{HELLO}C: MAIL *\nS: 250 ok\nC: RCPT *\nS: 250 ok\nC: RCPT *\nS: 550 5.1.1 no\n\
         C: RCPT *\nS: 450 4.2.0 Greylisted\nC: DATA\nS: 354 go\nBODY\nS: 250 ok\nC? QUIT\n"
    ));
    let call = call(&server).args(["--to", "b@x.org,c@x.org,d@x.org", "--body", "x"]);
    let json = result(call, 75);
    assert_eq!(
        json["error"]["hint"],
        "accepted for 1 of 3 recipients: do not send it to them again\n\
         the server asks unknown senders to come again: try again in some minutes, with --retry 5\n\
         the server does not know this address: check it for a typing error"
    );
    server.finish();
}

#[test]
fn a_refused_message_is_rejected() {
    let json = after(
        &format!("{HELLO}{ENVELOPE}C: DATA\nS: 354 go\nBODY\nS: 554 5.6.0 no\nC? QUIT\n"),
        69,
    );
    assert_eq!(json["status"], "rejected");
    assert_eq!(json["error"]["kind"], "refused");
    assert_eq!(json["recipients"][0]["code"], 554);
}

#[test]
fn a_greylisted_recipient_is_deferred() {
    let json = after(
        &format!("{HELLO}C: MAIL FROM:<*>\nS: 250 ok\nC: RCPT TO:<*>\nS: 451 later\nC? QUIT\n"),
        75,
    );
    assert_eq!(json["status"], "deferred");
    assert_eq!(json["error"]["kind"], "temporary");
    assert_eq!(json["recipients"][0]["status"], "deferred");
}

#[test]
fn a_connection_lost_after_the_final_dot_is_uncertain() {
    let json = after(
        &format!("{HELLO}{ENVELOPE}C: DATA\nS: 354 go\nBODY\nDROP\n"),
        75,
    );
    assert_eq!(json["status"], "uncertain");
    assert_eq!(json["error"]["kind"], "uncertain");
    assert_eq!(json["recipients"][0]["status"], "unknown");
    assert_eq!(json["recipients"][0]["code"], Value::Null);
}

#[test]
fn some_accepted_and_some_not_is_partial() {
    let server = Server::text(&format!(
        "{HELLO}{ENVELOPE}C: RCPT TO:<c@x.org>\nS: 550 5.1.1 who?\nC: DATA\nS: 354 go\nBODY\nS: 250 ok\nC? QUIT\n"
    ));
    let json = result(
        call(&server).args(["--to", "b@x.org,c@x.org", "--body", "x"]),
        67,
    );
    server.finish();
    assert_eq!(json["status"], "partial");
    assert_eq!(json["recipients"][0]["status"], "accepted");
    assert_eq!(json["recipients"][1]["status"], "rejected");
    assert_eq!(json["reply"]["code"], 250);
}

#[test]
fn a_broken_protocol_a_refused_password_and_no_tls_are_failed() {
    let json = after(&format!("{HELLO}C: MAIL FROM:<*>\nS: 354 what?\nEOF\n"), 76);
    assert_eq!(json["error"]["kind"], "protocol");
    assert_eq!(json["status"], "failed");

    let server = Server::file("auth-refused");
    let refused = Smtpsend::new()
        .server(&server)
        .args(["--to", "b@x.org", "--body", "x", "-u", "bench"])
        .env("SMTPSEND_PASSWORD", "wrong");
    let json = result(refused, 77);
    server.finish();
    assert_eq!(json["error"]["kind"], "auth");
    assert_eq!(json["status"], "failed");

    let server = Server::text(&format!("{HELLO}C? QUIT\nS: 221 bye\n"));
    let bare = Smtpsend::new()
        .args([
            "-S",
            &server.addr().to_string(),
            "--to",
            "b@x.org",
            "--body",
            "x",
        ])
        .arg("--ca-file")
        .arg(ca_pem());
    let json = result(bare, 69);
    server.finish();
    assert_eq!(json["error"]["kind"], "tls");
    assert_eq!(json["attempts"][0]["outcome"], "no-starttls");
}

#[test]
fn nobody_there_names_each_attempt() {
    let ports = [closed_port(), closed_port()];
    let servers = ports.map(|port| format!("127.0.0.1:{port}")).join(",");
    let call = Smtpsend::new().args(["-S", &servers, "--to", "b@x.org", "--body", "x"]);
    let json = result(call, 75);
    assert_eq!(json["status"], "deferred");
    assert_eq!(json["server"], Value::Null);
    for (attempt, port) in json["attempts"].as_array().unwrap().iter().zip(ports) {
        assert_eq!(attempt["port"], port);
        assert_eq!(attempt["outcome"], "refused");
        assert!(attempt["detail"].is_string());
    }
}
