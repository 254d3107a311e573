//! A spin lock that owns its data.

use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use ddk::nt::ntddk::{KeAcquireSpinLockRaiseToDpc, KeReleaseSpinLock};
use ddk::nt::{KIRQL, KSPIN_LOCK};

/// Data behind a `KSPIN_LOCK`. For control paths only: nothing on the packet path takes it.
#[derive(Debug, Default)]
pub struct SpinLock<T> {
    lock: UnsafeCell<KSPIN_LOCK>,
    data: UnsafeCell<T>,
}

// SAFETY: the lock serialises access to the data, so sharing it sends the data between threads and no more.
unsafe impl<T: Send> Sync for SpinLock<T> {}
// SAFETY: an owned lock is an owned `T` and a number.
unsafe impl<T: Send> Send for SpinLock<T> {}

impl<T> SpinLock<T> {
    /// A free lock (`KeInitializeSpinLock` stores zero).
    pub const fn new(data: T) -> Self {
        Self { lock: UnsafeCell::new(0), data: UnsafeCell::new(data) }
    }

    /// Raises to DISPATCH_LEVEL and waits for the lock. IRQL: <= DISPATCH_LEVEL. Must not be taken twice by one thread.
    #[doc(alias = "KeAcquireSpinLockRaiseToDpc")]
    pub fn lock(&self) -> SpinGuard<'_, T> {
        // SAFETY: the lock is initialised, does not move while borrowed, and callers run at DISPATCH_LEVEL or below.
        let irql = unsafe { KeAcquireSpinLockRaiseToDpc(self.lock.get()) };
        SpinGuard { lock: self, irql, thread: PhantomData }
    }
}

/// Access to the data of a [`SpinLock`]; releases on drop.
#[derive(Debug)]
pub struct SpinGuard<'a, T> {
    lock: &'a SpinLock<T>,
    irql: KIRQL,
    /// A lock is released by the processor that took it.
    thread: PhantomData<*const ()>,
}

impl<T> Deref for SpinGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard holds the lock.
        unsafe { &*self.lock.data.get() }
    }
}

impl<T> DerefMut for SpinGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard holds the lock and is borrowed mutably.
        unsafe { &mut *self.lock.data.get() }
    }
}

impl<T> Drop for SpinGuard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: this guard took the lock on this processor and saved the IRQL it raised from.
        unsafe { KeReleaseSpinLock(self.lock.lock.get(), self.irql) };
    }
}
