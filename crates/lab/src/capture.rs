//! Reads capture files (pcap and pcapng, as streams) into frames.
//!
//! Blocks are framed here, so that damage is told by block and byte, and decoded by `pcap-parser`.

mod reader;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::io::Read;
use std::net::IpAddr;
use std::path::Path;

pub use reader::Reader;

const NANOSECONDS: u64 = 1_000_000_000;

/// Which way a packet went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Received from the wire.
    Inbound,
    /// Sent to the wire.
    Outbound,
}

impl Direction {
    /// The direction that the two low bits of `epb_flags` tell, if they tell one.
    pub const fn from_flags(flags: u32) -> Option<Self> {
        match flags & 3 {
            1 => Some(Self::Inbound),
            2 => Some(Self::Outbound),
            _ => None,
        }
    }
}

/// What stands at the head of every packet of an interface (`LINKTYPE_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// Ethernet frames.
    pub const ETHERNET: Self = Self(1);
    /// Bare IP packets.
    pub const RAW: Self = Self(101);

    /// Bare IP packets, by any of the numbers in use: 12 and 14 are `DLT_RAW` of other systems.
    pub const fn is_raw_ip(self) -> bool {
        matches!(self.0, 12 | 14 | 101 | 228 | 229)
    }

    /// True for what the lab's adapters can carry.
    pub const fn is_supported(self) -> bool {
        self.0 == Self::ETHERNET.0 || self.is_raw_ip()
    }

    /// Its usual name, for types that are met now and then.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "BSD loopback",
            1 => "Ethernet",
            9 => "PPP",
            12 | 14 | 101 => "raw IP",
            104 => "Cisco HDLC",
            105 => "IEEE 802.11",
            108 => "OpenBSD loopback",
            113 => "Linux cooked capture v1",
            119 => "802.11 with Prism header",
            127 => "802.11 with radiotap header",
            147..=162 => "private use",
            187 | 201 => "Bluetooth HCI",
            189 | 220 | 249 => "USB",
            192 => "per-packet information",
            195 | 230 => "IEEE 802.15.4",
            227 => "SocketCAN",
            228 => "raw IPv4",
            229 => "raw IPv6",
            253 => "Netlink",
            276 => "Linux cooked capture v2",
            _ => return None,
        })
    }

    /// What to do about a capture of this type.
    fn hint(self) -> &'static str {
        match self.0 {
            113 | 276 => {
                "it was recorded on the pseudo-interface `any`; record on one interface: tcpdump -i eth0"
            }
            0 | 108 => "it was recorded on a loopback interface; record on an Ethernet or tunnel interface",
            105 | 119 | 127 | 192 => {
                "it was recorded in monitor mode; record on the interface in its normal mode"
            }
            _ => "the lab's adapters carry Ethernet (1) and raw IP (101, 228, 229, 12, 14)",
        }
    }
}

impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} (link type {})", self.0),
            None => write!(f, "link type {}", self.0),
        }
    }
}

/// Where frames were captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name on the capturing host, if the file has it.
    pub name: Option<String>,
    /// A longer name.
    pub description: Option<String>,
    /// What its frames begin with.
    pub link_type: LinkType,
    /// Most bytes kept of each frame; 0 = all.
    pub snap_len: u32,
    /// Its hardware address.
    pub mac: Option<[u8; 6]>,
    /// Its own addresses, if the file has them.
    pub addresses: Vec<IpAddr>,
}

impl Interface {
    /// An interface of which only the link type is known.
    pub const fn new(link_type: LinkType) -> Self {
        Self { name: None, description: None, link_type, snap_len: 0, mac: None, addresses: Vec::new() }
    }
}

/// One captured frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Which of [`Reader::interfaces`].
    pub interface: u32,
    /// That interface's link type.
    pub link_type: LinkType,
    /// Nanoseconds since 1970. A frame without a time (Simple Packet Block) has that of the frame before it.
    pub timestamp: u64,
    /// Length on the wire; more than `data` has if the capture cut frames short.
    pub original_len: u32,
    /// The captured bytes.
    pub data: Vec<u8>,
    /// Which way it went, if the file tells.
    pub direction: Option<Direction>,
    /// The comment kept with it.
    pub comment: Option<String>,
}

impl Frame {
    /// True if the capture kept only the frame's beginning.
    pub fn is_cut(&self) -> bool {
        usize::try_from(self.original_len).is_ok_and(|len| len > self.data.len())
    }
}

/// The kind of file being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The classic format of libpcap.
    Pcap,
    /// The block format of Wireshark and newer tcpdump.
    PcapNg,
}

/// Why a capture cannot be read, or not further.
#[derive(Debug)]
pub enum Error {
    /// The system refused.
    Io(io::Error),
    /// There is not a single byte.
    Empty,
    /// Neither pcap nor pcapng; the text says what it looks like.
    NotACapture(&'static str),
    /// The file ends within a block. What came before is good.
    Truncated {
        /// The block, counted from 1; in a pcap file the header is block 1.
        block: u64,
        /// Where the block starts.
        offset: u64,
        /// Bytes missing at the end.
        missing: u64,
    },
    /// A block contradicts itself. What came before is good.
    Damaged {
        /// The block, counted from 1.
        block: u64,
        /// Where the block starts.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// A frame of a kind that the lab's adapters cannot carry.
    UnsupportedLinkType {
        /// The kind.
        link_type: LinkType,
        /// The interface it came from.
        interface: u32,
    },
}

impl Error {
    /// True if the frames read before this error are good and the rest of the file is merely missing or damaged.
    pub const fn keeps_frames(&self) -> bool {
        matches!(self, Self::Truncated { .. } | Self::Damaged { .. })
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotACapture(_) => {
                Some("a capture is a .pcap or .pcapng file, as tcpdump -w or Wireshark write it")
            }
            Self::UnsupportedLinkType { link_type, .. } => Some(link_type.hint()),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Empty => f.write_str("the file is empty"),
            Self::NotACapture(looks) => write!(f, "not a capture file ({looks})"),
            Self::Truncated { block, offset, missing } => {
                let bytes = if *missing == 1 { "byte" } else { "bytes" };
                write!(f, "truncated in block {block} at byte {offset} ({missing} {bytes} missing)")
            }
            Self::Damaged { block, offset, what } => {
                write!(f, "damaged in block {block} at byte {offset}: {what}")
            }
            Self::UnsupportedLinkType { link_type, interface } => {
                write!(f, "interface {interface} has frames of an unsupported kind: {link_type}")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A capture read whole.
#[derive(Debug)]
pub struct Capture {
    /// Its format.
    pub format: Format,
    /// Its interfaces, over all sections.
    pub interfaces: Vec<Interface>,
    /// Its frames, in file order.
    pub frames: Vec<Frame>,
    /// Why the file could not be read to its end; the frames before are good.
    pub damage: Option<Error>,
}

impl Capture {
    /// Reads a file to its end, or as far as it is good.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Self::collect(Reader::open(path)?, |_| {})
    }

    /// Reads what a reader has; `progress` hears the position after every frame.
    pub fn collect<R: Read>(mut reader: Reader<R>, mut progress: impl FnMut(u64)) -> Result<Self, Error> {
        let mut frames = Vec::new();
        let damage = loop {
            match reader.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break None,
                Err(error) if error.keeps_frames() => break Some(error),
                Err(error) => return Err(error),
            }
            progress(reader.position());
        };
        Ok(Self { format: reader.format(), interfaces: reader.interfaces, frames, damage })
    }
}
