//! Remembers which flow the first fragment of a datagram belongs to, so that the later ones, which have no
//! ports, find it.
//!
//! Fixed memory, one 64-byte line per set, one word per entry, no lock. An entry names a flow record by
//! number; whoever looks it up confirms that the record's addresses and protocol are the fragment's, so a
//! stale entry is harmless.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::memory::Carver;
use crate::{Time, hash, zeroed_struct};

const WAYS: usize = 8;
/// Time after which a receiver gives a datagram up (RFC 8200, 4.5), in seconds.
const LIFETIME: u32 = 60;

zeroed_struct! {
    #[derive(Debug)]
    #[repr(C, align(64))]
    struct Set {
        /// Tag in the high half, record number plus one in the low half.
        entries: [AtomicU64; WAYS],
        /// Second in which the entry was written.
        written: [AtomicU32; WAYS],
    }
}

/// What the fragments of one datagram share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Source address.
    pub source: [u8; 16],
    /// Destination address.
    pub destination: [u8; 16],
    /// Identification.
    pub identification: u32,
    /// IPv4: the protocol, which is part of the identity (RFC 791). IPv6: 0.
    pub protocol: u8,
    /// Routing compartment.
    pub compartment: u32,
}

/// The cache.
#[derive(Debug)]
pub struct Cache {
    sets: &'static [Set],
    seed: [u64; 2],
}

impl Cache {
    /// Takes the memory of a cache for `capacity` datagrams from `carver`.
    #[must_use]
    pub fn carve(carver: &mut Carver, capacity: u32, seed: [u64; 2]) -> Option<Self> {
        let capacity = usize::try_from(capacity.clamp(1, 1 << 24)).ok()?;
        let sets = capacity.div_ceil(WAYS).checked_next_power_of_two()?;
        Some(Self { sets: carver.slice(sets)?, seed })
    }

    /// Remembers the flow record of a datagram; the oldest entry of a full set goes.
    pub fn remember(&self, now: Time, datagram: &Datagram, record: u32) {
        let Some((set, tag)) = self.place(datagram) else { return };
        let second = seconds(now);
        let age = |written: &AtomicU32| second.wrapping_sub(written.load(Ordering::Relaxed));
        let mut victim = None;
        for (entry, written) in set.entries.iter().zip(&set.written) {
            let word = entry.load(Ordering::Relaxed);
            let score = if word == 0 { u32::MAX } else { age(written) };
            if word != 0 && word >> 32 == u64::from(tag) {
                victim = Some((u32::MAX, entry, written));
                break;
            }
            if victim.is_none_or(|(best, _, _)| score > best) {
                victim = Some((score, entry, written));
            }
        }
        if let Some((_, entry, written)) = victim {
            written.store(second, Ordering::Relaxed);
            entry.store(u64::from(tag) << 32 | u64::from(record.wrapping_add(1)), Ordering::Release);
        }
    }

    /// The number of the flow record of a datagram whose first fragment was seen lately.
    #[must_use]
    pub fn recall(&self, now: Time, datagram: &Datagram) -> Option<u32> {
        let (set, tag) = self.place(datagram)?;
        set.entries.iter().zip(&set.written).find_map(|(entry, written)| {
            let word = entry.load(Ordering::Acquire);
            let fresh = seconds(now).wrapping_sub(written.load(Ordering::Relaxed)) <= LIFETIME;
            (word >> 32 == u64::from(tag) && fresh).then_some(())?;
            (word as u32).checked_sub(1)
        })
    }

    fn place(&self, datagram: &Datagram) -> Option<(&'static Set, u32)> {
        let source = u128::from_be_bytes(datagram.source);
        let destination = u128::from_be_bytes(datagram.destination);
        let rest = u64::from(datagram.identification) << 32
            | u64::from(datagram.protocol)
            | u64::from(datagram.compartment) << 8;
        let words =
            [source as u64, (source >> 64) as u64, destination as u64, (destination >> 64) as u64, rest];
        let hash = hash::words(self.seed, words);
        let set = self.sets.get(hash as usize & self.sets.len().wrapping_sub(1))?;
        Some((set, (hash >> 32) as u32))
    }
}

fn seconds(now: Time) -> u32 {
    (now.0 / Time::SECOND) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::testing::Block;

    fn datagram(identification: u32) -> Datagram {
        Datagram { source: [1; 16], destination: [2; 16], identification, protocol: 17, compartment: 1 }
    }

    #[test]
    fn recalls_for_a_minute() {
        let block = Block::carve(|carver| Cache::carve(carver, 64, [3, 4]));
        let cache = block.value();
        let start = Time(5 * Time::SECOND);
        assert_eq!(cache.recall(start, &datagram(7)), None);
        cache.remember(start, &datagram(7), 0);
        assert_eq!(cache.recall(start, &datagram(7)), Some(0));
        assert_eq!(cache.recall(Time(65 * Time::SECOND), &datagram(7)), Some(0));
        assert_eq!(cache.recall(Time(66 * Time::SECOND), &datagram(7)), None);
        let other = Datagram { protocol: 6, ..datagram(7) };
        assert_eq!(cache.recall(start, &other), None);
    }

    #[test]
    fn a_flood_pushes_out_the_oldest_and_the_same_datagram_keeps_one_entry() {
        let block = Block::carve(|carver| Cache::carve(carver, 8, [3, 4]));
        let cache = block.value();
        for number in 0..9 {
            cache.remember(Time(u64::from(number) * Time::SECOND), &datagram(number), number);
        }
        let now = Time(9 * Time::SECOND);
        assert_eq!(cache.recall(now, &datagram(0)), None);
        assert!((1..9).all(|number| cache.recall(now, &datagram(number)) == Some(number)));
        cache.remember(now, &datagram(3), 42);
        assert_eq!(cache.recall(now, &datagram(3)), Some(42));
        assert!((4..9).all(|number| cache.recall(now, &datagram(number)) == Some(number)));
    }
}
