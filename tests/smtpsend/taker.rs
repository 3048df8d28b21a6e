//! A server that remembers what it took and what it said in full, and goes away at any octet it is told to.
//! It answers by the rules instead of by a script, so that a client may come as often as it likes.

use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Where a connection ends, whatever is said.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cut {
    Never,
    /// When so many octets were read.
    Read(usize),
    /// When so many octets were said.
    Said(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Fin,
    Rst,
}

/// How one connection is served.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// The keywords of EHLO.
    pub(crate) offers: &'static [&'static str],
    pub(crate) cut: Cut,
    pub(crate) end: End,
    /// The MAIL command of this number, counted from 0, is answered so; by 421 the server closes.
    pub(crate) enough: Option<(usize, &'static str)>,
    /// Recipients of one transaction; more are told 452.
    pub(crate) most: usize,
    /// After a message by BDAT was refused RSET is due before anything else (RFC 3030 §2).
    pub(crate) strict: bool,
}

impl Manner {
    /// Serves to the end.
    pub(crate) fn kind(offers: &'static [&'static str]) -> Self {
        Self {
            offers,
            cut: Cut::Never,
            end: End::Fin,
            enough: None,
            most: usize::MAX,
            strict: false,
        }
    }
}

/// A message that the server decided to take.
#[derive(Debug)]
pub(crate) struct Taken {
    /// Its Message-ID.
    pub(crate) id: String,
    pub(crate) recipients: Vec<String>,
    /// The reply that says so went out to its last octet.
    pub(crate) told: bool,
}

/// What one connection came to.
#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) taken: Vec<Taken>,
    /// The replies that went out to their last octet.
    pub(crate) told: Vec<String>,
    /// Octets of all replies.
    pub(crate) said: usize,
    /// Octets of the commands and messages.
    pub(crate) read: usize,
}

pub(crate) struct Taker {
    pub(crate) port: u16,
    over: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Account>>,
}

impl Taker {
    /// Serves connections one after the other, each in the manner of its number.
    pub(crate) fn start(manner: impl Fn(usize) -> Manner + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            let mut accounts = Vec::new();
            loop {
                let (stream, _) = listener.accept().unwrap();
                if ended.load(Ordering::SeqCst) {
                    return accounts;
                }
                accounts.push(Visit::serve(stream, manner(accounts.len())));
            }
        });
        Self { port, over, thread }
    }

    /// To be called when the client is done.
    pub(crate) fn finish(self) -> Vec<Account> {
        self.over.store(true, Ordering::SeqCst);
        // Wakes it up.
        let _ = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        self.thread.join().unwrap()
    }
}

struct Visit {
    input: BufReader<io::Take<TcpStream>>,
    output: TcpStream,
    manner: Manner,
    account: Account,
}

/// The connection is over: the client has gone, or the time has come.
struct Over;

impl From<io::Error> for Over {
    fn from(_: io::Error) -> Self {
        Self
    }
}

