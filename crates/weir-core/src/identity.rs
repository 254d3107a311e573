//! Application images and users, each known by a small number that flow records hold.

use core::sync::atomic::{AtomicU16, AtomicU32, Ordering};

use crate::hash;
use crate::memory::Carver;
use crate::zeroed_struct;

/// Longest image path in UTF-16 units; longer ones stay unknown.
pub const MAX_IMAGE: usize = 512;

/// Arena units reserved per identity: most paths are shorter, few are longer.
const UNITS_PER_IDENTITY: usize = 96;
/// Slots looked at before the index counts as full.
const MAX_PROBES: usize = 64;
/// Marks a user in [`Entry::length`].
const USER: u32 = 1 << 31;

/// UTF-16 text that lies either in plain memory or in an intern table.
#[derive(Clone, Copy, Debug)]
pub enum Units<'a> {
    /// Plain memory.
    Plain(&'a [u16]),
    /// An intern table.
    Shared(&'a [AtomicU16]),
}

impl<'a> Units<'a> {
    /// The units in order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + Clone + use<'a> {
        let (plain, shared): (&[u16], &[AtomicU16]) = match *self {
            Units::Plain(plain) => (plain, &[]),
            Units::Shared(shared) => (&[], shared),
        };
        plain.iter().copied().chain(shared.iter().map(|unit| unit.load(Ordering::Relaxed)))
    }

    /// Number of units.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Units::Plain(plain) => plain.len(),
            Units::Shared(shared) => shared.len(),
        }
    }

    /// True when there is no unit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// ASCII letters to lower case. ALE delivers paths in lower case already; this only makes a comparison with
/// hand-written ASCII reliable.
#[must_use]
pub(crate) fn fold_case(unit: u16) -> u16 {
    if (0x41..=0x5a).contains(&unit) { unit | 0x20 } else { unit }
}

/// A security identifier in binary form.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sid {
    bytes: [u8; Sid::MAX],
    length: u8,
}

impl Sid {
    /// Longest SID: 15 sub-authorities.
    pub const MAX: usize = 68;

    /// Checks revision, sub-authority count and length.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let [1, count @ 0..=15, ..] = bytes else { return None };
        let length = 8 + 4 * usize::from(*count);
        if bytes.len() != length {
            return None;
        }
        Self::collect(bytes.iter().copied(), length)
    }

    fn collect(bytes: impl Iterator<Item = u8>, length: usize) -> Option<Self> {
        let mut sid = Self { bytes: [0; Self::MAX], length: u8::try_from(length).ok()? };
        for (to, from) in sid.bytes.get_mut(..length)?.iter_mut().zip(bytes) {
            *to = from;
        }
        Some(sid)
    }

    /// The null SID, S-1-0-0: nobody.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.as_bytes() == [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    }

    /// The binary SID.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or(&[])
    }
}

impl core::fmt::Debug for Sid {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Sid({:02x?})", self.as_bytes())
    }
}

/// An identity as listed.
#[derive(Clone, Copy, Debug)]
pub enum IdentityView<'a> {
    /// An application image: number and lower-case NT path.
    Image(u32, Units<'a>),
    /// A user or a package: number and SID.
    User(u32, Sid),
}

zeroed_struct! {
    #[derive(Debug)]
    struct Entry {
        hash: AtomicU32,
        offset: AtomicU32,
        /// Units, and [`USER`]; zero until the entry is published.
        length: AtomicU32,
    }
}

/// A table that only grows: an identity keeps its number until the engine goes.
#[derive(Debug)]
pub struct Table {
    entries: &'static [Entry],
    arena: &'static [AtomicU16],
    /// Open addressing: entry number plus one, 0 = free.
    index: &'static [AtomicU32],
    used_entries: AtomicU32,
    used_units: AtomicU32,
    seed: [u64; 2],
}

impl Table {
    /// Takes the memory of a table for `capacity` identities from `carver`.
    #[must_use]
    pub fn carve(carver: &mut Carver, capacity: u32, seed: [u64; 2]) -> Option<Self> {
        let capacity = usize::try_from(capacity.clamp(1, 1 << 20)).ok()?;
        Some(Self {
            entries: carver.slice(capacity)?,
            arena: carver.slice(capacity.checked_mul(UNITS_PER_IDENTITY)?.max(MAX_IMAGE))?,
            index: carver.slice(capacity.checked_mul(2)?.checked_next_power_of_two()?)?,
            used_entries: AtomicU32::new(0),
            used_units: AtomicU32::new(0),
            seed,
        })
    }

