//! Data plane objects seen by callouts (fwpstypes.h, fwpsk.h).
use super::*;
use core::ffi::c_void;

/// `FWPS_ACTION0` (WFP data plane).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPS_ACTION0 {
    pub r#type: FWP_ACTION_TYPE,
    pub calloutId: u32,
}

/// `FWPS_ALE_ENDPOINT_ENUM_TEMPLATE0` (WFP data plane).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FWPS_ALE_ENDPOINT_ENUM_TEMPLATE0 {
    pub localSubNet: FWP_CONDITION_VALUE0,
    pub remoteSubNet: FWP_CONDITION_VALUE0,
    pub ipProtocol: FWP_CONDITION_VALUE0,
    pub localPort: FWP_CONDITION_VALUE0,
    pub remotePort: FWP_CONDITION_VALUE0,
}

/// `FWPS_ALE_ENDPOINT_PROPERTIES0` (WFP data plane).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FWPS_ALE_ENDPOINT_PROPERTIES0 {
    pub endpointId: u64,
    pub ipVersion: FWP_IP_VERSION,
    pub local: FWPS_ALE_ENDPOINT_PROPERTIES0_local,
    pub remote: FWPS_ALE_ENDPOINT_PROPERTIES0_remote,
    pub ipProtocol: u8,
    pub localPort: u16,
    pub remotePort: u16,
    pub localTokenModifiedId: u64,
    pub mmSaId: u64,
    pub qmSaId: u64,
    pub ipsecStatus: u32,
    pub flags: u32,
    pub appId: FWP_BYTE_BLOB,
}
/// Part of [`FWPS_ALE_ENDPOINT_PROPERTIES0`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union FWPS_ALE_ENDPOINT_PROPERTIES0_local {
    pub localV4Address: u32,
    pub localV6Address: [u8; 16],
}
/// Part of [`FWPS_ALE_ENDPOINT_PROPERTIES0`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union FWPS_ALE_ENDPOINT_PROPERTIES0_remote {
    pub remoteV4Address: u32,
    pub remoteV6Address: [u8; 16],
}

/// `FWPS_BIND_REQUEST0` (WFP data plane).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPS_BIND_REQUEST0 {
    pub localAddressAndPort: SOCKADDR_STORAGE,
    pub portReservationToken: u64,
    pub previousVersion: *mut FWPS_BIND_REQUEST0,
    pub modifierFilterId: u64,
}

/// `FWPS_CALLOUT0` (WFP data plane).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPS_CALLOUT0 {
    pub calloutKey: GUID,
    pub flags: u32,
    pub classifyFn: FWPS_CALLOUT_CLASSIFY_FN0,
    pub notifyFn: FWPS_CALLOUT_NOTIFY_FN0,
    pub flowDeleteFn: FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN0,
}

/// `FWPS_CALLOUT1` (WFP data plane).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPS_CALLOUT1 {
    pub calloutKey: GUID,
    pub flags: u32,
    pub classifyFn: FWPS_CALLOUT_CLASSIFY_FN1,
    pub notifyFn: FWPS_CALLOUT_NOTIFY_FN1,
    pub flowDeleteFn: FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN0,
}

/// `FWPS_CALLOUT2` (WFP data plane).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPS_CALLOUT2 {
    pub calloutKey: GUID,
    pub flags: u32,
    pub classifyFn: FWPS_CALLOUT_CLASSIFY_FN2,
    pub notifyFn: FWPS_CALLOUT_NOTIFY_FN2,
    pub flowDeleteFn: FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN0,
}

/// `FWPS_CALLOUT3` (WFP data plane).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPS_CALLOUT3 {
    pub calloutKey: GUID,
    pub flags: u32,
    pub classifyFn: FWPS_CALLOUT_CLASSIFY_FN3,
    pub notifyFn: FWPS_CALLOUT_NOTIFY_FN3,
    pub flowDeleteFn: FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN0,
}

