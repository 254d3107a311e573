//! The exports of NDIS.SYS: thin entries over the rooms of this module.

use std::ffi::c_void;

use ddk::ndis::*;
use ddk::nt::*;

use super::module::Module;
use super::{data, driver, lane, memory, notify, oid, pools};
use crate::{handle, pool, verifier};

fn module(value: NDIS_HANDLE) -> std::sync::Arc<Module> {
    handle::expect::<Module>(value)
}

/// The data path with all its bookkeeping, behind functions of the exports' own convention: a call to one of
/// another convention would make the exports save registers also where they only pass a call on.
mod books {
    use super::{NDIS_HANDLE, PNET_BUFFER_LIST, data, module};

    #[cold]
    #[inline(never)]
    pub(super) unsafe extern "win64" fn send(
        filter: NDIS_HANDLE,
        lists: PNET_BUFFER_LIST,
        port: u32,
        flags: u32,
    ) {
        data::filter_send(&module(filter), lists, port, flags)
    }

    #[cold]
    #[inline(never)]
    pub(super) unsafe extern "win64" fn complete(filter: NDIS_HANDLE, lists: PNET_BUFFER_LIST, flags: u32) {
        data::filter_complete(&module(filter), lists, flags)
    }

    #[cold]
    #[inline(never)]
    pub(super) unsafe extern "win64" fn indicate(
        filter: NDIS_HANDLE,
        lists: PNET_BUFFER_LIST,
        port: u32,
        count: u32,
        flags: u32,
    ) {
        data::filter_indicate(&module(filter), lists, port, count, flags)
    }

    #[cold]
    #[inline(never)]
    pub(super) unsafe extern "win64" fn give_back(filter: NDIS_HANDLE, lists: PNET_BUFFER_LIST, flags: u32) {
        data::filter_return(&module(filter), lists, flags)
    }
}

