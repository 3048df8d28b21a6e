//! `smtpsend check`: each way in which a server cannot be used is named in the verdict, and what works
//! is given as options. No mail is sent, and a password is tried once.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::parts::{BEFORE_TLS, WITHIN_TLS, as_bench, secure_server, server};
use crate::staggering::Hole;
use crate::support::printed::Output;
use crate::support::{Dialogue, Options, Server, Smtpsend, ca_pem};

/// What follows [`WITHIN_TLS`] when bench logs in.
pub(crate) const LOGIN: &str = "C: AUTH PLAIN *\nS: 235 2.7.0 welcome\nC: QUIT\nS: 221 bye\n";

/// A good session with implicit TLS, without a login.
pub(crate) const IMPLICIT: &str = "TLS\nS: 220 mail.test\nC: EHLO *\nS: 250 mail.test\nC: QUIT\n";

/// `smtpsend check` of localhost at these ports in turn.
pub(crate) fn check(ports: &[(u16, &str)]) -> Smtpsend {
    let ports: Vec<_> = ports
        .iter()
        .map(|(port, tls)| format!("{port}/{tls}"))
        .collect();
    let call = Smtpsend::new().args(["check", "--server", "localhost", "--ports"]);
    call.arg(ports.join(","))
        .arg("--ca-file")
        .arg(ca_pem())
        .stdout_any()
}

/// The same of one port by STARTTLS.
fn check_one(server: &Server) -> Smtpsend {
    check(&[(server.port(), "starttls")])
}

pub(crate) fn dialogues(texts: &[&str]) -> Server {
    Server::start(
        texts.iter().map(|text| Dialogue::text(text)),
        Options::default(),
    )
}

/// The verdict's lines, as a text has them behind the ports.
pub(crate) fn verdict(stdout: &str) -> &str {
    let (_, verdict) = stdout.rsplit_once("\n\n").expect("a verdict");
    verdict
}

/// That the run printed each of these.
#[track_caller]
fn prints_all(output: &Output, all: &[&str]) {
    for words in all {
        assert!(
            output.stdout().contains(words),
            "{words}\n{}",
            output.stdout()
        );
    }
}

#[test]
fn a_good_server_is_described_and_the_login_is_tried() {
    let server = secure_server(&[&WITHIN_TLS.replace("8BITMIME", "SIZE 1000"), LOGIN]);
    let output = as_bench(check_one(&server)).run();
    let text = output.stdout();
    for fact in [
        "  connected    to 127.0.0.1 in ",
        "  greeting     220 mail.test ESMTP\n",
        "  TLS          TLSv1.3, TLS_",
        "  certificate  CN=test server, issued by CN=test CA\n",
        "               for localhost, mail.test, 127.0.0.1, ::1\n",
        " days left, trusted\n",
        "  offers       PIPELINING, SIZE 1000, AUTH PLAIN LOGIN, ENHANCEDSTATUSCODES\n",
        "  size limit   1000 octets\n",
        "  AUTH         PLAIN, LOGIN\n",
        "  login        accepted by PLAIN\n",
        "  result       this port is used\n",
    ] {
        assert!(text.contains(fact), "{fact}\n{text}");
    }
    let port = server.port();
    assert_eq!(
        verdict(text),
        format!(
            "verdict: mail can be sent by localhost:{port} (starttls, TLSv1.3) as bench, accepted by AUTH PLAIN\n\
             use: --server localhost:{port} --tls starttls --ca-file {} --user bench\n",
            ca_pem().display()
        )
    );
    server.finish();
}

