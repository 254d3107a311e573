//! The packet layers: values, metadata and data offsets of their indications (WFP contract §4).

use std::net::IpAddr;

use ddk::fwp::*;

use super::flow::Interface;
use super::packet::{self, Ip, Transport};
use crate::fwp::packet::History;
use crate::fwp::{self, Indication, Value};
use crate::{cpu, ndis};

/// `FWP_CONDITION_FLAG_IS_LOOPBACK` and `_IS_FRAGMENT`.
const IS_LOOPBACK: u32 = 0x1;
const IS_FRAGMENT: u32 = 0x20;
/// The compartment of frames, which are not in any other.
const COMPARTMENT: u32 = 1;
/// `DL_ADDRESS_TYPE`: unicast 0, multicast 1, broadcast 2.
const DL_UNICAST: u8 = 0;
const DL_MULTICAST: u8 = 1;
const DL_BROADCAST: u8 = 2;
/// `FWPS_L2_METADATA_FIELD_ETHERNET_MAC_HEADER_SIZE`.
const MAC_HEADER_SIZE: u32 = 0x1;
const MAC_HEADER: u32 = 14;

/// A layer that sees packets, without its address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    InboundIp,
    OutboundIp,
    Forward,
    InboundTransport,
    OutboundTransport,
    Datagram,
    StreamPacket,
}

impl Layer {
    fn id(self, v6: bool) -> u16 {
        let (v4, v6_id) = match self {
            Self::InboundIp => (FWPS_LAYER_INBOUND_IPPACKET_V4, FWPS_LAYER_INBOUND_IPPACKET_V6),
            Self::OutboundIp => (FWPS_LAYER_OUTBOUND_IPPACKET_V4, FWPS_LAYER_OUTBOUND_IPPACKET_V6),
            Self::Forward => (FWPS_LAYER_IPFORWARD_V4, FWPS_LAYER_IPFORWARD_V6),
            Self::InboundTransport => (FWPS_LAYER_INBOUND_TRANSPORT_V4, FWPS_LAYER_INBOUND_TRANSPORT_V6),
            Self::OutboundTransport => (FWPS_LAYER_OUTBOUND_TRANSPORT_V4, FWPS_LAYER_OUTBOUND_TRANSPORT_V6),
            Self::Datagram => (FWPS_LAYER_DATAGRAM_DATA_V4, FWPS_LAYER_DATAGRAM_DATA_V6),
            Self::StreamPacket => (FWPS_LAYER_STREAM_PACKET_V4, FWPS_LAYER_STREAM_PACKET_V6),
        };
        (if v6 { v6_id } else { v4 }) as u16
    }

    /// The name under which reports speak of the layer.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::InboundIp => "INBOUND_IPPACKET",
            Self::OutboundIp => "OUTBOUND_IPPACKET",
            Self::Forward => "IPFORWARD",
            Self::InboundTransport => "INBOUND_TRANSPORT",
            Self::OutboundTransport => "OUTBOUND_TRANSPORT",
            Self::Datagram => "DATAGRAM_DATA",
            Self::StreamPacket => "STREAM_PACKET",
        }
    }
}

/// A packet on its way through the stack.
pub(crate) struct Passage<'a> {
    pub(crate) interface: &'a Interface,
    pub(crate) frame: &'a [u8],
    pub(crate) ip: &'a Ip,
    pub(crate) outbound: bool,
    pub(crate) loopback: bool,
    /// The flow and its endpoint, or 0.
    pub(crate) flow: u64,
    pub(crate) endpoint: u64,
    pub(crate) compartment: u32,
    /// ALE has not authorised the packet's flow yet.
    pub(crate) ale_required: bool,
    pub(crate) history: &'a History,
}

