//! What a driver without Microsoft's entry library needs of the framework loader, WDFLDR.SYS.
#![allow(missing_docs, reason = "fields carry the names of the loader interface")]

use crate::nt::{NTSTATUS, PDRIVER_OBJECT, PUNICODE_STRING, PVOID, ULONG, WDFFUNC};

opaque! { _LIBRARY_MODULE }

/// The framework's per-driver globals as the loader hands them out: a `PWDF_DRIVER_GLOBALS` in truth.
pub type PWDF_COMPONENT_GLOBALS = *mut PVOID;

/// Version of a framework library.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WDF_VERSION {
    pub Major: ULONG,
    pub Minor: ULONG,
    pub Build: ULONG,
}

/// What a driver asks of the loader: library, version and where to store the address of the function table.
///
/// For 1.15 and later `*FuncTable` receives the address of the framework's own table, and `FuncCount` must
/// be the exact table length of the requested version.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WDF_BIND_INFO {
    pub Size: ULONG,
    pub Component: *mut u16,
    pub Version: WDF_VERSION,
    pub FuncCount: ULONG,
    pub FuncTable: *mut WDFFUNC,
    pub Module: *mut _LIBRARY_MODULE,
}

/// Pointer to a [`WDF_BIND_INFO`], which must live until `WdfVersionUnbind`.
pub type PWDF_BIND_INFO = *mut WDF_BIND_INFO;

layout! {
    WDF_VERSION: 12, 4 { Major: 0, 4; Minor: 4, 4; Build: 8, 4; }
    WDF_BIND_INFO: 48, 8 {
        Size: 0, 4; Component: 8, 8; Version: 16, 12; FuncCount: 28, 4; FuncTable: 32, 8; Module: 40, 8;
    }
}

imports! {
    dll "WDFLDR.SYS";
    /// Binds the driver to a framework library. `RegistryPath` must stay valid until the driver unbinds.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn WdfVersionBind(
        DriverObject: PDRIVER_OBJECT,
        RegistryPath: PUNICODE_STRING,
        BindInfo: PWDF_BIND_INFO,
        ComponentGlobals: *mut PWDF_COMPONENT_GLOBALS,
    ) -> NTSTATUS;
    /// Releases the library bound by [`WdfVersionBind`].
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn WdfVersionUnbind(
        RegistryPath: PUNICODE_STRING,
        BindInfo: PWDF_BIND_INFO,
        ComponentGlobals: PWDF_COMPONENT_GLOBALS,
    ) -> NTSTATUS;
}
