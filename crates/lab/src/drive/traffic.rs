//! Frames: made up by the seed, or dealt out from a capture.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Scene, Traffic};
use crate::edge::Medium;
use crate::edge::packet::{self, Packet};
use crate::replay;
use crate::schedule::Random;

/// Our addresses and those of the other side, from the ranges for documentation.
pub(super) const LOCAL_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
pub(super) const LOCAL_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x10);
const REMOTE_V4: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 20);
const REMOTE_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0x20);
const ETHERNET: usize = 14;
const PORTS: u64 = 48;

/// A frame, and which way it goes.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) adapter: usize,
    pub(super) outbound: bool,
    pub(super) data: Vec<u8>,
}

/// The frames of each processor; both directions of a conversation stay together. Empty if frames are made up.
pub(super) fn deal(scene: &Scene) -> Vec<Vec<Given>> {
    let mut hands = vec![Vec::new(); scene.options.processors as usize];
    let Traffic::Frames(frames) = &scene.options.traffic else { return hands };
    let count = hands.len() as u64;
    for frame in frames.iter().filter(|frame| frame.adapter < scene.ports.len()) {
        let (ends, outbound) = ends(scene, frame);
        let mut hasher = DefaultHasher::new();
        ends.hash(&mut hasher);
        let hand = hasher.finish().checked_rem(count).unwrap_or(0);
        if let Some(hand) = hands.get_mut(hand as usize) {
            hand.push(Given { adapter: frame.adapter, outbound, data: frame.data.clone() });
        }
    }
    hands
}

/// The addresses of a frame in canonical order, and whether we sent it.
fn ends(scene: &Scene, frame: &replay::Frame) -> (Option<(IpAddr, IpAddr)>, bool) {
    let Packet::Ip(ip) = packet::parse(scene.ports[frame.adapter].interface.medium, &frame.data) else {
        return (None, frame.outbound.unwrap_or(false));
    };
    let outbound = frame.outbound.unwrap_or_else(|| scene.options.local.contains(&ip.source));
    (Some((ip.source.min(ip.destination), ip.source.max(ip.destination))), outbound)
}

/// What the frames of one call have in common.
#[derive(Clone, Copy, Debug)]
struct Flow {
    outbound: bool,
    v6: bool,
    protocol: u8,
    local: u16,
    remote: u16,
    /// Whether frames may be damaged, fragments, or of another protocol.
    odd: bool,
}

/// `count` frames of one flow of processor `number`; `odd` ones among them may be damaged, fragments, or ARP.
pub(super) fn flow(
    random: &mut Random,
    number: u32,
    medium: Medium,
    outbound: bool,
    odd: bool,
    count: u64,
) -> Vec<Vec<u8>> {
    let flow = Flow {
        outbound,
        v6: random.once_in(3),
        protocol: *random.pick(&[6, 6, 17, 17, 17, 1]),
        local: 40_000 + number as u16 * 4 + random.below(3) as u16,
        remote: 1 + random.below(PORTS) as u16,
        odd,
    };
    (0..count.max(1)).map(|_| flow.frame(random, medium)).collect()
}

impl Flow {
    fn frame(&self, random: &mut Random, medium: Medium) -> Vec<u8> {
        if self.odd && medium == Medium::Ethernet && random.once_in(20) {
            return self.arp();
        }
        let mut packet = self.packet(random);
        if self.odd && random.once_in(12) {
            // Damaged: cut somewhere, or lying about something.
            if random.once_in(2) {
                packet.truncate(random.below(packet.len() as u64) as usize);
            } else {
                let at = random.below(packet.len().min(64) as u64) as usize;
                packet[at] = random.number() as u8;
            }
        }
        if medium != Medium::Ethernet {
            return packet;
        }
        let mut frame = self.ethernet(if self.v6 { 0x86dd } else { 0x0800 });
        if self.odd && random.once_in(12) {
            // A tag in the frame itself, at times two.
            for kind in &[[0x81, 0x00], [0x88, 0xa8]][..1 + random.below(2) as usize] {
                let tag = [kind[0], kind[1], random.number() as u8, random.number() as u8];
                frame.splice(ETHERNET - 2..ETHERNET - 2, tag);
            }
        }
        frame.extend(packet);
        frame
    }

