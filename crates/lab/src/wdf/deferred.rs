//! Timers, work items, locks and memory of the framework.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ddk::nt::{
    PFN_WDF_TIMER, PFN_WDF_WORKITEM, PLONGLONG, PVOID, PWDF_DRIVER_GLOBALS, PWDF_OBJECT_ATTRIBUTES,
    PWDF_TIMER_CONFIG, PWDF_WORKITEM_CONFIG, WDF_TIMER_CONFIG, WDFMEMORY, WDFOBJECT, WDFSPINLOCK, WDFTIMER,
    WDFWAITLOCK, WDFWORKITEM,
};

use super::loader::{client, driver_of};
use super::object::{Body, Object, Ref, attributes, expect, expect_any};
use super::queue::Level;
use super::{functions, required, sized, status};
use crate::cpu::{self, APC, DISPATCH, PASSIVE};
use crate::ntoskrnl::{dispatcher, lock, work};
use crate::pool::{self, Fill};
use crate::verifier::{callback, violation};
use crate::{clock, schedule};

/// A timer.
#[derive(Debug)]
pub(super) struct Timer {
    event: PFN_WDF_TIMER,
    period: Duration,
    passive: bool,
    set: Mutex<Option<work::Timer>>,
    /// Counts starts and stops, so that an expiry knows whether it is still wanted.
    generation: AtomicU64,
    running: (Mutex<u32>, Condvar),
}

impl Timer {
    fn set(&self) -> MutexGuard<'_, Option<work::Timer>> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops the timer; whether it was set.
    fn stop(&self) -> bool {
        let mut set = self.set();
        self.generation.fetch_add(1, Ordering::AcqRel);
        set.take().is_some_and(work::cancel)
    }

    fn wait(&self) {
        let (running, changed) = &self.running;
        let count = running.lock().unwrap_or_else(PoisonError::into_inner);
        drop(schedule::wait_while(running, count, changed, None, |count| *count != 0));
    }

    /// Stops the timer and waits for its callback; part of its deletion.
    pub(super) fn close(&self) {
        self.stop();
        if cpu::irql() == PASSIVE {
            self.wait();
        }
    }
}

fn start(timer: &Ref<Timer>, delay: Duration) -> bool {
    let mut set = timer.set();
    let was_set = set.take().is_some_and(work::cancel);
    let generation = timer.generation.fetch_add(1, Ordering::AcqRel) + 1;
    let later = timer.clone();
    *set = Some(work::at(clock::now() + delay, move || expire(&later, generation)));
    was_set
}

fn expire(timer: &Ref<Timer>, generation: u64) {
    {
        let mut set = timer.set();
        if timer.generation.load(Ordering::Acquire) != generation {
            return;
        }
        *set = None;
        *timer.running.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    }
    if timer.passive {
        let timer = timer.clone();
        work::queue(move || run_timer(&timer, generation));
    } else {
        run_timer(timer, generation);
    }
}

fn run_timer(timer: &Ref<Timer>, generation: u64) {
    if let Some(event) = timer.event {
        // SAFETY: the driver's callback for this timer.
        callback("EvtTimerFunc", || unsafe { event(timer.object.handle()) });
    }
    if !timer.period.is_zero() && timer.generation.load(Ordering::Acquire) == generation {
        start(timer, timer.period);
    }
    *timer.running.0.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
    timer.running.1.notify_all();
}

/// A work item.
#[derive(Debug)]
pub(super) struct WorkItem {
    event: PFN_WDF_WORKITEM,
    queued: AtomicBool,
    outstanding: (Mutex<u32>, Condvar),
}

impl WorkItem {
    /// Waits until the callback neither runs nor will run.
    fn flush(&self) {
        let (outstanding, changed) = &self.outstanding;
        let count = outstanding.lock().unwrap_or_else(PoisonError::into_inner);
        drop(schedule::wait_while(outstanding, count, changed, None, |count| *count != 0));
    }

    /// Part of the item's deletion.
    pub(super) fn close(&self) {
        self.flush();
    }
}

/// A spin lock.
#[derive(Debug, Default)]
pub(super) struct SpinLock {
    word: AtomicU64,
    old_irql: Mutex<u8>,
}

/// A lock at which threads wait.
#[derive(Debug, Default)]
pub(super) struct WaitLock {
    /// The thread that holds it, or 0.
    owner: Mutex<u64>,
    changed: Condvar,
}

/// Memory.
#[derive(Debug)]
pub(super) struct Memory {
    address: usize,
    size: usize,
    owned: bool,
}

impl Memory {
    /// Memory that belongs to a request.
    pub(super) fn borrowed(address: usize, size: usize) -> Self {
        Self { address, size, owned: false }
    }

