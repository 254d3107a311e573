//! Enumerations of interfaces, addresses and routes (ifdef.h, nldef.h, netioapi.h).

/// `MIB_IF_ENTRY_LEVEL` (IP helper).
pub type MIB_IF_ENTRY_LEVEL = i32;
pub const MibIfEntryNormal: MIB_IF_ENTRY_LEVEL = 0;
pub const MibIfEntryNormalWithoutStatistics: MIB_IF_ENTRY_LEVEL = 2;

/// `MIB_IF_TABLE_LEVEL` (IP helper).
pub type MIB_IF_TABLE_LEVEL = i32;
pub const MibIfTableNormal: MIB_IF_TABLE_LEVEL = 0;
pub const MibIfTableRaw: MIB_IF_TABLE_LEVEL = 1;
pub const MibIfTableNormalWithoutStatistics: MIB_IF_TABLE_LEVEL = 2;

/// `MIB_NOTIFICATION_TYPE` (IP helper).
pub type MIB_NOTIFICATION_TYPE = i32;
pub const MibParameterNotification: MIB_NOTIFICATION_TYPE = 0;
pub const MibAddInstance: MIB_NOTIFICATION_TYPE = 1;
pub const MibDeleteInstance: MIB_NOTIFICATION_TYPE = 2;
pub const MibInitialNotification: MIB_NOTIFICATION_TYPE = 3;

/// `TUNNEL_TYPE` (IP helper).
pub type TUNNEL_TYPE = i32;
pub const TUNNEL_TYPE_NONE: TUNNEL_TYPE = 0;
pub const TUNNEL_TYPE_OTHER: TUNNEL_TYPE = 1;
pub const TUNNEL_TYPE_DIRECT: TUNNEL_TYPE = 2;
pub const TUNNEL_TYPE_6TO4: TUNNEL_TYPE = 11;
pub const TUNNEL_TYPE_ISATAP: TUNNEL_TYPE = 13;
pub const TUNNEL_TYPE_TEREDO: TUNNEL_TYPE = 14;
pub const TUNNEL_TYPE_IPHTTPS: TUNNEL_TYPE = 15;

/// `IF_OPER_STATUS` (IP helper).
pub type IF_OPER_STATUS = i32;
pub const IfOperStatusUp: IF_OPER_STATUS = 1;
pub const IfOperStatusDown: IF_OPER_STATUS = 2;
pub const IfOperStatusTesting: IF_OPER_STATUS = 3;
pub const IfOperStatusUnknown: IF_OPER_STATUS = 4;
pub const IfOperStatusDormant: IF_OPER_STATUS = 5;
pub const IfOperStatusNotPresent: IF_OPER_STATUS = 6;
pub const IfOperStatusLowerLayerDown: IF_OPER_STATUS = 7;

/// `NL_ROUTER_DISCOVERY_BEHAVIOR` (IP helper).
pub type NL_ROUTER_DISCOVERY_BEHAVIOR = i32;
pub const RouterDiscoveryDisabled: NL_ROUTER_DISCOVERY_BEHAVIOR = 0;
pub const RouterDiscoveryEnabled: NL_ROUTER_DISCOVERY_BEHAVIOR = 1;
pub const RouterDiscoveryDhcp: NL_ROUTER_DISCOVERY_BEHAVIOR = 2;
pub const RouterDiscoveryUnchanged: NL_ROUTER_DISCOVERY_BEHAVIOR = -1;

/// `NL_LINK_LOCAL_ADDRESS_BEHAVIOR` (IP helper).
pub type NL_LINK_LOCAL_ADDRESS_BEHAVIOR = i32;
pub const LinkLocalAlwaysOff: NL_LINK_LOCAL_ADDRESS_BEHAVIOR = 0;
pub const LinkLocalDelayed: NL_LINK_LOCAL_ADDRESS_BEHAVIOR = 1;
pub const LinkLocalAlwaysOn: NL_LINK_LOCAL_ADDRESS_BEHAVIOR = 2;
pub const LinkLocalUnchanged: NL_LINK_LOCAL_ADDRESS_BEHAVIOR = -1;

/// `NL_PREFIX_ORIGIN` (IP helper).
pub type NL_PREFIX_ORIGIN = i32;
pub const IpPrefixOriginOther: NL_PREFIX_ORIGIN = 0;
pub const IpPrefixOriginManual: NL_PREFIX_ORIGIN = 1;
pub const IpPrefixOriginWellKnown: NL_PREFIX_ORIGIN = 2;
pub const IpPrefixOriginDhcp: NL_PREFIX_ORIGIN = 3;
pub const IpPrefixOriginRouterAdvertisement: NL_PREFIX_ORIGIN = 4;
pub const IpPrefixOriginUnchanged: NL_PREFIX_ORIGIN = 0x10;

