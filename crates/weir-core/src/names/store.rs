//! Names, each once, known by a handle that flow records and the address cache hold.
//!
//! Fixed memory, sets of eight, no lock. A name stays as long as somebody counts on it; its place is used again when a name
//! that nobody counts on must make room. A handle names place and occupant, so that one kept too long finds nothing
//! instead of another name.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::text::Name;
use crate::memory::Carver;
use crate::{hash, zeroed_struct};

const WAYS: usize = 8;
const WORDS: usize = 32;
/// Value of [`Entry::users`] while the name is being exchanged.
const CHANGING: u32 = u32::MAX;

const _: () = assert!(WORDS * 8 >= Name::MAX);

zeroed_struct! {
    #[derive(Debug)]
    #[repr(C, align(64))]
    struct Entry {
        /// How many count on the name, or [`CHANGING`].
        users: AtomicU32,
        /// Rises with every exchange; zero before the first.
        occupant: AtomicU32,
        hash: AtomicU32,
        length: AtomicU32,
        text: [AtomicU64; WORDS],
    }
}

/// A name by the number of its place (from 1, in the low half) and its occupant (high half); zero is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Handle(pub u64);

impl Handle {
    /// No name.
    pub const NONE: Handle = Handle(0);

    /// True when it stands for a name.
    #[must_use]
    pub fn is_some(self) -> bool {
        self.0 != 0
    }
}

/// The names.
#[derive(Debug)]
pub(super) struct Store {
    entries: &'static [Entry],
    seed: [u64; 2],
}

/// A name that stays as it is until this is dropped.
#[derive(Debug)]
pub struct Held<'s> {
    entry: &'s Entry,
}

impl Store {
    pub(super) fn carve(carver: &mut Carver, capacity: u32, seed: [u64; 2]) -> Option<Self> {
        let capacity = usize::try_from(capacity.clamp(1, 1 << 20)).ok()?;
        let sets = capacity.div_ceil(WAYS).checked_next_power_of_two()?;
        Some(Self { entries: carver.slice(sets.checked_mul(WAYS)?)?, seed })
    }

    /// The handle of a name, which the caller counts on until it gives the handle to [`Store::release`]; none when there
    /// is no room.
    ///
    /// Not inlined: it holds the name once more.
    #[inline(never)]
    pub(super) fn intern(&self, name: &Name) -> Handle {
        let words = packed(name);
        let hash = hash::words(self.seed, words.into_iter().chain([name.as_bytes().len() as u64]));
        let (first, tag) = (self.set(hash), (hash >> 32) as u32);
        let Some(set) = self.entries.get(first..first.saturating_add(WAYS)) else { return Handle::NONE };
        for (way, entry) in set.iter().enumerate() {
            if entry.hash.load(Ordering::Relaxed) == tag && entry.acquire() {
                let same = entry.length.load(Ordering::Relaxed) as usize == name.as_bytes().len()
                    && entry
                        .text
                        .iter()
                        .zip(words)
                        .all(|(mine, theirs)| mine.load(Ordering::Relaxed) == theirs);
                if same && entry.occupant.load(Ordering::Relaxed) != 0 {
                    return entry.handle(first + way);
                }
                entry.release();
            }
        }
        for (way, entry) in set.iter().enumerate() {
            if entry.users.compare_exchange(0, CHANGING, Ordering::Acquire, Ordering::Relaxed).is_err() {
                continue;
            }
            for (to, from) in entry.text.iter().zip(words) {
                to.store(from, Ordering::Relaxed);
            }
            entry.length.store(name.as_bytes().len() as u32, Ordering::Relaxed);
            entry.hash.store(tag, Ordering::Relaxed);
            let next = entry.occupant.load(Ordering::Relaxed).wrapping_add(1).max(1);
            entry.occupant.store(next, Ordering::Relaxed);
            entry.users.store(1, Ordering::Release);
            return entry.handle(first + way);
        }
        Handle::NONE
    }

    /// The name of a handle, unless it has gone.
    pub(super) fn hold(&self, handle: Handle) -> Option<Held<'_>> {
        let entry = self.entry(handle)?;
        if !entry.acquire() {
            return None;
        }
        let held = Held { entry };
        (entry.occupant.load(Ordering::Relaxed) == (handle.0 >> 32) as u32).then_some(held)
    }

    /// Counts on the name of a handle for somebody else, who will release it; false when it has gone.
    pub(super) fn share(&self, handle: Handle) -> bool {
        self.hold(handle).map(core::mem::forget).is_some()
    }

    /// Nobody counts on this handle any more who did before.
    pub(super) fn release(&self, handle: Handle) {
        if let Some(entry) = self.entry(handle) {
            entry.release();
        }
    }

    /// Shows names with their handles from place `cursor` until `each` says `false`; returns the place to go on from, 0 at
    /// the end.
    pub(super) fn list(&self, cursor: u64, each: &mut impl FnMut(Handle, &Held<'_>) -> bool) -> u64 {
        let start = usize::try_from(cursor).unwrap_or(usize::MAX);
        for (place, entry) in self.entries.iter().enumerate().skip(start) {
            // Names that nobody counts on only wait to be overwritten.
            if entry.users.load(Ordering::Relaxed) == 0 || !entry.acquire() {
                continue;
            }
            let held = Held { entry };
            if !each(entry.handle(place), &held) {
                return place as u64;
            }
        }
        0
    }

    fn set(&self, hash: u64) -> usize {
        (hash as usize & (self.entries.len() / WAYS).wrapping_sub(1)).wrapping_mul(WAYS)
    }

    fn entry(&self, handle: Handle) -> Option<&'static Entry> {
        self.entries.get((handle.0 as u32 as usize).checked_sub(1)?)
    }
}