    /// Frees the memory; part of the object's deletion.
    pub(super) fn close(&self) {
        if self.owned {
            pool::take_back(self.address as *mut u8);
        }
    }
}

/// Makes an object and stores its handle.
fn store<H>(
    body: Body,
    attributes: PWDF_OBJECT_ATTRIBUTES,
    parent: Option<&Arc<Object>>,
    out: *mut *mut H,
) -> i32 {
    required(out, "the place for the object");
    match Object::create(body, self::attributes(attributes).as_ref(), parent) {
        Ok(object) => {
            // SAFETY: checked above.
            unsafe { out.write(object.handle()) };
            status::SUCCESS
        }
        Err(status) => status,
    }
}

/// The parent that timers and work items have to name.
fn has_parent(attributes: PWDF_OBJECT_ATTRIBUTES) -> bool {
    self::attributes(attributes).is_some_and(|attributes| !attributes.ParentObject.is_null())
}

/// The IRQL at which callbacks of a parent run.
fn level_of(parent: WDFOBJECT) -> Level {
    match &expect_any(parent).body {
        Body::Device(device) => device.level,
        Body::Queue(queue) => queue.level(),
        _ => Level::Any,
    }
}

/// Sizes of a timer's configuration: since version 1.13, since 1.9, and before.
const TIMER_SIZES: [usize; 3] = [size_of::<WDF_TIMER_CONFIG>(), 32, 24];
/// STATUS_NOT_SUPPORTED.
const NOT_SUPPORTED: i32 = 0xc000_00bb_u32 as i32;
/// STATUS_WDF_PARENT_NOT_SPECIFIED.
const PARENT_NOT_SPECIFIED: i32 = 0xc020_0207_u32 as i32;
/// STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL.
const INCOMPATIBLE_EXECUTION_LEVEL: i32 = 0xc020_0211_u32 as i32;

