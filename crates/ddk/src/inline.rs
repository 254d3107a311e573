//! NT functions that the C headers define inline or as macros, for both forms of [`crate::nt`].
use core::ffi::c_void;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

use crate::nt::ntddk::{
    IofCallDriver, IofCompleteRequest, KeAcquireSpinLockRaiseToDpc, KeGetCurrentProcessorNumberEx,
    KeInitializeEvent, KfRaiseIrql, MmMapLockedPagesSpecifyCache, ObfDereferenceObject, ObfReferenceObject,
};
use crate::nt::{
    _EVENT_TYPE, _MEMORY_CACHING_TYPE, _MODE, BOOLEAN, CCHAR, FALSE, HANDLE, KIRQL, KPROCESSOR_MODE,
    KSPIN_LOCK, LIST_ENTRY, LONG_PTR, MDL, MDL_MAPPED_TO_SYSTEM_VA, MDL_SOURCE_IS_NONPAGED_POOL, NTSTATUS,
    OBJECT_ATTRIBUTES, PDEVICE_OBJECT, PDRIVER_CANCEL, PFAST_MUTEX, PIO_COMPLETION_ROUTINE,
    PIO_STACK_LOCATION, PIRP, PMDL, PSECURITY_DESCRIPTOR, PUNICODE_STRING, PVOID, SL_INVOKE_ON_CANCEL,
    SL_INVOKE_ON_ERROR, SL_INVOKE_ON_SUCCESS, SL_PENDING_RETURNED, ULONG, UNICODE_STRING,
};

const PAGE_SIZE: usize = 4096;
/// `FM_LOCK_BIT`: a fast mutex nobody holds.
const FM_LOCK_BIT: i32 = 1;
/// `FAST_FAIL_CORRUPT_LIST_ENTRY`.
const CORRUPT_LIST_ENTRY: u32 = 3;

/// An IOCTL code.
#[inline]
#[must_use]
pub const fn CTL_CODE(DeviceType: ULONG, Function: ULONG, Method: ULONG, Access: ULONG) -> ULONG {
    (DeviceType << 16) | (Access << 14) | (Function << 2) | Method
}

/// Pseudo handle of the current process.
#[inline]
#[must_use]
pub const fn NtCurrentProcess() -> HANDLE {
    core::ptr::without_provenance_mut(usize::MAX)
}

