//! Ethernet II, 802.3 with LLC and SNAP, VLAN tags; and media whose frames begin with IP.

use super::{Frame, MAX_VLAN_TAGS, Malformed, Source, VlanTag, ipv4, ipv6};

/// Ethertypes that the parser or the policy language know.
pub mod ethertype {
    /// IPv4.
    pub const IPV4: u16 = 0x0800;
    /// ARP.
    pub const ARP: u16 = 0x0806;
    /// Wake-on-LAN.
    pub const WOL: u16 = 0x0842;
    /// Reverse ARP.
    pub const RARP: u16 = 0x8035;
    /// IPv6.
    pub const IPV6: u16 = 0x86dd;
    /// 802.1Q customer tag.
    pub const VLAN: u16 = 0x8100;
    /// 802.1ad service tag.
    pub const QINQ: u16 = 0x88a8;
    /// Service tag of equipment older than 802.1ad.
    pub const QINQ_OLD: u16 = 0x9100;
    /// MAC control (pause frames).
    pub const MAC_CONTROL: u16 = 0x8808;
    /// MPLS unicast.
    pub const MPLS: u16 = 0x8847;
    /// PPPoE discovery.
    pub const PPPOE_DISCOVERY: u16 = 0x8863;
    /// PPPoE session.
    pub const PPPOE: u16 = 0x8864;
    /// 802.1X authentication.
    pub const EAPOL: u16 = 0x888e;
    /// PROFINET.
    pub const PROFINET: u16 = 0x8892;
    /// EtherCAT.
    pub const ETHERCAT: u16 = 0x88a4;
    /// Link layer discovery.
    pub const LLDP: u16 = 0x88cc;
    /// MACsec.
    pub const MACSEC: u16 = 0x88e5;
    /// Precision time protocol.
    pub const PTP: u16 = 0x88f7;
}

/// Below this the type field is the length of an 802.3 frame.
const FIRST_ETHERTYPE: u16 = 0x0600;

pub(super) fn parse<S: Source + ?Sized>(source: &S, frame: &mut Frame) -> Result<(), Malformed> {
    let addresses = source.read::<12>(0).ok_or(Malformed::LinkTruncated)?;
    let [d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5] = addresses;
    frame.link.destination = [d0, d1, d2, d3, d4, d5];
    frame.link.source = [s0, s1, s2, s3, s4, s5];

    let mut offset = 12_usize;
    let mut kind = u16_at(source, offset)?;
    offset += 2;
    let mut in_band = 0;
    while matches!(kind, ethertype::VLAN | ethertype::QINQ | ethertype::QINQ_OLD) {
        if in_band == MAX_VLAN_TAGS {
            return Err(Malformed::TooManyVlanTags);
        }
        in_band += 1;
        let tag = VlanTag(u16_at(source, offset)?);
        frame.link.vlan.get_or_insert(tag);
        frame.link.vlan_tags = frame.link.vlan_tags.saturating_add(1);
        kind = u16_at(source, offset + 2)?;
        offset += 4;
    }

    if kind < FIRST_ETHERTYPE {
        let [dsap, ssap, control] = source.read::<3>(offset).ok_or(Malformed::LinkTruncated)?;
        frame.link.llc = Some((dsap, ssap));
        frame.payload = offset as u32 + 3;
        if (dsap, ssap, control) != (0xaa, 0xaa, 3) {
            return Ok(());
        }
        let [o0, o1, o2, high, low] = source.read::<5>(offset + 3).ok_or(Malformed::LinkTruncated)?;
        frame.payload = offset as u32 + 8;
        // RFC 1042 and the 802.1H bridge tunnel; below any other organisation code the type means something
        // else.
        if !matches!([o0, o1, o2], [0, 0, 0] | [0, 0, 0xf8]) {
            return Ok(());
        }
        offset += 8;
        kind = u16::from_be_bytes([high, low]);
    }
    frame.payload = offset as u32;
    frame.link.ethertype = Some(kind);
    match kind {
        ethertype::IPV4 => ipv4::parse(source, offset, frame),
        ethertype::IPV6 => ipv6::parse(source, offset, frame),
        _ => Ok(()),
    }
}

pub(super) fn parse_raw_ip<S: Source + ?Sized>(source: &S, frame: &mut Frame) -> Result<(), Malformed> {
    let [first] = source.read::<1>(0).ok_or(Malformed::IpTruncated)?;
    match first >> 4 {
        4 => {
            frame.link.ethertype = Some(ethertype::IPV4);
            ipv4::parse(source, 0, frame)
        }
        6 => {
            frame.link.ethertype = Some(ethertype::IPV6);
            ipv6::parse(source, 0, frame)
        }
        _ => Err(Malformed::IpVersion),
    }
}

fn u16_at<S: Source + ?Sized>(source: &S, offset: usize) -> Result<u16, Malformed> {
    source.read::<2>(offset).map(u16::from_be_bytes).ok_or(Malformed::LinkTruncated)
}
