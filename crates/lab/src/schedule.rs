//! Who runs when: all threads in parallel, one at a time by a seed, or in parallel with interrupts inside driver code.
//!
//! In the deterministic mode the threads that run driver code are tasks, of which one has its turn. At each call into
//! the lab and each return from one (no lock of the lab is held there) the seed decides whether the turn goes to
//! another, and every wait passes it on. Time is virtual: it moves a little with each call, and when all tasks wait it
//! moves to the next deadline. So a seed fixes the order of all calls.

mod preempt;
mod random;
mod turns;

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::{clock, cpu, trace};

pub use preempt::{injected, interrupt, interrupted_instructions, pending_interrupts};
pub use random::{Random, seed_from_environment};

/// How the machine's processors are driven.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// In parallel, as the host runs the threads.
    #[default]
    Free,
    /// One at a time; a seed fixes the order.
    Deterministic,
    /// In parallel, and a timer signal runs interrupts inside driver code that it finds below DISPATCH_LEVEL.
    Preemptive,
}

static MODE: AtomicU8 = AtomicU8::new(Mode::Free as u8);

/// The mode.
#[inline]
pub fn mode() -> Mode {
    match MODE.load(Ordering::Relaxed) {
        mode if mode == Mode::Deterministic as u8 => Mode::Deterministic,
        mode if mode == Mode::Preemptive as u8 => Mode::Preemptive,
        _ => Mode::Free,
    }
}

#[inline]
fn in_turns() -> bool {
    MODE.load(Ordering::Relaxed) == Mode::Deterministic as u8 && turns::is_task()
}

/// Chooses the mode for the rest of the process and prints the seed. Call it before the machine is made: the threads
/// that the lab starts from now on belong to the schedule.
pub fn start(mode: Mode, seed: u64) {
    static STARTED: AtomicBool = AtomicBool::new(false);
    assert!(!STARTED.swap(true, Ordering::SeqCst), "the mode is chosen once");
    eprintln!("lab: mode {mode:?}, seed {seed} (LAB_SEED={seed} repeats it)");
    cpu::init_on(0);
    match mode {
        Mode::Free => {}
        Mode::Deterministic => {
            clock::make_virtual();
            trace::start_hashing();
            turns::start(seed);
        }
        Mode::Preemptive => preempt::start(seed),
    }
    MODE.store(mode as u8, Ordering::SeqCst);
    join_in();
}

/// Makes the current thread interruptible, if the mode interrupts.
pub(crate) fn join_in() {
    if mode() == Mode::Preemptive {
        preempt::arm();
    }
}

/// A boundary between driver and lab, at which the turn may change and, in the deterministic mode, an interrupt come.
#[inline]
pub(crate) fn point() {
    if in_turns() {
        clock::advance(turns::step());
        preempt::at_boundary();
        turns::point();
    }
}

/// A thread of the machine.
#[derive(Debug)]
pub struct Task {
    thread: JoinHandle<()>,
    done: Arc<AtomicBool>,
}

impl Task {
    /// Waits for its end; false if it panicked.
    pub fn join(self) -> bool {
        if in_turns() {
            wait(None, || self.done.load(Ordering::Acquire));
        }
        self.thread.join().is_ok()
    }
}

/// Starts a thread that runs driver code.
///
/// # Panics
/// If the host has no thread left.
pub fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Task {
    let done = Arc::new(AtomicBool::new(false));
    let ticket = in_turns().then(turns::register);
    let end = done.clone();
    let thread = std::thread::Builder::new().name(name.into()).spawn(move || {
        // Also when the body panics.
        struct End(Arc<AtomicBool>);
        impl Drop for End {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Release);
                leave();
            }
        }
        let _end = End(end);
        if let Some(ticket) = ticket {
            turns::enter(ticket);
        }
        join_in();
        body();
    });
    let thread = thread.expect("the host starts a thread");
    if let Some(ticket) = ticket {
        turns::begin(ticket, thread.thread().clone());
    }
    Task { thread, done }
}

/// Takes the current thread out of the schedule; it is about to end.
pub(crate) fn leave() {
    preempt::disarm();
    if turns::is_task() {
        turns::leave();
    }
}

/// Waits until `ready` or until `deadline` has come; whether it became ready. `ready` is asked again and again.
pub(crate) fn wait(deadline: Option<Instant>, mut ready: impl FnMut() -> bool) -> bool {
    if in_turns() {
        return turns::wait(deadline, ready);
    }
    loop {
        if ready() {
            return true;
        }
        if deadline.is_some_and(|deadline| clock::now() >= deadline) {
            return false;
        }
        std::thread::sleep(Duration::from_micros(50));
    }
}

/// Lets the machine's other threads run for a moment: timers that are due, work that is queued.
pub fn let_others_run() {
    sleep(Duration::from_millis(5));
}

/// Lets time pass.
pub fn sleep(time: Duration) {
    if in_turns() {
        turns::wait(Some(clock::now() + time), || false);
    } else {
        std::thread::sleep(time);
    }
}

/// A turn of a loop that spins until another thread has done something.
#[inline]
pub(crate) fn spin() {
    if in_turns() {
        turns::pass();
    } else {
        std::thread::yield_now();
    }
}

/// Waits at a condition variable while `condition` holds, at most until `deadline`; whether it ended in time.
pub(crate) fn wait_while<'a, T>(
    lock: &'a Mutex<T>,
    guard: MutexGuard<'a, T>,
    changed: &Condvar,
    deadline: Option<Instant>,
    mut condition: impl FnMut(&mut T) -> bool,
) -> (MutexGuard<'a, T>, bool) {
    if in_turns() {
        drop(guard);
        let take = || lock.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = turns::wait(deadline, || !condition(&mut take()));
        return (take(), ended);
    }
    let mut guard = guard;
    while condition(&mut guard) {
        guard = match deadline {
            None => changed.wait(guard).unwrap_or_else(PoisonError::into_inner),
            Some(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return (guard, false);
                }
                changed.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0
            }
        };
    }
    (guard, true)
}
