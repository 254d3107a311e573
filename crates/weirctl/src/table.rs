//! Tables without lines: columns as wide as their content, the last one cut at the width of the terminal.

use console::measure_text_width;
use console::truncate_str;

use crate::output::Style;

/// Between two columns.
const GAP: usize = 2;

/// How a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A table; a cell may have several lines.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Align>,
    heading: Option<Vec<String>>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with a heading.
    pub(crate) fn new(columns: &[(&str, Align)]) -> Self {
        Self {
            columns: columns.iter().map(|(_, align)| *align).collect(),
            heading: Some(columns.iter().map(|(name, _)| (*name).to_owned()).collect()),
            rows: Vec::new(),
        }
    }

    /// A table without a heading.
    pub(crate) fn bare(columns: &[Align]) -> Self {
        Self { columns: columns.to_vec(), heading: None, rows: Vec::new() }
    }

    /// Adds a row; cells may be styled.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths = vec![0; self.columns.len()];
        for row in self.heading.iter().chain(&self.rows) {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.lines().map(measure_text_width).fold(*width, usize::max);
            }
        }
        widths
    }

    /// Columns that a line takes with `indent`.
    pub(crate) fn width(&self, indent: usize) -> usize {
        let widths = self.widths();
        indent + widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
    }

    /// The lines, indented, none wider than `limit`.
    pub(crate) fn render(&self, indent: usize, limit: usize, style: Style) -> String {
        let widths = self.widths();
        let mut out = String::new();
        if let Some(heading) = &self.heading {
            for line in self.lines(heading, &widths, indent, limit) {
                out.push_str(&style.weak(&line));
                out.push('\n');
            }
        }
        for row in &self.rows {
            for line in self.lines(row, &widths, indent, limit) {
                out.push_str(&line);
                out.push('\n');
            }
        }
        out
    }

    fn lines(&self, row: &[String], widths: &[usize], indent: usize, limit: usize) -> Vec<String> {
        let height = row.iter().map(|cell| cell.lines().count()).max().unwrap_or(0);
        let line = |number: usize| {
            let mut line = " ".repeat(indent);
            for ((cell, align), width) in row.iter().zip(&self.columns).zip(widths) {
                let text = cell.lines().nth(number).unwrap_or_default();
                let padding = " ".repeat(width.saturating_sub(measure_text_width(text)));
                if *align == Align::Right {
                    line.push_str(&padding);
                }
                line.push_str(text);
                if *align == Align::Left {
                    line.push_str(&padding);
                }
                line.push_str(&" ".repeat(GAP));
            }
            truncate_str(line.trim_end(), limit, "…").into_owned()
        };
        (0..height).map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_long_lines_are_cut() {
        let mut table = Table::new(&[("Name", Align::Left), ("N", Align::Right), ("Rest", Align::Left)]);
        table.row(vec!["a".into(), "1".into(), "x".into()]);
        table.row(vec!["äöü ß\nsecond".into(), "1000".into(), "a long text at the end".into()]);
        let expected = "  Name       N  Rest\n  a          1  x\n  äöü ß   1000  a long …\n  second\n";
        assert_eq!(table.render(2, 24, Style::plain()), expected);
        assert_eq!(table.width(2), 38);
    }

    #[test]
    fn styled_cells_take_the_room_they_show() {
        let mut table = Table::bare(&[Align::Left, Align::Left]);
        table.row(vec!["\u{1b}[31mred\u{1b}[0m".into(), "x".into()]);
        table.row(vec!["blue".into(), "y".into()]);
        assert_eq!(table.render(0, 80, Style::plain()), "\u{1b}[31mred\u{1b}[0m   x\nblue  y\n");
    }
}
