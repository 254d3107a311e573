//! Memory descriptor lists.

use core::ptr::NonNull;

use ddk::nt::ntddk::MmMapLockedPagesSpecifyCache;
use ddk::nt::{
    _MEMORY_CACHING_TYPE, _MM_PAGE_PRIORITY, _MODE, KPROCESSOR_MODE, MDL, MDL_MAPPED_TO_SYSTEM_VA,
    MDL_SOURCE_IS_NONPAGED_POOL,
};

/// `MdlMappingNoExecute`.
const NO_EXECUTE: u32 = 0x4000_0000;

/// Where the pages of `mdl` are mapped in system space; `None` when the mapping fails. IRQL: <= DISPATCH_LEVEL.
#[doc(alias = "MmGetSystemAddressForMdlSafe")]
#[inline]
pub(crate) fn system_address(mdl: &MDL) -> Option<NonNull<u8>> {
    const MAPPED: u32 = MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL;
    let address =
        if u32::from(mdl.MdlFlags.cast_unsigned()) & MAPPED != 0 { mdl.MappedSystemVa } else { map(mdl) };
    NonNull::new(address.cast())
}

#[cold]
#[inline(never)]
fn map(mdl: &MDL) -> *mut core::ffi::c_void {
    // SAFETY: NDIS hands over only MDLs of locked or non-paged pages; the call updates the MDL under the memory manager's
    // own synchronisation, as it does for every driver of the stack.
    unsafe {
        MmMapLockedPagesSpecifyCache(
            core::ptr::from_ref(mdl).cast_mut(),
            _MODE::KernelMode as KPROCESSOR_MODE,
            _MEMORY_CACHING_TYPE::MmCached,
            core::ptr::null_mut(),
            0,
            _MM_PAGE_PRIORITY::NormalPagePriority as u32 | NO_EXECUTE,
        )
    }
}
