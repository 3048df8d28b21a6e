//! Finding the server from the From address, when none is set; with a DNS server that is a few lines.

use std::net::UdpSocket;

use crate::delivery::server;
use crate::support::{Server, Smtpsend, ca_pem};

/// A DNS server that answers this many questions, with SRV records for `_submission._tcp` alone.
pub(crate) fn dns(
    target: &'static str,
    port: u16,
    questions: usize,
) -> (String, std::thread::JoinHandle<()>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let serve = move || {
        let mut packet = [0; 512];
        for _ in 0..questions {
            let (length, peer) = socket.recv_from(&mut packet).unwrap();
            let answer = answer(&packet[..length], target, port);
            socket.send_to(&answer, peer).unwrap();
        }
    };
    (address, std::thread::spawn(serve))
}

/// The question again, as an answer (RFC 1035 §4.1), with one SRV record (RFC 2782) where it asks for it.
fn answer(question: &[u8], target: &str, port: u16) -> Vec<u8> {
    let name_end = 12 + question[12..].iter().position(|&octet| octet == 0).unwrap() + 1;
    let name = String::from_utf8_lossy(&question[12..name_end]).to_lowercase();
    let is_srv = question[name_end..name_end + 2] == [0, 33];
    let has_record = is_srv && name.contains("_submission\u{4}_tcp");
    let mut answer = question[..2].to_vec();
    answer.extend([0x81, 0x80, 0, 1, 0, u8::from(has_record), 0, 0, 0, 0]);
    answer.extend(&question[12..name_end + 4]);
    if has_record {
        let mut data = vec![0, 0, 0, 0];
        data.extend(port.to_be_bytes());
        for label in target.split('.') {
            data.push(u8::try_from(label.len()).unwrap());
            data.extend(label.as_bytes());
        }
        data.push(0);
        answer.extend([
            0xc0,
            12,
            0,
            33,
            0,
            1,
            0,
            0,
            0,
            60,
            0,
            u8::try_from(data.len()).unwrap(),
        ]);
        answer.extend(data);
    }
    answer
}

fn call(dns: &str) -> Smtpsend {
    Smtpsend::new()
        .env("SMTPSEND_DNS", dns)
        .env("SMTPSEND_CA_FILE", ca_pem())
        .args(["--to", "bob@example.com"])
}

#[test]
fn a_server_of_the_domain_is_found_and_used() {
    // The domain is "localhost", whose address needs no DNS.
    for with_flag in [true, false] {
        let server = Server::file("starttls-pipelining");
        let (dns, served) = dns("localhost", server.port(), 2);
        let call = call(&dns).stderr_has("keep it with smtpsend config init\n");
        if with_flag {
            call.args(["--from", "alice@localhost", "--body", "x"])
                .run();
        } else {
            call.stdin("From: alice@localhost\nSubject: x\n\nhi\n")
                .run();
        }
        server.finish();
        served.join().unwrap();
    }
}

#[test]
fn a_server_elsewhere_is_not_believed_until_it_is_confirmed() {
    let (dns, served) = self::dns("localhost", 2525, 2);
    call(&dns)
        .args(["--from", "alice@example.test", "--body", "x"])
        .fails_with(78)
        .stderr_has("smtpsend: no server is set: DNS says that mail of example.test is submitted at localhost:2525")
        .stderr_has("\nhint: if that is your provider, say so with --server localhost:2525\n")
        .run();
    served.join().unwrap();
    let server = Server::file("starttls-pipelining");
    let (dns, served) = self::dns("localhost", server.port(), 2);
    call(&dns)
        .args([
            "--from",
            "alice@example.test",
            "--body",
            "x",
            "--discover",
            "any",
        ])
        .stderr_has("warning: found localhost:")
        .run();
    server.finish();
    served.join().unwrap();
}

#[test]
fn without_an_answer_no_server_is_set_now() {
    call("127.0.0.1:1")
        .args(["--from", "alice@example.test", "--body", "x"])
        .fails_with(75)
        .stderr_has("smtpsend: no server is set: ")
        .stderr_has("\nhint: is this machine connected")
        .stderr_has("name your provider's submission server with --server HOST")
        .run();
}

#[test]
fn nothing_is_looked_for_where_that_is_not_wanted_or_nobody_says_who_sends() {
    for args in [
        vec!["--from", "alice@example.test", "--discover", "never"],
        vec![],
    ] {
        call("127.0.0.1:1")
            .args(args)
            .args(["--body", "x"])
            .fails_with(78)
            .stderr_is(
                "smtpsend: no server is set\n\
                 hint: smtpsend config init finds one and keeps it; or name it with --server HOST or SMTPSEND_SERVER\n",
            )
            .run();
    }
}

#[test]
fn a_provider_is_known_without_dns_and_with_the_user_it_wants() {
    call("127.0.0.1:1")
        .args(["--from", "alice@gmail.com", "--body", "x"])
        .fails_with(78)
        .stderr_has("no password for the user alice@gmail.com")
        .run();
}

#[test]
fn nothing_is_looked_for_where_a_server_is_set() {
    let server = server(&[], 1);
    call("nonsense-that-is-not-read")
        .args(["-S", &server.addr().to_string(), "--tls", "none"])
        .args(["--from", "alice@gmail.com", "--body", "x"])
        .run();
    server.finish();
}

#[test]
fn an_address_of_a_dns_server_is_checked() {
    call("dns.test")
        .args(["--from", "alice@example.test", "--body", "x"])
        .fails_with(78)
        .stderr_has("smtpsend: SMTPSEND_DNS: DNS server \"dns.test\": not an IP address")
        .run();
}

#[test]
fn an_address_that_is_none_is_told_by_every_task() {
    let run = |task: &[&str], rest: &[&str]| {
        Smtpsend::new()
            .env("SMTPSEND_DNS", "127.0.0.1:1")
            .args(task.iter().copied())
            .args(["--from", "me@-bad.test"])
            .args(rest.iter().copied())
            .fails_with(65)
            .stderr_has("smtpsend: --from: ")
            .run()
            .stderr()
            .to_owned()
    };
    let sent = run(&[], &["--to", "bob@example.com", "--body", "x"]);
    assert_eq!(run(&["check"], &[]), sent);
    assert_eq!(run(&["verify"], &["bob@example.com"]), sent);
}
