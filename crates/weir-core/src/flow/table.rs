//! The flow table: fixed memory, no lock, readers never wait and never retry.
//!
//! This is where every flow can be found and where it is decided who made it. IPv4 flows have a place in the
//! [`super::line`]s besides, which are faster; what is said here holds for both.
//!
//! A bucket is one 64-byte line of eight words; a word holds a tag, the number of a record and the state of
//! the slot, and changes by one compare-exchange. A key has two candidate buckets, so a lookup reads one or
//! two lines and, but for one in four billion wrong tags, exactly one record. Lookups are independent of each
//! other until the record is read, which is what batching and prefetching need.
//!
//! Two processors may insert the same key at once. An inserter publishes its slot as tentative, looks for the
//! same key elsewhere, and only then makes it live; it steps back from a live one and knocks a tentative one
//! down to collided, which makes the other look again (Purcell and Harris, "Non-blocking hashtables with open
//! addressing", 2005). So a key is never live twice.
//!
//! A removed record is reused only after every reader that could hold it is gone ([`crate::epoch`]).

use core::sync::atomic::Ordering;

use crossbeam_utils::Backoff;

use super::key::{FlowKey, Side};
use super::line::{Aim, Blank, Found, Lane, Lines, Sight};
use super::record::Record;
use super::stack::Stack;
use super::waiting::Waiting;
use crate::epoch::{Domain, Guard, Ticket};
use crate::memory::Carver;
use crate::sync::{AtomicBool, AtomicU32, AtomicU64, Site, fence_at};
use crate::{Direction, Time, hash, zeroed_struct};

/// A model looks at fewer: every load is a place where processors may change.
const SLOTS: usize = if cfg!(loom) { 2 } else { 8 };
/// A first bucket with fewer free slots shares with the second: this keeps every insertion possible up to the
/// capacity.
const NEARLY_FULL: usize = 3;
/// Collisions between processors that insert the same key before one gives up.
const MAX_COLLISIONS: usize = 16;
/// Smaller tables do not bound the flows that nobody answered.
const NEWCOMERS_FROM: usize = 4_096;
/// Lines under way at once: processors have room for about as many, and a kernel stack for their keys.
const AHEAD: usize = 16;
/// Bits of a record's number.
const NUMBER_BITS: u32 = 28;

zeroed_struct! {
    #[derive(Debug)]
    #[repr(C, align(64))]
    struct Bucket {
        slots: [AtomicU64; SLOTS],
    }
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Bucket>() == 64);

/// A slot: tag in the high half, record number above two bits of state in the low half. Zero is free.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Slot(u64);

impl Slot {
    const FREE: u64 = 0;
    const TENTATIVE: u64 = 1;
    const COLLIDED: u64 = 2;
    const LIVE: u64 = 3;

    fn new(tag: u32, record: u32, state: u64) -> Self {
        Self(u64::from(tag) << 32 | u64::from(record) << 2 | state)
    }

    fn tag(self) -> u32 {
        (self.0 >> 32) as u32
    }

    fn record(self) -> u32 {
        self.0 as u32 >> 2
    }

    fn state(self) -> u64 {
        self.0 & 3
    }

    fn with(self, state: u64) -> Self {
        Self(self.0 & !3 | state)
    }
}

/// No room for another flow, or none right now: processors that insert the same flow at the same moment may both
/// give up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// How a new flow begins.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// When.
    pub now: Time,
    /// Who opened it.
    pub origin: Direction,
    /// Which side of the key is this machine.
    pub local: Side,
}

/// The flow table.
#[derive(Debug)]
pub struct Table {
    buckets: &'static [Bucket],
    lines: Lines,
    records: &'static [Record],
    seed: [u64; 2],
    /// Records that were never used begin here.
    fresh: AtomicU32,
    /// Records ready for reuse.
    free: Stack,
    /// Records taken out of the table whose readers may still be there.
    retired: Stack,
    /// Records that wait for `grace`; touched only by the holder of `reclaiming`.
    waiting: AtomicU32,
    grace: AtomicU64,
    reclaiming: AtomicBool,
    live: AtomicU32,
    /// Flows whose owner is known by a process id alone.
    unresolved: Waiting,
    next_id: AtomicU64,
    /// The latest flows for which nobody but their first sender spoke when they came: number of the record below
    /// the low bits of the flow's number. Used in turn.
    newcomers: &'static [AtomicU64],
    turn: AtomicU64,
}

