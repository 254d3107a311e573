//! The way of a packet through the layers, and of those that drivers inject (WFP contract §4.1, §7).

use std::collections::HashMap;
use std::net::IpAddr;

use etherparse::{IpNumber, Ipv4Header, Ipv6FlowLabel, Ipv6Header};

use super::flow::{Edge, Interface, Verdict};
use super::layers::{self, Layer, Passage};
use super::packet::{self, Ip, Medium, Packet, Transport};
use super::stream::StreamData;
use crate::fwp::inject::{self, Injection, Path};
use crate::fwp::packet::History;
use crate::{cpu, verifier};

const MAC_HEADER: usize = 14;
const UDP: u8 = 17;
const TTL: u8 = 128;

/// Where a received packet enters the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// From the link: all layers.
    Ip,
    /// Above the IP layers.
    Transport,
}

/// A packet that a driver injected and that the layers let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emitted {
    /// Index of the interface through which it leaves or came.
    pub interface: u32,
    /// Whether it is to be sent; otherwise it was delivered.
    pub outbound: bool,
    /// The frame.
    pub frame: Vec<u8>,
}

/// What the edge learned from frames: through which interface and to which neighbour it talks.
#[derive(Debug, Default)]
pub(super) struct Routes {
    interfaces: HashMap<u32, Interface>,
    /// By local address.
    by_local: HashMap<IpAddr, u32>,
    /// Ethernet header towards a remote address.
    neighbours: HashMap<IpAddr, [u8; MAC_HEADER]>,
    /// Ethernet header of the last frame on an interface, for remote addresses never seen: the gateway.
    last: HashMap<u32, [u8; MAC_HEADER]>,
    pub(super) emitted: Vec<Emitted>,
}

impl Routes {
    pub(super) fn learn(&mut self, interface: &Interface, frame: &[u8], ip: &Ip, outbound: bool) {
        let (local, remote) =
            if outbound { (ip.source, ip.destination) } else { (ip.destination, ip.source) };
        self.interfaces.entry(interface.index).or_insert_with(|| interface.clone());
        self.by_local.entry(local).or_insert(interface.index);
        if interface.medium != Medium::Ethernet || remote.is_multicast() || local.is_multicast() {
            return;
        }
        if let Some(first) = frame.first_chunk::<MAC_HEADER>() {
            let mut header = *first;
            if !outbound {
                header[..6].copy_from_slice(&first[6..12]);
                header[6..12].copy_from_slice(&first[..6]);
            }
            let version = if ip.source.is_ipv6() { 0x86dd_u16 } else { 0x0800 };
            header[12..].copy_from_slice(&version.to_be_bytes());
            self.neighbours.insert(remote, header);
            self.last.insert(interface.index, header);
        }
    }

    fn by_index(&self, index: u32) -> Option<Interface> {
        self.interfaces.get(&index).cloned()
    }

    fn towards(&self, source: IpAddr) -> Option<Interface> {
        let index = self.by_local.get(&source).or_else(|| self.interfaces.keys().min())?;
        self.by_index(*index)
    }

    /// The frame around an IP packet on its way out, if the neighbour is known.
    fn framed(&self, interface: &Interface, remote: IpAddr, packet: &[u8]) -> Option<Vec<u8>> {
        if interface.medium == Medium::RawIp {
            return Some(packet.to_vec());
        }
        let header = self.neighbours.get(&remote).or_else(|| self.last.get(&interface.index))?;
        let mut frame = header.to_vec();
        let version = if remote.is_ipv6() { 0x86dd_u16 } else { 0x0800 };
        frame[12..].copy_from_slice(&version.to_be_bytes());
        frame.extend_from_slice(packet);
        Some(frame)
    }
}

/// The interface of a packet that nobody routes.
fn nowhere(index: u32) -> Interface {
    Interface { luid: 0, index, kind: 0, medium: Medium::RawIp, mtu: 1500 }
}

fn blocked(layer: Layer) -> Verdict {
    Verdict::Blocked(layer.name())
}

impl Edge {
    /// Packets that drivers injected and that went through the layers since the last call: those to be sent
    /// go to the filters of their interface, the others were delivered.
    pub fn take_emitted(&mut self) -> Vec<Emitted> {
        std::mem::take(&mut self.routes.emitted)
    }

