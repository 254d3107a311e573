//! What surrounds a Rust driver: entry stub, panic handler, compiler support symbols.
//!
//! With the feature `wdk` all of it comes from Microsoft: WdfDriverEntry.lib binds to the framework, `wdk-panic` handles
//! panics, `wdk-sys` has the symbols. Without, it stands here.

#[cfg(feature = "wdk")]
extern crate wdk_panic;

#[cfg(not(feature = "wdk"))]
mod own {
    use core::ffi::c_int;
    use core::panic::PanicInfo;
    use core::ptr::null_mut;

    use ddk::nt::ntddk::KeBugCheckEx;
    use ddk::nt::{
        _WDFFUNCENUM, NTSTATUS, PCUNICODE_STRING, PDRIVER_OBJECT, PDRIVER_UNLOAD, PUNICODE_STRING,
        PWDF_DRIVER_GLOBALS, UNICODE_STRING, WDFFUNC, WdfDriverGlobals, WdfFunctions,
    };
    use ddk::wdf::{PWDF_COMPONENT_GLOBALS, WDF_BIND_INFO, WDF_VERSION, WdfVersionBind, WdfVersionUnbind};
    use kernel::wide;

    use crate::driver::driver_entry;

    /// Tells that the image uses floating point registers, which the linker wants to know of every image.
    #[unsafe(no_mangle)]
    static _fltused: c_int = 0;

    /// A panic stops the machine: file name (pointer and length), line and column are the bug check's parameters, under
    /// the code that `wdk-panic` uses too.
    #[panic_handler]
    fn panic(info: &PanicInfo<'_>) -> ! {
        const RUST_PANIC: u32 = 0x5253_4E43;
        let (file, line, column) =
            info.location().map_or(("", 0, 0), |at| (at.file(), at.line(), at.column()));
        // SAFETY: KeBugCheckEx may be called in any state of the machine.
        unsafe {
            KeBugCheckEx(
                RUST_PANIC,
                file.as_ptr() as u64,
                file.len() as u64,
                u64::from(line),
                u64::from(column),
            )
        }
    }

    /// KMDF 1.31 is that of the oldest Windows supported (10 version 2004); its table is as long as that of 1.33.
    const FRAMEWORK: WDF_VERSION = WDF_VERSION { Major: 1, Minor: 31, Build: 0 };

    /// Longest registry path of a service: the key of the services, and a name of 256 units.
    const PATH: usize = 320;

    /// What the stub keeps between load and unload.
    struct Stub {
        bind: WDF_BIND_INFO,
        registry_path: UNICODE_STRING,
        path: [u16; PATH],
        unload: PDRIVER_UNLOAD,
    }

    /// Written by the entry point before anything else runs, and read by the unload routine, which the I/O manager
    /// serialises with it.
    static mut STUB: Stub = Stub {
        bind: WDF_BIND_INFO {
            Size: size_of::<WDF_BIND_INFO>() as u32,
            Component: null_mut(),
            Version: FRAMEWORK,
            FuncCount: _WDFFUNCENUM::WdfFunctionTableNumEntries as u32,
            FuncTable: null_mut(),
            Module: null_mut(),
        },
        registry_path: UNICODE_STRING { Length: 0, MaximumLength: 0, Buffer: null_mut() },
        path: [0; PATH],
        unload: None,
    };

