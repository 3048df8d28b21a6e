//! What was measured, and whether it is what was hoped.

use std::time::Duration;

use crate::measure::Cost;
use crate::network::ROUND_TRIP;
use crate::peers::OURS;
use crate::works::{Goal, Task, Work, is_other};

/// One work, by all programs that can do it.
pub(crate) struct Row {
    pub(crate) work: Work,
    /// Why it was not measured at all.
    pub(crate) unmeasured: Option<String>,
    pub(crate) cells: Vec<Cell>,
}

/// One work by one program.
pub(crate) struct Cell {
    pub(crate) program: &'static str,
    /// How often the client waited; not counted everywhere.
    pub(crate) waits: Option<u32>,
    /// Octets that went over the wire, both ways.
    pub(crate) octets: u64,
    pub(crate) runs: Vec<Cost>,
    /// Why it failed; then the rest counts for nothing.
    pub(crate) failure: Option<String>,
}

impl Cell {
    pub(crate) fn time(&self) -> Option<Duration> {
        self.median(|cost| cost.wall)
    }

    pub(crate) fn cpu(&self) -> Option<Duration> {
        self.median(|cost| cost.cpu)
    }

    /// Octets.
    pub(crate) fn memory(&self) -> Option<u64> {
        self.median(|cost| cost.memory)
    }

    /// Whether the memory is that of the measuring process, and the program's own is smaller.
    pub(crate) fn at_floor(&self) -> bool {
        self.runs.iter().all(|cost| cost.memory <= cost.floor)
    }

    fn median<T: Ord + Copy>(&self, of: fn(&Cost) -> T) -> Option<T> {
        if self.failure.is_some() {
            return None;
        }
        let mut values: Vec<T> = self.runs.iter().map(of).collect();
        values.sort();
        values.get(values.len() / 2).copied()
    }
}

impl Row {
    pub(crate) fn cell(&self, program: &str) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.program == program)
    }

    /// Whether others did it, too.
    pub(crate) fn comparison(&self) -> bool {
        self.cell(OURS).is_some() && self.cells.iter().any(|cell| is_other(cell.program))
    }

    /// How a program's time compares with ours.
    pub(crate) fn ratio(&self, cell: &Cell) -> Option<f64> {
        Some(ratio(cell.time()?, self.cell(OURS)?.time()?))
    }

    /// How many round trips this time is, where there is a way to be measured by.
    pub(crate) fn trips(&self, time: Duration) -> Option<f64> {
        let far = self
            .work
            .goals
            .iter()
            .any(|goal| matches!(goal, Goal::Trips(_)));
        far.then(|| ratio(time, ROUND_TRIP))
    }

    /// How many messages a second this time is, where there are many.
    pub(crate) fn rate(&self, time: Duration) -> Option<f64> {
        match self.work.task {
            Task::Send(errand) if errand.count > 1 => {
                Some(f64::from(errand.count) / time.as_secs_f64())
            }
            _ => None,
        }
    }
}

/// What came of a goal.
pub(crate) struct Verdict {
    /// `None` when it cannot be said.
    pub(crate) reached: Option<bool>,
    pub(crate) finding: String,
}

/// Judges one goal of `row`, which is among `rows`.
pub(crate) fn judge(goal: &Goal, row: &Row, rows: &[Row]) -> Verdict {
    let found = finding(goal, row, rows);
    match found {
        Ok((reached, finding)) => Verdict {
            reached: Some(reached),
            finding,
        },
        Err(missing) => Verdict {
            reached: None,
            finding: format!("not known: no result of {missing}"),
        },
    }
}

fn finding(goal: &Goal, row: &Row, rows: &[Row]) -> Result<(bool, String), String> {
    let ours = row
        .cell(OURS)
        .filter(|cell| cell.failure.is_none())
        .ok_or(OURS)?;
    let time = ours.time().ok_or(OURS)?;
    let of = |peer: &str| {
        row.cell(peer)
            .filter(|cell| cell.time().is_some())
            .ok_or(peer.to_owned())
    };
    Ok(match goal {
        Goal::Time(factor, peer) => {
            let peer = match peer {
                Some(peer) => of(peer)?,
                None => best(row).ok_or("any other")?,
            };
            let found = ratio(time, peer.time().unwrap_or_default());
            (found <= *factor, format!("{found:.2} × {}", peer.program))
        }
        Goal::TimeOf(factor, peer, work) => {
            let other = rows.iter().find(|row| row.work.key == *work);
            let other = other
                .and_then(|row| row.cell(peer)?.time())
                .ok_or_else(|| format!("{peer} of {work}"))?;
            let found = ratio(time, other);
            (found <= *factor, format!("{found:.2} × {peer}"))
        }
        Goal::Cpu(factor, peer) => {
            let theirs = of(peer)?.cpu().unwrap_or_default();
            let found = ratio(ours.cpu().unwrap_or_default(), theirs);
            (found <= *factor, format!("{found:.2}"))
        }
        Goal::Memory(mebibytes) => {
            let found = mebi(ours.memory().unwrap_or_default());
            (found <= f64::from(*mebibytes), format!("{found:.1} MiB"))
        }
        Goal::Waits(count) => {
            let found = ours.waits.ok_or("the count")?;
            (found <= *count, found.to_string())
        }
        Goal::Trips(count) => {
            let found = ratio(time, ROUND_TRIP);
            (found < f64::from(count + 1), format!("{found:.2}"))
        }
        Goal::Within(limit) => (time <= *limit, format!("{:.2} s", time.as_secs_f64())),
        Goal::Longer(limit, work) => {
            let other = rows.iter().find(|row| row.work.key == *work);
            let other = other
                .and_then(|row| row.cell(OURS)?.time())
                .ok_or_else(|| (*work).to_owned())?;
            let more = time.saturating_sub(other);
            (more <= *limit, format!("{:.2} s", more.as_secs_f64()))
        }
    })
}

fn best(row: &Row) -> Option<&Cell> {
    let others = row
        .cells
        .iter()
        .filter(|cell| is_other(cell.program) && cell.time().is_some());
    others.min_by_key(|cell| cell.time())
}

pub(crate) fn ratio(this: Duration, that: Duration) -> f64 {
    this.as_secs_f64() / that.as_secs_f64()
}

#[allow(clippy::cast_precision_loss)]
pub(crate) fn mebi(octets: u64) -> f64 {
    octets as f64 / f64::from(1 << 20)
}