    fn passage<'a>(
        &self,
        interface: &'a Interface,
        frame: &'a [u8],
        ip: &'a Ip,
        outbound: bool,
        history: &'a History,
    ) -> Passage<'a> {
        let (flow, endpoint) = self.known(ip, outbound);
        let remote = if outbound { ip.destination } else { ip.source };
        Passage {
            interface,
            frame,
            ip,
            outbound,
            loopback: self.is_local(remote),
            flow,
            endpoint,
            compartment: self.compartment,
            ale_required: flow == 0,
            history,
        }
    }

    /// Shows a packet to the MAC layer of its direction, if it was not stopped before.
    pub(super) fn mac(
        &self,
        verdict: Verdict,
        interface: &Interface,
        frame: &[u8],
        outbound: bool,
    ) -> Verdict {
        let shown = verdict == Verdict::Pass && interface.medium == Medium::Ethernet;
        if shown && !layers::indicate_mac(interface, frame, outbound, &History::new()) {
            return Verdict::Blocked(if outbound {
                "OUTBOUND_MAC_FRAME_ETHERNET"
            } else {
                "INBOUND_MAC_FRAME_ETHERNET"
            });
        }
        verdict
    }

    /// A packet that ALE has permitted, on its way down.
    pub(super) fn descend(&self, interface: &Interface, frame: &[u8], ip: &Ip, history: &History) -> Verdict {
        let passage = self.passage(interface, frame, ip, true, history);
        let mut way = vec![Layer::OutboundTransport, Layer::OutboundIp];
        if let Some(layer) = above_transport(ip) {
            way.insert(0, layer);
        }
        if matches!(ip.transport, Transport::LaterFragment) {
            way = vec![Layer::OutboundIp];
        }
        match way.into_iter().find(|layer| !layers::indicate(*layer, &passage)) {
            Some(layer) => blocked(layer),
            None => Verdict::Pass,
        }
    }

    /// A packet on its way up, to ALE and to its application.
    pub(super) fn ascend(
        &mut self,
        interface: &Interface,
        frame: &[u8],
        ip: &Ip,
        history: &History,
        entry: Entry,
    ) -> Verdict {
        let whole = !matches!(ip.transport, Transport::LaterFragment | Transport::Truncated);
        {
            let passage = self.passage(interface, frame, ip, false, history);
            if entry == Entry::Ip && !layers::indicate(Layer::InboundIp, &passage) {
                return blocked(Layer::InboundIp);
            }
            if whole && !layers::indicate(Layer::InboundTransport, &passage) {
                return blocked(Layer::InboundTransport);
            }
        }
        self.history = history.clone();
        let mut verdict = self.frame(interface, frame, ip, false);
        self.history.clear();
        if verdict == Verdict::Pass
            && let Some(layer) = above_transport(ip)
        {
            let passage = self.passage(interface, frame, ip, false, history);
            if !layers::indicate(layer, &passage) {
                return blocked(layer);
            }
        }
        if verdict == Verdict::Pass
            && let Some(key) = self.connected(ip, false)
        {
            verdict = self.stream(interface, frame, ip, &key, false);
        }
        verdict
    }

    /// Goes on with what drivers have completed, and takes injected packets through the stack until no more
    /// come.
    pub fn pump(&mut self) {
        self.resume();
        while let Some(injection) = inject::next() {
            for frame in &injection.frames {
                if self.enter(&injection, frame).is_none() {
                    verifier::count("injected packets without a way", 1);
                }
            }
            injection.complete(0);
            self.resume();
        }
    }

    /// Takes one injected packet through the stack; `None` if it has no way.
    fn enter(&mut self, injection: &Injection, bytes: &[u8]) -> Option<()> {
        let history = &injection.history;
        match injection.path {
            Path::NetworkSend => {
                let ip = parse_ip(bytes)?;
                let interface = self.routes.towards(ip.source)?;
                let raw = Interface { medium: Medium::RawIp, ..interface.clone() };
                if self.descend(&raw, bytes, &ip, history) == Verdict::Pass {
                    self.send(&interface, ip.destination, bytes)?;
                }
            }
            Path::TransportSend { endpoint, remote } => {
                let (protocol, local, _) = self.endpoint(endpoint)?;
                let packet = with_ip_header(protocol, local, remote?, bytes)?;
                let ip = parse_ip(&packet)?;
                let interface = self.routes.towards(local)?;
                let raw = Interface { medium: Medium::RawIp, ..interface.clone() };
                if self.descend(&raw, &packet, &ip, history) == Verdict::Pass {
                    self.send(&interface, ip.destination, &packet)?;
                }
            }
            Path::Forward { interface } => {
                let ip = parse_ip(bytes)?;
                let interface = self.routes.by_index(interface)?;
                let raw = Interface { medium: Medium::RawIp, ..interface.clone() };
                let passage = self.passage(&raw, bytes, &ip, true, history);
                if layers::indicate(Layer::Forward, &passage) {
                    self.send(&interface, ip.destination, bytes)?;
                }
            }
            Path::NetworkReceive { interface } | Path::TransportReceive { interface } => {
                // I7: whoever has changed a packet has computed its checksum again.
                let header = etherparse::Ipv4HeaderSlice::from_slice(bytes).ok();
                if header.is_some_and(|ip| ip.header_checksum() != ip.to_header().calc_header_checksum()) {
                    return None;
                }
                let interface = self.routes.by_index(interface)?;
                let raw = Interface { medium: Medium::RawIp, ..interface };
                let entry = match injection.path {
                    Path::NetworkReceive { .. } => Entry::Ip,
                    _ => Entry::Transport,
                };
                if self.received(&raw, bytes, history, entry) == Verdict::Pass {
                    self.emit(raw.index, false, bytes.to_vec());
                }
            }
            Path::MacSend { interface } => {
                let interface = self.routes.by_index(interface)?;
                if layers::indicate_mac(&interface, bytes, true, history) {
                    self.emit(interface.index, true, bytes.to_vec());
                }
            }
            Path::MacReceive { interface } => {
                let interface = self.routes.by_index(interface)?;
                if layers::indicate_mac(&interface, bytes, false, history)
                    && self.received(&interface, bytes, &History::new(), Entry::Ip) == Verdict::Pass
                {
                    self.emit(interface.index, false, bytes.to_vec());
                }
            }
            Path::Stream { flow, flags } => {
                self.flows.values().find(|other| other.id == flow)?;
                self.streams.injected.push(StreamData { flow, flags, bytes: bytes.to_vec() });
            }
        }
        Some(())
    }

    pub(super) fn send(&mut self, interface: &Interface, remote: IpAddr, packet: &[u8]) -> Option<()> {
        let frame = self.routes.framed(interface, remote, packet)?;
        if self.mac(Verdict::Pass, interface, &frame, true) == Verdict::Pass {
            self.emit(interface.index, true, frame);
        }
        Some(())
    }

    pub(super) fn emit(&mut self, interface: u32, outbound: bool, frame: Vec<u8>) {
        self.routes.emitted.push(Emitted { interface, outbound, frame });
    }
}