impl Passage<'_> {
    fn local_and_remote(&self) -> (IpAddr, IpAddr) {
        let ip = self.ip;
        if self.outbound { (ip.source, ip.destination) } else { (ip.destination, ip.source) }
    }

    /// Local and remote port; type and code for ICMP.
    fn ports(&self) -> (u16, u16) {
        match self.ip.transport {
            Transport::Tcp { source, destination, .. } | Transport::Udp { source, destination } => {
                if self.outbound { (source, destination) } else { (destination, source) }
            }
            Transport::Icmp { kind, code, .. } => (kind.into(), code.into()),
            _ => (0, 0),
        }
    }

    fn transport_header(&self) -> u32 {
        match self.ip.transport {
            Transport::Tcp { header_len, .. } => header_len,
            Transport::Udp { .. } => 8,
            _ => 0,
        }
    }

    fn flags(&self) -> u32 {
        let fragment = if self.ip.fragment.is_some() { IS_FRAGMENT } else { 0 };
        fragment | if self.loopback { IS_LOOPBACK } else { 0 }
    }

    /// Where the data of an indication start in the frame (§4.1).
    fn data_at(&self, layer: Layer) -> u32 {
        let transport = self.ip.offset + self.ip.header_len;
        let payload = match self.ip.transport {
            Transport::Icmp { .. } => transport,
            _ => transport + self.transport_header(),
        };
        match layer {
            Layer::InboundIp | Layer::OutboundTransport => transport,
            Layer::OutboundIp | Layer::Forward => self.ip.offset,
            Layer::InboundTransport => payload,
            Layer::Datagram | Layer::StreamPacket => {
                if self.outbound {
                    transport
                } else {
                    payload
                }
            }
        }
    }

    fn values(&self, layer: Layer) -> Vec<Value> {
        let interface = self.interface;
        let (local, remote) = self.local_and_remote();
        let (local_type, remote_type) = (address_type(local), address_type(remote));
        let (local_port, remote_port) = self.ports();
        let direction = if self.outbound { FWP_DIRECTION_OUTBOUND } else { FWP_DIRECTION_INBOUND } as u32;
        let (local, remote) = (Value::address(local), Value::address(remote));
        let luid = || Value::U64(interface.luid);
        let (index, sub, flags) = (Value::U32(interface.index), Value::U32(0), Value::U32(self.flags()));
        let (kind, tunnel) = (Value::U32(interface.kind), Value::U32(0));
        let protocol = Value::U8(self.ip.protocol);
        let (local_port, remote_port) = (Value::U16(local_port), Value::U16(remote_port));
        let (local_type, remote_type) = (Value::U8(local_type), Value::U8(remote_type));
        let compartment = Value::U32(self.compartment);
        let profile = Value::U32(0);
        match layer {
            Layer::InboundIp => {
                vec![local, remote, local_type, luid(), index, sub, flags, kind, tunnel, compartment]
            }
            Layer::OutboundIp => {
                vec![local, local_type, remote, luid(), index, sub, flags, kind, tunnel, compartment]
            }
            // A forwarded packet has a source and a destination; both interfaces are the same here.
            Layer::Forward => vec![
                Value::address(self.ip.source),
                Value::address(self.ip.destination),
                Value::U8(address_type(self.ip.destination)),
                luid(),
                luid(),
                index.clone(),
                sub.clone(),
                index,
                sub,
                flags,
                luid(),
                profile.clone(),
                luid(),
                profile,
                compartment,
            ],
            Layer::InboundTransport => vec![
                protocol,
                local,
                remote,
                local_type,
                local_port,
                remote_port,
                luid(),
                index,
                sub,
                flags,
                kind,
                tunnel,
                profile,
                Value::U64(0),
                compartment,
            ],
            Layer::OutboundTransport => vec![
                protocol,
                local,
                local_type,
                remote,
                local_port,
                remote_port,
                luid(),
                index,
                sub,
                remote_type,
                flags,
                kind,
                tunnel,
                profile,
                Value::U64(0),
                compartment,
            ],
            Layer::Datagram => vec![
                protocol,
                local,
                remote,
                local_type,
                local_port,
                remote_port,
                luid(),
                index,
                sub,
                Value::U32(direction),
                flags,
                kind,
                tunnel,
                compartment,
            ],
            Layer::StreamPacket => vec![
                local,
                remote,
                local_port,
                remote_port,
                luid(),
                index,
                sub,
                Value::U32(direction),
                flags,
                kind,
                tunnel,
                compartment,
            ],
        }
    }

    fn metadata(&self, layer: Layer) -> FWPS_INCOMING_METADATA_VALUES0 {
        // SAFETY: a C structure of integers and pointers, for which zero is valid.
        let mut meta: FWPS_INCOMING_METADATA_VALUES0 = unsafe { std::mem::zeroed() };
        let mut present = FWPS_METADATA_FIELD_COMPARTMENT_ID;
        meta.compartmentId = self.compartment;
        if !matches!(layer, Layer::Forward | Layer::OutboundTransport) {
            present |= FWPS_METADATA_FIELD_IP_HEADER_SIZE;
            meta.ipHeaderSize = self.ip.header_len;
        }
        if !matches!(layer, Layer::Forward | Layer::InboundIp) {
            present |= FWPS_METADATA_FIELD_TRANSPORT_HEADER_SIZE;
            meta.transportHeaderSize = self.transport_header();
        }
        if matches!(layer, Layer::InboundIp | Layer::OutboundIp)
            && let Some(fragment) = self.ip.fragment
        {
            present |= FWPS_METADATA_FIELD_FRAGMENT_DATA;
            meta.fragmentMetadata.fragmentIdentification = fragment.id;
            meta.fragmentMetadata.fragmentOffset = fragment.offset as u16;
            meta.fragmentMetadata.fragmentLength =
                (self.frame.len() as u32).saturating_sub(self.ip.offset + self.ip.header_len);
        }
        if layer == Layer::OutboundIp {
            present |= FWPS_METADATA_FIELD_PATH_MTU;
            meta.pathMtu = self.interface.mtu;
        }
        let above = [Layer::InboundTransport, Layer::OutboundTransport, Layer::Datagram, Layer::StreamPacket];
        if above.contains(&layer) {
            self.transport_metadata(layer, &mut meta, &mut present);
        }
        meta.currentMetadataValues = present;
        meta
    }

    fn transport_metadata(&self, layer: Layer, meta: &mut FWPS_INCOMING_METADATA_VALUES0, present: &mut u32) {
        if self.flow != 0 {
            *present |= FWPS_METADATA_FIELD_FLOW_HANDLE;
            meta.flowHandle = self.flow;
        }
        if self.endpoint != 0 {
            *present |= FWPS_METADATA_FIELD_TRANSPORT_ENDPOINT_HANDLE;
            meta.transportEndpointHandle = self.endpoint;
        }
        if layer == Layer::InboundTransport && self.ale_required {
            *present |= FWPS_METADATA_FIELD_ALE_CLASSIFY_REQUIRED;
        }
        if let Transport::Icmp { id, sequence, .. } = self.ip.transport {
            *present |= FWPS_METADATA_FIELD_ICMP_ID_AND_SEQUENCE;
            meta.icmpIdAndSequence = u32::from(id) << 16 | u32::from(sequence);
        }
        if self.outbound {
            *present |= FWPS_METADATA_FIELD_REMOTE_SCOPE_ID;
        }
    }
}

