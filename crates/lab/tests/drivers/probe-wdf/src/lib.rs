//! A framework driver for the lab's own tests. The service's name selects mistakes of DriverEntry; the
//! control codes select what is done with a request.
#![no_std]

use core::ffi::c_void;
use core::panic::PanicInfo;
use core::ptr::{null_mut, write_bytes};

use ddk::nt::ntddk::*;
use ddk::nt::*;
use ddk::wdf::*;
use ddk::wdf_call as wdf;

/// Control codes: FILE_DEVICE_UNKNOWN, buffered unless they say otherwise, any access.
const fn code(function: u32, method: u32, access: u32) -> u32 {
    0x22 << 16 | access << 14 | function << 2 | method
}

const ECHO: u32 = code(0x800, 0, 0);
const COMPLETE_TWICE: u32 = code(0x801, 0, 0);
const NEVER_COMPLETE: u32 = code(0x802, 0, 0);
const USE_AFTER_COMPLETE: u32 = code(0x803, 0, 0);
const BUFFER_AFTER_COMPLETE: u32 = code(0x804, 0, 0);
const TOO_MUCH_INFORMATION: u32 = code(0x805, 0, 0);
const UNWRITTEN_OUTPUT: u32 = code(0x806, 0, 0);
const PARK: u32 = code(0x807, 0, 0);
const UNPARK: u32 = code(0x808, 0, 0);
const WRONG_HANDLE: u32 = code(0x809, 0, 0);
const RETURN_RAISED: u32 = code(0x80a, 0, 0);
const LEAVE_LOCK: u32 = code(0x80b, 0, 0);
const DELETE_REQUEST: u32 = code(0x80c, 0, 0);
const CREATE_AT_DISPATCH: u32 = code(0x80d, 0, 0);
const COMPLETE_CANCELABLE: u32 = code(0x80e, 0, 0);
const WAIT_FOR_CANCEL: u32 = code(0x80f, 0, 0);
const OVERRUN: u32 = code(0x810, 0, 0);
const NULL_ARGUMENT: u32 = code(0x811, 0, 0);
const PURGE_IN_CALLBACK: u32 = code(0x812, 0, 0);
const DIRECT: u32 = code(0x813, 2, 0);
const NEITHER: u32 = code(0x814, 3, 0);
const NEEDS_WRITE: u32 = code(0x815, 0, 2);
const PENDING_STATUS: u32 = code(0x816, 0, 0);
const START_TIMER: u32 = code(0x817, 0, 0);
const RUN_WORK: u32 = code(0x818, 0, 0);
const REFERENCE: u32 = code(0x819, 0, 0);
const RECURSIVE_LOCK: u32 = code(0x81a, 0, 0);
const BAD_ATTRIBUTES: u32 = code(0x81b, 0, 0);
const SERIAL: u32 = code(0x81c, 0, 0);
const COUNT: u32 = code(0x81d, 0, 0);
const DEREFERENCE: u32 = code(0x81e, 0, 0);
const RELEASE_UNHELD: u32 = code(0x81f, 0, 0);

const FRAMEWORK_MINOR: u32 = 15;
const FUNCTIONS: u32 = 444;

struct Stub {
    bind: WDF_BIND_INFO,
    unload: PDRIVER_UNLOAD,
    path: UNICODE_STRING,
    driver: WDFDRIVER,
    device: WDFDEVICE,
    parked: WDFQUEUE,
    serial: WDFQUEUE,
    timer: WDFTIMER,
    work: WDFWORKITEM,
    lock: WDFSPINLOCK,
    count: u32,
    fail_creates: bool,
}

/// Written by the entry point; afterwards only the counters change, and only in tests that expect it.
static mut STUB: Stub = Stub {
    bind: WDF_BIND_INFO {
        Size: size_of::<WDF_BIND_INFO>() as u32,
        Component: null_mut(),
        Version: WDF_VERSION { Major: 1, Minor: FRAMEWORK_MINOR, Build: 0 },
        FuncCount: FUNCTIONS,
        FuncTable: null_mut(),
        Module: null_mut(),
    },
    unload: None,
    path: UNICODE_STRING { Length: 0, MaximumLength: 0, Buffer: null_mut() },
    driver: null_mut(),
    device: null_mut(),
    parked: null_mut(),
    serial: null_mut(),
    timer: null_mut(),
    work: null_mut(),
    lock: null_mut(),
    count: 0,
    fail_creates: false,
};

