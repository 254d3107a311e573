//! Captures whose side is known.

use std::net::Ipv4Addr;

use lab::capture::LinkType;

use super::*;

const HOST: [u8; 4] = [10, 0, 0, 5];
const HOST_MAC: [u8; 6] = [2, 0, 0, 0, 0, 5];
const ROUTER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];

fn ip(address: [u8; 4]) -> IpAddr {
    Ipv4Addr::from(address).into()
}

/// An IPv4 packet with a TCP header, behind an Ethernet header if there are hardware addresses.
fn tcp_frame(macs: Option<([u8; 6], [u8; 6])>, from: ([u8; 4], u16), to: ([u8; 4], u16), flags: u8) -> Frame {
    let mut data = Vec::new();
    if let Some((source, destination)) = macs {
        data.extend([destination.as_slice(), &source, &[8, 0]].concat());
    }
    data.extend([0x45, 0, 0, 40, 0, 1, 0, 0, 64, 6, 0, 0]);
    data.extend([from.0, to.0].concat());
    data.extend([from.1.to_be_bytes(), to.1.to_be_bytes()].concat());
    data.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 1, 0, 0, 0, 0, 0]);
    Frame {
        interface: 0,
        link_type: if macs.is_some() { LinkType::ETHERNET } else { LinkType::RAW },
        timestamp: 0,
        original_len: data.len() as u32,
        data,
        direction: None,
        comment: None,
    }
}

/// A handshake's first two segments.
fn handshake(macs: Option<([u8; 6], [u8; 6])>, client: ([u8; 4], u16), server: ([u8; 4], u16)) -> [Frame; 2] {
    let back = macs.map(|(a, b)| (b, a));
    [tcp_frame(macs, client, server, tcp::SYN), tcp_frame(back, server, client, tcp::SYN | tcp::ACK)]
}

fn guess(frames: impl IntoIterator<Item = Frame>) -> Vec<IpAddr> {
    let mut watcher = Watcher::default();
    frames.into_iter().for_each(|frame| watcher.see(&frame));
    let local = watcher.conclude(&[Interface::new(LinkType::ETHERNET)]);
    assert!(local.assumed && !local.because.is_empty());
    local.addresses
}

#[test]
fn a_client_behind_a_router() {
    let frames = (1..30).flat_map(|n| {
        handshake(Some((HOST_MAC, ROUTER_MAC)), (HOST, 5000 + n), ([198, 51, 100, n as u8], 443))
    });
    assert_eq!(guess(frames), [ip(HOST)]);
}

#[test]
fn a_server_behind_a_router_though_others_begin() {
    let frames = (1..30)
        .flat_map(|n| handshake(Some((ROUTER_MAC, HOST_MAC)), ([198, 51, 100, n as u8], 5000), (HOST, 443)));
    assert_eq!(guess(frames), [ip(HOST)]);
}

#[test]
fn between_two_hosts_the_one_that_begins() {
    let frames =
        (1..4).flat_map(|n| handshake(Some((HOST_MAC, ROUTER_MAC)), (HOST, 5000 + n), ([10, 0, 0, 9], 80)));
    assert_eq!(guess(frames), [ip(HOST)]);
}

#[test]
fn raw_ip_has_no_hardware_address_to_go_by() {
    let frames = (1..30).flat_map(|n| handshake(None, ([198, 51, 100, n as u8], 5000), (HOST, 443)));
    assert_eq!(guess(frames), [ip(HOST)]);
}

#[test]
fn direction_flags_and_interface_addresses_come_first() {
    let [mut syn, mut reply] = handshake(Some((HOST_MAC, ROUTER_MAC)), (HOST, 1), ([10, 0, 0, 9], 2));
    syn.direction = Some(Direction::Inbound);
    reply.direction = Some(Direction::Outbound);
    assert_eq!(guess([syn.clone(), reply]), [ip([10, 0, 0, 9])]);
    let mut watcher = Watcher::default();
    watcher.see(&syn);
    let named = Interface { addresses: vec![ip([192, 0, 2, 1])], ..Interface::new(LinkType::ETHERNET) };
    assert_eq!(watcher.conclude(&[named]).addresses, [ip([192, 0, 2, 1])]);
}

#[test]
fn nothing_to_go_by() {
    assert!(guess([]).is_empty());
    let broadcast = tcp_frame(Some((HOST_MAC, [0xff; 6])), ([0; 4], 68), ([255; 4], 67), 0);
    assert!(guess([broadcast]).is_empty());
}