/// Shows an injected packet to the layers on its way as a stack without connections does.
pub(crate) fn reenter(injection: &Injection) {
    for bytes in &injection.frames {
        let Some(ip) = parse_ip(bytes) else { continue };
        let index = match injection.path {
            Path::NetworkReceive { interface }
            | Path::TransportReceive { interface }
            | Path::Forward { interface } => interface,
            _ => 0,
        };
        let way: &[Layer] = match injection.path {
            Path::NetworkSend => &[Layer::OutboundTransport, Layer::OutboundIp],
            Path::NetworkReceive { .. } => &[Layer::InboundIp, Layer::InboundTransport],
            Path::TransportReceive { .. } => &[Layer::InboundTransport],
            Path::Forward { .. } => &[Layer::Forward],
            // What starts at another header needs an edge that knows the rest.
            _ => continue,
        };
        let interface = nowhere(index);
        let passage = Passage {
            interface: &interface,
            frame: bytes,
            ip: &ip,
            outbound: injection.path == Path::NetworkSend,
            loopback: false,
            flow: 0,
            endpoint: 0,
            compartment: 1,
            ale_required: true,
            history: &injection.history,
        };
        cpu::at_irql(cpu::DISPATCH, || way.iter().all(|layer| layers::indicate(*layer, &passage)));
    }
}

fn parse_ip(bytes: &[u8]) -> Option<Ip> {
    match packet::parse(Medium::RawIp, bytes) {
        Packet::Ip(ip) => Some(ip),
        _ => None,
    }
}

/// UDP, ICMP and raw packets have a datagram layer; the packets of TCP have one beside that of its streams.
fn above_transport(ip: &Ip) -> Option<Layer> {
    match ip.transport {
        Transport::Tcp { .. } => Some(Layer::StreamPacket),
        Transport::Icmp { .. } | Transport::Other => Some(Layer::Datagram),
        _ => (ip.protocol == UDP).then_some(Layer::Datagram),
    }
}

/// An IP packet around a transport packet, as the network layer builds it.
fn with_ip_header(protocol: u8, local: IpAddr, remote: IpAddr, payload: &[u8]) -> Option<Vec<u8>> {
    let mut packet = ip_header((local, remote), protocol, u32::try_from(payload.len()).ok()?)?;
    packet.extend_from_slice(payload);
    Some(packet)
}

/// The IP header of a packet with `length` bytes behind it; `None` for ends of two families.
pub(crate) fn ip_header(ends: (IpAddr, IpAddr), protocol: u8, length: u32) -> Option<Vec<u8>> {
    let mut packet = Vec::with_capacity(40);
    let length = u16::try_from(length).ok()?;
    match ends {
        (IpAddr::V4(source), IpAddr::V4(remote)) => {
            let header = Ipv4Header::new(length, TTL, IpNumber(protocol), source.octets(), remote.octets());
            header.ok()?.write(&mut packet).ok()?;
        }
        (IpAddr::V6(source), IpAddr::V6(remote)) => {
            let header = Ipv6Header {
                traffic_class: 0,
                flow_label: Ipv6FlowLabel::ZERO,
                payload_length: length,
                next_header: IpNumber(protocol),
                hop_limit: TTL,
                source: source.octets(),
                destination: remote.octets(),
            };
            header.write(&mut packet).ok()?;
        }
        _ => return None,
    }
    Some(packet)
}
