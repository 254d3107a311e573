//! Filter drivers: registration with the rules R1 to R6 and V1 to V3, and deregistration.

use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ddk::ndis::*;
use ddk::nt::{PDRIVER_OBJECT, UNICODE_STRING};

use super::adapter::{self, AttachTime, lock};
use super::module::Module;
use crate::{handle, verifier};

/// The NDIS version of the simulated system: major in the high half, minor in the low half.
static SYSTEM_VERSION: Mutex<(u8, u8)> = Mutex::new((6, 80));

/// Sets which NDIS version the system has (default 6.80); minor as in the header, 80 for 6.80.
pub fn set_version(major: u8, minor: u8) {
    *lock(&SYSTEM_VERSION) = (major, minor);
}

/// The NDIS version of the system.
pub fn version() -> (u8, u8) {
    *lock(&SYSTEM_VERSION)
}

/// A registered filter driver.
pub struct FilterDriver {
    characteristics: NDIS_FILTER_DRIVER_CHARACTERISTICS,
    unique_name: String,
    context: usize,
    object: usize,
    handle: AtomicUsize,
    modules: Mutex<Vec<Arc<Module>>>,
}

// SAFETY: the characteristics are code addresses and are never changed after registration.
unsafe impl Send for FilterDriver {}
// SAFETY: as above.
unsafe impl Sync for FilterDriver {}

impl std::fmt::Debug for FilterDriver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FilterDriver").field("unique_name", &self.unique_name).finish_non_exhaustive()
    }
}

impl handle::Object for FilterDriver {
    const KIND: &'static str = "filter driver";
    const LEAK_RULE: Option<&'static str> = Some("N-67");
}

static DRIVERS: Mutex<Vec<Arc<FilterDriver>>> = Mutex::new(Vec::new());

/// The registered filter drivers in the order of their registration.
pub fn all() -> Vec<Arc<FilterDriver>> {
    lock(&DRIVERS).clone()
}

impl FilterDriver {
    /// The entry points that the driver registered, the default data handlers included, by the names of the documentation.
    pub fn entry_points(&self) -> Vec<&'static str> {
        let all = &self.characteristics;
        let points = [
            ("FilterSetOptions", all.SetOptionsHandler.is_some()),
            ("FilterSetModuleOptions", all.SetFilterModuleOptionsHandler.is_some()),
            ("FilterAttach", all.AttachHandler.is_some()),
            ("FilterDetach", all.DetachHandler.is_some()),
            ("FilterRestart", all.RestartHandler.is_some()),
            ("FilterPause", all.PauseHandler.is_some()),
            ("FilterSendNetBufferLists", all.SendNetBufferListsHandler.is_some()),
            ("FilterSendNetBufferListsComplete", all.SendNetBufferListsCompleteHandler.is_some()),
            ("FilterCancelSendNetBufferLists", all.CancelSendNetBufferListsHandler.is_some()),
            ("FilterReceiveNetBufferLists", all.ReceiveNetBufferListsHandler.is_some()),
            ("FilterReturnNetBufferLists", all.ReturnNetBufferListsHandler.is_some()),
            ("FilterOidRequest", all.OidRequestHandler.is_some()),
            ("FilterOidRequestComplete", all.OidRequestCompleteHandler.is_some()),
            ("FilterCancelOidRequest", all.CancelOidRequestHandler.is_some()),
            ("FilterDirectOidRequest", all.DirectOidRequestHandler.is_some()),
            ("FilterDirectOidRequestComplete", all.DirectOidRequestCompleteHandler.is_some()),
            ("FilterCancelDirectOidRequest", all.CancelDirectOidRequestHandler.is_some()),
            ("FilterSynchronousOidRequest", all.SynchronousOidRequestHandler.is_some()),
            ("FilterSynchronousOidRequestComplete", all.SynchronousOidRequestCompleteHandler.is_some()),
            ("FilterStatus", all.StatusHandler.is_some()),
            ("FilterDevicePnPEventNotify", all.DevicePnPEventNotifyHandler.is_some()),
            ("FilterNetPnPEvent", all.NetPnPEventHandler.is_some()),
        ];
        points.into_iter().filter_map(|(name, set)| set.then_some(name)).collect()
    }

    pub(crate) fn characteristics(&self) -> &NDIS_FILTER_DRIVER_CHARACTERISTICS {
        &self.characteristics
    }

    pub(crate) fn context(&self) -> NDIS_HANDLE {
        self.context as NDIS_HANDLE
    }

    /// The driver object with which it registered.
    pub(crate) fn object(&self) -> PDRIVER_OBJECT {
        self.object as PDRIVER_OBJECT
    }

    pub(crate) fn has_status(&self) -> bool {
        self.characteristics.StatusHandler.is_some()
    }

    /// UniqueName: the NetCfgInstanceId of the INF.
    pub fn unique_name(&self) -> &str {
        &self.unique_name
    }

    /// NDIS version that the driver registered.
    pub fn ndis_version(&self) -> (u8, u8) {
        (self.characteristics.MajorNdisVersion, self.characteristics.MinorNdisVersion)
    }

    /// The driver's modules.
    pub fn modules(&self) -> Vec<Arc<Module>> {
        lock(&self.modules).clone()
    }

    pub(crate) fn remember(&self, module: &Arc<Module>) {
        lock(&self.modules).push(module.clone());
    }

    pub(crate) fn forget(&self, number: u64) {
        lock(&self.modules).retain(|module| module.number != number);
    }

    pub(crate) fn data_handlers(&self) -> NDIS_FILTER_PARTIAL_CHARACTERISTICS {
        let all = &self.characteristics;
        NDIS_FILTER_PARTIAL_CHARACTERISTICS {
            Header: NDIS_OBJECT_HEADER {
                Type: NDIS_OBJECT_TYPE_FILTER_PARTIAL_CHARACTERISTICS,
                Revision: 1,
                Size: NDIS_SIZEOF_FILTER_PARTIAL_CHARACTERISTICS_REVISION_1,
            },
            Flags: 0,
            SendNetBufferListsHandler: all.SendNetBufferListsHandler,
            SendNetBufferListsCompleteHandler: all.SendNetBufferListsCompleteHandler,
            CancelSendNetBufferListsHandler: all.CancelSendNetBufferListsHandler,
            ReceiveNetBufferListsHandler: all.ReceiveNetBufferListsHandler,
            ReturnNetBufferListsHandler: all.ReturnNetBufferListsHandler,
        }
    }
}

