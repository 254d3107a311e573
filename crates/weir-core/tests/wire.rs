//! Frames of every kind that the parser knows, built byte by byte.

mod support;

use support::{ACK, LOCAL, REMOTE, SYN, V4, echo, ethernet, ipv6, mapped, sent, tagged, tcp, udp};
use weir_core::wire::{
    self, Frame, MAX_EXTENSIONS, MAX_VLAN_TAGS, Malformed, Medium, TcpFlags, Transport, Tunnel, VlanTag,
    protocol,
};

fn parse(frame: &[u8]) -> Frame {
    wire::parse(Medium::Ethernet, frame, None)
}

const A: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const B: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

fn v6(next: u8, payload: &[u8]) -> Frame {
    parse(&ethernet(0x86dd, &ipv6(A, B, next, payload)))
}

#[test]
fn tcp_over_ipv4() {
    let frame = parse(&sent(6, &tcp(50_000, 443, SYN)));
    assert_eq!(frame.malformed, None);
    assert_eq!(frame.bytes, 54);
    assert_eq!(frame.payload, 54);
    let ip = frame.ip.unwrap();
    assert_eq!((ip.version, ip.source, ip.destination, ip.protocol), (4, mapped(LOCAL), mapped(REMOTE), 6));
    assert_eq!(
        frame.transport,
        Transport::Tcp { source: 50_000, destination: 443, flags: TcpFlags(SYN), sequence: 0 }
    );
    assert_eq!(frame.ports(), Some((50_000, 443)));
}

#[test]
fn vlan_tags_in_band_and_out_of_band() {
    let inner = sent(17, &udp(1, 2, b"x"));
    let frame = tagged(&tagged(&inner, 0x8100, 0x2064), 0x88a8, 0x0007);
    let parsed = parse(&frame);
    assert_eq!(parsed.link.vlan, Some(VlanTag(7)));
    assert_eq!(parsed.link.vlan_tags, 2);
    assert_eq!(parsed.link.ethertype, Some(0x0800));
    assert_eq!(parsed.ports(), Some((1, 2)));

    let beside = wire::parse(Medium::Ethernet, inner.as_slice(), Some(VlanTag(0x2064)));
    assert_eq!(beside.bytes as usize, inner.len() + 4);
    let tag = beside.link.vlan.unwrap();
    assert_eq!((tag.id(), tag.priority()), (100, 1));

    let mut many = inner;
    for _ in 0..=MAX_VLAN_TAGS {
        many = tagged(&many, 0x8100, 1);
    }
    assert_eq!(parse(&many).malformed, Some(Malformed::TooManyVlanTags));
}

#[test]
fn llc_and_snap() {
    let packet = V4::new(LOCAL, REMOTE, 17).packet(&udp(5, 6, b""));
    let mut snap = vec![0xaa, 0xaa, 3, 0, 0, 0, 8, 0];
    snap.extend(&packet);
    let frame = parse(&ethernet(snap.len() as u16, &snap));
    assert_eq!(frame.link.llc, Some((0xaa, 0xaa)));
    assert_eq!(frame.ports(), Some((5, 6)));

    let spanning_tree = parse(&ethernet(39, &[0x42, 0x42, 3, 0, 0, 0, 0, 0]));
    assert_eq!(spanning_tree.link.llc, Some((0x42, 0x42)));
    assert_eq!((spanning_tree.link.ethertype, spanning_tree.malformed), (None, None));

    let cisco = parse(&ethernet(39, &[0xaa, 0xaa, 3, 0, 0, 0xc, 0x20, 0, 1, 2]));
    assert_eq!((cisco.link.ethertype, cisco.malformed), (None, None));
}

#[test]
fn arp_is_not_ip() {
    let frame = parse(&ethernet(0x0806, &[0; 28]));
    assert_eq!((frame.link.ethertype, frame.ip, frame.malformed), (Some(0x0806), None, None));
    assert_eq!(frame.ports(), None);
}

#[test]
fn options_and_padding() {
    let mut v4 = V4::new(LOCAL, REMOTE, 17);
    v4.options = 8;
    let mut bytes = v4.frame(&udp(9, 10, b""));
    bytes.extend([0; 20]);
    let frame = parse(&bytes);
    assert!(frame.ip.unwrap().options);
    assert_eq!((frame.ports(), frame.malformed), (Some((9, 10)), None));
    // Padding is no payload: a datagram cut at its own length is malformed whatever follows it in the frame.
    let mut cut = V4::new(LOCAL, REMOTE, 17).frame(&[0, 9, 0, 10]);
    cut.extend([0; 30]);
    assert_eq!(parse(&cut).malformed, Some(Malformed::TransportTruncated));
}

