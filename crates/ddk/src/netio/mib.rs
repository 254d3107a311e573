//! Rows and tables of IP Helper (netioapi.h).
use super::*;

/// Identity of the network to which an interface is connected.
pub type NET_IF_NETWORK_GUID = GUID;
pub type IFTYPE = ULONG;
pub type PMIB_IPFORWARD_ROW2 = *mut MIB_IPFORWARD_ROW2;
pub type PMIB_IPINTERFACE_ROW = *mut MIB_IPINTERFACE_ROW;
pub type PMIB_UNICASTIPADDRESS_TABLE = *mut MIB_UNICASTIPADDRESS_TABLE;
pub type PMIB_UNICASTIPADDRESS_ROW = *mut MIB_UNICASTIPADDRESS_ROW;
pub type PMIB_IF_ROW2 = *mut MIB_IF_ROW2;
pub type PMIB_IF_TABLE2 = *mut MIB_IF_TABLE2;
pub type PMIB_IFSTACK_TABLE = *mut MIB_IFSTACK_TABLE;
pub type PMIB_IPINTERFACE_TABLE = *mut MIB_IPINTERFACE_TABLE;
pub type PMIB_IPFORWARD_TABLE2 = *mut MIB_IPFORWARD_TABLE2;
pub type PMIB_IPNET_TABLE2 = *mut MIB_IPNET_TABLE2;

/// An interface with its state and counters.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MIB_IF_ROW2 {
    pub InterfaceLuid: NET_LUID,
    pub InterfaceIndex: NET_IFINDEX,
    pub InterfaceGuid: GUID,
    pub Alias: [WCHAR; 257],
    pub Description: [WCHAR; 257],
    pub PhysicalAddressLength: ULONG,
    pub PhysicalAddress: [UCHAR; 32],
    pub PermanentPhysicalAddress: [UCHAR; 32],
    pub Mtu: ULONG,
    pub Type: IFTYPE,
    pub TunnelType: TUNNEL_TYPE,
    pub MediaType: NDIS_MEDIUM,
    pub PhysicalMediumType: NDIS_PHYSICAL_MEDIUM,
    pub AccessType: NET_IF_ACCESS_TYPE,
    pub DirectionType: NET_IF_DIRECTION_TYPE,
    pub InterfaceAndOperStatusFlags: MIB_IF_ROW2_InterfaceAndOperStatusFlags,
    pub OperStatus: IF_OPER_STATUS,
    pub AdminStatus: NET_IF_ADMIN_STATUS,
    pub MediaConnectState: NET_IF_MEDIA_CONNECT_STATE,
    pub NetworkGuid: NET_IF_NETWORK_GUID,
    pub ConnectionType: NET_IF_CONNECTION_TYPE,
    pub TransmitLinkSpeed: ULONG64,
    pub ReceiveLinkSpeed: ULONG64,
    pub InOctets: ULONG64,
    pub InUcastPkts: ULONG64,
    pub InNUcastPkts: ULONG64,
    pub InDiscards: ULONG64,
    pub InErrors: ULONG64,
    pub InUnknownProtos: ULONG64,
    pub InUcastOctets: ULONG64,
    pub InMulticastOctets: ULONG64,
    pub InBroadcastOctets: ULONG64,
    pub OutOctets: ULONG64,
    pub OutUcastPkts: ULONG64,
    pub OutNUcastPkts: ULONG64,
    pub OutDiscards: ULONG64,
    pub OutErrors: ULONG64,
    pub OutUcastOctets: ULONG64,
    pub OutMulticastOctets: ULONG64,
    pub OutBroadcastOctets: ULONG64,
    pub OutQLen: ULONG64,
}
/// Part of [`MIB_IF_ROW2`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MIB_IF_ROW2_InterfaceAndOperStatusFlags {
    pub Bits: BOOLEAN,
}

/// `MIB_IF_TABLE2` (IP helper).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MIB_IF_TABLE2 {
    pub NumEntries: ULONG,
    pub Table: [MIB_IF_ROW2; 1],
}

/// Two interfaces of which one lies on the other; index 0 stands for none.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MIB_IFSTACK_ROW {
    pub HigherLayerInterfaceIndex: NET_IFINDEX,
    pub LowerLayerInterfaceIndex: NET_IFINDEX,
}

/// `MIB_IFSTACK_TABLE` (IP helper).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MIB_IFSTACK_TABLE {
    pub NumEntries: ULONG,
    pub Table: [MIB_IFSTACK_ROW; 1],
}