/// Where a key belongs.
struct Place<'t> {
    tag: u32,
    buckets: [&'t Bucket; 2],
}

impl Table {
    /// Takes the memory of a table for `capacity` flows from `carver`. Half of the slots stay empty when it
    /// is full.
    #[must_use]
    pub fn carve(carver: &mut Carver, capacity: u32, seed: [u64; 2]) -> Option<Self> {
        let capacity = usize::try_from(capacity.clamp(1, 1 << NUMBER_BITS)).ok()?;
        let buckets = capacity.div_ceil(SLOTS / 2).checked_next_power_of_two()?;
        let [first, second] = seed;
        Some(Self {
            buckets: carver.slice(buckets)?,
            lines: Lines::carve(carver, capacity as u32, [second, first.rotate_left(23)])?,
            records: carver.slice(capacity)?,
            newcomers: carver.slice(if capacity < NEWCOMERS_FROM { 0 } else { capacity / 8 })?,
            turn: AtomicU64::new(0),
            seed,
            fresh: AtomicU32::new(0),
            free: Stack::new(),
            retired: Stack::new(),
            waiting: AtomicU32::new(0),
            grace: AtomicU64::new(0),
            reclaiming: AtomicBool::new(false),
            live: AtomicU32::new(0),
            unresolved: Waiting::new(),
            next_id: AtomicU64::new(0),
        })
    }

