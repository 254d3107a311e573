//! Lines: where the frames of IPv4 flows find their verdict at the price of one cache miss.
//!
//! A line is 64 bytes: three keys of 13 bytes, each with the number of its flow record in the three bytes left
//! over, one word of verdict for each, and one word of control. A key has two candidate lines. Whoever looks it up
//! reads the words, compares the keys, and is done: no lock, no second look, nothing written but a bit that says
//! that the flow is alive, and that only when it is clear.
//!
//! The lines only speed up what the [`super::Table`] knows. A flow that finds no place in its two lines, or that is
//! just coming or going, is not found here and takes the way through the table.
//!
//! A place belongs to one record at a time, from before the record is published until a grace period after its
//! removal. Therefore a key stands still as long as its word says that it is live, and for as long afterwards as a
//! reader may still compare it.

use core::sync::atomic::Ordering;

use super::key::{Endpoint, FlowKey, Side};
use super::prefetch::prefetch;
use crate::memory::Carver;
use crate::sync::{AtomicU32, AtomicU64, fence};
use crate::{hash, zeroed_struct};

/// Flows in a line.
const SLOTS: usize = 3;
/// Bits of the second half of a key that are not the number of the record.
const KEY_BITS: u32 = 40;
const KEY_MASK: u64 = (1 << KEY_BITS) - 1;
/// Records with a number below this can have a place in a line.
const NUMBERS: u32 = 1 << (u64::BITS - KEY_BITS);
zeroed_struct! {
    #[derive(Debug)]
    #[repr(C, align(64))]
    struct Line {
        keys: [[AtomicU64; 2]; SLOTS],
        /// See [`word`].
        words: [AtomicU32; SLOTS],
        /// Bits 0 to 2: the flow of this slot was seen since its bit was cleared. From bit 8: flows that would stand
        /// here, and stand in their second line.
        control: AtomicU32,
    }
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Line>() == 64);

/// One more in the upper part of a line's control word.
const OVERFLOW: u32 = 1 << 8;

/// A slot's word: two bits of state, 26 bits of verdict, and a count of changes in the upper four.
mod word {
    pub(super) const FREE: u32 = 0;
    /// Taken; the flow is not published yet.
    pub(super) const RESERVED: u32 = 1;
    /// The flow was removed; readers may still compare its key.
    pub(super) const RETIRED: u32 = 1 | 1 << 2;
    /// Set while the key is that of a flow in the table.
    pub(super) const LIVE: u32 = 2;
    /// Set with `LIVE` while there is a verdict.
    pub(super) const VERDICT: u32 = 1;
    pub(super) const SHIFT: u32 = 2;
    pub(super) const CHANGE: u32 = 1 << 28;
    pub(super) const CHANGES: u32 = 0xf << 28;
}

/// Greatest verdict that a line can hold.
pub(crate) const MAX_VERDICT: u32 = (1 << 26) - 1;

/// The key of an IPv4 flow as lines hold it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lane {
    /// Both addresses, that of side A in the low half.
    low: u64,
    /// Both ports, that of side A in the low 16 bits, and the protocol above them.
    high: u64,
}

impl Lane {
    /// The compartment whose flows have places in lines: frames know no other.
    pub const COMPARTMENT: u32 = 1;

    /// The key of a flow between two ends, each an address and a port, and which side `from` became. Agrees with
    /// [`FlowKey::new`].
    #[inline]
    #[must_use]
    pub fn new(protocol: u8, from: (u32, u16), to: (u32, u16)) -> (Self, Side) {
        let end = |(address, port): (u32, u16)| u64::from(address) << 16 | u64::from(port);
        let (one, other) = (end(from), end(to));
        let (a, b) = (one.min(other), one.max(other));
        let lane = Self {
            low: a >> 16 | b >> 16 << 32,
            high: a & 0xffff | (b & 0xffff) << 16 | u64::from(protocol) << 32,
        };
        (lane, if one <= other { Side::A } else { Side::B })
    }

    /// The key that it stands for.
    #[must_use]
    pub fn key(&self) -> FlowKey {
        let end = |address: u64, port: u64| Endpoint {
            address: (0xffff_0000_0000_u128 | u128::from(address as u32)).to_be_bytes(),
            port: port as u16,
        };
        let (a, b) = (end(self.low, self.high), end(self.low >> 32, self.high >> 16));
        FlowKey::new((self.high >> 32) as u8, Self::COMPARTMENT, a, b).0
    }

