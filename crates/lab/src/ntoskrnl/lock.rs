//! Spin locks: plain, queued and reader-writer, with owner, order and IRQL checked.

use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use ddk::nt;

use super::order::{self, before_acquire};
use crate::cpu::{self, DISPATCH, HeldLock};
use crate::verifier::{self, violation};

/// Value of a free lock.
const FREE: u64 = 0;

fn word<'a>(lock: *mut u64) -> &'a AtomicU64 {
    // SAFETY: a driver passes a lock that stays valid during the call; a bad pointer faults and is reported.
    unsafe { AtomicU64::from_ptr(lock) }
}

pub(super) fn held() -> &'static mut Vec<HeldLock> {
    // SAFETY: only this thread touches its list, and no caller keeps the reference across another call.
    unsafe { &mut *cpu::thread().locks.get() }
}

/// Acquires `lock` at DISPATCH_LEVEL; `family` names the functions of which one has to release it.
pub(crate) fn acquire(lock: *mut u64, family: &'static str, old_irql: Option<u8>) {
    let me = cpu::thread_id();
    if verifier::enabled() {
        before_acquire(lock as usize);
        if word(lock).load(Ordering::Relaxed) == me {
            violation("G-12", &format!("the lock {lock:p} is acquired by the thread that holds it"));
        }
    }
    let mut spins = 0u32;
    while word(lock).compare_exchange_weak(FREE, me, Ordering::Acquire, Ordering::Relaxed).is_err() {
        spin(&mut spins, lock as usize);
    }
    if verifier::enabled() {
        remember(lock as usize, family, old_irql);
    }
}

/// Releases `lock`; `old_irql` is the value that the driver passes to the release.
pub(crate) fn release(lock: *mut u64, family: &'static str, old_irql: Option<u8>) {
    if verifier::enabled() {
        let owner = word(lock).load(Ordering::Relaxed);
        if owner != cpu::thread_id() {
            let who = if owner == FREE { "nobody holds" } else { "another thread holds" };
            violation("G-12", &format!("release of the lock {lock:p}, which {who}"));
        }
        forget(lock as usize, family, old_irql);
    }
    word(lock).store(FREE, Ordering::Release);
}

fn spin(spins: &mut u32, lock: usize) {
    *spins += 1;
    if spins.is_multiple_of(64) || crate::clock::is_virtual() {
        crate::schedule::spin();
    } else {
        std::hint::spin_loop();
    }
    // Minutes of spinning: nobody will ever release it.
    if *spins == u32::MAX {
        violation("G-12", &format!("the lock {lock:#x} is never released"));
    }
}

fn remember(lock: usize, family: &'static str, old_irql: Option<u8>) {
    let caller = cpu::current_call().map_or(0, |call| call.caller);
    held().push(HeldLock { address: lock, old_irql, family, caller });
}

fn forget(lock: usize, family: &'static str, old_irql: Option<u8>) {
    let Some(place) = held().iter().rposition(|held| held.address == lock) else {
        violation("G-12", &format!("release of the lock {lock:#x}, which this thread does not hold"));
    };
    let last = place + 1 == held().len();
    let entry = held().remove(place);
    let taken = || verifier::locate(entry.caller);
    if entry.family != family {
        violation(
            "G-12",
            &format!("lock {lock:#x} taken with {} by {} is released with {family}", entry.family, taken()),
        );
    }
    if !last {
        violation("G-12", &format!("lock {lock:#x} taken by {} is not the last one taken", taken()));
    }
    if entry.old_irql != old_irql {
        violation(
            "G-11",
            &format!(
                "lock {lock:#x} taken at IRQL {:?} by {} is released to IRQL {old_irql:?}",
                entry.old_irql,
                taken()
            ),
        );
    }
}

const WRITER: i32 = i32::MIN;

fn shared_word<'a>(lock: *mut i32) -> &'a AtomicI32 {
    // SAFETY: as for `word`.
    unsafe { AtomicI32::from_ptr(lock) }
}

