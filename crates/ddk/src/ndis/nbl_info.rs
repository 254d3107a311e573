//! Out-of-band data kept in `NET_BUFFER_LIST::NetBufferListInfo`.
use super::*;

/// `NDIS_IPSEC_OFFLOAD_V2_NET_BUFFER_LIST_INFO` (NDIS).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NDIS_IPSEC_OFFLOAD_V2_NET_BUFFER_LIST_INFO {
    pub u: NDIS_IPSEC_OFFLOAD_V2_NET_BUFFER_LIST_INFO_u,
}
/// Part of [`NDIS_IPSEC_OFFLOAD_V2_NET_BUFFER_LIST_INFO`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union NDIS_IPSEC_OFFLOAD_V2_NET_BUFFER_LIST_INFO_u {
    pub Transmit: NDIS_IPSEC_OFFLOAD_V2_NET_BUFFER_LIST_INFO_Transmit,
    pub Receive: NDIS_IPSEC_OFFLOAD_V2_NET_BUFFER_LIST_INFO_Receive,
}
/// Part of [`NDIS_IPSEC_OFFLOAD_V2_NET_BUFFER_LIST_INFO`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_IPSEC_OFFLOAD_V2_NET_BUFFER_LIST_INFO_Transmit {
    pub OffloadHandle: PVOID,
}
/// Part of [`NDIS_IPSEC_OFFLOAD_V2_NET_BUFFER_LIST_INFO`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_IPSEC_OFFLOAD_V2_NET_BUFFER_LIST_INFO_Receive {
    pub Bits: ULONG,
}
pub type PNDIS_IPSEC_OFFLOAD_V2_NET_BUFFER_LIST_INFO = *mut NDIS_IPSEC_OFFLOAD_V2_NET_BUFFER_LIST_INFO;

/// `NDIS_NET_BUFFER_LIST_8021Q_INFO` (NDIS).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NDIS_NET_BUFFER_LIST_8021Q_INFO {
    pub u: NDIS_NET_BUFFER_LIST_8021Q_INFO_u,
}
/// Part of [`NDIS_NET_BUFFER_LIST_8021Q_INFO`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union NDIS_NET_BUFFER_LIST_8021Q_INFO_u {
    pub TagHeader: NDIS_NET_BUFFER_LIST_8021Q_INFO_TagHeader,
    pub WLanTagHeader: NDIS_NET_BUFFER_LIST_8021Q_INFO_WLanTagHeader,
    pub Value: PVOID,
}
/// Part of [`NDIS_NET_BUFFER_LIST_8021Q_INFO`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_NET_BUFFER_LIST_8021Q_INFO_TagHeader {
    pub Bits: u32,
}
/// Part of [`NDIS_NET_BUFFER_LIST_8021Q_INFO`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_NET_BUFFER_LIST_8021Q_INFO_WLanTagHeader {
    pub Bits: u32,
}
pub type PNDIS_NET_BUFFER_LIST_8021Q_INFO = *mut NDIS_NET_BUFFER_LIST_8021Q_INFO;

/// `NDIS_NET_BUFFER_LIST_FILTERING_INFO` (NDIS).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NDIS_NET_BUFFER_LIST_FILTERING_INFO {
    pub u: NDIS_NET_BUFFER_LIST_FILTERING_INFO_u,
}
/// Part of [`NDIS_NET_BUFFER_LIST_FILTERING_INFO`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union NDIS_NET_BUFFER_LIST_FILTERING_INFO_u {
    pub FilteringInfo: NDIS_NET_BUFFER_LIST_FILTERING_INFO_FilteringInfo,
    pub Value: PVOID,
}
/// Part of [`NDIS_NET_BUFFER_LIST_FILTERING_INFO`].
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NDIS_NET_BUFFER_LIST_FILTERING_INFO_FilteringInfo {
    pub FilterId: USHORT,
    pub QueueVPortInfo: NDIS_NET_BUFFER_LIST_FILTERING_INFO_QueueVPortInfo,
}
/// Part of [`NDIS_NET_BUFFER_LIST_FILTERING_INFO`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union NDIS_NET_BUFFER_LIST_FILTERING_INFO_QueueVPortInfo {
    pub QueueId: USHORT,
    pub VPortId: USHORT,
}
pub type PNDIS_NET_BUFFER_LIST_FILTERING_INFO = *mut NDIS_NET_BUFFER_LIST_FILTERING_INFO;