    /// Flows in the table.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.live.load(Ordering::Relaxed)
    }

    /// True when there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Flows it has room for.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        self.records.len() as u32
    }

    /// The record of a flow.
    #[must_use]
    pub fn find<'g>(&'g self, _guard: &'g Guard<'_>, key: &FlowKey) -> Option<&'g Record> {
        let words = key.words();
        self.find_at(&self.place(&words)?, &words)
    }

    /// The record of a flow, made when it is new; the flag says whether it is.
    pub fn get_or_insert<'g>(
        &'g self,
        _guard: &'g Guard<'_>,
        key: &FlowKey,
        opening: &Opening,
    ) -> Result<(&'g Record, bool), Full> {
        let words = key.words();
        let place = self.place(&words).ok_or(Full)?;
        if let Some(record) = self.find_at(&place, &words) {
            return Ok((record, false));
        }
        let number = self.allocate().ok_or(Full)?;
        let record = self.record(number).ok_or(Full)?;
        let id = self.next_id.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        record.reset(id, key, opening.now, opening.origin, opening.local);
        let spot = Lane::of(key).and_then(|lane| self.lines.claim(lane, number));
        record.set_spot(spot);
        match self.publish(&place, &words, number) {
            Ok(()) => {
                record.enter_table();
                if let Some(spot) = spot {
                    self.lines.publish(spot);
                }
                self.live.fetch_add(1, Ordering::Relaxed);
                Ok((record, true))
            }
            Err(other) => {
                // Others may have compared its key already.
                self.retired.push(self.records, number);
                other.map(|record| (record, false)).ok_or(Full)
            }
        }
    }

    /// Makes the flow of a frame, just inserted, a newcomer. While the table is more than three quarters full, there
    /// are an eighth of its capacity of those at most: the oldest one goes, if neither its other end nor ALE spoke
    /// for it meanwhile. So a flood of frames that nobody answers leaves the other flows alone. True when one went.
    pub fn admit(&self, guard: &Guard<'_>, record: &Record) -> bool {
        let number = self.number(record).map(u64::from);
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) as usize;
        let place = turn.checked_rem(self.newcomers.len()).and_then(|turn| self.newcomers.get(turn));
        let (Some(place), Some(number)) = (place, number) else { return false };
        let oldest = place.swap(record.id() << NUMBER_BITS | number, Ordering::Relaxed);
        if self.len() <= self.capacity() / 4 * 3 || oldest == 0 {
            return false;
        }
        let candidate = self.record(oldest as u32 & ((1 << NUMBER_BITS) - 1));
        candidate.is_some_and(|candidate| {
            candidate.id() << NUMBER_BITS == oldest >> NUMBER_BITS << NUMBER_BITS
                && candidate.is_in_table()
                && !candidate.is_settled()
                && self.remove(guard, candidate)
        })
    }

    /// Takes a record out of the table; false when somebody else did. Readers may go on using it until they
    /// leave.
    pub fn remove(&self, _guard: &Guard<'_>, record: &Record) -> bool {
        let words = record.key().words();
        let Some(place) = self.place(&words) else { return false };
        for slot in place.slots() {
            let seen = Slot(slot.load(Ordering::SeqCst));
            let same = self.record(seen.record()).is_some_and(|candidate| core::ptr::eq(candidate, record));
            if seen.state() == Slot::LIVE && seen.tag() == place.tag && same {
                record.leave_table();
                if let Some(spot) = record.spot() {
                    self.lines.retire(spot);
                }
                let removed = slot.compare_exchange(seen.0, Slot::FREE, Ordering::SeqCst, Ordering::Relaxed);
                if removed.is_ok() {
                    self.live.fetch_sub(1, Ordering::Relaxed);
                    self.retired.push(self.records, seen.record());
                }
                return removed.is_ok();
            }
        }
        false
    }

    /// Shows up to `limit` places of the table from `cursor` (0 = first) to `each`, which says `false` to
    /// stop before that flow; returns the cursor to go on from, 0 at the end.
    pub fn for_each_from<'g>(
        &'g self,
        _guard: &'g Guard<'_>,
        cursor: u64,
        limit: usize,
        each: &mut impl FnMut(&'g Record) -> bool,
    ) -> u64 {
        let start = usize::try_from(cursor).unwrap_or(usize::MAX);
        let used = self.fresh.load(Ordering::Relaxed) as usize;
        let Some(records) = self.records.get(start..used.min(self.records.len())) else { return 0 };
        for (position, record) in records.iter().enumerate() {
            if position == limit || (record.is_in_table() && !each(record)) {
                return cursor.saturating_add(position as u64);
            }
        }
        0
    }

    /// Puts a record on the list of those whose owner is to be looked up; true when the list was empty.
    pub(crate) fn list_unresolved(&self, record: &Record) -> bool {
        self.number(record).is_some_and(|number| self.unresolved.add(self.records, number))
    }

    /// Empties that list and shows what was in it.
    pub(crate) fn take_unresolved(&self, each: impl FnMut(&Record)) {
        self.unresolved.take(self.records, each);
    }

    /// Where to look for the flow of a frame; asks for the cache line that is likely to have it. Call it for a row
    /// of frames before [`Table::look`] for the first of them.
    #[inline]
    #[must_use]
    pub fn aim(&self, lane: Lane) -> Aim {
        self.lines.aim(lane)
    }

    /// What the first cache line knows about a flow. [`Sight::None`] says nothing: ask [`Table::find`].
    #[inline]
    #[must_use]
    pub fn look(&self, _guard: &Guard<'_>, aim: &Aim) -> Sight {
        self.lines.find(aim)
    }

    /// What the second one knows, after [`Sight::Second`]. Call it when the others of a row were looked at.
    #[inline]
    #[must_use]
    pub fn look_again(&self, _guard: &Guard<'_>, aim: &Aim) -> Option<Found> {
        self.lines.find_second(aim)
    }

    /// Looks for the flows of several frames; while one is looked at, the lines of the next 16 are under way. The
    /// second line of those that have left their first one is looked at later, so `each` gets positions out of order.
    #[inline]
    pub fn look_batch(&self, guard: &Guard<'_>, lanes: &[Lane], mut each: impl FnMut(usize, Option<Found>)) {
        let mut aims = [Aim::default(); AHEAD];
        let (mut later, mut waiting) = ([0_usize; AHEAD], 0_usize);
        for (aim, lane) in aims.iter_mut().zip(lanes) {
            *aim = self.aim(*lane);
        }
        for position in 0..lanes.len() {
            let Some(aim) = aims.get_mut(position % AHEAD) else { return };
            let sight = self.look(guard, aim);
            if let Some(next) = position.checked_add(AHEAD).and_then(|next| lanes.get(next)) {
                *aim = self.aim(*next);
            }
            match sight {
                Sight::Found(found) => each(position, Some(found)),
                Sight::None => each(position, None),
                Sight::Second => {
                    if let Some(place) = later.get_mut(waiting) {
                        *place = position;
                        waiting = waiting.wrapping_add(1);
                    }
                }
            }
            if waiting == AHEAD || position.wrapping_add(1) == lanes.len() {
                for position in later.iter().take(waiting) {
                    let aim = lanes.get(*position).map(|lane| self.lines.place(*lane));
                    each(*position, aim.and_then(|aim| self.look_again(guard, &aim)));
                }
                waiting = 0;
            }
        }
    }

    /// Notes that a flow was seen; true when nobody did since [`Table::take_touch`].
    #[inline]
    pub fn touch(&self, found: &Found) -> bool {
        self.lines.touch(found.place)
    }

    /// Whether frames of the flow were seen by [`Table::look`] alone since this was asked before.
    pub fn take_touch(&self, record: &Record) -> bool {
        record.spot().is_some_and(|spot| self.lines.take_touch(spot))
    }

    /// The record of what [`Table::look`] found.
    #[inline]
    pub fn record_of(&self, found: &Found) -> Option<&Record> {
        self.record(found.number)
    }

    /// To be taken before the facts are read that a verdict depends on, for [`Table::remember`].
    pub fn blank(&self, record: &Record) -> Option<Blank> {
        self.lines.blank(record.spot()?)
    }

    /// Keeps a verdict for [`Table::look`], unless the record changed since `blank` was taken.
    pub fn remember(&self, blank: Blank, verdict: u32) {
        self.lines.remember(blank, verdict);
    }

    /// To be called when a record changed: the verdict that [`Table::look`] finds does not hold any more.
    pub fn forget(&self, record: &Record) {
        if let Some(spot) = record.spot() {
            self.lines.forget(spot);
        }
    }

    /// Forgets all verdicts that `stale` says yes to. Walks through all lines.
    pub(crate) fn forget_verdicts(&self, stale: impl Fn(u32) -> bool) {
        self.lines.forget_all(stale);
    }

    /// Number of a record, for caches outside of the table.
    #[must_use]
    pub fn number(&self, record: &Record) -> Option<u32> {
        let offset = (core::ptr::from_ref(record) as usize).checked_sub(self.records.as_ptr() as usize)?;
        u32::try_from(offset / size_of::<Record>()).ok()
    }

    /// The live record with this number.
    #[must_use]
    pub(crate) fn at<'g>(&'g self, _guard: &'g Guard<'_>, number: u32) -> Option<&'g Record> {
        self.record(number).filter(|record| record.is_in_table())
    }

    /// Makes removed records usable again as far as their readers have left. Never waits; call it now and
    /// then. Looks at `most` records, and shows those to `each`.
    pub fn reclaim(&self, domain: &Domain, most: usize, mut each: impl FnMut(&Record)) {
        if self.reclaiming.swap(true, Ordering::Acquire) {
            return;
        }
        domain.try_advance();
        let mut waiting = self.waiting.load(Ordering::Relaxed);
        if waiting != 0 && domain.elapsed(Ticket::from_raw(self.grace.load(Ordering::Relaxed))) {
            // Bounded also without `most`: a list holds each record at most once.
            for _ in 0..most {
                let next = waiting.checked_sub(1).and_then(|number| Some((number, self.record(number)?)));
                let Some((number, record)) = next else { break };
                waiting = record.next.load(Ordering::Relaxed);
                each(record);
                if let Some(spot) = record.spot() {
                    record.set_spot(None);
                    self.lines.free(spot);
                }
                self.free.push(self.records, number);
            }
        }
        if waiting == 0 {
            waiting = self.retired.take_all();
            self.grace.store(domain.now().into_raw(), Ordering::Relaxed);
        }
        self.waiting.store(waiting, Ordering::Relaxed);
        self.reclaiming.store(false, Ordering::Release);
    }

    fn record(&self, number: u32) -> Option<&'static Record> {
        self.records.get(number as usize)
    }

    fn place(&self, words: &[u64; FlowKey::WORDS]) -> Option<Place<'static>> {
        let hash = hash::words(self.seed, *words);
        let mask = self.buckets.len().wrapping_sub(1);
        let tag = (hash >> 32) as u32;
        let first = hash as usize & mask;
        // Away from the first bucket by an odd multiple of the tag, so the second is another bucket for most
        // tags.
        let second = (first ^ (tag | 1).wrapping_mul(0x5bd1_e995) as usize) & mask;
        Some(Place { tag, buckets: [self.buckets.get(first)?, self.buckets.get(second)?] })
    }

    fn find_at(&self, place: &Place<'_>, words: &[u64; FlowKey::WORDS]) -> Option<&'static Record> {
        // Bucket by bucket: a plain loop over one line, which the compiler unrolls.
        place.buckets.iter().find_map(|bucket| {
            bucket.slots.iter().find_map(|slot| {
                let slot = Slot(slot.load(Ordering::Acquire));
                if slot.tag() != place.tag || slot.state() != Slot::LIVE {
                    return None;
                }
                self.record(slot.record()).filter(|record| record.has_key(words))
            })
        })
    }

    fn allocate(&self) -> Option<u32> {
        self.free.pop(self.records).or_else(|| {
            let capacity = self.capacity();
            self.fresh
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                    (used < capacity).then_some(used.wrapping_add(1))
                })
                .ok()
        })
    }

    /// Puts record `number` into the table, or returns the live one that was first (`None`: no room).
    fn publish(
        &self,
        place: &Place<'_>,
        words: &[u64; FlowKey::WORDS],
        number: u32,
    ) -> Result<(), Option<&'static Record>> {
        let tentative = Slot::new(place.tag, number, Slot::TENTATIVE);
        let mine = place.by_room().find(|slot| {
            slot.load(Ordering::Relaxed) == Slot::FREE
                && slot.compare_exchange(Slot::FREE, tentative.0, Ordering::SeqCst, Ordering::Relaxed).is_ok()
        });
        let Some(mine) = mine else { return Err(None) };
        let backoff = Backoff::new();
        for _ in 0..MAX_COLLISIONS {
            // Whoever publishes second sees the first one.
            fence_at(Site::Twin, Ordering::SeqCst);
            match self.contend(place, words, mine) {
                Contention::Won => {
                    let live = tentative.with(Slot::LIVE).0;
                    if mine.compare_exchange(tentative.0, live, Ordering::SeqCst, Ordering::Relaxed).is_ok() {
                        return Ok(());
                    }
                }
                Contention::Lost(other) => {
                    mine.store(Slot::FREE, Ordering::SeqCst);
                    return Err(Some(other));
                }
                Contention::Unsettled => {}
            }
            // Knocked down, perhaps: only the owner leaves the collided state, after a pause that gets longer and
            // is not as long for everybody, so that one of them comes through.
            for _ in 0..=number % 4 {
                backoff.spin();
            }
            mine.store(tentative.0, Ordering::SeqCst);
        }
        mine.store(Slot::FREE, Ordering::SeqCst);
        Err(self.find_at(place, words))
    }

    /// Knocks down every other tentative slot with the same key, and looks for a live one.
    fn contend(&self, place: &Place<'_>, words: &[u64; FlowKey::WORDS], mine: &AtomicU64) -> Contention {
        for slot in place.slots().filter(|slot| !core::ptr::eq(*slot, mine)) {
            let seen = Slot(slot.load(Ordering::SeqCst));
            if seen.0 == Slot::FREE || seen.tag() != place.tag || seen.state() == Slot::COLLIDED {
                continue;
            }
            let Some(record) = self.record(seen.record()).filter(|record| record.has_key(words)) else {
                continue;
            };
            if seen.state() == Slot::LIVE {
                return Contention::Lost(record);
            }
            let collided = seen.with(Slot::COLLIDED).0;
            if slot.compare_exchange(seen.0, collided, Ordering::SeqCst, Ordering::Relaxed).is_err() {
                return Contention::Unsettled;
            }
        }
        Contention::Won
    }
}

