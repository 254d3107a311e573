//! Rundown protection: many short users, one who closes the gate and waits for them.

use core::ptr::NonNull;

use ddk::nt::ntddk::{
    ExAcquireRundownProtectionCacheAware, ExAllocateCacheAwareRundownProtection,
    ExFreeCacheAwareRundownProtection, ExReInitializeRundownProtectionCacheAware,
    ExReleaseRundownProtectionCacheAware, ExRundownCompletedCacheAware,
    ExWaitForRundownProtectionReleaseCacheAware,
};
use ddk::nt::{_EX_RUNDOWN_REF_CACHE_AWARE, _POOL_TYPE};

use crate::irql::Passive;
use crate::pool::Tag;

/// A gate with a reference count per processor: entering is one atomic operation on a line of the own processor.
///
/// # Invariants
/// `gate` was allocated by the constructor and is freed on drop.
#[derive(Debug)]
pub struct Rundown {
    gate: NonNull<_EX_RUNDOWN_REF_CACHE_AWARE>,
}

// SAFETY: the gate is made for use from all processors at once.
unsafe impl Send for Rundown {}
// SAFETY: as above.
unsafe impl Sync for Rundown {}

impl Rundown {
    /// An open gate; `None` when there is no memory. IRQL: <= APC_LEVEL.
    #[doc(alias = "ExAllocateCacheAwareRundownProtection")]
    #[must_use]
    pub fn new(tag: Tag, _at: Passive<'_>) -> Option<Self> {
        // SAFETY: the pool type is valid and the IRQL is PASSIVE_LEVEL.
        let gate = unsafe { ExAllocateCacheAwareRundownProtection(_POOL_TYPE::NonPagedPoolNx, tag.get()) };
        NonNull::new(gate).map(|gate| Self { gate })
    }

    /// Enters; `None` when the gate is closed. IRQL: <= DISPATCH_LEVEL.
    #[doc(alias = "ExAcquireRundownProtectionCacheAware")]
    #[inline]
    #[must_use]
    pub fn enter(&self) -> Option<Entered<'_>> {
        // SAFETY: the gate is live by the type's invariant.
        let open = unsafe { ExAcquireRundownProtectionCacheAware(self.gate.as_ptr()) };
        if open == 0 { None } else { Some(Entered { gate: self }) }
    }

    /// Leaves on behalf of an [`Entered::keep`].
    ///
    /// # Safety
    /// To be called once for each.
    #[inline]
    pub(crate) unsafe fn leave(&self) {
        // SAFETY: the gate is live by the type's invariant, and was entered.
        unsafe { ExReleaseRundownProtectionCacheAware(self.gate.as_ptr()) };
    }

    /// Closes the gate and waits until everyone has left. Calling it for a closed gate returns at once.
    #[doc(alias = "ExWaitForRundownProtectionReleaseCacheAware")]
    pub fn close(&self, _at: Passive<'_>) {
        // SAFETY: the gate is live by the type's invariant, and waiting is allowed at PASSIVE_LEVEL.
        unsafe { ExWaitForRundownProtectionReleaseCacheAware(self.gate.as_ptr()) };
        // SAFETY: the wait is over; this is what makes the gate fit for `reopen`.
        unsafe { ExRundownCompletedCacheAware(self.gate.as_ptr()) };
    }

    /// Opens a gate that [`Rundown::close`] has closed.
    #[doc(alias = "ExReInitializeRundownProtectionCacheAware")]
    pub fn reopen(&self, _at: Passive<'_>) {
        // SAFETY: the gate is live by the type's invariant; callers reopen only what they closed.
        unsafe { ExReInitializeRundownProtectionCacheAware(self.gate.as_ptr()) };
    }
}

impl Drop for Rundown {
    #[doc(alias = "ExFreeCacheAwareRundownProtection")]
    fn drop(&mut self) {
        // SAFETY: `Entered` borrows the gate, so nobody is inside.
        unsafe { ExFreeCacheAwareRundownProtection(self.gate.as_ptr()) };
    }
}

/// Presence inside a [`Rundown`]; leaves on drop.
#[derive(Debug)]
pub struct Entered<'a> {
    gate: &'a Rundown,
}

impl Entered<'_> {
    /// Stays inside until [`Rundown::leave`].
    pub(crate) fn keep(self) {
        let _inside = core::mem::ManuallyDrop::new(self);
    }
}

impl Drop for Entered<'_> {
    #[doc(alias = "ExReleaseRundownProtectionCacheAware")]
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this value entered the gate once.
        unsafe { self.gate.leave() };
    }
}
