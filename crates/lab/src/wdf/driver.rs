//! The framework's driver object, and the registry keys that a driver reads.

use std::ffi::c_void;
use std::sync::Mutex;

use ddk::nt::{
    _WDF_DRIVER_INIT_FLAGS as flags, DRIVER_OBJECT, PCUNICODE_STRING, PDRIVER_OBJECT, PFN_WDF_DRIVER_UNLOAD,
    PULONG, PUNICODE_STRING, PUSHORT, PVOID, PWDF_DRIVER_CONFIG, PWDF_DRIVER_GLOBALS, PWDF_OBJECT_ATTRIBUTES,
    PWSTR, WDF_DRIVER_CONFIG, WDFDRIVER, WDFKEY,
};

use super::loader::{client, driver_object_of};
use super::object::{Body, Object, attributes, expect};
use super::{functions, required, status};
use crate::cpu::{DISPATCH, PASSIVE};
use crate::ntoskrnl::string;
use crate::registry::{Registry, Value};
use crate::verifier::{callback, violation};
use crate::{bugcheck, driver_object, pool};

/// A driver.
#[derive(Debug)]
pub(super) struct Driver {
    driver_object: usize,
    registry_path: String,
    path_text: PathText,
    unload: PFN_WDF_DRIVER_UNLOAD,
    pub(super) flags: u32,
}

impl Driver {
    /// The DRIVER_OBJECT.
    pub(super) fn wdm(&self) -> *mut DRIVER_OBJECT {
        self.driver_object as *mut DRIVER_OBJECT
    }
}

/// The registry path as the driver gets it.
#[derive(Debug)]
struct PathText(PWSTR);

// SAFETY: the text is immutable and lives for ever.
unsafe impl Send for PathText {}
// SAFETY: as above.
unsafe impl Sync for PathText {}

/// Bound drivers: DRIVER_OBJECT and handle.
static DRIVERS: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());

fn drivers() -> std::sync::MutexGuard<'static, Vec<(usize, usize)>> {
    DRIVERS.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Deletes the driver and everything below it.
pub(super) fn delete(driver: WDFDRIVER) {
    drivers().retain(|(_, handle)| *handle != driver as usize);
    expect::<Driver, _>(driver).object.delete();
}

/// The unload routine that the framework puts into the DRIVER_OBJECT.
unsafe extern "win64" fn unload(object: *mut DRIVER_OBJECT) {
    let found = drivers().iter().find(|(known, _)| *known == object as usize).copied();
    let Some((_, handle)) = found else {
        violation("G-42", "the framework's unload routine is called twice");
    };
    let driver = expect::<Driver, _>(handle as *mut c_void);
    super::device::check_finished(&driver.object);
    if let Some(unload) = driver.unload {
        // SAFETY: the driver's callback for this object.
        callback("EvtDriverUnload", || unsafe { unload(handle as WDFDRIVER) });
    }
    delete(handle as WDFDRIVER);
}

/// Stands in the dispatch table: the lab delivers requests itself, so nobody may call this.
unsafe extern "win64" fn dispatch(_device: *mut ddk::nt::DEVICE_OBJECT, _irp: *mut ddk::nt::IRP) -> i32 {
    violation("K-3", "an IRP reaches the framework's dispatch routine from outside the framework")
}