/// R3 on a set of data handlers, in words if broken.
pub(crate) fn data_handler_rule(
    handlers: &NDIS_FILTER_PARTIAL_CHARACTERISTICS,
    status: bool,
) -> Option<String> {
    let receives =
        handlers.ReceiveNetBufferListsHandler.is_some() || handlers.ReturnNetBufferListsHandler.is_some();
    (receives && !status).then(|| "R3: a receive or return handler needs a status handler".into())
}

/// Revision and size that characteristics of an NDIS version must have (V2).
fn expected_revision(version: (u8, u8)) -> (u8, u16) {
    match version {
        (6, 0) => (1, NDIS_SIZEOF_FILTER_DRIVER_CHARACTERISTICS_REVISION_1),
        (6, ..80) => (2, NDIS_SIZEOF_FILTER_DRIVER_CHARACTERISTICS_REVISION_2),
        _ => (3, NDIS_SIZEOF_FILTER_DRIVER_CHARACTERISTICS_REVISION_3),
    }
}

/// # Safety
/// `string` is a valid UNICODE_STRING.
unsafe fn text(string: &UNICODE_STRING) -> Option<String> {
    if string.Buffer.is_null() || string.Length == 0 {
        return None;
    }
    // SAFETY: the caller guarantees that the buffer holds Length bytes.
    let units = unsafe { std::slice::from_raw_parts(string.Buffer, usize::from(string.Length) / 2) };
    Some(String::from_utf16_lossy(units))
}

