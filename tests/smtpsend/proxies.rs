//! Servers behind a proxy: one dialogue plays both, the proxy and then the server.

use crate::parts::{BEFORE_TLS, DELIVERY, WITHIN_TLS, as_bench, call_from};
use crate::support::{Server, Smtpsend, ca_pem, closed_port};

/// SOCKS 5 as nobody, to mail.test:587.
const SOCKS: &str = "\
C~ \\x05\\x01\\0
S~ \\x05\\0
C~ \\x05\\x01\\0\\x03\\x09mail.test\\x02\\x4b
S~ \\x05\\0\\0\\x01\\x7f\\0\\0\\x01\\x12\\x34
";

/// CONNECT as nobody, to the same.
const CONNECT: &str = "\
C: CONNECT mail.test:587 HTTP/1.1
C: Host: mail.test:587
C:
S: HTTP/1.1 200 Connection established
S: Via: 1.1 proxy.test
S:
";

/// `hello` to mail.test, which no DNS knows.
fn call(scheme: &str, proxy: &Server) -> Smtpsend {
    let url = format!("{scheme}{}", proxy.addr());
    call_from(Smtpsend::new())
        .args(["--to", "b@example.com", "--server", "mail.test:587"])
        .args(["--proxy", &url, "--ca-file"])
        .arg(ca_pem())
}

/// The proxy and the server behind it.
fn proxied(tunnel: &str) -> Server {
    Server::text(&format!("{tunnel}{BEFORE_TLS}TLS\n{WITHIN_TLS}{DELIVERY}"))
}

#[test]
fn the_proxy_looks_the_name_up_and_the_certificate_is_verified_for_it() {
    for (scheme, tunnel) in [
        ("socks5://", SOCKS),
        ("socks5h://", SOCKS),
        ("http://", CONNECT),
    ] {
        let server = proxied(tunnel);
        let json = call(scheme, &server)
            .arg("--json")
            .stdout_any()
            .run()
            .json();
        assert_eq!(json["server"]["host"], "mail.test");
        assert_eq!(json["server"]["address"], serde_json::Value::Null);
        let names = server.finish().server_names;
        assert_eq!(names, [Some("mail.test".to_owned())]);
    }
}

#[test]
fn user_and_password_go_to_the_proxy_and_nowhere_else() {
    let socks = SOCKS.replace(
        "C~ \\x05\\x01\\0\nS~ \\x05\\0\n",
        "C~ \\x05\\x02\\0\\x02\nS~ \\x05\\x02\nC~ \\x01\\x03bob\\x0bproxyhunter\nS~ \\x01\\0\n",
    );
    let connect = CONNECT.replace(
        "C:\nS: HTTP",
        "C: Proxy-Authorization: Basic Ym9iOnByb3h5aHVudGVy\nC:\nS: HTTP",
    );
    for (scheme, tunnel) in [("socks5", socks), ("http", connect)] {
        let server = proxied(&tunnel);
        let url = format!("{scheme}://bob:proxyhunter@{}", server.addr());
        let run = call_from(Smtpsend::new())
            .args([
                "--to",
                "b@example.com",
                "--server",
                "mail.test:587",
                "-v",
                "--ca-file",
            ])
            .arg(ca_pem())
            .env("SMTPSEND_PROXY", url)
            .stderr_has(format!(
                "connected to mail.test:587 through {scheme}://127.0.0.1:"
            ))
            .run();
        assert!(!run.stderr().contains("proxyhunter"), "{}", run.stderr());
        server.finish();
    }
}

#[test]
fn a_password_on_the_command_line_is_taken_with_a_warning() {
    let connect = CONNECT.replace(
        "C:\nS: HTTP",
        "C: Proxy-Authorization: Basic Ym9iOnByb3h5aHVudGVy\nC:\nS: HTTP",
    );
    let server = proxied(&connect);
    call("http://bob:proxyhunter@", &server)
        .stderr_has(
            "warning: --proxy: other users of this machine can see its password; SMTPSEND_PROXY",
        )
        .run();
    server.finish();
}

