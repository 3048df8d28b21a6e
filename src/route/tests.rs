//! Rungs through proxies that a test plays: good, bad and broken ones.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::dial::{Race, race};
use super::resolve::Names;
use super::*;
use crate::failure::Kind;

/// A proxy that expects and says these octets in turn, to one connection, and gives back the stream.
struct Played {
    url: String,
    thread: JoinHandle<TcpStream>,
}

enum Turn<'t> {
    Hears(&'t [u8]),
    Says(&'t [u8]),
}
use Turn::{Hears, Says};

fn play(scheme: &str, turns: &[Turn<'_>]) -> Played {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("{scheme}{}", listener.local_addr().unwrap());
    let turns: Vec<(bool, Vec<u8>)> = turns
        .iter()
        .map(|turn| match turn {
            Hears(octets) => (true, octets.to_vec()),
            Says(octets) => (false, octets.to_vec()),
        })
        .collect();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        for (hears, octets) in turns {
            if hears {
                let mut heard = vec![0; octets.len()];
                stream.read_exact(&mut heard).unwrap();
                assert_eq!(
                    heard.escape_ascii().to_string(),
                    octets.escape_ascii().to_string()
                );
            } else if stream.write_all(&octets).is_err() {
                // Whoever has heard enough may leave.
                break;
            }
        }
        // It leaves, in a way that makes sure that what it said arrives.
        let _ = stream.shutdown(Shutdown::Write);
        stream
    });
    Played { url, thread }
}

fn through(url: &str) -> Outbound {
    Outbound {
        proxy: Some(url.parse().unwrap()),
        source: Source::Any,
    }
}

fn rung(host: &str, port: u16) -> Rung {
    Rung {
        host: host.parse().unwrap(),
        port: SubmissionPort::new(port).unwrap(),
        security: Security::StartTls,
    }
}

fn run(rungs: &[Rung], outbound: &Outbound, patience: Duration) -> Race {
    let open: Vec<usize> = (0..rungs.len()).collect();
    race(
        rungs,
        &open,
        outbound,
        patience,
        None,
        &mut Names::default(),
    )
    .unwrap()
}

/// One rung to `mail.test:587`.
fn run_one(url: &str) -> Race {
    run(
        &[rung("mail.test", 587)],
        &through(url),
        Duration::from_secs(10),
    )
}

/// How the only rung failed.
fn failure(race: Race) -> (Outcome, Failure) {
    assert!(race.winner.is_none());
    let (_, attempt) = race.failed.into_iter().next().unwrap();
    assert!(attempt.address.is_none(), "the address is the proxy's");
    (attempt.outcome, attempt.failure.unwrap())
}

const NAME: &[u8] = b"\x05\x01\x00\x03\x09mail.test\x02\x4b";
const DONE: &[u8] = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x12\x34";
const CONNECT: &[u8] = b"CONNECT mail.test:587 HTTP/1.1\r\nHost: mail.test:587\r\n";

/// What stands behind the proxy's reply is read from the stream, whole.
fn assert_server_speaks(race: Race, proxy: Played, greeting: &[u8]) {
    let (index, mut stream, _) = race.winner.unwrap();
    assert_eq!(index, 0);
    drop(proxy.thread.join().unwrap());
    stream.set_nonblocking(false).unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, greeting);
}

#[test]
fn socks_asks_by_name_and_leaves_the_servers_octets_alone() {
    let said = [DONE, b"220 mail.test\r\n"].concat();
    let turns = [
        Hears(b"\x05\x01\x00"),
        Says(b"\x05\x00"),
        Hears(NAME),
        Says(&said),
    ];
    for scheme in ["socks5://", "socks5h://"] {
        let proxy = play(scheme, &turns);
        assert_server_speaks(run_one(&proxy.url), proxy, b"220 mail.test\r\n");
    }
}

