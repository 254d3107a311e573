//! Out-of-band information beside frames, as a stack and a card with offloads put it there.

use std::sync::atomic::{AtomicBool, Ordering};

use ddk::ndis::*;

use super::build::SplitMix;

/// Bytes before the TCP or UDP header of an IPv4 frame without options.
const TRANSPORT_HEADER: u32 = 34;
/// Bytes of payload in each segment.
const SEGMENT: u32 = 536;
/// RSS: the Toeplitz function (1) over addresses and ports of TCP over IPv4 (0x200).
const HASHED: u32 = 0x201;
/// Kinds of information, none among them.
const KINDS: u64 = 4;

static ON: AtomicBool = AtomicBool::new(false);

/// Puts information of offloads beside frames from now on: checksums, large and UDP segmented sends, coalesced receives,
/// RSS hashes. A frame's number decides which. What is said need not be true of the frame's bytes: a filter hands it on, and
/// the miniport of the lab leaves frames as they are.
pub fn set_offloads(on: bool) {
    ON.store(on, Ordering::Relaxed);
}

/// Marks a new list, if frames are to be marked.
///
/// # Safety
/// The list is accessible.
pub(super) unsafe fn mark(nbl: *mut NET_BUFFER_LIST, sent: bool, number: u64) {
    if !ON.load(Ordering::Relaxed) {
        return;
    }
    let random = SplitMix(number).next();
    let slots: &[(i32, u32)] = match (sent, random % KINDS) {
        (_, 0) => &[],
        (true, 1) => &[(TcpIpChecksumNetBufferListInfo, checksum_request())],
        (true, 2) => &[(TcpLargeSendNetBufferListInfo, large_send())],
        (true, _) => &[(UdpSegmentationOffloadInfo, udp_segmentation())],
        (false, 1) => &[(TcpIpChecksumNetBufferListInfo, checksum_result())],
        (false, 2) => &[(TcpRecvSegCoalesceInfo, coalesced(2 + (random >> 32) as u16 % 8))],
        (false, _) => &[
            (TcpIpChecksumNetBufferListInfo, checksum_result()),
            (NetBufferListHashValue, (random >> 32) as u32),
            (NetBufferListHashInfo, HASHED),
        ],
    };
    for (slot, value) in slots {
        // SAFETY: the caller guarantees access; the slots exist in every version that filters are built for.
        unsafe {
            (*nbl).NetBufferListInfo[*slot as usize] = std::ptr::without_provenance_mut(*value as usize);
        }
    }
}

fn checksum_request() -> u32 {
    let mut request = NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO_Transmit { Bits: 0 };
    request.set_IsIPv4(1);
    request.set_IpHeaderChecksum(1);
    request.set_TcpChecksum(1);
    request.set_TcpHeaderOffset(TRANSPORT_HEADER);
    request.Bits
}

fn checksum_result() -> u32 {
    let mut result = NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO_Receive { Bits: 0 };
    result.set_IpChecksumSucceeded(1);
    result.set_TcpChecksumSucceeded(1);
    result.Bits
}

fn large_send() -> u32 {
    let mut send = NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_LsoV2Transmit { Bits: 0 };
    send.set_MSS(SEGMENT);
    send.set_TcpHeaderOffset(TRANSPORT_HEADER);
    send.set_Type(1);
    send.Bits
}

fn udp_segmentation() -> u32 {
    let mut send = NDIS_UDP_SEGMENTATION_OFFLOAD_NET_BUFFER_LIST_INFO_Transmit { Bits: 0 };
    send.set_MSS(SEGMENT);
    send.set_UdpHeaderOffset(TRANSPORT_HEADER);
    send.Bits
}

fn coalesced(segments: u16) -> u32 {
    // CoalescedSegCount; no duplicate acknowledgements.
    u32::from(segments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_laid_out_as_the_bit_fields() {
        assert_eq!(checksum_request(), 0x0022_0015);
        assert_eq!(checksum_result(), 0x28);
        assert_eq!(large_send(), 536 | 34 << 20 | 1 << 30);
        assert_eq!(udp_segmentation(), 536 | 34 << 20);
    }
}