    /// The key of a flow whose frames can be looked up here.
    pub(super) fn of(key: &FlowKey) -> Option<Self> {
        if !key.is_v4() || key.compartment() != Self::COMPARTMENT {
            return None;
        }
        let end = |side| {
            let end = key.endpoint(side);
            (u128::from_be_bytes(end.address) as u32, end.port)
        };
        Some(Self::new(key.protocol(), end(Side::A), end(Side::B)).0)
    }
}

/// Where a key is to be looked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Aim {
    lane: Lane,
    first: u32,
    /// The half of the hash that names the second line.
    rest: u32,
}

/// What the first look at a flow's lines showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// The flow.
    Found(Found),
    /// It may stand in its second line, which was asked for.
    Second,
    /// It is in neither line, which does not mean that there is no such flow.
    None,
}

/// What a line knows about a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Line and slot.
    pub(super) place: Spot,
    /// Number of the flow's record.
    pub(super) number: u32,
    word: u32,
}

impl Found {
    /// Number of the flow's record.
    #[inline]
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The verdict that [`Lines::remember`] left, if it still holds.
    #[inline]
    #[must_use]
    pub fn verdict(&self) -> Option<u32> {
        let there = self.word & word::LIVE != 0 && self.word & word::VERDICT != 0;
        there.then_some(self.word >> word::SHIFT & MAX_VERDICT)
    }
}

#[cfg(test)]
impl Lines {
    /// True when all is as it was in the beginning.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.iter().all(|line| {
            line.control.load(Ordering::Relaxed) == 0
                && line.words.iter().all(|word| word.load(Ordering::Relaxed) == word::FREE)
        })
    }
}

/// A slot of a line: the line's number above two bits. A record keeps it plus one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot(u32);

impl Spot {
    fn new(line: u32, slot: usize) -> Self {
        Self(line << 2 | slot as u32)
    }

    pub(super) fn from_raw(raw: u32) -> Option<Self> {
        raw.checked_sub(1).map(Self)
    }

    pub(super) fn into_raw(spot: Option<Self>) -> u32 {
        spot.map_or(0, |Self(spot)| spot.wrapping_add(1))
    }

    fn line(self) -> u32 {
        self.0 >> 2
    }

    fn slot(self) -> usize {
        self.0 as usize & 3
    }
}

/// What a word was before somebody thought about a verdict.
#[derive(Clone, Copy, Debug)]
pub struct Blank {
    spot: Spot,
    word: u32,
}

/// The lines of a table.
#[derive(Debug)]
pub(super) struct Lines {
    lines: &'static [Line],
    seed: [u64; 2],
}

impl Lines {
    /// Takes the memory for `capacity` flows from `carver`. Three of five slots stay empty, so that few flows stand in
    /// their second line and hardly any in none.
    pub(super) fn carve(carver: &mut Carver, capacity: u32, seed: [u64; 2]) -> Option<Self> {
        let lines = capacity.min(NUMBERS).checked_mul(5)?.div_ceil(2 * SLOTS as u32);
        // A secret with few bits set would let the bits of keys through.
        let seed = [hash::words(seed, [1]), hash::words(seed, [2])];
        Some(Self { lines: carver.slice(usize::try_from(lines).ok()?.max(2))?, seed })
    }

    /// Where to look for `lane`; asks for the line that is most likely to have it.
    #[inline]
    pub(super) fn aim(&self, lane: Lane) -> Aim {
        let aim = self.place(lane);
        if let Some(line) = self.lines.get(aim.first as usize) {
            prefetch(line);
        }
        aim
    }

    #[inline]
    pub(super) fn place(&self, lane: Lane) -> Aim {
        let [one, two] = self.seed;
        let product = u128::from(lane.low ^ one).wrapping_mul(u128::from(lane.high ^ two));
        let hash = product as u64 ^ (product >> 64) as u64;
        Aim { lane, first: self.number((hash >> 32) as u32), rest: hash as u32 }
    }

    /// The line that a half of a hash names.
    #[inline]
    fn number(&self, half: u32) -> u32 {
        (u64::from(half).wrapping_mul(self.lines.len() as u64) >> 32) as u32
    }