    fn ethernet(&self, kind: u16) -> Vec<u8> {
        let (ours, theirs) = ([2, 0, 0x5e, 0, 0, 1], [2, 0, 0x5e, 0, 0, 0xfe]);
        let mut header = Vec::with_capacity(ETHERNET);
        header.extend(if self.outbound { [theirs, ours] } else { [ours, theirs] }.concat());
        header.extend(kind.to_be_bytes());
        header
    }

    fn arp(&self) -> Vec<u8> {
        let mut frame = self.ethernet(0x0806);
        frame.extend([0, 1, 8, 0, 6, 4, 0, 1]);
        let (from, to) = self.addresses(LOCAL_V4.octets(), REMOTE_V4.octets());
        frame.extend([2, 0, 0x5e, 0, 0, if self.outbound { 1 } else { 0xfe }]);
        frame.extend(from);
        frame.extend([0; 6]);
        frame.extend(to);
        frame
    }

    fn addresses<T>(&self, local: T, remote: T) -> (T, T) {
        if self.outbound { (local, remote) } else { (remote, local) }
    }

    fn packet(&self, random: &mut Random) -> Vec<u8> {
        let payload = self.payload(random);
        let mut packet = Vec::new();
        if self.v6 {
            let protocol = if self.protocol == 1 { 58 } else { self.protocol };
            packet.extend([0x60, 0, 0, 0]);
            packet.extend((payload.len() as u16).to_be_bytes());
            packet.extend([protocol, 64]);
            let (from, to) = self.addresses(LOCAL_V6.octets(), REMOTE_V6.octets());
            packet.extend(from);
            packet.extend(to);
        } else {
            packet.extend([0x45, 0]);
            packet.extend((20 + payload.len() as u16).to_be_bytes());
            packet.extend((random.below(64) as u16).to_be_bytes());
            let fragment: u16 = match if self.odd { random.below(10) } else { 9 } {
                0 => 0x2000,
                1 => 0x2000 | (1 + random.below(100) as u16),
                _ => 0x4000,
            };
            packet.extend(fragment.to_be_bytes());
            packet.extend([64, self.protocol, 0, 0]);
            let (from, to) = self.addresses(LOCAL_V4.octets(), REMOTE_V4.octets());
            packet.extend(from);
            packet.extend(to);
        }
        packet.extend(payload);
        packet
    }

    /// The transport header and what follows it.
    fn payload(&self, random: &mut Random) -> Vec<u8> {
        let length = *random.pick(&[0, 1, 20, 100, 1_000, 1_400]);
        let (from, to) = self.addresses(self.local, self.remote);
        let mut payload: Vec<u8> = [from.to_be_bytes(), to.to_be_bytes()].concat();
        match self.protocol {
            6 => {
                let flags = *random.pick(&[0x02, 0x12, 0x10, 0x10, 0x18, 0x18, 0x11, 0x04]);
                payload.extend([0, 0, 0, 1, 0, 0, 0, 1, 0x50, flags, 0x20, 0, 0, 0, 0, 0]);
            }
            17 => {
                payload.extend((8 + length as u16).to_be_bytes());
                payload.extend([0, 0]);
            }
            _ => {
                let request = if self.v6 { 128 } else { 8 };
                payload = vec![if self.outbound { request } else { if self.v6 { 129 } else { 0 } }, 0, 0, 0];
                payload.extend(self.local.to_be_bytes());
                payload.extend([0, 1]);
            }
        }
        payload.extend((0..length).map(|byte: usize| byte as u8));
        payload
    }
}