impl Visit {
    fn serve(stream: TcpStream, manner: Manner) -> Account {
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream.set_nodelay(true).unwrap();
        let most = match manner.cut {
            Cut::Read(octets) => octets as u64,
            Cut::Never | Cut::Said(_) => u64::MAX,
        };
        let mut visit = Self {
            output: stream.try_clone().unwrap(),
            input: BufReader::new(stream.take(most)),
            manner,
            account: Account::default(),
        };
        let _ = visit.converse();
        let mut stream = visit.input.into_inner().into_inner();
        match manner.end {
            End::Fin => {
                let _ = visit.output.shutdown(Shutdown::Write);
                let _ = io::copy(&mut stream, &mut io::sink());
            }
            End::Rst => {
                let _ = rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO));
            }
        }
        visit.account
    }

    fn converse(&mut self) -> Result<(), Over> {
        self.say("220 mail.test")?;
        let mut mails = 0;
        let mut open = false;
        let mut broken = false;
        let mut recipients = Vec::new();
        loop {
            let line = self.line()?;
            let word = line.split(' ').next().unwrap_or_default();
            let reply = match word {
                "EHLO" => self.ehlo(),
                "AUTH" => "235 welcome".to_owned(),
                "RSET" => {
                    (open, broken) = (false, false);
                    recipients.clear();
                    "250 reset".to_owned()
                }
                "MAIL" if open || broken => "503 RSET first".to_owned(),
                "MAIL" => {
                    mails += 1;
                    match self.manner.enough {
                        Some((number, said)) if number == mails - 1 => said.to_owned(),
                        _ => {
                            open = true;
                            "250 mail".to_owned()
                        }
                    }
                }
                "RCPT" if !open => "503 no MAIL".to_owned(),
                "RCPT" if line.contains("refused@") => "550 no such user".to_owned(),
                "RCPT" if recipients.len() >= self.manner.most => "452 too many".to_owned(),
                "RCPT" => {
                    let path = line.trim_start_matches("RCPT TO:<");
                    recipients.push(path.trim_end_matches('>').to_owned());
                    "250 rcpt".to_owned()
                }
                "DATA" if recipients.is_empty() => "503 no RCPT".to_owned(),
                "DATA" => {
                    self.say("354 go")?;
                    let text = self.stuffed()?;
                    open = false;
                    self.judge(&text, std::mem::take(&mut recipients))?;
                    continue;
                }
                "BDAT" => {
                    let text = self.chunk(&line)?;
                    if recipients.is_empty() || broken {
                        "503 no RCPT".to_owned()
                    } else {
                        open = false;
                        let taken = self.judge(&text, std::mem::take(&mut recipients))?;
                        broken = !taken && self.manner.strict;
                        continue;
                    }
                }
                _ => {
                    self.say("221 bye")?;
                    return Ok(());
                }
            };
            self.say(&reply)?;
            if reply.starts_with("421") {
                return Ok(());
            }
        }
    }

    fn ehlo(&self) -> String {
        let (last, rest) = self.manner.offers.split_last().unwrap();
        let rest: String = rest
            .iter()
            .map(|offer| format!("250-{offer}\r\n"))
            .collect();
        format!("250-mail.test\r\n{rest}250 {last}")
    }

    /// Takes the message, unless it says what to refuse it with; whether it did.
    fn judge(&mut self, text: &str, recipients: Vec<String>) -> Result<bool, Over> {
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        if let Some(refusal) = field("X-Refuse: ") {
            self.say(refusal)?;
            return Ok(false);
        }
        let id = field("Message-ID: ").unwrap().to_owned();
        let told = false;
        self.account.taken.push(Taken {
            id,
            recipients,
            told,
        });
        self.say("250 queued")?;
        if let Some(taken) = self.account.taken.last_mut() {
            taken.told = true;
        }
        Ok(true)
    }

    fn line(&mut self) -> Result<String, Over> {
        let mut line = String::new();
        self.account.read += self.input.read_line(&mut line)?;
        line.strip_suffix("\r\n").map(str::to_owned).ok_or(Over)
    }

    fn stuffed(&mut self) -> Result<String, Over> {
        let mut text = String::new();
        loop {
            let line = self.line()?;
            if line == "." {
                return Ok(text);
            }
            text += line.strip_prefix('.').unwrap_or(&line);
            text += "\r\n";
        }
    }

    /// One chunk, which has to be the last.
    fn chunk(&mut self, line: &str) -> Result<String, Over> {
        let count = line
            .strip_prefix("BDAT ")
            .and_then(|rest| rest.strip_suffix(" LAST"));
        let mut octets = vec![0; count.unwrap().parse().unwrap()];
        self.input.read_exact(&mut octets)?;
        self.account.read += octets.len();
        Ok(String::from_utf8(octets).unwrap())
    }

    fn say(&mut self, reply: &str) -> Result<(), Over> {
        let octets = format!("{reply}\r\n").into_bytes();
        let left = match self.manner.cut {
            Cut::Said(most) => most.saturating_sub(self.account.said),
            Cut::Never | Cut::Read(_) => usize::MAX,
        };
        let now = &octets[..octets.len().min(left)];
        self.output.write_all(now)?;
        self.account.said += now.len();
        if now.len() < octets.len() {
            return Err(Over);
        }
        self.account.told.push(reply.to_owned());
        Ok(())
    }
}
