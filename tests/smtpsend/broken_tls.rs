//! TLS that breaks behind a reply that was good: the reply counts. No dialogue can write such a
//! record, so this server is written out.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use rustls::{ServerConnection, StreamOwned};

use crate::support::tls::Offer;
use crate::support::{Smtpsend, ca_pem};

/// Plays a session in which `stage` is answered by `reply`, with a record behind it in the same
/// segment that nobody can decrypt.
fn server(stage: &'static str, reply: &'static str) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = move || {
        let (stream, _) = listener.accept().unwrap();
        let connection = ServerConnection::new(Offer::parse("good").unwrap().config()).unwrap();
        let mut tls = BufReader::new(StreamOwned::new(connection, stream));
        let say = |tls: &mut BufReader<StreamOwned<ServerConnection, TcpStream>>, text: &str| {
            tls.get_mut().write_all(text.as_bytes()).unwrap();
        };
        say(&mut tls, "220 mail.test\r\n");
        let mut line = String::new();
        while {
            line.clear();
            tls.read_line(&mut line).is_ok_and(|count| count > 0)
        } {
            let verb = line.split([' ', '\r']).next().unwrap_or_default();
            if verb == stage {
                break;
            }
            match verb {
                "EHLO" => say(&mut tls, "250-mail.test\r\n250 AUTH PLAIN\r\n"),
                "AUTH" => say(&mut tls, "235 ok\r\n"),
                "DATA" => say(&mut tls, "354 go\r\n"),
                "MAIL" | "RCPT" => say(&mut tls, "250 ok\r\n"),
                _ => {}
            }
        }
        let StreamOwned { conn, sock } = tls.get_mut();
        let mut segment = Vec::new();
        conn.writer()
            .write_all(format!("{reply}\r\n").as_bytes())
            .unwrap();
        conn.write_tls(&mut segment).unwrap();
        segment.extend_from_slice(&[23, 3, 3, 0, 20]);
        segment.extend_from_slice(&[0x5a; 20]);
        sock.write_all(&segment).unwrap();
        let _ = sock.read_to_end(&mut Vec::new());
    };
    (port, std::thread::spawn(serve))
}

#[test]
fn a_reply_before_tls_broke_is_not_lost() {
    for (stage, reply, exit, words) in [
        ("AUTH", "535 5.7.8 no", 77, "AUTH PLAIN: 535"),
        ("MAIL", "550 no", 69, "MAIL <a@example.com>: 550"),
        ("RCPT", "550 no", 67, "RCPT <b@example.com>: 550"),
        (".", "554 no", 69, "message: 554"),
        (".", "250 ok", 0, ""),
    ] {
        let (port, server) = server(stage, reply);
        let call = Smtpsend::new()
            .args([
                "--server",
                &format!("smtps://localhost:{port}"),
                "--user",
                "bench",
                "--ca-file",
            ])
            .arg(ca_pem())
            .args([
                "--from",
                "a@example.com",
                "--to",
                "b@example.com",
                "--body",
                "hello",
            ])
            .env("SMTPSEND_PASSWORD", "hunter2");
        match exit {
            0 => call.run(),
            _ => call.fails_with(exit).stderr_has(words).run(),
        };
        server.join().unwrap();
    }
}