    /// Entry point of the image: binds to the framework, then calls DriverEntry. IRQL: PASSIVE_LEVEL.
    ///
    /// # Safety
    /// To be called by the I/O manager only.
    #[unsafe(export_name = "FxDriverEntry")]
    pub(super) unsafe extern "C" fn fx_driver_entry(
        object: PDRIVER_OBJECT,
        registry_path: PCUNICODE_STRING,
    ) -> NTSTATUS {
        let stub = &raw mut STUB;
        // SAFETY: nothing else runs in this image yet, and the path is the I/O manager's.
        unsafe { keep_path(stub, registry_path) };
        // SAFETY: as above.
        let (bind, path) = unsafe { (&raw mut (*stub).bind, &raw mut (*stub).registry_path) };
        // SAFETY: as above.
        unsafe { (*bind).Component = wide!("KmdfLibrary").as_ptr().cast_mut() };
        // SAFETY: as above. For this version the loader stores the address of the framework's table.
        unsafe { (*bind).FuncTable = (&raw mut WdfFunctions).cast::<WDFFUNC>() };
        let mut globals: PWDF_COMPONENT_GLOBALS = null_mut();
        // SAFETY: bind information and path are statics and so live until the driver unbinds.
        let status = unsafe { WdfVersionBind(object, path, bind, &raw mut globals) };
        if status < 0 {
            return status;
        }
        let driver_globals: PWDF_DRIVER_GLOBALS = globals.cast();
        // SAFETY: nothing else runs in this image yet.
        unsafe { WdfDriverGlobals = driver_globals };
        // SAFETY: the arguments are the I/O manager's.
        let status = unsafe { driver_entry(object, registry_path) };
        if status < 0 {
            // SAFETY: the driver is bound and does not use the framework any more.
            return unsafe { unbind(path, bind, globals, status) };
        }
        // SAFETY: the loader's globals are valid while the driver is bound; the driver object is the I/O manager's.
        unsafe {
            if (*driver_globals).DisplaceDriverUnload != 0 {
                (*stub).unload = (*object).DriverUnload;
                (*object).DriverUnload = Some(fx_driver_unload);
            }
        }
        status
    }

    /// Copies the registry path: binding needs it until the driver unbinds, the I/O manager's copy ends with the call.
    ///
    /// # Safety
    /// `stub` must be valid and not in use, `registry_path` NULL or valid.
    unsafe fn keep_path(stub: *mut Stub, registry_path: PCUNICODE_STRING) {
        // SAFETY: by the contract of this function.
        let source = unsafe { kernel::unicode::units(registry_path) };
        // SAFETY: by the contract of this function.
        let path = unsafe { &mut (*stub).path };
        let mut length = 0_u16;
        for (to, from) in path.iter_mut().zip(source) {
            *to = *from;
            length = length.wrapping_add(2);
        }
        let path = UNICODE_STRING { Length: length, MaximumLength: length, Buffer: path.as_mut_ptr() };
        // SAFETY: by the contract of this function.
        unsafe { (*stub).registry_path = path };
    }

    /// Unbinds after a failed DriverEntry, and returns its status.
    ///
    /// # Safety
    /// The driver must be bound with these arguments and must not use the framework afterwards.
    unsafe fn unbind(
        path: PUNICODE_STRING,
        bind: *mut WDF_BIND_INFO,
        globals: PWDF_COMPONENT_GLOBALS,
        status: NTSTATUS,
    ) -> NTSTATUS {
        // SAFETY: by the contract of this function. There is nothing left to do should it fail.
        let _unbound = unsafe { WdfVersionUnbind(path, bind, globals) };
        status
    }

    /// Unload routine of the image: the framework's own, then unbinds. IRQL: PASSIVE_LEVEL.
    unsafe extern "C" fn fx_driver_unload(object: PDRIVER_OBJECT) {
        let stub = &raw mut STUB;
        // SAFETY: the entry point is over, and unload runs once.
        if let Some(unload) = unsafe { (*stub).unload } {
            // SAFETY: this is the routine that the framework stored in the driver object.
            unsafe { unload(object) };
        }
        // SAFETY: the driver is bound, and the framework was told to unload it.
        let (path, bind) = unsafe { (&raw mut (*stub).registry_path, &raw mut (*stub).bind) };
        // SAFETY: the driver was bound with these globals, and does not use the framework any more.
        let _unbound = unsafe { unbind(path, bind, WdfDriverGlobals.cast(), 0) };
    }
}
