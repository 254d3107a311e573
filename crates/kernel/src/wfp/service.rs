//! The Base Filtering Engine service: whether it runs, and when that changes.

use core::ffi::c_void;

use ddk::fwp::{
    FWPM_SERVICE_RUNNING, FWPM_SERVICE_STATE, FwpmBfeStateGet0, FwpmBfeStateSubscribeChanges0,
    FwpmBfeStateUnsubscribeChanges0,
};
use ddk::nt::{HANDLE, PDEVICE_OBJECT};

use crate::irql::Passive;
use crate::status::Status;

/// State of the service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ServiceState {
    /// Engine objects can be added.
    Running,
    /// They cannot, or not any more.
    Down,
}

impl ServiceState {
    /// The state now. Tracked only while a [`Subscription`] exists. IRQL: <= DISPATCH_LEVEL.
    #[doc(alias = "FwpmBfeStateGet0")]
    #[must_use]
    pub fn now() -> Self {
        // SAFETY: no arguments, no preconditions.
        Self::of(unsafe { FwpmBfeStateGet0() })
    }

    const fn of(state: FWPM_SERVICE_STATE) -> Self {
        match state {
            FWPM_SERVICE_RUNNING => Self::Running,
            _ => Self::Down,
        }
    }
}

/// A subscription to changes of the service's state; ends on drop.
#[derive(Debug)]
pub struct Subscription {
    handle: HANDLE,
}

// SAFETY: the handle may be used on any thread.
unsafe impl Send for Subscription {}
// SAFETY: a shared subscription offers nothing to call.
unsafe impl Sync for Subscription {}

impl Subscription {
    /// Calls `changed` at each change, at DISPATCH_LEVEL or below.
    ///
    /// # Safety
    /// `device` must be a device object of this driver that outlives the subscription.
    #[doc(alias = "FwpmBfeStateSubscribeChanges0")]
    pub unsafe fn new<C: Changed>(device: PDEVICE_OBJECT, _at: Passive<'_>) -> Result<Self, Status> {
        let mut handle = core::ptr::null_mut();
        // SAFETY: the device outlives the subscription by the contract of this function; no context is used.
        let status = unsafe {
            FwpmBfeStateSubscribeChanges0(
                device.cast(),
                Some(changed::<C>),
                core::ptr::null_mut(),
                &raw mut handle,
            )
        };
        Status(status).ok()?;
        Ok(Self { handle })
    }
}

impl Drop for Subscription {
    /// IRQL: PASSIVE_LEVEL, not from within the callback. When this returns the callback does not run.
    #[doc(alias = "FwpmBfeStateUnsubscribeChanges0")]
    fn drop(&mut self) {
        // SAFETY: the handle came from a successful subscription and is used only here.
        let _ended = unsafe { FwpmBfeStateUnsubscribeChanges0(self.handle) };
    }
}

/// Receiver of state changes.
pub trait Changed: 'static {
    /// The state has changed to `state`, perhaps a while ago. IRQL: <= DISPATCH_LEVEL.
    fn changed(state: ServiceState);
}

thunk! {
    unsafe fn changed<C: Changed>(_context: *mut c_void, state: FWPM_SERVICE_STATE) {
        C::changed(ServiceState::of(state));
    }
}
