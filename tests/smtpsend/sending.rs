//! The main job over each way to a server: what is said, in how many waits, and that the message
//! arrives as it was.

use crate::parts::{self, GROUPS, LOCKSTEP, SLOW_DELIVERY, as_bench, call_from, clear_call};
use crate::support::{Dialogue, Options, Server, Smtpsend};

const SECURITIES: [(&str, usize); 3] = [("none", 4), ("starttls", 7), ("implicit", 5)];
const MECHANISMS: [(&str, usize); 3] = [("none", 0), ("PLAIN", 1), ("LOGIN", 3)];

/// A dialogue over one way: all that a server may be asked for is in it.
fn way(security: &str, pipelining: bool, mechanism: &str, recipients: usize) -> Dialogue {
    let (_, rcpt) = parts::recipients(recipients);
    let pipelined = if pipelining {
        "S: 250-PIPELINING\n"
    } else {
        ""
    };
    let ehlo = format!(
        "C: EHLO *\nS: 250-mail.test\n{pipelined}S: 250-8BITMIME\nS: 250 AUTH {mechanism}\n"
    );
    let opening = match security {
        "none" => format!("S: 220 mail.test ESMTP\n{ehlo}"),
        "starttls" => format!("{}TLS\n{ehlo}", parts::BEFORE_TLS),
        _ => format!("TLS\nS: 220 mail.test ESMTP\n{ehlo}"),
    };
    let auth = match mechanism {
        "PLAIN" => "C64: AUTH PLAIN \\0bench\\0hunter2\nS: 235 2.7.0 welcome\n",
        "LOGIN" => {
            "C: AUTH LOGIN\nS64: 334 Username:\nC64: bench\nS64: 334 Password:\nC64: hunter2\nS: 235 2.7.0 welcome\n"
        }
        _ => "",
    };
    let envelope = if pipelining {
        format!(
            "C: MAIL FROM:<a@example.com>\n{rcpt}C: DATA\nS: 250 ok\nREPEAT {recipients}\nS: 250 ok\nEND\nS: 354 go ahead\n"
        )
    } else {
        format!(
            "C: MAIL FROM:<a@example.com>\nQUIET\nS: 250 ok\n{}C: DATA\nQUIET\nS: 354 go ahead\n",
            rcpt.replace('\n', "\nQUIET\nS: 250 ok\n")
        )
    };
    Dialogue::text(&format!(
        "{opening}{auth}{envelope}BODY\nS: 250 2.0.0 queued\nC: QUIT\nS: 221 bye"
    ))
}

/// Sends to so many recipients over one way, and gives the waits it took.
fn waits(security: &str, pipelining: bool, mechanism: &str, recipients: usize) -> usize {
    let dialogue = way(security, pipelining, mechanism, recipients);
    let server = Server::start([dialogue], Options::default());
    let mut call = call_from(Smtpsend::new().server(&server)).args([
        "--tls",
        security,
        "--to",
        &parts::recipients(recipients).0,
    ]);
    if mechanism != "none" {
        call = as_bench(call);
    }
    if security == "none" {
        call = call.arg("--allow-cleartext-auth");
    }
    call.run();
    let transcript = server.finish();
    assert!(transcript.message().text().ends_with("\r\n\r\nhello\r\n"));
    transcript.waits
}

#[test]
fn every_way_to_a_server_is_walked_in_its_number_of_waits() {
    for (security, opening) in SECURITIES {
        for (mechanism, auth) in MECHANISMS {
            let way = format!("{security} {mechanism}");
            assert_eq!(waits(security, true, mechanism, 1), opening + auth, "{way}");
            let lockstep = opening + auth + 2;
            assert_eq!(waits(security, false, mechanism, 1), lockstep, "{way}");
        }
    }
}

#[test]
fn more_recipients_make_no_more_waits() {
    for recipients in [1, 20, 100, 2000] {
        assert_eq!(waits("starttls", true, "PLAIN", recipients), 8);
        assert_eq!(waits("implicit", true, "PLAIN", recipients), 6);
    }
}

