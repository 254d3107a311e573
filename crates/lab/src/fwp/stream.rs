//! Stream data of TCP connections: copies, clones, and streams that go on (contract §7, I11 and I12).

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ddk::fwp::*;
use ddk::ndis::{NDIS_HANDLE, NET_BUFFER_LIST};
use ddk::netio::{IPPROTO, WSACMSGHDR};
use ddk::nt::*;

use super::packet;
use crate::ndis::stack;

/// Flows whose deferred stream a driver lets go on.
static CONTINUED: Mutex<VecDeque<u64>> = Mutex::new(VecDeque::new());

fn continued() -> MutexGuard<'static, VecDeque<u64>> {
    CONTINUED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The next flow whose stream goes on.
pub(crate) fn next_continued() -> Option<u64> {
    continued().pop_front()
}

/// The bytes of stream data, at most `limit`.
///
/// # Safety
/// The data are valid.
unsafe fn bytes(data: &FWPS_STREAM_DATA0, limit: usize) -> Vec<u8> {
    let mut all = Vec::new();
    let mut list = data.netBufferListChain;
    while !list.is_null() {
        // SAFETY: the caller guarantees the chain.
        unsafe {
            all.extend(stack::bytes(list));
            list = (*list).Next;
        }
    }
    let skip = (data.dataOffset.streamDataOffset as usize).min(all.len());
    all.drain(..skip);
    all.truncate(limit.min(data.dataLength as usize));
    all
}

crate::exports! {
    /// Stream data.
    pub static STREAM_EXPORTS: "fwpkclnt.sys", sig ddk::fwp::sig;

    /// Copies stream data to contiguous memory.
    irql(0..=2) fn FwpsCopyStreamDataToBuffer0(
        data: *const FWPS_STREAM_DATA0, buffer: PVOID, wanted: SIZE_T, copied: *mut SIZE_T,
    ) {
        // SAFETY: the driver passes the data that it was shown, and room for as many bytes as it wants.
        unsafe {
            let bytes = bytes(&*data, wanted as usize);
            buffer.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            *copied = bytes.len() as SIZE_T;
        }
    }
    /// Clones of the lists behind stream data.
    irql(0..=2) fn FwpsCloneStreamData0(
        data: *mut FWPS_STREAM_DATA0, pool: NDIS_HANDLE, buffer_pool: NDIS_HANDLE, flags: ULONG,
        out: *mut *mut NET_BUFFER_LIST,
    ) -> NTSTATUS {
        let _ = buffer_pool;
        let (mut clones, mut first) = (Vec::<*mut NET_BUFFER_LIST>::new(), std::ptr::null_mut());
        // SAFETY: the driver passes the data that it was shown.
        let mut list = unsafe { (*data).netBufferListChain };
        while !list.is_null() {
            // SAFETY: as above.
            match unsafe { packet::clone(list, pool, flags) } {
                Ok(clone) => clones.push(clone),
                Err(status) => {
                    clones.into_iter().for_each(|clone| packet::free_clone(clone, flags));
                    return status;
                }
            }
            // SAFETY: as above.
            list = unsafe { (*list).Next };
        }
        for clone in clones.into_iter().rev() {
            // SAFETY: the driver owns the clone from now on.
            unsafe { (*clone).Next = first };
            first = clone;
        }
        // SAFETY: the driver's variable.
        unsafe { *out = first };
        STATUS_SUCCESS
    }
    /// Frees clones of FwpsCloneStreamData0.
    irql(0..=2) fn FwpsDiscardClonedStreamData0(
        first: *mut NET_BUFFER_LIST, flags: u32, dispatch: BOOLEAN,
    ) {
        let _ = dispatch;
        let mut list = first;
        while !list.is_null() {
            // SAFETY: the driver's chain.
            let next = unsafe { (*list).Next };
            packet::free_clone(list, flags);
            list = next;
        }
    }
    /// Lets a deferred stream go on.
    irql(0..=2) fn FwpsStreamContinue0(
        flow: u64, callout: u32, layer: u16, stream_flags: u32,
    ) -> NTSTATUS {
        let _ = (callout, layer);
        if stream_flags & (FWPS_STREAM_FLAG_RECEIVE | FWPS_STREAM_FLAG_RECEIVE_EXPEDITED) == 0 {
            return STATUS_INVALID_PARAMETER;
        }
        continued().push_back(flow);
        STATUS_SUCCESS
    }
    /// Puts a new IP header before a transport packet of the driver's.
    irql(0..=2) fn FwpsConstructIpHeaderForTransportPacket0(
        list: *mut NET_BUFFER_LIST, old_header: ULONG, family: u16, source: *const UCHAR,
        remote: *const UCHAR, protocol: IPPROTO, endpoint: u64, control: *const WSACMSGHDR,
        control_length: ULONG, flags: u32, reserved: PVOID, interface: u32, sub_interface: u32,
    ) -> NTSTATUS {
        let _ = (endpoint, control, control_length, interface, sub_interface);
        if list.is_null() || source.is_null() || remote.is_null() || flags != 0 || !reserved.is_null() {
            return STATUS_INVALID_PARAMETER;
        }
        // SAFETY: the driver passes addresses of the family, in network order.
        let ends = unsafe {
            match family {
                2 => (
                    source.cast::<[u8; 4]>().read_unaligned().into(),
                    remote.cast::<[u8; 4]>().read_unaligned().into(),
                ),
                23 => (
                    source.cast::<[u8; 16]>().read_unaligned().into(),
                    remote.cast::<[u8; 16]>().read_unaligned().into(),
                ),
                _ => return STATUS_INVALID_PARAMETER,
            }
        };
        packet::check_made(list, "FwpsConstructIpHeaderForTransportPacket0");
        // SAFETY: the driver's list.
        unsafe { packet::construct(list, old_header, ends, protocol as u8) }
    }
    /// How IPsec has treated packets: not at all, and whether they were injected.
    irql(0..=2) fn FwpsGetPacketListSecurityInformation0(
        list: *mut NET_BUFFER_LIST, query: u32, information: *mut FWPS_PACKET_LIST_INFORMATION0,
    ) -> NTSTATUS {
        let _ = query;
        if list.is_null() || information.is_null() {
            return STATUS_INVALID_PARAMETER;
        }
        // SAFETY: the driver's structure, of integers.
        unsafe {
            *information = std::mem::zeroed();
            let injected = !packet::history(list).is_empty();
            (*information).fwpInformation.set_isReinjected(injected.into());
        }
        STATUS_SUCCESS
    }
}
