//! NDIS events, sleeps, reader-writer locks, timers and work items, over the kernel's own.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ddk::ndis::*;
use ddk::nt::{BOOLEAN, LARGE_INTEGER, LONG, PVOID, UCHAR, ULONG};

use super::adapter::{Ptr, lock};
use crate::ntoskrnl::{dispatcher, lock as spin, work};
use crate::{clock, cpu, handle, pool, schedule, verifier};

/// A timer object.
struct Timer {
    function: PNDIS_TIMER_FUNCTION,
    context: usize,
    set: Mutex<Option<Setting>>,
}

struct Setting {
    timer: work::Timer,
    /// Cleared when the timer is cancelled, so that a periodic one is not set again.
    alive: Arc<AtomicBool>,
}

impl handle::Object for Timer {
    const KIND: &'static str = "NDIS timer";
    const LEAK_RULE: Option<&'static str> = Some("G-6");
}

fn start(
    object: &Arc<Timer>,
    due: Duration,
    period: Option<Duration>,
    context: usize,
    alive: Arc<AtomicBool>,
) {
    let job = {
        let (object, alive) = (object.clone(), alive.clone());
        move || {
            if !alive.load(Ordering::Acquire) {
                return;
            }
            if let Some(period) = period {
                start(&object, period, Some(period), context, alive);
            } else {
                *lock(&object.set) = None;
            }
            if let Some(function) = object.function {
                let none = std::ptr::null_mut();
                verifier::callback("the NDIS timer function", || {
                    // SAFETY: the driver made the timer with this function and set it with this context.
                    unsafe { function(none, context as PVOID, none, none) }
                });
            }
        }
    };
    *lock(&object.set) = Some(Setting { timer: work::at(clock::now() + due, job), alive });
}

fn cancel(object: &Timer, wait: bool) -> bool {
    let Some(setting) = lock(&object.set).take() else { return false };
    setting.alive.store(false, Ordering::Release);
    let cancelled = work::cancel(setting.timer);
    if wait && !cancelled {
        work::wait_for(setting.timer);
    }
    cancelled
}

/// A work item (G-24: queued once until it runs).
struct WorkItem {
    queued: AtomicU32,
}

impl handle::Object for WorkItem {
    const KIND: &'static str = "NDIS work item";
    const LEAK_RULE: Option<&'static str> = Some("G-6");
}

const TAG_LOCK: u32 = u32::from_le_bytes(*b"NDrw");
/// `LOCK_STATE_EX.LockState`: which side holds.
const READ: u8 = 1;
const WRITE: u8 = 2;
/// `NDIS_RWL_AT_DISPATCH_LEVEL`.
const AT_DISPATCH: u8 = 1;

/// # Safety
/// `state` is writable.
unsafe fn acquire(rw: PNDIS_RW_LOCK_EX, state: PLOCK_STATE_EX, flags: u8, write: bool) {
    let raise = flags & AT_DISPATCH == 0;
    if !raise && cpu::irql() != cpu::DISPATCH {
        verifier::violation("G-11", "NDIS_RWL_AT_DISPATCH_LEVEL below DISPATCH_LEVEL");
    }
    let old = if raise { cpu::raise(cpu::DISPATCH) } else { cpu::DISPATCH };
    spin::acquire_ex(rw.cast(), write, raise.then_some(old));
    // SAFETY: the caller guarantees it.
    unsafe {
        *state = LOCK_STATE_EX { OldIrql: old, LockState: if write { WRITE } else { READ }, Flags: flags }
    };
}

