//! The reading side: frames blocks, decodes them, scales clocks.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::io::BufReader;
use std::io::Read;
use std::net::IpAddr;
use std::path::Path;

use pcap_parser::Block;
use pcap_parser::OptionCode;
use pcap_parser::PcapHeader;
use pcap_parser::PcapNGOption;
use pcap_parser::traits::PcapNGPacketBlock;

use super::Direction;
use super::Error;
use super::Format;
use super::Frame;
use super::Interface;
use super::LinkType;
use super::NANOSECONDS;

/// No real block comes near; a larger length is damage, not a reason to allocate.
const MAX_BLOCK: u32 = 64 << 20;

/// How an interface counts time.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    /// `if_tsresol`: ticks per second are 10^n, or 2^n with the high bit set.
    pub(super) resolution: u8,
    /// `if_tsoffset`: seconds to add.
    pub(super) offset: i64,
}

impl Clock {
    pub(super) fn nanoseconds(self, ticks: u64) -> u64 {
        let (ticks, exponent) = (u128::from(ticks), u32::from(self.resolution & 0x7f));
        // Finer than a u128 can scale: less than a nanosecond even at u64::MAX ticks.
        let nanoseconds = if self.resolution & 0x80 == 0 {
            10u128.checked_pow(exponent).map_or(0, |per_second| ticks * u128::from(NANOSECONDS) / per_second)
        } else {
            (ticks * u128::from(NANOSECONDS)).checked_shr(exponent).unwrap_or(0)
        };
        let offset = i128::from(self.offset) * i128::from(NANOSECONDS);
        let sum = i128::try_from(nanoseconds).unwrap_or(i128::MAX).saturating_add(offset).max(0);
        u64::try_from(sum).unwrap_or(u64::MAX)
    }
}

enum State {
    Pcap { header: PcapHeader },
    PcapNg { big_endian: bool, section_start: usize },
}

/// Reads a capture frame by frame, with the memory of one block.
pub struct Reader<R> {
    input: R,
    state: State,
    pub(super) interfaces: Vec<Interface>,
    clocks: Vec<Clock>,
    block: Vec<u8>,
    /// Bytes that were read to recognise the format and belong to the first block.
    peeked: VecDeque<u8>,
    blocks: u64,
    offset: u64,
    last_timestamp: u64,
    ended: bool,
}

impl Reader<BufReader<File>> {
    /// Opens a capture file.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(Error::Io(io::ErrorKind::IsADirectory.into()));
        }
        Self::new(BufReader::with_capacity(256 << 10, file))
    }
}

impl<R: Read> Reader<R> {
    /// Recognises the format from the first bytes of `input`.
    pub fn new(mut input: R) -> Result<Self, Error> {
        let mut magic = [0; 24];
        let got = fill(&mut input, &mut magic)?;
        let (head, peeked) = (magic.get(..got).unwrap_or_default(), got);
        let state = match head {
            [] => return Err(Error::Empty),
            [0x0a, 0x0d, 0x0d, 0x0a, ..] => State::PcapNg { big_endian: false, section_start: 0 },
            [0xa1, 0xb2, 0xc3, 0xd4, ..]
            | [0xa1, 0xb2, 0x3c, 0x4d, ..]
            | [0xd4, 0xc3, 0xb2, 0xa1, ..]
            | [0x4d, 0x3c, 0xb2, 0xa1, ..]
            | [0x34, 0xcd, 0xb2, 0xa1, ..] => match pcap_parser::parse_pcap_header(head) {
                Ok((_, header)) => State::Pcap { header },
                Err(_) => {
                    return Err(Error::Truncated { block: 1, offset: 0, missing: (24 - peeked) as u64 });
                }
            },
            _ => return Err(Error::NotACapture(looks_like(head))),
        };
        let mut reader = Self {
            input,
            state,
            interfaces: Vec::new(),
            clocks: Vec::new(),
            block: Vec::new(),
            peeked: VecDeque::new(),
            blocks: 0,
            offset: 0,
            last_timestamp: 0,
            ended: false,
        };
        match &reader.state {
            State::Pcap { header } => {
                // The upper half of the field tells about a frame check sequence.
                let link_type = LinkType(header.network.0 as u16);
                reader.interfaces.push(Interface { snap_len: header.snaplen, ..Interface::new(link_type) });
                let resolution = if header.is_nanosecond_precision() { 9 } else { 6 };
                reader.clocks.push(Clock { resolution, offset: 0 });
                reader.blocks = 1;
                reader.offset = 24;
            }
            State::PcapNg { .. } => {
                reader.peeked.extend(head);
                // The section header is read here: a file that only looks like pcapng is refused at once.
                reader.read_ng_block()?;
                reader.ng_block()?;
            }
        }
        Ok(reader)
    }