#[test]
fn socks_asks_by_address_where_there_is_no_name() {
    for (host, request) in [
        (
            "192.0.2.1",
            &b"\x05\x01\x00\x01\xc0\x00\x02\x01\x02\x4b"[..],
        ),
        (
            "::1",
            b"\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x02\x4b",
        ),
        ("localhost", b"\x05\x01\x00\x03\x09localhost\x02\x4b"),
    ] {
        let v6 = b"\x05\x00\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x00!";
        let proxy = play(
            "socks5://",
            &[
                Hears(b"\x05\x01\x00"),
                Says(b"\x05\x00"),
                Hears(request),
                Says(v6),
            ],
        );
        let race = run(
            &[rung(host, 587)],
            &through(&proxy.url),
            Duration::from_secs(10),
        );
        assert_server_speaks(race, proxy, b"!");
    }
}

#[test]
fn socks_gives_user_and_password_where_the_proxy_wants_them() {
    let domain = b"\x05\x00\x00\x03\x02ab\x00\x01!";
    let proxy = play(
        "socks5://u:p%40ss@",
        &[
            Hears(b"\x05\x02\x00\x02"),
            Says(b"\x05\x02"),
            Hears(b"\x01\x01u\x04p@ss"),
            Says(b"\x01\x00"),
            Hears(NAME),
            Says(domain),
        ],
    );
    assert_server_speaks(run_one(&proxy.url), proxy, b"!");
    let proxy = play(
        "socks5://u:p@",
        &[
            Hears(b"\x05\x02\x00\x02"),
            Says(b"\x05\x00"),
            Hears(NAME),
            Says(DONE),
        ],
    );
    assert_server_speaks(run_one(&proxy.url), proxy, b"");
}

#[test]
fn what_socks_says_of_the_server_is_told() {
    let reply = |code| [5, code];
    for (code, outcome, kind, words) in [
        (1, Outcome::Unreachable, Kind::Temporary, "general failure"),
        (
            2,
            Outcome::Unreachable,
            Kind::Refused,
            "does not let us through",
        ),
        (
            3,
            Outcome::Unreachable,
            Kind::Temporary,
            "network unreachable",
        ),
        (4, Outcome::Unreachable, Kind::Temporary, "host unreachable"),
        (5, Outcome::Refused, Kind::Temporary, "connection refused"),
        (6, Outcome::Timeout, Kind::Temporary, "TTL expired"),
        (7, Outcome::Unreachable, Kind::Refused, "does not know"),
        (99, Outcome::Unreachable, Kind::Temporary, "code 99"),
    ] {
        let said = reply(code);
        let proxy = play(
            "socks5://",
            &[
                Hears(b"\x05\x01\x00"),
                Says(b"\x05\x00"),
                Hears(NAME),
                Says(&said),
            ],
        );
        let (seen, failure) = failure(run_one(&proxy.url));
        assert_eq!((seen, failure.kind), (outcome, kind), "{failure}");
        assert!(failure.message.contains(words), "{failure}");
        let place = format!("mail.test:587: proxy {}: ", proxy.url);
        assert!(failure.message.starts_with(&place), "{failure}");
    }
}

