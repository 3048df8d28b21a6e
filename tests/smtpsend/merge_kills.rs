//! A merge that is killed at random and resumed: each row once, and once more only where its answer was lost.

use std::collections::BTreeMap;

use rustix::process::Signal;

use crate::merge::Mailing;
use crate::post_office::PostOffice;

const ROWS: usize = 600;
const KILLS: usize = 20;
const CONNECTIONS: usize = 3;

#[test]
fn killed_twenty_times_and_resumed_each_row_is_sent_once_unless_its_answer_was_lost() {
    let office = PostOffice::open();
    let mailing = Mailing::of(ROWS);
    let connections = CONNECTIONS.to_string();
    let call = || {
        mailing
            .call_to(&office)
            .args(["--journal", "journal", "--connections", &connections])
    };
    for kill in 0..KILLS {
        let running = call().dies_of_a_signal().stderr_any().start();
        // Somewhere else each time, without a pattern.
        let after = 1 + (kill * kill * 7 + 3) % 23;
        for _ in 0..after {
            office.comes.recv().unwrap();
        }
        running.signal(Signal::KILL);
        running.ends();
        while office.comes.try_recv().is_ok() {}
    }
    call().stderr_any().run();

    let mut times: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for one in office.taken() {
        let row = one.field("X-Row").parse().unwrap();
        times
            .entry(row)
            .or_default()
            .push(one.field("Message-ID").to_owned());
    }
    assert_eq!(
        times.keys().copied().collect::<Vec<_>>(),
        (1..=ROWS).collect::<Vec<_>>()
    );
    let again: usize = times.values().map(|ids| ids.len() - 1).sum();
    // Each connection of a run that is killed has one message at most whose answer it had not written down.
    assert!(again <= KILLS * CONNECTIONS, "{again} were sent again");
    for (row, ids) in &times {
        assert!(ids.iter().all(|id| *id == ids[0]), "row {row}: {ids:?}");
    }
    call()
        .stderr_is("smtpsend: 600 were done before, nothing is left\n")
        .run();
}