/// A callout's decision. Written only with `FWPS_RIGHT_ACTION_WRITE`, or to veto a permit.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPS_CLASSIFY_OUT0 {
    pub actionType: FWP_ACTION_TYPE,
    pub outContext: u64,
    pub filterId: u64,
    pub rights: u32,
    pub flags: u32,
    pub reserved: u32,
}

/// `FWPS_CONNECT_REQUEST0` (WFP data plane).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPS_CONNECT_REQUEST0 {
    pub localAddressAndPort: SOCKADDR_STORAGE,
    pub remoteAddressAndPort: SOCKADDR_STORAGE,
    pub portReservationToken: u64,
    pub localRedirectTargetPID: u32,
    pub previousVersion: *mut FWPS_CONNECT_REQUEST0,
    pub modifierFilterId: u64,
    pub localRedirectHandle: HANDLE,
    pub localRedirectContext: *mut c_void,
    pub localRedirectContextSize: SIZE_T,
}

/// `FWPS_DISCARD_METADATA0` (WFP data plane).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPS_DISCARD_METADATA0 {
    pub discardModule: FWPS_DISCARD_MODULE0,
    pub discardReason: u32,
    pub filterId: u64,
}

/// `FWPS_FILTER0` (WFP data plane).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FWPS_FILTER0 {
    pub filterId: u64,
    pub weight: FWP_VALUE0,
    pub subLayerWeight: u16,
    pub flags: u16,
    pub numFilterConditions: u32,
    pub filterCondition: *mut FWPS_FILTER_CONDITION0,
    pub action: FWPS_ACTION0,
    pub context: u64,
    pub providerContext: *mut FWPM_PROVIDER_CONTEXT0,
}

/// `FWPS_FILTER1` (WFP data plane).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FWPS_FILTER1 {
    pub filterId: u64,
    pub weight: FWP_VALUE0,
    pub subLayerWeight: u16,
    pub flags: u16,
    pub numFilterConditions: u32,
    pub filterCondition: *mut FWPS_FILTER_CONDITION0,
    pub action: FWPS_ACTION0,
    pub context: u64,
    pub providerContext: *mut FWPM_PROVIDER_CONTEXT1,
}

/// `FWPS_FILTER2` (WFP data plane).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FWPS_FILTER2 {
    pub filterId: u64,
    pub weight: FWP_VALUE0,
    pub subLayerWeight: u16,
    pub flags: u16,
    pub numFilterConditions: u32,
    pub filterCondition: *mut FWPS_FILTER_CONDITION0,
    pub action: FWPS_ACTION0,
    pub context: u64,
    pub providerContext: *mut FWPM_PROVIDER_CONTEXT2,
}

/// `FWPS_FILTER3` (WFP data plane).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FWPS_FILTER3 {
    pub filterId: u64,
    pub weight: FWP_VALUE0,
    pub subLayerWeight: u16,
    pub flags: u16,
    pub numFilterConditions: u32,
    pub filterCondition: *mut FWPS_FILTER_CONDITION0,
    pub action: FWPS_ACTION0,
    pub context: u64,
    pub providerContext: *mut FWPM_PROVIDER_CONTEXT3,
}

/// `FWPS_FILTER_CONDITION0` (WFP data plane).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FWPS_FILTER_CONDITION0 {
    pub fieldId: u16,
    pub reserved: u16,
    pub matchType: FWP_MATCH_TYPE,
    pub conditionValue: FWP_CONDITION_VALUE0,
}

/// `FWPS_INBOUND_FRAGMENT_METADATA0` (WFP data plane).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPS_INBOUND_FRAGMENT_METADATA0 {
    pub fragmentIdentification: u32,
    pub fragmentOffset: u16,
    pub fragmentLength: ULONG,
}

