//! The tap: copies of frames, handed to a consumer that may be slow, stuck or gone without a frame ever waiting for it.
//!
//! While a consumer is there, each processor has a ring of fixed size; a copy that finds no room is lost, and counted.
//! Memory is reserved when the consumer comes ([`Engine::open_tap`](crate::engine::Engine::open_tap)), never for a frame.
// UNSAFETY: publishes the rings as a raw pointer, because they are freed after every writer has left them.
#![expect(unsafe_code, reason = "a pointer whose life is bounded by epochs, not by a borrow")]

mod ring;

use core::alloc::Layout;
use core::ops::RangeInclusive;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicPtr, Ordering};

use crate::epoch::{Domain, Guard};
use crate::memory::Carver;
use crate::policy::Decider;
use crate::sync;
use crate::sync::AtomicU64;
use crate::wire::{Medium, Source, VlanTag};
use crate::{Action, Direction, Time};

use ring::{Read, Ring, Written};

/// What a consumer wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Most bytes of a frame that are copied, within [`Settings::SNAP`].
    pub snap: u32,
    /// Bytes of the ring of each processor: a power of two within [`Settings::RING`].
    pub ring: u32,
}

impl Settings {
    /// Snap lengths: from an Ethernet header on, to more than the largest frame.
    pub const SNAP: RangeInclusive<u32> = 14..=65_600;
    /// Sizes of a ring. The smallest has room for the largest record.
    pub const RING: RangeInclusive<u32> = 0x2_0000..=0x100_0000;

    /// True when both are within their bounds.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        Self::SNAP.contains(&self.snap) && Self::RING.contains(&self.ring) && self.ring.is_power_of_two()
    }

    /// The memory that the rings of `processors` need; `None` for settings that are not valid.
    #[must_use]
    pub fn layout(&self, processors: u32) -> Option<Layout> {
        let mut carver = Carver::measuring();
        let _ = carver.room::<Rings>()?;
        Rings::carve(&mut carver, self, processors)?;
        carver.layout()
    }
}

/// What is known about a frame beside its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Which way it goes.
    pub direction: Direction,
    /// What it begins with.
    pub medium: Medium,
    /// LUID of its interface, 0 when not known.
    pub luid: u64,
    /// Routing compartment, 0 when not known.
    pub compartment: u32,
    /// Id of its flow.
    pub flow: Option<u64>,
    /// What became of it.
    pub action: Action,
    /// Who decided.
    pub decider: Decider,
    /// Generation of the policy that decided, 0 without one.
    pub generation: u32,
    /// The VLAN tag that travels beside it.
    pub vlan: Option<VlanTag>,
    /// Packets on the wire that it stands for.
    pub packets: u16,
    /// Bits of [`flag`].
    pub flags: u16,
}

/// Bits of [`About::flags`].
pub mod flag {
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
}

/// A copy, as a consumer reads it.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    ring: Ring<'a>,
    /// When it was copied.
    pub time: Time,
    /// Bytes of the frame.
    pub length: u32,
    /// Bytes that were copied: as many as the snap length and the frame's memory allow.
    pub captured: u32,
    /// The rest.
    pub about: About,
}

/// Words of a record before the bytes of the frame.
const HEADER: u64 = 8;
/// Bytes that are copied at a time.
const PIECE: usize = 64;
/// Word without a VLAN tag beside the frame.
const NO_VLAN: u32 = 0xFFFF_FFFF;

/// The rings of all processors, in a block of memory that they lie at the beginning of.
#[derive(Debug)]
struct Rings {
    written: &'static [Written],
    read: &'static [Read],
    words: &'static [AtomicU64],
    /// Words of one ring.
    size: usize,
    snap: usize,
}

/// Where copies go, if anywhere.
#[derive(Debug)]
pub(crate) struct Tap {
    rings: AtomicPtr<Rings>,
}

/// The one who reads; frames are copied for it until [`Engine::close_tap`](crate::engine::Engine::close_tap).
#[derive(Debug)]
pub struct Consumer {
    rings: &'static Rings,
}

impl Tap {
    pub(crate) const fn new() -> Self {
        Self { rings: AtomicPtr::new(core::ptr::null_mut()) }
    }

