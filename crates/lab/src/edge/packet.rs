//! What the TCP/IP edge reads in a frame: addresses, ports and fragment fields, parsed by `etherparse`, not
//! by Weir.

use std::net::IpAddr;

use etherparse::{
    IpNumber, Ipv6ExtensionSlice, Ipv6FragmentHeaderSlice, LaxLinkExtSlice, LaxNetSlice, LaxSlicedPacket,
    TcpHeaderSlice, UdpHeaderSlice,
};
use serde::{Deserialize, Serialize};

/// What the bytes of a frame start with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Medium {
    /// `NdisMedium802_3`: an Ethernet header.
    Ethernet,
    /// `NdisMediumIP`, `NdisMediumWirelessWan`: an IP header.
    RawIp,
}

/// Bits of [`Transport::Tcp::flags`].
pub mod tcp {
    /// The sender has no more data.
    pub const FIN: u8 = 0x01;
    /// Opens a connection.
    pub const SYN: u8 = 0x02;
    /// Aborts a connection.
    pub const RST: u8 = 0x04;
    /// The acknowledgement number is valid.
    pub const ACK: u8 = 0x10;
}

/// The transport header of an unfragmented datagram or a first fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are named as in the RFCs")]
pub enum Transport {
    /// TCP.
    Tcp { source: u16, destination: u16, flags: u8, header_len: u32 },
    /// UDP and UDP-Lite.
    Udp { source: u16, destination: u16 },
    /// ICMP (IPv4) or ICMPv6.
    Icmp { kind: u8, code: u8, id: u16, sequence: u16 },
    /// Another protocol: it has no ports.
    Other,
    /// A later fragment: its ports are in the first one.
    LaterFragment,
    /// Too short to hold the header that its protocol needs.
    Truncated,
}

/// The fields of a fragment that connect it with the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Identification.
    pub id: u32,
    /// Position of the payload in the datagram, in bytes.
    pub offset: u32,
    /// More fragments follow.
    pub more: bool,
}

/// An IP datagram or fragment in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ip {
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// Upper-layer protocol, behind any extension headers.
    pub protocol: u8,
    /// Offset of the IP header in the frame.
    pub offset: u32,
    /// Length of the IP header with options or extension headers.
    pub header_len: u32,
    /// Set for fragments.
    pub fragment: Option<Fragment>,
    /// The transport header.
    pub transport: Transport,
}

/// A parsed frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet {
    /// IPv4 or IPv6.
    Ip(Ip),
    /// ARP: the sender's protocol address when it is IPv4.
    Arp(Option<IpAddr>),
    /// Another ethertype, or IEEE 802.3 with LLC.
    Other,
    /// The headers contradict themselves or are cut off; a stack drops such a frame.
    Malformed,
}

/// Source and destination MAC address of an Ethernet frame.
pub fn macs(frame: &[u8]) -> Option<([u8; 6], [u8; 6])> {
    Some((frame.get(6..12)?.try_into().ok()?, frame.get(..6)?.try_into().ok()?))
}

/// Parses `frame` as far as a stack needs it. `tagged` says that a VLAN tag travels beside the bytes.
pub fn parse(medium: Medium, frame: &[u8]) -> Packet {
    let parsed = match medium {
        Medium::Ethernet => match LaxSlicedPacket::from_ethernet(frame) {
            Ok(parsed) => parsed,
            Err(_) => return Packet::Malformed,
        },
        Medium::RawIp => match LaxSlicedPacket::from_ip(frame) {
            Ok(parsed) => parsed,
            Err(_) => return Packet::Malformed,
        },
    };
    match &parsed.net {
        Some(LaxNetSlice::Ipv4(ip)) => {
            let header = ip.header();
            let payload = ip.payload();
            let fragment = header.is_fragmenting_payload().then(|| Fragment {
                id: u32::from(header.identification()),
                offset: u32::from(header.fragments_offset().value()) * 8,
                more: header.more_fragments(),
            });
            finish(
                frame,
                header.slice(),
                payload.payload,
                payload.ip_number,
                Addresses {
                    source: header.source_addr().into(),
                    destination: header.destination_addr().into(),
                },
                fragment,
            )
        }
        Some(LaxNetSlice::Ipv6(ip)) => {
            let header = ip.header();
            let payload = ip.payload();
            // Extension headers that stop short leave no payload to speak of.
            if parsed.stop_err.as_ref().is_some_and(|(_, layer)| is_extension(layer)) {
                return Packet::Malformed;
            }
            let fragment = ip.extensions().clone().into_iter().find_map(|extension| match extension {
                Ipv6ExtensionSlice::Fragment(f) => Some(fragment_of(&f)),
                _ => None,
            });
            finish(
                frame,
                header.slice(),
                payload.payload,
                payload.ip_number,
                Addresses {
                    source: header.source_addr().into(),
                    destination: header.destination_addr().into(),
                },
                fragment.filter(|f| f.more || f.offset != 0),
            )
        }
        Some(LaxNetSlice::Arp(arp)) => {
            let sender: Option<[u8; 4]> = arp.sender_protocol_addr().try_into().ok();
            Packet::Arp(sender.map(IpAddr::from))
        }
        None if parsed.stop_err.is_some() => Packet::Malformed,
        None => Packet::Other,
    }
}