/// `NL_SUFFIX_ORIGIN` (IP helper).
pub type NL_SUFFIX_ORIGIN = i32;
pub const NlsoOther: NL_SUFFIX_ORIGIN = 0;
pub const NlsoManual: NL_SUFFIX_ORIGIN = 1;
pub const NlsoWellKnown: NL_SUFFIX_ORIGIN = 2;
pub const NlsoDhcp: NL_SUFFIX_ORIGIN = 3;
pub const NlsoLinkLayerAddress: NL_SUFFIX_ORIGIN = 4;
pub const NlsoRandom: NL_SUFFIX_ORIGIN = 5;
pub const IpSuffixOriginOther: NL_SUFFIX_ORIGIN = 0;
pub const IpSuffixOriginManual: NL_SUFFIX_ORIGIN = 1;
pub const IpSuffixOriginWellKnown: NL_SUFFIX_ORIGIN = 2;
pub const IpSuffixOriginDhcp: NL_SUFFIX_ORIGIN = 3;
pub const IpSuffixOriginLinkLayerAddress: NL_SUFFIX_ORIGIN = 4;
pub const IpSuffixOriginRandom: NL_SUFFIX_ORIGIN = 5;
pub const IpSuffixOriginUnchanged: NL_SUFFIX_ORIGIN = 0x10;

/// `NL_DAD_STATE` (IP helper).
pub type NL_DAD_STATE = i32;
pub const NldsInvalid: NL_DAD_STATE = 0;
pub const NldsTentative: NL_DAD_STATE = 1;
pub const NldsDuplicate: NL_DAD_STATE = 2;
pub const NldsDeprecated: NL_DAD_STATE = 3;
pub const NldsPreferred: NL_DAD_STATE = 4;
pub const IpDadStateInvalid: NL_DAD_STATE = 0;
pub const IpDadStateTentative: NL_DAD_STATE = 1;
pub const IpDadStateDuplicate: NL_DAD_STATE = 2;
pub const IpDadStateDeprecated: NL_DAD_STATE = 3;
pub const IpDadStatePreferred: NL_DAD_STATE = 4;

