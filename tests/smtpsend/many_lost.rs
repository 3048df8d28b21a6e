//! Many messages to a server whose sessions end at random places, that has enough after some messages and
//! refuses others: none is lost, none is taken twice, and at most one of each cut session is uncertain.

use std::collections::HashMap;

use smtpsend::report::Report;

use crate::letters::{id, letter, plan, submit_all};
use crate::taker::{Account, Cut, End, Manner, Taker};

/// Numbers that are the same in every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).unwrap()
    }
}

const COUNT: usize = 40;
const SEEDS: u64 = 100;
/// Sessions that are disturbed; those after them are served to the end.
const DISTURBED: usize = 25;

const BDAT: [&[&str]; 3] = [
    &["PIPELINING", "CHUNKING"],
    &["PIPELINING", "CHUNKING", "LIMITS MAILMAX=3 RCPTMAX=2"],
    &["CHUNKING"],
];
const DATA: [&[&str]; 3] = [
    &["PIPELINING", "8BITMIME"],
    &["PIPELINING", "LIMITS MAILMAX=3 RCPTMAX=2"],
    &["8BITMIME"],
];

/// How the session of this number goes, in the run of this seed.
fn manner(seed: u64, session: usize, offers: [&'static [&'static str]; 3]) -> Manner {
    let mut numbers = Numbers(seed << 32 | session as u64);
    let kind = Manner {
        strict: numbers.below(2) == 0,
        most: 1 + numbers.below(4),
        ..Manner::kind(offers[numbers.below(3)])
    };
    if session >= DISTURBED {
        return kind;
    }
    let end = [End::Fin, End::Rst][numbers.below(2)];
    let cut = match numbers.below(3) {
        0 => Cut::Read(numbers.below(1200)),
        1 => Cut::Said(60 + numbers.below(200)),
        _ => Cut::Never,
    };
    let enough = ["421 enough", "450 enough", "452 enough"][numbers.below(3)];
    let enough = (numbers.below(2) == 0).then_some((numbers.below(4), enough));
    Manner {
        cut,
        end,
        enough,
        ..kind
    }
}

/// What the message of this number is refused with, for its own sake.
fn refusal(number: usize) -> &'static str {
    match number % 9 {
        3 => "X-Refuse: 554 spam\r\n",
        5 => "X-Refuse: 451 later\r\n",
        _ => "",
    }
}

/// To whom the message of this number goes.
fn recipients(number: usize) -> &'static [&'static str] {
    match number % 7 {
        2 => &["r0@example.com", "r1@example.com", "r2@example.com"],
        4 => &["refused@example.com"],
        6 => &["r0@example.com", "refused@example.com"],
        _ => &["r0@example.com"],
    }
}

fn run(seed: u64, offers: [&'static [&'static str]; 3]) -> (Vec<Account>, Vec<Report>) {
    let taker = Taker::start(move |session| manner(seed, session, offers));
    let letter = |number| letter(number, recipients(number), refusal(number), number % 5);
    let reports = submit_all(plan(taker.port), (0..COUNT).map(letter).collect());
    (taker.finish(), reports)
}

/// How often each recipient was given each message.
fn taken(accounts: &[Account]) -> HashMap<(&str, &str), usize> {
    let mut taken = HashMap::new();
    for message in accounts.iter().flat_map(|account| &account.taken) {
        for recipient in &message.recipients {
            *taken
                .entry((message.id.as_str(), recipient.as_str()))
                .or_default() += 1;
        }
    }
    taken
}

fn is_uncertain(report: &Report) -> bool {
    let mut recipients = report.recipients.iter();
    recipients.any(|(_, verdict)| verdict.name() == "unknown")
}

fn none_is_lost_and_none_is_taken_twice(offers: [&'static [&'static str]; 3]) {
    for seed in 1..=SEEDS {
        let (accounts, reports) = run(seed, offers);
        let taken = taken(&accounts);
        for (number, report) in reports.iter().enumerate() {
            for (address, verdict) in &report.recipients {
                let key = (&*id(number), &*address.to_string());
                let count = taken.get(&key).copied().unwrap_or(0);
                let fits = match verdict.name() {
                    "accepted" => count == 1,
                    "unknown" => count <= 1,
                    _ => count == 0,
                };
                assert!(fits, "seed {seed}, {number}: {count} times\n{report:?}");
            }
        }
        let cut = (0..accounts.len())
            .filter(|&session| !matches!(manner(seed, session, offers).cut, Cut::Never));
        let uncertain = reports.iter().filter(|report| is_uncertain(report));
        assert!(uncertain.count() <= cut.count(), "seed {seed}");
    }
}

/// Whatever becomes of the sessions, a message is refused for its own sake or not at all.
fn each_refusal_is_its_own(offers: [&'static [&'static str]; 3]) {
    for seed in 1..=SEEDS {
        let (_, reports) = run(seed, offers);
        for (number, report) in reports.iter().enumerate() {
            for (address, verdict) in &report.recipients {
                let code = verdict.reply().map_or(0, |reply| reply.code);
                let due = match refusal(number) {
                    _ if address.to_string().starts_with("refused") => 550,
                    "" => 250,
                    refusal if refusal.contains("554") => 554,
                    _ => 451,
                };
                let fits = code == due || matches!(verdict.name(), "unknown" | "deferred");
                assert!(fits, "seed {seed}, {number}: {code}\n{report:?}");
            }
        }
    }
}

#[test]
fn by_bdat_none_is_lost_and_none_is_taken_twice() {
    none_is_lost_and_none_is_taken_twice(BDAT);
}

#[test]
fn by_data_none_is_lost_and_none_is_taken_twice() {
    none_is_lost_and_none_is_taken_twice(DATA);
}

#[test]
fn by_bdat_nothing_is_refused_but_for_its_own_sake() {
    each_refusal_is_its_own(BDAT);
}

#[test]
fn by_data_nothing_is_refused_but_for_its_own_sake() {
    each_refusal_is_its_own(DATA);
}