/// Metadata of an indication. A field means something only if its bit in `currentMetadataValues` is
/// set.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FWPS_INCOMING_METADATA_VALUES0 {
    pub currentMetadataValues: u32,
    pub flags: u32,
    pub reserved: u64,
    pub discardMetadata: FWPS_DISCARD_METADATA0,
    pub flowHandle: u64,
    pub ipHeaderSize: u32,
    pub transportHeaderSize: u32,
    pub processPath: *mut FWP_BYTE_BLOB,
    pub token: u64,
    pub processId: u64,
    pub sourceInterfaceIndex: u32,
    pub destinationInterfaceIndex: u32,
    pub compartmentId: ULONG,
    pub fragmentMetadata: FWPS_INBOUND_FRAGMENT_METADATA0,
    pub pathMtu: ULONG,
    pub completionHandle: HANDLE,
    pub transportEndpointHandle: u64,
    pub remoteScopeId: SCOPE_ID,
    pub controlData: *mut WSACMSGHDR,
    pub controlDataLength: ULONG,
    pub packetDirection: FWP_DIRECTION,
    pub headerIncludeHeader: PVOID,
    pub headerIncludeHeaderLength: ULONG,
    pub destinationPrefix: IP_ADDRESS_PREFIX,
    pub frameLength: u16,
    pub parentEndpointHandle: u64,
    pub icmpIdAndSequence: u32,
    pub localRedirectTargetPID: u32,
    pub originalDestination: *mut SOCKADDR,
    pub redirectRecords: HANDLE,
    pub currentL2MetadataValues: u32,
    pub l2Flags: u32,
    pub ethernetMacHeaderSize: u32,
    pub wiFiOperationMode: u32,
    pub vSwitchSourcePortId: NDIS_SWITCH_PORT_ID,
    pub vSwitchSourceNicIndex: NDIS_SWITCH_NIC_INDEX,
    pub vSwitchDestinationPortId: NDIS_SWITCH_PORT_ID,
    pub vSwitchPacketContext: HANDLE,
    pub subProcessTag: PVOID,
    pub reserved1: u64,
}

/// `FWPS_INCOMING_VALUE0` (WFP data plane).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FWPS_INCOMING_VALUE0 {
    pub value: FWP_VALUE0,
}

/// The fixed fields of an indication; `valueCount` bounds the index.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPS_INCOMING_VALUES0 {
    pub layerId: u16,
    pub valueCount: u32,
    pub incomingValue: *mut FWPS_INCOMING_VALUE0,
}

/// `FWPS_PACKET_LIST_FWP_INFORMATION0` (WFP data plane).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPS_PACKET_LIST_FWP_INFORMATION0 {
    pub Bits: u32,
}

/// `FWPS_PACKET_LIST_INBOUND_IPSEC_INFORMATION0` (WFP data plane).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPS_PACKET_LIST_INBOUND_IPSEC_INFORMATION0 {
    pub Bits: u32,
}

/// `FWPS_PACKET_LIST_INFORMATION0` (WFP data plane).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FWPS_PACKET_LIST_INFORMATION0 {
    pub ipsecInformation: FWPS_PACKET_LIST_IPSEC_INFORMATION0,
    pub fwpInformation: FWPS_PACKET_LIST_FWP_INFORMATION0,
}

/// `FWPS_PACKET_LIST_IPSEC_INFORMATION0` (WFP data plane).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FWPS_PACKET_LIST_IPSEC_INFORMATION0 {
    pub u: FWPS_PACKET_LIST_IPSEC_INFORMATION0_u,
}
/// Part of [`FWPS_PACKET_LIST_IPSEC_INFORMATION0`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union FWPS_PACKET_LIST_IPSEC_INFORMATION0_u {
    pub inbound: FWPS_PACKET_LIST_INBOUND_IPSEC_INFORMATION0,
    pub outbound: FWPS_PACKET_LIST_OUTBOUND_IPSEC_INFORMATION0,
}

