//! The results as text and as JSON.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::chart;
use crate::rounds::Table;

/// Behind this line of the document stands what a run wrote.
const MARKER: &str = "<!-- results: written by cargo xtask bench --record -->";

/// Everything that was measured.
#[derive(Serialize)]
pub(crate) struct Report {
    huge_pages: bool,
    rounds: u32,
    packets: u32,
    tables: Vec<Table>,
}

impl Report {
    /// Nothing yet.
    pub(crate) fn new(huge_pages: bool, rounds: u32, packets: u32) -> Self {
        Self { huge_pages, rounds, packets, tables: Vec::new() }
    }

    /// Shows a table and keeps it.
    pub(crate) fn add(&mut self, table: Table) {
        println!("\n{}", table.title);
        println!("  {}", table.note);
        println!("  {:<34}{:>9}   {:>6}  (2nd to 2nd last of {} rounds)", "", "ns", "ratio", self.rounds);
        for line in &table.lines {
            let [median, low, high] = line.ratio;
            println!("  {:<34}{:>9.2}   {median:>5.2}x  ({low:.2} to {high:.2})", line.name, line.ns);
        }
        let [add, chase, adds, chases] = table.canary;
        println!(
            "  canary: addition {add:.3} ns (+-{:.0} %), 16 chases {chase:.1} ns (+-{:.0} %); {} rounds thrown away",
            adds * 100.0,
            chases * 100.0,
            table.discarded
        );
        self.tables.push(table);
    }

    /// Writes the files: results, chart, and the tables of the document behind its last marker.
    pub(crate) fn finish(
        self,
        json: Option<&Path>,
        svg: Option<&Path>,
        document: Option<&Path>,
    ) -> Result<()> {
        let write = |path: &Path, text: String| {
            std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
        };
        if let Some(path) = json {
            write(path, serde_json::to_string_pretty(&self)? + "\n")?;
        }
        if let Some(path) = svg {
            write(path, chart::svg(&self.tables))?;
        }
        let Some(path) = document else { return Ok(()) };
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let (head, _) =
            text.split_once(MARKER).with_context(|| format!("{} has no {MARKER}", path.display()))?;
        write(path, format!("{head}{MARKER}\n{}", self.markdown()))
    }

    fn markdown(&self) -> String {
        let mut text = String::new();
        for table in &self.tables {
            text += &format!(
                "\n**{}**: {}\n\n| | ns | time over Weir's |\n|---|---|---|\n",
                table.title, table.note
            );
            for line in &table.lines {
                let [median, low, high] = line.ratio;
                text +=
                    &format!("| {} | {:.1} | {median:.2} ({low:.2} to {high:.2}) |\n", line.name, line.ns);
            }
        }
        text
    }
}
