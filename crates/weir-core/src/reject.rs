//! Answers to frames that a rule rejects: a TCP reset, or ICMP "communication administratively prohibited".
//!
//! Pure: frame in, frame out. The answer comes from the address that the frame was meant for and goes to the one
//! that it came from, behind the same link header with the addresses exchanged, VLAN tags in the frame included.
//! A tag out of band is not in the bytes: whoever sends the answer gives it the tag of the frame.

use crate::wire::checksum::Sum;
use crate::wire::{Frame, Ip, Malformed, Medium, Source, TcpFlags, Transport, protocol};

/// No answer is longer, link header included: 14 bytes, the most VLAN tags, SNAP, and the least MTU of IPv6.
pub const MAX_REPLY: usize = 14 + 4 * crate::wire::MAX_VLAN_TAGS as usize + 8 + IPV6_MTU;

/// Longest ICMP error (RFC 1812, 4.3.2.3).
const ICMP_MOST: usize = 576;
/// Longest ICMPv6 error (RFC 4443, 2.4 c).
const IPV6_MTU: usize = 1_280;
/// Time to live of answers.
const TTL: u8 = 64;
/// Precedence "internetwork control" of ICMP errors (RFC 1812, 4.3.2.5).
const CONTROL: u8 = 0xc0;
/// Destination unreachable, communication administratively prohibited (RFC 1812, 5.2.7.1).
const ICMP_PROHIBITED: [u8; 2] = [3, 13];
/// The same for IPv6 (RFC 4443, 3.1).
const ICMPV6_PROHIBITED: [u8; 2] = [1, 1];

/// Why a frame gets no answer. It is dropped all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// Not IP, so that there is no way to answer.
    NotIp,
    /// Malformed, or too short to be quoted.
    Malformed,
    /// Not sent by, or not sent to, a single host.
    NotUnicast,
    /// A fragment other than the first.
    LaterFragment,
    /// A TCP reset is never answered.
    Reset,
    /// An ICMP message other than a request is never answered.
    Icmp,
    /// The buffer is too small.
    Room,
}

/// Writes the answer to `frame`, which was parsed from `source`, to the start of `out` (at best [`MAX_REPLY`]
/// bytes), and returns its length.
pub fn reply<S: Source + ?Sized>(
    medium: Medium,
    frame: &Frame,
    source: &S,
    out: &mut [u8],
) -> Result<usize, Silence> {
    let ip = check(frame)?;
    let network = frame.network as usize;
    let mut writer = Writer { out, length: 0 };
    link(medium, network, source, &mut writer)?;
    let start = writer.length;
    match frame.transport {
        // The length of a fragmented segment is not known, which a reset may have to acknowledge.
        Transport::Tcp { flags, .. } if ip.fragment.is_none() => {
            reset(frame, &ip, flags, source, &mut writer)?
        }
        _ if ip.version == 4 => icmp(&ip, network, source, &mut writer)?,
        _ => icmpv6(&ip, network, source, &mut writer)?,
    }
    let datagram = writer.length.saturating_sub(start);
    // 802.3 with SNAP: what stands before the SNAP header is a length.
    if medium == Medium::Ethernet && frame.link.llc.is_some() {
        let length = (datagram.saturating_add(8) as u16).to_be_bytes();
        writer.patch(start.saturating_sub(10), &length);
    }
    Ok(writer.length)
}

/// Whether a frame may be answered: the limits of RFC 1122 (3.2.2), RFC 1812 (4.3.2.7), RFC 4443 (2.4 e) and RFC 9293 (3.5.2).
pub fn check(frame: &Frame) -> Result<Ip, Silence> {
    let ip = frame.ip.ok_or(Silence::NotIp)?;
    match frame.malformed {
        None => {}
        Some(Malformed::LinkTruncated | Malformed::TooManyVlanTags) => return Err(Silence::NotIp),
        Some(_) => return Err(Silence::Malformed),
    }
    let [first, ..] = frame.link.destination;
    if first & 1 != 0 || !is_host(&ip, &ip.destination) || !is_host(&ip, &ip.source) {
        return Err(Silence::NotUnicast);
    }
    if ip.fragment.is_some_and(|fragment| !fragment.is_first()) {
        return Err(Silence::LaterFragment);
    }
    match frame.transport {
        Transport::Tcp { flags, .. } if flags.has(TcpFlags::RST) => Err(Silence::Reset),
        Transport::Icmp { echo: Some(echo), .. } if echo.request => Ok(ip),
        Transport::Icmp { kind: 13 | 15 | 17, .. } if ip.version == 4 => Ok(ip),
        Transport::Icmp { .. } => Err(Silence::Icmp),
        _ => Ok(ip),
    }
}

