//! Ethernet II, 802.3 with LLC and SNAP, VLAN tags.

use super::{Frame, Malformed, Source};

/// Ethertypes that the parser or the policy language know.
pub mod ethertype {
    /// IPv4.
    pub const IPV4: u16 = 0x0800;
    /// ARP.
    pub const ARP: u16 = 0x0806;
    /// IPv6.
    pub const IPV6: u16 = 0x86dd;
    /// 802.1Q customer tag.
    pub const VLAN: u16 = 0x8100;
    /// 802.1ad service tag.
    pub const QINQ: u16 = 0x88a8;
}

pub(super) fn parse<S: Source + ?Sized>(_source: &S, _frame: &mut Frame) -> Result<(), Malformed> {
    Ok(())
}
pub(super) fn parse_raw_ip<S: Source + ?Sized>(_source: &S, _frame: &mut Frame) -> Result<(), Malformed> {
    Ok(())
}
