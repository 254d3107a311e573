//! Promise: on 64 adapters and two processors, with frames of all shapes while everything else happens at random, no rule
//! is broken, every frame comes to one end, and the driver counts what the adapters saw; life after life.
//!
//! `cargo xtask stress --minutes 5` goes on for that long. The seed is printed; given again it drives the same plan:
//! `LAB_SEED=n`, and `LAB_MINUTES=m` for more than a few lives.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use lab::drive;
use lab::edge::Medium;
use lab::ndis::{Adapter, AttachTime, Attributes, Config};
use lab::schedule::{Mode, Random};
use lab::{Machine, child, verifier};
use support::{life, load, load_as_installed, open};

/// Adapters of the machine.
const ADAPTERS: usize = 64;
/// Lives of the driver in one process.
const LIVES: u64 = 3;
/// Processes when the environment does not say for how long.
const PROCESSES: u64 = 4;
/// What each of the two processors does in a life at least: so many calls into the stack; and at random up to as many more.
const ROUNDS: u64 = 400;
/// Most NBLs of one call.
const BATCH: u64 = 24;
/// The modes of the processes in turn: mostly in parallel.
const MODES: [Mode; 4] = [Mode::Free, Mode::Preemptive, Mode::Free, Mode::Deterministic];
/// What is counted over all processes, as the last line says it.
const TOTALS: [&str; 9] =
    ["lives", "frames", "pauses", "attaches", "swaps", "OIDs", "indications", "interrupts", "blocked frames"];

/// What one process does: three lives of the driver on the same adapters, everything decided by the seed.
fn process(mode: Mode, seed: u64) {
    let base = drive::Options { mode, seed, batch: BATCH, detaches: true, ..drive::Options::default() };
    drive::begin(&base);
    lab::ndis::set_offloads(true);
    let mut random = Random::part(seed, 4 << 32);
    let machine = Machine::new(lab::Options { processors: 2, ..lab::Options::default() });
    let adapters: Vec<_> = (0..ADAPTERS).map(|number| adapter(number, &mut random)).collect();
    for _ in 0..LIVES {
        let rounds = (ROUNDS + random.below(ROUNDS)) as u32;
        let options = drive::Options { seed: random.number() >> 16, rounds, ..base.clone() };
        let ways = Ways { observing: random.once_in(2), abrupt: random.once_in(2) };
        live(&machine, &adapters, &options, ways);
    }
    machine.finish();
}

/// An adapter that is as likely as not there before the driver, every eighth without Ethernet headers.
fn adapter(number: usize, random: &mut Random) -> Arc<Adapter> {
    let attach = if random.once_in(2) { AttachTime::DuringRegistration } else { AttachTime::OnRequest };
    let medium = if number % 8 == 7 { Medium::RawIp } else { Medium::Ethernet };
    Adapter::new(Config { name: format!("Adapter {number}"), attach, medium, ..Config::default() })
}

/// What else a life is like.
#[derive(Clone, Copy)]
struct Ways {
    /// The driver sees every frame; otherwise only while somebody needs them.
    observing: bool,
    /// The driver is unloaded with its modules attached and running.
    abrupt: bool,
}

/// From DriverEntry to unload.
fn live(machine: &Machine, adapters: &[Arc<Adapter>], options: &drive::Options, ways: Ways) {
    let mut driver = if ways.observing { load(machine) } else { load_as_installed(machine) };
    driver.start().expect("the driver starts");
    for adapter in adapters {
        if adapter.config().attach == AttachTime::OnRequest {
            let filter = lab::ndis::driver::all().pop().expect("the driver registered a filter");
            adapter.attach(&filter).expect("the filter attaches");
        }
        adapter.restart(Attributes::General).expect("the filter restarts");
    }
    let file = Arc::new(open(machine));
    let swaps = Arc::new(AtomicU64::new(0));
    let report = {
        let (file, swaps) = (file.clone(), swaps.clone());
        drive::run(adapters, options, move |random| life::administer(&file, random, &swaps))
    };
    let now = if ways.observing {
        life::assert_adds_up(&file, &report)
    } else {
        life::assert_comes_home(&file, &report)
    };
    drop(file);
    if !ways.abrupt {
        for adapter in adapters {
            adapter.pause();
            adapter.detach();
        }
    }
    driver.unload();
    let attaches = adapters.len() as u64 + report.plugged + report.detached;
    let counts = [
        1,
        report.sent + report.received,
        report.pauses,
        attaches,
        swaps.load(Ordering::Relaxed),
        report.oids,
        report.events - report.oids,
        0,
        now.blocked(),
    ];
    for (name, count) in TOTALS.into_iter().zip(counts) {
        verifier::count(name, count);
    }
    // Since the process began.
    let counted = INTERRUPTS.swap(report.interrupts, Ordering::Relaxed);
    verifier::count("interrupts", report.interrupts - counted);
}

static INTERRUPTS: AtomicU64 = AtomicU64::new(0);

/// The seed that the environment names, or a fresh one.
fn seed() -> u64 {
    let fresh =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64);
    lab::schedule::seed_from_environment(Random::part(fresh, 0).number() >> 16)
}

#[test]
fn everything_at_random_adds_up() {
    const NAME: &str = "everything_at_random_adds_up";
    if let Ok(name) = std::env::var("LAB_CHILD") {
        let mut parts = name.rsplit('#').map(|part| part.parse::<u64>());
        let (Some(Ok(number)), Some(Ok(seed))) = (parts.next(), parts.next()) else { return };
        child::run(&name, || {
            process(MODES[number as usize % MODES.len()], Random::part(seed, number).number() >> 16)
        });
        return;
    }
    let seed = seed();
    let minutes = std::env::var("LAB_MINUTES").ok();
    let minutes = minutes.map(|text| text.parse::<f64>().expect("LAB_MINUTES is a number of minutes"));
    println!("seed {seed}");
    let begun = Instant::now();
    let goes_on = |number| match minutes {
        Some(minutes) => number == 0 || begun.elapsed() < Duration::from_secs_f64(60.0 * minutes),
        None => number < PROCESSES,
    };
    let mut totals = [0_u64; TOTALS.len()];
    let mut processes = 0;
    while goes_on(processes) {
        let exit = child::run(&format!("{NAME}#{seed}#{processes}"), || ());
        assert!(
            exit.status == child::Status::Ok && exit.report.is_clean(),
            "process {processes} of seed {seed} (LAB_SEED={seed} drives the same plan) ended with {:?}; leaks: {:#?}\n{}",
            exit.status,
            exit.report.leaks,
            exit.log
        );
        for (total, name) in totals.iter_mut().zip(TOTALS) {
            *total += exit.report.counters.get(name).copied().unwrap_or(0);
        }
        processes += 1;
    }
    let text: Vec<String> =
        TOTALS.iter().zip(totals).map(|(name, total)| format!("{total} {name}")).collect();
    println!(
        "{ADAPTERS} adapters, {processes} processes: {}; no finding, every frame accounted for",
        text.join(", ")
    );
    assert_eq!(totals[0], LIVES * processes);
    // Enough processes for everything to have happened.
    if processes >= PROCESSES {
        let never: Vec<_> = TOTALS.iter().zip(totals).filter(|(_, total)| *total == 0).collect();
        assert!(never.is_empty(), "never happened: {never:?}");
    }
}
