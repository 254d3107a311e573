//! The consumer of the tap.

use lab::wdf::File;
use weir_ioctl::zerocopy::{FromBytes, IntoBytes};
use weir_ioctl::{Control, TapHead, TapOpen, TapRecord};

use super::ask;

/// The least that a ring may have.
pub const SMALLEST: u32 = 0x2_0000;
/// Room for many records, and for one of the largest.
pub const ROOM: usize = 0x4_0000;

/// A copy, and its bytes.
pub type Copied = (TapRecord, Vec<u8>);

/// Makes the handle the consumer.
#[track_caller]
pub fn open(file: &File, snap: u32, ring: u32) {
    ask(file, Control::TAP_OPEN, TapOpen { snap, ring }.as_bytes(), 0);
}

/// What fits into `room` bytes.
#[track_caller]
pub fn read(file: &File, room: usize) -> (TapHead, Vec<Copied>) {
    let output = ask(file, Control::TAP_READ, &[], room);
    let (head, mut rest) = TapHead::read_from_prefix(&output).expect("a head");
    let mut records = Vec::new();
    while !rest.is_empty() {
        let (record, bytes) = TapRecord::read_from_prefix(rest).expect("a record");
        let (captured, size) = (record.captured as usize, record.size as usize);
        assert_eq!(size, TapRecord::size_of(captured));
        assert!(bytes[captured..size - size_of::<TapRecord>()].iter().all(|byte| *byte == 0));
        records.push((record, bytes[..captured].to_vec()));
        rest = &rest[size..];
    }
    assert_eq!((records.len(), head.reserved), (head.count as usize, 0));
    (head, records)
}

/// Everything that is there, with the head of the last reply.
#[track_caller]
pub fn drain(file: &File) -> (TapHead, Vec<Copied>) {
    let mut all = Vec::new();
    loop {
        let (head, records) = read(file, ROOM);
        all.extend(records);
        if head.count == 0 {
            return (head, all);
        }
    }
}
