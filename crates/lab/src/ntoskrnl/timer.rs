//! Timers: those in a driver's own memory, and those that the kernel allocates.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ddk::nt;

use super::{dispatcher, dpc, live, work};
use crate::cpu::{self, APC, DISPATCH};
use crate::pool::{self, Fill};
use crate::verifier::{self, violation};

/// TimerNotificationObject and TimerSynchronizationObject: the kinds of a KTIMER.
const NOTIFICATION: u8 = 8;
const TIMER_TAG: u32 = u32::from_le_bytes(*b"ExTm");
const EX_TIMER_NOTIFICATION: u32 = 1 << 31;
/// Attributes that a driver may give an allocated timer.
const EX_TIMER_ATTRIBUTES: u32 = 0x4 | 0x8 | EX_TIMER_NOTIFICATION;

/// A timer that is set.
#[derive(Clone, Copy, Debug)]
struct Set {
    timer: work::Timer,
    period: Duration,
    /// DPC to queue, or 0.
    dpc: usize,
    generation: u64,
}

/// Timers that are set, by address.
static SET: Mutex<Option<HashMap<usize, Set>>> = Mutex::new(None);

fn with<R>(body: impl FnOnce(&mut HashMap<usize, Set>) -> R) -> R {
    body(SET.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
}

/// The moment that a kernel time means: relative if negative, absolute otherwise.
fn deadline(due: i64) -> Instant {
    // SAFETY: the time lies on this stack.
    unsafe { dispatcher::deadline(&due) }.unwrap_or_else(crate::clock::now)
}

fn generation() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

/// Sets the KTIMER at `timer`; whether it was set.
fn set(timer: usize, due: i64, period: Duration, dpc: usize) -> bool {
    check(timer);
    let was_set = cancel(timer);
    dispatcher::signal(timer as *mut u8, 0);
    let generation = generation();
    // SAFETY: the driver passes null or a DPC.
    let routine = unsafe { (dpc as *const nt::KDPC).as_ref() }.and_then(|dpc| dpc.DeferredRoutine);
    let routine = routine.map_or(0, |routine| routine as usize);
    live::enter(timer, size_of::<nt::KTIMER>(), "set timer", "G-23", routine);
    arm(timer, deadline(due), period, dpc, generation);
    was_set
}

fn arm(timer: usize, at: Instant, period: Duration, dpc: usize, generation: u64) {
    with(|timers| {
        let job = work::at(at, move || expire(timer, at, generation));
        timers.insert(timer, Set { timer: job, period, dpc, generation });
    });
}

/// Sets a repeating timer for its next period, unless it was cancelled or set anew in the meantime.
fn arm_again(timer: usize, at: Instant, generation: u64) {
    with(|timers| {
        if let Some(set) = timers.get_mut(&timer).filter(|set| set.generation == generation) {
            set.timer = work::at(at, move || expire(timer, at, generation));
        }
    });
}

/// Cancels the KTIMER at `timer`; whether it was set.
fn cancel(timer: usize) -> bool {
    let Some(set) = with(|timers| timers.remove(&timer)) else { return false };
    live::leave(timer);
    work::cancel(set.timer);
    true
}

fn expire(timer: usize, at: Instant, generation: u64) {
    let found = with(|timers| {
        let set = timers.get(&timer).copied().filter(|set| set.generation == generation)?;
        if set.period.is_zero() {
            timers.remove(&timer);
            live::leave(timer);
        }
        // Under the lock: a driver that has cancelled the timer may free its memory, and one that then
        // flushes the DPCs has to find this one in its queue.
        if set.dpc != 0 {
            dpc::insert(set.dpc as nt::PRKDPC, [0, 0]);
        }
        dispatcher::signal(timer as *mut u8, 1);
        Some(set)
    });
    if let Some(set) = found.filter(|set| !set.period.is_zero()) {
        arm_again(timer, at + set.period, generation);
    }
}

/// Breaks rule G-23 if the memory at `timer` is no initialised timer.
fn check(timer: usize) {
    // SAFETY: a driver passes a timer; a bad pointer faults and is reported.
    let kind = unsafe { (timer as *const u8).read() };
    if !matches!(kind, NOTIFICATION..=9) {
        violation("G-23", &format!("a timer at {timer:#x} is set or cancelled that was not initialised"));
    }
}

fn initialize(timer: nt::PKTIMER, kind: u8) {
    if live::contains(timer as usize) {
        violation("G-23", "a timer is initialised while it is set");
    }
    if pool::lookup(timer as usize).is_some_and(|block| block.kind == pool::Kind::Paged) {
        violation("G-17", &format!("timer in paged pool: {}", pool::describe(timer as usize)));
    }
    // SAFETY: the driver passes room for a timer, all of whose fields accept zeroes.
    unsafe { timer.write(std::mem::zeroed()) };
    dispatcher::initialize(timer.cast(), kind, 16, 0);
}

/// A timer that the kernel allocates; its driver knows it by the address of a dispatcher object.
#[derive(Clone, Copy, Debug)]
struct Allocated {
    callback: nt::PEXT_CALLBACK,
    context: usize,
    set: Option<(work::Timer, u64)>,
    period: Duration,
    running: u32,
    deleted: Option<(nt::PEXT_DELETE_CALLBACK, usize)>,
}

static ALLOCATED: Mutex<Option<HashMap<usize, Allocated>>> = Mutex::new(None);

fn allocated<R>(timer: usize, body: impl FnOnce(&mut Allocated) -> R) -> Option<R> {
    let mut timers = ALLOCATED.lock().unwrap_or_else(PoisonError::into_inner);
    timers.get_or_insert_default().get_mut(&timer).map(body)
}

fn known<R>(timer: nt::PEX_TIMER, what: &str, body: impl FnOnce(&mut Allocated) -> R) -> R {
    match allocated(timer as usize, |found| found.deleted.is_none().then(|| body(found))).flatten() {
        Some(result) => result,
        None => violation("G-34", &format!("{what} for {timer:p}, which is no timer of ExAllocateTimer")),
    }
}

fn arm_allocated(timer: usize, at: Instant) {
    let generation = generation();
    let job = work::at(at, move || expire_allocated(timer, at, generation));
    allocated(timer, |found| found.set = Some((job, generation)));
}

fn expire_allocated(timer: usize, at: Instant, generation: u64) {
    let found = allocated(timer, |found| {
        found.set.filter(|(_, set)| *set == generation)?;
        found.set = None;
        found.running += 1;
        Some(*found)
    });
    let Some(found) = found.flatten() else { return };
    dispatcher::signal(timer as *mut u8, 1);
    if !found.period.is_zero() {
        arm_allocated(timer, at + found.period);
    }
    if let Some(callback) = found.callback {
        // SAFETY: the driver's callback with the context that it gave.
        verifier::callback("ExTimerCallback", || unsafe {
            callback(timer as nt::PEX_TIMER, found.context as nt::PVOID);
        });
    }
    let gone = allocated(timer, |found| {
        found.running -= 1;
        found.deleted.is_some() && found.running == 0
    });
    if gone == Some(true) {
        destroy(timer);
    }
    dispatcher::wake();
}

fn destroy(timer: usize) {
    let mut timers = ALLOCATED.lock().unwrap_or_else(PoisonError::into_inner);
    let gone = timers.get_or_insert_default().remove(&timer);
    drop(timers);
    live::leave(timer);
    pool::take_back(timer as *mut u8);
    if let Some(Allocated { deleted: Some((Some(callback), context)), .. }) = gone {
        // SAFETY: the driver's callback with the context that it gave.
        verifier::callback("ExTimerDeleteCallback", || unsafe { callback(context as nt::PVOID) });
    }
}

fn stop(found: &mut Allocated) -> bool {
    found.period = Duration::ZERO;
    found.set.take().is_some_and(|(job, _)| work::cancel(job))
}

fn in_units(units: i64) -> Duration {
    Duration::from_nanos(units.unsigned_abs().saturating_mul(100))
}

crate::exports! {
    /// Timer functions of the kernel.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// Initialises a notification timer.
    irql(0..=DISPATCH) fn KeInitializeTimer(timer: nt::PKTIMER) {
        initialize(timer, NOTIFICATION);
    }

    /// Initialises a timer of either kind.
    irql(0..=DISPATCH) fn KeInitializeTimerEx(timer: nt::PKTIMER, kind: nt::TIMER_TYPE) {
        initialize(timer, NOTIFICATION + u8::from(kind != 0));
    }

    /// Sets a timer; whether it was set.
    irql(0..=DISPATCH) fn KeSetTimer(timer: nt::PKTIMER, due: nt::LARGE_INTEGER, dpc: nt::PKDPC) -> u8 {
        // SAFETY: all members of the union are the same bytes.
        u8::from(set(timer as usize, unsafe { due.QuadPart }, Duration::ZERO, dpc as usize))
    }

    /// Sets a timer that may repeat; whether it was set.
    irql(0..=DISPATCH) fn KeSetTimerEx(
        timer: nt::PKTIMER, due: nt::LARGE_INTEGER, period: i32, dpc: nt::PKDPC
    ) -> u8 {
        let period = Duration::from_millis(period.max(0) as u64);
        // SAFETY: as above.
        u8::from(set(timer as usize, unsafe { due.QuadPart }, period, dpc as usize))
    }

    /// Sets a timer that need not be exact; whether it was set.
    irql(0..=DISPATCH) fn KeSetCoalescableTimer(
        timer: nt::PKTIMER, due: nt::LARGE_INTEGER, period: u32, _tolerance: u32, dpc: nt::PKDPC
    ) -> u8 {
        let period = Duration::from_millis(u64::from(period));
        // SAFETY: as above.
        u8::from(set(timer as usize, unsafe { due.QuadPart }, period, dpc as usize))
    }

    /// Cancels a timer; whether it was set. Its DPC may be queued or running all the same.
    irql(0..=DISPATCH) fn KeCancelTimer(timer: nt::PKTIMER) -> u8 {
        check(timer as usize);
        u8::from(cancel(timer as usize))
    }

    /// Whether a timer has expired.
    irql(0..=DISPATCH) fn KeReadStateTimer(timer: nt::PKTIMER) -> u8 {
        check(timer as usize);
        u8::from(dispatcher::state(timer.cast()) != 0)
    }

    /// Allocates a timer.
    irql(0..=DISPATCH) fn ExAllocateTimer(
        callback: nt::PEXT_CALLBACK, context: nt::PVOID, attributes: u32
    ) -> nt::PEX_TIMER {
        if attributes & !EX_TIMER_ATTRIBUTES != 0 {
            violation("L-2", &format!("ExAllocateTimer with attributes {attributes:#x}"));
        }
        if pool::must_fail() {
            return std::ptr::null_mut();
        }
        let timer = pool::lend(64, TIMER_TAG, Fill::Zero);
        let kind = NOTIFICATION + u8::from(attributes & EX_TIMER_NOTIFICATION == 0);
        dispatcher::initialize(timer, kind, 16, 0);
        let new = Allocated {
            callback,
            context: context as usize,
            set: None,
            period: Duration::ZERO,
            running: 0,
            deleted: None,
        };
        let mut timers = ALLOCATED.lock().unwrap_or_else(PoisonError::into_inner);
        timers.get_or_insert_default().insert(timer as usize, new);
        drop(timers);
        let routine = callback.map_or(0, |callback| callback as usize);
        live::enter(timer as usize, 64, "timer of ExAllocateTimer", "G-5", routine);
        timer.cast()
    }

    /// Sets an allocated timer; whether it was set.
    irql(0..=DISPATCH) fn ExSetTimer(
        timer: nt::PEX_TIMER, due: i64, period: i64, _parameters: nt::PEXT_SET_PARAMETERS
    ) -> u8 {
        if period < 0 {
            violation("L-2", "ExSetTimer with a negative period");
        }
        let was_set = known(timer, "ExSetTimer", |found| {
            let was_set = stop(found);
            found.period = in_units(period);
            was_set
        });
        dispatcher::signal(timer.cast(), 0);
        arm_allocated(timer as usize, deadline(due));
        u8::from(was_set)
    }

    /// Cancels an allocated timer; whether it was set.
    irql(0..=DISPATCH) fn ExCancelTimer(timer: nt::PEX_TIMER, _parameters: nt::PEXT_CANCEL_PARAMETERS) -> u8 {
        u8::from(known(timer, "ExCancelTimer", stop))
    }

    /// Deletes an allocated timer; whether it was set.
    irql(0..=DISPATCH) fn ExDeleteTimer(
        timer: nt::PEX_TIMER, cancel: u8, wait: u8, parameters: nt::PEXT_DELETE_PARAMETERS
    ) -> u8 {
        if wait != 0 && (cancel == 0 || cpu::irql() > APC) {
            violation("G-23", "ExDeleteTimer waits without cancelling, or above APC_LEVEL");
        }
        // SAFETY: the driver passes null or its parameters.
        let deleted = match unsafe { parameters.as_ref() } {
            Some(parameters) => (parameters.DeleteCallback, parameters.DeleteContext as usize),
            None => (None, 0),
        };
        let address = timer as usize;
        let (was_set, idle) = known(timer, "ExDeleteTimer", |found| {
            let was_set = stop(found);
            found.deleted = Some(deleted);
            (was_set, found.running == 0)
        });
        if idle {
            destroy(address);
        } else if wait != 0 {
            dispatcher::wait_until(None, || allocated(address, |_| ()).is_none().then_some(()));
        }
        u8::from(was_set)
    }
}