/// Removes the outermost 802.1Q tag of an Ethernet frame, as adapters do before they indicate it.
/// Returns the frame without the tag, and its TCI.
pub fn strip_vlan(frame: &[u8]) -> Option<(Vec<u8>, u16)> {
    let parsed = LaxSlicedPacket::from_ethernet(frame).ok()?;
    let Some(LaxLinkExtSlice::Vlan(tag)) = parsed.link_exts.first() else { return None };
    // 802.1ad service tags stay in the frame: adapters strip 0x8100 only.
    if frame.get(12..14)? != [0x81, 0x00] {
        return None;
    }
    let tci: [u8; 2] = tag.header_slice().get(..2)?.try_into().ok()?;
    let mut bare = frame.get(..12)?.to_vec();
    bare.extend_from_slice(frame.get(16..)?);
    Some((bare, u16::from_be_bytes(tci)))
}

/// Puts a tag that travelled beside the frame back behind the addresses.
pub fn insert_vlan(frame: &[u8], tci: u16) -> Vec<u8> {
    let (addresses, rest) = frame.split_at(frame.len().min(12));
    let mut tagged = addresses.to_vec();
    tagged.extend_from_slice(&[0x81, 0x00]);
    tagged.extend_from_slice(&tci.to_be_bytes());
    tagged.extend_from_slice(rest);
    tagged
}

struct Addresses {
    source: IpAddr,
    destination: IpAddr,
}

fn is_extension(layer: &etherparse::err::Layer) -> bool {
    use etherparse::err::Layer;
    matches!(
        layer,
        Layer::Ipv6ExtHeader
            | Layer::Ipv6HopByHopHeader
            | Layer::Ipv6DestOptionsHeader
            | Layer::Ipv6RouteHeader
            | Layer::Ipv6FragHeader
            | Layer::IpAuthHeader
    )
}

fn fragment_of(header: &Ipv6FragmentHeaderSlice) -> Fragment {
    Fragment {
        id: header.identification(),
        offset: u32::from(header.fragment_offset().value()) * 8,
        more: header.more_fragments(),
    }
}

fn offset_in(frame: &[u8], part: &[u8]) -> u32 {
    (part.as_ptr() as usize - frame.as_ptr() as usize) as u32
}

fn finish(
    frame: &[u8],
    header: &[u8],
    payload: &[u8],
    protocol: IpNumber,
    addresses: Addresses,
    fragment: Option<Fragment>,
) -> Packet {
    let offset = offset_in(frame, header);
    let header_len = offset_in(frame, payload) - offset;
    let transport = match fragment {
        Some(Fragment { offset: 1.., .. }) => Transport::LaterFragment,
        _ => transport(protocol, payload),
    };
    Packet::Ip(Ip {
        source: addresses.source,
        destination: addresses.destination,
        protocol: protocol.0,
        offset,
        header_len,
        fragment,
        transport,
    })
}