    /// What the first line knows about a flow. Asks for the second one if the flow may stand there.
    ///
    /// The caller is inside a read-side section of the table's epoch domain.
    #[inline]
    pub(super) fn find(&self, aim: &Aim) -> Sight {
        let Some(first) = self.lines.get(aim.first as usize) else { return Sight::None };
        if let Some(found) = first.find(aim.first, aim.lane) {
            return Sight::Found(found);
        }
        if first.control.load(Ordering::Relaxed) < OVERFLOW {
            return Sight::None;
        }
        if let Some(second) = self.lines.get(self.number(aim.rest) as usize) {
            prefetch(second);
        }
        Sight::Second
    }

    /// What the second line knows, after [`Sight::Second`].
    #[inline]
    pub(super) fn find_second(&self, aim: &Aim) -> Option<Found> {
        let second = self.number(aim.rest);
        self.lines.get(second as usize)?.find(second, aim.lane)
    }

    /// Notes that the flow is alive; true when nobody did since [`Lines::take_touch`].
    #[inline]
    pub(super) fn touch(&self, spot: Spot) -> bool {
        let Some(line) = self.lines.get(spot.line() as usize) else { return false };
        let bit = 1 << spot.slot();
        // Most frames find the bit set, and leave the line to the other processors.
        line.control.load(Ordering::Relaxed) & bit == 0
            && line.control.fetch_or(bit, Ordering::Relaxed) & bit == 0
    }

    /// Whether the flow was seen since this was asked before.
    pub(super) fn take_touch(&self, spot: Spot) -> bool {
        let Some(line) = self.lines.get(spot.line() as usize) else { return false };
        let bit = 1 << spot.slot();
        line.control.load(Ordering::Relaxed) & bit != 0
            && line.control.fetch_and(!bit, Ordering::Relaxed) & bit != 0
    }

    /// Takes a place for the record `number`, which is not published yet.
    pub(super) fn claim(&self, lane: Lane, number: u32) -> Option<Spot> {
        if number >= NUMBERS {
            return None;
        }
        let aim = self.place(lane);
        let first = self.lines.get(aim.first as usize)?;
        let claim = |line: &Line| {
            line.words.iter().position(|word| {
                word.load(Ordering::Relaxed) == word::FREE
                    && word
                        .compare_exchange(
                            word::FREE,
                            word::RESERVED,
                            // What the last owner's readers did stays before what follows.
                            Ordering::Acquire,
                            Ordering::Relaxed,
                        )
                        .is_ok()
            })
        };
        let (line, number_of_line, slot) = match claim(first) {
            Some(slot) => (first, aim.first, slot),
            None => {
                let number = self.number(aim.rest);
                let second = self.lines.get(number as usize).filter(|_| aim.first != number)?;
                let slot = claim(second)?;
                first.control.fetch_add(OVERFLOW, Ordering::Relaxed);
                (second, number, slot)
            }
        };
        if let Some([low, high]) = line.keys.get(slot) {
            low.store(lane.low, Ordering::Relaxed);
            high.store(lane.high | u64::from(number) << KEY_BITS, Ordering::Relaxed);
        }
        Some(Spot::new(number_of_line, slot))
    }

    /// Lets readers see a claimed place, unless its flow was removed already.
    pub(super) fn publish(&self, spot: Spot) {
        if let Some(word) = self.word(spot) {
            let _ = word.compare_exchange(word::RESERVED, word::LIVE, Ordering::Release, Ordering::Relaxed);
        }
    }

    /// Hides a place from readers that come from now on.
    pub(super) fn retire(&self, spot: Spot) {
        if let Some(word) = self.word(spot) {
            word.store(word::RETIRED, Ordering::Release);
        }
    }

    /// Gives a place back: one that no reader can compare any more, or that was never published.
    pub(super) fn free(&self, spot: Spot) {
        let line = self.lines.get(spot.line() as usize);
        let (Some(line), Some(word)) = (line, self.word(spot)) else { return };
        line.control.fetch_and(!(1 << spot.slot()), Ordering::Relaxed);
        if let Some([low, high]) = line.keys.get(spot.slot()) {
            let (low, high) = (low.load(Ordering::Relaxed), high.load(Ordering::Relaxed) & KEY_MASK);
            let aim = self.place(Lane { low, high });
            if let Some(first) = self.lines.get(aim.first as usize).filter(|_| aim.first != spot.line()) {
                first.control.fetch_sub(OVERFLOW, Ordering::Relaxed);
            }
        }
        word.store(word::FREE, Ordering::Release);
    }

