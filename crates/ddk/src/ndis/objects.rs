//! Object header, locks, timers, configuration, offload capabilities.
use super::*;

/// `LOCK_STATE_EX` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct LOCK_STATE_EX {
    pub OldIrql: KIRQL,
    pub LockState: UCHAR,
    pub Flags: UCHAR,
}

/// `NDIS_CONFIGURATION_OBJECT` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_CONFIGURATION_OBJECT {
    pub Header: NDIS_OBJECT_HEADER,
    pub NdisHandle: NDIS_HANDLE,
    pub Flags: ULONG,
}

/// `NDIS_CONFIGURATION_PARAMETER` (NDIS).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NDIS_CONFIGURATION_PARAMETER {
    pub ParameterType: NDIS_PARAMETER_TYPE,
    pub ParameterData: NDIS_CONFIGURATION_PARAMETER_ParameterData,
}
/// Part of [`NDIS_CONFIGURATION_PARAMETER`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union NDIS_CONFIGURATION_PARAMETER_ParameterData {
    pub IntegerData: ULONG,
    pub StringData: NDIS_STRING,
    pub BinaryData: BINARY_DATA,
}

/// `NDIS_DEVICE_OBJECT_ATTRIBUTES` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_DEVICE_OBJECT_ATTRIBUTES {
    pub Header: NDIS_OBJECT_HEADER,
    pub DeviceName: PNDIS_STRING,
    pub SymbolicName: PNDIS_STRING,
    pub MajorFunctions: *mut PDRIVER_DISPATCH,
    pub ExtensionSize: ULONG,
    pub DefaultSDDLString: PCUNICODE_STRING,
    pub DeviceClassGuid: LPCGUID,
}

/// `NDIS_DRIVER_OPTIONAL_HANDLERS` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_DRIVER_OPTIONAL_HANDLERS {
    pub Header: NDIS_OBJECT_HEADER,
}

/// `NDIS_EVENT` (NDIS).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NDIS_EVENT {
    pub Event: KEVENT,
}

/// `NDIS_OBJECT_HEADER` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_OBJECT_HEADER {
    pub Type: UCHAR,
    pub Revision: UCHAR,
    pub Size: USHORT,
}
pub type PNDIS_OBJECT_HEADER = *mut NDIS_OBJECT_HEADER;

/// `NDIS_PM_CAPABILITIES` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_PM_CAPABILITIES {
    pub Header: NDIS_OBJECT_HEADER,
    pub Flags: ULONG,
    pub SupportedWoLPacketPatterns: ULONG,
    pub NumTotalWoLPatterns: ULONG,
    pub MaxWoLPatternSize: ULONG,
    pub MaxWoLPatternOffset: ULONG,
    pub MaxWoLPacketSaveBuffer: ULONG,
    pub SupportedProtocolOffloads: ULONG,
    pub NumArpOffloadIPv4Addresses: ULONG,
    pub NumNSOffloadIPv6Addresses: ULONG,
    pub MinMagicPacketWakeUp: NDIS_DEVICE_POWER_STATE,
    pub MinPatternWakeUp: NDIS_DEVICE_POWER_STATE,
    pub MinLinkChangeWakeUp: NDIS_DEVICE_POWER_STATE,
    pub SupportedWakeUpEvents: ULONG,
    pub MediaSpecificWakeUpEvents: ULONG,
}
pub type PNDIS_PM_CAPABILITIES = *mut NDIS_PM_CAPABILITIES;

/// `NDIS_SPIN_LOCK` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_SPIN_LOCK {
    pub SpinLock: KSPIN_LOCK,
    pub OldIrql: KIRQL,
}
pub type PNDIS_SPIN_LOCK = *mut NDIS_SPIN_LOCK;

