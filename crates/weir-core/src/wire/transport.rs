//! TCP, UDP, SCTP, ICMP, and the tunnels that are recognised but not entered.

use super::{Frame, Malformed, Source, Transport, Tunnel};

/// IP protocol numbers that the parser or the policy language know.
pub mod protocol {
    /// IPv6 hop-by-hop options.
    pub const HOP_BY_HOP: u8 = 0;
    /// ICMP.
    pub const ICMP: u8 = 1;
    /// IGMP.
    pub const IGMP: u8 = 2;
    /// IPv4 in IP.
    pub const IPV4: u8 = 4;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// DCCP.
    pub const DCCP: u8 = 33;
    /// IPv6 in IP.
    pub const IPV6: u8 = 41;
    /// IPv6 routing header.
    pub const ROUTING: u8 = 43;
    /// IPv6 fragment header.
    pub const FRAGMENT: u8 = 44;
    /// GRE.
    pub const GRE: u8 = 47;
    /// IPsec ESP.
    pub const ESP: u8 = 50;
    /// IPsec authentication header.
    pub const AH: u8 = 51;
    /// ICMPv6.
    pub const ICMPV6: u8 = 58;
    /// IPv6: nothing follows.
    pub const NO_NEXT_HEADER: u8 = 59;
    /// IPv6 destination options.
    pub const DESTINATION_OPTIONS: u8 = 60;
    /// OSPF.
    pub const OSPF: u8 = 89;
    /// PIM.
    pub const PIM: u8 = 103;
    /// VRRP.
    pub const VRRP: u8 = 112;
    /// L2TP.
    pub const L2TP: u8 = 115;
    /// SCTP.
    pub const SCTP: u8 = 132;
    /// IPv6 mobility header.
    pub const MOBILITY: u8 = 135;
    /// UDP-Lite.
    pub const UDP_LITE: u8 = 136;
    /// Host identity protocol.
    pub const HIP: u8 = 139;
    /// Shim6.
    pub const SHIM6: u8 = 140;

    /// True for protocols whose header begins with ports.
    #[must_use]
    pub fn has_ports(protocol: u8) -> bool {
        matches!(protocol, TCP | UDP | DCCP | SCTP | UDP_LITE)
    }
}

const VXLAN_PORT: u16 = 4789;
const GENEVE_PORT: u16 = 6081;

/// Flags of a TCP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// FIN.
    pub const FIN: u8 = 0x01;
    /// SYN.
    pub const SYN: u8 = 0x02;
    /// RST.
    pub const RST: u8 = 0x04;
    /// ACK.
    pub const ACK: u8 = 0x10;

    /// True when all of `flags` are set.
    #[must_use]
    pub fn has(self, flags: u8) -> bool {
        self.0 & flags == flags
    }
}

/// The echo part of an ICMP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpEcho {
    /// True for a request.
    pub request: bool,
    /// Identifier.
    pub identifier: u16,
}

/// The bytes of the datagram that are left.
#[derive(Clone, Copy)]
pub(super) struct Segment {
    pub(super) start: usize,
    pub(super) end: usize,
    /// It is the first piece of a fragmented datagram, so lengths inside may exceed it.
    pub(super) fragment: bool,
}

impl Segment {
    pub(super) fn read<const N: usize, S: Source + ?Sized>(
        &self,
        source: &S,
        offset: usize,
    ) -> Option<[u8; N]> {
        let from = self.start.checked_add(offset)?;
        if from.checked_add(N)? > self.end {
            return None;
        }
        source.read(from)
    }

    fn header<const N: usize, S: Source + ?Sized>(&self, source: &S) -> Result<[u8; N], Malformed> {
        self.part(source, 0)
    }

    /// A part of the header that is read for itself, so that no byte is read twice: it may change in between.
    fn part<const N: usize, S: Source + ?Sized>(
        &self,
        source: &S,
        offset: usize,
    ) -> Result<[u8; N], Malformed> {
        self.read(source, offset).ok_or(if self.fragment {
            Malformed::TinyFragment
        } else {
            Malformed::TransportTruncated
        })
    }

    fn length(&self) -> usize {
        self.end.saturating_sub(self.start)
    }
}