/// Stops the machine at once: memory is known to be corrupt.
#[inline]
pub fn RtlFailFast(Code: ULONG) -> ! {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: interrupt 0x29 with the code in ecx is the architecture's fail-fast call; it does not return.
    unsafe {
        core::arch::asm!("int 0x29", in("ecx") Code, options(noreturn, nostack))
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: break 0xF003 with the code in w0 is the architecture's fail-fast call; it does not return.
    unsafe {
        core::arch::asm!("brk #0xF003", in("w0") Code, options(noreturn, nostack))
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    loop {
        core::hint::black_box(Code);
    }
}

/// Number of pages that `Size` bytes at `Va` touch.
#[inline]
#[must_use]
pub fn ADDRESS_AND_SIZE_TO_SPAN_PAGES(Va: *const c_void, Size: ULONG) -> usize {
    ((Va.addr() & (PAGE_SIZE - 1)) + Size as usize).div_ceil(PAGE_SIZE)
}

// --- IRPs --------------------------------------------------------------------------------------------------

/// The caller's own stack location.
///
/// # Safety
/// `Irp` must be a valid IRP that the caller owns.
#[inline]
#[must_use]
pub unsafe fn IoGetCurrentIrpStackLocation(Irp: PIRP) -> PIO_STACK_LOCATION {
    // SAFETY: the IRP is valid, per the caller; the union holds the stack location while a driver owns the
    // IRP.
    unsafe { (*Irp).Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation }
}

/// The stack location of the next lower driver.
///
/// # Safety
/// `Irp` must be a valid IRP that the caller owns, with at least one lower stack location.
#[inline]
#[must_use]
pub unsafe fn IoGetNextIrpStackLocation(Irp: PIRP) -> PIO_STACK_LOCATION {
    // SAFETY: a lower location exists, per the caller; locations lie below each other in one array.
    unsafe { IoGetCurrentIrpStackLocation(Irp).sub(1) }
}

/// Gives the lower driver the caller's own stack location.
///
/// # Safety
/// `Irp` must be a valid IRP that the caller owns and is about to pass down.
#[inline]
pub unsafe fn IoSkipCurrentIrpStackLocation(Irp: PIRP) {
    // SAFETY: the caller owns the IRP; IofCallDriver undoes the step, so the pointer stays inside the array.
    unsafe {
        (*Irp).CurrentLocation = (*Irp).CurrentLocation.wrapping_add(1);
        let next = IoGetCurrentIrpStackLocation(Irp).add(1);
        (*Irp).Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation = next;
    }
}

/// Notes that the dispatch routine returns `STATUS_PENDING`.
///
/// # Safety
/// `Irp` must be a valid IRP that the caller owns.
#[inline]
pub unsafe fn IoMarkIrpPending(Irp: PIRP) {
    // SAFETY: the current stack location of an owned IRP is writable.
    unsafe { (*IoGetCurrentIrpStackLocation(Irp)).Control |= SL_PENDING_RETURNED as u8 }
}

/// Sets the routine called when the lower driver completes the IRP.
///
/// # Safety
/// As [`IoGetNextIrpStackLocation`]; `Context` must stay valid until the routine ran.
#[inline]
pub unsafe fn IoSetCompletionRoutine(
    Irp: PIRP,
    CompletionRoutine: PIO_COMPLETION_ROUTINE,
    Context: PVOID,
    InvokeOnSuccess: bool,
    InvokeOnError: bool,
    InvokeOnCancel: bool,
) {
    let mut control = 0;
    if InvokeOnSuccess {
        control |= SL_INVOKE_ON_SUCCESS;
    }
    if InvokeOnError {
        control |= SL_INVOKE_ON_ERROR;
    }
    if InvokeOnCancel {
        control |= SL_INVOKE_ON_CANCEL;
    }
    // SAFETY: the next location exists and belongs to the caller until it passes the IRP down.
    unsafe {
        let next = IoGetNextIrpStackLocation(Irp);
        (*next).CompletionRoutine = CompletionRoutine;
        (*next).Context = Context;
        (*next).Control = control as u8;
    }
}

/// Exchanges the cancel routine and gives the old one.
///
/// # Safety
/// `Irp` must be a valid IRP that the caller owns or has queued.
#[inline]
#[must_use]
pub unsafe fn IoSetCancelRoutine(Irp: PIRP, CancelRoutine: PDRIVER_CANCEL) -> PDRIVER_CANCEL {
    // SAFETY: the field is pointer-sized, aligned and only accessed by interlocked operations while the IRP
    // is shared; a nullable function pointer and a data pointer have the same representation.
    unsafe {
        let new = core::mem::transmute::<PDRIVER_CANCEL, *mut c_void>(CancelRoutine);
        let slot = AtomicPtr::from_ptr((&raw mut (*Irp).CancelRoutine).cast::<*mut c_void>());
        core::mem::transmute::<*mut c_void, PDRIVER_CANCEL>(slot.swap(new, Ordering::SeqCst))
    }
}

/// Completes an IRP whose `IoStatus` is set.
///
/// IRQL: <= DISPATCH_LEVEL.
///
/// # Safety
/// The caller must own the IRP and must not touch it afterwards.
#[inline]
pub unsafe fn IoCompleteRequest(Irp: PIRP, PriorityBoost: CCHAR) {
    // SAFETY: passed on.
    unsafe { IofCompleteRequest(Irp, PriorityBoost) }
}

/// Passes an IRP to the driver of a device.
///
/// # Safety
/// The caller must own the IRP and have set up its next stack location.
#[inline]
#[must_use]
pub unsafe fn IoCallDriver(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    // SAFETY: passed on.
    unsafe { IofCallDriver(DeviceObject, Irp) }
}

// --- MDLs --------------------------------------------------------------------------------------------------

/// The system address of an MDL's bytes, mapping them if needed; null if the system is out of mappings.
///
/// IRQL: <= DISPATCH_LEVEL.
///
/// # Safety
/// `Mdl` must be a valid MDL whose pages are resident.
#[inline]
#[must_use]
pub unsafe fn MmGetSystemAddressForMdlSafe(Mdl: PMDL, Priority: ULONG) -> PVOID {
    // SAFETY: the MDL is valid, per the caller; a mapped one has its address in the field read.
    unsafe {
        let mapped = MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL;
        if (*Mdl).MdlFlags as u32 & mapped != 0 {
            (*Mdl).MappedSystemVa
        } else {
            let mode = _MODE::KernelMode as KPROCESSOR_MODE;
            MmMapLockedPagesSpecifyCache(Mdl, mode, _MEMORY_CACHING_TYPE::MmCached, null_mut(), 0, Priority)
        }
    }
}

/// The address the MDL was built for.
///
/// # Safety
/// `Mdl` must be a valid MDL.
#[inline]
#[must_use]
pub unsafe fn MmGetMdlVirtualAddress(Mdl: *const MDL) -> PVOID {
    // SAFETY: the MDL is valid, per the caller.
    unsafe { (*Mdl).StartVa.wrapping_byte_add((*Mdl).ByteOffset as usize) }
}

/// Bytes described by the MDL.
///
/// # Safety
/// `Mdl` must be a valid MDL.
#[inline]
#[must_use]
pub unsafe fn MmGetMdlByteCount(Mdl: *const MDL) -> ULONG {
    // SAFETY: the MDL is valid, per the caller.
    unsafe { (*Mdl).ByteCount }
}

/// Offset of the first byte in its page.
///
/// # Safety
/// `Mdl` must be a valid MDL.
#[inline]
#[must_use]
pub unsafe fn MmGetMdlByteOffset(Mdl: *const MDL) -> ULONG {
    // SAFETY: the MDL is valid, per the caller.
    unsafe { (*Mdl).ByteOffset }
}

// --- IRQL, locks, processors -------------------------------------------------------------------------------

/// Raises the IRQL and gives the old one.
///
/// # Safety
/// `NewIrql` must not be below the current IRQL.
#[inline]
#[must_use]
pub unsafe fn KeRaiseIrql(NewIrql: KIRQL) -> KIRQL {
    // SAFETY: passed on.
    unsafe { KfRaiseIrql(NewIrql) }
}

/// Acquires a spin lock, raising to DISPATCH_LEVEL; gives the old IRQL for `KeReleaseSpinLock`.
///
/// IRQL: <= DISPATCH_LEVEL.
///
/// # Safety
/// `SpinLock` must be an initialized spin lock the caller does not hold.
#[inline]
#[must_use]
pub unsafe fn KeAcquireSpinLock(SpinLock: *mut KSPIN_LOCK) -> KIRQL {
    // SAFETY: passed on.
    unsafe { KeAcquireSpinLockRaiseToDpc(SpinLock) }
}

/// Index of the current processor among all groups. Below DISPATCH_LEVEL the answer can be stale at once.
///
/// IRQL: any.
///
/// # Safety
/// Kernel mode only.
#[inline]
#[must_use]
pub unsafe fn KeGetCurrentProcessorIndex() -> ULONG {
    // SAFETY: the argument is optional.
    unsafe { KeGetCurrentProcessorNumberEx(null_mut()) }
}

/// Initializes a fast mutex, free.
///
/// # Safety
/// `FastMutex` must be nonpaged, writable and not in use.
#[inline]
pub unsafe fn ExInitializeFastMutex(FastMutex: PFAST_MUTEX) {
    // SAFETY: writable, per the caller; the event inside it is initialized in place.
    unsafe {
        (*FastMutex).Count = FM_LOCK_BIT;
        (*FastMutex).Owner = null_mut();
        (*FastMutex).Contention = 0;
        KeInitializeEvent(&raw mut (*FastMutex).Event, _EVENT_TYPE::SynchronizationEvent, FALSE as BOOLEAN);
    }
}

// --- Objects, strings --------------------------------------------------------------------------------------

/// Adds a reference to an object.
///
/// # Safety
/// `Object` must be an object the caller holds a reference to.
#[inline]
pub unsafe fn ObReferenceObject(Object: PVOID) -> LONG_PTR {
    // SAFETY: passed on.
    unsafe { ObfReferenceObject(Object) }
}

/// Gives back a reference to an object.
///
/// # Safety
/// The caller must own the reference it gives back.
#[inline]
pub unsafe fn ObDereferenceObject(Object: PVOID) -> LONG_PTR {
    // SAFETY: passed on.
    unsafe { ObfDereferenceObject(Object) }
}

/// An empty counted string over a buffer of `MaximumLength` bytes.
#[inline]
#[must_use]
pub const fn RtlInitEmptyUnicodeString(Buffer: *mut u16, MaximumLength: u16) -> UNICODE_STRING {
    UNICODE_STRING { Length: 0, MaximumLength, Buffer }
}

/// Object attributes naming `ObjectName` below `RootDirectory`.
#[inline]
#[must_use]
pub fn InitializeObjectAttributes(
    ObjectName: PUNICODE_STRING,
    Attributes: ULONG,
    RootDirectory: HANDLE,
    SecurityDescriptor: PSECURITY_DESCRIPTOR,
) -> OBJECT_ATTRIBUTES {
    OBJECT_ATTRIBUTES {
        Length: size_of::<OBJECT_ATTRIBUTES>() as ULONG,
        RootDirectory,
        ObjectName,
        Attributes,
        SecurityDescriptor,
        ..Default::default()
    }
}

// --- Lists -------------------------------------------------------------------------------------------------

/// Makes a list head empty.
///
/// # Safety
/// `ListHead` must be writable and not in use.
#[inline]
pub unsafe fn InitializeListHead(ListHead: *mut LIST_ENTRY) {
    // SAFETY: writable, per the caller.
    unsafe { ListHead.write(LIST_ENTRY { Flink: ListHead, Blink: ListHead }) }
}

/// True if nothing is in the list.
///
/// # Safety
/// `ListHead` must be an initialized list head, and nobody may change the list meanwhile.
#[inline]
#[must_use]
pub unsafe fn IsListEmpty(ListHead: *const LIST_ENTRY) -> bool {
    // SAFETY: initialized, per the caller.
    unsafe { (*ListHead).Flink.cast_const() == ListHead }
}

/// Appends an entry. Fails fast if the list is corrupt.
///
/// # Safety
/// Both pointers must be valid, the entry in no list, and nobody else may access the list meanwhile.
#[inline]
pub unsafe fn InsertTailList(ListHead: *mut LIST_ENTRY, Entry: *mut LIST_ENTRY) {
    // SAFETY: exclusive access to a valid list, per the caller.
    unsafe {
        let last = (*ListHead).Blink;
        if (*last).Flink != ListHead {
            RtlFailFast(CORRUPT_LIST_ENTRY);
        }
        Entry.write(LIST_ENTRY { Flink: ListHead, Blink: last });
        (*last).Flink = Entry;
        (*ListHead).Blink = Entry;
    }
}

/// Unlinks an entry; true if the list is empty now. Fails fast if the list is corrupt.
///
/// # Safety
/// The entry must be in a list, and nobody else may access that list meanwhile.
#[inline]
pub unsafe fn RemoveEntryList(Entry: *mut LIST_ENTRY) -> bool {
    // SAFETY: exclusive access to a valid list, per the caller.
    unsafe {
        let LIST_ENTRY { Flink: next, Blink: previous } = *Entry;
        if (*next).Blink != Entry || (*previous).Flink != Entry {
            RtlFailFast(CORRUPT_LIST_ENTRY);
        }
        (*previous).Flink = next;
        (*next).Blink = previous;
        next == previous
    }
}

/// Takes the first entry, or the head itself if the list is empty.
///
/// # Safety
/// `ListHead` must be an initialized list head, and nobody else may access the list meanwhile.
#[inline]
#[must_use]
pub unsafe fn RemoveHeadList(ListHead: *mut LIST_ENTRY) -> *mut LIST_ENTRY {
    // SAFETY: exclusive access to a valid list, per the caller; removing the head of an empty list is a
    // no-op.
    unsafe {
        let first = (*ListHead).Flink;
        RemoveEntryList(first);
        first
    }
}