/// What an inserter found beside its own tentative slot.
enum Contention {
    /// No other slot can become live before this one does.
    Won,
    /// The key is live already.
    Lost(&'static Record),
    /// A slot changed meanwhile: look again.
    Unsettled,
}

impl<'t> Place<'t> {
    /// The slots in the order in which to look for a free one: the first bucket, which lookups read first,
    /// unless it is nearly full and the second has more room.
    fn by_room(&self) -> impl Iterator<Item = &'t AtomicU64> + use<'t> {
        let room = |bucket: &Bucket| {
            bucket.slots.iter().filter(|slot| slot.load(Ordering::Relaxed) == Slot::FREE).count()
        };
        let [first, second] = self.buckets;
        let left = room(first);
        let order = if left < NEARLY_FULL && room(second) > left { [second, first] } else { [first, second] };
        Place { tag: self.tag, buckets: order }.slots()
    }

    fn slots(&self) -> impl Iterator<Item = &'t AtomicU64> + use<'t> {
        let [first, second] = self.buckets;
        let second: &[AtomicU64] = if core::ptr::eq(first, second) { &[] } else { &second.slots };
        first.slots.iter().chain(second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Endpoint;
    use crate::memory::testing::Block;

    fn key(number: u32) -> FlowKey {
        // As a scan looks: neighbouring addresses and ports.
        let end = |last: u32, port: u32| Endpoint {
            address: (0xffff_0a00_0000_u128 + u128::from(last)).to_be_bytes(),
            port: port as u16,
        };
        FlowKey::new(6, 1, end(number >> 8, 40_000), end(1 << 20, number & 0xff)).0
    }

    #[test]
    fn holds_what_it_promises() {
        let block =
            Block::carve(|carver| Some((Table::carve(carver, 1 << 15, [1, 2])?, Domain::carve(carver, 1)?)));
        let (table, domain) = block.value();
        let opening = Opening { now: Time(0), origin: Direction::Send, local: Side::A };
        let guard = domain.enter(0);
        for number in 0..1 << 15 {
            assert!(
                table.get_or_insert(&guard, &key(number), &opening).is_ok(),
                "flow {number} of {}",
                1 << 15
            );
        }
        assert_eq!(table.get_or_insert(&guard, &key(1 << 15), &opening).err(), Some(Full));
        assert!((0..1 << 15).all(|number| table.find(&guard, &key(number)).is_some()));
        let second = (0..1 << 15).filter(|number| {
            let words = key(*number).words();
            let place = table.place(&words).unwrap();
            let [first, _] = place.buckets;
            let alone = Place { tag: place.tag, buckets: [first, first] };
            table.find_at(&alone, &words).is_none()
        });
        assert!(second.count() < (1 << 15) / 10, "most flows are found in their first line");
    }

    fn look(table: &Table, guard: &Guard<'_>, aim: &Aim) -> Option<Found> {
        match table.look(guard, aim) {
            Sight::Found(found) => Some(found),
            Sight::Second => table.look_again(guard, aim),
            Sight::None => None,
        }
    }

    #[test]
    fn a_full_table_finds_its_flows_in_lines() {
        const FLOWS: u32 = 1 << 15;
        let block =
            Block::carve(|carver| Some((Table::carve(carver, FLOWS, [1, 2])?, Domain::carve(carver, 1)?)));
        let (table, domain) = block.value();
        let opening = Opening { now: Time(0), origin: Direction::Send, local: Side::A };
        let guard = domain.enter(0);
        for number in 0..FLOWS {
            table.get_or_insert(&guard, &key(number), &opening).unwrap();
        }
        let (mut missed, mut second) = (0, 0);
        for number in 0..FLOWS {
            let aim = table.aim(Lane::of(&key(number)).unwrap());
            second += u32::from(table.look(&guard, &aim) == Sight::Second);
            match look(table, &guard, &aim) {
                Some(found) => assert_eq!(table.record_of(&found).unwrap().key(), key(number)),
                None => missed += 1,
            }
        }
        assert!(missed < FLOWS / 100 && second < FLOWS / 8, "{missed} not in lines, {second} in the second");
        // Keys that are not there are not found, and what was removed is not found.
        for number in FLOWS..2 * FLOWS {
            assert_eq!(look(table, &guard, &table.aim(Lane::of(&key(number)).unwrap())), None);
        }
        for number in 0..FLOWS {
            let record = table.find(&guard, &key(number)).unwrap();
            assert!(table.remove(&guard, record));
            assert_eq!(look(table, &guard, &table.aim(Lane::of(&key(number)).unwrap())), None);
        }
        drop(guard);
        for _ in 0..4 {
            table.reclaim(domain, usize::MAX, |_| {});
        }
        assert!(table.lines.is_empty(), "every place was given back");
    }

    #[test]
    fn a_verdict_is_forgotten_before_the_change_is_over() {
        let block =
            Block::carve(|carver| Some((Table::carve(carver, 4, [1, 2])?, Domain::carve(carver, 1)?)));
        let (table, domain) = block.value();
        let opening = Opening { now: Time(0), origin: Direction::Send, local: Side::A };
        let guard = domain.enter(0);
        let (record, _) = table.get_or_insert(&guard, &key(1), &opening).unwrap();
        let aim = table.aim(Lane::of(&key(1)).unwrap());
        let verdict = || look(table, &guard, &aim).unwrap().verdict();
        assert_eq!(verdict(), None);
        let early = table.blank(record).unwrap();
        table.remember(table.blank(record).unwrap(), 7);
        assert_eq!(verdict(), Some(7));
        let late = table.blank(record).unwrap();
        table.forget(record);
        assert_eq!(verdict(), None);
        table.remember(early, 8);
        table.remember(late, 9);
        assert_eq!(verdict(), None, "what was thought about before the change comes too late");
        table.remember(table.blank(record).unwrap(), super::super::MAX_VERDICT);
        assert_eq!(verdict(), Some(super::super::MAX_VERDICT));
        table.forget_verdicts(|verdict| verdict == 3);
        assert_eq!(verdict(), Some(super::super::MAX_VERDICT));
        table.forget_verdicts(|verdict| verdict == super::super::MAX_VERDICT);
        assert_eq!(verdict(), None);
        assert!(table.touch(&look(table, &guard, &aim).unwrap()));
        assert!(!table.touch(&look(table, &guard, &aim).unwrap()));
        assert!(table.take_touch(record) && !table.take_touch(record));
    }

    #[test]
    fn newcomers_go_when_the_table_is_nearly_full() {
        const FLOWS: u32 = 8_192;
        let block =
            Block::carve(|carver| Some((Table::carve(carver, FLOWS, [1, 2])?, Domain::carve(carver, 1)?)));
        let (table, domain) = block.value();
        let opening = Opening { now: Time(0), origin: Direction::Send, local: Side::A };
        let mut removed = 0;
        for number in 0..20 * FLOWS {
            let guard = domain.enter(0);
            let (record, created) = table.get_or_insert(&guard, &key(number), &opening).expect("room");
            assert!(created);
            if number < FLOWS / 2 {
                record.observe(Time(0), Side::A, None, false);
                record.observe(Time(0), Side::B, None, false);
            }
            removed += u32::from(table.admit(&guard, record));
            drop(guard);
            table.reclaim(domain, 16, |_| {});
        }
        let guard = domain.enter(0);
        assert!((0..FLOWS / 2).all(|number| table.find(&guard, &key(number)).is_some()));
        assert_eq!(table.len(), 20 * FLOWS - removed);
        assert!(table.len() <= FLOWS / 4 * 3 + 1, "{}", table.len());
    }

    #[test]
    fn a_record_removed_before_it_was_announced_stays_out_of_lists() {
        let block =
            Block::carve(|carver| Some((Table::carve(carver, 4, [1, 2])?, Domain::carve(carver, 1)?)));
        let (table, domain) = block.value();
        let opening = Opening { now: Time(0), origin: Direction::Send, local: Side::A };
        let guard = domain.enter(0);
        let (record, _) = table.get_or_insert(&guard, &key(1), &opening).unwrap();
        assert!(table.remove(&guard, record));
        // As when the remover overtakes the inserter between publishing and announcing.
        record.enter_table();
        assert_eq!(table.for_each_from(&guard, 0, usize::MAX, &mut |_| panic!("listed")), 0);
        assert!(table.at(&guard, 0).is_none());
    }

    #[test]
    fn an_equal_tag_is_not_an_equal_key() {
        let block =
            Block::carve(|carver| Some((Table::carve(carver, 4, [1, 2])?, Domain::carve(carver, 1)?)));
        let (table, domain) = block.value();
        let opening = Opening { now: Time(0), origin: Direction::Send, local: Side::A };
        table.get_or_insert(&domain.enter(0), &key(1), &opening).unwrap();
        let (mine, other) = (key(1).words(), key(2).words());
        let place = table.place(&mine).unwrap();
        assert!(table.find_at(&place, &mine).is_some());
        assert!(table.find_at(&place, &other).is_none());
        // Another key with the same tag in the same buckets finds its own slot.
        assert!(matches!(table.contend(&place, &other, &AtomicU64::new(0)), Contention::Won));
        assert!(matches!(table.contend(&place, &mine, &AtomicU64::new(0)), Contention::Lost(_)));
    }

    #[test]
    fn a_slot_is_one_word() {
        let slot = Slot::new(u32::MAX, (1 << 28) - 1, Slot::LIVE);
        assert_eq!((slot.tag(), slot.record(), slot.state()), (u32::MAX, (1 << 28) - 1, Slot::LIVE));
        let other = slot.with(Slot::COLLIDED);
        assert_eq!((other.tag(), other.record(), other.state()), (u32::MAX, (1 << 28) - 1, Slot::COLLIDED));
    }
}
