//! Shape of `wdk-sys`: types, constants, field paths and calls the driver relies on, checked at compile time.
//!
//! The same statements compile against the genuine crate (there the callbacks are spelled `unsafe extern "C" fn`; here
//! `callback!` writes the convention of the host), so one driver source serves both.
#![allow(
    dead_code,
    unused_imports,
    missing_docs,
    unreachable_pub,
    reason = "the test is that this file compiles"
)]
#![allow(clippy::undocumented_unsafe_blocks, reason = "never called: the body is only type-checked")]
#![allow(clippy::type_complexity, reason = "types are compared in full")]

use core::ffi::*;
use core::mem::{align_of, offset_of, size_of};

use ddk::nt::ntddk::*;
use ddk::nt::*;

macro_rules! ty { ($($a:ty = $b:ty;)*) => { $( const _: fn($a) -> $b = |x| x; )* } }
ty! {
    BOOLEAN = u8; UCHAR = u8; CHAR = c_char; CCHAR = c_char; CSHORT = i16; USHORT = u16; LONG = i32; ULONG = u32; INT = i32;
    LONGLONG = i64; ULONGLONG = u64; ULONG64 = u64; ULONG_PTR = u64; SIZE_T = u64; LONG_PTR = i64; UINT_PTR = u64; KAFFINITY = u64;
    NTSTATUS = i32; KIRQL = u8; KPRIORITY = i32; KPROCESSOR_MODE = c_char; ACCESS_MASK = u32; LOGICAL = u32; POOL_FLAGS = u64;
    WCHAR = u16; PWSTR = *mut u16; PCWSTR = *const u16; PCSTR = *const c_char; PVOID = *mut c_void; HANDLE = *mut c_void;
    KSPIN_LOCK = u64; PKSPIN_LOCK = *mut u64; EX_SPIN_LOCK = i32; REGHANDLE = u64; PSECURITY_DESCRIPTOR = *mut c_void;
    PMDL = *mut _MDL; PIRP = *mut _IRP; PDEVICE_OBJECT = *mut _DEVICE_OBJECT; PDRIVER_OBJECT = *mut _DRIVER_OBJECT;
    PIO_STACK_LOCATION = *mut _IO_STACK_LOCATION; PUNICODE_STRING = *mut _UNICODE_STRING; PCUNICODE_STRING = *const _UNICODE_STRING;
    PIO_WORKITEM = *mut _IO_WORKITEM; PKTHREAD = *mut _KTHREAD; PETHREAD = *mut _KTHREAD; LPCGUID = *const _GUID;
    POOL_TYPE = i32; EVENT_TYPE = i32; MODE = i32; MEMORY_CACHING_TYPE = i32; WORK_QUEUE_TYPE = i32; KWAIT_REASON = i32; LOCK_OPERATION = i32;
}
ddk::callback! {
    pub type Unload = fn(a: *mut _DRIVER_OBJECT);
    pub type Dispatch = fn(a: *mut _DEVICE_OBJECT, b: *mut _IRP) -> i32;
    pub type Cancel = fn(a: *mut _DEVICE_OBJECT, b: *mut _IRP);
    pub type WorkItem = fn(a: PDEVICE_OBJECT, b: PVOID);
    pub type Completion = fn(a: PDEVICE_OBJECT, b: PIRP, c: PVOID) -> NTSTATUS;
    pub type Deferred = fn(a: *mut _KDPC, b: PVOID, c: PVOID, d: PVOID);
    pub type Start = fn(a: PVOID);
    pub type Initialize = fn(a: *mut _DRIVER_OBJECT, b: PUNICODE_STRING) -> NTSTATUS;
}
ty! {
    PDRIVER_UNLOAD = Unload; PDRIVER_DISPATCH = Dispatch; PDRIVER_CANCEL = Cancel; PIO_WORKITEM_ROUTINE = WorkItem;
    PIO_COMPLETION_ROUTINE = Completion; PKDEFERRED_ROUTINE = Deferred; PKSTART_ROUTINE = Start; DRIVER_INITIALIZE = Initialize;
}
const _: (NTSTATUS, NTSTATUS, NTSTATUS) = (STATUS_SUCCESS, STATUS_PENDING, STATUS_INVALID_DEVICE_REQUEST);
const _: [u32; 14] = [
    TRUE,
    FALSE,
    PASSIVE_LEVEL,
    DISPATCH_LEVEL,
    FILE_DEVICE_NETWORK,
    FILE_DEVICE_SECURE_OPEN,
    METHOD_BUFFERED,
    FILE_ANY_ACCESS,
    IRP_MJ_CREATE,
    IRP_MJ_DEVICE_CONTROL,
    IO_NO_INCREMENT,
    DO_DIRECT_IO,
    MDL_MAPPED_TO_SYSTEM_VA,
    MdlMappingNoExecute,
];
const _: [i32; 6] = [
    _POOL_TYPE::NonPagedPoolNx,
    _EVENT_TYPE::NotificationEvent,
    _MODE::KernelMode,
    _MEMORY_CACHING_TYPE::MmCached,
    _MM_PAGE_PRIORITY::NormalPagePriority,
    _KWAIT_REASON::Executive,
];
const _: POOL_FLAGS = POOL_FLAG_NON_PAGED | POOL_FLAG_UNINITIALIZED;
const _: bool = NT_SUCCESS(STATUS_SUCCESS);
macro_rules! lay { ($($t:ty, $s:literal, $a:literal $(, $f:ident = $o:literal)*;)*) => { $( const _: () = { assert!(size_of::<$t>() == $s && align_of::<$t>() == $a); $( assert!(offset_of!($t, $f) == $o); )* }; )* } }
lay! {
    MDL, 48, 8, MdlFlags = 10, MappedSystemVa = 24, StartVa = 32, ByteCount = 40, ByteOffset = 44;
    UNICODE_STRING, 16, 8, Buffer = 8;
    LIST_ENTRY, 16, 8, Blink = 8;
    GUID, 16, 4, Data4 = 8;
    LARGE_INTEGER, 8, 8;
    IO_STATUS_BLOCK, 16, 8, Information = 8;
    KEVENT, 24, 8; KDPC, 64, 8, DeferredRoutine = 24, DeferredContext = 32; KTIMER, 64, 8;
    DRIVER_OBJECT, 336, 8, DeviceObject = 8, DriverUnload = 104, MajorFunction = 112;
    DEVICE_OBJECT, 336, 16, Flags = 48, DeviceExtension = 64;
    IRP, 208, 16, MdlAddress = 8, AssociatedIrp = 24, IoStatus = 48, RequestorMode = 64, Cancel = 68, CancelRoutine = 104, UserBuffer = 112, Tail = 120;
    IO_STACK_LOCATION, 72, 8, Parameters = 8, DeviceObject = 40, FileObject = 48;
    FILE_OBJECT, 216, 8, FsContext = 24, FsContext2 = 32;
    SLIST_HEADER, 16, 16; KLOCK_QUEUE_HANDLE, 24, 8; OBJECT_ATTRIBUTES, 48, 8; EX_RUNDOWN_REF, 8, 8; PROCESSOR_NUMBER, 4, 2;
}
// calls: argument and result types
unsafe fn calls(irp: PIRP, mdl: PMDL, dev: PDEVICE_OBJECT) {
    unsafe {
        let sp: PIO_STACK_LOCATION =
            (*irp).Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation;
        let _: (ULONG, ULONG, ULONG, PVOID) = (
            (*sp).Parameters.DeviceIoControl.IoControlCode,
            (*sp).Parameters.DeviceIoControl.InputBufferLength,
            (*sp).Parameters.DeviceIoControl.OutputBufferLength,
            (*sp).Parameters.DeviceIoControl.Type3InputBuffer,
        );
        let _: [PVOID; 4] = (*irp).Tail.Overlay.__bindgen_anon_1.__bindgen_anon_1.DriverContext;
        (*irp).IoStatus.__bindgen_anon_1.Status = STATUS_SUCCESS;
        (*irp).IoStatus.Information = 0u64;
        let _: PVOID = (*irp).AssociatedIrp.SystemBuffer;
        let _: PVOID = ExAllocatePool2(POOL_FLAG_NON_PAGED, 1u64, 1u32);
        let _: KIRQL = KeAcquireSpinLockRaiseToDpc(&mut 0u64);
        let _: KIRQL = KeGetCurrentIrql();
        let _: LARGE_INTEGER = KeQueryPerformanceCounter(core::ptr::null_mut());
        let li = LARGE_INTEGER { QuadPart: 1 };
        let _: (ULONG, LONG, LONGLONG) = (li.__bindgen_anon_1.LowPart, li.u.HighPart, li.QuadPart);
        let _: PVOID = MmMapLockedPagesSpecifyCache(
            mdl,
            0,
            _MEMORY_CACHING_TYPE::MmCached,
            core::ptr::null_mut(),
            0u32,
            16u32,
        );
        let _: PIO_WORKITEM = IoAllocateWorkItem(dev);
        let _: ULONG = DbgPrint(c"%d".as_ptr(), 1i32);
        let _: PVOID = (*IoFileObjectType).cast();
        let _ = (
            KEVENT::default(),
            UNICODE_STRING::default(),
            IO_STATUS_BLOCK::default(),
            GUID::default(),
            MDL::default(),
        );
    }
}

#[test]
fn shape_of_wdk_sys_holds() {
    // Everything above is checked by the compiler; this gives the check a name in the test report.
    const _: unsafe fn(PIRP, PMDL, PDEVICE_OBJECT) = calls;
}
