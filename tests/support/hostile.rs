//! Frames that a hostile peer could send: cut at every length, lying about lengths, looping in extension headers.

/// IPv4 addresses of the two ends.
pub const LOCAL4: [u8; 4] = [192, 0, 2, 10];
const REMOTE4: [u8; 4] = [198, 51, 100, 20];
const LOCAL6: [u8; 16] = [0x20, 1, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10];
const REMOTE6: [u8; 16] = [0x20, 1, 0x0d, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20];

/// One hostile frame and what is wrong with it.
pub struct Hostile {
    /// Says what is wrong, for the message of a failed test.
    pub what: String,
    /// The frame from the link-layer header on.
    pub frame: Vec<u8>,
}

fn ethernet(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2];
    frame.extend(ethertype.to_be_bytes());
    frame.extend(payload);
    frame
}

fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend(u16::try_from(20 + payload.len()).unwrap_or(u16::MAX).to_be_bytes());
    packet.extend([0x12, 0x34, 0, 0, 64, protocol, 0, 0]);
    packet.extend(REMOTE4);
    packet.extend(LOCAL4);
    packet.extend(payload);
    packet
}

fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend(u16::try_from(payload.len()).unwrap_or(u16::MAX).to_be_bytes());
    packet.extend([next, 64]);
    packet.extend(REMOTE6);
    packet.extend(LOCAL6);
    packet.extend(payload);
    packet
}

fn tcp(options: &[u8]) -> Vec<u8> {
    let mut segment = vec![0x01, 0xbb, 0xc0, 0x00, 0, 0, 0, 1, 0, 0, 0, 0];
    segment.push(u8::try_from((20 + options.len()) / 4).unwrap_or(15) << 4);
    segment.extend([0x02, 0x20, 0, 0, 0, 0, 0]);
    segment.extend(options);
    segment
}

fn udp(payload: &[u8]) -> Vec<u8> {
    let mut datagram = vec![0x00, 0x35, 0xc0, 0x01];
    datagram.extend(u16::try_from(8 + payload.len()).unwrap_or(u16::MAX).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    datagram
}

/// Well-formed frames of each kind that the parser knows: the stock that the hostile ones are cut from.
fn sound() -> Vec<(&'static str, Vec<u8>)> {
    let vlan = |inner: &[u8]| {
        let mut tag = vec![0x00, 0x2a, 0x08, 0x00];
        tag.extend(inner);
        tag
    };
    let extension = |next: u8, length: u8| {
        let mut header = vec![next, length];
        header.resize((usize::from(length) + 1) * 8, 0);
        header
    };
    let chain = [extension(43, 0), extension(60, 1), extension(6, 0), tcp(&[])].concat();
    let fragment6 = [vec![17, 0, 0, 1, 0, 0, 0, 9], udp(b"first fragment")].concat();
    let vxlan = udp(&[&[8, 0, 0, 0, 0, 0, 42, 0][..], &ethernet(0x0800, &ipv4(6, &tcp(&[])))].concat());
    let gre = [vec![0x20, 0, 0x08, 0x00, 0, 0, 0, 7], ipv4(17, &udp(b"inner"))].concat();
    let mut options4 = ipv4(6, &[]);
    options4[0] = 0x48;
    options4.extend([0x83, 7, 4, 10, 0, 0, 1, 0, 0x94, 4, 0, 0]);
    options4.extend(tcp(&[2, 4, 5, 0xb4]));
    let length = u16::try_from(options4.len()).unwrap_or(u16::MAX).to_be_bytes();
    options4[2..4].copy_from_slice(&length);
    vec![
        (
            "ARP",
            ethernet(
                0x0806,
                &[0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 2, 192, 0, 2, 10, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1],
            ),
        ),
        ("802.3 LLC", ethernet(38, &[&[0x42, 0x42, 3][..], &[0; 35]].concat())),
        ("802.3 SNAP", ethernet(20, &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])),
        ("802.1Q", ethernet(0x8100, &vlan(&ipv4(17, &udp(b"tagged"))))),
        ("802.1ad", ethernet(0x88a8, &[&[0, 7, 0x81, 0][..], &vlan(&ipv4(6, &tcp(&[])))].concat())),
        ("TCP over IPv4", ethernet(0x0800, &ipv4(6, &tcp(&[2, 4, 5, 0xb4, 1, 3, 3, 7])))),
        ("IPv4 options", ethernet(0x0800, &options4)),
        ("UDP over IPv4", ethernet(0x0800, &ipv4(17, &udp(b"payload")))),
        ("ICMP", ethernet(0x0800, &ipv4(1, &[8, 0, 0, 0, 0, 1, 0, 1, 1, 2, 3, 4]))),
        ("SCTP", ethernet(0x0800, &ipv4(132, &[0x0b, 0x59, 0x0b, 0x5a, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 4]))),
        ("GRE", ethernet(0x0800, &ipv4(47, &gre))),
        ("VXLAN", ethernet(0x0800, &ipv4(17, &vxlan))),
        ("TCP over IPv6", ethernet(0x86dd, &ipv6(6, &tcp(&[])))),
        ("IPv6 extension headers", ethernet(0x86dd, &ipv6(0, &chain))),
        ("IPv6 fragment", ethernet(0x86dd, &ipv6(44, &fragment6))),
        ("ICMPv6", ethernet(0x86dd, &ipv6(58, &[128, 0, 0, 0, 0, 1, 0, 1]))),
    ]
}

