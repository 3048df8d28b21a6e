//! The results as Markdown.

use std::fmt::Write as _;
use std::time::Duration;

use crate::peers::{Found, OURS};
use crate::results::{Cell, Row, judge, mebi, ratio};
use crate::works::is_other;

/// The table of one work, and what came of its goals. `rows` are all there are so far.
pub(crate) fn work(row: &Row, rows: &[Row]) -> String {
    let mut text = format!("### {}\n\n", row.work.title);
    if let Some(why) = &row.unmeasured {
        let _ = writeln!(text, "Not measured: {why}.");
        return text;
    }
    text.push_str("| program | time | ratio | CPU | ratio | memory | waits | on the wire |\n");
    text.push_str("|---|--:|--:|--:|--:|--:|--:|--:|\n");
    for cell in &row.cells {
        let _ = writeln!(text, "| {} | {} |", cell.program, measured(cell, row));
    }
    text.push('\n');
    for goal in &row.work.goals {
        let verdict = judge(goal, row, rows);
        let mark = match verdict.reached {
            Some(true) => "✔",
            Some(false) => "✘",
            None => "?",
        };
        let _ = writeln!(text, "- {mark} {}: {}", goal.text(), verdict.finding);
    }
    text
}

fn measured(cell: &Cell, row: &Row) -> String {
    let (Some(time), Some(cpu), Some(memory)) = (cell.time(), cell.cpu(), cell.memory()) else {
        let why = cell.failure.as_deref().unwrap_or("no run");
        return format!("FAILED: {} | | | | | |", why.replace('|', "/"));
    };
    let ours = row.cell(OURS);
    let to_ours = |this: Duration, ours: Option<Duration>| {
        ours.map_or_else(String::new, |ours| format!("{:.2}", ratio(this, ours)))
    };
    let mut times = duration(time);
    if let Some(trips) = row.trips(time) {
        let _ = write!(times, " ({trips:.2} trips)");
    }
    if let Some(rate) = row.rate(time) {
        let _ = write!(times, " ({rate:.0}/s)");
    }
    let cells = [
        times,
        to_ours(time, ours.and_then(Cell::time)),
        duration(cpu),
        to_ours(cpu, ours.and_then(Cell::cpu)),
        format!(
            "{}{:.1} MiB",
            if cell.at_floor() { "≤ " } else { "" },
            mebi(memory)
        ),
        cell.waits
            .map_or_else(String::new, |waits| waits.to_string()),
        if cell.octets > 0 {
            cell.octets.to_string()
        } else {
            String::new()
        },
    ];
    cells.join(" | ")
}

fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        0.0..0.01 => format!("{:.2} ms", seconds * 1e3),
        0.01..0.1 => format!("{:.1} ms", seconds * 1e3),
        0.1..1.0 => format!("{:.0} ms", seconds * 1e3),
        _ => format!("{seconds:.2} s"),
    }
}

/// Which programs these are.
pub(crate) fn programs(found: &[Found]) -> String {
    let mut text = "### The programs\n\n".to_owned();
    for program in found {
        let _ = match program {
            Ok(peer) => writeln!(text, "- {}: {}", peer.name, peer.version),
            Err((name, why)) => writeln!(text, "- {name}: absent, {why}"),
        };
    }
    text
}

/// The ratios of all works in one table: how many times as long as ours each program took, and how often it waited.
pub(crate) fn ratios(rows: &[Row]) -> String {
    let mut programs: Vec<&str> = Vec::new();
    for cell in rows.iter().flat_map(|row| &row.cells) {
        if is_other(cell.program) && !programs.contains(&cell.program) {
            programs.push(cell.program);
        }
    }
    let mut text = format!(
        "| | {OURS} | {} |\n|---|{}\n",
        programs.join(" | "),
        "--:|".repeat(programs.len() + 1)
    );
    for row in rows.iter().filter(|row| row.comparison()) {
        let cells =
            std::iter::once(&OURS)
                .chain(&programs)
                .map(|program| match row.cell(program) {
                    None => String::new(),
                    Some(cell) => {
                        let ratio = row.ratio(cell).map_or_else(|| "–".to_owned(), two_digits);
                        let waits = cell.waits.filter(|_| cell.failure.is_none());
                        ratio + &waits.map_or_else(String::new, |waits| format!(" ({waits})"))
                    }
                });
        let _ = writeln!(
            text,
            "| {} | {} |",
            row.work.title,
            cells.collect::<Vec<_>>().join(" | ")
        );
    }
    text
}

/// Not `0.0` for what takes a small part of the time.
fn two_digits(ratio: f64) -> String {
    if ratio < 0.095 {
        format!("{ratio:.2}")
    } else {
        format!("{ratio:.1}")
    }
}
