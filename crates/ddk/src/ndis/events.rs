//! OID requests, status indications, PnP events, ports and link state.
use super::*;

/// `NDIS_LINK_PARAMETERS` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_LINK_PARAMETERS {
    pub Header: NDIS_OBJECT_HEADER,
    pub MediaDuplexState: NDIS_MEDIA_DUPLEX_STATE,
    pub XmitLinkSpeed: ULONG64,
    pub RcvLinkSpeed: ULONG64,
    pub PauseFunctions: NDIS_SUPPORTED_PAUSE_FUNCTIONS,
    pub AutoNegotiationFlags: ULONG,
}
pub type PNDIS_LINK_PARAMETERS = *mut NDIS_LINK_PARAMETERS;

/// `NDIS_LINK_STATE` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_LINK_STATE {
    pub Header: NDIS_OBJECT_HEADER,
    pub MediaConnectState: NDIS_MEDIA_CONNECT_STATE,
    pub MediaDuplexState: NDIS_MEDIA_DUPLEX_STATE,
    pub XmitLinkSpeed: ULONG64,
    pub RcvLinkSpeed: ULONG64,
    pub PauseFunctions: NDIS_SUPPORTED_PAUSE_FUNCTIONS,
    pub AutoNegotiationFlags: ULONG,
}
pub type PNDIS_LINK_STATE = *mut NDIS_LINK_STATE;

/// `NDIS_OID_REQUEST` (NDIS).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NDIS_OID_REQUEST {
    pub Header: NDIS_OBJECT_HEADER,
    pub RequestType: NDIS_REQUEST_TYPE,
    pub PortNumber: NDIS_PORT_NUMBER,
    pub Timeout: u32,
    pub RequestId: PVOID,
    pub RequestHandle: NDIS_HANDLE,
    pub DATA: _REQUEST_DATA,
    pub NdisReserved: [UCHAR; 128],
    pub MiniportReserved: [UCHAR; 16],
    pub SourceReserved: [UCHAR; 16],
    pub SupportedRevision: UCHAR,
    pub Reserved1: UCHAR,
    pub Reserved2: USHORT,
    pub SwitchId: NDIS_NIC_SWITCH_ID,
    pub VPortId: NDIS_NIC_SWITCH_VPORT_ID,
    pub Flags: ULONG,
}

/// `NDIS_OPER_STATE` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_OPER_STATE {
    pub Header: NDIS_OBJECT_HEADER,
    pub OperationalStatus: NET_IF_OPER_STATUS,
    pub OperationalStatusFlags: ULONG,
}
pub type PNDIS_OPER_STATE = *mut NDIS_OPER_STATE;

/// `NDIS_PNP_CAPABILITIES` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_PNP_CAPABILITIES {
    pub Flags: ULONG,
    pub WakeUpCapabilities: NDIS_PM_WAKE_UP_CAPABILITIES,
}
pub type PNDIS_PNP_CAPABILITIES = *mut NDIS_PNP_CAPABILITIES;

/// `NDIS_PORT_CHARACTERISTICS` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_PORT_CHARACTERISTICS {
    pub Header: NDIS_OBJECT_HEADER,
    pub PortNumber: NDIS_PORT_NUMBER,
    pub Flags: ULONG,
    pub Type: NDIS_PORT_TYPE,
    pub MediaConnectState: NDIS_MEDIA_CONNECT_STATE,
    pub XmitLinkSpeed: ULONG64,
    pub RcvLinkSpeed: ULONG64,
    pub Direction: NET_IF_DIRECTION_TYPE,
    pub SendControlState: NDIS_PORT_CONTROL_STATE,
    pub RcvControlState: NDIS_PORT_CONTROL_STATE,
    pub SendAuthorizationState: NDIS_PORT_AUTHORIZATION_STATE,
    pub RcvAuthorizationState: NDIS_PORT_AUTHORIZATION_STATE,
}
pub type PNDIS_PORT_CHARACTERISTICS = *mut NDIS_PORT_CHARACTERISTICS;

