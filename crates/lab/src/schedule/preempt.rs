//! Interrupts: code that runs at DISPATCH_LEVEL inside driver code which runs below it.
//!
//! In the preemptive mode each thread has a timer that signals it. The handler acts only if the instruction pointer
//! lies in a driver's image: then the thread holds no lock of the lab or of the C library, and what the handler does
//! is as safe as a call from that place. In the deterministic mode interrupts come at boundaries, where the same holds.

use std::cell::Cell;
use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError};

use super::Random;
use crate::{cpu, pe, trace, verifier};

/// What an interrupt does.
type Job = Box<dyn FnOnce() + Send>;

static WAITING: Mutex<VecDeque<Job>> = Mutex::new(VecDeque::new());
static INJECTED: AtomicU64 = AtomicU64::new(0);
/// The instructions before which interrupts came, the first so many.
static PLACES: [AtomicUsize; 1024] = [const { AtomicUsize::new(0) }; 1024];
/// Shortest time between two signals, in nanoseconds.
const SHORTEST: u64 = 5_000;
const LONGEST: u64 = 60_000;
/// One in so many boundaries takes an interrupt that waits.
const TAKEN: u64 = 3;

thread_local! {
    static TIMER: Cell<Option<libc::timer_t>> = const { Cell::new(None) };
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

static RANDOM: AtomicU64 = AtomicU64::new(0);

fn signal() -> libc::c_int {
    libc::SIGRTMIN() + 3
}

/// Queues `job` to interrupt driver code: it runs at DISPATCH_LEVEL on whichever thread is interrupted next. Outside
/// the modes that interrupt, and when nothing is interrupted, it waits for [`pending_interrupts`].
pub fn interrupt(job: impl FnOnce() + Send + 'static) {
    waiting().push_back(Box::new(job));
}

/// Runs what is still queued, at DISPATCH_LEVEL on the current thread.
pub fn pending_interrupts() {
    while let Some(job) = take() {
        cpu::at_irql(cpu::DISPATCH, job);
    }
}

/// How many interrupts came inside driver code.
pub fn injected() -> u64 {
    INJECTED.load(Ordering::Relaxed)
}

fn waiting() -> std::sync::MutexGuard<'static, VecDeque<Job>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn take() -> Option<Job> {
    waiting().pop_front()
}

/// Takes an interrupt without waiting for a thread that may have been interrupted while it held the lock.
fn try_take() -> Option<Job> {
    match WAITING.try_lock() {
        Ok(mut waiting) => waiting.pop_front(),
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().pop_front(),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// At how many different instructions of driver code interrupts came.
pub fn interrupted_instructions() -> usize {
    let places = PLACES.iter().map(|place| place.load(Ordering::Relaxed)).filter(|place| *place != 0);
    places.collect::<BTreeSet<_>>().len()
}

/// Prepares for [`arm`].
pub(super) fn start(seed: u64) {
    RANDOM.store(seed, Ordering::Relaxed);
    // SAFETY: installs a handler with the signature that SA_SIGINFO asks for. It runs on the interrupted stack, as an
    // interrupt does, and interrupted system calls start again.
    let result = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        libc::sigaction(signal(), &action, std::ptr::null_mut())
    };
    assert_eq!(result, 0, "sigaction failed");
}

/// Starts the current thread's timer.
pub(super) fn arm() {
    if TIMER.get().is_some() {
        return;
    }
    let mut timer: libc::timer_t = std::ptr::null_mut();
    // SAFETY: all structures are on this stack, and zero is valid for them. The signal goes to this thread alone.
    let result = unsafe {
        let mut event: libc::sigevent = std::mem::zeroed();
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = signal();
        event.sigev_notify_thread_id = libc::gettid();
        libc::timer_create(libc::CLOCK_MONOTONIC, &mut event, &mut timer)
    };
    assert_eq!(result, 0, "timer_create failed");
    TIMER.set(Some(timer));
    again(timer);
}

/// Sets the timer for a moment that nobody foresees.
fn again(timer: libc::timer_t) {
    let seed = RANDOM.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
    let time = SHORTEST + Random::new(seed).below(LONGEST - SHORTEST);
    let zero = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let next =
        libc::itimerspec { it_interval: zero, it_value: libc::timespec { tv_nsec: time as i64, ..zero } };
    // SAFETY: the timer is this thread's and was not deleted; timer_settime may be called by a signal handler.
    unsafe { libc::timer_settime(timer, 0, &next, std::ptr::null_mut()) };
}

/// Stops the current thread's timer.
pub(super) fn disarm() {
    if let Some(timer) = TIMER.take() {
        // SAFETY: the timer is this thread's and is given up here.
        unsafe { libc::timer_delete(timer) };
    }
}

unsafe extern "C" fn handler(_: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a ucontext to handlers with SA_SIGINFO.
    let rip =
        unsafe { (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs[libc::REG_RIP as usize] } as usize;
    // SAFETY: the C library's errno of this thread.
    let errno = unsafe { *libc::__errno_location() };
    let in_driver = pe::find(rip).is_some_and(|image| !image.is_unloaded());
    if in_driver && cpu::ready() && !cpu::in_fault() && !INSIDE.get() && cpu::irql() < cpu::DISPATCH {
        inject(rip);
    }
    if let Some(timer) = TIMER.get() {
        again(timer);
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

/// At a boundary between driver and lab.
pub(super) fn at_boundary() {
    if cpu::irql() < cpu::DISPATCH && !INSIDE.get() && super::turns::once_in(TAKEN) {
        inject(cpu::last_entry().caller);
    }
}

/// Runs one interrupt inside the driver code of this thread, which runs below DISPATCH_LEVEL, before the instruction at
/// `place`.
fn inject(place: usize) {
    // Another thread of the same processor that is at DISPATCH_LEVEL keeps interrupts away.
    let Some(old) = cpu::try_raise_to_dispatch() else { return };
    INSIDE.set(true);
    if let Some(job) = try_take() {
        trace::note("interrupt", 0);
        let number = INJECTED.fetch_add(1, Ordering::Relaxed);
        if let Some(slot) = PLACES.get(number as usize) {
            slot.store(place, Ordering::Relaxed);
        }
        verifier::callback("interrupt", job);
    }
    cpu::lower(old);
    INSIDE.set(false);
}