functions! {
    /// Functions for drivers.
    pub(super) static TABLE;

    /// Makes the driver object.
    irql(PASSIVE..=PASSIVE) fn WdfDriverCreate: PFN_WDFDRIVERCREATE (
        globals: PWDF_DRIVER_GLOBALS, object: PDRIVER_OBJECT, path: PCUNICODE_STRING,
        driver_attributes: PWDF_OBJECT_ATTRIBUTES, config: PWDF_DRIVER_CONFIG, driver: *mut WDFDRIVER
    ) -> i32 {
        const PARENT_ASSIGNMENT_NOT_ALLOWED: i32 = 0xc020_0208_u32 as i32;
        client(globals);
        required(object, "the driver object");
        required(path, "the registry path");
        required(config, "the driver's configuration");
        // SAFETY: checked above; the globals are ours.
        let (config, globals_driver) = unsafe { (&*config, (*globals).Driver) };
        if !globals_driver.is_null() {
            eprintln!("lab: K-1: WdfDriverCreate is called twice");
            return status::DRIVER_INTERNAL_ERROR;
        }
        if object as usize != driver_object_of(globals) {
            violation("K-1", "WdfDriverCreate with another driver object than the one that was bound");
        }
        if config.Size as usize != size_of::<WDF_DRIVER_CONFIG>() {
            return status::INFO_LENGTH_MISMATCH;
        }
        let bits = config.DriverInitFlags;
        let has = |flag: i32| bits & flag as u32 != 0;
        if has(flags::WdfDriverInitNonPnpDriver) && config.EvtDriverDeviceAdd.is_some() {
            return status::INVALID_PARAMETER;
        }
        let attributes = attributes(driver_attributes);
        if attributes.is_some_and(|attributes| !attributes.ParentObject.is_null()) {
            return PARENT_ASSIGNMENT_NOT_ALLOWED;
        }
        let registry_path = string::text(path.cast());
        let text = driver_object::leak_string(&registry_path);
        let body = Body::Driver(Driver {
            driver_object: object as usize,
            registry_path,
            path_text: PathText(text.Buffer),
            unload: config.EvtDriverUnload,
            flags: bits,
        });
        let created = match Object::create(body, attributes.as_ref(), None) {
            Ok(created) => created,
            Err(status) => return status,
        };
        // SAFETY: the object was checked and the globals are ours.
        unsafe {
            (*globals).Driver = created.handle();
            if config.DriverPoolTag != 0 {
                (*globals).DriverTag = config.DriverPoolTag;
            }
            if !has(flags::WdfDriverInitNoDispatchOverride) {
                (*object).MajorFunction = [Some(dispatch); 28];
                (*object).DriverUnload = None;
                if config.EvtDriverUnload.is_some() || !has(flags::WdfDriverInitNonPnpDriver) {
                    (*object).DriverUnload = Some(unload);
                    (*globals).DisplaceDriverUnload = 1;
                }
            }
            if !driver.is_null() {
                driver.write(created.handle());
            }
        }
        drivers().push((object as usize, created.handle::<c_void>() as usize));
        status::SUCCESS
    }

    /// The registry path of the driver.
    irql(PASSIVE..=PASSIVE) fn WdfDriverGetRegistryPath: PFN_WDFDRIVERGETREGISTRYPATH (
        globals: PWDF_DRIVER_GLOBALS, driver: WDFDRIVER
    ) -> PWSTR {
        client(globals);
        expect::<Driver, _>(driver).path_text.0
    }

    /// The DRIVER_OBJECT.
    irql(0..=DISPATCH) fn WdfDriverWdmGetDriverObject: PFN_WDFDRIVERWDMGETDRIVEROBJECT (
        globals: PWDF_DRIVER_GLOBALS, driver: WDFDRIVER
    ) -> PDRIVER_OBJECT {
        client(globals);
        expect::<Driver, _>(driver).wdm()
    }

    /// Stops the machine.
    irql(0..=15) fn WdfVerifierKeBugCheck: PFN_WDFVERIFIERKEBUGCHECK (
        globals: PWDF_DRIVER_GLOBALS, code: u32, a: u64, b: u64, c: u64, d: u64
    ) {
        client(globals);
        bugcheck(code, [a, b, c, d])
    }

    /// Stops the machine, as there is no debugger.
    irql(0..=15) fn WdfVerifierDbgBreakPoint: PFN_WDFVERIFIERDBGBREAKPOINT (globals: PWDF_DRIVER_GLOBALS) {
        client(globals);
        bugcheck(0x7e, [0x8000_0003, 0, 0, 0])
    }
}

/// An open registry key.
#[derive(Debug)]
pub(super) struct Key {
    path: String,
}

impl Key {
    fn value(&self, name: PCUNICODE_STRING) -> Option<Value> {
        required(name, "the value's name");
        Registry::get().value(&self.path, &string::text(name.cast()))
    }
}

/// # Safety
/// `place` is null or points to room for a `T`.
unsafe fn put<T>(place: *mut T, value: T) {
    if !place.is_null() {
        // SAFETY: the caller's promise.
        unsafe { place.write_unaligned(value) };
    }
}