    /// The file's format.
    pub const fn format(&self) -> Format {
        match self.state {
            State::Pcap { .. } => Format::Pcap,
            State::PcapNg { .. } => Format::PcapNg,
        }
    }

    /// The interfaces met so far, over all sections; grows while frames are read.
    pub fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    /// How many bytes of the file were read, for progress.
    pub const fn position(&self) -> u64 {
        self.offset
    }

    /// The next frame; `None` at the end of the file. After an error there is nothing more.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, Error> {
        if self.ended {
            return Ok(None);
        }
        let result = match &self.state {
            State::Pcap { .. } => self.next_pcap(),
            State::PcapNg { .. } => self.next_ng(),
        };
        self.ended = !matches!(result, Ok(Some(_)));
        let result = result?;
        if let Some(frame) = &result {
            self.last_timestamp = frame.timestamp;
            if !frame.link_type.is_supported() {
                self.ended = true;
                let (link_type, interface) = (frame.link_type, frame.interface);
                return Err(Error::UnsupportedLinkType { link_type, interface });
            }
        }
        Ok(result)
    }

    fn next_pcap(&mut self) -> Result<Option<Frame>, Error> {
        let State::Pcap { header } = &self.state else { return Ok(None) };
        let (big_endian, modified) = (header.is_bigendian(), header.is_modified_format());
        let head_len = if modified { 24 } else { 16 };
        if !self.start_block(head_len)? {
            return Ok(None);
        }
        let len = self.word(8, big_endian);
        if len > MAX_BLOCK {
            return Err(self.damaged(format!("a frame of {len} bytes")));
        }
        self.finish_block(head_len + len as usize)?;
        let parsed = match (modified, big_endian) {
            (true, _) => pcap_parser::parse_pcap_frame_modified(&self.block),
            (_, true) => pcap_parser::parse_pcap_frame_be(&self.block),
            (_, false) => pcap_parser::parse_pcap_frame(&self.block),
        };
        let Ok((_, record)) = parsed else { return Err(self.damaged("unreadable frame".into())) };
        let clock = self.clocks.first().copied().unwrap_or(Clock { resolution: 6, offset: 0 });
        let seconds = Clock { resolution: 0, offset: 0 }.nanoseconds(record.ts_sec.into());
        let frame = Frame {
            interface: 0,
            link_type: self.interfaces.first().map_or(LinkType::ETHERNET, |interface| interface.link_type),
            timestamp: seconds.saturating_add(clock.nanoseconds(record.ts_usec.into())),
            original_len: record.origlen,
            data: record.data.to_vec(),
            direction: None,
            comment: None,
        };
        self.end_block();
        Ok(Some(frame))
    }

    fn next_ng(&mut self) -> Result<Option<Frame>, Error> {
        while self.read_ng_block()? {
            if let Some(frame) = self.ng_block()? {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    /// Reads one block whole; false at the end of the file.
    fn read_ng_block(&mut self) -> Result<bool, Error> {
        if !self.start_block(12)? {
            return Ok(false);
        }
        if self.block.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
            // A section tells its byte order before its length can be read.
            let is_big = match self.block.get(8..12) {
                Some([0x1a, 0x2b, 0x3c, 0x4d]) => true,
                Some([0x4d, 0x3c, 0x2b, 0x1a]) => false,
                _ if self.blocks == 1 => {
                    return Err(Error::NotACapture("a pcapng header without a byte order mark"));
                }
                _ => return Err(self.damaged("a section header without a byte order mark".into())),
            };
            self.state = State::PcapNg { big_endian: is_big, section_start: self.interfaces.len() };
        }
        let len = self.word(4, self.is_big_endian());
        if !(12..=MAX_BLOCK).contains(&len) || !len.is_multiple_of(4) {
            return Err(self.damaged(format!("a block length of {len}")));
        }
        self.finish_block(len as usize)?;
        let tail = self.word(len as usize - 4, self.is_big_endian());
        if tail != len {
            return Err(self.damaged(format!("its length is {len} at the front and {tail} at the end")));
        }
        Ok(true)
    }

    /// Takes the block just read: notes an interface, or returns a frame.
    fn ng_block(&mut self) -> Result<Option<Frame>, Error> {
        let State::PcapNg { big_endian, section_start } = self.state else { return Ok(None) };
        let block = std::mem::take(&mut self.block);
        let parse = if big_endian { pcap_parser::parse_block_be } else { pcap_parser::parse_block_le };
        let taken = match parse(&block) {
            Ok((_, parsed)) => self.take(&parsed, big_endian, section_start),
            Err(_) => Err("its fields do not fit into its length".into()),
        };
        self.block = block;
        match taken {
            Ok(frame) => {
                self.end_block();
                Ok(frame)
            }
            Err(what) => Err(self.damaged(what)),
        }
    }

    fn take(
        &mut self,
        block: &Block<'_>,
        big_endian: bool,
        section_start: usize,
    ) -> Result<Option<Frame>, String> {
        match block {
            Block::SectionHeader(header) if header.major_version != 1 => {
                Err(format!("pcapng version {}.{} is not known", header.major_version, header.minor_version))
            }
            Block::InterfaceDescription(interface) => {
                let options = &interface.options;
                self.interfaces.push(Interface {
                    name: text(options, OptionCode::IfName),
                    description: text(options, OptionCode::IfDescription),
                    link_type: LinkType(interface.linktype.0 as u16),
                    snap_len: interface.snaplen,
                    mac: find(options, OptionCode::IfMacAddr).and_then(|mac| mac.try_into().ok()),
                    addresses: addresses(options),
                });
                let resolution = find(options, OptionCode::IfTsresol).and_then(|value| value.first());
                let offset = find(options, OptionCode::IfTsoffset).and_then(|value| value.try_into().ok());
                self.clocks.push(Clock {
                    resolution: resolution.copied().unwrap_or(6),
                    offset: offset
                        .map_or(0, if big_endian { i64::from_be_bytes } else { i64::from_le_bytes }),
                });
                Ok(None)
            }
            Block::EnhancedPacket(packet) => {
                let flags = find(&packet.options, OptionCode(2)).and_then(|flags| flags.try_into().ok());
                let flags = flags.map_or(0, if big_endian { u32::from_be_bytes } else { u32::from_le_bytes });
                let comment = text(&packet.options, OptionCode::Comment);
                let ticks = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                let index = section_start.saturating_add(packet.if_id as usize);
                self.frame(index, Some(ticks), packet.origlen, packet.packet_data(), flags, comment).map(Some)
            }
            Block::SimplePacket(packet) => {
                let snap_len = self.interfaces.get(section_start).map_or(0, |interface| interface.snap_len);
                let data = packet.packet_data();
                let kept = if snap_len == 0 { data } else { data.get(..snap_len as usize).unwrap_or(data) };
                self.frame(section_start, None, packet.origlen, kept, 0, None).map(Some)
            }
            // The obsolete Packet Block, which the library leaves to its users; it gives the type as if little-endian.
            Block::Unknown(unknown)
                if unknown.block_type == if big_endian { 2u32.swap_bytes() } else { 2 } =>
            {
                let word = |at: usize| u32_at(unknown.data, at, big_endian);
                let fields = (word(4), word(8), word(12), word(16), unknown.data.get(20..));
                let (Some(high), Some(low), Some(len), Some(original_len), Some(rest)) = fields else {
                    return Err("a packet block without its fields".into());
                };
                let Some(data) = rest.get(..len as usize) else {
                    return Err(format!("a packet of {len} bytes in a block that has {}", rest.len()));
                };
                let id = unknown.data.first_chunk().copied().unwrap_or_default();
                let id = if big_endian { u16::from_be_bytes(id) } else { u16::from_le_bytes(id) };
                let options = rest.get(data.len().next_multiple_of(4)..).unwrap_or_default();
                let flags = packet_block_flags(options, big_endian);
                let ticks = u64::from(high) << 32 | u64::from(low);
                let index = section_start.saturating_add(usize::from(id));
                self.frame(index, Some(ticks), original_len, data, flags, None).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn frame(
        &self,
        index: usize,
        ticks: Option<u64>,
        original_len: u32,
        data: &[u8],
        flags: u32,
        comment: Option<String>,
    ) -> Result<Frame, String> {
        let (Some(interface), Some(clock)) = (self.interfaces.get(index), self.clocks.get(index)) else {
            return Err("a packet of an interface that was never described".into());
        };
        Ok(Frame {
            interface: u32::try_from(index).unwrap_or(u32::MAX),
            link_type: interface.link_type,
            timestamp: ticks.map_or(self.last_timestamp, |ticks| clock.nanoseconds(ticks)),
            original_len,
            data: data.to_vec(),
            direction: Direction::from_flags(flags),
            comment,
        })
    }

    fn is_big_endian(&self) -> bool {
        matches!(self.state, State::PcapNg { big_endian: true, .. })
    }

    /// Reads the first `len` bytes of the next block; false if the file ends before it.
    fn start_block(&mut self, len: usize) -> Result<bool, Error> {
        self.block.clear();
        self.blocks += 1;
        let got = self.extend_block(len)?;
        if got == 0 {
            return Ok(false);
        }
        if got < len { Err(self.truncated(len - got)) } else { Ok(true) }
    }

    /// Reads the rest of a block of `len` bytes.
    fn finish_block(&mut self, len: usize) -> Result<(), Error> {
        let want = len.saturating_sub(self.block.len());
        let got = self.extend_block(want)?;
        if got < want { Err(self.truncated(want - got)) } else { Ok(()) }
    }

    /// Goes past the block just read.
    fn end_block(&mut self) {
        self.offset += self.block.len() as u64;
    }

    fn extend_block(&mut self, want: usize) -> io::Result<usize> {
        let peeked = want.min(self.peeked.len());
        self.block.extend(self.peeked.drain(..peeked));
        // `take` grows the buffer by what is really there: a forged length does not allocate.
        let read = self.input.by_ref().take((want - peeked) as u64).read_to_end(&mut self.block)?;
        Ok(peeked + read)
    }

    fn word(&self, at: usize, big_endian: bool) -> u32 {
        u32_at(&self.block, at, big_endian).unwrap_or(0)
    }

    fn truncated(&self, missing: usize) -> Error {
        Error::Truncated { block: self.blocks, offset: self.offset, missing: missing as u64 }
    }

    fn damaged(&self, what: String) -> Error {
        Error::Damaged { block: self.blocks, offset: self.offset, what }
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Frame, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_frame().transpose()
    }
}

/// Reads until `buffer` is full or the input ends.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while let Some(space) = buffer.get_mut(got..).filter(|space| !space.is_empty()) {
        match input.read(space) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

/// Names a common file type that is taken for a capture by mistake.
fn looks_like(head: &[u8]) -> &'static str {
    match head {
        [0x1f, 0x8b, ..] => "it is gzip data: unpack it first",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "it is Zstandard data: unpack it first",
        [0xfd, b'7', b'z', b'X', b'Z', ..] => "it is xz data: unpack it first",
        [b'P', b'K', 3, 4, ..] => "it is a zip archive",
        [b'M', b'Z', ..] => "it is a Windows program",
        [0x7f, b'E', b'L', b'F', ..] => "it is a Linux program",
        [b'G', b'M', b'B', b'U', ..] => "it is a Network Monitor capture: convert it with editcap",
        [b's', b'n', b'o', b'o', b'p', 0, ..] => "it is a snoop capture: convert it with editcap",
        _ if head.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~')) => "it is text",
        _ => "its first bytes are of no known capture format",
    }
}

fn u32_at(bytes: &[u8], at: usize, big_endian: bool) -> Option<u32> {
    let word = *bytes.get(at..)?.first_chunk()?;
    Some(if big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) })
}

/// The value of the first option with this code.
fn find<'a>(options: &'a [PcapNGOption<'_>], code: OptionCode) -> Option<&'a [u8]> {
    options.iter().take_while(|option| option.code.0 != 0).find(|option| option.code == code)?.as_bytes().ok()
}

fn text(options: &[PcapNGOption<'_>], code: OptionCode) -> Option<String> {
    find(options, code).map(|value| String::from_utf8_lossy(value).into_owned())
}

/// `if_IPv4addr` (address and mask) and `if_IPv6addr` (address and prefix length).
fn addresses(options: &[PcapNGOption<'_>]) -> Vec<IpAddr> {
    let address = |option: &PcapNGOption<'_>| match (option.code.0, option.as_bytes().ok()?) {
        (4, value) => value.first_chunk::<4>().map(|address| IpAddr::from(*address)),
        (5, value) => value.first_chunk::<16>().map(|address| IpAddr::from(*address)),
        _ => None,
    };
    options.iter().filter_map(address).collect()
}

/// `pack_flags` among the options of an obsolete Packet Block.
fn packet_block_flags(mut options: &[u8], big_endian: bool) -> u32 {
    let half =
        |bytes: [u8; 2]| if big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) };
    while let Some(([c0, c1, l0, l1], rest)) = options.split_first_chunk::<4>() {
        match (half([*c0, *c1]), half([*l0, *l1])) {
            (0, _) => break,
            (2, 4) => return u32_at(rest, 0, big_endian).unwrap_or(0),
            (_, len) => options = rest.get(usize::from(len).next_multiple_of(4)..).unwrap_or_default(),
        }
    }
    0
}
