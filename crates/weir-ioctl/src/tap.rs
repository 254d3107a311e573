//! Copies of frames.
//!
//! A handle becomes the consumer of the tap with [`crate::Control::TAP_OPEN`] and stays it until it is closed, by its owner
//! or with the owner's process; there is one at a time. [`crate::Control::TAP_READ`] takes what is there and does not wait
//! for more. Frames never wait for a reader: a copy for which there is no room is lost, and counted.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::{Verdict, open_enum};

/// Request that makes a handle the consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct TapOpen {
    /// Most bytes of a frame that are copied, from [`TapOpen::LEAST_SNAP`] to [`TapOpen::WHOLE`].
    pub snap: u32,
    /// Bytes reserved for copies on each processor: a power of two from 128 KiB to 16 MiB, or 0 for [`TapOpen::RING`].
    pub ring: u32,
}

impl TapOpen {
    /// The least snap length: an Ethernet header.
    pub const LEAST_SNAP: u32 = 14;
    /// A snap length with which every frame is copied whole.
    pub const WHOLE: u32 = 65_600;
    /// What is reserved on each processor unless asked otherwise: 1 MiB.
    pub const RING: u32 = 0x10_0000;
}

/// Head of a reply to [`crate::Control::TAP_READ`]; as many [`TapRecord`]s follow as [`TapHead::count`] says.
///
/// The output must have room for the head and one record of the handle's snap length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct TapHead {
    /// Frames copied since the handle became the consumer, read or not.
    pub copied: u64,
    /// Frames since then for whose copy there was no room.
    pub lost: u64,
    /// Records that follow.
    pub count: u32,
    /// Zero.
    pub reserved: u32,
}

open_enum! {
    /// Which way a frame goes.
    TapDirection: u8 {
        /// From the stack to the wire.
        SENT = 1 => "sent",
        /// From the wire to the stack.
        RECEIVED = 2 => "received",
    }
}

open_enum! {
    /// What a frame begins with.
    TapMedium: u8 {
        /// Something that the driver does not parse.
        OTHER = 0 => "other",
        /// An Ethernet header.
        ETHERNET = 1 => "ethernet",
        /// An IP header; its first four bits are the version.
        RAW_IP = 2 => "raw IP",
    }
}

/// Bits of [`TapRecord::flags`].
pub struct TapFlags;

impl TapFlags {
    /// The adapter is to compute a checksum: the one in the frame is not valid.
    pub const CHECKSUM: u16 = 1;
    /// The adapter is to cut the frame into segments (LSO, USO).
    pub const LARGE: u16 = 1 << 1;
    /// The adapter has put the frame together (RSC, URO).
    pub const COALESCED: u16 = 1 << 2;
    /// The frame does not pass an adapter: it comes from the loopback layers of the filtering platform.
    pub const LOOPBACK: u16 = 1 << 3;
    /// The frame waits for a rate limit before it goes on.
    pub const DELAYED: u16 = 1 << 4;
    /// [`TapRecord::vlan`] is the tag that travels beside the frame.
    pub const VLAN: u16 = 1 << 15;
}

/// Copy of a frame as it came to the driver, before any mark; [`TapRecord::captured`] bytes follow, and zeroes up to
/// [`TapRecord::size`].
///
/// Records come in the order of their times, unless the system's clock was set back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct TapRecord {
    /// Bytes to the next record, a multiple of 8.
    pub size: u32,
    /// Bytes of the frame that follow: as many as the snap length and the frame's memory allow.
    pub captured: u32,
    /// Bytes of the frame.
    pub length: u32,
    /// Rule that decided: an index into the policy of `policy_generation`, or a value of [`crate::rule`].
    pub rule: u32,
    /// When it was copied, 100 ns units since 1601 (UTC).
    pub time: u64,
    /// LUID of the interface, 0 when unknown.
    pub interface_luid: u64,
    /// Id of its flow, 0 for a frame without one.
    pub flow: u64,
    /// Generation of the policy that decided.
    pub policy_generation: u32,
    /// Routing compartment, 0 when unknown.
    pub compartment: u32,
    /// Packets on the wire that it stands for.
    pub packets: u16,
    /// Bits of [`TapFlags`].
    pub flags: u16,
    /// 802.1Q tag control information beside the frame, see [`TapFlags::VLAN`].
    pub vlan: u16,
    /// Which way it goes.
    pub direction: TapDirection,
    /// What became of it.
    pub verdict: Verdict,
    /// What it begins with.
    pub medium: TapMedium,
    /// Zero.
    pub reserved: [u8; 7],
}

const _: () = assert!(size_of::<TapRecord>() == 64 && size_of::<TapHead>() == 24);

impl TapRecord {
    /// Bytes of the record of a frame of which `captured` bytes are copied.
    #[must_use]
    pub const fn size_of(captured: usize) -> usize {
        size_of::<Self>().saturating_add(captured).next_multiple_of(8)
    }
}