#[test]
fn each_command_waits_with_no_pipelining() {
    let server = parts::server(&[GROUPS, SLOW_DELIVERY]);
    clear_call(&server).arg("--no-pipelining").run();
    assert_eq!(server.finish().waits, 6);
}

#[test]
fn a_server_that_never_answers_quit_is_not_waited_for() {
    let server = Server::text(&format!(
        "{LOCKSTEP}{}",
        SLOW_DELIVERY.replace("S: 221 2.0.0 bye\n", "WAIT\n")
    ));
    clear_call(&server)
        .limit(std::time::Duration::from_secs(5))
        .run();
    server.finish();
}

#[test]
fn the_name_for_ehlo_is_the_one_given() {
    let dialogue = [GROUPS, parts::DELIVERY]
        .concat()
        .replace("EHLO *", "EHLO client.example.org");
    let server = Server::text(&dialogue);
    clear_call(&server)
        .args(["--ehlo", "client.example.org"])
        .run();
    server.finish();
}

#[test]
fn the_name_for_ehlo_is_a_full_name_or_an_address_by_default() {
    let server = parts::server(&[GROUPS, parts::DELIVERY]);
    clear_call(&server).run();
    let lines = server.finish().lines;
    let name = lines[0].strip_prefix("EHLO ").unwrap();
    assert!(name == "[127.0.0.1]" || name.contains('.'), "{name}");
}

#[test]
fn helo_is_tried_where_ehlo_is_unknown_and_nothing_needs_it() {
    let server = parts::server(&[
        "S: 220 old.test\nC: EHLO *\nS: 502 what?\nC: HELO *\nS: 250 old.test\n",
        SLOW_DELIVERY,
    ]);
    clear_call(&server).run();
    server.finish();
}

#[test]
fn helo_is_never_tried_with_a_user() {
    let server = parts::server(&["S: 220 old.test\nC: EHLO *\nS: 502 what?\nC? QUIT"]);
    as_bench(clear_call(&server))
        .arg("--allow-cleartext-auth")
        .fails_with(69)
        .stderr_has("EHLO: 502 what?")
        .run();
    server.finish();
}

#[test]
fn helo_is_never_tried_where_tls_is_due() {
    let server = parts::server(&["S: 220 old.test\nC: EHLO *\nS: 502 what?\nC? QUIT"]);
    parts::call(&server)
        .fails_with(69)
        .stderr_has("EHLO: 502 what?")
        .run();
    server.finish();
}

#[test]
fn dots_are_doubled_on_the_wire_and_nothing_else_is_changed() {
    let text = "Date: Thu, 1 Jan 2026 00:00:00 +0000\r\nFrom: a@example.com\r\nTo: b@example.com\r\nMessage-ID: <1@example.com>\r\nSubject: x\r\n\r\n.\r\n..\r\n.a\r\na.\r\n\r\n.\r\n";
    let server = parts::server(&[GROUPS, parts::DELIVERY]);
    Smtpsend::new()
        .server(&server)
        .args(["--tls", "none", "--to", "b@example.com"])
        .stdin(text)
        .run();
    let transcript = server.finish();
    let message = transcript.message();
    assert_eq!(message.text(), text);
    assert!(
        message
            .raw
            .ends_with(b"\r\n\r\n..\r\n...\r\n..a\r\na.\r\n\r\n..\r\n")
    );
}

#[test]
fn a_large_message_arrives_octet_for_octet() {
    let mut text = "Date: Thu, 1 Jan 2026 00:00:00 +0000\r\nFrom: a@example.com\r\nTo: b@example.com\r\nMessage-ID: <1@example.com>\r\nSubject: x\r\n\r\n".to_owned();
    for n in 0..40_000 {
        text.push_str(&".".repeat(n % 4));
        text.push_str(&format!("line {n}\r\n"));
    }
    for security in ["none", "implicit"] {
        let dialogue = way(security, true, "none", 1);
        let server = Server::start([dialogue], Options::default().narrow());
        Smtpsend::new()
            .server(&server)
            .args(["--tls", security, "--to", "r0@example.com"])
            .stdin(&text)
            .run();
        assert!(
            server.finish().message().data == text.as_bytes(),
            "{security}"
        );
    }
}
