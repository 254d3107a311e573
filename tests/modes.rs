//! Promise: whatever happens in whichever order on however many processors, the driver keeps its rules and loses no
//! frame; and the lab can repeat what happened.
//!
//! `LAB_SEEDS=200` drives that many seeds in each mode, `LAB_SEED=n` this one.

mod support;

use std::sync::Arc;
use std::time::SystemTime;

use lab::drive::{self, Traffic};
use lab::ndis::{Adapter, AttachTime, Attributes, Config};
use lab::replay::Frame;
use lab::schedule::{Mode, Random};
use lab::{Machine, child};
use support::captures::{self, Recorded};
use support::{life, list, open, start};
use weir_ioctl::{AdapterEntry, Control};

/// Seeds of each mode when the environment does not say otherwise.
const SEEDS: u64 = 4;

/// A whole life of the driver: load, traffic, unload.
fn live(mode: Mode, seed: u64, traffic: Traffic) {
    let mut options = drive::Options { mode, seed, traffic, rounds: 120, ..drive::Options::default() };
    drive::begin(&options);
    let mut random = Random::part(seed, 3 << 32);
    let machine = Machine::new(lab::Options::default());
    let during = random.once_in(2);
    let attach = if during { AttachTime::DuringRegistration } else { AttachTime::OnRequest };
    let second = if random.once_in(2) { lab::edge::Medium::RawIp } else { lab::edge::Medium::Ethernet };
    let config = Config { attach, ..Config::default() };
    let adapters = [Adapter::new(config.clone()), Adapter::new(Config { medium: second, ..config })];
    if let Traffic::Frames(frames) = &options.traffic {
        let local = lab::replay::local_addresses(&adapters, frames);
        options.local.extend(local);
    }
    let mut driver = start(&machine);
    for adapter in &adapters {
        if !during {
            let filter = lab::ndis::driver::all().pop().expect("the driver registered a filter");
            adapter.attach(&filter).expect("the filter attaches");
        }
        adapter.restart(Attributes::General).expect("the filter restarts");
    }
    let file = Arc::new(open(&machine));
    let report = {
        let (file, swaps) = (file.clone(), Arc::default());
        drive::run(&adapters, &options, move |random| life::administer(&file, random, &swaps))
    };
    println!("{report:?}");
    assert!(
        report.sent + report.refused > 100 && report.received > 100,
        "hardly anything was driven: {report:?}"
    );
    life::assert_adds_up(&file, &report);
    // What did not pass was blocked, as NBLs are: whole.
    let passed: u64 = list::<AdapterEntry>(&file, Control::ADAPTERS, 2)
        .iter()
        .map(|adapter| adapter.frames_sent + adapter.frames_received - adapter.frames_blocked)
        .sum();
    assert_eq!(passed, report.wire + report.delivered);
    drop(file);
    for adapter in &adapters {
        adapter.pause();
    }
    driver.unload();
    machine.finish();
    let digest = lab::trace::digest();
    lab::verifier::count("trace events", digest.events);
    lab::verifier::count("trace hash", digest.hash);
    lab::verifier::count("interrupts", report.interrupts);
    lab::verifier::count("instructions", lab::schedule::interrupted_instructions() as u64);
    lab::verifier::count("frames", report.sent + report.received);
    let odd = report.odd;
    for (name, value) in [
        ("calls at DISPATCH_LEVEL", odd.raised),
        ("calls at PASSIVE_LEVEL", odd.passive),
        ("late completions", odd.late),
        ("merged completions", odd.merged),
        ("reordered completions", odd.reordered),
        ("split frames", odd.split),
        ("unmapped receives", odd.unmapped),
        ("RESOURCES receives", odd.loans),
        ("RESOURCES bursts", odd.bursts),
        ("OIDs completed in the call", odd.oids[0]),
        ("OIDs completed before the return", odd.oids[1]),
        ("OIDs completed after the return", odd.oids[2]),
        ("status and PnP events", report.events),
        ("pauses", report.pauses),
        ("adapters that came and went", report.plugged),
        ("attachments during registration", if during { adapters.len() as u64 } else { 0 }),
    ] {
        lab::verifier::count(&format!("{BREADTH}{name}"), value);
    }
}