#[test]
fn ipv4_fragments() {
    let mut v4 = V4::new(LOCAL, REMOTE, 17);
    v4.identification = 0x1234;
    v4.fragment = 0x2000;
    let datagram = udp(9, 10, &[0; 100]);
    let first = parse(&v4.frame(&datagram[..48]));
    assert_eq!((first.ports(), first.malformed), (Some((9, 10)), None));
    assert!(first.ip.unwrap().fragment.unwrap().is_first());
    v4.fragment = 6;
    let last = parse(&v4.frame(&datagram[48..]));
    assert_eq!((last.ports(), last.malformed), (None, None));
    let fragment = last.ip.unwrap().fragment.unwrap();
    assert_eq!((fragment.identification, fragment.offset, fragment.more), (0x1234, 48, false));

    v4.fragment = 0x2000;
    assert_eq!(parse(&v4.frame(&datagram[..47])).malformed, Some(Malformed::FragmentBounds));
    v4.fragment = 0x1fff;
    assert_eq!(parse(&v4.frame(&datagram)).malformed, Some(Malformed::FragmentBounds));
    v4.protocol = 6;
    v4.fragment = 0x2000;
    assert_eq!(parse(&v4.frame(&tcp(1, 2, SYN)[..16])).malformed, Some(Malformed::TinyFragment));
    v4.fragment = 1;
    assert_eq!(parse(&v4.frame(&[0; 16])).malformed, Some(Malformed::TinyFragment));
}

#[test]
fn ipv4_lengths() {
    let good = sent(17, &udp(1, 2, b"abcd"));
    let with = |offset: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[offset] = value;
        parse(&bytes).malformed
    };
    assert_eq!(with(14, 0x65), Some(Malformed::IpVersion));
    assert_eq!(with(14, 0x44), Some(Malformed::IpHeaderLength));
    assert_eq!(with(14, 0x4f), Some(Malformed::IpTruncated));
    assert_eq!(with(17, 19), Some(Malformed::IpLength));
    assert_eq!(with(16, 0x40), Some(Malformed::IpLength));
    assert_eq!(with(39, 7), Some(Malformed::TransportLength));
    assert_eq!(with(39, 200), Some(Malformed::TransportLength));
    // Ports stay known when only a length lies, and a total length of zero is how offload leaves it.
    let mut bytes = good.clone();
    (bytes[16], bytes[17]) = (0, 0);
    assert_eq!((parse(&bytes).malformed, parse(&bytes).ports()), (None, Some((1, 2))));
    bytes[16] = 0x40;
    assert_eq!(parse(&bytes).ports(), Some((1, 2)));
}

#[test]
fn tcp_header_length() {
    let mut segment = tcp(1, 2, ACK);
    segment[12] = 0x40;
    assert_eq!(parse(&sent(6, &segment)).malformed, Some(Malformed::TransportLength));
    segment[12] = 0x60;
    assert_eq!(parse(&sent(6, &segment)).malformed, Some(Malformed::TransportLength));
    segment.extend([1; 4]);
    assert_eq!(parse(&sent(6, &segment)).malformed, None);
}

#[test]
fn every_extension_header() {
    let segment = udp(53, 5353, b"q");
    let fixed = |next: u8| vec![next, 0, 0, 0, 0, 0, 0, 0];
    // Hop-by-hop, destination options, routing, atomic fragment, AH, mobility, HIP, Shim6, destination options, UDP.
    let chain = [0, 60, 43, 44, 51, 135, 139, 140, 60, 17];
    let mut payload = Vec::new();
    for pair in chain.windows(2) {
        match pair[0] {
            51 => {
                payload.extend([pair[1], 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9])
            }
            60 => payload.extend([[pair[1], 1].as_slice(), &[0; 14]].concat()),
            _ => payload.extend(fixed(pair[1])),
        }
    }
    payload.extend(&segment);
    let frame = v6(0, &payload);
    assert_eq!((frame.malformed, frame.ports()), (None, Some((53, 5353))));
    let ip = frame.ip.unwrap();
    assert_eq!((ip.protocol, ip.fragment, ip.options), (17, None, true));

    let late = [fixed(0), fixed(17), segment.clone()].concat();
    assert_eq!(v6(60, &late).malformed, Some(Malformed::ExtensionOrder));
    let long = std::iter::repeat_n(fixed(60), usize::from(MAX_EXTENSIONS) + 1).flatten().collect::<Vec<_>>();
    assert_eq!(v6(60, &long).malformed, Some(Malformed::TooManyExtensions));
    assert_eq!(v6(60, &[17, 200, 0, 0, 0, 0, 0, 0]).malformed, Some(Malformed::ExtensionTruncated));
    assert_eq!(v6(60, &[17, 0, 0]).malformed, Some(Malformed::ExtensionTruncated));
}