functions! {
    /// Functions for what runs later, locks, and memory.
    pub(super) static TABLE;

    /// Makes a timer.
    irql(0..=DISPATCH) fn WdfTimerCreate: PFN_WDFTIMERCREATE (
        globals: PWDF_DRIVER_GLOBALS, config: PWDF_TIMER_CONFIG, timer_attributes: PWDF_OBJECT_ATTRIBUTES,
        timer: *mut WDFTIMER
    ) -> i32 {
        client(globals);
        required(config, "the timer's configuration");
        // SAFETY: checked above.
        let Some(config) = (unsafe { sized(config, &TIMER_SIZES) }) else { return status::INFO_LENGTH_MISMATCH };
        if config.EvtTimerFunc.is_none() {
            return status::INVALID_PARAMETER;
        }
        if !has_parent(timer_attributes) {
            return PARENT_NOT_SPECIFIED;
        }
        let attributes = self::attributes(timer_attributes);
        let passive = Level::of(attributes.as_ref(), Level::Any) == Level::Passive;
        let parent = attributes.map(|attributes| level_of(attributes.ParentObject));
        if config.AutomaticSerialization != 0 && !passive && parent == Some(Level::Passive) {
            return INCOMPATIBLE_EXECUTION_LEVEL;
        }
        if passive && config.Period != 0 {
            return NOT_SUPPORTED;
        }
        let body = Body::Timer(Timer {
            event: config.EvtTimerFunc,
            period: Duration::from_millis(u64::from(config.Period)),
            passive,
            set: Mutex::new(None),
            generation: AtomicU64::new(0),
            running: (Mutex::new(0), Condvar::new()),
        });
        store(body, timer_attributes, None, timer)
    }

    /// Sets a timer; whether it was set already.
    irql(0..=DISPATCH) fn WdfTimerStart: PFN_WDFTIMERSTART (
        globals: PWDF_DRIVER_GLOBALS, timer: WDFTIMER, due: i64
    ) -> u8 {
        client(globals);
        let timer = expect::<Timer, _>(timer);
        if timer.object.is_deleted() {
            violation("KV-5", "a timer is started after its deletion");
        }
        // SAFETY: the time lies on this stack.
        let deadline = unsafe { dispatcher::deadline(&due) };
        let delay = deadline.map_or(Duration::ZERO, |at| at.saturating_duration_since(clock::now()));
        u8::from(start(&timer, delay))
    }

    /// Stops a timer, and waits for its callback if asked to; whether it was set.
    irql(0..=DISPATCH) fn WdfTimerStop: PFN_WDFTIMERSTOP (
        globals: PWDF_DRIVER_GLOBALS, timer: WDFTIMER, wait: u8
    ) -> u8 {
        client(globals);
        let timer = expect::<Timer, _>(timer);
        if wait != 0 && cpu::irql() != PASSIVE {
            violation("K-40", "WdfTimerStop waits above PASSIVE_LEVEL");
        }
        let was_set = timer.stop();
        if wait != 0 {
            timer.wait();
        }
        u8::from(was_set)
    }

    /// The parent of a timer.
    irql(0..=DISPATCH) fn WdfTimerGetParentObject: PFN_WDFTIMERGETPARENTOBJECT (
        globals: PWDF_DRIVER_GLOBALS, timer: WDFTIMER
    ) -> WDFOBJECT {
        client(globals);
        expect::<Timer, _>(timer).object.parent().map_or(std::ptr::null_mut(), |parent| parent.handle())
    }

    /// Makes a work item.
    irql(0..=DISPATCH) fn WdfWorkItemCreate: PFN_WDFWORKITEMCREATE (
        globals: PWDF_DRIVER_GLOBALS, config: PWDF_WORKITEM_CONFIG, item_attributes: PWDF_OBJECT_ATTRIBUTES,
        item: *mut WDFWORKITEM
    ) -> i32 {
        client(globals);
        required(config, "the work item's configuration");
        // SAFETY: checked above.
        let config = unsafe { &*config };
        if config.EvtWorkItemFunc.is_none() {
            return status::INVALID_PARAMETER;
        }
        if !has_parent(item_attributes) {
            return PARENT_NOT_SPECIFIED;
        }
        let body = Body::WorkItem(WorkItem {
            event: config.EvtWorkItemFunc,
            queued: AtomicBool::new(false),
            outstanding: (Mutex::new(0), Condvar::new()),
        });
        store(body, item_attributes, None, item)
    }

    /// Queues a work item unless it is queued.
    irql(0..=DISPATCH) fn WdfWorkItemEnqueue: PFN_WDFWORKITEMENQUEUE (
        globals: PWDF_DRIVER_GLOBALS, item: WDFWORKITEM
    ) {
        client(globals);
        let item = expect::<WorkItem, _>(item);
        if item.object.is_deleted() {
            violation("KV-5", "a work item is queued after its deletion");
        }
        if item.queued.swap(true, Ordering::AcqRel) {
            return;
        }
        *item.outstanding.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        work::queue(move || {
            item.queued.store(false, Ordering::Release);
            if let Some(event) = item.event {
                // SAFETY: the driver's callback for this work item.
                callback("EvtWorkItemFunc", || unsafe { event(item.object.handle()) });
            }
            *item.outstanding.0.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
            item.outstanding.1.notify_all();
        });
    }

    /// Waits until a work item has run.
    irql(PASSIVE..=PASSIVE) fn WdfWorkItemFlush: PFN_WDFWORKITEMFLUSH (
        globals: PWDF_DRIVER_GLOBALS, item: WDFWORKITEM
    ) {
        client(globals);
        expect::<WorkItem, _>(item).flush();
    }

    /// The parent of a work item.
    irql(0..=DISPATCH) fn WdfWorkItemGetParentObject: PFN_WDFWORKITEMGETPARENTOBJECT (
        globals: PWDF_DRIVER_GLOBALS, item: WDFWORKITEM
    ) -> WDFOBJECT {
        client(globals);
        expect::<WorkItem, _>(item).object.parent().map_or(std::ptr::null_mut(), |parent| parent.handle())
    }

    /// Makes a spin lock.
    irql(0..=DISPATCH) fn WdfSpinLockCreate: PFN_WDFSPINLOCKCREATE (
        globals: PWDF_DRIVER_GLOBALS, lock_attributes: PWDF_OBJECT_ATTRIBUTES, lock: *mut WDFSPINLOCK
    ) -> i32 {
        client(globals);
        store(Body::SpinLock(SpinLock::default()), lock_attributes, driver_of(globals).as_ref(), lock)
    }

    /// Raises to DISPATCH_LEVEL and acquires.
    irql(0..=DISPATCH) fn WdfSpinLockAcquire: PFN_WDFSPINLOCKACQUIRE (
        globals: PWDF_DRIVER_GLOBALS, spin: WDFSPINLOCK
    ) {
        client(globals);
        let spin = expect::<SpinLock, _>(spin);
        if spin.word.load(Ordering::Relaxed) == cpu::thread_id() {
            violation("KV-2", "a spin lock is acquired by the thread that holds it");
        }
        let old = cpu::raise(DISPATCH);
        lock::acquire(spin.word.as_ptr(), "WdfSpinLock", None);
        *spin.old_irql.lock().unwrap_or_else(PoisonError::into_inner) = old;
    }

    /// Releases and lowers the IRQL.
    irql(DISPATCH..=DISPATCH) fn WdfSpinLockRelease: PFN_WDFSPINLOCKRELEASE (
        globals: PWDF_DRIVER_GLOBALS, spin: WDFSPINLOCK
    ) {
        client(globals);
        let spin = expect::<SpinLock, _>(spin);
        if spin.word.load(Ordering::Relaxed) != cpu::thread_id() {
            violation("KV-9", "a spin lock is released by a thread that does not hold it");
        }
        let old = *spin.old_irql.lock().unwrap_or_else(PoisonError::into_inner);
        lock::release(spin.word.as_ptr(), "WdfSpinLock", None);
        cpu::lower(old);
    }

    /// Makes a lock at which threads wait.
    irql(0..=DISPATCH) fn WdfWaitLockCreate: PFN_WDFWAITLOCKCREATE (
        globals: PWDF_DRIVER_GLOBALS, lock_attributes: PWDF_OBJECT_ATTRIBUTES, lock: *mut WDFWAITLOCK
    ) -> i32 {
        client(globals);
        store(Body::WaitLock(WaitLock::default()), lock_attributes, driver_of(globals).as_ref(), lock)
    }

    /// Acquires, waiting at most as long as allowed.
    irql(0..=DISPATCH) fn WdfWaitLockAcquire: PFN_WDFWAITLOCKACQUIRE (
        globals: PWDF_DRIVER_GLOBALS, lock: WDFWAITLOCK, timeout: PLONGLONG
    ) -> i32 {
        client(globals);
        let lock = expect::<WaitLock, _>(lock);
        let me = cpu::thread_id();
        // SAFETY: the driver passes null or a time.
        let (blocks, deadline) = unsafe { (timeout.as_ref() != Some(&0), dispatcher::deadline(timeout)) };
        if blocks && cpu::irql() > APC {
            violation("K-40", "WdfWaitLockAcquire waits at DISPATCH_LEVEL");
        }
        let owner = lock.owner.lock().unwrap_or_else(PoisonError::into_inner);
        if *owner == me {
            drop(owner);
            violation("KV-2", "a wait lock is acquired by the thread that holds it");
        }
        let (mut owner, in_time) =
            schedule::wait_while(&lock.owner, owner, &lock.changed, deadline, |owner| *owner != 0);
        if !in_time {
            return status::TIMEOUT;
        }
        *owner = me;
        let critical = &cpu::thread().critical;
        critical.set(critical.get() + 1);
        status::SUCCESS
    }

    /// Releases.
    irql(0..=DISPATCH) fn WdfWaitLockRelease: PFN_WDFWAITLOCKRELEASE (
        globals: PWDF_DRIVER_GLOBALS, lock: WDFWAITLOCK
    ) {
        client(globals);
        let lock = expect::<WaitLock, _>(lock);
        let mut owner = lock.owner.lock().unwrap_or_else(PoisonError::into_inner);
        if *owner != cpu::thread_id() {
            drop(owner);
            violation("KV-9", "a wait lock is released by a thread that does not hold it");
        }
        *owner = 0;
        let critical = &cpu::thread().critical;
        critical.set(critical.get().saturating_sub(1));
        drop(owner);
        lock.changed.notify_one();
    }

    /// Allocates memory.
    irql(0..=DISPATCH) fn WdfMemoryCreate: PFN_WDFMEMORYCREATE (
        globals: PWDF_DRIVER_GLOBALS, memory_attributes: PWDF_OBJECT_ATTRIBUTES, _pool: i32, tag: u32, size: usize,
        memory: *mut WDFMEMORY, buffer: *mut PVOID
    ) -> i32 {
        client(globals);
        if size == 0 {
            return status::INVALID_PARAMETER;
        }
        let tag = if tag == 0 { u32::from_le_bytes(*b"FxDr") } else { tag };
        let address = pool::lend(size, tag, Fill::Pattern);
        if address.is_null() {
            return status::INSUFFICIENT_RESOURCES;
        }
        let body = Body::Memory(Memory { address: address as usize, size, owned: true });
        let stored = store(body, memory_attributes, driver_of(globals).as_ref(), memory);
        if !super::success(stored) {
            pool::take_back(address);
            return stored;
        }
        if !buffer.is_null() {
            // SAFETY: the driver passes room for the address.
            unsafe { buffer.write(address.cast()) };
        }
        stored
    }

    /// Address and size of memory.
    irql(0..=DISPATCH) fn WdfMemoryGetBuffer: PFN_WDFMEMORYGETBUFFER (
        globals: PWDF_DRIVER_GLOBALS, memory: WDFMEMORY, size: *mut usize
    ) -> PVOID {
        client(globals);
        let memory = expect::<Memory, _>(memory);
        if !size.is_null() {
            // SAFETY: the driver passes room for the size.
            unsafe { size.write(memory.size) };
        }
        memory.address as PVOID
    }
}