    /// The number of an image path, 0 when it is empty, too long, or the table is full.
    pub fn intern_image(&self, path: &[u16]) -> u32 {
        if path.is_empty() || path.len() > MAX_IMAGE {
            return 0;
        }
        self.intern(path.iter().map(|unit| fold_case(*unit)), path.len() as u32)
    }

    /// The number of a user, 0 when the table is full.
    pub fn intern_user(&self, sid: &Sid) -> u32 {
        let bytes = sid.as_bytes();
        let (pairs, _) = bytes.as_chunks::<2>();
        self.intern(pairs.iter().map(|pair| u16::from_le_bytes(*pair)), pairs.len() as u32 | USER)
    }

    /// The image path with this number.
    #[must_use]
    pub fn image(&self, id: u32) -> Option<Units<'_>> {
        let (units, length) = self.units(id)?;
        (length & USER == 0).then_some(Units::Shared(units))
    }

    /// The user with this number.
    #[must_use]
    pub fn user(&self, id: u32) -> Option<Sid> {
        let (units, length) = self.units(id)?;
        if length & USER == 0 {
            return None;
        }
        let bytes = units.iter().flat_map(|unit| unit.load(Ordering::Relaxed).to_le_bytes());
        Sid::collect(bytes, units.len().checked_mul(2)?)
    }

    /// Numbers given out.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.used_entries.load(Ordering::Relaxed)
    }

    /// True when no number was given out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Shows identities from `cursor` (0 = first) until `each` says `false`, which does not count as shown;
    /// returns the cursor to go on from, 0 at the end.
    pub fn list(&self, cursor: u64, each: &mut impl FnMut(&IdentityView<'_>) -> bool) -> u64 {
        let end = u64::from(self.len());
        let mut position = cursor;
        while position < end {
            let id = position as u32 + 1;
            let view = self
                .image(id)
                .map(|path| IdentityView::Image(id, path))
                .or(self.user(id).map(|sid| IdentityView::User(id, sid)));
            if view.is_some_and(|view| !each(&view)) {
                return position;
            }
            position += 1;
        }
        0
    }

    fn units(&self, id: u32) -> Option<(&[AtomicU16], u32)> {
        let entry = self.entries.get((id as usize).checked_sub(1)?)?;
        let length = entry.length.load(Ordering::Acquire);
        let start = entry.offset.load(Ordering::Relaxed) as usize;
        let units = self.arena.get(start..start.checked_add((length & !USER) as usize)?)?;
        (length != 0).then_some((units, length))
    }

    /// `length` is the number of units, with [`USER`] for users, so that a path never equals a SID.
    fn intern(&self, units: impl Iterator<Item = u16> + Clone, length: u32) -> u32 {
        let words = units.clone().map(u64::from).chain([u64::from(length)]);
        let hash = hash::words(self.seed, words) as u32;
        let mut fresh = None;
        let mask = self.index.len().wrapping_sub(1);
        for probe in 0..MAX_PROBES {
            let Some(slot) = self.index.get((hash as usize).wrapping_add(probe) & mask) else { return 0 };
            let mut id = slot.load(Ordering::Acquire);
            if id == 0 {
                let mine = match fresh.or_else(|| self.write(units.clone(), length, hash)) {
                    Some(mine) => *fresh.insert(mine),
                    None => return 0,
                };
                match slot.compare_exchange(0, mine, Ordering::AcqRel, Ordering::Acquire) {
                    Ok(_) => {
                        if let Some(entry) = self.entries.get((mine as usize).wrapping_sub(1)) {
                            entry.length.store(length, Ordering::Release);
                        }
                        return mine;
                    }
                    Err(other) => id = other,
                }
            }
            // When another processor wins with the same text, the entry written here stays unused: rare, and
            // bounded by the number of processors per identity.
            if self.equals(id, units.clone(), length, hash) {
                return id;
            }
        }
        0
    }

    fn equals(&self, id: u32, units: impl Iterator<Item = u16>, length: u32, hash: u32) -> bool {
        let Some(entry) = self.entries.get((id as usize).wrapping_sub(1)) else { return false };
        let start = entry.offset.load(Ordering::Relaxed) as usize;
        let end = start.saturating_add((length & !USER) as usize);
        let known = entry.length.load(Ordering::Acquire);
        // The winner stores the length just after it published the slot: until then the text alone must tell.
        entry.hash.load(Ordering::Relaxed) == hash
            && (known == length || known == 0)
            && self
                .arena
                .get(start..end)
                .is_some_and(|stored| stored.iter().map(|unit| unit.load(Ordering::Relaxed)).eq(units))
    }

    fn write(&self, units: impl Iterator<Item = u16>, length: u32, hash: u32) -> Option<u32> {
        let count = length & !USER;
        let start = reserve(&self.used_units, count, self.arena.len())?;
        let entry_number = reserve(&self.used_entries, 1, self.entries.len())?;
        let entry = self.entries.get(entry_number as usize)?;
        let room = self.arena.get(start as usize..)?;
        for (to, from) in room.iter().zip(units) {
            to.store(from, Ordering::Relaxed);
        }
        entry.hash.store(hash, Ordering::Relaxed);
        entry.offset.store(start, Ordering::Relaxed);
        Some(entry_number + 1)
    }
}

