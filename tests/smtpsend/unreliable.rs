//! A server that cuts, defers and refuses at random, and keeps a book of what it took.
//!
//! Every session draws from its own numbers, which come from one seed. What it took is noted before it
//! says so; whoever it cut off without a reply, or before the reply can have been read, and whoever is gone
//! without QUIT, has reason to come again, and that is noted, too. It sees when two sessions bring one
//! message at the same time.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Error, ErrorKind, Read as _, Result, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What the server knows of the recipients it met.
#[derive(Default)]
pub(crate) struct Book {
    /// How often each was given a message, told or not.
    pub(crate) taken: HashMap<String, u32>,
    /// How often each was refused for good.
    pub(crate) refused: HashMap<String, u32>,
    /// How often a message for each was taken without the client being sure to know.
    pub(crate) untold: HashMap<String, u32>,
    /// What must not be.
    pub(crate) faults: Vec<String>,
    pub(crate) sessions: u64,
    pub(crate) cuts: u64,
    /// The session that named each last.
    holders: HashMap<String, u64>,
}

/// Tells whether the octets of a message are those that belong to this sender.
pub(crate) type Whole = fn(sender: &str, message: &str) -> bool;

/// The server, as long as this lives.
pub(crate) struct Unreliable {
    pub(crate) port: u16,
    book: Arc<Mutex<Book>>,
    ends: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Unreliable {
    pub(crate) fn start(seed: u64, whole: Whole) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (book, ends) = (Arc::<Mutex<Book>>::default(), Arc::<AtomicBool>::default());
        let (shared, over) = (Arc::clone(&book), Arc::clone(&ends));
        let accepting = std::thread::spawn(move || {
            for (number, connection) in (1_u64..).zip(listener.incoming()) {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let book = Arc::clone(&shared);
                std::thread::spawn(move || {
                    let odds = Odds(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                    let session = Session::new(connection.unwrap(), number, odds, &book, whole);
                    // A client that goes away is no fault.
                    let _ = session.and_then(Session::play);
                });
            }
        });
        Self {
            port,
            book,
            ends,
            accepting: Some(accepting),
        }
    }

    /// Ends it, and hands over the book.
    pub(crate) fn finish(mut self) -> Book {
        self.end();
        std::mem::take(&mut *self.book.lock().unwrap())
    }

    fn end(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        if let Some(accepting) = self.accepting.take() {
            let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
            let _ = accepting.join();
        }
    }
}

impl Drop for Unreliable {
    fn drop(&mut self) {
        self.end();
    }
}

/// Numbers at random: SplitMix64.
pub(crate) struct Odds(pub(crate) u64);

impl Odds {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Yes, so many times of a thousand.
    fn hit(&mut self, permille: u64) -> bool {
        self.next() % 1000 < permille
    }
}

struct Session<'b> {
    lines: BufReader<TcpStream>,
    number: u64,
    odds: Odds,
    book: &'b Mutex<Book>,
    whole: Whole,
    sender: String,
    recipients: Vec<String>,
    message: Vec<u8>,
    /// Those who had the last message that was taken.
    before: Vec<String>,
}

impl<'b> Session<'b> {
    fn new(
        connection: TcpStream,
        number: u64,
        odds: Odds,
        book: &'b Mutex<Book>,
        whole: Whole,
    ) -> Result<Self> {
        connection.set_nodelay(true)?;
        book.lock().unwrap().sessions += 1;
        Ok(Self {
            lines: BufReader::new(connection),
            number,
            odds,
            book,
            whole,
            sender: String::new(),
            recipients: Vec::new(),
            message: Vec::new(),
            before: Vec::new(),
        })
    }

    fn play(mut self) -> Result<()> {
        if self.odds.hit(30) {
            return self.leave("421 4.3.2 not now");
        }
        self.say("220 unreliable.example")?;
        let mut line = String::new();
        loop {
            line.clear();
            if !matches!(self.lines.read_line(&mut line), Ok(count) if count > 0) {
                return self.lost();
            }
            if self.odds.hit(8) {
                return self.cut();
            }
            if self.odds.hit(8) {
                return self.leave("421 4.3.2 going down");
            }
            match line.trim_end().split_at(line.len().min(4)) {
                ("EHLO", _) => self.greet()?,
                ("MAIL", rest) => self.mail(rest)?,
                ("RCPT", rest) => self.rcpt(rest)?,
                ("DATA", _) => self.data()?,
                ("BDAT", rest) => self.bdat(rest)?,
                ("QUIT", _) => return self.leave("221 2.0.0 bye"),
                _ => self.say("250 2.0.0 ok")?,
            }
        }
    }

    fn say(&mut self, reply: &str) -> Result<()> {
        let said = format!("{reply}\r\n");
        let written = self.lines.get_ref().write_all(said.as_bytes());
        written.or_else(|_| self.lost())
    }

    /// Says so, and sees to it that it can be read.
    fn leave(mut self, reply: &str) -> Result<()> {
        self.say(reply)?;
        self.lines.get_ref().shutdown(Shutdown::Write)?;
        std::io::copy(&mut self.lines, &mut std::io::sink()).map(drop)
    }

    /// Ends without a word; what was said before may be lost with it.
    fn cut<T>(&mut self) -> Result<T> {
        self.book.lock().unwrap().cuts += 1;
        self.lost()
    }