impl Entry {
    fn acquire(&self) -> bool {
        let count = |users| if users >= CHANGING - 1 { None } else { Some(users + 1) };
        self.users.fetch_update(Ordering::Acquire, Ordering::Relaxed, count).is_ok()
    }

    fn release(&self) {
        let count = |users: u32| if users == CHANGING { None } else { users.checked_sub(1) };
        let _ = self.users.fetch_update(Ordering::Release, Ordering::Relaxed, count);
    }

    fn handle(&self, place: usize) -> Handle {
        Handle(u64::from(self.occupant.load(Ordering::Relaxed)) << 32 | (place as u64 + 1))
    }
}

impl Held<'_> {
    /// Characters in it.
    #[must_use]
    pub fn len(&self) -> usize {
        (self.entry.length.load(Ordering::Relaxed) as usize).min(Name::MAX)
    }

    /// True for no characters, which no name has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its characters, lower case.
    pub fn characters(&self) -> impl Iterator<Item = u8> + Clone {
        let words = self.entry.text.iter().flat_map(|word| word.load(Ordering::Relaxed).to_le_bytes());
        words.take(self.len())
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.entry.release();
    }
}

fn packed(name: &Name) -> [u64; WORDS] {
    let mut words = [0; WORDS];
    for (to, from) in words.iter_mut().zip(name.as_bytes().chunks(8)) {
        *to = from.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::testing::Block;

    fn name(text: &str) -> Name {
        Name::new(text.bytes()).unwrap()
    }

    fn text(store: &Store, handle: Handle) -> Option<String> {
        Some(store.hold(handle)?.characters().map(char::from).collect())
    }

    #[test]
    fn a_name_has_one_handle_as_long_as_somebody_counts_on_it() {
        let block = Block::carve(|carver| Store::carve(carver, 8, [1, 2]));
        let store = block.value();
        let first = store.intern(&name("www.example.com"));
        assert_eq!(store.intern(&name("WWW.example.com")), first);
        assert_eq!(text(store, first).as_deref(), Some("www.example.com"));
        store.release(first);
        // Counted on once more, so that seven others find room, and an eighth does not.
        let others: Vec<Handle> = (0..7).map(|n| store.intern(&name(&format!("h{n}.example")))).collect();
        assert!(others.iter().all(|handle| handle.is_some()));
        assert_eq!(store.intern(&name("h8.example")), Handle::NONE);
        store.release(first);
        // Nobody counts on it, but it is still there, and comes back under its handle.
        assert_eq!(text(store, first).as_deref(), Some("www.example.com"));
        let next = store.intern(&name("h8.example"));
        assert_eq!(next.0 as u32, first.0 as u32, "the place is used again");
        assert_eq!(text(store, first), None, "the old handle finds nothing");
        assert_eq!(text(store, next).as_deref(), Some("h8.example"));
        let mut listed = 0;
        assert_eq!(
            store.list(0, &mut |_, _| {
                listed += 1;
                true
            }),
            0
        );
        assert_eq!(listed, 8);
    }

    #[test]
    fn names_of_every_length_come_back() {
        let block = Block::carve(|carver| Store::carve(carver, 4_096, [1, 2]));
        let store = block.value();
        for length in 1..=Name::MAX {
            let text_in: String =
                (0..length).map(|at| if at % 60 == 59 && at + 1 != length { '.' } else { 'a' }).collect();
            let handle = store.intern(&name(&text_in));
            assert_eq!(text(store, handle).as_deref(), Some(text_in.as_str()));
        }
    }

    #[test]
    fn processors_never_see_half_a_name() {
        let block = Block::carve(|carver| Store::carve(carver, 8, [1, 2]));
        let store = block.value();
        std::thread::scope(|scope| {
            for thread in 0..4_u8 {
                scope.spawn(move || {
                    for round in 0..20_000_u32 {
                        let letter = char::from(b'a' + (round as u8 ^ thread) % 20);
                        let handle = store.intern(&name(&letter.to_string().repeat(40)));
                        if let Some(held) = store.hold(handle) {
                            assert!(held.characters().all(|character| character == letter as u8));
                            drop(held);
                            store.release(handle);
                        }
                    }
                });
            }
        });
        assert!(store.entries.iter().all(|entry| entry.users.load(Ordering::Relaxed) == 0));
    }
}
