//! The works that are measured, and what is hoped of ours in each.

use std::time::Duration;

use crate::content::Security;
use crate::peers::OURS;
use crate::queue::PLAIN;

/// Something to be done by every program that can.
pub(crate) struct Work {
    /// For the command line.
    pub(crate) key: &'static str,
    pub(crate) title: &'static str,
    pub(crate) task: Task,
    pub(crate) place: Place,
    /// Of so many rounds one is used for this work; at least three are.
    pub(crate) every: u32,
    pub(crate) goals: Vec<Goal>,
}

/// What is to be done.
#[derive(Clone, Copy)]
pub(crate) enum Task {
    /// The program tells its version.
    Start,
    Send(Errand),
    /// Keeping a message of so many octets, to be sent later.
    Queue(usize),
}

/// Sending a message.
#[derive(Clone, Copy)]
pub(crate) struct Errand {
    pub(crate) security: Security,
    /// Octets of the body.
    pub(crate) size: usize,
    pub(crate) recipients: usize,
    /// So many times.
    pub(crate) count: u32,
    /// Over so many connections at most.
    pub(crate) connections: u32,
    /// Each is made of a row.
    pub(crate) merged: bool,
}

/// Where the server is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Loopback,
    /// In the network, by this name, at this port; `None` leaves the port to the program.
    Network(&'static str, Option<u16>),
}

