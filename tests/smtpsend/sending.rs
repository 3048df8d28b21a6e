//! The main job over each way to a server: what is said, in how many waits, and that the message
//! arrives as it was.

use crate::parts::{self, GROUPS, LOCKSTEP, SLOW_DELIVERY, clear_call};
use crate::support::{Options, Server, Smtpsend};
use crate::ways::{Way, waits};

/// How often is waited where PIPELINING is offered, and neither AUTH nor CHUNKING.
const SECURITIES: [(&str, usize); 3] = [("none", 4), ("starttls", 7), ("implicit", 5)];

#[test]
fn every_way_to_a_server_is_walked_in_its_number_of_waits() {
    for (security, opening) in SECURITIES {
        for (mechanism, together, alone) in [("none", 0, 0), ("PLAIN", 0, 1), ("LOGIN", 3, 3)] {
            for chunking in [false, true] {
                let way = Way::new(security, mechanism, chunking);
                let expected = opening + together - usize::from(chunking);
                assert_eq!(waits(way, &[]), expected, "{way:?}");
                let lockstep = Way {
                    pipelining: false,
                    ..way
                };
                let expected = opening + alone + 2 - usize::from(chunking);
                assert_eq!(waits(lockstep, &[]), expected, "{lockstep:?}");
            }
        }
    }
}

#[test]
fn a_message_to_so_many_takes_six_waits_over_starttls_and_four_over_implicit_tls() {
    for recipients in [1, 20, 100, 2000] {
        for (security, expected) in [("starttls", 6), ("implicit", 4)] {
            let way = Way {
                recipients,
                ..Way::new(security, "PLAIN", true)
            };
            assert_eq!(waits(way, &[]), expected, "{way:?}");
        }
    }
}

#[test]
fn data_in_place_of_bdat_takes_one_more_wait_for_so_many() {
    for recipients in [1, 20, 100, 2000] {
        for (security, expected) in [("starttls", 7), ("implicit", 5)] {
            let way = Way {
                recipients,
                ..Way::new(security, "PLAIN", false)
            };
            assert_eq!(waits(way, &[]), expected, "{way:?}");
        }
    }
}

#[test]
fn auth_that_waits_alone_takes_one_more_wait() {
    for (security, expected) in [("starttls", 7), ("implicit", 5)] {
        let way = Way {
            auth_first: true,
            ..Way::new(security, "PLAIN", true)
        };
        assert_eq!(waits(way, &["--auth-first"]), expected, "{way:?}");
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
    parts::as_bench(clear_call(&server))
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
        let dialogue = Way::new(security, "none", false).dialogue();
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
