//! Memory manager and the memory primitives the compiler calls.
use super::super::*;
use core::ffi::c_void;

imports! {
    dll "ntoskrnl.exe";
    /// Completes an MDL over nonpaged memory.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn MmBuildMdlForNonPagedPool(MemoryDescriptorList: PMDL);
    /// Locks the pages of an MDL; raises an exception on a bad address.
    ///
    /// IRQL: <= APC_LEVEL.
    pub fn MmProbeAndLockPages(
        MemoryDescriptorList: PMDL,
        AccessMode: KPROCESSOR_MODE,
        Operation: LOCK_OPERATION,
    );
    /// `MmUnlockPages`.
    pub fn MmUnlockPages(MemoryDescriptorList: PMDL);
    /// Maps an MDL's pages; null if out of mappings (kernel mode).
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn MmMapLockedPagesSpecifyCache(
        MemoryDescriptorList: PMDL,
        AccessMode: KPROCESSOR_MODE,
        CacheType: MEMORY_CACHING_TYPE,
        RequestedAddress: PVOID,
        BugCheckOnFailure: ULONG,
        Priority: ULONG,
    ) -> PVOID;
    /// Undoes [`MmMapLockedPagesSpecifyCache`].
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn MmUnmapLockedPages(BaseAddress: PVOID, MemoryDescriptorList: PMDL);
    /// Address of a kernel function by name, or null.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub fn MmGetSystemRoutineAddress(SystemRoutineName: PUNICODE_STRING) -> PVOID;
    /// `MmIsAddressValid`.
    pub fn MmIsAddressValid(VirtualAddress: PVOID) -> BOOLEAN;
    /// Copies bytes between areas that do not overlap.
    pub fn memcpy(_Dst: *mut c_void, _Src: *const c_void, _MaxCount: usize) -> *mut c_void;
    /// Copies bytes between areas that may overlap.
    pub fn memmove(_Dst: *mut c_void, _Src: *const c_void, _Size: usize) -> *mut c_void;
    /// Fills bytes.
    pub fn memset(_Dst: *mut c_void, _Val: i32, _Size: usize) -> *mut c_void;
    /// Compares bytes.
    pub fn memcmp(_Buf1: *const c_void, _Buf2: *const c_void, _Size: usize) -> i32;
    /// `MmAllocatePagesForMdlEx`.
    pub fn MmAllocatePagesForMdlEx(
        LowAddress: PHYSICAL_ADDRESS,
        HighAddress: PHYSICAL_ADDRESS,
        SkipBytes: PHYSICAL_ADDRESS,
        TotalBytes: SIZE_T,
        CacheType: MEMORY_CACHING_TYPE,
        Flags: ULONG,
    ) -> PMDL;
    /// `MmFreePagesFromMdl`.
    pub fn MmFreePagesFromMdl(MemoryDescriptorList: PMDL);
    /// `MmAllocateContiguousMemory`.
    pub fn MmAllocateContiguousMemory(
        NumberOfBytes: SIZE_T,
        HighestAcceptableAddress: PHYSICAL_ADDRESS,
    ) -> PVOID;
    /// `MmFreeContiguousMemory`.
    pub fn MmFreeContiguousMemory(BaseAddress: PVOID);
    /// `MmCreateMdl`.
    pub fn MmCreateMdl(MemoryDescriptorList: PMDL, Base: PVOID, Length: SIZE_T) -> PMDL;
    /// `MmSizeOfMdl`.
    pub fn MmSizeOfMdl(Base: PVOID, Length: SIZE_T) -> SIZE_T;
    /// `MmProtectMdlSystemAddress`.
    #[must_use]
    pub fn MmProtectMdlSystemAddress(MemoryDescriptorList: PMDL, NewProtect: ULONG) -> NTSTATUS;
    /// `MmGetPhysicalAddress`.
    pub fn MmGetPhysicalAddress(BaseAddress: PVOID) -> PHYSICAL_ADDRESS;
    /// `MmAdvanceMdl`.
    #[must_use]
    pub fn MmAdvanceMdl(Mdl: PMDL, NumberOfBytes: ULONG) -> NTSTATUS;
    /// `MmIsDriverVerifying`.
    pub fn MmIsDriverVerifying(DriverObject: *mut _DRIVER_OBJECT) -> LOGICAL;
}
