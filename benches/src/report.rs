//! The results as text and as JSON.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::rounds::Table;

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

    /// Writes the file.
    pub(crate) fn finish(self, json: Option<&Path>) -> Result<()> {
        let Some(path) = json else { return Ok(()) };
        let text = serde_json::to_string_pretty(&self)?;
        std::fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
    }
}