/// A context, to see cleanup and destruction.
#[repr(C)]
struct Context {
    magic: u64,
}

struct Info(WDF_OBJECT_CONTEXT_TYPE_INFO);
// SAFETY: immutable.
unsafe impl Sync for Info {}

static CONTEXT: Info = Info(WDF_OBJECT_CONTEXT_TYPE_INFO {
    Size: size_of::<WDF_OBJECT_CONTEXT_TYPE_INFO>() as u32,
    ContextName: c"Context".as_ptr(),
    ContextSize: size_of::<Context>(),
    UniqueType: &raw const CONTEXT.0,
    EvtDriverGetUniqueContextType: None,
});

fn wide<const N: usize>(text: &str) -> [u16; N] {
    let mut units = [0; N];
    for (to, from) in units.iter_mut().zip(text.bytes()) {
        *to = u16::from(from);
    }
    units
}

fn counted(units: &[u16]) -> UNICODE_STRING {
    let length = units.iter().position(|unit| *unit == 0).unwrap_or(units.len()) as u16 * 2;
    UNICODE_STRING { Length: length, MaximumLength: length, Buffer: units.as_ptr().cast_mut() }
}

fn is(path: &UNICODE_STRING, name: &str) -> bool {
    // SAFETY: the path is the I/O manager's.
    let units = unsafe { core::slice::from_raw_parts(path.Buffer, usize::from(path.Length) / 2) };
    let start = units.iter().rposition(|unit| *unit == u16::from(b'\\')).map_or(0, |at| at + 1);
    let mode = &units[start..];
    mode.len() == name.len() && mode.iter().zip(name.bytes()).all(|(unit, byte)| *unit == u16::from(byte))
}

/// Entry point: binds, runs, and unbinds after a failure.
///
/// # Safety
/// Called by the I/O manager alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FxDriverEntry(object: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
    let stub = &raw mut STUB;
    let component = wide::<12>("KmdfLibrary");
    // SAFETY: nothing else runs in this image yet; the arguments are the I/O manager's.
    unsafe {
        (*stub).path = *path;
        (*stub).bind.Component = component.as_ptr().cast_mut();
        (*stub).bind.FuncTable = (&raw mut WdfFunctions).cast();
        if is(&*path, "wrong-count") {
            (*stub).bind.FuncCount = FUNCTIONS + 1;
        }
        let mut globals = null_mut();
        let status = WdfVersionBind(object, path, &raw mut (*stub).bind, &raw mut globals);
        if status < 0 {
            return status;
        }
        WdfDriverGlobals = globals.cast();
        let status = start(object, path);
        if status < 0 {
            let _ = WdfVersionUnbind(path, &raw mut (*stub).bind, globals);
            return status;
        }
        if (*WdfDriverGlobals).DisplaceDriverUnload != 0 {
            (*stub).unload = (*object).DriverUnload;
            (*object).DriverUnload = Some(fx_unload);
        }
        status
    }
}

unsafe extern "C" fn fx_unload(object: PDRIVER_OBJECT) {
    let stub = &raw mut STUB;
    // SAFETY: the framework stored its routine, and the driver is bound.
    unsafe {
        if let Some(unload) = (*stub).unload {
            unload(object);
        }
        let _ = WdfVersionUnbind(&raw mut (*stub).path, &raw mut (*stub).bind, WdfDriverGlobals.cast());
    }
}

unsafe extern "C" fn evt_unload(_driver: WDFDRIVER) {
    // SAFETY: constant text.
    unsafe { DbgPrint(c"EvtDriverUnload\n".as_ptr()) };
}

unsafe extern "C" fn cleanup(_object: WDFOBJECT) {
    // SAFETY: constant text.
    unsafe { DbgPrint(c"cleanup\n".as_ptr()) };
}