/// `NDIS_TCP_IP_CHECKSUM_OFFLOAD` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_TCP_IP_CHECKSUM_OFFLOAD {
    pub IPv4Transmit: NDIS_TCP_IP_CHECKSUM_OFFLOAD_IPv4Transmit,
    pub IPv4Receive: NDIS_TCP_IP_CHECKSUM_OFFLOAD_IPv4Receive,
    pub IPv6Transmit: NDIS_TCP_IP_CHECKSUM_OFFLOAD_IPv6Transmit,
    pub IPv6Receive: NDIS_TCP_IP_CHECKSUM_OFFLOAD_IPv6Receive,
}
/// Part of [`NDIS_TCP_IP_CHECKSUM_OFFLOAD`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_TCP_IP_CHECKSUM_OFFLOAD_IPv4Transmit {
    pub Encapsulation: ULONG,
    pub Bits: ULONG,
}
/// Part of [`NDIS_TCP_IP_CHECKSUM_OFFLOAD`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_TCP_IP_CHECKSUM_OFFLOAD_IPv4Receive {
    pub Encapsulation: ULONG,
    pub Bits: ULONG,
}
/// Part of [`NDIS_TCP_IP_CHECKSUM_OFFLOAD`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_TCP_IP_CHECKSUM_OFFLOAD_IPv6Transmit {
    pub Encapsulation: ULONG,
    pub Bits: ULONG,
}
/// Part of [`NDIS_TCP_IP_CHECKSUM_OFFLOAD`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_TCP_IP_CHECKSUM_OFFLOAD_IPv6Receive {
    pub Encapsulation: ULONG,
    pub Bits: ULONG,
}
pub type PNDIS_TCP_IP_CHECKSUM_OFFLOAD = *mut NDIS_TCP_IP_CHECKSUM_OFFLOAD;

/// `NDIS_TCP_LARGE_SEND_OFFLOAD_V1` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_TCP_LARGE_SEND_OFFLOAD_V1 {
    pub IPv4: NDIS_TCP_LARGE_SEND_OFFLOAD_V1_IPv4,
}
/// Part of [`NDIS_TCP_LARGE_SEND_OFFLOAD_V1`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_TCP_LARGE_SEND_OFFLOAD_V1_IPv4 {
    pub Encapsulation: ULONG,
    pub MaxOffLoadSize: ULONG,
    pub MinSegmentCount: ULONG,
    pub Bits: ULONG,
}
pub type PNDIS_TCP_LARGE_SEND_OFFLOAD_V1 = *mut NDIS_TCP_LARGE_SEND_OFFLOAD_V1;

/// `NDIS_TCP_LARGE_SEND_OFFLOAD_V2` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_TCP_LARGE_SEND_OFFLOAD_V2 {
    pub IPv4: NDIS_TCP_LARGE_SEND_OFFLOAD_V2_IPv4,
    pub IPv6: NDIS_TCP_LARGE_SEND_OFFLOAD_V2_IPv6,
}
/// Part of [`NDIS_TCP_LARGE_SEND_OFFLOAD_V2`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_TCP_LARGE_SEND_OFFLOAD_V2_IPv4 {
    pub Encapsulation: ULONG,
    pub MaxOffLoadSize: ULONG,
    pub MinSegmentCount: ULONG,
}
/// Part of [`NDIS_TCP_LARGE_SEND_OFFLOAD_V2`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_TCP_LARGE_SEND_OFFLOAD_V2_IPv6 {
    pub Encapsulation: ULONG,
    pub MaxOffLoadSize: ULONG,
    pub MinSegmentCount: ULONG,
    pub Bits: ULONG,
}
pub type PNDIS_TCP_LARGE_SEND_OFFLOAD_V2 = *mut NDIS_TCP_LARGE_SEND_OFFLOAD_V2;

/// `NDIS_TIMER_CHARACTERISTICS` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_TIMER_CHARACTERISTICS {
    pub Header: NDIS_OBJECT_HEADER,
    pub AllocationTag: ULONG,
    pub TimerFunction: PNDIS_TIMER_FUNCTION,
    pub FunctionContext: PVOID,
}

/// `BINARY_DATA` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct BINARY_DATA {
    pub Length: USHORT,
    pub Buffer: PVOID,
}

/// `NDIS_PM_WAKE_UP_CAPABILITIES` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_PM_WAKE_UP_CAPABILITIES {
    pub MinMagicPacketWakeUp: NDIS_DEVICE_POWER_STATE,
    pub MinPatternWakeUp: NDIS_DEVICE_POWER_STATE,
    pub MinLinkChangeWakeUp: NDIS_DEVICE_POWER_STATE,
}
pub type PNDIS_PM_WAKE_UP_CAPABILITIES = *mut NDIS_PM_WAKE_UP_CAPABILITIES;

