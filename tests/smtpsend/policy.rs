//! The port policy: which rung is left for the next one, which answer is final, and who decides when
//! all have failed.

use crate::parts::{BEFORE_TLS, DELIVERY, WITHIN_TLS, as_bench, call_from, secure_server};
use crate::support::{Server, Smtpsend, ca_pem, closed_port};

/// `hello` to localhost at these ports in turn.
pub(crate) fn call(ports: &[(u16, &str)]) -> Smtpsend {
    let list: Vec<String> = ports
        .iter()
        .map(|(port, tls)| format!("{port}/{tls}"))
        .collect();
    call_from(Smtpsend::new())
        .args([
            "--to",
            "b@example.com",
            "--server",
            "localhost",
            "--ports",
            &list.join(","),
        ])
        .arg("--ca-file")
        .arg(ca_pem())
}

/// The same at these servers, each by STARTTLS.
fn call_in_turn(servers: &[&Server]) -> Smtpsend {
    let ports: Vec<_> = servers
        .iter()
        .map(|server| (server.port(), "starttls"))
        .collect();
    call(&ports)
}

/// A server that takes the message.
pub(crate) fn good() -> Server {
    secure_server(&[WITHIN_TLS, DELIVERY])
}

/// What a rung may do to be left for the next one, its outcome in JSON, and a word of the warning.
const LEFT: [(&str, &str, &str); 11] = [
    (
        "S: 421 too many connections\nC? QUIT",
        "no-greeting",
        "421 too many connections",
    ),
    (
        "S: 554 no SMTP service here\nC? QUIT",
        "no-greeting",
        "554 no SMTP service here",
    ),
    ("DROP", "lost", "connection"),
    (
        "S: HTTP/1.1 400 Bad Request\nC? QUIT",
        "no-greeting",
        "not an SMTP reply",
    ),
    ("WAIT", "no-greeting", "no answer within 0.3 s"),
    (
        "S: 220 x\nC: EHLO *\nS: 250 x\nC? QUIT",
        "no-starttls",
        "STARTTLS not offered",
    ),
    (
        "S: 220 x\nC: EHLO *\nS: 250-x\nS: 250 STARTTLS\nC: STARTTLS\nS: 454 no\nC? QUIT",
        "no-starttls",
        "STARTTLS: 454 no",
    ),
    (
        "S: 220 x\nC: EHLO *\nS: 250-x\nS: 250 STARTTLS\nC: STARTTLS\nS: 502 no\nC? QUIT",
        "no-starttls",
        "STARTTLS: 502 no",
    ),
    (
        "S: 220 x\nC: EHLO *\nS: 250-x\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nTLSFAIL expired",
        "tls-failed",
        "expired on",
    ),
    (
        "S: 220 x\nC: EHLO *\nS: 250-x\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nTLSFAIL otherca",
        "tls-failed",
        "which is not trusted",
    ),
    (
        "S: 220 x\nC: EHLO *\nS: 250-x\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nDROP",
        "lost",
        "TLS handshake",
    ),
];

#[test]
fn a_rung_that_cannot_be_used_is_left_with_one_warning() {
    for (dialogue, outcome, word) in LEFT {
        let (first, second) = (Server::text(dialogue), good());
        let output = call_in_turn(&[&first, &second])
            .args(["--connect-timeout", "0.3", "--json"])
            .stdout_any()
            .stderr_has(word)
            .stderr_has(format!("smtpsend: warning: localhost:{}: ", first.port()))
            .stderr_has(format!("; using localhost:{} (starttls)\n", second.port()))
            .run();
        assert_eq!(output.stderr().lines().count(), 1, "{}", output.stderr());
        let json = output.json();
        assert_eq!(json["attempts"][0]["outcome"], outcome, "{dialogue}");
        assert_eq!(json["attempts"][1]["outcome"], "connected", "{dialogue}");
        assert_eq!(json["server"]["port"], second.port(), "{dialogue}");
        first.finish();
        second.finish();
    }
}

#[test]
fn a_port_where_nobody_listens_is_left_at_once() {
    let (closed, server) = (closed_port(), good());
    let json = call(&[(closed, "starttls"), (server.port(), "starttls")])
        .arg("--json")
        .stdout_any()
        .stderr_has(format!(
            "warning: localhost:{closed}: 127.0.0.1: connection refused; using"
        ))
        .run()
        .json();
    assert_eq!(json["attempts"][0]["outcome"], "refused");
    server.finish();
}

#[test]
fn the_first_rung_that_works_is_the_only_one_visited() {
    let (first, second) = (good(), Server::unvisited());
    let json = call_in_turn(&[&first, &second])
        .arg("--json")
        .stdout_any()
        .run()
        .json();
    assert_eq!(json["attempts"].as_array().unwrap().len(), 1);
    first.finish();
    second.finish();
}

#[test]
fn a_rung_with_implicit_tls_follows_one_with_starttls() {
    let second = Server::text(&format!("TLS\nS: 220 x\n{WITHIN_TLS}{DELIVERY}"));
    let json = call(&[(closed_port(), "starttls"), (second.port(), "implicit")])
        .arg("--json")
        .stdout_any()
        .stderr_has("(implicit)")
        .run()
        .json();
    assert_eq!(json["server"]["security"], "implicit");
    second.finish();
}