#[test]
fn the_facts_stand_in_json() {
    let server = secure_server(&[WITHIN_TLS, LOGIN]);
    let json = as_bench(check_one(&server)).arg("--json").run().json();
    assert_eq!(json["exit"], 0);
    assert_eq!(json["advice"], Value::Null);
    assert_eq!(
        json["use"],
        format!(
            "--server localhost:{} --tls starttls --ca-file {} --user bench",
            server.port(),
            ca_pem().display()
        )
    );
    let rung = &json["rungs"][0];
    for (name, value) in [
        ("host", "localhost"),
        ("security", "starttls"),
        ("address", "127.0.0.1"),
        ("greeting", "220 mail.test ESMTP"),
        ("tls", "TLSv1.3"),
        ("outcome", "connected"),
    ] {
        assert_eq!(rung[name], value, "{name}");
    }
    assert_eq!(rung["used"], true);
    assert_eq!(rung["auth"], serde_json::json!(["PLAIN", "LOGIN"]));
    assert_eq!(rung["login"]["status"], "accepted");
    assert_eq!(rung["login"]["mechanism"], "PLAIN");
    let certificate = &rung["certificate"];
    assert_eq!(certificate["subject"], "CN=test server");
    assert_eq!(certificate["issuer"], "CN=test CA");
    assert_eq!(certificate["trusted"], true);
    assert!(
        certificate["not_after"]
            .as_str()
            .unwrap()
            .ends_with("T00:00:00Z")
    );
    assert!(certificate["days_left"].as_i64().unwrap() > 0);
    assert!(certificate["pin"].as_str().unwrap().starts_with("sha256:"));
    server.finish();
}

#[test]
fn the_login_is_tried_on_the_port_that_is_used_and_on_no_other() {
    let first = secure_server(&[WITHIN_TLS, LOGIN]);
    let second = secure_server(&[WITHIN_TLS, "C: QUIT\n"]);
    let ports = [(first.port(), "starttls"), (second.port(), "starttls")];
    as_bench(check(&ports))
        .stdout_has("  login        accepted by PLAIN\n  result       this port is used\n")
        .stdout_has(format!(
            "  login        not tried: login is tried on the port that is used, localhost:{}\n  result       this port would do\n",
            first.port()
        ))
        .run();
    first.finish();
    second.finish();
}

#[test]
fn without_a_user_nobody_logs_in() {
    let server = secure_server(&[WITHIN_TLS, "C: QUIT\n"]);
    check_one(&server)
        .stdout_has("  login        not tried: no user is set\n")
        .stdout_has("as nobody, since no user is set\n")
        .run();
    server.finish();
}

#[test]
fn a_refused_password_is_tried_once_and_decides() {
    let refused = "C: AUTH PLAIN *\nS: 535 5.7.8 no\nC: QUIT\n";
    let first = secure_server(&[WITHIN_TLS, refused]);
    let second = secure_server(&[WITHIN_TLS, "C: QUIT\n"]);
    let ports = [(first.port(), "starttls"), (second.port(), "starttls")];
    as_bench(check(&ports))
        .fails_with(77)
        .stdout_has(format!(
            "  result       this port is reached\n\nlocalhost:{}",
            second.port()
        ))
        .stdout_has(format!(
            "verdict: no mail can be sent (exit 77): localhost:{}: AUTH PLAIN: 535 5.7.8 no\nhint: the user or the password is wrong",
            first.port()
        ))
        .run();
    first.finish();
    second.finish();
}

#[test]
fn auth_that_is_not_offered_is_named() {
    let server = secure_server(&["C: EHLO *\nS: 250 mail.test\nC: QUIT\n"]);
    as_bench(check_one(&server))
        .fails_with(77)
        .stdout_has("  AUTH         not offered\n")
        .stdout_has("verdict: no mail can be sent (exit 77): ")
        .stdout_has("AUTH not offered although a user is given")
        .run();
    server.finish();
}

#[test]
fn a_bad_certificate_is_shown_and_named() {
    for (name, words, fact) in [
        (
            "expired",
            "expired on Thu, 31 Dec 2020",
            " days ago, NOT trusted\n",
        ),
        (
            "wrongname",
            "is for other.test, not for localhost",
            "for other.test\n",
        ),
        (
            "selfsigned",
            "self-signed",
            "CN=test server, signed by itself\n",
        ),
        (
            "otherca",
            "issued by \"CN=another CA\"",
            "issued by CN=another CA\n",
        ),
    ] {
        for tls in ["starttls", "implicit"] {
            let opening = if tls == "starttls" { BEFORE_TLS } else { "" };
            let server = Server::text(&format!("{opening}TLSFAIL {name}"));
            let output = check(&[(server.port(), tls)])
                .fails_with(69)
                .stdout_has(fact)
                .run();
            let verdict = verdict(output.stdout());
            assert!(
                verdict.starts_with("verdict: no mail can be sent (exit 69): "),
                "{verdict}"
            );
            assert!(verdict.contains(words), "{verdict}");
            assert!(verdict.contains("\nhint: "), "{verdict}");
            server.finish();
        }
    }
}

