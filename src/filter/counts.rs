//! Frames per adapter, counted per processor.

use core::sync::atomic::{AtomicU64, Ordering};

use crossbeam_utils::CachePadded;
use kernel::pool::{PoolArray, Zeroable};
use weir_core::Direction;

use crate::tags;

/// Counters of one adapter.
#[derive(Debug)]
pub(super) struct Counts(PoolArray<Slot>);

/// Counters of one adapter on one processor.
#[derive(Debug)]
#[repr(transparent)]
struct Slot(CachePadded<Numbers>);

#[derive(Debug)]
struct Numbers {
    sent: AtomicU64,
    received: AtomicU64,
    blocked: AtomicU64,
    segments_sent: AtomicU64,
    segments_received: AtomicU64,
}

// SAFETY: atomics of zero bits are zero; padding has no invalid value.
unsafe impl Zeroable for Slot {}

/// What one chain adds.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Tally {
    frames: u32,
    segments: u32,
    blocked: u32,
}

impl Tally {
    /// Counts the frames of an NBL, the packets on the wire that they stand for, and how many frames are blocked.
    #[inline]
    pub(super) fn add(&mut self, frames: u32, segments: u32, blocked: u32) {
        self.frames = self.frames.wrapping_add(frames);
        self.segments = self.segments.wrapping_add(segments);
        self.blocked = self.blocked.wrapping_add(blocked);
    }
}

/// Sums over all processors.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Totals {
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) blocked: u64,
    pub(super) segments_sent: u64,
    pub(super) segments_received: u64,
}

impl Counts {
    pub(super) fn new(processors: u32) -> Option<Self> {
        PoolArray::zeroed(tags::MODULE, processors as usize).map(Self)
    }

    /// Adds a chain's frames.
    #[inline]
    pub(super) fn add(&self, processor: u32, direction: Direction, tally: Tally) {
        let slots = self.0.as_slice();
        // A processor that was added after attach shares the first slot: the counters are atomic.
        let Some(Slot(slot)) = slots.get(processor as usize).or(slots.first()) else { return };
        let (frames, segments) = match direction {
            Direction::Send => (&slot.sent, &slot.segments_sent),
            Direction::Receive => (&slot.received, &slot.segments_received),
        };
        frames.fetch_add(u64::from(tally.frames), Ordering::Relaxed);
        segments.fetch_add(u64::from(tally.segments), Ordering::Relaxed);
        if tally.blocked != 0 {
            slot.blocked.fetch_add(u64::from(tally.blocked), Ordering::Relaxed);
        }
    }

    pub(super) fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for Slot(slot) in self.0.as_slice() {
            totals.sent = totals.sent.wrapping_add(slot.sent.load(Ordering::Relaxed));
            totals.received = totals.received.wrapping_add(slot.received.load(Ordering::Relaxed));
            let segments = (&slot.segments_sent, &slot.segments_received);
            totals.segments_sent = totals.segments_sent.wrapping_add(segments.0.load(Ordering::Relaxed));
            totals.segments_received =
                totals.segments_received.wrapping_add(segments.1.load(Ordering::Relaxed));
            totals.blocked = totals.blocked.wrapping_add(slot.blocked.load(Ordering::Relaxed));
        }
        totals
    }
}
