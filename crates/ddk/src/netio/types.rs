//! Interface, address and socket types used by NDIS and WFP (ifdef.h, ws2def.h, nldef.h).
use super::*;

pub type NET_IFINDEX = ULONG;
pub type NET_IF_COMPARTMENT_ID = u32;
pub type PNET_IFINDEX = *mut ULONG;
pub type PNET_LUID = *mut NET_LUID;
pub type ADDRESS_FAMILY = USHORT;
pub type IF_INDEX = NET_IFINDEX;
/// `NDIS_INTERFACE_INFORMATION` (IP helper).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_INTERFACE_INFORMATION {
    pub ifOperStatus: NET_IF_OPER_STATUS,
    pub ifOperStatusFlags: ULONG,
    pub MediaConnectState: NET_IF_MEDIA_CONNECT_STATE,
    pub MediaDuplexState: NET_IF_MEDIA_DUPLEX_STATE,
    pub ifMtu: ULONG,
    pub ifPromiscuousMode: BOOLEAN,
    pub ifDeviceWakeUpEnable: BOOLEAN,
    pub XmitLinkSpeed: ULONG64,
    pub RcvLinkSpeed: ULONG64,
    pub ifLastChange: ULONG64,
    pub ifCounterDiscontinuityTime: ULONG64,
    pub ifInUnknownProtos: ULONG64,
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
    pub CompartmentId: NET_IF_COMPARTMENT_ID,
    pub SupportedStatistics: ULONG,
}
pub type PNDIS_INTERFACE_INFORMATION = *mut NDIS_INTERFACE_INFORMATION;

/// `SOCKADDR_STORAGE` (socket).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SOCKADDR_STORAGE {
    pub ss_family: ADDRESS_FAMILY,
    pub __ss_pad1: [CHAR; 6],
    pub __ss_align: i64,
    pub __ss_pad2: [CHAR; 112],
}
pub type PSOCKADDR_STORAGE = *mut SOCKADDR_STORAGE;

/// `SCOPE_ID` (socket).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SCOPE_ID {
    pub u: SCOPE_ID_u,
}
/// Part of [`SCOPE_ID`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union SCOPE_ID_u {
    pub Parts: SCOPE_ID_Parts,
    pub Value: ULONG,
}
/// Part of [`SCOPE_ID`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SCOPE_ID_Parts {
    pub Bits: ULONG,
}
pub type PSCOPE_ID = *mut SCOPE_ID;

/// `IP_ADDRESS_PREFIX` (IP helper).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct IP_ADDRESS_PREFIX {
    pub Prefix: SOCKADDR_INET,
    pub PrefixLength: u8,
}
pub type PIP_ADDRESS_PREFIX = *mut IP_ADDRESS_PREFIX;

/// `NET_LUID_LH` (IP helper).
#[repr(C)]
#[derive(Clone, Copy)]
pub union NET_LUID_LH {
    pub Value: ULONG64,
    pub Info: NET_LUID_LH_Info,
}
/// Part of [`NET_LUID_LH`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NET_LUID_LH_Info {
    pub Bits: ULONG64,
}
pub type PNET_LUID_LH = *mut NET_LUID_LH;

/// `SOCKADDR_INET` (socket).
#[repr(C)]
#[derive(Clone, Copy)]
pub union SOCKADDR_INET {
    pub Ipv4: SOCKADDR_IN,
    pub Ipv6: SOCKADDR_IN6,
    pub si_family: ADDRESS_FAMILY,
}
pub type PSOCKADDR_INET = *mut SOCKADDR_INET;

/// `SOCKADDR_IN` (socket).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SOCKADDR_IN {
    pub sin_family: ADDRESS_FAMILY,
    pub sin_port: USHORT,
    pub sin_addr: IN_ADDR,
    pub sin_zero: [CHAR; 8],
}
pub type PSOCKADDR_IN = *mut SOCKADDR_IN;

/// `SOCKADDR_IN6` (socket).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SOCKADDR_IN6 {
    pub sin6_family: ADDRESS_FAMILY,
    pub sin6_port: USHORT,
    pub sin6_flowinfo: ULONG,
    pub sin6_addr: IN6_ADDR,
    pub u: SOCKADDR_IN6_u,
}
/// Part of [`SOCKADDR_IN6`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union SOCKADDR_IN6_u {
    pub sin6_scope_id: ULONG,
    pub sin6_scope_struct: SCOPE_ID,
}
pub type PSOCKADDR_IN6 = *mut SOCKADDR_IN6;