    /// To be taken before the facts are read that a verdict depends on.
    pub(super) fn blank(&self, spot: Spot) -> Option<Blank> {
        let word = self.word(spot)?.load(Ordering::Acquire);
        (word & word::LIVE != 0).then_some(Blank { spot, word })
    }

    /// Keeps a verdict for the frames to come, unless something was forgotten since `blank` was taken.
    pub(super) fn remember(&self, blank: Blank, verdict: u32) {
        let new =
            blank.word & word::CHANGES | (verdict & MAX_VERDICT) << word::SHIFT | word::LIVE | word::VERDICT;
        if let (Some(word), true) = (self.word(blank.spot), new != blank.word) {
            let _ = word.compare_exchange(blank.word, new, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// To be called after the facts changed that a verdict depends on: nobody goes by the old one afterwards.
    pub(super) fn forget(&self, spot: Spot) {
        if let Some(word) = self.word(spot) {
            forget(word, |_| true);
        }
    }

    /// Forgets every verdict that `stale` says yes to.
    pub(super) fn forget_all(&self, stale: impl Fn(u32) -> bool) {
        for word in self.lines.iter().flat_map(|line| &line.words) {
            let seen = word.load(Ordering::Relaxed);
            if seen & word::VERDICT != 0 && seen & word::LIVE != 0 {
                forget(word, |seen| stale(seen >> word::SHIFT & MAX_VERDICT));
            }
        }
    }

    fn word(&self, spot: Spot) -> Option<&'static AtomicU32> {
        self.lines.get(spot.line() as usize)?.words.get(spot.slot())
    }
}

fn forget(word: &AtomicU32, stale: impl Fn(u32) -> bool) {
    // The count of changes tells a verdict that is being thought about that it comes too late, also where there is
    // none yet.
    let _ = word.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |seen| {
        let changes = (seen & word::CHANGES).wrapping_add(word::CHANGE);
        (seen & word::LIVE != 0 && stale(seen)).then_some(changes | word::LIVE)
    });
}

impl Line {
    #[inline]
    fn find(&self, line: u32, lane: Lane) -> Option<Found> {
        let [w0, w1, w2] = &self.words;
        let words = [w0, w1, w2].map(|word| word.load(Ordering::Relaxed));
        // Words before keys: a key stands still while its word is live.
        fence(Ordering::Acquire);
        let [k0, k1, k2] = &self.keys;
        let keys =
            [k0, k1, k2].map(|[low, high]| (low.load(Ordering::Relaxed), high.load(Ordering::Relaxed)));
        // Without branches: in which slot a key stands is chance, and chance is what processors guess badly. Zero for the
        // key; the number of its record is shifted out.
        let differs = |word: u32, (low, high): (u64, u64)| {
            (low ^ lane.low) | (high ^ lane.high) << (u64::BITS - KEY_BITS) | u64::from(!word & word::LIVE)
        };
        // The highest bit alone, where there is no difference. A comparison would become a branch.
        let same = |differs: u64| (!differs & differs.wrapping_sub(1)) >> (u64::BITS - 1);
        let ([w0, w1, w2], [k0, k1, k2]) = (words, keys);
        let found = same(differs(w0, k0)) | same(differs(w1, k1)) << 1 | same(differs(w2, k2)) << 2;
        // One bit to its position: 1, 2 and 4 to 0, 1 and 2, none out of range. So are two bits but for the lowest ones: a
        // key that comes back while it goes may stand in a line twice, and takes the way through the table.
        let less = found.wrapping_sub(1) as usize;
        let slot = less.wrapping_sub(less >> 1 & 1);
        let [_, high] = self.keys.get(slot)?;
        let word = self.words.get(slot)?.load(Ordering::Relaxed);
        let number = (high.load(Ordering::Relaxed) >> KEY_BITS) as u32;
        Some(Found { place: Spot::new(line, slot), number, word })
    }
}