    /// Ends where the client cannot be sure of what was said last.
    fn lost<T>(&mut self) -> Result<T> {
        let mut book = self.book.lock().unwrap();
        for recipient in self.before.drain(..) {
            *book.untold.entry(recipient).or_default() += 1;
        }
        Err(Error::other("lost"))
    }

    /// Whether the client was killed after it had sent all that is here: then another may go on.
    fn is_orphan(&self) -> bool {
        let connection = self.lines.get_ref();
        connection.set_nonblocking(true).unwrap();
        let next = connection.peek(&mut [0]).map_err(|error| error.kind());
        connection.set_nonblocking(false).unwrap();
        self.lines.buffer().is_empty() && next != Err(ErrorKind::WouldBlock) && next != Ok(1)
    }

    fn greet(&mut self) -> Result<()> {
        let (pipelining, chunking) = (self.odds.hit(700), self.odds.hit(500));
        let offers = [(pipelining, "PIPELINING"), (chunking, "CHUNKING")];
        for (_, offer) in offers.iter().filter(|(is_on, _)| *is_on) {
            self.say(&format!("250-{offer}"))?;
        }
        self.say("250 ENHANCEDSTATUSCODES")
    }

    fn mail(&mut self, rest: &str) -> Result<()> {
        self.recipients.clear();
        self.message.clear();
        self.sender = address(rest);
        if self.odds.hit(20) {
            return self.say("451 4.3.0 not this one, not now");
        }
        self.say("250 2.1.0 ok")
    }

    fn rcpt(&mut self, rest: &str) -> Result<()> {
        let recipient = address(rest);
        let mut book = self.book.lock().unwrap();
        book.holders.insert(recipient.clone(), self.number);
        if self.odds.hit(30) {
            drop(book);
            return self.say("450 4.2.1 later");
        }
        if self.odds.hit(10) {
            *book.refused.entry(recipient).or_default() += 1;
            drop(book);
            return self.say("550 5.1.1 nobody");
        }
        drop(book);
        self.recipients.push(recipient);
        self.say("250 2.1.5 ok")
    }

    fn data(&mut self) -> Result<()> {
        if self.recipients.is_empty() {
            return self.say("503 5.5.1 for whom?");
        }
        if self.odds.hit(10) {
            self.recipients.clear();
            return self.say("451 4.3.0 no room");
        }
        self.say("354 go on")?;
        let mut left = self.patience();
        loop {
            let start = self.message.len();
            let read = self.lines.read_until(b'\n', &mut self.message);
            let Ok(count @ 1..) = read else {
                return self.lost();
            };
            left = left.saturating_sub(count);
            if left == 0 {
                return self.cut();
            }
            match &self.message[start..] {
                b".\r\n" => {
                    self.message.truncate(start);
                    return self.end();
                }
                [b'.', ..] => drop(self.message.remove(start)),
                _ => {}
            }
        }
    }

    fn bdat(&mut self, rest: &str) -> Result<()> {
        let mut words = rest.split_whitespace();
        let size: usize = words.next().unwrap().parse().unwrap();
        if self.patience() <= size {
            return self.cut();
        }
        let mut chunk = vec![0; size];
        if self.lines.read_exact(&mut chunk).is_err() {
            return self.lost();
        }
        self.message.extend(chunk);
        if self.recipients.is_empty() {
            return self.say("503 5.5.1 for whom?");
        }
        match words.next() {
            Some(_) => self.end(),
            None => self.say("250 2.0.0 ok"),
        }
    }

    /// Octets of a message that are read before the connection is cut.
    fn patience(&mut self) -> usize {
        if self.odds.hit(30) {
            usize::try_from(self.odds.next() % 1024).unwrap()
        } else {
            usize::MAX
        }
    }

    /// The message is here as a whole.
    fn end(&mut self) -> Result<()> {
        let recipients = std::mem::take(&mut self.recipients);
        let message = String::from_utf8(std::mem::take(&mut self.message)).unwrap();
        let mut book = self.book.lock().unwrap();
        if !(self.whole)(&self.sender, &message) {
            let fault = format!("not what <{}> sent: {message}", self.sender);
            book.faults.push(fault);
        }
        for recipient in &recipients {
            if book.holders.get(recipient) != Some(&self.number) && !self.is_orphan() {
                let fault = format!("two sessions for {recipient} at a time");
                book.faults.push(fault);
            }
        }
        drop(book);
        if self.odds.hit(30) {
            return self.cut();
        }
        if self.odds.hit(30) {
            return self.say("451 4.3.0 it will not go in");
        }
        let is_refused = self.odds.hit(5);
        let mut book = self.book.lock().unwrap();
        let kept = if is_refused {
            &mut book.refused
        } else {
            &mut book.taken
        };
        for recipient in &recipients {
            *kept.entry(recipient.clone()).or_default() += 1;
        }
        drop(book);
        if is_refused {
            return self.say("554 5.6.0 that is no mail");
        }
        self.before = recipients;
        if self.odds.hit(30) {
            return self.cut();
        }
        self.say("250 2.0.0 taken")
    }
}

/// What stands in angle brackets.
fn address(rest: &str) -> String {
    let (_, rest) = rest.split_once('<').unwrap();
    rest.split_once('>').unwrap().0.to_owned()
}
