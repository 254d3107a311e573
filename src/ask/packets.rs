//! Packets that wait for an answer, and their way on.

use core::sync::atomic::{AtomicU32, Ordering};

use kernel::irql::Passive;
use kernel::pool::PoolBox;
use kernel::status::Status;
use kernel::wfp::{Family, Injector, Packet, PacketPool};

use crate::tags;

/// Packets kept for one question.
pub(super) const MOST: u32 = 8;
/// Packets kept for all questions together.
const MOST_IN_ALL: u32 = 16_384;

/// A list of packets, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Packets {
    first: Option<Packet>,
    count: u32,
}

impl Packets {
    pub(super) const fn new() -> Self {
        Self { first: None, count: 0 }
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Appends a list.
    pub(super) fn append(&mut self, mut other: Packets) {
        self.count = self.count.saturating_add(other.count);
        let mut end = &mut self.first;
        while let Some(packet) = end {
            end = packet.following();
        }
        *end = other.first.take();
    }

    /// Takes the first.
    pub(super) fn pop(&mut self) -> Option<Packet> {
        let mut packet = self.first.take()?;
        self.first = packet.following().take();
        self.count = self.count.saturating_sub(1);
        Some(packet)
    }
}

impl From<Packet> for Packets {
    fn from(packet: Packet) -> Self {
        Self { first: Some(packet), count: 1 }
    }
}

/// Room for packets, all questions together.
#[derive(Debug)]
pub(super) struct Room(AtomicU32);

impl Room {
    pub(super) const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Takes room for a packet, if there is any left.
    pub(super) fn enter(&self) -> bool {
        let enters = self.0.fetch_add(1, Ordering::Relaxed) < MOST_IN_ALL;
        if !enters {
            self.leave(1);
        }
        enters
    }

    /// Gives room back.
    pub(super) fn leave(&self, packets: u32) {
        self.0.fetch_sub(packets, Ordering::Relaxed);
    }
}

/// What it takes to inject packets. Exists from the first agent until the driver is unloaded.
#[derive(Debug)]
pub(super) struct Kit {
    v4: Injector,
    v6: Injector,
    /// After the injectors: their packets come from it.
    pool: PacketPool,
}

impl Kit {
    #[inline(never)]
    pub(super) fn new(at: Passive<'_>) -> Result<PoolBox<Self>, Status> {
        let pool = PacketPool::new(tags::ASK, at)?;
        let (v4, v6) = (Injector::new(Family::V4, at)?, Injector::new(Family::V6, at)?);
        PoolBox::new(tags::ASK, Self { v4, v6, pool }).ok_or(Status::INSUFFICIENT_RESOURCES)
    }

    pub(super) fn injector(&self, family: Family) -> &Injector {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }

    /// Sends packets on their way; tells how many went.
    pub(super) fn inject(&self, family: Family, mut packets: Packets) -> u32 {
        let mut sent = 0_u32;
        while let Some(packet) = packets.pop() {
            if self.injector(family).inject(&self.pool, packet).is_ok() {
                sent = sent.saturating_add(1);
            }
        }
        sent
    }
}
