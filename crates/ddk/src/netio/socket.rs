//! Socket addresses and control messages as WSK passes them (ws2def.h, ws2ipdef.h).
use super::*;

pub type PCMSGHDR = *mut WSACMSGHDR;
pub type PSOCKADDR = *mut SOCKADDR;
pub type PADDRINFOEXW = *mut ADDRINFOEXW;

/// `SOCKADDR` (socket).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SOCKADDR {
    pub sa_family: ADDRESS_FAMILY,
    pub sa_data: [CHAR; 14],
}

/// `CMSGHDR` (socket).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CMSGHDR {
    pub cmsg_len: SIZE_T,
    pub cmsg_level: i32,
    pub cmsg_type: i32,
}

/// `IN_PKTINFO` (socket).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct IN_PKTINFO {
    pub ipi_addr: IN_ADDR,
    pub ipi_ifindex: ULONG,
}
pub type PIN_PKTINFO = *mut IN_PKTINFO;

/// `IN6_PKTINFO` (socket).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct IN6_PKTINFO {
    pub ipi6_addr: IN6_ADDR,
    pub ipi6_ifindex: ULONG,
}
pub type PIN6_PKTINFO = *mut IN6_PKTINFO;

opaque! { ADDRINFOEXW, }
layout! {
    SOCKADDR: 16, 2 { sa_family: 0, 2; sa_data: 2, 14; }
    CMSGHDR: 16, 8 { cmsg_len: 0, 8; cmsg_level: 8, 4; cmsg_type: 12, 4; }
    IN_PKTINFO: 8, 4 { ipi_addr: 0, 4; ipi_ifindex: 4, 4; }
    IN6_PKTINFO: 20, 4 { ipi6_addr: 0, 16; ipi6_ifindex: 16, 4; }
}