/// All hostile frames, in an order that never changes.
pub fn frames() -> Vec<Hostile> {
    let mut out = Vec::new();
    let mut add = |what: String, frame: Vec<u8>| out.push(Hostile { what, frame });
    for (name, frame) in sound() {
        // Zero-length frames do not exist on a wire: NDIS is handed at least one byte.
        for length in 1..=frame.len() {
            add(format!("{name} cut to {length} bytes"), frame[..length].to_vec());
        }
        for position in 12..frame.len().min(80) {
            for value in [0x00, 0xff] {
                let mut bad = frame.clone();
                bad[position] = value;
                add(format!("{name} with byte {position} set to {value:#04x}"), bad);
            }
        }
    }
    for version_and_length in 0..=0x4f_u8 {
        let mut packet = ipv4(6, &tcp(&[]));
        packet[0] = version_and_length;
        add(format!("IPv4 version and header length {version_and_length:#04x}"), ethernet(0x0800, &packet));
    }
    for total in [0_u16, 1, 19, 20, 21, 39, 41, 0x7fff, 0xffff] {
        let mut packet = ipv4(6, &tcp(&[]));
        packet[2..4].copy_from_slice(&total.to_be_bytes());
        add(format!("IPv4 total length {total}"), ethernet(0x0800, &packet));
        let mut packet = ipv6(17, &udp(b"x"));
        packet[4..6].copy_from_slice(&total.to_be_bytes());
        add(format!("IPv6 payload length {total}"), ethernet(0x86dd, &packet));
        let mut datagram = udp(b"x");
        datagram[4..6].copy_from_slice(&total.to_be_bytes());
        add(format!("UDP length {total}"), ethernet(0x0800, &ipv4(17, &datagram)));
    }
    for offset in 0..16_u8 {
        let mut segment = tcp(&[]);
        segment[12] = offset << 4;
        add(format!("TCP data offset {offset}"), ethernet(0x0800, &ipv4(6, &segment)));
    }
    for flags_and_offset in [0x2000_u16, 0x2001, 0x1fff, 0x3fff, 0x0001, 0xffff, 0x8000] {
        let mut packet = ipv4(17, &udp(b"fragment"));
        packet[6..8].copy_from_slice(&flags_and_offset.to_be_bytes());
        add(format!("IPv4 fragment word {flags_and_offset:#06x}"), ethernet(0x0800, &packet));
        let header = [&[17, 0][..], &flags_and_offset.to_be_bytes(), &[0, 0, 0, 1], &udp(b"f")].concat();
        add(format!("IPv6 fragment word {flags_and_offset:#06x}"), ethernet(0x86dd, &ipv6(44, &header)));
    }
    for kind in [0_u8, 43, 44, 51, 60, 135, 139, 140] {
        for count in [1_usize, 7, 8, 9, 16, 64, 180] {
            let chain: Vec<u8> = std::iter::repeat_n([kind, 0, 0, 0, 0, 0, 0, 0], count).flatten().collect();
            add(
                format!("{count} extension headers of type {kind} that never end"),
                ethernet(0x86dd, &ipv6(kind, &chain)),
            );
        }
        let header = [&[6, 255, 0, 0, 0, 0, 0, 0][..], &tcp(&[])].concat();
        add(
            format!("extension header {kind} longer than its packet"),
            ethernet(0x86dd, &ipv6(kind, &header)),
        );
    }
    for depth in [1_usize, 2, 3, 8, 64, 300] {
        let mut frame = ethernet(0x8100, &[]);
        for _ in 0..depth {
            frame.extend([0, 1, 0x81, 0]);
        }
        add(format!("{depth} VLAN tags and nothing inside"), frame);
    }
    out
}

#[test]
fn every_frame_says_what_is_wrong_and_none_is_empty() {
    let frames = frames();
    assert!(frames.len() > 1500, "{} frames", frames.len());
    assert!(frames.iter().all(|hostile| !hostile.what.is_empty() && !hostile.frame.is_empty()));
}