/// `NDIS_STATISTICS_INFO` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_STATISTICS_INFO {
    pub Header: NDIS_OBJECT_HEADER,
    pub SupportedStatistics: ULONG,
    pub ifInDiscards: ULONG64,
    pub ifInErrors: ULONG64,
    pub ifHCInOctets: ULONG64,
    pub ifHCInUcastPkts: ULONG64,
    pub ifHCInMulticastPkts: ULONG64,
    pub ifHCInBroadcastPkts: ULONG64,
    pub ifHCOutOctets: ULONG64,
    pub ifHCOutUcastPkts: ULONG64,
    pub ifHCOutMulticastPkts: ULONG64,
    pub ifHCOutBroadcastPkts: ULONG64,
    pub ifOutErrors: ULONG64,
    pub ifOutDiscards: ULONG64,
    pub ifHCInUcastOctets: ULONG64,
    pub ifHCInMulticastOctets: ULONG64,
    pub ifHCInBroadcastOctets: ULONG64,
    pub ifHCOutUcastOctets: ULONG64,
    pub ifHCOutMulticastOctets: ULONG64,
    pub ifHCOutBroadcastOctets: ULONG64,
}
pub type PNDIS_STATISTICS_INFO = *mut NDIS_STATISTICS_INFO;

/// `NDIS_STATUS_INDICATION` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_STATUS_INDICATION {
    pub Header: NDIS_OBJECT_HEADER,
    pub SourceHandle: NDIS_HANDLE,
    pub PortNumber: NDIS_PORT_NUMBER,
    pub StatusCode: NDIS_STATUS,
    pub Flags: ULONG,
    pub DestinationHandle: NDIS_HANDLE,
    pub RequestId: PVOID,
    pub StatusBuffer: PVOID,
    pub StatusBufferSize: ULONG,
    pub Guid: GUID,
    pub NdisReserved: [PVOID; 4],
}

/// `NET_DEVICE_PNP_EVENT` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NET_DEVICE_PNP_EVENT {
    pub Header: NDIS_OBJECT_HEADER,
    pub PortNumber: NDIS_PORT_NUMBER,
    pub DevicePnPEvent: NDIS_DEVICE_PNP_EVENT,
    pub InformationBuffer: PVOID,
    pub InformationBufferLength: ULONG,
    pub NdisReserved: [UCHAR; 16],
}

/// `NET_PNP_EVENT` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NET_PNP_EVENT {
    pub NetEvent: NET_PNP_EVENT_CODE,
    pub Buffer: PVOID,
    pub BufferLength: ULONG,
    pub NdisReserved: [ULONG_PTR; 4],
    pub TransportReserved: [ULONG_PTR; 4],
    pub TdiReserved: [ULONG_PTR; 4],
    pub TdiClientReserved: [ULONG_PTR; 4],
}
pub type PNET_PNP_EVENT = *mut NET_PNP_EVENT;

/// `NET_PNP_EVENT_NOTIFICATION` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NET_PNP_EVENT_NOTIFICATION {
    pub Header: NDIS_OBJECT_HEADER,
    pub PortNumber: NDIS_PORT_NUMBER,
    pub NetPnPEvent: NET_PNP_EVENT,
    pub Flags: ULONG,
    pub SwitchId: NDIS_NIC_SWITCH_ID,
    pub VPortId: NDIS_NIC_SWITCH_VPORT_ID,
}

/// `_REQUEST_DATA` (NDIS).
#[repr(C)]
#[derive(Clone, Copy)]
pub union _REQUEST_DATA {
    pub Oid: NDIS_OID,
    pub QUERY_INFORMATION: _QUERY,
    pub SET_INFORMATION: _SET,
    pub METHOD_INFORMATION: _METHOD,
}