    /// Builds rings in `memory` and lets frames in; `None` when there is a consumer already.
    ///
    /// # Safety
    /// `memory` is as large and aligned as [`Settings::layout`] says for the same arguments, all zero, used by nobody
    /// else, and lives until [`Tap::close`] has returned for the consumer.
    #[inline(never)]
    pub(crate) unsafe fn open(
        &self,
        memory: NonNull<u8>,
        settings: &Settings,
        processors: u32,
    ) -> Option<Consumer> {
        // SAFETY: the caller promises what `carving` asks for; `layout` measured the same sequence of calls.
        let mut carver = unsafe { Carver::carving(memory) };
        let room = carver.room::<Rings>()??;
        let rings = Rings::carve(&mut carver, settings, processors)?;
        // SAFETY: `room` is inside the block, aligned, and handed out once.
        unsafe { room.write(rings) };
        let none = core::ptr::null_mut();
        self.rings.compare_exchange(none, room.as_ptr(), Ordering::Release, Ordering::Relaxed).ok()?;
        // SAFETY: written above; the caller keeps the memory until the consumer is gone.
        Some(Consumer { rings: unsafe { room.as_ref() } })
    }

    /// Lets no frame in any more, and waits for those that are being copied.
    pub(crate) fn close(&self, domain: &Domain, consumer: Consumer, pause: impl FnMut()) {
        let Consumer { rings } = consumer;
        let ours = core::ptr::from_ref(rings).cast_mut();
        let none = core::ptr::null_mut();
        let closed = self.rings.compare_exchange(ours, none, Ordering::SeqCst, Ordering::Relaxed);
        debug_assert!(closed.is_ok());
        domain.synchronize(pause);
    }

    /// Copies a frame; says whether there was room for it. To be called at DISPATCH_LEVEL on `processor`.
    #[inline(never)]
    pub(crate) fn record<S: Source + ?Sized>(
        &self,
        _guard: &Guard<'_>,
        processor: u32,
        clock: impl FnOnce() -> Time,
        about: &About,
        frame: &S,
    ) -> bool {
        // SAFETY: rings that are found after the guard's section began stay until it ends: `close` waits for it.
        match unsafe { self.rings.load(Ordering::Acquire).as_ref() } {
            Some(rings) => rings.record(processor, clock, about, frame),
            None => false,
        }
    }
}

impl Rings {
    #[inline(never)]
    fn carve(carver: &mut Carver, settings: &Settings, processors: u32) -> Option<Self> {
        if !settings.is_valid() {
            return None;
        }
        let processors = processors.max(1) as usize;
        let size = settings.ring as usize / size_of::<u64>();
        Some(Self {
            written: carver.slice(processors)?,
            read: carver.slice(processors)?,
            words: carver.slice(processors.checked_mul(size)?)?,
            size,
            snap: settings.snap as usize,
        })
    }

    fn ring(&self, processor: usize) -> Option<Ring<'_>> {
        let start = processor.checked_mul(self.size)?;
        let words = self.words.get(start..start.checked_add(self.size)?)?;
        Some(Ring { written: self.written.get(processor)?, read: self.read.get(processor)?, words })
    }

    fn all(&self) -> impl Iterator<Item = Ring<'_>> {
        (0..self.written.len()).filter_map(|processor| self.ring(processor))
    }

    fn record<S: Source + ?Sized>(
        &self,
        processor: u32,
        clock: impl FnOnce() -> Time,
        about: &About,
        frame: &S,
    ) -> bool {
        // A processor that was added since shares the first ring.
        let Some(ring) = self.ring(processor as usize).or_else(|| self.ring(0)) else { return false };
        let most = frame.len().min(self.snap);
        let needed = HEADER.saturating_add((most as u64).div_ceil(8));
        let Some(writer) = ring.claim().filter(|writer| writer.free() >= needed) else {
            ring.lose();
            return false;
        };
        let time = writer.time(clock().0);
        let captured = copy(frame, most, |offset, word| writer.put(HEADER.saturating_add(offset), word));
        let size = HEADER.saturating_add((captured as u64).div_ceil(8)) as u32;
        for (offset, word) in (0..).zip(head(size, time, captured as u32, frame.len() as u32, about)) {
            writer.put(offset, word);
        }
        writer.publish(size, time);
        true
    }
}

impl Consumer {
    /// Shows copies, in the order of their times, until `each` says `false` for one, which stays. A copy that is not shown
    /// yet because an earlier one is still being written comes with the next call.
    ///
    /// Frames that come meanwhile are left to the next call, too: what is shown is bounded by the size of the rings.
    pub fn read(&mut self, clock: impl FnOnce() -> Time, mut each: impl FnMut(&Record<'_>) -> bool) {
        let bound = ring::survey(self.rings.all(), || clock().0);
        while let Some(ring) = ring::earliest(self.rings.all(), bound) {
            if !each(&Record::of(ring)) {
                return;
            }
            ring.consume();
        }
    }

    /// Frames copied, and frames lost, since the consumer came.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        self.rings.all().map(Ring::counts).fold((0_u64, 0_u64), |(copied, lost), (more_copied, more_lost)| {
            (copied.wrapping_add(more_copied), lost.wrapping_add(more_lost))
        })
    }
}

