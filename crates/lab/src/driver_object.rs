//! DRIVER_OBJECTs.

use std::ffi::c_void;

use ddk::nt::{DRIVER_EXTENSION, DRIVER_OBJECT, UNICODE_STRING};

use crate::pe::Image;

/// Root of all service keys.
const SERVICES: &str = r"\Registry\Machine\System\CurrentControlSet\Services";
/// IO_TYPE_DRIVER.
const TYPE_DRIVER: i16 = 4;

/// A DRIVER_OBJECT with what belongs to it behind it. Lives as long as the process, as images do.
#[repr(C)]
struct Block {
    object: DRIVER_OBJECT,
    extension: DRIVER_EXTENSION,
    registry_path: UNICODE_STRING,
}

/// Makes a counted string that lives for ever.
pub(crate) fn leak_string(text: &str) -> UNICODE_STRING {
    let mut units: Vec<u16> = text.encode_utf16().collect();
    let bytes = u16::try_from(units.len() * 2).expect("a string of at most 32767 units");
    units.push(0);
    let buffer = Box::leak(units.into_boxed_slice());
    UNICODE_STRING { Length: bytes, MaximumLength: bytes + 2, Buffer: buffer.as_mut_ptr() }
}

/// The registry path of the service called `name`.
pub(crate) fn service_key(name: &str) -> String {
    format!(r"{SERVICES}\{name}")
}

/// Makes the DRIVER_OBJECT of `image`, which runs as the service `name`.
pub(crate) fn create(image: &Image, name: &str) -> *mut c_void {
    // SAFETY: all fields accept zeroes: integers, nullable pointers and nullable functions.
    let mut block: Box<Block> = unsafe { Box::new(std::mem::zeroed()) };
    block.registry_path = leak_string(&service_key(name));
    let block = Box::leak(block);
    block.object.Type = TYPE_DRIVER;
    block.object.Size = size_of::<DRIVER_OBJECT>() as i16;
    block.object.DriverStart = image.base as *mut c_void;
    block.object.DriverSize = image.size as u32;
    block.object.DriverName = leak_string(&format!(r"\Driver\{name}"));
    block.object.DriverExtension = &raw mut block.extension;
    block.extension.DriverObject = &raw mut block.object;
    block.extension.ServiceKeyName = leak_string(name);
    (&raw mut block.object).cast()
}

fn object<'a>(object: *mut c_void) -> &'a mut Block {
    // SAFETY: only `create` makes these pointers, and the blocks live for ever; the machine touches them from
    // one thread while the driver does not run.
    unsafe { &mut *object.cast::<Block>() }
}

/// The registry path that the entry point gets.
pub(crate) fn registry_path(driver: *mut c_void) -> *const c_void {
    (&raw const object(driver).registry_path).cast()
}

/// The unload routine that the driver has set.
pub(crate) fn unload_routine(driver: *mut c_void) -> Option<unsafe extern "win64" fn(*mut DRIVER_OBJECT)> {
    object(driver).object.DriverUnload
}