/// An interface as IPv4 or IPv6 sees it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MIB_IPINTERFACE_ROW {
    pub Family: ADDRESS_FAMILY,
    pub InterfaceLuid: NET_LUID,
    pub InterfaceIndex: NET_IFINDEX,
    pub MaxReassemblySize: ULONG,
    pub InterfaceIdentifier: ULONG64,
    pub MinRouterAdvertisementInterval: ULONG,
    pub MaxRouterAdvertisementInterval: ULONG,
    pub AdvertisingEnabled: BOOLEAN,
    pub ForwardingEnabled: BOOLEAN,
    pub WeakHostSend: BOOLEAN,
    pub WeakHostReceive: BOOLEAN,
    pub UseAutomaticMetric: BOOLEAN,
    pub UseNeighborUnreachabilityDetection: BOOLEAN,
    pub ManagedAddressConfigurationSupported: BOOLEAN,
    pub OtherStatefulConfigurationSupported: BOOLEAN,
    pub AdvertiseDefaultRoute: BOOLEAN,
    pub RouterDiscoveryBehavior: NL_ROUTER_DISCOVERY_BEHAVIOR,
    pub DadTransmits: ULONG,
    pub BaseReachableTime: ULONG,
    pub RetransmitTime: ULONG,
    pub PathMtuDiscoveryTimeout: ULONG,
    pub LinkLocalAddressBehavior: NL_LINK_LOCAL_ADDRESS_BEHAVIOR,
    pub LinkLocalAddressTimeout: ULONG,
    pub ZoneIndices: [ULONG; 16],
    pub SitePrefixLength: ULONG,
    pub Metric: ULONG,
    pub NlMtu: ULONG,
    pub Connected: BOOLEAN,
    pub SupportsWakeUpPatterns: BOOLEAN,
    pub SupportsNeighborDiscovery: BOOLEAN,
    pub SupportsRouterDiscovery: BOOLEAN,
    pub ReachableTime: ULONG,
    pub TransmitOffload: NL_INTERFACE_OFFLOAD_ROD,
    pub ReceiveOffload: NL_INTERFACE_OFFLOAD_ROD,
    pub DisableDefaultRoutes: BOOLEAN,
}

/// `MIB_IPINTERFACE_TABLE` (IP helper).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MIB_IPINTERFACE_TABLE {
    pub NumEntries: ULONG,
    pub Table: [MIB_IPINTERFACE_ROW; 1],
}

/// A unicast address of an interface.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MIB_UNICASTIPADDRESS_ROW {
    pub Address: SOCKADDR_INET,
    pub InterfaceLuid: NET_LUID,
    pub InterfaceIndex: NET_IFINDEX,
    pub PrefixOrigin: NL_PREFIX_ORIGIN,
    pub SuffixOrigin: NL_SUFFIX_ORIGIN,
    pub ValidLifetime: ULONG,
    pub PreferredLifetime: ULONG,
    pub OnLinkPrefixLength: u8,
    pub SkipAsSource: BOOLEAN,
    pub DadState: NL_DAD_STATE,
    pub ScopeId: SCOPE_ID,
    pub CreationTimeStamp: LARGE_INTEGER,
}

/// `MIB_UNICASTIPADDRESS_TABLE` (IP helper).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MIB_UNICASTIPADDRESS_TABLE {
    pub NumEntries: ULONG,
    pub Table: [MIB_UNICASTIPADDRESS_ROW; 1],
}

/// A route.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MIB_IPFORWARD_ROW2 {
    pub InterfaceLuid: NET_LUID,
    pub InterfaceIndex: NET_IFINDEX,
    pub DestinationPrefix: IP_ADDRESS_PREFIX,
    pub NextHop: SOCKADDR_INET,
    pub SitePrefixLength: UCHAR,
    pub ValidLifetime: ULONG,
    pub PreferredLifetime: ULONG,
    pub Metric: ULONG,
    pub Protocol: NL_ROUTE_PROTOCOL,
    pub Loopback: BOOLEAN,
    pub AutoconfigureAddress: BOOLEAN,
    pub Publish: BOOLEAN,
    pub Immortal: BOOLEAN,
    pub Age: ULONG,
    pub Origin: NL_ROUTE_ORIGIN,
}

/// `MIB_IPFORWARD_TABLE2` (IP helper).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MIB_IPFORWARD_TABLE2 {
    pub NumEntries: ULONG,
    pub Table: [MIB_IPFORWARD_ROW2; 1],
}

