//! IPv4: RFC 791 header, options, fragments; an authentication header before the transport.

use super::transport::{self, Segment};
use super::{Fragment, Frame, Ip, Malformed, Source, ipv6, protocol};

pub(super) fn parse<S: Source + ?Sized>(
    source: &S,
    start: usize,
    frame: &mut Frame,
) -> Result<(), Malformed> {
    let header = source.read::<20>(start).ok_or(Malformed::IpTruncated)?;
    let [first, _, t0, t1, i0, i1, f0, f1, _, proto, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = header;
    if first >> 4 != 4 {
        return Err(Malformed::IpVersion);
    }
    let header_length = usize::from(first & 0x0f) * 4;
    if header_length < 20 {
        return Err(Malformed::IpHeaderLength);
    }
    let available = source.len().saturating_sub(start);
    let total = usize::from(u16::from_be_bytes([t0, t1]));
    let flags = u16::from_be_bytes([f0, f1]);
    let offset = u32::from(flags & 0x1fff) * 8;
    let more = flags & 0x2000 != 0;
    let fragment = (more || offset != 0).then(|| Fragment {
        identification: u32::from(u16::from_be_bytes([i0, i1])),
        offset,
        more,
    });
    frame.network = start as u32;
    frame.ip = Some(Ip {
        version: 4,
        source: mapped([s0, s1, s2, s3]),
        destination: mapped([d0, d1, d2, d3]),
        protocol: proto,
        fragment,
        options: header_length > 20,
    });
    frame.payload = u32::try_from(start + header_length.min(available)).unwrap_or(u32::MAX);
    if header_length > available {
        return Err(Malformed::IpTruncated);
    }
    // Zero is what segmentation offload leaves in frames that the miniport will cut.
    let length = if total == 0 { available } else { total };
    if length < header_length {
        return Err(Malformed::IpLength);
    }
    let payload_length = length - header_length;
    let end = start + length.min(available);
    let mut beyond = if length > available { Err(Malformed::IpLength) } else { Ok(()) };
    if fragment.is_some() {
        if offset as usize + payload_length > 0xffff
            || (more && (!payload_length.is_multiple_of(8) || payload_length == 0))
        {
            return Err(Malformed::FragmentBounds);
        }
        // RFC 3128: a piece at offset 8 could replace the flags of a TCP header that was judged already.
        if proto == protocol::TCP && offset == 8 {
            return Err(Malformed::TinyFragment);
        }
        if offset != 0 {
            return beyond;
        }
    }
    let segment = Segment { start: start + header_length, end, fragment: fragment.is_some() };
    let rest = if proto == protocol::AH {
        ipv6::walk(source, segment, protocol::AH, frame)
    } else {
        transport::parse(source, segment, proto, frame)
    };
    // A length beyond the frame explains whatever else ran out of bytes.
    if beyond.is_ok() {
        beyond = rest;
    }
    beyond
}

fn mapped(address: [u8; 4]) -> [u8; 16] {
    (0xffff_0000_0000_u128 | u128::from(u32::from_be_bytes(address))).to_be_bytes()
}
