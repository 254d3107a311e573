//! IPv6: RFC 8200 header and the chain of extension headers.

use super::transport::{self, Segment};
use super::{Fragment, Frame, Ip, MAX_EXTENSIONS, Malformed, Source, Transport, protocol};

pub(super) fn parse<S: Source + ?Sized>(
    source: &S,
    start: usize,
    frame: &mut Frame,
) -> Result<(), Malformed> {
    let header = source.read::<40>(start).ok_or(Malformed::IpTruncated)?;
    let [first, _, _, _, l0, l1, next, _, addresses @ ..] = header;
    if first >> 4 != 6 {
        return Err(Malformed::IpVersion);
    }
    let addresses: [u8; 32] = addresses;
    let Some((from, to)) = addresses.split_first_chunk::<16>() else { return Err(Malformed::IpTruncated) };
    let Some(to) = to.first_chunk::<16>() else { return Err(Malformed::IpTruncated) };
    frame.network = start as u32;
    frame.ip = Some(Ip {
        version: 6,
        source: *from,
        destination: *to,
        protocol: next,
        fragment: None,
        options: false,
    });
    let available = source.len().saturating_sub(start + 40);
    let payload = usize::from(u16::from_be_bytes([l0, l1]));
    // Zero: a jumbogram, or a frame that segmentation offload will cut.
    let length = if payload == 0 { available } else { payload };
    let segment = Segment { start: start + 40, end: start + 40 + length.min(available), fragment: false };
    frame.payload = segment.start as u32;
    let rest = walk(source, segment, next, frame);
    if length > available { Err(Malformed::IpLength) } else { rest }
}

/// Walks extension headers from `next` at the start of `segment` to the transport header, at most
/// [`MAX_EXTENSIONS`].
pub(super) fn walk<S: Source + ?Sized>(
    source: &S,
    mut segment: Segment,
    mut next: u8,
    frame: &mut Frame,
) -> Result<(), Malformed> {
    let mut previous = None;
    for _ in 0..=MAX_EXTENSIONS {
        match next {
            protocol::HOP_BY_HOP if previous.is_some() => return Err(Malformed::ExtensionOrder),
            protocol::HOP_BY_HOP
            | protocol::ROUTING
            | protocol::FRAGMENT
            | protocol::AH
            | protocol::DESTINATION_OPTIONS
            | protocol::MOBILITY
            | protocol::HIP
            | protocol::SHIM6 => {}
            protocol::NO_NEXT_HEADER => {
                // These are the payload themselves when nothing follows.
                let kind = previous
                    .filter(|kind| matches!(*kind, protocol::MOBILITY | protocol::HIP | protocol::SHIM6));
                set_protocol(frame, kind.unwrap_or(next));
                frame.transport = Transport::Other;
                return Ok(());
            }
            _ => return transport::parse(source, segment, next, frame),
        }
        let [following, length, b2, b3, b4, b5, b6, b7] =
            segment.read::<8, S>(source, 0).ok_or(Malformed::ExtensionTruncated)?;
        let size = match next {
            protocol::FRAGMENT => 8,
            protocol::AH => (usize::from(length) + 2) * 4,
            _ => (usize::from(length) + 1) * 8,
        };
        if size > segment.end.saturating_sub(segment.start) || size < 8 {
            return Err(Malformed::ExtensionTruncated);
        }
        segment.start += size;
        frame.payload = segment.start as u32;
        if let Some(ip) = &mut frame.ip {
            ip.options = true;
        }
        set_protocol(frame, following);
        if next == protocol::FRAGMENT {
            if segment.fragment {
                return Err(Malformed::ExtensionOrder);
            }
            let word = u16::from_be_bytes([b2, b3]);
            let fragment = Fragment {
                identification: u32::from_be_bytes([b4, b5, b6, b7]),
                offset: u32::from(word & 0xfff8),
                more: word & 1 != 0,
            };
            // RFC 6946: an atomic fragment is a whole datagram.
            if fragment.more || fragment.offset != 0 {
                segment.fragment = true;
                if let Some(ip) = &mut frame.ip {
                    ip.fragment = Some(fragment);
                }
                let length = segment.end - segment.start;
                if fragment.offset as usize + length > 0xffff
                    || (fragment.more && (!length.is_multiple_of(8) || length == 0))
                {
                    return Err(Malformed::FragmentBounds);
                }
                if fragment.offset != 0 {
                    return Ok(());
                }
            }
        }
        previous = Some(next);
        next = following;
    }
    Err(Malformed::TooManyExtensions)
}

fn set_protocol(frame: &mut Frame, protocol: u8) {
    if let Some(ip) = &mut frame.ip {
        ip.protocol = protocol;
    }
}
