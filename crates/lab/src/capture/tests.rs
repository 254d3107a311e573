//! Captures in every byte order and resolution, made by hand, and what must come out of them.

use std::io::Cursor;
use std::net::Ipv4Addr;

use super::reader::Clock;
use super::*;

const FRAME: &[u8] = b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x88\xb5payload";

/// Writes integers in one byte order.
#[derive(Clone, Copy)]
struct Order {
    big: bool,
}

const ORDERS: [Order; 2] = [Order { big: false }, Order { big: true }];

impl Order {
    fn u16(self, value: u16) -> [u8; 2] {
        if self.big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn u32(self, value: u32) -> [u8; 4] {
        if self.big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn u64(self, value: u64) -> [u8; 8] {
        if self.big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn pcap(self, magic: u32, link_type: u32) -> Vec<u8> {
        let version = [self.u16(2), self.u16(4)].concat();
        let rest = [self.u32(0), self.u32(0), self.u32(65_535), self.u32(link_type)].concat();
        [self.u32(magic).to_vec(), version, rest].concat()
    }

    fn record(self, seconds: u32, fraction: u32, original_len: u32, data: &[u8]) -> Vec<u8> {
        let len = self.u32(data.len() as u32);
        [&self.u32(seconds), &self.u32(fraction), &len, &self.u32(original_len), data].concat()
    }

    fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let padding = vec![0; body.len().next_multiple_of(4) - body.len()];
        let total = self.u32((body.len() + padding.len() + 12) as u32);
        [&self.u32(kind), &total, body, &padding, &total].concat()
    }

    fn section(self) -> Vec<u8> {
        let body = [self.u32(0x1a2b_3c4d).as_slice(), &self.u16(1), &self.u16(0), &[0xff; 8]].concat();
        self.block(0x0a0d_0d0a, &body)
    }

    fn option(self, code: u16, value: &[u8]) -> Vec<u8> {
        let padding = vec![0; value.len().next_multiple_of(4) - value.len()];
        [&self.u16(code), &self.u16(value.len() as u16), value, &padding].concat()
    }

    fn interface(self, link_type: u16, snap_len: u32, options: &[Vec<u8>]) -> Vec<u8> {
        let fixed = [self.u16(link_type).as_slice(), &[0, 0], &self.u32(snap_len)].concat();
        self.block(1, &[fixed, options.concat()].concat())
    }

    fn enhanced(
        self,
        interface: u32,
        ticks: u64,
        original_len: u32,
        data: &[u8],
        options: &[Vec<u8>],
    ) -> Vec<u8> {
        let mut body = [self.u32(interface), self.u32((ticks >> 32) as u32), self.u32(ticks as u32)].concat();
        body.extend([self.u32(data.len() as u32), self.u32(original_len)].concat());
        body.extend(data);
        body.resize(body.len().next_multiple_of(4), 0);
        self.block(6, &[body, options.concat()].concat())
    }
}

fn read(bytes: &[u8]) -> Capture {
    Capture::collect(Reader::new(Cursor::new(bytes)).expect("a capture"), |_| {}).expect("frames")
}

fn refuse(bytes: &[u8]) -> Error {
    match Reader::new(Cursor::new(bytes)) {
        Err(error) => error,
        Ok(reader) => Capture::collect(reader, |_| {}).expect_err("a refusal"),
    }
}

#[test]
fn pcap_in_both_byte_orders_and_resolutions() {
    for order in ORDERS {
        for (magic, fraction) in [(0xa1b2_c3d4, 123_456), (0xa1b2_3c4d, 123_456_000)] {
            let record = order.record(1_700_000_000, fraction, 1500, FRAME);
            let capture = read(&[order.pcap(magic, 1), record.clone(), record].concat());
            assert!(capture.damage.is_none());
            assert_eq!(capture.format, Format::Pcap);
            assert_eq!(capture.frames.len(), 2);
            let frame = &capture.frames[1];
            assert_eq!(frame.timestamp, 1_700_000_000_123_456_000);
            assert_eq!((frame.original_len, frame.data.as_slice()), (1500, FRAME));
            assert_eq!(frame.link_type, LinkType::ETHERNET);
            assert!(frame.is_cut());
        }
    }
}

#[test]
fn pcap_link_type_leaves_out_the_check_sequence_bits() {
    let order = ORDERS[0];
    let file = [order.pcap(0xa1b2_c3d4, 0x4400_0001), order.record(1, 1, 21, FRAME)].concat();
    assert_eq!(read(&file).frames[0].link_type, LinkType::ETHERNET);
}

#[test]
fn modified_pcap_of_old_linux() {
    let order = ORDERS[0];
    let mut record = order.record(7, 8, 21, FRAME);
    record.splice(16..16, [0xee; 8]);
    let capture = read(&[order.pcap(0xa1b2_cd34, 1), record].concat());
    assert_eq!(capture.frames[0].data, FRAME);
    assert_eq!(capture.frames[0].timestamp, 7_000_008_000);
}

#[test]
fn pcapng_resolutions_and_offsets() {
    for order in ORDERS {
        let one_second = [
            (Some(0), 1),
            (Some(3), 1000),
            (None, 1_000_000),
            (Some(6), 1_000_000),
            (Some(9), NANOSECONDS),
            (Some(12), 1_000_000_000_000),
            (Some(0x80 | 10), 1 << 10),
            (Some(0x80 | 32), 1 << 32),
        ];
        for (resolution, ticks) in one_second {
            let mut options = vec![order.option(14, &order.u64(1_600_000_000))];
            options.extend(resolution.map(|resolution| order.option(9, &[resolution])));
            let interface = order.interface(1, 0, &options);
            let packet = order.enhanced(0, ticks * 5, 21, FRAME, &[]);
            let capture = read(&[order.section(), interface, packet].concat());
            assert_eq!(capture.frames[0].timestamp, 1_600_000_005 * NANOSECONDS, "{resolution:?}");
        }
    }
}

#[test]
fn absurd_clocks_saturate() {
    let nanoseconds = |resolution, offset| Clock { resolution, offset }.nanoseconds(u64::MAX);
    assert_eq!(nanoseconds(0, 0), u64::MAX);
    assert_eq!(nanoseconds(127, 0), 0);
    assert_eq!(nanoseconds(0xff, 0), 0);
    assert_eq!(nanoseconds(9, i64::MIN), 0);
    assert_eq!(nanoseconds(9, i64::MAX), u64::MAX);
}

#[test]
fn pcapng_packet_of_every_kind() {
    for order in ORDERS {
        let mut file = order.section();
        let addresses = order.option(4, &[192, 0, 2, 7, 255, 255, 255, 0]);
        let mac = order.option(6, &[2, 0, 0, 0, 0, 9]);
        let name = order.option(2, b"eth0");
        file.extend(order.interface(1, 16, &[name, addresses, mac]));
        file.extend(order.interface(101, 0, &[]));
        let flags = |direction| order.option(2, &order.u32(direction));
        file.extend(order.enhanced(1, 3_000_000, 9, b"ip packet", &[order.option(1, b"note"), flags(0x12)]));
        // Simple: no interface, no time, cut to the snap length.
        file.extend(
            order.block(3, &[&order.u32(40), FRAME.first_chunk::<16>().unwrap().as_slice()].concat()),
        );
        // Obsolete: 16-bit interface, drop count.
        let mut old = [order.u16(0), order.u16(99)].concat();
        old.extend([order.u32(0), order.u32(4_000_000), order.u32(21), order.u32(21)].concat());
        old.extend(FRAME);
        old.extend([0; 3]);
        file.extend(
            order.block(2, &[old, order.option(3, &[1; 9]), flags(1), order.option(0, &[])].concat()),
        );
        // Skipped: name resolution, statistics, custom, unknown.
        for kind in [4, 5, 0xbad, 0x8000_1234] {
            file.extend(order.block(kind, &[0; 12]));
        }
        let capture = read(&file);
        assert!(capture.damage.is_none(), "{:?}", capture.damage);
        assert_eq!(capture.interfaces[0].name.as_deref(), Some("eth0"));
        assert_eq!(capture.interfaces[0].mac, Some([2, 0, 0, 0, 0, 9]));
        assert_eq!(capture.interfaces[0].addresses, [IpAddr::from(Ipv4Addr::new(192, 0, 2, 7))]);
        let [enhanced, simple, old] = capture.frames.as_slice() else { panic!("{:?}", capture.frames) };
        assert_eq!((enhanced.interface, enhanced.data.as_slice()), (1, b"ip packet".as_slice()));
        assert_eq!(enhanced.direction, Some(Direction::Outbound));
        assert_eq!(enhanced.comment.as_deref(), Some("note"));
        assert!(!enhanced.is_cut());
        assert_eq!((simple.interface, simple.data.as_slice()), (0, &FRAME[..16]));
        assert_eq!((simple.timestamp, simple.original_len), (3_000_000_000, 40));
        assert_eq!((old.timestamp, old.direction), (4_000_000_000, Some(Direction::Inbound)));
        assert_eq!(old.data, FRAME);
    }
}

#[test]
fn sections_of_different_byte_order_keep_their_interfaces_apart() {
    let mut file = Vec::new();
    for (section, order) in [ORDERS[1], ORDERS[0], ORDERS[1]].into_iter().enumerate() {
        let name = format!("if{section}");
        file.extend(order.section());
        file.extend(order.interface(1, 0, &[order.option(2, name.as_bytes())]));
        file.extend(order.enhanced(0, section as u64, 21, FRAME, &[]));
    }
    let capture = read(&file);
    let of = |frame: &Frame| capture.interfaces[frame.interface as usize].name.clone().unwrap();
    assert_eq!(capture.frames.iter().map(of).collect::<Vec<_>>(), ["if0", "if1", "if2"]);
}

#[test]
fn a_file_cut_anywhere_keeps_its_whole_frames() {
    for order in ORDERS {
        let pcap = [order.pcap(0xa1b2_c3d4, 1), order.record(1, 1, 21, FRAME), order.record(2, 2, 21, FRAME)]
            .concat();
        let head = [order.section(), order.interface(1, 0, &[])].concat();
        let packet = order.enhanced(0, 1, 21, FRAME, &[]);
        let pcapng = [head.clone(), packet.clone(), packet.clone()].concat();
        for (file, first, len) in [(&pcap, 24, 37), (&pcapng, head.len(), packet.len())] {
            for cut in first..file.len() {
                let capture = read(&file[..cut]);
                assert_eq!(capture.frames.len(), (cut - first) / len, "cut at {cut}");
                let whole = (cut - first) % len == 0;
                match capture.damage {
                    None => assert!(whole, "cut at {cut} unnoticed"),
                    Some(Error::Truncated { offset, .. }) => {
                        assert_eq!(offset as usize, cut - (cut - first) % len);
                    }
                    other => panic!("cut at {cut}: {other:?}"),
                }
            }
            for cut in 4..first.min(24) {
                let error = refuse_or_empty(&file[..cut]);
                assert!(matches!(error, Some(Error::Truncated { .. })), "cut at {cut}: {error:?}");
            }
        }
    }
}

/// The error of a file too short for its header, whether it comes at opening or while reading.
fn refuse_or_empty(bytes: &[u8]) -> Option<Error> {
    match Reader::new(Cursor::new(bytes)) {
        Err(error) => Some(error),
        Ok(reader) => Capture::collect(reader, |_| {}).map_or_else(Some, |capture| capture.damage),
    }
}

#[test]
fn damage_is_told_by_block_and_byte() {
    let order = ORDERS[0];
    let head = [order.section(), order.interface(1, 0, &[])].concat();
    let good = order.enhanced(0, 1, 21, FRAME, &[]);
    let start = head.len() + good.len();
    let mut bad_tail = good.clone();
    *bad_tail.last_mut().unwrap() ^= 1;
    let mut overlong = good.clone();
    overlong[20..24].copy_from_slice(&order.u32(4000));
    let mut odd = good.clone();
    odd[4] += 1;
    let mut huge = good.clone();
    huge[4..8].copy_from_slice(&order.u32(0x7fff_fffc));
    let stranger = order.enhanced(5, 1, 21, FRAME, &[]);
    let old = order.block(2, &[0xff; 24]);
    for bad in [bad_tail, overlong, odd, huge, stranger, old] {
        let capture = read(&[head.clone(), good.clone(), bad, good.clone()].concat());
        assert_eq!(capture.frames.len(), 1);
        match capture.damage {
            Some(Error::Damaged { block: 4, offset, .. }) => assert_eq!(offset as usize, start),
            other => panic!("{other:?}"),
        }
    }
    let forged = order.record(1, 1, 21, FRAME);
    let forged = [&forged[..8], &order.u32(0xffff_ff00), &forged[12..]].concat();
    let capture = read(&[order.pcap(0xa1b2_c3d4, 1), forged].concat());
    assert!(matches!(capture.damage, Some(Error::Damaged { block: 2, offset: 24, .. })));
}

#[test]
fn no_capture_at_all() {
    assert!(matches!(refuse(b""), Error::Empty));
    assert!(matches!(refuse(b"[rule]\naction = 1\n"), Error::NotACapture("it is text")));
    assert!(matches!(refuse(&[0x1f, 0x8b, 8, 0]), Error::NotACapture(what) if what.contains("gzip")));
    assert!(matches!(refuse(&[0; 64]), Error::NotACapture(_)));
    let mut no_order = ORDERS[0].section();
    no_order[8] = 0;
    assert!(matches!(refuse(&no_order), Error::NotACapture(_)));
}

#[test]
fn unsupported_link_types_are_named() {
    let order = ORDERS[0];
    for (link_type, name) in [(113, "Linux cooked"), (105, "802.11"), (249, "USB"), (4242, "link type 4242")]
    {
        let file = [order.pcap(0xa1b2_c3d4, link_type), order.record(1, 1, 21, FRAME)].concat();
        let error = refuse(&file);
        assert!(error.to_string().contains(name), "{error}");
        assert!(error.hint().is_some());
    }
    // An interface nobody captured on does no harm.
    let head = [order.section(), order.interface(113, 0, &[]), order.interface(1, 0, &[])].concat();
    assert_eq!(read(&[head, order.enhanced(1, 1, 21, FRAME, &[])].concat()).frames.len(), 1);
    for link_type in [1, 12, 14, 101, 228, 229] {
        assert!(LinkType(link_type).is_supported());
    }
}

#[test]
fn arbitrary_bytes_never_panic() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for order in ORDERS {
        let head = [order.section(), order.interface(1, 0, &[order.option(9, &[9])])].concat();
        let packet = order.enhanced(0, 1, 21, FRAME, &[order.option(2, &order.u32(1))]);
        let pcapng =
            [head, packet.clone(), order.block(2, &[0; 40]), packet, order.block(3, &[0; 20])].concat();
        let pcap = [order.pcap(0xa1b2_c3d4, 1), order.record(1, 1, 21, FRAME)].concat();
        for file in [pcapng, pcap] {
            for _ in 0..20_000 {
                let mut bytes = file.clone();
                for _ in 0..1 + random() % 4 {
                    let at = random() as usize % bytes.len();
                    bytes[at] = random() as u8;
                }
                if let Ok(reader) = Reader::new(Cursor::new(&bytes)) {
                    assert!(reader.take(100).count() <= 100);
                }
            }
        }
    }
}

#[test]
fn recorded_captures_read_whole() {
    #[derive(serde::Deserialize)]
    struct Notes {
        frames: usize,
        bytes: u64,
    }
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data");
    let mut seen = 0;
    for entry in std::fs::read_dir(data).unwrap() {
        let path = entry.unwrap().path();
        if !matches!(path.extension().and_then(|extension| extension.to_str()), Some("pcap" | "pcapng")) {
            continue;
        }
        let capture = Capture::load(&path).unwrap();
        assert!(capture.damage.is_none(), "{path:?}: {:?}", capture.damage);
        let notes = std::fs::read_to_string(path.with_extension("toml")).unwrap();
        let notes = toml::from_str::<Notes>(&notes).unwrap();
        let bytes = capture.frames.iter().map(|frame| u64::from(frame.original_len)).sum::<u64>();
        assert_eq!((capture.frames.len(), bytes), (notes.frames, notes.bytes), "{path:?}");
        seen += 1;
    }
    assert!(seen > 10, "only {seen} captures");
}
