//! Writes pcapng blocks, little-endian, into any [`Sink`]: a fixed buffer in the driver, a stream in user mode.
//!
//! Format: IETF draft `draft-ietf-opsawg-pcapng`. Timestamps are nanoseconds since 1970 (`if_tsresol` 9). Every
//! length is known before the first byte is put, so a sink that is too small refuses a block whole.

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;

/// Type, total length, and total length again at the end.
const BLOCK_OVERHEAD: u32 = 12;
/// More than any link delivers; keeps every sum below `u32::MAX`.
const MAX_DATA: usize = 0x0fff_ffff;
const ZEROES: [u8; 4] = [0; 4];

/// Link type of Ethernet frames.
pub const LINKTYPE_ETHERNET: u16 = 1;
/// Link type of IP packets without a link header, version told by the first nibble.
pub const LINKTYPE_RAW: u16 = 101;

/// Where the bytes of a block go.
pub trait Sink {
    /// Why bytes were refused.
    type Error;

    /// A block of `len` bytes follows. A sink with bounded room refuses here, before any byte of the block.
    fn begin(&mut self, len: u32) -> Result<(), Self::Error>;

    /// The next bytes of the block.
    fn put(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;
}

/// A [`Sink`] over a caller's buffer.
#[derive(Debug)]
pub struct Buffer<'a> {
    rest: &'a mut [u8],
    written: usize,
}

/// The block does not fit into the [`Buffer`]; nothing of it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl<'a> Buffer<'a> {
    /// An empty buffer over `room`.
    pub fn new(room: &'a mut [u8]) -> Self {
        Self { rest: room, written: 0 }
    }

    /// Bytes written so far.
    pub fn written(&self) -> usize {
        self.written
    }
}

impl Sink for Buffer<'_> {
    type Error = Full;

    fn begin(&mut self, len: u32) -> Result<(), Full> {
        if usize::try_from(len).is_ok_and(|len| len <= self.rest.len()) { Ok(()) } else { Err(Full) }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        match core::mem::take(&mut self.rest).split_at_mut_checked(bytes.len()) {
            Some((head, tail)) => {
                for (to, from) in head.iter_mut().zip(bytes) {
                    *to = *from;
                }
                self.rest = tail;
                self.written = self.written.wrapping_add(bytes.len());
                Ok(())
            }
            None => Err(Full),
        }
    }
}

/// A [`Sink`] over a [`std::io::Write`].
#[cfg(feature = "std")]
#[derive(Debug)]
pub struct Stream<W>(
    /// The writer below.
    pub W,
);

#[cfg(feature = "std")]
impl<W: std::io::Write> Sink for Stream<W> {
    type Error = std::io::Error;

    fn begin(&mut self, _len: u32) -> std::io::Result<()> {
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write_all(bytes)
    }
}

/// Which way a packet went, as `epb_flags` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Received from the wire.
    Inbound,
    /// Sent to the wire.
    Outbound,
}

impl Direction {
    /// The two low bits of `epb_flags`.
    pub const fn flags(self) -> u32 {
        match self {
            Self::Inbound => 1,
            Self::Outbound => 2,
        }
    }
}

/// The Section Header Block: first in every file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Section<'a> {
    /// `shb_hardware`.
    pub hardware: Option<&'a str>,
    /// `shb_os`.
    pub os: Option<&'a str>,
    /// `shb_userappl`: the program that writes the file.
    pub application: Option<&'a str>,
}

/// An Interface Description Block; packets name interfaces by their order of appearance.
#[derive(Clone, Copy, Debug)]
pub struct Interface<'a> {
    /// The link type, e.g. [`LINKTYPE_ETHERNET`].
    pub link_type: u16,
    /// Most bytes captured of each packet; 0 = no limit.
    pub snap_len: u32,
    /// `if_name`.
    pub name: Option<&'a str>,
    /// `if_description`.
    pub description: Option<&'a str>,
    /// `if_MACaddr`.
    pub mac: Option<[u8; 6]>,
}

/// An Enhanced Packet Block.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Which interface, counted from 0 in the order the interfaces were written.
    pub interface: u32,
    /// Nanoseconds since 1970.
    pub timestamp: u64,
    /// Length on the wire.
    pub original_len: u32,
    /// The captured bytes.
    pub data: &'a [u8],
    /// `epb_flags`; absent when 0.
    pub flags: u32,
    /// Process and thread (`epb_processid_threadid`, option 8).
    pub process: Option<(u32, u32)>,
    /// `opt_comment`.
    pub comment: Option<&'a str>,
}

/// An Interface Statistics Block: what happened on an interface up to `timestamp`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Statistics {
    /// Which interface.
    pub interface: u32,
    /// Nanoseconds since 1970.
    pub timestamp: u64,
    /// `isb_ifrecv`: packets seen on the interface.
    pub received: Option<u64>,
    /// `isb_ifdrop`: packets the interface dropped.
    pub interface_dropped: Option<u64>,
    /// `isb_filteraccept`: packets that the filter accepted.
    pub accepted: Option<u64>,
    /// `isb_osdrop`: packets dropped for want of room.
    pub system_dropped: Option<u64>,
    /// `isb_usrdeliv`: packets delivered to the reader.
    pub delivered: Option<u64>,
}