unsafe extern "C" fn destroy(object: WDFOBJECT) {
    // SAFETY: the context lives until this callback has returned.
    unsafe {
        let context: *mut Context = wdf!(WdfObjectGetTypedContextWorker, object, &raw const CONTEXT.0).cast();
        DbgPrint(c"destroy %x\n".as_ptr(), (*context).magic as u32);
    }
}

unsafe fn start(object: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
    let stub = &raw mut STUB;
    // SAFETY: in DriverEntry; every branch keeps the contracts, or breaks exactly the one that it is named
    // for.
    unsafe {
        let mode = &*path;
        let mut config = WDF_DRIVER_CONFIG_INIT(None);
        config.DriverInitFlags = _WDF_DRIVER_INIT_FLAGS::WdfDriverInitNonPnpDriver as u32;
        if !is(mode, "no-unload") {
            config.EvtDriverUnload = Some(evt_unload);
        }
        let none: PWDF_OBJECT_ATTRIBUTES = null_mut();
        let driver = &raw mut (*stub).driver;
        if is(mode, "wrong-object") {
            let mut copy = *object;
            return wdf!(WdfDriverCreate, &raw mut copy, path, none, &raw mut config, driver);
        }
        let mut status = wdf!(WdfDriverCreate, object, path, none, &raw mut config, driver);
        if status < 0 {
            return status;
        }
        if is(mode, "dispatch")
            && let Some(dispatch) = (*object).MajorFunction[0]
        {
            return dispatch(null_mut(), null_mut());
        }
        if is(mode, "create-twice") {
            return wdf!(WdfDriverCreate, object, path, none, &raw mut config, null_mut());
        }
        let sddl =
            wide::<64>(if is(mode, "bad-sddl") { "D:P(A;;XX;;;SY)" } else { "D:P(A;;GA;;;SY)(A;;GA;;;BA)" });
        let sddl = counted(&sddl);
        let mut init = wdf!(WdfControlDeviceInitAllocate, (*stub).driver, &raw const sddl);
        if init.is_null() {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        if is(mode, "leak-init") {
            return STATUS_SUCCESS;
        }
        if is(mode, "pnp-setter") {
            let slot = _WDFFUNCENUM::WdfDeviceInitSetPnpPowerEventCallbacksTableIndex as usize;
            let set: unsafe extern "C" fn(PWDF_DRIVER_GLOBALS, PWDFDEVICE_INIT, *mut c_void) =
                core::mem::transmute(*WdfFunctions.add(slot));
            set(WdfDriverGlobals, init, null_mut());
        }
        let name = wide::<64>(r"\Device\LabProbe");
        let name = counted(&name);
        status = wdf!(WdfDeviceInitAssignName, init, &raw const name);
        if status < 0 {
            wdf!(WdfDeviceInitFree, init);
            return status;
        }
        let mut files = WDF_FILEOBJECT_CONFIG_INIT(Some(file_create), Some(file_close), Some(file_cleanup));
        wdf!(WdfDeviceInitSetFileObjectConfig, init, &raw mut files, none);
        let old = init;
        let mut attributes = WDF_OBJECT_ATTRIBUTES_INIT();
        attributes.ContextTypeInfo = &raw const CONTEXT.0;
        attributes.EvtCleanupCallback = Some(cleanup);
        attributes.EvtDestroyCallback = Some(destroy);
        status = wdf!(WdfDeviceCreate, &raw mut init, &raw mut attributes, &raw mut (*stub).device);
        if status < 0 {
            wdf!(WdfDeviceInitFree, init);
            return status;
        }
        if is(mode, "free-init-twice") {
            wdf!(WdfDeviceInitFree, old);
        }
        let device = (*stub).device;
        let context: *mut Context =
            wdf!(WdfObjectGetTypedContextWorker, device.cast(), &raw const CONTEXT.0).cast();
        (*context).magic = 0xabc;
        let link = wide::<64>(r"\DosDevices\LabProbe");
        let link = counted(&link);
        status = wdf!(WdfDeviceCreateSymbolicLink, device, &raw const link);
        if status < 0 {
            return status;
        }
        status = make_objects(device);
        if status < 0 {
            return status;
        }
        if is(mode, "fail-late") {
            return STATUS_UNSUCCESSFUL;
        }
        (*stub).fail_creates = is(mode, "fail-creates");
        if is(mode, "never-finish") {
            return STATUS_SUCCESS;
        }
        wdf!(WdfControlFinishInitializing, device);
        if is(mode, "finish-twice") {
            wdf!(WdfControlFinishInitializing, device);
        }
        read_parameters((*stub).driver);
        STATUS_SUCCESS
    }
}

unsafe fn make_objects(device: WDFDEVICE) -> NTSTATUS {
    let stub = &raw mut STUB;
    // SAFETY: in DriverEntry, with a device.
    unsafe {
        let none: PWDF_OBJECT_ATTRIBUTES = null_mut();
        let mut queue =
            WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(_WDF_IO_QUEUE_DISPATCH_TYPE::WdfIoQueueDispatchParallel);
        queue.EvtIoDeviceControl = Some(control);
        let mut status = wdf!(WdfIoQueueCreate, device, &raw mut queue, none, null_mut());
        if status < 0 {
            return status;
        }
        let mut queue = WDF_IO_QUEUE_CONFIG_INIT(_WDF_IO_QUEUE_DISPATCH_TYPE::WdfIoQueueDispatchManual);
        status = wdf!(WdfIoQueueCreate, device, &raw mut queue, none, &raw mut (*stub).parked);
        if status < 0 {
            return status;
        }
        let mut queue = WDF_IO_QUEUE_CONFIG_INIT(_WDF_IO_QUEUE_DISPATCH_TYPE::WdfIoQueueDispatchSequential);
        queue.EvtIoDeviceControl = Some(one_at_a_time);
        status = wdf!(WdfIoQueueCreate, device, &raw mut queue, none, &raw mut (*stub).serial);
        if status < 0 {
            return status;
        }
        let mut below = WDF_OBJECT_ATTRIBUTES_INIT();
        below.ParentObject = device.cast();
        let mut timer = WDF_TIMER_CONFIG_INIT(Some(expired));
        status = wdf!(WdfTimerCreate, &raw mut timer, &raw mut below, &raw mut (*stub).timer);
        if status < 0 {
            return status;
        }
        let mut work = WDF_WORKITEM_CONFIG_INIT(Some(worked));
        status = wdf!(WdfWorkItemCreate, &raw mut work, &raw mut below, &raw mut (*stub).work);
        if status < 0 {
            return status;
        }
        wdf!(WdfSpinLockCreate, &raw mut below, &raw mut (*stub).lock)
    }
}

unsafe fn read_parameters(driver: WDFDRIVER) {
    // SAFETY: in DriverEntry, with a driver.
    unsafe {
        let mut key: WDFKEY = null_mut();
        let none: PWDF_OBJECT_ATTRIBUTES = null_mut();
        if wdf!(WdfDriverOpenParametersRegistryKey, driver, 0x2_0019, none, &raw mut key) < 0 {
            return;
        }
        let name = wide::<8>("Number");
        let name = counted(&name);
        let mut value = 0;
        let status = wdf!(WdfRegistryQueryULong, key, &raw const name, &raw mut value);
        DbgPrint(c"Number: %x %d\n".as_ptr(), status, value);
        wdf!(WdfRegistryClose, key);
    }
}

unsafe extern "C" fn file_create(_device: WDFDEVICE, request: WDFREQUEST, _file: WDFFILEOBJECT) {
    // SAFETY: the request is presented here.
    unsafe {
        let status = if STUB.fail_creates { STATUS_INSUFFICIENT_RESOURCES } else { STATUS_SUCCESS };
        wdf!(WdfRequestComplete, request, status);
    }
}

unsafe extern "C" fn file_cleanup(_file: WDFFILEOBJECT) {
    // SAFETY: constant text.
    unsafe { DbgPrint(c"file cleanup\n".as_ptr()) };
}

unsafe extern "C" fn file_close(_file: WDFFILEOBJECT) {
    // SAFETY: constant text.
    unsafe { DbgPrint(c"file close\n".as_ptr()) };
}

unsafe extern "C" fn expired(_timer: WDFTIMER) {
    // SAFETY: one timer, started once.
    unsafe { STUB.count += 10 };
}

unsafe extern "C" fn worked(_item: WDFWORKITEM) {
    // SAFETY: flushed by the one who queued it.
    unsafe { STUB.count += 1 };
}

unsafe extern "C" fn canceled(request: WDFREQUEST) {
    // SAFETY: the request is the driver's, and is not cancelable any more.
    unsafe { wdf!(WdfRequestComplete, request, STATUS_CANCELLED) };
}

unsafe extern "C" fn one_at_a_time(
    _queue: WDFQUEUE,
    request: WDFREQUEST,
    _out: usize,
    _in: usize,
    _code: u32,
) {
    // SAFETY: a sequential queue has one request presented at a time, so nobody else counts.
    unsafe {
        STUB.count += 100;
        wdf!(WdfRequestComplete, request, STATUS_SUCCESS);
    }
}

unsafe extern "C" fn control(queue: WDFQUEUE, request: WDFREQUEST, output: usize, input: usize, code: u32) {
    let stub = &raw mut STUB;
    let (mut from, mut to, mut length) = (null_mut(), null_mut(), 0);
    // SAFETY: the request is presented here; every branch keeps the contracts, or breaks exactly the one that
    // it is named for.
    unsafe {
        let complete = |status| wdf!(WdfRequestComplete, request, status);
        match code {
            ECHO => {
                let status = wdf!(WdfRequestRetrieveInputBuffer, request, 1, &raw mut from, &raw mut length);
                if status < 0 {
                    return complete(status);
                }
                let mut room = 0;
                let status =
                    wdf!(WdfRequestRetrieveOutputBuffer, request, length, &raw mut to, &raw mut room);
                if status < 0 {
                    return complete(status);
                }
                for i in 0..length {
                    let byte = from.cast::<u8>().add(i);
                    to.cast::<u8>().add(i).write(byte.read().wrapping_add(1));
                }
                wdf!(WdfRequestCompleteWithInformation, request, STATUS_SUCCESS, length as u64);
            }
            COMPLETE_TWICE => {
                complete(STATUS_SUCCESS);
                complete(STATUS_SUCCESS);
            }
            NEVER_COMPLETE => {}
            USE_AFTER_COMPLETE => {
                complete(STATUS_SUCCESS);
                wdf!(WdfRequestGetFileObject, request);
            }
            BUFFER_AFTER_COMPLETE => {
                let _ = wdf!(WdfRequestRetrieveOutputBuffer, request, 1, &raw mut to, null_mut());
                complete(STATUS_SUCCESS);
                to.cast::<u8>().write_volatile(1);
            }
            TOO_MUCH_INFORMATION => {
                wdf!(WdfRequestCompleteWithInformation, request, STATUS_SUCCESS, output as u64 + 1);
            }
            UNWRITTEN_OUTPUT => {
                wdf!(WdfRequestCompleteWithInformation, request, STATUS_SUCCESS, output as u64);
            }
            PARK => {
                let status = wdf!(WdfRequestForwardToIoQueue, request, (*stub).parked);
                if status < 0 {
                    complete(status);
                }
            }
            UNPARK => {
                let mut parked = null_mut();
                let status = wdf!(WdfIoQueueRetrieveNextRequest, (*stub).parked, &raw mut parked);
                if status >= 0 {
                    let status = wdf!(WdfRequestRetrieveOutputBuffer, parked, 4, &raw mut to, null_mut());
                    if status >= 0 {
                        to.cast::<u32>().write_unaligned(0x1234_5678);
                    }
                    wdf!(WdfRequestCompleteWithInformation, parked, status, 4);
                }
                complete(status);
            }
            WRONG_HANDLE => {
                wdf!(WdfRequestComplete, queue.cast(), STATUS_SUCCESS);
            }
            RETURN_RAISED => {
                complete(STATUS_SUCCESS);
                KfRaiseIrql(2);
            }
            LEAVE_LOCK => {
                complete(STATUS_SUCCESS);
                wdf!(WdfSpinLockAcquire, (*stub).lock);
            }
            DELETE_REQUEST => wdf!(WdfObjectDelete, request.cast()),
            CREATE_AT_DISPATCH => {
                KfRaiseIrql(2);
                let mut key = null_mut();
                let _ = wdf!(WdfDriverOpenParametersRegistryKey, (*stub).driver, 0, null_mut(), &raw mut key);
            }
            COMPLETE_CANCELABLE => {
                let _ = wdf!(WdfRequestMarkCancelableEx, request, Some(canceled));
                complete(STATUS_SUCCESS);
            }
            WAIT_FOR_CANCEL => {
                let status = wdf!(WdfRequestMarkCancelableEx, request, Some(canceled));
                if status < 0 {
                    complete(status);
                }
            }
            OVERRUN => {
                let _ = wdf!(WdfRequestRetrieveOutputBuffer, request, 1, &raw mut to, &raw mut length);
                write_bytes(to.cast::<u8>(), 0, core::hint::black_box(length + 16));
                complete(STATUS_SUCCESS);
            }
            NULL_ARGUMENT => {
                let _ = wdf!(WdfRequestRetrieveInputBuffer, request, 1, null_mut(), null_mut());
            }
            PURGE_IN_CALLBACK => wdf!(WdfIoQueuePurgeSynchronously, queue),
            DIRECT => {
                let status = wdf!(WdfRequestRetrieveOutputBuffer, request, 4, &raw mut to, null_mut());
                if status >= 0 {
                    write_bytes(to.cast::<u8>(), 7, 4);
                }
                wdf!(WdfRequestCompleteWithInformation, request, status, 4);
            }
            NEITHER => complete(wdf!(WdfRequestRetrieveInputBuffer, request, 1, &raw mut from, null_mut())),
            NEEDS_WRITE => complete(STATUS_SUCCESS),
            PENDING_STATUS => complete(STATUS_PENDING),
            START_TIMER => {
                wdf!(WdfTimerStart, (*stub).timer, -100_000);
                complete(STATUS_SUCCESS);
            }
            RUN_WORK => {
                wdf!(WdfWorkItemEnqueue, (*stub).work);
                wdf!(WdfWorkItemFlush, (*stub).work);
                complete(STATUS_SUCCESS);
            }
            REFERENCE => {
                wdf!(WdfObjectReferenceActual, (*stub).device.cast(), null_mut(), 0, c"".as_ptr());
                complete(STATUS_SUCCESS);
            }
            DEREFERENCE => {
                wdf!(WdfObjectDereferenceActual, (*stub).device.cast(), null_mut(), 0, c"".as_ptr());
            }
            RELEASE_UNHELD => {
                KfRaiseIrql(2);
                wdf!(WdfSpinLockRelease, (*stub).lock);
            }
            RECURSIVE_LOCK => {
                wdf!(WdfSpinLockAcquire, (*stub).lock);
                wdf!(WdfSpinLockAcquire, (*stub).lock);
            }
            BAD_ATTRIBUTES => {
                let mut attributes = WDF_OBJECT_ATTRIBUTES { Size: 56, ..Default::default() };
                let mut lock = null_mut();
                let _ = wdf!(WdfSpinLockCreate, &raw mut attributes, &raw mut lock);
            }
            SERIAL => {
                let status = wdf!(WdfRequestForwardToIoQueue, request, (*stub).serial);
                if status < 0 {
                    complete(status);
                }
            }
            COUNT => {
                let status = wdf!(WdfRequestRetrieveOutputBuffer, request, 4, &raw mut to, null_mut());
                if status >= 0 {
                    to.cast::<u32>().write_unaligned((*stub).count);
                }
                wdf!(WdfRequestCompleteWithInformation, request, status, 4);
            }
            _ => {
                let _ = input;
                complete(STATUS_INVALID_DEVICE_REQUEST);
            }
        }
    }
}

/// The compiler refers to this symbol when code names floating point types.
#[unsafe(no_mangle)]
pub static _fltused: i32 = 0;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: stops the machine.
    unsafe { KeBugCheckEx(0x5052_4f42, 0, 0, 0, 0) }
}