#[test]
fn a_proxy_that_refuses_who_we_are_is_exit_77_and_not_asked_again() {
    for (scheme, refusal) in [
        ("socks5://", "C~ \\x05\\x01\\0\nS~ \\x05\\xff\n"),
        (
            "http://",
            "C: CONNECT mail.test:587 HTTP/1.1\nC: Host: mail.test:587\nC:\nS: HTTP/1.1 407 Who?\nS:\n",
        ),
    ] {
        let server = Server::text(refusal);
        let url = format!("{scheme}{}", server.addr());
        as_bench(call_from(Smtpsend::new()))
            .args([
                "--to",
                "b@example.com",
                "--server",
                "mail.test",
                "--proxy",
                &url,
            ])
            .fails_with(77)
            .stderr_has(format!(
                "mail.test:587: proxy {url}: demands a user and a password"
            ))
            .stderr_has("\nhint: name them: --proxy ")
            .run();
        server.finish();
    }
}

#[test]
fn interim_replies_of_a_proxy_are_passed_over() {
    let interim = |count: usize| "S: HTTP/1.1 103 Early Hints\nS: Link: x\nS:\n".repeat(count);
    let server = proxied(&CONNECT.replace("S: HTTP/1.1 200", &(interim(2) + "S: HTTP/1.1 200")));
    call("http://", &server).run();
    server.finish();
    let (asked, _) = CONNECT.split_once("S:").unwrap();
    for (replies, exit, words) in [
        (interim(11), 76, "the answer does not come"),
        (
            "S: HTTP/1.1 101 Switching Protocols\nS:\n".to_owned(),
            69,
            "101 Switching Protocols",
        ),
    ] {
        let server = Server::text(&format!("{asked}{replies}"));
        call("http://", &server)
            .fails_with(exit)
            .stderr_has(words)
            .run();
        server.finish();
    }
}

#[test]
fn a_proxy_that_quotes_the_password_in_any_form_is_not_repeated() {
    // base64 of bob:proxy@hunter is Ym9iOnByb3h5QGh1bnRlcg==.
    for (quoted, shown) in [
        ("proxy@hunter", "407 *** is wrong"),
        ("proxy%40hunter", "407 *** is wrong"),
        ("Basic Ym9iOnByb3h5QGh1bnRlcg==", "407 Basic *** is wrong"),
    ] {
        for before in ["", &"x".repeat(84)] {
            let server = Server::text(&format!(
                "C: CONNECT mail.test:587 HTTP/1.1\nC: Host: mail.test:587\n\
                 C: Proxy-Authorization: Basic Ym9iOnByb3h5QGh1bnRlcg==\nC:\n\
                 S: HTTP/1.1 407 {before}{quoted} is wrong\nS:\n"
            ));
            let shown = shown.replace("407 ", &format!("407 {before}"));
            let run = call("http://bob:proxy%40hunter@", &server)
                .arg("-v")
                .fails_with(77)
                .stderr_has(shown)
                .run();
            for secret in ["proxy@", "proxy%40", "Ym9iOn"] {
                assert!(!run.stderr().contains(secret), "{}", run.stderr());
            }
            server.finish();
        }
    }
}

#[test]
fn a_rung_the_proxy_forbids_gives_way_to_the_next() {
    let forbidden = "C: CONNECT mail.test:587 HTTP/1.1\nC: Host: mail.test:587\nC:\nS: HTTP/1.1 403 Filtered\nS:\n";
    let allowed = format!(
        "{}{BEFORE_TLS}TLS\n{WITHIN_TLS}{DELIVERY}",
        CONNECT.replace("587", "443")
    );
    let dialogues = [forbidden, &allowed].map(crate::support::Dialogue::text);
    let server = Server::start(dialogues, crate::support::Options::default());
    let json = call("http://", &server)
        .args(["--server", "mail.test:443", "--json"])
        .stdout_any()
        .stderr_has("mail.test:587: proxy http://127.0.0.1:")
        .stderr_has("does not let us through to this server and port: HTTP/1.1 403 Filtered")
        .run()
        .json();
    assert_eq!(json["attempts"][0]["outcome"], "unreachable");
    assert_eq!(json["attempts"][1]["outcome"], "connected");
    server.finish();
}