/// True for addresses of one host: not unspecified, multicast, broadcast, reserved or "this network".
fn is_host(ip: &Ip, address: &[u8; 16]) -> bool {
    if ip.version == 4 {
        let [.., a, b, c, d] = *address;
        return !matches!(a, 0 | 127 | 224..) && [a, b, c, d] != [255; 4];
    }
    let [first, ..] = *address;
    first != 0xff && *address != [0; 16] && u128::from_be_bytes(*address) != 1
}

/// The link header of the frame with both addresses exchanged.
fn link<S: Source + ?Sized>(
    medium: Medium,
    length: usize,
    source: &S,
    writer: &mut Writer<'_>,
) -> Result<(), Silence> {
    if medium != Medium::Ethernet {
        return if length == 0 { Ok(()) } else { Err(Silence::NotIp) };
    }
    let [d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5] = source.read::<12>(0).ok_or(Silence::Malformed)?;
    writer.put(&[s0, s1, s2, s3, s4, s5, d0, d1, d2, d3, d4, d5])?;
    writer.copy(source, 12, length.saturating_sub(12))
}

/// A reset as RFC 9293, 3.10.7.1 has it for a connection that does not exist.
fn reset<S: Source + ?Sized>(
    frame: &Frame,
    ip: &Ip,
    flags: TcpFlags,
    source: &S,
    writer: &mut Writer<'_>,
) -> Result<(), Silence> {
    let at = frame.transport_at as usize;
    let [p0, p1, q0, q1, s0, s1, s2, s3, a0, a1, a2, a3] = source.read::<12>(at).ok_or(Silence::Malformed)?;
    let (sequence, acknowledged) =
        (u32::from_be_bytes([s0, s1, s2, s3]), u32::from_be_bytes([a0, a1, a2, a3]));
    let (sequence, acknowledgement, answer) = if flags.has(TcpFlags::ACK) {
        (acknowledged, 0, TcpFlags::RST)
    } else {
        let data = datagram_end(frame, ip, source)?.saturating_sub(frame.payload as usize) as u32;
        let controls = u32::from(flags.has(TcpFlags::SYN)).wrapping_add(u32::from(flags.has(TcpFlags::FIN)));
        (0, sequence.wrapping_add(data).wrapping_add(controls), TcpFlags::RST | TcpFlags::ACK)
    };
    header(ip, protocol::TCP, 20, 0, writer)?;
    let start = writer.length;
    writer.put(&[q0, q1, p0, p1])?;
    writer.put(&sequence.to_be_bytes())?;
    writer.put(&acknowledgement.to_be_bytes())?;
    writer.put(&[0x50, answer, 0, 0, 0, 0, 0, 0])?;
    let sum = pseudo(ip, protocol::TCP, 20).with(writer.since(start)).finish();
    writer.patch(start.saturating_add(16), &sum.to_be_bytes());
    Ok(())
}

fn icmp<S: Source + ?Sized>(
    ip: &Ip,
    network: usize,
    source: &S,
    writer: &mut Writer<'_>,
) -> Result<(), Silence> {
    let [first, _, t0, t1] = source.read::<4>(network).ok_or(Silence::Malformed)?;
    let header_length = usize::from(first & 0x0f).saturating_mul(4);
    let available = source.len().saturating_sub(network);
    let total = usize::from(u16::from_be_bytes([t0, t1]));
    let total = if total == 0 { available } else { total.min(available) };
    let quoted = total.min(ICMP_MOST - 28);
    header(ip, protocol::ICMP, 8_usize.saturating_add(quoted), CONTROL, writer)?;
    let start = writer.length;
    let [kind, code] = ICMP_PROHIBITED;
    writer.put(&[kind, code, 0, 0, 0, 0, 0, 0])?;
    let quote = writer.length;
    writer.copy(source, network, quoted)?;
    // What segmentation and checksum offload leave open is quoted as the wire would have carried it.
    if [t0, t1] == [0, 0] {
        writer.patch(quote.saturating_add(2), &(total.min(0xffff) as u16).to_be_bytes());
    }
    writer.patch(quote.saturating_add(10), &[0, 0]);
    let sum =
        Sum::default().with(writer.since(quote).get(..header_length).ok_or(Silence::Malformed)?).finish();
    writer.patch(quote.saturating_add(10), &sum.to_be_bytes());
    let sum = Sum::default().with(writer.since(start)).finish();
    writer.patch(start.saturating_add(2), &sum.to_be_bytes());
    Ok(())
}

