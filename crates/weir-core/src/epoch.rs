//! Read-side critical sections per processor, and a way to know when all that began earlier have ended.
//!
//! Works like sleepable RCU. A reader counts itself into its processor's counter of the current phase, and
//! out of the same counter, also when it was moved to another processor meanwhile. A writer unlinks
//! something, notes [`Domain::now`], and may reuse the memory once [`Domain::elapsed`] says so. Phases
//! alternate, so a steady stream of readers cannot hold a writer up for ever.

use core::sync::atomic::Ordering;

use crate::memory::Carver;
use crate::sync::{AtomicBool, AtomicU32, AtomicU64, Site, fence, fence_at};
use crate::zeroed_struct;

zeroed_struct! {
    /// Readers of one processor, by phase. Alone on its cache lines: the adjacent-line prefetcher pairs
    /// lines.
    #[derive(Debug)]
    #[repr(C, align(128))]
    struct Readers {
        phases: [AtomicU32; 2],
    }
}

/// A point in the life of a [`Domain`], taken after something was unlinked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(u64);

impl Ticket {
    /// For keeping a ticket in an atomic.
    #[must_use]
    pub fn into_raw(self) -> u64 {
        self.0
    }

    /// The inverse of [`Ticket::into_raw`].
    #[must_use]
    pub fn from_raw(raw: u64) -> Self {
        Self(raw)
    }
}

/// Readers and writers that know of each other.
#[derive(Debug)]
pub struct Domain {
    processors: &'static [Readers],
    phase: AtomicU32,
    advances: AtomicU64,
    advancing: AtomicBool,
}

/// A read-side critical section; it ends when dropped.
#[derive(Debug)]
pub struct Guard<'d> {
    counter: Option<&'d AtomicU32>,
}

impl Domain {
    /// Takes the memory of a domain for `processors` from `carver`.
    #[must_use]
    pub fn carve(carver: &mut Carver, processors: u32) -> Option<Self> {
        Some(Self {
            processors: carver.slice(usize::try_from(processors.max(1)).ok()?)?,
            phase: AtomicU32::new(0),
            advances: AtomicU64::new(0),
            advancing: AtomicBool::new(false),
        })
    }

    /// Begins a read-side critical section. Never waits. Processors beyond the configured number share a
    /// counter.
    #[must_use]
    pub fn enter(&self, processor: u32) -> Guard<'_> {
        let phase = self.phase.load(Ordering::Relaxed) & 1;
        let readers = self.processors.get(processor as usize).or(self.processors.first());
        let counter = readers.and_then(|readers| readers.phases.get(phase as usize));
        if let Some(counter) = counter {
            counter.fetch_add(1, Ordering::SeqCst);
        }
        // Pairs with the fence in `try_advance`: either the writer sees the count, or this reader sees the
        // unlinking. On x86-64 the addition is such a fence already, which the compiler does not know.
        if cfg!(all(target_arch = "x86_64", not(loom))) && counter.is_some() {
            core::sync::atomic::compiler_fence(Ordering::SeqCst);
        } else {
            fence_at(Site::Enter, Ordering::SeqCst);
        }
        Guard { counter }
    }

    /// A ticket for what was unlinked before this call.
    #[must_use]
    pub fn now(&self) -> Ticket {
        fence(Ordering::SeqCst);
        Ticket(self.advances.load(Ordering::SeqCst))
    }

    /// True when no reader that could have seen what was unlinked before `ticket` is left.
    #[must_use]
    pub fn elapsed(&self, ticket: Ticket) -> bool {
        // Two advances find each phase empty once; a third, because the first may have begun before the
        // ticket.
        self.advances.load(Ordering::SeqCst).wrapping_sub(ticket.0) >= 3
    }

    /// Moves on by one phase when no reader of the other phase is left. Never waits.
    pub fn try_advance(&self) -> bool {
        if self.advancing.swap(true, Ordering::SeqCst) {
            return false;
        }
        fence(Ordering::SeqCst);
        let phase = self.phase.load(Ordering::Relaxed) & 1;
        let other = phase ^ 1;
        let empty = self.processors.iter().all(|readers| {
            readers.phases.get(other as usize).is_none_or(|counter| counter.load(Ordering::SeqCst) == 0)
        });
        if empty {
            self.phase.store(other, Ordering::SeqCst);
            self.advances.fetch_add(1, Ordering::SeqCst);
        }
        self.advancing.store(false, Ordering::SeqCst);
        empty
    }

    /// Waits for all readers that began before this call; `pause` is called between looks. Not from inside a
    /// reader.
    pub fn synchronize(&self, mut pause: impl FnMut()) {
        let ticket = self.now();
        while !self.elapsed(ticket) {
            if !self.try_advance() {
                pause();
            }
        }
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if let Some(counter) = self.counter {
            counter.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::memory::testing::Block;

    #[test]
    fn a_reader_holds_up_exactly_what_it_could_see() {
        let block = Block::carve(|carver| Domain::carve(carver, 2));
        let domain = block.value();
        let ticket = domain.now();
        let guard = domain.enter(1);
        for _ in 0..10 {
            domain.try_advance();
        }
        assert!(!domain.elapsed(ticket), "a reader from before is still inside");
        drop(guard);
        for _ in 0..3 {
            assert!(domain.try_advance());
        }
        assert!(domain.elapsed(ticket));
    }

    #[test]
    fn nothing_is_reclaimed_under_a_reader() {
        const POISON: usize = usize::MAX;
        let block = Block::carve(|carver| Domain::carve(carver, 3));
        let domain = block.value();
        let cells = [AtomicUsize::new(0), AtomicUsize::new(POISON)];
        let current = AtomicUsize::new(0);
        let done = AtomicBool::new(false);
        let reads = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for processor in 0..3 {
                let (cells, current, done, reads) = (&cells, &current, &done, &reads);
                scope.spawn(move || {
                    while !done.load(Ordering::Relaxed) {
                        let guard = domain.enter(processor);
                        let cell = &cells[current.load(Ordering::Acquire)];
                        for _ in 0..20 {
                            assert_ne!(cell.load(Ordering::Relaxed), POISON, "freed while in use");
                        }
                        reads.fetch_add(1, Ordering::Relaxed);
                        drop(guard);
                        std::thread::yield_now();
                    }
                });
            }
            for round in 0..300_usize {
                let old = round % 2;
                cells[1 - old].store(round, Ordering::Relaxed);
                current.store(1 - old, Ordering::Release);
                domain.synchronize(std::thread::yield_now);
                cells[old].store(POISON, Ordering::Relaxed);
            }
            while reads.load(Ordering::Relaxed) < 100 {
                std::thread::yield_now();
            }
            done.store(true, Ordering::Relaxed);
        });
    }
}