/// NdisFRegisterFilterDriver.
///
/// # Safety
/// `characteristics` and `handle` are valid as the DDI page asks.
pub(crate) unsafe fn register(
    driver_object: PDRIVER_OBJECT,
    context: NDIS_HANDLE,
    characteristics: *const NDIS_FILTER_DRIVER_CHARACTERISTICS,
    handle: *mut NDIS_HANDLE,
) -> NDIS_STATUS {
    if driver_object.is_null() || characteristics.is_null() || handle.is_null() {
        return NDIS_STATUS_INVALID_PARAMETER;
    }
    if crate::pool::must_fail() {
        return NDIS_STATUS_RESOURCES;
    }
    // SAFETY: the header comes first in every revision.
    let found = unsafe { (*characteristics).Header };
    super::header::check(
        &found,
        NDIS_OBJECT_TYPE_FILTER_DRIVER_CHARACTERISTICS,
        1..=3,
        NDIS_SIZEOF_FILTER_DRIVER_CHARACTERISTICS_REVISION_1,
        "NDIS_FILTER_DRIVER_CHARACTERISTICS",
    );
    // SAFETY: a C structure of integers and nullable code addresses, for which zero is valid; the driver
    // gives `Size` bytes, of which no more than the structure has are copied.
    let copy = unsafe {
        let mut copy: NDIS_FILTER_DRIVER_CHARACTERISTICS = std::mem::zeroed();
        let size = usize::from(found.Size).min(size_of::<NDIS_FILTER_DRIVER_CHARACTERISTICS>());
        std::ptr::copy_nonoverlapping(characteristics.cast::<u8>(), (&raw mut copy).cast::<u8>(), size);
        copy
    };
    // V1: what is newer than the system is refused.
    let version = (copy.MajorNdisVersion, copy.MinorNdisVersion);
    if version.0 != 6 || version > self::version() {
        return NDIS_STATUS_BAD_VERSION;
    }
    // V2, V3.
    let (revision, size) = expected_revision(version);
    if found.Revision != revision || found.Size < size {
        return NDIS_STATUS_BAD_CHARACTERISTICS;
    }
    // R1.
    let mandatory = copy.AttachHandler.is_some()
        && copy.DetachHandler.is_some()
        && copy.RestartHandler.is_some()
        && copy.PauseHandler.is_some();
    // R2.
    let pairs = copy.OidRequestHandler.is_some() == copy.OidRequestCompleteHandler.is_some()
        && copy.DirectOidRequestHandler.is_some() == copy.DirectOidRequestCompleteHandler.is_some();
    // SAFETY: the strings are part of the driver's valid characteristics.
    let names = unsafe { [text(&copy.FriendlyName), text(&copy.UniqueName), text(&copy.ServiceName)] };
    // R6.
    let [Some(_), Some(unique_name), Some(_)] = names else { return NDIS_STATUS_BAD_CHARACTERISTICS };
    let braced = unique_name.starts_with('{') && unique_name.ends_with('}') && unique_name.len() == 38;
    let driver = FilterDriver {
        characteristics: copy,
        unique_name,
        context: context as usize,
        object: driver_object as usize,
        handle: AtomicUsize::new(0),
        modules: Mutex::default(),
    };
    // R3.
    let data = data_handler_rule(&driver.data_handlers(), driver.has_status()).is_none();
    if !mandatory || !pairs || !data || !braced {
        return NDIS_STATUS_BAD_CHARACTERISTICS;
    }
    let driver = Arc::new(driver);
    let value = handle::create(driver.clone());
    driver.handle.store(value as usize, Ordering::Relaxed);
    lock(&DRIVERS).push(driver.clone());
    // SAFETY: checked for null above; the driver's variable.
    unsafe { *handle = value };
    if let Some(set_options) = copy.SetOptionsHandler {
        let status = verifier::callback("FilterSetOptions", || {
            // SAFETY: the driver registered this handler.
            unsafe { set_options(value, context) }
        });
        if status != NDIS_STATUS_SUCCESS {
            forget(&driver);
            return status;
        }
    }
    // §1.3: FilterAttach may come before the registration returns (N-66).
    for adapter in adapter::all() {
        if adapter.config().attach == AttachTime::DuringRegistration {
            let _ = adapter.rebuild(|| adapter.attach(&driver));
        }
    }
    NDIS_STATUS_SUCCESS
}

fn forget(driver: &Arc<FilterDriver>) {
    lock(&DRIVERS).retain(|other| !Arc::ptr_eq(other, driver));
    handle::close::<FilterDriver>(driver.handle.load(Ordering::Relaxed) as *const c_void);
}

/// NdisFDeregisterFilterDriver: pauses and detaches every module, then forgets the driver.
pub(crate) fn deregister(value: NDIS_HANDLE) {
    let Some(driver) = handle::get::<FilterDriver>(value) else {
        verifier::violation("N-67", "NdisFDeregisterFilterDriver without an open filter driver handle");
    };
    for adapter in adapter::all() {
        adapter.rebuild(|| adapter.remove_driver(&driver));
    }
    forget(&driver);
}
