//! TLS that can be trusted, or nothing: injected and stripped STARTTLS, bad certificates, the wrong
//! mode, and that what was learnt in clear is forgotten.

use crate::parts::{
    self, BEFORE_TLS, DELIVERY, SLOW_DELIVERY, WITHIN_TLS, call, call_from, secure_server,
    user_call,
};
use crate::support::{Certificate, Server, Smtpsend, ca_pem};

/// `localhost` at these servers in turn, each by STARTTLS.
fn call_both(first: &Server, second: &Server) -> Smtpsend {
    let ports = format!("{}/starttls,{}/starttls", first.port(), second.port());
    call_from(Smtpsend::new())
        .args([
            "--to",
            "b@example.com",
            "--server",
            "localhost",
            "--ports",
            &ports,
        ])
        .arg("--ca-file")
        .arg(ca_pem())
}

#[test]
fn plaintext_behind_the_220_ends_everything() {
    let opening = BEFORE_TLS.replace("S: 220 2.0.0 ready\n", "");
    for injected in [
        r"S~ 220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n",
        r"S~ 220 go\r\n\r\n",
        r"S~ 220 go\r\n2",
        r"S~ 220 go\r\n\0",
    ] {
        let (first, second) = (
            Server::text(&format!("{opening}{injected}\nEOF")),
            Server::unvisited(),
        );
        call_both(&first, &second)
            .fails_with(76)
            .stderr_has("plaintext behind the 220")
            .run();
        first.finish();
        second.finish();
    }
}

#[test]
fn plaintext_that_comes_a_moment_after_the_220_ends_everything() {
    for injected in ["S: 250 evil", r"S~ 220\sgo\r\n", r"S~ \0\0\0\0\0\0"] {
        let first = Server::text(&format!("{BEFORE_TLS}PAUSE 20\n{injected}\nWAIT"));
        let second = Server::unvisited();
        call_both(&first, &second)
            .fails_with(76)
            .stderr_has("plaintext behind the 220")
            .run();
        first.finish();
        second.finish();
    }
}

#[test]
fn nothing_leaves_where_starttls_is_not_offered() {
    let server =
        Server::text("S: 220 x\nC: EHLO *\nS: 250-x\nS: 250-YYYYYYYA\nS: 250 AUTH PLAIN\nC: QUIT");
    user_call(&server)
        .fails_with(69)
        .stderr_has("STARTTLS not offered")
        .stderr_has("--tls implicit")
        .run();
    server.finish();
}

#[test]
fn nothing_leaves_where_starttls_is_refused() {
    for (reply, exit) in [
        ("454 4.7.0 not now", 75),
        ("421 closing", 75),
        ("502 no", 69),
        ("554 no", 69),
    ] {
        let server = Server::text(&format!(
            "S: 220 x\nC: EHLO *\nS: 250-x\nS: 250 STARTTLS\nC: STARTTLS\nS: {reply}\nC? QUIT"
        ));
        user_call(&server)
            .fails_with(exit)
            .stderr_has(format!("STARTTLS: {reply}"))
            .run();
        server.finish();
    }
}

/// What a person reads about each bad certificate.
fn words(name: &str) -> &'static str {
    match name {
        "expired" => "expired on Thu, 31 Dec 2020",
        "notyet" => "not valid before Sun, 01 Jan 2090",
        "wrongname" => "is for other.test, not for ",
        "selfsigned" => "self-signed",
        "otherca" => "issued by \"CN=another CA\", which is not trusted",
        "clientonly" => "not made for servers",
        "cnonly" => "names no host at all",
        "caleaf" => "signed by a certificate that is not an authority's",
        _ => panic!("{name} is new"),
    }
}

#[test]
fn every_bad_certificate_is_refused_in_words_before_anything_is_said() {
    for (name, _) in Certificate::bad() {
        for host in ["localhost", "127.0.0.1"] {
            for tls in ["starttls", "implicit"] {
                let opening = if tls == "starttls" { BEFORE_TLS } else { "" };
                let server = Server::text(&format!("{opening}TLSFAIL {name}"));
                parts::as_bench(call_from(Smtpsend::new()))
                    .args(["--to", "b@example.com", "--tls", tls])
                    .args(["--server", &format!("{host}:{}", server.port())])
                    .arg("--ca-file")
                    .arg(ca_pem())
                    .fails_with(69)
                    .stderr_has(format!(
                        "{host}:{}: TLS certificate not valid: ",
                        server.port()
                    ))
                    .stderr_has(words(name))
                    .stderr_has("\nhint: ")
                    .run();
                server.finish();
            }
        }
    }
}

