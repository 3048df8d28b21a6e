//! Many writers and several runs at once, some of which are killed, against a server that cannot be relied
//! on: nothing is lost, and nothing comes twice without a reason.
//!
//! `SMTPSEND_STRESS=10000 cargo test --release --test smtpsend storm -- --nocapture` is the same with so many
//! messages and fifty writers; `SMTPSEND_STRESS_SEED` gives the server's moods of a run that failed.
#![allow(clippy::print_stderr)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::queue::Spool;
use crate::unreliable::{Book, Odds, Unreliable};

const RUNNERS: usize = 4;
/// EX_OK, EX_DATAERR, EX_NOUSER, EX_UNAVAILABLE, EX_IOERR, EX_TEMPFAIL, EX_PROTOCOL: nothing that is our fault.
const FAIR: [i32; 7] = [0, 65, 67, 69, 74, 75, 76];

/// What is shared by all who take part.
struct Storm {
    spool: Spool,
    port: u16,
    messages: usize,
    writers: usize,
}

/// What its writer was told of a message.
struct Written {
    exit: i32,
    /// Status of each recipient.
    said: Vec<(String, String)>,
}

#[test]
fn of_what_many_write_while_several_runs_send_it_nothing_is_lost_or_doubled() {
    let given = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = given("SMTPSEND_STRESS_SEED").unwrap_or(now.subsec_nanos().into());
    let messages = given("SMTPSEND_STRESS").map_or(300, |count| usize::try_from(count).unwrap());
    eprintln!("SMTPSEND_STRESS_SEED={seed}");
    let server = Unreliable::start(seed, is_whole);
    let storm = Storm {
        spool: Spool::new(),
        port: server.port,
        messages,
        writers: if messages < 1000 { 10 } else { 50 },
    };
    let began = Instant::now();
    let written = storm.rage();
    let elapsed = began.elapsed();
    let book = server.finish();
    eprintln!(
        "{messages} messages, {} writers, {RUNNERS} runs: {elapsed:.1?}, {} sessions, {} cuts",
        storm.writers, book.sessions, book.cuts
    );
    storm.judge(&written, &book);
}

