//! Nanoseconds per packet of a filter that only forwards, of one that NDIS passes by, and of a driver image, beside each
//! other.
//!
//! `cargo bench -p lab -- [--driver weir.sys] [--parameter NAME=NUMBER]... [--payload BYTES] [--chunks N]`. The image is
//! measured with these numbers in its `Parameters` key, and as it is without any. Every number comes from a child
//! process of its own; the filters take turns, so that all meet the same weather.

use std::path::PathBuf;
use std::time::Duration;

use lab::bench::{Cost, Job, Subject, measure, packet};
use lab::child::{self, Scenario, Status};

const BATCHES: [usize; 3] = [1, 32, 256];
/// How often each pair is measured; the smallest minimum and the median of medians count.
const TURNS: usize = 3;
const LIMIT: Duration = Duration::from_secs(120);

const MEASURE: Scenario = Scenario { name: "measure", run };

fn run(input: &[u8]) -> Vec<u8> {
    let job: Job = serde_json::from_slice(input).expect("a job");
    serde_json::to_vec(&measure(&job)).expect("a cost can be encoded")
}

fn cost(job: &Job) -> Cost {
    let input = serde_json::to_vec(job).expect("a job can be encoded");
    let exit = child::spawn(MEASURE.name, &input, LIMIT).expect("cannot start a child");
    assert!(exit.status == Status::Ok, "a measurement ended with {:?}\n{}", exit.status, exit.log);
    serde_json::from_slice(&exit.output).expect("a cost")
}

/// Several turns of a measurement.
fn merge(costs: &[Cost]) -> Cost {
    let mut medians: Vec<f64> = costs.iter().map(|cost| cost.median).collect();
    medians.sort_by(f64::total_cmp);
    let least = costs.iter().map(|cost| cost.least).fold(f64::INFINITY, f64::min);
    let passed = costs.iter().fold((0, 0), |sum, cost| (sum.0 + cost.passed.0, sum.1 + cost.passed.1));
    Cost { least, median: medians[medians.len() / 2], passed }
}

fn show(cost: Cost) -> String {
    format!("{:8.2} ({:.2})", cost.median, cost.least)
}

fn main() {
    child::run_if_child(&[MEASURE]);
    let (mut driver, mut payload, mut chunks) = (None, 64, 40);
    let mut parameters = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_else(|| panic!("{argument} needs a value"));
        match argument.as_str() {
            "--driver" => driver = Some(PathBuf::from(value())),
            "--parameter" => {
                let value = value();
                let (name, number) = value.split_once('=').expect("--parameter takes NAME=NUMBER");
                parameters.push((name.to_owned(), number.parse().expect("--parameter takes NAME=NUMBER")));
            }
            "--payload" => payload = value().parse().expect("--payload takes a number of bytes"),
            "--chunks" => chunks = value().parse().expect("--chunks takes a number"),
            // Cargo says so to every benchmark.
            "--bench" => {}
            other => panic!("unknown argument {other}"),
        }
    }
    let frames: Vec<Vec<u8>> = (0..16).map(|n| packet(n, payload)).collect();
    println!("ns per packet: median (minimum) of {TURNS} x {chunks} chunks; UDP, {payload} bytes of payload");
    println!("{:<26}{:>20}{:>20}{:>20}", "", "batch 1", "batch 32", "batch 256");
    let mut subjects = vec![
        ("null filter".to_owned(), Subject::Forwarder),
        ("null filter, idle".to_owned(), Subject::Bystander),
    ];
    if let Some(image) = driver {
        let name = image.file_name().unwrap_or_default().to_string_lossy().into_owned();
        subjects.push((format!("{name}, idle"), Subject::Image(image.clone(), Vec::new())));
        subjects.push((name, Subject::Image(image, parameters)));
    }
    let mut ratios = Vec::new();
    for receive in [false, true] {
        let way = if receive { "receive" } else { "send" };
        let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); subjects.len()];
        for batch in BATCHES {
            let mut turns: Vec<Vec<Cost>> = vec![Vec::new(); subjects.len()];
            for _ in 0..TURNS {
                for ((_, subject), turns) in subjects.iter().zip(&mut turns) {
                    let (driver, frames) = (subject.clone(), frames.clone());
                    turns.push(cost(&Job { driver, frames, batch, receive, chunks, packets: 50_000 }));
                }
            }
            costs.iter_mut().zip(&turns).for_each(|(costs, turns)| costs.push(merge(turns)));
        }
        for ((name, _), costs) in subjects.iter().zip(&costs) {
            let cells: String = costs.iter().map(|cost| format!("{:>20}", show(*cost))).collect();
            println!("{:<26}{cells}", format!("{name}, {way}"));
            for (cost, batch) in costs.iter().zip(BATCHES).filter(|(cost, _)| cost.passed.0 != cost.passed.1)
            {
                let (passed, sent) = cost.passed;
                println!("  of {sent} chains of {batch}, {passed} reached the other side");
            }
        }
        let nulls = &costs[0];
        if let Some(drivers) = costs.get(3) {
            let own: String = drivers
                .iter()
                .zip(nulls)
                .map(|(driver, null)| format!("{:>20}", format!("{:.2}", driver.median - null.median)))
                .collect();
            println!("{:<26}{own}", format!("  without the lab, {way}"));
        }
        ratios.extend([(way, 1, 8.0, nulls[0]), (way, 32, 1.5, nulls[1])]);
    }
    for (way, batch, limit, cost) in ratios {
        let verdict = if cost.median <= limit { "kept" } else { "missed" };
        println!(
            "null filter, {way}, batch {batch}: {:.2} ns of {limit} allowed: {verdict} ({:.0} %)",
            cost.median,
            cost.median / limit * 100.0
        );
    }
}