/// A neighbour: an IP address and the physical address behind it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MIB_IPNET_ROW2 {
    pub Address: SOCKADDR_INET,
    pub InterfaceIndex: NET_IFINDEX,
    pub InterfaceLuid: NET_LUID,
    pub PhysicalAddress: [UCHAR; 32],
    pub PhysicalAddressLength: ULONG,
    pub State: NL_NEIGHBOR_STATE,
    pub u: MIB_IPNET_ROW2_u,
    pub ReachabilityTime: MIB_IPNET_ROW2_ReachabilityTime,
}
/// Part of [`MIB_IPNET_ROW2`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union MIB_IPNET_ROW2_u {
    pub Parts: MIB_IPNET_ROW2_Parts,
    pub Flags: UCHAR,
}
/// Part of [`MIB_IPNET_ROW2`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MIB_IPNET_ROW2_Parts {
    pub Bits: BOOLEAN,
}
/// Part of [`MIB_IPNET_ROW2`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union MIB_IPNET_ROW2_ReachabilityTime {
    pub LastReachable: ULONG,
    pub LastUnreachable: ULONG,
}
pub type PMIB_IPNET_ROW2 = *mut MIB_IPNET_ROW2;

/// `MIB_IPNET_TABLE2` (IP helper).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MIB_IPNET_TABLE2 {
    pub NumEntries: ULONG,
    pub Table: [MIB_IPNET_ROW2; 1],
}

/// `NL_INTERFACE_OFFLOAD_ROD` (IP helper).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NL_INTERFACE_OFFLOAD_ROD {
    pub Bits: BOOLEAN,
}
pub type PNL_INTERFACE_OFFLOAD_ROD = *mut NL_INTERFACE_OFFLOAD_ROD;

bitfields! {
    MIB_IF_ROW2_InterfaceAndOperStatusFlags.Bits: BOOLEAN {
        HardwareInterface set_HardwareInterface: 0, 1;
        FilterInterface set_FilterInterface: 1, 1;
        ConnectorPresent set_ConnectorPresent: 2, 1;
        NotAuthenticated set_NotAuthenticated: 3, 1;
        NotMediaConnected set_NotMediaConnected: 4, 1;
        Paused set_Paused: 5, 1;
        LowPower set_LowPower: 6, 1;
        EndPointInterface set_EndPointInterface: 7, 1;
    }
    MIB_IPNET_ROW2_Parts.Bits: BOOLEAN {
        IsRouter set_IsRouter: 0, 1;
        IsUnreachable set_IsUnreachable: 1, 1;
    }
    NL_INTERFACE_OFFLOAD_ROD.Bits: BOOLEAN {
        NlChecksumSupported set_NlChecksumSupported: 0, 1;
        NlOptionsSupported set_NlOptionsSupported: 1, 1;
        TlDatagramChecksumSupported set_TlDatagramChecksumSupported: 2, 1;
        TlStreamChecksumSupported set_TlStreamChecksumSupported: 3, 1;
        TlStreamOptionsSupported set_TlStreamOptionsSupported: 4, 1;
        FastPathCompatible set_FastPathCompatible: 5, 1;
        TlLargeSendOffloadSupported set_TlLargeSendOffloadSupported: 6, 1;
        TlGiantSendOffloadSupported set_TlGiantSendOffloadSupported: 7, 1;
    }
}