/// `NL_ADDRESS_TYPE`: unicast 1, multicast 3, broadcast 4.
pub(crate) fn address_type(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(v4) if v4.is_broadcast() => 4,
        address if address.is_multicast() => 3,
        _ => 1,
    }
}

/// Indicates a packet, at DISPATCH_LEVEL, and returns whether the outcome is a permit.
pub(crate) fn indicate(layer: Layer, passage: &Passage<'_>) -> bool {
    let id = layer.id(passage.ip.source.is_ipv6());
    if !fwp::has_filters(id) {
        return true;
    }
    let values = passage.values(layer);
    let metadata = passage.metadata(layer);
    // The IP layers know no flows.
    let flow = match layer {
        Layer::InboundIp | Layer::OutboundIp | Layer::Forward => 0,
        _ => passage.flow,
    };
    cpu::at_irql(cpu::DISPATCH, || {
        ndis::stack::with(passage.frame, passage.data_at(layer), passage.history, |nbl| {
            let data = nbl.cast();
            fwp::classify(&Indication { layer: id, values: &values, metadata: &metadata, data, flow }).permit
        })
    })
}

/// Indicates an Ethernet frame to the MAC layers and returns whether the outcome is a permit.
pub(crate) fn indicate_mac(interface: &Interface, frame: &[u8], outbound: bool, history: &History) -> bool {
    let id =
        if outbound { FWPS_LAYER_OUTBOUND_MAC_FRAME_ETHERNET } else { FWPS_LAYER_INBOUND_MAC_FRAME_ETHERNET };
    let id = id as u16;
    if !fwp::has_filters(id) {
        return true;
    }
    let Some((source, destination)) = packet::macs(frame) else { return true };
    let (local, remote) = if outbound { (source, destination) } else { (destination, source) };
    let ether_type = frame.get(12..14).map_or(0, |bytes| u16::from_be_bytes([bytes[0], bytes[1]]));
    let values = [
        Value::Mac(local),
        Value::Mac(local),
        Value::Mac(remote),
        Value::U8(mac_type(local)),
        Value::U8(mac_type(remote)),
        Value::U16(ether_type),
        Value::U16(0),
        Value::U64(interface.luid),
        Value::U32(interface.index),
        Value::U32(0),
        Value::U32(0x1),
        Value::U32(COMPARTMENT),
    ];
    // SAFETY: a C structure of integers and pointers, for which zero is valid.
    let mut metadata: FWPS_INCOMING_METADATA_VALUES0 = unsafe { std::mem::zeroed() };
    metadata.currentL2MetadataValues = MAC_HEADER_SIZE;
    metadata.ethernetMacHeaderSize = MAC_HEADER;
    let at = if outbound { 0 } else { MAC_HEADER };
    cpu::at_irql(cpu::DISPATCH, || {
        ndis::stack::with(frame, at, history, |nbl| {
            let data = nbl.cast();
            fwp::classify(&Indication { layer: id, values: &values, metadata: &metadata, data, flow: 0 })
                .permit
        })
    })
}

fn mac_type(address: [u8; 6]) -> u8 {
    match address {
        [0xff, 0xff, 0xff, 0xff, 0xff, 0xff] => DL_BROADCAST,
        [first, ..] if first & 1 != 0 => DL_MULTICAST,
        _ => DL_UNICAST,
    }
}