impl Section<'_> {
    /// Writes the block.
    pub fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        let options = [(2, text(self.hardware)), (3, text(self.os)), (4, text(self.application))];
        block(sink, SECTION_HEADER, 16, &[], &options, |sink| {
            sink.put(&BYTE_ORDER_MAGIC.to_le_bytes())?;
            sink.put(&1u16.to_le_bytes())?;
            sink.put(&0u16.to_le_bytes())?;
            // Section length not told: the file ends where it ends.
            sink.put(&u64::MAX.to_le_bytes())
        })
    }
}

impl Interface<'_> {
    /// Writes the block.
    pub fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        let options = [
            (2, text(self.name)),
            (3, text(self.description)),
            (6, self.mac.as_ref().map(<[u8; 6]>::as_slice)),
            (9, Some([9].as_slice())),
        ];
        block(sink, INTERFACE_DESCRIPTION, 8, &[], &options, |sink| {
            sink.put(&self.link_type.to_le_bytes())?;
            sink.put(&0u16.to_le_bytes())?;
            sink.put(&self.snap_len.to_le_bytes())
        })
    }
}

impl Packet<'_> {
    /// Writes the block.
    pub fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        let flags = self.flags.to_le_bytes();
        let process = self.process.map(|(process, thread)| pair(process, thread));
        let options = [
            (1, text(self.comment)),
            (2, (self.flags != 0).then_some(flags.as_slice())),
            (8, process.as_ref().map(<[u8; 8]>::as_slice)),
        ];
        let data = self.data.get(..MAX_DATA).unwrap_or(self.data);
        block(sink, ENHANCED_PACKET, 20, data, &options, |sink| {
            sink.put(&self.interface.to_le_bytes())?;
            sink.put(&high_low(self.timestamp))?;
            sink.put(&size(data).to_le_bytes())?;
            sink.put(&self.original_len.to_le_bytes())
        })
    }
}

impl Statistics {
    /// Writes the block.
    pub fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        let [received, interface_dropped, accepted, system_dropped, delivered] =
            [self.received, self.interface_dropped, self.accepted, self.system_dropped, self.delivered]
                .map(|count| count.map(u64::to_le_bytes));
        let options = [
            (4, received.as_ref().map(<[u8; 8]>::as_slice)),
            (5, interface_dropped.as_ref().map(<[u8; 8]>::as_slice)),
            (6, accepted.as_ref().map(<[u8; 8]>::as_slice)),
            (7, system_dropped.as_ref().map(<[u8; 8]>::as_slice)),
            (8, delivered.as_ref().map(<[u8; 8]>::as_slice)),
        ];
        block(sink, INTERFACE_STATISTICS, 12, &[], &options, |sink| {
            sink.put(&self.interface.to_le_bytes())?;
            sink.put(&high_low(self.timestamp))
        })
    }
}

/// An option's code and value; without a value it is left out.
type Opt<'a> = (u16, Option<&'a [u8]>);