functions! {
    /// Functions for registry keys.
    pub(super) static REGISTRY;

    /// Opens the service's `Parameters` key.
    irql(PASSIVE..=PASSIVE) fn WdfDriverOpenParametersRegistryKey: PFN_WDFDRIVEROPENPARAMETERSREGISTRYKEY (
        globals: PWDF_DRIVER_GLOBALS, driver: WDFDRIVER, _access: u32, key_attributes: PWDF_OBJECT_ATTRIBUTES,
        key: *mut WDFKEY
    ) -> i32 {
        client(globals);
        required(key, "the place for the key");
        let driver = expect::<Driver, _>(driver);
        let path = format!(r"{}\Parameters", driver.registry_path);
        if !Registry::get().exists(&path) {
            return status::OBJECT_NAME_NOT_FOUND;
        }
        let attributes = attributes(key_attributes);
        match Object::create(Body::Key(Key { path }), attributes.as_ref(), Some(&driver.object)) {
            Ok(object) => {
                // SAFETY: checked above.
                unsafe { key.write(object.handle()) };
                status::SUCCESS
            }
            Err(status) => status,
        }
    }

    /// Closes a key.
    irql(PASSIVE..=PASSIVE) fn WdfRegistryClose: PFN_WDFREGISTRYCLOSE (globals: PWDF_DRIVER_GLOBALS, key: WDFKEY) {
        client(globals);
        expect::<Key, _>(key).object.delete();
    }

    /// Reads a 32-bit number.
    irql(PASSIVE..=PASSIVE) fn WdfRegistryQueryULong: PFN_WDFREGISTRYQUERYULONG (
        globals: PWDF_DRIVER_GLOBALS, key: WDFKEY, name: PCUNICODE_STRING, value: PULONG
    ) -> i32 {
        client(globals);
        required(value, "the place for the value");
        if pool::must_fail() {
            return status::INSUFFICIENT_RESOURCES;
        }
        match expect::<Key, _>(key).value(name) {
            Some(Value::Dword(number)) => {
                // SAFETY: checked above.
                unsafe { value.write_unaligned(number) };
                status::SUCCESS
            }
            Some(_) => status::OBJECT_TYPE_MISMATCH,
            None => status::OBJECT_NAME_NOT_FOUND,
        }
    }

    /// Reads a string into the driver's room.
    irql(PASSIVE..=PASSIVE) fn WdfRegistryQueryUnicodeString: PFN_WDFREGISTRYQUERYUNICODESTRING (
        globals: PWDF_DRIVER_GLOBALS, key: WDFKEY, name: PCUNICODE_STRING, length: PUSHORT, value: PUNICODE_STRING
    ) -> i32 {
        client(globals);
        let text = match expect::<Key, _>(key).value(name) {
            Some(Value::String(text)) => text,
            Some(_) => return status::OBJECT_TYPE_MISMATCH,
            None => return status::OBJECT_NAME_NOT_FOUND,
        };
        let units: Vec<u16> = text.encode_utf16().collect();
        let bytes = units.len() as u16 * 2;
        // SAFETY: the driver passes null or room for the length, and null or a string with room.
        unsafe {
            put(length, bytes + 2);
            if value.is_null() {
                return status::SUCCESS;
            }
            if (*value).MaximumLength < bytes {
                return status::BUFFER_OVERFLOW;
            }
            std::ptr::copy_nonoverlapping(units.as_ptr(), (*value).Buffer, units.len());
            (*value).Length = bytes;
        }
        status::SUCCESS
    }

    /// Reads a value of any type.
    irql(PASSIVE..=PASSIVE) fn WdfRegistryQueryValue: PFN_WDFREGISTRYQUERYVALUE (
        globals: PWDF_DRIVER_GLOBALS, key: WDFKEY, name: PCUNICODE_STRING, room: u32, value: PVOID, length: PULONG,
        kind: PULONG
    ) -> i32 {
        client(globals);
        let Some(found) = expect::<Key, _>(key).value(name) else { return status::OBJECT_NAME_NOT_FOUND };
        let (code, bytes) = found.encode();
        // SAFETY: the driver passes null or room for each output, and as much room for the value as it says.
        unsafe {
            put(length, bytes.len() as u32);
            put(kind, code);
            if !value.is_null() {
                if (room as usize) < bytes.len() {
                    return status::BUFFER_OVERFLOW;
                }
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), value.cast(), bytes.len());
            }
        }
        status::SUCCESS
    }
}
