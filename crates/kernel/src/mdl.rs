//! Memory descriptor lists.

use core::ptr::NonNull;

use ddk::inline::MmGetSystemAddressForMdlSafe;
use ddk::nt::{_MM_PAGE_PRIORITY, MDL};

/// `MdlMappingNoExecute`.
const NO_EXECUTE: u32 = 0x4000_0000;

/// Where the pages of `mdl` are mapped in system space; `None` when the mapping fails. IRQL: <= DISPATCH_LEVEL.
#[doc(alias = "MmGetSystemAddressForMdlSafe")]
#[inline]
pub(crate) fn system_address(mdl: &MDL) -> Option<NonNull<u8>> {
    let mdl = core::ptr::from_ref(mdl).cast_mut();
    // SAFETY: NDIS hands over only MDLs of locked or non-paged pages. When the call maps them it updates the MDL under the
    // memory manager's own synchronisation, as it does for every driver of the stack.
    let address = unsafe {
        MmGetSystemAddressForMdlSafe(mdl, _MM_PAGE_PRIORITY::NormalPagePriority as u32 | NO_EXECUTE)
    };
    NonNull::new(address.cast())
}