layout! {
    MIB_IF_ROW2: 1352, 8 {
        InterfaceLuid: 0, 8; InterfaceIndex: 8, 4; InterfaceGuid: 12, 16; Alias: 28, 514;
        Description: 542, 514; PhysicalAddressLength: 1056, 4; PhysicalAddress: 1060, 32;
        PermanentPhysicalAddress: 1092, 32; Mtu: 1124, 4; Type: 1128, 4; TunnelType: 1132, 4;
        MediaType: 1136, 4; PhysicalMediumType: 1140, 4; AccessType: 1144, 4; DirectionType: 1148, 4;
        InterfaceAndOperStatusFlags: 1152, 1; InterfaceAndOperStatusFlags.Bits: 1152, 1;
        OperStatus: 1156, 4; AdminStatus: 1160, 4; MediaConnectState: 1164, 4; NetworkGuid: 1168, 16;
        ConnectionType: 1184, 4; TransmitLinkSpeed: 1192, 8; ReceiveLinkSpeed: 1200, 8; InOctets: 1208, 8;
        InUcastPkts: 1216, 8; InNUcastPkts: 1224, 8; InDiscards: 1232, 8; InErrors: 1240, 8;
        InUnknownProtos: 1248, 8; InUcastOctets: 1256, 8; InMulticastOctets: 1264, 8;
        InBroadcastOctets: 1272, 8; OutOctets: 1280, 8; OutUcastPkts: 1288, 8; OutNUcastPkts: 1296, 8;
        OutDiscards: 1304, 8; OutErrors: 1312, 8; OutUcastOctets: 1320, 8; OutMulticastOctets: 1328, 8;
        OutBroadcastOctets: 1336, 8; OutQLen: 1344, 8;
    }
    MIB_IF_TABLE2: 1360, 8 { NumEntries: 0, 4; Table: 8, 1352; }
    MIB_IFSTACK_ROW: 8, 4 { HigherLayerInterfaceIndex: 0, 4; LowerLayerInterfaceIndex: 4, 4; }
    MIB_IFSTACK_TABLE: 12, 4 { NumEntries: 0, 4; Table: 4, 8; }
    MIB_IPINTERFACE_ROW: 168, 8 {
        Family: 0, 2; InterfaceLuid: 8, 8; InterfaceIndex: 16, 4; MaxReassemblySize: 20, 4;
        InterfaceIdentifier: 24, 8; MinRouterAdvertisementInterval: 32, 4;
        MaxRouterAdvertisementInterval: 36, 4; AdvertisingEnabled: 40, 1; ForwardingEnabled: 41, 1;
        WeakHostSend: 42, 1; WeakHostReceive: 43, 1; UseAutomaticMetric: 44, 1;
        UseNeighborUnreachabilityDetection: 45, 1; ManagedAddressConfigurationSupported: 46, 1;
        OtherStatefulConfigurationSupported: 47, 1; AdvertiseDefaultRoute: 48, 1;
        RouterDiscoveryBehavior: 52, 4; DadTransmits: 56, 4; BaseReachableTime: 60, 4;
        RetransmitTime: 64, 4; PathMtuDiscoveryTimeout: 68, 4; LinkLocalAddressBehavior: 72, 4;
        LinkLocalAddressTimeout: 76, 4; ZoneIndices: 80, 64; SitePrefixLength: 144, 4; Metric: 148, 4;
        NlMtu: 152, 4; Connected: 156, 1; SupportsWakeUpPatterns: 157, 1;
        SupportsNeighborDiscovery: 158, 1; SupportsRouterDiscovery: 159, 1; ReachableTime: 160, 4;
        TransmitOffload: 164, 1; ReceiveOffload: 165, 1; DisableDefaultRoutes: 166, 1;
    }
    MIB_IPINTERFACE_TABLE: 176, 8 { NumEntries: 0, 4; Table: 8, 168; }
    MIB_UNICASTIPADDRESS_ROW: 80, 8 {
        Address: 0, 28; InterfaceLuid: 32, 8; InterfaceIndex: 40, 4; PrefixOrigin: 44, 4;
        SuffixOrigin: 48, 4; ValidLifetime: 52, 4; PreferredLifetime: 56, 4; OnLinkPrefixLength: 60, 1;
        SkipAsSource: 61, 1; DadState: 64, 4; ScopeId: 68, 4; CreationTimeStamp: 72, 8;
    }
    MIB_UNICASTIPADDRESS_TABLE: 88, 8 { NumEntries: 0, 4; Table: 8, 80; }
    MIB_IPFORWARD_ROW2: 104, 8 {
        InterfaceLuid: 0, 8; InterfaceIndex: 8, 4; DestinationPrefix: 12, 32; NextHop: 44, 28;
        SitePrefixLength: 72, 1; ValidLifetime: 76, 4; PreferredLifetime: 80, 4; Metric: 84, 4;
        Protocol: 88, 4; Loopback: 92, 1; AutoconfigureAddress: 93, 1; Publish: 94, 1; Immortal: 95, 1;
        Age: 96, 4; Origin: 100, 4;
    }
    MIB_IPFORWARD_TABLE2: 112, 8 { NumEntries: 0, 4; Table: 8, 104; }
    MIB_IPNET_ROW2: 88, 8 {
        Address: 0, 28; InterfaceIndex: 28, 4; InterfaceLuid: 32, 8; PhysicalAddress: 40, 32;
        PhysicalAddressLength: 72, 4; State: 76, 4; u.Parts.Bits: 80, 1; u.Flags: 80, 1;
        ReachabilityTime: 84, 4; ReachabilityTime.LastReachable: 84, 4;
        ReachabilityTime.LastUnreachable: 84, 4;
    }
    MIB_IPNET_TABLE2: 96, 8 { NumEntries: 0, 4; Table: 8, 88; }
    NL_INTERFACE_OFFLOAD_ROD: 1, 1 { Bits: 0, 1; }
}