/// `FWPS_PACKET_LIST_OUTBOUND_IPSEC_INFORMATION0` (WFP data plane).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPS_PACKET_LIST_OUTBOUND_IPSEC_INFORMATION0 {
    pub Bits: u32,
}

/// `FWPS_STREAM_CALLOUT_IO_PACKET0` (WFP data plane).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPS_STREAM_CALLOUT_IO_PACKET0 {
    pub streamData: *mut FWPS_STREAM_DATA0,
    pub missedBytes: SIZE_T,
    pub countBytesRequired: u32,
    pub countBytesEnforced: SIZE_T,
    pub streamAction: FWPS_STREAM_ACTION_TYPE,
}

/// `FWPS_STREAM_DATA0` (WFP data plane).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPS_STREAM_DATA0 {
    pub flags: u32,
    pub dataOffset: FWPS_STREAM_DATA_OFFSET0,
    pub dataLength: SIZE_T,
    pub netBufferListChain: *mut NET_BUFFER_LIST,
}

/// `FWPS_STREAM_DATA_OFFSET0` (WFP data plane).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPS_STREAM_DATA_OFFSET0 {
    pub netBufferList: *mut NET_BUFFER_LIST,
    pub netBuffer: *mut NET_BUFFER,
    pub mdl: *mut MDL,
    pub mdlOffset: u32,
    pub netBufferOffset: u32,
    pub streamDataOffset: SIZE_T,
}

/// `FWPS_TRANSPORT_SEND_PARAMS0` (WFP data plane).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FWPS_TRANSPORT_SEND_PARAMS0 {
    pub remoteAddress: *mut UCHAR,
    pub remoteScopeId: SCOPE_ID,
    pub controlData: *mut WSACMSGHDR,
    pub controlDataLength: ULONG,
}

/// `FWPS_TRANSPORT_SEND_PARAMS1` (WFP data plane).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FWPS_TRANSPORT_SEND_PARAMS1 {
    pub remoteAddress: *mut UCHAR,
    pub remoteScopeId: SCOPE_ID,
    pub controlData: *mut WSACMSGHDR,
    pub controlDataLength: ULONG,
    pub headerIncludeHeader: *mut UCHAR,
    pub headerIncludeHeaderLength: ULONG,
}

bitfields! {
    FWPS_PACKET_LIST_FWP_INFORMATION0.Bits: u32 {
        isReinjected set_isReinjected: 0, 1;
    }
    FWPS_PACKET_LIST_INBOUND_IPSEC_INFORMATION0.Bits: u32 {
        isSecure set_isSecure: 0, 1;
        isTransportMode set_isTransportMode: 1, 1;
        isTunnelMode set_isTunnelMode: 2, 1;
        isTransportModeVerified set_isTransportModeVerified: 3, 1;
        isTunnelModeVerified set_isTunnelModeVerified: 4, 1;
        isDeTunneled set_isDeTunneled: 5, 1;
    }
    FWPS_PACKET_LIST_OUTBOUND_IPSEC_INFORMATION0.Bits: u32 {
        isIPsecPolicyMatch set_isIPsecPolicyMatch: 0, 1;
        isTransportPolicyMatch set_isTransportPolicyMatch: 1, 1;
        isTunnelPolicyMatch set_isTunnelPolicyMatch: 2, 1;
        isTunnelIPinIP set_isTunnelIPinIP: 3, 1;
    }
}

