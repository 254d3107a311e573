//! The exports of NDIS.SYS for fragments, buffers with data, memory by tag, processors and lookup.

use std::sync::OnceLock;

use ddk::ndis::*;
use ddk::nt::{CCHAR, PVOID, ULONG, USHORT};

use super::fragment::{self, Kind};
use super::{memory, pools};
use crate::pe::Resolver;
use crate::{cpu, pool};

/// Bytes of a cache line of x64 processors.
const CACHE_LINE: u32 = 64;

crate::exports! {
    /// Fragments, buffers with data, memory by tag, processors, lookup.
    pub static MORE_EXPORTS: "NDIS.SYS", sig ddk::ndis::sig;

    /// Cuts the data of a list into fragments.
    irql(0..=2) fn NdisAllocateFragmentNetBufferList(
        original: PNET_BUFFER_LIST, list_pool: NDIS_HANDLE, buffer_pool: NDIS_HANDLE, start: ULONG,
        maximum: ULONG, delta: ULONG, backfill: ULONG, flags: ULONG,
    ) -> PNET_BUFFER_LIST {
        let _ = (buffer_pool, flags);
        // SAFETY: the driver's list.
        unsafe { fragment::fragment(original, list_pool, (start, maximum), (delta, backfill)) }
    }
    /// Frees fragments.
    irql(0..=2) fn NdisFreeFragmentNetBufferList(list: PNET_BUFFER_LIST, delta: ULONG, flags: ULONG) {
        let _ = flags;
        // SAFETY: the driver's list.
        unsafe { fragment::free(list, delta, Kind::Fragment) }
    }
    /// One list over the data of many.
    irql(0..=2) fn NdisAllocateReassembledNetBufferList(
        fragments: PNET_BUFFER_LIST, pool: NDIS_HANDLE, start: ULONG, delta: ULONG, backfill: ULONG,
        flags: ULONG,
    ) -> PNET_BUFFER_LIST {
        let _ = flags;
        // SAFETY: the driver's lists.
        unsafe { fragment::reassemble(fragments, pool, start, (delta, backfill)) }
    }
    /// Frees a reassembled list.
    irql(0..=2) fn NdisFreeReassembledNetBufferList(list: PNET_BUFFER_LIST, delta: ULONG, flags: ULONG) {
        let _ = flags;
        // SAFETY: the driver's list.
        unsafe { fragment::free(list, delta, Kind::Reassembled) }
    }
    /// A buffer with an MDL and as many bytes as its pool says.
    irql(0..=2) fn NdisAllocateNetBufferMdlAndData(pool: NDIS_HANDLE) -> PNET_BUFFER {
        pools::allocate_with_data(pool)
    }
    /// Allocates nonpaged memory; of old drivers.
    irql(0..=2) fn NdisAllocateMemoryWithTag(
        address: *mut PVOID, length: u32, tag: ULONG,
    ) -> NDIS_STATUS {
        let block = pool::allocate(pool::Kind::NonPaged, length as usize, tag, pool::Fill::Pattern);
        // SAFETY: the driver's variable.
        unsafe { *address = block.cast() };
        if block.is_null() { NDIS_STATUS_RESOURCES } else { NDIS_STATUS_SUCCESS }
    }
    /// Frees memory of NdisAllocateMemoryWithTag.
    irql(0..=2) fn NdisFreeMemoryWithTag(address: PVOID, tag: ULONG) {
        pool::free(address.cast(), Some(tag))
    }
    /// Frees memory of NdisAllocateMemoryWithTagPriority and checks its tag.
    irql(0..=2) fn NdisFreeMemoryWithTagPriority(handle: NDIS_HANDLE, address: PVOID, tag: ULONG) {
        let _ = handle;
        pool::free(address.cast(), Some(tag))
    }
    /// How many processors there are.
    irql(0..=2) fn NdisSystemProcessorCount() -> CCHAR { cpu::processor_count() as CCHAR }
    /// How many groups of processors there are: one.
    irql(0..=2) fn NdisActiveGroupCount() -> USHORT { 1 }
    /// How many processors a group has; none if there is no such group.
    irql(0..=2) fn NdisGroupActiveProcessorCount(group: USHORT) -> ULONG {
        match group {
            0 | ALL_GROUPS => cpu::processor_count(),
            _ => 0,
        }
    }
    /// To what drivers align data that processors share.
    irql(0..=2) fn NdisGetSharedDataAlignment() -> ULONG { CACHE_LINE }
    /// The address of an export of NDIS; null if it has none of that name.
    irql(0..=0) fn NdisGetRoutineAddress(name: PNDIS_STRING) -> PVOID {
        static NDIS: OnceLock<Resolver> = OnceLock::new();
        let resolver = NDIS.get_or_init(|| Resolver::new(super::exports().to_vec()));
        // SAFETY: the driver's string.
        let name = unsafe { memory::text(name) };
        let found = resolver.find("NDIS.SYS", &name);
        found.map_or(std::ptr::null_mut(), |export| export.checked.get() as PVOID)
    }
    /// Writes a keyword of the driver's configuration.
    irql(0..=0) fn NdisWriteConfiguration(
        status: PNDIS_STATUS, configuration: NDIS_HANDLE, keyword: PNDIS_STRING,
        value: PNDIS_CONFIGURATION_PARAMETER,
    ) {
        // SAFETY: the driver's structures and variable.
        unsafe { *status = memory::write(configuration, keyword, value) }
    }
}

/// `ALL_PROCESSOR_GROUPS`.
const ALL_GROUPS: USHORT = 0xffff;