fn icmpv6<S: Source + ?Sized>(
    ip: &Ip,
    network: usize,
    source: &S,
    writer: &mut Writer<'_>,
) -> Result<(), Silence> {
    let [l0, l1] = source.read::<2>(network.saturating_add(4)).ok_or(Silence::Malformed)?;
    let available = source.len().saturating_sub(network);
    let payload = usize::from(u16::from_be_bytes([l0, l1]));
    let total = if payload == 0 { available } else { payload.saturating_add(40).min(available) };
    let quoted = total.min(IPV6_MTU - 48);
    let length = 8_usize.saturating_add(quoted);
    header(ip, protocol::ICMPV6, length, 0, writer)?;
    let start = writer.length;
    let [kind, code] = ICMPV6_PROHIBITED;
    writer.put(&[kind, code, 0, 0, 0, 0, 0, 0])?;
    let quote = writer.length;
    writer.copy(source, network, quoted)?;
    if payload == 0 {
        let payload = total.saturating_sub(40).min(0xffff) as u16;
        writer.patch(quote.saturating_add(4), &payload.to_be_bytes());
    }
    let sum = pseudo(ip, protocol::ICMPV6, length).with(writer.since(start)).finish();
    writer.patch(start.saturating_add(2), &sum.to_be_bytes());
    Ok(())
}

/// Where the datagram ends in the frame: a short frame has padding behind it.
fn datagram_end<S: Source + ?Sized>(frame: &Frame, ip: &Ip, source: &S) -> Result<usize, Silence> {
    let network = frame.network as usize;
    let (at, fixed) = if ip.version == 4 { (2, 0) } else { (4, 40) };
    let [l0, l1] = source.read::<2>(network.saturating_add(at)).ok_or(Silence::Malformed)?;
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    if length == 0 {
        return Ok(source.len());
    }
    Ok(network.saturating_add(fixed).saturating_add(length).min(source.len()))
}

/// The IP header of an answer with `payload` bytes behind it.
fn header(
    ip: &Ip,
    protocol: u8,
    payload: usize,
    service: u8,
    writer: &mut Writer<'_>,
) -> Result<(), Silence> {
    let (from, to) = (&ip.destination, &ip.source);
    if ip.version == 6 {
        let [l0, l1] = (payload as u16).to_be_bytes();
        writer.put(&[0x60, 0, 0, 0, l0, l1, protocol, TTL])?;
        writer.put(from)?;
        return writer.put(to);
    }
    let start = writer.length;
    let [l0, l1] = (payload.saturating_add(20) as u16).to_be_bytes();
    // An atomic datagram: its identification means nothing (RFC 6864).
    writer.put(&[0x45, service, l0, l1, 0, 0, 0x40, 0, TTL, protocol, 0, 0])?;
    writer.put(v4(from))?;
    writer.put(v4(to))?;
    let sum = Sum::default().with(writer.since(start)).finish();
    writer.patch(start.saturating_add(10), &sum.to_be_bytes());
    Ok(())
}

fn pseudo(ip: &Ip, protocol: u8, length: usize) -> Sum {
    let (from, to) = if ip.version == 4 {
        (v4(&ip.destination), v4(&ip.source))
    } else {
        (ip.destination.as_slice(), ip.source.as_slice())
    };
    Sum::default().with_pseudo(from, to, protocol, length as u32)
}

/// The IPv4 address in a mapped one.
fn v4(address: &[u8; 16]) -> &[u8] {
    address.last_chunk::<4>().map_or(&[], |v4| v4)
}

struct Writer<'o> {
    out: &'o mut [u8],
    length: usize,
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Silence> {
        let end = self.length.checked_add(bytes.len()).ok_or(Silence::Room)?;
        let place = self.out.get_mut(self.length..end).ok_or(Silence::Room)?;
        for (to, from) in place.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.length = end;
        Ok(())
    }

    fn copy<S: Source + ?Sized>(&mut self, source: &S, mut from: usize, count: usize) -> Result<(), Silence> {
        const PIECE: usize = 32;
        let mut left = count;
        while left >= PIECE {
            self.put(&source.read::<PIECE>(from).ok_or(Silence::Malformed)?)?;
            (from, left) = (from.saturating_add(PIECE), left.saturating_sub(PIECE));
        }
        for offset in 0..left {
            self.put(&source.read::<1>(from.saturating_add(offset)).ok_or(Silence::Malformed)?)?;
        }
        Ok(())
    }

    fn since(&self, start: usize) -> &[u8] {
        self.out.get(start..self.length).unwrap_or(&[])
    }

    fn patch(&mut self, at: usize, bytes: &[u8]) {
        let place = self.out.get_mut(at..).unwrap_or(&mut []);
        for (to, from) in place.iter_mut().zip(bytes) {
            *to = *from;
        }
    }
}
