//! Control devices that NDIS makes for filter drivers.

use std::sync::Arc;

use ddk::ndis::*;
use ddk::nt::{PDEVICE_OBJECT, PUNICODE_STRING, PVOID};

use super::driver::FilterDriver;
use crate::ntoskrnl::device;
use crate::{handle, verifier};

/// What NDIS keeps for itself at the start of the extension of its devices.
const OWN_EXTENSION: u32 = 64;
const FILE_DEVICE_NETWORK: u32 = 0x12;
const DO_DEVICE_INITIALIZING: u32 = 0x80;

/// A device and the name of its link.
struct Device {
    object: usize,
    /// The link's characters.
    link: Vec<u16>,
}

impl handle::Object for Device {
    const KIND: &'static str = "NDIS device";
    const LEAK_RULE: Option<&'static str> = Some("L-3");
}

/// # Safety
/// The attributes are valid as the DDI page asks.
unsafe fn register(
    driver: NDIS_HANDLE,
    attributes: PNDIS_DEVICE_OBJECT_ATTRIBUTES,
) -> Result<(PDEVICE_OBJECT, NDIS_HANDLE), NDIS_STATUS> {
    let driver = handle::expect::<FilterDriver>(driver);
    // SAFETY: the header comes first.
    super::header::check(
        unsafe { &(*attributes).Header },
        NDIS_OBJECT_TYPE_DEVICE_OBJECT_ATTRIBUTES,
        1..=1,
        NDIS_SIZEOF_DEVICE_OBJECT_ATTRIBUTES_REVISION_1,
        "NDIS_DEVICE_OBJECT_ATTRIBUTES",
    );
    // SAFETY: the driver's structure, of at least this size as just checked.
    let given = unsafe { attributes.read_unaligned() };
    if given.DeviceName.is_null() || given.SymbolicName.is_null() || given.MajorFunctions.is_null() {
        return Err(NDIS_STATUS_INVALID_PARAMETER);
    }
    // SAFETY: the driver's array has an entry for each function, and its strings are valid.
    let (routines, link) = unsafe {
        let link = &*given.SymbolicName;
        let units = usize::from(link.Length) / 2;
        (
            given.MajorFunctions.cast::<device::Routines>().read_unaligned(),
            std::slice::from_raw_parts(link.Buffer, units).to_vec(),
        )
    };
    let mut object: PDEVICE_OBJECT = std::ptr::null_mut();
    let extension = OWN_EXTENSION + given.ExtensionSize;
    // SAFETY: the driver object lives as long as the driver; the names are the driver's.
    unsafe {
        let name: PUNICODE_STRING = given.DeviceName.cast();
        let status =
            device::IoCreateDevice(driver.object(), extension, name, FILE_DEVICE_NETWORK, 0, 0, &mut object);
        if status < 0 {
            return Err(status);
        }
        let status = device::IoCreateSymbolicLink(given.SymbolicName.cast(), name);
        if status < 0 {
            device::IoDeleteDevice(object);
            return Err(status);
        }
        (*object).Flags &= !DO_DEVICE_INITIALIZING;
    }
    device::set_routines(object, routines);
    Ok((object, handle::create(Arc::new(Device { object: object as usize, link }))))
}

crate::exports! {
    /// Control devices.
    pub static DEVICE_EXPORTS: "NDIS.SYS", sig ddk::ndis::sig;

    /// Makes a named device with routines of its own.
    irql(0..=0) fn NdisRegisterDeviceEx(
        driver: NDIS_HANDLE, attributes: PNDIS_DEVICE_OBJECT_ATTRIBUTES, object: *mut PDEVICE_OBJECT,
        device: PNDIS_HANDLE,
    ) -> NDIS_STATUS {
        if attributes.is_null() || object.is_null() || device.is_null() {
            return NDIS_STATUS_INVALID_PARAMETER;
        }
        // SAFETY: the driver's attributes and variables.
        unsafe {
            match register(driver, attributes) {
                Ok((made, handle)) => {
                    *object = made;
                    *device = handle;
                    NDIS_STATUS_SUCCESS
                }
                Err(status) => status,
            }
        }
    }
    /// Removes a device and its link.
    irql(0..=0) fn NdisDeregisterDeviceEx(device: NDIS_HANDLE) {
        let device = handle::close::<Device>(device);
        let mut units = device.link.clone();
        let length = units.len() as u16 * 2;
        let mut link =
            NDIS_STRING { Length: length, MaximumLength: length, Buffer: units.as_mut_ptr() };
        // SAFETY: the link and the device were made with the handle.
        unsafe {
            if device::IoDeleteSymbolicLink((&raw mut link).cast()) < 0 {
                verifier::violation("L-3", "NdisDeregisterDeviceEx of a device whose link the driver has deleted");
            }
            device::IoDeleteDevice(device.object as PDEVICE_OBJECT);
        }
    }
    /// The driver's part of the device's extension.
    irql(0..=2) fn NdisGetDeviceReservedExtension(object: PDEVICE_OBJECT) -> PVOID {
        // SAFETY: a device of NDIS, which has an extension.
        unsafe { (*object).DeviceExtension.cast::<u8>().add(OWN_EXTENSION as usize).cast() }
    }
}
