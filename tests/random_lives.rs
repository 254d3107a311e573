//! Promise: on 64 adapters and two processors, with frames of all shapes while everything else happens at random, no rule
//! is broken, every frame comes to one end, and the driver counts what the adapters saw; life after life.
//!
//! `cargo xtask stress --minutes 5` goes on for that long. The seed is printed; given again it drives the same plan:
//! `LAB_SEED=n`, and `LAB_MINUTES=m` for more than a few lives.

mod support;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use lab::drive;
use lab::edge::Medium;
use lab::ndis::{Adapter, AttachTime, Attributes, Config};
use lab::schedule::{self, Mode, Random};
use lab::wdf::File;
use lab::{Machine, child, verifier};
use support::{life, load, load_as_installed, open, status, tap};
use weir_ioctl::CounterId;

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
const TOTALS: [&str; 15] = [
    "lives",
    "unloads under load",
    "frames",
    "pauses",
    "attaches",
    "swaps",
    "OIDs",
    "indications",
    "interrupts",
    "blocked frames",
    "answers",
    "marks",
    "waits",
    "copies",
    "lost copies",
];

/// What one process does: three lives of the driver on the same adapters, everything decided by the seed.
fn process(mode: Mode, seed: u64) {
    let base = drive::Options { mode, seed, batch: BATCH, detaches: true, ..drive::Options::default() };
    drive::begin(&base);
    lab::ndis::set_offloads(true);
    let mut random = Random::part(seed, 4 << 32);
    let machine = Arc::new(Machine::new(lab::Options { processors: 2, ..lab::Options::default() }));
    let adapters: Vec<_> = (0..ADAPTERS).map(|number| adapter(number, &mut random)).collect();
    for _ in 0..LIVES {
        let rounds = (ROUNDS + random.below(ROUNDS)) as u32;
        let options = drive::Options { seed: random.number() >> 16, rounds, ..base.clone() };
        let ways =
            Ways { observing: random.once_in(2), abrupt: random.once_in(2), unloads: random.once_in(2) };
        live(&machine, &adapters, &options, ways);
    }
    Arc::into_inner(machine).expect("nobody else has it").finish();
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
    /// It is also unloaded, and started again, while frames flow.
    unloads: bool,
}

/// The driver, who has it open, and what happens to both beside the frames.
struct Stage {
    machine: Arc<Machine>,
    adapters: Vec<Arc<Adapter>>,
    ways: Ways,
    driver: lab::Driver,
    /// None while the driver is unloaded.
    file: Option<File>,
    /// The reader of the tap, and how many copies it has read.
    reader: Option<(File, u64)>,
    swaps: Arc<AtomicU64>,
    unloads: u64,
    /// What counters of drivers that are gone said.
    before: [u64; ACTIONS.len()],
}

/// What rules did beside permitting and blocking, in the order of [`TOTALS`].
const ACTIONS: [CounterId; 5] =
    [CounterId::REJECTS_SENT, CounterId::MARKED, CounterId::DELAYED, CounterId::TAPPED, CounterId::TAP_LOST];

/// Loads and starts the driver, attaches it to all adapters, and opens its device.
fn start(machine: &Machine, adapters: &[Arc<Adapter>], ways: Ways) -> (lab::Driver, File) {
    let mut driver = if ways.observing { load(machine) } else { load_as_installed(machine) };
    driver.start().expect("the driver starts");
    for adapter in adapters {
        adapter.rebuild(|| {
            if adapter.config().attach == AttachTime::OnRequest {
                let filter = lab::ndis::driver::all().pop().expect("the driver registered a filter");
                adapter.attach(&filter).expect("the filter attaches");
            }
            adapter.restart(Attributes::General).expect("the filter restarts");
        });
    }
    (driver, open(machine))
}

