//! Binds a driver to the framework: versions, function counts and the function table.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ddk::nt::{PDRIVER_OBJECT, PUNICODE_STRING, PWDF_DRIVER_GLOBALS, WDF_DRIVER_GLOBALS};

use super::{caller, deferred, device, driver, object, queue, request, status, user};
use crate::cpu::PASSIVE;
use crate::export::Export;
use crate::ntoskrnl::string;
use crate::verifier::{self, violation};
use crate::{fault, handle, pool, stub};

/// The names of the table's functions, in the order of the table.
pub static TABLE_NAMES: &str = include_str!("functions.txt");

/// The framework's minor version; the major one is 1.
static MINOR: AtomicU32 = AtomicU32::new(33);

/// Sets the framework's minor version.
pub fn set_version(minor: u32) {
    MINOR.store(minor, Ordering::Relaxed);
}

/// The framework's minor version.
pub(super) fn version() -> u32 {
    MINOR.load(Ordering::Relaxed)
}

/// How many functions the table of version 1.`minor` has.
fn function_count(minor: u32) -> Option<u32> {
    Some(match minor {
        0 | 1 => 383,
        5 => 386,
        7 => 387,
        9 => 396,
        11 => 432,
        13 => 438,
        15 | 17 => 444,
        19 => 446,
        21 => 448,
        23 => 451,
        25 | 27 => 453,
        29 => 454,
        31 | 33 => 458,
        _ => return None,
    })
}

/// Up to this client version the client owns the array and the framework fills it.
const LAST_WITH_OWN_ARRAY: u32 = 13;

/// A driver that is bound to the framework.
pub(super) struct Client {
    /// Behind the address that every table function gets first. Lives as long as the process.
    globals: Box<WDF_DRIVER_GLOBALS>,
    driver_object: usize,
    bound: bool,
}

// SAFETY: the raw pointers inside are only addresses here.
unsafe impl Send for Client {}

static CLIENTS: Mutex<Vec<Client>> = Mutex::new(Vec::new());

/// Checks that `globals` are those of a bound driver; every table function asks this first.
pub(super) fn client(globals: PWDF_DRIVER_GLOBALS) {
    if !verifier::enabled() {
        return;
    }
    let clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    let found = clients.iter().find(|client| std::ptr::eq(&raw const *client.globals, globals));
    match found {
        Some(client) if client.bound => {}
        Some(_) => violation("K-46", "a framework function is called after WdfVersionUnbind"),
        None => violation("KV-4", &format!("{globals:p} are not the driver's framework globals")),
    }
}

/// The DRIVER_OBJECT that was bound with `globals`.
pub(super) fn driver_object_of(globals: PWDF_DRIVER_GLOBALS) -> usize {
    let clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    clients
        .iter()
        .find(|client| std::ptr::eq(&raw const *client.globals, globals))
        .map_or(0, |c| c.driver_object)
}

/// The driver that was created with `globals`.
pub(super) fn driver_of(globals: PWDF_DRIVER_GLOBALS) -> Option<Arc<object::Object>> {
    // SAFETY: every caller has checked the globals with `client`.
    let driver = unsafe { (*globals).Driver };
    handle::get(driver.cast())
}

/// Functions that a driver of control devices must not call: PnP and power setters of initialisation
/// structures.
const FORBIDDEN: [&str; 9] = [
    "WdfDeviceInitSetPnpPowerEventCallbacks",
    "WdfDeviceInitSetPowerPolicyEventCallbacks",
    "WdfDeviceInitSetPowerPolicyOwnership",
    "WdfDeviceInitRegisterPnpStateChangeCallback",
    "WdfDeviceInitRegisterPowerStateChangeCallback",
    "WdfDeviceInitRegisterPowerPolicyStateChangeCallback",
    "WdfDeviceInitSetPowerInrush",
    "WdfDeviceCreateDeviceInterface",
    "WdfDeviceSetDeviceInterfaceState",
];

/// All implemented functions of the table.
fn tables() -> [&'static [Export]; 9] {
    [
        caller::TABLE,
        deferred::TABLE,
        device::TABLE,
        driver::TABLE,
        driver::REGISTRY,
        object::TABLE,
        queue::TABLE,
        request::TABLE,
        user::TABLE,
    ]
}

/// The function table, by slot. Slots without an implementation hold stubs that name themselves when called.
fn table() -> &'static [usize] {
    static TABLE: OnceLock<Vec<usize>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let find = |name| tables().into_iter().flatten().find(|export| export.name == name);
        TABLE_NAMES
            .lines()
            .map(|name| match find(name) {
                Some(export) if verifier::enabled() => export.checked.get(),
                Some(export) => export.bare.get(),
                None if FORBIDDEN.contains(&name) => stub::forbidden("K-10", name),
                None => stub::unresolved("WDF", name, "a driver"),
            })
            .collect()
    })
}

/// WDF_BIND_INFO.
#[derive(Debug)]
#[repr(C)]
pub(super) struct BindInfo {
    size: u32,
    component: *const u16,
    major: u32,
    minor: u32,
    build: u32,
    function_count: u32,
    table: *mut usize,
    module: *mut u8,
}

/// Size of the structure up to version 1.23, and of the one since.
const SIZES: [u32; 2] = [48, 88];