/// `IN_ADDR` (socket).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct IN_ADDR {
    pub S_un: IN_ADDR_S_un,
}
/// Part of [`IN_ADDR`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union IN_ADDR_S_un {
    pub S_un_b: IN_ADDR_S_un_b,
    pub S_un_w: IN_ADDR_S_un_w,
    pub S_addr: ULONG,
}
/// Part of [`IN_ADDR`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct IN_ADDR_S_un_b {
    pub s_b1: UCHAR,
    pub s_b2: UCHAR,
    pub s_b3: UCHAR,
    pub s_b4: UCHAR,
}
/// Part of [`IN_ADDR`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct IN_ADDR_S_un_w {
    pub s_w1: USHORT,
    pub s_w2: USHORT,
}
pub type PIN_ADDR = *mut IN_ADDR;

/// `IN6_ADDR` (socket).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct IN6_ADDR {
    pub u: IN6_ADDR_u,
}
/// Part of [`IN6_ADDR`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union IN6_ADDR_u {
    pub Byte: [UCHAR; 16],
    pub Word: [USHORT; 8],
}
pub type PIN6_ADDR = *mut IN6_ADDR;

/// Another name of [`CMSGHDR`].
pub type WSACMSGHDR = CMSGHDR;
/// Another name of [`NET_LUID_LH`].
pub type NET_LUID = NET_LUID_LH;
/// Another name of [`NET_IF_MEDIA_CONNECT_STATE`].
pub type NDIS_MEDIA_CONNECT_STATE = NET_IF_MEDIA_CONNECT_STATE;
/// Another name of [`NET_IF_MEDIA_DUPLEX_STATE`].
pub type NDIS_MEDIA_DUPLEX_STATE = NET_IF_MEDIA_DUPLEX_STATE;
/// `NET_IF_MEDIA_CONNECT_STATE` (IP helper).
pub type NET_IF_MEDIA_CONNECT_STATE = i32;
pub const MediaConnectStateUnknown: NET_IF_MEDIA_CONNECT_STATE = 0;
pub const MediaConnectStateConnected: NET_IF_MEDIA_CONNECT_STATE = 1;
pub const MediaConnectStateDisconnected: NET_IF_MEDIA_CONNECT_STATE = 2;

/// `NET_IF_MEDIA_DUPLEX_STATE` (IP helper).
pub type NET_IF_MEDIA_DUPLEX_STATE = i32;
pub const MediaDuplexStateUnknown: NET_IF_MEDIA_DUPLEX_STATE = 0;
pub const MediaDuplexStateHalf: NET_IF_MEDIA_DUPLEX_STATE = 1;
pub const MediaDuplexStateFull: NET_IF_MEDIA_DUPLEX_STATE = 2;

/// `NET_IF_OPER_STATUS` (IP helper).
pub type NET_IF_OPER_STATUS = i32;
pub const NET_IF_OPER_STATUS_UP: NET_IF_OPER_STATUS = 1;
pub const NET_IF_OPER_STATUS_DOWN: NET_IF_OPER_STATUS = 2;
pub const NET_IF_OPER_STATUS_TESTING: NET_IF_OPER_STATUS = 3;
pub const NET_IF_OPER_STATUS_UNKNOWN: NET_IF_OPER_STATUS = 4;
pub const NET_IF_OPER_STATUS_DORMANT: NET_IF_OPER_STATUS = 5;
pub const NET_IF_OPER_STATUS_NOT_PRESENT: NET_IF_OPER_STATUS = 6;
pub const NET_IF_OPER_STATUS_LOWER_LAYER_DOWN: NET_IF_OPER_STATUS = 7;

/// `NET_IF_ACCESS_TYPE` (IP helper).
pub type NET_IF_ACCESS_TYPE = i32;
pub const NET_IF_ACCESS_LOOPBACK: NET_IF_ACCESS_TYPE = 1;
pub const NET_IF_ACCESS_BROADCAST: NET_IF_ACCESS_TYPE = 2;
pub const NET_IF_ACCESS_POINT_TO_POINT: NET_IF_ACCESS_TYPE = 3;
pub const NET_IF_ACCESS_POINT_TO_MULTI_POINT: NET_IF_ACCESS_TYPE = 4;
pub const NET_IF_ACCESS_MAXIMUM: NET_IF_ACCESS_TYPE = 5;