/// `NDIS_RSC_NBL_INFO` (NDIS).
#[repr(C)]
#[derive(Clone, Copy)]
pub union NDIS_RSC_NBL_INFO {
    pub Info: NDIS_RSC_NBL_INFO_Info,
    pub Value: PVOID,
}
/// Part of [`NDIS_RSC_NBL_INFO`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_RSC_NBL_INFO_Info {
    pub CoalescedSegCount: USHORT,
    pub DupAckCount: USHORT,
}
pub type PNDIS_RSC_NBL_INFO = *mut NDIS_RSC_NBL_INFO;

/// `NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO` (NDIS).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO {
    pub u: NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO_u,
}
/// Part of [`NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO_u {
    pub Transmit: NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO_Transmit,
    pub Receive: NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO_Receive,
    pub Value: PVOID,
}
/// Part of [`NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO_Transmit {
    pub Bits: ULONG,
}
/// Part of [`NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO_Receive {
    pub Bits: ULONG,
}
pub type PNDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO = *mut NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO;

/// `NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO` (NDIS).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO {
    pub u: NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_u,
}
/// Part of [`NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_u {
    pub Transmit: NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_Transmit,
    pub LsoV1Transmit: NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_LsoV1Transmit,
    pub LsoV1TransmitComplete: NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_LsoV1TransmitComplete,
    pub LsoV2Transmit: NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_LsoV2Transmit,
    pub LsoV2TransmitComplete: NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_LsoV2TransmitComplete,
    pub Value: PVOID,
}
/// Part of [`NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_Transmit {
    pub Bits: ULONG,
}
/// Part of [`NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_LsoV1Transmit {
    pub Bits: ULONG,
}
/// Part of [`NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_LsoV1TransmitComplete {
    pub Bits: ULONG,
}
/// Part of [`NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_LsoV2Transmit {
    pub Bits: ULONG,
}
/// Part of [`NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_LsoV2TransmitComplete {
    pub Bits: ULONG,
}
pub type PNDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO =
    *mut NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO;

/// `NDIS_TCP_SEND_OFFLOADS_SUPPLEMENTAL_NET_BUFFER_LIST_INFO` (NDIS).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NDIS_TCP_SEND_OFFLOADS_SUPPLEMENTAL_NET_BUFFER_LIST_INFO {
    pub u: NDIS_TCP_SEND_OFFLOADS_SUPPLEMENTAL_NET_BUFFER_LIST_INFO_u,
}
/// Part of [`NDIS_TCP_SEND_OFFLOADS_SUPPLEMENTAL_NET_BUFFER_LIST_INFO`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union NDIS_TCP_SEND_OFFLOADS_SUPPLEMENTAL_NET_BUFFER_LIST_INFO_u {
    pub EncapsulatedPacketOffsets:
        NDIS_TCP_SEND_OFFLOADS_SUPPLEMENTAL_NET_BUFFER_LIST_INFO_EncapsulatedPacketOffsets,
    pub Value: PVOID,
}
/// Part of [`NDIS_TCP_SEND_OFFLOADS_SUPPLEMENTAL_NET_BUFFER_LIST_INFO`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_TCP_SEND_OFFLOADS_SUPPLEMENTAL_NET_BUFFER_LIST_INFO_EncapsulatedPacketOffsets {
    pub Bits: ULONG,
}
pub type PNDIS_TCP_SEND_OFFLOADS_SUPPLEMENTAL_NET_BUFFER_LIST_INFO =
    *mut NDIS_TCP_SEND_OFFLOADS_SUPPLEMENTAL_NET_BUFFER_LIST_INFO;

/// `NDIS_UDP_RSC_OFFLOAD_NET_BUFFER_LIST_INFO` (NDIS).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NDIS_UDP_RSC_OFFLOAD_NET_BUFFER_LIST_INFO {
    pub u: NDIS_UDP_RSC_OFFLOAD_NET_BUFFER_LIST_INFO_u,
}
/// Part of [`NDIS_UDP_RSC_OFFLOAD_NET_BUFFER_LIST_INFO`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union NDIS_UDP_RSC_OFFLOAD_NET_BUFFER_LIST_INFO_u {
    pub Receive: NDIS_UDP_RSC_OFFLOAD_NET_BUFFER_LIST_INFO_Receive,
    pub Value: PVOID,
}
/// Part of [`NDIS_UDP_RSC_OFFLOAD_NET_BUFFER_LIST_INFO`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_UDP_RSC_OFFLOAD_NET_BUFFER_LIST_INFO_Receive {
    pub SegCount: USHORT,
    pub SegSize: USHORT,
}
pub type PNDIS_UDP_RSC_OFFLOAD_NET_BUFFER_LIST_INFO = *mut NDIS_UDP_RSC_OFFLOAD_NET_BUFFER_LIST_INFO;

