//! The exports of fwpkclnt.sys for packets: lists, clones, and injection.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ddk::fwp::*;
use ddk::ndis::{NDIS_HANDLE, NET_BUFFER_LIST};
use ddk::nt::*;

use super::inject::{self, Path, Request};
use super::packet;

/// Stores a list and makes a status of the result.
///
/// # Safety
/// `out` is writable.
unsafe fn give<T>(result: Result<*mut T, NTSTATUS>, out: *mut *mut T) -> NTSTATUS {
    let (value, status) = match result {
        Ok(value) => (value, STATUS_SUCCESS),
        Err(status) => (std::ptr::null_mut(), status),
    };
    // SAFETY: the caller guarantees it.
    unsafe { *out = value };
    status
}

/// The remote address of a transport send, in network order as Winsock has it.
///
/// # Safety
/// `address` is null or holds an address of the family.
unsafe fn remote(address: *const u8, family: u16) -> Option<IpAddr> {
    if address.is_null() {
        return None;
    }
    // SAFETY: the caller guarantees it; the bytes need no alignment.
    unsafe {
        Some(match family {
            2 => IpAddr::V4(Ipv4Addr::from(address.cast::<[u8; 4]>().read_unaligned())),
            _ => IpAddr::V6(Ipv6Addr::from(address.cast::<[u8; 16]>().read_unaligned())),
        })
    }
}

