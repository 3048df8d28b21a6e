//! A server that takes every message but for some recipients, and remembers which it took.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Answers one connection after the other, each to its end.
pub(super) struct Taker {
    port: u16,
    taken: Arc<Mutex<Vec<String>>>,
}

impl Taker {
    pub(super) fn new() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let taken = Arc::<Mutex<Vec<String>>>::default();
        let shared = Arc::clone(&taken);
        // Ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serve(stream, &shared);
            }
        });
        Self { port, taken }
    }

    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The messages that were taken since this was asked last, by all who have connected until now.
    pub(super) fn taken(&self) -> Vec<String> {
        // Its turn comes after theirs.
        let stream = TcpStream::connect(self.address()).unwrap();
        let mut greeting = String::new();
        BufReader::new(stream).read_line(&mut greeting).unwrap();
        std::mem::take(&mut self.taken.lock().unwrap())
    }
}

/// What comes of it does not matter: clients are killed here.
fn serve(stream: TcpStream, taken: &Mutex<Vec<String>>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut lines = BufReader::new(stream.try_clone().ok()?);
    let mut out = stream;
    let mut accepted = 0;
    out.write_all(b"220 taker ESMTP\r\n").ok()?;
    loop {
        let line = line(&mut lines)?.to_ascii_lowercase();
        let reply = match line.split([' ', ':', '\r']).next()? {
            "ehlo" => "250-taker\r\n250-PIPELINING\r\n250 8BITMIME",
            "mail" | "rset" => {
                accepted = 0;
                "250 ok"
            }
            "rcpt" if line.contains("<later@") => "451 4.7.1 later",
            "rcpt" if line.contains("<never@") => "550 5.1.1 no such user",
            "rcpt" => {
                accepted += 1;
                "250 ok"
            }
            "data" if accepted == 0 => "503 nobody is to get it",
            "data" => {
                out.write_all(b"354 go on\r\n").ok()?;
                let mut message = String::new();
                loop {
                    match self::line(&mut lines)? {
                        dot if dot == ".\r\n" => break,
                        text => message.push_str(&text),
                    }
                }
                taken.lock().unwrap().push(message);
                "250 taken"
            }
            "quit" => {
                out.write_all(b"221 bye\r\n").ok()?;
                return None;
            }
            _ => "500 what?",
        };
        out.write_all(format!("{reply}\r\n").as_bytes()).ok()?;
    }
}

fn line(lines: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    let count = lines.read_line(&mut line).ok()?;
    (count > 0 && line.ends_with('\n')).then_some(line)
}
