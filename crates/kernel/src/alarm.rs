//! A timer that rings once.

use core::cell::UnsafeCell;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, Ordering};

use ddk::nt::ntddk::{KeCancelTimer, KeFlushQueuedDpcs, KeInitializeDpc, KeInitializeTimer, KeSetTimer};
use ddk::nt::{_KDPC, KDPC, KTIMER, LARGE_INTEGER, PVOID};

use crate::zero::zeroed;

/// Who is woken.
pub trait Sleeper: Sync + 'static {
    /// IRQL: DISPATCH_LEVEL.
    #[doc(alias = "CustomTimerDpc")]
    fn ring(&self);
}

/// A kernel timer with its DPC; stops, and waits for a running DPC, on drop.
///
/// # Invariants
/// Once `connected`, it does not move: the kernel links timer and DPC by address.
#[derive(Debug)]
pub struct Alarm {
    timer: UnsafeCell<KTIMER>,
    dpc: UnsafeCell<KDPC>,
    connected: AtomicBool,
}

// SAFETY: the kernel synchronises all use of timer and DPC.
unsafe impl Send for Alarm {}
// SAFETY: as above.
unsafe impl Sync for Alarm {}

impl Alarm {
    /// One that nobody can set yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            timer: UnsafeCell::new(zeroed()),
            dpc: UnsafeCell::new(zeroed()),
            connected: AtomicBool::new(false),
        }
    }

    /// Says whom it wakes. To be called once.
    ///
    /// # Safety
    /// The alarm must not move from now on, and `sleeper` must live until the alarm is dropped.
    #[doc(alias = "KeInitializeTimer")]
    #[doc(alias = "KeInitializeDpc")]
    pub unsafe fn connect<S: Sleeper>(&self, sleeper: NonNull<S>) {
        // SAFETY: the timer is not in use yet, and stays where it is.
        unsafe { KeInitializeTimer(self.timer.get()) };
        // SAFETY: as above, for the DPC.
        unsafe { KeInitializeDpc(self.dpc.get(), Some(ring::<S>), sleeper.as_ptr().cast()) };
        self.connected.store(true, Ordering::Release);
    }

    /// Rings in `after` 100 ns units instead of when it was to ring before. IRQL: <= DISPATCH_LEVEL.
    #[doc(alias = "KeSetTimer")]
    pub fn set(&self, after: u64) {
        if !self.connected.load(Ordering::Acquire) {
            return;
        }
        // A negative time is relative.
        let due = LARGE_INTEGER { QuadPart: i64::try_from(after.max(1)).unwrap_or(i64::MAX).wrapping_neg() };
        // SAFETY: both are initialised. The result says whether the timer was set before.
        let _before = unsafe { KeSetTimer(self.timer.get(), due, self.dpc.get()) };
    }
}

impl Default for Alarm {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Alarm {
    /// IRQL: PASSIVE_LEVEL.
    #[doc(alias = "KeCancelTimer")]
    #[doc(alias = "KeFlushQueuedDpcs")]
    fn drop(&mut self) {
        if *self.connected.get_mut() {
            // SAFETY: the timer is initialised.
            let _queued = unsafe { KeCancelTimer(self.timer.get()) };
            // SAFETY: a DPC that the timer has queued may still run; owners drop alarms at PASSIVE_LEVEL.
            unsafe { KeFlushQueuedDpcs() };
        }
    }
}

thunk! {
    unsafe fn ring<S: Sleeper>(_dpc: *mut _KDPC, context: PVOID, _first: PVOID, _second: PVOID) {
        // SAFETY: `connect` was given the sleeper, which lives until the alarm is dropped.
        if let Some(sleeper) = unsafe { context.cast::<S>().as_ref() } {
            sleeper.ring();
        }
    }
}
