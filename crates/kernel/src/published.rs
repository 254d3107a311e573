//! A global that exists from bring-up to teardown.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicPtr, Ordering};

/// A reference for entry points that the kernel calls without a context.
#[derive(Debug)]
pub struct Published<T>(AtomicPtr<T>);

impl<T: Sync> Published<T> {
    /// Nothing.
    #[must_use]
    pub const fn none() -> Self {
        Self(AtomicPtr::new(core::ptr::null_mut()))
    }

    /// Makes `value` reachable.
    ///
    /// # Safety
    /// `value` must stay valid until [`Published::withdraw`] was called and all users of [`Published::get`] are gone.
    pub unsafe fn publish(&self, value: NonNull<T>) {
        self.0.store(value.as_ptr(), Ordering::Release);
    }

    /// The value, if it is published.
    #[inline]
    #[must_use]
    pub fn get(&self) -> Option<&'static T> {
        // SAFETY: `publish` was given a value that outlives its users.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }

    /// Makes the value unreachable for new users and returns it.
    pub fn withdraw(&self) -> Option<NonNull<T>> {
        NonNull::new(self.0.swap(core::ptr::null_mut(), Ordering::AcqRel))
    }
}
