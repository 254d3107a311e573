//! The headers of the plainest frames, read with as little work as possible: IPv4 without options and fragments, with
//! at most one VLAN tag, carrying TCP beyond its handshake or UDP outside of tunnels, every length as it should be.
//!
//! What [`read`] accepts, [`super::parse`] finds well-formed, with the same addresses, ports and protocol; a property
//! test compares them. About everything else this says nothing.

use super::{Medium, Source, TcpFlags, ethertype, protocol, transport};

/// What the short way needs to know about a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Headers {
    /// TCP or UDP.
    pub protocol: u8,
    /// Source address and port.
    pub from: (u32, u16),
    /// Destination address and port.
    pub to: (u32, u16),
    /// There is a VLAN tag in the frame.
    pub vlan: bool,
}

/// Reads a plain frame; `None` for any other.
#[inline]
#[must_use]
pub fn read<S: Source + ?Sized>(medium: Medium, source: &S) -> Option<Headers> {
    let (mut start, mut vlan) = (0_usize, false);
    match medium {
        Medium::Ethernet => {
            start = 14;
            let mut kind = u16::from_be_bytes(source.read(12)?);
            if kind == ethertype::VLAN {
                vlan = true;
                start = 18;
                kind = u16::from_be_bytes(source.read(16)?);
            }
            if kind != ethertype::IPV4 {
                return None;
            }
        }
        Medium::RawIp => {}
        Medium::Other => return None,
    }
    let header = source.read::<24>(start)?;
    let [first, _, t0, t1, _, _, f0, f1, _, kind, _, _, s0, s1, s2, s3, d0, d1, d2, d3, p0, p1, p2, p3] =
        header;
    let total = usize::from(u16::from_be_bytes([t0, t1]));
    // No options; neither an offset nor more fragments.
    if first != 0x45
        || u16::from_be_bytes([f0, f1]) & 0x3fff != 0
        || total > source.len().saturating_sub(start)
    {
        return None;
    }
    let tcp = kind == protocol::TCP;
    if !tcp && kind != protocol::UDP {
        return None;
    }
    let (least, at) = if tcp { (20, 32) } else { (8, 24) };
    let segment = total.checked_sub(20)?;
    let [high, low] = source.read::<2>(start.checked_add(at)?)?;
    // Either the length of the TCP header and its flags, or the length of the UDP datagram.
    let length = if tcp { usize::from(high >> 4) * 4 } else { usize::from(u16::from_be_bytes([high, low])) };
    let fits = segment >= least && length >= least && length <= segment;
    let news = tcp && low & (TcpFlags::SYN | TcpFlags::FIN | TcpFlags::RST) != 0;
    let (source_port, port) = (u16::from_be_bytes([p0, p1]), u16::from_be_bytes([p2, p3]));
    if !fits || news || (!tcp && transport::is_tunnel_port(port)) {
        return None;
    }
    Some(Headers {
        protocol: kind,
        from: (u32::from_be_bytes([s0, s1, s2, s3]), source_port),
        to: (u32::from_be_bytes([d0, d1, d2, d3]), port),
        vlan,
    })
}