/// What is hoped of ours.
pub(crate) enum Goal {
    /// Time, at most so many times that of another; of the best of the others, when none is named.
    Time(f64, Option<&'static str>),
    /// Time, at most so many times that of another for another work.
    TimeOf(f64, &'static str, &'static str),
    /// Processor time, at most so many times that of another.
    Cpu(f64, &'static str),
    /// Memory, at most so many MiB.
    Memory(u32),
    Waits(u32),
    /// So many round trips, connecting included, and less than one more.
    Trips(u32),
    Within(Duration),
    /// At most so much longer than another work.
    Longer(Duration, &'static str),
}

/// How long a program may take for one run.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);
/// A program that takes longer for its first run is measured by that alone.
pub(crate) const SLOW: Duration = Duration::from_secs(5);
/// How long, where it may be waiting for what never comes.
pub(crate) const LIMIT_IN_NETWORK: Duration = Duration::from_secs(5);

const SMALL: Errand = Errand {
    security: Security::None,
    size: 2_048,
    recipients: 1,
    count: 1,
    connections: 1,
    merged: false,
};
const SECURED: Errand = Errand {
    security: Security::Starttls,
    ..SMALL
};
const IMPLICIT: Errand = Errand {
    security: Security::Implicit,
    ..SMALL
};

/// All of them, in the order of the tables.
pub(crate) fn all() -> Vec<Work> {
    use Goal::{Cpu, Longer, Memory, Time, TimeOf, Trips, Waits, Within};
    let far = |port| Place::Network("far.test", Some(port));
    let half_a_second = Duration::from_millis(500);
    let here = |key, title, task, every, goals| Work {
        key,
        title,
        task,
        place: Place::Loopback,
        every,
        goals,
    };
    let network = |key, title, place, errand, goals| Work {
        key,
        title,
        task: Task::Send(errand),
        place,
        every: 4,
        goals,
    };
    let sized = |errand, megabytes: usize| {
        Task::Send(Errand {
            size: megabytes * 1_000_000,
            ..errand
        })
    };
    let to = |recipients| Errand {
        recipients,
        ..SECURED
    };
    let many = |errand| {
        Task::Send(Errand {
            count: 1_000,
            ..errand
        })
    };
    let merge = |errand| {
        Task::Send(Errand {
            count: 10_000,
            connections: 4,
            merged: true,
            ..errand
        })
    };
    vec![
        here(
            "start",
            "Start-up (`--version`)",
            Task::Start,
            1,
            vec![Time(1.0, Some("himalaya"))],
        ),
        here(
            "plain",
            "2 KB, in clear",
            Task::Send(SMALL),
            1,
            vec![Time(0.8, Some("himalaya"))],
        ),
        here(
            "starttls",
            "2 KB, STARTTLS, AUTH PLAIN",
            Task::Send(SECURED),
            1,
            vec![Time(0.5, Some("himalaya")), Cpu(1.2, "lettre"), Waits(6)],
        ),
        here(
            "implicit",
            "2 KB, implicit TLS, AUTH PLAIN",
            Task::Send(IMPLICIT),
            1,
            vec![Waits(4)],
        ),
        here(
            "recipients",
            "2 KB to 100 recipients, STARTTLS, AUTH PLAIN",
            Task::Send(to(100)),
            2,
            vec![Waits(6)],
        ),
        here(
            "25mb",
            "25 MB on standard input, STARTTLS, AUTH PLAIN",
            sized(SECURED, 25),
            2,
            vec![Time(0.9, Some("curl")), Memory(10)],
        ),
        here(
            "256mb",
            "256 MB on standard input, implicit TLS, AUTH PLAIN",
            sized(IMPLICIT, 256),
            7,
            vec![Time(1.0, Some("curl")), Memory(10)],
        ),
        here(
            "many-starttls",
            "1,000 × 2 KB over one connection, STARTTLS, AUTH PLAIN",
            many(SECURED),
            5,
            vec![Time(0.5, Some("curl"))],
        ),
        here(
            "many-plain",
            "1,000 × 2 KB over one connection, in clear",
            many(SMALL),
            5,
            vec![Time(0.5, Some("smtp-source"))],
        ),
        here(
            "merge-plain",
            "10,000 rows over 4 connections, in clear",
            merge(SMALL),
            7,
            vec![Time(1.0, Some("smtp-source")), Memory(16)],
        ),
        here(
            "merge-starttls",
            "10,000 rows over 4 connections, STARTTLS, AUTH PLAIN",
            merge(SECURED),
            7,
            vec![TimeOf(2.0, "smtp-source", "merge-plain")],
        ),
        here(
            "queue",
            "2 KB into the queue",
            Task::Queue(2_048),
            1,
            vec![Time(2.0, Some(PLAIN))],
        ),
        here(
            "queue-1mib",
            "1 MiB into the queue",
            Task::Queue(1 << 20),
            1,
            vec![Time(2.0, Some(PLAIN))],
        ),
        here(
            "queue-100mib",
            "100 MiB into the queue",
            Task::Queue(100 << 20),
            7,
            vec![Time(2.0, Some(PLAIN)), Memory(16)],
        ),
        network(
            "far",
            "50 ms away, STARTTLS, AUTH PLAIN",
            far(587),
            SECURED,
            vec![Trips(7), Time(0.62, None)],
        ),
        network(
            "far-recipients",
            "50 ms away, 20 recipients, STARTTLS, AUTH PLAIN",
            far(587),
            to(20),
            vec![Trips(7), Time(0.62, None)],
        ),
        network(
            "far-implicit",
            "50 ms away, implicit TLS, AUTH PLAIN",
            far(465),
            IMPLICIT,
            vec![Trips(5)],
        ),
        network(
            "open",
            "The port is found: 587 is open",
            Place::Network("mail.test", None),
            SECURED,
            vec![],
        ),
        network(
            "holed",
            "The port is found: 587 swallows packets, 2525 is open",
            Place::Network("holed.test", None),
            SECURED,
            vec![Longer(Duration::from_secs(1), "open")],
        ),
        network(
            "two",
            "A name with two addresses, of which the first swallows packets",
            Place::Network("two.test", Some(587)),
            SECURED,
            vec![Within(half_a_second)],
        ),
    ]
}

impl Goal {
    /// The goal in words.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Time(factor, peer) => format!(
                "time ≤ {factor} × {}",
                peer.unwrap_or("the best of the others")
            ),
            Self::TimeOf(factor, peer, work) => format!("time ≤ {factor} × {peer}, of {work}"),
            Self::Cpu(factor, peer) => format!("CPU ≤ {factor} × {peer}"),
            Self::Memory(mebibytes) => format!("memory ≤ {mebibytes} MiB"),
            Self::Waits(count) => format!("{count} waits"),
            Self::Trips(count) => format!("{count} round trips, connecting included"),
            Self::Within(time) => format!("within {} s", time.as_secs_f64()),
            Self::Longer(time, work) => {
                format!("at most {} s longer than \"{work}\"", time.as_secs_f64())
            }
        }
    }
}

/// Whether a program is one of the others.
pub(crate) fn is_other(name: &str) -> bool {
    ![OURS, crate::peers::FLOOR, PLAIN].contains(&name)
}
