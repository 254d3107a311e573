//! System worker threads, deferred procedure calls and timers: code that runs later.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, Once, PoisonError};
use std::time::Instant;

use crate::cpu::{self, DISPATCH};
use crate::{clock, schedule, verifier};

type Job = Box<dyn FnOnce() + Send>;

struct Workers {
    waiting: VecDeque<Job>,
    running: usize,
}

const WORKER_THREADS: u32 = 2;
static WORKERS: Mutex<Workers> = Mutex::new(Workers { waiting: VecDeque::new(), running: 0 });
static WORK_CHANGED: Condvar = Condvar::new();

/// Queues `job` to run on a system worker thread at PASSIVE_LEVEL.
pub fn queue(job: impl FnOnce() + Send + 'static) {
    static START: Once = Once::new();
    START.call_once(|| {
        for _ in 0..WORKER_THREADS {
            schedule::spawn("system worker", worker);
        }
    });
    WORKERS.lock().unwrap_or_else(PoisonError::into_inner).waiting.push_back(Box::new(job));
    WORK_CHANGED.notify_all();
}

fn worker() {
    cpu::init();
    let mut workers = WORKERS.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        match workers.waiting.pop_front() {
            Some(job) => {
                workers.running += 1;
                drop(workers);
                verifier::callback("work item", job);
                workers = WORKERS.lock().unwrap_or_else(PoisonError::into_inner);
                workers.running -= 1;
                WORK_CHANGED.notify_all();
            }
            None => {
                let idle = |workers: &mut Workers| workers.waiting.is_empty();
                workers = schedule::wait_while(&WORKERS, workers, &WORK_CHANGED, None, idle).0;
            }
        }
    }
}

/// Waits until no job is queued or running. Must not be called by a job.
pub fn flush() {
    let workers = WORKERS.lock().unwrap_or_else(PoisonError::into_inner);
    let busy = |workers: &mut Workers| !workers.waiting.is_empty() || workers.running != 0;
    drop(schedule::wait_while(&WORKERS, workers, &WORK_CHANGED, None, busy));
}

struct Timers {
    /// By deadline and number.
    waiting: BTreeMap<(Instant, u64), Job>,
    next: u64,
    running: Option<u64>,
}

static TIMERS: Mutex<Timers> = Mutex::new(Timers { waiting: BTreeMap::new(), next: 1, running: None });
static TIMERS_CHANGED: Condvar = Condvar::new();

/// A timer that was set; a cancelled or expired one is harmless to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    deadline: Instant,
    number: u64,
}

/// Runs `job` at DISPATCH_LEVEL when `deadline` has come.
pub fn at(deadline: Instant, job: impl FnOnce() + Send + 'static) -> Timer {
    static START: Once = Once::new();
    START.call_once(|| {
        schedule::spawn("timer", clock_thread);
    });
    let mut timers = TIMERS.lock().unwrap_or_else(PoisonError::into_inner);
    let number = timers.next;
    timers.next += 1;
    timers.waiting.insert((deadline, number), Box::new(job));
    TIMERS_CHANGED.notify_all();
    Timer { deadline, number }
}

/// Cancels `timer`; false if it has expired already (its job may still run, see [`wait_for`]).
pub fn cancel(timer: Timer) -> bool {
    let mut timers = TIMERS.lock().unwrap_or_else(PoisonError::into_inner);
    timers.waiting.remove(&(timer.deadline, timer.number)).is_some()
}

/// Waits until the job of `timer` does not run.
pub fn wait_for(timer: Timer) {
    let timers = TIMERS.lock().unwrap_or_else(PoisonError::into_inner);
    let running = |timers: &mut Timers| timers.running == Some(timer.number);
    drop(schedule::wait_while(&TIMERS, timers, &TIMERS_CHANGED, None, running));
}

/// How many timers are set or expiring.
pub fn timers() -> usize {
    let timers = TIMERS.lock().unwrap_or_else(PoisonError::into_inner);
    timers.waiting.len() + usize::from(timers.running.is_some())
}

fn clock_thread() {
    cpu::init();
    let mut timers = TIMERS.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let first = timers.waiting.first_key_value().map(|(key, _)| *key);
        let Some(key) = first else {
            let none = |timers: &mut Timers| timers.waiting.is_empty();
            timers = schedule::wait_while(&TIMERS, timers, &TIMERS_CHANGED, None, none).0;
            continue;
        };
        if clock::now() < key.0 {
            let same =
                |timers: &mut Timers| timers.waiting.first_key_value().map(|(key, _)| *key) == Some(key);
            timers = schedule::wait_while(&TIMERS, timers, &TIMERS_CHANGED, Some(key.0), same).0;
            continue;
        }
        if let Some(job) = timers.waiting.remove(&key) {
            timers.running = Some(key.1);
            drop(timers);
            cpu::at_irql(DISPATCH, || verifier::callback("timer", job));
            timers = TIMERS.lock().unwrap_or_else(PoisonError::into_inner);
            timers.running = None;
            TIMERS_CHANGED.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use super::*;

    #[test]
    fn work_runs_at_passive_level_and_can_be_awaited() {
        static RUN: AtomicU32 = AtomicU32::new(0);
        for _ in 0..10 {
            queue(|| {
                assert_eq!(cpu::irql(), cpu::PASSIVE);
                RUN.fetch_add(1, Ordering::Relaxed);
            });
        }
        flush();
        assert_eq!(RUN.load(Ordering::Relaxed), 10);
    }

    #[test]
    fn timers_expire_in_order_unless_cancelled() {
        static ORDER: Mutex<Vec<u32>> = Mutex::new(Vec::new());
        let now = Instant::now();
        at(now + Duration::from_millis(40), || ORDER.lock().unwrap().push(2));
        let first = at(now + Duration::from_millis(20), || {
            assert_eq!(cpu::irql(), DISPATCH);
            ORDER.lock().unwrap().push(1);
        });
        let never = at(now + Duration::from_millis(30), || ORDER.lock().unwrap().push(3));
        assert!(cancel(never));
        while timers() != 0 {
            std::thread::sleep(Duration::from_millis(2));
        }
        assert_eq!(*ORDER.lock().unwrap(), [1, 2]);
        assert!(!cancel(first));
    }
}