// SAFETY of the bodies: the pointers are the driver's, which must be valid as its DDI page says; a bad one
// faults in the driver's call and is reported there.
crate::exports! {
    /// What filter drivers import.
    pub static FILTER_EXPORTS: "NDIS.SYS", sig ddk::ndis::sig;

    /// Registers a filter driver (R1 to R6, V1 to V3).
    irql(0..=0) fn NdisFRegisterFilterDriver(
        object: PDRIVER_OBJECT, context: NDIS_HANDLE, characteristics: PNDIS_FILTER_DRIVER_CHARACTERISTICS,
        out: PNDIS_HANDLE,
    ) -> NDIS_STATUS {
        // SAFETY: the driver's pointers.
        unsafe { driver::register(object, context, characteristics, out) }
    }
    /// Pauses and detaches all modules of the driver.
    irql(0..=0, "N-67") fn NdisFDeregisterFilterDriver(handle: NDIS_HANDLE) { driver::deregister(handle) }
    /// Sets the module context (N-41).
    irql(0..=0) fn NdisFSetAttributes(
        handle: NDIS_HANDLE, context: NDIS_HANDLE, attributes: PNDIS_FILTER_ATTRIBUTES,
    ) -> NDIS_STATUS {
        module(handle).set_attributes(context, attributes)
    }
    /// Ends a pended restart.
    irql(0..=0, "N-43") fn NdisFRestartComplete(
        handle: NDIS_HANDLE, status: NDIS_STATUS,
    ) {
        module(handle).restart_complete(status)
    }
    /// Ends a pended pause.
    irql(0..=2) fn NdisFPauseComplete(handle: NDIS_HANDLE) { module(handle).pause_complete() }
    /// Asks for a pause and a restart.
    irql(0..=2) fn NdisFRestartFilter(handle: NDIS_HANDLE) -> NDIS_STATUS {
        module(handle).request_restart()
    }
    /// Replaces the data handlers of a module (§14).
    irql(0..=0) fn NdisSetOptionalHandlers(
        handle: NDIS_HANDLE, handlers: PNDIS_DRIVER_OPTIONAL_HANDLERS,
    ) -> NDIS_STATUS {
        // SAFETY: the driver's structure, which begins with its header.
        let found = unsafe { (*handlers).Header };
        super::header::check(&found, NDIS_OBJECT_TYPE_FILTER_PARTIAL_CHARACTERISTICS, 1..=1, NDIS_SIZEOF_FILTER_PARTIAL_CHARACTERISTICS_REVISION_1, "NDIS_FILTER_PARTIAL_CHARACTERISTICS");
        // SAFETY: the header says that it is this structure.
        let partial = unsafe { *handlers.cast::<NDIS_FILTER_PARTIAL_CHARACTERISTICS>() };
        module(handle).set_handlers(&partial)
    }

    /// Sends down.
    irql(0..=2) fn NdisFSendNetBufferLists(
        handle: NDIS_HANDLE, lists: PNET_BUFFER_LIST, port: NDIS_PORT_NUMBER, flags: ULONG,
    ) {
        if let Some(link) = lane::link(handle) {
            // SAFETY: the driver's list.
            return unsafe { link.send.send(lists, port, flags) };
        }
        // SAFETY: the driver's call, unchanged.
        unsafe { books::send(handle, lists, port, flags) }
    }
    /// Completes sends up.
    irql(0..=2) fn NdisFSendNetBufferListsComplete(
        handle: NDIS_HANDLE, lists: PNET_BUFFER_LIST, flags: ULONG,
    ) {
        if let Some(link) = lane::link(handle) {
            // SAFETY: the driver's list.
            return unsafe { link.complete.give_back(lists, flags) };
        }
        // SAFETY: the driver's call, unchanged.
        unsafe { books::complete(handle, lists, flags) }
    }
    /// Cancels sends below.
    irql(0..=2) fn NdisFCancelSendNetBufferLists(
        handle: NDIS_HANDLE, id: PVOID,
    ) {
        data::filter_cancel(&module(handle), id)
    }
    /// Indicates receives up.
    irql(0..=2) fn NdisFIndicateReceiveNetBufferLists(
        handle: NDIS_HANDLE, lists: PNET_BUFFER_LIST, port: NDIS_PORT_NUMBER, count: ULONG, flags: ULONG,
    ) {
        if let Some(link) = lane::link(handle) {
            // SAFETY: the driver's list.
            return unsafe { link.indicate.receive(lists, port, count, flags) };
        }
        // SAFETY: the driver's call, unchanged.
        unsafe { books::indicate(handle, lists, port, count, flags) }
    }
    /// Returns receives down.
    irql(0..=2) fn NdisFReturnNetBufferLists(handle: NDIS_HANDLE, lists: PNET_BUFFER_LIST, flags: ULONG) {
        if let Some(link) = lane::link(handle) {
            // SAFETY: the driver's list.
            return unsafe { link.give_back.give_back(lists, flags) };
        }
        // SAFETY: the driver's call, unchanged.
        unsafe { books::give_back(handle, lists, flags) }
    }

    /// Passes an OID request down.
    irql(0..=2) fn NdisFOidRequest(handle: NDIS_HANDLE, request: PNDIS_OID_REQUEST) -> NDIS_STATUS {
        // SAFETY: the driver's request.
        unsafe { oid::filter_request(&module(handle), request, false) }
    }
    /// Completes an OID request up.
    irql(0..=2) fn NdisFOidRequestComplete(
        handle: NDIS_HANDLE, request: PNDIS_OID_REQUEST, status: NDIS_STATUS,
    ) {
        oid::filter_complete(&module(handle), request, status)
    }
    /// Cancels an OID request below.
    irql(0..=2) fn NdisFCancelOidRequest(
        handle: NDIS_HANDLE, id: PVOID,
    ) {
        oid::filter_cancel(&module(handle), id, false)
    }
    /// Passes a direct OID request down.
    irql(0..=2) fn NdisFDirectOidRequest(handle: NDIS_HANDLE, request: PNDIS_OID_REQUEST) -> NDIS_STATUS {
        // SAFETY: the driver's request.
        unsafe { oid::filter_request(&module(handle), request, true) }
    }
    /// Completes a direct OID request up.
    irql(0..=2) fn NdisFDirectOidRequestComplete(
        handle: NDIS_HANDLE, request: PNDIS_OID_REQUEST, status: NDIS_STATUS,
    ) {
        oid::filter_complete(&module(handle), request, status)
    }
    /// Cancels a direct OID request below.
    irql(0..=2) fn NdisFCancelDirectOidRequest(
        handle: NDIS_HANDLE, id: PVOID,
    ) {
        oid::filter_cancel(&module(handle), id, true)
    }
    /// Issues a synchronous OID request.
    irql(0..=2) fn NdisFSynchronousOidRequest(
        handle: NDIS_HANDLE, request: *mut NDIS_OID_REQUEST,
    ) -> NDIS_STATUS {
        // SAFETY: the driver's request.
        unsafe { oid::synchronous(&module(handle), request) }
    }
    /// Makes a clone of an OID request.
    irql(0..=2) fn NdisAllocateCloneOidRequest(
        handle: NDIS_HANDLE, request: PNDIS_OID_REQUEST, tag: u32, out: *mut PNDIS_OID_REQUEST,
    ) -> NDIS_STATUS {
        // SAFETY: the driver's pointers.
        unsafe { oid::clone(&module(handle), request, tag, out) }
    }
    /// Frees a clone of an OID request.
    irql(0..=2) fn NdisFreeCloneOidRequest(handle: NDIS_HANDLE, request: PNDIS_OID_REQUEST) {
        module(handle);
        oid::free_clone(request)
    }

    /// Indicates a status up.
    irql(0..=2) fn NdisFIndicateStatus(handle: NDIS_HANDLE, status: PNDIS_STATUS_INDICATION) {
        // SAFETY: the driver's indication.
        unsafe { notify::filter_status(&module(handle), status) }
    }
    /// Passes a device PnP event down.
    irql(0..=0) fn NdisFDevicePnPEventNotify(handle: NDIS_HANDLE, event: PNET_DEVICE_PNP_EVENT) {
        // SAFETY: the driver's event.
        unsafe { notify::filter_device_event(&module(handle), event) }
    }
    /// Passes a network PnP event up.
    irql(0..=0) fn NdisFNetPnPEvent(handle: NDIS_HANDLE, event: PNET_PNP_EVENT_NOTIFICATION) -> NDIS_STATUS {
        // SAFETY: the driver's event.
        unsafe { notify::filter_net_event(&module(handle), event) }
    }
}