/// Takes `count` from a bump counter with a limit; returns where they begin.
fn reserve(used: &AtomicU32, count: u32, limit: usize) -> Option<u32> {
    used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
        used.checked_add(count).filter(|end| *end as usize <= limit)
    })
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::testing::Block;

    fn utf16(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    #[test]
    fn the_same_text_has_one_number_whatever_its_case() {
        let block = Block::carve(|carver| Table::carve(carver, 8, [1, 2]));
        let table = block.value();
        let id = table.intern_image(&utf16(r"\device\harddiskvolume3\curl.exe"));
        assert_eq!(id, table.intern_image(&utf16(r"\Device\HarddiskVolume3\CURL.exe")));
        assert_ne!(id, table.intern_image(&utf16(r"\device\harddiskvolume3\ping.exe")));
        let text: Vec<u16> = table.image(id).unwrap().iter().collect();
        assert_eq!(text, utf16(r"\device\harddiskvolume3\curl.exe"));
        assert!(table.user(id).is_none());
    }

    #[test]
    fn users_round_trip() {
        let block = Block::carve(|carver| Table::carve(carver, 8, [1, 2]));
        let table = block.value();
        let system = Sid::new(&[1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]).unwrap();
        let id = table.intern_user(&system);
        assert_eq!(table.user(id), Some(system));
        assert_eq!(table.intern_user(&system), id);
        assert!(table.image(id).is_none());
    }

    #[test]
    fn malformed_sids_are_refused() {
        assert!(Sid::new(&[]).is_none());
        assert!(Sid::new(&[1, 16, 0, 0, 0, 0, 0, 5]).is_none());
        assert!(Sid::new(&[2, 0, 0, 0, 0, 0, 0, 5]).is_none());
        assert!(Sid::new(&[1, 1, 0, 0, 0, 0, 0, 5]).is_none());
        assert!(Sid::new(&[1, 0, 0, 0, 0, 0, 0, 5]).is_some());
    }

    #[test]
    fn a_full_table_gives_zero_and_keeps_what_it_has() {
        let block = Block::carve(|carver| Table::carve(carver, 2, [1, 2]));
        let table = block.value();
        let first = table.intern_image(&utf16("a"));
        let second = table.intern_image(&utf16("b"));
        assert_eq!((first, second), (1, 2));
        assert_eq!(table.intern_image(&utf16("c")), 0);
        assert_eq!(table.intern_image(&utf16("a")), first);
        let mut seen = 0;
        assert_eq!(
            table.list(0, &mut |_| {
                seen += 1;
                true
            }),
            0
        );
        assert_eq!(seen, 2);
    }

    #[test]
    fn processors_agree_on_numbers() {
        let block = Block::carve(|carver| Table::carve(carver, 512, [1, 2]));
        let table = block.value();
        let names: Vec<Vec<u16>> = (0..100).map(|number| utf16(&format!("image-{number}.exe"))).collect();
        let ids: Vec<Vec<u32>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| names.iter().map(|name| table.intern_image(name)).collect::<Vec<_>>())
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(ids.iter().all(|list| *list == ids[0]));
        for (name, id) in names.iter().zip(&ids[0]) {
            assert_eq!(table.image(*id).unwrap().iter().collect::<Vec<_>>(), *name);
        }
    }
}
