//! Dispatcher objects: events, waits and delays.

use ddk::nt;

use std::sync::atomic::{AtomicI32, AtomicU8, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::mutex;
use crate::cpu::{self, APC, DISPATCH, PASSIVE};
use crate::{clock, pool, schedule, verifier::violation};

/// STATUS_SUCCESS: the wait ended because the object was signalled.
const SUCCESS: i32 = 0;
const TIMEOUT: i32 = 0x102;

/// The part of a dispatcher object that the lab uses: type at 0, signal state at 4.
pub(crate) fn header<'a>(object: *mut u8) -> (&'a AtomicU8, &'a AtomicI32) {
    // SAFETY: a driver passes an object that stays valid during the call; a bad pointer faults and is
    // reported.
    unsafe { (AtomicU8::from_ptr(object), AtomicI32::from_ptr(object.add(4).cast())) }
}

const SYNCHRONIZATION_EVENT: u8 = 1;
/// A mutex.
pub(crate) const MUTANT: u8 = 2;
/// A semaphore.
pub(crate) const SEMAPHORE: u8 = 5;
const SYNCHRONIZATION_TIMER: u8 = 9;

/// One lock and one condition serve all objects: waits are rare and short.
static LOCK: Mutex<()> = Mutex::new(());
static CHANGED: Condvar = Condvar::new();

/// Initialises an event of 24 bytes.
pub(crate) fn initialize_event(event: *mut u8, synchronization: bool, signalled: bool) {
    initialize(event, u8::from(synchronization), 6, i32::from(signalled));
}

/// Initialises the 24 bytes with which every dispatcher object starts; `words` is its size in 32-bit words.
pub(crate) fn initialize(object: *mut u8, kind: u8, words: u8, state: i32) {
    // SAFETY: the caller passes room for an object; its list head is empty, as nobody waits.
    unsafe {
        std::ptr::write_bytes(object, 0, 24);
        object.write(kind);
        object.add(2).write(words);
        object.add(4).cast::<i32>().write(state);
        object.add(8).cast::<usize>().write(object as usize + 8);
        object.add(16).cast::<usize>().write(object as usize + 8);
    }
}

/// The signal state of an object.
pub(crate) fn state(object: *mut u8) -> i32 {
    header(object).1.load(Ordering::SeqCst)
}

/// Wakes everybody who waits, so that conditions are looked at again.
pub(crate) fn wake() {
    drop(LOCK.lock().unwrap_or_else(PoisonError::into_inner));
    CHANGED.notify_all();
}

/// Runs `body` under the lock under which all conditions are looked at, and wakes those who wait.
pub(crate) fn change<R>(body: impl FnOnce() -> R) -> R {
    let guard = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let result = body();
    drop(guard);
    CHANGED.notify_all();
    result
}

/// Waits until `condition` yields something; none if the deadline comes first.
pub(crate) fn wait_until<R>(
    deadline: Option<Instant>,
    mut condition: impl FnMut() -> Option<R>,
) -> Option<R> {
    let guard = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let mut found = None;
    let missing = |(): &mut ()| {
        found = condition();
        found.is_none()
    };
    drop(schedule::wait_while(&LOCK, guard, &CHANGED, deadline, missing));
    found
}

/// Sets the signal state of an object, wakes those who wait, and returns the old state.
pub(crate) fn signal(object: *mut u8, state: i32) -> i32 {
    let guard = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let old = header(object).1.swap(state, Ordering::SeqCst);
    drop(guard);
    CHANGED.notify_all();
    old
}

/// The deadline that a kernel timeout means: relative if negative, absolute otherwise; none for no timeout.
///
/// # Safety
/// `timeout` is null or points to a time.
pub(crate) unsafe fn deadline(timeout: *const i64) -> Option<Instant> {
    // SAFETY: the caller's promise.
    let timeout = unsafe { timeout.as_ref() }?;
    let ticks = if *timeout < 0 {
        timeout.unsigned_abs()
    } else {
        timeout.unsigned_abs().saturating_sub(clock::system_time())
    };
    // A time too far away to name is never reached by a test.
    clock::now().checked_add(Duration::from_nanos(ticks.saturating_mul(100)))
}

/// Waits until all or any of `objects` are signalled; the index of the one that ended an any-wait.
pub(crate) fn wait(objects: &[*mut u8], all: bool, deadline: Option<Instant>) -> Option<usize> {
    wait_until(deadline, || {
        let ready = |object: &*mut u8| {
            let (kind, state) = header(*object);
            state.load(Ordering::SeqCst) > 0
                || (kind.load(Ordering::Relaxed) == MUTANT && mutex::is_mine(*object))
        };
        let found = if all { objects.iter().all(ready).then_some(0) } else { objects.iter().position(ready) };
        let found = found?;
        let taken = if all { objects } else { &objects[found..=found] };
        for object in taken {
            let (kind, state) = header(*object);
            match kind.load(Ordering::Relaxed) {
                SYNCHRONIZATION_EVENT | SYNCHRONIZATION_TIMER => state.store(0, Ordering::SeqCst),
                SEMAPHORE => {
                    state.fetch_sub(1, Ordering::SeqCst);
                }
                MUTANT => mutex::take(*object),
                _ => {}
            }
        }
        Some(found)
    })
}