crate::exports! {
    /// Synchronisation and deferred work.
    pub static SYNC_EXPORTS: "NDIS.SYS", sig ddk::ndis::sig;

    /// Initialises a notification event.
    irql(0..=2) fn NdisInitializeEvent(
        event: PNDIS_EVENT,
    ) {
        dispatcher::initialize_event(event.cast(), false, false)
    }
    /// Sets an event.
    irql(0..=2) fn NdisSetEvent(event: PNDIS_EVENT) {
        dispatcher::signal(event.cast(), 1);
    }
    /// Resets an event.
    irql(0..=2) fn NdisResetEvent(event: PNDIS_EVENT) {
        dispatcher::signal(event.cast(), 0);
    }
    /// Waits for an event; 0 waits for ever.
    irql(0..=0, "N-20") fn NdisWaitEvent(event: PNDIS_EVENT, milliseconds: u32) -> BOOLEAN {
        let deadline = (milliseconds != 0).then(|| clock::now() + Duration::from_millis(milliseconds.into()));
        dispatcher::wait(&[event.cast()], false, deadline).is_some().into()
    }
    /// Lets time pass.
    irql(0..=0, "G-15") fn NdisMSleep(
        microseconds: ULONG,
    ) {
        schedule::sleep(Duration::from_micros(microseconds.into()))
    }

    /// Makes a reader-writer lock.
    irql(0..=2) fn NdisAllocateRWLock(handle: NDIS_HANDLE) -> PNDIS_RW_LOCK_EX {
        let _ = handle;
        pool::allocate(pool::Kind::NonPaged, 16, TAG_LOCK, pool::Fill::Zero).cast()
    }
    /// Frees a reader-writer lock.
    irql(0..=2) fn NdisFreeRWLock(rw: PNDIS_RW_LOCK_EX) { pool::free(rw.cast(), Some(TAG_LOCK)) }
    /// Acquires for reading.
    irql(0..=2) fn NdisAcquireRWLockRead(rw: PNDIS_RW_LOCK_EX, state: PLOCK_STATE_EX, flags: UCHAR) {
        // SAFETY: the driver's lock and state.
        unsafe { acquire(rw, state, flags, false) }
    }
    /// Acquires for writing.
    irql(0..=2) fn NdisAcquireRWLockWrite(rw: PNDIS_RW_LOCK_EX, state: PLOCK_STATE_EX, flags: UCHAR) {
        // SAFETY: the driver's lock and state.
        unsafe { acquire(rw, state, flags, true) }
    }
    /// Releases.
    irql(2..=2, "G-11") fn NdisReleaseRWLock(rw: PNDIS_RW_LOCK_EX, state: PLOCK_STATE_EX) {
        // SAFETY: the driver's state, which the acquisition filled.
        let held = unsafe { *state };
        let raised = held.Flags & AT_DISPATCH == 0;
        spin::release_ex(rw.cast(), held.LockState == WRITE, raised.then_some(held.OldIrql));
        if raised {
            cpu::lower(held.OldIrql);
        }
    }

    /// Makes a timer.
    irql(0..=2) fn NdisAllocateTimerObject(
        handle: NDIS_HANDLE, characteristics: PNDIS_TIMER_CHARACTERISTICS, out: PNDIS_HANDLE,
    ) -> NDIS_STATUS {
        let _ = handle;
        // SAFETY: the driver's structure.
        let given = unsafe { *characteristics };
        super::header::check(&given.Header, NDIS_OBJECT_TYPE_TIMER_CHARACTERISTICS, 1..=1, 24, "NDIS_TIMER_CHARACTERISTICS");
        if pool::must_fail() {
            return NDIS_STATUS_RESOURCES;
        }
        let timer = Timer { function: given.TimerFunction, context: given.FunctionContext as usize, set: Mutex::default() };
        // SAFETY: the driver's variable.
        unsafe { *out = handle::create(Arc::new(timer)) };
        NDIS_STATUS_SUCCESS
    }
    /// Sets a timer; true if it was set already.
    irql(0..=2) fn NdisSetTimerObject(
        timer: NDIS_HANDLE, due: LARGE_INTEGER, period: LONG, context: PVOID,
    ) -> BOOLEAN {
        let object = handle::expect::<Timer>(timer);
        let before = cancel(&object, false);
        // SAFETY: every bit pattern is a time.
        let due = unsafe { due.QuadPart };
        let ticks = if due < 0 { due.unsigned_abs() } else { due.unsigned_abs().saturating_sub(crate::clock::system_time()) };
        let period = u64::try_from(period).ok().filter(|period| *period > 0).map(Duration::from_millis);
        let context = if context.is_null() { object.context } else { context as usize };
        start(&object, Duration::from_nanos(ticks.saturating_mul(100)), period, context, Arc::new(AtomicBool::new(true)));
        before.into()
    }
    /// Cancels a timer; at PASSIVE_LEVEL it waits for a running function.
    irql(0..=2) fn NdisCancelTimerObject(timer: NDIS_HANDLE) -> BOOLEAN {
        cancel(&handle::expect::<Timer>(timer), cpu::irql() == cpu::PASSIVE).into()
    }
    /// Frees a timer, which is not set.
    irql(0..=2) fn NdisFreeTimerObject(timer: NDIS_HANDLE) {
        if lock(&handle::close::<Timer>(timer).set).is_some() {
            verifier::violation("G-23", "an NDIS timer is freed while it is set");
        }
    }

    /// Makes a work item.
    irql(0..=2) fn NdisAllocateIoWorkItem(object: NDIS_HANDLE) -> NDIS_HANDLE {
        let _ = object;
        if pool::must_fail() {
            return std::ptr::null_mut();
        }
        handle::create(Arc::new(WorkItem { queued: AtomicU32::new(0) }))
    }
    /// Queues a work item.
    irql(0..=2) fn NdisQueueIoWorkItem(item: NDIS_HANDLE, routine: NDIS_IO_WORKITEM_ROUTINE, context: PVOID) {
        let object = handle::expect::<WorkItem>(item);
        if object.queued.fetch_add(1, Ordering::AcqRel) != 0 {
            verifier::violation("G-24", "an NDIS work item is queued twice");
        }
        let (item, context) = (Ptr::<c_void>(item), Ptr::<c_void>(context));
        work::queue(move || {
            let (item, context) = (item, context);
            // It may be queued again, or freed, from its own routine.
            object.queued.store(0, Ordering::Release);
            if let Some(routine) = routine {
                verifier::callback("the NDIS work item routine", || {
                    // SAFETY: the driver queued this routine with this context.
                    unsafe { routine(context.0, item.0) }
                });
            }
        });
    }
    /// Frees a work item, which is not queued.
    irql(0..=2) fn NdisFreeIoWorkItem(item: NDIS_HANDLE) {
        if handle::close::<WorkItem>(item).queued.load(Ordering::Acquire) != 0 {
            verifier::violation("G-23", "an NDIS work item is freed while it is queued");
        }
    }
}