/// `NL_ROUTE_PROTOCOL` (IP helper).
pub type NL_ROUTE_PROTOCOL = i32;
pub const RouteProtocolOther: NL_ROUTE_PROTOCOL = 1;
pub const RouteProtocolLocal: NL_ROUTE_PROTOCOL = 2;
pub const RouteProtocolNetMgmt: NL_ROUTE_PROTOCOL = 3;
pub const RouteProtocolIcmp: NL_ROUTE_PROTOCOL = 4;
pub const RouteProtocolEgp: NL_ROUTE_PROTOCOL = 5;
pub const RouteProtocolGgp: NL_ROUTE_PROTOCOL = 6;
pub const RouteProtocolHello: NL_ROUTE_PROTOCOL = 7;
pub const RouteProtocolRip: NL_ROUTE_PROTOCOL = 8;
pub const RouteProtocolIsIs: NL_ROUTE_PROTOCOL = 9;
pub const RouteProtocolEsIs: NL_ROUTE_PROTOCOL = 10;
pub const RouteProtocolCisco: NL_ROUTE_PROTOCOL = 11;
pub const RouteProtocolBbn: NL_ROUTE_PROTOCOL = 12;
pub const RouteProtocolOspf: NL_ROUTE_PROTOCOL = 13;
pub const RouteProtocolBgp: NL_ROUTE_PROTOCOL = 14;
pub const RouteProtocolIdpr: NL_ROUTE_PROTOCOL = 15;
pub const RouteProtocolEigrp: NL_ROUTE_PROTOCOL = 0x10;
pub const RouteProtocolDvmrp: NL_ROUTE_PROTOCOL = 17;
pub const RouteProtocolRpl: NL_ROUTE_PROTOCOL = 18;
pub const RouteProtocolDhcp: NL_ROUTE_PROTOCOL = 19;
pub const MIB_IPPROTO_OTHER: NL_ROUTE_PROTOCOL = 1;
pub const PROTO_IP_OTHER: NL_ROUTE_PROTOCOL = 1;
pub const MIB_IPPROTO_LOCAL: NL_ROUTE_PROTOCOL = 2;
pub const PROTO_IP_LOCAL: NL_ROUTE_PROTOCOL = 2;
pub const MIB_IPPROTO_NETMGMT: NL_ROUTE_PROTOCOL = 3;
pub const PROTO_IP_NETMGMT: NL_ROUTE_PROTOCOL = 3;
pub const MIB_IPPROTO_ICMP: NL_ROUTE_PROTOCOL = 4;
pub const PROTO_IP_ICMP: NL_ROUTE_PROTOCOL = 4;
pub const MIB_IPPROTO_EGP: NL_ROUTE_PROTOCOL = 5;
pub const PROTO_IP_EGP: NL_ROUTE_PROTOCOL = 5;
pub const MIB_IPPROTO_GGP: NL_ROUTE_PROTOCOL = 6;
pub const PROTO_IP_GGP: NL_ROUTE_PROTOCOL = 6;
pub const MIB_IPPROTO_HELLO: NL_ROUTE_PROTOCOL = 7;
pub const PROTO_IP_HELLO: NL_ROUTE_PROTOCOL = 7;
pub const MIB_IPPROTO_RIP: NL_ROUTE_PROTOCOL = 8;
pub const PROTO_IP_RIP: NL_ROUTE_PROTOCOL = 8;
pub const MIB_IPPROTO_IS_IS: NL_ROUTE_PROTOCOL = 9;
pub const PROTO_IP_IS_IS: NL_ROUTE_PROTOCOL = 9;
pub const MIB_IPPROTO_ES_IS: NL_ROUTE_PROTOCOL = 10;
pub const PROTO_IP_ES_IS: NL_ROUTE_PROTOCOL = 10;
pub const MIB_IPPROTO_CISCO: NL_ROUTE_PROTOCOL = 11;
pub const PROTO_IP_CISCO: NL_ROUTE_PROTOCOL = 11;
pub const MIB_IPPROTO_BBN: NL_ROUTE_PROTOCOL = 12;
pub const PROTO_IP_BBN: NL_ROUTE_PROTOCOL = 12;
pub const MIB_IPPROTO_OSPF: NL_ROUTE_PROTOCOL = 13;
pub const PROTO_IP_OSPF: NL_ROUTE_PROTOCOL = 13;
pub const MIB_IPPROTO_BGP: NL_ROUTE_PROTOCOL = 14;
pub const PROTO_IP_BGP: NL_ROUTE_PROTOCOL = 14;
pub const MIB_IPPROTO_IDPR: NL_ROUTE_PROTOCOL = 15;
pub const PROTO_IP_IDPR: NL_ROUTE_PROTOCOL = 15;
pub const MIB_IPPROTO_EIGRP: NL_ROUTE_PROTOCOL = 0x10;
pub const PROTO_IP_EIGRP: NL_ROUTE_PROTOCOL = 0x10;
pub const MIB_IPPROTO_DVMRP: NL_ROUTE_PROTOCOL = 17;
pub const PROTO_IP_DVMRP: NL_ROUTE_PROTOCOL = 17;
pub const MIB_IPPROTO_RPL: NL_ROUTE_PROTOCOL = 18;
pub const PROTO_IP_RPL: NL_ROUTE_PROTOCOL = 18;
pub const MIB_IPPROTO_DHCP: NL_ROUTE_PROTOCOL = 19;
pub const PROTO_IP_DHCP: NL_ROUTE_PROTOCOL = 19;
pub const MIB_IPPROTO_NT_AUTOSTATIC: NL_ROUTE_PROTOCOL = 0x2712;
pub const PROTO_IP_NT_AUTOSTATIC: NL_ROUTE_PROTOCOL = 0x2712;
pub const MIB_IPPROTO_NT_STATIC: NL_ROUTE_PROTOCOL = 0x2716;
pub const PROTO_IP_NT_STATIC: NL_ROUTE_PROTOCOL = 0x2716;
pub const MIB_IPPROTO_NT_STATIC_NON_DOD: NL_ROUTE_PROTOCOL = 0x2717;
pub const PROTO_IP_NT_STATIC_NON_DOD: NL_ROUTE_PROTOCOL = 0x2717;

/// `NL_ROUTE_ORIGIN` (IP helper).
pub type NL_ROUTE_ORIGIN = i32;
pub const NlroManual: NL_ROUTE_ORIGIN = 0;
pub const NlroWellKnown: NL_ROUTE_ORIGIN = 1;
pub const NlroDHCP: NL_ROUTE_ORIGIN = 2;
pub const NlroRouterAdvertisement: NL_ROUTE_ORIGIN = 3;
pub const Nlro6to4: NL_ROUTE_ORIGIN = 4;

/// `NL_NEIGHBOR_STATE` (IP helper).
pub type NL_NEIGHBOR_STATE = i32;
pub const NlnsUnreachable: NL_NEIGHBOR_STATE = 0;
pub const NlnsIncomplete: NL_NEIGHBOR_STATE = 1;
pub const NlnsProbe: NL_NEIGHBOR_STATE = 2;
pub const NlnsDelay: NL_NEIGHBOR_STATE = 3;
pub const NlnsStale: NL_NEIGHBOR_STATE = 4;
pub const NlnsReachable: NL_NEIGHBOR_STATE = 5;
pub const NlnsPermanent: NL_NEIGHBOR_STATE = 6;
pub const NlnsMaximum: NL_NEIGHBOR_STATE = 7;
