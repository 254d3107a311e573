//! Contenders in turns.
#![expect(unsafe_code, reason = "clocks and processor sets of the thread")]

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Result, bail};
use serde::Serialize;

/// One of those that are measured: runs over the same work and says what came of it.
pub(crate) struct Contender<'a> {
    /// Name in the table.
    pub(crate) name: &'static str,
    /// One pass; what it returns must be `expected`.
    pub(crate) run: Box<dyn FnMut() -> u64 + 'a>,
    /// What a pass comes to; `None` where there is nothing to compare (the floor).
    pub(crate) expected: Option<u64>,
}

impl<'a> Contender<'a> {
    /// A contender whose passes come to `expected`.
    pub(crate) fn new(name: &'static str, expected: u64, run: impl FnMut() -> u64 + 'a) -> Self {
        Self { name, run: Box::new(run), expected: Some(expected) }
    }

    /// The least that memory allows.
    pub(crate) fn floor(run: impl FnMut() -> u64 + 'a) -> Self {
        Self { name: "floor", run: Box::new(run), expected: None }
    }
}

/// What was measured of one contender.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Line {
    /// Its name.
    pub(crate) name: &'static str,
    /// Median, nanoseconds per operation.
    pub(crate) ns: f64,
    /// Its time over that of the first contender: median, second lowest and second highest of the rounds.
    pub(crate) ratio: [f64; 3],
}

/// One table of the report.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Table {
    /// What was measured.
    pub(crate) title: String,
    /// Its contenders; the first one is ours.
    pub(crate) lines: Vec<Line>,
    /// Canary: nanoseconds of a chain of additions and of sixteen chases through 64 MiB, median of all rounds, and by
    /// how much of it they spread.
    pub(crate) canary: [f64; 4],
    /// Rounds that were thrown away, because the canary or another process disturbed them.
    pub(crate) discarded: u32,
    /// What is to be known about the run.
    pub(crate) note: String,
}

/// Runs every contender once in each round over `operations` operations.
pub(crate) fn run(
    title: String,
    note: &str,
    operations: u64,
    rounds: u32,
    mut contenders: Vec<Contender<'_>>,
) -> Result<Table> {
    // Also the pass that warms up.
    for contender in &mut contenders {
        let result = (contender.run)();
        if contender.expected.is_some_and(|expected| expected != result) {
            bail!("{title}: {} comes to {result}, not {:?}", contender.name, contender.expected);
        }
    }
    let mut canary = Canary::new();
    let (mut times, mut adds, mut chases) = (vec![Vec::new(); contenders.len()], Vec::new(), Vec::new());
    let mut discarded = 0;
    while times[0].len() < rounds as usize {
        let before = (canary.add(), canary.chase());
        let mut round = Vec::new();
        let mut disturbed = false;
        for contender in &mut contenders {
            let (cpu, wall) = (thread_time(), Instant::now());
            black_box((contender.run)());
            let (cpu, wall) = (thread_time() - cpu, wall.elapsed().as_nanos() as f64);
            disturbed |= wall > cpu * 1.3;
            round.push(cpu / operations as f64);
        }
        // Both neighbours of a disturbed round may be, too; a machine that never rests must do all the same.
        if (disturbed || (canary.chase() / before.1 - 1.0).abs() > 0.5) && discarded < rounds {
            discarded += 1;
            continue;
        }
        adds.push(before.0);
        chases.push(before.1);
        times.iter_mut().zip(round).for_each(|(times, time)| times.push(time));
    }
    let first = times[0].clone();
    let lines = contenders.iter().zip(&times).map(|(contender, times)| {
        let mut ratios: Vec<f64> = times.iter().zip(&first).map(|(time, first)| time / first).collect();
        ratios.sort_by(f64::total_cmp);
        let (low, high) = (1.min(ratios.len() - 1), ratios.len().saturating_sub(2));
        Line { name: contender.name, ns: median(times), ratio: [median(&ratios), ratios[low], ratios[high]] }
    });
    let spread = |values: &[f64]| {
        values.iter().fold(0.0_f64, |most, value| most.max((value / median(values) - 1.0).abs()))
    };
    Ok(Table {
        title,
        lines: lines.collect(),
        canary: [median(&adds), median(&chases), spread(&adds), spread(&chases)],
        discarded,
        note: note.to_owned(),
    })
}

/// The value in the middle.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Work that always costs the same on a machine that nobody else uses.
struct Canary {
    chain: Vec<u32>,
}

impl Canary {
    fn new() -> Self {
        let mut random = Random::new(7);
        let mut order: Vec<u32> = (0..(64 << 20) / 64).collect();
        random.shuffle(&mut order);
        let mut chain = vec![0; order.len() * 16];
        for pair in order.windows(2) {
            chain[pair[0] as usize * 16] = pair[1] * 16;
        }
        chain[*order.last().expect("a chain") as usize * 16] = order[0] * 16;
        Self { chain }
    }

    fn add(&self) -> f64 {
        let start = thread_time();
        let mut sum = 1_u64;
        for i in 0..200_000_u64 {
            sum = black_box(sum).wrapping_add(i);
        }
        black_box(sum);
        (thread_time() - start) / 200_000.0
    }

    fn chase(&mut self) -> f64 {
        let mut at: [u32; 16] = std::array::from_fn(|i| (i * 65_537 * 16 % self.chain.len()) as u32);
        let start = thread_time();
        for _ in 0..4_000 {
            for at in &mut at {
                *at = self.chain[*at as usize];
            }
        }
        black_box(at);
        (thread_time() - start) / 64_000.0
    }
}

/// Nanoseconds that the thread ran.
pub(crate) fn thread_time() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes to the structure.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// Keeps the thread on the last processor of the machine: interrupts prefer the first.
pub(crate) fn pin() {
    pin_to(std::thread::available_parallelism().map_or(1, usize::from) - 1);
}

/// Keeps the thread on one processor.
pub(crate) fn pin_to(processor: usize) {
    // SAFETY: a set on this stack.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(processor, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &set);
    }
}

/// SplitMix64: the same keys in every run.
pub(crate) struct Random(u64);

impl Random {
    /// Numbers that follow from `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next one.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// One below `limit`.
    pub(crate) fn below(&mut self, limit: u32) -> u32 {
        (((self.next() >> 32) * u64::from(limit)) >> 32) as u32
    }

    fn shuffle<T>(&mut self, values: &mut [T]) {
        for at in (1..values.len()).rev() {
            values.swap(at, self.below(at as u32 + 1) as usize);
        }
    }
}