fn transport(protocol: IpNumber, payload: &[u8]) -> Transport {
    match protocol {
        IpNumber::TCP => TcpHeaderSlice::from_slice(payload).map_or(Transport::Truncated, |tcp| {
            let bit = |set: bool, bit: u8| if set { bit } else { 0 };
            Transport::Tcp {
                source: tcp.source_port(),
                destination: tcp.destination_port(),
                flags: bit(tcp.fin(), tcp::FIN)
                    | bit(tcp.syn(), tcp::SYN)
                    | bit(tcp.rst(), tcp::RST)
                    | bit(tcp.ack(), tcp::ACK),
                header_len: u32::from(tcp.data_offset()) * 4,
            }
        }),
        IpNumber::UDP | IpNumber::UDP_LITE => {
            UdpHeaderSlice::from_slice(payload).map_or(Transport::Truncated, |udp| Transport::Udp {
                source: udp.source_port(),
                destination: udp.destination_port(),
            })
        }
        IpNumber::ICMP | IpNumber::IPV6_ICMP => match payload.first_chunk::<8>() {
            Some(&[kind, code, _, _, id_high, id_low, seq_high, seq_low]) => Transport::Icmp {
                kind,
                code,
                id: u16::from_be_bytes([id_high, id_low]),
                sequence: u16::from_be_bytes([seq_high, seq_low]),
            },
            // The shortest ICMP messages carry no more than type, code and checksum.
            None if payload.len() >= 4 => {
                Transport::Icmp { kind: payload[0], code: payload[1], id: 0, sequence: 0 }
            }
            None => Transport::Truncated,
        },
        _ => Transport::Other,
    }
}

#[cfg(test)]
mod tests {
    use etherparse::PacketBuilder;

    use super::*;

    fn udp_frame(vlan: Option<u16>) -> Vec<u8> {
        let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
        let mut frame = Vec::new();
        let payload = [7u8; 32];
        match vlan {
            Some(id) => builder
                .single_vlan(id.try_into().unwrap())
                .ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
                .udp(53, 4000)
                .write(&mut frame, &payload)
                .unwrap(),
            None => builder
                .ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
                .udp(53, 4000)
                .write(&mut frame, &payload)
                .unwrap(),
        }
        frame
    }

    #[test]
    fn addresses_ports_and_offsets_of_a_udp_frame() {
        let Packet::Ip(ip) = parse(Medium::Ethernet, &udp_frame(None)) else { panic!("not IP") };
        assert_eq!((ip.offset, ip.header_len, ip.protocol), (14, 20, 17));
        assert_eq!(ip.source, "10.0.0.1".parse::<IpAddr>().unwrap());
        assert_eq!(ip.transport, Transport::Udp { source: 53, destination: 4000 });
        assert_eq!(macs(&udp_frame(None)).unwrap().0, [2, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn a_vlan_tag_is_stripped_and_inserted_without_a_trace() {
        let tagged = udp_frame(Some(42));
        let (bare, tci) = strip_vlan(&tagged).expect("tagged");
        assert_eq!((bare.len(), tci & 0xfff), (tagged.len() - 4, 42));
        assert_eq!(bare, udp_frame(None));
        assert_eq!(insert_vlan(&bare, tci), tagged);
        assert!(strip_vlan(&bare).is_none());
    }

    #[test]
    fn every_truncation_of_a_frame_is_survived() {
        for frame in [udp_frame(None), udp_frame(Some(7))] {
            for length in 0..frame.len() {
                let _ = parse(Medium::Ethernet, &frame[..length]);
                let _ = parse(Medium::RawIp, &frame[..length]);
            }
        }
    }

    #[test]
    fn fragments_carry_their_position() {
        let mut frame = udp_frame(None);
        frame[18..20].copy_from_slice(&0x1234u16.to_be_bytes());
        frame[20..22].copy_from_slice(&0x2000u16.to_be_bytes());
        let Packet::Ip(first) = parse(Medium::Ethernet, &frame) else { panic!("not IP") };
        assert_eq!(first.fragment, Some(Fragment { id: 0x1234, offset: 0, more: true }));
        assert_eq!(first.transport, Transport::Udp { source: 53, destination: 4000 });
        frame[20..22].copy_from_slice(&0x0002u16.to_be_bytes());
        let Packet::Ip(later) = parse(Medium::Ethernet, &frame) else { panic!("not IP") };
        assert_eq!(later.fragment, Some(Fragment { id: 0x1234, offset: 16, more: false }));
        assert_eq!(later.transport, Transport::LaterFragment);
    }
}
