//! Mutexes and semaphores: dispatcher objects, fast mutexes, guarded mutexes and push locks.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use ddk::nt;

use super::{dispatcher, order};
use crate::cpu::{self, APC, DISPATCH, PASSIVE};
use crate::pool;
use crate::verifier::violation;

/// STATUS_SEMAPHORE_LIMIT_EXCEEDED, with which KeReleaseSemaphore raises an exception.
const LIMIT_EXCEEDED: u64 = 0xc000_0047;

fn in_nonpaged_memory(object: usize, what: &str) {
    if pool::lookup(object).is_some_and(|block| block.kind == pool::Kind::Paged) {
        violation("G-17", &format!("{what} in paged pool: {}", pool::describe(object)));
    }
}

fn enter_region() {
    let critical = &cpu::thread().critical;
    critical.set(critical.get() + 1);
}

fn leave_region() {
    let critical = &cpu::thread().critical;
    critical.set(critical.get().saturating_sub(1));
}

/// The owner of a KMUTANT: a thread's number, or 0.
fn owner<'a>(mutex: *mut u8) -> &'a mut usize {
    // SAFETY: a driver passes a mutex, whose owner lies at this place; everybody who looks at it holds the
    // dispatcher's lock.
    unsafe { &mut *mutex.add(std::mem::offset_of!(nt::KMUTANT, OwnerThread)).cast() }
}

/// Whether the current thread owns the mutex.
pub(crate) fn is_mine(mutex: *mut u8) -> bool {
    *owner(mutex) == cpu::thread_id() as usize
}

/// Takes a mutex that is free or owned by the current thread.
pub(crate) fn take(mutex: *mut u8) {
    *owner(mutex) = cpu::thread_id() as usize;
    if dispatcher::header(mutex).1.fetch_sub(1, Ordering::SeqCst) == 1 {
        enter_region();
    }
    order::acquired(mutex as usize, "mutex");
}

/// Owners of fast mutexes, guarded mutexes and push locks, by address: the thread that has it exclusively and
/// the threads that share it.
#[derive(Debug, Default)]
struct Owners {
    exclusive: u64,
    shared: Vec<u64>,
}

static OWNERS: Mutex<Option<HashMap<usize, Owners>>> = Mutex::new(None);

fn owners<R>(lock: usize, body: impl FnOnce(&mut Owners) -> R) -> R {
    let mut all = OWNERS.lock().unwrap_or_else(PoisonError::into_inner);
    body(all.get_or_insert_default().entry(lock).or_default())
}

fn acquire(lock: usize, kind: &'static str, shared: bool) {
    if order::holds(lock) {
        violation("G-19", &format!("the {kind} {lock:#x} is acquired by the thread that holds it"));
    }
    order::before_acquire(lock);
    dispatcher::wait_until(None, || try_take(lock, shared).then_some(()));
    order::acquired(lock, kind);
}

fn try_take(lock: usize, shared: bool) -> bool {
    let me = cpu::thread_id();
    owners(lock, |owners| {
        let free = owners.exclusive == 0 && (shared || owners.shared.is_empty());
        if free && shared {
            owners.shared.push(me);
        } else if free {
            owners.exclusive = me;
        }
        free
    })
}

fn release(lock: usize, kind: &'static str, shared: bool) {
    let me = cpu::thread_id();
    let released = dispatcher::change(|| {
        owners(lock, |owners| {
            if shared {
                let place = owners.shared.iter().position(|owner| *owner == me);
                place.map(|place| owners.shared.swap_remove(place)).is_some()
            } else {
                let mine = owners.exclusive == me;
                if mine {
                    owners.exclusive = 0;
                }
                mine
            }
        })
    });
    if !released {
        violation("G-12", &format!("release of the {kind} {lock:#x}, which this thread does not hold"));
    }
    order::released(lock);
}

/// Checks the form that ExInitializeFastMutex gives the structure, which is inline in drivers.
fn check_fast(mutex: nt::PFAST_MUTEX) {
    in_nonpaged_memory(mutex as usize, "fast mutex");
    // SAFETY: a driver passes a mutex; a bad pointer faults and is reported.
    let (count, size) =
        unsafe { ((*mutex).Count, (*mutex).Event.Header.__bindgen_anon_1.__bindgen_anon_2.Size) };
    if count != 1 || size != 6 {
        violation("G-12", &format!("a fast mutex at {mutex:p} is used that was not initialised"));
    }
}

const FAST: &str = "fast mutex";
const GUARDED: &str = "guarded mutex";
const PUSH: &str = "push lock";

/// Where a fast mutex keeps the IRQL of its owner.
fn old_irql<'a>(mutex: nt::PFAST_MUTEX) -> &'a mut u32 {
    // SAFETY: only the owner uses it.
    unsafe { &mut (*mutex).OldIrql }
}

fn check_push(flags: u32) {
    if flags & !1 != 0 {
        violation("L-2", &format!("push lock flags {flags:#x}"));
    }
    if cpu::irql() == PASSIVE && cpu::thread().critical.get() == 0 {
        violation("G-19", "a push lock is acquired with APCs enabled");
    }
}