#[test]
fn an_answer_that_speaks_for_the_server_is_final() {
    let group = "C: AUTH PLAIN *\nC: MAIL *\nC: RCPT *\nC: DATA\n";
    let strange = "S: 530 x\nS: 503 x\nS: 503 x\nC: QUIT";
    for (rest, exit, word) in [
        (format!("{group}S: 535 no\n{strange}"), 77, "535 no"),
        (format!("{group}S: 454 later\n{strange}"), 75, "454 later"),
        (format!("{group}DROP"), 75, "AUTH"),
        (
            format!("{group}S: 235 ok\nS: 550 no\nS: 503 x\nS: 503 x\nC: QUIT"),
            69,
            "MAIL <a@example.com>: 550 no",
        ),
        (
            format!("{group}S: 235 ok\nS: 451 no\nS: 503 x\nS: 503 x\nC: QUIT"),
            75,
            "MAIL <a@example.com>: 451 no",
        ),
        (
            format!("{group}S: 235 ok\nS: 250 x\nS: 550 no\nS: 503 x\nC: QUIT"),
            67,
            "RCPT <b@example.com>: 550 no",
        ),
        (
            format!("{group}S: 235 ok\nS: 250 x\nS: 250 x\nS: 554 no\nC: QUIT"),
            69,
            "DATA: 554 no",
        ),
        (
            format!("{group}S: 235 ok\nDROP"),
            75,
            "MAIL <a@example.com>: connection",
        ),
    ] {
        let (first, second) = (secure_server(&[WITHIN_TLS, &rest]), Server::unvisited());
        as_bench(call_in_turn(&[&first, &second]))
            .fails_with(exit)
            .stderr_has(format!("smtpsend: localhost:{}: ", first.port()))
            .stderr_has(word)
            .run();
        first.finish();
        second.finish();
    }
}

#[test]
fn auth_that_is_not_offered_is_final() {
    let first = Server::text(&format!("{BEFORE_TLS}TLS\nC: EHLO *\nS: 250 x\nC: QUIT"));
    let second = Server::unvisited();
    as_bench(call_in_turn(&[&first, &second]))
        .fails_with(77)
        .stderr_has("AUTH not offered")
        .run();
    first.finish();
    second.finish();
}

#[test]
fn when_all_fail_each_rung_says_why_and_the_furthest_decides() {
    let first = Server::text("S: 421 busy\nC? QUIT");
    let second = Server::text(&format!("{BEFORE_TLS}TLSFAIL expired"));
    let third = Server::text("S: 220 x\nC: EHLO *\nS: 250 x\nC? QUIT");
    let closed = closed_port();
    let output = call(&[
        (closed, "starttls"),
        (first.port(), "starttls"),
        (second.port(), "starttls"),
        (third.port(), "starttls"),
    ])
    .arg("--json")
    .fails_with(69)
    .stdout_any()
    .stderr_has(format!(
        "localhost:{closed}: 127.0.0.1: connection refused\n"
    ))
    .stderr_has(format!("localhost:{}: greeting: 421 busy\n", first.port()))
    .stderr_has(format!(
        "localhost:{}: STARTTLS not offered\n",
        third.port()
    ))
    .run();
    let json = output.json();
    assert_eq!(json["error"]["kind"], "tls");
    assert!(
        json["error"]["message"]
            .as_str()
            .unwrap()
            .contains("expired on")
    );
    assert!(json["server"].is_null());
    let outcomes: Vec<_> = json["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| attempt["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(
        outcomes,
        ["refused", "no-greeting", "tls-failed", "no-starttls"]
    );
    for server in [first, second, third] {
        server.finish();
    }
}

#[test]
fn a_rung_that_was_left_within_tls_got_further_than_one_without_a_good_certificate() {
    let first = Server::text(&format!("{BEFORE_TLS}TLSFAIL expired"));
    let second = secure_server(&["C: EHLO *\nS: 421 busy\nC? QUIT"]);
    call_in_turn(&[&first, &second])
        .fails_with(75)
        .stderr_has("EHLO: 421 busy")
        .stderr_has("expired on")
        .run();
    first.finish();
    second.finish();
}

#[test]
fn of_rungs_that_got_equally_far_the_first_decides() {
    for (replies, exit) in [(["554 no", "421 busy"], 69), (["421 busy", "554 no"], 75)] {
        let servers = replies.map(|reply| Server::text(&format!("S: {reply}\nC? QUIT")));
        call_in_turn(&[&servers[0], &servers[1]])
            .fails_with(exit)
            .stderr_has(replies[0])
            .stderr_has(replies[1])
            .run();
        servers.into_iter().for_each(|server| _ = server.finish());
    }
}

#[test]
fn a_rung_whose_greeting_was_refused_got_further_than_one_nobody_answers() {
    let server = Server::text("S: 554 no\nC? QUIT");
    call(&[(closed_port(), "starttls"), (server.port(), "starttls")])
        .fails_with(69)
        .stderr_has("greeting: 554 no")
        .run();
    server.finish();
}
