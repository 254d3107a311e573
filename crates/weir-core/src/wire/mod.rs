//! What a frame is: link layer, network layer, transport, and why parsing stopped when it did.
//!
//! [`parse`] takes any bytes, also hostile ones, over any split, and never fails: it returns what it could
//! read, and [`Frame::malformed`] says what was wrong. Every loop has a fixed bound.

pub mod checksum;
mod ethernet;
mod ipv4;
mod ipv6;
pub mod quick;
mod transport;

pub use ethernet::ethertype;
pub use transport::{IcmpEcho, TcpFlags, protocol};

/// Bytes of a frame, wherever they lie.
///
/// The memory may change while it is read (a device or another processor may write to it), so bytes are
/// copied out once and judged from the copy.
pub trait Source {
    /// Bytes in the frame.
    fn len(&self) -> usize;

    /// The `N` bytes at `offset`, or `None` when the frame ends before.
    fn read<const N: usize>(&self, offset: usize) -> Option<[u8; N]>;

    /// True when there is no byte.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Source for [u8] {
    fn len(&self) -> usize {
        <[u8]>::len(self)
    }

    fn read<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        self.get(offset..)?.first_chunk::<N>().copied()
    }
}

impl<S: Source + ?Sized> Source for &S {
    fn len(&self) -> usize {
        S::len(self)
    }

    fn read<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        S::read(self, offset)
    }
}

/// What the first byte of a frame belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// An Ethernet header (NdisMedium802_3, NdisMediumNative802_11 after conversion).
    Ethernet,
    /// An IP header, version told by its first nibble (NdisMediumWirelessWan, NdisMediumIP, tunnels).
    RawIp,
    /// Something this crate does not parse.
    Other,
}

/// A VLAN tag as on the wire (802.1Q TCI).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VlanTag(pub u16);

impl VlanTag {
    /// VLAN identifier, 0 for a priority tag.
    #[must_use]
    pub fn id(self) -> u16 {
        self.0 & 0x0fff
    }

    /// Priority code point.
    #[must_use]
    pub fn priority(self) -> u8 {
        (self.0 >> 13) as u8
    }
}

/// What parsing found at the link layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Destination MAC address; zero on media without.
    pub destination: [u8; 6],
    /// Source MAC address; zero on media without.
    pub source: [u8; 6],
    /// Outermost VLAN tag: the one out of band when there is one.
    pub vlan: Option<VlanTag>,
    /// Number of tags, in band and out of band.
    pub vlan_tags: u8,
    /// Type of the payload behind all tags and SNAP; `None` for LLC that carries no ethertype and for cut
    /// frames.
    pub ethertype: Option<u16>,
    /// Destination and source service access points of an 802.3 frame with LLC.
    pub llc: Option<(u8, u8)>,
}

/// How the IP datagram is fragmented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Identification field (16 bits in IPv4).
    pub identification: u32,
    /// Offset of this piece in bytes.
    pub offset: u32,
    /// More pieces follow.
    pub more: bool,
}

impl Fragment {
    /// True for the piece that holds the transport header.
    #[must_use]
    pub fn is_first(self) -> bool {
        self.offset == 0
    }
}

/// What parsing found at the network layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ip {
    /// 4 or 6.
    pub version: u8,
    /// Source address; IPv4 as IPv4-mapped IPv6.
    pub source: [u8; 16],
    /// Destination address, likewise.
    pub destination: [u8; 16],
    /// Protocol of the transport header, behind all extension headers that could be walked.
    pub protocol: u8,
    /// Present when the datagram is a fragment (an IPv6 atomic fragment is not).
    pub fragment: Option<Fragment>,
    /// IPv4 options or IPv6 extension headers stand before the transport header.
    pub options: bool,
}

/// What parsing found at the transport layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Not reached: not IP, a later fragment, malformed, or IPv6 without next header.
    None,
    /// TCP.
    Tcp {
        /// Source port.
        source: u16,
        /// Destination port.
        destination: u16,
        /// Flags.
        flags: TcpFlags,
        /// Sequence number.
        sequence: u32,
    },
    /// UDP.
    Udp {
        /// Source port.
        source: u16,
        /// Destination port.
        destination: u16,
    },
    /// UDP-Lite or SCTP or DCCP: a protocol whose header begins with ports.
    Ports {
        /// Source port.
        source: u16,
        /// Destination port.
        destination: u16,
    },
    /// ICMP or ICMPv6.
    Icmp {
        /// Message type.
        kind: u8,
        /// Message code.
        code: u8,
        /// For echo messages: request or reply, and the identifier.
        echo: Option<IcmpEcho>,
    },
    /// Any other protocol; [`Ip::protocol`] says which.
    Other,
}

/// An encapsulation whose payload is not looked into: the outer flow is what counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tunnel {
    /// GRE, with the ethertype of its payload.
    Gre(u16),
    /// VXLAN, with the network identifier.
    Vxlan(u32),
    /// Geneve, with the network identifier.
    Geneve(u32),
    /// IPv4 or IPv6 in IP.
    IpInIp,
}

