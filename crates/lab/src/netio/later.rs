//! The subsystem's own threads: completions and event callbacks that come later, on another processor.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, Once};

use super::lock;
use crate::cpu;
use crate::ndis::SplitMix;
use crate::schedule;

/// When requests complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// Any of the others, drawn from a sequence with this seed.
    Mixed(u64),
    /// Inside the call, where nothing has to be waited for.
    Inline,
    /// After the call or during it, on another thread, at DISPATCH_LEVEL.
    Dispatch,
    /// After the call or during it, on another thread, at PASSIVE_LEVEL.
    Passive,
}

/// When one request completes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Now,
    Dispatch,
    Passive,
}

struct Choice {
    completion: Completion,
    sequence: SplitMix,
}

static CHOICE: Mutex<Choice> = Mutex::new(Choice { completion: Completion::Mixed(0), sequence: SplitMix(0) });

/// Sets when requests complete from now on.
pub fn set_completion(completion: Completion) {
    let mut choice = lock(&CHOICE);
    choice.completion = completion;
    if let Completion::Mixed(seed) = completion {
        choice.sequence = SplitMix(seed);
    }
}

/// When the next request completes.
pub(crate) fn when() -> When {
    let mut choice = lock(&CHOICE);
    let completion = choice.completion;
    match completion {
        Completion::Inline => When::Now,
        Completion::Dispatch => When::Dispatch,
        Completion::Passive => When::Passive,
        Completion::Mixed(_) => match choice.sequence.next() % 3 {
            0 => When::Now,
            1 => When::Dispatch,
            _ => When::Passive,
        },
    }
}

/// At which level something that cannot happen now happens.
pub(crate) fn level() -> u8 {
    let mut choice = lock(&CHOICE);
    let completion = choice.completion;
    match completion {
        Completion::Dispatch => cpu::DISPATCH,
        Completion::Passive => cpu::PASSIVE,
        Completion::Mixed(_) | Completion::Inline => {
            if choice.sequence.next().is_multiple_of(2) {
                cpu::DISPATCH
            } else {
                cpu::PASSIVE
            }
        }
    }
}

type Job = Box<dyn FnOnce() + Send>;

struct Jobs {
    waiting: VecDeque<(u8, Job)>,
    running: u32,
}

static JOBS: Mutex<Jobs> = Mutex::new(Jobs { waiting: VecDeque::new(), running: 0 });
static CHANGED: Condvar = Condvar::new();
const THREADS: u32 = 2;

/// Runs `job` on a thread of the subsystem at `level`.
pub(crate) fn run(level: u8, job: impl FnOnce() + Send + 'static) {
    static START: Once = Once::new();
    START.call_once(|| {
        for _ in 0..THREADS {
            schedule::spawn("netio", thread);
        }
    });
    lock(&JOBS).waiting.push_back((level, Box::new(job)));
    CHANGED.notify_all();
}

/// Waits until no completion, event or notification is on its way. Not for callbacks.
pub fn flush() {
    let busy = |jobs: &mut Jobs| !jobs.waiting.is_empty() || jobs.running > 0;
    drop(schedule::wait_while(&JOBS, lock(&JOBS), &CHANGED, None, busy));
}

fn thread() {
    cpu::init();
    let mut jobs = lock(&JOBS);
    loop {
        match jobs.waiting.pop_front() {
            Some((level, job)) => {
                jobs.running += 1;
                drop(jobs);
                cpu::at_irql(level, job);
                jobs = lock(&JOBS);
                jobs.running -= 1;
                CHANGED.notify_all();
            }
            None => {
                let idle = |jobs: &mut Jobs| jobs.waiting.is_empty();
                jobs = schedule::wait_while(&JOBS, jobs, &CHANGED, None, idle).0;
            }
        }
    }
}