#[test]
fn a_port_that_waits_for_tls_is_recognised() {
    let server = dialogues(&["WAIT", IMPLICIT]);
    let output = check_one(&server)
        .args(["--connect-timeout", "2"])
        .fails_with(75)
        .run();
    let port = server.port();
    prints_all(
        &output,
        &[
            &format!("localhost:{port} (implicit TLS), which is what it speaks\n"),
            "verdict: no mail can be sent (exit 75): ",
            "the port answers with TLS at once",
            "\nhint: use --tls implicit for this port\n",
            &format!("\nuse: --server localhost:{port} --tls implicit "),
        ],
    );
    server.finish();
}

#[test]
fn a_port_that_speaks_first_is_recognised() {
    let server = dialogues(&[
        "S: 220 mail.test ESMTP\nWAIT",
        &format!("{BEFORE_TLS}TLS\n{WITHIN_TLS}C: QUIT\n"),
    ]);
    let port = server.port();
    let output = check(&[(port, "implicit")]).fails_with(76).run();
    prints_all(
        &output,
        &[
            &format!("localhost:{port} (STARTTLS), which is what it speaks\n"),
            "verdict: no mail can be sent (exit 76): ",
            "the port speaks plain SMTP with STARTTLS",
            "\nhint: use --tls starttls for this port\n",
            &format!("\nuse: --server localhost:{port} --tls starttls "),
        ],
    );
    server.finish();
}

#[test]
fn a_server_that_is_slow_to_greet_is_not_taken_for_another() {
    let opening = format!("PAUSE 400\n{BEFORE_TLS}TLS\n{WITHIN_TLS}C: QUIT\n");
    let server = dialogues(&[&opening, "S: 220 mail.test ESMTP\nWAIT"]);
    let output = check_one(&server).args(["--connect-timeout", "1"]).run();
    assert!(verdict(output.stdout()).starts_with("verdict: mail can be sent"));
    server.finish();
}

#[test]
fn a_port_that_swallows_connects_is_named_and_the_next_one_advised() {
    let (hole, server) = (Hole::new(), secure_server(&[WITHIN_TLS, "C: QUIT\n"]));
    let ports = [
        (hole.address().port(), "starttls"),
        (server.port(), "starttls"),
    ];
    let output = check(&ports).args(["--connect-timeout", "0.5"]).run();
    prints_all(
        &output,
        &[
            "  result       no answer within 0.5 s (a firewall on the way swallows it",
            &format!(
                "\nhint: each message is tried at localhost:{} first",
                ports[0].0
            ),
            &format!(
                "\nuse: --server localhost:{} --tls starttls ",
                server.port()
            ),
        ],
    );
    server.finish();
}

#[test]
fn a_server_of_which_every_port_swallows_connects_is_named() {
    let hole = Hole::new();
    check(&[(hole.address().port(), "starttls")])
        .args(["--connect-timeout", "0.3"])
        .fails_with(75)
        .stdout_has("verdict: no mail can be sent (exit 75): localhost:")
        .stdout_has(
            "no answer within 0.3 s (a firewall on the way swallows it, or the machine is down)",
        )
        .stdout_has("hint: is the server's name right")
        .run();
}

