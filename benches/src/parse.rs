//! Reading the headers of one frame that is in the cache.

use std::hint::black_box;

use anyhow::{Result, anyhow};
use smoltcp::wire::{EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Packet, TcpPacket, UdpPacket};
use weir_core::wire::{Medium, parse, quick};

use crate::path::frame;
use crate::rounds::{self, Contender};
use crate::tables::{flows, sequence};

const FRAMES: u32 = 1_024;
const PASSES: u64 = 2_000;

/// Adds up what makes a key, so that nobody can leave it out.
fn mix(source: u32, destination: u32, ports: (u16, u16), protocol: u8) -> u64 {
    u64::from(source)
        + u64::from(destination) * 3
        + u64::from(ports.0) * 5
        + u64::from(ports.1) * 7
        + u64::from(protocol)
}

fn weir_quick(bytes: &[u8]) -> u64 {
    quick::read(Medium::Ethernet, bytes).map_or(0, |headers| {
        mix(headers.from.0, headers.to.0, (headers.from.1, headers.to.1), headers.protocol)
    })
}

fn weir_whole(bytes: &[u8]) -> u64 {
    let frame = parse(Medium::Ethernet, bytes, None);
    let (Some(ip), Some(ports)) = (frame.ip, frame.ports()) else { return 0 };
    let last = |[.., a, b, c, d]: [u8; 16]| u32::from_be_bytes([a, b, c, d]);
    mix(last(ip.source), last(ip.destination), ports, ip.protocol)
}

fn smoltcp(bytes: &[u8]) -> u64 {
    let read = || {
        let frame = EthernetFrame::new_checked(bytes).ok()?;
        if frame.ethertype() != EthernetProtocol::Ipv4 {
            return None;
        }
        let packet = Ipv4Packet::new_checked(frame.payload()).ok()?;
        let ports = match packet.next_header() {
            IpProtocol::Tcp => {
                let tcp = TcpPacket::new_checked(packet.payload()).ok()?;
                (tcp.src_port(), tcp.dst_port())
            }
            IpProtocol::Udp => {
                let udp = UdpPacket::new_checked(packet.payload()).ok()?;
                (udp.src_port(), udp.dst_port())
            }
            _ => return None,
        };
        let protocol = u8::from(packet.next_header());
        Some(mix(packet.src_addr().to_bits(), packet.dst_addr().to_bits(), ports, protocol))
    };
    read().unwrap_or(0)
}

fn etherparse(bytes: &[u8]) -> u64 {
    use etherparse::{NetSlice, SlicedPacket, TransportSlice};
    let Ok(packet) = SlicedPacket::from_ethernet(bytes) else { return 0 };
    let Some(NetSlice::Ipv4(ip)) = packet.net else { return 0 };
    let header = ip.header();
    let ports = match packet.transport {
        Some(TransportSlice::Tcp(tcp)) => (tcp.source_port(), tcp.destination_port()),
        Some(TransportSlice::Udp(udp)) => (udp.source_port(), udp.destination_port()),
        _ => return 0,
    };
    mix(header.source_addr().to_bits(), header.destination_addr().to_bits(), ports, header.protocol().0)
}

/// Measures parsers on IPv4 TCP and UDP frames.
pub(crate) fn measure(rounds: u32) -> Result<rounds::Table> {
    let all = flows(FRAMES);
    let frames: Vec<[u8; 64]> =
        sequence(FRAMES, FRAMES).iter().map(|number| frame(&all[*number as usize])).collect();
    let pass = |read: fn(&[u8]) -> u64| -> u64 {
        let read = black_box(read);
        (0..PASSES).map(|_| frames.iter().map(|frame| read(frame)).sum::<u64>()).fold(0, u64::wrapping_add)
    };
    let expected = pass(weir_quick);
    if expected == 0 {
        return Err(anyhow!("no frame was read"));
    }
    let contenders = vec![
        Contender::new("weir, what the short way reads", expected, || pass(weir_quick)),
        Contender::new("weir, everything", expected, || pass(weir_whole)),
        Contender::new("smoltcp 0.12", expected, || pass(smoltcp)),
        Contender::new("etherparse 0.21, sliced", expected, || pass(etherparse)),
    ];
    let note = "1024 hot frames of 64 bytes, TCP and UDP in random order, called through a pointer";
    rounds::run("parse, IPv4".to_owned(), note, u64::from(FRAMES) * PASSES, rounds, contenders)
}