crate::exports! {
    /// Lists, clones and injection.
    pub static INJECTION_EXPORTS: "fwpkclnt.sys", sig ddk::fwp::sig;

    /// Makes an injection handle.
    irql(0..=0) fn FwpsInjectionHandleCreate0(
        family: u16, flags: u32, out: *mut HANDLE,
    ) -> NTSTATUS {
        // SAFETY: the driver's variable.
        unsafe { give(inject::create(family, flags), out) }
    }
    /// Destroys an injection handle.
    irql(0..=0, "F-6") fn FwpsInjectionHandleDestroy0(injector: HANDLE) -> NTSTATUS { inject::destroy(injector) }
    /// Who injected a packet.
    irql(0..=2) fn FwpsQueryPacketInjectionState0(
        injector: HANDLE, list: *const NET_BUFFER_LIST, context: *mut HANDLE,
    ) -> FWPS_PACKET_INJECTION_STATE {
        let (state, own) = inject::state(injector, list);
        if let Some(own) = own && !context.is_null() {
            // SAFETY: the driver's variable.
            unsafe { *context = own as HANDLE };
        }
        state
    }
    /// A list with one NET_BUFFER over the driver's MDLs.
    irql(0..=2) fn FwpsAllocateNetBufferAndNetBufferList0(
        pool: NDIS_HANDLE, context: u16, backfill: u16, chain: *mut MDL, offset: u32, length: SIZE_T,
        out: *mut *mut NET_BUFFER_LIST,
    ) -> NTSTATUS {
        // SAFETY: the driver's chain and variable.
        unsafe { give(packet::allocate(pool, context, backfill, (chain, offset, length)), out) }
    }
    /// Frees a list of FwpsAllocateNetBufferAndNetBufferList0.
    irql(0..=2) fn FwpsFreeNetBufferList0(list: *mut NET_BUFFER_LIST) {
        // SAFETY: the driver's list.
        unsafe { packet::free(list) }
    }
    /// A clone of a packet.
    irql(0..=2) fn FwpsAllocateCloneNetBufferList0(
        original: *mut NET_BUFFER_LIST, pool: NDIS_HANDLE, buffer_pool: NDIS_HANDLE, flags: u32,
        out: *mut *mut NET_BUFFER_LIST,
    ) -> NTSTATUS {
        // Either pool may be left out; descriptors do not show which pool they came from.
        let _ = buffer_pool;
        // SAFETY: the driver may read the original; its variable.
        unsafe { give(packet::clone(original, pool, flags), out) }
    }
    /// Frees a clone.
    irql(0..=2) fn FwpsFreeCloneNetBufferList0(list: *mut NET_BUFFER_LIST, flags: u32) {
        packet::free_clone(list, flags)
    }
    /// Injects an IP packet into the send path.
    irql(0..=2) fn FwpsInjectNetworkSendAsync0(
        handle: HANDLE, context: HANDLE, flags: u32, compartment: i32, list: *mut NET_BUFFER_LIST,
        complete: FWPS_INJECT_COMPLETE0, complete_context: HANDLE,
    ) -> NTSTATUS {
        let _ = compartment;
        let request = Request { handle, context, flags, family: None, list, complete, complete_context };
        // SAFETY: the driver's list.
        unsafe { inject::submit(Path::NetworkSend, &request) }
    }
    /// Injects an IP packet into the receive path.
    irql(0..=2) fn FwpsInjectNetworkReceiveAsync0(
        handle: HANDLE, context: HANDLE, flags: u32, compartment: i32, interface: u32, sub_interface: u32,
        list: *mut NET_BUFFER_LIST, complete: FWPS_INJECT_COMPLETE0, complete_context: HANDLE,
    ) -> NTSTATUS {
        let _ = (compartment, sub_interface);
        let request = Request { handle, context, flags, family: None, list, complete, complete_context };
        // SAFETY: the driver's list.
        unsafe { inject::submit(Path::NetworkReceive { interface }, &request) }
    }
    /// Injects an IP packet into the forwarding path.
    irql(0..=2) fn FwpsInjectForwardAsync0(
        handle: HANDLE, context: HANDLE, flags: u32, family: u16, compartment: i32, interface: u32,
        list: *mut NET_BUFFER_LIST, complete: FWPS_INJECT_COMPLETE0, complete_context: HANDLE,
    ) -> NTSTATUS {
        let _ = compartment;
        let family = Some(family);
        let request = Request { handle, context, flags, family, list, complete, complete_context };
        // SAFETY: the driver's list.
        unsafe { inject::submit(Path::Forward { interface }, &request) }
    }
    /// Injects a transport packet into the send path.
    irql(0..=2) fn FwpsInjectTransportSendAsync0(
        handle: HANDLE, context: HANDLE, endpoint: u64, flags: u32,
        arguments: *mut FWPS_TRANSPORT_SEND_PARAMS0, family: u16, compartment: i32,
        list: *mut NET_BUFFER_LIST, complete: FWPS_INJECT_COMPLETE0, complete_context: HANDLE,
    ) -> NTSTATUS {
        let _ = compartment;
        // SAFETY: the driver's structure, or null.
        let remote = unsafe {
            arguments.as_ref().and_then(|arguments| remote(arguments.remoteAddress, family))
        };
        let family = Some(family);
        let request = Request { handle, context, flags, family, list, complete, complete_context };
        // SAFETY: the driver's list.
        unsafe { inject::submit(Path::TransportSend { endpoint, remote }, &request) }
    }
    /// Injects a transport packet into the send path, perhaps with a header of its own.
    irql(0..=2) fn FwpsInjectTransportSendAsync1(
        handle: HANDLE, context: HANDLE, endpoint: u64, flags: u32,
        arguments: *mut FWPS_TRANSPORT_SEND_PARAMS1, family: u16, compartment: i32,
        list: *mut NET_BUFFER_LIST, complete: FWPS_INJECT_COMPLETE0, complete_context: HANDLE,
    ) -> NTSTATUS {
        let _ = compartment;
        // SAFETY: the driver's structure, or null.
        let remote = unsafe {
            arguments.as_ref().and_then(|arguments| remote(arguments.remoteAddress, family))
        };
        let family = Some(family);
        let request = Request { handle, context, flags, family, list, complete, complete_context };
        // SAFETY: the driver's list.
        unsafe { inject::submit(Path::TransportSend { endpoint, remote }, &request) }
    }
    /// Injects a transport packet, from its IP header on, into the receive path.
    irql(0..=2) fn FwpsInjectTransportReceiveAsync0(
        handle: HANDLE, context: HANDLE, reserved: PVOID, flags: u32, family: u16, compartment: i32,
        interface: u32, sub_interface: u32, list: *mut NET_BUFFER_LIST, complete: FWPS_INJECT_COMPLETE0,
        complete_context: HANDLE,
    ) -> NTSTATUS {
        let _ = (compartment, sub_interface);
        if !reserved.is_null() {
            return STATUS_INVALID_PARAMETER;
        }
        let family = Some(family);
        let request = Request { handle, context, flags, family, list, complete, complete_context };
        // SAFETY: the driver's list.
        unsafe { inject::submit(Path::TransportReceive { interface }, &request) }
    }
    /// Injects a frame into the send path of an interface.
    irql(0..=2) fn FwpsInjectMacSendAsync0(
        handle: HANDLE, context: HANDLE, flags: u32, layer: u16, interface: u32, port: u32,
        list: *mut NET_BUFFER_LIST, complete: FWPS_INJECT_COMPLETE0, complete_context: HANDLE,
    ) -> NTSTATUS {
        let _ = (layer, port);
        let request = Request { handle, context, flags, family: None, list, complete, complete_context };
        // SAFETY: the driver's list.
        unsafe { inject::submit(Path::MacSend { interface }, &request) }
    }
    /// Injects a frame into the receive path of an interface.
    irql(0..=2) fn FwpsInjectMacReceiveAsync0(
        handle: HANDLE, context: HANDLE, flags: u32, layer: u16, interface: u32, port: u32,
        list: *mut NET_BUFFER_LIST, complete: FWPS_INJECT_COMPLETE0, complete_context: HANDLE,
    ) -> NTSTATUS {
        let _ = (layer, port);
        let request = Request { handle, context, flags, family: None, list, complete, complete_context };
        // SAFETY: the driver's list.
        unsafe { inject::submit(Path::MacReceive { interface }, &request) }
    }
    /// Injects data into a TCP stream.
    irql(0..=2) fn FwpsStreamInjectAsync0(
        handle: HANDLE, context: HANDLE, flags: u32, flow: u64, callout: u32, layer: u16,
        stream_flags: u32, list: *mut NET_BUFFER_LIST, length: SIZE_T, complete: FWPS_INJECT_COMPLETE0,
        complete_context: HANDLE,
    ) -> NTSTATUS {
        let _ = (callout, layer, length);
        let request = Request { handle, context, flags, family: None, list, complete, complete_context };
        // SAFETY: the driver's list.
        unsafe { inject::submit(Path::Stream { flow, flags: stream_flags }, &request) }
    }
}