#[test]
fn the_ports_are_tried_side_by_side() {
    let holes = [(); 4].map(|()| Hole::new());
    let ports = holes
        .each_ref()
        .map(|hole| (hole.address().port(), "starttls"));
    let start = Instant::now();
    check(&ports)
        .args(["--connect-timeout", "0.5"])
        .fails_with(75)
        .run();
    assert!(
        start.elapsed() < Duration::from_millis(1500),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn the_deadline_ends_it_all() {
    let server = dialogues(&["WAIT", "WAIT"]);
    let start = Instant::now();
    check_one(&server)
        .args(["--deadline", "0.5"])
        .fails_with(75)
        .stdout_has("the deadline is over")
        .run();
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    server.finish();
}

#[test]
fn a_port_that_is_not_for_mail_is_named() {
    let http = "READ 5\nS: HTTP/1.1 400 Bad Request\nWAIT";
    let answers = dialogues(&[http, "S: HTTP/1.1 400 Bad Request\nC? QUIT"]);
    check(&[(answers.port(), "implicit")])
        .fails_with(76)
        .stdout_has("hint: this port answers neither by STARTTLS nor by implicit TLS")
        .run();
    answers.finish();
    let silent = dialogues(&["WAIT", "WAIT"]);
    check_one(&silent)
        .args(["--connect-timeout", "0.5"])
        .fails_with(75)
        .stdout_has("greeting: no answer within 0.5 s\nhint: this port answers neither")
        .run();
    silent.finish();
}

#[test]
fn starttls_that_is_not_offered_is_named() {
    let server = server(&["S: 220 x\nC: EHLO *\nS: 250-x\nS: 250 8BITMIME\nC: QUIT"]);
    check_one(&server)
        .fails_with(69)
        .stdout_has("  offers       8BITMIME (before TLS)\n")
        .stdout_has("verdict: no mail can be sent (exit 69): ")
        .stdout_has("STARTTLS not offered")
        .run();
    server.finish();
}

#[test]
fn somebody_on_the_line_ends_the_search() {
    let opening = BEFORE_TLS.replace("S: 220 2.0.0 ready\n", "");
    let first = Server::text(&format!("{opening}{}", r"S~ 220 go\r\n250 evil\r\n"));
    let second = secure_server(&[WITHIN_TLS, "C: QUIT\n"]);
    let ports = [(first.port(), "starttls"), (second.port(), "starttls")];
    let json = as_bench(check(&ports))
        .arg("--json")
        .fails_with(76)
        .run()
        .json();
    assert!(
        json["verdict"]
            .as_str()
            .unwrap()
            .contains("plaintext behind the 220")
    );
    assert_eq!(json["rungs"][1]["login"]["status"], "not-tried");
    assert_eq!(
        json["use"],
        Value::Null,
        "this network is not to be trusted"
    );
    first.finish();
    second.finish();
}

#[test]
fn credentials_stay_at_home_where_there_is_no_tls() {
    let server = server(&["S: 220 x\nC: EHLO *\nS: 250-x\nS: 250 AUTH PLAIN\nC: QUIT"]);
    as_bench(check(&[(server.port(), "none")]))
        .fails_with(77)
        .stdout_has("credentials are not sent without TLS")
        .run();
    server.finish();
}

#[test]
fn auth_that_is_not_offered_in_clear_is_named_before_tls_is_missed() {
    let server = server(&["S: 220 x\nC: EHLO *\nS: 250 x\nC: QUIT"]);
    as_bench(check(&[(server.port(), "none")]))
        .fails_with(77)
        .stdout_has("AUTH not offered although a user is given")
        .run();
    server.finish();
}

#[test]
fn the_dialogue_is_shown_one_port_after_the_other() {
    let servers = [(), ()].map(|()| secure_server(&[WITHIN_TLS, "C: QUIT\n"]));
    let ports = servers.each_ref().map(|server| (server.port(), "starttls"));
    let output = check(&ports).arg("-v").stderr_any().run();
    let lines: Vec<_> = output.stderr().lines().collect();
    let place = |text: String| {
        lines
            .iter()
            .position(|line| line.starts_with(&text))
            .unwrap()
    };
    let first = place(format!("smtpsend: connected to localhost:{}", ports[0].0));
    let second = place(format!("smtpsend: connected to localhost:{}", ports[1].0));
    assert!(lines[first..second].contains(&"C: QUIT"), "{lines:?}");
    assert!(lines[second..].contains(&"C: QUIT"), "{lines:?}");
    for server in servers {
        server.finish();
    }
}

#[test]
fn what_a_server_says_cannot_steer_the_terminal() {
    let server = Server::text("S~ 554 \\x1b[31mred\\x07\\r\\n\nC: QUIT\n");
    check_one(&server)
        .fails_with(69)
        .stdout_has("554 [31mred")
        .run();
    server.finish();
}

#[test]
fn without_a_server_the_settings_are_wrong() {
    Smtpsend::new()
        .arg("check")
        .fails_with(78)
        .stderr_has("no server is set")
        .run();
}