/// Begins the names of the counters of what every mode must have done.
const BREADTH: &str = "breadth: ";

/// Asserts that each kind of event came, as far as chance cannot leave it out; prints how often.
fn assert_breadth(exits: &[child::Exit]) {
    let all: std::collections::BTreeMap<&str, u64> = exits
        .iter()
        .flat_map(|exit| exit.report.counters.keys())
        .filter_map(|name| Some((name.strip_prefix(BREADTH)?, total(exits, name))))
        .collect();
    println!("{all:?}");
    assert!(all.len() >= 16 || exits.is_empty(), "{all:?}");
    // With so few seeds a coin may fall the same way each time.
    let rare =
        ["attachments during registration", "merged completions", "pauses", "adapters that came and went"];
    for (name, count) in all {
        let may_miss = exits.len() < 20 && rare.contains(&name) || exits.len() == 1;
        assert!(count > 0 || may_miss, "no {name} in {} runs", exits.len());
    }
}

/// Frames of every capture, as if one adapter had seen them all.
fn captured() -> Traffic {
    let frames = captures::paths().into_iter().flat_map(|path| {
        let recorded = Recorded::load(&path);
        let ethernet = recorded.capture.interfaces.iter().all(|one| !one.link_type.is_raw_ip());
        recorded.capture.frames.into_iter().filter(move |_| ethernet).take(200)
    });
    Traffic::Frames(frames.map(|frame| Frame { adapter: 0, ..Frame::from(&frame) }).collect())
}

/// The seed of the child that we are; the parent put it at the end of the scenario's name.
fn own_seed() -> Option<(String, u64)> {
    let name = std::env::var("LAB_CHILD").ok()?;
    let seed = name.rsplit(['#', '-']).next()?.parse().ok()?;
    Some((name, seed))
}

/// Runs `body` with many seeds, each in a child.
fn seeds(test: &str, body: impl Fn(u64)) -> Vec<child::Exit> {
    if let Some((name, seed)) = own_seed() {
        child::run(&name, || body(seed));
        return Vec::new();
    }
    let count =
        std::env::var("LAB_SEEDS").map_or(SEEDS, |count| count.parse().expect("LAB_SEEDS is a number"));
    let first =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_nanos() as u64;
    let one = std::env::var_os("LAB_SEED").map(|_| lab::schedule::seed_from_environment(0));
    let all: Vec<u64> = one.map_or_else(
        || (0..count).map(|index| Random::part(first, index).number() >> 16).collect(),
        |seed| vec![seed],
    );
    let mut exits = Vec::new();
    for seed in all {
        let exit = child::run(&format!("{test}#{seed}"), || ());
        assert!(
            exit.status == child::Status::Ok && exit.report.is_clean(),
            "seed {seed} (LAB_SEED={seed} repeats it) ended with {:?}; leaks: {:#?}\n{}",
            exit.status,
            exit.report.leaks,
            exit.log
        );
        exits.push(exit);
    }
    exits
}

fn total(exits: &[child::Exit], counter: &str) -> u64 {
    exits.iter().map(|exit| exit.report.counters.get(counter).copied().unwrap_or(0)).sum()
}

#[test]
fn seeds_run_clean_on_free_processors() {
    let exits = seeds("seeds_run_clean_on_free_processors", |seed| live(Mode::Free, seed, Traffic::Random));
    if !child::is_child() {
        println!("free: {} seeds, {} frames", exits.len(), total(&exits, "frames"));
        assert_breadth(&exits);
    }
}

#[test]
fn seeds_run_clean_one_processor_at_a_time() {
    let exits = seeds("seeds_run_clean_one_processor_at_a_time", |seed| {
        live(Mode::Deterministic, seed, Traffic::Random);
    });
    if !child::is_child() {
        let interrupts = total(&exits, "interrupts");
        let frames = total(&exits, "frames");
        println!("one at a time: {} seeds, {frames} frames, {interrupts} interrupts", exits.len());
        assert_breadth(&exits);
        assert!(interrupts > 0, "no interrupt came inside driver code");
    }
}