impl Storm {
    /// Lets it all happen, until nothing waits.
    fn rage(&self) -> Vec<Written> {
        let (is_written, is_over) = (AtomicBool::new(false), AtomicBool::new(false));
        let written = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            // Whoever fails ends it for all.
            let ends = Ends(&is_over);
            for _ in 0..RUNNERS {
                scope.spawn(|| {
                    let _ends = Ends(&is_over);
                    while !is_over.load(Ordering::Relaxed) {
                        self.run();
                    }
                });
            }
            scope.spawn(|| {
                let _ends = Ends(&is_over);
                let mut odds = Odds(self.messages as u64);
                while !is_over.load(Ordering::Relaxed) {
                    self.begin_to_run(1 + odds.next() % 60);
                }
            });
            let operator = scope.spawn(|| self.operate(&is_written, &is_over));
            std::thread::scope(|writers| {
                for writer in 0..self.writers {
                    let written = &written;
                    writers.spawn(move || {
                        for number in (writer..self.messages).step_by(self.writers) {
                            let one = self.write(number);
                            written.lock().unwrap().push(one);
                        }
                    });
                }
            });
            is_written.store(true, Ordering::Relaxed);
            operator.join().unwrap();
            drop(ends);
        });
        written.into_inner().unwrap()
    }

    /// Queues one, or sends it and queues what does not get through.
    fn write(&self, number: usize) -> Written {
        let mark = format!("m{number}");
        let to: Vec<String> = (0..=number % 3)
            .map(|place| recipient(&mark, place))
            .collect();
        let when = ["always", "on-failure"][number / 3 % 2];
        let sender = format!("{mark}@here.example");
        let (exit, output) = self.smtpsend(
            &[
                "--json",
                "--queue",
                when,
                "--envelope-from",
                &sender,
                "--to",
                &to.join(","),
            ],
            &format!(
                "From: {sender}\nTo: undisclosed-recipients:;\nSubject: {mark}\n\n{}",
                text(&mark)
            ),
        );
        let json: Value = serde_json::from_str(&output).unwrap();
        assert!(
            FAIR.contains(&exit) && (when != "always" || exit == 0),
            "{json}"
        );
        let recipients = json["recipients"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Written {
            exit,
            said: recipients
                .map(|one| (text(&one["address"]), text(&one["status"])))
                .collect(),
        }
    }

    fn run(&self) {
        let (exit, _) = self.smtpsend(&["queue", "run", "--connections", "2"], "");
        assert!(FAIR.contains(&exit), "a run: exit {exit}");
    }

    /// A run that is killed when it has told so many lines of its dialogues.
    fn begin_to_run(&self, lines: u64) {
        let mut child = self
            .command(&["queue", "run", "--verbose"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        for line in (0..lines).zip(said.lines()) {
            line.1.unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Makes due what was put off, until nothing is left.
    fn operate(&self, is_written: &AtomicBool, is_over: &AtomicBool) {
        while !is_over.load(Ordering::Relaxed) {
            let was_written = is_written.load(Ordering::Relaxed);
            let waiting: Vec<Value> = self
                .list()
                .into_iter()
                .filter(|one| one["state"] != "failed")
                .collect();
            if was_written && waiting.is_empty() {
                return;
            }
            let tried = waiting
                .iter()
                .filter(|one| one["state"] == "waiting" && one["tries"] != 0);
            let ids: Vec<&str> = tried.map(|one| one["id"].as_str().unwrap()).collect();
            if !ids.is_empty() {
                // Some are gone by now, or being sent.
                let (exit, _) = self.smtpsend(&[&["queue", "retry"], &ids[..]].concat(), "");
                assert!([0, 66, 75].contains(&exit), "retry: exit {exit}");
            }
        }
    }

    fn list(&self) -> Vec<Value> {
        let (exit, listed) = self.smtpsend(&["queue", "list", "--json"], "");
        assert_eq!(exit, 0, "{listed}");
        serde_json::from_str(&listed).unwrap()
    }

    /// Calls the program; its exit code, and what it printed.
    fn smtpsend(&self, arguments: &[&str], input: &str) -> (i32, String) {
        let mut child = self.command(arguments).spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        let exit = output.status.code().expect("it ended by a signal");
        (exit, String::from_utf8(output.stdout).unwrap())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smtpsend"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", "/")
            .env("SMTPSEND_SYSTEM_CONFIG", "/dev/null")
            .env("SMTPSEND_QUEUE_DIR", &self.spool.path)
            .env("SMTPSEND_SERVER", format!("127.0.0.1:{}", self.port))
            .env("SMTPSEND_TLS", "none")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        command
    }
}

impl Storm {
    /// Holds what was said to the writers, and what is left in the queue, against the server's book.
    fn judge(&self, written: &[Written], book: &Book) {
        let mut faults = book.faults.clone();
        let left = self.list();
        let refused: HashMap<String, &Value> = left.iter().flat_map(recipients).collect();
        let mut outcomes: BTreeMap<&str, u32> = BTreeMap::new();
        assert_eq!(written.len(), self.messages);
        for (who, said) in written.iter().flat_map(|one| &one.said) {
            let taken = of(&book.taken, who);
            let status = refused.get(who).map(|one| one["status"].as_str().unwrap());
            let outcome = match (said.as_str(), status) {
                ("accepted", _) if taken > 0 => "accepted at once",
                ("rejected", None) if taken == 0 && of(&book.refused, who) > 0 => "refused at once",
                ("deferred" | "unknown", None | Some("accepted")) if taken > 0 => {
                    "accepted by a run"
                }
                ("deferred" | "unknown", Some("rejected")) if of(&book.refused, who) > 0 => {
                    "refused to a run"
                }
                _ => "lost",
            };
            *outcomes.entry(outcome).or_default() += 1;
            if outcome == "lost" {
                faults.push(format!(
                    "{who} was told \"{said}\", is {status:?}, was given {taken}"
                ));
            }
        }
        for one in written {
            let is_refused = one.said.iter().any(|(_, said)| said == "rejected");
            if (one.exit == 0) == is_refused {
                faults.push(format!("exit {} for {:?}", one.exit, one.said));
            }
        }
        for (who, &taken) in &book.taken {
            let most = reasons(book, who) + of(&book.untold, who);
            if taken > most {
                faults.push(format!("{who} was given {taken}, with reason {most}"));
            }
        }
        faults.extend(self.notices(&left, book));
        assert!(self.spool.files("active").is_empty());
        let doubled: u32 = book.taken.values().map(|taken| taken - 1).sum();
        eprintln!(
            "{outcomes:?}, {doubled} twice, after {} cuts without a reply",
            book.untold.len()
        );
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    /// Of senders who were not told once, and no more, that somebody was refused.
    fn notices(&self, left: &[Value], book: &Book) -> Vec<String> {
        let senders = |one: &&Value| one["envelope_from"] != "";
        let (originals, notices): (Vec<&Value>, Vec<&Value>) = left.iter().partition(senders);
        let kept: BTreeSet<String> = notices
            .into_iter()
            .flat_map(recipients)
            .map(|(who, _)| who)
            .collect();
        let mut faults = Vec::new();
        for original in originals {
            let sender = original["envelope_from"].as_str().unwrap();
            if !kept.contains(sender) && !book.taken.contains_key(sender) {
                faults.push(format!("<{sender}> was not told"));
            }
        }
        faults
    }
}

fn of(counts: &HashMap<String, u32>, who: &str) -> u32 {
    counts.get(who).copied().unwrap_or_default()
}

/// How many different messages this recipient is to have: one; a sender, a notice each time that it was
/// refused for one of the recipients.
fn reasons(book: &Book, who: &str) -> u32 {
    match who.strip_suffix("@here.example") {
        None => 1,
        Some(mark) => {
            let to = (0..3).map(|place| recipient(mark, place));
            to.map(|to| of(&book.refused, &to)).sum()
        }
    }
}

fn recipient(mark: &str, place: usize) -> String {
    format!("{mark}.{place}@there.example")
}

fn recipients(entry: &Value) -> impl Iterator<Item = (String, &Value)> {
    let recipients = entry["recipients"].as_array().unwrap().iter();
    recipients.map(|one| (one["address"].as_str().unwrap().to_owned(), one))
}

/// Lines that belong to one mark only.
fn text(mark: &str) -> String {
    let mut odds = Odds(mark.len() as u64);
    mark.bytes()
        .for_each(|octet| odds.0 = (odds.0 << 8) + u64::from(octet));
    let lines = 1 + odds.next() % 40;
    let lines = (0..lines).map(|_| format!(".{mark} {:016x}\n", odds.next()));
    lines.collect()
}

fn is_whole(sender: &str, message: &str) -> bool {
    let message = message.replace("\r\n", "\n");
    match sender.split_once('@') {
        Some((mark, _)) => message.ends_with(&format!("\n\n{}", text(mark))),
        None => message.contains("multipart/report"),
    }
}

/// Says that it is over, however it comes to that.
struct Ends<'f>(&'f AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
