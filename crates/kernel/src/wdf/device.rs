//! The control device.

use ddk::nt::{
    _WDF_EXECUTION_LEVEL, _WDF_FILEOBJECT_CLASS, _WDF_IO_QUEUE_DISPATCH_TYPE, _WDF_SYNCHRONIZATION_SCOPE,
    _WDF_TRI_STATE, FALSE, FILE_DEVICE_NETWORK, FILE_DEVICE_SECURE_OPEN, PDEVICE_OBJECT, PWDFDEVICE_INIT,
    TRUE, WDF_FILEOBJECT_CONFIG, WDF_IO_QUEUE_CONFIG, WDF_NO_OBJECT_ATTRIBUTES, WDF_OBJECT_ATTRIBUTES,
    WDFDEVICE, WDFFILEOBJECT, WDFQUEUE, WDFREQUEST,
};
use ddk::wdf_call as wdf;

use super::driver::Driver;
use super::request::{FileId, Request};
use crate::irql::Passive;
use crate::status::Status;
use crate::unicode::UnicodeStr;

/// Attributes as `WDF_OBJECT_ATTRIBUTES_INIT` leaves them.
pub(super) fn attributes() -> WDF_OBJECT_ATTRIBUTES {
    WDF_OBJECT_ATTRIBUTES {
        Size: size_of::<WDF_OBJECT_ATTRIBUTES>() as u32,
        ExecutionLevel: _WDF_EXECUTION_LEVEL::WdfExecutionLevelInheritFromParent,
        SynchronizationScope: _WDF_SYNCHRONIZATION_SCOPE::WdfSynchronizationScopeInheritFromParent,
        ..Default::default()
    }
}

/// As [`attributes`], for an object whose callbacks run at PASSIVE_LEVEL.
fn passive() -> WDF_OBJECT_ATTRIBUTES {
    WDF_OBJECT_ATTRIBUTES { ExecutionLevel: _WDF_EXECUTION_LEVEL::WdfExecutionLevelPassive, ..attributes() }
}

/// A control device in the making; freed on drop unless it became a device.
#[derive(Debug)]
pub struct ControlDeviceInit {
    init: PWDFDEVICE_INIT,
}

impl ControlDeviceInit {
    /// Begins a device that admits whom `sddl` names.
    #[doc(alias = "WdfControlDeviceInitAllocate")]
    pub fn new(driver: &Driver, sddl: &UnicodeStr<'_>, _at: Passive<'_>) -> Result<Self, Status> {
        let sddl = sddl.raw();
        // SAFETY: the driver handle is live and the string is valid for the call.
        let init = unsafe { wdf!(WdfControlDeviceInitAllocate, driver.handle, &raw const sddl) };
        if init.is_null() { Err(Status::INSUFFICIENT_RESOURCES) } else { Ok(Self { init }) }
    }

    /// Tells `H` when a handle is closed.
    #[doc(alias = "WdfDeviceInitSetFileObjectConfig")]
    pub fn watch_handles<H: FileClose>(&mut self, _at: Passive<'_>) {
        let mut config = WDF_FILEOBJECT_CONFIG {
            Size: size_of::<WDF_FILEOBJECT_CONFIG>() as u32,
            EvtFileClose: Some(file_close::<H>),
            EvtFileCleanup: Some(file_cleanup::<H>),
            AutoForwardCleanupClose: _WDF_TRI_STATE::WdfUseDefault,
            FileObjectClass: _WDF_FILEOBJECT_CLASS::WdfFileObjectWdfCannotUseFsContexts,
            ..Default::default()
        };
        let mut attributes = passive();
        // SAFETY: the init structure is live; configuration and attributes are copied.
        unsafe { wdf!(WdfDeviceInitSetFileObjectConfig, self.init, &raw mut config, &raw mut attributes) };
    }

    /// Names the device, and creates it.
    #[doc(alias = "WdfDeviceCreate")]
    pub fn create(mut self, name: &UnicodeStr<'_>, _at: Passive<'_>) -> Result<ControlDevice, Status> {
        let name = name.raw();
        // SAFETY: the init structure is live.
        unsafe { wdf!(WdfDeviceInitSetDeviceType, self.init, FILE_DEVICE_NETWORK) };
        // SAFETY: as above. The SDDL shall also hold for names below the device's.
        unsafe { wdf!(WdfDeviceInitSetCharacteristics, self.init, FILE_DEVICE_SECURE_OPEN, TRUE as u8) };
        // SAFETY: as above; the name is copied.
        Status(unsafe { wdf!(WdfDeviceInitAssignName, self.init, &raw const name) }).ok()?;
        let mut device = core::ptr::null_mut();
        // SAFETY: the init structure is complete; on success the framework takes it and clears the pointer.
        let status =
            unsafe { wdf!(WdfDeviceCreate, &raw mut self.init, WDF_NO_OBJECT_ATTRIBUTES, &raw mut device) };
        Status(status).ok()?;
        Ok(ControlDevice { device })
    }
}