/// Checks rule G-15 for a wait that starts now.
///
/// # Safety
/// `timeout` is null or points to a time.
unsafe fn check_wait(objects: &[*mut u8], timeout: *const i64) {
    // SAFETY: the caller's promise.
    let blocks = unsafe { timeout.as_ref() } != Some(&0);
    if cpu::irql() > DISPATCH || (cpu::irql() == DISPATCH && blocks) {
        violation("G-15", &format!("wait at IRQL {} with a timeout that is not zero", cpu::irql()));
    }
    if blocks && cpu::thread().lock_count() != 0 {
        violation("G-15", "wait with a spin lock held");
    }
    if blocks {
        crate::netio::before_wait();
        crate::ndis::before_wait();
    }
    for object in objects {
        if header(*object).0.load(Ordering::Relaxed) == MUTANT {
            super::order::before_acquire(*object as usize);
        }
        if pool::lookup(*object as usize).is_some_and(|block| block.kind == pool::Kind::Paged) {
            violation(
                "G-17",
                &format!("wait on an object in paged pool: {}", pool::describe(*object as usize)),
            );
        }
    }
}

crate::exports! {
    /// Wait and event functions of the kernel.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// Initialises an event.
    irql(0..=DISPATCH) fn KeInitializeEvent(event: nt::PRKEVENT, kind: i32, state: u8) {
        let event: *mut u8 = event.cast();
        if pool::lookup(event as usize).is_some_and(|block| block.kind == pool::Kind::Paged) {
            violation("G-17", &format!("event in paged pool: {}", pool::describe(event as usize)));
        }
        initialize_event(event, kind != 0, state != 0);
    }

    /// Sets an event and returns its old state.
    irql(0..=DISPATCH, "G-20") fn KeSetEvent(event: nt::PRKEVENT, _increment: i32, wait: u8) -> i32 {
        let event: *mut u8 = event.cast();
        if wait != 0 && cpu::irql() > APC {
            violation("G-20", "KeSetEvent with Wait = TRUE at DISPATCH_LEVEL");
        }
        signal(event, 1)
    }

    /// Resets an event.
    irql(0..=DISPATCH) fn KeClearEvent(event: nt::PRKEVENT) {
        let event: *mut u8 = event.cast();
        header(event).1.store(0, Ordering::SeqCst);
    }

    /// Resets an event and returns its old state.
    irql(0..=DISPATCH) fn KeResetEvent(event: nt::PRKEVENT) -> i32 {
        let event: *mut u8 = event.cast();
        header(event).1.swap(0, Ordering::SeqCst)
    }

    /// The state of an event.
    irql(0..=DISPATCH) fn KeReadStateEvent(event: nt::PRKEVENT) -> i32 {
        let event: *mut u8 = event.cast();
        header(event).1.load(Ordering::SeqCst)
    }

    /// Waits for one object.
    irql(0..=DISPATCH, "G-15") fn KeWaitForSingleObject(
        object: nt::PVOID, _reason: i32, _mode: i8, _alertable: u8, timeout: nt::PLARGE_INTEGER
    ) -> i32 {
        let object: *mut u8 = object.cast();
        let timeout: *const i64 = timeout.cast();
        // SAFETY: the driver's timeout is null or a time.
        unsafe { check_wait(&[object], timeout) };
        // SAFETY: as above.
        let deadline = unsafe { deadline(timeout) };
        wait(&[object], false, deadline).map_or(TIMEOUT, |_| SUCCESS)
    }

    /// Waits for several objects.
    irql(0..=DISPATCH, "G-15") fn KeWaitForMultipleObjects(
        count: u32, objects: *mut nt::PVOID, any: i32, _reason: i32, _mode: i8, _alertable: u8,
        timeout: nt::PLARGE_INTEGER, blocks: nt::PKWAIT_BLOCK
    ) -> i32 {
        let objects: *const *mut u8 = objects.cast();
        let timeout: *const i64 = timeout.cast();
        let blocks: *mut u8 = blocks.cast();
        const THREAD_WAIT_OBJECTS: u32 = 3;
        if count > 64 || (count > THREAD_WAIT_OBJECTS && blocks.is_null()) {
            violation("L-2", &format!("a wait for {count} objects without room for its wait blocks"));
        }
        // SAFETY: the driver passes `count` objects.
        let objects = unsafe { std::slice::from_raw_parts(objects, count as usize) };
        // SAFETY: the driver's timeout is null or a time.
        unsafe { check_wait(objects, timeout) };
        // SAFETY: as above.
        let deadline = unsafe { deadline(timeout) };
        wait(objects, any == 0, deadline).map_or(TIMEOUT, |index| index as i32)
    }

    /// Lets time pass.
    irql(PASSIVE..=APC, "G-15") fn KeDelayExecutionThread(
        _mode: i8, _alertable: u8, interval: nt::PLARGE_INTEGER
    ) -> i32 {
        let interval: *const i64 = interval.cast();
        // SAFETY: the driver passes an interval.
        if let Some(deadline) = unsafe { deadline(interval) } {
            schedule::sleep(deadline.saturating_duration_since(clock::now()));
        }
        SUCCESS
    }

    /// Enters a critical region.
    irql(PASSIVE..=APC, "G-19") fn KeEnterCriticalRegion() {
        let critical = &cpu::thread().critical;
        critical.set(critical.get() + 1);
    }

    /// Leaves a critical region.
    irql(PASSIVE..=APC, "G-19") fn KeLeaveCriticalRegion() {
        let critical = &cpu::thread().critical;
        match critical.get().checked_sub(1) {
            Some(left) => critical.set(left),
            None => violation("G-19", "KeLeaveCriticalRegion without KeEnterCriticalRegion"),
        }
    }
}