/// Frames a block: header, the fixed part that `fixed` puts (`fixed_len` bytes, a multiple of 4), padded data, options.
fn block<S: Sink>(
    sink: &mut S,
    kind: u32,
    fixed_len: u32,
    data: &[u8],
    options: &[Opt<'_>],
    fixed: impl FnOnce(&mut S) -> Result<(), S::Error>,
) -> Result<(), S::Error> {
    let total =
        BLOCK_OVERHEAD.wrapping_add(fixed_len).wrapping_add(padded(data)).wrapping_add(options_len(options));
    sink.begin(total)?;
    sink.put(&kind.to_le_bytes())?;
    sink.put(&total.to_le_bytes())?;
    fixed(sink)?;
    put_padded(sink, data)?;
    let mut any = false;
    for (code, value) in options {
        if let Some(value) = value {
            any = true;
            sink.put(&code.to_le_bytes())?;
            sink.put(&(size(value) as u16).to_le_bytes())?;
            put_padded(sink, value)?;
        }
    }
    if any {
        sink.put(&ZEROES)?;
    }
    sink.put(&total.to_le_bytes())
}

/// Bytes that the options take, with their end mark.
fn options_len(options: &[Opt<'_>]) -> u32 {
    let values = options.iter().filter_map(|(_, value)| *value);
    let sum = values.fold(0u32, |sum, value| sum.wrapping_add(4).wrapping_add(padded(value)));
    if sum == 0 { 0 } else { sum.wrapping_add(4) }
}

/// Length of `bytes`; callers hold it below [`MAX_DATA`].
fn size(bytes: &[u8]) -> u32 {
    bytes.len() as u32
}

/// Length of `bytes` with the padding to a multiple of four.
fn padded(bytes: &[u8]) -> u32 {
    size(bytes).wrapping_add(3) & !3
}

fn put_padded<S: Sink>(sink: &mut S, bytes: &[u8]) -> Result<(), S::Error> {
    sink.put(bytes)?;
    let padding = padded(bytes).wrapping_sub(size(bytes)) as usize;
    sink.put(ZEROES.get(..padding).unwrap_or_default())
}

/// A text as an option value: at most `u16::MAX` bytes, cut between characters.
fn text(value: Option<&str>) -> Option<&[u8]> {
    value.map(|value| {
        let mut end = value.len().min(usize::from(u16::MAX));
        while !value.is_char_boundary(end) {
            end = end.wrapping_sub(1);
        }
        value.as_bytes().get(..end).unwrap_or_default()
    })
}

/// A timestamp as the format has it: upper half first, each half in the section's byte order.
fn high_low(timestamp: u64) -> [u8; 8] {
    pair((timestamp >> 32) as u32, timestamp as u32)
}

fn pair(first: u32, second: u32) -> [u8; 8] {
    (u64::from(first) | (u64::from(second) << 32)).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(data: &[u8]) -> Packet<'_> {
        Packet {
            interface: 3,
            timestamp: 0x1122_3344_5566_7788,
            original_len: 1500,
            data,
            flags: Direction::Outbound.flags(),
            process: Some((4, 8)),
            comment: Some("hé"),
        }
    }

    #[test]
    fn packet_block_byte_for_byte() {
        let mut room = [0xaa; 128];
        let mut buffer = Buffer::new(&mut room);
        packet(b"abcde").write(&mut buffer).unwrap();
        let written = buffer.written();
        #[rustfmt::skip]
        let expected = [
            6, 0, 0, 0, 72, 0, 0, 0, // type, length
            3, 0, 0, 0, 0x44, 0x33, 0x22, 0x11, 0x88, 0x77, 0x66, 0x55, // interface, time
            5, 0, 0, 0, 0xdc, 5, 0, 0, b'a', b'b', b'c', b'd', b'e', 0, 0, 0, // lengths, data
            1, 0, 3, 0, b'h', 0xc3, 0xa9, 0, // comment
            2, 0, 4, 0, 2, 0, 0, 0, // flags
            8, 0, 8, 0, 4, 0, 0, 0, 8, 0, 0, 0, // process, thread
            0, 0, 0, 0, 72, 0, 0, 0, // end of options, length
        ];
        assert_eq!(room[..written], expected);
    }

    #[test]
    fn a_block_without_options_has_no_end_mark() {
        let mut room = [0; 64];
        let mut buffer = Buffer::new(&mut room);
        let packet = Packet { flags: 0, process: None, comment: None, ..packet(b"abcd") };
        packet.write(&mut buffer).unwrap();
        assert_eq!(buffer.written(), 36);
    }

    #[test]
    fn a_full_buffer_refuses_the_whole_block() {
        let mut room = [0xaa; 71];
        let mut buffer = Buffer::new(&mut room);
        assert_eq!(packet(b"abcde").write(&mut buffer), Err(Full));
        assert_eq!(buffer.written(), 0);
        assert_eq!(room, [0xaa; 71]);
    }

    #[test]
    fn every_block_is_aligned_and_ends_with_its_length() {
        let mut room = [0; 512];
        let mut buffer = Buffer::new(&mut room);
        Section { application: Some("weir"), ..Section::default() }.write(&mut buffer).unwrap();
        let interface = Interface {
            link_type: LINKTYPE_ETHERNET,
            snap_len: 0,
            name: Some("Ethernet 2"),
            description: None,
            mac: Some([2, 0, 0, 0, 0, 1]),
        };
        interface.write(&mut buffer).unwrap();
        for len in 0..9 {
            packet(&[7; 9][..len]).write(&mut buffer).unwrap();
            if buffer.rest.len() < 200 {
                break;
            }
        }
        Statistics { received: Some(9), delivered: Some(8), ..Statistics::default() }
            .write(&mut buffer)
            .unwrap();
        let written = buffer.written();
        let mut at = 0;
        let mut kinds = Vec::new();
        while at < written {
            let word = |at: usize| u32::from_le_bytes(room[at..at + 4].try_into().unwrap());
            let len = word(at + 4) as usize;
            assert_eq!(len % 4, 0);
            assert_eq!(word(at + len - 4) as usize, len);
            kinds.push(word(at));
            at += len;
        }
        assert_eq!(at, written);
        assert_eq!(kinds[..2], [SECTION_HEADER, INTERFACE_DESCRIPTION]);
        assert_eq!(kinds.last(), Some(&INTERFACE_STATISTICS));
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let long = "é".repeat(40_000);
        let cut = text(Some(&long)).unwrap();
        assert_eq!(cut.len(), 65_534);
        assert!(core::str::from_utf8(cut).is_ok());
    }
}