crate::exports! {
    /// Mutex, semaphore and push lock functions of the kernel.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// Initialises a mutex, free.
    irql(0..=DISPATCH) fn KeInitializeMutex(mutex: nt::PRKMUTEX, _level: u32) {
        in_nonpaged_memory(mutex as usize, "mutex");
        order::forget(mutex as usize);
        // SAFETY: the driver passes room for a mutex, all of whose fields accept zeroes.
        unsafe { mutex.write(std::mem::zeroed()) };
        dispatcher::initialize(mutex.cast(), dispatcher::MUTANT, 14, 1);
    }

    /// Releases a mutex once; its old state.
    irql(0..=DISPATCH, "G-20") fn KeReleaseMutex(mutex: nt::PRKMUTEX, wait: u8) -> i32 {
        let mutex: *mut u8 = mutex.cast();
        if wait != 0 && cpu::irql() > APC {
            violation("G-20", "KeReleaseMutex with Wait = TRUE at DISPATCH_LEVEL");
        }
        if !is_mine(mutex) {
            violation("G-12", &format!("release of the mutex {mutex:p}, which this thread does not own"));
        }
        order::released(mutex as usize);
        dispatcher::change(|| {
            let old = dispatcher::header(mutex).1.fetch_add(1, Ordering::SeqCst);
            if old == 0 {
                *owner(mutex) = 0;
                leave_region();
            }
            old
        })
    }

    /// The state of a mutex: 1 if it is free.
    irql(0..=DISPATCH) fn KeReadStateMutex(mutex: nt::PRKMUTEX) -> i32 {
        dispatcher::state(mutex.cast())
    }

    /// Initialises a semaphore.
    irql(0..=DISPATCH) fn KeInitializeSemaphore(semaphore: nt::PRKSEMAPHORE, count: i32, limit: i32) {
        in_nonpaged_memory(semaphore as usize, "semaphore");
        if count < 0 || limit <= 0 || count > limit {
            violation("L-2", &format!("KeInitializeSemaphore with {count} of at most {limit}"));
        }
        dispatcher::initialize(semaphore.cast(), dispatcher::SEMAPHORE, 8, count);
        // SAFETY: the driver passes room for a semaphore.
        unsafe { (*semaphore).Limit = limit };
    }

    /// Adds to a semaphore; its old count.
    irql(0..=DISPATCH, "G-20") fn KeReleaseSemaphore(
        semaphore: nt::PRKSEMAPHORE, _increment: i32, adjustment: i32, wait: u8
    ) -> i32 {
        if wait != 0 && cpu::irql() > APC {
            violation("G-20", "KeReleaseSemaphore with Wait = TRUE at DISPATCH_LEVEL");
        }
        // SAFETY: the driver passes a semaphore.
        let limit = unsafe { (*semaphore).Limit };
        let old = dispatcher::change(|| {
            let state = dispatcher::header(semaphore.cast()).1;
            let old = state.load(Ordering::SeqCst);
            match old.checked_add(adjustment).filter(|new| *new <= limit && adjustment > 0) {
                Some(new) => {
                    state.store(new, Ordering::SeqCst);
                    Some(old)
                }
                None => None,
            }
        });
        match old {
            Some(old) => old,
            // The kernel raises an exception here, which drivers do not handle.
            None => crate::bugcheck(0x1e, [LIMIT_EXCEEDED, semaphore as u64, 0, 0]),
        }
    }

    /// The count of a semaphore.
    irql(0..=DISPATCH) fn KeReadStateSemaphore(semaphore: nt::PRKSEMAPHORE) -> i32 {
        dispatcher::state(semaphore.cast())
    }

    /// Raises to APC_LEVEL and acquires a fast mutex.
    irql(0..=APC, "G-19") fn ExAcquireFastMutex(mutex: nt::PFAST_MUTEX) {
        check_fast(mutex);
        let old = cpu::raise(APC);
        acquire(mutex as usize, FAST, false);
        *old_irql(mutex) = u32::from(old);
    }

    /// Acquires a fast mutex if it is free.
    irql(0..=APC, "G-19") fn ExTryToAcquireFastMutex(mutex: nt::PFAST_MUTEX) -> u8 {
        check_fast(mutex);
        let old = cpu::raise(APC);
        if !try_take(mutex as usize, false) {
            cpu::lower(old);
            return 0;
        }
        order::acquired(mutex as usize, FAST);
        *old_irql(mutex) = u32::from(old);
        1
    }

    /// Releases a fast mutex and lowers the IRQL.
    irql(APC..=APC, "G-19") fn ExReleaseFastMutex(mutex: nt::PFAST_MUTEX) {
        let old = *old_irql(mutex);
        release(mutex as usize, FAST, false);
        cpu::lower(old as u8);
    }

    /// Acquires a fast mutex with APCs disabled already.
    irql(0..=APC, "G-19") fn ExAcquireFastMutexUnsafe(mutex: nt::PFAST_MUTEX) {
        check_fast(mutex);
        if cpu::irql() == PASSIVE && cpu::thread().critical.get() == 0 {
            violation("G-19", "ExAcquireFastMutexUnsafe with APCs enabled");
        }
        acquire(mutex as usize, FAST, false);
    }

    /// Releases a fast mutex and leaves the IRQL alone.
    irql(0..=APC, "G-19") fn ExReleaseFastMutexUnsafe(mutex: nt::PFAST_MUTEX) {
        release(mutex as usize, FAST, false);
    }

    /// Initialises a guarded mutex.
    irql(0..=DISPATCH) fn KeInitializeGuardedMutex(mutex: nt::PKGUARDED_MUTEX) {
        in_nonpaged_memory(mutex as usize, GUARDED);
        order::forget(mutex as usize);
        // SAFETY: the driver passes room for a mutex, all of whose fields accept zeroes.
        unsafe {
            mutex.write(std::mem::zeroed());
            (*mutex).Count = 1;
            dispatcher::initialize_event((&raw mut (*mutex).Event).cast(), true, false);
        }
    }

    /// Enters a guarded region and acquires.
    irql(0..=APC, "G-19") fn KeAcquireGuardedMutex(mutex: nt::PKGUARDED_MUTEX) {
        check_fast(mutex);
        enter_region();
        acquire(mutex as usize, GUARDED, false);
    }

    /// Acquires a guarded mutex if it is free.
    irql(0..=APC, "G-19") fn KeTryToAcquireGuardedMutex(mutex: nt::PKGUARDED_MUTEX) -> u8 {
        check_fast(mutex);
        let taken = try_take(mutex as usize, false);
        if taken {
            enter_region();
            order::acquired(mutex as usize, GUARDED);
        }
        u8::from(taken)
    }

    /// Releases and leaves the guarded region.
    irql(0..=APC, "G-19") fn KeReleaseGuardedMutex(mutex: nt::PKGUARDED_MUTEX) {
        release(mutex as usize, GUARDED, false);
        leave_region();
    }

    /// Acquires in a guarded region that the driver has entered.
    irql(0..=APC, "G-19") fn KeAcquireGuardedMutexUnsafe(mutex: nt::PKGUARDED_MUTEX) {
        check_fast(mutex);
        if cpu::irql() == PASSIVE && cpu::thread().critical.get() == 0 {
            violation("G-19", "KeAcquireGuardedMutexUnsafe with APCs enabled");
        }
        acquire(mutex as usize, GUARDED, false);
    }

    /// Releases and stays in the guarded region.
    irql(0..=APC, "G-19") fn KeReleaseGuardedMutexUnsafe(mutex: nt::PKGUARDED_MUTEX) {
        release(mutex as usize, GUARDED, false);
    }

    /// Enters a guarded region.
    irql(0..=APC, "G-19") fn KeEnterGuardedRegion() {
        enter_region();
    }

    /// Leaves a guarded region.
    irql(0..=APC, "G-19") fn KeLeaveGuardedRegion() {
        if cpu::thread().critical.get() == 0 {
            violation("G-19", "KeLeaveGuardedRegion without KeEnterGuardedRegion");
        }
        leave_region();
    }

    /// Whether normal kernel APCs are disabled.
    irql(0..=DISPATCH) fn KeAreApcsDisabled() -> u8 {
        u8::from(cpu::irql() >= APC || cpu::thread().critical.get() != 0)
    }

    /// Whether all APCs are disabled.
    irql(0..=DISPATCH) fn KeAreAllApcsDisabled() -> u8 {
        u8::from(cpu::irql() >= APC)
    }

    /// Initialises a push lock, free.
    irql(0..=DISPATCH) fn ExInitializePushLock(lock: nt::PULONG_PTR) {
        order::forget(lock as usize);
        // SAFETY: the driver passes room for a lock.
        unsafe { lock.write(0) };
    }

    /// Acquires a push lock exclusively.
    irql(0..=APC, "G-19") fn ExAcquirePushLockExclusiveEx(lock: nt::PULONG_PTR, flags: u32) {
        check_push(flags);
        acquire(lock as usize, PUSH, false);
    }

    /// Acquires a push lock shared.
    irql(0..=APC, "G-19") fn ExAcquirePushLockSharedEx(lock: nt::PULONG_PTR, flags: u32) {
        check_push(flags);
        acquire(lock as usize, PUSH, true);
    }

    /// Releases a push lock that was acquired exclusively.
    irql(0..=APC, "G-19") fn ExReleasePushLockExclusiveEx(lock: nt::PULONG_PTR, _flags: u32) {
        release(lock as usize, PUSH, false);
    }

    /// Releases a push lock that was acquired shared.
    irql(0..=APC, "G-19") fn ExReleasePushLockSharedEx(lock: nt::PULONG_PTR, _flags: u32) {
        release(lock as usize, PUSH, true);
    }
}