/// `NDIS_UDP_SEGMENTATION_OFFLOAD_NET_BUFFER_LIST_INFO` (NDIS).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NDIS_UDP_SEGMENTATION_OFFLOAD_NET_BUFFER_LIST_INFO {
    pub u: NDIS_UDP_SEGMENTATION_OFFLOAD_NET_BUFFER_LIST_INFO_u,
}
/// Part of [`NDIS_UDP_SEGMENTATION_OFFLOAD_NET_BUFFER_LIST_INFO`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union NDIS_UDP_SEGMENTATION_OFFLOAD_NET_BUFFER_LIST_INFO_u {
    pub Transmit: NDIS_UDP_SEGMENTATION_OFFLOAD_NET_BUFFER_LIST_INFO_Transmit,
    pub Value: PVOID,
}
/// Part of [`NDIS_UDP_SEGMENTATION_OFFLOAD_NET_BUFFER_LIST_INFO`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_UDP_SEGMENTATION_OFFLOAD_NET_BUFFER_LIST_INFO_Transmit {
    pub Bits: ULONG,
}
pub type PNDIS_UDP_SEGMENTATION_OFFLOAD_NET_BUFFER_LIST_INFO =
    *mut NDIS_UDP_SEGMENTATION_OFFLOAD_NET_BUFFER_LIST_INFO;

bitfields! {
    NDIS_IPSEC_OFFLOAD_V2_NET_BUFFER_LIST_INFO_Receive.Bits: ULONG {
        SaDeleteReq set_SaDeleteReq: 0, 1;
        CryptoDone set_CryptoDone: 1, 1;
        NextCryptoDone set_NextCryptoDone: 2, 1;
        Reserved set_Reserved: 3, 13;
        CryptoStatus set_CryptoStatus: 16, 16;
    }
    NDIS_NET_BUFFER_LIST_8021Q_INFO_TagHeader.Bits: u32 {
        UserPriority set_UserPriority: 0, 3;
        CanonicalFormatId set_CanonicalFormatId: 3, 1;
        VlanId set_VlanId: 4, 12;
        Reserved set_Reserved: 16, 16;
    }
    NDIS_NET_BUFFER_LIST_8021Q_INFO_WLanTagHeader.Bits: u32 {
        UserPriority set_UserPriority: 0, 3;
        CanonicalFormatId set_CanonicalFormatId: 3, 1;
        VlanId set_VlanId: 4, 12;
        WMMInfo set_WMMInfo: 16, 4;
        Reserved set_Reserved: 20, 12;
    }
    NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO_Transmit.Bits: ULONG {
        IsIPv4 set_IsIPv4: 0, 1;
        IsIPv6 set_IsIPv6: 1, 1;
        TcpChecksum set_TcpChecksum: 2, 1;
        UdpChecksum set_UdpChecksum: 3, 1;
        IpHeaderChecksum set_IpHeaderChecksum: 4, 1;
        Reserved set_Reserved: 5, 11;
        TcpHeaderOffset set_TcpHeaderOffset: 16, 10;
    }
    NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO_Receive.Bits: ULONG {
        TcpChecksumFailed set_TcpChecksumFailed: 0, 1;
        UdpChecksumFailed set_UdpChecksumFailed: 1, 1;
        IpChecksumFailed set_IpChecksumFailed: 2, 1;
        TcpChecksumSucceeded set_TcpChecksumSucceeded: 3, 1;
        UdpChecksumSucceeded set_UdpChecksumSucceeded: 4, 1;
        IpChecksumSucceeded set_IpChecksumSucceeded: 5, 1;
        Loopback set_Loopback: 6, 1;
        TcpChecksumValueInvalid set_TcpChecksumValueInvalid: 7, 1;
        IpChecksumValueInvalid set_IpChecksumValueInvalid: 8, 1;
    }
    NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_Transmit.Bits: ULONG {
        Unused set_Unused: 0, 30;
        Type set_Type: 30, 1;
        Reserved2 set_Reserved2: 31, 1;
    }
    NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_LsoV1Transmit.Bits: ULONG {
        MSS set_MSS: 0, 20;
        TcpHeaderOffset set_TcpHeaderOffset: 20, 10;
        Type set_Type: 30, 1;
        Reserved2 set_Reserved2: 31, 1;
    }
    NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_LsoV1TransmitComplete.Bits: ULONG {
        TcpPayload set_TcpPayload: 0, 30;
        Type set_Type: 30, 1;
        Reserved2 set_Reserved2: 31, 1;
    }
    NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_LsoV2Transmit.Bits: ULONG {
        MSS set_MSS: 0, 20;
        TcpHeaderOffset set_TcpHeaderOffset: 20, 10;
        Type set_Type: 30, 1;
        IPVersion set_IPVersion: 31, 1;
    }
    NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_LsoV2TransmitComplete.Bits: ULONG {
        Reserved set_Reserved: 0, 30;
        Type set_Type: 30, 1;
        Reserved2 set_Reserved2: 31, 1;
    }
    NDIS_TCP_SEND_OFFLOADS_SUPPLEMENTAL_NET_BUFFER_LIST_INFO_EncapsulatedPacketOffsets.Bits: ULONG {
        IsEncapsulatedPacket set_IsEncapsulatedPacket: 0, 1;
        EncapsulatedPacketOffsetsValid set_EncapsulatedPacketOffsetsValid: 1, 1;
        InnerFrameOffset set_InnerFrameOffset: 2, 8;
        TransportIpHeaderRelativeOffset set_TransportIpHeaderRelativeOffset: 10, 6;
        TcpHeaderRelativeOffset set_TcpHeaderRelativeOffset: 16, 10;
        IsInnerIPv6 set_IsInnerIPv6: 26, 1;
        TcpOptionsPresent set_TcpOptionsPresent: 27, 1;
        Reserved set_Reserved: 28, 4;
    }
    NDIS_UDP_SEGMENTATION_OFFLOAD_NET_BUFFER_LIST_INFO_Transmit.Bits: ULONG {
        MSS set_MSS: 0, 20;
        UdpHeaderOffset set_UdpHeaderOffset: 20, 10;
        Reserved set_Reserved: 30, 1;
        IPVersion set_IPVersion: 31, 1;
    }
}