crate::exports! {
    /// Exports of the framework's loader.
    pub(super) static EXPORTS: "WDFLDR.SYS";

    /// Binds a driver to the framework.
    irql(PASSIVE..=PASSIVE) untyped fn WdfVersionBind(
        driver_object: PDRIVER_OBJECT, registry_path: PUNICODE_STRING, info: *mut BindInfo,
        globals: *mut PWDF_DRIVER_GLOBALS
    ) -> i32 {
        super::required(info, "the bind information");
        super::required(registry_path, "the registry path");
        // SAFETY: the driver passes its bind information.
        let info = unsafe { &mut *info };
        let component: Vec<u16> = (0..32)
            // SAFETY: the driver's component name ends in a zero.
            .map(|i| unsafe { info.component.add(i).read() })
            .take_while(|unit| *unit != 0)
            .collect();
        let component = String::from_utf16_lossy(&component);
        let count = function_count(info.minor);
        if !SIZES.contains(&info.size) || component != "KmdfLibrary" || info.major != 1 {
            eprintln!("lab: cannot bind {component} {}.{} by {} bytes", info.major, info.minor, info.size);
            return status::INVALID_PARAMETER;
        }
        if info.minor > version() || count != Some(info.function_count) {
            eprintln!(
                "lab: cannot bind version 1.{} with {} functions to framework 1.{}",
                info.minor, info.function_count, version()
            );
            return status::INVALID_PARAMETER;
        }
        if pool::must_fail() {
            return status::INSUFFICIENT_RESOURCES;
        }
        fault::framework_table(info.table as usize);
        let table = table();
        if info.minor <= LAST_WITH_OWN_ARRAY {
            let count = info.function_count as usize;
            // SAFETY: the array of old clients has as many slots as they say, which was just checked.
            unsafe { std::ptr::copy_nonoverlapping(table.as_ptr(), info.table, count) };
        } else {
            // SAFETY: newer clients pass the address of a pointer.
            unsafe { info.table.write(table.as_ptr() as usize) };
        }
        let path = string::text(registry_path.cast());
        let name = path.rsplit('\\').next().unwrap_or_default();
        // SAFETY: integers, a nullable handle and characters accept zeroes.
        let mut block: Box<WDF_DRIVER_GLOBALS> = Box::new(unsafe { std::mem::zeroed() });
        for (to, from) in block.DriverName.iter_mut().take(31).zip(name.bytes()) {
            *to = from as i8;
        }
        block.DriverTag = u32::from_le_bytes(*b"FxDr");
        // SAFETY: the driver passes room for the pointer.
        unsafe { globals.write(&raw mut *block) };
        CLIENTS.lock().unwrap_or_else(PoisonError::into_inner).push(Client {
            globals: block,
            driver_object: driver_object as usize,
            bound: true,
        });
        status::SUCCESS
    }

    /// Releases what `WdfVersionBind` has bound.
    irql(PASSIVE..=PASSIVE) untyped fn WdfVersionUnbind(
        _registry_path: PUNICODE_STRING, _info: *mut BindInfo, globals: PWDF_DRIVER_GLOBALS
    ) -> i32 {
        client(globals);
        // SAFETY: the globals were just checked to be ours.
        let driver = unsafe { (*globals).Driver };
        // A DriverEntry that failed leaves its objects to the framework; EvtDriverUnload does not run then.
        if !driver.is_null() && handle::get::<object::Object>(driver.cast()).is_some() {
            driver::delete(driver);
        }
        let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.iter_mut().find(|client| std::ptr::eq(&raw const *client.globals, globals)) {
            client.bound = false;
        }
        status::SUCCESS
    }

    /// Binds a class extension; the lab has none.
    irql(PASSIVE..=PASSIVE) untyped fn WdfVersionBindClass(
        _info: *mut BindInfo, _globals: PWDF_DRIVER_GLOBALS, _class: *mut u8
    ) -> i32 {
        status::OBJECT_NAME_NOT_FOUND
    }

    /// Releases a class extension.
    irql(PASSIVE..=PASSIVE) untyped fn WdfVersionUnbindClass(
        _info: *mut BindInfo, _globals: PWDF_DRIVER_GLOBALS, _class: *mut u8
    ) {
        violation("L-2", "WdfVersionUnbindClass without a bound class");
    }
}

#[cfg(test)]
mod tests {
    use ddk::nt::_WDFFUNCENUM as index;

    use super::*;

    #[test]
    fn names_are_in_the_order_of_the_table() {
        let names: Vec<_> = TABLE_NAMES.lines().collect();
        assert_eq!(names.len(), 458);
        for (name, slot) in [
            ("WdfDriverCreate", index::WdfDriverCreateTableIndex),
            ("WdfRequestCompleteWithInformation", index::WdfRequestCompleteWithInformationTableIndex),
            ("WdfRequestMarkCancelableEx", index::WdfRequestMarkCancelableExTableIndex),
            ("WdfRequestGetRequestorProcessId", index::WdfRequestGetRequestorProcessIdTableIndex),
        ] {
            assert_eq!(names[slot as usize], name);
        }
    }

    #[test]
    fn every_implemented_function_has_a_slot() {
        for export in tables().into_iter().flatten() {
            assert!(TABLE_NAMES.lines().any(|name| name == export.name), "{}", export.name);
        }
        assert!(FORBIDDEN.iter().all(|forbidden| TABLE_NAMES.lines().any(|name| name == *forbidden)));
    }
}