#[test]
fn ipv6_fragments_and_the_end_of_the_chain() {
    let datagram = udp(7, 8, &[0; 56]);
    let mut first = vec![17, 0, 0, 1, 0xde, 0xad, 0xbe, 0xef];
    first.extend(&datagram[..32]);
    let frame = v6(44, &first);
    assert_eq!((frame.ports(), frame.malformed), (Some((7, 8)), None));
    let mut last = vec![17, 0, 0, 32, 0xde, 0xad, 0xbe, 0xef];
    last.extend(&datagram[32..]);
    let frame = v6(44, &last);
    let fragment = frame.ip.unwrap().fragment.unwrap();
    assert_eq!((frame.ports(), frame.malformed), (None, None));
    assert_eq!((fragment.identification, fragment.offset, fragment.more), (0xdead_beef, 32, false));

    let nothing = v6(59, &[]);
    assert_eq!((nothing.malformed, nothing.ports(), nothing.ip.unwrap().protocol), (None, Some((0, 0)), 59));
    let mobility = v6(135, &[59, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!((mobility.malformed, mobility.ip.unwrap().protocol), (None, 135));
    let twice = [vec![44, 0, 0, 1, 0, 0, 0, 1], vec![17, 0, 0, 1, 0, 0, 0, 1], datagram].concat();
    assert_eq!(v6(44, &twice).malformed, Some(Malformed::ExtensionOrder));
}

#[test]
fn authentication_header_in_ipv4() {
    let mut payload = vec![17, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    payload.extend([0; 12]);
    payload.extend(udp(3, 4, b""));
    let frame = parse(&sent(51, &payload));
    assert_eq!((frame.ports(), frame.ip.unwrap().protocol), (Some((3, 4)), 17));
}

#[test]
fn icmp_echo_has_one_identifier_for_both_ports() {
    let ping = parse(&sent(1, &echo(8, 0x1234)));
    assert_eq!(ping.ports(), Some((0x1234, 0x1234)));
    let pong = v6(58, &echo(129, 0x1234));
    assert_eq!(pong.ports(), Some((0x1234, 0x1234)));
    let unreachable = parse(&sent(1, &[3, 1, 0, 0, 0, 0, 0, 0]));
    assert_eq!(unreachable.transport, Transport::Icmp { kind: 3, code: 1, echo: None });
    assert_eq!(unreachable.ports(), Some((0, 0)));
}

#[test]
fn tunnels_are_recognised_and_not_entered() {
    let inner = V4::new([1, 1, 1, 1], [2, 2, 2, 2], 6).packet(&tcp(1, 2, SYN));
    let vxlan = [vec![8, 0, 0, 0, 0, 0x12, 0x34, 0], ethernet(0x0800, &inner)].concat();
    let frame = parse(&sent(17, &udp(40_000, 4789, &vxlan)));
    assert_eq!((frame.tunnel, frame.ports()), (Some(Tunnel::Vxlan(0x1234)), Some((40_000, 4789))));
    let geneve = [vec![0, 0, 0x65, 0x58, 0, 0, 9, 0], ethernet(0x0800, &inner)].concat();
    assert_eq!(parse(&sent(17, &udp(1, 6081, &geneve))).tunnel, Some(Tunnel::Geneve(9)));
    let gre = [vec![0, 0, 8, 0], inner.clone()].concat();
    let frame = parse(&sent(47, &gre));
    assert_eq!((frame.tunnel, frame.ports()), (Some(Tunnel::Gre(0x0800)), Some((0, 0))));
    assert_eq!(parse(&sent(4, &inner)).tunnel, Some(Tunnel::IpInIp));
    assert_eq!(parse(&sent(4, &inner)).ip.unwrap().source, mapped(LOCAL));
}

#[test]
fn sctp_and_dccp_have_ports() {
    for protocol in [protocol::SCTP, protocol::DCCP, protocol::UDP_LITE] {
        let frame = parse(&sent(protocol, &[0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]));
        assert_eq!((frame.ports(), frame.malformed), (Some((1, 2)), None));
    }
    assert_eq!(parse(&sent(132, &[0, 1, 0, 2])).malformed, Some(Malformed::TransportTruncated));
}

#[test]
fn raw_ip_media() {
    let v4 = V4::new(LOCAL, REMOTE, 17).packet(&udp(1, 2, b""));
    let frame = wire::parse(Medium::RawIp, v4.as_slice(), None);
    assert_eq!((frame.ports(), frame.link.ethertype), (Some((1, 2)), Some(0x0800)));
    let packet = ipv6(A, B, 17, &udp(1, 2, b""));
    let frame = wire::parse(Medium::RawIp, packet.as_slice(), None);
    assert_eq!((frame.ports(), frame.link.ethertype), (Some((1, 2)), Some(0x86dd)));
    assert_eq!(wire::parse(Medium::RawIp, [0x50].as_slice(), None).malformed, Some(Malformed::IpVersion));
    assert_eq!(wire::parse(Medium::RawIp, [].as_slice(), None).malformed, Some(Malformed::IpTruncated));
    assert_eq!(wire::parse(Medium::Other, [1, 2, 3].as_slice(), None).malformed, None);
}