layout! {
    NDIS_LINK_PARAMETERS: 32, 8 {
        Header: 0, 4; MediaDuplexState: 4, 4; XmitLinkSpeed: 8, 8; RcvLinkSpeed: 16, 8;
        PauseFunctions: 24, 4; AutoNegotiationFlags: 28, 4;
    }
    NDIS_LINK_STATE: 40, 8 {
        Header: 0, 4; MediaConnectState: 4, 4; MediaDuplexState: 8, 4; XmitLinkSpeed: 16, 8;
        RcvLinkSpeed: 24, 8; PauseFunctions: 32, 4; AutoNegotiationFlags: 36, 4;
    }
    NDIS_OID_REQUEST: 248, 8 {
        Header: 0, 4; RequestType: 4, 4; PortNumber: 8, 4; Timeout: 12, 4; RequestId: 16, 8;
        RequestHandle: 24, 8; DATA: 32, 40; NdisReserved: 72, 128; MiniportReserved: 200, 16;
        SourceReserved: 216, 16; SupportedRevision: 232, 1; Reserved1: 233, 1; Reserved2: 234, 2;
        SwitchId: 236, 4; VPortId: 240, 4; Flags: 244, 4;
    }
    NDIS_OPER_STATE: 12, 4 { Header: 0, 4; OperationalStatus: 4, 4; OperationalStatusFlags: 8, 4; }
    NDIS_PNP_CAPABILITIES: 16, 4 { Flags: 0, 4; WakeUpCapabilities: 4, 12; }
    NDIS_PORT_CHARACTERISTICS: 64, 8 {
        Header: 0, 4; PortNumber: 4, 4; Flags: 8, 4; Type: 12, 4; MediaConnectState: 16, 4;
        XmitLinkSpeed: 24, 8; RcvLinkSpeed: 32, 8; Direction: 40, 4; SendControlState: 44, 4;
        RcvControlState: 48, 4; SendAuthorizationState: 52, 4; RcvAuthorizationState: 56, 4;
    }
    NDIS_STATISTICS_INFO: 152, 8 {
        Header: 0, 4; SupportedStatistics: 4, 4; ifInDiscards: 8, 8; ifInErrors: 16, 8;
        ifHCInOctets: 24, 8; ifHCInUcastPkts: 32, 8; ifHCInMulticastPkts: 40, 8;
        ifHCInBroadcastPkts: 48, 8; ifHCOutOctets: 56, 8; ifHCOutUcastPkts: 64, 8;
        ifHCOutMulticastPkts: 72, 8; ifHCOutBroadcastPkts: 80, 8; ifOutErrors: 88, 8; ifOutDiscards: 96, 8;
        ifHCInUcastOctets: 104, 8; ifHCInMulticastOctets: 112, 8; ifHCInBroadcastOctets: 120, 8;
        ifHCOutUcastOctets: 128, 8; ifHCOutMulticastOctets: 136, 8; ifHCOutBroadcastOctets: 144, 8;
    }
    NDIS_STATUS_INDICATION: 112, 8 {
        Header: 0, 4; SourceHandle: 8, 8; PortNumber: 16, 4; StatusCode: 20, 4; Flags: 24, 4;
        DestinationHandle: 32, 8; RequestId: 40, 8; StatusBuffer: 48, 8; StatusBufferSize: 56, 4;
        Guid: 60, 16; NdisReserved: 80, 32;
    }
    NET_DEVICE_PNP_EVENT: 48, 8 {
        Header: 0, 4; PortNumber: 4, 4; DevicePnPEvent: 8, 4; InformationBuffer: 16, 8;
        InformationBufferLength: 24, 4; NdisReserved: 28, 16;
    }
    NET_PNP_EVENT: 152, 8 {
        NetEvent: 0, 4; Buffer: 8, 8; BufferLength: 16, 4; NdisReserved: 24, 32; TransportReserved: 56, 32;
        TdiReserved: 88, 32; TdiClientReserved: 120, 32;
    }
    NET_PNP_EVENT_NOTIFICATION: 176, 8 {
        Header: 0, 4; PortNumber: 4, 4; NetPnPEvent: 8, 152; Flags: 160, 4; SwitchId: 164, 4;
        VPortId: 168, 4;
    }
    _REQUEST_DATA: 40, 8 {
        Oid: 0, 4; QUERY_INFORMATION: 0, 32; SET_INFORMATION: 0, 32; METHOD_INFORMATION: 0, 40;
    }
}
