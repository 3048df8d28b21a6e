//! Tables in HTML, as text.
//!
//! Owns how rows and cells stand: in columns where they fit a line, else with a stroke between them;
//! a table that only arranges other blocks is these, one after another.

/// Characters of a line in columns.
const WIDTH_MAX: usize = 100;

/// The rows of a table.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
    /// Whether the cells of the first row are headings.
    is_headed: bool,
    /// Whether there is another table in a cell.
    pub(super) has_blocks: bool,
}

impl Table {
    /// Starts a row.
    pub(super) fn row(&mut self) {
        if self.rows.last().is_none_or(|row| !row.is_empty()) {
            self.rows.push(Vec::new());
        }
    }

    /// Starts a cell.
    pub(super) fn cell(&mut self, is_heading: bool) {
        if self.rows.is_empty() {
            self.row();
        }
        let is_first_row = self.rows.len() == 1;
        if let Some(row) = self.rows.last_mut() {
            self.is_headed |= is_heading && is_first_row && row.is_empty();
            row.push(String::new());
        }
    }

    /// What stands in the last cell; where there is none, in a row of its own.
    pub(super) fn fill(&mut self, text: String) {
        if text.is_empty() {
            return;
        }
        match self.rows.last_mut().and_then(|row| row.last_mut()) {
            Some(cell) if cell.is_empty() => *cell = text,
            _ => self.rows.push(vec![text]),
        }
    }

    /// Its lines, without the end of the last.
    pub(super) fn written(self) -> String {
        let rows: Vec<Vec<String>> = self
            .rows
            .into_iter()
            .filter(|row| row.iter().any(|cell| !cell.is_empty()))
            .collect();
        let is_of_lines = rows.iter().flatten().all(|cell| !cell.contains('\n'));
        if self.has_blocks || !is_of_lines {
            let cells = rows.into_iter().flatten().filter(|cell| !cell.is_empty());
            return cells.collect::<Vec<_>>().join("\n");
        }
        let mut lines: Vec<String> = match widths(&rows) {
            Some(widths) => rows.iter().map(|row| line(row, &widths)).collect(),
            None => rows.iter().map(|row| row.join(" | ")).collect(),
        };
        if self.is_headed && lines.len() > 1 && rows[0].len() > 1 {
            let width = lines.iter().map(|line| line.chars().count()).max();
            lines.insert(1, "-".repeat(width.unwrap_or(0).min(WIDTH_MAX)));
        }
        lines.join("\n")
    }
}

/// The widths of the columns, where a line has room for them.
fn widths(rows: &[Vec<String>]) -> Option<Vec<usize>> {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            let width = cell.chars().count();
            match widths.get_mut(column) {
                Some(widest) => *widest = width.max(*widest),
                None => widths.push(width),
            }
        }
    }
    let all = widths.iter().sum::<usize>() + 3 * widths.len();
    (all <= WIDTH_MAX).then_some(widths)
}

fn line(row: &[String], widths: &[usize]) -> String {
    let cells: Vec<String> = row
        .iter()
        .zip(widths)
        .map(|(cell, &width)| format!("{cell:width$}"))
        .collect();
    cells.join(" | ").trim_end().to_owned()
}