impl Stage {
    fn new(machine: &Arc<Machine>, adapters: &[Arc<Adapter>], ways: Ways) -> Self {
        let (driver, file) = start(machine, adapters, ways);
        Self {
            machine: machine.clone(),
            adapters: adapters.to_vec(),
            ways,
            driver,
            file: Some(file),
            reader: None,
            swaps: Arc::default(),
            unloads: 0,
            before: [0; ACTIONS.len()],
        }
    }

    /// Something that may happen at any moment.
    fn act(&mut self, random: &mut Random) {
        match random.below(12) {
            0 if self.ways.unloads => self.unload(random),
            1..4 => self.read(random),
            4..9 => life::administer_with(&life::ACTIONS, self.file(), random, &self.swaps),
            _ => life::administer(self.file(), random, &self.swaps),
        }
    }

    /// A reader of the tap comes, reads, or goes without a word.
    fn read(&mut self, random: &mut Random) {
        match self.reader.take() {
            None => {
                let reader = open(&self.machine);
                tap::open(&reader, 14 + random.below(400) as u32, tap::SMALLEST);
                self.reader = Some((reader, 0));
            }
            Some(_) if random.once_in(4) => {}
            Some((reader, read)) => {
                let (head, copies) = tap::read(&reader, 0x1_0000);
                assert!(copies.is_sorted_by_key(|(record, _)| record.time), "copies out of order");
                let read = read + u64::from(head.count);
                assert!(read <= head.copied, "{read} read, {} copied", head.copied);
                self.reader = Some((reader, read));
            }
        }
    }

    /// The driver is stopped while frames flow, and started again after a while in which they pass without it.
    fn unload(&mut self, random: &mut Random) {
        self.reader = None;
        let now = status(self.file());
        for (sum, counter) in self.before.iter_mut().zip(ACTIONS) {
            *sum += now.counter(counter);
        }
        self.file = None;
        self.driver.unload();
        schedule::sleep(Duration::from_micros(random.below(500)));
        let (driver, file) = start(&self.machine, &self.adapters, self.ways);
        (self.driver, self.file) = (driver, Some(file));
        self.unloads += 1;
    }

    fn file(&self) -> &File {
        self.file.as_ref().expect("the driver is there")
    }
}

/// From DriverEntry to unload.
fn live(machine: &Arc<Machine>, adapters: &[Arc<Adapter>], options: &drive::Options, ways: Ways) {
    let stage = Arc::new(Mutex::new(Stage::new(machine, adapters, ways)));
    let report = {
        let stage = stage.clone();
        drive::run(adapters, options, move |random| stage.lock().expect("nobody panics here").act(random))
    };
    let stage = Arc::into_inner(stage).expect("nobody else has it").into_inner();
    let Stage { mut driver, file, reader, swaps, unloads, before, .. } = stage.expect("nobody panics here");
    if let Some((reader, read)) = reader {
        let (head, rest) = tap::drain(&reader);
        assert_eq!(read + rest.len() as u64, head.copied, "copies that nobody read");
    }
    let file = file.expect("the driver is there");
    // A driver that came while frames flowed did not see them all.
    let now = if ways.observing && unloads == 0 {
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
    let attaches = adapters.len() as u64 * (1 + unloads) + report.plugged + report.detached;
    let actions = ACTIONS.iter().zip(before).map(|(counter, before)| before + now.counter(*counter));
    let counts = [
        1 + unloads,
        unloads,
        report.sent + report.received,
        report.pauses,
        attaches,
        swaps.load(Ordering::Relaxed),
        report.oids,
        report.events - report.oids,
        0,
        now.blocked(),
    ];
    for (name, count) in TOTALS.into_iter().zip(counts.into_iter().chain(actions)) {
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
    assert_eq!(totals[0], LIVES * processes + totals[1]);
    // Enough processes for everything to have happened.
    if processes >= PROCESSES {
        let never: Vec<_> = TOTALS.iter().zip(totals).filter(|(_, total)| *total == 0).collect();
        assert!(never.is_empty(), "never happened: {never:?}");
    }
}