/// Acquires a reader-writer spin lock at DISPATCH_LEVEL.
pub(crate) fn acquire_ex(lock: *mut i32, write: bool, old_irql: Option<u8>) {
    if verifier::enabled() {
        before_acquire(lock as usize);
        if held().iter().any(|held| held.address == lock as usize) {
            violation("G-12", &format!("the lock {lock:p} is acquired by the thread that holds it"));
        }
    }
    let word = shared_word(lock);
    let mut spins = 0u32;
    loop {
        let now = word.load(Ordering::Relaxed);
        let next = match write {
            true if now == 0 => Some(WRITER),
            false if now >= 0 => Some(now + 1),
            _ => None,
        };
        if let Some(next) = next
            && word.compare_exchange_weak(now, next, Ordering::Acquire, Ordering::Relaxed).is_ok()
        {
            break;
        }
        spin(&mut spins, lock as usize);
    }
    if verifier::enabled() {
        remember(lock as usize, if write { "exclusive" } else { "shared" }, old_irql);
    }
}

/// Acquires a reader-writer spin lock if that needs no waiting.
fn try_acquire_ex(lock: *mut i32, write: bool) -> bool {
    let next = |now: i32| match write {
        true => (now == 0).then_some(WRITER),
        false => (now >= 0).then_some(now + 1),
    };
    let taken = shared_word(lock).fetch_update(Ordering::Acquire, Ordering::Relaxed, next).is_ok();
    if taken && verifier::enabled() {
        remember(lock as usize, if write { "exclusive" } else { "shared" }, None);
    }
    taken
}

/// Releases a reader-writer spin lock.
pub(crate) fn release_ex(lock: *mut i32, write: bool, old_irql: Option<u8>) {
    if verifier::enabled() {
        forget(lock as usize, if write { "exclusive" } else { "shared" }, old_irql);
    }
    if write {
        shared_word(lock).store(0, Ordering::Release);
    } else {
        shared_word(lock).fetch_sub(1, Ordering::Release);
    }
}

/// A queued lock's handle: LockQueue {Next, Lock}, OldIrql.
#[derive(Debug)]
#[repr(C)]
pub struct QueueHandle {
    next: usize,
    lock: *mut u64,
    old_irql: u8,
}

const PLAIN: &str = "KeAcquireSpinLock/KeReleaseSpinLock";
const AT_DPC: &str = "KeAcquireSpinLockAtDpcLevel/KeReleaseSpinLockFromDpcLevel";
const FOR_DPC: &str = "KeAcquireSpinLockForDpc/KeReleaseSpinLockForDpc";
const QUEUED: &str = "KeAcquireInStackQueuedSpinLock/KeReleaseInStackQueuedSpinLock";
const QUEUED_AT_DPC: &str =
    "KeAcquireInStackQueuedSpinLockAtDpcLevel/KeReleaseInStackQueuedSpinLockFromDpcLevel";

