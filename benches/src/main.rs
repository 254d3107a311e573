//! Weir's fast path beside its peers: one process, contenders in turns, ratios of each turn.
//!
//! What is shown are medians of ratios within one round, because the machine's speed changes from second to second.
//! Every contender's answers are checked before anything is timed.

mod chart;
mod memory;
mod parse;
mod path;
mod peers;
mod report;
mod rounds;
mod tables;

use anyhow::Result;
use clap::Parser;

#[global_allocator]
static ALLOCATOR: memory::Pages = memory::Pages;

/// Measure the fast path of weir-core beside its peers.
#[derive(Parser)]
struct Args {
    /// Numbers of flows.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 100_000, 1_000_000, 4_000_000])]
    flows: Vec<u32>,
    /// Rounds; each contender runs once in each.
    #[arg(long, default_value_t = 11, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Lookups or packets of one contender in one round.
    #[arg(long, default_value_t = 2_000_000, value_parser = clap::value_parser!(u32).range(1_024..))]
    packets: u32,
    /// Use 4 KiB pages for every table, not transparent huge ones.
    #[arg(long)]
    small_pages: bool,
    /// Write the results to this file as JSON.
    #[arg(long)]
    json: Option<std::path::PathBuf>,
    /// Draw the results into this file as SVG.
    #[arg(long)]
    svg: Option<std::path::PathBuf>,
    /// Write the results into this document.
    #[arg(long)]
    document: Option<std::path::PathBuf>,
    /// What to measure.
    #[arg(long, value_delimiter = ',', default_values_t = ["parse".to_owned(), "lookup".to_owned(), "path".to_owned()])]
    only: Vec<String>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    memory::use_huge_pages(!args.small_pages);
    rounds::pin();
    let mut report = report::Report::new(!args.small_pages, args.rounds, args.packets);
    let wants = |name: &str| args.only.iter().any(|only| only == name);
    if wants("parse") {
        report.add(parse::measure(args.rounds)?);
    }
    for flows in &args.flows {
        if wants("lookup") {
            report.add(tables::measure(*flows, args.packets, args.rounds)?);
        }
        if wants("path") {
            report.add(path::measure(*flows, args.packets, args.rounds)?);
        }
    }
    report.finish(args.json.as_deref(), args.svg.as_deref(), args.document.as_deref())
}
