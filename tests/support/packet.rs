//! Frames of two ends, and lists of them for the lab's adapters.

use lab::ndis::{List, Piece, Shape};

/// Our address.
pub const LOCAL: [u8; 4] = [192, 0, 2, 10];
/// The other side's.
pub const REMOTE: [u8; 4] = [198, 51, 100, 20];

/// Flags of a TCP header.
pub mod flag {
    pub const FIN: u8 = 0x01;
    pub const SYN: u8 = 0x02;
    pub const ACK: u8 = 0x10;
}

/// Ports of a conversation between [`LOCAL`] and [`REMOTE`].
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    pub local: u16,
    pub remote: u16,
}

/// Which way a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Out,
    In,
}

fn ipv4(way: Way, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let (ours, theirs) = ([2, 0, 0x5e, 0, 0, 1], [2, 0, 0x5e, 0, 0, 0xfe]);
    let mut frame = Vec::new();
    frame.extend(if way == Way::Out { [theirs, ours] } else { [ours, theirs] }.concat());
    frame.extend([8, 0, 0x45, 0]);
    frame.extend(u16::try_from(20 + payload.len()).expect("a short frame").to_be_bytes());
    frame.extend([0, 1, 0, 0, 64, protocol, 0, 0]);
    frame.extend(if way == Way::Out { [LOCAL, REMOTE] } else { [REMOTE, LOCAL] }.concat());
    frame.extend(payload);
    frame
}

fn ends(way: Way, ports: Ports) -> Vec<u8> {
    let (from, to) = if way == Way::Out { (ports.local, ports.remote) } else { (ports.remote, ports.local) };
    [from.to_be_bytes(), to.to_be_bytes()].concat()
}

/// A UDP datagram with `length` bytes of payload.
pub fn udp(way: Way, ports: Ports, length: usize) -> Vec<u8> {
    let mut datagram = ends(way, ports);
    datagram.extend(u16::try_from(8 + length).expect("a short frame").to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend((0..length).map(|index| index as u8));
    ipv4(way, 17, &datagram)
}

/// A TCP segment with these flags and `length` bytes of payload.
pub fn tcp(way: Way, ports: Ports, flags: u8, length: usize) -> Vec<u8> {
    let mut segment = ends(way, ports);
    segment.extend([0, 0, 0, 1, 0, 0, 0, 1, 0x50, flags, 0x20, 0, 0, 0, 0, 0]);
    segment.extend((0..length).map(|index| index as u8));
    ipv4(way, 6, &segment)
}

/// One list for each frame, tagged with its number from `first` on.
pub fn lists(frames: &[Vec<u8>], first: u64) -> Vec<List<'_>> {
    shaped(frames, first, &Shape::default())
}

/// As [`lists`], in this shape.
pub fn shaped<'a>(frames: &'a [Vec<u8>], first: u64, shape: &Shape) -> Vec<List<'a>> {
    let list = |(tag, bytes): (u64, &'a Vec<u8>)| List {
        pieces: vec![Piece { bytes, tag }],
        vlan: None,
        shape: shape.clone(),
    };
    (first..).zip(frames).map(list).collect()
}
