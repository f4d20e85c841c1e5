//! Results on stdout: a table for people, never mixed with `--json`.

use std::io::{self, Write};

/// Rows under headings, numbers to the right. Widths fit what is in it.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
    /// Rows already printed.
    printed: usize,
    widths: Vec<usize>,
}

impl Table {
    /// An empty table with these headings.
    pub fn new(headings: &[&str]) -> Self {
        let rows = vec![headings.iter().map(ToString::to_string).collect()];
        let mut table = Self { rows: Vec::new(), printed: 0, widths: vec![0; headings.len()] };
        table.rows.extend(rows);
        table.reserve_for_last();
        table
    }

    /// Add a row, a cell for each heading.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
        self.reserve_for_last();
    }

    /// Make column `column` at least as wide as `text`, for a table printed row by row.
    pub fn reserve(&mut self, column: usize, text: &str) {
        if let Some(width) = self.widths.get_mut(column) {
            *width = (*width).max(text.chars().count());
        }
    }

    /// Print the rows that were not printed before.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn print(&mut self, out: &mut impl Write) -> io::Result<()> {
        for row in &self.rows[self.printed..] {
            writeln!(out, "{}", self.line(row))?;
        }
        self.printed = self.rows.len();
        Ok(())
    }

    /// The first column starts at the left, the others end at the right of their width.
    fn line(&self, row: &[String]) -> String {
        let cells = row.iter().zip(&self.widths).enumerate();
        let cells =
            cells.map(|(i, (cell, &width))| if i == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_string()
    }

    fn reserve_for_last(&mut self) {
        let row = self.rows.last().cloned().unwrap_or_default();
        for (column, cell) in row.iter().enumerate() {
            self.reserve(column, cell);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["class", "n"]);
        table.row(vec!["kick".into(), "120".into()]);
        let mut out = Vec::new();
        table.print(&mut out).unwrap();
        table.row(vec!["a".into(), "7".into()]);
        table.print(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "class    n\nkick   120\na        7\n");
    }
}