crate::exports! {
    /// Net buffers, memory and configuration.
    pub static LIBRARY_EXPORTS: "NDIS.SYS", sig ddk::ndis::sig;

    /// Makes a pool of NET_BUFFER_LISTs.
    irql(0..=2) fn NdisAllocateNetBufferListPool(
        handle: NDIS_HANDLE, parameters: PNET_BUFFER_LIST_POOL_PARAMETERS,
    ) -> NDIS_HANDLE {
        let _ = handle;
        // SAFETY: the driver's parameters.
        unsafe { pools::create(parameters) }
    }
    /// Frees a pool of NET_BUFFER_LISTs.
    irql(0..=2) fn NdisFreeNetBufferListPool(pool: NDIS_HANDLE) { pools::destroy(pool) }
    /// Makes a pool of NET_BUFFERs.
    irql(0..=2) fn NdisAllocateNetBufferPool(
        handle: NDIS_HANDLE, parameters: PNET_BUFFER_POOL_PARAMETERS,
    ) -> NDIS_HANDLE {
        let _ = handle;
        // SAFETY: the driver's parameters.
        unsafe { pools::create_buffer_pool(parameters) }
    }
    /// Frees a pool of NET_BUFFERs.
    irql(0..=2) fn NdisFreeNetBufferPool(pool: NDIS_HANDLE) { pools::destroy(pool) }
    /// Makes a NET_BUFFER.
    irql(0..=2) fn NdisAllocateNetBuffer(
        pool: NDIS_HANDLE, chain: PMDL, offset: ULONG, length: SIZE_T,
    ) -> PNET_BUFFER {
        // SAFETY: the driver's chain.
        unsafe { pools::allocate_buffer(pool, chain, offset, length) }
    }
    /// Frees a NET_BUFFER.
    irql(0..=2) fn NdisFreeNetBuffer(buffer: PNET_BUFFER) { pools::free_buffer(buffer) }
    /// Makes an NBL without a NET_BUFFER.
    irql(0..=2) fn NdisAllocateNetBufferList(
        pool: NDIS_HANDLE, context: USHORT, backfill: USHORT,
    ) -> PNET_BUFFER_LIST {
        // SAFETY: no chain is given.
        unsafe { pools::allocate(pool, context, backfill, None) }
    }
    /// Frees an NBL.
    irql(0..=2) fn NdisFreeNetBufferList(list: PNET_BUFFER_LIST) {
        // SAFETY: the driver's list; `free` checks the owner before it looks inside.
        unsafe { pools::free(list) }
    }
    /// Makes an NBL with a NET_BUFFER.
    irql(0..=2) fn NdisAllocateNetBufferAndNetBufferList(
        pool: NDIS_HANDLE, context: USHORT, backfill: USHORT, chain: PMDL, offset: ULONG, length: SIZE_T,
    ) -> PNET_BUFFER_LIST {
        // SAFETY: the driver's chain.
        unsafe { pools::allocate(pool, context, backfill, Some((chain, offset, length))) }
    }
    /// Makes a clone of an NBL.
    irql(0..=2) fn NdisAllocateCloneNetBufferList(
        original: PNET_BUFFER_LIST, lists: NDIS_HANDLE, buffers: NDIS_HANDLE, flags: ULONG,
    ) -> PNET_BUFFER_LIST {
        let _ = buffers;
        // SAFETY: the driver's list.
        unsafe { pools::clone(original, lists, flags) }
    }
    /// Frees a clone of an NBL.
    irql(0..=2) fn NdisFreeCloneNetBufferList(
        list: PNET_BUFFER_LIST, flags: ULONG,
    ) {
        pools::free_clone(list, flags)
    }
    /// Pushes context space.
    irql(0..=2) fn NdisAllocateNetBufferListContext(
        list: PNET_BUFFER_LIST, size: USHORT, backfill: USHORT, tag: ULONG,
    ) -> NDIS_STATUS {
        let _ = tag;
        // SAFETY: the driver's list.
        unsafe { pools::push_context(list, size, backfill) }
    }
    /// Pops context space.
    irql(0..=2) fn NdisFreeNetBufferListContext(list: PNET_BUFFER_LIST, size: USHORT) {
        // SAFETY: the driver's list.
        unsafe { pools::pop_context(list, size) }
    }
    /// The pool of an NBL.
    irql(0..=2) fn NdisGetPoolFromNetBufferList(list: PNET_BUFFER_LIST) -> NDIS_HANDLE {
        // SAFETY: the driver's list.
        unsafe { (*list).NdisPoolHandle }
    }
    /// The pool of a NET_BUFFER.
    irql(0..=2) fn NdisGetPoolFromNetBuffer(buffer: PNET_BUFFER) -> NDIS_HANDLE {
        // SAFETY: the driver's buffer.
        unsafe { (*buffer).NdisPoolHandle }
    }
    /// The first bytes of a frame, contiguous.
    irql(0..=2) fn NdisGetDataBuffer(
        buffer: *mut NET_BUFFER, needed: ULONG, storage: PVOID, multiple: ULONG, offset: ULONG,
    ) -> PVOID {
        // SAFETY: the driver's buffer and storage.
        unsafe { pools::data_buffer(buffer, needed, storage, multiple, offset) }
    }
    /// Moves the start of the data forwards.
    irql(0..=2) fn NdisAdvanceNetBufferDataStart(
        buffer: *mut NET_BUFFER, delta: ULONG, free_mdl: BOOLEAN, free: NET_BUFFER_FREE_MDL,
    ) {
        let _ = free;
        // SAFETY: the driver's buffer.
        unsafe { pools::advance(buffer, delta, free_mdl) }
    }
    /// Moves the start of the data backwards.
    irql(0..=2) fn NdisRetreatNetBufferDataStart(
        buffer: *mut NET_BUFFER, delta: ULONG, backfill: ULONG, allocate: NET_BUFFER_ALLOCATE_MDL,
    ) -> NDIS_STATUS {
        let _ = allocate;
        // SAFETY: the driver's buffer.
        unsafe { pools::retreat(buffer, delta, backfill) }
    }
    /// As NdisAdvanceNetBufferDataStart, for every NET_BUFFER.
    irql(0..=2) fn NdisAdvanceNetBufferListDataStart(
        list: *mut NET_BUFFER_LIST, delta: ULONG, free_mdl: BOOLEAN, free: NET_BUFFER_FREE_MDL,
    ) {
        let _ = free;
        // SAFETY: the driver's list.
        unsafe { super::raw::net_buffers(list).for_each(|buffer| pools::advance(buffer, delta, free_mdl)) }
    }
    /// As NdisRetreatNetBufferDataStart, for every NET_BUFFER; undone if one fails.
    irql(0..=2) fn NdisRetreatNetBufferListDataStart(
        list: *mut NET_BUFFER_LIST, delta: ULONG, backfill: ULONG, allocate: NET_BUFFER_ALLOCATE_MDL,
        free: NET_BUFFER_FREE_MDL,
    ) -> NDIS_STATUS {
        let _ = (allocate, free);
        // SAFETY: the driver's list.
        unsafe {
            let mut done = Vec::new();
            for buffer in super::raw::net_buffers(list) {
                let status = pools::retreat(buffer, delta, backfill);
                if status != NDIS_STATUS_SUCCESS {
                    done.into_iter().for_each(|buffer| pools::advance(buffer, delta, 1));
                    return status;
                }
                done.push(buffer);
            }
        }
        NDIS_STATUS_SUCCESS
    }
    /// Sets CurrentMdl from DataOffset.
    irql(0..=2) fn NdisAdjustNetBufferCurrentMdl(buffer: PNET_BUFFER) {
        // SAFETY: the driver's buffer.
        unsafe { super::build::set_current_mdl(buffer) }
    }
    /// Copies between frames.
    irql(0..=2) fn NdisCopyFromNetBufferToNetBuffer(
        to: PNET_BUFFER, to_offset: ULONG, count: ULONG, from: PNET_BUFFER, from_offset: ULONG,
        copied: PULONG,
    ) -> NDIS_STATUS {
        // SAFETY: the driver's buffers.
        unsafe { pools::copy(to, to_offset, count, from, from_offset, copied) }
    }
    /// Copies the out-of-band slots of a send.
    irql(0..=2) fn NdisCopySendNetBufferListInfo(to: PNET_BUFFER_LIST, from: PNET_BUFFER_LIST) {
        // SAFETY: the driver's lists.
        unsafe { pools::copy_info(to, from, true) }
    }
    /// Copies the out-of-band slots of a receive.
    irql(0..=2) fn NdisCopyReceiveNetBufferListInfo(to: PNET_BUFFER_LIST, from: PNET_BUFFER_LIST) {
        // SAFETY: the driver's lists.
        unsafe { pools::copy_info(to, from, false) }
    }
    /// Describes nonpaged memory.
    irql(0..=2) fn NdisAllocateMdl(handle: NDIS_HANDLE, address: PVOID, length: ULONG) -> *mut MDL {
        let _ = handle;
        memory::allocate_mdl(address, length)
    }
    /// Frees an MDL.
    irql(0..=2) fn NdisFreeMdl(mdl: PMDL) { pool::free(mdl.cast(), None) }
    /// Allocates nonpaged memory.
    irql(0..=2) fn NdisAllocateMemoryWithTagPriority(
        handle: NDIS_HANDLE, length: u32, tag: ULONG, priority: EX_POOL_PRIORITY,
    ) -> PVOID {
        let _ = (handle, priority);
        pool::allocate(pool::Kind::NonPaged, length as usize, tag, pool::Fill::Pattern).cast::<c_void>()
    }
    /// Frees memory; Length and MemoryFlags are 0 for memory of NdisAllocateMemoryWithTagPriority.
    irql(0..=2) fn NdisFreeMemory(address: PVOID, length: u32, flags: u32) {
        let _ = length;
        if flags != 0 {
            verifier::violation("G-3", &format!("NdisFreeMemory with MemoryFlags {flags:#x}"));
        }
        pool::free(address.cast(), None)
    }
    /// Opens the driver's configuration.
    irql(0..=0) fn NdisOpenConfigurationEx(
        object: PNDIS_CONFIGURATION_OBJECT, out: PNDIS_HANDLE,
    ) -> NDIS_STATUS {
        // SAFETY: the driver's pointers.
        unsafe { memory::open(object, out) }
    }
    /// Closes the driver's configuration.
    irql(0..=0) fn NdisCloseConfiguration(configuration: NDIS_HANDLE) { memory::close(configuration) }
    /// Reads a keyword.
    irql(0..=0) fn NdisReadConfiguration(
        status: PNDIS_STATUS, value: *mut PNDIS_CONFIGURATION_PARAMETER, configuration: NDIS_HANDLE,
        keyword: PNDIS_STRING, kind: NDIS_PARAMETER_TYPE,
    ) {
        // SAFETY: the driver's pointers.
        unsafe { memory::read(status, value, configuration, keyword, kind) }
    }
    /// The NDIS version of the system.
    irql(0..=2) fn NdisGetVersion() -> u32 {
        let (major, minor) = driver::version();
        u32::from(major) << 16 | u32::from(minor)
    }
    /// Milliseconds since the start.
    irql(0..=2) fn NdisGetSystemUpTimeEx(time: PLARGE_INTEGER) {
        // SAFETY: the driver's variable.
        unsafe { (*time).QuadPart = (crate::clock::interrupt_time() / 10_000) as i64 }
    }
    /// The index of an interface.
    irql(0..=2) fn NdisIfGetInterfaceIndexFromNetLuid(
        luid: ddk::netio::NET_LUID, out: ddk::netio::PNET_IFINDEX,
    ) -> NDIS_STATUS {
        // SAFETY: every bit pattern is a LUID.
        let value = unsafe { luid.Value };
        let found = super::adapter::all().into_iter().find(|adapter| adapter.luid() == value);
        let Some(adapter) = found else { return NDIS_STATUS_INTERFACE_NOT_FOUND };
        // SAFETY: the driver's variable.
        unsafe { *out = adapter.config().index };
        NDIS_STATUS_SUCCESS
    }
    /// The LUID of an interface.
    irql(0..=2) fn NdisIfGetNetLuidFromInterfaceIndex(
        index: ddk::netio::NET_IFINDEX, out: ddk::netio::PNET_LUID,
    ) -> NDIS_STATUS {
        let found = super::adapter::all().into_iter().find(|adapter| adapter.config().index == index);
        let Some(adapter) = found else { return NDIS_STATUS_INTERFACE_NOT_FOUND };
        // SAFETY: the driver's variable.
        unsafe { (*out).Value = adapter.luid() };
        NDIS_STATUS_SUCCESS
    }
    /// The high byte of cancel ids.
    irql(0..=2) fn NdisGeneratePartialCancelId() -> UCHAR {
        static NEXT: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(1);
        NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    }
}
