//! Authorisations that are put off.

use ddk::fwp::{FwpsCompleteOperation0, FwpsPendOperation0};
use ddk::nt::HANDLE;

use crate::status::Status;

/// An authorisation that waits: completed exactly once, when this is dropped.
///
/// A connect is then asked about again, with `FWP_CONDITION_FLAG_IS_REAUTHORIZE`; an accept is not: its packet has to be
/// injected again, or is gone.
#[derive(Debug)]
#[must_use]
pub struct PendedOperation {
    context: HANDLE,
}

// SAFETY: the context is an opaque number that may be completed on any thread.
unsafe impl Send for PendedOperation {}
// SAFETY: a shared value offers nothing to call.
unsafe impl Sync for PendedOperation {}

impl PendedOperation {
    /// Puts off the authorisation of the running classify.
    ///
    /// # Safety
    /// `completion` must be the completion handle in the metadata of the classify that runs on this thread, which must
    /// then answer block and absorb.
    #[doc(alias = "FwpsPendOperation0")]
    pub(super) unsafe fn new(completion: HANDLE) -> Result<Self, Status> {
        let mut context = core::ptr::null_mut();
        // SAFETY: by the contract of this function; the context is written on success.
        Status(unsafe { FwpsPendOperation0(completion, &raw mut context) }).ok()?;
        Ok(Self { context })
    }
}

impl Drop for PendedOperation {
    /// IRQL: <= DISPATCH_LEVEL, not within the classify that put it off.
    #[doc(alias = "FwpsCompleteOperation0")]
    fn drop(&mut self) {
        // SAFETY: the context came from a successful call, and is completed only here.
        unsafe { FwpsCompleteOperation0(self.context, core::ptr::null_mut()) };
    }
}