/// `NET_IF_DIRECTION_TYPE` (IP helper).
pub type NET_IF_DIRECTION_TYPE = i32;
pub const NET_IF_DIRECTION_SENDRECEIVE: NET_IF_DIRECTION_TYPE = 0;
pub const NET_IF_DIRECTION_SENDONLY: NET_IF_DIRECTION_TYPE = 1;
pub const NET_IF_DIRECTION_RECEIVEONLY: NET_IF_DIRECTION_TYPE = 2;
pub const NET_IF_DIRECTION_MAXIMUM: NET_IF_DIRECTION_TYPE = 3;

/// `NET_IF_CONNECTION_TYPE` (IP helper).
pub type NET_IF_CONNECTION_TYPE = i32;
pub const NET_IF_CONNECTION_DEDICATED: NET_IF_CONNECTION_TYPE = 1;
pub const NET_IF_CONNECTION_PASSIVE: NET_IF_CONNECTION_TYPE = 2;
pub const NET_IF_CONNECTION_DEMAND: NET_IF_CONNECTION_TYPE = 3;
pub const NET_IF_CONNECTION_MAXIMUM: NET_IF_CONNECTION_TYPE = 4;

/// `NET_IF_ADMIN_STATUS` (IP helper).
pub type NET_IF_ADMIN_STATUS = i32;
pub const NET_IF_ADMIN_STATUS_UP: NET_IF_ADMIN_STATUS = 1;
pub const NET_IF_ADMIN_STATUS_DOWN: NET_IF_ADMIN_STATUS = 2;
pub const NET_IF_ADMIN_STATUS_TESTING: NET_IF_ADMIN_STATUS = 3;

/// `COMPARTMENT_ID` (IP helper).
pub type COMPARTMENT_ID = i32;
pub const UNSPECIFIED_COMPARTMENT_ID: COMPARTMENT_ID = 0;
pub const DEFAULT_COMPARTMENT_ID: COMPARTMENT_ID = 1;

/// `IPPROTO` (socket).
pub type IPPROTO = i32;
pub const IPPROTO_HOPOPTS: IPPROTO = 0;
pub const IPPROTO_ICMP: IPPROTO = 1;
pub const IPPROTO_IGMP: IPPROTO = 2;
pub const IPPROTO_GGP: IPPROTO = 3;
pub const IPPROTO_IPV4: IPPROTO = 4;
pub const IPPROTO_ST: IPPROTO = 5;
pub const IPPROTO_TCP: IPPROTO = 6;
pub const IPPROTO_CBT: IPPROTO = 7;
pub const IPPROTO_EGP: IPPROTO = 8;
pub const IPPROTO_IGP: IPPROTO = 9;
pub const IPPROTO_PUP: IPPROTO = 12;
pub const IPPROTO_UDP: IPPROTO = 17;
pub const IPPROTO_IDP: IPPROTO = 22;
pub const IPPROTO_RDP: IPPROTO = 27;
pub const IPPROTO_IPV6: IPPROTO = 41;
pub const IPPROTO_ROUTING: IPPROTO = 43;
pub const IPPROTO_FRAGMENT: IPPROTO = 44;
pub const IPPROTO_ESP: IPPROTO = 50;
pub const IPPROTO_AH: IPPROTO = 51;
pub const IPPROTO_ICMPV6: IPPROTO = 58;
pub const IPPROTO_NONE: IPPROTO = 59;
pub const IPPROTO_DSTOPTS: IPPROTO = 60;
pub const IPPROTO_ND: IPPROTO = 77;
pub const IPPROTO_ICLFXBM: IPPROTO = 78;
pub const IPPROTO_PIM: IPPROTO = 103;
pub const IPPROTO_PGM: IPPROTO = 113;
pub const IPPROTO_L2TP: IPPROTO = 115;
pub const IPPROTO_SCTP: IPPROTO = 132;
pub const IPPROTO_RAW: IPPROTO = 255;
pub const IPPROTO_MAX: IPPROTO = 0x100;
pub const IPPROTO_RESERVED_RAW: IPPROTO = 0x101;
pub const IPPROTO_RESERVED_IPSEC: IPPROTO = 0x102;
pub const IPPROTO_RESERVED_IPSECOFFLOAD: IPPROTO = 0x103;
pub const IPPROTO_RESERVED_WNV: IPPROTO = 0x104;
pub const IPPROTO_RESERVED_MAX: IPPROTO = 0x105;

