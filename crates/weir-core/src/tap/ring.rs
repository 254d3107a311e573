//! One processor's ring of records: one writer at a time, one reader, no lock.
//!
//! A record is a run of words; the first holds its length in words (low half), the second its time. Positions only rise;
//! a word lies at its position modulo the capacity, a power of two, so that records need no padding at the end.
//!
//! The reader of several rings wants records in the order of time, and must not give one out while an earlier one is
//! still being written elsewhere. So a writer claims its ring before it looks at the clock, and the reader looks at
//! the clock before it looks for writers; whoever it does not see then will have a later time.

use super::sync::{AtomicU32, AtomicU64, Ordering, fence};
use crate::zeroed_struct;

zeroed_struct! {
    /// What the writer changes. Alone on its cache lines: the adjacent-line prefetcher pairs lines.
    #[derive(Debug)]
    #[repr(C, align(128))]
    pub(crate) struct Written {
        /// Position behind the last record.
        head: AtomicU64,
        /// Time of the last record.
        last: AtomicU64,
        /// Records ever published.
        records: AtomicU64,
        /// Records for which there was no room.
        lost: AtomicU64,
        /// 1 while somebody writes.
        writing: AtomicU32,
    }
}

zeroed_struct! {
    /// What the reader changes.
    #[derive(Debug)]
    #[repr(C, align(128))]
    pub(crate) struct Read {
        /// Position of the first record that was not read.
        tail: AtomicU64,
        /// The head as [`survey`] saw it; the reader's own.
        seen: AtomicU64,
    }
}

/// A view of one ring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ring<'a> {
    /// The writer's part.
    pub(crate) written: &'a Written,
    /// The reader's part.
    pub(crate) read: &'a Read,
    /// Room for records: a power of two.
    pub(crate) words: &'a [AtomicU64],
}

/// A ring claimed for one record; free again when dropped.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    ring: Ring<'a>,
    head: u64,
}

impl<'a> Ring<'a> {
    /// Claims the ring for a record; `None` while somebody else has it. The record's time is to be asked for after this.
    pub(crate) fn claim(self) -> Option<Writer<'a>> {
        if self.written.writing.swap(1, Ordering::AcqRel) != 0 {
            return None;
        }
        // Pairs with the fence in `survey`.
        fence(Ordering::SeqCst);
        Some(Writer { ring: self, head: self.written.head.load(Ordering::Relaxed) })
    }

    /// Counts a record for which there was no room.
    pub(crate) fn lose(self) {
        self.written.lost.fetch_add(1, Ordering::Relaxed);
    }

    /// Records ever published, and records lost.
    #[must_use]
    pub(crate) fn counts(self) -> (u64, u64) {
        (self.written.records.load(Ordering::Relaxed), self.written.lost.load(Ordering::Relaxed))
    }

    fn word(self, position: u64) -> u64 {
        let mask = (self.words.len() as u64).wrapping_sub(1);
        self.words.get((position & mask) as usize).map_or(0, |word| word.load(Ordering::Relaxed))
    }

    /// Word `offset` of the record that [`earliest`] gave.
    #[must_use]
    pub(crate) fn peek(self, offset: u64) -> u64 {
        self.word(self.read.tail.load(Ordering::Relaxed).wrapping_add(offset))
    }

    /// Gives the room of that record back.
    pub(crate) fn consume(self) {
        let tail = self.read.tail.load(Ordering::Relaxed);
        let size = self.word(tail) & u64::from(u32::MAX);
        self.read.tail.store(tail.wrapping_add(size), Ordering::Release);
    }

    /// The time of the first record that is seen and not read.
    fn first(self) -> Option<u64> {
        let tail = self.read.tail.load(Ordering::Relaxed);
        (tail != self.read.seen.load(Ordering::Relaxed)).then(|| self.word(tail.wrapping_add(1)))
    }
}

impl Writer<'_> {
    /// Words that are free.
    #[must_use]
    pub(crate) fn free(&self) -> u64 {
        let used = self.head.wrapping_sub(self.ring.read.tail.load(Ordering::Acquire));
        (self.ring.words.len() as u64).saturating_sub(used)
    }

    /// `time`, or that of the record before when the clock went back.
    #[must_use]
    pub(crate) fn time(&self, time: u64) -> u64 {
        time.max(self.ring.written.last.load(Ordering::Relaxed))
    }

    /// Writes word `offset` of the record, which must be free.
    pub(crate) fn put(&self, offset: u64, value: u64) {
        let mask = (self.ring.words.len() as u64).wrapping_sub(1);
        if let Some(word) = self.ring.words.get((self.head.wrapping_add(offset) & mask) as usize) {
            word.store(value, Ordering::Relaxed);
        }
    }

    /// Shows the record, `size` words that are all written, to the reader.
    pub(crate) fn publish(self, size: u32, time: u64) {
        let written = self.ring.written;
        written.records.fetch_add(1, Ordering::Relaxed);
        written.head.store(self.head.wrapping_add(u64::from(size)), Ordering::Release);
        // After the head: who sees this time finds the record, too.
        written.last.store(time, Ordering::Release);
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        self.ring.written.writing.store(0, Ordering::Release);
    }
}

/// Notes what is there now; returns the time up to which nothing is missing. For the one reader, before [`earliest`].
pub(crate) fn survey<'a>(rings: impl Iterator<Item = Ring<'a>>, clock: impl FnOnce() -> u64) -> u64 {
    let mut bound = clock();
    // Pairs with the fence in `claim`: whoever is not seen writing below looks at the clock after this.
    fence(Ordering::SeqCst);
    for ring in rings {
        if ring.written.writing.load(Ordering::Acquire) != 0 {
            // What is being written is no earlier than what was written before.
            bound = bound.min(ring.written.last.load(Ordering::Acquire));
        }
        ring.read.seen.store(ring.written.head.load(Ordering::Acquire), Ordering::Relaxed);
    }
    bound
}

/// The ring with the earliest record, if that is not later than `bound`.
pub(crate) fn earliest<'a>(rings: impl Iterator<Item = Ring<'a>>, bound: u64) -> Option<Ring<'a>> {
    let firsts = rings.filter_map(|ring| Some((ring.first()?, ring)));
    let (time, ring) = firsts.min_by_key(|(time, _)| *time)?;
    (time <= bound).then_some(ring)
}