#[test]
fn a_proxy_that_does_not_believe_us_ends_all_attempts() {
    let rungs = [rung("mail.test", 587), rung("mail.test", 465)];
    let basic = b"Proxy-Authorization: Basic dTpodW50ZXIy\r\n\r\n";
    let cases: [(&str, Vec<Turn<'_>>); 6] = [
        ("socks5://", vec![Hears(b"\x05\x01\x00"), Says(b"\x05\xff")]),
        (
            "socks5://u:hunter2@",
            vec![Hears(b"\x05\x02\x00\x02"), Says(b"\x05\xff")],
        ),
        (
            "socks5://u:hunter2@",
            vec![
                Hears(b"\x05\x02\x00\x02"),
                Says(b"\x05\x02"),
                Hears(b"\x01\x01u\x07hunter2"),
                Says(b"\x01\x01"),
            ],
        ),
        (
            "http://",
            vec![Hears(CONNECT), Says(b"HTTP/1.1 407 Who are you\r\n\r\n")],
        ),
        (
            "http://",
            vec![Hears(CONNECT), Says(b"HTTP/1.0 401 Unauthorized\r\n")],
        ),
        (
            "http://u:hunter2@",
            vec![
                Hears(CONNECT),
                Hears(basic),
                Says(b"HTTP/1.0 407 no hunter2\n"),
            ],
        ),
    ];
    for (scheme, turns) in cases {
        let proxy = play(scheme, &turns);
        let race = run(&rungs, &through(&proxy.url), Duration::from_secs(10));
        assert_eq!(race.failed.len(), 1, "the second rung was tried");
        let failure = race.hopeless().unwrap();
        assert_eq!(failure.kind, Kind::Auth);
        assert!(failure.hint.as_ref().unwrap().contains("--proxy"));
        assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
    }
}

#[test]
fn connect_opens_a_tunnel_and_leaves_the_servers_octets_alone() {
    for head in [
        "HTTP/1.1 200 Connection established\r\nVia: x\r\nContent-Length: 99\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\n",
        "HTTP/1.0 200\n\n",
        "HTTP/1.1 299 whatever\r\nTransfer-Encoding: chunked\r\n\r\n",
    ] {
        let said = [head.as_bytes(), b"220 mail.test\r\n\r\n"].concat();
        let proxy = play("http://", &[Hears(CONNECT), Hears(b"\r\n"), Says(&said)]);
        assert_server_speaks(run_one(&proxy.url), proxy, b"220 mail.test\r\n\r\n");
    }
    let request = b"CONNECT [::1]:587 HTTP/1.1\r\nHost: [::1]:587\r\n\r\n";
    let proxy = play(
        "http://",
        &[Hears(request), Says(b"HTTP/1.1 200 \r\n\r\n!")],
    );
    let race = run(
        &[rung("::1", 587)],
        &through(&proxy.url),
        Duration::from_secs(10),
    );
    assert_server_speaks(race, proxy, b"!");
}

#[test]
fn what_connect_says_of_the_server_is_told() {
    for (status, outcome, kind) in [
        ("403 Filtered", Outcome::Unreachable, Kind::Refused),
        (
            "405 Method Not Allowed",
            Outcome::Unreachable,
            Kind::Refused,
        ),
        ("301 Moved", Outcome::Unreachable, Kind::Refused),
        (
            "101 Switching Protocols",
            Outcome::Unreachable,
            Kind::Refused,
        ),
        ("429 Slow down", Outcome::Unreachable, Kind::Temporary),
        ("502 Bad Gateway", Outcome::Unreachable, Kind::Temporary),
        ("503 Unavailable", Outcome::Unreachable, Kind::Temporary),
        ("504 Gateway Timeout", Outcome::Timeout, Kind::Temporary),
    ] {
        let said = format!("HTTP/1.1 {status}\r\n");
        let proxy = play(
            "http://",
            &[Hears(CONNECT), Hears(b"\r\n"), Says(said.as_bytes())],
        );
        let (seen, failure) = failure(run_one(&proxy.url));
        assert_eq!((seen, failure.kind), (outcome, kind), "{failure}");
        assert!(
            failure.message.ends_with(&format!("HTTP/1.1 {status}")),
            "{failure}"
        );
    }
}

#[test]
fn what_is_no_proxy_is_told_at_once() {
    let endless = format!("HTTP/1.1 200 OK\r\n{}", "X: y\r\n".repeat(2000));
    let cases: [(&str, &[u8]); 9] = [
        ("socks5://", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        ("socks5://", b"220 mail.test ESMTP\r\n"),
        ("socks5://", b"\x04\x00"),
        ("socks5://", b"\x05\x02"),
        ("socks5://", b"\x05\x00\x05\x00\x00\x09\x00\x00"),
        ("http://", b"220 mail.test ESMTP\r\n"),
        ("http://", b"\x05\xff"),
        ("http://", b"HTTP/1.1 OK\r\n\r\n"),
        ("http://", endless.as_bytes()),
    ];
    for (scheme, said) in cases {
        let proxy = play(scheme, &[Says(said)]);
        let (outcome, failure) = failure(run_one(&proxy.url));
        assert_eq!(
            (outcome, failure.kind),
            (Outcome::Unreachable, Kind::Protocol),
            "{failure}"
        );
    }
}

#[test]
fn a_proxy_that_leaves_is_a_connection_lost() {
    let socks: [&[u8]; 4] = [b"", b"\x05", b"\x05\x00", b"\x05\x00\x05\x00\x00\x01\x7f"];
    let http: [&[u8]; 4] = [
        b"",
        b"HTTP",
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 200 OK\r\nVia: x\r\n",
    ];
    let cases = socks
        .map(|said| ("socks5://", said))
        .into_iter()
        .chain(http.map(|said| ("http://", said)));
    for (scheme, said) in cases {
        let proxy = play(scheme, &[Says(said)]);
        let (outcome, failure) = failure(run_one(&proxy.url));
        assert_eq!(
            (outcome, failure.kind),
            (Outcome::Unreachable, Kind::Temporary),
            "{failure}"
        );
        assert!(failure.message.contains("connection lost"), "{failure}");
    }
}

#[test]
fn a_proxy_that_says_nothing_has_no_more_than_its_time() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for scheme in ["socks5://", "http://"] {
        let url = format!("{scheme}{}", silent.local_addr().unwrap());
        let start = Instant::now();
        let race = run(
            &[rung("mail.test", 587)],
            &through(&url),
            Duration::from_millis(30),
        );
        let (outcome, failure) = failure(race);
        assert!(start.elapsed() < Duration::from_secs(5));
        assert_eq!((outcome, failure.kind), (Outcome::Timeout, Kind::Temporary));
        assert!(failure.message.contains("no answer within"), "{failure}");
        let about_it = failure.hint.is_some_and(|hint| hint.contains("--proxy"));
        assert_eq!(about_it, scheme == "socks5://");
    }
}

#[test]
fn a_proxy_that_is_not_there_is_named() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (outcome, failure) = failure(run_one(&format!("http://{closed}")));
    assert_eq!(
        (outcome, failure.kind),
        (Outcome::Unreachable, Kind::Temporary)
    );
    let words = format!("mail.test:587: proxy http://{closed}: connection refused");
    assert_eq!(failure.message, words);
    assert!(failure.hint.unwrap().contains("--proxy"));
}