/// `_QUERY` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _QUERY {
    pub Oid: NDIS_OID,
    pub InformationBuffer: PVOID,
    pub InformationBufferLength: u32,
    pub BytesWritten: u32,
    pub BytesNeeded: u32,
}

/// `_SET` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _SET {
    pub Oid: NDIS_OID,
    pub InformationBuffer: PVOID,
    pub InformationBufferLength: u32,
    pub BytesRead: u32,
    pub BytesNeeded: u32,
}

/// `_METHOD` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _METHOD {
    pub Oid: NDIS_OID,
    pub InformationBuffer: PVOID,
    pub InputBufferLength: ULONG,
    pub OutputBufferLength: ULONG,
    pub MethodId: ULONG,
    pub BytesWritten: u32,
    pub BytesRead: u32,
    pub BytesNeeded: u32,
}

bitfields! {
    NDIS_TCP_IP_CHECKSUM_OFFLOAD_IPv4Transmit.Bits: ULONG {
        IpOptionsSupported set_IpOptionsSupported: 0, 2;
        TcpOptionsSupported set_TcpOptionsSupported: 2, 2;
        TcpChecksum set_TcpChecksum: 4, 2;
        UdpChecksum set_UdpChecksum: 6, 2;
        IpChecksum set_IpChecksum: 8, 2;
    }
    NDIS_TCP_IP_CHECKSUM_OFFLOAD_IPv4Receive.Bits: ULONG {
        IpOptionsSupported set_IpOptionsSupported: 0, 2;
        TcpOptionsSupported set_TcpOptionsSupported: 2, 2;
        TcpChecksum set_TcpChecksum: 4, 2;
        UdpChecksum set_UdpChecksum: 6, 2;
        IpChecksum set_IpChecksum: 8, 2;
    }
    NDIS_TCP_IP_CHECKSUM_OFFLOAD_IPv6Transmit.Bits: ULONG {
        IpExtensionHeadersSupported set_IpExtensionHeadersSupported: 0, 2;
        TcpOptionsSupported set_TcpOptionsSupported: 2, 2;
        TcpChecksum set_TcpChecksum: 4, 2;
        UdpChecksum set_UdpChecksum: 6, 2;
    }
    NDIS_TCP_IP_CHECKSUM_OFFLOAD_IPv6Receive.Bits: ULONG {
        IpExtensionHeadersSupported set_IpExtensionHeadersSupported: 0, 2;
        TcpOptionsSupported set_TcpOptionsSupported: 2, 2;
        TcpChecksum set_TcpChecksum: 4, 2;
        UdpChecksum set_UdpChecksum: 6, 2;
    }
    NDIS_TCP_LARGE_SEND_OFFLOAD_V1_IPv4.Bits: ULONG {
        TcpOptions set_TcpOptions: 0, 2;
        IpOptions set_IpOptions: 2, 2;
    }
    NDIS_TCP_LARGE_SEND_OFFLOAD_V2_IPv6.Bits: ULONG {
        IpExtensionHeadersSupported set_IpExtensionHeadersSupported: 0, 2;
        TcpOptionsSupported set_TcpOptionsSupported: 2, 2;
    }
}

