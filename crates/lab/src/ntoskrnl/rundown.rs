//! Rundown protection.

use ddk::nt;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::cpu::{APC, DISPATCH};
use crate::pool::{self, Fill, Kind};
use crate::{schedule, verifier::violation};

const ACTIVE: u64 = 1;
const REFERENCE: u64 = 2;
/// After this long a rundown counts as one that never ends.
const LIMIT: Duration = Duration::from_secs(30);

fn word<'a>(protection: *mut u64) -> &'a AtomicU64 {
    // SAFETY: a driver passes an object that stays valid during the call; a bad pointer faults and is
    // reported.
    unsafe { AtomicU64::from_ptr(protection) }
}

fn acquire(protection: *mut u64, count: u64) -> u8 {
    let taken = word(protection).fetch_update(Ordering::Acquire, Ordering::Relaxed, |now| {
        (now & ACTIVE == 0).then(|| now + count * REFERENCE)
    });
    u8::from(taken.is_ok())
}

fn release(protection: *mut u64, count: u64) {
    let released = word(protection)
        .fetch_update(Ordering::Release, Ordering::Relaxed, |now| now.checked_sub(count * REFERENCE));
    if released.is_err() {
        violation("G-35", "rundown protection is released more often than acquired");
    }
}

fn wait(protection: *mut u64) {
    let start = Instant::now();
    word(protection).fetch_or(ACTIVE, Ordering::AcqRel);
    crate::ndis::before_wait();
    while word(protection).load(Ordering::Acquire) != ACTIVE {
        schedule::sleep(Duration::from_micros(50));
        if start.elapsed() > LIMIT {
            let left = word(protection).load(Ordering::Relaxed) / REFERENCE;
            violation("L-5", &format!("a rundown with {left} references does not end"));
        }
    }
}

crate::exports! {
    /// Rundown functions of the kernel.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// Makes protection available.
    irql(0..=DISPATCH) fn ExInitializeRundownProtection(protection: nt::PEX_RUNDOWN_REF) {
        let protection: *mut u64 = protection.cast();
        word(protection).store(0, Ordering::Relaxed);
    }

    /// Makes protection available again after a rundown.
    irql(0..=DISPATCH) fn ExReInitializeRundownProtection(protection: nt::PEX_RUNDOWN_REF) {
        let protection: *mut u64 = protection.cast();
        if word(protection).swap(0, Ordering::Relaxed) != ACTIVE {
            violation("L-2", "rundown protection is initialised again before its rundown has ended");
        }
    }

    /// Takes a reference unless the rundown has begun.
    irql(0..=DISPATCH) fn ExAcquireRundownProtection(protection: nt::PEX_RUNDOWN_REF) -> u8 {
        let protection: *mut u64 = protection.cast();
        acquire(protection, 1)
    }

    /// Takes several references.
    irql(0..=DISPATCH) fn ExAcquireRundownProtectionEx(protection: nt::PEX_RUNDOWN_REF, count: u32) -> u8 {
        let protection: *mut u64 = protection.cast();
        acquire(protection, u64::from(count))
    }

    /// Gives a reference back.
    irql(0..=DISPATCH) fn ExReleaseRundownProtection(protection: nt::PEX_RUNDOWN_REF) {
        let protection: *mut u64 = protection.cast();
        release(protection, 1);
    }

    /// Gives several references back.
    irql(0..=DISPATCH) fn ExReleaseRundownProtectionEx(protection: nt::PEX_RUNDOWN_REF, count: u32) {
        let protection: *mut u64 = protection.cast();
        release(protection, u64::from(count));
    }

    /// Refuses further references and waits for the ones given.
    irql(0..=APC, "G-15") fn ExWaitForRundownProtectionRelease(protection: nt::PEX_RUNDOWN_REF) {
        let protection: *mut u64 = protection.cast();
        wait(protection);
    }

    /// Marks the rundown as complete.
    irql(0..=DISPATCH) fn ExRundownCompleted(protection: nt::PEX_RUNDOWN_REF) {
        let protection: *mut u64 = protection.cast();
        word(protection).store(ACTIVE, Ordering::Release);
    }

    /// Allocates cache-aware protection.
    irql(0..=APC) fn ExAllocateCacheAwareRundownProtection(
        _pool: i32, tag: u32
    ) -> nt::PEX_RUNDOWN_REF_CACHE_AWARE {
        pool::allocate(Kind::NonPaged, 64, tag, Fill::Zero).cast()
    }

    /// Frees cache-aware protection.
    irql(0..=APC) fn ExFreeCacheAwareRundownProtection(protection: nt::PEX_RUNDOWN_REF_CACHE_AWARE) {
        let protection: *mut u64 = protection.cast();
        pool::free(protection.cast(), None);
    }

    /// Takes a reference to cache-aware protection.
    irql(0..=DISPATCH) fn ExAcquireRundownProtectionCacheAware(
        protection: nt::PEX_RUNDOWN_REF_CACHE_AWARE
    ) -> u8 {
        let protection: *mut u64 = protection.cast();
        acquire(protection, 1)
    }

    /// Gives a reference to cache-aware protection back.
    irql(0..=DISPATCH) fn ExReleaseRundownProtectionCacheAware(protection: nt::PEX_RUNDOWN_REF_CACHE_AWARE) {
        let protection: *mut u64 = protection.cast();
        release(protection, 1);
    }

    /// Takes several references to cache-aware protection.
    irql(0..=DISPATCH) untyped fn ExAcquireRundownProtectionCacheAwareEx(
        protection: *mut u64, count: u32
    ) -> u8 {
        acquire(protection, u64::from(count))
    }

    /// Gives several references to cache-aware protection back.
    irql(0..=DISPATCH) untyped fn ExReleaseRundownProtectionCacheAwareEx(protection: *mut u64, count: u32) {
        release(protection, u64::from(count));
    }

    /// Refuses further references and waits for the ones given.
    irql(0..=APC, "G-15") fn ExWaitForRundownProtectionReleaseCacheAware(
        protection: nt::PEX_RUNDOWN_REF_CACHE_AWARE
    ) {
        let protection: *mut u64 = protection.cast();
        wait(protection);
    }

    /// Marks the rundown as complete.
    irql(0..=DISPATCH) fn ExRundownCompletedCacheAware(protection: nt::PEX_RUNDOWN_REF_CACHE_AWARE) {
        let protection: *mut u64 = protection.cast();
        word(protection).store(ACTIVE, Ordering::Release);
    }

    /// Makes cache-aware protection available again.
    irql(0..=DISPATCH) fn ExReInitializeRundownProtectionCacheAware(
        protection: nt::PEX_RUNDOWN_REF_CACHE_AWARE
    ) {
        let protection: *mut u64 = protection.cast();
        if word(protection).swap(0, Ordering::Relaxed) != ACTIVE {
            violation("L-2", "rundown protection is initialised again before its rundown has ended");
        }
    }
}