#[test]
fn an_authority_nobody_named_is_not_trusted() {
    let server = Server::text(&format!("{BEFORE_TLS}TLSFAIL"));
    call_from(Smtpsend::new())
        .args([
            "--to",
            "b@example.com",
            "--server",
            &server.addr().to_string(),
        ])
        .fails_with(69)
        .stderr_has("issued by \"CN=test CA\", which is not trusted")
        .run();
    server.finish();
}

#[test]
fn a_good_certificate_is_taken_by_name_and_by_address() {
    for (host, asked) in [
        ("localhost", Some("localhost".to_owned())),
        ("127.0.0.1", None),
    ] {
        let server = secure_server(&[WITHIN_TLS, DELIVERY]);
        call_from(Smtpsend::new())
            .args([
                "--to",
                "b@example.com",
                "--server",
                &format!("{host}:{}", server.port()),
            ])
            .arg("--ca-file")
            .arg(ca_pem())
            .run();
        assert_eq!(server.finish().server_names, [asked]);
    }
}

#[test]
fn both_versions_of_tls_are_spoken_and_named() {
    for version in ["1.2", "1.3"] {
        let server = Server::text(&format!(
            "{BEFORE_TLS}TLS {version}\n{WITHIN_TLS}{DELIVERY}"
        ));
        let json = call(&server).arg("--json").stdout_any().run().json();
        assert_eq!(json["server"]["security"], "starttls");
        assert_eq!(json["server"]["tls"], format!("TLSv{version}"));
        let cipher = json["server"]["cipher"].as_str().unwrap();
        assert!(cipher.starts_with("TLS_"), "{cipher}");
        server.finish();
    }
}

#[test]
fn implicit_tls_at_a_plain_port_is_explained() {
    let server = Server::text("S: 220 mail.test ESMTP\nWAIT");
    user_call(&server)
        .args(["--tls", "implicit"])
        .fails_with(76)
        .stderr_has("not TLS")
        .stderr_has("--tls starttls")
        .run();
    server.finish();
}

#[test]
fn starttls_at_a_port_with_implicit_tls_is_explained() {
    let server = Server::text("WAIT");
    call(&server)
        .args(["--connect-timeout", "0.3"])
        .fails_with(75)
        .stderr_has("greeting: no answer")
        .stderr_has("--tls implicit")
        .run();
    server.finish();
}

#[test]
fn a_server_that_demands_a_certificate_of_ours_is_final() {
    for version in ["1.2", "1.3"] {
        for tls in ["starttls", "implicit"] {
            let opening = if tls == "starttls" { BEFORE_TLS } else { "" };
            let server = Server::text(&format!("{opening}TLSFAIL mutual {version}"));
            call(&server)
                .args(["--tls", tls])
                .fails_with(69)
                .stderr_has("TLS")
                .run();
            server.finish();
        }
    }
}

/// Offers everything before TLS.
const GENEROUS: &str = "\
S: 220 mail.test ESMTP
C: EHLO *
S: 250-mail.test
S: 250-PIPELINING
S: 250-SIZE
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-AUTH PLAIN LOGIN
S: 250 STARTTLS
C: STARTTLS
S: 220 ready
TLS
C: EHLO *
S: 250 mail.test
";

#[test]
fn offers_from_before_tls_are_forgotten() {
    let lockstep = SLOW_DELIVERY
        .replace("FROM:<a@example.com>*", "FROM:<a@example.com>")
        .replace("\nS:", "\nQUIET\nS:");
    let server = parts::server(&[GENEROUS, &lockstep]);
    call(&server).run();
    server.finish();
}

#[test]
fn auth_offered_before_tls_only_is_not_offered() {
    let server = parts::server(&[GENEROUS, "C: QUIT"]);
    user_call(&server)
        .fails_with(77)
        .stderr_has("AUTH not offered")
        .run();
    server.finish();
}

#[test]
fn a_limit_named_before_tls_only_is_none() {
    let server = parts::server(&[&GENEROUS.replace("SIZE", "SIZE 10"), SLOW_DELIVERY]);
    call(&server).run();
    server.finish();
}