layout! {
    FWPS_ACTION0: 8, 4 { r#type: 0, 4; calloutId: 4, 4; }
    FWPS_ALE_ENDPOINT_ENUM_TEMPLATE0: 80, 8 {
        localSubNet: 0, 16; remoteSubNet: 16, 16; ipProtocol: 32, 16; localPort: 48, 16;
        remotePort: 64, 16;
    }
    FWPS_ALE_ENDPOINT_PROPERTIES0: 104, 8 {
        endpointId: 0, 8; ipVersion: 8, 4; local.localV4Address: 12, 4; local.localV6Address: 12, 16;
        remote.remoteV4Address: 28, 4; remote.remoteV6Address: 28, 16; ipProtocol: 44, 1; localPort: 46, 2;
        remotePort: 48, 2; localTokenModifiedId: 56, 8; mmSaId: 64, 8; qmSaId: 72, 8; ipsecStatus: 80, 4;
        flags: 84, 4; appId: 88, 16;
    }
    FWPS_BIND_REQUEST0: 152, 8 {
        localAddressAndPort: 0, 128; portReservationToken: 128, 8; previousVersion: 136, 8;
        modifierFilterId: 144, 8;
    }
    FWPS_CALLOUT0: 48, 8 {
        calloutKey: 0, 16; flags: 16, 4; classifyFn: 24, 8; notifyFn: 32, 8; flowDeleteFn: 40, 8;
    }
    FWPS_CALLOUT1: 48, 8 {
        calloutKey: 0, 16; flags: 16, 4; classifyFn: 24, 8; notifyFn: 32, 8; flowDeleteFn: 40, 8;
    }
    FWPS_CALLOUT2: 48, 8 {
        calloutKey: 0, 16; flags: 16, 4; classifyFn: 24, 8; notifyFn: 32, 8; flowDeleteFn: 40, 8;
    }
    FWPS_CALLOUT3: 48, 8 {
        calloutKey: 0, 16; flags: 16, 4; classifyFn: 24, 8; notifyFn: 32, 8; flowDeleteFn: 40, 8;
    }
    FWPS_CLASSIFY_OUT0: 40, 8 {
        actionType: 0, 4; outContext: 8, 8; filterId: 16, 8; rights: 24, 4; flags: 28, 4; reserved: 32, 4;
    }
    FWPS_CONNECT_REQUEST0: 312, 8 {
        localAddressAndPort: 0, 128; remoteAddressAndPort: 128, 128; portReservationToken: 256, 8;
        localRedirectTargetPID: 264, 4; previousVersion: 272, 8; modifierFilterId: 280, 8;
        localRedirectHandle: 288, 8; localRedirectContext: 296, 8; localRedirectContextSize: 304, 8;
    }
    FWPS_DISCARD_METADATA0: 16, 8 { discardModule: 0, 4; discardReason: 4, 4; filterId: 8, 8; }
    FWPS_FILTER0: 64, 8 {
        filterId: 0, 8; weight: 8, 16; subLayerWeight: 24, 2; flags: 26, 2; numFilterConditions: 28, 4;
        filterCondition: 32, 8; action: 40, 8; context: 48, 8; providerContext: 56, 8;
    }
    FWPS_FILTER1: 64, 8 {
        filterId: 0, 8; weight: 8, 16; subLayerWeight: 24, 2; flags: 26, 2; numFilterConditions: 28, 4;
        filterCondition: 32, 8; action: 40, 8; context: 48, 8; providerContext: 56, 8;
    }
    FWPS_FILTER2: 64, 8 {
        filterId: 0, 8; weight: 8, 16; subLayerWeight: 24, 2; flags: 26, 2; numFilterConditions: 28, 4;
        filterCondition: 32, 8; action: 40, 8; context: 48, 8; providerContext: 56, 8;
    }
    FWPS_FILTER3: 64, 8 {
        filterId: 0, 8; weight: 8, 16; subLayerWeight: 24, 2; flags: 26, 2; numFilterConditions: 28, 4;
        filterCondition: 32, 8; action: 40, 8; context: 48, 8; providerContext: 56, 8;
    }
    FWPS_FILTER_CONDITION0: 24, 8 { fieldId: 0, 2; reserved: 2, 2; matchType: 4, 4; conditionValue: 8, 16; }
    FWPS_INBOUND_FRAGMENT_METADATA0: 12, 4 {
        fragmentIdentification: 0, 4; fragmentOffset: 4, 2; fragmentLength: 8, 4;
    }
    FWPS_INCOMING_METADATA_VALUES0: 280, 8 {
        currentMetadataValues: 0, 4; flags: 4, 4; reserved: 8, 8; discardMetadata: 16, 16;
        flowHandle: 32, 8; ipHeaderSize: 40, 4; transportHeaderSize: 44, 4; processPath: 48, 8;
        token: 56, 8; processId: 64, 8; sourceInterfaceIndex: 72, 4; destinationInterfaceIndex: 76, 4;
        compartmentId: 80, 4; fragmentMetadata: 84, 12; pathMtu: 96, 4; completionHandle: 104, 8;
        transportEndpointHandle: 112, 8; remoteScopeId: 120, 4; controlData: 128, 8;
        controlDataLength: 136, 4; packetDirection: 140, 4; headerIncludeHeader: 144, 8;
        headerIncludeHeaderLength: 152, 4; destinationPrefix: 156, 32; frameLength: 188, 2;
        parentEndpointHandle: 192, 8; icmpIdAndSequence: 200, 4; localRedirectTargetPID: 204, 4;
        originalDestination: 208, 8; redirectRecords: 216, 8; currentL2MetadataValues: 224, 4;
        l2Flags: 228, 4; ethernetMacHeaderSize: 232, 4; wiFiOperationMode: 236, 4;
        vSwitchSourcePortId: 240, 4; vSwitchSourceNicIndex: 244, 2; vSwitchDestinationPortId: 248, 4;
        vSwitchPacketContext: 256, 8; subProcessTag: 264, 8; reserved1: 272, 8;
    }
    FWPS_INCOMING_VALUE0: 16, 8 { value: 0, 16; }
    FWPS_INCOMING_VALUES0: 16, 8 { layerId: 0, 2; valueCount: 4, 4; incomingValue: 8, 8; }
    FWPS_PACKET_LIST_FWP_INFORMATION0: 4, 4 { Bits: 0, 4; }
    FWPS_PACKET_LIST_INBOUND_IPSEC_INFORMATION0: 4, 4 { Bits: 0, 4; }
    FWPS_PACKET_LIST_INFORMATION0: 8, 4 { ipsecInformation: 0, 4; fwpInformation: 4, 4; }
    FWPS_PACKET_LIST_IPSEC_INFORMATION0: 4, 4 { u.inbound: 0, 4; u.outbound: 0, 4; }
    FWPS_PACKET_LIST_OUTBOUND_IPSEC_INFORMATION0: 4, 4 { Bits: 0, 4; }
    FWPS_STREAM_CALLOUT_IO_PACKET0: 40, 8 {
        streamData: 0, 8; missedBytes: 8, 8; countBytesRequired: 16, 4; countBytesEnforced: 24, 8;
        streamAction: 32, 4;
    }
    FWPS_STREAM_DATA0: 64, 8 {
        flags: 0, 4; dataOffset: 8, 40; dataLength: 48, 8; netBufferListChain: 56, 8;
    }
    FWPS_STREAM_DATA_OFFSET0: 40, 8 {
        netBufferList: 0, 8; netBuffer: 8, 8; mdl: 16, 8; mdlOffset: 24, 4; netBufferOffset: 28, 4;
        streamDataOffset: 32, 8;
    }
    FWPS_TRANSPORT_SEND_PARAMS0: 32, 8 {
        remoteAddress: 0, 8; remoteScopeId: 8, 4; controlData: 16, 8; controlDataLength: 24, 4;
    }
    FWPS_TRANSPORT_SEND_PARAMS1: 48, 8 {
        remoteAddress: 0, 8; remoteScopeId: 8, 4; controlData: 16, 8; controlDataLength: 24, 4;
        headerIncludeHeader: 32, 8; headerIncludeHeaderLength: 40, 4;
    }
}