crate::exports! {
    /// Spin lock functions of the kernel.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// Makes a spin lock free.
    irql(0..=15) fn KeInitializeSpinLock(lock: nt::PKSPIN_LOCK) {
        let lock: *mut u64 = lock.cast();
        if verifier::enabled() && held().iter().any(|held| held.address == lock as usize) {
            violation("G-12", &format!("the lock {lock:p} is initialised while it is held"));
        }
        order::forget(lock as usize);
        word(lock).store(FREE, Ordering::Relaxed);
    }

    /// Whether a spin lock is free.
    irql(0..=15) fn KeTestSpinLock(lock: nt::PKSPIN_LOCK) -> u8 {
        u8::from(word(lock.cast()).load(Ordering::Relaxed) == FREE)
    }

    /// Acquires in a DPC routine that may be a threaded one.
    irql(0..=DISPATCH, "G-11") fn KeAcquireSpinLockForDpc(lock: nt::PKSPIN_LOCK) -> u8 {
        let old = cpu::raise(DISPATCH.max(cpu::irql()));
        acquire(lock.cast(), FOR_DPC, Some(old));
        old
    }

    /// Releases in a DPC routine that may be a threaded one.
    irql(DISPATCH..=DISPATCH, "G-11") fn KeReleaseSpinLockForDpc(lock: nt::PKSPIN_LOCK, irql: u8) {
        release(lock.cast(), FOR_DPC, Some(irql));
        cpu::lower(irql);
    }

    /// Raises to DISPATCH_LEVEL and acquires.
    irql(0..=DISPATCH, "G-11") fn KeAcquireSpinLockRaiseToDpc(lock: nt::PKSPIN_LOCK) -> u8 {
        let lock: *mut u64 = lock.cast();
        let old = cpu::raise(DISPATCH);
        acquire(lock, PLAIN, Some(old));
        old
    }

    /// Releases and lowers the IRQL.
    irql(DISPATCH..=DISPATCH, "G-11") fn KeReleaseSpinLock(lock: nt::PKSPIN_LOCK, irql: u8) {
        let lock: *mut u64 = lock.cast();
        release(lock, PLAIN, Some(irql));
        cpu::lower(irql);
    }

    /// Acquires at DISPATCH_LEVEL.
    irql(DISPATCH..=DISPATCH, "G-11") fn KeAcquireSpinLockAtDpcLevel(lock: nt::PKSPIN_LOCK) {
        let lock: *mut u64 = lock.cast();
        acquire(lock, AT_DPC, None);
    }

    /// Releases at DISPATCH_LEVEL.
    irql(DISPATCH..=DISPATCH, "G-11") fn KeReleaseSpinLockFromDpcLevel(lock: nt::PKSPIN_LOCK) {
        let lock: *mut u64 = lock.cast();
        release(lock, AT_DPC, None);
    }

    /// Acquires if the lock is free.
    irql(DISPATCH..=DISPATCH, "G-11") fn KeTryToAcquireSpinLockAtDpcLevel(lock: nt::PKSPIN_LOCK) -> u8 {
        let lock: *mut u64 = lock.cast();
        let me = cpu::thread_id();
        let taken = word(lock).compare_exchange(FREE, me, Ordering::Acquire, Ordering::Relaxed).is_ok();
        if taken && verifier::enabled() {
            remember(lock as usize, AT_DPC, None);
        }
        u8::from(taken)
    }

    /// Raises to DISPATCH_LEVEL and acquires a queued lock.
    irql(0..=DISPATCH, "G-11") fn KeAcquireInStackQueuedSpinLock(
        lock: nt::PKSPIN_LOCK, handle: nt::PKLOCK_QUEUE_HANDLE
    ) {
        let lock: *mut u64 = lock.cast();
        let handle: *mut QueueHandle = handle.cast();
        let old = cpu::raise(DISPATCH);
        acquire(lock, QUEUED, Some(old));
        // SAFETY: the driver's handle is valid while it holds the lock.
        unsafe { handle.write(QueueHandle { next: 0, lock, old_irql: old }) };
    }

    /// Releases a queued lock and lowers the IRQL.
    irql(DISPATCH..=DISPATCH, "G-11") fn KeReleaseInStackQueuedSpinLock(handle: nt::PKLOCK_QUEUE_HANDLE) {
        let handle: *mut QueueHandle = handle.cast();
        // SAFETY: as above.
        let (lock, old) = unsafe { ((*handle).lock, (*handle).old_irql) };
        release(lock, QUEUED, Some(old));
        cpu::lower(old);
    }

    /// Acquires a queued lock at DISPATCH_LEVEL.
    irql(DISPATCH..=DISPATCH, "G-11")
    fn KeAcquireInStackQueuedSpinLockAtDpcLevel(
        lock: nt::PKSPIN_LOCK, handle: nt::PKLOCK_QUEUE_HANDLE
    ) {
        let lock: *mut u64 = lock.cast();
        let handle: *mut QueueHandle = handle.cast();
        acquire(lock, QUEUED_AT_DPC, None);
        // SAFETY: as above.
        unsafe { handle.write(QueueHandle { next: 0, lock, old_irql: DISPATCH }) };
    }

    /// Releases a queued lock at DISPATCH_LEVEL.
    irql(DISPATCH..=DISPATCH, "G-11")
    fn KeReleaseInStackQueuedSpinLockFromDpcLevel(
        handle: nt::PKLOCK_QUEUE_HANDLE
    ) {
        let handle: *mut QueueHandle = handle.cast();
        // SAFETY: as above.
        release(unsafe { (*handle).lock }, QUEUED_AT_DPC, None);
    }

    /// Raises to DISPATCH_LEVEL and acquires for writing.
    irql(0..=DISPATCH, "G-11") fn ExAcquireSpinLockExclusive(lock: nt::PEX_SPIN_LOCK) -> u8 {
        let lock: *mut i32 = lock.cast();
        let old = cpu::raise(DISPATCH);
        acquire_ex(lock, true, Some(old));
        old
    }

    /// Releases a write lock and lowers the IRQL.
    irql(DISPATCH..=DISPATCH, "G-11") fn ExReleaseSpinLockExclusive(lock: nt::PEX_SPIN_LOCK, irql: u8) {
        let lock: *mut i32 = lock.cast();
        release_ex(lock, true, Some(irql));
        cpu::lower(irql);
    }

    /// Raises to DISPATCH_LEVEL and acquires for reading.
    irql(0..=DISPATCH, "G-11") fn ExAcquireSpinLockShared(lock: nt::PEX_SPIN_LOCK) -> u8 {
        let lock: *mut i32 = lock.cast();
        let old = cpu::raise(DISPATCH);
        acquire_ex(lock, false, Some(old));
        old
    }

    /// Releases a read lock and lowers the IRQL.
    irql(DISPATCH..=DISPATCH, "G-11") fn ExReleaseSpinLockShared(lock: nt::PEX_SPIN_LOCK, irql: u8) {
        let lock: *mut i32 = lock.cast();
        release_ex(lock, false, Some(irql));
        cpu::lower(irql);
    }

    /// Turns the only read lock into the write lock, if there is no other reader.
    irql(DISPATCH..=DISPATCH, "G-11") fn ExTryConvertSharedSpinLockExclusive(lock: nt::PEX_SPIN_LOCK) -> u32 {
        let Some(mine) = held().iter_mut().find(|held| held.address == lock as usize) else {
            violation("G-12", &format!("conversion of the lock {lock:p}, which this thread does not hold"));
        };
        let word = shared_word(lock.cast());
        let converted = word.compare_exchange(1, WRITER, Ordering::Acquire, Ordering::Relaxed).is_ok();
        if converted {
            mine.family = "exclusive";
        }
        u32::from(converted)
    }

    /// Acquires for writing at DISPATCH_LEVEL if nobody holds the lock.
    irql(DISPATCH..=DISPATCH, "G-11") fn ExTryAcquireSpinLockExclusiveAtDpcLevel(
        lock: nt::PEX_SPIN_LOCK
    ) -> u32 {
        u32::from(try_acquire_ex(lock.cast(), true))
    }

    /// Acquires for reading at DISPATCH_LEVEL if no writer holds the lock.
    irql(DISPATCH..=DISPATCH, "G-11") fn ExTryAcquireSpinLockSharedAtDpcLevel(lock: nt::PEX_SPIN_LOCK) -> u32 {
        u32::from(try_acquire_ex(lock.cast(), false))
    }

    /// Acquires for writing at DISPATCH_LEVEL.
    irql(DISPATCH..=DISPATCH, "G-11") fn ExAcquireSpinLockExclusiveAtDpcLevel(lock: nt::PEX_SPIN_LOCK) {
        let lock: *mut i32 = lock.cast();
        acquire_ex(lock, true, None);
    }

    /// Releases a write lock at DISPATCH_LEVEL.
    irql(DISPATCH..=DISPATCH, "G-11") fn ExReleaseSpinLockExclusiveFromDpcLevel(lock: nt::PEX_SPIN_LOCK) {
        let lock: *mut i32 = lock.cast();
        release_ex(lock, true, None);
    }

    /// Acquires for reading at DISPATCH_LEVEL.
    irql(DISPATCH..=DISPATCH, "G-11") fn ExAcquireSpinLockSharedAtDpcLevel(lock: nt::PEX_SPIN_LOCK) {
        let lock: *mut i32 = lock.cast();
        acquire_ex(lock, false, None);
    }

    /// Releases a read lock at DISPATCH_LEVEL.
    irql(DISPATCH..=DISPATCH, "G-11") fn ExReleaseSpinLockSharedFromDpcLevel(lock: nt::PEX_SPIN_LOCK) {
        let lock: *mut i32 = lock.cast();
        release_ex(lock, false, None);
    }
}
