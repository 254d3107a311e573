//! The framework's driver object.

use ddk::nt::{
    _WDF_DRIVER_INIT_FLAGS, KEY_READ, PCUNICODE_STRING, PDRIVER_OBJECT, WDF_DRIVER_CONFIG,
    WDF_NO_OBJECT_ATTRIBUTES, WDFDRIVER, WDFKEY,
};
use ddk::wdf_call as wdf;

use crate::irql::Passive;
use crate::status::Status;
use crate::unicode::UnicodeStr;

/// What happens when the driver is unloaded.
pub trait Unload: 'static {
    /// Ends everything that DriverEntry began. IRQL: PASSIVE_LEVEL.
    #[doc(alias = "EvtDriverUnload")]
    fn unload(at: Passive<'_>);
}

/// A WDFDRIVER. The framework deletes it, and all it owns, after unload or after a failed DriverEntry.
#[derive(Clone, Copy, Debug)]
pub struct Driver {
    pub(super) handle: WDFDRIVER,
}

// SAFETY: framework handles may be used on any thread.
unsafe impl Send for Driver {}

impl Driver {
    /// Binds the driver object to the framework, as a driver without Plug and Play devices.
    ///
    /// # Safety
    /// The arguments must be those of DriverEntry, and this must be its first use of the framework.
    #[doc(alias = "WdfDriverCreate")]
    #[inline(never)]
    pub unsafe fn create<U: Unload>(
        object: PDRIVER_OBJECT,
        registry_path: PCUNICODE_STRING,
        pool_tag: crate::pool::Tag,
        _at: Passive<'_>,
    ) -> Result<Self, Status> {
        let mut config = WDF_DRIVER_CONFIG {
            Size: size_of::<WDF_DRIVER_CONFIG>() as u32,
            EvtDriverUnload: Some(unload::<U>),
            DriverInitFlags: _WDF_DRIVER_INIT_FLAGS::WdfDriverInitNonPnpDriver as u32,
            DriverPoolTag: pool_tag.get(),
            ..Default::default()
        };
        let mut handle = core::ptr::null_mut();
        // SAFETY: the arguments are DriverEntry's; the configuration is copied.
        let status = unsafe {
            wdf!(
                WdfDriverCreate,
                object,
                registry_path,
                WDF_NO_OBJECT_ATTRIBUTES,
                &raw mut config,
                &raw mut handle
            )
        };
        Status(status).ok()?;
        Ok(Self { handle })
    }

    /// A number under the service's Parameters key; `None` when it is not there.
    #[doc(alias = "WdfRegistryQueryULong")]
    #[must_use]
    #[inline(never)]
    pub fn parameter(&self, name: &UnicodeStr<'_>, _at: Passive<'_>) -> Option<u32> {
        let mut key: WDFKEY = core::ptr::null_mut();
        // SAFETY: the driver handle is live and the IRQL is PASSIVE_LEVEL.
        let opened = unsafe {
            wdf!(
                WdfDriverOpenParametersRegistryKey,
                self.handle,
                KEY_READ,
                WDF_NO_OBJECT_ATTRIBUTES,
                &raw mut key
            )
        };
        Status(opened).ok().ok()?;
        let (name, mut value) = (name.raw(), 0_u32);
        // SAFETY: the key is open; name and value are valid for the call.
        let read = unsafe { wdf!(WdfRegistryQueryULong, key, &raw const name, &raw mut value) };
        // SAFETY: the key was opened above and is not used again.
        unsafe { wdf!(WdfRegistryClose, key) };
        Status(read).is_success().then_some(value)
    }
}

thunk! {
    unsafe fn unload<U: Unload>(_driver: WDFDRIVER) {
        // SAFETY: the framework calls EvtDriverUnload at PASSIVE_LEVEL.
        U::unload(unsafe { Passive::assume() });
    }
}