impl Drop for ControlDeviceInit {
    #[doc(alias = "WdfDeviceInitFree")]
    fn drop(&mut self) {
        if !self.init.is_null() {
            // SAFETY: the structure did not become a device, so it is still ours.
            unsafe { wdf!(WdfDeviceInitFree, self.init) };
        }
    }
}

/// Handler of I/O controls.
pub trait DeviceControl: 'static {
    /// One request at a time. IRQL: PASSIVE_LEVEL.
    #[doc(alias = "EvtIoDeviceControl")]
    fn device_control(request: Request, code: u32, at: Passive<'_>);
}

/// What happens when a handle goes.
pub trait FileClose: 'static {
    /// The handle is closed, by its owner or with the owner's process: no request comes by it any more, and those that wait
    /// are cancelled afterwards. IRQL: PASSIVE_LEVEL.
    #[doc(alias = "EvtFileCleanup")]
    fn file_cleanup(file: FileId, at: Passive<'_>);

    /// The last reference to the handle is gone, by its owner or with the owner's process, and all its requests are done.
    /// Handles are told apart, not serialised. IRQL: PASSIVE_LEVEL.
    #[doc(alias = "EvtFileClose")]
    fn file_close(file: FileId, at: Passive<'_>);
}

/// A control device. The framework deletes it after unload or after a failed DriverEntry.
#[derive(Clone, Copy, Debug)]
pub struct ControlDevice {
    pub(super) device: WDFDEVICE,
}

// SAFETY: framework handles may be used on any thread.
unsafe impl Send for ControlDevice {}

impl ControlDevice {
    /// Gives the device a name that user mode can open.
    #[doc(alias = "WdfDeviceCreateSymbolicLink")]
    pub fn symbolic_link(&self, name: &UnicodeStr<'_>, _at: Passive<'_>) -> Result<(), Status> {
        let name = name.raw();
        // SAFETY: the device handle is live; the name is copied.
        Status(unsafe { wdf!(WdfDeviceCreateSymbolicLink, self.device, &raw const name) }).ok()
    }

    /// Sends I/O controls to `H`, one at a time.
    #[doc(alias = "WdfIoQueueCreate")]
    pub fn handle_controls<H: DeviceControl>(&self, _at: Passive<'_>) -> Result<(), Status> {
        let mut config = WDF_IO_QUEUE_CONFIG {
            Size: size_of::<WDF_IO_QUEUE_CONFIG>() as u32,
            DispatchType: _WDF_IO_QUEUE_DISPATCH_TYPE::WdfIoQueueDispatchSequential,
            PowerManaged: _WDF_TRI_STATE::WdfFalse,
            DefaultQueue: TRUE as u8,
            AllowZeroLengthRequests: FALSE as u8,
            EvtIoDeviceControl: Some(device_control::<H>),
            ..Default::default()
        };
        let mut attributes = passive();
        let mut queue: WDFQUEUE = core::ptr::null_mut();
        // SAFETY: the device handle is live; configuration and attributes are copied.
        let status = unsafe {
            wdf!(WdfIoQueueCreate, self.device, &raw mut config, &raw mut attributes, &raw mut queue)
        };
        Status(status).ok()
    }

    /// Lets requests in.
    #[doc(alias = "WdfControlFinishInitializing")]
    pub fn finish(&self) {
        // SAFETY: the device handle is live.
        unsafe { wdf!(WdfControlFinishInitializing, self.device) };
    }

    /// The device object behind the handle.
    #[doc(alias = "WdfDeviceWdmGetDeviceObject")]
    #[must_use]
    pub fn device_object(&self) -> PDEVICE_OBJECT {
        // SAFETY: the device handle is live.
        unsafe { wdf!(WdfDeviceWdmGetDeviceObject, self.device) }
    }
}

thunk! {
    unsafe fn device_control<H: DeviceControl>(
        _queue: WDFQUEUE,
        request: WDFREQUEST,
        output_length: usize,
        input_length: usize,
        code: u32,
    ) {
        // SAFETY: the framework hands over the request with this call.
        let request = unsafe { Request::from_raw(request, input_length, output_length) };
        // SAFETY: the queue's execution level is passive.
        H::device_control(request, code, unsafe { Passive::assume() });
    }
}

thunk! {
    unsafe fn file_close<H: FileClose>(file: WDFFILEOBJECT) {
        // SAFETY: the execution level of file objects is passive.
        H::file_close(FileId::of(file), unsafe { Passive::assume() });
    }
}

thunk! {
    unsafe fn file_cleanup<H: FileClose>(file: WDFFILEOBJECT) {
        // SAFETY: the execution level of file objects is passive.
        H::file_cleanup(FileId::of(file), unsafe { Passive::assume() });
    }
}
