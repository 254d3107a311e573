//! Finds out which addresses of a capture are ours when nobody says so.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::IpAddr;

use lab::capture::Direction;
use lab::capture::Frame;
use lab::capture::Interface;
use lab::edge::packet;
use lab::edge::packet::Ip;
use lab::edge::packet::Medium;
use lab::edge::packet::Packet;
use lab::edge::packet::Transport;
use lab::edge::packet::tcp;

use crate::report::Local;
use crate::text::count;

/// More stations or addresses than this are not told apart: one link has far fewer.
const MOST: usize = 1 << 16;

/// What tells hosts apart: the hardware address, or on links without one the IP address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Station {
    Mac([u8; 6]),
    Ip(IpAddr),
}

#[derive(Debug, Default)]
struct Seen {
    /// Unicast frames from or to it.
    frames: u64,
    /// Conversations that it began.
    opened: u64,
    /// Its source addresses.
    addresses: BTreeSet<IpAddr>,
}

/// Address and port.
type End = (IpAddr, u16);

/// Watches the frames of a capture.
#[derive(Debug, Default)]
pub(crate) struct Watcher {
    stations: BTreeMap<Station, Seen>,
    /// Sources of frames that the capture marks as outbound.
    outbound: BTreeSet<IpAddr>,
    /// Protocol and endpoints (lower first) of conversations that were begun.
    conversations: BTreeSet<(u8, End, End)>,
}

impl Watcher {
    /// Takes a look at a frame.
    pub(crate) fn see(&mut self, frame: &Frame) {
        let medium = if frame.link_type.is_raw_ip() { Medium::RawIp } else { Medium::Ethernet };
        let Packet::Ip(ip) = packet::parse(medium, &frame.data) else { return };
        if !is_unicast(ip.source) {
            return;
        }
        if frame.direction == Some(Direction::Outbound) && self.outbound.len() < MOST {
            self.outbound.insert(ip.source);
        }
        let (source, destination) = match (medium, packet::macs(&frame.data)) {
            (Medium::Ethernet, Some((source, destination))) => {
                (Station::Mac(source), Station::Mac(destination))
            }
            _ => (Station::Ip(ip.source), Station::Ip(ip.destination)),
        };
        let opens = self.opens(&ip);
        if let Some(seen) = self.station(source) {
            seen.frames += u64::from(is_unicast(ip.destination));
            seen.opened += u64::from(opens);
            if seen.addresses.len() < MOST {
                seen.addresses.insert(ip.source);
            }
        }
        if is_unicast(ip.destination)
            && let Some(seen) = self.station(destination)
        {
            seen.frames += 1;
        }
    }

    fn station(&mut self, station: Station) -> Option<&mut Seen> {
        if self.stations.len() >= MOST && !self.stations.contains_key(&station) {
            return None;
        }
        Some(self.stations.entry(station).or_default())
    }

    /// Whether this packet begins a conversation.
    fn opens(&mut self, ip: &Ip) -> bool {
        let (from, to) = match ip.transport {
            Transport::Tcp { flags, .. } if flags & (tcp::SYN | tcp::ACK) != tcp::SYN => return false,
            Transport::Tcp { source, destination, .. } | Transport::Udp { source, destination } => {
                (source, destination)
            }
            // Echo request, IPv4 and IPv6.
            Transport::Icmp { kind: 8 | 128, id, .. } => (id, id),
            _ => return false,
        };
        let (from, to) = ((ip.source, from), (ip.destination, to));
        self.conversations.len() < MOST
            && self.conversations.insert((ip.protocol, from.min(to), from.max(to)))
    }

    /// The addresses of our side, as far as they can be told.
    pub(crate) fn conclude(&self, interfaces: &[Interface]) -> Local {
        let assumed = |addresses: BTreeSet<IpAddr>, because: &str| Local {
            addresses: addresses.into_iter().collect(),
            assumed: true,
            because: because.to_owned(),
        };
        let of_interfaces =
            interfaces.iter().flat_map(|interface| interface.addresses.iter().copied()).collect();
        if of_interfaces != BTreeSet::new() {
            return assumed(of_interfaces, "the capture names them as its interface's own");
        }
        if !self.outbound.is_empty() {
            return assumed(self.outbound.clone(), "the capture marks frames from them as outbound");
        }
        let macs = self.best(|station| matches!(station, Station::Mac(_)));
        let raw_v4 = self.best(|station| matches!(station, Station::Ip(IpAddr::V4(_))));
        let raw_v6 = self.best(|station| matches!(station, Station::Ip(IpAddr::V6(_))));
        let chosen = [macs, raw_v4, raw_v6].into_iter().flatten().collect::<Vec<_>>();
        let addresses =
            chosen.iter().flat_map(|seen| seen.addresses.iter().copied()).collect::<BTreeSet<_>>();
        if addresses.is_empty() {
            return assumed(addresses, "the capture has no IP traffic between two hosts");
        }
        let opened = chosen.iter().map(|seen| seen.opened).sum();
        let frames = chosen.iter().map(|seen| seen.frames).sum();
        let because = format!(
            "one host took part in {} and began {}",
            count(frames, "frame"),
            count(opened, "conversation")
        );
        assumed(addresses, &because)
    }

    /// The station that most likely recorded the capture: it takes part in (nearly) every frame, and is no router, which
    /// would speak with many addresses; between two like that, the one that begins more conversations.
    fn best(&self, of: impl Fn(&Station) -> bool) -> Option<&Seen> {
        let all = || self.stations.iter().filter(|(station, seen)| of(station) && !seen.addresses.is_empty());
        let most = all().map(|(_, seen)| seen.frames).max()?;
        let busy = all().filter(|(_, seen)| seen.frames * 10 >= most * 9);
        let fewest = busy.clone().map(|(_, seen)| seen.addresses.len()).min()?;
        busy.filter(|(_, seen)| seen.addresses.len() <= fewest * 2 + 1)
            .map(|(_, seen)| seen)
            // On equal terms the first one, so that the answer does not depend on luck.
            .reduce(|best, seen| if seen.opened > best.opened { seen } else { best })
    }
}

fn is_unicast(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    !(address.is_multicast() || address.is_unspecified() || broadcast)
}

#[cfg(test)]
mod tests;