layout! {
    NDIS_IPSEC_OFFLOAD_V2_NET_BUFFER_LIST_INFO: 8, 8 {
        u.Transmit: 0, 8; u.Transmit.OffloadHandle: 0, 8; u.Receive: 0, 4; u.Receive.Bits: 0, 4;
    }
    NDIS_NET_BUFFER_LIST_8021Q_INFO: 8, 8 {
        u.TagHeader: 0, 4; u.TagHeader.Bits: 0, 4; u.WLanTagHeader: 0, 4; u.WLanTagHeader.Bits: 0, 4;
        u.Value: 0, 8;
    }
    NDIS_NET_BUFFER_LIST_FILTERING_INFO: 8, 8 {
        u.FilteringInfo: 0, 4; u.FilteringInfo.FilterId: 0, 2; u.FilteringInfo.QueueVPortInfo: 2, 2;
        u.FilteringInfo.QueueVPortInfo.QueueId: 2, 2; u.FilteringInfo.QueueVPortInfo.VPortId: 2, 2;
        u.Value: 0, 8;
    }
    NDIS_RSC_NBL_INFO: 8, 8 {
        Info: 0, 4; Info.CoalescedSegCount: 0, 2; Info.DupAckCount: 2, 2; Value: 0, 8;
    }
    NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO: 8, 8 {
        u.Transmit: 0, 4; u.Transmit.Bits: 0, 4; u.Receive: 0, 4; u.Receive.Bits: 0, 4; u.Value: 0, 8;
    }
    NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO: 8, 8 {
        u.Transmit: 0, 4; u.Transmit.Bits: 0, 4; u.LsoV1Transmit: 0, 4; u.LsoV1Transmit.Bits: 0, 4;
        u.LsoV1TransmitComplete: 0, 4; u.LsoV1TransmitComplete.Bits: 0, 4; u.LsoV2Transmit: 0, 4;
        u.LsoV2Transmit.Bits: 0, 4; u.LsoV2TransmitComplete: 0, 4; u.LsoV2TransmitComplete.Bits: 0, 4;
        u.Value: 0, 8;
    }
    NDIS_TCP_SEND_OFFLOADS_SUPPLEMENTAL_NET_BUFFER_LIST_INFO: 8, 8 {
        u.EncapsulatedPacketOffsets: 0, 4; u.EncapsulatedPacketOffsets.Bits: 0, 4; u.Value: 0, 8;
    }
    NDIS_UDP_RSC_OFFLOAD_NET_BUFFER_LIST_INFO: 8, 8 {
        u.Receive: 0, 4; u.Receive.SegCount: 0, 2; u.Receive.SegSize: 2, 2; u.Value: 0, 8;
    }
    NDIS_UDP_SEGMENTATION_OFFLOAD_NET_BUFFER_LIST_INFO: 8, 8 {
        u.Transmit: 0, 4; u.Transmit.Bits: 0, 4; u.Value: 0, 8;
    }
}
