//! NDIS macros of the C headers that are more than a field access.
use super::*;
use crate::inline::MmGetSystemAddressForMdlSafe;
use crate::nt::{MdlMappingNoExecute, ULONG};

/// True if any of `Flags` is set in the list's `NblFlags`.
///
/// # Safety
/// `Nbl` must be a valid net buffer list.
#[inline]
#[must_use]
pub unsafe fn NdisTestNblFlag(Nbl: *const NET_BUFFER_LIST, Flags: ULONG) -> bool {
    // SAFETY: valid, per the caller.
    unsafe { (*Nbl).NblFlags & Flags != 0 }
}

/// True if all of `Flags` are set in the list's `NblFlags`.
///
/// # Safety
/// `Nbl` must be a valid net buffer list.
#[inline]
#[must_use]
pub unsafe fn NdisTestNblFlags(Nbl: *const NET_BUFFER_LIST, Flags: ULONG) -> bool {
    // SAFETY: valid, per the caller.
    unsafe { (*Nbl).NblFlags & Flags == Flags }
}

/// Slot `Id` of the list's out-of-band data. The array is as long as the NDIS version of the *system* says,
/// so `Id` is never compared with the length declared here.
///
/// # Safety
/// `Nbl` must be a valid net buffer list and `Id` known to the running NDIS.
#[inline]
#[must_use]
pub unsafe fn NET_BUFFER_LIST_INFO(Nbl: *mut NET_BUFFER_LIST, Id: NDIS_NET_BUFFER_LIST_INFO) -> *mut PVOID {
    // SAFETY: the slot lies inside the list that NDIS allocated, per the caller.
    unsafe { (&raw mut (*Nbl).NetBufferListInfo).cast::<PVOID>().offset(Id as isize) }
}

/// First byte of the topmost context area of a list.
///
/// # Safety
/// `Nbl` must be a valid net buffer list with a context.
#[inline]
#[must_use]
pub unsafe fn NET_BUFFER_LIST_CONTEXT_DATA_START(Nbl: *const NET_BUFFER_LIST) -> *mut u8 {
    // SAFETY: the context header is followed by its data area; `Offset` is the used part's start inside it.
    unsafe { (*Nbl).Context.add(1).cast::<u8>().add((*(*Nbl).Context).Offset as usize) }
}

/// System address and length of an MDL; the address is null if the system is out of mappings.
///
/// IRQL: <= DISPATCH_LEVEL.
///
/// # Safety
/// `Mdl` must be a valid MDL of a net buffer.
#[inline]
#[must_use]
pub unsafe fn NdisQueryMdl(Mdl: PMDL, Priority: ULONG) -> (PVOID, ULONG) {
    // SAFETY: valid, per the caller.
    unsafe { (MmGetSystemAddressForMdlSafe(Mdl, Priority | MdlMappingNoExecute), (*Mdl).ByteCount) }
}

/// True if the receive call keeps ownership: the lists must not be kept after the handler returns.
#[inline]
#[must_use]
pub const fn NDIS_TEST_RECEIVE_CANNOT_PEND(Flags: ULONG) -> bool {
    Flags & NDIS_RECEIVE_FLAGS_RESOURCES != 0
}