layout! {
    LOCK_STATE_EX: 3, 1 { OldIrql: 0, 1; LockState: 1, 1; Flags: 2, 1; }
    NDIS_CONFIGURATION_OBJECT: 24, 8 { Header: 0, 4; NdisHandle: 8, 8; Flags: 16, 4; }
    NDIS_CONFIGURATION_PARAMETER: 24, 8 {
        ParameterType: 0, 4; ParameterData: 8, 16; ParameterData.IntegerData: 8, 4;
        ParameterData.StringData: 8, 16; ParameterData.BinaryData: 8, 16;
    }
    NDIS_DEVICE_OBJECT_ATTRIBUTES: 56, 8 {
        Header: 0, 4; DeviceName: 8, 8; SymbolicName: 16, 8; MajorFunctions: 24, 8; ExtensionSize: 32, 4;
        DefaultSDDLString: 40, 8; DeviceClassGuid: 48, 8;
    }
    NDIS_DRIVER_OPTIONAL_HANDLERS: 4, 2 { Header: 0, 4; }
    NDIS_EVENT: 24, 8 { Event: 0, 24; }
    NDIS_OBJECT_HEADER: 4, 2 { Type: 0, 1; Revision: 1, 1; Size: 2, 2; }
    NDIS_PM_CAPABILITIES: 60, 4 {
        Header: 0, 4; Flags: 4, 4; SupportedWoLPacketPatterns: 8, 4; NumTotalWoLPatterns: 12, 4;
        MaxWoLPatternSize: 16, 4; MaxWoLPatternOffset: 20, 4; MaxWoLPacketSaveBuffer: 24, 4;
        SupportedProtocolOffloads: 28, 4; NumArpOffloadIPv4Addresses: 32, 4;
        NumNSOffloadIPv6Addresses: 36, 4; MinMagicPacketWakeUp: 40, 4; MinPatternWakeUp: 44, 4;
        MinLinkChangeWakeUp: 48, 4; SupportedWakeUpEvents: 52, 4; MediaSpecificWakeUpEvents: 56, 4;
    }
    NDIS_SPIN_LOCK: 16, 8 { SpinLock: 0, 8; OldIrql: 8, 1; }
    NDIS_TCP_IP_CHECKSUM_OFFLOAD: 32, 4 {
        IPv4Transmit: 0, 8; IPv4Transmit.Encapsulation: 0, 4; IPv4Transmit.Bits: 4, 4; IPv4Receive: 8, 8;
        IPv4Receive.Encapsulation: 8, 4; IPv4Receive.Bits: 12, 4; IPv6Transmit: 16, 8;
        IPv6Transmit.Encapsulation: 16, 4; IPv6Transmit.Bits: 20, 4; IPv6Receive: 24, 8;
        IPv6Receive.Encapsulation: 24, 4; IPv6Receive.Bits: 28, 4;
    }
    NDIS_TCP_LARGE_SEND_OFFLOAD_V1: 16, 4 {
        IPv4: 0, 16; IPv4.Encapsulation: 0, 4; IPv4.MaxOffLoadSize: 4, 4; IPv4.MinSegmentCount: 8, 4;
        IPv4.Bits: 12, 4;
    }
    NDIS_TCP_LARGE_SEND_OFFLOAD_V2: 28, 4 {
        IPv4: 0, 12; IPv4.Encapsulation: 0, 4; IPv4.MaxOffLoadSize: 4, 4; IPv4.MinSegmentCount: 8, 4;
        IPv6: 12, 16; IPv6.Encapsulation: 12, 4; IPv6.MaxOffLoadSize: 16, 4; IPv6.MinSegmentCount: 20, 4;
        IPv6.Bits: 24, 4;
    }
    NDIS_TIMER_CHARACTERISTICS: 24, 8 {
        Header: 0, 4; AllocationTag: 4, 4; TimerFunction: 8, 8; FunctionContext: 16, 8;
    }
    BINARY_DATA: 16, 8 { Length: 0, 2; Buffer: 8, 8; }
    NDIS_PM_WAKE_UP_CAPABILITIES: 12, 4 {
        MinMagicPacketWakeUp: 0, 4; MinPatternWakeUp: 4, 4; MinLinkChangeWakeUp: 8, 4;
    }
    _QUERY: 32, 8 {
        Oid: 0, 4; InformationBuffer: 8, 8; InformationBufferLength: 16, 4; BytesWritten: 20, 4;
        BytesNeeded: 24, 4;
    }
    _SET: 32, 8 {
        Oid: 0, 4; InformationBuffer: 8, 8; InformationBufferLength: 16, 4; BytesRead: 20, 4;
        BytesNeeded: 24, 4;
    }
    _METHOD: 40, 8 {
        Oid: 0, 4; InformationBuffer: 8, 8; InputBufferLength: 16, 4; OutputBufferLength: 20, 4;
        MethodId: 24, 4; BytesWritten: 28, 4; BytesRead: 32, 4; BytesNeeded: 36, 4;
    }
}