#[test]
fn seeds_run_clean_with_interrupts_inside_driver_code() {
    let exits = seeds("seeds_run_clean_with_interrupts_inside_driver_code", |seed| {
        live(Mode::Preemptive, seed, Traffic::Random);
    });
    if !child::is_child() {
        let (interrupts, instructions) = (total(&exits, "interrupts"), total(&exits, "instructions"));
        println!(
            "with interrupts: {} seeds, {} frames, {interrupts} interrupts, at {} different instructions in a run on average",
            exits.len(),
            total(&exits, "frames"),
            instructions / exits.len() as u64
        );
        assert!(interrupts > 0 && instructions > exits.len() as u64, "no interrupt came inside driver code");
        assert_breadth(&exits);
    }
}

#[test]
fn captures_run_clean_in_every_mode() {
    let name = "captures_run_clean_in_every_mode";
    for mode in [Mode::Free, Mode::Deterministic, Mode::Preemptive] {
        child::test(&format!("{name}#{mode:?}"), || live(mode, 7, captured()));
    }
}

#[test]
fn a_seed_repeats_the_whole_trace() {
    const FILE: &str = "WEIR_TRACE";
    let name = "a_seed_repeats_the_whole_trace";
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let run = |number: u32, seed: u64, traffic: fn() -> Traffic| {
        let path = directory.join(format!("trace-{}-{number}", std::process::id()));
        let variables = [(FILE, path.to_str().expect("a path in UTF-8"))];
        let exit = child::run_with(&format!("{name}#{number}"), &variables, || {
            lab::trace::keep();
            live(Mode::Deterministic, seed, traffic());
            let path = std::env::var_os(FILE).expect("the parent names the file");
            std::fs::write(path, lab::trace::kept()).expect("the file can be written");
        });
        if child::is_child() {
            return (0, 0, String::new());
        }
        exit.assert_clean();
        assert!(exit.log.contains(&format!("seed {seed} (LAB_SEED={seed} repeats it)")), "{}", exit.log);
        let get = |counter: &str| exit.report.counters.get(counter).copied().unwrap_or(0);
        let trace = std::fs::read_to_string(&path).expect("the child wrote its trace");
        std::fs::remove_file(path).expect("the file is ours");
        println!("seed {seed}: {} events", trace.lines().count());
        (get("trace events"), get("trace hash"), trace)
    };
    let [first, second, other] =
        [(1, 11), (2, 11), (3, 12)].map(|(n, seed)| run(n, seed, || Traffic::Random));
    let captures = [4, 5].map(|number| run(number, 13, captured));
    if child::is_child() {
        return;
    }
    for (one, two) in [(&first, &second), (&captures[0], &captures[1])] {
        assert!(one.0 > 1_000 && one.2.lines().count() as u64 >= one.0, "a trace of {} events", one.0);
        let same = one.2.lines().zip(two.2.lines()).take_while(|(one, two)| one == two).count();
        assert_eq!(
            one.2.len(),
            two.2.len(),
            "the same seed gave two traces, which differ from line {same} on"
        );
        assert!(one == two, "the same seed gave two traces, which differ from line {same} on");
    }
    assert_ne!(first.1, other.1, "two seeds gave the same trace");
}

#[test]
fn a_report_ends_with_the_last_calls() {
    let name = "a_report_ends_with_the_last_calls";
    let exit = child::run(name, || {
        let (_machine, _driver, adapter) = support::boot_with_adapter();
        for _ in 0..40 {
            adapter.query(0x0001_0106, 4);
        }
        lab::verifier::violation("N-10", "a rule broken on purpose");
    });
    if child::is_child() {
        return;
    }
    exit.assert_stopped(child::Status::Verifier, "N-10");
    let calls = &exit.report.findings[0].calls;
    assert_eq!(calls.len(), 50);
    assert!(calls.windows(2).all(|pair| pair[0].number < pair[1].number));
    let forwarded = calls.iter().rfind(|call| call.export == "NDIS.SYS!NdisFOidRequest").expect("an OID");
    assert!(forwarded.caller.contains("weir.sys!") && forwarded.caller.contains("oid.rs:"), "{forwarded}");
    assert_eq!((forwarded.irql, forwarded.arguments.len()), (0, 2));
    assert!(exit.log.contains("the last 50 calls:"), "{}", exit.log);
}