bitfields! {
    SCOPE_ID_Parts.Bits: ULONG {
        Zone set_Zone: 0, 28;
        Level set_Level: 28, 4;
    }
    NET_LUID_LH_Info.Bits: ULONG64 {
        Reserved set_Reserved: 0, 24;
        NetLuidIndex set_NetLuidIndex: 24, 24;
        IfType set_IfType: 48, 16;
    }
}

layout! {
    NDIS_INTERFACE_INFORMATION: 216, 8 {
        ifOperStatus: 0, 4; ifOperStatusFlags: 4, 4; MediaConnectState: 8, 4; MediaDuplexState: 12, 4;
        ifMtu: 16, 4; ifPromiscuousMode: 20, 1; ifDeviceWakeUpEnable: 21, 1; XmitLinkSpeed: 24, 8;
        RcvLinkSpeed: 32, 8; ifLastChange: 40, 8; ifCounterDiscontinuityTime: 48, 8;
        ifInUnknownProtos: 56, 8; ifInDiscards: 64, 8; ifInErrors: 72, 8; ifHCInOctets: 80, 8;
        ifHCInUcastPkts: 88, 8; ifHCInMulticastPkts: 96, 8; ifHCInBroadcastPkts: 104, 8;
        ifHCOutOctets: 112, 8; ifHCOutUcastPkts: 120, 8; ifHCOutMulticastPkts: 128, 8;
        ifHCOutBroadcastPkts: 136, 8; ifOutErrors: 144, 8; ifOutDiscards: 152, 8;
        ifHCInUcastOctets: 160, 8; ifHCInMulticastOctets: 168, 8; ifHCInBroadcastOctets: 176, 8;
        ifHCOutUcastOctets: 184, 8; ifHCOutMulticastOctets: 192, 8; ifHCOutBroadcastOctets: 200, 8;
        CompartmentId: 208, 4; SupportedStatistics: 212, 4;
    }
    SOCKADDR_STORAGE: 128, 8 { ss_family: 0, 2; __ss_pad1: 2, 6; __ss_align: 8, 8; __ss_pad2: 16, 112; }
    SCOPE_ID: 4, 4 { u.Parts.Bits: 0, 4; u.Value: 0, 4; }
    IP_ADDRESS_PREFIX: 32, 4 { Prefix: 0, 28; PrefixLength: 28, 1; }
    NET_LUID_LH: 8, 8 { Value: 0, 8; Info: 0, 8; Info.Bits: 0, 8; }
    SOCKADDR_INET: 28, 4 { Ipv4: 0, 16; Ipv6: 0, 28; si_family: 0, 2; }
    SOCKADDR_IN: 16, 4 { sin_family: 0, 2; sin_port: 2, 2; sin_addr: 4, 4; sin_zero: 8, 8; }
    SOCKADDR_IN6: 28, 4 {
        sin6_family: 0, 2; sin6_port: 2, 2; sin6_flowinfo: 4, 4; sin6_addr: 8, 16; u.sin6_scope_id: 24, 4;
        u.sin6_scope_struct: 24, 4;
    }
    IN_ADDR: 4, 4 {
        S_un: 0, 4; S_un.S_un_b: 0, 4; S_un.S_un_b.s_b1: 0, 1; S_un.S_un_b.s_b2: 1, 1;
        S_un.S_un_b.s_b3: 2, 1; S_un.S_un_b.s_b4: 3, 1; S_un.S_un_w: 0, 4; S_un.S_un_w.s_w1: 0, 2;
        S_un.S_un_w.s_w2: 2, 2; S_un.S_addr: 0, 4;
    }
    IN6_ADDR: 16, 2 { u: 0, 16; u.Byte: 0, 16; u.Word: 0, 16; }
}