#[test]
fn what_the_proxy_says_of_the_server_decides() {
    let socks = |code: &str| {
        let (asked, _) = SOCKS.rsplit_once("S~").unwrap();
        format!("{asked}S~ \\x05\\x{code}\\0\\x01\\0\\0\\0\\0\\0\\0\n")
    };
    let http = |status: &str| {
        let (asked, _) = CONNECT.split_once("S:").unwrap();
        format!("{asked}S: HTTP/1.1 {status}\nS:\n")
    };
    for (scheme, dialogue, exit, outcome) in [
        ("socks5://", socks("02"), 69, "unreachable"),
        ("socks5://", socks("04"), 75, "unreachable"),
        ("socks5://", socks("05"), 75, "refused"),
        ("socks5://", socks("06"), 75, "timeout"),
        ("http://", http("403 no"), 69, "unreachable"),
        ("http://", http("502 no"), 75, "unreachable"),
        ("http://", http("504 no"), 75, "timeout"),
        (
            "http://",
            "S: 220 mail.test ESMTP\nC~ CONNECT\nREAD 48\n".to_owned(),
            76,
            "unreachable",
        ),
    ] {
        let server = Server::text(&dialogue);
        let json = call(scheme, &server)
            .arg("--json")
            .fails_with(exit)
            .stdout_any()
            .stderr_has(format!("mail.test:587: proxy {scheme}{}: ", server.addr()))
            .run()
            .json();
        assert_eq!(json["attempts"][0]["outcome"], outcome);
        server.finish();
    }
}

#[test]
fn a_proxy_that_is_not_there_is_exit_75_and_named() {
    let url = format!("socks5://127.0.0.1:{}", closed_port());
    call_from(Smtpsend::new())
        .args([
            "--to",
            "b@example.com",
            "--server",
            "localhost:587",
            "--proxy",
            &url,
        ])
        .fails_with(75)
        .stderr_has(format!("localhost:587: proxy {url}: connection refused\n"))
        .stderr_has("hint: is the proxy up")
        .run();
}

#[test]
fn the_plan_names_the_proxy_without_its_password() {
    let run = call_from(Smtpsend::new())
        .args(["-n", "--to", "b@example.com", "--server", "mail.test:587"])
        .args(["--proxy", "http://bob:proxyhunter@p.test"])
        .stdout_any()
        .stderr_has("plan: through http://p.test:1080\nplan: mail.test:587 starttls\n")
        .run();
    assert!(!run.stderr().contains("proxyhunter"));
}

#[test]
fn what_is_no_proxy_is_refused_without_repeating_its_password() {
    for (url, words) in [
        ("bob:proxyhunter@p.test", "without socks5:// or http://"),
        (
            "socks4://bob:proxyhunter@p.test",
            "neither socks5:// nor http://",
        ),
        ("https://p.test", "neither socks5:// nor http://"),
        ("http://bob:proxyhunter@p.test:0", "not a port"),
        ("http://bob:proxyhunter@", "not a host name"),
        ("http://bob:proxyhunter%40p.test:3128", "not a"),
        ("http://bob:proxyhunter:80", "not a"),
        ("http://bob:proxyhunter#x", "not a"),
        ("bob:proxyhunter", "without socks5:// or http://"),
    ] {
        let run = call_from(Smtpsend::new())
            .args([
                "--to",
                "b@example.com",
                "--server",
                "mail.test",
                "--proxy",
                url,
            ])
            .fails_with(64)
            .stderr_has("--proxy: proxy")
            .stderr_has(words)
            .run();
        assert!(!run.stderr().contains("proxyhunter"), "{}", run.stderr());
    }
}
