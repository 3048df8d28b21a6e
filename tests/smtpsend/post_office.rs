//! A server that takes messages over any number of connections at once, remembers them, and says when each came.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

/// A message that was taken.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) recipients: Vec<String>,
    pub(crate) text: String,
    /// The number of its connection, counted from 0.
    pub(crate) connection: usize,
}

impl Taken {
    /// The value of the first field of this name.
    pub(crate) fn field(&self, name: &str) -> &str {
        let start = format!("{name}: ");
        let line = self
            .text
            .lines()
            .find_map(|line| line.strip_prefix(&*start));
        line.unwrap_or_else(|| panic!("no {name} in {}", self.text))
    }
}

/// What is said to a command instead of what is usual; `.` is the end of a message, with its text.
pub(crate) type Mood = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

pub(crate) struct PostOffice {
    pub(crate) port: u16,
    taken: Arc<Mutex<Vec<Taken>>>,
    /// Hears of each message when its answer is due.
    pub(crate) comes: Receiver<()>,
}

impl PostOffice {
    /// Takes everything.
    pub(crate) fn open() -> Self {
        Self::moody(|_| None)
    }

    /// Says this or that instead.
    pub(crate) fn moody(mood: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let taken = Arc::new(Mutex::default());
        let (tell, comes) = channel();
        let (book, mood): (_, Mood) = (Arc::clone(&taken), Arc::new(mood));
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                let visit = Visit {
                    connection,
                    taken: Arc::clone(&book),
                    mood: Arc::clone(&mood),
                    tell: tell.clone(),
                };
                thread::spawn(move || visit.serve(stream.unwrap()));
            }
        });
        Self { port, taken, comes }
    }

    /// What was taken until now.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }

    /// The recipients of it, in order.
    pub(crate) fn recipients(&self) -> Vec<String> {
        let taken = self.taken().into_iter();
        let mut all: Vec<String> = taken.flat_map(|one| one.recipients).collect();
        all.sort();
        all
    }
}

struct Visit {
    connection: usize,
    taken: Arc<Mutex<Vec<Taken>>>,
    mood: Mood,
    tell: Sender<()>,
}

impl Visit {
    /// Until the client leaves, however it does.
    fn serve(self, stream: TcpStream) {
        let _ = self.converse(&stream);
    }

    fn converse(&self, mut output: &TcpStream) -> io::Result<()> {
        output.set_nodelay(true)?;
        let mut input = BufReader::new(output.try_clone()?);
        let mut recipients = Vec::new();
        write!(output, "{}\r\n", self.said("CONNECT", "220 mail.test"))?;
        let mut line = String::new();
        loop {
            line.clear();
            if input.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let command = line.trim_end();
            let usual = match command.split(' ').next().unwrap_or_default() {
                "EHLO" => "250-mail.test\r\n250-PIPELINING\r\n250 8BITMIME",
                "DATA" if recipients.is_empty() => "503 no recipients",
                "DATA" => "354 go",
                "QUIT" => "221 bye",
                _ => "250 ok",
            };
            let said = self.said(command, usual);
            match command.split(' ').next().unwrap_or_default() {
                "RCPT" if said.starts_with('2') => {
                    let path = command.trim_start_matches("RCPT TO:<");
                    recipients.push(path.split('>').next().unwrap().to_owned());
                }
                "MAIL" | "RSET" => recipients.clear(),
                _ => {}
            }
            write!(output, "{said}\r\n")?;
            if said.starts_with("354") {
                let text = text(&mut input)?;
                let said = self.said(&format!(".{text}"), "250 taken");
                if said.starts_with('2') {
                    self.taken.lock().unwrap().push(Taken {
                        recipients: std::mem::take(&mut recipients),
                        text,
                        connection: self.connection,
                    });
                    let _ = self.tell.send(());
                }
                write!(output, "{said}\r\n")?;
            }
            if said.starts_with("421") || said.starts_with("221") {
                return Ok(());
            }
        }
    }

    fn said(&self, command: &str, usual: &str) -> String {
        (self.mood)(command).unwrap_or_else(|| usual.to_owned())
    }
}

/// A message up to its lone dot.
fn text(input: &mut impl io::BufRead) -> io::Result<String> {
    let mut text = String::new();
    loop {
        let start = text.len();
        if input.read_line(&mut text)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match &text[start..] {
            ".\r\n" => {
                text.truncate(start);
                return Ok(text);
            }
            line if line.starts_with('.') => drop(text.remove(start)),
            _ => {}
        }
    }
}