/// Copies up to `most` bytes of a frame to words; returns how many could be read.
fn copy<S: Source + ?Sized>(frame: &S, most: usize, put: impl Fn(u64, u64)) -> usize {
    let mut done = 0_usize;
    let mut word = 0_u64;
    let mut next = |bytes: [u8; 8]| {
        put(word, u64::from_le_bytes(bytes));
        word = word.wrapping_add(1);
    };
    while most.saturating_sub(done) >= PIECE {
        let Some(piece) = frame.read::<PIECE>(done) else { break };
        piece.as_chunks::<8>().0.iter().for_each(|bytes| next(*bytes));
        done = done.saturating_add(PIECE);
    }
    while done < most {
        let mut bytes = [0; 8];
        let mut count = 0;
        for byte in bytes.iter_mut().take(most.saturating_sub(done)) {
            let Some([value]) = frame.read::<1>(done.saturating_add(count)) else { break };
            *byte = value;
            count = count.saturating_add(1);
        }
        if count == 0 {
            break;
        }
        next(bytes);
        done = done.saturating_add(count);
        // The memory of the frame ends inside of this word.
        if count < bytes.len() {
            break;
        }
    }
    done
}

fn pair(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

fn halves(word: u64) -> (u32, u32) {
    (word as u32, (word >> 32) as u32)
}

/// Bits of the word that says what a frame is.
mod bit {
    pub(super) const RECEIVED: u32 = 1;
    pub(super) const BLOCKED: u32 = 1 << 1;
    pub(super) const FLOW: u32 = 1 << 2;
    /// Two bits.
    pub(super) const MEDIUM: u32 = 4;
    /// Two bits.
    pub(super) const DECIDER: u32 = 6;
}

/// The words before the bytes; [`Record::of`] reads them.
fn head(size: u32, time: u64, captured: u32, length: u32, about: &About) -> [u64; HEADER as usize] {
    let (decider, rule) = match about.decider {
        Decider::Nothing => (0, 0),
        Decider::Default => (1, 0),
        Decider::Failure => (2, 0),
        Decider::Rule(rule) => (3, rule),
    };
    let medium = match about.medium {
        Medium::Other => 0,
        Medium::Ethernet => 1,
        Medium::RawIp => 2,
    };
    let bits = [
        (about.direction == Direction::Receive, bit::RECEIVED),
        (about.action == Action::Block, bit::BLOCKED),
        (about.flow.is_some(), bit::FLOW),
    ];
    let bits = bits.iter().fold(0, |sum, (set, bit)| if *set { sum | bit } else { sum });
    [
        pair(size, captured),
        time,
        about.luid,
        about.flow.unwrap_or(0),
        pair(length, rule),
        pair(about.generation, about.compartment),
        pair(
            u32::from(about.flags) | u32::from(about.packets) << 16,
            bits | medium << bit::MEDIUM | decider << bit::DECIDER,
        ),
        pair(about.vlan.map_or(NO_VLAN, |tag| u32::from(tag.0)), 0),
    ]
}

impl<'a> Record<'a> {
    fn of(ring: Ring<'a>) -> Self {
        let (_, captured) = halves(ring.peek(0));
        let (length, rule) = halves(ring.peek(4));
        let (generation, compartment) = halves(ring.peek(5));
        let (numbers, bits) = halves(ring.peek(6));
        let (vlan, _) = halves(ring.peek(7));
        let about = About {
            direction: if bits & bit::RECEIVED == 0 { Direction::Send } else { Direction::Receive },
            medium: match bits >> bit::MEDIUM & 3 {
                1 => Medium::Ethernet,
                2 => Medium::RawIp,
                _ => Medium::Other,
            },
            luid: ring.peek(2),
            compartment,
            flow: (bits & bit::FLOW != 0).then(|| ring.peek(3)),
            action: if bits & bit::BLOCKED == 0 { Action::Permit } else { Action::Block },
            decider: match bits >> bit::DECIDER & 3 {
                0 => Decider::Nothing,
                1 => Decider::Default,
                2 => Decider::Failure,
                _ => Decider::Rule(rule),
            },
            generation,
            vlan: (vlan != NO_VLAN).then_some(VlanTag(vlan as u16)),
            packets: (numbers >> 16) as u16,
            flags: numbers as u16,
        };
        Self { ring, time: Time(ring.peek(1)), length, captured, about }
    }

    /// Writes the captured bytes to the beginning of `out`, as many as it has room for.
    pub fn copy_to(&self, out: &mut [u8]) {
        let room = out.len().min(self.captured as usize);
        let words = out.get_mut(..room).unwrap_or_default().chunks_mut(8);
        for (offset, to) in (HEADER..).zip(words) {
            to.iter_mut().zip(self.ring.peek(offset).to_le_bytes()).for_each(|(to, from)| *to = from);
        }
    }
}
