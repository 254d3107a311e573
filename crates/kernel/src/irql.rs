//! Zero-sized proofs of the IRQL that code runs at.

use core::marker::PhantomData;

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