pub(super) fn parse<S: Source + ?Sized>(
    source: &S,
    segment: Segment,
    protocol: u8,
    frame: &mut Frame,
) -> Result<(), Malformed> {
    frame.transport_at = segment.start as u32;
    frame.end = u32::try_from(segment.end).unwrap_or(u32::MAX);
    let mut advance = |bytes: usize| {
        frame.payload =
            u32::try_from(segment.start.saturating_add(bytes).min(segment.end)).unwrap_or(u32::MAX);
    };
    match protocol {
        protocol::TCP => {
            let header = segment.header::<20, S>(source)?;
            let [s0, s1, d0, d1, q0, q1, q2, q3, _, _, _, _, words, flags, ..] = header;
            let length = usize::from(words >> 4) * 4;
            advance(length.max(20));
            frame.transport = Transport::Tcp {
                source: u16::from_be_bytes([s0, s1]),
                destination: u16::from_be_bytes([d0, d1]),
                flags: TcpFlags(flags),
                sequence: u32::from_be_bytes([q0, q1, q2, q3]),
            };
            if length < 20 || (length > segment.length() && !segment.fragment) {
                return Err(Malformed::TransportLength);
            }
            if length > segment.length() {
                return Err(Malformed::TinyFragment);
            }
        }
        protocol::UDP => {
            let [s0, s1, d0, d1, l0, l1, _, _] = segment.header::<8, S>(source)?;
            let destination = u16::from_be_bytes([d0, d1]);
            advance(8);
            frame.transport = Transport::Udp { source: u16::from_be_bytes([s0, s1]), destination };
            let length = usize::from(u16::from_be_bytes([l0, l1]));
            // Zero: a jumbogram, or segmentation offload.
            if length != 0 && (length < 8 || (length > segment.length() && !segment.fragment)) {
                return Err(Malformed::TransportLength);
            }
            if length != 0 {
                frame.end = frame.end.min(frame.transport_at.saturating_add(length as u32));
            }
            frame.tunnel = udp_tunnel(source, segment, destination);
        }
        protocol::SCTP | protocol::DCCP => {
            ports(frame, segment.header::<12, S>(source)?);
        }
        protocol::UDP_LITE => {
            ports(frame, segment.header::<8, S>(source)?);
        }
        protocol::ICMP | protocol::ICMPV6 => {
            let [kind, code, _, _] = segment.header::<4, S>(source)?;
            advance(4);
            let request = match (protocol, kind) {
                (protocol::ICMP, 8) | (protocol::ICMPV6, 128) => Some(true),
                (protocol::ICMP, 0) | (protocol::ICMPV6, 129) => Some(false),
                _ => None,
            };
            let mut echo = None;
            if let Some(request) = request {
                let [i0, i1, _, _] = segment.part::<4, S>(source, 4)?;
                advance(8);
                echo = Some(IcmpEcho { request, identifier: u16::from_be_bytes([i0, i1]) });
            }
            frame.transport = Transport::Icmp { kind, code, echo };
        }
        protocol::GRE => {
            frame.transport = Transport::Other;
            let [_, _, t0, t1] = segment.header::<4, S>(source)?;
            frame.tunnel = Some(Tunnel::Gre(u16::from_be_bytes([t0, t1])));
        }
        protocol::IPV4 | protocol::IPV6 => {
            frame.transport = Transport::Other;
            frame.tunnel = Some(Tunnel::IpInIp);
        }
        _ => frame.transport = Transport::Other,
    }
    Ok(())
}

/// A protocol whose header of `N` bytes begins with ports.
fn ports<const N: usize>(frame: &mut Frame, header: [u8; N]) {
    if let Some(&[s0, s1, d0, d1]) = header.first_chunk::<4>() {
        frame.payload = frame.payload.saturating_add(N as u32);
        frame.transport = Transport::Ports {
            source: u16::from_be_bytes([s0, s1]),
            destination: u16::from_be_bytes([d0, d1]),
        };
    }
}

/// True for UDP ports behind which there may be a tunnel.
pub(super) fn is_tunnel_port(port: u16) -> bool {
    matches!(port, VXLAN_PORT | GENEVE_PORT)
}

fn udp_tunnel<S: Source + ?Sized>(source: &S, segment: Segment, destination: u16) -> Option<Tunnel> {
    if !is_tunnel_port(destination) {
        return None;
    }
    let [flags, _, _, _, n0, n1, n2, _] = segment.read::<8, S>(source, 8)?;
    let network = u32::from_be_bytes([0, n0, n1, n2]);
    match destination {
        VXLAN_PORT if flags & 0x08 != 0 => Some(Tunnel::Vxlan(network)),
        GENEVE_PORT if flags >> 6 == 0 => Some(Tunnel::Geneve(network)),
        _ => None,
    }
}
