//! Proofs of the IRQL that code runs at.

use core::marker::PhantomData;

use ddk::nt::ntddk::{KeLowerIrql, KfRaiseIrql};
use ddk::nt::{DISPATCH_LEVEL, KIRQL};

/// Proof that the current IRQL is PASSIVE_LEVEL: blocking is allowed, paged memory may be touched.
///
/// Entry points mint it from the IRQL their DDI page documents; it cannot leave the thread.
#[derive(Clone, Copy, Debug)]
pub struct Passive<'a>(PhantomData<(&'a (), *const ())>);

impl Passive<'_> {
    /// Mints the token.
    ///
    /// # Safety
    /// The current IRQL must be PASSIVE_LEVEL and stay so while the token is used.
    #[must_use]
    pub unsafe fn assume() -> Self {
        Self(PhantomData)
    }
}

/// At DISPATCH_LEVEL, and so on one processor that runs no other thread meanwhile, until dropped.
#[derive(Debug)]
pub struct Dispatch {
    before: KIRQL,
    /// The IRQL belongs to the processor.
    thread: PhantomData<*const ()>,
}

impl Dispatch {
    /// Raises the IRQL. IRQL: <= DISPATCH_LEVEL.
    #[doc(alias = "KeRaiseIrql")]
    #[must_use]
    pub fn raise() -> Self {
        // SAFETY: callers run at DISPATCH_LEVEL or below.
        let before = unsafe { KfRaiseIrql(DISPATCH_LEVEL as KIRQL) };
        Self { before, thread: PhantomData }
    }
}

impl Drop for Dispatch {
    #[doc(alias = "KeLowerIrql")]
    fn drop(&mut self) {
        // SAFETY: the IRQL that this value was raised from, on the same thread.
        unsafe { KeLowerIrql(self.before) };
    }
}