/// Why parsing stopped before the transport header was read whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Malformed {
    /// The frame ends inside the link header.
    LinkTruncated,
    /// More VLAN tags than [`MAX_VLAN_TAGS`].
    TooManyVlanTags,
    /// The frame ends inside the IP header.
    IpTruncated,
    /// The version nibble is not what the ethertype says.
    IpVersion,
    /// IPv4 header length below 20.
    IpHeaderLength,
    /// The IP length field is below the header's length or beyond the frame.
    IpLength,
    /// The frame or the datagram ends inside an IPv6 extension header.
    ExtensionTruncated,
    /// More IPv6 extension headers than [`MAX_EXTENSIONS`].
    TooManyExtensions,
    /// A hop-by-hop header that is not the first one.
    ExtensionOrder,
    /// A fragment beyond 65535 bytes, or a middle piece whose length is no multiple of 8.
    FragmentBounds,
    /// The frame or the datagram ends inside the transport header.
    TransportTruncated,
    /// TCP data offset below 5 or beyond the segment, UDP length below 8 or beyond the datagram.
    TransportLength,
    /// A first fragment too short for its transport header.
    TinyFragment,
}

impl Malformed {
    /// All reasons, in the order of their numbers.
    pub const ALL: [Malformed; 13] = [
        Malformed::LinkTruncated,
        Malformed::TooManyVlanTags,
        Malformed::IpTruncated,
        Malformed::IpVersion,
        Malformed::IpHeaderLength,
        Malformed::IpLength,
        Malformed::ExtensionTruncated,
        Malformed::TooManyExtensions,
        Malformed::ExtensionOrder,
        Malformed::FragmentBounds,
        Malformed::TransportTruncated,
        Malformed::TransportLength,
        Malformed::TinyFragment,
    ];
}

/// VLAN tags that are walked before a frame counts as malformed.
pub const MAX_VLAN_TAGS: u8 = 8;
/// IPv6 extension headers that are walked before a datagram counts as malformed.
pub const MAX_EXTENSIONS: u8 = 16;

/// What is known about one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Bytes on the wire as capture tools count them: the frame, plus 4 for a VLAN tag carried out of band.
    pub bytes: u32,
    /// The link layer.
    pub link: Link,
    /// The network layer, for IPv4 and IPv6 whose fixed header could be read.
    pub ip: Option<Ip>,
    /// The transport layer.
    pub transport: Transport,
    /// Recognised encapsulation.
    pub tunnel: Option<Tunnel>,
    /// Offset of the IP header, when there is one.
    pub network: u32,
    /// Offset of the transport header, when it was reached.
    pub transport_at: u32,
    /// Offset of the first byte that was not parsed.
    pub payload: u32,
    /// Offset behind the last byte of the transport's payload, when its header was read whole: a frame may be longer.
    pub end: u32,
    /// What was wrong with it.
    pub malformed: Option<Malformed>,
}

impl Frame {
    /// Source and destination port as they enter the flow key; `None` when the transport header was not
    /// reached.
    ///
    /// ICMP echo gives its identifier for both; protocols without ports give zero.
    #[must_use]
    pub fn ports(&self) -> Option<(u16, u16)> {
        match self.transport {
            Transport::None => None,
            Transport::Tcp { source, destination, .. }
            | Transport::Udp { source, destination }
            | Transport::Ports { source, destination } => Some((source, destination)),
            Transport::Icmp { echo: Some(echo), .. } => Some((echo.identifier, echo.identifier)),
            Transport::Icmp { echo: None, .. } | Transport::Other => Some((0, 0)),
        }
    }
}

/// Parses one frame; `oob_vlan` is the tag that travels beside the frame (NDIS `Ieee8021QNetBufferListInfo`).
pub fn parse<S: Source + ?Sized>(medium: Medium, source: &S, oob_vlan: Option<VlanTag>) -> Frame {
    let length = u32::try_from(source.len()).unwrap_or(u32::MAX);
    let mut frame = Frame {
        bytes: length.saturating_add(if oob_vlan.is_some() { 4 } else { 0 }),
        link: Link {
            destination: [0; 6],
            source: [0; 6],
            vlan: oob_vlan,
            vlan_tags: u8::from(oob_vlan.is_some()),
            ethertype: None,
            llc: None,
        },
        ip: None,
        transport: Transport::None,
        tunnel: None,
        network: 0,
        transport_at: 0,
        payload: 0,
        end: 0,
        malformed: None,
    };
    let outcome = match medium {
        Medium::Ethernet => ethernet::parse(source, &mut frame),
        Medium::RawIp => ethernet::parse_raw_ip(source, &mut frame),
        Medium::Other => Ok(()),
    };
    frame.malformed = outcome.err();
    frame
}
