//! Which name an address was said to have last, and for how long.
//!
//! Fixed memory, sets of four, no lock: a writer takes an entry by making its version odd; whoever finds it odd goes on
//! without.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::store::Handle;
use crate::memory::Carver;
use crate::{Time, hash, zeroed_struct};

const WAYS: usize = 4;
/// A name counts at least this long, in seconds: a program may connect some time after it asked, whatever the server said.
const SHORTEST: u32 = 60;
/// And at most this long.
const LONGEST: u32 = 86_400;

zeroed_struct! {
    #[derive(Debug)]
    #[repr(C, align(64))]
    struct Entry {
        /// Odd while it is being written.
        version: AtomicU32,
        compartment: AtomicU32,
        address: [AtomicU64; 2],
        /// Zero for a free entry.
        name: AtomicU64,
        /// When it ends.
        expires: AtomicU64,
    }
}

/// An address as one compartment sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) compartment: u32,
    pub(super) address: [u8; 16],
}

/// The addresses.
#[derive(Debug)]
pub(super) struct Addresses {
    entries: &'static [Entry],
    seed: [u64; 2],
}

impl Addresses {
    pub(super) fn carve(carver: &mut Carver, capacity: u32, seed: [u64; 2]) -> Option<Self> {
        let capacity = usize::try_from(capacity.clamp(1, 1 << 20)).ok()?;
        let sets = capacity.div_ceil(WAYS).checked_next_power_of_two()?;
        Some(Self { entries: carver.slice(sets.checked_mul(WAYS)?)?, seed })
    }

    /// Notes the name of an address for `seconds`. Takes over the caller's count on `name`, and returns the handle that is
    /// to be released instead: that of the name which had to go, or `name` itself.
    pub(super) fn note(&self, now: Time, place: &Place, name: Handle, seconds: u32) -> Handle {
        let Some(set) = self.set(place) else { return name };
        // The entry of the address, else a free one, else the one that ends first.
        let score = |entry: &&Entry| {
            if entry.is(place) { 0 } else { entry.expires.load(Ordering::Relaxed).max(1) }
        };
        let Some(entry) = set.iter().min_by_key(score) else { return name };
        entry
            .change(|| {
                let [high, low] = words(&place.address);
                entry.compartment.store(place.compartment, Ordering::Relaxed);
                for (to, from) in entry.address.iter().zip([high, low]) {
                    to.store(from, Ordering::Relaxed);
                }
                let life = u64::from(seconds.clamp(SHORTEST, LONGEST)).wrapping_mul(Time::SECOND);
                entry.expires.store(now.0.saturating_add(life), Ordering::Relaxed);
                Handle(entry.name.swap(name.0, Ordering::Relaxed))
            })
            .unwrap_or(name)
    }

    /// The name of an address; it may have gone when the caller comes to count on it.
    pub(super) fn find(&self, now: Time, place: &Place) -> Handle {
        let Some(set) = self.set(place) else { return Handle::NONE };
        set.iter().find_map(|entry| entry.read(now, place)).unwrap_or_default()
    }

    /// Frees entries that have ended, among `count` from `from` on; shows the handles to release. Returns where to go on.
    pub(super) fn sweep(&self, now: Time, from: u32, count: u32, mut each: impl FnMut(Handle)) -> u32 {
        let start = from as usize;
        for entry in self.entries.iter().skip(start).take(count as usize) {
            if entry.expires.load(Ordering::Relaxed) > now.0 || entry.name.load(Ordering::Relaxed) == 0 {
                continue;
            }
            let gone = entry.change(|| {
                // It may have been written again meanwhile.
                let over = entry.expires.load(Ordering::Relaxed) <= now.0;
                if over { Handle(entry.name.swap(0, Ordering::Relaxed)) } else { Handle::NONE }
            });
            if let Some(gone) = gone.filter(|gone| gone.is_some()) {
                each(gone);
            }
        }
        let next = from.saturating_add(count);
        if (next as usize) < self.entries.len() { next } else { 0 }
    }

    fn set(&self, place: &Place) -> Option<&'static [Entry]> {
        let [high, low] = words(&place.address);
        let hash = hash::words(self.seed, [high, low, u64::from(place.compartment)]);
        let first = (hash as usize & (self.entries.len() / WAYS).wrapping_sub(1)).wrapping_mul(WAYS);
        self.entries.get(first..first.checked_add(WAYS)?)
    }
}