#[test]
fn a_proxy_that_is_unknown_is_named() {
    let (_, unknown) = failure(run_one("socks5://p.invalid"));
    assert_eq!(unknown.kind, Kind::Host);
    assert!(
        unknown
            .message
            .contains("proxy socks5://p.invalid:1080: host name p.invalid is unknown")
    );
}

#[test]
fn a_rung_the_proxy_forbids_gives_way_to_the_next() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let proxy = std::thread::spawn(move || {
        for answer in ["HTTP/1.1 403 no\r\n\r\n", "HTTP/1.1 200 yes\r\n\r\n"] {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let count = stream.read(&mut request).unwrap();
            assert!(request[..count].starts_with(b"CONNECT mail.test:"));
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    let rungs = [rung("mail.test", 587), rung("mail.test", 443)];
    let race = run(&rungs, &through(&url), Duration::from_secs(10));
    assert_eq!(race.winner.unwrap().0, 1);
    assert_eq!(
        race.failed[0].1.failure.as_ref().unwrap().kind,
        Kind::Refused
    );
    proxy.join().unwrap();
}

#[test]
fn a_connection_comes_from_the_address_that_was_asked_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let from = |address: &str| Outbound {
        proxy: None,
        source: Source::Address(address.parse().unwrap()),
    };
    // On Linux all of 127/8 is this machine's.
    let own = if cfg!(target_os = "linux") {
        "127.0.0.2"
    } else {
        "127.0.0.1"
    };
    let race = run(
        &[rung("localhost", port)],
        &from(own),
        Duration::from_secs(10),
    );
    let (_, stream, _) = race.winner.unwrap();
    assert_eq!(stream.local_addr().unwrap().ip().to_string(), own);
    let race = run(
        &[rung("localhost", port)],
        &from("192.0.2.1"),
        Duration::from_secs(10),
    );
    let failure = race.failed[0].1.failure.clone().unwrap();
    assert_eq!(failure.kind, Kind::Config);
    assert!(
        failure.message.contains("cannot connect from 192.0.2.1"),
        "{failure}"
    );
    let race = run(
        &[rung("127.0.0.1", port)],
        &from("::1"),
        Duration::from_secs(10),
    );
    let failure = race.failed[0].1.failure.clone().unwrap();
    assert_eq!(failure.kind, Kind::Host);
}