impl Entry {
    fn is(&self, place: &Place) -> bool {
        let [mine_high, mine_low] = &self.address;
        let mine = [mine_high.load(Ordering::Relaxed), mine_low.load(Ordering::Relaxed)];
        self.name.load(Ordering::Relaxed) != 0
            && self.compartment.load(Ordering::Relaxed) == place.compartment
            && mine == words(&place.address)
    }

    fn read(&self, now: Time, place: &Place) -> Option<Handle> {
        let before = self.version.load(Ordering::Acquire);
        if before & 1 != 0 || !self.is(place) || self.expires.load(Ordering::Relaxed) <= now.0 {
            return None;
        }
        let name = Handle(self.name.load(Ordering::Relaxed));
        core::sync::atomic::fence(Ordering::Acquire);
        (self.version.load(Ordering::Relaxed) == before).then_some(name)
    }

    /// Changes the entry unless somebody else does.
    fn change<R>(&self, change: impl FnOnce() -> R) -> Option<R> {
        let version = self.version.load(Ordering::Relaxed);
        let mine = version & 1 == 0
            && self
                .version
                .compare_exchange(version, version | 1, Ordering::Acquire, Ordering::Relaxed)
                .is_ok();
        if !mine {
            return None;
        }
        core::sync::atomic::fence(Ordering::Release);
        let result = change();
        self.version.store((version | 1).wrapping_add(1), Ordering::Release);
        Some(result)
    }
}

fn words(address: &[u8; 16]) -> [u64; 2] {
    let value = u128::from_be_bytes(*address);
    [(value >> 64) as u64, value as u64]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::testing::Block;

    const NOW: Time = Time(1_000 * Time::SECOND);

    fn later(seconds: u64) -> Time {
        Time(NOW.0 + seconds * Time::SECOND)
    }

    fn place(last: u8, compartment: u32) -> Place {
        let mut address = [0; 16];
        address[15] = last;
        Place { compartment, address }
    }

    #[test]
    fn an_address_has_the_name_that_was_said_last_for_as_long_as_it_was_said() {
        let block = Block::carve(|carver| Addresses::carve(carver, 64, [1, 2]));
        let addresses = block.value();
        assert_eq!(addresses.note(NOW, &place(1, 1), Handle(7), 100), Handle::NONE);
        assert_eq!(addresses.find(later(99), &place(1, 1)), Handle(7));
        assert_eq!(addresses.find(later(100), &place(1, 1)), Handle::NONE);
        assert_eq!(addresses.find(NOW, &place(1, 2)), Handle::NONE, "another compartment");
        assert_eq!(addresses.find(NOW, &place(2, 1)), Handle::NONE);
        assert_eq!(addresses.note(NOW, &place(1, 1), Handle(8), 0), Handle(7));
        assert_eq!(addresses.find(later(59), &place(1, 1)), Handle(8), "a minute at least");
        assert_eq!(addresses.find(later(60), &place(1, 1)), Handle::NONE);
        assert_eq!(addresses.note(NOW, &place(1, 1), Handle(8), u32::MAX), Handle(8));
        assert_eq!(addresses.find(later(86_400), &place(1, 1)), Handle::NONE, "a day at most");
    }

    #[test]
    fn a_full_set_loses_what_ends_first_and_a_sweep_gives_everything_back() {
        let block = Block::carve(|carver| Addresses::carve(carver, 4, [1, 2]));
        let addresses = block.value();
        for last in 0..4_u8 {
            let ttl = 1_000 - u32::from(last);
            assert_eq!(addresses.note(NOW, &place(last, 1), Handle(u64::from(last) + 1), ttl), Handle::NONE);
        }
        assert_eq!(addresses.note(NOW, &place(9, 1), Handle(10), 500), Handle(4));
        assert_eq!(addresses.find(NOW, &place(3, 1)), Handle::NONE);
        let mut gone = Vec::new();
        assert_eq!(addresses.sweep(later(999), 0, 4, |handle| gone.push(handle.0)), 0);
        gone.sort_unstable();
        assert_eq!(gone, [2, 3, 10]);
        assert_eq!(addresses.find(later(999), &place(0, 1)), Handle(1));
    }
}
